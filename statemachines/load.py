"""What the law needs to know of a case, read from the database: the case under lock, and only the facts that the guards ask for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlmodel import Session

from models.application import Appeal, Extension, Listing, Transfer
from models.case import Case
from models.clock import day_of
from models.deadlines import Limit, Unit, due_at
from models.duty import DutyRun
from models.enumerations import STATES, CaseKind, Clock, EvidenceKind, Grade, HazardState, InterimControl, PostKind, SlaClass
from models.report import PublicReport
from models.rules import rules_of
from statemachines.criteria import Standing, clause_standing
from statemachines.errors import NoSuchCase, NotAllowed
from statemachines.guards import sensible
from statemachines.situation import Actor, Assignee, Master, Party, Photo, Plan, Situation

SYSTEM = Actor("system", "system", PostKind.system)
REPORTER = Actor("reporter", "reporter", PostKind.reporter)
NOBODYS = {(actor.person, actor.post): actor for actor in (SYSTEM, REPORTER)}


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
    if (acting.person, acting.post) in NOBODYS:
        return Seated(NOBODYS[acting.person, acting.post])
    asked = {"township_id": acting.township_id, "person": acting.person, "post": acting.post, "day": day_of(now)}
    row = session.execute(ACTOR, asked).first()
    if row is None:
        raise NotAllowed(acting.post, "你目前不在这个岗位上，不能以它的名义办理。", "You don't hold this post now.")
    actor = Actor(acting.person, acting.post, PostKind(row.kind), row.unit, row.standing_in_for)
    return Seated(actor, row.id, row.unit_id, row.unit_kind)


ENGINE_COLUMNS = ", ".join(f"c.{name}" for name in Case.model_fields if name != "due_at")
AROUND = """
join township on township.id = c.township_id
left join place on place.id = c.place_id
left join unit team on team.id = c.team_id
left join post responsible on responsible.id = c.responsible_post_id
left join campaign on campaign.id = c.campaign_id
where c.township_id = :township_id and c.code = :code
"""
AROUND_COLUMNS = """township.code as township, township.salt, place.code as place, place.lat, place.lon,
    team.code as team, responsible.code as responsible_post, campaign.deadline as campaign_deadline"""
HAZARD = f"""
select {ENGINE_COLUMNS}, h.*, {AROUND_COLUMNS}, (select code from cases where id = h.recurrence_of_id) as recurrence_of
from cases c join hazard h on h.case_id = c.id {AROUND}
"""
# Of the other kinds: their own columns, and the code of the hazard that they are about.
OWN: dict[CaseKind, type[Any]] = {
    CaseKind.extension: Extension, CaseKind.appeal: Appeal, CaseKind.transfer: Transfer, CaseKind.listing: Listing,
    CaseKind.duty: DutyRun, CaseKind.report: PublicReport,
}  # fmt: skip
TABLES = {CaseKind.hazard: "hazard", **{kind: str(table.__tablename__) for kind, table in OWN.items()}}
RENAMED = {"level": "x.level as level_asked"}


def _query(kind: CaseKind) -> str:
    own = ", ".join(RENAMED.get(name, f"x.{name}") for name in OWN[kind].model_fields if name not in ("case_id", "place_id"))
    return f"""
        select {ENGINE_COLUMNS}, {own}, {AROUND_COLUMNS}, (select code from cases where id = c.parent_id) as parent
        from cases c join {TABLES[kind]} x on x.case_id = c.id {AROUND}
    """


CASES = {CaseKind.hazard: text(HAZARD), **{kind: text(_query(kind)) for kind in OWN}}
# Both rows are locked: who waited for the case alone would read its own columns as they stood before the wait.
LOCKED = {kind: text(f"{query.text} for update of c, {'h' if kind == CaseKind.hazard else 'x'}") for kind, query in CASES.items()}
HAZARDS = text(LOCKED[CaseKind.hazard].text.replace("c.code = :code", "c.code = any(:codes)"))
KIND = text("select kind, parent_id from cases where township_id = :township_id and code = :code")
OTHERS = ("LZ-", "JB-")  # how the codes of duty runs and public reports begin: most likely no hazard, which is asked for first otherwise
LOCK_PARENT = text("select id from cases where id = :id for update")


def load_case(session: Session, township_id: int, code: str, *, lock: bool = True) -> Row[Any]:
    """The case with its kind's own columns in one row, locked until the transaction ends. Raises NoSuchCase.

    The hazard's row is the lock of its whole family: who wants an application of it waits for the hazard first.
    """
    asked = {"township_id": township_id, "code": code}
    queries = LOCKED if lock else CASES
    row = None if code.startswith(OTHERS) else session.execute(queries[CaseKind.hazard], asked).first()
    if row is None:
        known = session.execute(KIND, asked).first()
        if known is None:
            raise NoSuchCase(code)
        if lock and known.parent_id:
            session.execute(LOCK_PARENT, {"id": known.parent_id})
        row = session.execute(queries[CaseKind(known.kind)], asked).one()
    return row


def load_hazards(session: Session, township_id: int, codes: Sequence[str]) -> list[Row[Any]]:
    """Hazards that are known to be there, each locked, in the order of the codes."""
    rows = session.execute(HAZARDS, {"township_id": township_id, "codes": list(codes)})
    by_code = {row.code: row for row in rows}
    return [by_code[code] for code in codes]


def hazard_of(session: Session, case: Row[Any]) -> Row[Any] | None:
    """The hazard that a case is, or is about. Its lock is held already where the case's is."""
    if case.kind == CaseKind.hazard:
        return case
    return load_case(session, case.township_id, case.parent, lock=False) if case.parent else None


