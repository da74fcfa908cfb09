"""What the law needs to know of a case, read from the database: the case under lock, and only the facts that the guards ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.case import Case
from models.clock import day_of, parse_time
from models.enumerations import EvidenceKind, Grade, HazardState, InterimControl, PostKind, SlaClass
from statemachines.errors import NoSuchCase, NotAllowed
from statemachines.situation import Actor, Assignee, Master, Party, Photo, Plan, Situation

SYSTEM = Actor("system", "system", PostKind.system)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts: a person (opaque key) in the name of a post (code) of a township."""

    township_id: int
    person: str
    post: str


ACTOR = text("""
select post.id, post.kind, unit.code as unit, unit.id as unit_id, unit.kind as unit_kind, away.key as standing_in_for
from post
join unit on unit.id = post.unit_id
join person on person.township_id = post.township_id and person.key = :person
join holding on holding.post_id = post.id and holding.person_id = person.id
    and :day >= from_day and :day <= coalesce(to_day, 'infinity')
left join person away on away.id = holding.deputy_of_id
where post.township_id = :township_id and post.code = :post and post.active
order by deputy_of_id nulls first limit 1
""")


@dataclass(frozen=True, slots=True)
class Seated:
    """An actor whose holding has been checked, with the ids that SQL needs."""

    actor: Actor
    post_id: int | None = None
    unit_id: int | None = None
    unit_kind: str = ""


def seat(session: Session, acting: Acting, now: datetime) -> Seated:
    """The actor as history will name them. Raises NotAllowed when the person doesn't hold the post on the day of `now`."""
    if (acting.person, acting.post) == (SYSTEM.person, SYSTEM.post):
        return Seated(SYSTEM)
    asked = {"township_id": acting.township_id, "person": acting.person, "post": acting.post, "day": day_of(now)}
    row = session.execute(ACTOR, asked).first()
    if row is None:
        raise NotAllowed(acting.post, "你目前不在这个岗位上，不能以它的名义办理。", "You don't hold this post now.")
    actor = Actor(acting.person, acting.post, PostKind(row.kind), row.unit, row.standing_in_for)
    return Seated(actor, row.id, row.unit_id, row.unit_kind)


ENGINE_COLUMNS = ", ".join(f"c.{name}" for name in Case.model_fields if name != "due_at")
CASE = text(f"""
select {ENGINE_COLUMNS}, h.*, township.code as township, township.salt, place.code as place, place.lat, place.lon,
    team.code as team, responsible.code as responsible_post, campaign.deadline as campaign_deadline
from cases c
join hazard h on h.case_id = c.id
join township on township.id = c.township_id
join place on place.id = c.place_id
left join unit team on team.id = c.team_id
left join post responsible on responsible.id = c.responsible_post_id
left join campaign on campaign.id = c.campaign_id
where c.township_id = :township_id and c.code = :code
""")
LOCKED = text(f"{CASE.text} for update of c")


def load_case(session: Session, township_id: int, code: str, *, lock: bool = True) -> Row[Any]:
    """The case and its hazard in one row, locked until the transaction ends. Raises NoSuchCase."""
    row = session.execute(LOCKED if lock else CASE, {"township_id": township_id, "code": code}).first()
    if row is None:
        raise NoSuchCase(code)
    return row


def situation(session: Session, case: Row[Any], seated: Seated, trigger: str, now: datetime, facts: Mapping[str, Any]) -> Situation:
    """The question put to the law. `trigger` "" asks for everything (what may this actor do?)."""
    everything = trigger == ""
    known: dict[str, Any] = {}
    for name, wanted_by in LOADERS.items():
        if everything or trigger in wanted_by:
            known |= _LOAD[name](session, case, seated, now, facts)
    return Situation(trigger, seated.actor, now, facts, everything, **_standing(case, seated, facts), **known)


def _standing(case: Row[Any], seated: Seated, facts: Mapping[str, Any]) -> dict[str, Any]:
    plan = {**(case.plan or {}), **(facts.get("plan") or {})}
    return {
        "state": HazardState(case.state),
        "round": case.round,
        "code": case.code,
        "place": case.place,
        "grade": Grade(case.grade),
        "sla_class": SlaClass(case.sla_class),
        "found_at": case.found_at,
        "finder": Party(case.found_person, case.found_post),
        "due_at": case.due_at,
        "recurrence_count": case.recurrence_count,
        "returned": case.returned_count,
        "responsible_post": case.responsible_post,
        "team": case.team,
        "in_reach": _in_reach(case, seated),
        "submitter": _party(case.submitted_person, case.submitted_post),
        "submitted_at": case.submitted_at,
        "recorder": _party(case.recorder_person, case.recorder_post),
        "reinspectors": frozenset(Party(**party) for party in case.reinspected_by),
        "closed_at": case.closed_at,
        "closed_by": _party(case.closed_person, case.closed_post),
        "plan": _plan(plan),
        "district_consent_no": case.district_consent_no,
        "interim_control": InterimControl(case.interim_control),
        "interim_kept": case.interim_kept,
        "listed": case.listing != "none",
    }


