"""Due times: the worked examples of docs/time.md row by row, and what holds for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.calendar import CHINA, Calendar
from models.clock import SHANGHAI, day_of, end_of, local
from models.deadlines import (
    CLASS_LIMITS,
    Capped,
    Deadline,
    Limit,
    Pause,
    Rung,
    Unit,
    cap,
    deadline_for,
    due_at,
    next_due_after_failure,
    rung_times,
)
from models.enumerations import SlaClass
from models.township import DayKind

DOCS = Path(__file__).resolve().parents[2] / "docs" / "time.md"
CAMPAIGN = datetime(2023, 3, 31, 23, 59, 59, tzinfo=SHANGHAI)
DAY = timedelta(days=1)
PATIENT = settings(deadline=None)


def rows(first_column: str) -> list[tuple[str, ...]]:
    """The rows of the one table in docs/time.md whose first column has this title."""
    lines = iter(DOCS.read_text(encoding="utf8").splitlines())
    for line in lines:
        if line.startswith(f"| {first_column} |"):
            next(lines)
            return list(cells(lines))
    raise AssertionError(f"docs/time.md has no table that begins with {first_column}")


def cells(lines: Iterator[str]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def moment(written: str) -> datetime:
    """`2023-03-01 Wed 10:00[:00]`, by the clock in Shanghai; the weekday is checked, too."""
    parts = written.split()
    instant = datetime.fromisoformat(f"{parts[0]}T{parts[-1]}").replace(tzinfo=SHANGHAI)
    assert len(parts) == 2 or parts[1] == f"{instant:%a}", f"{written} is a {instant:%a}"
    return instant


def written(instant: datetime) -> str:
    return f"{local(instant):%Y-%m-%d %a %H:%M:%S}"


def limit(text: str) -> Limit:
    amount, unit = text.split()
    return Limit(int(amount), Unit(unit))


class Also(NamedTuple):
    campaign: datetime | None
    pauses: list[Pause]
    calendar: Calendar


def also(text: str) -> Also:
    """What a row's column «Also» adds: `campaign`, `pause A to B`, or `calendar DAY KIND, DAY KIND`."""
    kind, _, rest = text.partition(" ")
    assert kind in ("", "campaign", "pause", "calendar"), text
    first, _, last = rest.partition(" to ")
    pauses = [(moment(first), moment(last))] if kind == "pause" else []
    days = [item.split() for item in rest.split(", ")] if kind == "calendar" else []
    overrides = {date.fromisoformat(day): DayKind(what) for day, what in days}
    return Also(CAMPAIGN if kind == "campaign" else None, pauses, Calendar(overrides))


def said(answer: Deadline | Capped) -> str:
    flags = {"capped": answer.capped, "beyond campaign": answer.beyond_campaign, "estimated": getattr(answer, "estimated", False)}
    return ", ".join(flag for flag, set_ in flags.items() if set_)


@pytest.mark.parametrize(("start", "limit_", "also_", "due", "says", "why"), rows("Clock starts"))
def test_every_worked_example_is_due_when_the_docs_say(start: str, limit_: str, also_: str, due: str, says: str, why: str) -> None:
    campaign, pauses, calendar = also(also_)
    answer = deadline_for(moment(start), limit(limit_), calendar, pauses, campaign)
    assert (written(answer.due), said(answer)) == (written(moment(due)), says), why
    assert answer.original_due == answer.due


@pytest.mark.parametrize(("old", "failed", "limit_", "also_", "due", "says", "why"), rows("Old due"))
def test_every_worked_failure_is_due_when_the_docs_say(
    old: str, failed: str, limit_: str, also_: str, due: str, says: str, why: str
) -> None:
    answer = next_due_after_failure(moment(old), moment(failed), limit(limit_), CHINA, also(also_).campaign)
    assert (written(answer.due), said(answer)) == (written(moment(due)), says), why


@pytest.mark.parametrize(("started", "due", "before", "rungs", "times", "why"), rows("Started"))
def test_every_worked_ladder_has_the_times_that_the_docs_say(started: str, due: str, before: str, rungs: str, times: str, why: str) -> None:
    ladder = [Rung(float(rung.rstrip("w")), rung.endswith("w")) for rung in rungs.split()]
    answer = rung_times(moment(due), moment(started), ladder, CHINA, moment(before) if before else None)
    assert ", ".join(written(at) if at else "–" for at in answer) == times, why


def test_the_docs_show_every_class_every_unit_and_every_flag() -> None:
    table = rows("Clock starts")
    shown = {limit(row[1]) for row in table}
    assert set(CLASS_LIMITS.values()) <= shown
    assert {each.unit for each in shown} == set(Unit)
    assert {flag for row in table for flag in re.split(", ", row[4]) if flag} == {"capped", "beyond campaign", "estimated"}
    assert set(CLASS_LIMITS) == set(SlaClass)


