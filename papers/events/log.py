"""The event log: every step of every case in an order that is the same everywhere, read row by row.

Business time only. Persons appear as their opaque keys; names, free text and photos aren't in history and so aren't here either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.enumerations import STATES, CaseKind, CaseState
from statemachines.laws import LAWS

AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """One event. `facts` are what the step said, without the salted hashes of texts and photos; `hash` names it in the chain of history."""

    case: str
    kind: CaseKind
    seq: int
    trigger: str
    at: datetime
    from_state: str | None
    to_state: str
    post: str
    person: str
    unit: str | None
    grade: str
    place: str | None
    village: str | None
    team: str | None
    parent: str | None
    field: str | None
    facts: Mapping[str, Any]
    hash: str

    @property
    def activity(self) -> str:
        """What people call the step; distinct within a kind of case (a test says so)."""
        return activity(self.kind, self.trigger)

    @property
    def task(self) -> str:
        """The step and the state that it started from: the id of its task in the BPMN model."""
        return f"{self.trigger}_{self.from_state or 'new'}"

    @property
    def id(self) -> str:
        return f"{self.case}#{self.seq}"

    @property
    def stamp(self) -> str:
        """The business time with Shanghai's offset, to the millisecond."""
        return local(self.at).isoformat(timespec="milliseconds")


def activity(kind: CaseKind, trigger: str) -> str:
    """The Chinese name of a step. One of which the law knows nothing any more keeps its identifier."""
    transition = LAWS[kind].by_trigger.get(trigger)
    return transition.zh if transition else trigger


def state(kind: CaseKind, name: str | None) -> str:
    """The Chinese name of a state, empty before there is one."""
    return _states(kind)[name].zh if name else ""


@cache
def _states(kind: CaseKind) -> Mapping[str, CaseState]:
    return {each.value: each for each in STATES[kind]}


EVENTS = """
select c.code as case, c.kind, e.seq, e.trigger, e.at, e.from_state, e.to_state, e.post, e.person, seated.name as unit, c.grade,
    place.code as place, village.name as village, team.name as team, parent.code as parent, h.field, e.facts, e.hash
from event e join cases c on c.id = e.case_id
left join hazard h on h.case_id = c.id left join cases parent on parent.id = c.parent_id left join place on place.id = c.place_id
left join unit village on village.id = c.village_id left join unit team on team.id = c.team_id
left join post on post.township_id = c.township_id and post.code = e.post left join unit seated on seated.id = post.unit_id
where c.township_id = :township and e.at <= :until and (cast(:kind as text) is null or c.kind = :kind)
order by {order}
"""
BY_TIME = text(EVENTS.format(order='e.at, c.code collate "C", e.seq'))
BY_CASE = text(EVENTS.format(order='c.code collate "C", e.seq'))


def lines(session: Session, township_id: int, until: datetime, kind: CaseKind | None = None, *, by_case: bool = False) -> Iterator[Line]:
    """Events up to business time `until`: as they happened (then by code and number), or case by case. A few thousand in memory at once."""
    asked = {"township": township_id, "until": until, "kind": kind}
    rows = session.execute(BY_CASE if by_case else BY_TIME, asked, execution_options={"yield_per": AT_ONCE})
    for row in rows.mappings():
        facts = {name: value for name, value in row["facts"].items() if not _hashed(value)}
        yield Line(**{**row, "kind": CaseKind(row["kind"]), "facts": facts})


def _hashed(value: Any) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, str) and first.startswith("sha256:")


def plain(value: Any) -> str | int | float | bool:
    """A fact as one value of a table: lists and objects joined."""
    if isinstance(value, list):
        return ",".join(str(each) for each in value)
    if isinstance(value, dict):
        return ";".join(f"{name}={value[name]}" for name in sorted(value))
    return value if isinstance(value, str | int | float | bool) else ""
