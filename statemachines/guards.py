"""The guards: pure functions that say why not, or nothing.

A guard's reason is its number in the law of the case (`g11_approver` refuses with `G11`) or, where it has no number, its own name.
Every refusal says what is wrong and what to do about it. Facts come from forms and programs: guards trust no type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from models.enumerations import (
    LEADERS,
    CaseKind,
    EvidenceKind,
    Grade,
    HazardState,
    InterimControl,
    ListingLevel,
    PostKind,
    ReasonCode,
    SlaClass,
    Word,
)
from statemachines.situation import Actor, Party, Photo, Situation

ON_SITE_METRES = 300
UNDO = timedelta(minutes=10)
SENSIBLE_YEARS = range(1950, 2200)
PROMISE = timedelta(hours=24)
CAMERA_RUNS_AHEAD = timedelta(minutes=10)
MASTER_CLOSED_AT_MOST = timedelta(days=90)

REJECTIONS = (
    ReasonCode.not_a_hazard,
    ReasonCode.wrong_place,
    ReasonCode.out_of_jurisdiction,
    ReasonCode.place_gone,
    ReasonCode.entered_by_mistake,
)
CANCELLATIONS = (ReasonCode.place_gone, ReasonCode.entered_by_mistake)
CANCELLERS = frozenset({PostKind.office_head, PostKind.deputy_in_charge})
OFFICIALS = LEADERS | {
    PostKind.inspector,
    PostKind.station_head,
    PostKind.office_dispatcher,
    PostKind.office_head,
    PostKind.district_department,
    PostKind.district_office,
}
NEVER_RESPONSIBLE = frozenset({PostKind.reporter, PostKind.discipline_viewer, PostKind.system})
ACCOUNTABLE = frozenset(PostKind) - NEVER_RESPONSIBLE
APPROVERS = LEADERS | {PostKind.station_head, PostKind.office_head, PostKind.district_department, PostKind.district_office}
EXTENSIONS = 2
ASK_DAYS_BEFORE = 3
ASK_WORKING_DAYS_BEFORE = 15
APPEAL_WITHIN = 5
DELAYS = (ReasonCode.weather, ReasonCode.funding, ReasonCode.supply, ReasonCode.approval_needed, ReasonCode.external_factor)
# What keeps people out of the place. A warning or a guard doesn't; stop_equipment stops that equipment, the rest may work.
STOPS_WORK = frozenset({
    InterimControl.evacuate, InterimControl.partial_stop, InterimControl.full_stop, InterimControl.sealed, InterimControl.power_cut,
})  # fmt: skip
# 暂时停产停业、查封、停电 are enforcement acts (安全生产法 Art. 65, 70; 消防法 Art. 54): not every post has that power.
NEEDS_AUTHORITY = frozenset({
    InterimControl.partial_stop, InterimControl.full_stop, InterimControl.sealed, InterimControl.power_cut,
})  # fmt: skip
PASSED = (True, "yes", "na", "pass")

W = TypeVar("W", bound=Word)


class Refusal(NamedTuple):
    """Why not: the guard's number or name, and a sentence in Chinese and in English."""

    reason: str
    zh: str
    en: str


Guard = Callable[[Situation], Refusal | None]


def label(guard: Guard) -> str:
    """The reason that a guard refuses with: `G11` for `g11_approver`, `own_rung` for `own_rung`."""
    head = guard.__name__.split("_")[0]
    return head.upper() if head[1:].isdigit() else guard.__name__


# Finding and registering


def g1_registered(s: Situation) -> Refusal | None:
    """A place, a description and a location; found not later than now."""
    needed = (
        (s.place or text_of(s, "place"), ("place",), "场所", "place"),
        (text_of(s, "description"), ("description",), "隐患描述", "description"),
        (text_of(s, "location", "exact_location"), ("location", "exact_location"), "具体位置", "exact location"),
    )
    for value, names, zh, en in needed:
        if not value and not s.unasked(*names):
            return Refusal("G1", f"还没有填写{zh}，请补填后再登记。", f"The {en} is missing; fill it in, then register.")
    found_at = moment_of(s, "found_at") if "found_at" in s.facts else s.found_at
    if found_at is None and "found_at" in s.facts:
        return Refusal("G1", "发现时间无法识别，请重新填写。", "The time of finding can't be read; give it with date, time and offset.")
    if found_at and found_at > s.now:
        return Refusal("G1", "发现时间晚于现在，请核对后重新填写。", "The time of finding lies in the future; correct it.")
    return None


