"""The ledger: every hazard within reach, as queues with their counts, filtered by what the address says; filters can be kept by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import text

from models.enumerations import Grade, HazardState, PlaceKind
from statemachines.registry import OFFICE
from web import evidence, hazard, inbox, people, when
from web.api.words import Code, Codes, States, Text
from web.caller import Visitor
from web.hazard import OPEN, Wanted
from web.house import house_of
from web.pages.bulk import CLASSES, may_dispatch
from web.pages.form import Form, word
from web.pages.table import table
from web.problem import Problem
from web.render import frame, page
from web.words import SHORT

router = APIRouter()
LENGTH = 30
S = HazardState
TO_DISPATCH = (S.found, S.reopened)


class Filters(BaseModel):
    """`show`: open (unless said otherwise), all, overdue, today, dispatch, or a state. `sort`: a column, with a minus the greatest first,
    or newest; without, what is due soonest first wherever only open hazards are shown. `to`: to whom an escalation was told."""

    model_config = ConfigDict(extra="ignore")
    show: Annotated[str, Field(max_length=40)] = "open"
    state: States = []
    grade: Grade | None = None
    kind: PlaceKind | None = None
    village: Code | None = None
    team: Code | None = None
    place: Code | None = None
    level: Annotated[int, Field(ge=1, le=9)] | None = None
    q: Text | None = None
    to: Code | None = None
    sort: Annotated[str, Field(max_length=20)] = ""
    cols: Codes = []
    cursor: str | None = Field(None, max_length=1000)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        """A select of a form that asks for everything sends an empty word."""
        return {name: value for name, value in given.items() if value not in ("", [""])} if isinstance(given, dict) else given

    @property
    def states(self) -> tuple[HazardState, ...]:
        if self.show in HazardState.__members__:
            return (HazardState(self.show),)
        if self.show == "dispatch":
            return TO_DISPATCH
        return OPEN if self.show in ("open", "today") and not self.state else tuple(self.state)

    def wanted(self, caller: Any) -> Wanted:
        before = inbox.tonight(caller.now) if self.show == "today" else None
        overdue = {"overdue": True, "today": False}.get(self.show)
        q = self.q and self.q.strip()
        return Wanted(
            self.states, self.grade, self.village, self.team, self.kind, self.place, overdue, before, q, level=self.level, to=self.to
        )  # fmt: skip

    def narrowing(self) -> Wanted:
        """The filters without the queue."""
        q = self.q and self.q.strip()
        return Wanted((), self.grade, self.village, self.team, self.kind, self.place, q=q, level=self.level, to=self.to)

    @property
    def soonest(self) -> bool:
        return self.sort != "newest" and self.show not in ("all", "closed") and all(state in OPEN for state in self.states)

    @property
    def order(self) -> str:
        """The column by which the list is ordered."""
        return self.sort if self.sort.removeprefix("-") in hazard.ORDERS else "due" if self.soonest else "-found"

    @property
    def filtered(self) -> bool:
        return any((self.grade, self.kind, self.village, self.team, self.place, self.level, self.q, self.to))

    def with_(self, **changes: Any) -> dict[str, Any]:
        """The address's query with something changed, from its first page on."""
        said = self.model_dump(exclude={"cursor"}, exclude_defaults=True, mode="json")
        kept = {name: ",".join(value) if isinstance(value, list) else value for name, value in said.items()}
        return {name: value for name, value in {**kept, **changes}.items() if value not in (None, "", [])}


