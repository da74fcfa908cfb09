"""Hazards as people and programs read them: one statement for one hazard or a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.case import OVERDUE
from models.clock import local
from models.enumerations import (
    ENDED,
    CaseKind,
    Clock,
    Field,
    Grade,
    HazardState,
    InterimControl,
    ListingLevel,
    Nature,
    PlaceKind,
    PostKind,
    RecurrenceKind,
    SlaClass,
    Source,
    Threat,
)
from statemachines.errors import NoSuchCase
from statemachines.timers import running
from web.caller import Caller, post_name, seat_of
from web.order import Column, moment, ordered
from web.problem import Problem
from web.words import literally

OPEN = tuple(state for state in HazardState if state not in ENDED)


class PlaceOfHazard(BaseModel):
    code: str
    name: str
    kind: PlaceKind
    village: str
    village_name: str
    address: str | None


class HazardView(BaseModel):
    """A hazard. Times are RFC 3339 with the offset of the township's zone; money is in yuan.

    `due_at` is the unit's limit for rectification; `move` is the step that the case waits for now, due at `move_due_at`, and
    `overdue` says that this time has passed. `pending` are the codes of what was asked about it and isn't decided yet, and of a listing
    that stands. Posts, places, villages and teams are given by code. `source` is null, whatever it is, for those who may not know of
    public reports.
    """

    model_config = ConfigDict(title="Hazard", json_schema_extra={"description": "A hazard (隐患)."})
    code: str
    place: PlaceOfHazard
    state: HazardState
    version: int
    round: int
    grade: Grade
    sla_class: SlaClass
    field: Field
    threat: Threat
    nature: Nature
    source: Source | None
    item: str | None
    description: str
    exact_location: str
    measure: str | None
    legal_basis: list[str]
    found_at: datetime
    found_by: str
    campaign: str | None
    responsible_post: str | None
    supervising_team: str | None
    approver_post: str | None
    assigned_at: datetime | None
    acknowledged_at: datetime | None
    due_at: datetime | None
    original_due_at: datetime | None
    campaign_capped: bool
    beyond_campaign: bool
    due_estimated: bool
    submitted_at: datetime | None
    submitted_by: str | None
    submitted_text: str | None
    on_spot: bool
    verified_at: datetime | None
    reinspected_by: list[str]
    closed_at: datetime | None
    closed_by: str | None
    move: Clock | None
    move_due_at: datetime | None
    overdue: bool
    escalation_level: int
    interim_control: InterimControl
    interim_at: datetime | None
    interim_until: datetime | None
    interim_post: str | None
    interim_kept: bool
    needs_gov_coordination: bool
    stop_scope: str | None
    fund_planned: Decimal | None
    fund_actual: Decimal | None
    listing: ListingLevel
    recurrence_of: str | None
    recurrence_count: int
    recurrence_kind: RecurrenceKind | None
    root_cause: str | None
    duplicate_of: str | None
    extension_count: int
    pending: list[str]
    returned_count: int
    failed_count: int
    district_consent_no: str | None
    plan: dict[str, Any] | None
    confidentiality: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A hazard with what pages show beside it and programs don't need: ids, names of posts and people."""

    id: int
    view: HazardView
    village_name: str
    team_name: str | None
    responsible_name: str | None
    approver_name: str | None
    submitted_person: str | None
    reinspected_people: tuple[str, ...]
    closed_person: str | None
    found_person: str
    place_lat: float | None
    place_lon: float | None
    place_phone: str | None

    @property
    def people(self) -> list[str | None]:
        """The keys of everybody whom the hazard names."""
        return [self.found_person, self.submitted_person, self.closed_person, *self.reinspected_people]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which hazards of those in reach; every filter that is set must hold. `level`: escalated so high at least; `to`: the key of a
    person to whom an escalation of it was told."""

    states: Sequence[HazardState] = ()
    grade: Grade | None = None
    village: str | None = None
    team: str | None = None
    kind: PlaceKind | None = None
    place: str | None = None
    overdue: bool | None = None
    due_before: datetime | None = None
    q: str | None = None
    also: str = "true"
    asked: dict[str, Any] = field(default_factory=dict)
    level: int | None = None
    to: str | None = None


# Names are looked up row by row: a join of a dozen tables takes longer to plan than to run.
COLUMNS = f"""
    c.id, c.code, c.state, c.version, c.round, c.grade, c.level, c.opened_at, c.due_at as move_due_at, c.ended_at, h.*,
    p.code as place, p.name as place_name, p.kind as place_kind, p.address, p.lat as place_lat, p.lon as place_lon, p.phone as place_phone,
    (select array[code, name] from unit where id = c.village_id) as village,
    (select array[code, name] from unit where id = c.team_id) as team,
    (select code from campaign where id = c.campaign_id) as campaign,
    {seat_of("c.responsible_post_id")} as responsible, {seat_of("c.approver_post_id")} as approver,
    (select code from cases where id = h.recurrence_of_id) as recurrence_of,
    (select code from cases where id = h.duplicate_of_id) as duplicate_of,
    array(select code from cases where parent_id = c.id and ended_at is null and kind <> 'duty' order by id) as pending
