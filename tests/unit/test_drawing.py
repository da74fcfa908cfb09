"""Bars of chances: how many hazards will be open, and how that is drawn."""

from __future__ import annotations

from math import comb, exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.drawing import histogram, left_open

chances = st.lists(st.floats(0, 1), max_size=40)


@given(chances, st.floats(0, 20))
def test_the_shares_add_up_and_their_mean_is_what_is_expected(odds: list[float], more: float) -> None:
    shares = left_open(odds, more)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert sum(n * share for n, share in enumerate(shares)) == pytest.approx(sum(odds) + more, abs=1e-2)


def test_equal_odds_are_binomial_and_new_ones_poisson() -> None:
    assert left_open([0.3] * 5, 0)[:6] == pytest.approx([comb(5, n) * 0.3**n * 0.7 ** (5 - n) for n in range(6)])
    assert left_open([], 2)[0] == pytest.approx(exp(-2))


@given(chances, st.floats(0, 20))
def test_whatever_is_likely_can_be_drawn(odds: list[float], more: float) -> None:
    drawn = histogram(left_open(odds, more))
    assert 1 <= drawn.count("<rect") <= 42
    assert "nan" not in drawn
    assert 'height="-' not in drawn


def test_only_none_at_all_is_green() -> None:
    assert histogram(left_open([0.1, 0.2], 0)).count('class="none"') == 1
    assert 'class="none"' not in histogram(left_open([0.99] * 30, 0))