@dataclass(frozen=True, slots=True)
class Chip:
    name: str
    zh: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A filter with a name: one click, and the address says all of it."""

    zh: str
    query: str
    own: bool = False


SHOWN = (
    Chip("open", "未销号"), Chip("dispatch", "待分派"), Chip("submitted", "待复查"), Chip("verified", "待审批"),
    Chip("overdue", "已逾期"), Chip("today", "今天到期"), Chip("assigned", SHORT[S.assigned]), Chip("rectifying", SHORT[S.rectifying]),
    Chip("closed", SHORT[S.closed]), Chip("all", "全部"),
)  # fmt: skip
HEADS = {
    "place": "场所", "village": "村", "code": "编号", "grade": "等级", "state": "状态", "due": "期限", "found": "发现", "level": "升级",
    "owner": "责任岗位",
}  # fmt: skip
USUAL = (
    Kept("重大未销号", "show=open&grade=major"), Kept("升到 3 级以上", "show=open&level=3"), Kept("最新登记", "show=all&sort=newest"),
)  # fmt: skip
VILLAGES = text("select code, name from unit where township_id = :township and kind = 'village' order by code")
TEAM = text("select name from unit where township_id = :township and kind = 'team' and code = :code")


@router.get("/hazards")
def ledger(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    wanted = ask.wanted(caller)
    with house_of(request).transaction() as session:
        rows, after = hazard.many(session, caller, wanted, LENGTH, ask.cursor, sort=ask.order)
        queues = hazard.queues(session, caller, ask.narrowing(), inbox.tonight(caller.now))
        total = queues[ask.show] if ask.show in queues and not ask.state else hazard.count(session, caller, wanted)
        villages = session.execute(VILLAGES, {"township": caller.township_id}).all()
        shots = evidence.shots(session, [row.id for row in rows])
        shown = table("/hazards", HEADS, hazard.ORDERS, ask.order, ask.with_(), ask.cols, ("code", "level"))
        above = people.above(session, caller) if caller.sees_all else []
        picking = ask.show in ("dispatch", "found", "reopened") and may_dispatch(caller) and bool(rows)
        return page(
            request, "ledger.html", frame(session, caller), rows=rows, after=after, total=total, ask=ask, chips=SHOWN, villages=villages,
            kinds=list(PlaceKind), shots=shots, due=when.due, queues=queues, kept=[*USUAL, *kept_of(request)], picking=picking,
            classes=CLASSES, here=urlencode(ask.with_()), table=shown, above=above, may_import=bool(caller.kinds & OFFICE),
            team=ask.team and session.execute(TEAM, {"township": caller.township_id, "code": ask.team}).scalar(),
        )  # fmt: skip


COOKIE, KEPT_AT_MOST, A_YEAR = "kept-filters", 8, 365 * 86400


def kept_of(request: Request) -> list[Kept]:
    """The filters that this browser keeps; what somebody has tampered with is none."""
    try:
        said = json.loads(unquote(request.cookies.get(COOKIE, "[]")))
        return [Kept(str(name)[:20], _cleaned(str(query)), own=True) for name, query in said][:KEPT_AT_MOST]
    except (ValueError, TypeError):
        return []


LISTS = frozenset({"state", "cols"})


def _cleaned(query: str) -> str:
    """Only what the ledger understands. Raises ValueError for what it doesn't."""
    return urlencode(Filters.model_validate({name: [said] if name in LISTS else said for name, said in parse_qsl(query[:300])}).with_())


@router.post("/hazards/filters")
def keep(request: Request, caller: Visitor, form: Form) -> Response:
    """Keeps the filter under a name, or forgets it; in this browser, a year."""
    name = word(form, "name")[:20]
    if not name:
        raise Problem(422, "请给这个筛选起个名字。", "Give the filter a name.", reason="name")
    try:
        query = _cleaned(word(form, "query"))
    except ValueError as error:
        raise Problem(422, "这个筛选读不懂，请重新筛选后再保存。", "This filter can't be read.", reason="query") from error
    others = [(each.zh, each.query) for each in kept_of(request) if each.zh != name]
    now = others if word(form, "forget") else [(name, query), *others][:KEPT_AT_MOST]
    answer = RedirectResponse(f"/hazards?{query}", 303)
    answer.set_cookie(COOKIE, quote(json.dumps(now, ensure_ascii=False)), max_age=A_YEAR, httponly=True, samesite="lax")
    return answer
