"""The matrix of responsibility: of each village and kind of place (or trade), how many there are, who answers, and where nobody does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import Field, PlaceKind
from statemachines.place_life import GONE
from web.caller import Caller


class Across(StrEnum):
    """What the columns are."""

    kind = "kind"
    field = "field"


@dataclass(frozen=True, slots=True)
class Cell:
    """The places of one village and column. `unanswered`: their responsible post is inactive or vacant today; `unwatched`: the team that
    supervises them has no inspector today. Both are counts of places."""

    places: int
    unanswered: int
    unwatched: int

    @property
    def gaps(self) -> int:
        return max(self.unanswered, self.unwatched)


@dataclass(frozen=True, slots=True)
class Column:
    """A kind of place, or a trade, with the teams that supervise it in this township."""

    code: str
    zh: str
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A village, who answers for it (village secretary, grid member) today, and its cells by column."""

    code: str
    name: str
    secretary: str
    grid: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Matrix:
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]

    @property
    def gaps(self) -> int:
        return sum(cell.gaps for line in self.lines for cell in line.cells.values())


HELD = """exists (select from holding where post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity'))"""
CELLS = """
with watched as (
    select distinct post.unit_id from post where township_id = :township and post.active and post.kind = 'inspector' and {held}
),
answering as (select post.id from post where township_id = :township and post.active and {held})
select village.code as village, {across} as column, count(*) as places,
    count(*) filter (where p.responsible_post_id not in (select id from answering)) as unanswered,
    count(*) filter (where p.team_id not in (select unit_id from watched)) as unwatched, array_agg(distinct team.name) as teams
from place p join unit village on village.id = p.village_id join unit team on team.id = p.team_id
where {reach} and not p.status = any(:gone) group by 1, 2
"""
VILLAGES = text("""
select unit.code, unit.name, {secretary} as secretary, {grid} as grid
from unit where township_id = :township and kind = 'village' order by code
""".format(**{
    name: f"""coalesce((select string_agg(distinct person.label, '、') from post join holding on holding.post_id = post.id
        and :day >= from_day and :day <= coalesce(to_day, 'infinity') join person on person.id = person_id
        where post.unit_id = unit.id and post.active and post.kind = '{kind}'), '')"""
    for name, kind in (("secretary", "village_secretary"), ("grid", "grid_member"))
}))  # fmt: skip
ACROSS = {Across.kind: "p.kind", Across.field: "coalesce(p.field, 'other')"}


def read(session: Session, caller: Caller, across: Across) -> Matrix:
    """The matrix as it stands today, as far as the caller's posts reach."""
    reach, asked = caller.place_reach()
    asked = {**asked, "day": caller.day, "gone": list(GONE)}
    query = CELLS.format(held=HELD, across=ACROSS[across], reach=reach)
    rows = session.execute(text(query), asked).all()
    villages = session.execute(VILLAGES, {"township": caller.township_id, "day": caller.day}).all()
    return Matrix(_columns(rows, across), tuple(_line(village, rows) for village in villages))


def _columns(rows: Sequence[Any], across: Across) -> tuple[Column, ...]:
    words = PlaceKind if across == Across.kind else Field
    teams: dict[str, set[str]] = {}
    for row in rows:
        teams.setdefault(row.column, set()).update(row.teams)
    return tuple(Column(str(word), word.zh, tuple(sorted(teams[word]))) for word in words if word in teams)


def _line(village: Any, rows: Sequence[Any]) -> Line:
    cells = {row.column: Cell(row.places, row.unanswered, row.unwatched) for row in rows if row.village == village.code}
    return Line(village.code, village.name, village.secretary, village.grid, cells)
