"""The forecast: small campaigns worked out by hand, and what must hold of any."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calendar import Calendar
from models.clock import start_of
from models.enumerations import HazardState
from papers.numbers.backtest import brier, calibration
from papers.numbers.forecast import Basis, forecast
from papers.numbers.lives import Flow, Life, Move

S = HazardState
MONDAY = date(2023, 3, 6)
ORDER = (S.found, S.assigned, S.rectifying, S.submitted, S.verified, S.closed)


def at(day: int, hour: int = 9) -> datetime:
    """Hours of the day, in Shanghai, `day` days after Monday."""
    return start_of(MONDAY + timedelta(days=day)) + timedelta(hours=hour)


def life(code: str, *moves: tuple[HazardState, datetime], due: int | None = None, village: str = "v1", field: str = "fire_nine") -> Life:
    by = None if due is None else MONDAY + timedelta(days=due)
    return Life(code, village, field, "g3", tuple(Move(when, state, by) for state, when in moves))


def flow(lives: list[Life], *, last: int, **more: object) -> Flow:
    made = Flow("YH-2023", at(0, 0), at(last, 24) - timedelta(seconds=1), tuple(lives), Calendar(), (("v1", "东村"), ("v2", "西村")))
    return replace(made, **more)  # type: ignore[arg-type]


def reviewed() -> list[Life]:
    """A hundred hazards, found and reported mended on Monday; on Tuesday twenty of them are closed."""
    done = [life(f"a{n}", (S.found, at(0)), (S.submitted, at(0, 10)), (S.closed, at(1))) for n in range(20)]
    return done + [life(f"b{n}", (S.found, at(0)), (S.submitted, at(0, 10))) for n in range(80)]


def all_entered(lives: list[Life], last: int) -> Flow:
    return flow(lives, last=last, places=1, visits=(at(0),))


def test_a_case_moves_as_others_did_on_the_day_after() -> None:
    """20 of 100 case-days ended in a closure. The state, which counts one case that stays beside them: 20/101. Its first day, and then its
    class, which hold the same hundred days: each (20 + 10·what stands above it) / 110."""
    lives = [*reviewed(), life("new", (S.found, at(1)), (S.submitted, at(1, 10)))]
    first = 20 / 101
    second = (20 + 10 * first) / 110
    third = (20 + 10 * second) / 110
    assert forecast(all_entered(lives, 2), at(2, 0)).odds["new"] == pytest.approx(1 - third)


def test_where_nobody_has_been_yet_the_whole_state_speaks() -> None:
    """No case has been through a second day: what is known of the state at large stands in, 20/101."""
    assert forecast(all_entered(reviewed(), 2), at(2, 0)).odds["b0"] == pytest.approx(1 - 20 / 101)


def test_days_multiply() -> None:
    one, two = (forecast(all_entered(reviewed(), last), at(2, 0)).odds["b0"] for last in (2, 3))
    assert two == pytest.approx(one**2)


def test_what_was_never_seen_to_move_is_taken_to_stay() -> None:
    lives = [*reviewed(), life("odd", (S.found, at(1)), (S.verified, at(1, 10)))]
    assert forecast(all_entered(lives, 2), at(2, 0)).odds["odd"] == 1.0


def test_the_chance_is_that_of_every_case_and_the_expected_number_their_sum() -> None:
    given_ = forecast(all_entered(reviewed(), 2), at(2, 0)).whole
    assert (given_.open, given_.basis) == (80, Basis.flow)
    assert given_.expected == pytest.approx(80 * 81 / 101)
    assert given_.chance == pytest.approx((20 / 101) ** 80, rel=1e-9, abs=0)
    assert (given_.new, given_.per_day) == (0.0, 80)


def test_new_findings_come_as_they_came_and_those_left_open_are_poisson() -> None:
    """Monday brought 100 and Tuesday none: 50 a working day, found and reported mended on one day, when the campaign ends."""
    given_ = forecast(flow(reviewed(), last=2), at(2, 0)).whole
    assert given_.new == pytest.approx(50)
    assert given_.expected == pytest.approx(80 * 81 / 101 + 50)
    assert given_.chance == pytest.approx((20 / 101) ** 80 * exp(-50), rel=1e-9, abs=0)
    assert given_.per_day == 130


def test_no_more_is_found_than_the_places_not_yet_entered_will_show() -> None:
    """100 findings in 50 places: the 10 places left will show 20."""
    entered = tuple(at(0) for _ in range(50))
    for last in (2, 3, 4):
        assert forecast(flow(reviewed(), last=last, places=60, visits=entered), at(2, 0)).whole.new == pytest.approx(20)


def test_a_day_without_work_is_judged_by_days_without_work() -> None:
    """Nothing was seen on a Saturday yet: then nothing moves."""
    assert forecast(all_entered(reviewed(), 5), at(5, 0)).odds["b0"] == 1.0


def test_the_first_days_are_too_early_for_a_chance() -> None:
    given_ = forecast(all_entered(reviewed()[:30], 9), at(1, 0)).whole
    assert (given_.chance, given_.expected, given_.basis) == (None, None, Basis.too_early)
    assert given_.per_day == 4  # 30 in 9 days


def test_after_the_deadline_it_is_known() -> None:
    over = forecast(all_entered([*reviewed(), life("x", (S.found, at(0)), (S.closed, at(1)), village="v2")], 2), at(3))
    assert [(each.unit, each.open, each.chance, each.per_day, each.basis) for each in over.villages] == [
        ("v1", 80, 0.0, None, Basis.over), ("v2", 0, 1.0, None, Basis.over),
    ]  # fmt: skip


def test_where_nothing_is_open_and_nothing_is_to_come_the_chance_is_one() -> None:
    quiet = forecast(all_entered(reviewed(), 2), at(2, 0)).villages[1]
    assert (quiet.open, quiet.chance, quiet.expected, quiet.basis) == (0, 1.0, 0.0, Basis.nothing_open)


def test_before_noon_the_day_itself_is_still_to_come() -> None:
    assert [forecast(all_entered(reviewed(), 4), at(2, hour)).days for hour in (0, 11, 12, 23)] == [3, 3, 2, 2]


def test_a_life_is_known_only_as_far_as_it_has_been_lived() -> None:
    lived = life("a", (S.found, at(0)), (S.assigned, at(1)), (S.closed, at(3)))
    known = lived.until(at(2))
    assert known and [move.state for move in known.moves] == [S.found, S.assigned]
    assert lived.until(at(0, 8)) is None


@st.composite
def campaigns(draw: st.DrawFn) -> list[Life]:
    lives = []
    for number in range(draw(st.integers(1, 25))):
        day, moves = draw(st.integers(0, 10)), []
        for state in ORDER[: draw(st.integers(1, 6))]:
            moves.append((state, at(day)))
            day += draw(st.integers(0, 4))
        due = draw(st.integers(0, 20))
        lives.append(life(f"{number}", *moves, due=due, village=draw(st.sampled_from(("v1", "v2")))))
    return lives


@given(campaigns(), st.integers(0, 25), st.integers(0, 23), st.randoms(use_true_random=False))
def test_of_any_campaign_it_says_chances_and_the_same_in_any_order(lives: list[Life], day: int, hour: int, chance: object) -> None:
    given_ = forecast(flow(lives, last=20), at(day, hour))
    assert all(-1e-9 <= odds <= 1 + 1e-9 for odds in given_.odds.values())
    assert given_.whole.chance is None or 0 <= given_.whole.chance <= 1
    assert given_.whole.open == sum(each.open for each in given_.villages) == len(given_.odds)
    shuffled = list(lives)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again = forecast(flow(shuffled, last=20), at(day, hour))
    assert again.odds == pytest.approx(given_.odds)


@given(campaigns(), st.integers(0, 19))
def test_what_happens_later_changes_no_forecast(lives: list[Life], day: int) -> None:
    known = [each for life in lives if (each := life.until(at(day, 0)))]
    assert forecast(flow(lives, last=20), at(day, 0)) == forecast(flow(known, last=20), at(day, 0))


def test_brier_and_calibration_by_hand() -> None:
    pairs = [(0.9, True), (0.2, False), (0.25, True)]
    assert brier(pairs) == pytest.approx((0.01 + 0.04 + 0.5625) / 3)
    assert brier([]) is None
    assert calibration(pairs) == [(pytest.approx(0.225), 0.5, 2), (pytest.approx(0.9), 1.0, 1)]
