"""A paper before it is a file: a title, a number and blocks of text, tables and places to sign. Word and PDF are made from it alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from models.clock import local


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
    """Places to sign: each line stands alone, without indent."""

    lines: tuple[str, ...]
    kind: str = "lines"


Block = Text | Table | Signed | Lines


@dataclass(frozen=True, slots=True)
class Sheet:
    """`issuer` stands above the title where an organ issues the paper, `link` in the QR code of its e-copy, `foot` at the very end."""

    title: str
    issuer: str
    number: str
    at: datetime
    blocks: Sequence[Block] = field(default_factory=tuple)
    link: str = ""
    foot: str = ""

    def plain(self) -> dict[str, Any]:
        """For the typesetter."""
        return {**asdict(self), "at": self.at.isoformat()}


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


def sign(label: str, more: str = "") -> str:
    """A place to sign by hand: persons stand on a paper in their own hand alone."""
    return f"{label}：＿＿＿＿＿＿{more}"
