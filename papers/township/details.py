"""What only some kinds of places have: a mine's licence, a pond's grade, an opening's seal (optional columns of `places.csv`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from models.enumerations import PlaceKind, Risk, SealType, Word
from papers.township.cell import Cell
from papers.township.sheet import Row
from statemachines.details import DETAILS


def _day(cell: Cell) -> str | None:
    day: date | None = cell.day()
    return day.isoformat() if day else None


def _word(kind: type[Word]) -> Callable[[Cell], str | None]:
    def read(cell: Cell) -> str | None:
        word = cell.word(kind)
        return str(word) if word else None

    return read


READ: dict[str, Callable[[Cell], Any]] = {
    "licence_no": Cell.said,
    "producing": Cell.flag,
    "pond_grade": lambda cell: cell.whole(1, 5),
    "dam_height": lambda cell: cell.number(0, 500),
    "head_responsible": Cell.flag,
    "seal_type": _word(SealType),
    "seal_date": _day,
    "warning_sign": Cell.flag,
    "risk": _word(Risk),
    "staff": lambda cell: cell.whole(0, 100_000),
    "area_m2": lambda cell: cell.number(0, 10_000_000),
    "floors": lambda cell: cell.whole(0, 200),
    "sleeping_on_site": Cell.flag,
}
COLUMNS = tuple(DETAILS)


def read_details(row: Row, kind: PlaceKind | None) -> dict[str, Any]:
    """What is filled in. A column that the kind of place doesn't have is a fault: the cell is in the wrong row or column."""
    filled = [column for column in COLUMNS if not row[column].empty]
    for column in filled:
        if kind and kind not in DETAILS[column].kinds:
            row[column].fault(f"{kind.zh}没有这一项 a {kind} has none: {row[column].shown}", _only(DETAILS[column].kinds))
    read = {column: READ[column](row[column]) for column in filled}
    return {column: value for column, value in read.items() if value is not None}


def _only(kinds: Iterable[PlaceKind]) -> str:
    return "空着，只用于 empty, only for " + " ".join(kinds)