APPLICATIONS = frozenset({CaseKind.extension, CaseKind.appeal, CaseKind.transfer, CaseKind.listing})


def situation(
    session: Session,
    case: Row[Any],
    hazard: Row[Any] | None,
    seated: Seated,
    trigger: str,
    now: datetime,
    facts: Mapping[str, Any],
    *,
    consequence: bool = False,
) -> Situation:
    """The question put to the law. `trigger` "" asks for everything (what may this actor do?).

    `hazard` is the case itself or what it is about; a duty and a public report stand for themselves.
    """
    asked = Asked(session, case, seated, trigger, now, facts)
    kind = CaseKind(case.kind)
    if kind == CaseKind.hazard:
        known = {**_standing(case, seated, facts), **_loaded(asked, case)}
    elif kind in APPLICATIONS and hazard is not None:
        known = {**_standing(hazard, seated, facts), **_loaded(asked, hazard), **_application(asked, hazard)}
    else:
        known = {**_alone(asked), **(_run(asked) if kind == CaseKind.duty else _report(asked))}
    if asked.wants(TAKEN_UP):
        known |= _rung(session, case, seated)
    known |= {"state": STATES[kind](case.state), "code": case.code, "round": case.round, "consequence": consequence}
    return Situation(trigger, seated.actor, now, facts, trigger == "", **known)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks what about which case."""

    session: Session
    case: Row[Any]
    seated: Seated
    trigger: str
    now: datetime
    facts: Mapping[str, Any]

    def wants(self, triggers: frozenset[str]) -> bool:
        return self.trigger == "" or self.trigger in triggers


TAKEN_UP = frozenset({"take_up"})


def _loaded(asked: Asked, hazard: Row[Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for name, wanted_by in LOADERS.items():
        if asked.wants(wanted_by):
            known |= _LOAD[name](asked.session, hazard, asked.seated, asked.now, asked.facts)
    return known


def _application(asked: Asked, hazard: Row[Any]) -> dict[str, Any]:
    """What an application knows besides the hazard that it is about."""
    case = asked.case
    known: dict[str, Any] = {"hazard_state": HazardState(hazard.state)}
    if case.kind == CaseKind.transfer:
        return known
    away = _stood_in(asked.session, case.id, hazard.id)
    who = "proposed" if case.kind == CaseKind.listing else "applicant"
    known["applicant"] = applicant = _party(getattr(case, f"{who}_person"), getattr(case, f"{who}_post"), away)
    involved = {applicant}
    if case.kind == CaseKind.appeal:
        known["opiner"] = opiner = _party(case.opined_person, case.opined_post, away)
        known["finder"] = finder = _party(hazard.found_person, hazard.found_post, away)
        involved |= {opiner, finder}
    if case.kind == CaseKind.listing:
        asks = _party(case.delist_person, case.delist_post, away)
        involved |= {asks}
        known["applicants"] = frozenset(party for party in involved if party)
    if case.kind == CaseKind.extension:
        known["requested_due"] = case.requested_due
    people = _people_of(asked.session, hazard.responsible_post_id, hazard.assigned_at or asked.now, asked.now)
    people |= _link_makers(asked.session, hazard)
    called = {"called": case.approver_post_id}
    eligible = _eligible(asked.session, DECIDERS, case.id, called, involved, people, hazard.responsible_post, asked.now)
    known["approver_posts"] = frozenset(row.code for row in eligible)
    return known


def _alone(asked: Asked) -> dict[str, Any]:
    """What is to be known of a case that stands for itself."""
    case = asked.case
    return {
        "place": case.place or "", "grade": Grade(case.grade), "responsible_post": case.responsible_post, "team": case.team,
        "in_reach": case.village_id is None or _in_reach(case, asked.seated),
    }  # fmt: skip


def _run(asked: Asked) -> dict[str, Any]:
    case, session = asked.case, asked.session
    above = session.execute(ABOVE, {"owner": case.responsible_post_id, "post": asked.seated.post_id}).scalar_one()
    return {
        "superior": above, "leader": case.leader, "wanted": frozenset(case.wanted), "barred": frozenset(case.barred),
        "opens_at": case.opens_at, "closes_at": case.closes_at, **_photos(session, case, asked.seated, asked.now, asked.facts),
        "responsible_people": _people_of(session, case.responsible_post_id, case.opens_at, asked.now),
    }  # fmt: skip


ABOVE = text("select exists (select from post_chain where post_id = :owner and ancestor_id = :post and depth > 0)")


def _report(asked: Asked) -> dict[str, Any]:
    known: dict[str, Any] = {"responsible_people": _people_of(asked.session, asked.case.responsible_post_id, asked.now, asked.now)}
    named = {"duplicate_of": asked.facts.get("hazard")}
    return {**known, **_master(asked.session, asked.case, asked.seated, asked.now, named)}


def _standing(case: Row[Any], seated: Seated, facts: Mapping[str, Any]) -> dict[str, Any]:
    plan = {**(case.plan or {}), **(facts.get("plan") or {})}
    return {
        "place": case.place,
        "grade": Grade(case.grade),
        "sla_class": SlaClass(case.sla_class),
        "found_at": case.found_at,
        "finder": Party(case.found_person, case.found_post),
        "due_at": case.due_at,
        "recurrence_count": case.recurrence_count,
        "root_cause": case.root_cause,
        "assigned_at": case.assigned_at,
        "extension_count": case.extension_count,
        "campaign_deadline": case.campaign_deadline,
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
    items: dict[str, Any] = {name: str(said[name]) for name in Plan.__dataclass_fields__ if said.get(name) and name != "filed_at"}
    filed_at = sensible(said.get("filed_at"))
    return Plan(**items, filed_at=filed_at) if items or filed_at else None


def _party(person: str | None, post: str | None, away: Mapping[tuple[str, str], str] | None = None) -> Party | None:
    return Party(person or "", post, (away or {}).get((person or "", post))) if post else None


STOOD_IN = text("""
select distinct person, post, facts ->> 'standing_in_for' as away from event
where case_id = any(:cases) and facts ->> 'standing_in_for' is not null
""")


def _stood_in(session: Session, *cases: int) -> dict[tuple[str, str], str]:
    """For whom somebody in a post stood in when they acted on these cases, as their histories say: it is the absent one's act too."""
    return {(row.person, row.post): row.away for row in session.execute(STOOD_IN, {"cases": list(cases)})}


