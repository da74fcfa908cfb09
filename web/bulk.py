"""Many hazards in one go: what a step would do to each, and then each by itself through the one door; a refusal leaves the rest alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import Grade
from statemachines.errors import LawError, NoSuchCase, Stale
from web import forms, hazard, step
from web.caller import Caller
from web.english import either
from web.house import House
from web.problem import Problem, problem_of

AT_MOST = 100
PICKED_NONE = ("还没有选择隐患，请先勾选。", "No hazard was picked.")
TOO_MANY = (f"一次最多办理 {AT_MOST} 条，请分几次办。", f"{AT_MOST} hazards at most at a time.")
MAJOR_ALONE = ("重大隐患须逐条审批。", "A major hazard is decided by itself.")


@dataclass(frozen=True, slots=True)
class Pick:
    """A hazard as it stood when it was picked."""

    code: str
    version: int


@dataclass(frozen=True, slots=True)
class Fate:
    """What the step does to one hazard, or would do; `refusal` says why not, in Chinese. `told`: the names of who hears of it."""

    code: str
    version: int
    row: hazard.Row | None
    refusal: str = ""
    due_at: datetime | None = None
    told: tuple[str, ...] = ()


def picks(said: Sequence[str]) -> list[Pick]:
    """What a form has picked, each as `code:version`. Raises Problem 422 for none, too many, and what isn't a pick."""
    found = list(dict.fromkeys(said))
    if not found:
        raise Problem(422, *PICKED_NONE, reason="pick")
    if len(found) > AT_MOST:
        raise Problem(422, *TOO_MANY, reason="pick")
    return [_pick(each) for each in found]


def _pick(said: str) -> Pick:
    code, _, version = said.rpartition(":")
    if not (code and version.isascii() and version.isdigit() and len(version) < 10):
        raise Problem(422, "页面内容不完整，请刷新后再选。", "The form is incomplete: reload the page.", reason="pick")
    return Pick(code, int(version))


NEWEST_NOTICE = text("select coalesce(max(id), 0) from notice where case_id = :id")
TOLD = text("""
select distinct person.label from notice join person on person.id = person_id
where case_id = :id and notice.id > :before order by person.label
""")


def rehearse(session: Session, caller: Caller, trigger: str, wanted: Sequence[Pick], facts: Mapping[str, Any]) -> list[Fate]:
    """What would become of each, found by doing it and taking it back."""
    return [_rehearse(session, caller, trigger, pick, facts) for pick in wanted]


def _rehearse(session: Session, caller: Caller, trigger: str, pick: Pick, facts: Mapping[str, Any]) -> Fate:
    attempt = session.begin_nested()
    try:
        before = hazard.one(session, caller, pick.code)
        newest = session.execute(NEWEST_NOTICE, {"id": before.id}).scalar_one()
        _take(session, caller, trigger, pick, facts, before)
        row = hazard.one(session, caller, pick.code)
        told = tuple(session.execute(TOLD, {"id": row.id, "before": newest}).scalars())
        return Fate(pick.code, pick.version, row, due_at=row.view.due_at, told=told)
    except (LawError, Problem) as no:
        return _refused(session, caller, pick, no)
    finally:
        if attempt.is_active:
            attempt.rollback()


def carry_out(house: House, caller: Caller, trigger: str, wanted: Sequence[Pick], facts: Mapping[str, Any], key: str) -> list[Fate]:
    """Does it to each in a transaction of its own; the same key does it once."""
    return [_carry_out(house, caller, trigger, pick, facts, key) for pick in wanted]


def _carry_out(house: House, caller: Caller, trigger: str, pick: Pick, facts: Mapping[str, Any], key: str) -> Fate:
    try:
        with house.transaction() as session:
            before = hazard.one(session, caller, pick.code)

            def do() -> dict[str, Any]:
                return {"version": _take(session, caller, trigger, pick, facts, before)}

            asked = step.digest(pick.code, trigger, facts, pick.version)
            step.once(session, caller, f"{key}:{pick.code}" if key else None, asked, do)
            row = hazard.one(session, caller, pick.code)
            return Fate(pick.code, pick.version, row, due_at=row.view.due_at)
    except (LawError, Problem) as no:
        with house.transaction() as session:
            return _refused(session, caller, pick, no)


def _take(session: Session, caller: Caller, trigger: str, pick: Pick, facts: Mapping[str, Any], row: hazard.Row) -> int:
    """Fires it. A closure is approved with others only where it asks for nothing, and never a major one. Raises what `step.take` does."""
    if trigger == "approve_close" and (row.view.grade == Grade.major or forms.needs_answers(row, trigger)):
        raise Problem(409, *MAJOR_ALONE, reason="alone")
    return step.take(session, caller, pick.code, trigger, facts, post=None, version=pick.version).version


def _refused(session: Session, caller: Caller, pick: Pick, no: LawError | Problem) -> Fate:
    """Why not, with the hazard as it stands now, where there is one within reach."""
    problem = problem_of(no)
    said = "已经有人先办了，请刷新后再看。" if isinstance(no, Stale) else either(problem.detail, problem.detail_en)
    try:
        row = hazard.one(session, caller, pick.code)
    except (NoSuchCase, Problem):
        row = None
    return Fate(pick.code, row.view.version if row else pick.version, row, said)
