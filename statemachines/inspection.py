"""An inspection (现场检查) is recorded: what was asked and answered, and the hazards that came of it.

The record says when, where, what was looked at, what was found and how it was dealt with, signed by both sides (安全生产法 Art. 68). It is
written once; a failed item becomes a hazard of its own by the criteria in force on the day of the visit.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, local
from models.enumerations import AnswerWord, Grade, InspectionResult, PlaceStatus, SlaClass, Source, StartWork
from statemachines.advance import register
from statemachines.criteria import graded
from statemachines.errors import LawError, Refused
from statemachines.facts import said_text, said_word
from statemachines.load import Acting, seat
from statemachines.new import NUMBER
from statemachines.officers import Who
from statemachines.place_life import set_status
from statemachines.plan_duties import fulfil_by_inspection
from statemachines.registry import add_to_trail, load_place
from statemachines.visit import Said, Visit, read_visit

REOPENS = frozenset({
    PlaceStatus.locked, PlaceStatus.not_found, PlaceStatus.shut, PlaceStatus.vacant, PlaceStatus.home_use, PlaceStatus.moved,
    PlaceStatus.demolished,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inspected:
    """What came of a visit: its code, (item, code of the hazard) of every item that failed, and how the place's gate stands after it."""

    code: str
    result: InspectionResult
    hazards: tuple[tuple[str, str], ...]
    gate: StartWork


def record_inspection(
    session: Session, acting: Acting, now: datetime, *, wall: datetime, facts: Mapping[str, Any], flow_run: str | None = None
) -> Inspected:
    """Records a visit in the caller's transaction, and registers what failed.

    `facts`: place (code), trigger; leader_post, officers [{post | username | key, certificate}], started_at and ended_at (business time;
    now unless said), checklist («code» for its newest version, «code@version», or a list of them; else the newest lists that ask this kind
    of place), answers {item: yes | no | na | {said, note, description, location, grade, sla_class, measure, interim_control,
    fixed_on_spot}}, result (not_accessible has to be said, with the `status` in which the place was found), note, paper, paper_no,
    unit_signed, refused_to_sign, lat, lon.

    Raises NotAllowed; Refused with place, trigger, time, answers, result, status, content, officers, leader_post, paper, G18, signature or
    position, or with what `register` refuses for.
    """
    seated = seat(session, acting, now)
    visit = read_visit(session, acting, seated, now, facts)
    code = _number(session, acting.township_id, visit.started_at)
    found = {
        said.code: register(session, acting, now, wall=wall, facts=_hazard(visit, said), flow_run=flow_run)
        for said in visit.answers if said.word == AnswerWord.no
    }  # fmt: skip
    inspection_id = _insert(session, acting, now, code, visit)
    _keep_officers(session, inspection_id, visit.officers)
    _keep_answers(session, inspection_id, visit.answers, {item: hazard.case_id for item, hazard in found.items()})
    _fulfil(session, acting, now, wall, inspection_id, visit)
    _mark_place(session, acting, now, code, visit)
    gate = session.execute(text("select start_work from place where id = :id"), {"id": visit.place.id}).scalar_one()
    return Inspected(code, visit.result, tuple((item, hazard.code) for item, hazard in found.items()), StartWork(gate))


# What becomes of a failed item


def _hazard(visit: Visit, said: Said) -> dict[str, Any]:
    """The facts of the hazard: the item's defaults by the criteria in force on the day, unless the inspector says otherwise."""
    item, by_rule = said.item, graded(said.item, day_of(visit.started_at))
    grade, sla_class = _graded(said, by_rule.grade, by_rule.sla_class)
    facts = {
        "place": visit.place.code, "item": said.code, "description": said_text(said.more, "description") or item["finding"],
        "location": said_text(said.more, "location") or item.get("location") or visit.place.address or visit.place.name,
        "measure": said_text(said.more, "measure") or item["measure"], "legal_basis": [by_rule.clause], "grade": grade,
        "sla_class": sla_class, "threat": item["threat"], "nature": item["nature"], "found_at": visit.started_at, "source": visit.source,
        "needs_gov_coordination": bool(item.get("coordination")), "note": said.note,
    }  # fmt: skip
    optional = {"field": item.get("field"), "interim_control": said.more.get("interim_control")}
    return {**facts, **{name: value for name, value in optional.items() if value}}


