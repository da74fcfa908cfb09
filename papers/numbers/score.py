"""The hundred points of a unit: weighted terms, what is taken off, what is added, and the band. Pure; see docs/numbers.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.enumerations import Word
from papers.numbers.kpi import Numbers

WEIGHTS: Mapping[str, int] = {
    "coverage": 20, "on_time": 25, "first_pass": 10, "major_kept": 15, "duties_kept": 15, "reviews_on_time": 5, "reports_on_time": 5,
    "lasting": 5,
}  # fmt: skip
REBOUND_TOLERATED = 0.2  # at this share of relapses nothing is left of the term
BANDS = ((90, "excellent"), (80, "good"), (60, "fair"), (0, "poor"))


class Band(Word):
    excellent = "excellent", "优秀"
    good = "good", "良好"
    fair = "fair", "合格"
    poor = "poor", "不合格"
    vetoed = "vetoed", "一票否决", "failed by a fatal accident"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is taken off or added: how many of it, and the points, never negative. `zh` and `en` say what and how much each."""

    name: str
    count: float
    points: float
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Score:
    """`points` from 0 to 100, None (shown as «—») where no term has a denominator; then there is no band either, but for a veto.

    `terms` are the terms that count, from 0 to 1; `weights` their share of the hundred points after those without a denominator have
    dropped out.
    """

    points: float | None
    band: Band | None
    terms: Mapping[str, float]
    weights: Mapping[str, float]
    penalties: tuple[Entry, ...] = ()
    bonus: tuple[Entry, ...] = ()


def score(
    terms: Mapping[str, float | None], penalties: tuple[Entry, ...] = (), bonus: tuple[Entry, ...] = (), *, vetoed: bool = False
) -> Score:
    """S = Σ weight · term, re-scaled to the terms that have a denominator, − penalties + bonus, from 0 to 100.

    Terms are named as in WEIGHTS and run from 0 to 1. Raises KeyError for another name.
    """
    known = {name: min(1.0, max(0.0, value)) for name in sorted(terms) if (value := terms[name]) is not None}
    whole = sum(WEIGHTS[name] for name in known)
    weights = {name: 100 * WEIGHTS[name] / whole for name in known}
    if not known:
        return Score(None, Band.vetoed if vetoed else None, {}, {}, penalties, bonus)
    raw = sum(weights[name] * value for name, value in known.items())
    raw += sum(entry.points for entry in bonus) - sum(entry.points for entry in penalties)
    points = round(min(100.0, max(0.0, raw)), 2)
    return Score(points, Band.vetoed if vetoed else band_of(points), known, weights, penalties, bonus)


def band_of(points: float) -> Band:
    """优秀 from 90, 良好 from 80, 合格 from 60, else 不合格."""
    return Band(next(name for least, name in BANDS if points >= least))


def score_of(numbers: Numbers, veto: frozenset[str] = frozenset()) -> Score:
    """The score of a unit by its figures; `veto` are the codes of units that had a fatal accident (township.rules `veto`)."""
    return score(terms_of(numbers), penalties_of(numbers), bonus_of(numbers), vetoed=numbers.unit in veto)


def terms_of(numbers: Numbers) -> dict[str, float | None]:
    lasting = None if numbers.rebound is None else 1 - min(1.0, numbers.rebound / REBOUND_TOLERATED)
    return {"lasting": lasting, **{name: getattr(numbers, name) for name in WEIGHTS if name != "lasting"}}


def penalties_of(numbers: Numbers) -> tuple[Entry, ...]:
    """Overdue major 5 each, 20 at most; 虚假整改 10 each; each hazard by the highest post it climbed to: township head 1, party secretary
    2, district 4, together 15 at most; a leader's duty missed 1 each."""
    climbed = numbers.to_head + 2 * numbers.to_secretary + 4 * numbers.to_district
    hazards = numbers.to_head + numbers.to_secretary + numbers.to_district
    all_of_them = (
        Entry("major_overdue", numbers.major_overdue, min(20, 5 * numbers.major_overdue), "重大隐患到期未整改，每条扣5分，最多20分",
              "major hazard overdue: 5 each, 20 at most"),
        Entry("fakes", numbers.fakes, 10 * numbers.fakes, "虚假整改，每次扣10分", "faked rectification: 10 each"),
        Entry("climbed", hazards, min(15, climbed), "逾期升级：到镇长扣1分、到书记扣2分、到区级扣4分，每条按最高一级，最多15分",
              "escalated to the township head 1, the party secretary 2, the district 4: each hazard once, 15 at most"),
        Entry("leader_missed", numbers.leader_missed, numbers.leader_missed, "领导履职任务未完成，每次扣1分",
              "a leader's duty missed: 1 each"),
    )  # fmt: skip
    return tuple(entry for entry in all_of_them if entry.points)


def bonus_of(numbers: Numbers) -> tuple[Entry, ...]:
    """Public report found true 0.5 each, 5 at most; half of the hazards or more found by the enterprises themselves 3."""
    mostly_self = numbers.self_found is not None and numbers.self_found >= 0.5
    all_of_them = (
        Entry("public_verified", numbers.public_verified, min(5, 0.5 * numbers.public_verified), "群众举报属实，每件加0.5分，最多5分",
              "public report found true: 0.5 each, 5 at most"),
        Entry("self_found", numbers.self_found or 0, 3 if mostly_self else 0, "企业自查发现占一半以上，加3分",
              "half of the hazards or more found by self-checks: 3"),
    )  # fmt: skip
    return tuple(entry for entry in all_of_them if entry.points)
