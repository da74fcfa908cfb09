"""Units: district, township, villages and teams, as a tree (`units.csv`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from models.enumerations import UnitKind
from papers.township.chain import check_no_cycle
from papers.township.sheet import Row, Sheet

COLUMNS = ("code", "kind", "name", "parent")
UNDER_TOWNSHIP = (UnitKind.village, UnitKind.team)


@dataclass(frozen=True, slots=True)
class Unit:
    code: str
    kind: UnitKind
    name: str
    parent: str | None
    line: int = field(default=0, compare=False)


def read_units(sheet: Sheet) -> dict[str, Unit]:
    """Units by code."""
    sheet.check_unique("code")
    units = [unit for row in sheet.rows if (unit := _unit(row, sheet))]
    check_no_cycle(sheet, "code", "parent")
    by_code = {unit.code: unit for unit in units}
    for unit in units:
        _check_parent(unit, by_code, sheet)
    return by_code


def _unit(row: Row, sheet: Sheet) -> Unit | None:
    code, kind, name = row["code"].code(), row["kind"].word(UnitKind), row["name"].filled()
    parent = None if row["parent"].empty else row["parent"].known(sheet.names("code", "单位 unit"))
    return Unit(code, kind, name, parent, row.line) if code and kind and name else None


def _check_parent(unit: Unit, units: Mapping[str, Unit], sheet: Sheet) -> None:
    parent = units.get(unit.parent or "")
    if unit.kind in UNDER_TOWNSHIP and (parent.kind != UnitKind.township if parent else unit.parent is None):
        what = f"parent: {unit.kind.zh}不在镇下面 a {unit.kind} outside the township"
        sheet.findings.add(sheet.file, unit.line, what, "镇的编码 the township's code")


def the_township(units: Mapping[str, Unit], sheet: Sheet) -> Unit | None:
    """The one township of the folder."""
    found = [unit for unit in units.values() if unit.kind == UnitKind.township]
    if len(found) != 1 and sheet.rows:
        line = found[1].line if found else 1
        sheet.findings.add(sheet.file, line, f"kind: 有 {len(found)} 个镇 {len(found)} townships", "正好一个 township exactly one")
    return found[0] if found else None
