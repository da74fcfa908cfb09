"""Whose move it is: the cases that wait for one of the caller's posts, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, end_of
from models.enumerations import HazardState, PostKind, Word
from web import hazard
from web.caller import Caller
from web.hazard import HazardView, Row, Wanted


class Todo(Word):
    """What a case wants from somebody; in the order in which it is shown."""

    approve = "approve", "待我审批", "to approve"
    dispatch = "dispatch", "待我交办", "to dispatch"
    reinspect = "reinspect", "待我复查", "to re-inspect"
    acknowledge = "acknowledge", "待我签收", "to acknowledge"
    rectify = "rectify", "待我整改", "to rectify"
    urge = "urge", "报到我处", "escalated to me"


BY_STATE = {
    HazardState.verified: Todo.approve,
    HazardState.found: Todo.dispatch,
    HazardState.reopened: Todo.dispatch,
    HazardState.submitted: Todo.reinspect,
    HazardState.assigned: Todo.acknowledge,
    HazardState.rectifying: Todo.rectify,
}

# My own move: by what the case is to my posts. An escalation told to my post is mine too, while the case doesn't move.
MINE = """
(case c.state
    when 'verified' then c.approver_post_id = any(:posts)
    when 'found' then case c.grade when 'major' then :heads else :dispatches end
    when 'reopened' then case c.grade when 'major' then :heads else :dispatches end
    when 'submitted' then c.team_id = any(:inspected) or (c.grade = 'major' and :for_district)
    else c.responsible_post_id = any(:posts)
end)
"""
TOLD = """
exists (
    select from timer t join notice n on n.timer_id = t.id and n.run = t.run and n.rung = t.fired
    where t.case_id = c.id and t.stopped_at is null and t.fired > 0 and t.due_at < :now and n.for_post_id = any(:posts)
)
"""
WAITING = f"c.ended_at is null and (({MINE}) is true or (c.due_at < :now and {TOLD}))"


class InboxView(HazardView):
    """A hazard with what it wants from the caller."""

    todo: Todo


@dataclass(frozen=True, slots=True)
class Pile:
    """How many cases want the same thing, and how many of them press."""

    todo: Todo
    all: int
    major: int
    overdue: int
    today: int


def _asked(caller: Caller) -> dict[str, object]:
    return {
        "posts": caller.post_ids,
        "dispatches": PostKind.office_dispatcher in caller.kinds,
        "heads": PostKind.office_head in caller.kinds,
        "inspected": [seat.unit_id for seat in caller.seats if seat.kind == PostKind.inspector],
        "for_district": PostKind.district_department in caller.kinds,
        "now": caller.now,
    }


def _condition(todo: Todo | None) -> str:
    if todo is None:
        return WAITING
    if todo == Todo.urge:
        return f"c.ended_at is null and ({MINE}) is not true and c.due_at < :now and {TOLD}"
    states = ", ".join(f"'{state}'" for state, wanted in BY_STATE.items() if wanted == todo)
    return f"c.state in ({states}) and ({MINE}) is true"


def wanted(caller: Caller, todo: Todo | None = None, filters: Wanted | None = None) -> Wanted:
    """The filter for what waits for the caller."""
    given = filters or Wanted()
    return Wanted(
        given.states, given.grade, given.village, given.team, given.kind, given.place, given.overdue, given.due_before, given.q,
        also=_condition(todo), asked=_asked(caller),
    )  # fmt: skip


def page(
    session: Session, caller: Caller, limit: int, after: str | None = None, todo: Todo | None = None, filters: Wanted | None = None
) -> tuple[list[tuple[Row, Todo]], str | None]:
    """What waits for the caller, the soonest due first."""
    rows, following = hazard.many(session, caller, wanted(caller, todo, filters), limit, after, soonest=True)
    return [(row, _todo(row, caller)) for row in rows], following


def _todo(row: Row, caller: Caller) -> Todo:
    """The same case as in MINE, for one row that has been read."""
    view, mine = row.view, {seat.code for seat in caller.seats}
    own = {
        Todo.approve: view.approver_post in mine,
        Todo.dispatch: (PostKind.office_head if view.grade == "major" else PostKind.office_dispatcher) in caller.kinds,
        Todo.reinspect: _inspects(view, caller),
        Todo.acknowledge: view.responsible_post in mine,
        Todo.rectify: view.responsible_post in mine,
    }
    todo = BY_STATE[view.state]
    return todo if own[todo] else Todo.urge


def _inspects(view: HazardView, caller: Caller) -> bool:
    if view.grade == "major" and PostKind.district_department in caller.kinds:
        return True
    return any(seat.kind == PostKind.inspector and seat.unit == view.supervising_team for seat in caller.seats)


PILES = """
select case when ({mine}) is true then c.state else 'urge' end as what, count(*) as all,
    count(*) filter (where c.grade = 'major') as major, count(*) filter (where c.due_at < :now) as overdue,
    count(*) filter (where c.due_at between :now and :tonight) as today
from cases c where {reach} and {waiting} group by 1
"""


def piles(session: Session, caller: Caller) -> list[Pile]:
    """What waits for the caller, counted; in the order of `Todo`, without what there is none of."""
    reach, asked = caller.reach()
    query = text(PILES.format(mine=MINE, reach=reach, waiting=WAITING))
    rows = session.execute(query, {**asked, **_asked(caller), "tonight": tonight(caller.now)}).all()
    found: dict[Todo, list[Sequence[int]]] = {}
    for row in rows:
        todo = Todo.urge if row.what == "urge" else BY_STATE[HazardState(row.what)]
        found.setdefault(todo, []).append((row.all, row.major, row.overdue, row.today))
    return [Pile(todo, *(sum(column) for column in zip(*found[todo], strict=True))) for todo in Todo if todo in found]


def tonight(now: datetime) -> datetime:
    """The last second of the day in Shanghai."""
    return end_of(day_of(now))
