"""What is overdue climbs: the set-wise second way to write a case. It changes no state, only rungs.

One statement a batch: take the timers whose next act is due, find the rung that time has reached, write one event a case that lists
the rungs passed over, plan one notice a person, move the timers on. Cost follows what is due, not what exists.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlmodel import Session

from models.clock import Clock, day_of
from models.database import transaction
from notifications.plan import PLAN

log = logging.getLogger("bihuan.escalate")

# The first due timer of each case; the case's next one waits for the next batch, so that its history stays one chain.
DUE = """
    from timer t join cases c on c.id = t.case_id
    where t.stopped_at is null and t.quarantined_at is null and t.next_at <= :now
        and (cast(:only as bigint[]) is null or t.id = any(:only))
        and not exists (
            select from timer o where o.case_id = t.case_id and (o.next_at, o.id) < (t.next_at, t.id)
                and o.stopped_at is null and o.quarantined_at is null and o.next_at <= :now
        )
    order by t.next_at, t.id limit :limit
"""

# Of the relation `due` (c, a row of cases, and its timer): the rung that time has reached, and which posts are told what of it.
CLIMBING = """
caught as (
    select due.*, coalesce(passed.rung, greatest(due.fired, 1)) as rung, coalesce(passed.but_last, '{}') as skipped,
        case when passed.rung is null then due.repeat + 1 else 0 end as told_again,
        case when passed.rung is null then due.next_at else due.rung_at[passed.rung] end as repeats_from
    from due cross join lateral (
        select max(i) as rung, (array_agg(i order by i))[1:count(*) - 1] as but_last
        from generate_subscripts(due.rung_at, 1) i where i > due.fired and due.rung_at[i] <= :now
    ) passed
),
climbing as (
    select caught.*, rung.level, rung.offset_hours, rung.urge_letter, make_interval(hours => ladder.repeat_hours) as every,
        (select min(i) from generate_subscripts(rung_at, 1) i where i > caught.rung and rung_at[i] is not null) as following
    from caught
    join ladder on ladder.id = caught.ladder_id
    join rung on rung.ladder_id = caught.ladder_id and rung.position = caught.rung
),
telling as (
    select climbing.c, climbing.id as timer_id, run, climbing.rung, told_again as repeat, null::text as occasion, word.told,
        case when climbing.offset_hours < 0 then 'reminder' when clock = 'review' then 'review_overdue'
            when clock = 'approve' then 'approval' else 'overdue' end as purpose,
        jsonb_build_object('clock', clock, 'level', climbing.level, 'rung', climbing.rung, 'skipped', to_jsonb(skipped),
            'due', (extract(epoch from due_at) * 1000000)::bigint) || promise.facts
            || case when word.reminded then '{"reminded": true}'::jsonb else '{}' end as facts,
        array[]::text[] as while_states, cast(:now as timestamptz) as not_before
    from climbing
    -- Somebody took the last rung up and the time they promised has come: they hear of it too, but have no say in the rung that comes now.
    cross join lateral (
        select held_until = next_at and held_rung = fired as broken, case when held_until = next_at and held_rung = fired
            then jsonb_build_object('promised', (extract(epoch from held_until) * 1000000)::bigint) else '{}' end as facts
    ) promise
    cross join lateral (
        select each.told, bool_and(passed.position < climbing.rung and not passed.position = any(skipped)) as reminded
        from rung passed cross join lateral unnest(passed.told) each(told) where passed.ladder_id = climbing.ladder_id
            and (passed.position = climbing.rung or passed.position = any(skipped) and passed.offset_hours >= 0
                or promise.broken and passed.position = held_rung)
        group by each.told
    ) word
)"""
TOLD = """
told as materialized (
    select timer_id, array_agg(distinct post.code) as posts from reached join post on post.id = reached_post group by timer_id
)"""
# Of the relation `bodied` (a rung that is climbed, and the posts that it reaches): how its timer goes on.
# Nobody reached though it is overdue: the next rung is due at once. After the last rung: the slow repeat. Never a silent end.
RUNG_AT = """
case when posts = '{}' and offset_hours >= 0 and following is not null
    then bodied.rung_at[1 : following - 1] || cast(:now as timestamptz) || bodied.rung_at[following + 1 :] else bodied.rung_at end
"""
NEXT_AT = """
case when following is null then repeats_from + every * (1 + floor(extract(epoch from :now - repeats_from) / extract(epoch from every)))
    when posts = '{}' and offset_hours >= 0 then :now
    else bodied.rung_at[following] end