"""
ORDERS = {
    "due": moment("c.due_at"), "found": Column("c.opened_at", datetime), "grade": Column("c.grade"), "level": Column("c.level", int),
    "village": Column("coalesce((select code from unit where id = c.village_id), '')"), "place": Column("p.name"),
    "state": Column(f"coalesce(array_position(array{[str(state) for state in HazardState]}, c.state), 0)", int),
}  # fmt: skip
DETAILS = "join hazard h on h.case_id = c.id join place p on p.id = c.place_id"
JOINS = f"from cases c {DETAILS}"


def one(session: Session, caller: Caller, code: str) -> Row:
    """The hazard of this code. Raises NoSuchCase, and Problem 403 where it lies outside of the caller's reach."""
    condition, asked = caller.reach()
    query = text(f"select {COLUMNS}, ({condition}) as in_reach {JOINS} where c.township_id = :township and c.code = :code")
    row = session.execute(query, {**asked, "code": code}).first()
    if row is None:
        raise NoSuchCase(code)
    if not row.in_reach:
        raise Problem(403, "这条隐患不在你的岗位管辖范围内。", "This hazard lies outside of what your posts reach.", reason="reach")
    return _row(row, caller)


def many(
    session: Session, caller: Caller, wanted: Wanted, limit: int, after: str | None = None, *, soonest: bool = False, sort: str = ""
) -> tuple[list[Row], str | None]:
    """A page of hazards and the cursor of the next: newest first, or those whose move is due soonest first, or by a column of ORDERS."""
    condition, asked = _where(caller, wanted)
    order = ordered("hazards", ORDERS, sort, "due" if soonest else "-found", "c.id")
    begins = order.after(after, asked)
    tables = _joins(condition + order.by)
    chosen = f"select c.id {tables} where c.kind = 'hazard' and {condition} and {begins} order by {order.by} limit :limit"
    query = f"select {COLUMNS}, {order.column.sql} as sort from ({chosen}) chosen join cases c using (id) {DETAILS} order by {order.by}"
    found = session.execute(text(query), {**asked, "limit": limit + 1}).all()
    rows = [_row(row, caller) for row in found[:limit]]
    return rows, order.next(found[limit - 1]) if len(found) > limit else None


def count(session: Session, caller: Caller, wanted: Wanted) -> int:
    """How many hazards there are of those."""
    condition, asked = _where(caller, wanted)
    query = f"select count(*) {_joins(condition)} where c.kind = 'hazard' and {condition}"
    return int(session.execute(text(query), asked).scalar_one())


QUEUES = """
select count(*) as open, count(*) filter (where c.state in ('found', 'reopened')) as dispatch,
    count(*) filter (where c.state = 'submitted') as submitted, count(*) filter (where c.state = 'verified') as verified,
    count(*) filter (where c.due_at < :now) as overdue, count(*) filter (where c.due_at >= :now and c.due_at < :tonight) as today,
    count(*) filter (where c.state = 'assigned') as assigned, count(*) filter (where c.state = 'rectifying') as rectifying
{joins} where c.kind = 'hazard' and c.ended_at is null and {condition}
"""


def queues(session: Session, caller: Caller, wanted: Wanted, tonight: datetime) -> dict[str, int]:
    """How many open hazards of those stand in each queue of the ledger."""
    condition, asked = _where(caller, wanted)
    query = QUEUES.format(condition=condition, joins=_joins(condition))
    return dict(session.execute(text(query), {**asked, "tonight": tonight}).one()._mapping)


def _joins(condition: str) -> str:
    """Counting and choosing look at no more tables than the condition does."""
    described = " join hazard h on h.case_id = c.id" if "h." in condition else ""
    placed = " join place p on p.id = c.place_id" if "p." in condition else ""
    return f"from cases c{described}{placed}"


