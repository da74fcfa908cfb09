"""A workbook as a ledger is handed over: header, filter, widths, choices, print set-up; row by row, with one row in memory.

Texts are written as texts whatever they begin with: nothing that somebody typed becomes a formula or a link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from models.refusal import Refusal
from papers.ledger.form import Cell, Column, Form
from papers.ledger.names import Names
from papers.ledger.thumbnail import HEIGHT, Thumbnail
from papers.ledger.words import fitting

LINES_AT_MOST = 1_048_575  # of a sheet below its header: Excel's own limit
SPARE = 200  # lines below the last in which the choices still hold
CONSTANT = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
HEAD = {
    "bold": True, "bg_color": "#0B5B45", "font_color": "#FFFFFF", "border": 1, "align": "center", "valign": "vcenter", "text_wrap": True,
}  # fmt: skip
BODY = {"border": 1, "border_color": "#C9D2CC", "valign": "top", "text_wrap": True}
LINE_HEIGHT = 17  # points, of the highest font that stands in for Excel's; other programs than Excel don't make a row as high as its text
HIGHEST = 20  # lines of text; Excel ends at 27
PICTURES = ("整改前照片", "整改后照片")
PICTURE_WIDTH = 22


class TooManyLines(Refusal):
    """More than a sheet can hold."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: lines below the header, and pictures."""

    lines: int
    pictures: int = 0


Pictures = Callable[[Any], tuple[Thumbnail | None, Thumbnail | None]]
Progress = Callable[[int], None]


def write(
    path: Path, form: Form, rows: Iterable[Any], names: Names, about: Mapping[str, str], *,
    pictures: Pictures | None = None, progress: Progress = lambda done: None,
) -> Written:  # fmt: skip
    """Writes the rows in the form's columns; `about` goes on a second sheet. Memory does not grow with the rows, unless there are pictures.

    Raises TooManyLines, and whatever reading the rows raises: then there is no workbook.
    """
    book = xlsxwriter.Workbook(str(path), CONSTANT)
    try:
        written = _ledger(book, form, rows, names, pictures, progress)
        _about(book, form, {**about, "行数": str(written.lines)})
    except BaseException:
        book.fileclosed = True  # xlsxwriter would write what there is when it is let go of
        raise
    book.close()
    return written


def _ledger(
    book: xlsxwriter.Workbook, form: Form, rows: Iterable[Any], names: Names, pictures: Pictures | None, progress: Progress
) -> Written:  # fmt: skip
    sheet = book.add_worksheet("台账")
    body = {kind: book.add_format({**BODY, **more}) for kind, more in KINDS.items()}
    _head(book, sheet, form, pictures is not None)
    wide, line, pasted = len(form.columns), 0, 0
    put, flat = writer(sheet, body), writer(sheet, {**body, "text": body["flat"]})
    columns = [(at, column.show, put if column.wrap else flat) for at, column in enumerate(form.columns)]
    widths = {at: column.width for at, column in enumerate(form.columns) if column.wrap}
    for line, row in enumerate(rows, 1):
        if line > LINES_AT_MOST:
            raise TooManyLines("一张工作表装不下这么多行，请加筛选条件后再导出。", "More lines than a sheet holds: filter them.")
        cells = [show(row, names) for _, show, _ in columns]
        high = height_of(cells, widths)
        if pictures:
            pasted += _paste(sheet, line, wide, pictures(row), high)
        else:
            heighten(sheet, line, high)
        for at, _, write_cell in columns:
            write_cell(line, at, cells[at])
        if line % 5000 == 0:
            progress(line)
    _foot(sheet, form, line, wide + (len(PICTURES) if pictures else 0))
    return Written(line, pasted)


def height_of(cells: Sequence[Any], widths: Mapping[int, int]) -> float:
    """Of a row, in points, by the longest of its texts in its column; signs that aren't ASCII are two characters wide. 0: as usual."""
    most = 1
    for at, width in widths.items():
        cell = cells[at]
        if type(cell) is str and (2 * len(cell) > width or "\n" in cell):
            most = max(most, sum([_lines(part, width) for part in cell.split("\n")]))
    return min(most, HIGHEST) * LINE_HEIGHT if most > 1 else 0


