"""Cases that aren't hazards, as people and programs read them: extensions, appeals, transfers, listings, duty runs, public reports.

Each is read by one statement made of what every case has and of what only its kind has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.case import OVERDUE
from models.clock import local
from models.enumerations import (
    STATES,
    AppealState,
    CaseKind,
    Clock,
    DutyState,
    DutyTask,
    EvidenceKind,
    ExtensionState,
    Grade,
    ListingLevel,
    ListingState,
    ReasonCode,
    ReportChannel,
    ReportState,
    TransferState,
    Verdict,
)
from statemachines.load import TABLES
from statemachines.timers import running
from web import cursor, hazard, step
from web.caller import Caller, seat_of
from web.problem import Problem


class CaseView(BaseModel):
    """What every case has. `move` is what it waits for now, due at `move_due_at`; `hazard` the hazard that it is about or became."""

    kind: CaseKind
    code: str
    version: int
    hazard: str | None
    place: str | None
    place_name: str | None
    village: str | None
    grade: Grade
    responsible_post: str | None
    approver_post: str | None
    opened_at: datetime
    ended_at: datetime | None
    move: Clock | None
    move_due_at: datetime | None
    overdue: bool
    escalation_level: int


class ExtensionView(CaseView):
    """延期申请. `due_before` is the hazard's limit when more time was asked for; it goes on until `granted_due` replaces it."""

    model_config = ConfigDict(title="Extension")
    state: ExtensionState
    number: int
    reason: ReasonCode
    statement: str
    interim_measures: str
    requested_due: datetime
    due_before: datetime
    applied_by: str
    granted_due: datetime | None
    decided_at: datetime | None
    decided_by: str | None


class AppealView(CaseView):
    """申诉: the office gives its `opinion`, then it is decided."""

    model_config = ConfigDict(title="Appeal")
    state: AppealState
    statement: str
    applied_by: str
    opinion: str | None
    opined_by: str | None
    decided_at: datetime | None
    decided_by: str | None


class TransferView(CaseView):
    """移送 to `recipient`, another authority; `reply` is what it answered."""

    model_config = ConfigDict(title="Transfer")
    state: TransferState
    recipient: str
    statement: str
    letter_no: str | None
    sent_by: str
    replied_at: datetime | None
    reply: str | None
    reply_no: str | None


class ListingView(CaseView):
    """挂牌督办. `treat_by` is the day by which the treatment is to be complete."""

    model_config = ConfigDict(title="Listing")
    state: ListingState
    level: ListingLevel
    statement: str
    proposed_by: str
    notice_no: str | None
    treat_by: date | None
    listed_at: datetime | None
    listed_by: str | None
    progress_at: datetime | None
    delist_asked_at: datetime | None
    delist_asked_by: str | None
    delisted_at: datetime | None


class DutyView(CaseView):
    """One run of a duty, or a task. `duty` is its definition's code, null for a task; `wanted` the evidence without which it isn't done.

    It can be done from `opens_at` until `closes_at`; done after `due_at` it is `late`.
    """

    model_config = ConfigDict(title="DutyRun")
    state: DutyState
    task: DutyTask
    title: str
    duty: str | None
    pack: str | None
    period_start: date
    occasion: str | None
    leader: bool
    opens_at: datetime
    due_at: datetime
    closes_at: datetime
    wanted: list[EvidenceKind]
    late: bool
    done_at: datetime | None
    done_by: str | None
    note: str | None
    inspection: str | None
    ended_by: str | None


class ReportView(CaseView):
    """群众举报, without who reported it; `identity_given` says whether the office head can read that."""

    model_config = ConfigDict(title="PublicReport")
    state: ReportState
    channel: ReportChannel
    said_place: str | None
    description: str
    people_in_danger: bool
    identity_given: bool
    verified_at: datetime | None
    verified_by: str | None
    answer: str | None
    answered_at: datetime | None
    answered_by: str | None
    verdict: Verdict | None
    verdict_at: datetime | None


