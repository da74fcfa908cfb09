"""Inspections as they are read and recorded, coverage, and the checklists that are asked from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import local
from models.enumerations import AnswerWord, DocKind, Grade, InspectionResult, InspectionTrigger, PlaceKind, SlaClass, StartWork
from statemachines.coverage import Covered, coverage, uncovered
from statemachines.criteria import graded
from statemachines.inspection import Inspected, record_inspection
from statemachines.load import Acting
from statemachines.officers import PATROLS
from statemachines.registry import ENTERPRISE
from web import cursor, step, when
from web.caller import Caller
from web.problem import Problem

U = TypeVar("U")
LIST = "inspections"


class OfficerView(BaseModel):
    """One who inspected, by post; `certificate` is the number of their enforcement certificate."""

    model_config = ConfigDict(title="Officer")
    post: str
    certificate: str | None


class InspectionView(BaseModel):
    """A visit. `hazards` are those that came of it; `answered` and `failed` count its answers. Who may not know of public
    reports reads the `trigger` of self-checks and patrols alone: one that is hidden among others that aren't would tell."""

    model_config = ConfigDict(title="Inspection")
    code: str
    place: str
    place_name: str
    place_kind: PlaceKind
    village: str
    team: str
    campaign: str | None
    trigger: InspectionTrigger | None
    leader_post: str | None
    officers: list[OfficerView]
    started_at: datetime
    ended_at: datetime | None
    result: InspectionResult
    answered: int
    failed: int
    hazards: list[str]
    paper: DocKind | None
    paper_no: str | None
    unit_signed: bool
    refused_to_sign: bool
    note: str | None
    lat: float | None
    lon: float | None
    recorded_at: datetime
    recorded_by: str


class AnswerView(BaseModel):
    """What was said to one item of one version of a checklist («code@version»); `hazard` is what a failed one became."""

    model_config = ConfigDict(title="Answer")
    item: str
    checklist: str
    text: str | None
    said: AnswerWord
    note: str | None
    fixed_on_spot: bool
    hazard: str | None


class InspectionDetail(InspectionView):
    model_config = ConfigDict(title="InspectionDetail")
    answers: list[AnswerView]


class RecordedView(InspectionDetail):
    """The visit, and how the place's start-work gate stands after it."""

    model_config = ConfigDict(title="RecordedInspection")
    start_work: StartWork


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which inspections of those in reach. `team` and `post`: who inspected, or led it; both days are inclusive."""

    place: str | None = None
    village: str | None = None
    team: str | None = None
    post: str | None = None
    trigger: InspectionTrigger | None = None
    result: InspectionResult | None = None
    first: date | None = None
    last: date | None = None


THEIR_OWN = ENTERPRISE | PATROLS
RECORDED_KIND = "(select kind from post where township_id = i.township_id and code = i.recorded_post)"
QUERY = f"""
select i.*, {RECORDED_KIND} as recorded_kind, p.code as place, p.name as place_name, p.kind as place_kind, i.recorded_post as recorded_by,
    ({{reach}}) as in_reach,
    (select code from unit where id = p.village_id) as village, (select code from unit where id = p.team_id) as team,
    (select code from campaign where id = i.campaign_id) as campaign, who.officers, said.answered, said.failed, said.hazards
from inspection i join place p on p.id = i.place_id
cross join lateral (
    select array_agg(post) as posts,
        jsonb_agg(jsonb_build_object('post', post, 'certificate', certificate) order by person = i.recorded_person desc, person) as officers
    from officer where inspection_id = i.id
) who
cross join lateral (
    select count(*) as answered, count(*) filter (where said = 'no') as failed,
        coalesce(array_agg(cases.code order by cases.id) filter (where cases.id is not null), '{{{{}}}}') as hazards
    from answer left join cases on cases.id = hazard_id where inspection_id = i.id
) said
where {{condition}}
"""
ANSWERS = text("""
select answer.item, checklist.code || '@' || checklist.version as checklist, answer.said, answer.note, answer.fixed_on_spot,
    (select code from cases where id = answer.hazard_id) as hazard,
    (select each ->> 'text' from jsonb_array_elements(checklist.body -> 'items') each where each ->> 'code' = answer.item limit 1) as text
