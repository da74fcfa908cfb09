"""How a township wants to be spoken to: quiet hours, length of a bundle, waits between tries (`township.rules`), and its own wording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlmodel import Session

from models.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class Digest:
    """Daily lists: on which `days` ("all" or "working"), which purposes wait for them, which kinds of posts have one (empty: the usual)."""

    days: str = "all"
    holds: tuple[str, ...] = ()
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manner:
    """`quiet` are times of day in `zone`; the window may pass midnight, and an empty one (from = until) never holds anything.

    `hourly_cap`: how many messages a person hears within an hour before what isn't urgent is put together and waits.
    `texts` are the township's own in `language`, by the names of the house's; where there is none the house's is said.
    """

    quiet: tuple[time, time] = (time(21, 30), time(7, 0))
    zone: ZoneInfo = SHANGHAI
    bundle_cap: int = 10
    hourly_cap: int = 12
    retry_minutes: tuple[int, ...] = (1, 5, 15, 60, 240)
    language: str = "zh"
    name: str = ""
    digest_at: time = time(8, 30)
    digest: Digest | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

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


NEWEST_WORDS = text("""
select distinct on (township_id, language, name) township_id, language, name, text
from wording order by township_id, language, name, id desc
""")


def manners(session: Session) -> dict[int, Manner]:
    """Every township's manner, by its id."""
    rows = session.execute(text("select id, name, time_zone, rules from township order by id")).all()
    own: dict[int, dict[str, dict[str, str]]] = {}
    for row in session.execute(NEWEST_WORDS).all():
        if row.text is not None:
            own.setdefault(row.township_id, {}).setdefault(row.language, {})[row.name] = row.text
    return {row.id: _manner(row.name, row.time_zone, row.rules, own.get(row.id, {})) for row in rows}


def _manner(name: str, zone: str, rules: Mapping[str, Any], own: Mapping[str, Mapping[str, str]]) -> Manner:
    plain = Manner()
    language = rules.get("language", plain.language)
    begin, end = (time.fromisoformat(each) for each in rules["quiet_hours"]) if "quiet_hours" in rules else plain.quiet
    return Manner(
        quiet=(begin, end),
        zone=ZoneInfo(zone),
        bundle_cap=rules.get("bundle_cap", plain.bundle_cap),
        hourly_cap=rules.get("hourly_cap", plain.hourly_cap),
        retry_minutes=tuple(rules.get("retry_minutes", plain.retry_minutes)),
        language=language,
        name=name,
        digest_at=time.fromisoformat(rules["digest_at"]) if "digest_at" in rules else plain.digest_at,
        digest=_digest(rules["digest"]) if rules.get("digest") else None,
        texts=own.get(language, {}),
    )


def _digest(said: Mapping[str, Any]) -> Digest:
    return Digest(said.get("days", "all"), tuple(said.get("holds", ())), tuple(said.get("to", ())))
