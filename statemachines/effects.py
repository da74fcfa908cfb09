"""What a step changes beyond the state: columns, timers, and who is told. One small function a trigger.

The law has already said yes when these run. Due times follow docs/time.md; limits and ladders are the township's own data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import parse_time
from models.deadlines import Capped, cap, due_at, next_due_after_failure
from models.enumerations import Clock, EvidenceKind, Grade, HazardState, InterimControl, Purpose, SlaClass
from models.rules import Rules
from notifications.plan import Telling
from statemachines.guards import UNDO
from statemachines.history import micros, salted
from statemachines.load import Seated, approvers, assignee_of, master_of, rung_told
from statemachines.situation import Party, Situation
from statemachines.timers import RUNNING, Start, start

S = HazardState
AT_WORK = (S.assigned, S.rectifying)


@dataclass(frozen=True, slots=True)
class Step:
    """One step being taken: where it comes from, where it goes, by whom, with what."""

    session: Session
    case: Row[Any]
    seated: Seated
    situation: Situation
    to: HazardState
    now: datetime
    facts: Mapping[str, Any]
    rules: Rules

    @property
    def grade(self) -> Grade:
        return Grade(self.case.grade)

    @property
    def sla_class(self) -> SlaClass:
        return SlaClass(self.case.sla_class)

    @property
    def me(self) -> tuple[str, str]:
        return self.seated.actor.person, self.seated.actor.post


@dataclass(slots=True)
class Change:
    """Columns of the case and of the hazard to set, timers to start, messages to plan, computed facts for history."""

    case: dict[str, Any] = field(default_factory=dict)
    hazard: dict[str, Any] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def registered(step: Step) -> Change:
    told = ("office_dispatcher", "office_head") if step.grade == Grade.major else ("office_dispatcher",)
    return Change(
        starts=_plain(step, Clock.dispatch),
        tellings=[Telling(Purpose.to_dispatch, told, (S.found,))],
        facts={
            "place": step.case.place,
            "grade": step.grade,
            "sla_class": step.sla_class,
            "item": step.case.item,
            "field": step.case.field,
        },
    )


def fix_on_spot(step: Step) -> Change:
    """当场整改: the responsible unit submits, the inspector only records."""
    person, post = step.me
    unit = min(step.situation.responsible_people, default=None)
    return Change(
        hazard={
            "assigned_at": step.now, "due_at": step.now, "original_due_at": step.now, "on_spot": True, "recorder_person": person,
            "recorder_post": post, **_submission(step, unit, step.case.responsible_post),
        },
        starts=_plain(step, Clock.review),
        tellings=[Telling(Purpose.review, ("inspector",), (S.submitted,))],
        facts={"photos": _photos(step)},
    )  # fmt: skip


def assign(step: Step) -> Change:
    """交办: the rectify clock runs from now; the campaign's deadline caps it but leaves the township's least time."""
    assignee = assignee_of(step.session, step.case, step.now, step.facts)
    assert assignee, "guard G4 has seen the responsible post"
    sla_class = _class_asked(step)
    due = _rectify_due(step, step.grade, sla_class, step.now)
    return Change(
        case={"responsible_post_id": assignee.id},
        hazard={
            "assigned_at": step.now, "acknowledged_at": None, "sla_class": sla_class,
            "measure": step.facts.get("measure") or step.case.measure,
            "original_due_at": step.case.original_due_at or due.due, **_due_columns(due),
        },
        starts=[*_plain(step, Clock.acknowledge), start(step.rules, Clock.rectify, step.grade, step.now, due.due)],
        tellings=[Telling(Purpose.dispatch, ("responsible", "grid_member"), AT_WORK)],
        facts={"responsible": assignee.code, "sla_class": sla_class, "due": micros(due.due), "capped": due.capped},
    )  # fmt: skip


def end(step: Step) -> Change:
    """核实不成立, 合并重复, 撤销: the finder learns of it, who was to rectify it too, and whoever was named as the second person."""
    told = [f"post:{step.case.found_post}"] + (["responsible"] if step.case.assigned_at else [])
    if step.situation.second:
        told.append(f"post:{step.situation.second.post}")
    return Change(tellings=[Telling(Purpose.outcome, tuple(told))])


LINK_EVIDENCE = text("""
insert into evidence (case_id, kind, round, sha256, stored, media_type, taken_at, lat, lon, note, added_at, added_person, added_post)
select :master, kind, round, sha256, stored, media_type, taken_at, lat, lon, note, added_at, added_person, added_post
from evidence where case_id = :case_id on conflict do nothing
""")


def mark_duplicate(step: Step) -> Change:
    """The evidence goes to the case that this one repeats."""
    master = master_of(step.session, step.case.township_id, step.facts)
    assert master, "guard G7 has seen the master"
    step.session.execute(LINK_EVIDENCE, {"master": master.id, "case_id": step.case.id})
    change = end(step)
    change.hazard["duplicate_of_id"] = master.id
    change.facts["duplicate_of"] = master.code
    return change


def regrade(step: Step) -> Change:
    """Limits are counted anew from where each clock began; the first due time is kept beside the new one."""
    grade = Grade(step.facts.get("grade") or step.grade)
    asked = step.facts.get("sla_class") or (SlaClass.major if grade == Grade.major else step.sla_class)
    sla_class = SlaClass(asked)
    change = Change(case={"grade": grade}, hazard={"sla_class": sla_class}, facts={"grade": grade, "sla_class": sla_class})
    for clock in RUNNING[step.to]:
        began = {Clock.dispatch: step.case.found_at, Clock.rectify: step.case.assigned_at}.get(clock) or step.case.assigned_at
        if clock == Clock.rectify:
            due = _rectify_due(step, grade, sla_class, began)
            change.hazard |= _due_columns(due)
            change.facts["due"] = micros(due.due)
            change.starts.append(start(step.rules, clock, grade, step.now, due.due, shortened_from=step.case.due_at))
        else:
            limit = step.rules.limit(clock, grade)
            change.starts.append(start(step.rules, clock, grade, step.now, due_at(began, limit, step.rules.calendar)))
    if step.case.assigned_at:
        change.tellings = [Telling(Purpose.dispatch, ("responsible",), AT_WORK)]
    return change


def acknowledge(step: Step) -> Change:
    return Change(hazard={"acknowledged_at": step.now})


def return_assignment(step: Step) -> Change:
    """退回交办: the wrong body; the dispatcher's clock runs again."""
    return Change(
        hazard={"returned_count": step.case.returned_count + 1, "assigned_at": None},
        starts=_plain(step, Clock.dispatch),
        tellings=[Telling(Purpose.to_dispatch, ("office_dispatcher",), (S.found,))],
    )


