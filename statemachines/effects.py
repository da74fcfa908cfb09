"""What a step changes beyond the state: columns, timers, and who is told. One small function a trigger.

The law has already said yes when these run. Due times follow docs/time.md; limits and ladders are the township's own data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from models.clock import day_of, parse_time
from models.deadlines import Capped, cap, due_at, next_due_after_failure
from models.enumerations import (
    CaseKind,
    Clock,
    DutyTask,
    EvidenceKind,
    Grade,
    HazardState,
    InterimControl,
    ListingLevel,
    Purpose,
    SlaClass,
)
from notifications.plan import Telling
from statemachines.guards import UNDO
from statemachines.history import micros, salted
from statemachines.load import approvers, assignee_of, decider_for, master_of, pending_of, rung_told
from statemachines.situation import Party
from statemachines.step import Change, Consequence, NewRun, Opening, Step
from statemachines.tasks import OWNERS, power_cut_notice, talk
from statemachines.timers import RUNNING, start

S = HazardState
A_DAYS_NOTICE = timedelta(hours=24)
AT_WORK = (S.assigned, S.rectifying)
RECTIFYING = RUNNING[CaseKind.hazard]


def registered(step: Step) -> Change:
    told = ("office_dispatcher", "office_head") if step.grade == Grade.major else ("office_dispatcher",)
    return Change(
        starts=step.plain(Clock.dispatch),
        tellings=[Telling(Purpose.to_dispatch, told, (S.found,))],
        facts={
            "place": step.case.place,
            "grade": step.grade,
            "sla_class": step.sla_class,
            "item": step.case.item,
            "field": step.case.field,
            **_came_back(step),
        },
        gate=_stops_work(step),
    )


def _came_back(step: Step) -> dict[str, Any]:
    if not step.case.recurrence_count:
        return {}
    count, kind = step.case.recurrence_count, step.case.recurrence_kind
    return {"recurrence_of": step.case.recurrence_of, "recurrence_kind": kind, "recurrence_count": count}


def _stops_work(step: Step) -> bool:
    """Whether the place's start-work gate may change: a major hazard, or an interim control."""
    return step.grade == Grade.major or step.case.interim_control != InterimControl.none


def fix_on_spot(step: Step) -> Change:
    """当场整改: the responsible unit submits, the inspector only records."""
    person, post = step.me
    unit = min(step.situation.responsible_people, default=None)
    return Change(
        own={
            "assigned_at": step.now, "due_at": step.now, "original_due_at": step.case.original_due_at or step.now, "on_spot": True,
            "recorder_person": person, "recorder_post": post, **_submission(step, unit, step.case.responsible_post),
        },
        starts=step.plain(Clock.review),
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
        own={
            "assigned_at": step.now, "acknowledged_at": None, "sla_class": sla_class,
            "measure": step.facts.get("measure") or step.case.measure,
            "original_due_at": step.case.original_due_at or due.due, **_due_columns(due),
        },
        starts=[*step.plain(Clock.acknowledge), start(step.rules, Clock.rectify, step.grade, step.now, due.due)],
        tellings=[Telling(Purpose.dispatch, ("responsible", "grid_member"), AT_WORK)],
        facts={"responsible": assignee.code, "sla_class": sla_class, "due": micros(due.due), "capped": due.capped},
    )  # fmt: skip


def end(step: Step) -> Change:
    """核实不成立, 合并重复, 撤销: the finder learns of it, who was to rectify it too, and whoever was named as the second person.

    What was asked about it lapses, its listing too.
    """
    told = [f"post:{step.case.found_post}"] + (["responsible"] if step.case.assigned_at else [])
    if step.situation.second:
        told.append(f"post:{step.situation.second.post}")
    unlisted = {"listing": ListingLevel.none} if step.case.listing != ListingLevel.none else {}
    return Change(
        own=unlisted, tellings=[Telling(Purpose.outcome, tuple(told))], then=lapsing(step, *CaseKind), gate=_stops_work(step),
    )  # fmt: skip


def lapsing(step: Step, *kinds: CaseKind) -> list[Consequence]:
    """What was asked about the hazard, is not decided and has lost its meaning."""
    if not step.situation.pending & set(kinds):
        return []
    return [Consequence(code, "lapse") for kind, code in pending_of(step.session, step.case.id) if kind in kinds]


LINK_EVIDENCE = text("""
insert into evidence (case_id, kind, round, sha256, stored, media_type, look, taken_at, lat, lon, note, added_at, added_person, added_post)
select :master, kind, round, sha256, stored, media_type, look, taken_at, lat, lon, note, added_at, added_person, added_post
from evidence where case_id = :case_id on conflict do nothing
""")


