"""What time it is: real, by hand, or by the one row that every process reads; and how times are read and said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from models.clock import (
    SHANGHAI,
    STANDS_STILL_AFTER,
    Anchors,
    Clock,
    ClockRow,
    ManualClock,
    RowClock,
    SystemClock,
    anchor,
    beat,
    day_of,
    end_of,
    parse_time,
    read_anchors,
    resume,
    say,
    say_left,
    shanghai,
    start_of,
)

if TYPE_CHECKING:
    from tests.conftest import Database

PATIENT = settings(deadline=None)
WALL = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
BUSINESS = datetime(2023, 2, 14, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)


class MachineTime:
    """A machine's clock that a test turns."""

    def __init__(self) -> None:
        self.now = WALL

    def __call__(self) -> datetime:
        return self.now


def test_the_system_clock_tells_real_time_for_both() -> None:
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    assert before <= clock.now() <= clock.wall() <= datetime.now(UTC)
    assert clock.now().tzinfo is UTC


def test_a_manual_clock_moves_only_when_told_and_never_back() -> None:
    clock = ManualClock(datetime(2023, 2, 14, 8, 0, tzinfo=SHANGHAI))
    assert clock.now() == clock.wall() == BUSINESS and clock.now().tzinfo is UTC
    assert clock.advance(timedelta(hours=2)) == clock.now() == BUSINESS + timedelta(hours=2)
    assert clock.advance_to(BUSINESS + timedelta(days=1)) == clock.wall()
    with pytest.raises(ValueError, match="backwards"):
        clock.advance_to(BUSINESS)
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-MICROSECOND)
    assert clock.now() == BUSINESS + timedelta(days=1)


def test_nobody_takes_a_time_without_its_zone() -> None:
    instant = BUSINESS.replace(tzinfo=None)
    for use in (ManualClock, shanghai, say, day_of, ManualClock(BUSINESS).advance_to):
        with pytest.raises(ValueError, match="without its zone"):
            use(instant)


def test_an_anchored_clock_runs_at_its_speed_and_then_at_ours() -> None:
    anchors = Anchors(WALL, BUSINESS, 3600, slow_after=BUSINESS + timedelta(days=1))
    assert anchors.at(WALL) == BUSINESS
    assert anchors.at(WALL + 12 * SECOND) == BUSINESS + timedelta(hours=12)
    assert anchors.at(WALL + 24 * SECOND) == BUSINESS + timedelta(days=1)
    assert anchors.at(WALL + 34 * SECOND) == BUSINESS + timedelta(days=1, seconds=10)
    assert anchors.at(WALL - SECOND) == BUSINESS


def test_an_anchored_clock_stands_still_when_nothing_has_beaten_for_a_while() -> None:
    anchors = Anchors(WALL, BUSINESS, 60, beat=WALL + 5 * SECOND)
    still = BUSINESS + 60 * (5 * SECOND + STANDS_STILL_AFTER)
    assert anchors.at(WALL + 5 * SECOND + STANDS_STILL_AFTER) == still
    assert anchors.at(WALL + timedelta(days=9)) == still
    assert anchors.silent(WALL + timedelta(days=9)) and not anchors.silent(WALL + 6 * SECOND)


SPEEDS = st.floats(0.01, 100_000)
SPANS = st.timedeltas(timedelta(0), timedelta(days=10))


@PATIENT
@given(SPEEDS, st.one_of(st.none(), st.timedeltas(timedelta(days=-1), timedelta(days=60))), SPANS, SPANS)
@example(100_000, timedelta(days=45), timedelta(seconds=38, microseconds=880_000), MICROSECOND)
@example(100_000, timedelta(milliseconds=60), MICROSECOND, MICROSECOND)
@example(0.5, timedelta(seconds=1), timedelta(seconds=2), MICROSECOND)
def test_business_time_is_continuous_and_never_falls(speed: float, slow: timedelta | None, elapsed: timedelta, more: timedelta) -> None:
    """Also over the moment of slowing down: a step of machine time never moves it by more than the faster of both speeds."""
    anchors = Anchors(WALL, BUSINESS, speed, slow_after=None if slow is None else BUSINESS + slow)
    first, second = anchors.at(WALL + elapsed), anchors.at(WALL + elapsed + more)
    assert first <= second
    assert second - first <= (more + MICROSECOND) * max(speed, 1) + MICROSECOND
    assert second - first >= (more - MICROSECOND) * min(speed, 1) - MICROSECOND


