"""How many messages are under way at once: few, as each is unknown when the sender dies, and more only where they leave fast."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifications.senders import MOST_UNDER_WAY, THREADS, window


def test_slow_far_ends_keep_two_messages_for_each_thread() -> None:
    assert window(8, 0.8, THREADS) == 16
    assert window(0, 0.0, THREADS) == 16


def test_what_leaves_within_a_tenth_of_a_second_may_be_under_way() -> None:
    assert window(16, 0.04, THREADS) == 40


@given(st.integers(0, 10_000), st.floats(0, 600), st.integers(1, 32))
def test_never_less_than_two_for_each_thread_nor_more_than_sixty_four(done: int, seconds: float, threads: int) -> None:
    assert min(2 * threads, MOST_UNDER_WAY) <= window(done, seconds, threads) <= MOST_UNDER_WAY
