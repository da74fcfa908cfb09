"""The order of a list: by which of its columns, up or down, and where its next page begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from web import cursor
from web.cursor import Key

NEVER = "timestamptz '9999-01-01'"
"""What a time that isn't set counts as: after all others."""


@dataclass(frozen=True, slots=True)
class Column:
    """By what a list can be ordered: an SQL expression that is never null, and the kind of its values."""

    sql: str
    kind: type[Key] = str


@dataclass(frozen=True, slots=True)
class Order:
    """`of` is the list, `said` the column's name with a minus where the greatest comes first, `id` the SQL of a row's number."""

    of: str
    said: str
    column: Column
    id: str

    @property
    def by(self) -> str:
        """For `order by`: the number decides between equals."""
        way = "desc" if self.said.startswith("-") else "asc"
        return f"{self.column.sql} {way}, {self.id} {way}"

    def after(self, said: str | None, asked: dict[str, Any]) -> str:
        """The condition on the rows of the next page; its parameters go into `asked`. Raises Problem 422."""
        if not said:
            return "true"
        asked["after_key"], asked["after_id"] = cursor.read(f"{self.of} {self.said}", said, self.column.kind)
        return f"({self.column.sql}, {self.id}) {'<' if self.said.startswith('-') else '>'} (:after_key, :after_id)"

    def next(self, row: Any) -> str:
        """The cursor of the page after this row, whose `sort` and `id` are read."""
        return cursor.write(f"{self.of} {self.said}", row.sort, row.id)


def ordered(of: str, columns: Mapping[str, Column], said: str, usual: str, id: str) -> Order:
    """The order that was asked for; what names no column of the list is its usual one."""
    known = said if said.removeprefix("-") in columns else usual
    return Order(of, known, columns[known.removeprefix("-")], id)


def moment(sql: str) -> Column:
    return Column(f"coalesce({sql}, {NEVER})", datetime)