def submit(step: Step) -> Change:
    """报验: the owner's clock stops, the reviewer's starts."""
    hazard = _submission(step, *step.me)
    if step.facts.get("plan"):
        hazard["plan"] = {**(step.case.plan or {}), **step.facts["plan"]}
    return Change(
        hazard=hazard,
        starts=_plain(step, Clock.review),
        tellings=[Telling(Purpose.review, ("inspector",), (S.submitted,))],
        facts={"photos": _photos(step)},
    )


def reinspect_pass(step: Step) -> Change:
    """复查合格: the approval clock starts; who approves is settled now, under four eyes."""
    parties = _reinspectors(step)
    involved: set[Party | None] = {step.situation.submitter, *parties}
    if step.case.on_spot:
        involved |= {step.situation.recorder, step.situation.finder}
    people, post = step.situation.responsible_people, step.case.responsible_post
    called = approvers(step.session, step.case.id, involved, people, post, step.now)
    approver = called[0] if called else None
    climbed = {"climbed": approver.depth} if approver and approver.depth else {}
    return Change(
        case={"approver_post_id": approver.id if approver else None},
        hazard={"verified_at": step.now, "reinspected_by": [_as_json(party) for party in parties]},
        starts=_plain(step, Clock.approve),
        tellings=[Telling(Purpose.approval, ("approver",), (S.verified,), climbed)],
        facts={"approver": approver.code if approver else None, **climbed},
    )


