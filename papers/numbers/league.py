"""The league table: units by their score, ranked only where enough stands behind it, and not at all where the township says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from models.rules import League as Rule
from models.rules import rules_of
from papers.numbers.kpi import By, Numbers, numbers_by
from papers.numbers.score import Score, score_of


@dataclass(frozen=True, slots=True)
class Standing:
    """One unit of the table. `rank` is None where too little stands behind the score; equal scores share a rank."""

    rank: int | None
    numbers: Numbers
    score: Score

    @property
    def n(self) -> int:
        """How many valid hazards the figures rest on; to be shown beside them."""
        return self.numbers.valid


@dataclass(frozen=True, slots=True)
class League:
    """`rows` best first, those without a rank after them. Where the table is off, it is empty and `zh` and `en` say why."""

    on: bool
    rows: tuple[Standing, ...]
    zh: str
    en: str


VETO = text("select coalesce(rules->'veto', '[]') from township where id = :id")


def league(session: Session, township_id: int, at: datetime, by: By = By.village, *, since: datetime | None = None) -> League:
    """The table of villages or teams (or fields, kinds of place) at business time `at`; all over the same window from `since` on."""
    rule = rules_of(session, township_id).league
    if not rule.on:
        return League(False, (), "本镇不排名次。", "This township doesn't rank.")
    return ranked(numbers_by(session, township_id, at, by, since=since), rule, veto_of(session, township_id))


def veto_of(session: Session, township_id: int) -> frozenset[str]:
    """The codes of the units that a fatal accident fails, as the township has set them."""
    return frozenset(session.execute(VETO, {"id": township_id}).scalar_one())


def ranked(numbers: Iterable[Numbers], rule: Rule = Rule(), veto: frozenset[str] = frozenset()) -> League:
    """Ranks by points; a unit is ranked from `least_hazards` valid hazards or `least_places` places on. A vetoed one comes last."""
    scored = [(each, score_of(each, veto)) for each in numbers]
    able = [pair for pair in scored if _enough(pair[0], rule) and pair[1].points is not None]
    able.sort(key=lambda pair: (-_standing(pair, veto), pair[0].unit))
    points = [_standing(pair, veto) for pair in able]
    rows = [Standing(1 + points.index(_standing(pair, veto)), *pair) for pair in able]
    rest = [Standing(None, *pair) for pair in scored if pair not in able]
    least = f"有效隐患不足{rule.least_hazards}条且场所不足{rule.least_places}处的不排名"
    least_en = f"fewer than {rule.least_hazards} valid hazards and {rule.least_places} places: no rank"
    return League(True, (*rows, *rest), f"{least}。", f"{least_en}.")


def _standing(pair: tuple[Numbers, Score], veto: frozenset[str]) -> float:
    return -1.0 if pair[0].unit in veto else pair[1].points or 0.0


def _enough(numbers: Numbers, rule: Rule) -> bool:
    return numbers.valid >= rule.least_hazards or numbers.places >= rule.least_places
