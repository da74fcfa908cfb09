"""What a ledger's form is: its columns, in order, by the very words of their headers; and which of them come back in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from models.clock import local
from models.enumerations import Word
from papers.ledger.names import Names

Cell = str | int | float | bool | date | datetime | None
Show = Callable[[Any, Names], Cell]


@dataclass(frozen=True, slots=True)
class Column:
    """`show` is its value in a row that goes out. `name` is what is read of it when it comes in (papers/ledger/cell.py knows how: `read`);
    without a name it is informational: it goes out and is not read. A `claim` is read and kept as a remark of what the ledger said.
    `also` are other headers that mean the same, `words` what Excel offers in the cell, `width` in characters. A text that doesn't `wrap`
    stays on one line however long it is. `confides` says that the column may tell of a public report."""

    zh: str
    show: Show
    name: str = ""
    read: str = "text"
    needed: bool = False
    claim: bool = False
    also: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    width: int = 12
    wrap: bool = True
    confides: bool = False

    @property
    def reads(self) -> bool:
        return bool(self.name) or self.claim


@dataclass(frozen=True, slots=True)
class Form:
    """`rows` says what a line is; `only` is the SQL condition on c (cases) that holds for what belongs in it at all."""

    code: str
    zh: str
    en: str
    source: str
    columns: tuple[Column, ...]
    rows: str = "hazard"
    only: str = "true"
    pictures: bool = field(default=True)

    def discreet(self) -> Form:
        """The form for a reader who may not know that somebody has reported: those columns are empty in every line, since one that is
        empty among filled ones would tell."""
        return replace(self, columns=tuple(replace(each, show=_nothing) if each.confides else each for each in self.columns))

    def headers(self) -> Mapping[str, Column]:
        """The columns by their headers as these are compared."""
        return {plain_header(zh): column for column in self.columns for zh in (column.zh, *column.also)}

    @property
    def needed(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.needed)


def _nothing(_row: Any, _names: Names) -> Cell:
    return None


REMARK = re.compile(r"[（(].*")
DECORATION = re.compile(r"[\s*＊:：/、_-]")


def plain_header(said: str) -> str:
    """A header without what people add to it: width, blanks, stars, and remarks in brackets."""
    folded = unicodedata.normalize("NFKC", said).strip()
    return DECORATION.sub("", REMARK.sub("", folded)) or DECORATION.sub("", folded)


def zh_of(words: type[Word]) -> tuple[str, ...]:
    return tuple(word.zh for word in words)


def said(words: type[Word], value: str | None) -> str:
    return words(value).zh if value else ""


def wall(instant: datetime | None) -> datetime | None:
    """A business time as a cell shows it: in Shanghai, to the second, without a zone (a workbook has none)."""
    return local(instant).replace(microsecond=0, tzinfo=None) if instant else None


def yes(value: bool | None) -> str:
    return "是" if value else "否"
