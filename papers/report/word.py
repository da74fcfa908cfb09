"""Blocks as a Word file in the style of GB/T 9704-2012; charts are Word's own. The same blocks give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from docx import Document
from docx.document import Document as Doc
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH as Align  # noqa: N811 - as papers/forms/word.py calls it
from docx.oxml import OxmlElement
from docx.shared import Mm, Pt

from models.clock import utc
from papers.forms.word import BODY, LABEL, TITLE, paged, signed, unchanging, written
from papers.report.blocks import Block, title_lines
from papers.report.chart import add_chart

NARROW, BROAD, MANY = 156, 225, 10


def word(title: str, issuer: str, at: datetime, blocks: Sequence[Block]) -> bytes:
    """The .docx. Its dates are the paper's own: `at`, business time."""
    document = Document()
    paged(document)
    core = document.core_properties
    core.title, core.author, core.last_modified_by, core.comments = title, issuer, issuer, ""
    core.created = core.modified = utc(at).replace(tzinfo=None, microsecond=0)
    for line in title_lines(title):
        written(document.add_paragraph(), line, 22, TITLE, align=Align.CENTER)
    written(document.add_paragraph(), "")
    charts = wide = 0
    for block in blocks:
        charts += block["kind"] == "chart"
        wide += block["kind"] == "wide"
        _add(document, block, charts, bool(wide))
    return unchanging(document)


def _add(document: Doc, block: Block, charts: int, wide: bool) -> None:
    match block["kind"]:
        case "chart":
            add_chart(document, _caption(document, block["title"]), block, charts)
        case "signed":
            signed(document, block["by"], block["on"])
        case "break":
            document.add_page_break()  # type: ignore[no-untyped-call]
        case "wide":
            _turn(document)
        case "table":
            _table(document, block, BROAD if wide else NARROW)
        case _:
            _text(document, block)


def _text(document: Doc, block: Block) -> None:
    if block["kind"] == "note":
        written(document.add_paragraph(), block["text"], 10.5, line=Pt(16))
    elif block["kind"] == "heading":
        paragraph = document.add_paragraph()
        paragraph.paragraph_format.keep_with_next = True
        written(paragraph, block["text"], 16, LABEL, indent=True)
    else:
        written(document.add_paragraph(), block["text"], indent=True, align=Align.JUSTIFY)


def _caption(document: Doc, title: str) -> Any:
    head = document.add_paragraph()
    head.paragraph_format.keep_with_next = True
    written(head, title, 12, LABEL, align=Align.CENTER, line=Pt(20))
    paragraph = document.add_paragraph()
    paragraph.alignment = Align.CENTER
    paragraph.paragraph_format.space_after = Pt(6)
    return paragraph


def _turn(document: Doc) -> None:
    """A new page across."""
    section = document.add_section(WD_SECTION.NEW_PAGE)
    if section.orientation != WD_ORIENT.LANDSCAPE:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = section.page_height, section.page_width
        section.top_margin, section.bottom_margin, section.left_margin, section.right_margin = Mm(28), Mm(26), Mm(37), Mm(35)
        section.footer_distance = Mm(16)


def _table(document: Doc, block: Block, room: int) -> None:
    """Two rows of headings where columns stand in groups; they come again on every page."""
    written(document.add_paragraph(), block["title"], 16, LABEL, align=Align.CENTER)
    columns, grouped = block["columns"], any(block["groups"])
    table = document.add_table(1 + grouped, len(columns))
    table.style = "Table Grid"
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    widths = block.get("widths") or [30, *[(room - 30) / (len(columns) - 1)] * (len(columns) - 1)]
    for n, name in enumerate(columns):
        table.columns[n].width = Mm(widths[n])
        _cell(table.rows[grouped].cells[n], name, widths[n], head=True)
    if grouped:
        _groups(table, block, widths)
    for row in table.rows[: 1 + grouped]:
        repeated = OxmlElement("w:tblHeader")
        row._tr.get_or_add_trPr().append(repeated)
    size = 9 if len(columns) > MANY else 10.5
    for line in block["rows"]:
        cells = table.add_row().cells
        for n, value in enumerate(line):
            _cell(cells[n], str(value), widths[n], size=size)


def _groups(table: Any, block: Block, widths: Sequence[float]) -> None:
    """The upper headings: one over its columns, and a column without any down to the second row."""
    place = 0
    for group, members in groupby(enumerate(block["groups"]), key=lambda pair: pair[1] or str(pair[0])):
        last = place + len(list(members)) - 1
        if block["groups"][place]:
            _cell(table.rows[0].cells[place].merge(table.rows[0].cells[last]), group, sum(widths[place : last + 1]), head=True)
        else:
            table.rows[1].cells[place].text = ""
            _cell(table.rows[0].cells[place].merge(table.rows[1].cells[place]), block["columns"][place], widths[place], head=True)
        place = last + 1


def _cell(cell: Any, text: str, width: float, *, head: bool = False, size: float = 10.5) -> None:
    cell.width = Mm(width)
    cell.vertical_alignment = 1
    for more in cell.paragraphs[1:]:
        more._p.getparent().remove(more._p)
    written(cell.paragraphs[0], text, size, LABEL if head else BODY, align=Align.CENTER, line=Pt(15))
