"""A table of the back office: which columns it shows, and by which it is ordered. The address says all of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Heads = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """`heads` are its columns with their names on screen, `shown` those that are asked for; `kept` is the rest of the address's query."""

    path: str
    heads: Heads
    shown: tuple[str, ...]
    sorts: Collection[str]
    order: str
    kept: Mapping[str, Any]

    def query(self, **changes: Any) -> dict[str, Any]:
        """The same table with something changed, from its first page on."""
        return {name: value for name, value in {**self.kept, **changes}.items() if value not in (None, "", [])}

    def by(self, name: str) -> dict[str, Any]:
        """Ordered by this column; down where it goes up already."""
        return self.query(sort=f"-{name}" if self.order == name else name)

    def goes(self, name: str) -> str:
        """For `aria-sort`."""
        return {name: "ascending", f"-{name}": "descending"}.get(self.order, "")


def table(
    path: str, heads: Heads, sorts: Collection[str], order: str, kept: Mapping[str, Any], asked: Sequence[str] = (),
    left_out: Collection[str] = (),
) -> Table:  # fmt: skip
    """`asked`: the columns that the address names; without, all but `left_out`."""
    shown = tuple(name for name in heads if name in asked) or tuple(name for name in heads if name not in left_out)
    return Table(path, heads, shown, sorts, order, {**kept, "cols": ",".join(shown) if asked else None})
