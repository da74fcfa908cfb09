"""A case's history told in sentences: what each event meant to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import say
from models.enumerations import Clock, Grade, ReasonCode, SlaClass
from notifications.letter import from_micros
from statemachines.hazard import BY_TRIGGER
from web.caller import named, post_name
from web.history import EventRow

ICONS = {
    "register": "flag", "fix_on_spot": "hammer", "assign": "send", "reject": "ban", "mark_duplicate": "copy", "regrade": "scale",
    "acknowledge": "signature", "return_assignment": "undo-2", "submit": "upload", "reinspect_pass": "badge-check",
    "reinspect_fail": "undo-2", "approve_close": "circle-check", "refuse_close": "undo-2", "withdraw_approval": "rotate-ccw",
    "cancel": "ban", "reopen": "rotate-ccw", "take_up": "hand", "escalate": "trending-up", "replan": "calendar",
}  # fmt: skip
BAD = frozenset({"reject", "reinspect_fail", "refuse_close", "cancel", "reopen", "return_assignment"})
GOOD = frozenset({"approve_close", "reinspect_pass", "fix_on_spot"})
QUOTED = ("text", "note", "comment", "description", "measure", "distance_reason")


@dataclass(frozen=True, slots=True)
class Line:
    """One event as a page tells it. `who` is empty for what happens by itself."""

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


def tell(session: Session, township_id: int, events: Sequence[EventRow]) -> list[Line]:
    """The events in sentences, in their order."""
    codes = {event.post for event in events} | {code for event in events for code in _mentioned(event.facts)}
    names = names_of(session, township_id, codes)
    return [_line(event, names) for event in events]


def _mentioned(facts: Mapping[str, Any]) -> list[str]:
    told = facts.get("told")
    single = [facts[name] for name in ("responsible", "approver") if isinstance(facts.get(name), str)]
    return single + (list(told) if isinstance(told, list) else [])


def _line(event: EventRow, names: Mapping[str, str]) -> Line:
    tone = "bad" if event.trigger in BAD else "good" if event.trigger in GOOD else "plain"
    title = BY_TRIGGER[event.trigger].zh if event.trigger in BY_TRIGGER else event.trigger
    if event.trigger == "escalate":
        title, tone = _rung(event.facts)
    who = "" if event.post == "system" else named(names.get(event.post, event.post), event.who)
    quotes = tuple(event.texts[name] for name in QUOTED if event.texts.get(name))
    details = tuple(_details(event, names))
    return Line(
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
    yield from _rest(event.facts, event.texts)


def _terms(event: EventRow, names: Mapping[str, str]) -> Iterable[str]:
    """Grade, whose it is, until when."""
    facts = event.facts
    if event.trigger in ("register", "regrade"):
        yield "，".join(word.zh for word in (_word(Grade, facts.get("grade")), _word(SlaClass, facts.get("sla_class"))) if word)
    if facts.get("responsible"):
        yield f"责任岗位：{names.get(facts['responsible'], facts['responsible'])}"
    if event.trigger != "escalate" and isinstance(facts.get("due"), int):
        yield f"整改期限：{say(from_micros(facts['due']))}" + ("（受专项截止日限制）" if facts.get("capped") else "")
    if facts.get("approver"):
        yield f"由{names.get(facts['approver'], facts['approver'])}审批销号"


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
