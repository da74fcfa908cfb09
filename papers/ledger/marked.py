"""The workbook as it came, with a column that says of each line what is wrong with it and one with what may have been meant.

It can be corrected and sent again: the two columns are not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import xlsxwriter

from papers.ledger.cell import Fault
from papers.ledger.check import Checked
from papers.ledger.sheet import Ledger
from papers.ledger.words import fitting
from papers.ledger.workbook import BODY, CONSTANT, HEAD, height_of, heighten

RED, AMBER = "#B3261E", "#FFF1D6"
WRONG, MEANT = "错误", "建议"
TOLD, WIDE = 36, 16  # characters: what is told of a line, and what stands in it


def mark_up(ledger: Ledger, checked: Checked, path: Path) -> None:
    """Writes the ledger's sheet to `path`, values only, with the two columns on the left; cells that are wrong are coloured."""
    book = xlsxwriter.Workbook(str(path), CONSTANT)
    sheet = book.add_worksheet("台账")
    formats = {
        "head": book.add_format(HEAD), "wrong": book.add_format({**HEAD, "bg_color": RED}), "text": book.add_format(BODY),
        "fault": book.add_format({**BODY, "font_color": RED, "bold": True}), "cell": book.add_format({**BODY, "bg_color": AMBER}),
        "moment": book.add_format({**BODY, "num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
        "day": book.add_format({**BODY, "num_format": "yyyy-mm-dd", "align": "left"}), "title": book.add_format({"bold": True}),
    }  # fmt: skip
    sheet.set_column(0, 1, TOLD)
    sheet.set_column(2, 60, WIDE)
    _top(sheet, ledger, checked, formats)
    places = {column.zh: at for column, at in ledger.columns}
    written = ledger.header
    for block in ledger.blocks():
        for line, row in zip(block.lines, block.rows, strict=True):
            written += 1
            _line(sheet, written, row, checked.faults.get(line, ()), places, formats)
    sheet.autofilter(ledger.header, 0, max(written, ledger.header + 1), 1 + ledger.wide)
    sheet.freeze_panes(ledger.header + 1, 2)
    book.close()


def _top(sheet: Any, ledger: Ledger, checked: Checked, formats: Mapping[str, Any]) -> None:
    """The titles above the header, and the header."""
    *titles, header = ledger.head()
    for line, row in enumerate(titles):
        if line == 0:
            sheet.write_string(0, 0, f"共 {checked.lines} 行，{checked.faulty} 行有误；改正后可直接重新导入本表", formats["title"])
        _cells(sheet, line, row, {}, formats, "title")
    sheet.set_row(ledger.header, 32)
    sheet.write_string(ledger.header, 0, WRONG, formats["wrong"])
    sheet.write_string(ledger.header, 1, MEANT, formats["wrong"])
    _cells(sheet, ledger.header, header, {}, formats, "head")


def _line(
    sheet: Any, line: int, row: Sequence[Any], faults: Sequence[Fault], places: Mapping[str, int], formats: Mapping[str, Any]
) -> None:
    why, meant = "\n".join(_why(fault) for fault in faults), "\n".join(fault.meant for fault in faults if fault.meant)
    widths = {at: WIDE if at > 1 else TOLD for at in range(len(row) + 2)}
    heighten(sheet, line, height_of((why, meant, *row), widths))
    if faults:
        sheet.write_string(line, 0, fitting(why), formats["fault"])
        sheet.write_string(line, 1, fitting(meant), formats["text"])
    wrong = {places[fault.column]: True for fault in faults if fault.column in places}
    _cells(sheet, line, row, wrong, formats, "text")


def _why(fault: Fault) -> str:
    return f"{fault.column}：{fault.zh}" if fault.column else fault.zh


def _cells(sheet: Any, line: int, row: Sequence[Any], wrong: Mapping[int, bool], formats: Mapping[str, Any], plain: str) -> None:
    for at, cell in enumerate(row):
        chosen = formats["cell"] if at in wrong else formats[plain]
        if cell == "":
            sheet.write_blank(line, at + 2, None, chosen)
        elif isinstance(cell, str):
            sheet.write_string(line, at + 2, fitting(cell), chosen)
        elif isinstance(cell, bool):
            sheet.write_boolean(line, at + 2, cell, chosen)
        elif isinstance(cell, datetime):
            sheet.write_datetime(line, at + 2, cell, formats["moment"])
        elif isinstance(cell, date):
            sheet.write_datetime(line, at + 2, cell, formats["day"])
        elif isinstance(cell, time):
            sheet.write_string(line, at + 2, cell.isoformat(), chosen)
        else:
            sheet.write(line, at + 2, cell, chosen)
