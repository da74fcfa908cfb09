"""The inbox: what waits for me, each to be decided where it stands."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.enumerations import Grade
from statemachines.guards import UNDO
from web import evidence, forms, hazard, inbox, numbers, people
from web.caller import Caller, Visitor
from web.hazard import Wanted
from web.house import house_of
from web.inbox import Pile, Todo
from web.render import frame, page

router = APIRouter()
LENGTH = 12


class Filters(BaseModel):
    """`todo`: which pile; `only`: major, overdue or today of it."""

    model_config = ConfigDict(extra="ignore")
    todo: Todo | None = None
    only: Annotated[str, Field(max_length=20)] = ""
    cursor: str | None = Field(None, max_length=400)


@router.get("/inbox")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    with house_of(request).transaction() as session:
        around = frame(session, caller)
        piles = {pile.todo: pile for pile in around.piles}
        todo = ask.todo or next(iter(piles), Todo.approve)
        found, after = inbox.page(session, caller, LENGTH, ask.cursor, todo, _only(ask.only, caller))
        rows = [row for row, _ in found]
        return page(
            request, "inbox.html", around, piles=piles, pile=piles.get(todo, Pile(todo, 0, 0, 0, 0)), todo=todo, ask=ask, rows=rows,
            after=after, cards=_cards(session, caller, rows), undo=_undo(session, caller), campaign=numbers.current(session, caller),
            tally=numbers.whole(session, caller), returns=forms.RETURNS, key=secrets.token_urlsafe, one_tap=one_tap,
        )  # fmt: skip


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


def _undo(session: Session, caller: Caller) -> list[hazard.Row]:
    """The caller's approvals that can still be taken back."""
    mine = Wanted(also="c.state = 'closed' and h.closed_person = :me and h.closed_at >= :since",
                  asked={"me": caller.person, "since": caller.now - UNDO})  # fmt: skip
    rows, _ = hazard.many(session, caller, mine, 5)
    return rows
