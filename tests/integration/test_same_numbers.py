"""Whoever counts, counts alike: the front page, the inbox's head, the ledger's queues, the figures and the countdown, beside the rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, end_of, start_of
from models.database import transaction
from models.enumerations import ENDED, HazardState
from notifications.countdown import CAMPAIGNS, count_open
from papers.numbers.kpi import numbers_of
from tests.stage import Stage
from tests.town import person_of
from web import caller, hazard, numbers

HAZARDS = 9
# Hours before now: over the campaign's six days and a week before them, and around each midnight.
MIDNIGHTS = st.builds(lambda days, past: 10 + 24 * days + past, st.integers(0, 12), st.sampled_from((0, 0.001)))
AGO = st.integers(1, 13 * 24).map(float) | MIDNIGHTS


class Life(NamedTuple):
    """What is set of a hazard; `open_for` and `late_by` in hours."""

    state: HazardState
    grade: str
    ago: float
    open_for: float
    late_by: float | None


LIVES = st.lists(
    st.builds(
        Life, st.sampled_from(list(HazardState)), st.sampled_from(("general", "major")), AGO, st.floats(0, 300),
        st.none() | st.floats(-48, 48),
    ), min_size=HAZARDS, max_size=HAZARDS,
)  # fmt: skip
SET = """
update cases set state = :state, grade = :grade, opened_at = :opened, due_at = cast(:due as timestamptz),
    ended_at = cast(:ended as timestamptz) where code = :code
"""


def live(stage: Stage, codes: Sequence[str], lives: Sequence[Life]) -> None:
    now = stage.clock.now()
    for code, life in zip(codes, lives, strict=True):
        opened = now - timedelta(hours=life.ago)
        ended = min(now, opened + timedelta(hours=life.open_for)) if life.state in ENDED else None
        due = None if life.late_by is None else now - timedelta(hours=life.late_by)
        stage.do(SET, code=code, state=str(life.state), grade=life.grade, opened=opened, due=due, ended=ended)


def of(session: Session, stage: Stage, post: str) -> caller.Caller:
    now = stage.clock.now()
    person = session.execute(text("select * from person where key = :key"), {"key": person_of(post)}).one()
    seats = caller.seats_of(session.execute(caller.SEATS, {"person": person.id, "day": day_of(now)}))
    return caller.Caller(person.id, person.key, person.label, None, stage.township_id, "试点镇", False, seats, now, now, "")


def counted_by_hand(rows: Sequence[Any], now: datetime) -> tuple[int, int, int, int, int, int]:
    """Found, closed, open, overdue, major and open, major and overdue."""
    still = [row for row in rows if row.ended_at is None]
    late = [row for row in still if row.due_at is not None and row.due_at < now]
    closed = sum(row.state == "closed" for row in rows)
    majors = (sum(row.grade == "major" for row in each) for each in (still, late))
    return (len(rows), closed, len(still), len(late), *majors)


def counted(tally: numbers.Tally) -> tuple[int, int, int, int, int, int]:
    return tally.found, tally.closed, tally.open, tally.overdue, tally.major_open, tally.major_overdue


def open_on(rows: Sequence[Any], day: date) -> int:
    return sum(day_of(row.opened_at) <= day and (row.ended_at is None or day_of(row.ended_at) > day) for row in rows)


ROWS = "select c.*, p.kind as place_kind, u.code as village from cases c join place p on p.id = place_id join unit u on u.id = c.village_id"


@given(given_lives=LIVES)
@settings(max_examples=25, derandomize=True, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def counts_alike(stage: Stage, codes: Sequence[str], given_lives: Sequence[Life]) -> None:
    live(stage, codes, given_lives)
    now, rows = stage.clock.now(), stage.all(ROWS)
    truth = counted_by_hand(rows, now)
    with transaction(stage.engine) as session:
        head, village = of(session, stage, "secretary"), of(session, stage, "village-1")
        page, figures = numbers.read(session, head), numbers_of(session, stage.township_id, now)
        campaign = session.execute(CAMPAIGNS, {"now": now}).one()
        countdown = count_open(session, campaign, now)
        queues = hazard.queues(session, head, hazard.Wanted(), end_of(day_of(now)))
        sums, own = numbers.whole(session, head), numbers.read(session, village)
    assert counted(page.whole) == truth
    assert {each.code: counted(each.tally) for each in page.villages if each.tally.found} == {
        each: counted_by_hand([row for row in rows if row.village == each], now) for each in {row.village for row in rows}
    }
    assert {each.code: counted(each.tally) for each in page.kinds if each.tally.found} == {
        each: counted_by_hand([row for row in rows if row.place_kind == each], now) for each in {row.place_kind for row in rows}
    }
    assert counted(own.whole) == counted_by_hand([row for row in rows if row.village == "v1"], now)
    assert page.whole.by_state == {state: sum(row.state == state for row in rows) for state in {HazardState(row.state) for row in rows}}
    assert [(point.day, point.open) for point in page.trend] == [(point.day, open_on(rows, point.day)) for point in page.trend]
    assert (page.trend[0].day, page.trend[-1].day) == (day_of(campaign.starts_at), day_of(now))
    assert (sums.found, sums.closed, sums.open, sums.overdue, sums.by_state) == (*truth[:4], page.whole.by_state)
    assert (figures.found, figures.closed, figures.open, figures.overdue, figures.major_open) == truth[:5]
    assert (queues["open"], queues["overdue"]) == truth[2:4]
    assert (countdown.closed, countdown.open, countdown.overdue, countdown.major) == truth[1:5]


def test_whoever_counts_counts_alike(stage: Stage) -> None:
    codes = [stage.find(place=place, description=f"隐患{n}") for n, place in enumerate(("shop", "shop-2", "pit") * 3)]
    counts_alike(stage, codes)  # type: ignore[call-arg]


def test_without_a_campaign_the_trend_begins_with_the_first_hazard(stage: Stage) -> None:
    codes = [stage.find(place=place) for place in ("shop", "pit")]
    stage.do("update cases set campaign_id = null")
    stage.do("delete from campaign")
    first = Life(HazardState.closed, "general", 24 * 9.0, 24 * 3.0, None)
    live(stage, codes, [first, Life(HazardState.found, "general", 2.0, 0, None)])
    with transaction(stage.engine) as session:
        trend = numbers.read(session, of(session, stage, "secretary")).trend
    assert start_of(trend[0].day) == start_of(day_of(stage.clock.now() - timedelta(days=9)))
    assert [point.open for point in trend] == [1, 1, 1, 0, 0, 0, 0, 0, 0, 1]