from answer join checklist on checklist.id = answer.checklist_id
where inspection_id = :id order by checklist.code collate "C", answer.item collate "C"
""")
INSPECTED_BY = """exists (
    select from post join unit on unit.id = post.unit_id
    where post.township_id = :township and post.code = any(who.posts) and unit.code = :team)"""


def many(
    session: Session, caller: Caller, wanted: Wanted, limit: int, after: str | None = None
) -> tuple[list[InspectionView], str | None]:
    """A page of the inspections of places within reach, the newest first, and the cursor of the next."""
    reach, asked = caller.place_reach()
    conditions = ["i.township_id = :township", reach]
    if wanted.trigger and not caller.reads_reports:
        asked["their_own"] = list(THEIR_OWN)
        conditions.append(f"{RECORDED_KIND} = any(:their_own)")
    for name, value, condition in _filters(wanted):
        if value:
            asked[name] = value
            conditions.append(condition)
    if after:
        asked["after_moment"], asked["after_id"] = cursor.read(LIST, after)
        conditions.append("(i.started_at, i.id) < (:after_moment, :after_id)")
    query = QUERY.format(reach=reach, condition=" and ".join(conditions)) + " order by i.started_at desc, i.id desc limit :limit"
    rows = session.execute(text(query), {**asked, "limit": limit + 1}).all()
    views = [InspectionView(**_read(row, caller)) for row in rows[:limit]]
    return views, cursor.write(LIST, rows[limit - 1].started_at, rows[limit - 1].id) if len(rows) > limit else None


def _filters(wanted: Wanted) -> tuple[tuple[str, Any, str], ...]:
    return (
        ("place", wanted.place, "p.code = :place"),
        ("village", wanted.village, "p.village_id = (select id from unit where township_id = :township and code = :village)"),
        ("team", wanted.team, INSPECTED_BY),
        ("post", wanted.post, "(:post = any(who.posts) or i.leader_post = :post)"),
        ("trigger", wanted.trigger and str(wanted.trigger), "i.trigger = :trigger"),
        ("result", wanted.result and str(wanted.result), "i.result = :result"),
        ("first", wanted.first and when.start(wanted.first), "i.started_at >= :first"),
        ("last", wanted.last and when.start(wanted.last, 1), "i.started_at < :last"),
    )


def one(session: Session, caller: Caller, code: str) -> InspectionDetail:
    """An inspection with its answers. Raises Problem 404, and 403 for a place outside of the caller's reach."""
    reach, asked = caller.place_reach()
    query = QUERY.format(reach=reach, condition="i.township_id = :township and i.code = :code")
    row = session.execute(text(query), {**asked, "code": code}).first()
    if row is None:
        raise Problem(404, f"没有编号为“{code}”的检查记录。", f"There is no inspection {code!r}.")
    if not row.in_reach:
        raise Problem(403, "这次检查的场所不在你的岗位管辖范围内。", "Its place lies outside of what your posts reach.", reason="reach")
    answers = [AnswerView(**answer) for answer in session.execute(ANSWERS, {"id": row.id}).mappings()]
    return InspectionDetail(**_read(row, caller), answers=answers)


def _read(row: Row[Any], caller: Caller) -> dict[str, Any]:
    read = {name: row._mapping[name] for name in InspectionView.model_fields}
    if not caller.reads_reports and row.recorded_kind not in THEIR_OWN:
        read["trigger"] = None
    return {name: local(value) if isinstance(value, datetime) else value for name, value in read.items()}