def g2_general(s: Situation) -> Refusal | None:
    """Only a general hazard can be fixed on the spot."""
    if s.grade == Grade.general:
        return None
    return Refusal("G2", "重大隐患不能当场整改了结，请按程序交办。", "A major hazard can't be fixed on the spot; have it assigned.")


def principal_present(s: Situation) -> Refusal | None:
    """The unit's principal was there when the hazard was fixed on the spot."""
    if s.facts.get("principal_present") is True or s.unasked("principal_present"):
        return None
    return Refusal(
        "principal_present",
        "当场整改须有单位负责人在场；负责人不在场的，请走交办程序。",
        "The unit's principal must be present for a fix on the spot; otherwise have the hazard assigned.",
    )


# Evidence


def g3_after(s: Situation) -> Refusal | None:
    """A photo of this round shows the place after the fix: not used before, not older than the finding, not from the future."""
    afters = _photos(s, EvidenceKind.after)
    if not afters:
        return Refusal("G3", "还没有本轮的整改后照片，请先上传。", "There is no photo of this round taken after the fix; upload one first.")
    fresh = [photo for photo in afters if not _used_before(s, photo)]
    if not fresh:
        return Refusal("G3", "整改后照片以前用过，请重新拍摄上传。", "The photo after the fix has been used before; take a new one.")
    if all(photo.taken_at and photo.taken_at > s.now + CAMERA_RUNS_AHEAD for photo in fresh):
        return Refusal(
            "G3",
            "整改后照片的拍摄时间晚于现在，请核对手机时间后重新拍摄上传。",
            "The photo after the fix was taken in the future; set the phone's clock and take a new one.",
        )
    if not any(photo.taken_at is None or s.found_at is None or photo.taken_at >= s.found_at for photo in fresh):
        return Refusal(
            "G3",
            "整改后照片的拍摄时间早于发现时间，请重新拍摄上传。",
            "The photo after the fix is older than the finding; take a new one.",
        )
    return None


def g3_before_and_after(s: Situation) -> Refusal | None:
    """Photos of one visit show the place before and after the fix."""
    if not _photos(s, EvidenceKind.before):
        return Refusal("G3", "当场整改须有整改前照片，请先上传。", "A fix on the spot needs a photo taken before it; upload one first.")
    return g3_after(s)


def g5_on_site(s: Situation) -> Refusal | None:
    """Photos after the fix were taken within 300 m of the place, or somebody says why not."""
    far = [photo for photo in _photos(s, EvidenceKind.after) if photo.distance_m is not None and photo.distance_m > ON_SITE_METRES]
    if not far or text_of(s, "distance_reason") or s.unasked("distance_reason"):
        return None
    return Refusal(
        "G5",
        f"照片拍摄位置距场所超过{ON_SITE_METRES}米，请说明原因或到现场重新拍摄。",
        f"A photo was taken more than {ON_SITE_METRES} m from the place; say why, or take it again on site.",
    )


# Assigning, and the ways out


def g4_assignable(s: Situation) -> Refusal | None:
    """The responsible post is active and held by somebody, and there is a class or a due time to come."""
    post = s.assignee
    if post is None and not s.unasked("responsible", "responsible_post"):
        return Refusal("G4", "还没有选定责任岗位，请选择后再交办。", "No responsible post has been chosen; choose one.")
    if post and post.kind in NEVER_RESPONSIBLE:
        return Refusal("G4", f"{post.kind.zh}不能作为责任岗位，请另选。", "A post of this kind can't be responsible; choose another.")
    if post and not (post.active and post.filled):
        return Refusal(
            "G4",
            "该责任岗位已停用或目前无人任职，请另选岗位或先安排人员。",
            "The responsible post is inactive or vacant; choose another or fill it first.",
        )
    due = moment_of(s, "due_at")
    if "due_at" in s.facts and (due is None or due <= s.now):
        return Refusal("G4", "整改期限须晚于现在，请重新填写。", "The due time must lie in the future; give another.")
    if s.sla_class or due or _word(s, "sla_class", SlaClass) or s.unasked("sla_class"):
        return None
    return Refusal("G4", "还没有确定整改时限，请选择时限类别。", "No time limit is set; choose a class.")


