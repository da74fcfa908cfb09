"""One thing that was looked at, what was found, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from models.refusal import Refusal


class State(StrEnum):
    ok = "ok"
    warning = "warning"  # it works, and somebody should see to it
    broken = "broken"  # something doesn't work, or soon won't
    skipped = "skipped"  # it couldn't be looked at as things are


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is a word for programs; `said` what was found and what to do, in one sentence each."""

    name: str
    state: State
    said: str
    said_en: str


def ok(name: str, said: str, said_en: str) -> Check:
    return Check(name, State.ok, said, said_en)


def warning(name: str, said: str, said_en: str) -> Check:
    return Check(name, State.warning, said, said_en)


def broken(name: str, said: str, said_en: str) -> Check:
    return Check(name, State.broken, said, said_en)


def skipped(name: str, said: str, said_en: str) -> Check:
    return Check(name, State.skipped, said, said_en)


def looked(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    """What `look` finds. That it fails is a finding, and keeps nobody from looking at the rest."""
    try:
        return look()
    except Refusal as no:
        return [broken(name, no.detail, no.detail_en)]
    except Exception as error:
        why = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        return [broken(name, f"检查没有做完：{why}。", f"This couldn't be looked at: {why}.")]