def record(session: Session, caller: Caller, facts: Mapping[str, Any], *, post: str | None) -> RecordedView:
    """Records a visit; what failed becomes hazards. Raises what `record_inspection` raises, and Problem 403."""

    def do(acting: Acting) -> Inspected:
        return record_inspection(session, acting, caller.now, wall=caller.wall, facts=facts)

    done = step.in_turn(session, caller, post, do)
    return RecordedView(**one(session, caller, done.code).model_dump(), start_work=done.gate)


# How much has been seen

CAMPAIGN = text("""
select id, code from campaign where township_id = :township
order by starts_at <= :now desc, deadline >= :now desc, abs(extract(epoch from deadline - :now)) limit 1
""")


def covered(session: Session, caller: Caller, by: str) -> tuple[str | None, list[Covered]]:
    """The campaign's code, and how much of the registry has been seen in it by village, kind or team; a village reads its own row.

    Without a campaign, how much has ever been seen. Raises Problem 403, and Refused(by).
    """
    campaign = session.execute(CAMPAIGN, {"township": caller.township_id, "now": caller.now}).first()
    rows = coverage(session, caller.township_id, campaign.id if campaign else None, by)
    return campaign.code if campaign else None, own(caller, by, [(row.code, row) for row in rows])


def own(caller: Caller, by: str, rows: Sequence[tuple[str, U]]) -> list[U]:
    """Of rows by their units' codes those that the caller may read: all, or those of their own villages. Raises Problem 403."""
    if caller.sees_all:
        return [row for _, row in rows]
    villages = caller.villages
    if by != "village" or not villages:
        raise Problem(403, "你的岗位不能查看全镇的统计。", "Your post doesn't read the whole township's figures.", reason="reach")
    return [row for code, row in rows if code in villages]


def left_out(
    session: Session, caller: Caller, *, village: str | None, team: str | None, kind: PlaceKind | None, limit: int
) -> list[Row[Any]]:
    """The places in scope that nobody has been inside yet, of those in reach."""
    campaign = session.execute(CAMPAIGN, {"township": caller.township_id, "now": caller.now}).first()
    asked = {"village": village, "team": team, "kind": kind and str(kind), "limit": limit}
    rows = uncovered(session, caller.township_id, campaign.id if campaign else None, **asked)  # type: ignore[arg-type]
    return rows if caller.sees_all else [row for row in rows if row.village in caller.villages]


# Checklists


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it is asked and graded on a day; `kinds` where it is asked, `finding` how a hazard of it is written down."""

    code: str
    text: str
    finding: str
    measure: str
    grade: Grade
    sla_class: SlaClass
    clause: str
    since: date | None
    kinds: tuple[PlaceKind, ...]
    photo: bool


@dataclass(frozen=True, slots=True)
class Checklist:
    code: str
    version: int
    title: str
    items: tuple[Item, ...]


NEWEST = text("""
select code, version, body from (
    select distinct on (code) code, version, body from checklist where township_id = :township order by code, version desc
) newest order by code collate "C"
""")


def checklists(session: Session, caller: Caller, kind: PlaceKind | None = None) -> list[Checklist]:
    """The newest lists with their items as today's criteria grade them; only those asked in a kind of place, where one is named."""
    rows = session.execute(NEWEST, {"township": caller.township_id})
    read = [Checklist(row.code, row.version, row.body["title"], _items(row.body["items"], kind, caller.day)) for row in rows]
    return [each for each in read if each.items]


def _items(items: Sequence[Mapping[str, Any]], kind: PlaceKind | None, day: date) -> tuple[Item, ...]:
    return tuple(_item(item, day) for item in items if kind is None or kind in item["kinds"])


def _item(item: Mapping[str, Any], day: date) -> Item:
    by_rule = graded(item, day)
    kinds = tuple(PlaceKind(kind) for kind in item["kinds"])
    return Item(
        item["code"], item["text"], item["finding"], item["measure"], by_rule.grade, by_rule.sla_class, by_rule.clause, by_rule.since,
        kinds, bool(item.get("photo")),
    )  # fmt: skip
