"""The registry of places as it is read, searched, added to and changed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from models.clock import local
from models.enumerations import Field, PlaceKind, PlaceStatus, PostKind, StartWork
from papers.township.place import CROWDED, NINE_SMALL, usual_field
from statemachines.load import Acting
from statemachines.place_life import Changed, change_place, change_status, same_as_of
from statemachines.registry import trail_of
from statemachines.registry_report import Gaps, Overlaps, matrix_gaps, overlaps
from web import step
from web.caller import Caller
from web.order import Column, ordered
from web.problem import Problem
from web.words import literally

KEEPERS = frozenset({PostKind.office_dispatcher, PostKind.office_head})


class PlaceView(BaseModel):
    """A place of the registry. `open_hazards`: how many of its hazards are still open."""

    model_config = ConfigDict(title="Place")
    code: str
    name: str
    kind: PlaceKind
    status: PlaceStatus
    village: str
    village_name: str
    responsible_post: str
    team: str
    field: Field | None
    market_street: str | None
    also_street_shop: bool
    nine_small: bool
    crowded: bool
    address: str | None
    lat: float | None
    lon: float | None
    phone: str | None
    start_work: StartWork
    open_hazards: int


class PlaceEventView(BaseModel):
    """A line of the place's paper trail: `what` is the column that changed; `case` the case that caused it, if one did."""

    model_config = ConfigDict(title="PlaceEvent")
    seq: int
    what: str
    before: str | None
    after: str | None
    reason: str
    note: str | None
    case: str | None
    post: str
    at: datetime


class PlaceDetail(PlaceView):
    """A place with what only its kind has (a mine's licence, a pond's grade, an opening's seal), and its paper trail, oldest first.

    `same_as`: of a duplicate, the place that it repeats.
    """

    model_config = ConfigDict(title="PlaceDetail")
    details: dict[str, Any]
    same_as: str | None
    trail: list[PlaceEventView]


@dataclass(frozen=True, slots=True)
class Wanted:
    kind: PlaceKind | None = None
    village: str | None = None
    code: str | None = None
    q: str | None = None
    field: Field | None = None


PLACES = """
select p.*, {key} as sort, village.code as village, village.name as village_name, post.code as responsible_post, team.code as team,
    (select count(*) from cases c where c.place_id = p.id and c.kind = 'hazard' and c.ended_at is null) as open_hazards
from place p
join unit village on village.id = p.village_id
join unit team on team.id = p.team_id
join post on post.id = p.responsible_post_id
"""


OPEN_HAZARDS = "(select count(*) from cases c where c.place_id = p.id and c.kind = 'hazard' and c.ended_at is null)"
COLUMNS = {
    "added": Column("p.id", int), "code": Column("p.code"), "name": Column("p.name"), "kind": Column("p.kind"),
    "village": Column("village.code"), "team": Column("team.code"), "status": Column("p.status"), "gate": Column("p.start_work"),
    "open": Column(OPEN_HAZARDS, int),
}  # fmt: skip


def many(
    session: Session, caller: Caller, wanted: Wanted, limit: int, after: str | None = None, *, sort: str = ""
) -> tuple[list[PlaceView], str | None]:
    """Places within reach and the cursor of the next page; in the order of their registration unless `sort` names a column."""
    condition, asked = caller.place_reach()
    for name, value, filtering in (
        ("kind", wanted.kind and str(wanted.kind), "p.kind = :kind"),
        ("village", wanted.village, "village.code = :village"),
        ("code", wanted.code, "p.code = :code"),
        ("field", wanted.field and str(wanted.field), "coalesce(p.field, 'other') = :field"),
        ("q", wanted.q and f"%{literally(wanted.q)}%", "(p.name ilike :q or p.code ilike :q or p.address ilike :q)"),
    ):
        if value:
            asked[name] = value
            condition += f" and {filtering}"
    order = ordered("places", COLUMNS, sort, "added", "p.id")
    key, begins = order.column.sql, order.after(after, asked)
    query = text(f"{PLACES.format(key=key)} where {condition} and {begins} order by {order.by} limit :limit")
    rows = session.execute(query, {**asked, "limit": limit + 1}).all()
    views = [_view(row) for row in rows[:limit]]
    return views, order.next(rows[limit - 1]) if len(rows) > limit else None


def one(session: Session, caller: Caller, code: str) -> PlaceView:
    """Raises Problem 404 for a place that isn't there or not within reach."""
    found, _ = many(session, caller, Wanted(code=code), 1)
    if not found:
        raise Problem(404, f"没有编号为“{code}”的场所。", f"There is no place {code!r}.")
    return found[0]


DETAILS = text("select id, status, details from place where township_id = :township and code = :code")


def whole(session: Session, caller: Caller, code: str) -> PlaceDetail:
    """The place with its details and its paper trail. Raises Problem 404 for a place that isn't there or not within reach."""
    view = one(session, caller, code)
    row = session.execute(DETAILS, {"township": caller.township_id, "code": code}).one()
    same_as = same_as_of(session, row.id) if row.status == PlaceStatus.dup else None
    trail = [_event(event) for event in trail_of(session, caller.township_id, code)]
    return PlaceDetail(**view.model_dump(), details=row.details, same_as=same_as, trail=trail)


