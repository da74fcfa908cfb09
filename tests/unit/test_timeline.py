"""What is foreseen, as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import timedelta

import pytest

from models.clock import parse_time
from models.enumerations import Clock, Purpose
from notifications.reason import Reason
from statemachines.foresee import Cause, Foreseen, Hearing
from statemachines.timeline import picture

DUE = parse_time("2023-03-01T18:00+08:00")


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
