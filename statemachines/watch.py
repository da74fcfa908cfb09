"""The self-audit: every open case is somebody's move and has a live timer, nothing is stuck, nobody is missing, history holds.

What can be mended is mended (a missing timer is started again, a place's gate is worked out anew), everything found is reported to the
office once a day, and only an audit that found nothing calls the dead man's switch.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from models.clock import Clock, day_of
from models.database import as_json, transaction
from models.deadlines import due_at
from models.enumerations import STATES, CaseKind, Grade, HazardState, NoticeState, Purpose, SlaClass
from models.enumerations import Clock as Promise
from models.rules import rules_of
from notifications.addresses import locked
from notifications.deadman import ping
from notifications.plan import Telling, plan_step
from notifications.told import Latency, latency
from statemachines.audit import audit
from statemachines.gate import CAUSES, regate
from statemachines.guards import STOPS_WORK
from statemachines.load import CALLED, CALLS_FOR
from statemachines.timers import insert_timers, running, start

LOOKS_BACK = timedelta(days=2)
STUCK_AFTER = timedelta(hours=3)
LISTED = 500
KINDS = {
    "timerless": "没有时钟",
    "quarantine": "时钟被隔离",
    "late": "时钟没有巡到",
    "stuck": "消息停滞",
    "approver": "无人可审批",
    "vacant": "岗位空缺",
    "gate": "开工许可与事实不符",
    "locked": "通道地址打不开",
    "chain": "历史不符",
}

log = logging.getLogger("bihuan.watch")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be; `code` names the case, the post or the place where there is one. `township` is None where
    it is everybody's business."""

    kind: str
    what: str
    code: str | None = None
    mended: bool = False
    township: int | None = None


@dataclass(slots=True)
class Watched:
    """What the self-audit looked at and what it found. Clean: nothing. `pinged` is whether the dead man's switch was reached, None where
    it wasn't called."""

    open_cases: int = 0
    live_timers: int = 0
    waiting_notices: int = 0
    latency: Latency = field(default_factory=lambda: Latency(0, None, None))
    findings: list[Finding] = field(default_factory=list)
    pinged: bool | None = None

    @property
    def clean(self) -> bool:
        return not self.findings


def watch(bound: Engine, clock: Clock, deadman: str | None = None) -> Watched:
    """Looks at everything that must never stop. Business time decides what is late, wall time what is stuck.

    `deadman` is called once everything is committed and only if nothing was found; that it can't be reached is logged and counted.
    """
    now, wall = clock.now(), clock.wall()
    with transaction(bound) as session:
        watched = Watched(**dict(session.execute(COUNTS).mappings().one()), latency=latency(session, now))
        watched.findings += look(session, now, wall, since=now - LOOKS_BACK)
        watched.findings += _timerless(session, now)
    watched.findings += _gates(bound, now)
    with transaction(bound) as session:
        _tell_the_offices(session, watched, now)
    if deadman and watched.clean:
        watched.pinged = ping(deadman)
    with transaction(bound) as session:
        _remember(session, watched, now)
    return watched


def look(session: Session, now: datetime, wall: datetime, *, since: datetime | None = None) -> list[Finding]:
    """What can be found without mending anything; history from business time `since` on (default: all of it)."""
    return [
        *_late(session, now),
        *_quarantined(session),
        *_stuck_notices(session, now, wall),
        *_nobody_decides(session, now),
        *_vacant(session, now),
        *_locked(session),
        *(Finding("chain", broken.what, f"{broken.code}#{broken.seq}") for broken in audit(session, since)),
    ]


COUNTS = text("""
select (select count(*) from cases where ended_at is null) as open_cases,
    (select count(*) from timer where stopped_at is null and quarantined_at is null) as live_timers,
    (select count(*) from notice where state in ('planned', 'held', 'pending', 'retry')) as waiting_notices
""")

# Cases and their timers meet by their indexes, in parallel; what is found is looked at once more under its lock.
LOST = text("""
select c.id from cases c where c.ended_at is null and not exists (select from timer where case_id = c.id and stopped_at is null)
limit :listed
""")
TIMERLESS = text("""
select c.id, c.kind, c.code, c.state, c.grade, c.township_id, c.due_at as move_due, h.sla_class, h.due_at, run.leader
from cases c left join hazard h on h.case_id = c.id left join duty_run run on run.case_id = c.id
where c.id = any(:ids) and c.ended_at is null and not exists (select from timer where case_id = c.id and stopped_at is null)
order by c.id for update of c skip locked
""")


