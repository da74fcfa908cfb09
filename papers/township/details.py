"""What only some kinds of places have: a mine's licence, a pond's grade, an opening's seal (optional columns of `places.csv`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.enumerations import PlaceKind, Word
from papers.township.cell import Cell
from papers.township.sheet import Row


class SealType(Word):
    wall = "wall", "砌墙封堵", "walled up"
    backfill = "backfill", "回填", "filled in"
    fence = "fence", "围挡", "fenced off"
    none = "none", "未封堵", "open"


class Risk(Word):
    """How often a place that nobody works in is patrolled."""

    high = "high", "高"
    low = "low", "低"


@dataclass(frozen=True, slots=True)
class Detail:
    """How a column is read, and the kinds of places that have it."""

    read: Callable[[Cell], Any]
    kinds: tuple[PlaceKind, ...]


def _day(cell: Cell) -> str | None:
    day: date | None = cell.day()
    return day.isoformat() if day else None


def _word(kind: type[Word]) -> Callable[[Cell], str | None]:
    def read(cell: Cell) -> str | None:
        word = cell.word(kind)
        return str(word) if word else None

    return read


MINES, PONDS, OPENINGS = (PlaceKind.mine,), (PlaceKind.tailings_pond,), (PlaceKind.abandoned_opening,)
DUG = (*MINES, *PONDS, *OPENINGS)
WORKED = tuple(kind for kind in PlaceKind if kind not in (*PONDS, *OPENINGS, PlaceKind.village_public))
DETAILS = {
    "licence_no": Detail(Cell.said, (*WORKED, *PONDS)),
    "producing": Detail(Cell.flag, (*MINES, *PONDS)),
    "pond_grade": Detail(lambda cell: cell.whole(1, 5), PONDS),
    "dam_height": Detail(lambda cell: cell.number(0, 500), PONDS),
    "head_responsible": Detail(Cell.flag, PONDS),
    "seal_type": Detail(_word(SealType), OPENINGS),
    "seal_date": Detail(_day, OPENINGS),
    "warning_sign": Detail(Cell.flag, DUG),
    "risk": Detail(_word(Risk), DUG),
    "staff": Detail(lambda cell: cell.whole(0, 100_000), WORKED),
    "area_m2": Detail(lambda cell: cell.number(0, 10_000_000), WORKED),
    "floors": Detail(lambda cell: cell.whole(0, 200), WORKED),
    "sleeping_on_site": Detail(Cell.flag, WORKED),
}
COLUMNS = tuple(DETAILS)


def read_details(row: Row, kind: PlaceKind | None) -> dict[str, Any]:
    """What is filled in. A column that the kind of place doesn't have is a fault: the cell is in the wrong row or column."""
    filled = [column for column in COLUMNS if not row[column].empty]
    for column in filled:
        if kind and kind not in DETAILS[column].kinds:
            row[column].fault(f"{kind.zh}没有这一项 a {kind} has none: {row[column].shown}", _only(DETAILS[column].kinds))
    read = {column: DETAILS[column].read(row[column]) for column in filled}
    return {column: value for column, value in read.items() if value is not None}


def _only(kinds: Iterable[PlaceKind]) -> str:
    return "空着，只用于 empty, only for " + " ".join(kinds)
