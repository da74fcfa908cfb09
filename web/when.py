"""Times in words, as people in the township say them; and days that somebody names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from models.clock import day_of, local, say, say_left, start_of
from web.problem import Problem


@dataclass(frozen=True, slots=True)
class Due:
    """A due time in words; `tone` is `late`, `soon` or `calm` (never the only sign: the words say it too)."""

    words: str
    tone: str


def due(moment: datetime | None, now: datetime) -> Due | None:
    """«逾期 2 天», «今天到期», «剩 5 天»; hours within a day."""
    if moment is None:
        return None
    left = moment - now
    if left < timedelta(0):
        return Due(f"逾期 {_span(-left)}", "late")
    if day_of(moment) == day_of(now):
        return Due("今天到期" if local(moment).hour == 23 else f"今天 {local(moment):%H:%M} 到期", "soon")
    days = (day_of(moment) - day_of(now)).days
    return Due("明天到期" if days == 1 else f"剩 {days} 天", "soon" if days <= 2 else "calm")


def _span(delta: timedelta) -> str:
    if delta >= timedelta(days=1):
        return f"{delta.days} 天"
    hours = delta // timedelta(hours=1)
    return f"{hours} 小时" if hours else "不到 1 小时"


def ago(moment: datetime, now: datetime) -> str:
    """«2 小时前»; a date and time beyond two days."""
    delta = now - moment
    if delta < timedelta(minutes=1):
        return "刚刚"
    if delta < timedelta(hours=1):
        return f"{delta // timedelta(minutes=1)} 分钟前"
    if delta < timedelta(days=1):
        return f"{delta // timedelta(hours=1)} 小时前"
    return f"{delta.days} 天前" if delta < timedelta(days=2) else say(moment)


def hence(moment: datetime, now: datetime) -> str:
    """«3月5日 18:00（还有2天3小时）»."""
    return f"{say(moment)}（{'还有' if moment > now else '已过'}{say_left(moment - now)}）"


def start(day: date, later: int = 0) -> datetime:
    """The first moment of a day of the township's, or of the one that many days later. Raises Problem 422 beyond all calendars."""
    try:
        return start_of(day + timedelta(days=later))
    except (OverflowError, ValueError) as error:
        raise Problem(422, "日期超出范围。", "The day is out of range.") from error