def _timerless(session: Session, now: datetime) -> list[Finding]:
    lost = list(session.execute(LOST, {"listed": LISTED}).scalars())
    return [_started_again(session, row, now) for row in session.execute(TIMERLESS, {"ids": lost}).all()] if lost else []


def _started_again(session: Session, case: Row[Any], now: datetime) -> Finding:
    """A case that can't be given a clock is named, and keeps no other from getting one."""
    try:
        with session.begin_nested():
            _start_again(session, case, now)
    except (ArithmeticError, LookupError, TypeError, ValueError, SQLAlchemyError) as error:
        log.warning("no clock could be started for %s: %s", case.code, error)
        said = f"没有在走的时钟，也无法重新启动（{type(error).__name__}） no live timer, and none could be started"
        return Finding("timerless", said, case.code, False, case.township_id)
    return Finding("timerless", "没有在走的时钟，已重新启动 no live timer, started again", case.code, True, case.township_id)


def _start_again(session: Session, case: Row[Any], now: datetime) -> None:
    """The state's last clock: to its own due time while one is known, else with a fresh limit."""
    rules, grade = rules_of(session, case.township_id), Grade(case.grade)
    promise, due = _promise(case), _due(case)
    if due is None:
        limit = rules.limit(promise, grade, SlaClass(case.sla_class) if case.sla_class else None, day_of(now))
        due = due_at(now, limit, rules.calendar)
    insert_timers(session, case.id, [start(rules, promise, grade, now, due)])


def _promise(case: Row[Any]) -> Promise:
    if case.kind == CaseKind.duty:
        return Promise.leader_duty if case.leader else Promise.duty
    return running(CaseKind(case.kind), STATES[CaseKind(case.kind)](case.state))[-1]


def _due(case: Row[Any]) -> datetime | None:
    known: datetime | None = case.due_at if case.state == HazardState.rectifying else case.move_due
    return None if case.kind == CaseKind.hazard and case.state != HazardState.rectifying else known


QUARANTINED = text("""
select c.code, c.township_id, t.clock, t.quarantine_reason from timer t join cases c on c.id = t.case_id
where t.quarantined_at is not null and t.stopped_at is null order by c.code limit :listed
""")


def _quarantined(session: Session) -> list[Finding]:
    return [
        Finding("quarantine", f"{Promise(row.clock).zh}时钟被隔离：{row.quarantine_reason}", row.code, False, row.township_id)
        for row in session.execute(QUARANTINED, {"listed": LISTED})
    ]


def _late(session: Session, now: datetime) -> list[Finding]:
    count = session.execute(
        text("select count(*) from timer where stopped_at is null and quarantined_at is null and next_at < :before"),
        {"before": now - STUCK_AFTER},
    ).scalar_one()
    return [Finding("late", f"{count} 个时钟超过三小时没有巡到 timers that no sweep has reached for three hours")] if count else []


STUCK = text("""
select n.id, n.state, n.purpose, n.township_id, c.code from notice n left join cases c on c.id = n.case_id
where (n.state in ('planned', 'pending', 'held') and n.not_before < :business)
    or (n.state = 'retry' and n.try_at < :wall) or (n.state = 'sending' and n.claimed_until < :wall)
order by n.id limit :listed
""")


def _stuck_notices(session: Session, now: datetime, wall: datetime) -> list[Finding]:
    rows = session.execute(STUCK, {"business": now - STUCK_AFTER, "wall": wall - STUCK_AFTER, "listed": LISTED}).all()
    return [Finding("stuck", _stuck(row), row.code, False, row.township_id) for row in rows]


def _stuck(row: Row[Any]) -> str:
    about = f"消息{row.id}（{Purpose(row.purpose).zh}）"
    return f"{about}停在“{NoticeState(row.state).zh}”超过三小时 a message {row.state} for over three hours"