def _lines(said: str, width: int) -> int:
    return max((len(said) + len(said.encode("utf-8", "replace"))) // 2 - 1, 0) // width + 1


def heighten(sheet: Any, line: int, high: float) -> None:
    """Makes a row higher than usual. What the sheet keeps of the heights of rows that are on disk already is for pictures: it is let go."""
    if high:
        sheet.set_row(line, high)
    for kept in (sheet.row_info, sheet.row_sizes):
        kept.pop(line - 2, None)


KINDS: Mapping[str, dict[str, Any]] = {
    "text": {}, "flat": {"text_wrap": False},
    "moment": {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}, "day": {"num_format": "yyyy-mm-dd", "align": "left"},
}  # fmt: skip


def writer(sheet: Any, body: Mapping[str, Any]) -> Callable[[int, int, Cell], None]:
    """Puts a value of any kind into a cell."""
    text, moment, day = body["text"], body["moment"], body["day"]
    write_string, write_blank = sheet.write_string, sheet.write_blank
    write_number, write_datetime = sheet.write_number, sheet.write_datetime

    def put(line: int, at: int, value: Cell) -> None:
        if isinstance(value, str):
            if value:
                write_string(line, at, fitting(value), text)
            else:
                write_blank(line, at, None, text)
        elif value is None:
            write_blank(line, at, None, text)
        elif isinstance(value, datetime):
            write_datetime(line, at, value, moment)
        elif isinstance(value, date):
            write_datetime(line, at, value, day)
        elif isinstance(value, bool):
            sheet.write_boolean(line, at, value, text)
        else:
            write_number(line, at, value, text)

    return put


def _head(book: xlsxwriter.Workbook, sheet: Any, form: Form, pictures: bool) -> None:
    """The header, and how the sheet looks on screen and on paper."""
    head, later = book.add_format(HEAD), book.add_format({**HEAD, "bg_color": "#5B6B63"})
    sheet.set_row(0, 32)
    for at, column in enumerate(form.columns):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, column.zh, head if column.reads or form.code != "full" else later)
    for nth, zh in enumerate(PICTURES if pictures else ()):
        sheet.set_column(len(form.columns) + nth, len(form.columns) + nth, PICTURE_WIDTH)
        sheet.write_string(0, len(form.columns) + nth, zh, head)
    sheet.freeze_panes(1, _frozen(form))
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&C第 &P 页，共 &N 页&R&D")


def _frozen(form: Form) -> int:
    """The columns that stay while one scrolls to the right: a number, or none."""
    return 1 if form.columns[0].zh in ("隐患编号", "序号", "编号") else 0


def _foot(sheet: Any, form: Form, lines: int, wide: int) -> None:
    sheet.autofilter(0, 0, max(lines, 1), wide - 1)
    for at, column in enumerate(form.columns):
        if column.words:
            sheet.data_validation(1, at, lines + SPARE, at, _choices(column))


def _choices(column: Column) -> dict[str, Any]:
    """What Excel offers in the cell and says when something else is typed."""
    return {
        "validate": "list", "source": list(column.words), "error_type": "warning", "error_title": column.zh,
        "error_message": f"“{column.zh}”请从列表中选择。",
    }  # fmt: skip


def _paste(sheet: Any, line: int, wide: int, found: tuple[Thumbnail | None, Thumbnail | None], high: float) -> int:
    """The newest photo before and after; they move with their cells, and the row is as high as they are at least."""
    sheet.set_row(line, max(HEIGHT * 0.75 + 6, high))
    for nth, thumbnail in enumerate(found):
        if thumbnail:
            how = {"image_data": thumbnail.open(), "object_position": 2, "x_offset": 3, "y_offset": 3, "description": PICTURES[nth]}
            sheet.insert_image(line, wide + nth, f"{thumbnail.name}.jpg", how)
    return sum(each is not None for each in found)


def _about(book: xlsxwriter.Workbook, form: Form, about: Mapping[str, str]) -> None:
    """Where the ledger comes from and as of when, and which of its columns are read when it comes back."""
    sheet = book.add_worksheet("说明")
    bold, plain = book.add_format({"bold": True, "valign": "top"}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 16)
    sheet.set_column(1, 1, 80)
    said = {"表式": form.zh, **about, **_reading(form)}
    for line, (name, value) in enumerate(said.items()):
        sheet.write_string(line, 0, name, bold)
        sheet.write_string(line, 1, fitting(value), plain)


def _reading(form: Form) -> Mapping[str, str]:
    carried = "、".join(column.zh for column in form.columns if column.name and not column.claim)
    claimed = "、".join(column.zh for column in form.columns if column.claim)
    shown = "、".join(column.zh for column in form.columns if not column.reads)
    return {"导入时读取": carried or "—", "导入时记入备注": claimed or "—", "仅供查看": shown or "—"}
