"""New hazards' rows, before the law's first event is written on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of, local, parse_time
from models.database import as_json
from models.enumerations import Field, Grade, InterimControl, Nature, SlaClass, Source, Threat, Word
from models.rules import rules_of
from statemachines.criteria import graded, item_of
from statemachines.errors import Refused
from statemachines.load import Acting
from statemachines.recurrence import Asked, Earlier, came_back, hastened

PLACES = text("""
select place.*, township.code as township, running.id as campaign_id, running.code as campaign
from place join township on township.id = place.township_id
left join lateral (
    select id, code from campaign
    where township_id = place.township_id and starts_at <= :now and deadline >= :now order by deadline limit 1
) running on true
where place.township_id = :township_id and place.code = any(:codes)
""")

COUNT_ON = """
insert into counter (township_id, series, value) values (:township_id, :series, {many})
on conflict (township_id, series) do update set value = counter.value + excluded.value returning value
"""
NUMBER, NUMBERS = text(COUNT_ON.format(many=1)), text(COUNT_ON.format(many=":many"))

INSERT = text("""
with said as materialized (
    select * from jsonb_to_recordset(cast(:rows as jsonb)) as said(
        nth int, code text, grade text, place_id int, village_id int, team_id int, responsible_post_id int, campaign_id int,
        sla_class text, field text, threat text, nature text, source text, item text, description text, location text, measure text,
        legal_basis text[], found_at timestamptz, interim_control text, needs_gov_coordination boolean, recurrence_of_id bigint,
        recurrence_count int, recurrence_kind text, confidentiality text, district_consent_no text
    )
),
numbered as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id,
        responsible_post_id, campaign_id, opened_at, due_at)
    select :township_id, 'hazard', code, 'found', 1, 1, 0, '', grade, 0, place_id, village_id, team_id, responsible_post_id,
        campaign_id, :now, null
    from said order by nth returning id, code
)
insert into hazard (case_id, sla_class, field, threat, nature, source, item, description, location, measure, legal_basis, found_at,
    found_person, found_post, campaign_capped, beyond_campaign, due_estimated, on_spot, reinspected_by, interim_control, interim_kept,
    needs_gov_coordination, listing, recurrence_of_id, recurrence_count, recurrence_kind, extension_count, returned_count, failed_count,
    confidentiality, district_consent_no, plan)
select id, sla_class, field, threat, nature, source, item, description, location, measure, legal_basis, found_at,
    :person, :post, false, false, false, false, '[]', interim_control, false, needs_gov_coordination, 'none', recurrence_of_id,
    recurrence_count, recurrence_kind, 0, 0, 0, confidentiality, district_consent_no, null
from numbered join said using (code)
""")


@dataclass(frozen=True, slots=True)
class Found:
    """A finding made ready: where and when, what is usual of its item, what is said of it."""

    place: Row[Any]
    at: datetime
    usual: Mapping[str, Any]
    words: Mapping[str, Word]
    said: Mapping[str, Any]

    @property
    def series(self) -> str:
        """What it is numbered by: its campaign, outside of one the year it was found."""
        return self.place.campaign or f"YH-{local(self.at).year}"

    @property
    def asked(self) -> Asked:
        return Asked(self.place.code, self.at, self.said["description"], self.said["item"], Threat(self.words["threat"]))


def insert_hazards(session: Session, acting: Acting, now: datetime, findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Numbers new hazards by their campaign (outside of one: YH-<year found>), in their order, and inserts their rows.

    What isn't said of one is what the township's newest checklists say of its item, by the criteria of the day it was found. Whether it
    came back is looked up in the same transaction. Raises Refused(G1) for an unknown place or word; then nothing is inserted.
    """
    asked = {"township_id": acting.township_id, "codes": list({str(facts.get("place")) for facts in findings}), "now": now}
    places = {row.code: row for row in session.execute(PLACES, asked)}
    item = cache(partial(item_of, session, acting.township_id))
    found = [_found(places, item, facts, now) for facts in findings]
    codes, again = _numbered(session, acting.township_id, found), _came_back(session, acting.township_id, found)
    rows = [
        {"nth": nth, "code": code, "found_at": one.at, **_place(one.place), **one.said, **one.words, **back}
        for nth, (code, one, back) in enumerate(zip(codes, found, again, strict=True))
    ]
    who = {"township_id": acting.township_id, "person": acting.person, "post": acting.post, "now": now}
    session.execute(INSERT, {**who, "rows": as_json(rows)})
    return codes


def _found(places: Mapping[str, Row[Any]], item: Callable[[str], Any], facts: Mapping[str, Any], now: datetime) -> Found:
    place = places.get(str(facts.get("place")))
    if place is None:
        raise Refused("G1", f"没有编号为“{facts.get('place')}”的场所，请核对。", f"There is no place {facts.get('place')!r}.")
    found_at = _moment(facts.get("found_at")) or now
    usual = _usual(item, facts.get("item"), found_at)
    return Found(place, found_at, usual, _words(facts, usual, place), _said(facts, usual))


def _numbered(session: Session, township_id: int, found: Sequence[Found]) -> list[str]:
    """The next numbers of each series. One after the other, in one order: who numbers in two series waits for nobody who waits for them."""
    free: dict[str, Iterator[int]] = {}
    for series, many in sorted(Counter(one.series for one in found).items()):
        last = session.execute(NUMBERS, {"township_id": township_id, "series": series, "many": many}).scalar_one()
        free[series] = iter(range(last - many + 1, last + 1))
    return [f"{one.series}-{next(free[one.series]):04d}" for one in found]


def _usual(item: Callable[[str], Any], code: Any, found_at: datetime) -> dict[str, Any]:
    """What the checklist says of the item, as facts; nothing of an item that it doesn't have."""
    known = item(code) if isinstance(code, str) and code else None
    if known is None:
        return {}
    by_then = graded(known, day_of(found_at))
    plain = {name: known.get(name) for name in ("measure", "threat", "nature", "field")}
    return {**plain, "grade": by_then.grade, "sla_class": by_then.sla_class, "legal_basis": [by_then.clause]}


def _came_back(session: Session, township_id: int, found: Sequence[Found]) -> list[dict[str, Any]]:
    """The columns of a recurrence, of each; a class faster with it."""
    rule = rules_of(session, township_id).recurrence
    earlier = came_back(session, township_id, [one.asked for one in found], rule)
    return [_repeats(one, before) for one, before in zip(found, earlier, strict=True)]


def _repeats(one: Found, earlier: Earlier | None) -> dict[str, Any]:
    if earlier is None:
        return {"recurrence_of_id": None, "recurrence_count": 0, "recurrence_kind": None}
    asked_for = SlaClass(one.words["sla_class"])
    return {
        "recurrence_of_id": earlier.case_id,
        "recurrence_count": earlier.count,
        "recurrence_kind": earlier.kind,
        "sla_class": hastened(one.usual.get("sla_class", asked_for), asked_for),
    }


def _place(place: Row[Any]) -> dict[str, Any]:
    names = ("village_id", "team_id", "responsible_post_id", "campaign_id")
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


def _said(facts: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
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