# Who may decide: by the same words as the law, for all that wait for a decision and for what is about to. Whose act something was, whose
# stand-in they were, and who holds the responsible post has no say in it.
NOBODY = text(f"""
with hazards as (
    select c.id, c.code, c.state, c.township_id, c.team_id, c.approver_post_id, c.responsible_post_id, h.assigned_at as since,
        {CALLS_FOR} as calls_for, array[h.submitted_person] || case when h.on_spot then array[h.recorder_person, h.found_person] end
            || array(select did.value from jsonb_array_elements(h.reinspected_by) who, jsonb_each_text(who) did
                where did.key in ('person', 'standing_in_for')) as persons,
        array[h.submitted_post] || case when h.on_spot then array[h.recorder_post, h.found_post] end
            || array(select who ->> 'post' from jsonb_array_elements(h.reinspected_by) who) as posts
    from cases c join hazard h on h.case_id = c.id where c.kind = 'hazard' and c.ended_at is null and c.state in ('submitted', 'verified')
),
applications as (
    select c.id, c.code, c.state, c.township_id, c.team_id, c.approver_post_id, c.responsible_post_id, h.assigned_at as since,
        null::text as calls_for, array[e.applicant_person, a.applicant_person, a.opined_person, l.proposed_person, l.delist_person]
            || case when a.case_id is not null then array[h.found_person] end as persons,
        array[e.applicant_post, a.applicant_post, a.opined_post, l.proposed_post, l.delist_post]
            || case when a.case_id is not null then array[h.found_post] end as posts
    from cases c join hazard h on h.case_id = c.parent_id left join extension e on e.case_id = c.id left join appeal a on a.case_id = c.id
    left join listing l on l.case_id = c.id
    where c.kind in ('extension', 'appeal', 'listing') and c.state <> 'listed' and c.ended_at is null
),
asked as (select * from hazards union all select * from applications)
select asked.code, asked.state, asked.township_id from asked
where asked.state not in ('submitted') and asked.approver_post_id is null or not exists (
    select from post
    join post_chain chain on chain.post_id = post.id join post above on above.id = chain.ancestor_id and above.active
    join holding on holding.post_id = above.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
    join person on person.id = holding.person_id left join person away on away.id = holding.deputy_of_id
    where case when asked.calls_for is null then post.id = asked.approver_post_id else {CALLED} end
        and above.id is distinct from asked.responsible_post_id and not above.code = any(array_remove(asked.posts, null))
        and not array[person.key, away.key] && array_remove(asked.persons, null)
        and not exists (
            select from holding theirs where theirs.post_id = asked.responsible_post_id and theirs.from_day <= :day
                and coalesce(theirs.to_day, 'infinity') >= coalesce((asked.since at time zone 'Asia/Shanghai')::date, :day)
                and array[theirs.person_id, theirs.deputy_of_id] && array_remove(array[holding.person_id, holding.deputy_of_id], null)
        )
)
order by asked.code limit :listed
""")


def _nobody_decides(session: Session, now: datetime) -> list[Finding]:
    rows = session.execute(NOBODY, {"day": day_of(now), "listed": LISTED}).all()
    return [Finding("approver", _undecided(row.state), row.code, False, row.township_id) for row in rows]


def _undecided(state: str) -> str:
    when = "复查合格后将" if state == HazardState.submitted else ""
    return f"{when}没有符合四眼原则的审批人 nobody is eligible to decide"


# A post that is to do or to decide something, with nobody in it today or yesterday.
VACANT = text("""
with vacant as (
    select * from post where not active or not exists (
        select from holding where post_id = post.id and :today >= from_day and :yesterday <= coalesce(to_day, 'infinity')
    )
)
select vacant.code, vacant.township_id, owed.cases from vacant cross join lateral (
    select count(*) as cases from (
        select id from cases where responsible_post_id = vacant.id and ended_at is null
        union
        select id from cases where approver_post_id = vacant.id and ended_at is null
    ) each
) owed
where owed.cases > 0 order by vacant.code limit :listed
""")


def _vacant(session: Session, now: datetime) -> list[Finding]:
    today = day_of(now)
    asked = {"today": today, "yesterday": today - timedelta(days=1), "listed": LISTED}
    return [
        Finding("vacant", f"岗位空缺超过一天，名下{row.cases}件未结 nobody has held this post for a day", row.code, False, row.township_id)
        for row in session.execute(VACANT, asked)
    ]


def _locked(session: Session) -> list[Finding]:
    return [
        Finding("locked", f"{count}个通道地址打不开，请找回封存它们的密钥（BIHUAN_HOME/key） sealed with another key", township=township)
        for township, count in sorted(locked(session).items())
    ]


