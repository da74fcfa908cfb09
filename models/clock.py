"""Time. Two kinds, never mixed: business time (`now`) decides, machine time (`wall`) measures. No other file asks a machine for the time.

All instants are aware and in UTC; Asia/Shanghai appears only where people read or write a time. See docs/time.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from typing import Protocol
from zoneinfo import ZoneInfo

import pendulum
from sqlalchemy import CheckConstraint, Column, Connection, Engine, Float, Integer, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, SQLModel

from models.columns import moment

SHANGHAI = ZoneInfo("Asia/Shanghai")
STANDS_STILL_AFTER = timedelta(seconds=15)
WRITTEN_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")
WRITTEN_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Clock(Protocol):
    """What everybody asks for the time."""

    def now(self) -> datetime:
        """Business time: due dates, rungs, quiet hours, event times. Aware, UTC."""

    def wall(self) -> datetime:
        """Machine time: claims, back-off, sessions, tokens, rate limits. Aware, UTC."""


class SystemClock:
    """Real time for both."""

    def now(self) -> datetime:
        return self.wall()

    def wall(self) -> datetime:
        return datetime.now(UTC)


machine_time = SystemClock().wall


class ManualClock:
    """Moves only when told to, and never back. For tests, replay and `--at`; machine time follows business time."""

    def __init__(self, start: datetime) -> None:
        self._now = utc(start)

    def now(self) -> datetime:
        return self._now

    def wall(self) -> datetime:
        return self._now

    def advance_to(self, instant: datetime) -> datetime:
        """Raises ValueError when `instant` lies behind."""
        if utc(instant) < self._now:
            raise ValueError(f"time doesn't run backwards: it is {self._now.isoformat()}, asked for {instant.isoformat()}")
        self._now = utc(instant)
        return self._now

    def advance(self, delta: timedelta) -> datetime:
        """Raises ValueError when `delta` is negative."""
        return self.advance_to(self._now + delta)


class ClockRow(SQLModel, table=True):
    """The one business clock that every process of a demo or a drill reads. No row: real time.

    `speed` is business seconds a machine second until business time reaches `slow_after`, and 1 from then on. `beat_wall` is when
    Bihuan was last seen running (machine time), `beat_business` what this clock said then, for whoever looks.
    """

    __tablename__ = "clock"
    __table_args__ = (CheckConstraint("id = 1", name="there_is_one_clock"),)
    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    wall_anchor: datetime = moment(nullable=False)
    business_anchor: datetime = moment(nullable=False)
    speed: float = Field(default=1.0, sa_column=Column(Float, nullable=False))
    slow_after: datetime | None = moment()
    beat_wall: datetime | None = moment()
    beat_business: datetime | None = moment()


@dataclass(frozen=True, slots=True)
class Anchors:
    """What the clock row says: business time as a function of machine time, continuous and never falling.

    It stands still from 15 s after the last beat on, so that nobody reads a time that a stopped Bihuan hasn't lived through.
    """

    wall: datetime
    business: datetime
    speed: float
    slow_after: datetime | None = None
    beat: datetime | None = None

    def at(self, wall: datetime) -> datetime:
        """The business instant at the machine instant `wall`."""
        elapsed = max(self._lived(wall) - self.wall, timedelta(0))
        if self.slow_after is None:
            return self.business + elapsed * self.speed
        fast = max((self.slow_after - self.business) / self.speed, timedelta(0))
        if elapsed > fast:
            return max(self.slow_after, self.business) + (elapsed - fast)
        return min(self.business + elapsed * self.speed, max(self.slow_after, self.business))

    def silent(self, wall: datetime) -> bool:
        """Whether the last beat is so old that the clock stands still."""
        return self._lived(wall) < wall

    def _lived(self, wall: datetime) -> datetime:
        return wall if self.beat is None else min(wall, self.beat + STANDS_STILL_AFTER)


class RowClock:
    """Business time by the clock row, read at most once in `fresh_for` seconds; real time while there is no row."""

    def __init__(self, engine: Engine, *, fresh_for: float = 1.0, wall: Callable[[], datetime] = machine_time) -> None:
        self._engine = engine
        self._fresh_for = fresh_for
        self._wall = wall
        self._anchors: Anchors | None = None
        self._stale_at = 0.0

    def now(self) -> datetime:
        wall = self._wall()
        anchors = self._read()
        return anchors.at(wall) if anchors else wall

    def wall(self) -> datetime:
        return self._wall()

    def refresh(self) -> None:
        """Reads the row again at the next question; for the process that has just moved it."""
        self._stale_at = 0.0

    def _read(self) -> Anchors | None:
        if monotonic() >= self._stale_at:
            with self._engine.connect() as connection:
                self._anchors = read_anchors(connection)
            self._stale_at = monotonic() + self._fresh_for
        return self._anchors


def read_anchors(connection: Connection, *, locked: bool = False) -> Anchors | None:
    """What the clock row says now, None where there is none. `locked` holds the row until the transaction ends."""
    query = select(ClockRow)
    row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        return None
    slow_after, beat_wall = row.slow_after and utc(row.slow_after), row.beat_wall and utc(row.beat_wall)
    return Anchors(utc(row.wall_anchor), utc(row.business_anchor), row.speed, slow_after, beat_wall)


def anchor(connection: Connection, wall: datetime, business: datetime, speed: float = 1.0, slow_after: datetime | None = None) -> None:
    """Sets the clock: at machine time `wall` it is `business`, and `speed` business seconds pass a machine second.

    Raises ValueError when `speed` isn't positive.
    """
    if not speed > 0:
        raise ValueError(f"a clock's speed is above 0, not {speed}")
    values = {
        "wall_anchor": utc(wall), "business_anchor": utc(business), "speed": speed,
        "slow_after": slow_after and utc(slow_after), "beat_wall": utc(wall), "beat_business": utc(business),
    }  # fmt: skip
    connection.execute(insert(ClockRow).values(id=1, **values).on_conflict_do_update(index_elements=["id"], set_=values))


def beat(connection: Connection, wall: datetime) -> datetime | None:
    """Says that Bihuan runs; to be called every 5 s or faster while it does. Answers business time, None where there is no row.

    After a silence (the machine slept) the clock goes on from where it had stopped.
    """
    anchors = read_anchors(connection, locked=True)
    if anchors is None:
        return None
    business = anchors.at(wall)
    if anchors.silent(wall):
        _start_again(connection, wall, business)
    else:
        connection.execute(update(ClockRow).values(beat_wall=utc(wall), beat_business=business))
    return business


def resume(connection: Connection, wall: datetime, *, not_before: datetime | None = None) -> datetime | None:
    """Starts the clock again where the last beat left it: time didn't pass while Bihuan was stopped. Called once, at start.

    `not_before` is the newest business instant on record: what was written after the last beat of a crash is not undone.
    Answers business time, None where there is no row.
    """
    anchors = read_anchors(connection, locked=True)
    if anchors is None:
        return None
    last = anchors.at(anchors.beat) if anchors.beat else anchors.business
    business = max(last, utc(not_before)) if not_before else last
    _start_again(connection, wall, business)
    return business


def _start_again(connection: Connection, wall: datetime, business: datetime) -> None:
    connection.execute(
        update(ClockRow).values(wall_anchor=utc(wall), business_anchor=business, beat_wall=utc(wall), beat_business=business)
    )


def utc(instant: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a naive time: nobody knows which instant it means."""
    if instant.tzinfo is None:
        raise ValueError(f"a time without its zone: {instant.isoformat()}")
    return instant.astimezone(UTC)


