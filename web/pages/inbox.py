"""The inbox: what waits for me, each to be decided where it stands."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import CaseKind, Grade
from statemachines.guards import UNDO
from web import evidence, forms, hazard, inbox, numbers, people
from web.caller import Caller, Visitor
from web.hazard import Wanted
from web.house import house_of
from web.inbox import Ask, Pile, Todo, WaitingView
from web.render import Frame, frame, page

router = APIRouter()
LENGTH = 12


class Filters(BaseModel):
    """`todo`: which pile of hazards; `only`: major, overdue or today of it; `box`: the other cases, applications, duties or reports."""

    model_config = ConfigDict(extra="ignore")
    todo: Todo | None = None
    only: Annotated[str, Field(max_length=20)] = ""
    box: Annotated[str, Field(max_length=20)] = ""
    cursor: str | None = Field(None, max_length=400)


@router.get("/inbox")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    with house_of(request).transaction() as session:
        around = frame(session, caller)
        piles, boxes = {pile.todo: pile for pile in around.piles}, _boxes(around)
        box = ask.box if ask.box in BOXES else "" if ask.todo or piles or ask.cursor else next(iter(boxes), "")
        if box:
            return _others(request, session, caller, around, box)
        todo = ask.todo or next(iter(piles), Todo.approve)
        found, after = inbox.page(session, caller, LENGTH, ask.cursor, todo, _only(ask.only, caller))
        rows = [row for row, _ in found]
        campaign, tally = numbers.current(session, caller), numbers.whole(session, caller)
        return page(
            request, "inbox.html", around, piles=piles, boxes=boxes, box="", names=BOXES, pile=piles.get(todo, Pile(todo, 0, 0, 0, 0)),
            todo=todo, ask=ask, rows=rows, after=after, cards=_cards(session, caller, rows),
            undo=_undo(session, caller), campaign=campaign, tally=tally, pace=numbers.pace(session, caller, campaign, tally.open),
            returns=forms.RETURNS, key=secrets.token_urlsafe, one_tap=one_tap, away=absences(session, caller),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Absence:
    """A stand-in from a day to a day, both inclusive: whose post, who is away, who acts; `mine` is the caller's own absence."""

    post: str
    away: str
    acting: str
    from_day: date
    to_day: date | None
    mine: bool


ABSENCES = text("""
select post.id, away.label as away, person.label as acting, from_day, to_day, away.id = :me as mine
from holding join post on post.id = post_id join person on person.id = person_id join person away on away.id = deputy_of_id
where (away.id = :me or person_id = :me) and coalesce(to_day, 'infinity') >= :day and from_day <= :soon
order by from_day, post.id limit 5
""")
KNOWN_AHEAD = timedelta(days=14)


def absences(session: Session, caller: Caller) -> list[Absence]:
    """Who decides in whose place, today and in the coming fortnight, where the caller has a part in it."""
    rows = session.execute(ABSENCES, {"me": caller.person_id, "day": caller.day, "soon": caller.day + KNOWN_AHEAD}).all()
    names = {seat.id: seat.zh for seat in caller.seats}
    return [Absence(names.get(row.id, ""), row.away, row.acting, row.from_day, row.to_day, row.mine) for row in rows]


IN_PLACE = ("approve_close", "refuse_close")


def decided(request: Request, session: Session, caller: Caller, code: str, trigger: str) -> Response:
    """What takes a card's place once it has been decided on in the list, with the counts that this changes."""
    around = frame(session, caller)
    piles = {pile.todo: pile for pile in around.piles}
    return page(
        request, "decided.html", around, row=hazard.one(session, caller, code), trigger=trigger, piles=piles, boxes=_boxes(around), box="",
        names=BOXES, todo=Todo.approve, pile=piles.get(Todo.approve, Pile(Todo.approve, 0, 0, 0, 0)), ask=Filters(),
    )  # fmt: skip


