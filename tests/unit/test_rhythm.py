"""Which periods a duty has: apart from each other, over the whole season, due within themselves, the same whoever asks and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import CHINA
from models.clock import SHANGHAI, day_of, local, parse_time, start_of
from models.rhythm import MONTHS, Every, Period, Rhythm, Season, Weekday, periods, rhythm_of

DAY = timedelta(days=1)
DAYS_OF_A_LEAP_YEAR = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: (day.month, day.day))
SEASONS = st.none() | st.builds(Season, DAYS_OF_A_LEAP_YEAR, DAYS_OF_A_LEAP_YEAR)
CRONS = st.sampled_from(["0 12 * * 5", "30 8 1 * *", "0 18 * * 1-5", "15 7 29 2 *", "0 9 L * *", "0 0 1 */3 *", "59 23 31 * *"])


@st.composite
def by_calendar(draw: st.DrawFn) -> Rhythm:
    every = draw(st.sampled_from(Every))
    months = MONTHS.get(every)
    return Rhythm(
        every=every,
        weekday=draw(st.none() | st.sampled_from(Weekday)) if every == Every.week else None,
        month=draw(st.none() | st.integers(1, months)) if months and months > 1 else None,
        day=draw(st.none() | st.integers(1, 31)) if months else None,
        at=draw(st.times().map(lambda at: at.replace(second=0, microsecond=0))),
        season=draw(SEASONS),
        working=draw(st.booleans()),
        from_day=draw(st.none() | st.dates(date(2021, 1, 1), date(2024, 1, 1))),
        to_day=draw(st.none() | st.dates(date(2023, 1, 1), date(2025, 1, 1))),
    )


BY_CRON = st.builds(Rhythm, cron=CRONS, season=SEASONS, working=st.booleans())
SPANS = st.tuples(st.integers(0, 26_000).map(lambda hours: datetime(2021, 6, 1, tzinfo=UTC) + timedelta(hours=hours)), st.integers(1, 500))


def within(rhythm: Rhythm, since: datetime, until: datetime) -> list[Period]:
    return list(periods(rhythm, since, until, CHINA))


def opened(rhythm: Rhythm, first: str, last: str) -> list[Period]:
    """The periods that open between two days, both inclusive."""
    return within(rhythm, parse_time(first), parse_time(last) + DAY)


def said(period: Period) -> str:
    return f"{period.first} {local(period.due_at):%Y-%m-%d %H:%M}"


@given(by_calendar() | BY_CRON, SPANS, st.integers(0, 500))
def test_it_has_the_same_periods_whatever_span_they_are_asked_by(rhythm: Rhythm, span: tuple[datetime, int], hours: int) -> None:
    since, days = span
    until, between = since + DAY * days, min(since + DAY * days, since + timedelta(hours=hours))
    assert within(rhythm, since, until) == within(rhythm, since, between) + within(rhythm, between, until)


@given(by_calendar() | BY_CRON, SPANS)
def test_periods_are_apart_and_named_by_different_days(rhythm: Rhythm, span: tuple[datetime, int]) -> None:
    found = within(rhythm, span[0], span[0] + DAY * span[1])
    for earlier, later in pairwise(found):
        assert earlier.first < later.first
        assert earlier.due_at <= later.opens_at


@given(by_calendar() | BY_CRON, SPANS)
def test_each_is_due_after_it_opens_on_a_day_that_counts(rhythm: Rhythm, span: tuple[datetime, int]) -> None:
    for period in within(rhythm, span[0], span[0] + DAY * span[1]):
        assert period.opens_at <= period.due_at < period.opens_at + rhythm.longest * (9 if rhythm.cron else 1) + DAY
        assert rhythm.counts(day_of(period.due_at), CHINA)
        assert rhythm.cron or local(period.due_at).time() == rhythm.at


@given(by_calendar(), SPANS)
def test_every_day_of_the_season_lies_in_a_period(rhythm: Rhythm, span: tuple[datetime, int]) -> None:
    since, days = span
    found = within(rhythm, since - rhythm.longest - DAY, since + DAY * days)
    ends = [later.first for later in found[1:]] + [date.max]
    day, last = day_of(since), day_of(since + DAY * days) - DAY
    while day <= last:
        if rhythm.counts(day, CHINA):
            assert any(each.first <= day < end for each, end in zip(found, ends, strict=True))
        day += DAY


@given(by_calendar(), SPANS)
def test_by_the_calendar_they_open_with_a_day_of_shanghai(rhythm: Rhythm, span: tuple[datetime, int]) -> None:
    for period in within(rhythm, span[0], span[0] + DAY * span[1]):
        assert period.opens_at == start_of(period.first)
        assert local(period.opens_at).time() == time(0)


def test_without_a_due_day_it_is_due_in_the_evening_of_the_last() -> None:
    assert [said(each) for each in opened(Rhythm(Every.day), "2023-02-14", "2023-02-15")] == [
        "2023-02-14 2023-02-14 18:00", "2023-02-15 2023-02-15 18:00",
    ]  # fmt: skip
    due = {every: said(opened(Rhythm(every), "2023-01-01", "2023-12-31")[1]) for every in (Every.week, Every.month, Every.quarter)}
    assert due == {
        Every.week: "2023-01-09 2023-01-15 18:00", Every.month: "2023-02-01 2023-02-28 18:00", Every.quarter: "2023-04-01 2023-06-30 18:00",
    }  # fmt: skip
    assert [said(each) for each in opened(Rhythm(Every.half_year), "2023-01-01", "2023-12-31")] == [
        "2023-01-01 2023-06-30 18:00", "2023-07-01 2023-12-31 18:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rhythm", "year", "due"),
    [
        (Rhythm(Every.month, day=31), "2024", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        (Rhythm(Every.month, day=31), "2023", ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30"]),
        (Rhythm(Every.month, day=3, at=time(12)), "2023", ["2023-01-03", "2023-02-03", "2023-03-03", "2023-04-03"]),
        (Rhythm(Every.week, weekday=Weekday.fri), "2023", ["2023-01-06", "2023-01-13", "2023-01-20", "2023-01-27"]),
        (Rhythm(Every.quarter, month=2, day=10), "2023", ["2023-02-10", "2023-05-10", "2023-08-10", "2023-11-10"]),
    ],
)
def test_it_is_due_on_the_day_that_is_named_and_no_later_than_its_month_ends(rhythm: Rhythm, year: str, due: list[str]) -> None:
    found = opened(rhythm, f"{year}-01-01", f"{year}-12-31")[:4]
    assert [local(each.due_at).date().isoformat() for each in found] == due


def test_a_season_passes_new_year_and_begins_in_the_middle_of_a_week() -> None:
    daily = Rhythm(Every.day, season=Season((11, 1), (4, 30)))
    assert len(opened(daily, "2022-11-01", "2023-04-30")) == 181
    assert opened(daily, "2023-05-01", "2023-10-31") == []
    assert len(opened(daily, "2023-02-14", "2023-03-31")) == 46
    weekly = Rhythm(Every.week, weekday=Weekday.mon, season=Season((11, 1), (4, 30)))
    assert [said(each) for each in opened(weekly, "2022-10-24", "2022-11-13")] == [
        "2022-11-01 2022-11-06 18:00", "2022-11-07 2022-11-07 18:00",
    ]  # fmt: skip


def test_working_days_leave_out_a_holiday_and_keep_a_make_up_day() -> None:
    daily = Rhythm(Every.day, working=True)
    assert [each.first.day for each in opened(daily, "2023-04-21", "2023-05-06")] == [21, 23, 24, 25, 26, 27, 28, 4, 5, 6]
    friday = Rhythm(Every.week, weekday=Weekday.wed, working=True)
    assert said(opened(friday, "2023-05-01", "2023-05-07")[0]) == "2023-05-04 2023-05-04 18:00"
    assert said(opened(friday, "2023-04-03", "2023-04-09")[0]) == "2023-04-03 2023-04-04 18:00"
    assert opened(friday, "2023-10-02", "2023-10-05") == []


def test_what_begins_within_a_month_is_given_until_its_end() -> None:
    monthly = Rhythm(Every.month, day=3, from_day=date(2023, 2, 14))
    assert [said(each) for each in opened(monthly, "2023-01-01", "2023-03-31")] == [
        "2023-02-14 2023-02-28 18:00", "2023-03-01 2023-03-03 18:00",
    ]  # fmt: skip


def test_each_firing_of_cron_is_due_and_its_period_began_at_the_one_before() -> None:
    friday = Rhythm(cron="0 12 * * 5")
    first, second = within(friday, datetime(2023, 2, 17, 12, tzinfo=SHANGHAI), datetime(2023, 2, 24, 12, 1, tzinfo=SHANGHAI))
    assert (said(first), said(second)) == ("2023-02-17 2023-02-24 12:00", "2023-02-24 2023-03-03 12:00")
    assert first.due_at == second.opens_at
    assert within(friday, datetime(2023, 2, 17, 12, 0, 0, 1, tzinfo=SHANGHAI), datetime(2023, 2, 24, 12, tzinfo=SHANGHAI)) == []


def test_a_rhythm_is_read_from_what_the_database_holds() -> None:
    body = {
        "every": "half_year", "due": {"month": 5, "day": 12, "at": "12:30"}, "season": ["11-01", "04-30"], "days": "working",
        "from": "2023-02-14", "to": "2024-02-29",
    }  # fmt: skip
    assert rhythm_of(body) == Rhythm(
        Every.half_year, None, None, 5, 12, time(12, 30), Season((11, 1), (4, 30)), True, date(2023, 2, 14), date(2024, 2, 29)
    )
    assert rhythm_of({"every": "week", "due": {"weekday": "fri"}}) == Rhythm(Every.week, weekday=Weekday.fri)
    assert rhythm_of({"cron": "0 12 * * 5"}) == Rhythm(cron="0 12 * * 5")
