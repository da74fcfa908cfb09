"""Which facts a trigger asks people for, and how a form's answers become facts for the law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import text
from sqlmodel import Session
from starlette.datastructures import FormData

from models.clock import end_of
from models.database import as_json
from models.enumerations import CaseKind, EvidenceKind, Grade, InterimControl, ListingLevel, ReasonCode, SlaClass
from statemachines.guards import CANCELLATIONS, DELAYS, REJECTIONS
from web.caller import Caller, post_name
from web.hazard import Row
from web.problem import Problem

R = ReasonCode
Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of a form.

    `kind`: line, long, chips, select, flag, hours, money; day (a date), until (a date that means its last second), fixed (the only choice,
    not asked); or a kind of evidence: a file. `names`: what is chosen from are names and texts of people, not words of ours.
    """

    name: str
    zh: str
    kind: str
    required: bool = False
    hint: str = ""
    choices: Choices = ()
    names: bool = False


def _words(*words: Any) -> Choices:
    return tuple((str(word), word.zh) for word in words)


FILES = frozenset(EvidenceKind)
NOTE = Ask("note", "补充说明（选填）", "long")
WHY = Ask("reason", "理由", "long", True)
REPLY = (Ask("reply", "对方怎么回复", "long"), Ask("reply_no", "复函文号（选填）", "line"))
RETURNS = _words(R.evidence_missing, R.measure_incomplete, R.new_hazard_found, R.fake_rectification)
RETURNED = Ask("reason", "退回理由", "chips", True, choices=RETURNS)
SECOND = Ask("second_person", "共同办理人", "select", True, names=True)
CAUSE = Ask("root_cause", "根本原因和防止再发的办法", "long", True, "本隐患反复发生，报验须写明")
PLAN = (
    Ask("plan.target", "治理目标和任务", "line", True), Ask("plan.measures", "治理方法和措施", "long", True),
    Ask("plan.funds_and_goods", "经费和物资", "line", True), Ask("plan.organisation_people", "机构和人员", "line", True),
    Ask("plan.time_limit", "时限和要求", "line", True), Ask("plan.safety_and_emergency", "安全措施和应急预案", "long", True),
    Ask("plan.filed", "方案已报备", "flag", True),
)  # fmt: skip

FORMS: dict[str, tuple[Ask, ...]] = {
    "fix_on_spot": (
        Ask("before", "整改前照片", "before"), Ask("after", "整改后照片", "after"),
        Ask("principal_present", "单位负责人在场", "flag", True), Ask("text", "怎么改的", "long"),
    ),
    "assign": (
        Ask("responsible", "责任岗位", "select", True, names=True), Ask("sla_class", "整改时限", "select", True),
        Ask("measure", "整改要求（选填）", "long"),
    ),
    "reject": (Ask("reason", "理由", "chips", True, choices=_words(*REJECTIONS)), NOTE),
    "mark_duplicate": (Ask("master", "并入哪一条", "select", True, "同一场所的其他隐患", names=True),),
    "regrade": (
        Ask("grade", "等级", "chips", True, choices=_words(*Grade)),
        Ask("sla_class", "整改时限", "select", True, choices=_words(*SlaClass)),
        Ask("clause", "判定依据条款", "line"), Ask("reason", "理由", "long"),
    ),
    "acknowledge": (),
    "return_assignment": (
        Ask("reason", "理由", "chips", True, choices=_words(R.out_of_jurisdiction, R.wrong_place, R.not_a_hazard, R.place_gone)), NOTE,
    ),
    "submit": (
        Ask("after", "整改后照片", "after", hint="站在原来的位置拍，最多 9 张"), Ask("text", "怎么改的", "long"),
        Ask("fund_actual", "花费（元，选填）", "money"), Ask("distance_reason", "照片不在现场拍的，说明原因（选填）", "line"),
    ),
    "reinspect_pass": (NOTE,),
    "reinspect_fail": (RETURNED, NOTE),
    "approve_close": (Ask("comment", "审批意见（选填）", "long"),),
    "refuse_close": (RETURNED, NOTE),
    "withdraw_approval": (),
    "cancel": (Ask("reason", "理由", "chips", True, choices=_words(*CANCELLATIONS)), SECOND, NOTE),
    "reopen": (Ask("note", "说明", "long", True),),
    "take_up": (
        Ask("promised_at", "多久内办结", "hours", True, choices=(("4", "4 小时"), ("8", "8 小时"), ("24", "24 小时"))),
        Ask("note", "准备怎么办", "long", True),
    ),
    "replan": (),
    "request_extension": (
        Ask("reason", "为什么要延期", "chips", True, choices=_words(*DELAYS)),
        Ask("requested_due", "申请延到哪一天", "until", True),
        Ask("statement", "具体情况", "long", True), Ask("interim_measures", "延期期间怎么防控", "long", True),
    ),
    "appeal": (Ask("statement", "申诉的事实和理由", "long", True, "期限照常计算，不因申诉停止"),),
    "transfer": (
        Ask("reason", "理由", "fixed", choices=_words(R.out_of_jurisdiction)), Ask("recipient", "移送给哪个单位", "line", True),
        Ask("letter_no", "移送函文号（选填）", "line"), NOTE,
    ),
    "order_interim": (
        Ask("interim_control", "措施", "chips", True, choices=_words(*(each for each in InterimControl if each != InterimControl.none))),
        Ask("interim_until", "管控到哪一天（选填）", "until"), Ask("stop_scope", "停产停用的范围（选填）", "line"), NOTE,
    ),
    "lift_interim": (WHY,),
    "list_supervision": (
        Ask("level", "级别", "chips", True, choices=_words(*(each for each in ListingLevel if each != ListingLevel.none))),
        Ask("statement", "提请的理由", "long", True),
    ),
}  # fmt: skip