BOXES = {"applications": "申请", "duties": "履职", "reports": "举报"}
IN_BOX = {CaseKind.duty: "duties", CaseKind.report: "reports"}


def _boxes(around: Frame) -> dict[str, list[WaitingView]]:
    """What waits besides hazards, by its box, duties of the coming week among it; without what there is none of."""
    soon = around.now + inbox.AHEAD
    asks = [each for each in around.asks if each.kind != CaseKind.duty or each.due_at is None or each.due_at < soon]
    sorted_ = {name: [each for each in asks if IN_BOX.get(each.kind, "applications") == name] for name in BOXES}
    return {name: found for name, found in sorted_.items() if found}


def _others(request: Request, session: Session, caller: Caller, around: Frame, box: str) -> Response:
    boxes = _boxes(around)
    waiting = boxes.get(box, [])
    tonight = inbox.tonight(caller.now)
    parts = [
        ("已逾期", [each for each in waiting if each.overdue]),
        ("今天", [each for each in waiting if not each.overdue and each.due_at and each.due_at <= tonight]),
        ("以后", [each for each in waiting if not each.overdue and (each.due_at is None or each.due_at > tonight)]),
    ]
    return page(
        request, "inbox_others.html", around, piles={pile.todo: pile for pile in around.piles}, boxes=boxes, box=box, names=BOXES,
        parts_of=[(name, found) for name, found in parts if found], verbs=VERBS, todo=None,
    )  # fmt: skip


VERBS = {
    Ask.decide: ("决定", "gavel"), Ask.opine: ("提出核查意见", "message-square"), Ask.record_reply: ("记录回复", "mail"),
    Ask.report_progress: ("报告进展", "trending-up"), Ask.do_duty: ("去完成", "circle-check"), Ask.verify: ("去核实", "search"),
    Ask.answer: ("去答复", "send"), Ask.urge: ("督办", "hand"),
}  # fmt: skip


def _only(said: str, caller: Caller) -> Wanted:
    """The filter that a chip means."""
    return {
        "major": Wanted(grade=Grade.major),
        "overdue": Wanted(overdue=True),
        "today": Wanted(overdue=False, due_before=inbox.tonight(caller.now)),
    }.get(said, Wanted())


def one_tap(row: hazard.Row) -> bool:
    """Whether the closure can be approved without answering anything; never for a major hazard."""
    return row.view.grade != Grade.major and not forms.needs_answers(row, "approve_close")


def _cards(session: Session, caller: Caller, rows: list[hazard.Row]) -> dict[int, dict[str, Any]]:
    """What a card shows beside the hazard: its pictures, and the names of those who fixed and checked."""
    shots = evidence.shots(session, [row.id for row in rows])
    names = people.labels(session, caller.township_id, [key for row in rows for key in (row.submitted_person, *row.reinspected_people)])
    return {
        row.id: {
            "before": evidence.last(shots.get(row.id, []), "before"),
            "after": evidence.last(shots.get(row.id, []), "after"),
            "count": len(shots.get(row.id, [])),
            "metres": evidence.metres_off(row, shots.get(row.id, [])),
            "submitter": names.get(row.submitted_person or "", ""),
            "inspectors": "、".join(names[key] for key in row.reinspected_people if key in names),
        }
        for row in rows
    }


# By the history of the last minutes: there are thousands of closed hazards, but few events a minute.
UNDONE = """
c.id = any(array(select case_id from event where at >= :since and trigger = 'approve_close' and person = :me))
    and c.state = 'closed' and h.closed_person = :me and h.closed_at >= :since
"""


def _undo(session: Session, caller: Caller) -> list[hazard.Row]:
    """The caller's approvals that can still be taken back."""
    mine = Wanted(also=UNDONE, asked={"me": caller.person, "since": caller.now - UNDO})
    rows, _ = hazard.many(session, caller, mine, 5)
    return rows
