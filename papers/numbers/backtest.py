"""The forecast against what then happened: as it would have been given on each day, beside the plain rate of the last seven days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

from sqlalchemy import Engine

from models.clock import end_of
from models.database import transaction
from models.enumerations import HazardState
from notifications.countdown import RATE_DAYS
from papers.numbers.forecast import Outlook, forecast
from papers.numbers.lives import Flow, Life, read_flow

BINS = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """One forecast of one unit: `days` before the deadline it said `chance` and `expected`, the rate said `naive_chance` (0 or 1) and
    `naive`; in the end `left` were open."""

    unit: str
    scope: str
    days: int
    open: int
    chance: float
    expected: float
    naive_chance: float
    naive: float
    left: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """All that was tried on one campaign. `cases` pairs each open case's probability of staying open with whether it did."""

    tried: tuple[Tried, ...]
    cases: tuple[tuple[float, bool], ...]

    def of(self, scope: str) -> list[Tried]:
        return [each for each in self.tried if each.scope == scope]


def backtest(engine: Engine, township_id: int, days: Sequence[date], at: datetime) -> Backtest:
    """Forecasts as of the end of each of `days`, from events up to then alone, compared with how it stood at the deadline.

    `at` is a business time after the deadline of the campaign to be tried. Raises ValueError where there is none.
    """
    with transaction(engine) as session:
        flow = read_flow(session, township_id, at)
    if flow is None or at < flow.deadline:
        raise ValueError("there is no campaign that was over by then")
    tries = [_day(flow, day) for day in days if day < flow.last_day]
    return Backtest(tuple(each for tried, _ in tries for each in tried), tuple(pair for _, cases in tries for pair in cases))


def _day(flow: Flow, day: date) -> tuple[list[Tried], list[tuple[float, bool]]]:
    at = end_of(day) + timedelta(seconds=1)
    given = forecast(flow, at)
    if given.whole.chance is None:
        return [], []
    scopes = (("whole", (given.whole,)), ("village", given.villages), ("field", given.fields))
    asked = [(scope, each, _of(flow, scope, each)) for scope, outlooks in scopes for each in outlooks]
    left = {life.code for life in _open_at(flow.lives, flow.deadline)}
    tried = [_tried(flow, each, scope, own, at, given.days) for scope, each, own in asked if any(life.until(at) for life in own)]
    return tried, [(odds, code in left) for code, odds in given.odds.items()]


def _of(flow: Flow, scope: str, each: Outlook) -> list[Life]:
    return [life for life in flow.lives if scope == "whole" or each.unit == (life.village if scope == "village" else life.field)]


def _tried(flow: Flow, each: Outlook, scope: str, own: Sequence[Life], at: datetime, days: int) -> Tried:
    left = len(_open_at(own, flow.deadline))
    naive = max(0, ceil(each.open - _closed_lately(own, at) / RATE_DAYS * days))
    assert each.chance is not None and each.expected is not None, "the whole has a chance, so has each unit"
    return Tried(each.unit, scope, days, each.open, each.chance, each.expected, float(naive == 0), naive, left)


def _open_at(lives: Iterable[Life], at: datetime) -> list[Life]:
    known = (life.until(at) for life in lives)
    return [life for life in known if life and not life.moves[-1].state.ended]


def _closed_lately(lives: Iterable[Life], at: datetime) -> int:
    since = at - timedelta(days=RATE_DAYS)
    return sum(move.state == HazardState.closed and since < move.at <= at for life in lives for move in life.moves)


def brier(pairs: Iterable[tuple[float, bool]]) -> float | None:
    """Mean squared distance between what was said and what happened; 0 is perfect, 0.25 a shrug. None of nothing."""
    distances = [(said - happened) ** 2 for said, happened in pairs]
    return sum(distances) / len(distances) if distances else None


def calibration(pairs: Iterable[tuple[float, bool]]) -> list[tuple[float, float, int]]:
    """Said (mean), happened (share) and how many, by tenths of what was said; empty tenths are left out."""
    bins: dict[int, list[tuple[float, bool]]] = {}
    for said, happened in pairs:
        bins.setdefault(min(BINS - 1, int(said * BINS)), []).append((said, happened))
    return [(sum(s for s, _ in each) / len(each), sum(h for _, h in each) / len(each), len(each)) for _, each in sorted(bins.items())]
