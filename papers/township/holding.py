"""Holdings: which person holds which post, from a day to a day, and who stands in (`holdings.csv`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from papers.township.cell import Names
from papers.township.sheet import Row, Sheet

COLUMNS = ("person", "post", "from", "to", "deputy_of")


@dataclass(frozen=True, slots=True)
class Holding:
    """Both days are inclusive; `to_day` None is «until further notice». `deputy_of`: the person stood in for meanwhile."""

    person: str
    post: str
    from_day: date
    to_day: date | None
    deputy_of: str | None
    line: int = field(default=0, compare=False)

    def meets(self, other: Holding) -> bool:
        """Whether the two have a day in common."""
        return self.from_day <= (other.to_day or date.max) and other.from_day <= (self.to_day or date.max)


def read_holdings(sheet: Sheet, people: Names, posts: Names) -> tuple[Holding, ...]:
    holdings = [holding for row in sheet.rows if (holding := _holding(row, people, posts))]
    of_post: dict[str, list[Holding]] = {}
    for holding in holdings:
        of_post.setdefault(holding.post, []).append(holding)
    for together in of_post.values():
        _check_together(together, sheet)
    return tuple(holdings)


def _holding(row: Row, people: Names, posts: Names) -> Holding | None:
    person, post, from_day = row["person"].known(people), row["post"].known(posts), row["from"].day()
    to_day = None if row["to"].empty else row["to"].day()
    deputy_of = None if row["deputy_of"].empty else row["deputy_of"].known(people)
    if from_day and to_day and to_day < from_day:
        row["to"].fault(f"早于起始日 before its start: {to_day} < {from_day}", f"{from_day} 或之后 or later")
        return None
    if deputy_of and deputy_of == person:
        row["deputy_of"].fault("自己替自己 stands in for oneself", "被替的人 another person's key")
        return None
    return Holding(person, post, from_day, to_day, deputy_of, row.line) if person and post and from_day else None


def _check_together(holdings: Sequence[Holding], sheet: Sheet) -> None:
    """Holdings of one post: nobody holds it twice at a time, and a stand-in stands in for one who holds it then."""
    own = [holding for holding in holdings if holding.deputy_of is None]
    by_person: dict[str, list[Holding]] = {}
    for holding in holdings:
        _check_once(holding, by_person.setdefault(holding.person, []), sheet)
    for holding in holdings:
        if holding.deputy_of and not _held(holding, own):
            what = f"deputy_of: {holding.deputy_of} 那时不在 {holding.post} 岗上 doesn't hold {holding.post} then"
            sheet.findings.add(sheet.file, holding.line, what, "那段时间在岗的人 one who holds the post on those days")


def _check_once(holding: Holding, earlier: list[Holding], sheet: Sheet) -> None:
    clash = next((other for other in earlier if other.meets(holding)), None)
    earlier.append(holding)
    if clash:
        what = f"重复任职 duplicate holding: {holding.person} 在 {holding.post}"
        sheet.findings.add(sheet.file, holding.line, what, f"与第 {clash.line} 行的日期不重叠 no day in common with line {clash.line}")


def _held(holding: Holding, own: Iterable[Holding]) -> bool:
    return any(other.person == holding.deputy_of and other.meets(holding) for other in own)
