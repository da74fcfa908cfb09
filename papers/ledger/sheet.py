"""The sheet of a workbook that is a ledger: found by its header, wherever that stands, and read in blocks of lines.

Only values are read; a formula's cell is known by where it stands. The values of merged cells hold for every line of them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, SheetMetadata, SheetTypeEnum, SheetVisibleEnum, load_workbook

from papers.ledger.admission import MERGED_AT_MOST, Admitted, BadWorkbook, admit, damaged, too_much_merged
from papers.ledger.form import Column, Form, plain_header
from papers.ledger.forms import FORMS
from papers.ledger.windows import Sheet, Window

HEADER_WITHIN = 30  # lines from the top: titles, the unit that reports, the day
SHEETS_AT_MOST = 40
BLOCK = 2000


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines: their numbers as Excel shows them, and their cells."""

    lines: list[int]
    rows: list[list[Any]]

    def column(self, at: int) -> list[Any]:
        return list(map(itemgetter(at), self.rows))


@dataclass(slots=True)
class Ledger:
    """A sheet that was recognised. `columns` says which column of the form stands where; `header` is the header's line from 0, `wide` how
    many cells a line has at least."""

    sheet: Sheet
    form: Form
    header: int
    columns: list[tuple[Column, int]]
    wide: int
    formulas: set[tuple[int, int]] = field(default_factory=set)
    merged: set[tuple[int, int, int, int]] = field(default_factory=set)

    @property
    def path(self) -> Path:
        return self.sheet.path

    @property
    def name(self) -> str:
        return self.sheet.name

    def head(self) -> list[list[Any]]:
        """The lines down to the header."""
        above = dict(takewhile(lambda row: row[0] <= self.header, self.sheet.rows()))
        return [above.get(line, []) for line in range(self.header + 1)]

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        """The lines below the header that hold anything at all, so many at a time or some more. Raises BadWorkbook for what can't be read
        to its end."""
        windows = self.sheet.windows(self.wide)
        lines, rows = list[int](), list[list[Any]]()
        for first, read in _filled(windows, self.merged, self.wide) if self.merged else windows:
            above = max(self.header + 1 - first, 0)
            lines += [line for line, row in enumerate(read[above:], first + above + 1) if any(row)]
            rows += filter(any, read[above:])
            if len(rows) >= size:
                yield Block(lines, rows)
                lines, rows = [], []
        if rows:
            yield Block(lines, rows)


def _filled(windows: Iterable[Window], merged: Iterable[tuple[int, int, int, int]], wide: int) -> Iterator[Window]:
    """Every cell of a merged range holds what its first holds. Raises BadWorkbook for too many."""
    begins: dict[int, list[tuple[int, int, int]]] = {}
    for top, bottom, left, right in merged:
        begins.setdefault(top, []).append((bottom, left, min(right, wide - 1)))
    running, done = list[tuple[int, int, int, Any]](), 0
    for window in windows:
        for line, cells in enumerate(window.rows, window.line):
            running = [each for each in running if each[0] >= line]
            running += [(bottom, left, right, cells[left]) for bottom, left, right in begins.get(line, ()) if left <= right]
            for _, left, right, value in running:
                cells[left : right + 1] = [value] * (right - left + 1)
                done += 1 + right - left
            if done > MERGED_AT_MOST:
                raise too_much_merged()
        yield window


def open_ledger(path: Path, form: Form | None = None) -> Ledger:
    """The first sheet with the header of the form, or of any. Raises BadWorkbook with what is wrong with the file or its headers."""
    admitted = admit(path)
    try:
        book = load_workbook(str(path))
    except CalamineError as error:
        raise damaged() from error
    return _recognised(admitted, list(_sheets(admitted, book.sheets_metadata)), [form] if form else list(FORMS.values()))


