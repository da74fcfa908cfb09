"""The township in figures, each with its definition: score, league, signs to look at, forecast; and the registry's own report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import PlaceKind, PostKind
from papers.numbers.forecast import Forecast
from papers.numbers.kpi import DEFINITIONS, By, Definition, Numbers
from papers.numbers.score import WEIGHTS
from statemachines.criteria import regrade_offers
from web import figures, inspections, places, story
from web.caller import Caller, Visitor
from web.drawing import histogram, left_open
from web.english import either
from web.house import house_of
from web.problem import Problem
from web.render import frame, page

router = APIRouter()
DRAWN_UP_TO = 800  # open hazards: adding up their chances costs the square of their number
BYS = {By.village: "按村", By.team: "按站所", By.field: "按行业", By.place_kind: "按场所类别"}
LASTING = Definition("防反弹 1−B", "lasting", "反弹率每 1% 扣 5%，到 20% 为零", "1 - rebound / 20 %", "本系统约定，见 docs/numbers.md")


@dataclass(frozen=True, slots=True)
class Card:
    """One figure: its number in words («—» without a denominator), what it rests on, and its definition."""

    name: str
    said: str
    unit: str
    rests_on: str
    definition: Definition

    @property
    def href(self) -> str:
        """Where the cases behind it are; empty where no list shows them."""
        return LEADS.get(self.name, "")


class Filters(BaseModel):
    model_config = ConfigDict(extra="ignore")
    by: By = By.village


@router.get("/numbers")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    """What the caller may read of it: all, or the rows of their own villages. Raises Problem 403 for posts of a single place."""
    by = ask.by if ask.by in BYS and caller.sees_all else By.village
    with house_of(request).transaction() as session:
        whole = figures.scores(session, caller, By.township if caller.sees_all else By.village)
        looking = _looking(session, caller) if caller.sees_all else {}
        return page(
            request, "numbers.html", frame(session, caller), own=[(row, score, cards(row)) for row, score in whole], by=by, bys=BYS,
            filter_of=FILTER_OF.get(by, ""), league=figures.table(session, caller, by), definitions={**DEFINITIONS, "lasting": LASTING},
            weights=WEIGHTS, cells=cells, **looking,
        )  # fmt: skip


def _looking(session: Session, caller: Caller) -> dict[str, Any]:
    """What only posts of the whole township read."""
    outlook = _outlook(session, caller)
    return {
        "signals": figures.doubts(session, caller), "outlook": outlook, "chart": _chart(outlook) if outlook else None,
        "covered": {name: inspections.covered(session, caller, name)[1] for name in ("village", "team")},
    }  # fmt: skip


def _outlook(session: Session, caller: Caller) -> Forecast | None:
    try:
        return figures.outlook(session, caller)
    except Problem:
        return None


def _chart(read: Forecast) -> Markup | None:
    """How many will be open at the deadline, and how likely that is."""
    if read.whole.chance is None or read.whole.per_day is None or len(read.odds) > DRAWN_UP_TO:
        return None
    odds = list(read.odds.values())
    more = max((read.whole.expected or 0.0) - sum(odds), 0.0)
    return Markup(histogram(left_open(odds, more))) if more < 60 else None


Say = Callable[[Any], tuple[str, str]]


def _percent(value: float | None) -> tuple[str, str]:
    return ("—", "") if value is None else (f"{100 * value:.1f}".removesuffix(".0"), "%")


def _count(value: int) -> tuple[str, str]:
    return str(value), "条"


def _hours(value: float | None) -> tuple[str, str]:
    return ("—", "") if value is None else (f"{value:.1f}".removesuffix(".0"), "小时")


def _whether(value: bool) -> tuple[str, str]:
    return either("有" if value else "没有", "yes" if value else "no"), ""


SAYS: Mapping[str, Say] = {
    "due_unrectified": _count, "hours_to_assign": _hours, "hours_to_acknowledge": _hours, "no_hazards": _whether,
}  # fmt: skip
RESTS_ON: Mapping[str, tuple[str, str]] = {
    "rate": ("valid", "有效隐患 {} 条"), "on_time": ("due_passed", "期限已到 {} 条"), "first_pass": ("reviewed", "复查过 {} 条"),
    "rebound": ("ever_closed", "销过号 {} 条"), "coverage": ("places_active", "营业场所 {} 处"), "major_kept": ("majors", "重大隐患 {} 条"),
    "duties_kept": ("duties_due", "到期任务 {} 项"), "reviews_on_time": ("reviews", "应复查 {} 条"),
    "reports_on_time": ("reports_due", "应报送 {} 份"), "no_hazards": ("inspections", "检查 {} 次"),
    "due_unrectified": ("valid", "有效隐患 {} 条"),
}  # fmt: skip


LEADS = {
    "rate": "/hazards?show=closed", "on_time": "/hazards?show=closed", "due_unrectified": "/hazards?show=overdue",
    "rebound": "/hazards?show=reopened", "coverage": "/places", "major_kept": "/hazards?show=all&grade=major",
    "duties_kept": "/duties?box=all", "reports_on_time": "/duties?box=all", "hours_to_assign": "/hazards?show=dispatch",
    "hours_to_acknowledge": "/hazards?show=assigned", "reviews_on_time": "/hazards?show=submitted",
    "first_pass": "/hazards?show=rectifying", "no_hazards": "/inspections",
}  # fmt: skip
FILTER_OF = {By.village: "village", By.team: "team", By.place_kind: "kind"}


def cards(numbers: Numbers) -> list[Card]:
    """The figures of one unit in the order of their definitions."""
    return [_card(numbers, name, definition) for name, definition in DEFINITIONS.items()]


def _card(numbers: Numbers, name: str, definition: Definition) -> Card:
    said, unit = SAYS.get(name, _percent)(getattr(numbers, name))
    column, rests_on = RESTS_ON.get(name, ("", ""))
    return Card(name, said, unit, rests_on.format(getattr(numbers, column)) if column else "", definition)


def cells(numbers: Numbers) -> list[tuple[str, str]]:
    """The few figures that a row of the league has room for."""
    shown = (("整改率", numbers.rate), ("按期率", numbers.on_time), ("覆盖率", numbers.coverage))
    return [(name, "".join(_percent(value))) for name, value in shown]


@router.get("/registry")
def registry(request: Request, caller: Visitor) -> Response:
    """The registry about itself. Raises Problem 403 but for who reads the whole township."""
    with house_of(request).transaction() as session:
        overlaps, gaps = places.report(session, caller)
        offers = regrade_offers(session, caller.township_id, caller.now) if PostKind.office_head in caller.kinds else []
        units = dict(session.execute(TEAMS, {"township": caller.township_id}).tuples().all())
        return page(
            request, "registry.html", frame(session, caller), overlaps=overlaps, gaps=gaps, offers=offers, PlaceKind=PlaceKind,
            may_regrade=PostKind.office_head in caller.kinds, units=units,
            posts=story.names_of(session, caller.township_id, gaps.vacant_posts),
        )  # fmt: skip


TEAMS = text("select code, name from unit where township_id = :township and kind = 'team'")
