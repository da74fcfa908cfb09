"""Tasks that follow from other cases, each done once: what is to be done, by when, and what proves it. Who owes it: `OWNERS`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from models.calendar import Calendar
from models.clock import day_of, end_of
from models.enumerations import DutyTask, EvidenceKind, PostKind
from statemachines.step import About, NewRun

E = EvidenceKind
CLOSES_AFTER = timedelta(hours=72)
AT_ONCE = timedelta(hours=2)

OWNERS: dict[DutyTask, PostKind] = {
    DutyTask.publish: PostKind.office_head,
    DutyTask.power_cut_notice: PostKind.office_head,
    DutyTask.talk: PostKind.deputy_in_charge,
    DutyTask.start_work_check: PostKind.station_head,
    DutyTask.regrade: PostKind.office_head,
}
WANTED: dict[DutyTask, tuple[EvidenceKind, ...]] = {
    DutyTask.recheck: (E.photo,),
    DutyTask.publish: (E.document,),
    DutyTask.power_cut_notice: (E.document,),
    DutyTask.talk: (E.document,),
    DutyTask.start_work_check: (E.document, E.photo),
    DutyTask.regrade: (),
}


def publish(about: About, what: str, owner_post_id: int, now: datetime, calendar: Calendar) -> NewRun:
    """公示挂牌 or 摘牌 (`what`): within 5 working days, as Qingdao publishes both."""
    return _task(DutyTask.publish, f"公示{what}", about, owner_post_id, now, _working_days(now, 5, calendar), f"{what} {about.code}")


def power_cut_notice(about: About, cut_at: datetime, owner_post_id: int, now: datetime) -> NewRun:
    """停电提前通知: 24 h before the power is cut at the latest (安全生产法 Art. 70); where that is close or past, within two hours."""
    due = max(now + AT_ONCE, cut_at - timedelta(hours=24))
    occasion = f"power cut {about.code}#{about.round} {cut_at.isoformat()}"
    return _task(DutyTask.power_cut_notice, "停电前24小时书面通知", about, owner_post_id, now, due, occasion)


def talk(about: About, owner_post_id: int, now: datetime, calendar: Calendar) -> NewRun:
    """约谈 the responsible unit, after a third failed re-inspection or at the ladder's last level: within 5 working days, our number."""
    due = _working_days(now, 5, calendar)
    return _task(DutyTask.talk, "约谈责任单位主要负责人", about, owner_post_id, now, due, f"talk {about.code}#{about.round}")


def start_work_check(about: About, owner_post_id: int, now: datetime) -> NewRun:
    """复工审查: on the spot within 10 days of the application (安全生产事故隐患排查治理暂行规定, 16号令), natural days."""
    due = end_of(day_of(now) + timedelta(days=10))
    occasion = f"start work {about.code}#{about.round}"
    return _task(DutyTask.start_work_check, "复工现场审查", about, owner_post_id, now, due, occasion)


def regrade(about: About, clause: str, owner_post_id: int, now: datetime, calendar: Calendar) -> NewRun:
    """按新标准复核等级: the criteria have changed while the case was open; within 3 working days, our number. `clause` is the new one's
    code: a case is looked at once under each."""
    due = _working_days(now, 3, calendar)
    return _task(DutyTask.regrade, "按新标准复核等级", about, owner_post_id, now, due, f"regrade {about.code} {clause}")


def recheck(about: About, closed_on: date, owner_post_id: int, barred: Sequence[str], now: datetime, calendar: Calendar) -> NewRun:
    """回头看 a closed hazard, by somebody who didn't re-inspect it (`barred` are those who did): within 5 working days, our number."""
    due = _working_days(now, 5, calendar)
    occasion = f"recheck {about.code}#{about.round}"
    return _task(DutyTask.recheck, "销号后回头看", about, owner_post_id, now, due, occasion, period=closed_on, barred=tuple(barred))


def _working_days(now: datetime, days: int, calendar: Calendar) -> datetime:
    return calendar.closes(calendar.nth_working_day(day_of(now), days))


def _task(
    task: DutyTask,
    title: str,
    about: About,
    owner_post_id: int,
    now: datetime,
    due: datetime,
    occasion: str,
    *,
    period: date | None = None,
    barred: tuple[str, ...] = (),
) -> NewRun:
    return NewRun(
        owner_post_id, f"{title}：{about.code}", task, period or day_of(now), opens_at=now, due_at=due, closes_at=due + CLOSES_AFTER,
        wanted=tuple(str(kind) for kind in WANTED[task]), barred=barred, place_id=about.place_id, village_id=about.village_id,
        parent_id=about.case_id, occasion=occasion, grade=about.grade,
    )  # fmt: skip