def reinspect_fail(step: Step) -> Change:
    """复查不合格: a new round; the second failure reaches the station's head, the third the deputy in charge."""
    failed = step.case.failed_count + 1
    told = ("responsible", "grid_member", *(("station_head",) if failed >= 2 else ()), *(("deputy_in_charge",) if failed >= 3 else ()))
    change = _next_round(step, told)
    change.hazard["failed_count"] = failed
    change.facts["failed"] = failed
    return change


def refuse_close(step: Step) -> Change:
    return _next_round(step, ("responsible", "grid_member", "inspector"))


def approve_close(step: Step) -> Change:
    """销号: what the closure sends waits until it can't be taken back any more."""
    person, post = step.me
    lifted = {"interim_control": InterimControl.none} if step.facts.get("interim_lifted") is True else {}
    kept = {"interim_kept": True} if step.facts.get("interim_kept") is True else {}
    consent = {"district_consent_no": step.facts["district_consent_no"]} if step.facts.get("district_consent_no") else {}
    return Change(
        hazard={"closed_at": step.now, "closed_person": person, "closed_post": post, **lifted, **kept, **consent},
        tellings=[Telling(Purpose.outcome, ("responsible", f"post:{step.case.found_post}"), (S.closed,), not_before=step.now + UNDO)],
    )


def withdraw_approval(step: Step) -> Change:
    """撤回销号: the approval clock goes on from when the case was verified."""
    due = due_at(step.case.verified_at, step.rules.limit(Clock.approve, step.grade), step.rules.calendar)
    return Change(
        hazard={"closed_at": None, "closed_person": None, "closed_post": None},
        starts=[start(step.rules, Clock.approve, step.grade, step.now, due)],
    )


def reopen(step: Step) -> Change:
    """反弹重开: a new round, found again; the office has to assign it."""
    return Change(
        case={"round": step.case.round + 1, "level": 0, "approver_post_id": None},
        hazard={**_CLEARED, "closed_at": None, "closed_person": None, "closed_post": None, "assigned_at": None, "acknowledged_at": None},
        starts=_plain(step, Clock.dispatch),
        tellings=[Telling(Purpose.to_dispatch, ("office_dispatcher", "office_head", "station_head"), (S.reopened,))],
        facts={"round": step.case.round + 1},
    )


HOLD = text("""
update timer set held_until = :until, held_rung = fired, held_by = :person, next_at = greatest(next_at, :until)
where id = :id returning clock, fired
""")


def take_up(step: Step) -> Change:
    """接手督办: the next rung waits for the promised time; then the chain goes on."""
    told = rung_told(step.session, step.case.id, step.seated.post_id)
    assert told, "the law has seen the rung"
    promised = step.facts["promised_at"]
    until = parse_time(promised) if isinstance(promised, str) else promised
    held = step.session.execute(HOLD, {"id": told.id, "until": until, "person": step.seated.actor.person}).one()
    return Change(facts={"clock": held.clock, "rung": held.fired, "until": micros(until)})


LIVE = text("select clock, started_at, due_at from timer where case_id = :case_id and stopped_at is null order by clock")


def replan(step: Step) -> Change:
    """重排时限: the running clocks go on under the newest ladders; what has passed by then is said once at most."""
    live = step.session.execute(LIVE, {"case_id": step.case.id}).all()
    again = [start(step.rules, Clock(row.clock), step.grade, row.started_at, row.due_at) for row in live]
    starts = [replace(each, rung_at=_only_the_last_passed(each.rung_at, step.now)) for each in again]
    return Change(starts=starts, facts={"clocks": [row.clock for row in live]})


def _only_the_last_passed(times: tuple[datetime | None, ...], now: datetime) -> tuple[datetime | None, ...]:
    passed = [index for index, at in enumerate(times) if at and at <= now]
    return tuple(None if index in passed[:-1] else at for index, at in enumerate(times))


