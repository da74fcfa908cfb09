"""A visit as somebody tells it, looked at before it is recorded: who, where, when, what was asked and answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.enumerations import AnswerWord, DocKind, InspectionResult, InspectionTrigger, PlaceStatus, Source
from statemachines.errors import NotAllowed, Refused
from statemachines.facts import said_text, said_time, said_word
from statemachines.load import Acting, Seated
from statemachines.officers import INSPECT, PATROLS, Who, check_signatures, read_leader, read_officers, read_paper
from statemachines.place_life import SEEN, same_as_of
from statemachines.registry import ENTERPRISE, answers_for, in_reach, load_place

T = InspectionTrigger

SOURCES = {T.leader_led: Source.leader_led, T.recheck: Source.recheck, T.report: Source.public, T.patrol: Source.patrol}


@dataclass(frozen=True, slots=True)
class Said:
    """What was said to one item. Everything but the word may be left out; the checklist says the rest."""

    item: Mapping[str, Any]
    checklist_id: int
    word: AnswerWord
    more: Mapping[str, Any]

    @property
    def code(self) -> str:
        return str(self.item["code"])

    @property
    def note(self) -> str | None:
        return said_text(self.more, "note")


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as it will be recorded: everything that was said of it has been looked at."""

    place: Row[Any]
    trigger: InspectionTrigger
    source: Source
    result: InspectionResult
    started_at: datetime
    ended_at: datetime | None
    answers: tuple[Said, ...]
    officers: tuple[Who, ...]
    leader_post: str | None
    paper: DocKind | None
    status: PlaceStatus | None
    facts: Mapping[str, Any]


def read_visit(session: Session, acting: Acting, seated: Seated, now: datetime, facts: Mapping[str, Any]) -> Visit:
    """The visit that `facts` tell (statemachines/inspection.py names them). Raises NotAllowed, Refused; nothing is written."""
    place = load_place(session, acting.township_id, facts.get("place"), lock=False)
    trigger = said_word(facts, "trigger", T)
    _may_record(session, seated, place, trigger)
    _check_place(session, place)
    started_at, ended_at = _times(facts, now)
    answers = _answers(session, acting, place, facts)
    result = _result(facts, answers)
    officers = read_officers(session, acting, now, facts)
    paper = read_paper(session, acting, seated, place, facts, result, officers)
    check_signatures(facts, paper, result)
    _check_position(facts)
    source = Source.self_check if seated.actor.kind in ENTERPRISE else SOURCES.get(trigger, Source.inspection)
    leader_post, status = read_leader(session, acting, seated, now, facts, trigger), _status(facts, result, source)
    return Visit(place, trigger, source, result, started_at, ended_at, answers, officers, leader_post, paper, status, facts)


# Who, where, when


def _may_record(session: Session, seated: Seated, place: Row[Any], trigger: InspectionTrigger) -> None:
    kind, post = seated.actor.kind, seated.actor.post
    if kind in ENTERPRISE:
        if not answers_for(session, seated, place):
            raise NotAllowed(post, "企业岗位只能自查本单位的场所。", "An enterprise's post checks its own place only.")
        if trigger != T.routine:
            raise NotAllowed(post, "企业岗位只能登记日常自查。", "An enterprise's post records routine self-checks only.")
    elif kind in PATROLS:
        if trigger != T.patrol:
            raise NotAllowed(post, f"{kind.zh}只能登记巡查巡护。", f"A {kind.en} records patrols only.")
    elif kind not in INSPECT:
        raise NotAllowed(post, "你的岗位不能登记检查。", "Your post doesn't inspect.")
    if not in_reach(session, seated, place):
        raise NotAllowed(post, "该场所不在你的岗位管辖范围内。", "The place lies outside of what your post reaches.")


def _check_place(session: Session, place: Row[Any]) -> None:
    if place.status == PlaceStatus.dup:
        other = same_as_of(session, place.id) or "—"
        raise Refused("place", f"该场所已登记为重复，请检查场所“{other}”。", f"This place is a duplicate; inspect {other} instead.")


def _times(facts: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime | None]:
    started, ended = said_time(facts, "started_at") or now, said_time(facts, "ended_at")
    if started > now or (ended and not started <= ended <= now):
        raise Refused("time", "检查时间须不晚于现在，结束不早于开始。", "A visit starts before it ends, and neither lies in the future.")
    return started, ended