# The same for cases that aren't hazards.
OTHERS: dict[CaseKind, dict[str, tuple[Ask, ...]]] = {
    CaseKind.extension: {"grant": (Ask("granted_due", "同意延到哪一天", "until", True), NOTE), "decline": (WHY,)},
    CaseKind.appeal: {"opine": (Ask("opinion", "核查意见", "long", True),), "uphold": (WHY,), "dismiss": (WHY,)},
    CaseKind.transfer: {"accept": REPLY, "send_back": REPLY},
    CaseKind.listing: {
        "list": (Ask("notice_no", "挂牌通知文号（选填）", "line"), Ask("treat_by", "治理完毕日（选填）", "day")), "decline": (WHY,),
        "report_progress": (Ask("note", "治理进展", "long", True),), "ask_delisting": (NOTE,), "delist": (NOTE,),
        "refuse_delisting": (WHY,),
    },
    CaseKind.duty: {"do_duty": (Ask("note", "做了什么", "long", True),), "excuse": (WHY,), "cancel_duty": (WHY,)},
    CaseKind.report: {
        "substantiate": (Ask("hazard", "对应的隐患编号", "line", True, "先登记隐患，再填编号；已有同一条的填它的编号"), NOTE),
        "dismiss_report": (WHY,), "answer_report": (Ask("answer", "答复内容（举报人会看到）", "long", True),),
        "read_identity": (Ask("reason", "为什么要看", "long", True, "只有应急办主任能看，每次查看都会记入历史"),),
    },
}  # fmt: skip
# What a guard misses that the form itself brings along.
PROVIDED = {"submit": ("G3", "G10"), "fix_on_spot": ("G3",)}
DANGER = frozenset({
    "reject", "refuse_close", "reinspect_fail", "cancel", "return_assignment", "reopen", "mark_duplicate", "decline", "dismiss",
    "dismiss_report", "refuse_delisting", "cancel_duty", "send_back",
})  # fmt: skip
LATER = frozenset({"take_up", "replan", "withdraw", "report_progress", "read_identity"})
# The step that the case waits for comes first, then its refusal, then the rest.
ORDER = (
    "approve_close", "withdraw_approval", "reinspect_pass", "submit", "acknowledge", "assign", "fix_on_spot", "take_up", "refuse_close",
    "reinspect_fail", "request_extension", "order_interim", "appeal", "return_assignment", "list_supervision", "transfer", "reject",
    "mark_duplicate", "regrade", "lift_interim", "reopen", "cancel", "replan",
)  # fmt: skip


