"""Signs of life for whoever watches over the process: no login, no names."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import ENDED, HazardState, NoticeState
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
    """Prometheus text. Overdue and lag are by business time."""
    house = house_of(request)
    with house.transaction() as session:
        lines = _lines(session, {"now": house.clock.now()})
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


STATES = text("select state, count(*) as count from cases where ended_at is null group by state")
OVERDUE = text("select count(*) from cases where ended_at is null and due_at < :now")
NOTICES = text("select state, count(*) as count from notice group by state")
DUE = text("""
select count(*) as due, coalesce(extract(epoch from cast(:now as timestamptz) - min(next_at)), 0)::float8 as lag,
    (select count(*) from timer where quarantined_at is not null) as quarantined
from timer where stopped_at is null and quarantined_at is null and next_at <= :now
""")


def _lines(session: Session, asked: dict[str, object]) -> list[str]:
    states = dict(session.execute(STATES).tuples().all())
    notices = dict(session.execute(NOTICES).tuples().all())
    timers = session.execute(DUE, asked).one()
    overdue = session.execute(OVERDUE, asked).scalar_one()
    return [
        *_head("bihuan_open_hazards", "Open hazards by state."),
        *(f'bihuan_open_hazards{{state="{state}"}} {states.get(state, 0)}' for state in HazardState if state not in ENDED),
        *_head("bihuan_overdue_hazards", "Open hazards whose move is overdue."),
        f"bihuan_overdue_hazards {overdue}",
        *_head("bihuan_notices", "Messages by state."),
        *(f'bihuan_notices{{state="{state}"}} {notices.get(state, 0)}' for state in NoticeState),
        *_head("bihuan_timers_due", "Timers whose next act is due and not yet done."),
        f"bihuan_timers_due {timers.due}",
        *_head("bihuan_oldest_due_lag_seconds", "Business seconds since the oldest of these was due."),
        f"bihuan_oldest_due_lag_seconds {timers.lag:.3f}",
        *_head("bihuan_timers_quarantined", "Timers set aside because they can't be read."),
        f"bihuan_timers_quarantined {timers.quarantined}",
    ]


def _head(name: str, what: str) -> list[str]:
    return [f"# HELP {name} {what}", f"# TYPE {name} gauge"]
