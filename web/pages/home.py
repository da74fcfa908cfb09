"""The front page: the campaign in numbers, each a way to the hazards behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import PostKind
from web import hazard, numbers
from web.caller import Caller, Visitor
from web.hazard import Row, Wanted
from web.house import house_of
from web.render import frame, page

router = APIRouter()
SLIM, BROAD = (346, 230), (680, 330)
LEFT, RIGHT, TOP, BOTTOM = 34, 12, 22, 28


@dataclass(frozen=True, slots=True)
class Chart:
    """The burn-down as points of an SVG: what was open, what the deadline asks for, where the pace of the last week leads."""

    width: int
    height: int
    line: str
    area: str
    plan: str
    forecast: str
    today: tuple[float, float]
    floor: float
    deadline_x: float | None
    clear: tuple[float, str] | None
    ticks_y: tuple[tuple[float, int], ...]
    ticks_x: tuple[tuple[float, str], ...]


@router.get("/")
def home(request: Request, caller: Visitor) -> Response:
    with house_of(request).transaction() as session:
        read = numbers.read(session, caller)
        worst = _worst(session, caller)
        return page(request, "home.html", frame(session, caller), numbers=read, charts=charts(read), worst=worst)


TOLD = text("""
select distinct on (t.case_id) t.case_id, rung.told[1] as told
from timer t join rung on rung.ladder_id = t.ladder_id and rung.position = t.fired and rung.level > 0
where t.case_id = any(:ids) and t.stopped_at is null order by t.case_id, t.fired_at desc
""")
OWN_POSTS = {"responsible": "责任岗位", "approver": "审批岗位"}


def _worst(session: Session, caller: Caller) -> list[tuple[Row, str]]:
    """What has been overdue longest, with the post that was told last."""
    rows, _ = hazard.many(session, caller, Wanted(overdue=True), 8, soonest=True)
    told = {row.case_id: row.told for row in session.execute(TOLD, {"ids": [row.id for row in rows]})}
    return [(row, _said(told.get(row.id))) for row in rows]


def _said(word: str | None) -> str:
    if word is None:
        return ""
    return OWN_POSTS.get(word) or (PostKind(word).zh if word in PostKind.__members__ else word)


def charts(read: numbers.Numbers) -> list[Chart]:
    """The burn-down for a phone and for a desk; none until there are two days to draw."""
    drawable = len(read.trend) > 1 and any(point.open for point in read.trend)
    return [chart(read, *SLIM), chart(read, *BROAD)] if drawable else []


def chart(read: numbers.Numbers, width: int, height: int) -> Chart:
    """The burn-down as it fits into `width` by `height`."""
    points = read.trend
    first, last = points[0].day, max(read.campaign.day if read.campaign else points[-1].day, points[-1].day)
    top = _round_up(max(point.open for point in points))

    def x(day: date) -> float:
        return round(LEFT + (width - LEFT - RIGHT) * (day - first).days / max((last - first).days, 1), 1)

    def y(count: float) -> float:
        return round(TOP + (height - TOP - BOTTOM) * (1 - count / top), 1)

    line = " ".join(f"{x(point.day)},{y(point.open)}" for point in points)
    here = (x(points[-1].day), y(points[-1].open))
    peak = max(points, key=lambda point: point.open)
    running = read.campaign is not None and read.campaign.days_left > 0
    clear_on = read.pace.clear_on
    shown_until = min(clear_on, last) if clear_on else None
    left_then = points[-1].open - read.pace.lately * ((shown_until - points[-1].day).days) if shown_until else 0
    return Chart(
        width=width, height=height, floor=y(0), line=line, area=f"{x(first)},{y(0)} {line} {here[0]},{y(0)}", today=here,
        plan=f"{x(peak.day)},{y(peak.open)} {x(last)},{y(0)}" if running else "",
        forecast=f"{here[0]},{here[1]} {x(shown_until)},{y(max(left_then, 0))}" if shown_until and running else "",
        deadline_x=x(read.campaign.day) if read.campaign and first <= read.campaign.day <= last else None,
        clear=(x(clear_on), f"{clear_on.month}月{clear_on.day}日") if clear_on and clear_on <= last and running else None,
        ticks_y=tuple((y(count), count) for count in (0, top // 2, top)),
        ticks_x=_days(first, last, x, weeks=-(-(last - first).days * 62 // (7 * width))),
    )  # fmt: skip


def _round_up(count: int) -> int:
    """An even, roundish number at or above `count`."""
    for step in (2, 4, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000):
        if count <= 5 * step:
            return -(-count // step) * step
    return count


def _days(first: date, last: date, x: Callable[[date], float], weeks: int) -> tuple[tuple[float, str], ...]:
    weeks = max(weeks, 1)
    days = [first + timedelta(days=7 * weeks * each) for each in range((last - first).days // (7 * weeks) + 1)]
    return tuple((x(each), f"{each.month}月{each.day}日") for each in days)
