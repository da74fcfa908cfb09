"""The places and villages of a township as a ledger may write them, and what a name that is none of them may mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rapidfuzz import fuzz, process
from sqlalchemy import text
from sqlmodel import Session

from papers.ledger.cell import SIMILAR, Fault, Reader, folded, meant

PLACES = text("""
select place.id, place.code, place.name, unit.code as village, unit.name as village_name, place.status
from place join unit on unit.id = place.village_id where place.township_id = :township order by place.code
""")
VILLAGES = text("select code, name from unit where township_id = :township and kind = 'village'")


class Known(NamedTuple):
    """A place of the registry, its village by code."""

    id: int
    code: str
    name: str
    village: str
    village_name: str


Asked = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Registry:
    """Places by code and by name, villages by code and by name."""

    by_code: Mapping[str, Known]
    by_name: Mapping[str, list[Known]]
    villages: Mapping[str, str]

    def find(self, asked: Asked) -> Known | Fault:
        """The place that a line names by code, or by name and village."""
        code, name, village = asked
        where = self._village(village)
        if isinstance(where, Fault):
            return where
        if code:
            return self._coded(code, name)
        if not name:
            return Fault("没有写场所（单位）名称。", "The place is missing.", column="place_name")
        named = self.by_name.get(name, [])
        here = [place for place in named if where is None or place.village == where]
        if len(here) == 1:
            return here[0]
        if here:
            hint = f"请加“场所编号”列：{'、'.join(place.code for place in here[:5])}"
            return Fault(f"名为“{name}”的场所有 {len(here)} 处。", f"{len(here)} places are called {name!r}.", hint, "place_name")
        return self._unknown(name, where, named)

    def _village(self, said: str | None) -> str | Fault | None:
        if said is None or said in self.villages:
            return self.villages.get(said) if said else None
        longer = said if said.endswith("村") else f"{said}村"
        if found := self.villages.get(longer) or self.villages.get(said.removesuffix("委会").removesuffix("民")):
            return found
        return Fault(f"没有名为“{said}”的村。", f"There is no village {said!r}.", meant(said, list(self.villages)), "village")

    def _coded(self, code: str, name: str | None) -> Known | Fault:
        place = self.by_code.get(code)
        if place is None:
            return Fault(f"没有编号为“{code}”的场所。", f"There is no place {code!r}.", meant(code, list(self.by_code)), "place_code")
        if name and folded(place.name) != name:
            return Fault(f"场所编号“{code}”与名称不符。", f"{code} is {place.name}.", f"编号“{code}”是：{place.name}", "place_name")
        return place

    def _unknown(self, name: str, where: str | None, named: list[Known]) -> Fault:
        """The nearest names, those of the village first."""
        if named:
            elsewhere = "、".join(f"{place.name}（{place.village_name}）" for place in named[:3])
            return Fault(f"该村没有名为“{name}”的场所。", f"No {name!r} in that village.", f"您是不是指：{elsewhere}", "place_name")
        near = process.extract(name, list(self.by_name), scorer=fuzz.WRatio, limit=8, score_cutoff=SIMILAR)
        found = [place for choice, _, _ in near for place in self.by_name[choice]]
        found.sort(key=lambda place: place.village != where)
        guesses = "、".join(f"{place.name}（{place.village_name}，{place.code}）" for place in found[:3])
        hint = f"您是不是指：{guesses}" if guesses else "请先在“场所”中登记"
        return Fault(f"没有名为“{name}”的场所。", f"There is no place {name!r}.", hint, "place_name")


def registry_of(session: Session, township_id: int) -> Registry:
    asked = {"township": township_id}
    places = [Known(row.id, row.code, row.name, row.village, row.village_name) for row in session.execute(PLACES, asked)]
    by_name: dict[str, list[Known]] = {}
    for place in places:
        by_name.setdefault(folded(place.name), []).append(place)
    villages: dict[str, str] = {}
    for row in session.execute(VILLAGES, asked):
        villages |= {row.code: row.code, folded(row.name): row.code}
    return Registry({place.code: place for place in places}, by_name, villages)


def finder(registry: Registry) -> Reader:
    """Looks each different place up once."""

    def find(asked: Any) -> Known | Fault:
        return registry.find(asked)

    return Reader(find)
