"""Signs of life for whoever watches over the process: no login, no names."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from sqlalchemy import text
from sqlmodel import Session

from models.case import OVERDUE
from models.enumerations import ENDED, HazardState, NoticeState
from notifications.told import latency
from statemachines.watch import KINDS, last
from web.house import house_of

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> Response:
    """The process lives."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
def readyz(request: Request) -> Response:
    """The start has ended, the database answers and has its tables."""
    house = house_of(request)
    progress = house.progress()
    if not progress.ready:
        return JSONResponse({"status": "starting", "step": progress.step, "done": progress.done, "total": progress.total}, 503)
    if not house.reachable():
        return JSONResponse({"status": "database unreachable or not migrated"}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Prometheus text. Overdue, lag, waiting and ages are by business time."""
    house = house_of(request)
    now = house.clock.now()
    with house.transaction() as session:
        lines = [*_lines(session, {"now": now}), *_handed(session, now), *_audit(session, now)]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


STATES = text("select state, count(*) as count from cases where ended_at is null and kind = 'hazard' group by state")
LATE = text(f"select count(*) from cases c where c.kind = 'hazard' and {OVERDUE}")
# What is settled well is not counted here: there are millions of it in time, and `bihuan_handed_over` has the last day's. What is left is
# what the index `notices_to_look_after` holds.
LOOK_AFTER = (
    NoticeState.planned, NoticeState.held, NoticeState.pending, NoticeState.sending, NoticeState.retry, NoticeState.failed,
    NoticeState.unknown,
)  # fmt: skip
NOTICES = text("""
select state, count(*) as count from notice
where state in ('planned', 'held', 'pending', 'sending', 'retry', 'failed', 'unknown') group by state
""")
# Those that wait for a limit, of a channel or a person's own: a queue that grows here wants another robot.
THROTTLED = text("select count(*) from notice where state in ('held', 'pending') and reason in ('channel_limit', 'person_limit')")
DUE = text("""
select count(*) as due, coalesce(extract(epoch from cast(:now as timestamptz) - min(next_at)), 0)::float8 as lag,
    (select count(*) from timer where quarantined_at is not null) as quarantined
from timer where stopped_at is null and quarantined_at is null and next_at <= :now
""")


def _lines(session: Session, asked: dict[str, object]) -> list[str]:
    states = dict(session.execute(STATES).tuples().all())
    notices = dict(session.execute(NOTICES).tuples().all())
    throttled = session.execute(THROTTLED).scalar_one()
    timers = session.execute(DUE, asked).one()
    overdue = session.execute(LATE, asked).scalar_one()
    return [
        *_head("bihuan_open_hazards", "Open hazards by state."),
        *(f'bihuan_open_hazards{{state="{state}"}} {states.get(state, 0)}' for state in HazardState if state not in ENDED),
        *_head("bihuan_overdue_hazards", "Open hazards whose move is overdue."),
        f"bihuan_overdue_hazards {overdue}",
        *_head("bihuan_notices", "Messages on their way, and those that failed or whose fate is unknown, by state."),
        *(f'bihuan_notices{{state="{state}"}} {notices.get(state, 0)}' for state in LOOK_AFTER),
        *_head("bihuan_throttled", "Messages that wait for the limit of a channel or a person."),
        f"bihuan_throttled {throttled}",
        *_head("bihuan_timers_due", "Timers whose next act is due and not yet done."),
        f"bihuan_timers_due {timers.due}",
        *_head("bihuan_oldest_due_lag_seconds", "Business seconds since the oldest of these was due."),
        f"bihuan_oldest_due_lag_seconds {timers.lag:.3f}",
        *_head("bihuan_timers_quarantined", "Timers set aside because they can't be read."),
        f"bihuan_timers_quarantined {timers.quarantined}",
    ]


def _handed(session: Session, now: datetime) -> list[str]:
    took = latency(session, now)
    name = "bihuan_handover_seconds"
    quantiles = [f'{name}{{quantile="{q}"}} {seconds:.3f}' for q, seconds in ((0.5, took.p50), (0.99, took.p99)) if seconds is not None]
    return [
        *_head(name, "Business seconds from when a message may go to when its channel took it, of the last day."),
        *quantiles,
        *_head("bihuan_handed_over", "Messages that channels took in the last day."),
        f"bihuan_handed_over {took.count}",
    ]


def _audit(session: Session, now: datetime) -> list[str]:
    """The last self-audit; nothing before the first one, so that an alert on its absence is possible."""
    audit = last(session)
    if audit is None:
        return []
    found, said = audit.facts["found"], audit.facts
    return [
        *_head("bihuan_watch_age_seconds", "Business seconds since the last self-audit."),
        f"bihuan_watch_age_seconds {(now - audit.done_at).total_seconds():.3f}",
        *_head("bihuan_watch_findings", "What the last self-audit found."),
        *(f'bihuan_watch_findings{{kind="{kind}"}} {found.get(kind, 0)}' for kind in KINDS),
        *_head("bihuan_deadman_pings", "Calls of the dead man's switch on the day of the last self-audit."),
        f"bihuan_deadman_pings {said['pings']}",
        *_head("bihuan_deadman_pings_failed", "How many of them were not answered."),
        f"bihuan_deadman_pings_failed {said['pings_failed']}",
    ]


def _head(name: str, what: str) -> list[str]:
    return [f"# HELP {name} {what}", f"# TYPE {name} gauge"]
