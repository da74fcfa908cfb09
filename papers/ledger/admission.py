"""Whether a file that somebody sent is a workbook that can be opened at all: looked at as bytes, before any reader of workbooks sees it.

What is looked for: other formats under a wrong name, passwords, macros, archives that unpack to much more than they are, XML that
declares entities, cells so far out that the sheet would not fit into memory. Nothing in a workbook is ever executed: formulas are noted by
their cells, and only values are read.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from models.refusal import Refusal

MEGABYTE = 1024 * 1024
BYTES_AT_MOST = 50 * MEGABYTE
UNPACKED_AT_MOST = 1024 * MEGABYTE
RATIO_AT_MOST = 200  # sheets of repeated lines come to 30; bombs to 1000
SMALL = 10 * MEGABYTE  # what unpacks to less is no bomb, whatever its ratio
MEMBERS_AT_MOST = 5000
LINES_AT_MOST, COLUMNS_AT_MOST = 200_000, 103  # to column CZ
FORMULAS_NOTED = 100_000
MERGED_AT_MOST = 500_000  # cells that are filled from others
CHUNK = MEGABYTE
OVERLAP = 4096

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Whatever begins like a cell far out; then what is one with something in it: styled cells without content go as far as they like. A reader
# makes room for every cell between the first and the last: a single one in the last corner would end the process.
PERHAPS_FAR = re.compile(rb"""r\s*=\s*["'](?:[D-Zd-z][A-Za-z]|[A-Za-z]{3}|[A-Za-z]{0,2}\d{6})""")
# All looks are bounded: a tag without an end, or comment after comment, would otherwise keep the process for hours.
FAR = re.compile(rb"""r\s*=\s*["']([A-Za-z]+)(\d+)["'](?:(?:[^>]{0,400}[^/>])?>|[^>]{402})""")
FAR_ROW = re.compile(rb"""r\s*=\s*["'](\d+)["'](?:(?:[^>]{0,400}[^/>])?>\s*<(?:\w+:)?c(?![^>]{0,400}\sr\s*=)|[^>]{402})""")
FORMULA = re.compile(
    rb"""<(?:\w+:)?c\b[^<>]{0,400}?\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["'][^<>]{0,400}>\s*<(?:\w+:)?f[\s>/]"""
)
MERGED = re.compile(
    rb"""<(?:\w+:)?mergeCell\b[^<>]{0,400}?\bref\s*=\s*["']\$?([A-Z]{1,3})\$?(\d{1,7}):\$?([A-Z]{1,3})\$?(\d{1,7})["']"""
)
DECLARES = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--(?:(?!-->).)*-->\s*)*<([A-Za-z_][\w.-]*:)?[A-Za-z_]", re.DOTALL)
SHEETS = "xl/worksheets/"


class BadWorkbook(Refusal):
    """Not a workbook that can be taken in. `reason` is one word for programs."""

    def __init__(self, reason: str, detail: str, detail_en: str) -> None:
        super().__init__(detail, detail_en)
        self.args = (reason, detail, detail_en)
        self.reason = reason


@dataclass(slots=True)
class Admitted:
    """A file that may be read. `sheets` are the parts that were looked at as sheets, `formulas` the cells of each that hold one, as
    (line, column) from 0, `merged` the merged cells of each, as first and last line, first and last column."""

    path: Path
    sheets: set[str] = field(default_factory=set)
    formulas: dict[str, set[tuple[int, int]]] = field(default_factory=dict)
    merged: dict[str, set[tuple[int, int, int, int]]] = field(default_factory=dict)


def admit(path: Path) -> Admitted:
    """Looks at the file. Raises BadWorkbook."""
    if path.stat().st_size > BYTES_AT_MOST:
        most = BYTES_AT_MOST // MEGABYTE
        raise BadWorkbook("size", f"文件超过 {most} MB，请分成几个文件再导入。", f"The file is larger than {most} MB: split it.")
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(OLE):
        raise _old(path)
    if not head.startswith(b"PK"):
        raise _text(head)
    return _zip(path)