# To the second, around years with make-up days, through the estimated turn to 2027, and through a summer time.
FIRSTS = st.sampled_from([datetime(2022, 12, 20, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC), datetime(1988, 3, 1, tzinfo=UTC)])
INSTANTS = st.builds(lambda first, seconds: first + timedelta(seconds=seconds), FIRSTS, st.integers(0, 300 * 86400))
SPANS = st.timedeltas(timedelta(0), timedelta(days=12)).map(lambda span: timedelta(seconds=span // timedelta(seconds=1)))
LIMITS = st.builds(Limit, st.integers(1, 40), st.sampled_from(Unit))


@st.composite
def starts_and_pauses(draw: st.DrawFn, most: int = 4) -> tuple[datetime, list[Pause]]:
    """A start, and pauses around and after it, overlapping as they like."""
    start = draw(INSTANTS)
    begins = draw(st.lists(st.tuples(SPANS, SPANS), max_size=most))
    return start, [(start - 2 * DAY + ahead, start - 2 * DAY + ahead + length) for ahead, length in begins]


FRIDAY = datetime(2023, 3, 3, 9, 50, tzinfo=UTC)


@PATIENT
@given(starts_and_pauses(), SPANS, LIMITS)
@example((FRIDAY, [(FRIDAY + timedelta(hours=1), FRIDAY + DAY)]), timedelta(minutes=59), Limit(3, Unit.natural_days))
def test_a_later_start_is_never_due_earlier(case: tuple[datetime, list[Pause]], later: timedelta, limit: Limit) -> None:
    start, pauses = case
    assert due_at(start, limit, CHINA, pauses) <= due_at(start + later, limit, CHINA, pauses)


@PATIENT
@given(starts_and_pauses(), starts_and_pauses(most=1), LIMITS)
def test_one_pause_more_never_moves_a_due_date_earlier(
    case: tuple[datetime, list[Pause]], other: tuple[datetime, list[Pause]], limit: Limit
) -> None:
    start, pauses = case
    shifted = [(begin - other[0] + start, end - other[0] + start) for begin, end in other[1]]
    assert due_at(start, limit, CHINA, pauses) <= due_at(start, limit, CHINA, pauses + shifted)
    assert due_at(start, limit, CHINA) <= due_at(start, limit, CHINA, pauses)


@PATIENT
@given(starts_and_pauses(), SPANS, LIMITS)
def test_a_longer_pause_never_moves_a_due_date_earlier(case: tuple[datetime, list[Pause]], longer: timedelta, limit: Limit) -> None:
    start, pauses = case
    stretched = [(begin, end + longer) for begin, end in pauses]
    assert due_at(start, limit, CHINA, pauses) <= due_at(start, limit, CHINA, stretched)


@PATIENT
@given(starts_and_pauses(), st.integers(1, 40), st.sampled_from(Unit))
def test_one_day_or_hour_more_is_never_due_earlier(case: tuple[datetime, list[Pause]], amount: int, unit: Unit) -> None:
    start, pauses = case
    assert due_at(start, Limit(amount, unit), CHINA, pauses) < due_at(start, Limit(amount + 1, unit), CHINA, pauses)


@PATIENT
@given(starts_and_pauses(), LIMITS)
def test_nothing_is_due_before_it_starts_or_while_its_clock_stands_still(case: tuple[datetime, list[Pause]], limit: Limit) -> None:
    start, pauses = case
    due = due_at(start, limit, CHINA, pauses)
    assert due > start
    assert not any(begin < due < end for begin, end in pauses)


@PATIENT
@given(INSTANTS, st.integers(1, 60))
def test_natural_days_end_with_the_nth_day_after_the_start(start: datetime, days: int) -> None:
    assert due_at(start, Limit(days, Unit.natural_days), CHINA) == end_of(day_of(start) + days * DAY)


@PATIENT
@given(INSTANTS, st.integers(1, 30))
def test_working_days_leave_whole_working_days(start: datetime, days: int) -> None:
    due = due_at(start, Limit(days, Unit.working_days), CHINA)
    left = CHINA.working_time_between(start, due)
    assert days * CHINA.full_day <= left <= (days + 1) * CHINA.full_day
    assert CHINA.is_working_day(day_of(due))


@PATIENT
@given(starts_and_pauses(), st.integers(1, 72))
def test_hours_run_exactly_outside_the_pauses(case: tuple[datetime, list[Pause]], hours: int) -> None:
    """Counted minute by minute against the rule, on whole minutes."""
    start, pauses = case[0].replace(second=0), [(begin.replace(second=0), end.replace(second=0)) for begin, end in case[1]]
    due = due_at(start, Limit(hours, Unit.natural_hours), CHINA, pauses)
    minutes = (start + timedelta(minutes=m) for m in range((due - start) // timedelta(minutes=1)))
    assert sum(not any(begin <= minute < end for begin, end in pauses) for minute in minutes) == hours * 60


@PATIENT
@given(INSTANTS, SPANS, LIMITS, st.integers(1, 48))
def test_the_cap_leaves_its_hours_and_never_lengthens(start: datetime, ahead: timedelta, limit: Limit, hours: int) -> None:
    deadline, leaves = start - 2 * DAY + ahead, timedelta(hours=hours)
    due = due_at(start, limit, CHINA)
    answer = cap(due, start, deadline, leaves)
    assert min(due, start + leaves) <= answer.due <= due
    assert answer.due <= max(deadline, start + leaves)
    assert answer.capped == (answer.due < due)
    assert answer.beyond_campaign == (answer.due > deadline)


@PATIENT
@given(INSTANTS, SPANS, SPANS, LIMITS)
def test_a_later_assignment_is_never_due_earlier_under_the_cap(start: datetime, later: timedelta, ahead: timedelta, limit: Limit) -> None:
    deadline = start - 2 * DAY + ahead
    first, second = (deadline_for(each, limit, CHINA, campaign_deadline=deadline) for each in (start, start + later))
    assert first.due <= second.due


def test_outside_a_campaign_nothing_is_capped() -> None:
    due = due_at(FRIDAY, Limit(30, Unit.natural_days), CHINA)
    assert cap(due, FRIDAY, None) == Capped(due, capped=False, beyond_campaign=False)


def test_a_date_that_the_campaign_sets_is_no_estimate() -> None:
    start, campaign = moment("2027-02-04 16:00"), moment("2027-02-10 23:59:59")
    assert deadline_for(start, Limit(3, Unit.working_days), CHINA).estimated
    assert deadline_for(start, Limit(3, Unit.working_days), CHINA, (), campaign) == Deadline(campaign, campaign, capped=True)


@PATIENT
@given(INSTANTS, SPANS, LIMITS, SPANS)
def test_a_later_failure_is_never_due_earlier(failed: datetime, later: timedelta, limit: Limit, ahead: timedelta) -> None:
    old = failed - 2 * DAY + ahead
    first, second = (next_due_after_failure(old, each, limit, CHINA).due for each in (failed, failed + later))
    assert first <= second
    assert first > failed


@pytest.mark.parametrize("amount", [0, -1, 1.5, float("nan")])
def test_a_limit_in_days_is_whole_and_above_nothing(amount: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Limit(amount, Unit.natural_days)


def test_half_an_hour_clock_is_exactly_half() -> None:
    assert Limit(3, Unit.working_hours).half() == Limit(1.5, Unit.working_hours)
    assert Limit(1, Unit.working_days).half() == Limit(1, Unit.working_days)


def test_an_extension_keeps_the_original_due_time_and_must_reach_further() -> None:
    first = deadline_for(moment("2023-03-31 09:00"), CLASS_LIMITS[SlaClass.g3], CHINA, campaign_deadline=CAMPAIGN)
    extended = first.extended(moment("2023-04-10 23:59:59"), CAMPAIGN)
    assert extended == Deadline(moment("2023-04-10 23:59:59"), first.due, beyond_campaign=True)
    assert extended.extended(moment("2023-04-20 23:59:59")).original_due == first.due
    with pytest.raises(ValueError, match="reaches further"):
        extended.extended(extended.due)


RUNGS = st.lists(st.builds(Rung, st.integers(-200, 300).map(float), st.booleans()), max_size=8)


@PATIENT
@given(INSTANTS, SPANS, RUNGS, SPANS)
def test_rung_times_never_fall_and_at_most_one_reminder_is_caught_up(
    started: datetime, ahead: timedelta, rungs: list[Rung], moved: timedelta
) -> None:
    due = started + ahead
    plain = rung_times(due, started, rungs, CHINA)
    shortened = rung_times(due, started, rungs, CHINA, shortened_from=due + moved)
    for times in (plain, shortened):
        present = [at for at in times if at]
        assert present == sorted(present) and all(at >= started for at in present)
    caught_up = [index for index, (before, after) in enumerate(zip(plain, shortened, strict=True)) if before != after]
    assert len(caught_up) <= 1
    assert all(plain[index] is None and shortened[index] == started and rungs[index].offset_hours < 0 for index in caught_up)


@PATIENT
@given(INSTANTS, SPANS, RUNGS)
def test_a_deadline_that_did_not_move_catches_nothing_up(started: datetime, ahead: timedelta, rungs: list[Rung]) -> None:
    due = started + ahead
    assert rung_times(due, started, rungs, CHINA, shortened_from=due) == rung_times(due, started, rungs, CHINA)


def test_escalations_that_lie_behind_stay_for_the_sweep_to_fold() -> None:
    due = moment("2023-03-01 10:00")
    times = rung_times(due, due + 3 * DAY, [Rung(-24), Rung(0), Rung(24)], CHINA)
    assert times == (None, due, due + DAY)


def test_answers_are_in_utc_and_naive_times_are_refused() -> None:
    assert deadline_for(moment("2023-03-03 17:50"), Limit(1, Unit.natural_hours), CHINA).due.tzinfo is UTC
    with pytest.raises(ValueError, match="without its zone"):
        due_at(FRIDAY.replace(tzinfo=None), Limit(1, Unit.natural_days), CHINA)