def mark_duplicate(step: Step) -> Change:
    """The evidence goes to the case that this one repeats."""
    master = master_of(step.session, step.case.township_id, step.facts)
    assert master, "guard G7 has seen the master"
    step.session.execute(LINK_EVIDENCE, {"master": master.id, "case_id": step.case.id})
    change = end(step)
    change.own["duplicate_of_id"] = master.id
    change.facts["duplicate_of"] = master.code
    return change


# When the case came into the state in which it stands: that is where its clock began, however long ago it was found.
ENTERED = text("""
select at from event where case_id = :id and from_state is distinct from to_state order by seq desc limit 1
""")


def regrade(step: Step) -> Change:
    """Limits are counted anew from where each clock began; the first due time is kept beside the new one."""
    grade = Grade(step.facts.get("grade") or step.grade)
    asked = step.facts.get("sla_class") or (SlaClass.major if grade == Grade.major else step.sla_class)
    sla_class = SlaClass(asked)
    change = Change(
        case={"grade": grade}, own={"sla_class": sla_class}, facts={"grade": grade, "sla_class": sla_class},
        then=lapsing(step, CaseKind.extension, *_no_longer_listable(step, grade)), gate=Grade.major in (grade, step.grade),
    )  # fmt: skip
    for clock in RECTIFYING[step.to]:
        began = step.case.assigned_at if clock == Clock.rectify else step.session.execute(ENTERED, {"id": step.case.id}).scalar_one()
        if clock == Clock.rectify:
            due = _rectify_due(step, grade, sla_class, began)
            change.own |= _due_columns(due)
            change.facts["due"] = micros(due.due)
            change.starts.append(start(step.rules, clock, grade, step.now, due.due, shortened_from=step.case.due_at))
        else:
            limit = step.rules.limit(clock, grade, on=day_of(began))
            change.starts.append(start(step.rules, clock, grade, step.now, due_at(began, limit, step.rules.calendar)))
    if step.case.assigned_at:
        change.tellings = [Telling(Purpose.dispatch, ("responsible",), AT_WORK)]
    return change


def _no_longer_listable(step: Step, grade: Grade) -> tuple[CaseKind, ...]:
    """A listing that has only been proposed goes with the grade; one that stands is taken off by who decided it."""
    return (CaseKind.listing,) if grade != Grade.major and step.case.listing == ListingLevel.none else ()


def acknowledge(step: Step) -> Change:
    return Change(own={"acknowledged_at": step.now})


def return_assignment(step: Step) -> Change:
    """退回交办: the wrong body; the dispatcher's clock runs again."""
    return Change(
        own={"returned_count": step.case.returned_count + 1, "assigned_at": None},
        starts=step.plain(Clock.dispatch),
        tellings=[Telling(Purpose.to_dispatch, ("office_dispatcher",), (S.found,))],
        then=lapsing(step, CaseKind.extension, CaseKind.appeal),
    )


def submit(step: Step) -> Change:
    """报验: the owner's clock stops, the reviewer's starts."""
    own = _submission(step, *step.me)
    if step.facts.get("plan"):
        own["plan"] = {**(step.case.plan or {}), **step.facts["plan"]}
    return Change(
        own=own,
        starts=step.plain(Clock.review),
        tellings=[Telling(Purpose.review, ("inspector",), (S.submitted,))],
        facts={"photos": _photos(step)},
        then=lapsing(step, CaseKind.extension),
    )


def reinspect_pass(step: Step) -> Change:
    """复查合格: the approval clock starts; who approves is settled now, under four eyes."""
    parties = _reinspectors(step)
    involved: set[Party | None] = {step.situation.submitter, *parties}
    if step.case.on_spot:
        involved |= {step.situation.recorder, step.situation.finder}
    people, post = step.situation.unit_hands, step.case.responsible_post
    called = approvers(step.session, step.case.id, involved, people, post, step.now)
    approver = called[0] if called else None
    climbed = {"climbed": approver.depth} if approver and approver.depth else {}
    return Change(
        case={"approver_post_id": approver.id if approver else None},
        own={"verified_at": step.now, "reinspected_by": [_as_json(party) for party in parties]},
        starts=step.plain(Clock.approve),
        tellings=[Telling(Purpose.approval, ("approver",), (S.verified,), climbed)],
        facts={"approver": approver.code if approver else None, **climbed},
    )


