"""How a township wants to be spoken to: quiet hours, length of a bundle, waits between tries. From `township.rules`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session

from models.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class Manner:
    """`quiet` are times of day in `zone`; the window may pass midnight, and an empty one (from = until) never holds anything."""

    quiet: tuple[time, time] = (time(21, 30), time(7, 0))
    zone: ZoneInfo = SHANGHAI
    bundle_cap: int = 10
    retry_minutes: tuple[int, ...] = (1, 5, 15, 60, 240)
    language: str = "zh"
    name: str = ""

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours that hold at `now` (business time) end, None outside of them. Their first minute is in, their last out."""
        begin, end = self.quiet
        here = now.astimezone(self.zone)
        day, clock = here.date(), here.time()
        if begin <= end:
            inside = begin <= clock < end
        else:
            inside = clock >= begin or clock < end
            day += timedelta(days=clock >= begin)
        return datetime.combine(day, end, self.zone).astimezone(now.tzinfo) if inside else None


def manners(session: Session) -> dict[int, Manner]:
    """Every township's manner, by its id."""
    rows = session.execute(text("select id, name, time_zone, rules from township order by id")).all()
    return {row.id: _manner(row.name, row.time_zone, row.rules) for row in rows}


def _manner(name: str, zone: str, rules: Mapping[str, Any]) -> Manner:
    plain = Manner()
    begin, end = (time.fromisoformat(each) for each in rules["quiet_hours"]) if "quiet_hours" in rules else plain.quiet
    return Manner(
        quiet=(begin, end),
        zone=ZoneInfo(zone),
        bundle_cap=rules.get("bundle_cap", plain.bundle_cap),
        retry_minutes=tuple(rules.get("retry_minutes", plain.retry_minutes)),
        language=rules.get("language", plain.language),
        name=name,
    )
