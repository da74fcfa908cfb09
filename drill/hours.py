"""When simulated people do things: officials in office hours, shopkeepers while they are awake."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from models.clock import SHANGHAI, local, utc

AWAKE = (time(7, 20), time(20, 40))


def awake(instant: datetime, minutes: float) -> datetime:
    """`instant` itself by day; what falls into the night is done `minutes` after getting up. In UTC."""
    here = local(instant)
    if AWAKE[0] <= here.time() < AWAKE[1]:
        return utc(instant)
    day = here.date() + timedelta(days=here.time() >= AWAKE[1])
    return utc(datetime.combine(day, AWAKE[0], SHANGHAI) + timedelta(minutes=minutes))