def reinspect_fail(step: Step) -> Change:
    """复查不合格: a new round; the second failure reaches the station's head, the third the deputy in charge."""
    failed = step.case.failed_count + 1
    told = ("responsible", "grid_member", *(("station_head",) if failed >= 2 else ()), *(("deputy_in_charge",) if failed >= 3 else ()))
    change = _next_round(step, told)
    change.own["failed_count"] = failed
    change.facts["failed"] = failed
    owner = step.owner(OWNERS[DutyTask.talk]) if failed >= 3 else None
    change.tasks = [talk(step.about(), owner, step.now, step.rules.calendar)] if owner else []
    return change


def refuse_close(step: Step) -> Change:
    return _next_round(step, ("responsible", "grid_member", "inspector"))


def approve_close(step: Step) -> Change:
    """销号: what the closure sends waits until it can't be taken back any more."""
    person, post = step.me
    lifts = step.facts.get("interim_lifted") is True and step.case.interim_control != InterimControl.none
    lifted = {"interim_control": InterimControl.none} if lifts else {}
    kept = {"interim_kept": True} if step.facts.get("interim_kept") is True else {}
    consent = {"district_consent_no": step.facts["district_consent_no"]} if step.facts.get("district_consent_no") else {}
    return Change(
        own={"closed_at": step.now, "closed_person": person, "closed_post": post, **lifted, **kept, **consent},
        tellings=[Telling(Purpose.outcome, ("responsible", f"post:{step.case.found_post}"), (S.closed,), not_before=step.now + UNDO)],
        then=lapsing(step, CaseKind.listing),
        facts={"lifted": step.case.interim_control} if lifts else {},
        gate=_stops_work(step),
    )


LIFTED = text("select facts->>'lifted' from event where case_id = :id and trigger = 'approve_close' order by seq desc limit 1")


def withdraw_approval(step: Step) -> Change:
    """撤回销号: the approval clock goes on from when the case was verified; a control that the closure lifted stands again."""
    lifted = step.session.execute(LIFTED, {"id": step.case.id}).scalar()
    again = {"interim_control": InterimControl(lifted)} if lifted else {}
    due = due_at(step.case.verified_at, step.rules.limit(Clock.approve, step.grade, on=day_of(step.case.verified_at)), step.rules.calendar)
    return Change(
        own={"closed_at": None, "closed_person": None, "closed_post": None, "interim_kept": False, **again},
        starts=[start(step.rules, Clock.approve, step.grade, step.now, due)],
        gate=bool(again) or _stops_work(step),
    )


def transfer(step: Step) -> Change:
    """移送: somebody else's business (安全生产法 Art. 69); the recipient's answer is awaited under a clock of its own."""
    recipient = str(step.facts.get("recipient") or step.facts.get("to")).strip()
    change = end(step)
    person, post = step.me
    own = {
        "recipient": recipient, "statement": str(step.facts.get("note") or step.facts.get("comment") or "不属本镇管辖"),
        "letter_no": step.facts.get("letter_no"), "sent_person": person, "sent_post": post,
    }  # fmt: skip
    change.opens = [Opening(CaseKind.transfer, own, step.seated.post_id)]
    return change


def take_back(step: Step) -> Change:
    """The recipient has sent it back: found again, and the office has to assign it."""
    return Change(
        own={"assigned_at": None, "acknowledged_at": None},
        starts=step.plain(Clock.dispatch),
        tellings=[Telling(Purpose.to_dispatch, ("office_dispatcher", "office_head"), (S.found,))],
        gate=_stops_work(step),
    )


def request_extension(step: Step) -> Change:
    """申请延期: the clock goes on; who decides is settled now, under four eyes."""
    requested = _moment(step.facts["requested_due"])
    deadline = step.case.campaign_deadline
    beyond = deadline is not None and requested > deadline
    calls_for = (
        "district_office" if step.grade == Grade.major or step.case.listing != ListingLevel.none
        else "township_head" if step.case.extension_count or beyond else "deputy_in_charge"
    )  # fmt: skip
    person, post = step.me
    own = {
        "number": step.case.extension_count + 1, "reason": step.facts["reason"],
        "statement": str(step.facts.get("statement") or step.facts.get("text") or step.facts.get("note") or ""),
        "interim_measures": str(step.facts["interim_measures"]).strip(), "requested_due": requested, "due_before": step.case.due_at,
        "applicant_person": person, "applicant_post": post,
    }  # fmt: skip
    decider = decider_for(step.session, step.case, calls_for, {did(step)}, step.situation.unit_hands, step.now)
    facts = {"requested_due": micros(requested), "reason": step.facts["reason"]}
    opening = Opening(CaseKind.extension, own, step.case.responsible_post_id, decider.id if decider else None, facts)
    return Change(opens=[opening], facts={"requested_due": micros(requested)})


