"""Chance without a dice cup: each draw is a function of its names alone, so that no order of work can change it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def share(*names: object) -> float:
    """A number from 0 up to 1, the same for the same names on every machine."""
    digest = hashlib.sha256("|".join(str(name) for name in names).encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


@dataclass(frozen=True, slots=True)
class Stream:
    """The draws behind one person's decision: of this seed, on this case, about this trigger, in this round. `what` names the draw."""

    seed: int
    code: str
    trigger: str
    round: int = 1

    def share(self, what: str = "") -> float:
        return share(self.seed, self.code, self.trigger, self.round, what)

    def happens(self, probability: float, what: str = "") -> bool:
        return self.share(what) < probability

    def between(self, low: float, high: float, what: str) -> float:
        return low + (high - low) * self.share(what)

    def pick(self, options: Sequence[T], what: str) -> T:
        return options[int(self.share(what) * len(options))]