# Places whose gate doesn't say what the facts say, with the case that tells first.
DISAGREEING = text(f"""
select place.id, place.code, place.township_id, cause.code as about
from place left join lateral ({CAUSES.text.replace(":place_id", "place.id")} limit 1) cause on true
where (place.start_work = 'blocked') <> (cause.kind is not null) order by place.id limit :listed
""")
# Cases before their place, as everywhere; whoever is told of the case needs its row, too.
ABOUT = text("select id from cases where township_id = :township and code = :code for key share")


def _gates(bound: Engine, now: datetime) -> list[Finding]:
    """Each place by itself: its row is locked for no longer than it takes to put its gate right."""
    with transaction(bound) as session:
        places = session.execute(DISAGREEING, {"stopping": list(STOPS_WORK), "listed": LISTED}).all()
    return [found for place in places if (found := _put_right(bound, place, now))]


def _put_right(bound: Engine, place: Row[Any], now: datetime) -> Finding | None:
    with transaction(bound) as session:
        about = session.execute(ABOUT, {"township": place.township_id, "code": place.about}).scalar() if place.about else None
        moved = regate(session, place.id, now, cause="watch", post="system", person="system")
        if moved is None:
            return None
        if about:
            told = Telling(Purpose.start_work, ("responsible", "station_head", "office_head"), facts={"gate": moved.after})
            plan_step(session, about, f"watch {now.isoformat()}", [told], now)
    said = f"开工许可由“{moved.before.zh}”改为“{moved.after.zh}”：{moved.cause.zh} the start-work gate was put right"
    return Finding("gate", said, moved.place, True, place.township_id)


REPORT = text("""
insert into notice (township_id, purpose, occasion, person_id, channel_id, post_id, for_post_id, urgent, while_states, facts, state,
    planned_at, not_before, attempts)
select office.township_id, 'operations', :occasion, contact.person_id, contact.channel_id, contact.reached_post, office.id, false, '{}',
    jsonb_build_object('text', cast(:said as text)), 'planned', :now, :now, 0
from (select id, township_id from post where township_id = :township and kind = 'office_head' and active order by code limit 1) office
cross join lateral post_contacts(office.id, :day) contact
on conflict do nothing
""")


def _tell_the_offices(session: Session, watched: Watched, now: datetime) -> None:
    """Each township's office hears of its own cases, and of what is everybody's."""
    day = day_of(now)
    for township in session.execute(text("select id from township order by id")).scalars().all() if watched.findings else ():
        found = [each for each in watched.findings if each.township in (None, township)]
        if found:
            asked = {"township": township, "occasion": f"watch {day}", "said": _summary(found), "now": now, "day": day}
            session.execute(REPORT, asked)


def _summary(found: Sequence[Finding]) -> str:
    first = found[0]
    return f"发现{len(found)}处异常，其一：{f'{first.code} ' if first.code else ''}{first.what.split(' ')[0]}"


REMEMBER = text("""
insert into occasion (township_id, name, day, done_at, facts)
select id, 'watch', :day, :now, cast(:facts as jsonb) from township order by id limit 1
on conflict (township_id, name, day) do update set done_at = excluded.done_at, facts = excluded.facts || jsonb_build_object(
    'pings', (occasion.facts ->> 'pings')::int + (excluded.facts ->> 'pings')::int,
    'pings_failed', (occasion.facts ->> 'pings_failed')::int + (excluded.facts ->> 'pings_failed')::int)
""")


def _remember(session: Session, watched: Watched, now: datetime) -> None:
    """What the day's last audit found, and how often the dead man's switch was called in vain today: for `/metrics`."""
    found = Counter(each.kind for each in watched.findings)
    facts = {"found": found, "pings": int(watched.pinged is not None), "pings_failed": int(watched.pinged is False)}
    session.execute(REMEMBER, {"day": day_of(now), "now": now, "facts": as_json(facts)})


LAST = text("select done_at, facts from occasion where name = 'watch' order by day desc limit 1")


def last(session: Session) -> Row[Any] | None:
    """When the last audit was (business time) and what it came to: `facts` holds found (by kind), pings and pings_failed of its day."""
    return session.execute(LAST).first()