ESCALATED_TO = """c.id in (select case_id from notice where (facts ->> 'level')::int > 0
    and person_id = (select id from person where township_id = :township and key = :to))"""
PLACES = "select id from place where township_id = :township"
SAYS = f"(c.code {{like}} :q or h.description {{like}} :q or c.place_id = any(array({PLACES} and (name {{like}} :q or code {{like}} :q))))"


def _says(q: str) -> str:
    """Chinese has neither capitals nor small letters, and looking for it byte by byte is ten times as fast."""
    return SAYS.format(like="like" if q.lower() == q.upper() else "ilike")


def _where(caller: Caller, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    reach, asked = caller.reach()
    conditions = [reach, wanted.also]
    asked = {**asked, **wanted.asked, "now": caller.now}
    for name, value, condition in (
        ("states", [str(state) for state in wanted.states], "c.state = any(:states)"),
        ("grade", wanted.grade and str(wanted.grade), "c.grade = :grade"),
        ("village", wanted.village, "c.village_id = (select id from unit where township_id = :township and code = :village)"),
        ("team", wanted.team, "c.team_id = (select id from unit where township_id = :township and code = :team)"),
        ("kind", wanted.kind and str(wanted.kind), f"c.place_id in ({PLACES} and kind = :kind)"),
        ("place", wanted.place, f"c.place_id = ({PLACES} and code = :place)"),
        ("due_before", wanted.due_before, "c.ended_at is null and c.due_at < :due_before"),
        ("level", wanted.level, "c.level >= :level"),
        ("to", wanted.to, ESCALATED_TO),
        ("q", wanted.q and f"%{literally(wanted.q)}%", _says(wanted.q or "")),
    ):
        if value:
            asked[name] = value
            conditions.append(condition)
    if wanted.overdue is not None:
        conditions.append(OVERDUE if wanted.overdue else f"not coalesce({OVERDUE}, false)")
    return " and ".join(conditions), asked


def _row(row: Any, caller: Caller) -> Row:
    return Row(
        row.id, _view(row, caller), row.village[1], row.team[1] if row.team else None,
        name_of(row.responsible, row.place_name), name_of(row.approver, row.place_name),
        row.submitted_person, tuple(str(party.get("person", "")) for party in row.reinspected_by), row.closed_person, row.found_person,
        row.place_lat, row.place_lon, row.place_phone,
    )  # fmt: skip


def name_of(post: Mapping[str, str] | None, place_name: str | None) -> str | None:
    """The post as people say it; an enterprise's is called after the place."""
    if post is None:
        return None
    own = place_name and post["kind"] == PostKind.enterprise_principal
    return f"{place_name}负责人" if own else post_name(post["kind"], post["unit_kind"], post["unit"])


def _view(row: Any, caller: Caller) -> HazardView:
    state, now = HazardState(row.state), caller.now
    named = row._mapping
    same = {name: named[name] for name in SAME}
    times = {name: named[name] and local(named[name]) for name in TIMES}
    village, village_name = row.village
    place = PlaceOfHazard(
        code=row.place, name=row.place_name, kind=row.place_kind, village=village, village_name=village_name, address=row.address
    )
    return HazardView(
        **same, **times, place=place, state=state, source=row.source if caller.reads_reports else None, exact_location=row.location,
        found_by=row.found_post, submitted_by=row.submitted_post, closed_by=row.closed_post,
        reinspected_by=[str(party.get("post", "")) for party in row.reinspected_by],
        responsible_post=row.responsible and row.responsible["code"], approver_post=row.approver and row.approver["code"],
        supervising_team=row.team and row.team[0], escalation_level=row.level, move=next(iter(running(CaseKind.hazard, state)[-1:]), None),
        overdue=row.ended_at is None and row.move_due_at is not None and row.move_due_at < now,
    )  # fmt: skip


OTHERWISE = frozenset(
    {"place", "state", "source", "exact_location", "found_by", "submitted_by", "closed_by", "reinspected_by", "supervising_team"}
    | {"responsible_post", "approver_post", "escalation_level", "move", "overdue"}
)
TIMES = tuple(name for name, each in HazardView.model_fields.items() if "datetime" in str(each.annotation))
SAME = tuple(name for name in HazardView.model_fields if name not in OTHERWISE and name not in TIMES)
