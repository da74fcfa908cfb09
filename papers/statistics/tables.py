"""The tables as filed: the columns are the national form's, verbatim; a row a field of trade (行业和领域), and one for all.

A rate with nothing to divide by is «—», never 100 %: where places were inspected and nothing was found the row is marked 零隐患, for
somebody to look. What Bihuan doesn't know (fines, closures applied for, orders to stop as a penalty) is «—», not zero: 停产停业整顿 is a
penalty (安全生产法 Art. 102, 113), 暂时停产停业 a measure on the spot (Art. 65), which is counted from the papers that order it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import TextClause
from sqlmodel import Session

from models.clock import day_of, start_of
from models.enumerations import Field
from papers.statistics.standing import HAZARDS_BY_FIELD, PAPERS_BY_FIELD, RETURNS_BY_FIELD, VISITS_BY_FIELD

NOTHING = "—"
Cell = int | float | str
Counts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the heading it stands under, its own, and how its cell comes from the counts of a row."""

    group: str
    name: str
    cell: Callable[[Counts], Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What kind of table it is. `zero_by`: the columns that count hazards; zero in all of them after an inspection is a flag."""

    name: str
    title: str
    columns: tuple[Column, ...]


def _count(name: str) -> Callable[[Counts], Cell]:
    return lambda row: int(row.get(name) or 0)


def _less(whole: str, part: str) -> Callable[[Counts], Cell]:
    return lambda row: int(row.get(whole) or 0) - int(row.get(part) or 0)


def _rate(part: str, whole: str) -> Callable[[Counts], Cell]:
    return lambda row: percent(row.get(part) or 0, row.get(whole) or 0)


def percent(part: float, whole: float) -> str:
    """In percent with one digit; «—» where there is nothing to divide by. Never rounded up to 100 %."""
    if not whole:
        return NOTHING
    return f"{min(round(100 * part / whole, 1), 99.9 if part < whole else 100):.1f}%".replace(".0%", "%")


def _funds(row: Counts) -> Cell:
    return NOTHING if row.get("funds") is None else round(float(row["funds"]), 2)


def _unknown(row: Counts) -> Cell:
    return NOTHING


GENERAL, MAJOR, LISTED = "一般隐患", "重大隐患", "挂牌督办重大隐患"
PLANNED, OF_WHICH = "列入治理计划的重大隐患", "列入治理计划的重大隐患·其中"
C = Column
HANDLED = Sheet("handled", "隐患排查治理情况统计表", (
    C(GENERAL, "排查单位数（家）", _count("entered")), C(GENERAL, "隐患数（项）", _count("general")),
    C(GENERAL, "已整改数", _count("general_closed")), C(GENERAL, "整改率", _rate("general_closed", "general")),
    C(MAJOR, "隐患数", _count("major")), C(MAJOR, "已整改销号数", _count("major_closed")),
    C(MAJOR, "整改率", _rate("major_closed", "major")),
    C(PLANNED, "数", _count("planned")), C(OF_WHICH, "落实目标任务", _count("target")),
    C(OF_WHICH, "落实经费物资", _count("funds_and_goods")),
    C(OF_WHICH, "落实机构人员", _count("organisation_people")), C(OF_WHICH, "落实时间要求", _count("time_limit")),
    C(OF_WHICH, "落实安全措施应急预案", _count("safety_and_emergency")), C("", "累计落实治理资金（万元）", _funds),
))  # fmt: skip
LEFT = Sheet("left", "隐患未整改情况统计表", (
    C(GENERAL, "数", _count("general")), C(GENERAL, "未整改", _less("general", "general_closed")),
    C(GENERAL, "整改率", _rate("general_closed", "general")),
    C(MAJOR, "数", _count("major")), C(MAJOR, "未整改", _less("major", "major_closed")), C(MAJOR, "到期未整改", _count("major_due")),
    C(MAJOR, "整改率", _rate("major_closed", "major")),
    C(LISTED, "数", _count("listed")), C(LISTED, "未整改", _less("listed", "listed_closed")),
    C(LISTED, "整改率", _rate("listed_closed", "listed")),
))  # fmt: skip
RETURNS = Sheet("returns", "自查上报情况统计表", (
    C("", "应报", _count("owed")), C("", "未报", _count("missing")),
    C("", "季报率", lambda row: percent((row.get("owed") or 0) - (row.get("missing") or 0), row.get("owed") or 0)),
    C("", "零隐患率", lambda row: percent(row.get("zero") or 0, (row.get("owed") or 0) - (row.get("missing") or 0))),
))  # fmt: skip
ENFORCED = Sheet("enforced", "执法检查情况统计表", (
    C("", "检查次", _count("visits")), C("", "一般隐患（项）", _count("general")), C("", "重大隐患（项）", _count("major")),
    C("", "挂牌（项）", _count("listed")), C("", "文书份数", _count("papers")),
    C("", "已整改", lambda row: int(row.get("general_closed") or 0) + int(row.get("major_closed") or 0)),
    C("", "停产整顿", _unknown), C("", "提请关闭", _unknown), C("", "罚款", _unknown),
))  # fmt: skip
FORMS = {
    "records": "现场检查记录", "notices": "整改通知书、告知书", "orders": "责令限期整改指令书", "measures": "现场处理措施决定书",
    "coercive": "强制措施决定书", "reviews": "整改复查意见书", "dispatches": "隐患交办单", "listings": "挂牌督办通知书", "urged": "督办函",
    "others": "其他",
}  # fmt: skip
ISSUED = Sheet("issued", "文书出具情况统计表", (
    C("", "合计（份）", _count("papers")), *(C("其中", name, _count(key)) for key, name in FORMS.items()),
    C("现场处理措施中", "暂时停产停业", _count("stops")),
))  # fmt: skip
SHEETS = (HANDLED, LEFT, RETURNS, ENFORCED, ISSUED)
QUERIES: Mapping[str, TextClause] = {
    "HAZARDS_BY_FIELD": HAZARDS_BY_FIELD, "VISITS_BY_FIELD": VISITS_BY_FIELD, "PAPERS_BY_FIELD": PAPERS_BY_FIELD,
    "RETURNS_BY_FIELD": RETURNS_BY_FIELD,
}  # fmt: skip


def counts_by_field(session: Session, township_id: int, at: datetime, since: datetime | None) -> dict[str, dict[str, Any]]:
    """What the tables are made of: a row a field that has places or hazards, in the fields' order, and «all» at the end.

    What was found before `since` is left out (None: nothing is); returns are those of the quarter that is being filed.
    """
    counts: dict[str, dict[str, Any]] = {}
    for name, query in QUERIES.items():
        asked = {"township": township_id, "at": at, "since": _quarter(at) if name == "RETURNS_BY_FIELD" else since}
        for row in session.execute(query, asked).mappings():
            counts.setdefault(row["field"], {}).update(row)
    return {name: counts[name] for name in (*Field, "all") if any(value for key, value in counts.get(name, {}).items() if key != "field")}


def _quarter(at: datetime) -> datetime:
    """A quarter's returns may come in until the 15th of the next month (16号令): until then that quarter is the one told of."""
    last = day_of(at - timedelta(days=15))
    return start_of(last.replace(month=last.month - (last.month - 1) % 3, day=1))


def tables(counts: Mapping[str, Counts], sheets: Sequence[Sheet] = SHEETS) -> list[dict[str, Any]]:
    """The tables as they are frozen and printed: groups and names of the columns, and a row a field with its label first."""
    return [
        {
            "name": sheet.name, "title": sheet.title, "groups": ["", *(column.group for column in sheet.columns)],
            "columns": ["行业和领域", *(column.name for column in sheet.columns)],
            "rows": [[label(name), *(column.cell(row) for column in sheet.columns)] for name, row in counts.items()],
        }
        for sheet in sheets
    ]  # fmt: skip


def zeros(counts: Mapping[str, Counts]) -> list[str]:
    """The fields where places were inspected and no hazard at all was found: 零隐患."""
    return [
        label(name) for name, row in counts.items() if (row.get("entered") or 0) and not (row.get("general") or 0) + (row.get("major") or 0)
    ]


def label(name: str) -> str:
    return "合计" if name == "all" else Field(name).zh