def test_a_clock_left_running_for_years_past_its_campaign_still_goes() -> None:
    anchors = Anchors(WALL, BUSINESS, 100_000, slow_after=BUSINESS + timedelta(days=45))
    assert anchors.at(WALL + timedelta(days=3650)) > BUSINESS + timedelta(days=3650)


@PATIENT
@given(st.floats(1, 100_000), st.timedeltas(SECOND, timedelta(days=60)), SPANS)
def test_past_its_campaign_the_clock_runs_with_the_machine(speed: float, slow: timedelta, later: timedelta) -> None:
    anchors = Anchors(WALL, BUSINESS, speed, slow_after=BUSINESS + slow)
    reached = WALL + slow / speed + MICROSECOND
    assert anchors.at(reached + later) - anchors.at(reached) == later
    assert abs(anchors.at(reached) - (BUSINESS + slow)) <= timedelta(microseconds=1 + speed)


def test_without_a_row_business_time_is_real_time(database: Database) -> None:
    machine = MachineTime()
    clock = RowClock(database.engine, wall=machine)
    assert clock.now() == clock.wall() == WALL
    with database.engine.begin() as connection:
        assert read_anchors(connection) is None
        assert beat(connection, WALL) is None
        assert resume(connection, WALL) is None


def test_every_process_reads_the_same_row_at_most_once_a_while(database: Database) -> None:
    machine = MachineTime()
    eager, lazy = RowClock(database.engine, fresh_for=0, wall=machine), RowClock(database.engine, fresh_for=3600, wall=machine)
    assert lazy.now() == WALL
    with database.engine.begin() as connection:
        anchor(connection, WALL, BUSINESS, 1440)
    machine.now += 10 * SECOND
    assert eager.now() == BUSINESS + timedelta(hours=4) and eager.now().tzinfo is UTC
    assert eager.wall() == lazy.wall() == lazy.now() == machine.now
    lazy.refresh()
    assert lazy.now() == eager.now()


def test_anchoring_again_replaces_the_one_row(database: Database) -> None:
    with database.engine.begin() as connection:
        anchor(connection, WALL, BUSINESS, 1440, slow_after=BUSINESS + timedelta(days=45))
        anchor(connection, WALL + SECOND, BUSINESS + timedelta(days=1))
        assert read_anchors(connection) == Anchors(WALL + SECOND, BUSINESS + timedelta(days=1), 1.0, None, WALL + SECOND)
        for speed in (0, -1, float("nan")):
            with pytest.raises(ValueError, match="above 0"):
                anchor(connection, WALL, BUSINESS, speed)


def test_time_does_not_pass_while_bihuan_is_stopped(database: Database) -> None:
    machine = MachineTime()
    clock = RowClock(database.engine, fresh_for=0, wall=machine)
    with database.engine.begin() as connection:
        anchor(connection, WALL, BUSINESS, 1440)
        assert beat(connection, WALL + 10 * SECOND) == BUSINESS + timedelta(hours=4)
    machine.now = WALL + timedelta(days=2)
    stopped = clock.now()
    assert stopped == BUSINESS + 1440 * (10 * SECOND + STANDS_STILL_AFTER)
    with database.engine.begin() as connection:
        assert resume(connection, machine.now) == BUSINESS + timedelta(hours=4)
    machine.now += 10 * SECOND
    assert clock.now() == BUSINESS + timedelta(hours=8)


def test_a_start_after_a_crash_does_not_go_back_behind_what_was_written(database: Database) -> None:
    newest = BUSINESS + timedelta(hours=5)
    with database.engine.begin() as connection:
        anchor(connection, WALL, BUSINESS, 1440)
        beat(connection, WALL + 10 * SECOND)
        assert resume(connection, WALL + timedelta(hours=1), not_before=newest) == newest
        assert resume(connection, WALL + timedelta(hours=1), not_before=BUSINESS) == newest


def test_a_machine_that_slept_goes_on_where_it_was(database: Database) -> None:
    asleep_from, awake_at = WALL + 10 * SECOND, WALL + timedelta(hours=8)
    with database.engine.begin() as connection:
        anchor(connection, WALL, BUSINESS, 1440)
        beat(connection, asleep_from)
        still = BUSINESS + 1440 * (10 * SECOND + STANDS_STILL_AFTER)
        assert beat(connection, awake_at) == still
        assert beat(connection, awake_at + SECOND) == still + 1440 * SECOND


