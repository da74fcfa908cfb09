"""The hundred points and the league table, by hand and by property."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules import League
from papers.numbers.kpi import Numbers
from papers.numbers.league import ranked
from papers.numbers.score import WEIGHTS, Band, Entry, band_of, score, score_of

SHARES = st.none() | st.floats(0, 1)
TERMS = st.fixed_dictionaries(dict.fromkeys(WEIGHTS, SHARES))
POINTS = st.lists(st.floats(0, 60), max_size=3).map(lambda each: tuple(Entry("any", 1, points, "", "") for points in each))


def unit(code: str = "v1", **figures: Any) -> Numbers:
    """A unit without anything, but for what is said."""
    plain = {field.name: None if "None" in str(field.type) else 0 for field in fields(Numbers)}
    return Numbers(**{**plain, "unit": code, "zh": code, "en": code, "no_hazards": False, **figures})


def test_the_weights_are_a_hundred() -> None:
    assert sum(WEIGHTS.values()) == 100


def test_all_terms_full_are_a_hundred_points() -> None:
    assert score(dict.fromkeys(WEIGHTS, 1.0)).points == 100


def test_a_unit_by_hand() -> None:
    """20·0.9 + 25·0.8 + 10·0.5 + 15·1 + 15·0.6 + 5·1 + 5·0 + 5·(1 − 0.05/0.2) = 75.75"""
    made = unit(
        coverage=0.9, on_time=0.8, first_pass=0.5, major_kept=1.0, duties_kept=0.6, reviews_on_time=1.0, reports_on_time=0.0, rebound=0.05
    )
    assert (score_of(made).points, score_of(made).band) == (75.75, Band.fair)


def test_terms_without_a_denominator_drop_out_and_the_rest_is_rescaled() -> None:
    """Only C and T: (20·0.5 + 25·1) · 100/45 = 77.78"""
    made = score_of(unit(coverage=0.5, on_time=1.0))
    assert (made.points, sorted(made.terms)) == (77.78, ["coverage", "on_time"])
    assert sum(made.weights.values()) == pytest.approx(100)


def test_without_any_term_there_are_no_points_and_no_band() -> None:
    made = score_of(unit(major_overdue=3, public_verified=2))
    assert (made.points, made.band) == (None, None)


def test_what_is_taken_off_and_added() -> None:
    """100 − 10 (two overdue major) − 10 (one fake) − 1 − 2 − 4 (three that climbed) − 1 (leader) + 1.5 (three reports) + 3 (self-found)"""
    made = unit(
        coverage=1.0, major_overdue=2, fakes=1, to_head=1, to_secretary=1, to_district=1, leader_missed=1, public_verified=3, self_found=0.5
    )
    assert score_of(made).points == 76.5
    assert {entry.name: entry.points for entry in score_of(made).penalties} == {
        "major_overdue": 10, "fakes": 10, "climbed": 7, "leader_missed": 1,
    }  # fmt: skip
    assert {entry.name: entry.points for entry in score_of(made).bonus} == {"public_verified": 1.5, "self_found": 3}


@pytest.mark.parametrize(
    ("figures", "off"), [({"major_overdue": 9}, 20), ({"to_district": 9}, 15), ({"public_verified": 99}, -5), ({"self_found": 0.49}, 0)]
)
def test_what_is_taken_off_and_added_has_its_limit(figures: dict[str, Any], off: float) -> None:
    made = score_of(unit(coverage=0.5, **figures))
    assert made.points == 50 - off


@pytest.mark.parametrize(
    ("points", "band"),
    [(100, "excellent"), (90, "excellent"), (89.99, "good"), (80, "good"), (79.99, "fair"), (60, "fair"), (59.99, "poor"), (0, "poor")],
)
def test_bands(points: float, band: str) -> None:
    assert band_of(points) == band


def test_a_fatal_accident_fails_a_unit_whatever_its_points() -> None:
    made = score_of(unit("v2", coverage=1.0), frozenset({"v2"}))
    assert (made.points, made.band) == (100, Band.vetoed)


@given(TERMS, POINTS, POINTS)
def test_points_lie_between_0_and_100_or_there_are_none(terms: dict[str, float | None], off: Any, on: Any) -> None:
    points = score(terms, off, on).points
    assert (points is None) == all(value is None for value in terms.values())
    assert points is None or 0 <= points <= 100


@given(TERMS, POINTS, POINTS, st.sampled_from(sorted(WEIGHTS)), st.floats(0, 1))
def test_a_better_term_never_makes_the_score_worse(
    terms: dict[str, float | None], off: Any, on: Any, name: str, better: float
) -> None:
    low, high = sorted((terms[name] or 0.0, better))
    worse, best = score({**terms, name: low}, off, on).points, score({**terms, name: high}, off, on).points
    assert worse is not None and best is not None and worse <= best


@given(TERMS, POINTS, st.randoms(use_true_random=False))
def test_the_order_of_the_terms_doesn_t_matter(terms: dict[str, float | None], off: Any, chance: Any) -> None:
    shuffled = list(terms.items())
    chance.shuffle(shuffled)
    assert score(dict(shuffled), off) == score(terms, off)


def test_the_league_ranks_only_where_enough_stands_behind_a_score() -> None:
    table = ranked([
        unit("few", valid=4, places=19, coverage=1.0), unit("hazards", valid=5, coverage=0.5), unit("places", places=20, coverage=0.7),
        unit("same", valid=9, coverage=0.5), unit("empty", places=30),
    ])  # fmt: skip
    assert [(row.rank, row.numbers.unit, row.n) for row in table.rows] == [
        (1, "places", 0), (2, "hazards", 5), (2, "same", 9), (None, "few", 4), (None, "empty", 0),
    ]  # fmt: skip
    assert "5条" in table.zh and "20处" in table.zh


def test_a_vetoed_unit_comes_last_among_the_ranked() -> None:
    table = ranked([unit("a", valid=9, coverage=1.0), unit("b", valid=9, coverage=0.1)], veto=frozenset({"a"}))
    assert [(row.rank, row.numbers.unit) for row in table.rows] == [(1, "b"), (2, "a")]


def test_the_township_chooses_how_much_is_enough() -> None:
    table = ranked([unit("a", valid=2, coverage=1.0)], League(least_hazards=2, least_places=99))
    assert table.rows[0].rank == 1
