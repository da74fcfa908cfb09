"""Rows compared with what is wanted: added where missing, changed where different, left alone where equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update
from sqlmodel import Session

from models.tables import metadata

Values = Mapping[str, Any]
Key = tuple[Any, ...]


@dataclass(slots=True)
class Loaded:
    """What a loading did. `counts` is what the folder holds, by noun; `added`, `changed` and `ended` what that changed here."""

    township: str
    township_id: int
    counts: dict[str, int]
    added: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        """Whether the database is another one than before."""
        return any((self.added, self.changed, self.ended))

    def note(self, noun: str, added: int = 0, changed: int = 0, ended: int = 0) -> None:
        for column, number in ((self.added, added), (self.changed, changed), (self.ended, ended)):
            if number:
                column[noun] = column.get(noun, 0) + number


def table_of(noun: str) -> Table:
    return metadata.tables[noun]


def put(
    session: Session,
    table: Table,
    before: Mapping[Key, Values],
    wanted: Mapping[Key, Values],
    keys: Sequence[str],
    fixed: Values,
    at_first: Mapping[Key, Values] = MappingProxyType({}),
) -> tuple[int, int]:
    """Adds and changes rows until `table` says what is wanted; gives how many.

    `fixed` are columns of every new row, `at_first` those that a row begins with and that life changes from then on.
    """
    new = [
        {**fixed, **at_first.get(key, {}), **dict(zip(keys, key, strict=True)), **values}
        for key, values in wanted.items() if key not in before
    ]  # fmt: skip
    other = [{"row_id": before[key]["id"], **values} for key, values in wanted.items() if key in before and _differs(before[key], values)]
    if new:
        session.execute(insert(table), new)
    change(session, table, other)
    return len(new), len(other)


def _differs(row: Values, values: Values) -> bool:
    return any(row[name] != value for name, value in values.items())


def change(session: Session, table: Table, rows: Sequence[Values]) -> None:
    """Each row's values into the row `row_id` of the table; all rows name the same columns."""
    if rows:
        columns: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "row_id"}
        session.connection().execute(update(table).where(table.c.id == bindparam("row_id")).values(columns), list(rows))


def sync(
    session: Session,
    loaded: Loaded,
    noun: str,
    wanted: Mapping[str, Values],
    key: str = "code",
    at_first: Mapping[str, Values] = MappingProxyType({}),
) -> dict[str, int]:
    """`put` for a noun that the township knows by one code; ids by code, also of those that are no longer wanted."""
    table = table_of(noun)
    mine = table.c.township_id == loaded.township_id
    before: dict[Key, Values] = {(row[key],): dict(row) for row in session.execute(select(table).where(mine)).mappings()}
    all_wanted: dict[Key, Values] = {(code,): values for code, values in wanted.items()}
    first: dict[Key, Values] = {(code,): values for code, values in at_first.items()}
    added, changed = put(session, table, before, all_wanted, [key], {"township_id": loaded.township_id}, first)
    loaded.note(noun, added=added, changed=changed)
    return {row[0]: row[1] for row in session.execute(select(table.c[key], table.c.id).where(mine))}


def point(session: Session, loaded: Loaded, noun: str, column: str, wanted: Mapping[int, int | None]) -> None:
    """Sets the pointer from row to row of one table, once all rows are there. Those of new rows count as part of adding them."""
    table = table_of(noun)
    rows = session.execute(select(table.c.id, table.c[column]).where(table.c.id.in_(wanted))).all()
    other = [{"row_id": row_id, column: wanted[row_id]} for row_id, now in rows if now != wanted[row_id]]
    change(session, table, other)
    if not loaded.added.get(noun):
        loaded.note(noun, changed=len(other))
