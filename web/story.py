"""A case's history told in sentences: what each event meant to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import say
from models.enumerations import (
    CaseKind,
    Clock,
    EvidenceKind,
    Grade,
    InterimControl,
    ListingLevel,
    ReasonCode,
    RecurrenceKind,
    ReportChannel,
    SlaClass,
)
from notifications.letter import from_micros
from statemachines.laws import LAWS
from web.caller import named, post_name
from web.english import step_name
from web.history import EventRow

ICONS = {
    "register": "flag", "fix_on_spot": "hammer", "assign": "send", "reject": "ban", "mark_duplicate": "copy", "regrade": "scale",
    "acknowledge": "signature", "return_assignment": "undo-2", "submit": "upload", "reinspect_pass": "badge-check",
    "reinspect_fail": "undo-2", "approve_close": "circle-check", "refuse_close": "undo-2", "withdraw_approval": "rotate-ccw",
    "cancel": "ban", "reopen": "rotate-ccw", "take_up": "hand", "escalate": "trending-up", "replan": "calendar",
    "transfer": "truck", "take_back": "undo-2", "request_extension": "hourglass", "extend": "calendar-clock", "appeal": "gavel",
    "uphold_appeal": "gavel", "order_interim": "octagon-alert", "lift_interim": "lock-open", "list_supervision": "landmark",
    "set_listing": "landmark", "issue_paper": "file-text", "ask": "mail", "grant": "circle-check", "decline": "ban",
    "withdraw": "undo-2", "lapse": "circle", "opine": "message-square", "uphold": "circle-check", "dismiss": "ban", "send": "truck",
    "accept": "handshake", "send_back": "undo-2",
    "propose": "landmark", "list": "landmark", "report_progress": "trending-up", "ask_delisting": "mail", "delist": "circle-check",
    "refuse_delisting": "ban", "open_duty": "calendar-check", "do_duty": "circle-check", "excuse": "user-check", "cancel_duty": "ban",
    "miss": "triangle-alert", "receive": "megaphone", "substantiate": "badge-check", "dismiss_report": "ban", "answer_report": "send",
    "accept_answer": "circle-check", "dispute_answer": "triangle-alert", "read_identity": "eye",
}  # fmt: skip
BAD = frozenset({
    "reject", "reinspect_fail", "refuse_close", "cancel", "reopen", "return_assignment", "decline", "dismiss", "order_interim",
    "take_back", "send_back", "refuse_delisting", "miss", "dispute_answer",
})  # fmt: skip
GOOD = frozenset({
    "approve_close", "reinspect_pass", "fix_on_spot", "grant", "uphold", "accept", "delist", "do_duty", "answer_report", "accept_answer",
    "substantiate", "lift_interim",
})  # fmt: skip
QUOTED = (
    "text", "note", "comment", "description", "measure", "distance_reason", "statement", "root_cause", "opinion", "reply", "answer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One event as a page tells it. `who` is empty for what happens by itself; `about` names the case where it isn't the page's own."""

    about: str
    seq: int
    trigger: str
    title: str
    icon: str
    tone: str
    who: str
    at: datetime
    details: tuple[str, ...]
    quotes: tuple[str, ...]
    hash: str
    prev_hash: str


POSTS = text("""
select post.code, post.kind, unit.kind as unit_kind, unit.name as unit_name,
    (select name from place where responsible_post_id = post.id order by id limit 1) as place
from post join unit on unit.id = post.unit_id where post.township_id = :township and post.code = any(:codes)
""")


def names_of(session: Session, township_id: int, codes: Iterable[str]) -> dict[str, str]:
    """What people call the posts of these codes; an enterprise's post is called after its place."""
    rows = session.execute(POSTS, {"township": township_id, "codes": sorted(set(codes))}).all()
    return {row.code: _named(row) for row in rows}


def _named(row: Any) -> str:
    if row.kind == "enterprise_principal" and row.place:
        return f"{row.place}负责人"
    return post_name(row.kind, row.unit_kind, row.unit_name)


def tell(
    session: Session, township_id: int, events: Sequence[EventRow], kind: CaseKind = CaseKind.hazard, about: str = ""
) -> list[Line]:
    """The events of a case of this kind in sentences, in their order."""
    codes = {event.post for event in events} | {code for event in events for code in _mentioned(event.facts)}
    names = names_of(session, township_id, codes)
    return [_line(event, names, kind, about) for event in events]


def _mentioned(facts: Mapping[str, Any]) -> list[str]:
    told = facts.get("told")
    single = [facts[name] for name in ("responsible", "approver", "owner") if isinstance(facts.get(name), str)]
    return single + (list(told) if isinstance(told, list) else [])


def _line(event: EventRow, names: Mapping[str, str], kind: CaseKind, about: str) -> Line:
    tone = "bad" if event.trigger in BAD else "good" if event.trigger in GOOD else "plain"
    known = LAWS[kind].by_trigger
    title = step_name(known[event.trigger]) if event.trigger in known else event.trigger
    if event.trigger == "escalate":
        title, tone = _rung(event.facts)
    who = NOBODYS[event.post] if event.post in NOBODYS else named(names.get(event.post, event.post), event.who)
    quotes = tuple(event.texts[name] for name in QUOTED if event.texts.get(name))
    details = tuple(_details(event, names))
    return Line(
        about,
        event.seq,
        event.trigger,
        title,
        ICONS.get(event.trigger, "circle"),
        tone,
        who,
        event.at,
        details,
        quotes,
        event.hash,
        event.prev_hash,
    )


NOBODYS = {"system": "", "reporter": "举报人"}


