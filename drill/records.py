"""What a campaign left besides its hazards: inspections, duties, what was asked and ordered, public reports, gates, and the score."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from papers.numbers.kpi import By
from papers.numbers.league import league
from statemachines.coverage import coverage


@dataclass(frozen=True, slots=True)
class DutyKept:
    """One duty, or one kind of task: how many runs were due, and what became of them. `done` in time; `late` done after it was due."""

    title: str
    due: int
    done: int
    late: int
    missed: int
    excused: int


@dataclass(frozen=True, slots=True)
class Ranked:
    """A village of the league, and its points."""

    name: str
    points: float


@dataclass(slots=True)
class Records:
    """`covered` places have been seen inside, `tried` twice in vain; `coverage` counts these half. The rest is by state or by kind.

    `climbed` counts the rungs after due that fired, by kind of case. `duties` are those with the most runs due by now first.
    """

    inspections: int = 0
    by_trigger: dict[str, int] = field(default_factory=dict)
    not_accessible: int = 0
    in_scope: int = 0
    covered: int = 0
    tried: int = 0
    coverage: float | None = None
    duties: list[DutyKept] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)
    appeals: dict[str, int] = field(default_factory=dict)
    transfers: dict[str, int] = field(default_factory=dict)
    listings: dict[str, int] = field(default_factory=dict)
    reports: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, int] = field(default_factory=dict)
    recurrences: dict[str, int] = field(default_factory=dict)
    interim: dict[str, int] = field(default_factory=dict)
    rechecks: dict[str, int] = field(default_factory=dict)
    reopened: int = 0
    gates: dict[str, int] = field(default_factory=dict)
    gate_moves: dict[str, int] = field(default_factory=dict)
    climbed: dict[str, int] = field(default_factory=dict)
    best_village: Ranked | None = None
    worst_village: Ranked | None = None


def read_records(session: Session, township_id: int, now: datetime) -> Records:
    """As of business time `now`."""

    def counts(query: str, **more: Any) -> dict[str, int]:
        rows = session.execute(text(query), {"id": township_id, "now": now, **more})
        return {str(row.name): int(row.n) for row in rows}

    return Records(
        **_inspected(session, township_id), by_trigger=counts(BY_TRIGGER), not_accessible=counts(CLOSED_DOORS).get("n", 0),
        duties=[DutyKept(*row) for row in session.execute(text(DUTIES), {"id": township_id, "now": now})],
        extensions=counts(BY_STATE, kind="extension"), appeals=counts(BY_STATE, kind="appeal"), transfers=counts(BY_STATE, kind="transfer"),
        listings=counts(BY_STATE, kind="listing"), reports=counts(BY_STATE, kind="report"), verdicts=counts(VERDICTS),
        recurrences=counts(RECURRENCES), interim=counts(INTERIM), rechecks=counts(RECHECKS), reopened=counts(REOPENED).get("n", 0),
        gates=counts(GATES), gate_moves=counts(GATE_MOVES), climbed=counts(CLIMBED), **_scored(session, township_id, now),
    )  # fmt: skip


def _inspected(session: Session, township_id: int) -> dict[str, Any]:
    rows = coverage(session, township_id, None, "kind")
    in_scope, covered, tried = (sum(getattr(row, name) for row in rows) for name in ("in_scope", "seen", "tried"))
    inspections = session.execute(text("select count(*) from inspection where township_id = :id"), {"id": township_id}).scalar_one()
    share = round((covered + tried / 2) / in_scope, 4) if in_scope else None
    return {"inspections": inspections, "in_scope": in_scope, "covered": covered, "tried": tried, "coverage": share}


def _scored(session: Session, township_id: int, now: datetime) -> dict[str, Any]:
    ranked = [row for row in league(session, township_id, now, By.village).rows if row.rank is not None]
    named = [Ranked(row.numbers.zh, row.score.points) for row in ranked if row.score.points is not None]
    return {"best_village": next(iter(named), None), "worst_village": next(reversed(named), None)}


BY_TRIGGER = "select trigger as name, count(*) as n from inspection where township_id = :id group by 1 order by 2 desc, 1"
CLOSED_DOORS = "select 'n' as name, count(*) as n from inspection where township_id = :id and result = 'not_accessible'"
BY_STATE = "select state as name, count(*) as n from cases where township_id = :id and kind = :kind group by 1 order by 1"
VERDICTS = """
select verdict as name, count(*) as n from public_report join cases c on c.id = case_id
where c.township_id = :id and verdict is not null group by 1 order by 1
"""
RECURRENCES = """
select recurrence_kind as name, count(*) as n from hazard h join cases c on c.id = h.case_id
where c.township_id = :id and recurrence_kind is not null group by 1 order by 1
"""
EVENTS = "from event join cases c on c.id = event.case_id where c.township_id = :id"
INTERIM = f"select trigger as name, count(*) as n {EVENTS} and trigger in ('order_interim', 'lift_interim') group by 1 order by 1"
REOPENED = f"select 'n' as name, count(*) as n {EVENTS} and trigger = 'reopen'"
CLIMBED = f"""
select c.kind as name, count(*) as n {EVENTS}
    and trigger = 'escalate' and (facts->>'level')::int > 0 and (facts->>'repeat')::int = 0
group by 1 order by 1
"""
RECHECKS = """
select c.state as name, count(*) as n from duty_run run join cases c on c.id = run.case_id
where c.township_id = :id and run.task = 'recheck' group by 1 order by 1
"""
GATES = "select start_work as name, count(*) as n from place where township_id = :id group by 1 order by 1"
GATE_MOVES = """
select after as name, count(*) as n from place_event join place on place.id = place_id
where township_id = :id and what = 'start_work' and before is distinct from after group by 1 order by 1
"""
DUTIES = """
select split_part(run.title, '：', 1) as title, count(*) as due,
    count(*) filter (where c.state = 'done' and run.done_at <= run.due_at),
    count(*) filter (where c.state = 'done' and run.done_at > run.due_at),
    count(*) filter (where c.state = 'missed'), count(*) filter (where c.state = 'excused')
from duty_run run join cases c on c.id = run.case_id
where c.township_id = :id and run.due_at <= :now
group by 1 order by 2 desc, 1
"""