EFFECTS: dict[str, Callable[[Step], Change]] = {
    "register": registered,
    "fix_on_spot": fix_on_spot,
    "assign": assign,
    "reject": end,
    "mark_duplicate": mark_duplicate,
    "regrade": regrade,
    "acknowledge": acknowledge,
    "return_assignment": return_assignment,
    "submit": submit,
    "reinspect_pass": reinspect_pass,
    "reinspect_fail": reinspect_fail,
    "approve_close": approve_close,
    "refuse_close": refuse_close,
    "withdraw_approval": withdraw_approval,
    "cancel": end,
    "reopen": reopen,
    "take_up": take_up,
    "replan": replan,
}

_CLEARED: dict[str, Any] = {
    "submitted_at": None, "submitted_person": None, "submitted_post": None, "submitted_text": None, "on_spot": False,
    "recorder_person": None, "recorder_post": None, "reinspected_by": [], "verified_at": None,
}  # fmt: skip


def _plain(step: Step, clock: Clock) -> list[Start]:
    """A clock that starts now with its own limit."""
    due = due_at(step.now, step.rules.limit(clock, step.grade), step.rules.calendar)
    return [start(step.rules, clock, step.grade, step.now, due)]


def _rectify_due(step: Step, grade: Grade, sla_class: SlaClass, assigned_at: datetime) -> Capped:
    """By class (half of it after a relapse), or sooner where a date was given; capped by the campaign."""
    limit = step.rules.limit(Clock.rectify, grade, sla_class)
    due = due_at(assigned_at, limit.half() if step.case.state == S.reopened else limit, step.rules.calendar)
    asked = step.facts.get("due_at")
    if asked:
        due = min(due, parse_time(asked) if isinstance(asked, str) else asked)
    return cap(due, assigned_at, step.case.campaign_deadline, step.rules.cap_leaves)


def _class_asked(step: Step) -> SlaClass:
    asked = step.facts.get("sla_class")
    fits = (step.grade == Grade.major) == (asked == SlaClass.major)
    return SlaClass(asked) if asked and fits else step.sla_class


def _due_columns(due: Capped) -> dict[str, Any]:
    return {"due_at": due.due, "campaign_capped": due.capped, "beyond_campaign": due.beyond_campaign}


def _submission(step: Step, person: str | None, post: str | None) -> dict[str, Any]:
    spent = {"fund_actual": step.facts["fund_actual"]} if step.facts.get("fund_actual") is not None else {}
    return {"submitted_at": step.now, "submitted_person": person, "submitted_post": post, "submitted_text": step.facts.get("text"), **spent}


def _photos(step: Step) -> list[str]:
    """This round's pictures as history names them."""
    salt, code, now = step.case.salt, step.case.code, step.situation
    pictures = (photo for photo in now.photos if photo.round == now.round and photo.kind in (EvidenceKind.before, EvidenceKind.after))
    return [salted(salt, code, photo.round, photo.kind, photo.sha256) for photo in pictures]


def _reinspectors(step: Step) -> list[Party]:
    officials = [step.seated.actor] + ([step.situation.second] if step.situation.second else [])
    return [Party(each.person, each.post, each.standing_in_for) for each in officials]


def _as_json(party: Party) -> dict[str, str | None]:
    return {"person": party.person, "post": party.post, "standing_in_for": party.standing_in_for}


def _next_round(step: Step, told: tuple[str, ...]) -> Change:
    """Back to work: the old due time while it lies ahead, else half the class from now."""
    limit = step.rules.limit(Clock.rectify, step.grade, step.sla_class)
    due = next_due_after_failure(step.case.due_at, step.now, limit, step.rules.calendar, step.case.campaign_deadline, step.rules.cap_leaves)
    return Change(
        case={"round": step.case.round + 1, "level": 0, "approver_post_id": None},
        hazard={**_CLEARED, **_due_columns(due)},
        starts=[start(step.rules, Clock.rectify, step.grade, step.now, due.due)],
        tellings=[Telling(Purpose.returned, told, (S.rectifying,))],
        facts={"round": step.case.round + 1, "due": micros(due.due)},
    )