def local(instant: datetime) -> datetime:
    """The same instant as a wall in Shanghai shows it. Raises ValueError for a naive time."""
    if instant.tzinfo is None:
        raise ValueError(f"a time without its zone: {instant.isoformat()}")
    return instant.astimezone(SHANGHAI)


def day_of(instant: datetime) -> date:
    """The day in Shanghai."""
    return local(instant).date()


def start_of(day: date) -> datetime:
    """00:00:00 in Shanghai, in UTC."""
    return datetime.combine(day, time(0), SHANGHAI).astimezone(UTC)


def end_of(day: date) -> datetime:
    """23:59:59 in Shanghai, the last second that counts as the day; in UTC."""
    return datetime.combine(day, time(23, 59, 59), SHANGHAI).astimezone(UTC)


def shanghai(instant: datetime) -> pendulum.DateTime:
    """For showing a time to people. Raises ValueError for a naive time."""
    return pendulum.instance(utc(instant)).in_timezone("Asia/Shanghai")


def parse_time(text: str) -> datetime:
    """RFC 3339 (`2023-03-01T10:00:00+08:00`; seconds may be left out), or a day, which means its 00:00 in Shanghai. Answers UTC.

    Raises ValueError with a sentence for anything else, a time without its offset included.
    """
    written = text.strip().upper()
    try:
        if WRITTEN_DAY.fullmatch(written):
            return start_of(date.fromisoformat(written))
        if WRITTEN_TIME.fullmatch(written):
            return datetime.fromisoformat(str(pendulum.parse(written, exact=True))).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"«{text}» is not a time: expected 2023-03-01 or 2023-03-01T10:00:00+08:00")


def say(instant: datetime, *, year: bool = False) -> str:
    """A time as people in Shanghai say it: «3月5日 18:00», «2023年3月5日 18:00» with its year."""
    return shanghai(instant).format("YYYY年M月D日 HH:mm" if year else "M月D日 HH:mm")


def say_left(delta: timedelta) -> str:
    """A span in its two largest units, rounded down: «2天3小时», «3小时20分钟», «45分钟», «不到1分钟». The sign is not said."""
    minutes = abs(delta) // timedelta(minutes=1)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "天"), (hours, "小时")] if days else [(hours, "小时"), (minutes, "分钟")]
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "不到1分钟"
