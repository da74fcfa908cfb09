"""The tables as a workbook: a sheet each, headings in two rows, printed across a page. The same facts give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

import xlsxwriter

from papers.statistics.corrected import corrections

FEW = 4
LONG_AGO = datetime(1980, 1, 1)  # noqa: DTZ001 - xlsxwriter writes it as UTC


def workbook(brief: Mapping[str, Any]) -> bytes:
    """The .xlsx: what is said in words first, then the tables."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": brief["title"], "author": brief["signed"]["by"], "created": LONG_AGO})
        middle = {"align": "center", "valign": "vcenter"}
        looks = {
            "title": book.add_format({**middle, "bold": True, "font_size": 16}),
            "head": book.add_format({**middle, "bold": True, "border": 1, "text_wrap": True, "bg_color": "#EDF2F7"}),
            "cell": book.add_format({**middle, "border": 1}),
            "text": book.add_format({"text_wrap": True, "valign": "top"}),
        }
        _said(book, brief, looks)
        for table in (*([brief["compared"]] if "compared" in brief else []), *brief["tables"]):
            _table(book, table, looks)
    return file.getvalue()


def _said(book: Any, brief: Mapping[str, Any], looks: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet("说明")
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 100)
    sheet.write_string(0, 0, brief["title"], looks["title"])
    corrected = corrections(brief["corrected"]) if "corrected" in brief else ()
    for row, line in enumerate((*brief["words"], *corrected, *brief["notes"], f"{brief['signed']['by']}　{brief['signed']['on']}"), 1):
        sheet.write_string(row, 0, line, looks["text"])


def _table(book: Any, table: Mapping[str, Any], looks: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(table["title"].removesuffix("情况统计表"))
    last = len(table["columns"]) - 1
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, last, 12 if last > FEW else 22)
    sheet.set_row(1, 32)
    sheet.set_row(2, 45)
    sheet.merge_range(0, 0, 0, last, table["title"], looks["title"])
    _heads(sheet, table, looks["head"])
    for row, line in enumerate(table["rows"], 3):
        for column, value in enumerate(line):
            sheet.write(row, column, value, looks["cell"])
    sheet.freeze_panes(3, 1)
    sheet.repeat_rows(0, 2)


def _heads(sheet: Any, table: Mapping[str, Any], look: Any) -> None:
    place = 0
    for group, members in groupby(enumerate(table["groups"]), key=lambda pair: pair[1] or str(pair[0])):
        end = place + len(list(members)) - 1
        if not table["groups"][place]:
            sheet.merge_range(1, place, 2, place, table["columns"][place], look)
        else:
            if end > place:
                sheet.merge_range(1, place, 1, end, group, look)
            else:
                sheet.write_string(1, place, group, look)
            for column in range(place, end + 1):
                sheet.write_string(2, column, table["columns"][column], look)
        place = end + 1
