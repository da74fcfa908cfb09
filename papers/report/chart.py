"""A chart that Word draws itself and whose numbers can be edited there: DrawingML with its workbook inside the document.

python-docx has no charts: the XML is written by python-pptx, whose charts are the same DrawingML, and put into the package by hand.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import xlsxwriter
from docx.document import Document as Doc
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.shared import Mm
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONG_AGO = datetime(1980, 1, 1)  # noqa: DTZ001 - xlsxwriter writes it as UTC
COLORS = ("2B6CB0", "DD6B20")
INLINE = """<w:r xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:drawing>
<wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" distT="0" distB="0" distL="0" distR="0">
<wp:extent cx="{wide}" cy="{high}"/><wp:docPr id="{number}" name="图{number}" descr="{title}"/>
<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">
<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">
<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="{rel}"/>
</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"""
LEGEND = '<c:legend><c:legendPos val="b"/><c:overlay val="0"/></c:legend>'
LOOK = """<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="1000"/></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>
<c:externalData r:id="{rel}"><c:autoUpdate val="0"/></c:externalData></c:chartSpace>"""


def add_chart(document: Doc, paragraph: Any, chart: Mapping[str, Any], number: int) -> None:
    """Puts a column chart into the paragraph; `number` is its place among the document's charts, from 1."""
    package = document.part.package
    book = Part(PackURI(f"/word/embeddings/chart{number}.xlsx"), SHEET_TYPE, _workbook(chart), package)
    drawn = Part(PackURI(f"/word/charts/chart{number}.xml"), CHART_TYPE, b"", package)
    drawn._blob = _xml(chart, drawn.relate_to(book, RELATIONSHIP_TYPE.PACKAGE))
    rel = document.part.relate_to(drawn, RELATIONSHIP_TYPE.CHART)
    inline = INLINE.format(wide=Mm(156), high=Mm(80), number=number, title=chart["title"], rel=rel)
    paragraph._p.append(parse_xml(inline))


def _xml(chart: Mapping[str, Any], rel: str) -> bytes:
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = chart["labels"]
    for name, values in chart["series"]:
        data.add_series(name, values)
    kind = XL_CHART_TYPE.COLUMN_STACKED if chart["stacked"] else XL_CHART_TYPE.COLUMN_CLUSTERED
    xml: str = data.xml_bytes(kind).decode()
    for color, place in zip(COLORS, range(len(chart["series"])), strict=False):
        xml = _colored(xml, place, color)
    head, _ = xml.replace("<c:dispBlanksAs", LEGEND + "<c:dispBlanksAs", 1).rsplit("</c:chart>", 1)
    return (head + "</c:chart>" + LOOK.format(rel=rel)).encode()


def _colored(xml: str, place: int, color: str) -> str:
    filled = f'<c:spPr><a:solidFill><a:srgbClr val="{color}"/></a:solidFill></c:spPr>'
    start = xml.index(f'<c:idx val="{place}"/>')
    end = xml.index("</c:tx>", start) + len("</c:tx>")
    return xml[:end] + filled + xml[end:]


def _workbook(chart: Mapping[str, Any]) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"created": LONG_AGO})
        sheet = book.add_worksheet("Sheet1")
        sheet.write_column(1, 0, chart["labels"])
        for column, (name, values) in enumerate(chart["series"], 1):
            sheet.write(0, column, name)
            sheet.write_column(1, column, values)
    return file.getvalue()