def test_a_clock_keeps_its_slow_end_over_a_stop(database: Database) -> None:
    end = BUSINESS + timedelta(hours=6)
    with database.engine.begin() as connection:
        anchor(connection, WALL, BUSINESS, 1440, slow_after=end)
        beat(connection, WALL + 10 * SECOND)
        later = WALL + timedelta(days=1)
        resume(connection, later)
        assert beat(connection, later + 5 * SECOND) == end
        assert beat(connection, later + 12 * SECOND) == end + 7 * SECOND
        resume(connection, later + timedelta(days=1))
        assert beat(connection, later + timedelta(days=1, seconds=4)) == end + 11 * SECOND


def test_a_row_made_without_a_beat_runs_on(database: Database) -> None:
    with database.engine.begin() as connection:
        anchor(connection, WALL, BUSINESS)
        connection.execute(delete(ClockRow))
        connection.execute(ClockRow.metadata.tables["clock"].insert().values(id=1, wall_anchor=WALL, business_anchor=BUSINESS, speed=2))
        anchors = read_anchors(connection)
        assert anchors and anchors.at(WALL + timedelta(days=1)) == BUSINESS + timedelta(days=2)
        assert resume(connection, WALL + timedelta(days=1)) == BUSINESS


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-03-01", datetime(2023, 2, 28, 16, 0, tzinfo=UTC)),
        (" 2023-03-01 ", datetime(2023, 2, 28, 16, 0, tzinfo=UTC)),
        ("2023-03-01T10:00:00+08:00", datetime(2023, 3, 1, 2, 0, tzinfo=UTC)),
        ("2023-03-01T10:00+08:00", datetime(2023, 3, 1, 2, 0, tzinfo=UTC)),
        ("2023-03-01t02:00:00z", datetime(2023, 3, 1, 2, 0, tzinfo=UTC)),
        ("2023-03-01 02:00:00.250Z", datetime(2023, 3, 1, 2, 0, 0, 250_000, tzinfo=UTC)),
        ("2023-02-28T20:30:00-05:30", datetime(2023, 3, 1, 2, 0, tzinfo=UTC)),
        ("1988-07-01", datetime(1988, 6, 30, 15, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_with_its_offset_and_a_day_in_shanghai(text: str, instant: datetime) -> None:
    read = parse_time(text)
    assert read == instant and read.tzinfo is UTC and type(read) is datetime


@pytest.mark.parametrize(
    "text",
    ["", "昨天", "2023", "2023-03", "20230301", "2023-02-29", "2023-03-01T10:00:00", "10:00", "P1D", "2023-W09-1", "2023-03-01T25:00:00Z"],
)
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(text)


@PATIENT
@given(st.timedeltas(timedelta(days=-9999), timedelta(days=9999)), st.integers(-14 * 60, 14 * 60))
def test_what_was_written_is_read_back(span: timedelta, offset: int) -> None:
    written = (BUSINESS + span).astimezone(timezone(timedelta(minutes=offset))).isoformat()
    assert parse_time(written) == BUSINESS + span


def test_times_are_said_as_in_shanghai() -> None:
    assert say(datetime(2023, 3, 5, 10, 0, tzinfo=UTC)) == "3月5日 18:00"
    assert say(datetime(2023, 12, 31, 16, 4, 59, tzinfo=UTC), year=True) == "2024年1月1日 00:04"
    assert shanghai(datetime(1988, 7, 1, 0, 0, tzinfo=UTC)).hour == 9


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (timedelta(days=2, hours=3, minutes=59), "2天3小时"),
        (timedelta(days=2, minutes=59), "2天"),
        (timedelta(hours=3, minutes=20), "3小时20分钟"),
        (timedelta(hours=3), "3小时"),
        (timedelta(minutes=45, seconds=59), "45分钟"),
        (timedelta(seconds=59), "不到1分钟"),
        (timedelta(0), "不到1分钟"),
        (-timedelta(days=1, hours=1), "1天1小时"),
    ],
)
def test_what_is_left_is_said_in_its_two_largest_units(delta: timedelta, said: str) -> None:
    assert say_left(delta) == said


def test_a_day_is_shanghais_day() -> None:
    assert start_of(date(2023, 3, 31)) == datetime(2023, 3, 30, 16, 0, tzinfo=UTC)
    assert end_of(date(2023, 3, 31)) == datetime(2023, 3, 31, 15, 59, 59, tzinfo=UTC)
    assert day_of(datetime(2023, 3, 31, 16, 0, tzinfo=UTC)) == date(2023, 4, 1)
    assert day_of(end_of(date(2023, 3, 31))) == date(2023, 3, 31)
