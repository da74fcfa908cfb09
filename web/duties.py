"""Duties: their definitions, their runs, and tasks that the office sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import LEADERS, CaseKind, DutyTask, PostKind
from statemachines.duty import set_task as task_of_the_office
from statemachines.guards import NEVER_RESPONSIBLE
from statemachines.load import Acting
from statemachines.step import NewRun
from statemachines.tasks import CLOSES_AFTER
from web import cases, step, when
from web.caller import Caller
from web.cases import Row, Wanted
from web.problem import Problem


@dataclass(frozen=True, slots=True)
class Definition:
    """A duty of the township as it stands now; `body` is the rest of what its file says (docs/duties.md)."""

    code: str
    version: int
    title: str
    pack: str | None
    leader: bool
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pack:
    """A name under which duties belong together."""

    code: str
    title: str
    note: str | None


DEFINITIONS = text("""
select code, version, title, pack, leader, body from (
    select distinct on (code) * from duty where township_id = :township order by code, version desc
) newest where active order by code collate "C"
""")
PACKS = text("select coalesce(rules -> 'duty_packs', '[]') from township where id = :township")


def definitions(session: Session, caller: Caller) -> tuple[list[Definition], list[Pack]]:
    """The township's duties as data, each in its newest version, and their packs."""
    asked = {"township": caller.township_id}
    rows = session.execute(DEFINITIONS, asked)
    packs = session.execute(PACKS, asked).scalar_one()
    return [Definition(*row) for row in rows], [Pack(pack["code"], pack["title"], pack.get("note")) for pack in packs]


@dataclass(frozen=True, slots=True)
class OfDuty:
    """What can be asked of runs beside what can be asked of every case; both days are inclusive, and the township's."""

    task: DutyTask | None = None
    duty: str | None = None
    pack: str | None = None
    due_from: date | None = None
    due_to: date | None = None


def wanted(given: Wanted, of_duty: OfDuty) -> Wanted:
    """The filter for runs that fit both."""
    conditions, asked = [given.also], dict(given.asked)
    for name, value, condition in (
        ("task", of_duty.task and str(of_duty.task), "x.task = :task"),
        ("duty", of_duty.duty, "x.duty_id in (select id from duty where township_id = :township and code = :duty)"),
        ("pack", of_duty.pack, "x.duty_id in (select id from duty where township_id = :township and pack = :pack)"),
        ("due_from", of_duty.due_from and when.start(of_duty.due_from), "x.due_at >= :due_from"),
        ("due_to", of_duty.due_to and when.start(of_duty.due_to, 1), "x.due_at < :due_to"),
    ):
        if value:
            asked[name] = value
            conditions.append(condition)
    return Wanted(
        given.states, given.pending, given.overdue, given.hazard, given.place, given.village, given.owner, " and ".join(conditions), asked
    )


OWNER = text("""
select post.id, post.kind from post where township_id = :township and code = :post and active
""")
PLACE = text("select id from place where township_id = :township and code = :place")


def set_task(
    session: Session, caller: Caller, *, owner_post: str, title: str, due_at: datetime, place: str | None = None,
    wanted: Sequence[str] = (), post: str | None = None,
) -> Row:
    """Sets somebody a task that is done once; they are told. `due_at` is business time.

    Raises NotAllowed but for the office, Problem 422 for an unknown post or place, Refused(due_at) for a time that has passed,
    Refused(exists) where the post has the same task already.
    """  # fmt: skip

    def do(acting: Acting) -> str:
        return _set(session, caller, acting, owner_post, title, due_at, place, wanted)

    return cases.one(session, caller, CaseKind.duty, step.in_turn(session, caller, post, do))


def _set(
    session: Session, caller: Caller, acting: Acting, owner_post: str, title: str, due_at: datetime, place: str | None,
    wanted: Sequence[str],
) -> str:  # fmt: skip
    owner, kind = _owner(session, caller, owner_post)
    run = NewRun(
        owner, title, DutyTask.duty, day_of(caller.now), opens_at=caller.now, due_at=due_at, closes_at=due_at + CLOSES_AFTER,
        wanted=tuple(sorted(set(wanted))), leader=kind in LEADERS, place_id=_place(session, caller, place), occasion=title,
    )  # fmt: skip
    return task_of_the_office(session, acting, run, caller.now, caller.wall)


def _owner(session: Session, caller: Caller, post: str) -> tuple[int, PostKind]:
    row = session.execute(OWNER, {"township": caller.township_id, "post": post}).first()
    if row is None or PostKind(row.kind) in NEVER_RESPONSIBLE:
        raise _unknown("owner_post", f"没有可以承担任务的岗位“{post}”。", f"There is no post {post!r} that could do it.")
    return row.id, PostKind(row.kind)


def _place(session: Session, caller: Caller, place: str | None) -> int | None:
    if place is None:
        return None
    found: int | None = session.execute(PLACE, {"township": caller.township_id, "place": place}).scalar()
    if found is None:
        raise _unknown("place", f"没有编号为“{place}”的场所。", f"There is no place {place!r}.")
    return found


def _unknown(where: str, zh: str, en: str) -> Problem:
    return Problem(422, zh, en, errors=[{"where": where, "message": "unknown"}])