def not_the_finder(s: Situation) -> Refusal | None:
    """Who found the hazard doesn't decide that it is none, nor confirm it."""
    if s.finder is None or not any(_same(official, s.finder) for official in _officials(s)):
        return None
    return Refusal(
        "not_the_finder",
        "隐患由你或你的岗位发现，不能由发现者自己核实不成立；请另一人办理。",
        "You or your post found this hazard; somebody else has to judge whether it is one.",
    )


def g6_rejection(s: Situation) -> Refusal | None:
    """A reason code; for a major hazard a second official."""
    if _word(s, "reason", ReasonCode) not in REJECTIONS and not s.unasked("reason"):
        return Refusal("G6", f"请选择理由：{_listed(REJECTIONS)}。", f"Give one of these reasons: {', '.join(REJECTIONS)}.")
    return _second_person(s, "G6", OFFICIALS) if s.grade == Grade.major else None


def g6_cancellation(s: Situation) -> Refusal | None:
    """Place gone or entered by mistake; office head and deputy together; a major hazard with the district's record."""
    if _word(s, "reason", ReasonCode) not in CANCELLATIONS and not s.unasked("reason"):
        return Refusal("G6", f"撤销只限于：{_listed(CANCELLATIONS)}。", f"Only these reasons cancel a case: {', '.join(CANCELLATIONS)}.")
    if s.grade == Grade.major and not text_of(s, "district_record_no") and not s.unasked("district_record_no"):
        return Refusal("G6", "撤销重大隐患须填写区级备案编号。", "Cancelling a major hazard needs the number of the district's record.")
    return _second_person(s, "G6", CANCELLERS - {s.actor.kind})


def g7_master(s: Situation) -> Refusal | None:
    """The master is another case at the same place, itself no duplicate, open or closed at most 90 days ago."""
    master = s.master
    if master is None and s.unasked("duplicate_of", "master"):
        return None
    if master is None or master.code == s.code:
        return Refusal("G7", "请填写并入的另一条隐患编号。", "Name the other case that this one repeats.")
    if master.place != s.place:
        return Refusal("G7", "两条隐患不在同一场所，不能合并。", "The two cases are at different places; they can't be merged.")
    if master.is_duplicate or master.state == HazardState.duplicate:
        return Refusal("G7", "所填隐患本身已并入别的隐患，请填写最初那条。", "That case is a duplicate itself; name the one it repeats.")
    if master.state == HazardState.closed:
        recent = master.closed_at is not None and s.now - master.closed_at <= MASTER_CLOSED_AT_MOST
        return (
            None
            if recent
            else Refusal("G7", "所填隐患销号已超过90天，请按新隐患办理。", "That case was closed over 90 days ago; keep this one.")
        )
    if master.state.ended:
        return Refusal("G7", f"所填隐患已是“{master.state.zh}”，不能并入。", f"That case has ended ({master.state.en}); keep this one.")
    return None


def grade_changes(s: Situation) -> Refusal | None:
    """A new grade or class that fits: class `major` goes with grade major and with no other."""
    if s.unasked("grade", "sla_class"):
        return None
    grade = _word(s, "grade", Grade) if "grade" in s.facts else s.grade
    sla_class = _word(s, "sla_class", SlaClass) if "sla_class" in s.facts else _class_of(grade, s.sla_class)
    if grade is None or (sla_class is None and not s.unasked("sla_class")):
        return Refusal("grade_changes", "请填写有效的等级和时限类别。", "Give a valid grade and class.")
    if sla_class and (grade == Grade.major) != (sla_class == SlaClass.major):
        return Refusal("grade_changes", "等级与时限类别不符，请核对。", "Grade and class don't go together; correct one.")
    if grade == s.grade and ("sla_class" not in s.facts or sla_class == s.sla_class):
        return Refusal("grade_changes", "等级和时限都没有变化，无须调整。", "Neither grade nor class changes; there is nothing to do.")
    return None