def _recognised(admitted: Admitted, sheets: Sequence[Sheet], forms: Sequence[Form]) -> Ledger:
    nearest: tuple[int, Form, list[str]] | None = None
    for sheet in sheets:
        found, matched, missing = _header(sheet, forms)
        if found and not missing:
            form, header, columns, wide = found
            merged = {each for each in admitted.merged.get(sheet.part, ()) if each[1] > header}
            return Ledger(sheet, form, header, columns, wide, admitted.formulas.get(sheet.part, set()), merged)
        if found and (nearest is None or matched > nearest[0]):
            nearest = matched, found[0], missing
    raise _unrecognised(nearest)


def _sheets(admitted: Admitted, listed: Sequence[SheetMetadata]) -> Iterator[Sheet]:
    """The worksheets that people see."""
    parts = _parts(admitted.path)
    known = {part.casefold(): part for part in admitted.sheets}
    for meta in islice(listed, SHEETS_AT_MOST):
        part = known.get(parts.get(meta.name, "").casefold())
        if part and meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible:
            yield Sheet(admitted.path, meta.name, part)


def _unrecognised(nearest: tuple[int, Form, list[str]] | None) -> BadWorkbook:
    if nearest is None:
        known = "、".join(form.zh for form in FORMS.values())
        forms = ", ".join(FORMS)
        return BadWorkbook("headers", f"没有找到台账的表头，可导入的表式：{known}。", f"No ledger's header found; forms: {forms}.")
    _, form, missing = nearest
    named = "、".join(missing)
    return BadWorkbook(
        "headers", f"像是“{form.zh}”，但缺少这些列：{named}。", f"It looks like {form.en}, but lacks these columns: {', '.join(missing)}."
    )


Found = tuple[Form, int, list[tuple[Column, int]], int]


def _header(sheet: Sheet, forms: Sequence[Form]) -> tuple[Found | None, int, list[str]]:
    """The line that holds most of a form's headers, how many it holds, and what it lacks. A form that lacks nothing goes first."""
    best: tuple[tuple[bool, int], Found, list[str]] | None = None
    above: list[str] = []
    for line, row in takewhile(lambda row: row[0] < HEADER_WITHIN, sheet.rows()):
        said = [plain_header(str(cell)) if cell != "" else "" for cell in row]
        merged = [here or (above[at] if at < len(above) else "") for at, here in enumerate(said)]
        above = said
        for form in forms:
            columns, missing = _matched(form, merged), []
            missing = [column.zh for column in form.needed if not any(each is column for each, _ in columns)]
            rank = (not missing, len(columns))
            if len(columns) >= 3 and (best is None or rank > best[0]):
                best = rank, (form, line, columns, len(row)), missing
    return (best[1], best[0][1], best[2]) if best else (None, 0, [])


def _matched(form: Form, said: Sequence[str]) -> list[tuple[Column, int]]:
    """Which of the form's columns stand where; the first of two with one header holds."""
    known, found = form.headers(), dict[str, tuple[Column, int]]()
    for at, header in enumerate(said):
        column = known.get(header) or COMMON.get(header)
        if header and column and column.zh not in found:
            found[column.zh] = column, at
    return list(found.values())


def _common() -> Mapping[str, Column]:
    """Numbers that Bihuan gives: read wherever they stand."""
    full = FORMS["full"].columns
    return {plain_header(column.zh): column for column in full if column.name in ("code", "place_code")}


COMMON = _common()
PART = re.compile(r"^(?:/?xl/)?(?:\./)?(.*)$")


def _parts(path: Path) -> dict[str, str]:
    """In which part of the archive each sheet lies, by its name."""
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = list(ElementTree.fromstring(archive.read("xl/workbook.xml")).iter())
            relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError) as error:
        raise damaged() from error
    targets = {each.get("Id"): PART.sub(r"xl/\1", each.get("Target", "")) for each in relations}
    related = ((sheet.get("name", ""), value) for sheet in sheets for name, value in sheet.items() if name.endswith("}id"))
    return {name: targets[relation] for name, relation in reversed(list(related)) if relation in targets}
