"""What a cell of a workbook can hold, and what is left of a text that it can't."""

from __future__ import annotations

CHARACTERS_AT_MOST = 32767  # of a cell, in UTF-16 units: Excel's own limit
CUT = "…（超出 Excel 单元格上限，余文见系统）"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # with these a spreadsheet begins to calculate, or passes over them to one that does
UNFIT = {0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}  # no XML has these


def fitting(said: str) -> str:
    """The text as a cell can hold it: what no XML has is replaced, what is too long is cut and says so."""
    if len(said) < CHARACTERS_AT_MOST // 2 and "\ufffe" not in said and "\uffff" not in said:
        return said
    clean = said.translate(UNFIT)
    units = len(clean.encode("utf-16-le")) // 2
    if units <= CHARACTERS_AT_MOST:
        return clean
    kept = clean.encode("utf-16-le")[: 2 * (CHARACTERS_AT_MOST - len(CUT))]
    return kept.decode("utf-16-le", "ignore") + CUT


def inert(said: str) -> str:
    """The text as a CSV's cell that no spreadsheet takes for a formula (a workbook's cells are texts by their type)."""
    return f"'{said}" if said.startswith(FORMULA) else said