"""

ESCALATE = text(f"""
with due as materialized (
    select c, t.* {DUE} for update of c, t skip locked
),
{CLIMBING},
{PLAN},
{TOLD},
written as (
    select climbing.*, (c).events + 1 as seq, coalesce(told.posts, '{{}}') as posts, jsonb_build_object(
        'clock', clock, 'level', level, 'rung', rung, 'run', run, 'repeat', told_again, 'skipped', to_jsonb(skipped),
        'due', (extract(epoch from due_at) * 1000000)::bigint, 'told', to_jsonb(coalesce(told.posts, '{{}}'))
    ) as facts
    from climbing left join told on told.timer_id = climbing.id
),
worded as (
    select written.*, event_body(township.code, (c).code, seq, 'escalate', (c).state, (c).state, 'system', 'system', :now, facts) as body
    from written join township on township.id = (c).township_id
),
bodied as materialized (select worded.*, event_hash((c).last_hash, body) as hash from worded),
history as (
    insert into event (case_id, seq, trigger, from_state, to_state, post, person, at, facts, body, prev_hash, hash, recorded_at, flow_run)
    select case_id, seq, 'escalate', (c).state, (c).state, 'system', 'system', :now, facts, body, (c).last_hash, hash, :wall, :flow_run
    from bodied returning id
),
fed as (insert into feed (event_id) select id from history),
moved_case as (
    update cases set events = seq, last_hash = hash, level = greatest(cases.level, bodied.level) from bodied where cases.id = case_id
),
moved_timer as (
    update timer set fired = bodied.rung, repeat = told_again, fired_at = :now,
        rung_at = {RUNG_AT}, next_at = {NEXT_AT}
    from bodied where timer.id = bodied.id
)
select taken, (c).code, clock, level, rung, skipped, posts, due_at, (c).grade, offset_hours
from (select count(*) as taken from due) counted left join bodied on true order by (c).code
""")  # fmt: skip


class Poison(Exception):
    """A timer that can't be read: its ladder or rung doesn't exist."""


@dataclass(frozen=True, slots=True)
class Climb:
    """One rung reached by one case: what a supervisor reads of a sweep."""

    code: str
    clock: str
    level: int
    rung: int
    skipped: tuple[int, ...]
    posts: tuple[str, ...]
    overdue: bool
    due_at: datetime
    grade: str


@dataclass(slots=True)
class Swept:
    """What a sweep did: rungs reached, and cases put into quarantine with the reason."""

    climbs: list[Climb] = field(default_factory=list)
    quarantined: list[tuple[int, str]] = field(default_factory=list)


def escalate_due(
    session: Session, now: datetime, limit: int = 500, *, wall: datetime, only: Sequence[int] | None = None, flow_run: str | None = None
) -> list[Climb]:
    """Fires what is due at business time `now` for up to `limit` cases, in the caller's transaction.

    Locked cases are left to whoever holds them. `wall` is recorded beside the events. Raises Poison when a timer makes no sense, and
    SQLAlchemyError when the statement fails: nothing of the batch has then happened.
    """
    asked = {"now": now, "wall": wall, "day": day_of(now), "limit": limit, "flow_run": flow_run}
    rows = session.execute(ESCALATE, {**asked, "only": None if only is None else list(only)}).all()
    climbs = [_climb(row) for row in rows if row.code is not None]
    if len(climbs) < rows[0].taken:
        raise Poison("阶梯或梯级不存在 (its ladder or rung does not exist)")
    return climbs


def _climb(row: Any) -> Climb:
    overdue = row.offset_hours >= 0
    return Climb(row.code, row.clock, row.level, row.rung, tuple(row.skipped), tuple(row.posts), overdue, row.due_at, row.grade)


def sweep(bound: Engine, clock: Clock, limit: int = 500, *, flow_run: str | None = None) -> Swept:
    """Batch after batch until nothing is due; each in its own transaction. A poison timer is set aside, the rest goes on."""
    swept = Swept()
    now = clock.now()
    while True:
        set_aside = len(swept.quarantined)
        try:
            with transaction(bound) as session:
                climbs = escalate_due(session, now, limit, wall=clock.wall(), flow_run=flow_run)
        except (Poison, SQLAlchemyError) as error:
            log.warning("a batch failed, looking for the poison in it: %s", error)
            climbs = _isolate(bound, clock, now, _due_ids(bound, now, limit), swept, flow_run)
        if not climbs and len(swept.quarantined) == set_aside:
            return swept
        swept.climbs += climbs


def _due_ids(bound: Engine, now: datetime, limit: int) -> list[int]:
    with transaction(bound) as session:
        return list(session.execute(text(f"select t.id {DUE}"), {"now": now, "limit": limit, "only": None}).scalars())


def _isolate(bound: Engine, clock: Clock, now: datetime, ids: list[int], swept: Swept, flow_run: str | None) -> list[Climb]:
    """Halves a failing batch until the timer that breaks it stands alone, and puts that one into quarantine.

    Raises what is no timer's fault: then the sweep fails as a whole, is seen to, and the next one goes on.
    """
    if not ids:
        return []
    try:
        with transaction(bound) as session:
            return escalate_due(session, now, len(ids), wall=clock.wall(), only=ids, flow_run=flow_run)
    except (Poison, SQLAlchemyError) as error:
        if _everybodys(error):
            raise
        if len(ids) == 1:
            return _quarantine(bound, now, ids[0], str(error).splitlines()[0], swept)
    half = len(ids) // 2
    return [climb for part in (ids[:half], ids[half:]) for climb in _isolate(bound, clock, now, part, swept, flow_run)]


def _everybodys(error: Exception) -> bool:
    """No timer's fault, and none is set aside for it: the database went away, two writers met, code and schema don't fit (SQLSTATE 42)."""
    said = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return isinstance(error, OperationalError) or str(said).startswith("42")


def _quarantine(bound: Engine, now: datetime, timer_id: int, reason: str, swept: Swept) -> list[Climb]:
    with transaction(bound) as session:
        session.execute(
            text("update timer set quarantined_at = :now, quarantine_reason = :reason where id = :id"),
            {"now": now, "reason": reason, "id": timer_id},
        )
    swept.quarantined.append((timer_id, reason))
    return []
