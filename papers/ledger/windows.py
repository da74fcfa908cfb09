"""A worksheet read a window at a time: memory grows with the window, not with the sheet.

calamine makes room for the whole of what it is given. So its XML is unpacked piece by piece, cut between two rows, and each piece is given
to calamine as a small workbook of its own, with the texts and formats of the real one. What a cell means stays calamine's word.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from papers.ledger.admission import MEGABYTE, damaged, unpacked

WINDOW = MEGABYTE  # of XML; or as much as the texts that all sheets share: these are read again with every window
HEAD_AT_MOST = 16 * MEGABYTE  # before the first line: widths of columns and the like
LONGEST = 64 * MEGABYTE  # a line of 103 columns full of text comes to 20
SHARED = "xl/sharedstrings.xml"
COMMON = frozenset({"_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", SHARED})
DATA = re.compile(rb"<((?:\w+:)?)sheetData\b[^<>]*?(/?)>")
ROOT = re.compile(rb"<((?:\w+:)?worksheet)\b")
NUL = re.compile(rb"(?<!_x005F)_x0000_")  # a character that no text in a database can hold
NUMBER = re.compile(rb"""\sr\s*=\s*["'](\d{1,7})["']""")


class Window(NamedTuple):
    """Lines of the sheet one after the other: the first one's number from 0, and the cells of each from column A on."""

    line: int
    rows: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet of the workbook at `path`: the name that people see, and the part of the archive that holds it."""

    path: Path
    name: str
    part: str

    def windows(self, wide: int = 0) -> Iterator[Window]:
        """The lines that hold anything, and some of those between, each with so many cells at least. Raises BadWorkbook where the XML can't
        be read."""
        with zipfile.ZipFile(self.path) as archive:
            common = {each.filename: archive.read(each) for each in archive.infolist() if each.filename.casefold() in COMMON}
            member = archive.getinfo(self.part)
        shared = max((len(content) for name, content in common.items() if name.casefold() == SHARED), default=0)
        with self.path.open("rb") as file:
            for xml in _windows(unpacked(file, member, WINDOW), min(max(WINDOW, shared), LONGEST // 2)):
                yield _read({**common, self.part: xml}, self.name, wide)

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """The same, line by line, each with its number from 0."""
        for window in self.windows():
            yield from enumerate(window.rows, window.line)


def _read(parts: dict[str, bytes], name: str, wide: int) -> Window:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, NUL.sub("\ufffd".encode(), content) if b"_x0000_" in content else content)
    book.seek(0)
    try:
        sheet = CalamineWorkbook.from_filelike(book).get_sheet_by_name(name)
    except CalamineError as error:
        raise damaged() from error
    line, left = sheet.start or (0, 0)
    rows, right = sheet.to_python(), [""] * (wide - left - sheet.width)
    if left:
        rows = [[""] * left + cells for cells in rows]
    if right:
        for cells in rows:
            cells.extend(right)
    return Window(line, rows)


@dataclass(slots=True)
class Cut:
    """What stands around the rows of a sheet, and how far they have been read: `line` is the number of the last one, from 1."""

    head: bytes
    prefix: bytes
    root: bytes
    line: int = 0
    held: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def end_of_row(self) -> bytes:
        return b"</%srow>" % self.prefix

    @property
    def end_of_data(self) -> bytes:
        return b"</%ssheetData" % self.prefix

    @property
    def ended(self) -> bool:
        """Whether the rows end in the newest chunk."""
        last = self.held[-1]
        at = last.find(self.end_of_data, max(last.rfind(self.end_of_row), 0))
        return at >= 0 and not self.quoted(at)

    def quoted(self, at: int) -> bool:
        """Whether that place in the newest chunk lies in a comment or in CDATA, which writers of workbooks hardly use."""
        if not any(b"!" in chunk for chunk in self.held):
            return False
        before = b"".join((*self.held[:-1], self.held[-1][:at]))
        opened = before.rfind(b"<!")
        return opened >= 0 and (b"-->" if before.startswith(b"<!--", opened) else b"]]>") not in before[opened:]

    def hold(self, chunk: bytes) -> None:
        self.held.append(chunk)
        self.size += len(chunk)
        if self.size > LONGEST:
            raise damaged()

    def take(self, rest: bytes = b"") -> bytes:
        """What is held, and instead of it what is left."""
        held = b"".join(self.held)
        self.held, self.size = [rest], len(rest)
        return held

    def window(self, rows: bytes) -> bytes:
        """The rows as a sheet. Where they don't say their numbers, they are counted on from the row before."""
        before = b'<%srow r="%d"/>' % (self.prefix, self.line) if self.line else b""
        self.line = _last(rows, self.prefix, self.line)
        return b"".join((self.head, before, rows, b"</%ssheetData></%s>" % (self.prefix, self.root)))


def _windows(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The sheet as sheets of at least so many bytes, but for the last."""
    cut = _begun(chunks)
    if cut is None:
        return
    while not cut.ended:
        if cut.size >= size and (window := _filled(cut)):
            yield window
        chunk = next(chunks, None)
        if chunk is None:
            break
        cut.hold(chunk)
    yield _rest(cut)


def _begun(chunks: Iterator[bytes]) -> Cut | None:
    """Where the rows begin; None for a sheet without any."""
    held = b""
    for chunk in chunks:
        held += chunk
        if found := DATA.search(held):
            root = ROOT.search(held, 0, found.start())
            if root is None:
                raise damaged()
            cut = Cut(held[: found.end()], found[1], root[1])
            cut.hold(held[found.end() :])
            return None if found[2] else cut
        if len(held) > HEAD_AT_MOST:
            break
    raise damaged()


def _filled(cut: Cut) -> bytes:
    """A window up to the last row that ends in the newest chunk; empty where none does, or only in what is quoted."""
    last = cut.held[-1]
    at = last.rfind(cut.end_of_row)
    if at < 0 or cut.quoted(at):
        return b""
    at += len(cut.end_of_row)
    cut.held[-1] = last[:at]
    return cut.window(cut.take(last[at:]))


def _rest(cut: Cut) -> bytes:
    rest = cut.take()
    end = rest.rfind(cut.end_of_data)
    if end < 0:
        raise damaged()
    return cut.window(rest[:end])


def _last(rows: bytes, prefix: bytes, line: int) -> int:
    """The number of the last row, where the one before the first has the number `line`."""
    begins = b"<%srow" % prefix
    at = rows.rfind(begins)
    if at < 0:
        return line
    if found := NUMBER.search(rows, at, rows.find(b">", at)):
        return int(found[1])
    for tag in re.finditer(re.escape(begins) + rb"\b[^>]*", rows):
        found = NUMBER.search(tag[0])
        line = int(found[1]) if found else line + 1
    return line