def _plan(said: Mapping[str, Any]) -> Plan | None:
    items: dict[str, Any] = {name: said[name] for name in Plan.__dataclass_fields__ if said.get(name)}
    if isinstance(items.get("filed_at"), str):
        items["filed_at"] = parse_time(items["filed_at"])
    return Plan(**items) if items else None


def _party(person: str | None, post: str | None) -> Party | None:
    return Party(person or "", post) if post else None


def _in_reach(case: Row[Any], seated: Seated) -> bool:
    """A village's post reaches its village; everybody else the whole township (the seat decides the rest)."""
    return seated.unit_kind != "village" or seated.unit_id == case.village_id or seated.post_id == case.responsible_post_id


PHOTOS = text("""
select kind, sha256, taken_at, round, lat, lon,
    exists (select from evidence other where other.sha256 = evidence.sha256 and other.case_id <> evidence.case_id) as reused
from evidence where case_id = :case_id order by id
""")


def _photos(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    rows = session.execute(PHOTOS, {"case_id": case.id}).all()
    photos = (
        Photo(EvidenceKind(row.kind), row.sha256, row.taken_at, row.round, row.reused, metres(row.lat, row.lon, case.lat, case.lon))
        for row in rows
    )
    return {"photos": tuple(photos)}


def metres(lat: float | None, lon: float | None, place_lat: float | None, place_lon: float | None) -> float | None:
    """Great-circle distance (haversine, mean Earth radius 6 371 009 m), or None when either position is unknown."""
    if lat is None or lon is None or place_lat is None or place_lon is None:
        return None
    a, b = math.radians(lat), math.radians(place_lat)
    arc = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(place_lon - lon) / 2) ** 2
    return 2 * 6_371_009 * math.asin(math.sqrt(arc))


RESPONSIBLE_PEOPLE = text("""
select distinct unnest(array_remove(array[person.key, away.key], null))
from holding join person on person.id = person_id left join person away on away.id = deputy_of_id
where post_id = :post_id and from_day <= :day and coalesce(to_day, 'infinity') >= :since
""")


