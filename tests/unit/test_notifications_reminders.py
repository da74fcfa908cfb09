"""Which reminder of a campaign's ladder is due: the latest whose moment has come, and only that."""

from __future__ import annotations

from typing import Any

import pytest

from models.clock import parse_time
from notifications.countdown import latest, of_day

START, DEADLINE = parse_time("2023-02-14"), parse_time("2023-03-31T23:59:59+08:00")
LADDER: list[dict[str, Any]] = [
    {"days_left": 30, "at": ["08:30"], "to": ["responsible"], "about": "T-30", "daily": False},
    {"days_left": 7, "at": ["08:30"], "to": ["township_head"], "about": "T-7", "daily": False},
    {"days_left": 5, "at": ["08:30"], "to": ["responsible"], "about": "T-5", "daily": True},
    {"days_left": 3, "at": ["08:30"], "to": ["responsible"], "about": "T-3", "daily": False},
    {"days_left": 0, "at": ["09:00", "17:00"], "to": ["party_secretary"], "about": "T-0", "daily": False},
    {"days_left": -1, "at": ["08:30"], "to": ["district_office"], "about": "T+1", "daily": True},
]

# now, the moment of the reminder that is due, what it is about
TABLE = [
    ("2023-02-20T10:00+08:00", None, None),
    ("2023-03-01T08:29+08:00", None, None),
    ("2023-03-01T08:30+08:00", "2023-03-01T08:30+08:00", "T-30"),
    ("2023-03-20T12:00+08:00", "2023-03-01T08:30+08:00", "T-30"),  # the latest one missed, however long ago
    ("2023-03-24T08:30+08:00", "2023-03-24T08:30+08:00", "T-7"),
    ("2023-03-27T09:00+08:00", "2023-03-27T08:30+08:00", "T-5"),  # daily from T-5 on
    ("2023-03-28T09:00+08:00", "2023-03-28T08:30+08:00", "T-3"),  # a day of its own wins
    ("2023-03-29T09:00+08:00", "2023-03-29T08:30+08:00", "T-5"),
    ("2023-03-31T08:45+08:00", "2023-03-30T08:30+08:00", "T-5"),
    ("2023-03-31T16:59+08:00", "2023-03-31T09:00+08:00", "T-0"),
    ("2023-03-31T17:00+08:00", "2023-03-31T17:00+08:00", "T-0"),
    ("2023-04-01T08:30+08:00", "2023-04-01T08:30+08:00", "T+1"),
    ("2023-04-05T10:00+08:00", "2023-04-05T08:30+08:00", "T+1"),
]


@pytest.mark.parametrize(("now", "moment", "about"), TABLE)
def test_the_latest_reminder_whose_moment_has_come_is_due(now: str, moment: str | None, about: str | None) -> None:
    due = latest(LADDER, START, DEADLINE, parse_time(now))
    assert (due and due.at, due and due.about) == (moment and parse_time(moment), about)


def test_what_repeats_daily_before_the_deadline_stops_with_it() -> None:
    before = [each for each in LADDER if each["days_left"] >= 0]
    assert of_day(before, -1) == []


def test_a_campaign_that_began_late_does_not_send_what_lay_before_its_start() -> None:
    assert latest(LADDER, parse_time("2023-03-02"), DEADLINE, parse_time("2023-03-05T10:00+08:00")) is None
