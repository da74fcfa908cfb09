"""The guards: pure functions that say why not, or nothing.

A guard's reason is its number in the law of the case (`g11_approver` refuses with `G11`) or, where it has no number, its own name.
Every refusal says what is wrong and what to do about it. Facts come from forms and programs: guards trust no type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from models.enumerations import LEADERS, EvidenceKind, Grade, HazardState, InterimControl, PostKind, ReasonCode, SlaClass, Word
from statemachines.situation import Actor, Party, Photo, Situation

ON_SITE_METRES = 300
UNDO = timedelta(minutes=10)
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
        (s.place or _text(s, "place"), ("place",), "场所", "place"),
        (_text(s, "description"), ("description",), "隐患描述", "description"),
        (_text(s, "location", "exact_location"), ("location", "exact_location"), "具体位置", "exact location"),
    )
    for value, names, zh, en in needed:
        if not value and not s.unasked(*names):
            return Refusal("G1", f"还没有填写{zh}，请补填后再登记。", f"The {en} is missing; fill it in, then register.")
    found_at = _moment(s, "found_at") if "found_at" in s.facts else s.found_at
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
    if not far or _text(s, "distance_reason") or s.unasked("distance_reason"):
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
    due = _moment(s, "due_at")
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
    if s.grade == Grade.major and not _text(s, "district_record_no") and not s.unasked("district_record_no"):
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
    """To major: by a clause of the criteria in force when the hazard was found. From major: by a clause or a stated reason."""
    if s.clause_in_force is False:
        return Refusal(
            "G8",
            "所引条款在发现隐患时未生效，请引用当时有效的条款。",
            "The clause was not in force when the hazard was found; cite one that was.",
        )
    becomes = s.grade if s.unasked("grade") else _word(s, "grade", Grade) or s.grade
    if s.clause_in_force or becomes == s.grade:
        return None
    if becomes == Grade.major and not s.unasked("clause"):
        return Refusal("G8", "定为重大隐患须引用判定标准的条款。", "Grading a hazard major needs a clause of the criteria.")
    if becomes == Grade.general and not _text(s, "reason") and not s.unasked("reason"):
        return Refusal("G8", "重大降为一般须说明理由或引用条款。", "Grading a major hazard down needs a reason or a clause.")
    return None


def g9_receipt(s: Situation) -> Refusal | None:
    """The responsible post acknowledges; anyone else only records a signed paper."""
    if s.actor.post == s.responsible_post or _photos(s, EvidenceKind.signature):
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
    if _text(s, "reason") or s.unasked("reason"):
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


# Submitting, re-inspecting, approving


def g10_plan(s: Situation) -> Refusal | None:
    """A major hazard's treatment plan is complete and filed."""
    if s.grade != Grade.major or (s.plan and s.plan.complete and s.plan.filed_at):
        return None
    if s.plan and s.plan.complete:
        return Refusal("G10", "重大隐患治理方案尚未报备，请先报备。", "The plan of this major hazard has not been filed; file it first.")
    return Refusal(
        "G10",
        "重大隐患治理方案不完整，请补齐目标、措施、经费物资、机构人员、时限、安全措施和应急预案并报备。",
        "The plan of this major hazard is incomplete; fill in all its items and file it.",
    )


def g11_reinspector(s: Situation) -> Refusal | None:
    """Four eyes, by person and by post: who re-inspects neither submitted nor belongs to the responsible unit."""
    for official in _officials(s):
        if _of_the_unit(s, official) or _same(official, s.submitter):
            return Refusal(
                "G11",
                "复查人员不能是报验人或责任单位的人；请由其他岗位的其他人员复查。",
                "Nobody re-inspects what they, their post or their unit put right; another person in another post has to.",
            )
    return None


def g11_approver(s: Situation) -> Refusal | None:
    """Four eyes, by person and by post: who approves neither submitted, belongs to the responsible unit, re-inspected nor applied;
    of an on-the-spot fix neither found nor recorded it.
    """
    if _of_the_unit(s, s.actor) or _same(s.actor, s.submitter):
        return _four_eyes("你或你的岗位属于报验方或责任单位", "You or your post submitted this or belongs to the responsible unit")
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
    if by_district or s.facts.get("expert") is True or _text(s, "expert") or s.unasked("expert"):
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


def g14_district(s: Situation) -> Refusal | None:
    """A major hazard closes with the district's consent; a listed one after it is off the list."""
    if s.listed:
        return Refusal("G14", "本隐患仍在挂牌督办，请先摘牌。", "This hazard is still on the supervision list; have it delisted first.")
    if s.grade != Grade.major or s.district_consent_no or _text(s, "district_consent_no") or s.unasked("district_consent_no"):
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
    promised = _moment(s, "promised_at")
    if s.unasked("promised_at") or (promised and s.now < promised <= s.now + PROMISE):
        return None
    return Refusal("promise_within_a_day", "请承诺一个24小时以内的时间。", "Promise a time within the next 24 hours.")


def note_given(s: Situation) -> Refusal | None:
    """A note says what is being done."""
    if _text(s, "note") or s.unasked("note"):
        return None
    return Refusal("note_given", "请写明准备怎么办。", "Say what is being done.")


# What guards share


def _text(s: Situation, *names: str) -> str:
    for name in names:
        value = s.facts.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _moment(s: Situation, name: str) -> datetime | None:
    value = s.facts.get(name)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo else None


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
