"""`bihuan numbers`: how a township stands, by unit, with its score, what deserves a look, and what is to be expected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cli.at import AsJson, At, clock_at, house
from cli.which import Town, the_township

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from papers.numbers.forecast import Forecast, Outlook
    from papers.numbers.kpi import Numbers
    from papers.numbers.league import League

Units = Literal["village", "team", "place_kind", "field"]


def numbers(
    at: At = None,
    by: Annotated[Units, typer.Option("--by", help="分组 a row for each")] = "village",
    township: Town = None,
    as_json: AsJson = False,
) -> None:
    """考核数字、百分制得分、排名、异常信号和预测。Key figures, score, league, signals and the forecast."""
    from models.database import as_json as written
    from models.database import transaction

    with house() as bound, transaction(bound) as session:
        now = clock_at(bound, at).now()
        said = _read(session, the_township(session, township), now, by)
    typer.echo(written(_plain(said)) if as_json else "\n".join(_lines(said)))


def _read(session: Session, township_id: int, now: datetime, by: Units) -> dict[str, Any]:
    from papers.numbers.forecast import forecast
    from papers.numbers.kpi import By, numbers_by, numbers_of
    from papers.numbers.league import league, veto_of
    from papers.numbers.lives import read_flow
    from papers.numbers.score import score_of
    from papers.numbers.signals import signals

    whole, flow = numbers_of(session, township_id, now), read_flow(session, township_id, now)
    return {
        "at": now, "by": by, "township": whole, "score": score_of(whole, veto_of(session, township_id)),
        "units": numbers_by(session, township_id, now, By(by)), "league": league(session, township_id, now, By(by)),
        "signals": signals(session, township_id, now), "forecast": forecast(flow, now) if flow else None,
    }  # fmt: skip


def _plain(said: dict[str, Any]) -> dict[str, Any]:
    from models.clock import local
    from papers.numbers.kpi import DEFINITIONS

    league: League = said["league"]
    ranks = {"on": league.on, "zh": league.zh, "en": league.en}
    rows = [{"unit": row.numbers.unit, "rank": row.rank, "n": row.n, "score": asdict(row.score)} for row in league.rows]
    return {
        **said, "at": local(said["at"]), "township": asdict(said["township"]), "score": asdict(said["score"]),
        "units": [asdict(each) for each in said["units"]], "league": {**ranks, "rows": rows},
        "signals": [asdict(each) for each in said["signals"]], "forecast": said["forecast"] and asdict(said["forecast"]),
        "definitions": {name: each._asdict() for name, each in DEFINITIONS.items()},
    }  # fmt: skip


def _lines(said: dict[str, Any]) -> Iterable[str]:
    from models.clock import say

    whole: Numbers = said["township"]
    yield f"{whole.zh} {say(said['at'], year=True)}　得分 score {_points(said['score'].points)}"
    yield from _figures(whole)
    yield from _table(said["league"], said["units"])
    yield from _outlooks(said["forecast"], said["by"])
    yield f"异常信号 signals：{len(said['signals'])}"
    yield from (f"  {signal.kind.zh}　{signal.zh}" for signal in said["signals"])


def _figures(whole: Numbers) -> Iterable[str]:
    from papers.numbers.kpi import DEFINITIONS

    yield (
        f"发现 found {whole.found}：有效 valid {whole.valid}（已销号 closed {whole.closed}、未销号 open {whole.open}），"
        f"核实不成立 rejected {whole.rejected}、重复 duplicate {whole.duplicate}、撤销 cancelled {whole.cancelled}、"
        f"移送 transferred {whole.transferred}"
    )
    for name, each in DEFINITIONS.items():
        yield f"  {each.zh} {each.en}：{_said(name, getattr(whole, name))}　＝{each.formula}"


def _table(league: League, units: list[Numbers]) -> Iterable[str]:
    yield f"排名 league：{league.zh}"
    if league.on:
        for row in league.rows:
            band = row.score.band.zh if row.score.band else "—"
            yield f"  {row.rank or '—'}  {row.numbers.zh}　{_points(row.score.points)} {band}　{_unit(row.numbers)}"
    else:
        yield from (f"  {each.zh}　{_unit(each)}" for each in units)


def _unit(each: Numbers) -> str:
    figures = f"有效 n={each.valid}　整改率 {_said('rate', each.rate)}　按期率 {_said('on_time', each.on_time)}"
    return f"{figures}　到期未整改 {each.due_unrectified}"


def _outlooks(said: Forecast | None, by: str) -> Iterable[str]:
    if said is None:
        return
    yield f"预测 forecast：距截止 {said.days} 天，{said.whole.basis.zh}"
    yield _outlook(said.whole)
    rows = {"village": said.villages, "field": said.fields}.get(by, ())
    yield from (_outlook(each) for each in rows if each.open or each.new)


def _outlook(each: Outlook) -> str:
    chance = "—" if each.chance is None else f"{each.chance:.0%}"
    expected = "—" if each.expected is None else f"{each.expected:.1f}"
    per_day = "—" if each.per_day is None else each.per_day
    return f"  {each.zh}　未销号 open {each.open}　按期清零 chance {chance}　预计剩余 expected {expected}　每天需销 a day {per_day}"


def _points(points: float | None) -> str:
    return "—" if points is None else f"{points:.1f}"


def _said(name: str, value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if name.startswith("hours"):
        return f"{value:.1f} 小时 h"
    return f"{value:.1%}" if isinstance(value, float) else str(value)
