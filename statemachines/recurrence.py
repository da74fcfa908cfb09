"""A hazard that came back (反复发生): the same place and item, the same place in similar words, the same family in a village.

Likeness of wording is docs/adr/0008; the township's numbers are in its rules; docs/recurrence.md tells it for people.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from rapidfuzz import fuzz
from sqlalchemy import text
from sqlmodel import Session

from models.clock import shanghai, utc
from models.database import MANY, ONE, as_json
from models.enumerations import RecurrenceKind, SlaClass, Threat
from models.rules import Recurrence

BRACKETED = re.compile(r"\([^()]*\)")
NUMBER_AT_THE_END = re.compile(r"\d+$")
FASTER = {SlaClass.g30: SlaClass.g15, SlaClass.g15: SlaClass.g7, SlaClass.g7: SlaClass.g3}
FROM_THE_FASTEST = (SlaClass.on_spot, SlaClass.g3, SlaClass.g7, SlaClass.g15, SlaClass.g30)


@dataclass(frozen=True, slots=True)
class Asked:
    """A finding to compare: where (a place's code), of which item, in which words; found at a business time."""

    place: str
    found_at: datetime
    description: str
    item: str | None = None
    threat: Threat = Threat.fire


@dataclass(frozen=True, slots=True)
class Twin:
    """An open case at the same place about the same thing."""

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """The latest closed case that this one repeats; `count` is how often it has come back by now, this time included."""

    case_id: int
    code: str
    kind: RecurrenceKind
    closed_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Alike:
    """What is known of the same thing. While a twin is open the new one is a duplicate, not a recurrence: `earlier` is empty then."""

    open_twins: tuple[Twin, ...] = ()
    earlier: Earlier | None = None


def plain(said: str) -> str:
    """Only the letters of a description: width and case folded; bracketed remarks «（2处）», digits and punctuation dropped."""
    folded = unicodedata.normalize("NFKC", said).casefold()
    return "".join(letter for letter in BRACKETED.sub("", folded) if letter.isalpha())


def likeness(one: str, other: str) -> float:
    """How alike two descriptions are, 0 to 100: twice the letters that they share over the letters of both, whatever their order.

    Symmetric, and 100 for a text and itself; two texts without a letter are not alike.
    """
    return _shared(_sorted(one), _sorted(other))


def _sorted(said: str) -> str:
    return "".join(sorted(plain(said)))


def _shared(one: str, other: str) -> float:
    return fuzz.ratio(one, other) if one and other else 0.0


def family(item: str, families: Mapping[str, str]) -> str:
    """The family that the checklist gives the item, else its code without the number at the end (C3 → C)."""
    return families.get(item) or NUMBER_AT_THE_END.sub("", item) or item


FAMILIES = text("""
select item ->> 'code' as code, item ->> 'family' as family
from (select distinct on (code) body from checklist where township_id = :township_id order by code, version desc) newest,
    jsonb_array_elements(newest.body -> 'items') item
where item ->> 'family' is not null
""")

# Each half walks an index from the newest on and stops at a bound, which no real place or village reaches within a year: registering costs
# the same, however much has been closed.
CANDIDATES = """
with asked as materialized (
    select said.*, place.id as place_id, place.village_id
    from jsonb_to_recordset(cast(:asked as jsonb)) as said(nth int, place text, threat text, since timestamptz, found_at timestamptz)
    join place on place.township_id = :township_id and place.code = said.place limit {most}
)
select asked.nth, c.*, h.item, h.description, h.recurrence_count
from asked cross join lateral (
    (
        select id, code, true as here, ended_at from cases
        where place_id = asked.place_id and kind = 'hazard'
            and (ended_at is null or state = 'closed' and ended_at >= asked.since and ended_at <= asked.found_at)
        order by opened_at desc, code desc limit 200
    )
    union all (
        select id, code, false, ended_at from cases
        where village_id = asked.village_id and kind = 'hazard' and state = 'closed'
            and ended_at >= asked.since and ended_at <= asked.found_at and place_id <> asked.place_id
        order by ended_at desc, code desc limit 500
    )
) c
join hazard h on h.case_id = c.id where {worth} and (c.here or h.threat = asked.threat)
"""
ALL = text(CANDIDATES.format(worth="true", most=ONE))
# Nothing comes back where nothing was closed: then what is open needn't be looked at either.
PAST = """exists (
    select from cases past where past.{where} and past.kind = 'hazard' and past.state = 'closed'
        and past.ended_at between asked.since and asked.found_at
)"""
WORTH = " or ".join(PAST.format(where=f"{column} = asked.{column}") for column in ("place_id", "village_id"))
IF_ANY_IS_CLOSED = {most: text(CANDIDATES.format(worth=f"({WORTH})", most=most)) for most in (ONE, MANY)}


def alike(session: Session, township_id: int, asked: Asked, rule: Recurrence) -> Alike:
    """What is open, or was closed within `rule.months` before the finding, and is about the same thing. Of an unknown place: nothing.

    The same item at the place comes before similar words there, these before the village's family; of several, the latest closed.
    """
    families = _families(session, township_id) if asked.item else {}
    rows = session.execute(ALL, _sought(township_id, [asked], rule)).all()
    return compare(asked, rule, rows, families)


def came_back(session: Session, township_id: int, asked: Sequence[Asked], rule: Recurrence) -> list[Earlier | None]:
    """What each of several findings repeats, if it is registered after those that stand before it."""
    found: dict[int, list[Any]] = {}
    for row in session.execute(IF_ANY_IS_CLOSED[ONE if len(asked) == 1 else MANY], _sought(township_id, asked, rule)):
        found.setdefault(row.nth, []).append(row)
    families = _families(session, township_id) if any(asked[nth].item for nth in found) else {}
    answers: list[Earlier | None] = [None] * len(asked)
    for nth, rows in found.items():
        before = [Open(each.item, each.description) for each in asked[:nth] if each.place == asked[nth].place]
        answers[nth] = compare(asked[nth], rule, [*rows, *before], families).earlier
    return answers


class Open(NamedTuple):
    """What is about to be registered at the place, as a candidate."""

    item: str | None
    description: str
    code: str = ""
    here: bool = True
    ended_at: datetime | None = None


def _sought(township_id: int, asked: Sequence[Asked], rule: Recurrence) -> dict[str, Any]:
    rows = [
        {
            "nth": nth, "place": each.place, "threat": each.threat, "found_at": each.found_at,
            "since": utc(shanghai(each.found_at).subtract(months=rule.months)),
        }
        for nth, each in enumerate(asked)
    ]  # fmt: skip
    return {"township_id": township_id, "asked": as_json(rows)}


def _families(session: Session, township_id: int) -> dict[str, str]:
    return {row.code: row.family for row in session.execute(FAMILIES, {"township_id": township_id})}


def compare(asked: Asked, rule: Recurrence, rows: Iterable[Any], families: Mapping[str, str]) -> Alike:
    """The same, of candidates that have been read: each with id, code, here, ended_at, item, description and recurrence_count."""
    words, twins = _Words(asked.description, rule.similar), []
    found: dict[RecurrenceKind, list[Any]] = {kind: [] for kind in RecurrenceKind}
    for row in rows:
        kind = _kind(asked, words, row, families)
        if kind and row.ended_at is None:
            twins.append(Twin(row.code, row.description))
        elif kind:
            found[kind].append(row)
    if len(found[RecurrenceKind.village_family]) < rule.village_times:
        del found[RecurrenceKind.village_family]
    return Alike(tuple(twins)) if twins else Alike((), _latest(found))


def _kind(asked: Asked, words: _Words, row: Any, families: Mapping[str, str]) -> RecurrenceKind | None:
    if not row.here:
        again = _one_family(asked.item, row.item, families) or words.like(row.description)
        return RecurrenceKind.village_family if again else None
    if asked.item is not None and row.item == asked.item:
        return RecurrenceKind.same_item
    return RecurrenceKind.same_words if words.like(row.description) else None


@dataclass(slots=True)
class _Words:
    """One description against many."""

    said: str
    similar: int
    _mine: str = field(init=False)

    def __post_init__(self) -> None:
        self._mine = _sorted(self.said)

    def like(self, other: str) -> bool:
        return _shared(self._mine, _sorted(other)) >= self.similar


def _one_family(one: str | None, other: str | None, families: Mapping[str, str]) -> bool:
    return one is not None and other is not None and family(one, families) == family(other, families)


def _latest(found: Mapping[RecurrenceKind, Sequence[Any]]) -> Earlier | None:
    """The first kind that there is, of it the latest closed."""
    for kind, rows in found.items():
        if rows:
            last = max(rows, key=lambda row: (row.ended_at, row.code))
            return Earlier(last.id, last.code, kind, last.ended_at, last.recurrence_count + 1)
    return None


def hastened(usual: SlaClass, asked: SlaClass) -> SlaClass:
    """The class of a hazard that came back: one faster than usual, or the one that was asked for where that is faster still.

    What is due within 3 days or on the spot can't be hastened; a major hazard goes by its plan.
    """
    if asked == SlaClass.major:
        return asked
    base = asked if usual == SlaClass.major else usual
    return min(FASTER.get(base, base), asked, key=FROM_THE_FASTEST.index)
