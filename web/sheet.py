"""A table as a file that the office opens: Excel, or CSV with the mark by which Excel knows UTF-8. Every cell is text or a number, never a
formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from urllib.parse import quote

import xlsxwriter
from fastapi.responses import Response

Cell = str | int | float | date | None
FORMULA = ("=", "+", "-", "@", "\t", "\r")
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def answer(name: str, extension: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Response:
    """The table to be downloaded under this name."""
    body = excel(name, head, rows) if extension == "xlsx" else comma_separated(head, rows)
    kind = EXCEL if extension == "xlsx" else "text/csv; charset=utf-8"
    return Response(body, media_type=kind, headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}.{extension}"})


def excel(name: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        page, bold, day = book.add_worksheet(name[:31]), book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        page.write_row(0, 0, head, bold)
        for at, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    page.write_datetime(at, column, cell, day)
                elif isinstance(cell, str):
                    page.write_string(at, column, cell)
                else:
                    page.write(at, column, cell)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, max(len(rows), 1), len(head) - 1)
        page.set_column(0, len(head) - 1, 18)
    return out.getvalue()


def comma_separated(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([head, *([_plain(cell) for cell in row] for row in rows)])
    return out.getvalue().encode("utf-8-sig")


def _plain(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula, said to be text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
