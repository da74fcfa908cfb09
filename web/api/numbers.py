"""Key figures, score, league, signals and forecast for programs; what papers/numbers/ works out, as it stands."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from models.clock import local
from papers.numbers.forecast import Forecast
from papers.numbers.kpi import DEFINITIONS, By, Numbers
from papers.numbers.score import Score
from papers.numbers.signals import Signal
from web import figures
from web.api.words import LeagueQuery, NumbersQuery
from web.caller import Program
from web.house import house_of

router = APIRouter(tags=["numbers"])


class DefinitionView(BaseModel):
    """What a figure is called, how it is worked out, and where that comes from."""

    model_config = ConfigDict(title="FigureDefinition")
    zh: str
    en: str
    formula: str
    formula_en: str
    source: str


class Figures(BaseModel):
    """Ratios are from 0 to 1, null where the denominator is zero; `definitions` by the figures' names."""

    at: datetime
    by: By
    items: list[Numbers]
    definitions: dict[str, DefinitionView]
    next: str | None = None


class ScoreView(BaseModel):
    """The hundred points of a unit; `n` valid hazards stand behind them."""

    model_config = ConfigDict(title="UnitScore")
    unit: str
    zh: str
    en: str
    n: int
    score: Score


class Scores(BaseModel):
    at: datetime
    by: By
    items: list[ScoreView]
    next: str | None = None


class StandingView(ScoreView):
    """A line of the league; `rank` is null where too little stands behind the score."""

    model_config = ConfigDict(title="Standing")
    rank: int | None


class LeagueView(BaseModel):
    """Best first. Where the township doesn't rank, `on` is false and there are no lines; `zh` and `en` say what is ranked."""

    model_config = ConfigDict(title="League")
    at: datetime
    by: By
    on: bool
    zh: str
    en: str
    items: list[StandingView]
    next: str | None = None


class Signals(BaseModel):
    """Questions for people to go and look, never verdicts."""

    at: datetime
    items: list[Signal]
    next: str | None = None


class ForecastView(BaseModel):
    model_config = ConfigDict(title="CampaignForecast")
    at: datetime
    forecast: Forecast


class Since(BaseModel):
    since: date | None = None


@router.get("/numbers")
def read_numbers(request: Request, caller: Program, ask: Annotated[NumbersQuery, Query()]) -> Figures:
    """考核数字, a row a unit, with the definition of each; a village's post reads its own with `by=village`."""
    with house_of(request).transaction() as session:
        items = figures.figures(session, caller, ask.by, ask.since)
    definitions = {name: DefinitionView(**each._asdict()) for name, each in DEFINITIONS.items()}
    return Figures(at=local(caller.now), by=ask.by, items=items, definitions=definitions)


@router.get("/numbers/score")
def read_scores(request: Request, caller: Program, ask: Annotated[NumbersQuery, Query()]) -> Scores:
    """百分制得分 of each unit: terms, weights, what is taken off, what is added."""
    with house_of(request).transaction() as session:
        rows = figures.scores(session, caller, ask.by, ask.since)
    items = [ScoreView(**_unit(numbers), score=score) for numbers, score in rows]
    return Scores(at=local(caller.now), by=ask.by, items=items)


@router.get("/numbers/league")
def read_league(request: Request, caller: Program, ask: Annotated[LeagueQuery, Query()]) -> LeagueView:
    """排名, best first; those without enough behind them stand at the end without a rank."""
    with house_of(request).transaction() as session:
        read = figures.table(session, caller, ask.by, ask.since)
    items = [StandingView(**_unit(row.numbers), score=row.score, rank=row.rank) for row in read.rows]
    return LeagueView(at=local(caller.now), by=ask.by, on=read.on, zh=read.zh, en=read.en, items=items)


@router.get("/numbers/signals")
def read_signals(request: Request, caller: Program, ask: Annotated[Since, Query()]) -> Signals:
    """异常信号: reused or older photos, closures within minutes, doubtful zeros."""
    with house_of(request).transaction() as session:
        return Signals(at=local(caller.now), items=figures.doubts(session, caller, ask.since))


@router.get("/numbers/forecast")
def read_forecast(request: Request, caller: Program) -> ForecastView:
    """预测: the chance that all are closed by the deadline, and closures needed a day; 404 without a campaign."""
    with house_of(request).transaction() as session:
        return ForecastView(at=local(caller.now), forecast=figures.outlook(session, caller))


def _unit(numbers: Numbers) -> dict[str, str | int]:
    return {"unit": numbers.unit, "zh": numbers.zh, "en": numbers.en, "n": numbers.valid}
