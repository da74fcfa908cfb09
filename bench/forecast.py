"""The forecast tried on replays: what it would have said on each day, beside the plain rate and what was then left at the deadline."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from bench.replay import FOLDER
from bench.report import say
from models.clock import day_of
from models.cluster import cluster
from models.database import engine
from models.settings import Settings
from papers.numbers.backtest import Backtest, Tried, backtest, brier, calibration

SEEDS = range(1, 6)
DAYS_LEFT = ((1, 3), (4, 7), (8, 14), (15, 60))


def measure() -> None:
    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as home:
        Path(home).chmod(0o711)
        for seed in SEEDS:
            command = [str(Path(sys.executable).with_name("bihuan")), "replay", str(FOLDER), "--seed", str(seed), "--keep", f"seed{seed}"]
            subprocess.run(
                command, env={**os.environ, "BIHUAN_HOME": home}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
            )
        with cluster(Settings.read({"BIHUAN_HOME": home})) as running:
            tell([_tried(engine(running.url(f"seed{seed}"))) for seed in SEEDS])


def _tried(bound: Engine) -> Backtest:
    with bound.connect() as connection:
        campaign = connection.execute(text("select township_id, starts_at, deadline from campaign")).one()
    first, last = day_of(campaign.starts_at), day_of(campaign.deadline)
    done = backtest(bound, campaign.township_id, list(_between(first, last)), campaign.deadline + timedelta(days=1))
    bound.dispose()
    return done


def _between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days))


def tell(backtests: Sequence[Backtest]) -> None:
    """A line for each distance from the deadline: Brier score of «all closed», and how far off the number left was, in cases."""
    say("forecast on replays", f"{len(backtests)} campaigns")
    for scope in ("whole", "village", "field"):
        for low, high in DAYS_LEFT:
            tried = [each for done in backtests for each in done.of(scope) if low <= each.days <= high]
            say(f"  {scope}, {low} to {high} days left: Brier of «all closed», forecast / rate", _brier(tried))
            say("    open at the deadline, mean error, forecast / rate", _error(tried))
    cases = [pair for done in backtests for pair in done.cases]
    for said, happened, count in calibration(cases):
        say("  open cases: said to stay open / stayed open", f"{said:.2f} / {happened:.2f}, n={count:,}")
    for said, happened, count in calibration([(each.chance, each.left == 0) for done in backtests for each in done.of("village")]):
        say("  villages: chance of «all closed» said / came true", f"{said:.2f} / {happened:.2f}, n={count:,}")


def _brier(tried: Sequence[Tried]) -> str:
    ours = brier((each.chance, each.left == 0) for each in tried)
    naive = brier((each.naive_chance, each.left == 0) for each in tried)
    return "—" if ours is None or naive is None else f"{ours:.3f} / {naive:.3f} (n={len(tried):,})"


def _error(tried: Sequence[Tried]) -> str:
    if not tried:
        return "—"
    ours, naive = (sum(abs(value - each.left) for value, each in pairs) / len(tried) for pairs in _pairs(tried))
    return f"{ours:.2f} / {naive:.2f}, left on average {sum(each.left for each in tried) / len(tried):.2f}"


def _pairs(tried: Sequence[Tried]) -> tuple[list[tuple[float, Tried]], list[tuple[float, Tried]]]:
    return [(each.expected, each) for each in tried], [(each.naive, each) for each in tried]
