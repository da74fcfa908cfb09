"""A CSV file as rows of cells that know the line they start on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from papers.township.cell import Cell, Names, show
from papers.township.fault import Findings
from papers.township.source import read_text

Line = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Row:
    file: str
    line: int
    texts: Mapping[str, str]
    findings: Findings

    def __getitem__(self, column: str) -> Cell:
        text = self.texts.get(column)
        return Cell(text or "", column, self.file, self.line, self.findings, absent=text is None)


@dataclass(frozen=True, slots=True)
class Sheet:
    """`sound` means that header and rows could be read; single cells may still be wrong."""

    file: str
    findings: Findings
    rows: Sequence[Row] = ()
    sound: bool = False
    lines: dict[str, int] = field(default_factory=dict)

    def names(self, column: str, what: str) -> Names:
        """Every code that stands in `column`, so that a row wrong elsewhere can still be pointed at."""
        codes = {row.texts[column]: row.line for row in reversed(self.rows) if row.texts.get(column)}
        return Names(self.file, what, codes, self.sound and bool(self.rows))

    def check_unique(self, column: str) -> None:
        first: dict[str, int] = {}
        for row in self.rows:
            text = row.texts.get(column, "")
            if text and text in first:
                cell = row[column]
                cell.fault(f"重复 duplicate {cell.shown}", f"只出现一次；第 {first[text]} 行已有 only once; line {first[text]} has it")
            first.setdefault(text, row.line)


def read_sheet(
    folder: Path, file: str, required: Sequence[str], optional: Sequence[str], findings: Findings, may_be_empty: bool = False
) -> Sheet:
    """Rows whose first cell starts with `#` are comments. Cells are stripped; cells missing at a row's end are empty."""
    text = read_text(folder, file, findings)
    if text is None:
        return Sheet(file, findings)
    lines, whole = _lines(text, file, findings)
    if not lines:
        findings.add(file, 1, "没有表头 header row missing", ",".join(required))
        return Sheet(file, findings)
    header = _header(lines[0], file, required, optional, findings)
    if header is None:
        return Sheet(file, findings)
    rows = [row for line in lines[1:] if (row := _row(line, header, file, findings))]
    if len(lines) == 1 and whole and not may_be_empty:
        findings.add(file, lines[0][0], "只有表头，空着 empty: no row below the header", "至少一行 at least one row")
    return Sheet(file, findings, rows, whole)


def _lines(text: str, file: str, findings: Findings) -> tuple[list[Line], bool]:
    """Records with the line each starts on; a quoted cell may span lines."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[Line] = []
    start = 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells) and not cells[0].startswith("#"):
                lines.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        findings.add(file, start, f"引号或分隔不对 broken quoting: {error}", "成对的双引号、英文逗号 paired double quotes, commas")
        return lines, False
    return lines, True


def _header(line: Line, file: str, required: Sequence[str], optional: Sequence[str], findings: Findings) -> list[str] | None:
    number, names = line
    allowed = [*required, *optional]
    if not set(names) & set(allowed):
        findings.add(file, number, "第一行不是表头 the first row is no header", ",".join(required))
        return None
    for name in _repeated(names):
        findings.add(file, number, f"列重复 column twice: {show(name)}", "每列一次 each column once")
    for name in sorted({*names} - {*allowed, ""}):
        near = findings.near(name, allowed)
        findings.add(file, number, f"不认识的列 unknown column {show(name)}{near}", " ".join(allowed))
    for name in required:
        if name not in names:
            findings.add(file, number, f"缺少列 column missing: {name}", ",".join(required))
    return names


def _repeated(names: Sequence[str]) -> Iterator[str]:
    return (name for name in dict.fromkeys(names) if name and names.count(name) > 1)


def _row(line: Line, header: Sequence[str], file: str, findings: Findings) -> Row | None:
    number, cells = line
    if any(cells[len(header) :]):
        what = f"这一行有 {len(cells)} 格 this row has {len(cells)} cells"
        findings.add(file, number, what, f"{len(header)} 格；含逗号的内容要加双引号 quote what has a comma")
        return None
    padded = [*cells, *[""] * (len(header) - len(cells))]
    return Row(file, number, dict(zip(header, padded, strict=False)), findings)