def extend(step: Step) -> Change:
    """同意延期: the limit moves, the first one is kept; the ladder begins at its foot."""
    granted = _moment(step.facts["granted_due"])
    deadline = step.case.campaign_deadline
    return Change(
        case={"level": 0},
        own={
            "due_at": granted, "extension_count": step.case.extension_count + 1, "campaign_capped": False, "due_estimated": False,
            "beyond_campaign": deadline is not None and granted > deadline,
        },
        starts=[start(step.rules, Clock.rectify, step.grade, step.now, granted)],
        facts={"due": micros(granted), "due_before": micros(step.case.due_at)},
    )  # fmt: skip


def appeal(step: Step) -> Change:
    """申诉: the clock goes on; the office gives its opinion, the deputy in charge decides (of a major hazard the township head)."""
    person, post = step.me
    said = str(step.facts.get("statement") or step.facts.get("text") or step.facts.get("reason")).strip()
    decider = judge_for(step, step.case, {did(step), step.situation.finder})
    own = {"statement": said, "applicant_person": person, "applicant_post": post}
    return Change(opens=[Opening(CaseKind.appeal, own, step.case.responsible_post_id, decider.id if decider else None)])


def did(step: Step) -> Party:
    """Who takes this step, as four eyes count them."""
    actor = step.seated.actor
    return Party(actor.person, actor.post, actor.standing_in_for)


def judge_for(step: Step, hazard: Row[Any], involved: set[Party | None]) -> Row[Any] | None:
    """Who decides an appeal: the deputy in charge, of a major hazard the township head, or the next above that has no part in it."""
    calls_for = "township_head" if hazard.grade == Grade.major else "deputy_in_charge"
    return decider_for(step.session, hazard, calls_for, involved, step.situation.unit_hands, step.now)


def order_interim(step: Step) -> Change:
    """采取临时管控: in force at once, however the hazard goes on (安全生产法 Art. 65)."""
    control = InterimControl(step.facts["interim_control"])
    until = step.facts.get("interim_until")
    own = {
        "interim_control": control, "interim_until": _moment(until) if until else None, "interim_at": step.now,
        "interim_post": step.me[1], "interim_kept": False, "stop_scope": step.facts.get("stop_scope") or step.case.stop_scope,
    }  # fmt: skip
    told = ("responsible", "grid_member", "village_secretary", "station_head", "office_head")
    telling = Telling(Purpose.interim, told, facts={"control": control})
    return Change(own=own, tellings=[telling], tasks=_warned_of(step, control), gate=True)


def _warned_of(step: Step, control: InterimControl) -> list[NewRun]:
    """停电: in writing 24 h before (安全生产法 Art. 70), unless it is cut at once; then the paper follows at once."""
    owner = step.owner(OWNERS[DutyTask.power_cut_notice]) if control == InterimControl.power_cut else None
    cut_at = _moment(step.facts["cut_at"]) if step.facts.get("cut_at") else step.now + A_DAYS_NOTICE
    return [power_cut_notice(step.about(), cut_at, owner, step.now)] if owner else []


def lift_interim(step: Step) -> Change:
    lifted = {"interim_control": InterimControl.none, "interim_until": None, "interim_kept": False}
    told = Telling(Purpose.interim, ("responsible", "station_head", "office_head"), facts={"control": InterimControl.none})
    return Change(own=lifted, tellings=[told], facts={"lifted": step.case.interim_control}, gate=True)


LISTED_BY = {ListingLevel.township: "township_head"}


def list_supervision(step: Step) -> Change:
    """提请挂牌督办: the township proposes, the level's own unit decides; above the township the district answers for it."""
    person, post = step.me
    level = ListingLevel(step.facts["level"])
    own = {
        "level": level, "statement": str(step.facts.get("statement") or step.facts.get("note") or step.facts.get("comment") or ""),
        "proposed_person": person, "proposed_post": post,
    }  # fmt: skip
    calls_for = LISTED_BY.get(level, "district_office")
    decider = decider_for(step.session, step.case, calls_for, {did(step)}, step.situation.unit_hands, step.now)
    opening = Opening(CaseKind.listing, own, step.case.responsible_post_id, decider.id if decider else None, {"level": level})
    return Change(opens=[opening], facts={"level": level})


def set_listing(step: Step) -> Change:
    level = ListingLevel(step.facts["level"])
    return Change(own={"listing": level}, facts={"level": level})


