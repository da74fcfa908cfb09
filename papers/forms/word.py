"""A sheet as a Word file in the style of GB/T 9704-2012: the fonts are named, as every office has them. The same sheet
gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from itertools import takewhile
from typing import Any

import segno
from docx import Document
from docx.document import Document as Doc
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.enum.text import WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from models.clock import utc
from papers.forms.sheet import Block, Cell, Lines, Sheet, Signed, Table, Text, lines_of, wide

TITLE, BODY, LABEL = "方正小标宋简体", "仿宋_GB2312", "黑体"
LINE = Pt(28)
LONG_AGO = (1980, 1, 1, 0, 0, 0)
WIDTHS = (Mm(30), Mm(48), Mm(30), Mm(48))


def word(sheet: Sheet) -> bytes:
    """The .docx. Its dates are the paper's own."""
    document, line = Document(), Pt(sheet.pitch)
    paged(document, sheet.foot)
    _about(document, sheet)
    _e_copy(document, sheet)
    for said in (sheet.issuer, sheet.title):
        if said:
            written(document.add_paragraph(), said, 22, TITLE, align=ALIGN.CENTER)
    if sheet.number:
        written(document.add_paragraph(), sheet.number, align=ALIGN.CENTER)
        gap(document)
    for nth, block in enumerate(sheet.blocks):
        if nth and isinstance(block, Table):
            gap(document)
        _add(document, block, line)
    _together(document, sheet)
    return unchanging(document)


def paged(document: Doc, foot: str = "") -> None:
    """A4 with the margins of GB/T 9704-2012, and its page numbers; `foot` stands beside the first of them."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = Mm(37), Mm(35), Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(14), Mm(25)
    document.settings.odd_and_even_pages_header_footer = section.different_first_page_header_footer = True
    _footed(section.first_page_footer.paragraphs[0], foot)
    _numbered(section.first_page_footer.paragraphs[0], ALIGN.RIGHT)
    _numbered(section.footer.paragraphs[0], ALIGN.RIGHT)
    _numbered(section.even_page_footer.paragraphs[0], ALIGN.LEFT)
    normal = document.styles["Normal"]
    normal.font.size = Pt(16)
    normal.font.name = BODY
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), BODY)
    for name in ("w:autoSpaceDE", "w:autoSpaceDN"):  # no room of Word's own between Chinese and digits: a line holds its 28 characters
        off = OxmlElement(name)
        off.set(qn("w:val"), "0")
        normal.element.get_or_add_pPr().append(off)


def _footed(paragraph: Paragraph, foot: str) -> None:
    """What is said at the foot stands to the left, the page's number behind a tab at the right edge."""
    if foot:
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(156), WD_TAB_ALIGNMENT.RIGHT)
        _run(paragraph, f"{foot}\t", 9, BODY)


def _numbered(paragraph: Paragraph, side: ALIGN) -> None:
    """«— 1 —», a character in from the outer edge."""
    paragraph.alignment = ALIGN.LEFT if paragraph.text else side
    space, near = "\u3000", side == ALIGN.LEFT
    _run(paragraph, f"{space if near else ''}— ", 14, "宋体")
    run = paragraph.add_run()
    run.font.size = Pt(14)
    for kind in ("begin", None, "end"):
        run._r.append(_field(kind) if kind else _instruction())
    _run(paragraph, f" —{'' if near else space}", 14, "宋体")


def _field(kind: str) -> Any:
    element = OxmlElement("w:fldChar")
    element.set(qn("w:fldCharType"), kind)
    return element


def _instruction() -> Any:
    element = OxmlElement("w:instrText")
    element.set(qn("xml:space"), "preserve")
    element.text = "PAGE"
    return element


def _about(document: Doc, sheet: Sheet) -> None:
    core = document.core_properties
    core.title, core.author, core.last_modified_by, core.comments = sheet.title, sheet.issuer, sheet.issuer, ""
    core.created = core.modified = utc(sheet.at).replace(tzinfo=None, microsecond=0)


def _add(document: Doc, block: Block, line: Pt) -> None:
    match block:
        case Text():
            paragraph = document.add_paragraph()
            written(paragraph, block.text, indent=block.indent, align=ALIGN.JUSTIFY if block.indent else ALIGN.LEFT, line=line)
        case Table():
            _table(document, block)
        case Signed():
            signed(document, block.by, block.on, line)
        case Lines():
            for said in ("", *block.lines) if block.apart else block.lines:
                written(document.add_paragraph(), said, line=line)


