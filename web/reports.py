"""Public reports (群众举报): taken from strangers, followed by their token, read by the office; and who reported, by the office head alone.

What strangers send is checked before (web/api/words.py); how often, here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.enumerations import CaseKind, ReportChannel, ReportState, Verdict
from statemachines.advance import Outcome, advance, receive_report
from statemachines.errors import UnknownTrigger
from statemachines.load import Acting
from statemachines.report import REPORTER, followed, identity
from web import cases, step
from web.accounts import Patience
from web.caller import Caller
from web.house import House, house_of
from web.problem import Problem

REPORTS_OF_A_MACHINE = 10
WITHIN = timedelta(minutes=10)
TAKEN_DOWN = (ReportChannel.phone, ReportChannel.visit)
VERDICTS = frozenset({"accept_answer", "dispute_answer"})


def patience() -> Patience:
    """How many reports one machine may send: ten in ten minutes."""
    return Patience(REPORTS_OF_A_MACHINE, WITHIN)


@dataclass(frozen=True, slots=True)
class Received:
    """A report has come in; its reporter follows it by `token`, of which only the hash is kept."""

    code: str
    token: str


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody reports: `place_token` from a QR code, or `place` as a code or in words."""

    description: str
    place: str | None = None
    place_token: str | None = None
    name: str | None = None
    contact: str | None = None
    people_in_danger: bool = False
    channel: ReportChannel | None = None
    township: str | None = None

    def facts(self, place: str | None, channel: ReportChannel) -> dict[str, Any]:
        return {
            "description": self.description, "place": place or self.place, "said_place": self.place, "name": self.name,
            "contact": self.contact, "people_in_danger": self.people_in_danger, "channel": channel,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Where:
    """A township, and the place of it that a QR code stands for."""

    township_id: int
    place: str | None = None


def wait(request: Request) -> None:
    """Counts one more report of this machine. Raises Problem 429 when there were too many."""
    wall = house_of(request).clock.wall()
    machine = request.client.host if request.client else ""
    seconds = request.app.state.patience_with_reporters.wait(machine, wall)
    if seconds:
        said = (f"提交太频繁，请 {seconds} 秒后再试；紧急情况请拨打 119。", f"Too many reports: try again in {seconds} s.")
        raise Problem(429, *said, headers={"Retry-After": str(seconds)})
    request.app.state.patience_with_reporters.failed(machine, wall)


def from_stranger(house: House, session: Session, said: Said) -> Received:
    """Takes a report from somebody without an account. Raises Problem 404 for a QR code that isn't good, 422 where it isn't clear which
    township is meant, Refused(report)."""
    if said.channel in TAKEN_DOWN:
        errors = [{"where": "channel", "message": "needs an account"}]
        raise Problem(422, "电话和来访举报由镇安办登录后登记。", "Reports by phone or visit are taken down by the office.", errors=errors)
    where = _where(session, said)
    acting = Acting(where.township_id, REPORTER, REPORTER)
    facts = said.facts(where.place, ReportChannel.qr if where.place else ReportChannel.form)
    outcome, token = receive_report(session, acting, house.clock.now(), wall=house.clock.wall(), facts=facts)
    return Received(outcome.code, token)


def taken_down(session: Session, caller: Caller, said: Said, *, post: str | None) -> Received:
    """Takes down what somebody reported by phone or in person. Raises NotAllowed, Problem 403 and 404, Refused(report)."""
    where = _by_qr_code(session, said.place_token) if said.place_token else Where(caller.township_id)
    if where.township_id != caller.township_id:
        raise _no_such_code()

    def do(acting: Acting) -> tuple[Outcome, str]:
        facts = said.facts(where.place, said.channel or ReportChannel.phone)
        return receive_report(session, acting, caller.now, wall=caller.wall, facts=facts)

    outcome, token = step.in_turn(session, caller, post, do)
    return Received(outcome.code, token)


TOWNSHIPS = text("select id from township where cast(:code as text) is null or code = :code order by id limit 2")
PLACE = text("select township_id, code from place where qr_token = :token")


def _where(session: Session, said: Said) -> Where:
    if said.place_token:
        return _by_qr_code(session, said.place_token)
    found = session.execute(TOWNSHIPS, {"code": said.township}).scalars().all()
    if len(found) != 1:
        errors = [{"where": "township", "message": "unknown" if said.township else "needed"}]
        raise Problem(422, "请注明向哪个镇举报。", "Say to which township you report.", errors=errors)
    return Where(found[0])


def _by_qr_code(session: Session, token: str) -> Where:
    row = session.execute(PLACE, {"token": token}).first()
    if row is None:
        raise _no_such_code()
    return Where(row.township_id, row.code)


def _no_such_code() -> Problem:
    return Problem(404, "没有这个场所二维码，请改为写明地点。", "There is no such QR code; say where it is in words.")


# What its reporter sees


class MineView(BaseModel):
    """A report as its reporter follows it."""

    model_config = ConfigDict(title="MyReport")
    code: str
    state: ReportState
    received_at: datetime
    place: str | None
    description: str
    answer: str | None
    answered_at: datetime | None
    verdict: Verdict | None
    verdict_at: datetime | None


MINE = text("""
select c.code, c.state, c.opened_at as received_at, coalesce(x.said_place, p.name) as place, x.description, x.answer, x.answered_at,
    x.verdict, x.verdict_at
from cases c join public_report x on x.case_id = c.id left join place p on p.id = c.place_id
where c.township_id = :township and c.code = :code
""")


def mine(session: Session, token: str | None) -> MineView:
    """The report that a token belongs to. Raises Problem 404."""
    code, acting = _followed(session, token)
    row = session.execute(MINE, {"township": acting.township_id, "code": code}).mappings().one()
    return MineView(**{name: local(value) if isinstance(value, datetime) else value for name, value in row.items()})


def judge(house: House, session: Session, token: str | None, trigger: str, facts: Mapping[str, Any]) -> MineView:
    """The reporter says what they think of the answer. Raises Problem 404, UnknownTrigger, Refused."""
    code, acting = _followed(session, token)
    if trigger not in VERDICTS:
        raise UnknownTrigger(trigger)
    advance(session, code, trigger, acting, house.clock.now(), wall=house.clock.wall(), facts=facts)
    return mine(session, token)


def _followed(session: Session, token: str | None) -> tuple[str, Acting]:
    found = followed(session, token) if token else None
    if found is None:
        raise Problem(404, "没有找到这件举报，请核对查询码。", "There is no report of this token.")
    return found


# Who reported


@dataclass(frozen=True, slots=True)
class Identity:
    """Who reported, as far as they said; `version` is the report's after this reading was written down."""

    code: str
    name: str | None
    contact: str | None
    version: int


def read_identity(
    session: Session, caller: Caller, code: str, facts: Mapping[str, Any], *, post: str | None, version: int | None
) -> Identity:
    """Who reported, for the office head alone; the reading stands in the report's history. Raises what `step.take` raises."""
    cases.one(session, caller, CaseKind.report, code)
    outcome = step.take(session, caller, code, "read_identity", facts, post=post, version=version)

    def do(acting: Acting) -> tuple[str | None, str | None]:
        return identity(session, acting, code, caller.now)

    name, contact = step.in_turn(session, caller, post, do)
    return Identity(code, name, contact, outcome.version)