VIEWS: Mapping[CaseKind, type[CaseView]] = {
    CaseKind.extension: ExtensionView, CaseKind.appeal: AppealView, CaseKind.transfer: TransferView, CaseKind.listing: ListingView,
    CaseKind.duty: DutyView, CaseKind.report: ReportView,
}  # fmt: skip
# The trigger of a hazard by which each of these is asked for.
ASKED_BY: Mapping[CaseKind, str] = {
    CaseKind.extension: "request_extension", CaseKind.appeal: "appeal", CaseKind.transfer: "transfer", CaseKind.listing: "list_supervision",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A case with what pages show beside it and programs don't need: ids, names of village and posts."""

    id: int
    view: Any
    village_name: str | None
    responsible_name: str | None
    approver_name: str | None
    sort: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases of a kind, of those in reach; every filter that is set must hold. `pending`: not ended; `owner`: the responsible post."""

    states: Sequence[str] = ()
    pending: bool | None = None
    overdue: bool | None = None
    hazard: str | None = None
    place: str | None = None
    village: str | None = None
    owner: str | None = None
    also: str = "true"
    asked: dict[str, Any] = field(default_factory=dict)


ABOUT = "(select code from cases where id = c.parent_id) as hazard"
OWN: Mapping[CaseKind, str] = {
    CaseKind.extension: f"""{ABOUT}, x.number, x.reason, x.statement, x.interim_measures, x.requested_due, x.due_before,
        x.applicant_post as applied_by, x.granted_due, x.decided_at, x.decided_post as decided_by""",
    CaseKind.appeal: f"""{ABOUT}, x.statement, x.applicant_post as applied_by, x.opinion, x.opined_post as opined_by, x.decided_at,
        x.decided_post as decided_by""",
    CaseKind.transfer: f"{ABOUT}, x.recipient, x.statement, x.letter_no, x.sent_post as sent_by, x.replied_at, x.reply, x.reply_no",
    CaseKind.listing: f"""{ABOUT}, x.level, x.statement, x.proposed_post as proposed_by, x.notice_no, x.treat_by, x.listed_at,
        x.listed_post as listed_by, x.progress_at, x.delist_asked_at, x.delist_post as delist_asked_by, x.delisted_at""",
    CaseKind.duty: f"""{ABOUT}, x.task, x.title, x.period as period_start, x.occasion, x.leader, x.opens_at, x.due_at, x.closes_at,
        x.wanted, coalesce(x.done_at > x.due_at, false) as late, x.done_at, x.done_post as done_by, x.note, x.ended_post as ended_by,
        (select code from duty where id = x.duty_id) as duty, (select pack from duty where id = x.duty_id) as pack,
        (select code from inspection where id = x.inspection_id) as inspection""",
    CaseKind.report: """(select code from cases where id = x.hazard_id) as hazard, x.channel, x.said_place, x.description,
        c.grade = 'major' as people_in_danger, exists (select from reporter where case_id = c.id) as identity_given, x.verified_at,
        x.verified_post as verified_by, x.answer, x.answered_at, x.answered_post as answered_by, x.verdict, x.verdict_at""",
}  # fmt: skip
QUERY = f"""
select c.id, c.kind, c.code, c.state, c.version, c.grade, c.opened_at, c.ended_at, c.due_at as move_due_at, c.level as escalation_level,
    p.code as place, p.name as place_name, (select array[code, name] from unit where id = c.village_id) as village_and_name,
    {seat_of("c.responsible_post_id")} as responsible, {seat_of("c.approver_post_id")} as approver, {{own}}, {{more}}
from cases c join {{table}} x on x.case_id = c.id left join place p on p.id = c.place_id
where {{condition}}
"""


def find(session: Session, caller: Caller, kind: CaseKind, code: str) -> Row | hazard.Row:
    """The case of this kind and code, a hazard too. Raises NoSuchCase or Problem 404, and Problem 403 where it lies out of reach."""
    return hazard.one(session, caller, code) if kind == CaseKind.hazard else one(session, caller, kind, code)


def one(session: Session, caller: Caller, kind: CaseKind, code: str) -> Row:
    """The case of this kind and code. Raises Problem 404, and 403 where it lies outside of the caller's reach."""
    reach, asked = caller.reach()
    query = _query(kind, f"({reach}) as in_reach, c.opened_at as sort", "c.township_id = :township and c.code = :code")
    row = session.execute(text(query), {**asked, "code": code}).first()
    if row is None:
        raise Problem(404, f"没有编号为“{code}”的{kind.zh}。", f"There is no {kind.en} {code!r}.")
    if not row.in_reach:
        raise Problem(403, f"这件{kind.zh}不在你的岗位管辖范围内。", f"This {kind.en} is out of your posts' reach.", reason="reach")
    return _row(row, caller.now)


def many(
    session: Session, caller: Caller, kind: CaseKind, wanted: Wanted, limit: int, after: str | None = None, *, soonest: bool = False
) -> tuple[list[Row], str | None]:
    """A page of cases of a kind and the cursor of the next: newest first, or those whose move is due soonest first."""
    condition, asked = _where(caller, wanted)
    key = "coalesce(c.due_at, 'infinity'::timestamptz)" if soonest else "c.opened_at"
    sign, order = (">", "asc") if soonest else ("<", "desc")
    if after:
        asked["after_moment"], asked["after_id"] = cursor.read(f"{kind} {order}", after)
        condition += f" and ({key}, c.id) {sign} (:after_moment, :after_id)"
    query = _query(kind, f"least({key}, '9999-01-01') as sort", f"{condition} order by {key} {order}, c.id {order} limit :limit")
    found = session.execute(text(query), {**asked, "limit": limit + 1}).all()
    rows = [_row(row, caller.now) for row in found[:limit]]
    return rows, cursor.write(f"{kind} {order}", rows[-1].sort, rows[-1].id) if len(found) > limit else None


def _query(kind: CaseKind, more: str, condition: str) -> str:
    return QUERY.format(own=OWN[kind], table=TABLES[kind], more=more, condition=condition)


UNIT = "(select id from unit where township_id = :township and code = :village)"
POST = "(select id from post where township_id = :township and code = :owner)"
HAZARD = "(select id from cases where township_id = :township and code = :hazard)"


def _where(caller: Caller, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    reach, asked = caller.reach()
    conditions, asked = [reach, wanted.also], {**asked, **wanted.asked, "now": caller.now}
    for name, value, condition in (
        ("states", [str(state) for state in wanted.states], "c.state = any(:states)"),
        ("hazard", wanted.hazard, f"c.parent_id = {HAZARD}"),
        ("place", wanted.place, "p.code = :place"),
        ("village", wanted.village, f"c.village_id = {UNIT}"),
        ("owner", wanted.owner, f"c.responsible_post_id = {POST}"),
    ):
        if value:
            asked[name] = value
            conditions.append(condition)
    if wanted.pending is not None:
        conditions.append("c.ended_at is null" if wanted.pending else "c.ended_at is not null")
    if wanted.overdue is not None:
        conditions.append(OVERDUE if wanted.overdue else f"not coalesce({OVERDUE}, false)")
    return " and ".join(conditions), asked


def _row(row: Any, now: datetime) -> Row:
    village = row.village_and_name or (None, None)
    names = (hazard.name_of(row.responsible, row.place_name), hazard.name_of(row.approver, row.place_name))
    return Row(row.id, _view(row, village[0], now), village[1], *names, row.sort)


def _view(row: Any, village: str | None, now: datetime) -> CaseView:
    kind = CaseKind(row.kind)
    state = STATES[kind](row.state)
    worked_out = {
        "village": village, "state": state, "move": next(iter(running(kind, state)[-1:]), None),
        "responsible_post": row.responsible and row.responsible["code"], "approver_post": row.approver and row.approver["code"],
        "overdue": row.ended_at is None and row.move_due_at is not None and row.move_due_at < now,
    }  # fmt: skip
    read = {name: _local(row._mapping[name]) for name in VIEWS[kind].model_fields if name not in worked_out}
    return VIEWS[kind](**read, **worked_out)


def _local(value: Any) -> Any:
    return local(value) if isinstance(value, datetime) else value


NEWEST = text("""
select c.code from cases c join cases h on h.id = c.parent_id
where h.township_id = :township and h.code = :hazard and c.kind = :kind order by c.id desc limit 1
""")


def ask(
    session: Session, caller: Caller, kind: CaseKind, about: str, facts: Mapping[str, Any], *, post: str | None, version: int | None
) -> Row:
    """Asks for something about a hazard by the hazard's own trigger; gives the case that this opened. Raises what `step.take` raises."""
    hazard.one(session, caller, about)
    step.take(session, caller, about, ASKED_BY[kind], facts, post=post, version=version)
    code = session.execute(NEWEST, {"township": caller.township_id, "hazard": about, "kind": kind}).scalar_one()
    return one(session, caller, kind, code)
