"""Files that are no ledger: each is refused in a sentence that says what to do, before any reader of workbooks opens it."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from papers.ledger import admission
from papers.ledger.admission import BadWorkbook, admit
from papers.ledger.form import plain_header
from papers.ledger.forms import FORMS
from papers.ledger.sheet import open_ledger
from papers.ledger.words import CHARACTERS_AT_MOST, CUT, fitting, inert
from papers.ledger.workbook import HIGHEST, LINE_HEIGHT, height_of

HEADER = [column.zh for column in FORMS["township15"].columns]
LINE = ["", "2023-02-18", "小商店一", "", "灭火器过期"]
SHEET = "xl/worksheets/sheet1.xml"


def workbook(path: Path, *rows: list[str], sheet: str = "台账") -> Path:
    made = xlsxwriter.Workbook(str(path))
    for line, row in enumerate(rows):
        for at, cell in enumerate(row):
            (made.get_worksheet_by_name(sheet) or made.add_worksheet(sheet)).write_string(line, at, cell)
    made.close()
    return path


def good(path: Path) -> Path:
    return workbook(path, HEADER, LINE)


def changed(path: Path, name: str, change: Callable[[bytes], bytes], **more: bytes) -> Path:
    """The good workbook with one part rewritten, and others added."""
    source = io.BytesIO(good(path).read_bytes())
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, change(old.read(member)) if member == name else old.read(member))
        for part, content in more.items():
            new.writestr(part.replace("__", "/"), content)
    return path


def bomb(path: Path) -> Path:
    return changed(path, SHEET, lambda xml: xml.replace(b"<sheetData>", b"<sheetData>" + b" " * (40 * 1024 * 1024)))


def lying_bomb(path: Path) -> Path:
    """The archive's directory says that the sheet is small, with the sum of its beginning."""
    content = bomb(path).read_bytes()
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(SHEET)
        truth = struct.pack("<LLL", member.CRC, member.compress_size, member.file_size)
        lie = struct.pack("<LLL", zlib.crc32(archive.read(SHEET)[:1000]), member.compress_size, 1000)
    path.write_bytes(content.replace(truth, lie))
    return path


def with_doctype(path: Path) -> Path:
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    return changed(path, SHEET, lambda xml: xml.replace(b"?>", b"?>\n" + entities, 1))


def with_macros(path: Path) -> Path:
    return changed(path, "", bytes, xl__vbaProject=b"", **{"xl__vbaProject.bin": b"\xcc\x61"})


def far_out(path: Path) -> Path:
    return changed(path, SHEET, lambda xml: xml.replace(b"</row>", b'<c r="XFD1048576"><v>1</v></c></row>', 1))


