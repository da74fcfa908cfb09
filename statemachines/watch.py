"""The self-audit: every open case is somebody's move and has a live timer, nothing is stuck, history holds.

What can be mended is mended (a missing timer is started again), everything found is reported to the office once a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Row, text
from sqlmodel import Session

from models.clock import Clock, day_of
from models.database import transaction
from models.deadlines import due_at
from models.enumerations import STATES, CaseKind, Grade, HazardState, SlaClass
from models.enumerations import Clock as Promise
from models.rules import rules_of
from statemachines.audit import audit
from statemachines.timers import insert_timers, running, start

LOOKS_BACK = timedelta(days=2)
STUCK_AFTER = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be; `code` names the case where there is one."""

    kind: str
    what: str
    code: str | None = None
    mended: bool = False


@dataclass(slots=True)
class Watched:
    """What the self-audit looked at and what it found. Clean: nothing."""

    open_cases: int = 0
    live_timers: int = 0
    waiting_notices: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.findings


def watch(bound: Engine, clock: Clock) -> Watched:
    """Looks at everything that must never stop. Business time decides what is late, wall time what is stuck."""
    now, wall = clock.now(), clock.wall()
    with transaction(bound) as session:
        watched = Watched(**dict(session.execute(COUNTS).mappings().one()))
        watched.findings += _timerless(session, now)
        watched.findings += _quarantined(session)
        watched.findings += _late(session, now)
        watched.findings += _stuck_notices(session, now, wall)
        watched.findings += _nobody_approves(session)
        watched.findings += [Finding("chain", broken.what, f"{broken.code}#{broken.seq}") for broken in audit(session, now - LOOKS_BACK)]
        _tell_the_office(session, watched, now)
    return watched


COUNTS = text("""
select (select count(*) from cases where ended_at is null) as open_cases,
    (select count(*) from timer where stopped_at is null and quarantined_at is null) as live_timers,
    (select count(*) from notice where state in ('planned', 'held', 'pending', 'retry')) as waiting_notices
""")

TIMERLESS = text("""
select c.id, c.kind, c.code, c.state, c.grade, c.township_id, c.due_at as move_due, h.sla_class, h.due_at, run.leader
from cases c left join hazard h on h.case_id = c.id left join duty_run run on run.case_id = c.id
where c.ended_at is null and not exists (select from timer where case_id = c.id and stopped_at is null)
order by c.id limit 500 for update of c skip locked
""")


def _timerless(session: Session, now: datetime) -> list[Finding]:
    rows = session.execute(TIMERLESS).all()
    for row in rows:
        _start_again(session, row, now)
    return [Finding("timerless", "没有在走的时钟，已重新启动 no live timer, started again", row.code, True) for row in rows]


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


def _quarantined(session: Session) -> list[Finding]:
    rows = session.execute(text("""
        select c.code, t.clock, t.quarantine_reason from timer t join cases c on c.id = t.case_id
        where t.quarantined_at is not null and t.stopped_at is null order by c.code limit 500
    """)).all()  # fmt: skip
    return [Finding("quarantine", f"{Promise(row.clock).zh}时钟被隔离：{row.quarantine_reason}", row.code) for row in rows]


def _late(session: Session, now: datetime) -> list[Finding]:
    count = session.execute(
        text("select count(*) from timer where stopped_at is null and quarantined_at is null and next_at < :before"),
        {"before": now - STUCK_AFTER},
    ).scalar_one()
    return [Finding("late", f"{count} 个时钟超过三小时没有巡到 timers that no sweep has reached for three hours")] if count else []


def _stuck_notices(session: Session, now: datetime, wall: datetime) -> list[Finding]:
    rows = session.execute(text("""
        select state, count(*) as n from notice
        where (state in ('planned', 'pending', 'held') and not_before < :business)
            or (state = 'retry' and try_at < :wall) or (state = 'sending' and claimed_until < :wall)
        group by state order by state
    """), {"business": now - STUCK_AFTER, "wall": wall - STUCK_AFTER}).all()  # fmt: skip
    return [Finding("stuck", f"{row.n} 条消息停在“{row.state}”超过三小时 messages stuck for over three hours") for row in rows]


def _nobody_approves(session: Session) -> list[Finding]:
    codes = session.execute(
        text("""
            select code from cases where approver_post_id is null and ended_at is null
                and (state = 'verified' or kind in ('extension', 'appeal', 'listing')) order by code limit 500
        """)
    ).scalars()
    return [Finding("approver", "没有符合四眼原则的审批人 nobody is eligible to approve", code) for code in codes]


REPORT = text("""
insert into notice (township_id, purpose, occasion, person_id, channel_id, post_id, for_post_id, urgent, while_states, facts, state,
    planned_at, not_before, attempts)
select township.id, 'operations', :occasion, contact.person_id, contact.channel_id, contact.reached_post, office.id, false, '{}',
    jsonb_build_object('text', cast(:said as text)), 'planned', :now, :now, 0
from township
cross join lateral (select id from post where township_id = township.id and kind = 'office_head' and active order by code limit 1) office
cross join lateral post_contacts(office.id, :day) contact
on conflict do nothing
""")


def _tell_the_office(session: Session, watched: Watched, now: datetime) -> None:
    if watched.clean:
        return
    first, day = watched.findings[0], day_of(now)
    said = f"发现{len(watched.findings)}处异常，其一：{first.code or ''} {first.what.split(' ')[0]}"
    session.execute(REPORT, {"occasion": f"watch {day}", "said": said, "now": now, "day": day})
