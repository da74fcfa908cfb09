"""Quiet hours: from their first minute to before their last, also past midnight."""

from __future__ import annotations

from datetime import time

import pytest

from models.clock import parse_time
from notifications.manner import Manner

NIGHT = Manner(quiet=(time(21, 30), time(7, 0)))
NOON = Manner(quiet=(time(12, 0), time(14, 0)))
NEVER = Manner(quiet=(time(0, 0), time(0, 0)))

# manner, now in Shanghai, when the quiet ends
TABLE = [
    (NIGHT, "2023-03-01T21:29+08:00", None),
    (NIGHT, "2023-03-01T21:30+08:00", "2023-03-02T07:00+08:00"),
    (NIGHT, "2023-03-01T23:59:59+08:00", "2023-03-02T07:00+08:00"),
    (NIGHT, "2023-03-02T00:00+08:00", "2023-03-02T07:00+08:00"),
    (NIGHT, "2023-03-02T06:59:59+08:00", "2023-03-02T07:00+08:00"),
    (NIGHT, "2023-03-02T07:00+08:00", None),
    (NIGHT, "2023-02-28T22:00+08:00", "2023-03-01T07:00+08:00"),  # over a month's end
    (NOON, "2023-03-01T11:59+08:00", None),
    (NOON, "2023-03-01T12:00+08:00", "2023-03-01T14:00+08:00"),
    (NOON, "2023-03-01T14:00+08:00", None),
    (NEVER, "2023-03-01T00:00+08:00", None),
]


@pytest.mark.parametrize(("manner", "now", "until"), TABLE)
def test_quiet_hours_end_when_they_say(manner: Manner, now: str, until: str | None) -> None:
    assert manner.quiet_until(parse_time(now)) == (parse_time(until) if until else None)
