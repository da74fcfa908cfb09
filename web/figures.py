"""Key figures, the hundred points, the league, signals and the forecast, as far as the caller may read them.

Posts of the whole township read all of it, a village's post the row of its own village.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from models.clock import local
from papers.numbers.forecast import Forecast, forecast
from papers.numbers.kpi import By, Numbers, numbers_by
from papers.numbers.league import League, league, veto_of
from papers.numbers.lives import read_flow
from papers.numbers.score import Score, score_of
from papers.numbers.signals import Signal, signals
from web import when
from web.caller import Caller
from web.inspections import own
from web.problem import Problem


def figures(session: Session, caller: Caller, by: By, since: date | None = None) -> list[Numbers]:
    """The key figures, a row a unit; see papers/numbers/kpi.py. Raises Problem 403."""
    rows = numbers_by(session, caller.township_id, caller.now, by, since=_start(since))
    return own(caller, by, [(row.unit, row) for row in rows])


def scores(session: Session, caller: Caller, by: By, since: date | None = None) -> list[tuple[Numbers, Score]]:
    """The hundred points of each unit beside its figures. Raises Problem 403."""
    veto = veto_of(session, caller.township_id)
    return [(row, score_of(row, veto)) for row in figures(session, caller, by, since)]


def table(session: Session, caller: Caller, by: By, since: date | None = None) -> League:
    """The league; a village's post reads its own line. Raises Problem 403."""
    read = league(session, caller.township_id, caller.now, by, since=_start(since))
    rows = tuple(own(caller, by, [(row.numbers.unit, row) for row in read.rows]))
    return League(read.on, rows, read.zh, read.en)


def doubts(session: Session, caller: Caller, since: date | None = None) -> list[Signal]:
    """Signs of faked rectification and doubtful zeros, for posts of the whole township. Raises Problem 403."""
    _whole(caller)
    return [replace(each, facts=_local(each.facts)) for each in signals(session, caller.township_id, caller.now, since=_start(since))]


def outlook(session: Session, caller: Caller) -> Forecast:
    """What is to be expected at the campaign's deadline, for posts of the whole township. Raises Problem 403; 404 without a campaign."""
    _whole(caller)
    flow = read_flow(session, caller.township_id, caller.now)
    if flow is None:
        raise Problem(404, "还没有专项行动，无法预测。", "There is no campaign to forecast.")
    return forecast(flow, caller.now)


def _local(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: local(value) if isinstance(value, datetime) else value for name, value in facts.items()}


def _whole(caller: Caller) -> None:
    if not caller.sees_all:
        raise Problem(403, "你的岗位不能查看全镇的统计。", "Your post doesn't read the whole township's figures.", reason="reach")


def _start(day: date | None) -> datetime | None:
    return when.start(day) if day else None
