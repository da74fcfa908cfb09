"""A new hazard's rows, before the law's first event is written on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of, local, parse_time
from models.enumerations import Field, Grade, InterimControl, Nature, SlaClass, Source, Threat, Word
from models.rules import rules_of
from statemachines.criteria import graded, item_of
from statemachines.errors import Refused
from statemachines.load import Acting
from statemachines.recurrence import Asked, alike, hastened

PLACE = text("""
select place.*, township.code as township, running.id as campaign_id, running.code as campaign
from place join township on township.id = place.township_id
left join lateral (
    select id, code from campaign
    where township_id = place.township_id and starts_at <= :now and deadline >= :now order by deadline limit 1
) running on true
where place.township_id = :township_id and place.code = :code
""")

NUMBER = text("""
insert into counter (township_id, series, value) values (:township_id, :series, 1)
on conflict (township_id, series) do update set value = counter.value + 1 returning value
""")

INSERT = text("""
with numbered as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id,
        responsible_post_id, campaign_id, opened_at, due_at)
    values (:township_id, 'hazard', :code, 'found', 1, 1, 0, '', :grade, 0, :place_id, :village_id, :team_id, :responsible_post_id,
        :campaign_id, :now, null)
    returning id
)
insert into hazard (case_id, sla_class, field, threat, nature, source, item, description, location, measure, legal_basis, found_at,
    found_person, found_post, campaign_capped, beyond_campaign, due_estimated, on_spot, reinspected_by, interim_control, interim_kept,
    needs_gov_coordination, listing, recurrence_of_id, recurrence_count, recurrence_kind, extension_count, returned_count, failed_count,
    confidentiality, district_consent_no, plan)
select id, :sla_class, :field, :threat, :nature, :source, :item, :description, :location, :measure, :legal_basis, :found_at,
    :person, :post, false, false, false, false, '[]', :interim_control, false, :needs_gov_coordination, 'none', :recurrence_of_id,
    :recurrence_count, :recurrence_kind, 0, 0, 0, :confidentiality, :district_consent_no, null
from numbered
""")


def insert_hazard(session: Session, acting: Acting, now: datetime, facts: Mapping[str, Any]) -> str:
    """Numbers a new hazard by its campaign (outside of one: YH-<year found>) and inserts its rows.

    What isn't said of it is what the township's newest checklists say of its item, by the criteria of the day it was found. Whether it came
    back is looked up in the same transaction. Raises Refused(G1) for an unknown place or word.
    """
    place = session.execute(PLACE, {"township_id": acting.township_id, "code": str(facts.get("place")), "now": now}).first()
    if place is None:
        raise Refused("G1", f"没有编号为“{facts.get('place')}”的场所，请核对。", f"There is no place {facts.get('place')!r}.")
    found_at = _moment(facts.get("found_at")) or now
    usual = _usual(session, acting.township_id, facts.get("item"), found_at)
    words, said = _words(facts, usual, place), _said(facts, usual, acting)
    again = _came_back(session, place, found_at, said, words, usual)
    series = place.campaign or f"YH-{local(found_at).year}"
    number = session.execute(NUMBER, {"township_id": acting.township_id, "series": series}).scalar_one()
    code = f"{series}-{number:04d}"
    session.execute(INSERT, {"code": code, "found_at": found_at, "now": now, **_place(place), **said, **words, **again})
    return code


def _usual(session: Session, township_id: int, item: Any, found_at: datetime) -> dict[str, Any]:
    """What the checklist says of the item, as facts; nothing of an item that it doesn't have."""
    known = item_of(session, township_id, item) if isinstance(item, str) and item else None
    if known is None:
        return {}
    by_then = graded(known, day_of(found_at))
    plain = {name: known.get(name) for name in ("measure", "threat", "nature", "field")}
    return {**plain, "grade": by_then.grade, "sla_class": by_then.sla_class, "legal_basis": [by_then.clause]}


def _came_back(
    session: Session, place: Row[Any], found_at: datetime, said: Mapping[str, Any], words: Mapping[str, Word], usual: Mapping[str, Any]
) -> dict[str, Any]:
    """The columns of a recurrence; a class faster with it."""
    asked = Asked(place.code, found_at, said["description"], said["item"], Threat(words["threat"]))
    earlier = alike(session, place.township_id, asked, rules_of(session, place.township_id).recurrence).earlier
    if earlier is None:
        return {"recurrence_of_id": None, "recurrence_count": 0, "recurrence_kind": None}
    asked_for = SlaClass(words["sla_class"])
    return {
        "recurrence_of_id": earlier.case_id,
        "recurrence_count": earlier.count,
        "recurrence_kind": earlier.kind,
        "sla_class": hastened(usual.get("sla_class", asked_for), asked_for),
    }


def _place(place: Row[Any]) -> dict[str, Any]:
    names = ("township_id", "village_id", "team_id", "responsible_post_id", "campaign_id")
    return {"place_id": place.id, **{name: getattr(place, name) for name in names}}


def _words(facts: Mapping[str, Any], usual: Mapping[str, Any], place: Row[Any]) -> dict[str, Word]:
    """What was said wins over what is usual; the class goes with a grade that was said."""
    grade = _word(Grade, facts.get("grade"), usual.get("grade", Grade.general))
    plain = SlaClass.major if grade == Grade.major else SlaClass.g7
    asked = _word(SlaClass, facts.get("sla_class"), usual["sla_class"] if usual and usual["grade"] == grade else plain)
    if (grade == Grade.major) != (asked == SlaClass.major):
        raise Refused("G1", "等级与时限类别不符，请核对。", "Grade and class don't go together; correct one.")
    return {
        "grade": grade,
        "sla_class": asked,
        "field": _word(Field, facts.get("field") or usual.get("field") or place.field, Field.other),
        "threat": _word(Threat, facts.get("threat") or usual.get("threat"), Threat.fire),
        "nature": _word(Nature, facts.get("nature") or usual.get("nature"), Nature.thing),
        "source": _word(Source, facts.get("source"), Source.inspection),
        "interim_control": _word(InterimControl, facts.get("interim_control"), InterimControl.none),
    }


def _said(facts: Mapping[str, Any], usual: Mapping[str, Any], acting: Acting) -> dict[str, Any]:
    basis = facts.get("legal_basis") or usual.get("legal_basis") or []
    return {
        "item": facts.get("item") or None,
        "description": str(facts["description"]).strip(),
        "location": str(facts.get("location") or facts.get("exact_location")).strip(),
        "measure": facts.get("measure") or usual.get("measure"),
        "legal_basis": [basis] if isinstance(basis, str) else list(basis),
        "needs_gov_coordination": facts.get("needs_gov_coordination") is True,
        "confidentiality": facts.get("confidentiality"),
        "district_consent_no": facts.get("district_consent_no"),
        "person": acting.person,
        "post": acting.post,
    }


def _word(kind: type[Word], value: Any, default: Word) -> Word:
    if value is None or value == "":
        return default
    try:
        return kind(value)
    except ValueError:
        raise Refused("G1", f"“{value}”不是可选的{kind.__name__}。", f"{value!r} is not one of {', '.join(kind)}.") from None


def _moment(value: Any) -> datetime | None:
    return parse_time(value) if isinstance(value, str) else value
