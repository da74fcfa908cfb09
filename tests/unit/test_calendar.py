"""Working time: the published calendar of 2023–2026, the office's own table, and arithmetic that can't lose a second."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import holidays
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.calendar import CHINA, Calendar, Span
from models.clock import SHANGHAI, local
from models.township import DayKind

DAY = timedelta(days=1)
PATIENT = settings(deadline=None)

# Weekends made workdays, and weekdays made free, by the notices of the State Council's general office:
# 国办发明电〔2022〕16号, 〔2023〕7号, 〔2024〕12号, and the one of 2025-11-04 for 2026.
NOTICES = {
    2023: (
        "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
        "01-02 01-23 01-24 01-25 01-26 01-27 04-05 05-01 05-02 05-03 06-22 06-23 09-29 10-02 10-03 10-04 10-05 10-06",
    ),
    2024: (
        "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
        "01-01 02-12 02-13 02-14 02-15 02-16 04-04 04-05 05-01 05-02 05-03 06-10 09-16 09-17 10-01 10-02 10-03 10-04 10-07",
    ),
    2025: (
        "01-26 02-08 04-27 09-28 10-11",
        "01-01 01-28 01-29 01-30 01-31 02-03 02-04 04-04 05-01 05-02 05-05 06-02 10-01 10-02 10-03 10-06 10-07 10-08",
    ),
    2026: (
        "01-04 02-14 02-28 05-09 09-20 10-10",
        "01-01 01-02 02-16 02-17 02-18 02-19 02-20 02-23 04-06 05-01 05-04 05-05 06-19 09-25 10-01 10-02 10-05 10-06 10-07",
    ),
}


def shanghai(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=SHANGHAI)


def days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + n * DAY for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_published_year_is_as_its_notice_says(year: int) -> None:
    makeup, off = ({date.fromisoformat(f"{year}-{day}") for day in days.split()} for days in NOTICES[year])
    for day in days_of(year):
        assert CHINA.is_working_day(day) == (day in makeup or (day.weekday() < 5 and day not in off)), day


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_published_year_agrees_with_the_package(year: int) -> None:
    package = holidays.country_holidays("CN", years=year)
    assert [day for day in days_of(year) if CHINA.is_working_day(day)] == [day for day in days_of(year) if package.is_working_day(day)]


def test_new_year_across_the_turn_of_years_is_known() -> None:
    """Both days were announced in the notice of the year after."""
    assert CHINA.is_working_day(date(2011, 12, 31))
    assert CHINA.is_working_day(date(2005, 12, 31))


def test_a_year_without_a_notice_is_estimated_and_so_is_the_eve_of_its_new_year() -> None:
    assert not any(CHINA.is_estimated(day) for year in (2023, 2024, 2025) for day in days_of(year))
    assert [day for day in days_of(2026) if CHINA.is_estimated(day)] == [date(2026, 12, day) for day in (28, 29, 30, 31)]
    assert all(CHINA.is_estimated(day) for day in days_of(2027))
    assert CHINA.is_estimated(date(1988, 7, 1))


@pytest.mark.parametrize(("kind", "still"), [(DayKind.holiday, False), (DayKind.makeup, False), (DayKind.rest, True), (DayKind.work, True)])
def test_only_words_of_a_notice_publish_a_year(kind: DayKind, still: bool) -> None:
    calendar = Calendar({date(2027, 2, 20): kind})
    assert calendar.is_estimated(date(2027, 6, 1)) is still
    assert calendar.is_estimated(date(2026, 12, 31)) is still
    assert calendar.is_estimated(date(2028, 6, 1))


@pytest.mark.parametrize(("kind", "works"), [("work", True), ("makeup", True), ("rest", False), ("holiday", False)])
def test_the_offices_own_table_wins_on_every_kind_of_day(kind: str, works: bool) -> None:
    days = (date(2023, 3, 3), date(2023, 3, 4), date(2023, 5, 1), date(2023, 5, 6))
    calendar = Calendar(dict.fromkeys(days, kind))
    assert [calendar.is_working_day(day) for day in days] == [works] * 4
    assert [calendar.is_working_day(day + 3 * DAY) for day in days] == [CHINA.is_working_day(day + 3 * DAY) for day in days]


def test_a_notice_typed_in_drops_the_guessed_days_in_lieu_and_keeps_the_statutory_ones() -> None:
    in_lieu, statutory = date(2027, 2, 9), date(2027, 2, 5)
    assert not CHINA.is_working_day(in_lieu) and not CHINA.is_working_day(statutory)
    typed_in = Calendar({date(2027, 2, 20): DayKind.makeup})
    assert typed_in.is_working_day(in_lieu) and not typed_in.is_working_day(statutory)
    corrected = Calendar({date(2027, 2, 20): DayKind.work})
    assert not corrected.is_working_day(in_lieu)


def test_a_count_rests_on_an_estimate_only_when_it_passes_one() -> None:
    start = shanghai("2026-12-01 10:00")
    assert not CHINA.rests_on_estimate(start, shanghai("2026-12-27 18:00"))
    assert CHINA.rests_on_estimate(start, shanghai("2026-12-28 18:00"))
    assert CHINA.rests_on_estimate(shanghai("2027-12-01 10:00"), shanghai("2027-12-02 10:00"))
    assert CHINA.rests_on_estimate(shanghai("2000-12-01 10:00"), shanghai("2001-02-01 10:00"))
    published_later = Calendar({date(2028, 1, 1): DayKind.holiday})
    assert published_later.rests_on_estimate(start, shanghai("2028-03-01 10:00"))


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("2023-03-03 17:50", "2023-03-03 17:50"),
        ("2023-03-03 18:00", "2023-03-06 08:30"),
        ("2023-03-03 12:00", "2023-03-03 14:30"),
        ("2023-03-03 11:59:59", "2023-03-03 11:59:59"),
        ("2023-03-03 08:29", "2023-03-03 08:30"),
        ("2023-03-04 10:00", "2023-03-06 08:30"),
        ("2023-01-21 10:00", "2023-01-28 08:30"),
        ("2023-12-31 10:00", "2024-01-02 08:30"),
    ],
)
def test_the_next_working_moment(asked: str, answer: str) -> None:
    assert CHINA.next_working_moment(shanghai(asked)) == shanghai(answer)


@pytest.mark.parametrize(
    ("start", "hours", "answer"),
    [
        ("2023-03-03 17:50", 2, "2023-03-06 10:20"),
        ("2023-03-03 08:30", 3.5, "2023-03-03 12:00"),
        ("2023-03-03 08:30", 7, "2023-03-03 18:00"),
        ("2023-12-29 16:00", 3, "2024-01-02 09:30"),
        ("2023-03-06 10:00", -2, "2023-03-03 17:30"),
        ("2023-03-06 08:30", -7, "2023-03-03 08:30"),
        ("2023-03-06 14:30", -3.5, "2023-03-06 08:30"),
        ("2024-01-02 09:30", -3, "2023-12-29 16:00"),
    ],
)
def test_working_hours_add_up(start: str, hours: float, answer: str) -> None:
    assert CHINA.add_working_hours(shanghai(start), hours) == shanghai(answer)


@pytest.mark.parametrize(
    ("start", "days", "answer"),
    [
        ("2023-03-03 17:50", 1, "2023-03-06 17:50"),
        ("2023-03-03 18:00", 1, "2023-03-06 18:00"),
        ("2023-03-04 11:00", 1, "2023-03-06 18:00"),
        ("2023-03-06 10:00", -1, "2023-03-03 10:00"),
        ("2023-01-20 10:00", 1, "2023-01-28 10:00"),
        ("2023-03-03 10:00", 0.5, "2023-03-03 16:00"),
        ("2023-01-03 10:00", 249 + 251, "2025-01-02 10:00"),
    ],
)
def test_a_working_day_is_the_whole_working_time_of_one(start: str, days: float, answer: str) -> None:
    assert CHINA.add_working_days(shanghai(start), days) == shanghai(answer)


def test_the_nth_working_day_doesnt_count_the_first() -> None:
    friday, saturday = date(2023, 3, 3), date(2023, 3, 4)
    assert [CHINA.nth_working_day(friday, n).day for n in (-1, 0, 1, 2)] == [2, 3, 6, 7]
    assert [CHINA.nth_working_day(saturday, n).day for n in (-1, 0, 1, 2)] == [3, 6, 6, 7]


# Around the published years and past them, and through the years of summer time.
FIRSTS = st.sampled_from([datetime(2022, 11, 1, tzinfo=UTC), datetime(1986, 1, 1, tzinfo=UTC)])
INSTANTS = st.builds(lambda first, span: first + span, FIRSTS, st.timedeltas(timedelta(0), timedelta(days=2000)))
CALENDARS = st.sampled_from(
    [
        CHINA,
        Calendar({date(2024, 2, 9): "rest", date(2023, 3, 4): "work"}, [Span(time(9), time(17))]),
        Calendar({}, [Span(time(0), time(6)), Span(time(8), time(9, 0, 0, 1)), Span(time(22), time(23, 59, 59))]),
    ]
)
SPANS = st.timedeltas(timedelta(0), timedelta(hours=900))


@PATIENT
@given(CALENDARS, INSTANTS, SPANS)
@example(CHINA, shanghai("2023-03-03 18:00"), timedelta(0))
def test_what_was_added_is_what_lies_between(calendar: Calendar, start: datetime, span: timedelta) -> None:
    end = calendar.add_working_time(start, span)
    assert calendar.working_time_between(start, end) == span
    assert calendar.working_time_between(end, start) == -span
    assert end >= start
    assert calendar.working_time_between(start, calendar.add_working_time(start, -span)) == -span


@PATIENT
@given(INSTANTS, st.floats(0, 500))
def test_hours_added_are_the_hours_between(start: datetime, hours: float) -> None:
    assert CHINA.working_time_between(start, CHINA.add_working_hours(start, hours)) == timedelta(hours=hours)


@PATIENT
@given(CALENDARS, INSTANTS, SPANS)
def test_an_added_span_ends_at_the_earliest_instant_that_completes_it(calendar: Calendar, start: datetime, span: timedelta) -> None:
    end = calendar.add_working_time(start, span + timedelta(microseconds=1))
    assert calendar.working_time_between(start, end - timedelta(microseconds=1)) == span
    back = calendar.add_working_time(start, -span - timedelta(microseconds=1))
    assert calendar.working_time_between(back + timedelta(microseconds=1), start) == span


@PATIENT
@given(CALENDARS, INSTANTS, SPANS, SPANS)
def test_a_later_start_and_a_longer_span_never_end_earlier(calendar: Calendar, start: datetime, later: timedelta, span: timedelta) -> None:
    assert calendar.add_working_time(start, span) <= calendar.add_working_time(start + later, span)
    assert calendar.add_working_time(start, span) <= calendar.add_working_time(start, span + later)
    assert calendar.add_working_time(start, -span) <= calendar.add_working_time(start + later, -span)


@PATIENT
@given(CALENDARS, INSTANTS, INSTANTS, INSTANTS)
def test_working_time_adds_up_over_any_point_between(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    between = calendar.working_time_between
    assert between(a, b) + between(b, c) == between(a, c)


@PATIENT
@given(INSTANTS)
def test_the_next_working_moment_is_a_working_moment_and_the_next(start: datetime) -> None:
    moment = CHINA.next_working_moment(start)
    here = local(moment)
    assert moment >= start and CHINA.working_time_between(start, moment) == timedelta(0)
    assert CHINA.is_working_day(here.date()) and any(span.start <= here.time() < span.end for span in CHINA.working_hours)


def test_working_time_between_counts_day_by_day() -> None:
    """Against the plain count, over four years with all their make-up days."""
    start, end = shanghai("2023-01-01 00:00"), shanghai("2027-01-01 00:00")
    worked = sum(CHINA.is_working_day(day) for year in (2023, 2024, 2025, 2026) for day in days_of(year))
    assert CHINA.working_time_between(start, end) == worked * timedelta(hours=7)


DAYS = st.dates(date(2022, 12, 1), date(2025, 2, 1))


@PATIENT
@given(CALENDARS, DAYS, st.integers(-30, 400))
def test_working_days_between_are_those_that_one_counts(calendar: Calendar, first: date, days: int) -> None:
    last = first + days * DAY
    counted = sum(calendar.is_working_day(first + n * DAY) for n in range(1, days + 1))
    assert calendar.working_days_between(first, last) == counted


@PATIENT
@given(CALENDARS, DAYS, st.integers(0, 300), st.integers(0, 300))
def test_working_days_add_up_over_any_day_between(calendar: Calendar, first: date, some: int, more: int) -> None:
    middle, last = first + some * DAY, first + (some + more) * DAY
    parts = calendar.working_days_between(first, middle) + calendar.working_days_between(middle, last)
    assert calendar.working_days_between(first, last) == parts


def test_equal_calendars_are_one_key() -> None:
    overrides = {date(2024, 2, 9): "rest", date(2023, 3, 4): "work"}
    one, same = Calendar(overrides), Calendar(dict(reversed(overrides.items())))
    one.is_working_day(date(2023, 3, 4))
    assert one == same and hash(one) == hash(same)
    assert one != CHINA and one != Calendar(overrides, [Span(time(9), time(17))])


@pytest.mark.parametrize("hours", [[], [Span(time(12), time(8))], [Span(time(8), time(12)), Span(time(12), time(17))]])
def test_hours_that_make_no_sense_are_refused(hours: list[Span]) -> None:
    with pytest.raises(ValueError, match="run forward"):
        Calendar({}, hours)


def test_an_unknown_kind_of_day_is_refused() -> None:
    with pytest.raises(ValueError, match="half"):
        Calendar({date(2023, 3, 3): "half"})


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="without its zone"):
        CHINA.next_working_moment(shanghai("2023-03-03 10:00").replace(tzinfo=None))
