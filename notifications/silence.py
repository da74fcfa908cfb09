"""Silences as the voice keeps them: what is muted waits for the end, and then the newest of it is said once, as after quiet hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of
from models.silence import Scope
from notifications.reason import Reason

ACTIVE = text("""
select distinct township_id from silence where from_at <= :now and :now < until_at and :now < coalesce(lifted_at, until_at)
""")
MUTE = text("""
update notice set state = 'held', reason = :reason, not_before = silenced_until(notice, :now, :day)
where id in (
    select n.id from notice n
    where n.township_id = any(:townships) and n.state in ('planned', 'held') and n.not_before <= :now and n.timer_id is not null
        and silenced_until(n, :now, :day) is not null
    order by n.id for update skip locked
)
""")
# What a major hazard's escalation, which no silence holds, has said over it meanwhile.
OVERTAKEN = text("""
update notice set state = 'expired', reason = :superseded, settled_at = :wall
where id in (
    select n.id from notice n
    where n.state = 'held' and n.reason = :silenced and n.not_before <= :now and exists (
        select from notice later where later.timer_id = n.timer_id and later.run = n.run and later.person_id = n.person_id
            and (later.rung, later.repeat) > (n.rung, n.repeat) and later.state not in ('planned', 'held', 'cancelled', 'expired', 'failed')
    )
    order by n.id for update skip locked
)
""")
RELEASE = text("""
update notice set not_before = :now
where township_id = :township and state = 'held' and reason = :reason and not_before > :now
""")


def silenced_townships(session: Session, now: datetime) -> list[int]:
    """The townships in which some silence holds at business time `now`."""
    return list(session.execute(ACTIVE, {"now": now}).scalars())


def mute(session: Session, now: datetime, wall: datetime) -> int:
    """Puts off what is silenced at business time `now` until its silence ends. Returns how many messages were put off."""
    session.execute(OVERTAKEN, {"now": now, "wall": wall, "silenced": Reason.silenced, "superseded": Reason.superseded})
    townships = silenced_townships(session, now)
    if not townships:
        return 0
    asked = {"townships": townships, "now": now, "day": day_of(now), "reason": Reason.silenced}
    return int(session.execute(MUTE, asked).rowcount)  # type: ignore[attr-defined]


def release(session: Session, township_id: int, now: datetime) -> None:
    """Lets go of what silences hold back: what is still silenced is put off again before it can go out."""
    session.execute(RELEASE, {"township": township_id, "now": now, "reason": Reason.silenced})


@dataclass(frozen=True, slots=True)
class Muted:
    """A silence as people read it. `about` is the code of the case, place or village, or the person's key, `name` what it is called.

    Times are business time.
    """

    id: int
    scope: Scope
    about: str
    name: str
    reason: str
    by_post: str
    by_person: str
    from_at: datetime
    until_at: datetime
    lifted_at: datetime | None
    lifted_post: str | None
    lifted_person: str | None

    def holds(self, now: datetime) -> bool:
        return self.from_at <= now < min(self.until_at, self.lifted_at or self.until_at)


SILENCES = text("""
select s.*, case when s.case_id is not null then 'case' when s.place_id is not null then 'place'
        when s.village_id is not null then 'village' else 'person' end as scope,
    coalesce(c.code, place.code, village.code, person.key) as about, coalesce(c.code, place.name, village.name, person.label) as name
from silence s
left join cases c on c.id = s.case_id left join place on place.id = s.place_id
left join unit village on village.id = s.village_id left join person on person.id = s.person_id
where s.township_id = :township and (cast(:id as integer) is null or s.id = :id)
    and (cast(:now as timestamptz) is null or s.from_at <= :now and :now < least(s.until_at, coalesce(s.lifted_at, s.until_at)))
order by s.until_at, s.id
""")
OF_CASE = text(f"""
select each.* from ({SILENCES.text.split("order by")[0]}) each join cases c on c.township_id = each.township_id and c.code = :code
where each.case_id = c.id or each.place_id = c.place_id or each.village_id = c.village_id order by each.from_at, each.id
""")


def silences(session: Session, township_id: int, now: datetime | None) -> list[Muted]:
    """Those that hold at business time `now`, the first to end first; all there have ever been where `now` is None."""
    return [_muted(row) for row in session.execute(SILENCES, {"township": township_id, "now": now, "id": None})]


def silences_of(session: Session, township_id: int, code: str, now: datetime | None = None) -> list[Muted]:
    """Those about a case, its place or its village, oldest first: for its history (all), or those that hold at `now`."""
    return [_muted(row) for row in session.execute(OF_CASE, {"township": township_id, "now": now, "id": None, "code": code})]


def silence_by_id(session: Session, township_id: int, silence_id: int) -> Muted | None:
    row = session.execute(SILENCES, {"township": township_id, "now": None, "id": silence_id}).first()
    return _muted(row) if row else None


NAMES = tuple(Muted.__dataclass_fields__)


def _muted(row: Row[tuple[object, ...]]) -> Muted:
    said = {name: row._mapping[name] for name in NAMES}
    return Muted(**{**said, "scope": Scope(said["scope"])})