def g8_clause(s: Situation) -> Refusal | None:
    """To major: by a clause of the criteria in force when the hazard was found, or today. From major: by a clause or a stated reason."""
    if not s.clause_known:
        return Refusal(
            "G8",
            "法规库里没有所引条款，请核对，或先补充法规库。",
            "The library of law doesn't have this clause; check it, or add it first.",
        )
    if s.clause_in_force is False:
        return Refusal(
            "G8",
            "所引条款在发现隐患当日和今天都未施行，请引用有效的条款。",
            "The clause was in force neither when the hazard was found nor today; cite one that was.",
        )
    becomes = s.grade if s.unasked("grade") else _word(s, "grade", Grade) or s.grade
    if s.clause_in_force or becomes == s.grade:
        return None
    if becomes == Grade.major and not s.unasked("clause"):
        return Refusal("G8", "定为重大隐患须引用判定标准的条款。", "Grading a hazard major needs a clause of the criteria.")
    if becomes == Grade.general and not text_of(s, "reason") and not s.unasked("reason"):
        return Refusal("G8", "重大降为一般须说明理由或引用条款。", "Grading a major hazard down needs a reason or a clause.")
    return None


def g9_receipt(s: Situation) -> Refusal | None:
    """The responsible post acknowledges; anyone else only records a signed paper."""
    if s.actor.post == s.responsible_post or _photos(s, EvidenceKind.signature) or _photos(s, EvidenceKind.scan):
        return None
    if s.facts.get("paper_signed") is True or s.unasked("paper_signed"):
        return None
    return Refusal(
        "G9",
        "代为签收须上传责任单位签字的扫描件，或注明已在纸质交办单上签字。",
        "To record a receipt for the unit, upload the signed paper or state that it was signed.",
    )


def reason_given(s: Situation) -> Refusal | None:
    """A reason in words or as a code."""
    if text_of(s, "reason") or s.unasked("reason"):
        return None
    return Refusal("reason_given", "请填写理由。", "Give a reason.")


def returned_once(s: Situation) -> Refusal | None:
    """An assignment can be sent back once."""
    if s.returned == 0:
        return None
    return Refusal(
        "returned_once",
        "本隐患已退回过一次，不能再退；请先整改，或向镇安办说明。",
        "This assignment has been sent back once already; start the work, or talk to the office.",
    )


# Interim controls, listing, transfer, more time, another judgement


def interim_named(s: Situation) -> Refusal | None:
    """Which control (警示、值守、撤人、停用、停产、查封、停电), and until when if that is known."""
    control = _word(s, "interim_control", InterimControl)
    if control is None and s.unasked("interim_control"):
        return None
    if control is None or control == InterimControl.none:
        return Refusal("interim_named", "请选择临时管控措施。", "Choose an interim control.")
    for name, zh in (("interim_until", "管控截止时间"), ("cut_at", "停电时间")):
        until = moment_of(s, name)
        if s.facts.get(name) and (until is None or until <= s.now):
            return Refusal("interim_named", f"{zh}须晚于现在，请重新填写。", f"{name} must lie in the future; give another.")
    return None


def g18_authority(s: Situation) -> Refusal | None:
    """Stopping work, sealing and cutting power are enforcement: a team with delegated power, a leader of the township or the district.
    What stops work is not made lighter by ordering something else.
    """
    control = _word(s, "interim_control", InterimControl)
    if s.interim_control in STOPS_WORK and control is not None and control not in STOPS_WORK:
        return Refusal(
            "G18",
            f"现有管控“{s.interim_control.zh}”不能改为较轻的措施；隐患复查合格后由镇领导解除。",
            "A control that stops work isn't made lighter; a leader lifts it once the hazard has passed its re-inspection.",
        )
    if control not in NEEDS_AUTHORITY or s.authorised or s.actor.kind in LEADERS:
        return None
    return Refusal(
        "G18",
        f"“{control.zh if control else ''}”属于执法措施，你的岗位没有执法权；请改用警示、值守、撤人、停用，或报镇领导、区级部门决定。",
        "This is an act of enforcement, for which your post has no power; warn, guard, evacuate, stop the equipment, or ask a leader.",
    )


