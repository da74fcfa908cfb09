"""A weekly, a monthly, or the statistics as they stand: facts as they are frozen, and how a later count differs from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, start_of
from models.enumerations import PaperKind
from papers.report.compose import issuer
from papers.report.facts import say_day
from papers.report.queries import TOWN
from papers.statistics.periods import Period
from papers.statistics.standing import CASES, SUMMARY
from papers.statistics.tables import ENFORCED, HANDLED, ISSUED, LEFT, RETURNS, Sheet, counts_by_field, percent, tables, zeros

SHEETS: Mapping[PaperKind, tuple[Sheet, ...]] = {
    PaperKind.weekly: (HANDLED, LEFT, ENFORCED, ISSUED), PaperKind.monthly: (HANDLED, LEFT, RETURNS, ENFORCED, ISSUED),
    PaperKind.statistics: (HANDLED, LEFT, RETURNS, ENFORCED, ISSUED),
}  # fmt: skip
NAMES = {PaperKind.weekly: "安全生产周报", PaperKind.monthly: "安全生产月报", PaperKind.statistics: "隐患排查治理统计表"}
UNKNOWN = (
    "“—”表示没有分母，或本系统不办理的事项（停产整顿、提请关闭、罚款由有权机关决定；现场处理措施中的暂时停产停业不是停产整顿，另列）。"
    "排查单位、检查次按场所所属领域和查出隐患所属领域分列，合计不重复计。"
)


def brief_facts(session: Session, township_id: int, period: Period, wall: datetime) -> dict[str, Any]:
    """All that the paper is printed from. `cases` is how each hazard was counted, `written_at` the machine time, for a later comparison.

    Tables count from the campaign's beginning (without one: from the first hazard on), the words tell of the period beside that.
    """
    town = session.execute(TOWN, {"township": township_id, "at": period.cut_at}).mappings().one()
    asked = {"township": township_id, "at": period.cut_at, "since": town["starts_at"]}
    counts = counts_by_field(session, township_id, period.cut_at, town["starts_at"])
    summary = dict(session.execute(SUMMARY, {**asked, "from": start_of(period.first)}).mappings().one())
    flagged = zeros(counts)
    return {
        "kind": period.kind.value, "title": f"{town['town']}{NAMES[period.kind]}（{period.zh}）", "period": period.zh,
        "cut_at": period.cut_at.isoformat(), "written_at": wall.isoformat(), "summary": summary, "zero": flagged,
        "words": list(_words(period, summary, flagged)), "tables": tables(counts, SHEETS[period.kind]),
        "notes": [UNKNOWN, *([f"零隐患提示：{'、'.join(flagged)}已开展检查而未发现隐患，请核实。"] if flagged else [])],
        "signed": {"by": issuer(town["town"]), "on": say_day(day_of(period.cut_at), year=True)},
        "cases": {row.code: row.said for row in session.execute(CASES, asked)},
    }  # fmt: skip


def _words(period: Period, summary: Mapping[str, Any], flagged: list[str]) -> Iterator[str]:
    when = {PaperKind.weekly: "本周", PaperKind.monthly: "本月"}.get(period.kind, "期间")
    cut = say_day(day_of(period.cut_at - timedelta(seconds=1)), year=True)
    yield f"{when}（{period.zh}）新发现隐患{summary['new']}条，整改销号{summary['newly_closed']}条。"
    rate = percent(summary["closed"], summary["valid"])
    yield (
        f"截至{cut}24时，累计发现隐患{summary['found']}条，其中有效{summary['valid']}条；已整改销号{summary['closed']}条，整改率{rate}；"
        f"未销号{summary['open']}条，其中到期未整改{summary['due_unrectified']}条。"
    )
    if summary["major"]:
        yield f"重大隐患{summary['major']}条，未销号{summary['major_open']}条。"
    if flagged:
        yield f"{'、'.join(flagged)}零隐患，请核实。"


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that reads otherwise now than when it was frozen."""

    table: str
    row: str
    column: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Late:
    """A hazard that is counted otherwise now, and why: what was entered after the freeze, or registered only after the cut-off."""

    code: str
    before: str | None
    after: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a later count of the same period says otherwise."""

    changes: tuple[Change, ...]
    late: tuple[Late, ...]

    @property
    def any(self) -> bool:
        return bool(self.changes or self.late)


LATE = text("""
select c.code, e.seq, e.trigger, e.at, h.found_at from cases c join hazard h on h.case_id = c.id
join lateral (
    select * from event where event.case_id = c.id and (event.recorded_at > :written or (event.seq = 1 and event.at >= :cut))
    order by seq limit 1
) e on true
where c.township_id = :township and c.code = any(:codes)
""")


def difference(session: Session, township_id: int, frozen: Mapping[str, Any], fresh: Mapping[str, Any]) -> Difference:
    """The cells that differ, and why: the hazards that are counted otherwise, each with what came late."""
    old, new = frozen["cases"], fresh["cases"]
    codes = sorted(code for code in {*old, *new} if old.get(code) != new.get(code))
    asked = {"township": township_id, "codes": codes, "written": frozen["written_at"], "cut": frozen["cut_at"]}
    why = {row.code: _why(row) for row in session.execute(LATE, asked)} if codes else {}
    late = tuple(Late(code, old.get(code), new.get(code), why.get(code, "登记信息后来更正")) for code in codes)
    return Difference(tuple(_changes(frozen["tables"], fresh["tables"])), late)


def _why(row: Any) -> str:
    if row.seq == 1:
        return f"{say_day(day_of(row.found_at))}发现，{say_day(day_of(row.at))}才登记"
    return f"事件 {row.code}#{row.seq}（{row.trigger}）在定稿之后才录入"


def _changes(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Change]:
    """Of the tables that both have: a paper may be older than a table's columns."""
    fresh = {(table["name"], *table["columns"]): table for table in after}
    for old, new in ((table, fresh.get((table["name"], *table["columns"]))) for table in before):
        if new is None:
            continue
        was, now = ({row[0]: row[1:] for row in table["rows"]} for table in (old, new))
        for label in [*was, *(each for each in now if each not in was)]:
            blank = ["—"] * (len(old["columns"]) - 1)
            pairs = zip(old["groups"][1:], old["columns"][1:], was.get(label, blank), now.get(label, blank), strict=True)
            yield from (Change(old["title"], label, f"{group} {name}".strip(), a, b) for group, name, a, b in pairs if a != b)
