"""A replay's table in words: for the terminal, and as the Markdown that the README shows."""

from __future__ import annotations

from drill import recital
from drill.table import Open, Table
from models.enumerations import Grade, HazardState, NoticeState

LISTED = 12
FEW = 4


def rows(table: Table) -> list[tuple[str, str]]:
    """What the table says, line by line: what it is, and how much."""
    valid = table.found - table.ended_otherwise
    ended = "，".join(f"{HazardState(state).zh} {count}" for state, count in table.ended.items())
    lines = [
        ("场所 places", str(table.places)),
        ("发现隐患 found", str(table.found)),
        ("已销号 closed", str(table.closed)),
        ("未销号 open", str(table.open)),
        ("其他办结 ended otherwise", f"{table.ended_otherwise}{f'（{ended}）' if ended else ''}"),
        ("整改率 rate", "—" if table.rate is None else f"{table.rate:.1%}（{table.closed}/{valid}）"),
    ]
    if table.open_at_deadline is not None:
        lines.append(("截止时未销号 open at the deadline", str(table.open_at_deadline)))
    lines += [
        ("逾期升级 escalations", f"{table.escalations}{_by_level(table.by_level)}"),
        ("升级过的隐患，按最高级 cases by their highest level", f"{sum(table.reached.values())}{_by_level(table.reached)}"),
    ]
    lines += [(f"消息 messages: {NoticeState(state).zh} {state}", str(count)) for state, count in table.notices.items()]
    lines += recital.rows(table.records)
    lines.append(("案卷事件 events", str(table.events)))
    refused = "，".join(f"{reason} {count}" for reason, count in sorted(table.refused.items()))
    lines.append(("被规则拒绝 refused by the law", refused or "0"))
    if table.nobody:
        lines.append(("无人可办 nobody eligible", "，".join(f"{trigger} {count}" for trigger, count in sorted(table.nobody.items()))))
    return [*lines, ("历史哈希 history hash", table.history_hash)]


def _by_level(counts: dict[str, int]) -> str:
    said = "，".join(f"{level} 级 {count}" for level, count in counts.items())
    return f"（{said}）" if said else ""


def line(case: Open) -> tuple[str, ...]:
    """One case that was open at the deadline, and who had been told by then."""
    told = "、".join(case.told[:FEW]) + (f" 等 {len(case.told)} 个岗位" if len(case.told) > FEW else "")
    return case.code, case.place, Grade(case.grade).zh, HazardState(case.state).zh, str(case.level or "—"), told or "—"


HEAD = ("编号 code", "场所 place", "等级 grade", "状态 state", "级 level", "已通知 told")


def markdown(table: Table) -> str:
    """The whole as two Markdown tables; of the cases open at the deadline the first few."""
    said = [_row(("", "")), _row(("---", "---:")), *(_row(each) for each in rows(table))]
    if table.still_open:
        shown = table.still_open[:LISTED]
        said += ["", "截止时仍未销号的，以及谁已被告知 · open at the deadline, and who had been told:", ""]
        said += [_row(HEAD), _row(["---"] * len(HEAD)), *(_row(line(case)) for case in shown)]
        if len(table.still_open) > len(shown):
            said += ["", f"另有 {len(table.still_open) - len(shown)} 条 and {len(table.still_open) - len(shown)} more"]
    return "\n".join(said)


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"
