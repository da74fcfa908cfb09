"""What people bring when they record something, read with trust in no type: facts come from forms and programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from models.clock import parse_time
from models.enumerations import Word
from statemachines.errors import Refused

W = TypeVar("W", bound=Word)


def said_text(said: Mapping[str, Any], name: str) -> str | None:
    """A text with something in it, or None."""
    value = said.get(name)
    return value.strip() if isinstance(value, str) and value.strip() else None


def said_word(said: Mapping[str, Any], name: str, words: type[W]) -> W:
    """One of the words. Raises Refused, with the fact's own name as its reason, for anything else."""
    value = said.get(name)
    if isinstance(value, str) and value in words.__members__:
        return words(value)
    raise Refused(name, f"“{value}”不是可选项，请重新选择（{name}）。", f"{value!r} is not one of {', '.join(words)} ({name}).")


def said_time(facts: Mapping[str, Any], name: str) -> datetime | None:
    """An aware time, or None where nothing is said. Raises Refused for anything else."""
    value = facts.get(name)
    if value in (None, ""):
        return None
    try:
        moment = parse_time(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if isinstance(moment, datetime) and moment.tzinfo:
        return moment
    raise Refused(name, "时间无法识别，请重新填写。", "The time can't be read; give it with date, time and offset.")