def interim_stands(s: Situation) -> Refusal | None:
    """There is a control to lift."""
    if s.interim_control != InterimControl.none:
        return None
    return Refusal("interim_stands", "本隐患没有临时管控。", "No interim control stands.")


def g11_lifter(s: Situation) -> Refusal | None:
    """Four eyes: nobody of the responsible unit, by person or by post, lifts its own control."""
    if not _of_the_unit(s, s.actor):
        return None
    return Refusal("G11", "责任单位的人不能解除对本单位的管控。", "Nobody of the responsible unit lifts its own control.")


def g19_major(s: Situation) -> Refusal | None:
    """Only a major hazard is listed, once at a time, at a level."""
    if s.grade != Grade.major:
        return Refusal("G19", "只有重大隐患可以挂牌督办。", "Only a major hazard is listed for supervision.")
    if s.listed or CaseKind.listing in s.pending:
        return Refusal("G19", "本隐患已挂牌或正在申请挂牌。", "The hazard is listed already, or its listing has been proposed.")
    level = _word(s, "level", ListingLevel)
    if (level is None or level == ListingLevel.none) and not s.unasked("level"):
        return Refusal("G19", "请选择挂牌级别。", "Choose the level of the listing.")
    return None


def g17_recipient(s: Situation) -> Refusal | None:
    """Out of jurisdiction, and to whom (安全生产法 Art. 69: hand over and keep the record)."""
    reason = _word(s, "reason", ReasonCode)
    if reason != ReasonCode.out_of_jurisdiction and not (reason is None and s.unasked("reason")):
        return Refusal("G17", "移送的理由须是“不属本镇管辖”。", "The reason for a transfer is out_of_jurisdiction.")
    if text_of(s, "recipient", "to") or s.unasked("recipient", "to"):
        return None
    return Refusal("G17", "请填写接收单位。", "Name the authority that it is handed over to.")


def g15_in_time(s: Situation) -> Refusal | None:
    """More time is asked for before the limit: 3 days for a general hazard, 15 working days for a major one; twice at most."""
    if CaseKind.extension in s.pending:
        return Refusal("G15", "已有一份延期申请待审批。", "An extension has been asked for already.")
    if s.extension_count >= EXTENSIONS:
        return Refusal("G15", f"已延期{EXTENSIONS}次，不能再延。", f"It has been extended {EXTENSIONS} times; no more.")
    if s.grade == Grade.major and s.working_days_left is not None and s.working_days_left < ASK_WORKING_DAYS_BEFORE:
        days = ASK_WORKING_DAYS_BEFORE
        return Refusal("G15", f"重大隐患申请延期须在期限前{days}个工作日提出。", f"Ask at least {days} working days before the limit.")
    if s.grade != Grade.major and s.due_at and s.due_at - s.now < timedelta(days=ASK_DAYS_BEFORE):
        days = ASK_DAYS_BEFORE
        return Refusal("G15", f"申请延期须在期限前{days}天提出。", f"Ask at least {days} days before the limit.")
    return None


def g15_said(s: Situation) -> Refusal | None:
    """Why (a code; words beside it are welcome), until when, and what keeps people safe meanwhile."""
    if _word(s, "reason", ReasonCode) not in DELAYS and not s.unasked("reason"):
        return Refusal("G15", f"请选择延期理由：{_listed(DELAYS)}。", f"Give one of these reasons: {', '.join(DELAYS)}.")
    if not text_of(s, "interim_measures") and not s.unasked("interim_measures"):
        return Refusal("G15", "请填写延期期间的防控措施。", "Say what keeps people safe meanwhile.")
    requested = moment_of(s, "requested_due")
    if s.unasked("requested_due") or (requested and s.due_at and requested > s.due_at):
        return None
    return Refusal("G15", "申请延期至的时间须晚于现在的期限。", "The time asked for must lie after the present limit.")


