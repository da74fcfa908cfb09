"""The event log as a table: one line an event, in the order of time. UTF-8 with a byte-order mark, so that a spreadsheet reads it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import BinaryIO

from models.database import as_json
from papers.events.log import Line, state
from papers.ledger.words import inert

COLUMNS = (
    "case", "kind", "seq", "at", "trigger", "activity", "from_state", "to_state", "to_state_zh", "post", "unit", "person", "grade", "field",
    "place", "village", "team", "parent", "facts", "hash",
)  # fmt: skip


class _Text:
    """What the csv module writes to, one encoded line at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def write(self, line: str) -> int:
        return self.file.write(line.encode())


def write_csv(events: Iterable[Line], file: BinaryIO) -> int:
    """Writes the table and answers how many events it holds. A cell that a spreadsheet would take for a formula is written as text."""
    file.write(b"\xef\xbb\xbf")
    writer = csv.writer(_Text(file))
    writer.writerow(COLUMNS)
    count = 0
    for count, each in enumerate(events, 1):  # noqa: B007 - it is the answer
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in _row(each)])
    return count


def _row(each: Line) -> list[object]:
    return [
        each.case, each.kind, each.seq, each.stamp, each.trigger, each.activity, each.from_state, each.to_state,
        state(each.kind, each.to_state), each.post, each.unit, each.person, each.grade, each.field, each.place, each.village, each.team,
        each.parent, as_json(dict(sorted(each.facts.items()))), each.hash,
    ]  # fmt: skip
