"""The sheet of a workbook that is a ledger: found by its header, wherever that stands, and read in blocks of lines.

Only values are read, by calamine; a formula's cell is known by where it stands. The values of merged cells hold for every line of them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum, load_workbook

from papers.ledger.admission import Admitted, BadWorkbook, admit
from papers.ledger.form import Column, Form, plain_header
from papers.ledger.forms import FORMS

HEADER_WITHIN = 30  # lines from the top: titles, the unit that reports, the day
SHEETS_AT_MOST = 40
BLOCK = 4000
MERGED_AT_MOST = 500_000  # cells
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines: their numbers as Excel shows them, their cells as read, and the same by columns."""

    lines: list[int]
    rows: list[Sequence[Any]]
    columns: list[Sequence[Any]]


@dataclass(slots=True)
class Ledger:
    """A sheet that was recognised. `columns` says which column of the form stands where; `header` is the header's line from 0."""

    path: Path
    name: str
    form: Form
    header: int
    columns: list[tuple[Column, int]]
    sheet: CalamineSheet
    formulas: set[tuple[int, int]] = field(default_factory=set)

    @property
    def offset(self) -> int:
        """The columns of the sheet that are empty on the left and not read."""
        return self.sheet.start[1] if self.sheet.start else 0

    def head(self) -> list[list[Any]]:
        """The lines down to the header."""
        return list(islice(self.sheet.iter_rows(), self.header + 1))

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        """The lines below the header that hold anything at all."""
        rows = enumerate(self.sheet.iter_rows())
        filled = _filled(rows, self._merges()) if self._merges() else rows
        below = ((line + 1, row) for line, row in filled if line > self.header and any(row))
        while part := list(islice(below, size)):
            taken: list[Sequence[Any]] = [row for _, row in part]
            yield Block([line for line, _ in part], taken, list(zip(*taken, strict=True)))

    def _merges(self) -> list[tuple[int, int, int, int]]:
        """Merged cells below the header as first and last line, first and last column. Raises BadWorkbook for too many."""
        wide, last = self.sheet.width, self.sheet.total_height
        found = []
        for (top, left), (bottom, right) in self.sheet.merged_cell_ranges or []:
            columns = max(left - self.offset, 0), min(right - self.offset, wide - 1)
            if bottom > self.header and columns[0] <= columns[1]:
                found.append((top, min(bottom, last), *columns))
        if sum((bottom - top + 1) * (right - left + 1) for top, bottom, left, right in found) > MERGED_AT_MOST:
            raise BadWorkbook("merged", "合并单元格过多，请取消合并后再导入。", "Too many merged cells: unmerge them.")
        return found


def _filled(rows: Iterator[tuple[int, list[Any]]], merges: list[tuple[int, int, int, int]]) -> Iterator[tuple[int, list[Any]]]:
    """Every cell of a merged range holds what its first holds."""
    begins: dict[int, list[tuple[int, int, int]]] = {}
    for top, bottom, left, right in merges:
        begins.setdefault(top, []).append((bottom, left, right))
    running: list[tuple[int, int, int, Any]] = []
    for line, row in rows:
        running = [each for each in running if each[0] >= line]
        running += [(bottom, left, right, row[left]) for bottom, left, right in begins.get(line, ())]
        for _, left, right, value in running:
            row[left : right + 1] = [value] * (right - left + 1)
        yield line, row


def open_ledger(path: Path, form: Form | None = None) -> Ledger:
    """The first sheet with the header of the form, or of any. Raises BadWorkbook with what is wrong with the file or its headers."""
    admitted = admit(path)
    try:
        book = load_workbook(str(path))
        return _recognised(admitted, book, [form] if form else list(FORMS.values()))
    except CalamineError as error:
        raise BadWorkbook(
            "damaged", "工作簿读不出来，可能已损坏；请在 Excel 中打开并重新保存。", "The workbook can't be read: open and save it in Excel."
        ) from error


def _recognised(admitted: Admitted, book: CalamineWorkbook, forms: Sequence[Form]) -> Ledger:
    nearest: tuple[int, Form, list[str]] | None = None
    for meta in islice(book.sheets_metadata, SHEETS_AT_MOST):
        if meta.typ != SheetTypeEnum.WorkSheet or meta.visible != SheetVisibleEnum.Visible:
            continue
        sheet = book.get_sheet_by_name(meta.name)
        found, matched, missing = _header(sheet, forms)
        if found and not missing:
            form, header, columns = found
            return Ledger(admitted.path, meta.name, form, header, columns, sheet, _formulas(admitted, meta.name))
        if found and (nearest is None or matched > nearest[0]):
            nearest = matched, found[0], missing
    raise _unrecognised(nearest)


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


Found = tuple[Form, int, list[tuple[Column, int]]]


def _header(sheet: CalamineSheet, forms: Sequence[Form]) -> tuple[Found | None, int, list[str]]:
    """The line that holds most of a form's headers, how many it holds, and what it lacks. A form that lacks nothing goes first."""
    best: tuple[tuple[bool, int], Found, list[str]] | None = None
    above: list[str] = []
    for line, row in enumerate(islice(sheet.iter_rows(), HEADER_WITHIN)):
        said = [plain_header(str(cell)) if cell != "" else "" for cell in row]
        merged = [here or (above[at] if at < len(above) else "") for at, here in enumerate(said)]
        above = said
        for form in forms:
            columns, missing = _matched(form, merged), []
            missing = [column.zh for column in form.needed if not any(each is column for each, _ in columns)]
            rank = (not missing, len(columns))
            if len(columns) >= 3 and (best is None or rank > best[0]):
                best = rank, (form, line, columns), missing
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
PART = re.compile(r"^(?:/xl/)?(?:\./)?(.*)$")


def _formulas(admitted: Admitted, name: str) -> set[tuple[int, int]]:
    """The cells of the sheet of that name that hold a formula; the workbook says in which part the sheet lies."""
    if not any(admitted.formulas.values()):
        return set()
    with zipfile.ZipFile(admitted.path) as archive:
        sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter()
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {each.get("Id"): each.get("Target", "") for each in relations}
    wanted = next((targets.get(each.get(RELATION), "") for each in sheets if each.get("name") == name and each.get(RELATION)), "")
    found = PART.match(wanted)
    return admitted.formulas.get(f"xl/{found[1]}" if found else "", set())