def asks(session: Session, caller: Caller, row: Row, trigger: str, post: str) -> tuple[Ask, ...]:
    """The questions of this trigger on this hazard, with their choices."""
    asked = [*FORMS.get(trigger, ()), *_more(row, trigger, post)]
    return tuple(_with_choices(session, caller, row, ask) for ask in asked)


def asks_of(kind: CaseKind, trigger: str, wanted: Sequence[str] = ()) -> tuple[Ask, ...]:
    """The questions of this trigger on a case of another kind; a duty is done with the evidence `wanted`."""
    files = tuple(Ask(word, EvidenceKind(word).zh, word) for word in wanted) if trigger == "do_duty" else ()
    return (*OTHERS.get(kind, {}).get(trigger, FORMS[trigger] if trigger == "take_up" else ()), *files)


def _more(row: Row, trigger: str, post: str) -> Sequence[Ask]:
    return [*_of_this(row, trigger, post), *_cause(row, trigger)]


def _cause(row: Row, trigger: str) -> list[Ask]:
    """A hazard that came back is reported mended with its root cause."""
    return [CAUSE] if trigger in ("submit", "fix_on_spot") and row.view.recurrence_count else []


def _of_this(row: Row, trigger: str, post: str) -> Sequence[Ask]:
    view, major = row.view, row.view.grade == Grade.major
    if trigger == "acknowledge" and post != view.responsible_post:
        return [Ask("paper_signed", "责任人已在纸质交办单上签字", "flag", True)]
    if trigger == "approve_close" and view.interim_control != InterimControl.none and not view.interim_kept:
        kept = (("kept", "继续保留"), ("lifted", "解除（须镇领导决定）"))
        return [Ask("interim", f"临时管控：{view.interim_control.zh}", "chips", True, choices=kept), *_consent(row)]
    if trigger == "approve_close":
        return _consent(row)
    if trigger == "submit" and major:
        return PLAN
    if trigger == "reject" and major:
        return [SECOND]
    if trigger == "cancel" and major:
        return [Ask("district_record_no", "区级备案编号", "line", True)]
    if trigger == "reinspect_pass" and major:
        return [Ask("site_visit", "已到现场复查", "flag", True), Ask("expert", "参加复查的专家或区级部门", "line", True)]
    return []


def _consent(row: Row) -> list[Ask]:
    needed = row.view.grade == Grade.major and not row.view.district_consent_no
    return [Ask("district_consent_no", "区级同意文号", "line", True)] if needed else []


def needs_answers(row: Row, trigger: str) -> bool:
    """Whether the trigger can't be fired with one tap."""
    return any(ask.required for ask in (*FORMS.get(trigger, ()), *_more(row, trigger, "")))


RESPONSIBLE = text("""
select distinct post.code, post.kind, unit.kind as unit_kind, unit.name as unit_name, post.id = place.responsible_post_id as usual
from cases c
join place on place.id = c.place_id
join post on post.active and (post.id in (place.responsible_post_id, c.responsible_post_id)
    or post.unit_id = c.village_id and post.kind in ('grid_member', 'village_secretary')
    or post.unit_id = c.team_id and post.kind = 'station_head')
join unit on unit.id = post.unit_id
where c.id = :case_id order by usual desc, post.code
""")
OFFICIALS = text("""
select distinct on (post.code) post.code, post.kind, unit.kind as unit_kind, unit.name as unit_name, person.label
from cases c
join post on post.township_id = c.township_id and post.active and (post.kind in ('office_head', 'deputy_in_charge', 'district_department')
    or post.kind = 'inspector' and post.unit_id = c.team_id)
join unit on unit.id = post.unit_id
join holding on holding.post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
join person on person.id = holding.person_id and person.id <> :me
where c.id = :case_id order by post.code
""")
MASTERS = text("""
select other.code, h.description from cases c join cases other on other.place_id = c.place_id and other.id <> c.id
join hazard h on h.case_id = other.id
where c.id = :case_id and other.state not in ('duplicate', 'rejected', 'cancelled', 'transferred') order by other.id desc limit 20
""")