def _event(event: Row[Any]) -> PlaceEventView:
    return PlaceEventView(
        seq=event.seq, what=event.what, before=event.before, after=event.after, reason=event.reason, note=event.note,
        case=event.case_code, post=event.post, at=local(event.at),
    )  # fmt: skip


def _view(row: Any) -> PlaceView:
    return PlaceView(**{name: row._mapping[name] for name in PlaceView.model_fields})


# Who answers for a place that says nothing: the village's grid member or secretary, and the team that the rules name for its kind.
ADD = text("""
with village as (select id from unit where township_id = :township and code = :village and kind = 'village'),
answering as (
    select post.id from post left join village on village.id = post.unit_id
    where township_id = :township and active and (
        code = :responsible_post or cast(:responsible_post as text) is null and village.id is not null
            and post.kind in ('grid_member', 'village_secretary'))
    order by post.kind, code limit 1
),
supervising as (
    select unit.id from unit join township on township.id = unit.township_id
    where township.id = :township and unit.kind = 'team'
        and unit.code = coalesce(:team, rules -> 'teams_by_kind' ->> :kind, rules ->> 'default_team')
),
added as (
    insert into place (township_id, code, name, kind, status, village_id, team_id, responsible_post_id, field, market_street,
        also_street_shop, nine_small, crowded, address, lat, lon, phone, start_work, details)
    select :township, :code, :name, :kind, 'active', village.id, supervising.id, answering.id, :field, :market_street,
        :also_street_shop, :nine_small, :crowded, :address, :lat, :lon, :phone, 'allowed', '{}'
    from village, supervising, answering
    returning id
)
select (select count(*) from village) as villages, (select count(*) from answering) as answering,
    (select count(*) from supervising) as supervising, (select count(*) from added) as added
""")


def add(session: Session, caller: Caller, given: dict[str, Any]) -> PlaceView:
    """Registers a place. Raises Problem 403 but for the office, 409 for a code that is taken, 422 for an unknown village or post."""
    if not caller.kinds & KEEPERS:
        raise Problem(403, "场所台账由镇安办维护，你的岗位不能登记场所。", "The office keeps the registry of places.", reason="post")
    kind = given["kind"]
    usual = {"field": usual_field(kind), "nine_small": kind in NINE_SMALL, "crowded": kind in CROWDED}
    optional = dict.fromkeys(("responsible_post", "team", "market_street", "address", "lat", "lon", "phone"))
    asked = {**optional, **usual, **given, "township": caller.township_id}
    try:
        done = session.execute(ADD, {name: str(value) if isinstance(value, str) else value for name, value in asked.items()}).one()
    except IntegrityError as error:
        raise Problem(409, f"场所编号“{given['code']}”已被使用。", "This code is taken.", reason="exists") from error
    if not done.added:
        counted = (("village", done.villages), ("responsible_post", done.answering), ("team", done.supervising))
        missing = [name for name, count in counted if not count]
        wrong = [{"where": name, "message": "unknown"} for name in missing]
        raise Problem(422, f"没有找到：{'、'.join(missing)}。", f"Unknown: {', '.join(missing)}.", errors=wrong)
    return one(session, caller, given["code"])


def set_status(
    session: Session, caller: Caller, code: str, to: str, reason: str, note: str | None = None, same_as: str | None = None, *,
    post: str | None = None,
) -> PlaceDetail:
    """What has become of a place. Raises Problem 404, and what `change_status` raises."""  # fmt: skip
    one(session, caller, code)

    def do(acting: Acting) -> Changed:
        return change_status(session, acting, caller.now, code, to, reason, note, same_as)

    step.in_turn(session, caller, post, do)
    return whole(session, caller, code)


def change(
    session: Session, caller: Caller, code: str, reason: str, note: str | None, changes: Mapping[str, Any], *, post: str | None = None
) -> PlaceDetail:
    """Changes what the registry says of a place. Raises Problem 404, and what `change_place` raises."""
    one(session, caller, code)

    def do(acting: Acting) -> Changed:
        return change_place(session, acting, caller.now, code, reason=reason, note=note, **changes)

    step.in_turn(session, caller, post, do)
    return whole(session, caller, code)


TOKEN = text("""
update place set qr_token = coalesce(qr_token, :fresh) where township_id = :township and code = :code returning qr_token
""")


def qr_token(session: Session, caller: Caller, code: str) -> str:
    """What the place's QR code holds, by which anybody reports a hazard there; made when it is first asked for.

    Raises Problem 403 but for the office, 404 for a place that isn't there.
    """
    if not caller.kinds & KEEPERS:
        raise Problem(403, "场所二维码由镇安办制作。", "The office makes the QR codes of places.", reason="post")
    one(session, caller, code)
    fresh = secrets.token_urlsafe(12)
    return str(session.execute(TOKEN, {"township": caller.township_id, "code": code, "fresh": fresh}).scalar_one())


def report(session: Session, caller: Caller) -> tuple[Overlaps, Gaps]:
    """Who is in several lists at once, and where nobody is responsible. Raises Problem 403 but for who reads the whole township."""
    if not caller.sees_all:
        raise Problem(403, "你的岗位不能查看全镇台账报告。", "Your post doesn't read the whole registry.", reason="reach")
    return overlaps(session, caller.township_id), matrix_gaps(session, caller.township_id, caller.now)