def paper_issued(step: Step) -> Change:
    """出具文书: history names the paper and the hash of each of its files; the paper itself stands in its own table."""
    return Change(facts={name: step.facts[name] for name in ("paper", "number", "pdf", "docx")})


def uphold_appeal(step: Step) -> Change:
    """申诉成立: there is no hazard; its place counts it among those that were not confirmed."""
    return end(step)


def reopen(step: Step) -> Change:
    """反弹重开: a new round, found again; the office has to assign it, and what was consented to at the closure holds no longer."""
    return Change(
        case={"round": step.case.round + 1, "level": 0, "approver_post_id": None},
        own={
            **_CLEARED, "closed_at": None, "closed_person": None, "closed_post": None, "assigned_at": None, "acknowledged_at": None,
            "interim_kept": False, "district_consent_no": None,
        },
        starts=step.plain(Clock.dispatch),
        tellings=[Telling(Purpose.to_dispatch, ("office_dispatcher", "office_head", "station_head"), (S.reopened,))],
        facts={"round": step.case.round + 1},
        gate=_stops_work(step),
    )  # fmt: skip


HOLD = text("""
update timer set held_until = :until, held_rung = fired, held_by = :person, next_at = :until
where id = :id returning clock, fired
""")


def take_up(step: Step) -> Change:
    """接手督办: the next rung waits for the promised time. Nothing done by then: the rung is said again, and the chain goes on."""
    told = rung_told(step.session, step.case.id, step.seated.post_id)
    assert told, "the law has seen the rung"
    until = _moment(step.facts["promised_at"])
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
    "transfer": transfer,
    "take_back": take_back,
    "request_extension": request_extension,
    "extend": extend,
    "appeal": appeal,
    "uphold_appeal": uphold_appeal,
    "order_interim": order_interim,
    "lift_interim": lift_interim,
    "list_supervision": list_supervision,
    "set_listing": set_listing,
    "issue_paper": paper_issued,
    "take_up": take_up,
    "replan": replan,
}

_CLEARED: dict[str, Any] = {
    "submitted_at": None, "submitted_person": None, "submitted_post": None, "submitted_text": None, "on_spot": False,
    "recorder_person": None, "recorder_post": None, "reinspected_by": [], "verified_at": None,
}  # fmt: skip


def _rectify_due(step: Step, grade: Grade, sla_class: SlaClass, assigned_at: datetime) -> Capped:
    """By class (half of it after a relapse), or sooner where a date was given; capped by the campaign."""
    limit = step.rules.limit(Clock.rectify, grade, sla_class, day_of(assigned_at))
    due = due_at(assigned_at, limit.half() if step.case.state == S.reopened else limit, step.rules.calendar)
    asked = step.facts.get("due_at")
    if asked:
        due = min(due, _moment(asked))
    return cap(due, assigned_at, step.case.campaign_deadline, step.rules.cap_leaves)


def _moment(said: Any) -> datetime:
    return parse_time(said) if isinstance(said, str) else said


def _class_asked(step: Step) -> SlaClass:
    asked = step.facts.get("sla_class")
    fits = (step.grade == Grade.major) == (asked == SlaClass.major)
    return SlaClass(asked) if asked and fits else step.sla_class


def _due_columns(due: Capped) -> dict[str, Any]:
    return {"due_at": due.due, "campaign_capped": due.capped, "beyond_campaign": due.beyond_campaign}


def _submission(step: Step, person: str | None, post: str | None) -> dict[str, Any]:
    spent = {"fund_actual": step.facts["fund_actual"]} if step.facts.get("fund_actual") is not None else {}
    cause = str(step.facts.get("root_cause") or "").strip() or step.case.root_cause
    said = {"submitted_text": step.facts.get("text"), "root_cause": cause, **spent}
    return {"submitted_at": step.now, "submitted_person": person, "submitted_post": post, **said}


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
    limit = step.rules.limit(Clock.rectify, step.grade, step.sla_class, day_of(step.now))
    due = next_due_after_failure(step.case.due_at, step.now, limit, step.rules.calendar, step.case.campaign_deadline, step.rules.cap_leaves)
    return Change(
        case={"round": step.case.round + 1, "level": 0, "approver_post_id": None},
        own={**_CLEARED, **_due_columns(due)},
        starts=[start(step.rules, Clock.rectify, step.grade, step.now, due.due)],
        tellings=[Telling(Purpose.returned, told, (S.rectifying,))],
        facts={"round": step.case.round + 1, "due": micros(due.due)},
    )
