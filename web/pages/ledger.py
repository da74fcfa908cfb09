"""The ledger: every hazard within reach, filtered by what the address says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text

from models.enumerations import Grade, HazardState, PlaceKind
from web import evidence, hazard, inbox, when
from web.api.words import Code, States, Text
from web.caller import Visitor
from web.hazard import OPEN, Wanted
from web.house import house_of
from web.render import frame, page
from web.words import SHORT

router = APIRouter()
LENGTH = 30


class Filters(BaseModel):
    """`show`: open (unless said otherwise), all, overdue, today, or a state."""

    model_config = ConfigDict(extra="ignore")
    show: Annotated[str, Field(max_length=40)] = "open"
    state: States = []
    grade: Grade | None = None
    kind: PlaceKind | None = None
    village: Code | None = None
    place: Code | None = None
    q: Text | None = None
    cursor: str | None = Field(None, max_length=400)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        """A select of a form that asks for everything sends an empty word."""
        return {name: value for name, value in given.items() if value not in ("", [""])} if isinstance(given, dict) else given

    def wanted(self, caller: Any) -> Wanted:
        states: tuple[HazardState, ...] = tuple(self.state)
        if self.show in HazardState.__members__:
            states = (HazardState(self.show),)
        elif self.show in ("open", "today") and not states:
            states = OPEN
        before = inbox.tonight(caller.now) if self.show == "today" else None
        overdue = {"overdue": True, "today": False}.get(self.show)
        return Wanted(states, self.grade, self.village, None, self.kind, self.place, overdue, before, self.q and self.q.strip())

    def with_(self, **changes: Any) -> dict[str, Any]:
        """The address's query with something changed, from its first page on."""
        kept = self.model_dump(exclude={"cursor"}, exclude_defaults=True, mode="json")
        return {name: value for name, value in {**kept, **changes}.items() if value not in (None, "", [])}


@dataclass(frozen=True, slots=True)
class Chip:
    name: str
    zh: str


S = HazardState
SHOWN = (
    Chip("open", "未销号"), Chip("overdue", "已逾期"), Chip("today", "今天到期"),
    *(Chip(state, SHORT[state]) for state in (S.found, S.assigned, S.rectifying, S.submitted, S.verified, S.closed)), Chip("all", "全部"),
)  # fmt: skip
VILLAGES = text("select code, name from unit where township_id = :township and kind = 'village' order by code")


@router.get("/hazards")
def ledger(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    wanted = ask.wanted(caller)
    soonest = ask.show not in ("all", "closed") and all(state in OPEN for state in wanted.states)
    with house_of(request).transaction() as session:
        rows, after = hazard.many(session, caller, wanted, LENGTH, ask.cursor, soonest=soonest)
        total = hazard.count(session, caller, wanted)
        villages = session.execute(VILLAGES, {"township": caller.township_id}).all()
        shots = evidence.shots(session, [row.id for row in rows])
        return page(
            request, "ledger.html", frame(session, caller), rows=rows, after=after, total=total, ask=ask, chips=SHOWN, villages=villages,
            kinds=list(PlaceKind), shots=shots, due=when.due,
        )  # fmt: skip