def ole(stream: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(admission.OLE + b"\0" * 504 + stream.encode("utf-16-le") + b"\0" * 2000)
        return path

    return make


def text(content: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content.encode("gb18030"))
        return path

    return make


def truncated(path: Path) -> Path:
    path.write_bytes(good(path).read_bytes()[:-200])
    return path


def flipped(path: Path) -> Path:
    content = bytearray(good(path).read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo(SHEET).header_offset
    content[at + 80] ^= 0xFF
    path.write_bytes(content)
    return path


def large(path: Path) -> Path:
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(100 * 1024 * 1024)
    return path


def another_archive(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    return path


CASES: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "bomb": (bomb, "bomb", "解压后异常庞大"),
    "bomb whose directory lies": (lying_bomb, "bomb", "解压后异常庞大"),
    "entities": (with_doctype, "entities", "XML 实体"),
    "macros": (with_macros, "macros", "带有宏"),
    "100 MB": (large, "size", "超过 50 MB"),
    "a cell far out": (far_out, "too_wide", "超出范围"),
    "password": (ole("EncryptedPackage"), "encrypted", "去掉密码"),
    "old format": (ole("Workbook"), "old_format", ".xls 格式"),
    "csv": (text("序号,检查时间\n1,2023-02-18\n"), "not_a_workbook", "CSV"),
    "web page": (text("<html><table><tr><td>序号"), "web_page", "网页"),
    "empty": (text(""), "not_a_workbook", "不是 Excel 工作簿"),
    "cut off": (truncated, "damaged", "已损坏"),
    "a byte flipped": (flipped, "damaged", "损坏"),
    "another archive": (another_archive, "not_a_workbook", "不是 Excel 工作簿"),
    "another sheet": (lambda path: workbook(path, ["姓名", "电话", "住址", "年龄"], ["王某"]), "headers", "没有找到台账的表头"),
    "a header missing": (lambda path: workbook(path, [*HEADER[:4], *HEADER[5:]], LINE), "headers", "缺少这些列：隐患内容"),
    "no sheet with anything": (lambda path: workbook(path, [""]), "headers", "没有找到台账的表头"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_workbook_is_refused_in_a_sentence(case: str, tmp_path: Path) -> None:
    make, reason, said = CASES[case]
    with pytest.raises(BadWorkbook) as no:
        open_ledger(make(tmp_path / "台账.xlsx"))
    assert no.value.reason == reason
    assert said in no.value.detail
    assert no.value.detail.endswith("。")
    assert no.value.detail_en.endswith(".")


def test_a_good_workbook_is_let_in_and_so_is_one_whose_styled_blanks_reach_far(tmp_path: Path) -> None:
    assert open_ledger(good(tmp_path / "good.xlsx")).form.code == "township15"
    blanks = b'<c r="XFD1" s="1"/></row>'
    assert admit(changed(tmp_path / "wide.xlsx", SHEET, lambda xml: xml.replace(b"</row>", blanks, 1))).formulas == {}


def test_what_is_said_of_formulas_does_not_depend_on_where_a_chunk_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = xlsxwriter.Workbook(str(tmp_path / "formulas.xlsx"))
    sheet = made.add_worksheet()
    for line in range(300):
        sheet.write_formula(line, line % 5, f"=SUM(A1:A{line + 1})")
    made.close()
    expected = {(line, line % 5) for line in range(300)}
    for size in (300, 999, 1024 * 1024):
        monkeypatch.setattr(admission, "CHUNK", size)
        assert admit(tmp_path / "formulas.xlsx").formulas == {SHEET: expected}


def test_headers_of_a_form_are_all_different_as_they_are_compared() -> None:
    for form in FORMS.values():
        assert len({plain_header(column.zh) for column in form.columns}) == len(form.columns)


def test_a_text_longer_than_a_cell_is_cut_and_says_so() -> None:
    assert fitting("好" * CHARACTERS_AT_MOST) == "好" * CHARACTERS_AT_MOST
    for said in ("好" * (CHARACTERS_AT_MOST + 1), "😀" * CHARACTERS_AT_MOST, "a" * 40_000):
        cut = fitting(said)
        assert cut.endswith(CUT)
        assert len(cut.encode("utf-16-le")) // 2 in (CHARACTERS_AT_MOST, CHARACTERS_AT_MOST - 1)
        assert said.startswith(cut.removesuffix(CUT))


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_text_in_a_csv_begins_like_a_formula(begins: str) -> None:
    assert inert(f"{begins}1+1") == f"'{begins}1+1"
    assert inert(f"1{begins}1") == f"1{begins}1"


def test_a_row_is_as_high_as_its_longest_text_takes_in_its_column() -> None:
    assert height_of(["短", 3, None, ""], dict.fromkeys(range(4), 12)) == 0
    assert height_of(["长" * 7, "ok"], {0: 12, 1: 12}) == 2 * LINE_HEIGHT
    assert height_of(["长" * 7, "ok"], {1: 12}) == 0
    assert height_of(["1.灭火器过期\n2.通道堵塞\n3.电线裸露"], {0: 40}) == 3 * LINE_HEIGHT
    assert height_of(["x" * CHARACTERS_AT_MOST], {0: 40}) == HIGHEST * LINE_HEIGHT
    assert height_of(["x" * 12], {0: 12}) == 0