def _with_choices(session: Session, caller: Caller, row: Row, ask: Ask) -> Ask:
    if ask.kind != "select" or ask.choices:
        return ask
    asked = {"case_id": row.id, "day": caller.day, "me": caller.person_id}
    if ask.name == "responsible":
        found = session.execute(RESPONSIBLE, asked).all()
        own = f"{row.view.place.name}负责人"
        return replace(ask, choices=tuple((each.code, own if each.usual and "enterprise" in each.kind else _post(each)) for each in found))
    if ask.name == "second_person":
        officials = session.execute(OFFICIALS, asked).all()
        return replace(ask, choices=tuple((each.code, f"{_post(each)}（{each.label}）") for each in officials))
    if ask.name == "master":
        others = session.execute(MASTERS, asked).all()
        return replace(ask, choices=tuple((each.code, f"{each.code} {each.description}") for each in others))
    classes = (
        [SlaClass.major] if row.view.grade == Grade.major and ask.name == "sla_class" else [c for c in SlaClass if c != SlaClass.major]
    )
    return replace(ask, choices=_words(*classes))


def _post(row: Any) -> str:
    return post_name(row.kind, row.unit_kind, row.unit_name)


def present(row: Row, name: str) -> str:
    """What a question holds before anybody has answered it."""
    known = {
        "sla_class": row.view.sla_class,
        "grade": row.view.grade,
        "measure": row.view.measure,
        "responsible": row.view.responsible_post,
        "root_cause": row.view.root_cause,
    }
    return str(known.get(name) or "")


def facts(form: FormData, caller: Caller, asked: Sequence[Ask]) -> dict[str, Any]:
    """The facts that the form's answers mean; empty answers are none. Raises Problem 422 for a number that is none."""
    given: dict[str, Any] = {}
    for ask in asked:
        said = form.get(ask.name)
        if ask.kind == "fixed":
            given[ask.name] = ask.choices[0][0]
        if ask.kind in ("fixed", *FILES) or not isinstance(said, str) or not said.strip():
            continue
        given[ask.name] = _fact(ask, said.strip(), caller)
    return _gathered(given, caller)


def _fact(ask: Ask, said: str, caller: Caller) -> Any:
    if ask.kind == "flag":
        return said == "yes"
    if ask.kind == "hours":
        return caller.now + timedelta(hours=min(max(int(said), 1), 24)) if said.isdigit() else said
    if ask.kind == "money":
        return _money(ask, said)
    if ask.kind in ("day", "until"):
        return _day(ask, said).isoformat() if ask.kind == "day" else end_of(_day(ask, said))
    return said.replace("\x00", "")[:4000]


def _day(ask: Ask, said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        wrong = [{"where": ask.name, "message": "not a date"}]
        raise Problem(422, f"“{ask.zh}”应填日期，例如 2023-03-31。", "Not a date.", errors=wrong) from error


def _money(ask: Ask, said: str) -> Decimal:
    try:
        value = Decimal(said.replace(",", "").replace("，", ""))
        if not 0 <= value < 10**12:
            raise InvalidOperation
        return round(value, 2)
    except InvalidOperation as error:
        raise Problem(422, f"“{ask.zh}”应填数字。", "Not a number.", errors=[{"where": ask.name, "message": "not a number"}]) from error


def _gathered(given: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
    """The items of a plan together; what a choice means."""
    facts = {name: value for name, value in given.items() if not name.startswith("plan.") and name != "interim"}
    plan = {name.removeprefix("plan."): value for name, value in given.items() if name.startswith("plan.")}
    if plan.pop("filed", False):
        plan["filed_at"] = caller.now.isoformat()
    if plan:
        facts["plan"] = plan
    if "interim" in given:
        facts["interim_kept" if given["interim"] == "kept" else "interim_lifted"] = True
    return facts


def said(form: FormData, asked: Sequence[Ask]) -> dict[str, str]:
    """What was typed, for a page that must not lose it."""
    return {ask.name: str(form.get(ask.name) or "") for ask in asked if ask.kind not in FILES}


def fingerprint(form: FormData) -> str:
    """The form's answers in one text, photos left out: the same form sent twice is the same request."""
    return as_json(sorted((name, value) for name, value in form.multi_items() if isinstance(value, str)))