def appeal_in_time(s: Situation) -> Refusal | None:
    """Within five working days of the assignment, once at a time, with what is said against it."""
    if CaseKind.appeal in s.pending:
        return Refusal("appeal_in_time", "已有一份申诉待决定。", "An appeal is pending already.")
    if s.working_days_since is not None and s.working_days_since > APPEAL_WITHIN:
        days = APPEAL_WITHIN
        return Refusal("appeal_in_time", f"申诉须在交办后{days}个工作日内提出。", f"Appeal within {days} working days of the assignment.")
    if text_of(s, "statement", "reason", "text") or s.unasked("statement", "reason", "text"):
        return None
    return Refusal("appeal_in_time", "请写明申诉的事实和理由。", "Say what is wrong with the finding.")


def root_cause(s: Situation) -> Refusal | None:
    """A hazard that came back says why it did, before it is submitted."""
    if not s.recurrence_count or s.root_cause or text_of(s, "root_cause") or s.unasked("root_cause"):
        return None
    return Refusal(
        "root_cause",
        "本隐患反复发生，报验前须写明根本原因和防止再发的办法。",
        "This hazard came back: say why it did, and what keeps it from coming again.",
    )


# Submitting, re-inspecting, approving


def g10_plan(s: Situation) -> Refusal | None:
    """A major hazard's treatment plan is complete and filed, by now."""
    if s.grade != Grade.major or (s.plan and s.plan.complete and s.plan.filed_at and s.plan.filed_at <= s.now):
        return None
    if s.plan and s.plan.complete:
        return Refusal("G10", "重大隐患治理方案尚未报备，请先报备。", "The plan of this major hazard has not been filed; file it first.")
    return Refusal(
        "G10",
        "重大隐患治理方案不完整，请补齐目标、措施、经费物资、机构人员、时限、安全措施和应急预案并报备。",
        "The plan of this major hazard is incomplete; fill in all its items and file it.",
    )


def g11_reinspector(s: Situation) -> Refusal | None:
    """Four eyes, by person and by post: who re-inspects neither submitted, nor is of the responsible unit, nor made the owner's link."""
    for official in _officials(s):
        if _of_the_unit(s, official) or _same(official, s.submitter):
            return Refusal(
                "G11",
                "复查人员不能是报验人或责任单位的人；请由其他岗位的其他人员复查。",
                "Nobody re-inspects what they, their post or their unit put right; another person in another post has to.",
            )
        if _made_a_link(s, official):
            return Refusal(
                "G11",
                "复查人员不能是出具过本隐患业主链接的人；请由没有出具过链接的其他人员复查。",
                "Nobody re-inspects a hazard to which they made the owner's link; another person has to.",
            )
    return None


def g11_approver(s: Situation) -> Refusal | None:
    """Four eyes, by person and by post: who approves neither submitted, belongs to the responsible unit, re-inspected, applied
    nor made the owner's link; of an on-the-spot fix neither found nor recorded it.
    """
    if _of_the_unit(s, s.actor) or _same(s.actor, s.submitter):
        return _four_eyes("你或你的岗位属于报验方或责任单位", "You or your post submitted this or belongs to the responsible unit")
    if _made_a_link(s, s.actor):
        return _four_eyes("你出具过本隐患的业主链接", "You made the owner's link to this hazard")
    if any(_same(s.actor, reinspector) for reinspector in s.reinspectors):
        return _four_eyes("本轮由你或你的岗位复查", "You or your post re-inspected this round")
    if any(_same(s.actor, applicant) for applicant in s.applicants):
        return _four_eyes("你或你的岗位有未决的延期或申诉", "You or your post has an extension or appeal pending")
    if s.recorder and (_same(s.actor, s.recorder) or _same(s.actor, s.finder)):
        return _four_eyes("当场整改由你或你的岗位发现、记录", "You or your post found or recorded this fix on the spot")
    return None


def g12_reinspection(s: Situation) -> Refusal | None:
    """Every item passed; two officials where a paper is issued; a major hazard on site and with an expert or the district."""
    if "items" in s.facts and not _all_passed(s.facts["items"]):
        return Refusal("G12", "有检查项未通过，请改用“复查不合格”。", "An item has not passed; use reinspect_fail.")
    if s.facts.get("paper") or "second_person" in s.facts:
        refusal = _second_person(s, "G12", frozenset({PostKind.inspector, PostKind.district_department}))
        if refusal:
            return refusal
    if s.grade != Grade.major:
        return None
    if s.facts.get("site_visit") is not True and not s.unasked("site_visit"):
        return Refusal("G12", "重大隐患须到现场复查，请先到现场并注明。", "A major hazard is re-inspected on site; go there and say so.")
    by_district = any(official.kind == PostKind.district_department for official in _officials(s))
    if by_district or s.facts.get("expert") is True or text_of(s, "expert") or s.unasked("expert"):
        return None
    return Refusal(
        "G12", "重大隐患复查须有专家或区行业主管部门参加。", "A major hazard is re-inspected with an expert or the district's department."
    )