def signed(document: Doc, by: str, on: str, line: Pt = LINE) -> None:
    """The issuer centred above the date, and the date four characters from the right, as where a seal is put over both (GB/T 9704-2012,
    7.3.5.1); a line is left above, for the seal begins within one of the text."""
    written(document.add_paragraph(), "", line=line)
    right = 4 * 16.0
    for said, edge in ((by, max(right + 4 * (wide(on) - wide(by)), 0)), (on, right)):
        paragraph = document.add_paragraph()
        written(paragraph, said, align=ALIGN.RIGHT, line=line)
        paragraph.paragraph_format.right_indent = Pt(round(edge, 1))


def gap(document: Doc) -> None:
    """A little room."""
    written(document.add_paragraph(), "", 5, line=Pt(10))


def _table(document: Doc, block: Table) -> None:
    table = document.add_table(0, 4)
    table.style = "Table Grid"
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, width in zip(table.columns, WIDTHS, strict=True):
        column.width = width
    for cells in block.rows:
        row = table.add_row()
        tallest = max(cell.tall for cell in cells)
        if tallest:
            row.height = Mm(tallest + 5)
        place = 0
        for cell in cells:
            last = place + cell.span - 1
            merged = row.cells[place].merge(row.cells[last]) if cell.span > 1 else row.cells[place]
            merged.width = Mm(sum(WIDTHS[n].mm for n in range(place, last + 1)))
            _cell(merged, cell)
            place = last + 1


def _cell(inside: Any, cell: Cell) -> None:
    inside.vertical_alignment = 1
    for n, line in enumerate(cell.text.split("\n")):
        paragraph = inside.paragraphs[0] if n == 0 else inside.add_paragraph()
        font = LABEL if cell.label else BODY
        written(paragraph, line, 12, font, align=ALIGN.CENTER if cell.label else ALIGN.LEFT, line=Pt(20))


def _together(document: Doc, sheet: Sheet) -> None:
    """What is signed never stands on a page without text: the last paragraph of the text goes along with it."""
    tail = list(takewhile(lambda block: isinstance(block, Lines | Signed), reversed(sheet.blocks)))
    lines = sum(map(lines_of, tail))
    for paragraph in document.paragraphs[-(lines + 1) : -1]:
        paragraph.paragraph_format.keep_with_next = True


def _e_copy(document: Doc, sheet: Sheet) -> None:
    """The QR code stands in the upper margin of the first page, where it takes nothing from the text."""
    if not sheet.link:
        return
    drawn = io.BytesIO()
    segno.make(sheet.link, error="m", micro=False).save(drawn, kind="png", scale=6, border=1)
    inside = document.sections[0].first_page_header.paragraphs[0]
    inside.add_run().add_picture(drawn, width=Mm(18))
    _run(inside, " 扫码查看电子件", 9, BODY)


def written(
    paragraph: Paragraph, text: str, size: float = 16, font: str = BODY, *, indent: bool = False, align: ALIGN = ALIGN.LEFT, line: Pt = LINE
) -> None:
    """The text in a paragraph, `size` in points, lines exactly `line` apart."""
    paragraph.alignment = align
    shape = paragraph.paragraph_format
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, line if size < 20 else Pt(34)
    shape.space_before = shape.space_after = Pt(0)
    if indent:
        by = OxmlElement("w:ind")
        by.set(qn("w:firstLineChars"), "200")
        by.set(qn("w:firstLine"), str(int(size * 2 * 20)))
        paragraph._p.get_or_add_pPr().append(by)
    _run(paragraph, text, size, font)


def _run(paragraph: Paragraph, text: str, size: float, font: str) -> None:
    run = paragraph.add_run(text)
    run.font.size = Pt(size)
    run.font.name = font
    if size == 16:
        _closer(run)
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def _closer(run: Run) -> None:
    """28 characters of 16 pt fill the 156 mm: each stands 0.2 pt nearer to the next."""
    spacing = OxmlElement("w:spacing")
    spacing.set(qn("w:val"), "-4")
    run._r.get_or_add_rPr().append(spacing)


def unchanging(document: Doc) -> bytes:
    """The package with every member's time of packing taken out of it."""
    packed, still = io.BytesIO(), io.BytesIO()
    document.save(packed)
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(still, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda each: (each != "[Content_Types].xml", each)):
            new.writestr(zipfile.ZipInfo(name, LONG_AGO), old.read(name), zipfile.ZIP_DEFLATED)
    return still.getvalue()
