"""From a day to a day, both inclusive: when a limit or a clause is in force."""

from __future__ import annotations

from datetime import date

from papers.township.tree import Tree


def read_days(first: Tree, last: Tree) -> tuple[date | None, date | None]:
    """From a day to a day, both inclusive and either left out."""
    from_day = None if first.cell().empty else first.cell().day()
    to_day = None if last.cell().empty else last.cell().day()
    if from_day and to_day and to_day < from_day:
        last.fault(f"早于起始日 before its start: {to_day} < {from_day}", f"{from_day} 或之后 or later")
        return from_day, None
    return from_day, to_day