def _old(path: Path) -> BadWorkbook:
    """An OLE container is a workbook with a password, or one of the format before 2007."""
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return BadWorkbook(
            "encrypted", "工作簿有打开密码，请先在 Excel 中去掉密码再导入。", "The workbook has a password: take it off in Excel first."
        )
    return BadWorkbook(
        "old_format", "这是旧版 .xls 格式，请在 Excel 中“另存为”.xlsx 再导入。", "This is the old .xls format: save it as .xlsx."
    )


def _text(head: bytes) -> BadWorkbook:
    looks = head.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").lower()
    if looks.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta")):
        return BadWorkbook(
            "web_page", "这是网页或 XML 文件，只是改了扩展名；请用 Excel 打开后“另存为”.xlsx。",
            "A web page or XML under a workbook's name: open it in Excel and save it as .xlsx.",
        )  # fmt: skip
    return BadWorkbook(
        "not_a_workbook", "这不是 Excel 工作簿（可能是改了扩展名的 CSV 或文本）；请用 Excel 打开后“另存为”.xlsx。",
        "Not a workbook, perhaps a CSV under its name: open it in Excel and save it as .xlsx.",
    )  # fmt: skip


def _zip(path: Path) -> Admitted:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _listing(members)
            return _look_inside(path, members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise damaged() from error


def damaged() -> BadWorkbook:
    return BadWorkbook(
        "damaged", "文件不完整或已损坏，请重新保存或重新发送。", "The file is incomplete or damaged: save it or send it again."
    )


def _listing(members: list[zipfile.ZipInfo]) -> None:
    """What the archive says of itself. Raises BadWorkbook."""
    names = {member.filename for member in members}
    if any(name.lower().endswith("vbaproject.bin") or name.startswith("xl/macrosheets/") for name in names):
        raise BadWorkbook("macros", "工作簿带有宏，不予导入；请“另存为”不带宏的 .xlsx。", "The workbook has macros: save it without them.")
    if any(member.flag_bits & 1 for member in members):
        raise BadWorkbook("encrypted", "压缩包设有密码，请去掉密码再导入。", "The archive has a password: take it off first.")
    if len(names) != len(members) or len(members) > MEMBERS_AT_MOST:
        raise _bomb()
    if "xl/workbook.xml" not in names and "xl/workbook.bin" not in names:
        raise BadWorkbook("not_a_workbook", "这是压缩包，不是 Excel 工作簿。", "This is an archive, not a workbook.")
    if "xl/workbook.bin" in names:
        raise BadWorkbook("old_format", "这是 .xlsb 格式，请“另存为”.xlsx 再导入。", "This is .xlsb: save it as .xlsx.")
    unpacked = sum(member.file_size for member in members)
    worst = max((member.file_size / max(member.compress_size, 1) for member in members if member.file_size > SMALL), default=0)
    if unpacked > UNPACKED_AT_MOST or worst > RATIO_AT_MOST:
        raise _bomb()


def _bomb() -> BadWorkbook:
    return BadWorkbook(
        "bomb", "文件解压后异常庞大，不予打开；请复制有内容的区域到新工作簿再导入。",
        "The file unpacks to far more than it is: copy what has content to a new workbook.",
    )  # fmt: skip


def _look_inside(path: Path, members: list[zipfile.ZipInfo]) -> Admitted:
    """Unpacks every part of XML once, without keeping it: what the archive says of its sizes may be untrue."""
    admitted = Admitted(path)
    with path.open("rb") as file:
        for member in members:
            if member.filename.endswith((".xml", ".rels", ".vml")):
                _part(admitted, member, unpacked(file, member))
    return admitted


def unpacked(file: object, member: zipfile.ZipInfo, at_most: int = 4 * CHUNK) -> Iterator[bytes]:
    """The member's bytes, a chunk at a time. Raises BadWorkbook when they are not those that the archive says."""
    read, seek = file.read, file.seek  # type: ignore[attr-defined]
    seek(member.header_offset)
    header = read(30)
    if header[:4] != b"PK\x03\x04":
        raise damaged()
    seek(member.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"))
    left, seen, crc = member.compress_size, 0, 0
    inflate = zlib.decompressobj(-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    pending = b""
    while left or pending:
        fresh = pending or read(min(left, CHUNK))
        left -= 0 if pending else len(fresh)
        chunk = inflate.decompress(fresh, at_most) if inflate else fresh
        pending = inflate.unconsumed_tail if inflate else b""
        seen += len(chunk)
        crc = zlib.crc32(chunk, crc)
        if not fresh or seen > member.file_size:
            raise _bomb() if fresh else damaged()
        yield chunk
    if seen != member.file_size or crc != member.CRC:
        raise damaged()


def _part(admitted: Admitted, member: zipfile.ZipInfo, chunks: Iterator[bytes]) -> None:
    sheet, prefixed, tail = member.filename.casefold().startswith(SHEETS), False, b""
    if sheet:
        admitted.sheets.add(member.filename)
    for nth, chunk in enumerate(chunks):
        if nth == 0:
            prefixed = _prolog(chunk)
        if sheet:
            for window in (tail + chunk[:OVERLAP], chunk):
                _look(admitted, member.filename, window, prefixed)
            tail = (tail + chunk[-OVERLAP:])[-OVERLAP:]


def _look(admitted: Admitted, part: str, window: bytes, prefixed: bool) -> None:
    _bounds(window)
    if prefixed or (b"f" in window and b"<f" in window):  # the first is found, or not, ten times as fast
        _formulas(admitted.formulas.setdefault(part, set()), window)
    _merged(admitted.merged.setdefault(part, set()), window)


def _prolog(window: bytes) -> bool:
    """Nothing stands before the root element but what any writer of workbooks puts there; whether the root has a prefix."""
    root = ROOT.match(window)
    if root is None and DECLARES.search(window):
        raise BadWorkbook(
            "entities", "文件里声明了 XML 实体，不予打开；请用 Excel 重新“另存为”.xlsx。",
            "The file declares XML entities: save it again in Excel.",
        )  # fmt: skip
    if root is None:
        raise damaged()
    return root[1] is not None


def _bounds(window: bytes) -> None:
    for perhaps in PERHAPS_FAR.finditer(window):
        cell, row = FAR.match(window, perhaps.start()), FAR_ROW.match(window, perhaps.start())
        far = cell and (_column(cell[1].upper()) > COLUMNS_AT_MOST or int(cell[2]) > LINES_AT_MOST)
        if far or (row and int(row[1]) > LINES_AT_MOST):
            raise BadWorkbook(
                "too_wide", f"表格超出范围（最多 {LINES_AT_MOST} 行、{COLUMNS_AT_MOST} 列），请删去远处的内容或分成几个文件。",
                f"Cells beyond line {LINES_AT_MOST} or column {COLUMNS_AT_MOST}: delete what is far out, or split it.",
            )  # fmt: skip


def _formulas(noted: set[tuple[int, int]], window: bytes) -> None:
    for formula in FORMULA.finditer(window):
        if len(noted) < FORMULAS_NOTED:
            noted.add((int(formula[2]) - 1, _column(formula[1])))


def _merged(noted: set[tuple[int, int, int, int]], window: bytes) -> None:
    """Merged cells stand behind all rows."""
    behind = max(window.rfind(b"row>"), 0)
    if window.find(b"mergeCell", behind) >= 0:
        for found in MERGED.finditer(window, behind):
            noted.add((int(found[2]) - 1, int(found[4]) - 1, _column(found[1]), _column(found[3])))
    if len(noted) > MERGED_AT_MOST:
        raise too_much_merged()


def too_much_merged() -> BadWorkbook:
    return BadWorkbook("merged", "合并单元格过多，请取消合并后再导入。", "Too many merged cells: unmerge them.")


def _column(letters: bytes) -> int:
    """0 for A."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
