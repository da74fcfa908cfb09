"""A timer that climbs by itself, step by step, and the picture of it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta

import pytest

from models.clock import parse_time
from models.enumerations import Clock, Purpose
from notifications.foresee import Cause, Foreseen, Hearing, Rung, Running, climbing, move_on
from notifications.reason import Reason
from notifications.timeline import picture

DUE = parse_time("2023-03-01T18:00+08:00")
HOURS = (-24, 0, 24, 72)
RUNGS = {place: Rung(place, max(0, place - 2), hours, (f"post:{place}",), False) for place, hours in enumerate(HOURS, start=1)}


def timer(**fields: object) -> Running:
    usual = {
        "row": {}, "id": 1, "clock": Clock.rectify, "run": 1, "due_at": DUE, "rung_at": [DUE + timedelta(hours=each) for each in HOURS],
        "fired": 0, "repeat": 0, "next_at": DUE - timedelta(hours=24), "held_rung": None, "every": timedelta(hours=48), "rungs": RUNGS,
    }  # fmt: skip
    return Running(**(usual | fields))  # type: ignore[arg-type]


def life(running: Running, steps: int, *, heard: bool = True) -> list[tuple[float, int, int, Cause]]:
    """Hours from the due time, rung, repeat and cause of the next moments."""
    lived = []
    for _ in range(steps):
        now = running.next_at
        climb = climbing(running, now)
        move_on(running, climb, heard, now)
        lived.append(((now - DUE) / timedelta(hours=1), climb.rung.position, climb.repeat, climb.cause))
    return lived


def test_the_last_rung_is_said_again_and_again() -> None:
    assert life(timer(), 6) == [
        (-24, 1, 0, "rung"), (0, 2, 0, "rung"), (24, 3, 0, "rung"), (72, 4, 0, "rung"), (120, 4, 1, "repeat"), (168, 4, 2, "repeat"),
    ]  # fmt: skip


def test_whom_nobody_hears_hands_on_once_it_is_due_and_not_before() -> None:
    assert life(timer(), 5, heard=False) == [
        (-24, 1, 0, "rung"), (0, 2, 0, "rung"), (0, 3, 0, "handed_on"), (0, 4, 0, "handed_on"), (48, 4, 1, "repeat"),
    ]  # fmt: skip


def test_what_was_slept_through_is_one_rung_that_tells_the_posts_passed_over_but_no_reminders() -> None:
    climb = climbing(timer(), DUE + timedelta(hours=30))
    assert (climb.rung.position, climb.skipped, climb.words) == (3, (1, 2), ("post:2", "post:3"))


def test_a_promise_that_is_over_is_said_to_its_rung_again_and_the_chain_goes_on() -> None:
    promised = DUE + timedelta(hours=40)
    held = timer(fired=3, next_at=promised, held_rung=3)
    climb = climbing(held, promised)
    assert (climb.rung.position, climb.repeat, climb.cause) == (3, 1, "promise")
    move_on(held, climb, heard=True, now=promised)
    assert held.next_at == DUE + timedelta(hours=72)


def test_a_rung_that_is_left_out_is_never_reached() -> None:
    times: list[datetime | None] = [None, None, DUE + timedelta(hours=24), DUE + timedelta(hours=72)]
    assert [step[:2] for step in life(timer(rung_at=times, next_at=DUE + timedelta(hours=24)), 2)] == [(24, 3), (72, 4)]


def moment(level: int, hours: float = 0, **fields: object) -> Foreseen:
    heard = Hearing("p1", "<甲>", "deputy", "分管&班子成员", "deputy", None, "json", DUE, **fields)  # type: ignore[arg-type]
    return Foreseen(DUE + timedelta(hours=hours), Clock.rectify, level, 3, 0, Cause.rung, Purpose.overdue, DUE, "why", hearings=(heard,))


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_picture_is_sound_svg_that_names_every_moment(count: int) -> None:
    drawn = ElementTree.fromstring(picture([moment(level, 24 * level) for level in range(count)]))
    dots = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == count
    words = "".join(drawn.itertext())
    assert all(f"整改逾期升级·{level}级" in words for level in range(1, count))
    assert ("分管&班子成员" in words) == (count > 0)


def test_the_picture_says_until_when_something_is_silent() -> None:
    drawn = picture([moment(1, held=Reason.silenced, held_until=DUE + timedelta(days=1))])
    assert "静默至3月2日 18:00" in drawn
    assert "style" not in drawn