def _graded(said: Said, by_rule: Grade, usual: SlaClass) -> tuple[Grade, SlaClass]:
    """An inspector may grade higher than the criteria, never lower: that is a regrading, and another's decision."""
    grade = said_word(said.more, "grade", Grade) if said.more.get("grade") else by_rule
    if (grade, by_rule) == (Grade.general, Grade.major):
        raise Refused(
            "answers", f"项目{said.code}按现行标准为重大隐患，检查时不能降级。", f"By the criteria in force item {said.code} is major."
        )
    sla_class = said_word(said.more, "sla_class", SlaClass) if said.more.get("sla_class") else usual
    return grade, SlaClass.major if grade == Grade.major else sla_class


# What is written


def _number(session: Session, township_id: int, started_at: datetime) -> str:
    series = f"JC-{local(started_at).year}"
    return f"{series}-{session.execute(NUMBER, {'township_id': township_id, 'series': series}).scalar_one():05d}"


INSERT = text("""
insert into inspection (township_id, code, campaign_id, place_id, trigger, leader_post, started_at, ended_at, result, paper, paper_no,
    unit_signed, refused_to_sign, note, lat, lon, recorded_at, recorded_person, recorded_post)
values (:township_id, :code, (
        select id from campaign where township_id = :township_id and starts_at <= :started_at and deadline >= :started_at
        order by deadline limit 1
    ), :place_id, :trigger, :leader_post, :started_at, :ended_at, :result, :paper, :paper_no,
    :unit_signed, :refused_to_sign, :note, :lat, :lon, :now, :person, :post)
returning id
""")


def _insert(session: Session, acting: Acting, now: datetime, code: str, visit: Visit) -> int:
    facts = visit.facts
    asked = {
        "township_id": acting.township_id, "code": code, "place_id": visit.place.id, "trigger": visit.trigger,
        "leader_post": visit.leader_post, "started_at": visit.started_at, "ended_at": visit.ended_at, "result": visit.result,
        "paper": visit.paper, "paper_no": said_text(facts, "paper_no") if visit.paper else None,
        "unit_signed": facts.get("unit_signed") is True, "refused_to_sign": facts.get("refused_to_sign") is True,
        "note": said_text(facts, "note"), "lat": facts.get("lat"), "lon": facts.get("lon"), "now": now, "person": acting.person,
        "post": acting.post,
    }  # fmt: skip
    return int(session.execute(INSERT, asked).scalar_one())


KEEP_OFFICER = text("insert into officer (inspection_id, person, post, certificate) values (:id, :person, :post, :certificate)")
KEEP_ANSWER = text("""
insert into answer (inspection_id, item, checklist_id, said, note, fixed_on_spot, hazard_id)
values (:id, :item, :checklist_id, :said, :note, :fixed_on_spot, :hazard_id)
""")


def _keep_officers(session: Session, inspection_id: int, officers: tuple[Who, ...]) -> None:
    rows = [{"id": inspection_id, "person": who.person, "post": who.post, "certificate": who.certificate} for who in officers]
    session.execute(KEEP_OFFICER, rows)


def _keep_answers(session: Session, inspection_id: int, answers: tuple[Said, ...], hazards: Mapping[str, int]) -> None:
    rows = [
        {
            "id": inspection_id, "item": said.code, "checklist_id": said.checklist_id, "said": said.word, "note": said.note,
            "fixed_on_spot": said.code in hazards and said.more.get("fixed_on_spot") is True, "hazard_id": hazards.get(said.code),
        }
        for said in answers
    ]  # fmt: skip
    if rows:
        session.execute(KEEP_ANSWER, rows)


def _fulfil(session: Session, acting: Acting, now: datetime, wall: datetime, inspection_id: int, visit: Visit) -> None:
    """The leader's duty to inspect is done by a visit that got in. One that can't end yet (evidence is missing) stays open: the visit is
    recorded all the same.
    """
    if visit.leader_post is None or visit.result == InspectionResult.not_accessible:
        return
    with suppress(LawError), session.begin_nested():
        fulfil_by_inspection(session, acting, now, wall, inspection_id, visit.leader_post, visit.trigger)


def _mark_place(session: Session, acting: Acting, now: datetime, code: str, visit: Visit) -> None:
    """The visit in the place's trail, and the status in which an official found it; the place is locked only now, after its cases."""
    place = load_place(session, acting.township_id, visit.place.code)
    add_to_trail(session, place.id, "inspected", None, visit.result, reason=code, post=acting.post, person=acting.person, now=now)
    status = visit.status
    if status is None and visit.source != Source.self_check and place.status in REOPENS:
        status = PlaceStatus.active
    if status and status != place.status and place.status != PlaceStatus.sealed:
        set_status(session, acting, now, place, status, code, said_text(visit.facts, "note"))
