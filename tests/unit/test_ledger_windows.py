"""A sheet that is read in windows is the sheet that is read whole, wherever it is cut."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from papers.ledger import windows
from papers.ledger.admission import BadWorkbook, admit
from papers.ledger.windows import Sheet

PART = "xl/worksheets/sheet1.xml"
CELLS = st.none() | st.sampled_from([
    "", " ", "灭火器过期", "</row>", "<!--", "]]>", "a\nb", "&amp;", 0, 3.5, True, date(2023, 3, 1), "长" * 200,
    datetime.fromisoformat("2023-03-01 09:30"),
])  # fmt: skip
LINES = st.lists(st.lists(CELLS, max_size=5), max_size=30)


def workbook(path: Path, lines: list[list[Any]], *, constant: bool = False) -> Path:
    """Either way of writing texts: in their cells, or shared by all sheets."""
    made = xlsxwriter.Workbook(str(path), {"constant_memory": constant, "default_date_format": "yyyy-mm-dd hh:mm"})
    sheet = made.add_worksheet("台账")
    for line, cells in enumerate(lines):
        for at, cell in enumerate(cells):
            if cell is not None:
                sheet.write(line, at, cell)
    made.close()
    return path


def rewritten(path: Path, change: Callable[[bytes], bytes]) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if name == PART else content)
    return path


def filled(rows: Any) -> dict[tuple[int, int], Any]:
    return {(line, at): cell for line, cells in rows for at, cell in enumerate(cells) if cell != ""}


def whole(path: Path) -> dict[tuple[int, int], Any]:
    return filled(enumerate(load_workbook(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)))


def in_windows(path: Path) -> dict[tuple[int, int], Any]:
    return filled(Sheet(path, "台账", PART).rows())


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a row or a few, whose pieces end anywhere."""
    monkeypatch.setattr(windows, "WINDOW", 97)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.booleans(), st.integers(20, 2000))
def test_no_cell_is_lost_or_moved_wherever_the_sheet_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[list[Any]], constant: bool, window: int
) -> None:
    path = workbook(tmp_path / "a.xlsx", lines, constant=constant)
    monkeypatch.setattr(windows, "WINDOW", window)
    assert in_windows(path) == whole(path)


@pytest.mark.usefixtures("narrow")
def test_rows_without_numbers_prefixes_comments_and_cdata_are_read_as_ever(tmp_path: Path) -> None:
    lines = [[f"第{line}行", line, None, "末"] for line in range(40)]
    changes: dict[str, Callable[[bytes], bytes]] = {
        "rows without numbers": lambda xml: re.sub(rb'<row r="\d+"', b"<row", xml),
        "some without": lambda xml: re.sub(rb'<row r="\d*[5-8]"', b"<row", xml),
        "no numbers at all": lambda xml: re.sub(rb'(<row|<c) r="\w+"', rb"\1", xml),
        "prefixes": lambda xml: re.sub(rb"<(/?)(?!\?)", rb"<\1x:", xml).replace(b"xmlns=", b"xmlns:x="),
        "a comment": lambda xml: xml.replace(b'<row r="9"', b'<!-- </row> --><row r="9"'),
        "cdata": lambda xml: re.sub(rb"<t>(.*?)</t>", rb"<t><![CDATA[\1</row></sheetData>]]></t>", xml, count=9),
        "no rows": lambda xml: re.sub(rb"<sheetData>.*</sheetData>", b"<sheetData/>", xml, flags=re.DOTALL),
    }  # fmt: skip
    for nth, (what, change) in enumerate(changes.items()):
        path = rewritten(workbook(tmp_path / f"{nth}.xlsx", lines, constant=True), change)
        assert in_windows(path) == whole(path), what


@pytest.mark.usefixtures("narrow")
def test_a_sheet_that_breaks_off_is_refused_where_it_breaks(tmp_path: Path) -> None:
    for broken in (lambda xml: xml[: len(xml) // 2], lambda xml: xml.replace(b"</is>", b"</si>", 31)):
        path = rewritten(workbook(tmp_path / "broken.xlsx", [[f"第{line}行", "甲"] for line in range(40)], constant=True), broken)
        with pytest.raises(BadWorkbook) as no:
            in_windows(path)
        assert no.value.reason == "damaged"


def test_a_character_that_no_database_holds_becomes_one_that_says_so(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["甲~乙", "_x0000_"]], constant=True)
    assert in_windows(rewritten(path, lambda xml: xml.replace(b"~", b"_x0000_"))) == {(0, 0): "甲\ufffd乙", (0, 1): "_x0000_"}


def test_a_byte_that_isnt_as_the_archive_says_is_found_before_anything_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["灭火器过期"]], constant=True)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    stored = path.read_bytes()
    path.write_bytes(stored.replace("灭火器过期".encode(), "灭火器过时".encode()))
    with pytest.raises(BadWorkbook) as no:
        admit(path)
    assert no.value.reason == "damaged"


def test_merged_cells_are_known_before_the_lines_are_read(tmp_path: Path) -> None:
    made = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = made.add_worksheet("台账")
    sheet.merge_range(1, 0, 3, 2, "并")
    made.close()
    assert admit(tmp_path / "a.xlsx").merged == {PART: {(1, 3, 0, 2)}}