def _check_position(facts: Mapping[str, Any]) -> None:
    lat, lon = facts.get("lat"), facts.get("lon")
    if lat is None and lon is None:
        return
    if not _within(lat, 90) or not _within(lon, 180):
        raise Refused("position", "检查位置须同时有纬度和经度，且在范围内。", "A position has both latitude and longitude, in degrees.")


def _within(value: object, most: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -most <= value <= most


# What was asked and answered

LISTS = text("""
select id, code, version, body from (
    select checklist.*, row_number() over (partition by code order by version desc) as age
    from checklist where township_id = :township_id
) known
where case when cast(:codes as text[]) is null then age = 1
    else age = 1 and code = any(:codes) or code || '@' || version = any(:codes) end
order by code collate "C", version
""")


def items_asked(session: Session, township_id: int, kind: str, checklist: object = None) -> dict[str, tuple[int, dict[str, Any]]]:
    """The items that are asked in a kind of place, by code, each with the id of its checklist; in the lists' order.

    `checklist` as in `record_inspection`. Raises Refused(answers) for a list that the township doesn't have.
    """
    named = [checklist] if isinstance(checklist, str) else checklist
    codes = [str(code) for code in named] if isinstance(named, (list, tuple)) and named else None
    lists = session.execute(LISTS, {"township_id": township_id, "codes": codes}).all()
    known = {name for each in lists for name in (each.code, f"{each.code}@{each.version}")}
    missing = [code for code in codes or () if code not in known]
    if missing:
        raise Refused("answers", f"没有检查表“{'、'.join(missing)}”。", f"There is no checklist {', '.join(missing)}.")
    return {item["code"]: (each.id, item) for each in lists for item in each.body["items"] if kind in item["kinds"]}


def _answers(session: Session, acting: Acting, place: Row[Any], facts: Mapping[str, Any]) -> tuple[Said, ...]:
    given = facts.get("answers") or {}
    if not isinstance(given, Mapping):
        raise Refused("answers", "请逐项填写检查结果。", "Answers are given item by item.")
    asked = items_asked(session, acting.township_id, place.kind, facts.get("checklist"))
    unknown = sorted(str(item) for item in given if item not in asked)
    if unknown:
        raise Refused(
            "answers", f"检查表没有这些项目：{'、'.join(unknown)}。", f"The checklist doesn't ask {', '.join(unknown)} in a {place.kind}."
        )
    said = (_said(item, checklist_id, given[code]) for code, (checklist_id, item) in asked.items() if code in given)
    return tuple(said)


def _said(item: Mapping[str, Any], checklist_id: int, answer: object) -> Said:
    more: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {"said": answer}
    word = more.get("said")
    if not isinstance(word, str) or word not in AnswerWord.__members__:
        raise Refused(
            "answers", f"项目{item['code']}的结果须是：符合、不符合、不适用。", f"Item {item['code']} is answered by yes, no or na."
        )
    return Said(item, checklist_id, AnswerWord(word), more)


def _result(facts: Mapping[str, Any], answers: tuple[Said, ...]) -> InspectionResult:
    said = said_word(facts, "result", InspectionResult) if facts.get("result") else None
    if said == InspectionResult.not_accessible:
        if answers:
            raise Refused("result", "未能入内的检查没有检查内容，请删除各项结果。", "Where nobody got in, nothing was answered.")
        return said
    failed = any(answer.word == AnswerWord.no for answer in answers)
    worked_out = InspectionResult.issues if failed else InspectionResult.passed
    if said not in (None, worked_out):
        raise Refused("result", f"检查结果与各项不符，应为“{worked_out.zh}”。", f"By its answers the result is: {worked_out.en}.")
    if not answers and not said_text(facts, "note"):
        raise Refused("content", "请逐项填写检查结果，或写明检查了什么。", "Answer the items, or say what was looked at.")
    return worked_out


def _status(facts: Mapping[str, Any], result: InspectionResult, source: Source) -> PlaceStatus | None:
    said = facts.get("status")
    if said in (None, "") and result != InspectionResult.not_accessible:
        return None
    if source == Source.self_check:
        raise Refused("status", "企业自查不登记场所状态。", "A self-check doesn't say what has become of the place.")
    if isinstance(said, str) and said in PlaceStatus.__members__ and PlaceStatus(said) in SEEN:
        return PlaceStatus(said)
    raise Refused(
        "status",
        f"请选择场所现状：{'、'.join(status.zh for status in SEEN)}。",
        f"Say how the place was found: {', '.join(status for status in SEEN)}.",
    )