def g13_interim(s: Situation) -> Refusal | None:
    """An interim control is lifted, by a leader, or explicitly kept."""
    if s.interim_control == InterimControl.none or s.interim_kept or s.facts.get("interim_kept") is True:
        return None
    lifted = s.facts.get("interim_lifted") is True
    if (lifted and s.actor.kind in LEADERS) or s.unasked("interim_kept", "interim_lifted"):
        return None
    if lifted:
        return Refusal("G13", "解除临时管控须由镇领导决定。", "Only a leader of the township lifts an interim control.")
    return Refusal(
        "G13",
        f"临时管控“{s.interim_control.zh}”尚未解除，请先解除，或注明继续保留。",
        f"The interim control ({s.interim_control.en}) still stands; lift it or state that it is kept.",
    )


def g13_decided(s: Situation) -> Refusal | None:
    """Nothing that was asked about it is still undecided."""
    waiting = s.pending & {CaseKind.extension, CaseKind.appeal}
    if not waiting:
        return None
    names = "、".join(kind.zh for kind in CaseKind if kind in waiting)
    return Refusal("G13", f"还有未决的{names}，请先决定。", "An extension or an appeal is pending; decide it first.")


def g14_district(s: Situation) -> Refusal | None:
    """A major hazard closes with the district's consent; a listed one after it is off the list."""
    if s.listed:
        return Refusal("G14", "本隐患仍在挂牌督办，请先摘牌。", "This hazard is still on the supervision list; have it delisted first.")
    if s.grade != Grade.major or s.district_consent_no or text_of(s, "district_consent_no") or s.unasked("district_consent_no"):
        return None
    return Refusal("G14", "重大隐患销号须填写区级同意文号。", "Closing a major hazard needs the number of the district's consent.")


# After closing


def same_person(s: Situation) -> Refusal | None:
    """Only who approved the closure takes it back."""
    if s.closed_by and s.closed_by.person == s.actor.person:
        return None
    return Refusal(
        "same_person",
        "只有批准销号的本人可以撤回；其他人如有异议，请用“反弹重开”。",
        "Only the person who approved the closure can take it back; others reopen the case.",
    )


def within_ten_minutes(s: Situation) -> Refusal | None:
    """A closure can be taken back for ten minutes."""
    if s.closed_at and s.now - s.closed_at <= UNDO:
        return None
    return Refusal(
        "within_ten_minutes", "销号已超过10分钟，不能撤回；请用“反弹重开”。", "The ten minutes are over; reopen the case instead."
    )


def within_a_year(s: Situation) -> Refusal | None:
    """A case reopens within twelve months of closing."""
    if s.closed_at and s.now <= _a_year_after(s.closed_at):
        return None
    return Refusal(
        "within_a_year",
        "销号已超过12个月，请登记为新隐患并注明反复发生。",
        "The case closed over twelve months ago; register a new one that names it as recurrent.",
    )


# Answering an escalation


def own_rung(s: Situation) -> Refusal | None:
    """Only a post that the last rung told takes it up."""
    if s.holds_rung:
        return None
    return Refusal("own_rung", "本级督办没有发给你的岗位，不能接手。", "The last rung was not addressed to your post.")


def not_for_major(s: Situation) -> Refusal | None:
    """A major hazard's ladder is never held."""
    if s.grade != Grade.major:
        return None
    return Refusal("not_for_major", "重大隐患不得暂缓升级，请立即督促整改。", "A major hazard's ladder is never held; see to it at once.")


def once_a_rung(s: Situation) -> Refusal | None:
    """A rung is taken up once."""
    if not s.taken_up:
        return None
    return Refusal("once_a_rung", "本级督办已接手过一次，不能再次暂缓。", "This rung has been taken up once already.")


