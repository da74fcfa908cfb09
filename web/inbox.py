"""Whose move it is: the cases that wait for one of the caller's posts, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, end_of, local
from models.enumerations import CaseKind, Grade, HazardState, PostKind, Word
from statemachines.registry import OFFICE
from web import cursor, hazard
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
WAITING = f"c.kind = 'hazard' and c.ended_at is null and (({MINE}) is true or (c.due_at < :now and {TOLD}))"


class Ask(Word):
    """What a case that is no hazard wants from somebody."""

    decide = "decide", "待我决定", "to decide"
    opine = "opine", "待我核查", "to give an opinion on"
    record_reply = "record_reply", "待我记录回复", "to record the reply to"
    report_progress = "report_progress", "待我报告进展", "to report progress on"
    do_duty = "do_duty", "待我履职", "to be done"
    verify = "verify", "待我核实", "to verify"
    answer = "answer", "待我答复", "to answer"
    urge = "urge", "报到我处", "escalated to me"


# The same for the other kinds. A listing that stands wants its progress told once that is due within a week.
ASKS = """
(case
    when c.kind in ('extension', 'appeal', 'listing') and c.state in ('asked', 'opined', 'proposed', 'delisting')
        and c.approver_post_id = any(:posts) then 'decide'
    when c.kind = 'appeal' and c.state = 'asked' and :heads then 'opine'
    when c.kind = 'transfer' and :office then 'record_reply'
    when c.kind = 'listing' and c.state = 'listed' and c.due_at < :soon and (c.responsible_post_id = any(:posts) or :heads)
        then 'report_progress'
    when c.kind = 'duty' and c.responsible_post_id = any(:posts)
        and exists (select from duty_run where case_id = c.id and opens_at <= :now) then 'do_duty'
    when c.kind = 'report' and c.state in ('received', 'disputed') and (:dispatches or :heads and c.grade = 'major') then 'verify'
    when c.kind = 'report' and c.state in ('substantiated', 'unfounded') and :office then 'answer'
    when c.due_at < :now and {told} then 'urge'
end)
""".replace("{told}", TOLD)
AHEAD = timedelta(days=7)


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
        "office": bool(caller.kinds & OFFICE),
        "now": caller.now,
        "soon": caller.now + AHEAD,
    }


def _condition(todo: Todo | None) -> str:
    if todo is None:
        return WAITING
    if todo == Todo.urge:
        return f"c.kind = 'hazard' and c.ended_at is null and ({MINE}) is not true and c.due_at < :now and {TOLD}"
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


class WaitingView(BaseModel):
    """A case of any kind that waits for the caller; a hazard too. `title`: what it is about, in words; `todo`: what is wanted."""

    model_config = ConfigDict(title="Waiting")
    kind: CaseKind
    code: str
    state: str
    version: int
    todo: Todo | Ask
    title: str
    hazard: str | None
    place: str | None
    place_name: str | None
    grade: Grade
    responsible_post: str | None
    due_at: datetime | None
    overdue: bool


EVERYTHING = """
select * from (
    select c.id, c.kind, c.code, c.state, c.version, c.grade, c.due_at, coalesce(c.due_at < :now, false) as overdue,
        least(coalesce(c.due_at, 'infinity'), '9999-01-01') as sort,
        case when c.kind = 'hazard' and ({mine}) is true then c.state when c.kind = 'hazard' then 'urge' else {asks} end as todo,
        coalesce(h.description, duty_run.title, public_report.description, listing.statement, transfer.recipient, extension.statement,
            appeal.statement, '') as title,
        (select code from cases where id = c.parent_id) as hazard, p.code as place, p.name as place_name,
        (select code from post where id = c.responsible_post_id) as responsible_post
    from cases c left join place p on p.id = c.place_id left join hazard h on h.case_id = c.id
    left join duty_run on duty_run.case_id = c.id left join public_report on public_report.case_id = c.id
    left join listing on listing.case_id = c.id left join transfer on transfer.case_id = c.id
    left join extension on extension.case_id = c.id left join appeal on appeal.case_id = c.id
    where {reach} and c.ended_at is null and c.kind = any(:kinds) and (c.kind <> 'hazard' or {waiting})
) waiting
where todo is not null and (sort, id) > (:after_moment, :after_id) order by sort, id limit :limit
"""
SINCE_EVER = datetime(1, 1, 2, tzinfo=UTC)


def everything(
    session: Session, caller: Caller, kinds: Sequence[CaseKind], limit: int, after: str | None = None
) -> tuple[list[WaitingView], str | None]:
    """What waits for the caller, cases of any of these kinds, the soonest due first; and the cursor of the next page."""
    reach, asked = caller.reach()
    moment, id = cursor.read("waiting", after) if after else (SINCE_EVER, 0)
    known = {**asked, **_asked(caller), "kinds": [str(kind) for kind in kinds], "after_moment": moment, "after_id": id, "limit": limit + 1}
    rows = session.execute(text(EVERYTHING.format(mine=MINE, asks=ASKS, waiting=WAITING, reach=reach)), known).all()
    found = [_waiting(row) for row in rows[:limit]]
    return found, cursor.write("waiting", rows[limit - 1].sort, rows[limit - 1].id) if len(rows) > limit else None


def _waiting(row: Any) -> WaitingView:
    read = {name: row._mapping[name] for name in WaitingView.model_fields if name not in ("todo", "due_at")}
    own_move = row.kind == CaseKind.hazard and row.todo != Todo.urge
    todo = BY_STATE[HazardState(row.todo)] if own_move else Todo.urge if row.todo == Todo.urge else Ask(row.todo)
    return WaitingView(**read, todo=todo, due_at=row.due_at and local(row.due_at))


def tonight(now: datetime) -> datetime:
    """The last second of the day in Shanghai."""
    return end_of(day_of(now))
