"""A paper before it is a file: a title, a number and blocks of text, tables and places to sign. Word and PDF are made from it alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from math import ceil
from typing import Any

from models.clock import local

PITCH, TIGHTEST, ACROSS = 28, 24, 28
PAGE, HEAD = 637, 78  # points: 225 mm of page, two lines of title and the room below the number


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; indented by two characters unless it is an address (主送) or a heading."""

    text: str
    indent: bool = True
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; a label is centred. `span`: over how many of the table's four columns. `tall`: millimetres at least, for what
    is to be written by hand."""

    text: str
    label: bool = False
    span: int = 1
    tall: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Four columns: label, value, label, value."""

    rows: tuple[tuple[Cell, ...], ...]
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Signed:
    """The issuer and the date, to the right."""

    by: str
    on: str
    kind: str = "signed"


@dataclass(frozen=True, slots=True)
class Lines:
    """Places to sign: each line stands alone, without indent. `apart`: below a seal, which needs room."""

    lines: tuple[str, ...]
    apart: bool = False
    kind: str = "lines"


Block = Text | Table | Signed | Lines


@dataclass(frozen=True, slots=True)
class Sheet:
    """`issuer` stands above the title where an organ issues the paper, `link` in the QR code of its e-copy, `foot` at the first page's
    lower edge."""

    title: str
    issuer: str
    number: str
    at: datetime
    blocks: Sequence[Block] = field(default_factory=tuple)
    link: str = ""
    foot: str = ""

    @property
    def pitch(self) -> int:
        """How far apart lines stand, in points: 28, or a little less where a page of text would else run over by a few lines (GB/T
        9704-2012 lets line spacing be adjusted for that). One line more is reckoned with, for a font that runs wider. A table's height
        isn't known here."""
        if any(isinstance(block, Table) for block in self.blocks):
            return PITCH
        able = int((PAGE - HEAD) // (2 + sum(lines_of(block) for block in self.blocks)))
        return min(able, PITCH) if able >= TIGHTEST else PITCH

    def plain(self) -> dict[str, Any]:
        """For the typesetter."""
        return {**asdict(self), "at": self.at.isoformat(), "pitch": self.pitch}


def lines_of(block: Block) -> int:
    """How many lines it takes; 0 where that isn't known, of a table."""
    if isinstance(block, Text):
        return ceil((wide(block.text) / 2 + 2 * block.indent) / ACROSS)
    return 3 if isinstance(block, Signed) else len(block.lines) + block.apart if isinstance(block, Lines) else 0


def wide(text: str) -> int:
    """About how wide, in halves of a character: a digit or a Latin letter takes one."""
    return sum(1 if character.isascii() else 2 for character in text)


def row(label: str, value: str, *, tall: int = 0) -> tuple[Cell, ...]:
    """One label and one value over the rest."""
    return Cell(label, label=True), Cell(value, span=3, tall=tall)


def pair(label: str, value: str, other: str, another: str) -> tuple[Cell, ...]:
    return Cell(label, label=True), Cell(value), Cell(other, label=True), Cell(another)


def on(moment: date | datetime) -> str:
    """«2023年3月5日», the day in Shanghai."""
    day = local(moment) if isinstance(moment, datetime) else moment
    return f"{day.year}年{day.month}月{day.day}日"


def at(moment: datetime) -> str:
    """«2023年3月5日9时30分» in Shanghai."""
    said = local(moment)
    return f"{on(said)}{said.hour}时{said.minute:02d}分"


BLANK_DAY = "＿＿＿年＿＿月＿＿日"
BLANK_LINE = "＿" * 20
BLANK_NUMBER = "证号：＿＿＿＿＿＿"


def sign(label: str, more: str = "") -> str:
    """A place to sign by hand: persons stand on a paper in their own hand alone."""
    return f"{label}：＿＿＿＿＿＿{more}"
