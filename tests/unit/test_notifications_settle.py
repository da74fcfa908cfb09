"""What an attempt makes of a message, and how long a failing one waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.clock import parse_time
from models.enumerations import NoticeState
from notifications.outcome import SENT, Kind, Outcome
from notifications.reason import Reason
from notifications.settle import JITTER, LONGEST_WAIT, back_off, decide

WALL = parse_time("2023-03-01T10:00+08:00")
WAITS = (1, 5, 15, 60, 240)

# outcome, attempts so far, state, reason
TABLE = [
    (SENT, 1, NoticeState.sent, Reason.taken),
    (SENT, 9, NoticeState.sent, Reason.taken),
    (Outcome(Kind.temporary), 1, NoticeState.retry, Reason.try_again),
    (Outcome(Kind.temporary), 5, NoticeState.retry, Reason.try_again),
    (Outcome(Kind.temporary), 6, NoticeState.failed, Reason.gave_up),  # five waits are six attempts
    (Outcome(Kind.permanent), 1, NoticeState.failed, Reason.refused),
    (Outcome(Kind.permanent, channel_gone=True), 1, NoticeState.failed, Reason.channel_gone),
    (Outcome(Kind.unknown), 1, NoticeState.unknown, Reason.no_answer),
    (Outcome(Kind.unknown), 6, NoticeState.unknown, Reason.no_answer),
]


@pytest.mark.parametrize(("outcome", "attempts", "state", "reason"), TABLE)
def test_an_outcome_has_one_state_and_one_reason(outcome: Outcome, attempts: int, state: NoticeState, reason: Reason) -> None:
    settled = decide(outcome, attempts, 7, WAITS, WALL)
    assert (settled.state, settled.reason) == (state, reason)
    assert (settled.try_at is not None) == (state == NoticeState.retry)


@pytest.mark.parametrize("attempts", range(1, 6))
def test_waits_grow_as_the_township_says_with_a_little_jitter(attempts: int) -> None:
    wait = back_off(Outcome(Kind.temporary), attempts, 7, WAITS)
    planned = timedelta(minutes=WAITS[attempts - 1])
    assert planned <= wait <= planned * (1 + JITTER)


def test_the_same_message_waits_the_same_time_everywhere_and_another_one_differently() -> None:
    waits = [back_off(Outcome(Kind.temporary), 1, id, WAITS) for id in (7, 7, 8)]
    assert waits[0] == waits[1] != waits[2]


def test_a_far_end_may_ask_for_a_longer_wait_but_not_for_ever() -> None:
    assert back_off(Outcome(Kind.temporary, wait=1800), 1, 7, WAITS) == timedelta(seconds=1800)
    assert back_off(Outcome(Kind.temporary, wait=1), 1, 7, WAITS) >= timedelta(minutes=1)
    assert back_off(Outcome(Kind.temporary, wait=10**9), 1, 7, WAITS) == LONGEST_WAIT
