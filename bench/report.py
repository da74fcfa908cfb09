"""How a figure is taken and said: median and spread of several turns, A and B in alternation."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from time import perf_counter


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def spread(values: Sequence[float], unit: str = "ms", scale: float = 1000) -> str:
    ordered = sorted(values)
    low, high = ordered[0] * scale, ordered[-1] * scale
    return f"{statistics.median(ordered) * scale:,.2f} {unit} ({low:,.2f} to {high:,.2f}, n={len(ordered)})"


def say(name: str, value: str) -> None:
    print(f"{name:<72} {value}", flush=True)