def promise_within_a_day(s: Situation) -> Refusal | None:
    """A promised time that lies ahead, 24 h at most."""
    promised = moment_of(s, "promised_at")
    if s.unasked("promised_at") or (promised and s.now < promised <= s.now + PROMISE):
        return None
    return Refusal("promise_within_a_day", "请承诺一个24小时以内的时间。", "Promise a time within the next 24 hours.")


def note_given(s: Situation) -> Refusal | None:
    """A note says what is being done."""
    if text_of(s, "note") or s.unasked("note"):
        return None
    return Refusal("note_given", "请写明准备怎么办。", "Say what is being done.")


# What guards share


def text_of(s: Situation, *names: str) -> str:
    for name in names:
        value = s.facts.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def moment_of(s: Situation, name: str) -> datetime | None:
    return sensible(s.facts.get(name))


def sensible(value: Any) -> datetime | None:
    """A time with its offset that a case could have something to do with; None for anything else that people or programs bring."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo and value.year in SENSIBLE_YEARS else None


def _word(s: Situation, name: str, words: type[W]) -> W | None:
    value = s.facts.get(name)
    return words[value] if isinstance(value, str) and value in words.__members__ else None


def _listed(words: Sequence[Word]) -> str:
    return "、".join(word.zh for word in words)


def _class_of(grade: Grade | None, present: SlaClass | None) -> SlaClass | None:
    if grade == Grade.major:
        return SlaClass.major
    return None if present == SlaClass.major else present


def _photos(s: Situation, kind: EvidenceKind) -> list[Photo]:
    return [photo for photo in s.photos if photo.kind == kind and photo.round == s.round]


def _used_before(s: Situation, photo: Photo) -> bool:
    return photo.reused or any(
        other.sha256 == photo.sha256 and (other.kind, other.round) != (photo.kind, photo.round) for other in s.photos
    )


def _officials(s: Situation) -> tuple[Actor, ...]:
    return (s.actor, s.second) if s.second else (s.actor,)


def _same(actor: Actor, other: Party | Actor | None) -> bool:
    return other is not None and (actor.post == other.post or not actor.hands.isdisjoint(other.hands))


def _of_the_unit(s: Situation, actor: Actor) -> bool:
    return actor.post == s.responsible_post or not actor.hands.isdisjoint(s.responsible_people)


def _made_a_link(s: Situation, actor: Actor) -> bool:
    return not actor.hands.isdisjoint(s.link_makers)


def not_involved(s: Situation, zh: str, en: str, *others: Party | None) -> Refusal | None:
    """Four eyes on a decision: the actor is none of these, by person or post, and not of the responsible unit."""
    if not (_of_the_unit(s, s.actor) or _made_a_link(s, s.actor)) and not any(_same(s.actor, other) for other in others):
        return None
    return Refusal(
        "G11",
        f"你或你的岗位与{zh}有关，不能由你决定；请由其他岗位的其他人员办理。",
        f"You or your post has part in {en}; another person in another post decides.",
    )


def _four_eyes(zh: str, en: str) -> Refusal:
    return Refusal(
        "G11", f"{zh}，不能再批准销号；请由其他岗位的其他人员批准。", f"{en}; another person in another post has to approve the closure."
    )


def _second_person(s: Situation, reason: str, kinds: frozenset[PostKind]) -> Refusal | None:
    if s.second is None and s.unasked("second_person"):
        return None
    who = "或".join(kind.zh for kind in PostKind if kind in kinds)
    if s.second is None or s.second.kind not in kinds:
        return Refusal(reason, f"须有第二人共同办理（{who}），请填写。", f"A second person is needed: {' or '.join(sorted(kinds))}.")
    if not s.second.hands.isdisjoint(s.actor.hands):
        return Refusal(reason, "第二人须是另一个人。", "The second person must be somebody else.")
    return None


def _all_passed(items: Any) -> bool:
    if isinstance(items, Mapping):
        return all(answer in PASSED for answer in items.values())
    if isinstance(items, (list, tuple)):
        return all(isinstance(item, Mapping) and item.get("passed") is True for item in items)
    return False


def _a_year_after(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:
        return moment.replace(year=moment.year + 1, day=28)