def _parties(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    away = _stood_in(session, case.id)
    return {
        "finder": _party(case.found_person, case.found_post, away),
        "submitter": _party(case.submitted_person, case.submitted_post, away),
        "recorder": _party(case.recorder_person, case.recorder_post, away),
    }


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
    return {
        "responsible_people": _people_of(session, case.responsible_post_id, case.assigned_at or now, now),
        "link_makers": _link_makers(session, case),
    }


LINK_MAKERS = text("select distinct made_person from owner_link where case_id = :id and post_id = :post_id")


def _link_makers(session: Session, hazard: Row[Any]) -> frozenset[str]:
    """Who made an owner's link for the post that is responsible now, however long ago: it is good again whenever that post answers."""
    return frozenset(session.execute(LINK_MAKERS, {"id": hazard.id, "post_id": hazard.responsible_post_id}).scalars())


def _people_of(session: Session, post_id: int | None, since: datetime, now: datetime) -> frozenset[str]:
    """Everybody who holds the post or has held it since then, and whom they stood in for."""
    asked = {"post_id": post_id, "day": day_of(now), "since": day_of(since)}
    return frozenset(session.execute(RESPONSIBLE_PEOPLE, asked).scalars())


# Who may decide: the posts that are called for, or, where nobody who has nothing to do with the case holds one of them, the nearest above.
ELIGIBLE = """
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
"""

# A closure calls for a post by grade, class and recurrence: what came back is approved one post higher.
CALLS_FOR = """
case when c.grade = 'major' and h.recurrence_count >= 1 then 'party_secretary' when c.grade = 'major' then 'township_head'
    when h.sla_class = 'g30' or h.recurrence_count >= 1 then 'deputy_in_charge' else 'office_head' end
"""
CALLED = """
post.township_id = asked.township_id and post.active and (
    asked.calls_for = 'office_head' and (post.kind = 'office_head' or post.kind = 'station_head' and post.unit_id <> asked.team_id)
    or asked.calls_for <> 'office_head' and post.id = (select case_posts(c, asked.calls_for) from cases c where c.id = asked.id limit 1)
)
"""
APPROVERS = text(f"""
with asked as (
    select c.*, {CALLS_FOR} as calls_for from cases c join hazard h on h.case_id = c.id where c.id = :case_id
),
called as (select post.id from asked join post on {CALLED}),
{ELIGIBLE}
select eligible.id, eligible.code, eligible.depth from eligible, asked
where depth = (select min(depth) from eligible) order by (eligible.kind = asked.calls_for) desc, eligible.code
""")

DECIDERS_OF_A_KIND = text(f"""
with called as (select case_posts(c, :calls_for) as id from cases c where c.id = :case_id),
{ELIGIBLE}
select id, code, depth from eligible where depth = (select min(depth) from eligible) order by code
""")

DECIDERS = text(f"""
with called as (select cast(:called as int) as id),
{ELIGIBLE}
select id, code, depth from eligible where depth = (select min(depth) from eligible) order by code
""")


def _eligible(
    session: Session,
    query: TextClause,
    case_id: int,
    called: Mapping[str, Any],
    parties: Iterable[Party | None],
    people: frozenset[str],
    post: str | None,
    now: datetime,
) -> list[Row[Any]]:
    involved = [party for party in parties if party]
    asked = {
        "case_id": case_id,
        "day": day_of(now),
        "posts": [party.post for party in involved] + ([post] if post else []),
        "persons": [hand for party in involved for hand in party.hands] + list(people),
        **called,
    }
    return list(session.execute(query, asked).all())


def approvers(
    session: Session, case_id: int, parties: set[Party | None], people: frozenset[str], post: str | None, now: datetime
) -> list[Row[Any]]:
    """Posts that may approve this closure under four eyes, the proper one first. `people` and `post` are the responsible unit's."""
    return _eligible(session, APPROVERS, case_id, {}, parties, people, post, now)


def decider_for(
    session: Session, hazard: Row[Any], calls_for: str, parties: set[Party | None], people: frozenset[str], now: datetime
) -> Row[Any] | None:
    """The post that decides an application about a hazard: one of that kind, or the nearest above that has nothing to do with it."""
    called = {"calls_for": calls_for}
    rows = _eligible(session, DECIDERS_OF_A_KIND, hazard.id, called, parties, people, hazard.responsible_post, now)
    return rows[0] if rows else None


def _approver_posts(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    people = _people_of(session, case.responsible_post_id, case.assigned_at or now, now) | _link_makers(session, case)
    did = _parties(session, case, seated, now, facts)
    parties = {did["submitter"], *(Party(**party) for party in case.reinspected_by)}
    if case.on_spot:
        parties |= {did["recorder"], did["finder"]}
    rows = approvers(session, case.id, parties, people, case.responsible_post, now)
    return {"approver_posts": frozenset(row.code for row in rows)}


PENDING = text("""
select c.kind, c.code, coalesce(e.applicant_person, a.applicant_person) as person, coalesce(e.applicant_post, a.applicant_post) as post
from cases c left join extension e on e.case_id = c.id left join appeal a on a.case_id = c.id
where c.parent_id = :id and c.ended_at is null and c.kind in ('extension', 'appeal', 'listing') order by c.id
""")


def pending_of(session: Session, case_id: int) -> list[tuple[CaseKind, str]]:
    """What is open about a hazard besides itself, by code."""
    return [(CaseKind(row.kind), row.code) for row in session.execute(PENDING, {"id": case_id})]


def _pending(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    rows = session.execute(PENDING, {"id": case.id}).all()
    applicants = frozenset(Party(row.person, row.post) for row in rows if row.post)
    return {"pending": frozenset(CaseKind(row.kind) for row in rows), "applicants": applicants}


def _working_days(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Between the assignment, now and the limit, in whole working days."""
    calendar = rules_of(session, case.township_id).calendar
    known = {}
    if case.due_at:
        known["working_days_left"] = calendar.working_days_between(day_of(now), day_of(case.due_at))
    if case.assigned_at:
        known["working_days_since"] = calendar.working_days_between(day_of(case.assigned_at), day_of(now))
    return known


def _longest(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """How far an extension may reach: what the township's limits allow at most, counted from the assignment."""
    if case.assigned_at is None:
        return {}
    rules, grade = rules_of(session, case.township_id), Grade(case.grade)
    most = rules.most(Clock.rectify, grade, SlaClass(case.sla_class), day_of(case.assigned_at)) or LONGEST[grade]
    return {"longest": due_at(case.assigned_at, most, rules.calendar)}


# Where a township sets none: a bureau's supervised hazards at most 60 days (a district's usage), major ones 90 without the district.
LONGEST = {Grade.general: Limit(60, Unit.natural_days), Grade.major: Limit(90, Unit.natural_days)}


def _authority(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the actor may issue enforcement papers: the district, or a team with delegated power (赋权/委托)."""
    teams = rules_of(session, case.township_id).authorised_teams
    return {"authorised": seated.unit_kind == "district" or seated.actor.unit in teams}


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
    and not notice.facts ? 'reminded'
where timer.case_id = :case_id and timer.stopped_at is null and timer.fired > 0
group by timer.id order by timer.fired_at desc limit 1
""")


def rung_told(session: Session, case_id: int, post_id: int | None) -> Row[Any] | None:
    """The last rung that fired, and whether it was addressed to this post."""
    return session.execute(RUNG_TOLD, {"case_id": case_id, "post_id": post_id}).first()


def _rung(session: Session, case: Row[Any], seated: Seated) -> dict[str, Any]:
    row = rung_told(session, case.id, seated.post_id)
    return {"holds_rung": row.told, "taken_up": row.held_rung == row.fired} if row else {}


def _clause(session: Session, case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> dict[str, Any]:
    """An open hazard is judged by the criteria of the day on which it was found, or of today."""
    days = [day_of(case.found_at), day_of(now)]
    standing = clause_standing(session, case.township_id, str(facts.get("clause") or ""), days)
    return {"clause_in_force": standing.holds, "clause_known": standing != Standing.unknown}


_LOAD = {
    "parties": _parties,
    "photos": _photos,
    "people": _responsible_people,
    "approvers": _approver_posts,
    "master": _master,
    "assignee": _assignee,
    "second": _second,
    "clause": _clause,
    "pending": _pending,
    "working_days": _working_days,
    "longest": _longest,
    "authority": _authority,
}
LOADERS: dict[str, frozenset[str]] = {
    "parties": frozenset({"reject", "reinspect_pass", "reinspect_fail", "approve_close", "refuse_close", "appeal"}),
    "photos": frozenset({"fix_on_spot", "acknowledge", "submit"}),
    "people": frozenset({
        "fix_on_spot", "reinspect_pass", "reinspect_fail", "approve_close", "refuse_close", "request_extension", "appeal",
        "lift_interim", "list_supervision", "grant", "decline", "opine", "uphold", "dismiss", "list", "delist",
    }),
    "approvers": frozenset({"approve_close", "refuse_close"}),
    "master": frozenset({"mark_duplicate"}),
    "assignee": frozenset({"assign"}),
    "second": frozenset({"reject", "cancel", "reinspect_pass", "reinspect_fail"}),
    "clause": frozenset({"regrade"}),
    "pending": frozenset({
        "request_extension", "appeal", "list_supervision", "approve_close", "submit", "regrade", "cancel", "mark_duplicate", "transfer",
        "reject", "uphold_appeal", "return_assignment",
    }),
    "working_days": frozenset({"request_extension", "appeal"}),
    "longest": frozenset({"grant"}),
    "authority": frozenset({"order_interim"}),
}  # fmt: skip
