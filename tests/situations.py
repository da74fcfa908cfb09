"""Questions to the law of any kind of case, for tests: with everything at hand, and with nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from models.enumerations import CaseKind, CaseState, EvidenceKind, Grade, HazardState, InterimControl, PostKind, SlaClass
from statemachines.errors import LawError
from statemachines.laws import LAWS
from statemachines.machine import KINDS, Decision, Law, Seat, Transition, Who
from statemachines.situation import Actor, Assignee, Master, Party, Photo, Plan, Situation

H = CaseKind.hazard
NOW = datetime(2023, 3, 1, 2, 0, tzinfo=UTC)
REASON = {"reason": "情况属实"}

FACTS: dict[tuple[CaseKind, str], dict[str, Any]] = {
    (H, "register"): {"description": "灭火器过期", "location": "收银台旁"},
    (H, "fix_on_spot"): {"principal_present": True},
    (H, "reject"): {"reason": "not_a_hazard"},
    (H, "return_assignment"): {"reason": "不是本单位的设施"},
    (H, "reinspect_pass"): {"items": {"C1": True}, "site_visit": True, "expert": "专家3号"},
    (H, "reinspect_fail"): {"reason": "measure_incomplete"},
    (H, "refuse_close"): {"reason": "照片看不清"},
    (H, "acknowledge"): {"paper_signed": True},
    (H, "approve_close"): {"district_consent_no": "7号", "interim_kept": True},
    (H, "cancel"): {"reason": "place_gone", "district_record_no": "5号"},
    (H, "transfer"): {"reason": "out_of_jurisdiction", "recipient": "区自然资源局"},
    (H, "request_extension"): {"reason": "weather", "interim_measures": "专人值守", "requested_due": NOW + timedelta(days=40)},
    (H, "appeal"): {"statement": "该处不是疏散通道"},
    (H, "order_interim"): {"interim_control": "warning"},
    (H, "lift_interim"): REASON,
    (H, "list_supervision"): {"level": "township"},
    (CaseKind.extension, "decline"): REASON,
    (CaseKind.appeal, "opine"): {"opinion": "现场核查属实"},
    (CaseKind.appeal, "uphold"): REASON,
    (CaseKind.appeal, "dismiss"): REASON,
    (CaseKind.transfer, "accept"): {"reply_no": "区自然资〔2023〕3号"},
    (CaseKind.transfer, "send_back"): {"reply": "不属本局职责"},
    (CaseKind.listing, "decline"): REASON,
    (CaseKind.listing, "report_progress"): {"note": "设备已到货"},
    (CaseKind.listing, "refuse_delisting"): REASON,
    (CaseKind.duty, "excuse"): REASON,
    (CaseKind.duty, "cancel_duty"): REASON,
    (CaseKind.report, "substantiate"): {"hazard": "YH-2"},
    (CaseKind.report, "dismiss_report"): REASON,
    (CaseKind.report, "answer_report"): {"answer": "已整改"},
    (CaseKind.report, "dispute_answer"): REASON,
    (CaseKind.report, "read_identity"): REASON,
}
TAKING_UP = {"promised_at": NOW + timedelta(hours=5), "note": "今晚更换"}


def facts_for(kind: CaseKind, trigger: str, grade: Grade) -> dict[str, Any]:
    """What somebody fills in who wants it done."""
    if trigger == "take_up":
        return TAKING_UP
    if trigger == "regrade":
        return {"sla_class": "g3"} if grade == Grade.general else {"grade": "general", "sla_class": "g15"}
    return FACTS.get((kind, trigger), {})


def second_for(trigger: str, post: str) -> str:
    """Whom somebody of tests/town.py in this post takes along."""
    if trigger.startswith("reinspect"):
        return "inspector" if post == "inspector-2" else "inspector-2"
    return "office-head" if post == "deputy" else "deputy"


def ready(
    kind: CaseKind, trigger: str, post: PostKind, state: CaseState | None, grade: Grade = Grade.general, *, consequence: bool = False
) -> Situation:
    """All that people could bring is there and it is this post's turn: what is refused is refused by kind of post, state or grade."""
    other = PostKind.office_head if post == PostKind.deputy_in_charge else PostKind.deputy_in_charge
    who = LAWS[kind].by_trigger[trigger].who
    return Situation(
        trigger, Actor("me", "my-post", post, "fire"), NOW, facts_for(kind, trigger, grade), consequence=consequence, state=state,
        grade=grade, code="YH-1", place="shop-1", sla_class=SlaClass.major if grade == Grade.major else SlaClass.g7,
        found_at=NOW - timedelta(days=3), finder=Party("f", "finder"), due_at=NOW + timedelta(days=30), assigned_at=NOW - timedelta(days=1),
        responsible_post="my-post" if Seat.responsible in who else "shop", team="fire", approver_posts=frozenset({"my-post"}),
        holds_rung=True, submitter=Party("li", "shop"), reinspectors=frozenset({Party("sun", "inspector")}),
        assignee=Assignee("shop", PostKind.enterprise_principal), working_days_left=20, working_days_since=1,
        photos=(Photo(EvidenceKind.before, "b"), Photo(EvidenceKind.after, "a")), plan=Plan("1", "2", "3", "4", "5", "6", NOW),
        second=Actor("second", "second-post", other, "town") if trigger in ("cancel", "reject") else None, clause_in_force=True,
        master=Master("YH-2", "shop-1", HazardState.found), closed_at=NOW - timedelta(minutes=3), closed_by=Party("me", "my-post"),
        interim_control=InterimControl.guard if trigger == "lift_interim" else InterimControl.none,
        hazard_state=HazardState.verified, requested_due=NOW + timedelta(days=40),
        applicant=Party("me", "my-post") if Seat.applicant in who else Party("li", "shop"), superior=True,
        opens_at=NOW - timedelta(days=1), closes_at=NOW,
    )  # fmt: skip


def bare(trigger: str, post: PostKind, state: CaseState | None, grade: Grade, *, consequence: bool = False) -> Situation:
    """Nothing is known and nothing is said."""
    return Situation(trigger, Actor("me", "my-post", post, "fire"), NOW, state=state, grade=grade, consequence=consequence)


def nobodys_turn(s: Situation) -> Situation:
    """The same, but the actor's post is nothing to this very case."""
    return replace(s, responsible_post="shop", team="police", approver_posts=frozenset(), applicant=Party("li", "shop"), superior=False)


def who_may(transition: Transition, grade: Grade) -> Who:
    return transition.who_if_major if grade == Grade.major and transition.who_if_major else transition.who


def fits(transition: Transition, post: PostKind, grade: Grade, *, consequence: bool = False) -> bool:
    """Whether posts of this kind can ever fire it."""
    who = who_may(transition, grade)
    if Seat.consequence in who and consequence:
        return True
    return any(post in KINDS.get(seat, {seat}) for seat in who - {Seat.consequence})


def answer(law: Law, s: Situation) -> Decision | LawError:
    try:
        return law.decide(s)
    except LawError as error:
        return error