def _rung(facts: Mapping[str, Any]) -> tuple[str, str]:
    """«整改临期提醒», «整改逾期，升到 3 级»."""
    clock = Clock(facts["clock"]).zh if facts.get("clock") in Clock.__members__ else ""
    level = int(facts.get("level") or 0)
    return (f"{clock}逾期，升到 {level} 级", "bad") if level else (f"{clock}到期提醒", "warn")


def _details(event: EventRow, names: Mapping[str, str]) -> Iterable[str]:
    yield from _terms(event, names)
    if event.facts.get("reason") or event.texts.get("reason"):
        yield f"理由：{_reason(event.facts, event.texts)}"
    yield from _escalation(event.facts, names)
    yield from _asked(event.facts, event.texts)
    yield from _measures(event.facts)
    yield from _came_back(event.facts)
    yield from _of_a_duty(event.facts, names)
    yield from _rest(event.facts, event.texts)


def _terms(event: EventRow, names: Mapping[str, str]) -> Iterable[str]:
    """Grade, whose it is, until when."""
    facts = event.facts
    if event.trigger in ("register", "regrade"):
        yield "，".join(word.zh for word in (_word(Grade, facts.get("grade")), _word(SlaClass, facts.get("sla_class"))) if word)
    if facts.get("responsible"):
        yield f"责任岗位：{names.get(facts['responsible'], facts['responsible'])}"
    if event.trigger != "escalate" and isinstance(facts.get("due"), int):
        name = "期限" if event.trigger == "open_duty" else "整改期限"
        yield f"{name}：{say(from_micros(facts['due']))}" + ("（受专项截止日限制）" if facts.get("capped") else "")
    if facts.get("approver"):
        yield f"由{names.get(facts['approver'], facts['approver'])}审批销号"


WHEN = (("requested_due", "申请延到"), ("granted_due", "同意延到"), ("due_before", "原期限"), ("interim_until", "管控到"))
SAID = (
    ("recipient", "移送给"), ("letter_no", "移送函"), ("reply_no", "复函"), ("notice_no", "挂牌通知"),
    ("treat_by", "治理完毕日"), ("hazard", "对应隐患"),
    ("district_consent_no", "区级同意文号"), ("district_record_no", "区级备案编号"), ("stop_scope", "范围"),
)  # fmt: skip


def _asked(facts: Mapping[str, Any], texts: Mapping[str, str]) -> Iterable[str]:
    """Until when, to whom, under which number."""
    yield from (f"{zh}：{say(from_micros(facts[name]))}" for name, zh in WHEN if isinstance(facts.get(name), int))
    yield from (f"{zh}：{facts[name]}" for name, zh in SAID if isinstance(facts.get(name), str))
    if texts.get("interim_measures"):
        yield f"延期期间防控：{texts['interim_measures']}"


def _measures(facts: Mapping[str, Any]) -> Iterable[str]:
    for name, kind, zh in (
        ("interim_control", InterimControl, "临时管控"), ("lifted", InterimControl, "解除"), ("level", ListingLevel, "挂牌级别"),
        ("channel", ReportChannel, "举报渠道"),
    ):  # fmt: skip
        word = _word(kind, facts.get(name)) if isinstance(facts.get(name), str) else None
        if word:
            yield f"{zh}：{word.zh}"


def _came_back(facts: Mapping[str, Any]) -> Iterable[str]:
    if facts.get("recurrence_count"):
        kind = _word(RecurrenceKind, facts.get("recurrence_kind"))
        yield f"反复发生第 {facts['recurrence_count']} 次（{kind.zh if kind else ''}），上一次 {facts.get('recurrence_of')}"


def _of_a_duty(facts: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[str]:
    if facts.get("owner"):
        yield f"责任岗位：{names.get(facts['owner'], facts['owner'])}"
    if isinstance(facts.get("late"), bool):
        yield "过期后补办" if facts["late"] else "按期完成"
    kinds = [word.zh for said in facts.get("evidence") or () if (word := _word(EvidenceKind, said))]
    if kinds:
        yield f"佐证：{'、'.join(kinds)}"


def _rest(facts: Mapping[str, Any], texts: Mapping[str, str]) -> Iterable[str]:
    if texts.get("expert"):
        yield f"参加复查：{texts['expert']}"
    if isinstance(facts.get("until"), int):
        yield f"承诺 {say(from_micros(facts['until']))} 前办结"
    if facts.get("photos"):
        yield f"照片 {len(facts['photos'])} 张"
    if isinstance(facts.get("round"), int):
        yield f"进入第 {facts['round']} 轮"
    if facts.get("duplicate_of"):
        yield f"并入 {facts['duplicate_of']}"
    if facts.get("via") == "message":
        yield "从消息里的链接办理"
    elif facts.get("via") == "owner_link":
        yield "从业主链接办理，未登录"


def _escalation(facts: Mapping[str, Any], names: Mapping[str, str]) -> Iterable[str]:
    if isinstance(facts.get("told"), list):
        told = "、".join(dict.fromkeys(names.get(code, code) for code in facts["told"]))
        yield f"已告知：{told}" if told else "没有能告知的人，立即转上一级"
    if facts.get("skipped"):
        yield f"系统中断期间错过 {len(facts['skipped'])} 级，一并补报"
    if facts.get("repeat"):
        yield f"最高级第 {facts['repeat']} 次重申"


def _reason(facts: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    word = _word(ReasonCode, facts.get("reason"))
    return word.zh if word else texts.get("reason", "（已删除）")


def _word(kind: Any, value: Any) -> Any:
    return kind(value) if value in kind.__members__ else None
