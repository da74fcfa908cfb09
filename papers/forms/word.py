"""A sheet as a Word file in the style of GB/T 9704-2012: the fonts are named, as every office has them. The same sheet
gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import segno
from docx import Document
from docx.document import Document as Doc
from docx.enum.text import WD_ALIGN_PARAGRAPH as ALIGN
from docx.enum.text import WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph

from papers.forms.sheet import Block, Cell, Lines, Sheet, Signed, Table, Text

TITLE, BODY, LABEL = "方正小标宋简体", "仿宋_GB2312", "黑体"
LINE = Pt(28)
LONG_AGO = (1980, 1, 1, 0, 0, 0)
WIDTHS = (Mm(30), Mm(48), Mm(30), Mm(48))


def word(sheet: Sheet) -> bytes:
    """The .docx. Its dates are the paper's own."""
    document = Document()
    paged(document)
    _about(document, sheet)
    _e_copy(document, sheet)
    for line in (sheet.issuer, sheet.title):
        if line:
            written(document.add_paragraph(), line, 22, TITLE, align=ALIGN.CENTER)
    if sheet.number:
        written(document.add_paragraph(), sheet.number, align=ALIGN.RIGHT)
    for block in sheet.blocks:
        _add(document, block)
    _foot(document, sheet)
    return unchanging(document)


def paged(document: Doc) -> None:
    """A4 with the margins of GB/T 9704-2012, and its page numbers."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = Mm(37), Mm(35), Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(14), Mm(25)
    document.settings.odd_and_even_pages_header_footer = section.different_first_page_header_footer = True
    _numbered(section.first_page_footer.paragraphs[0], ALIGN.RIGHT)
    _numbered(section.footer.paragraphs[0], ALIGN.RIGHT)
    _numbered(section.even_page_footer.paragraphs[0], ALIGN.LEFT)
    normal = document.styles["Normal"]
    normal.font.size = Pt(16)
    normal.font.name = BODY
    normal.element.rPr.rFonts.set(qn("w:eastAsia"), BODY)


def _numbered(paragraph: Paragraph, side: ALIGN) -> None:
    """«— 1 —», a character in from the outer edge."""
    paragraph.alignment = side
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
    core.created = core.modified = sheet.at.replace(tzinfo=None, microsecond=0)


def _add(document: Doc, block: Block) -> None:
    match block:
        case Text():
            paragraph = document.add_paragraph()
            written(paragraph, block.text, indent=block.indent, align=ALIGN.JUSTIFY if block.indent else ALIGN.LEFT)
        case Table():
            _table(document, block)
        case Signed():
            _signed(document, block)
        case Lines():
            for line in block.lines:
                written(document.add_paragraph(), line)


def _signed(document: Doc, block: Signed) -> None:
    written(document.add_paragraph(), "")
    written(document.add_paragraph(), f"{block.by}\u3000\u3000", align=ALIGN.RIGHT)
    written(document.add_paragraph(), f"{block.on}\u3000\u3000\u3000\u3000", align=ALIGN.RIGHT)


def _table(document: Doc, block: Table) -> None:
    table = document.add_table(0, 4)
    table.style = "Table Grid"
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


def _foot(document: Doc, sheet: Sheet) -> None:
    if sheet.foot:
        written(document.add_paragraph(), sheet.foot, 10.5, line=Pt(16))


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
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)


def unchanging(document: Doc) -> bytes:
    """The package with every member's time of packing taken out of it."""
    packed, still = io.BytesIO(), io.BytesIO()
    document.save(packed)
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(still, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda each: (each != "[Content_Types].xml", each)):
            new.writestr(zipfile.ZipInfo(name, LONG_AGO), old.read(name), zipfile.ZIP_DEFLATED)
    return still.getvalue()
