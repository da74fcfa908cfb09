"""Which hazards a ledger holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from models.case import OVERDUE
from models.clock import day_of, end_of, parse_time
from models.enumerations import Grade, HazardState, PlaceKind, Word
from models.refusal import Refusal


class WhichLines(Refusal):
    """A filter that there isn't, or a value that it can't have."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Every filter that is set must hold. `village`, `team` and `place` are codes; `since` and `until` bound when it was found (business
    time, both included); `due_before` is about the present move, `level` the least that it has been
    escalated to, `to` the key of a person to whom an escalation was told."""

    states: Sequence[HazardState] = ()
    grade: Grade | None = None
    village: str | None = None
    team: str | None = None
    kind: PlaceKind | None = None
    place: str | None = None
    overdue: bool | None = None
    due_before: datetime | None = None
    level: int | None = None
    to: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    q: str | None = None

    def where(self, now: datetime) -> tuple[str, dict[str, Any]]:
        """The SQL condition on c (cases), h (hazard) and p (place), and its parameters."""
        said = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "overdue"}
        asked = {name: _plain(name, value) for name, value in said.items() if value not in (None, (), [], "")}
        conditions = [CONDITIONS[name] for name in asked]
        if self.overdue is not None:
            conditions.append(OVERDUE if self.overdue else f"not coalesce({OVERDUE}, false)")
        return " and ".join(["true", *conditions]), {**asked, "now": now}


CONDITIONS = {
    "states": "c.state = any(:states)",
    "grade": "c.grade = :grade",
    "village": "c.village_id = (select id from unit where township_id = c.township_id and code = :village)",
    "team": "c.team_id = (select id from unit where township_id = c.township_id and code = :team)",
    "kind": "p.kind = :kind",
    "place": "p.code = :place",
    "due_before": "c.ended_at is null and c.due_at < :due_before",
    "level": "c.level >= :level",
    "to": """c.id in (select case_id from notice where (facts ->> 'level')::int > 0
        and person_id = (select id from person where township_id = c.township_id and key = :to))""",
    "since": "h.found_at >= :since",
    "until": "h.found_at <= :until",
    "q": "(c.code ilike :q or h.description ilike :q or p.name ilike :q or p.code ilike :q)",
}


def _plain(name: str, value: Any) -> Any:
    if name == "q":
        literal = str(value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{literal}%"
    return [str(each) for each in value] if name == "states" else str(value) if isinstance(value, Word) else value


WORDS: Mapping[str, type[Word]] = {"state": HazardState, "grade": Grade, "kind": PlaceKind}


def filter_of(said: Sequence[str]) -> Filter:
    """The filter of words like `grade=major`, `state=found`, `since=2023-03-01`, `overdue=yes`; a state may be said several times.

    Words may be given by identifier or in Chinese. Raises WhichLines.
    """
    made = Filter()
    for each in said:
        name, found, value = each.partition("=")
        if not found or name not in NAMES:
            known = ", ".join(NAMES)
            raise WhichLines(f"看不懂筛选条件“{each}”，可用：{known}。", f"Not a filter: {each!r}; there are {known}.")
        made = _with(made, name, value.strip())
    return made


NAMES = ("state", "grade", "village", "team", "kind", "place", "overdue", "since", "until", "q")


def _with(made: Filter, name: str, value: str) -> Filter:
    if name == "state":
        return replace(made, states=(*made.states, _word(HazardState, value)))
    if name in WORDS:
        return replace(made, **{name: _word(WORDS[name], value)})
    if name == "overdue":
        return replace(made, overdue=value in ("yes", "true", "是", "1"))
    found: Any = _moment(name, value) if name in ("since", "until") else value
    return replace(made, **{name: found})


def _word(words: type[Word], value: str) -> Any:
    for word in words:
        if value in (word, word.zh):
            return word
    known = "、".join(each.zh for each in words)
    raise WhichLines(f"“{value}”不是可选的词，可用：{known}。", f"{value!r} is not one of {', '.join(words)}.")


def _moment(name: str, value: str) -> datetime:
    try:
        found = parse_time(value)
    except ValueError:
        raise WhichLines(f"“{value}”不是日期，例如 2023-03-01。", f"{value!r} is not a day like 2023-03-01.") from None
    return end_of(day_of(found)) if name == "until" and len(value) == 10 else found
