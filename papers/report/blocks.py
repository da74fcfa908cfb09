"""A report or a set of tables as blocks, in the order in which they are printed; Word and PDF are made from the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from papers.statistics.corrected import corrections

Block = dict[str, Any]


def of_report(report: Mapping[str, Any]) -> list[Block]:
    """The work report: its text and charts, who signs, and the appendix with a line for every number."""
    blocks: list[Block] = [{"kind": "para", "text": text} for text in report["opening"]]
    for section in report["sections"]:
        blocks.append({"kind": "heading", "text": section["title"]})
        blocks += [{"kind": "para", "text": text} for text in section["paragraphs"]]
        blocks += [{"kind": "chart", **report["charts"][name]} for name in section["charts"] if _drawn(report["charts"][name])]
    blocks += [{"kind": "para", "text": text} for text in report["closing"]]
    blocks.append({"kind": "signed", **report["signed"]})
    return [*blocks, {"kind": "break"}, _appendix(report)]


def title_lines(title: str) -> list[str]:
    """A title as it is set: what stands in brackets, such as a period, on a line of its own, so that no date is torn apart."""
    head, bracket, rest = title.partition("（")
    return [head, f"{bracket}{rest}"] if rest else [head]


def _drawn(chart: Mapping[str, Any]) -> bool:
    return any(any(values) for _, values in chart["series"])


def _appendix(report: Mapping[str, Any]) -> Block:
    rows = [[str(n), *row, report["cut"]] for n, row in enumerate(report["appendix"], 1)]
    columns = ["序号", "报告中的数字", "数值", "查询", "截止"]
    shape = {"groups": [""] * 5, "columns": columns, "widths": [11, 48, 16, 54, 27]}
    return {"kind": "table", "title": "附件　数字来源", "rows": rows, **shape}


def of_statistics(brief: Mapping[str, Any]) -> list[Block]:
    """A weekly, a monthly or the statistics alone: a few figures in words, what has moved since the paper before, then the tables, each
    across a page."""
    blocks: list[Block] = [{"kind": "para", "text": text} for text in brief["words"]]
    blocks += _since(brief)
    blocks.append({"kind": "signed", **brief["signed"]})
    for table in brief["tables"]:
        blocks += [{"kind": "wide"}, {"kind": "table", **table}]
    return [*blocks, *({"kind": "note", "text": text} for text in brief["notes"])]


def _since(brief: Mapping[str, Any]) -> list[Block]:
    if "compared" not in brief:
        return []
    corrected = corrections(brief["corrected"]) if "corrected" in brief else ()
    return [{"kind": "table", **brief["compared"]}, *({"kind": "para", "text": line} for line in corrected)]
