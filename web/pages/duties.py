"""Duties: mine for today and this week, the township's month, and one run with its history."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, end_of, start_of
from models.enumerations import CaseKind, DutyState, DutyTask
from statemachines.foresee import foresee
from web import cases, duties, history, notices, story
from web.api.words import Code
from web.caller import Caller, Visitor
from web.house import house_of
from web.pages.acts import Failed, actions
from web.render import frame, page

router = APIRouter()
AT_MOST = 200
LENGTH = 30
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class Filters(BaseModel):
    """`box`: mine or all; of all a `month` (2023-03), one `owner` (a post's code), one `duty` (its code, or a task)."""

    model_config = ConfigDict(extra="ignore")
    box: Annotated[str, Field(max_length=10)] = ""
    month: Annotated[str, Field(max_length=10)] = ""
    owner: Code = ""
    duty: Code = ""
    cursor: str | None = Field(None, max_length=400)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the calendar: its first day, and the addresses of its neighbours."""

    first: date

    @property
    def after(self) -> date:
        return (self.first + timedelta(days=32)).replace(day=1)

    @property
    def before(self) -> date:
        return (self.first - timedelta(days=1)).replace(day=1)

    @property
    def zh(self) -> str:
        return f"{self.first.year}年{self.first.month}月"


@router.get("/duties")
def read(request: Request, caller: Visitor, ask: Annotated[Filters, Query()]) -> Response:
    with house_of(request).transaction() as session:
        mine = _mine(session, caller)
        if ask.box == "all" or (not ask.box and not mine and caller.sees_all):
            return _month(request, session, caller, ask)
        return page(
            request, "duties.html", frame(session, caller), piles=_piles(caller, mine), total=len(mine), ask=ask,
            lately=_lately(session, caller),
        )  # fmt: skip


OWN = "c.responsible_post_id = any(:own_posts)"


def _mine(session: Session, caller: Caller) -> list[cases.Row]:
    asked = {"own_posts": caller.post_ids, "soon": end_of(caller.day + timedelta(days=7))}
    wanted = cases.Wanted(pending=True, also=f"{OWN} and x.opens_at < :soon", asked=asked)
    return cases.many(session, caller, CaseKind.duty, wanted, AT_MOST, soonest=True)[0]


def _lately(session: Session, caller: Caller) -> list[cases.Row]:
    """What was done or missed within the last week."""
    asked = {"own_posts": caller.post_ids, "since": caller.now - timedelta(days=7)}
    wanted = cases.Wanted(pending=False, also=f"{OWN} and c.ended_at >= :since", asked=asked)
    return cases.many(session, caller, CaseKind.duty, wanted, 12)[0]


def _piles(caller: Caller, rows: Sequence[cases.Row]) -> list[tuple[str, list[cases.Row]]]:
    """Overdue, today, within a week, later; without what there is none of."""
    named: dict[str, list[cases.Row]] = {"已逾期，还能补办": [], "今天": [], "七天以内": [], "以后": []}
    for row in rows:
        left = (day_of(row.view.due_at) - caller.day).days
        name = "已逾期，还能补办" if row.view.due_at < caller.now else "今天" if left <= 0 else "七天以内" if left <= 7 else "以后"
        named[name].append(row)
    return [(name, pile) for name, pile in named.items() if pile]


COUNTS = """
select coalesce(duty.code, run.task) as code, coalesce(max(duty.title), '') as title, max(duty.pack) as pack, count(*) as all,
    count(*) filter (where c.state = 'done' and run.done_at <= run.due_at) as done,
    count(*) filter (where c.state = 'done' and run.done_at > run.due_at) as late,
    count(*) filter (where c.state = 'missed') as missed, count(*) filter (where c.state = 'open') as open,
    count(*) filter (where c.state = 'open' and run.due_at < :now) as overdue,
    count(*) filter (where c.state in ('excused', 'cancelled')) as excused
from cases c join duty_run run on run.case_id = c.id left join duty on duty.id = run.duty_id join post on post.id = c.responsible_post_id
where {reach} and c.kind = 'duty' and run.due_at >= :since and run.due_at < :until and (:owner = '' or post.code = :owner)
group by 1 order by missed desc, overdue desc, 1
"""
OWNERS = """
select distinct post.code from cases c join duty_run run on run.case_id = c.id join post on post.id = c.responsible_post_id
where {reach} and c.kind = 'duty' and run.due_at >= :since and run.due_at < :until order by 1 limit 500
"""


def _month(request: Request, session: Session, caller: Caller, ask: Filters) -> Response:
    first = date.fromisoformat(f"{ask.month}-01") if MONTH.fullmatch(ask.month) else caller.day.replace(day=1)
    month = Month(first)
    reach, asked = caller.reach()
    asked |= {"since": start_of(month.first), "until": start_of(month.after), "now": caller.now, "owner": ask.owner}
    rows = session.execute(text(COUNTS.format(reach=reach)), asked).all()
    owners = list(session.execute(text(OWNERS.format(reach=reach)), asked).scalars())
    names = story.names_of(session, caller.township_id, owners)
    runs, after = _runs(session, caller, ask, asked) if ask.duty else ([], None)
    return page(
        request, "duty_month.html", frame(session, caller), month=month, rows=rows, ask=ask, runs=runs, after=after,
        owners=sorted(((code, names.get(code, code)) for code in owners), key=lambda pair: pair[1]),
        titles={each: each.zh for each in DutyTask}, packs=_packs(session, caller),
        sums={name: sum(getattr(row, name) for row in rows) for name in ("done", "late", "missed", "open", "excused")},
    )  # fmt: skip


def _packs(session: Session, caller: Caller) -> dict[str, str]:
    """What the township calls its packs of duties, by their codes."""
    return {pack.code: pack.title for pack in duties.definitions(session, caller)[1]}


def _runs(session: Session, caller: Caller, ask: Filters, asked: dict[str, Any]) -> tuple[list[cases.Row], str | None]:
    """The runs of one duty in the month."""
    also = "x.due_at >= :since and x.due_at < :until and coalesce((select code from duty where id = x.duty_id), x.task) = :duty"
    known = {"since": asked["since"], "until": asked["until"], "duty": ask.duty}
    return cases.many(session, caller, CaseKind.duty, cases.Wanted(owner=ask.owner, also=also, asked=known), LENGTH, ask.cursor)


@router.get("/duties/{code}")
def one(request: Request, caller: Visitor, code: str) -> Response:
    with house_of(request).transaction() as session:
        return show(request, session, caller, code, None)


FILES = text("select id, kind, media_type, note, added_at from evidence where case_id = :id order by id")


def show(request: Request, session: Session, caller: Caller, code: str, failed: Failed | None) -> Response:
    """One run; with `failed` its form is open again, holding what was typed."""
    row = cases.one(session, caller, CaseKind.duty, code)
    view = row.view
    ended = view.state != DutyState.open
    may = [] if ended else actions(session, caller, CaseKind.duty, code, view.wanted)
    return page(
        request, "duty.html", frame(session, caller), failed.problem.status if failed else 200, row=row, view=view, actions=may,
        lines=story.tell(session, caller.township_id, history.whole(session, row.id), CaseKind.duty)[::-1], failed=failed,
        files=session.execute(FILES, {"id": row.id}).all(),
        coming=foresee(session, caller.township_id, code, caller.now, public_url=house_of(request).settings.public_url),
        told=notices.of_case(session, row.id), key=secrets.token_urlsafe,
        packs=_packs(session, caller), names=story.names_of(session, caller.township_id, _posts(view)),
    )  # fmt: skip


def _posts(view: Any) -> list[str]:
    return [code for code in (view.done_by, view.ended_by) if code]