def _responsible_people(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    since = day_of(case.assigned_at or now)
    asked = {"post_id": case.responsible_post_id, "day": day_of(now), "since": since}
    return {"responsible_people": frozenset(session.execute(RESPONSIBLE_PEOPLE, asked).scalars())}


# Who may approve: the posts that grade, class and recurrence call for. A post counts only while somebody who has nothing to do with
# the case holds it; when none is left, the nearest one above.
APPROVERS = text("""
with asked as (
    select c.*, case when c.grade = 'major' then 'township_head'
        when h.sla_class = 'g30' or h.recurrence_count >= 2 then 'deputy_in_charge' else 'office_head' end as calls_for
    from cases c join hazard h on h.case_id = c.id where c.id = :case_id
),
called as (
    select post.id, 0 as depth from asked join post on post.township_id = asked.township_id and post.active
    where (asked.calls_for = 'office_head' and (post.kind = 'office_head' or post.kind = 'station_head' and post.unit_id <> asked.team_id))
        or (asked.calls_for <> 'office_head'
            and post.id = (select case_posts(c, asked.calls_for) from cases c where c.id = asked.id limit 1))
),
above as (
    select chain.ancestor_id as id, min(chain.depth) as depth from called join post_chain chain on chain.post_id = called.id group by 1
),
eligible as (
    select above.id, above.depth, post.code, post.kind from above join post on post.id = above.id and post.active
    where not post.code = any(:posts) and exists (
        select from holding join person on person.id = person_id left join person away on away.id = deputy_of_id
        where post_id = above.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
            and not person.key = any(:persons) and (away.key is null or not away.key = any(:persons))
    )
)
select eligible.id, eligible.code, eligible.depth from eligible, asked
where depth = (select min(depth) from eligible) order by (eligible.kind = asked.calls_for) desc, eligible.code
""")


def approvers(
    session: Session, case_id: int, parties: set[Party | None], people: frozenset[str], post: str | None, now: datetime
) -> list[Row[Any]]:
    """Posts that may approve this closure under four eyes, the proper one first. `people` and `post` are the responsible unit's."""
    involved = [party for party in parties if party]
    asked = {
        "case_id": case_id,
        "day": day_of(now),
        "posts": [party.post for party in involved] + ([post] if post else []),
        "persons": [hand for party in involved for hand in party.hands] + list(people),
    }
    return list(session.execute(APPROVERS, asked).all())


def _approver_posts(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    people = _responsible_people(session, case, seated, now, facts)["responsible_people"]
    parties = {_party(case.submitted_person, case.submitted_post), *(Party(**party) for party in case.reinspected_by)}
    if case.on_spot:
        parties |= {_party(case.recorder_person, case.recorder_post), Party(case.found_person, case.found_post)}
    rows = approvers(session, case.id, parties, people, case.responsible_post, now)
    return {"approver_posts": frozenset(row.code for row in rows)}


MASTER = text("""
select c.id, c.code, c.state, place.code as place, h.closed_at, h.duplicate_of_id is not null as is_duplicate
from cases c join hazard h on h.case_id = c.id join place on place.id = c.place_id
where c.township_id = :township_id and c.code = :code
""")


def master_of(session: Session, township_id: int, facts: Mapping[str, Any]) -> Row[Any] | None:
    code = facts.get("duplicate_of") or facts.get("master")
    return session.execute(MASTER, {"township_id": township_id, "code": str(code)}).first() if code else None


def _master(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    row = master_of(session, case.township_id, facts)
    if row is None:
        return {}
    return {"master": Master(row.code, row.place, HazardState(row.state), row.closed_at, row.is_duplicate)}


ASSIGNEE = text("""
select post.id, post.code, post.kind, post.active, exists (
    select from holding where post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
) as filled
from post where township_id = :township_id and code = :code
""")


def assignee_of(session: Session, case: Row[Any], now: datetime, facts: Mapping[str, Any]) -> Row[Any] | None:
    """The post that is to be responsible: the one named, or the place's own."""
    code = facts.get("responsible_post") or facts.get("responsible") or case.responsible_post
    return session.execute(ASSIGNEE, {"township_id": case.township_id, "code": code, "day": day_of(now)}).first()


def _assignee(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    row = assignee_of(session, case, now, facts)
    return {"assignee": Assignee(row.code, PostKind(row.kind), row.filled, row.active)} if row else {}


SECOND = text("""
select person.key, post.code, post.kind, unit.code as unit, away.key as standing_in_for
from person join holding on holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
join post on post.id = holding.post_id and post.active join unit on unit.id = post.unit_id
left join person away on away.id = holding.deputy_of_id
where person.township_id = :township_id and :named in (person.key, person.username, post.code)
order by post.code = :named desc, array_position(cast(:kinds as text[]), post.kind), post.code, person.key limit 1
""")
SECOND_KINDS = ["deputy_in_charge", "office_head", "district_department", "inspector"]


def _second(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The second person, named by post, user name or key."""
    named = facts.get("second_person")
    if not isinstance(named, str):
        return {}
    asked = {"township_id": case.township_id, "named": named, "day": day_of(now), "kinds": SECOND_KINDS}
    row = session.execute(SECOND, asked).first()
    return {"second": Actor(row.key, row.code, PostKind(row.kind), row.unit, row.standing_in_for)} if row else {}


RUNG_TOLD = text("""
select timer.id, timer.clock, timer.fired, timer.held_rung, coalesce(:post_id = any(array_agg(notice.for_post_id)), false) as told
from timer left join notice on notice.timer_id = timer.id and notice.run = timer.run and notice.rung = timer.fired
where timer.case_id = :case_id and timer.stopped_at is null and timer.fired > 0
group by timer.id order by timer.fired_at desc limit 1
""")


def rung_told(session: Session, case_id: int, post_id: int | None) -> Row[Any] | None:
    """The last rung that fired, and whether it was addressed to this post."""
    return session.execute(RUNG_TOLD, {"case_id": case_id, "post_id": post_id}).first()


def _rung(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    row = rung_told(session, case.id, seated.post_id)
    return {"holds_rung": row.told, "taken_up": row.held_rung == row.fired} if row else {}


def _clause(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A clause that is named counts as in force; dates of clauses come with the library of law."""
    return {"clause_in_force": True if str(facts.get("clause") or "").strip() else None}


_LOAD = {
    "photos": _photos,
    "people": _responsible_people,
    "approvers": _approver_posts,
    "master": _master,
    "assignee": _assignee,
    "second": _second,
    "rung": _rung,
    "clause": _clause,
}
LOADERS: dict[str, frozenset[str]] = {
    "photos": frozenset({"fix_on_spot", "acknowledge", "submit"}),
    "people": frozenset({"fix_on_spot", "reinspect_pass", "reinspect_fail", "approve_close", "refuse_close"}),
    "approvers": frozenset({"approve_close", "refuse_close"}),
    "master": frozenset({"mark_duplicate"}),
    "assignee": frozenset({"assign"}),
    "second": frozenset({"reject", "cancel", "reinspect_pass", "reinspect_fail"}),
    "rung": frozenset({"take_up"}),
    "clause": frozenset({"regrade"}),
}
