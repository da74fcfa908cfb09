"""What may be found wrong at a place: what the township's own checklists ask there, in the words that they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from drill.chance import Stream
from models.enumerations import Grade, PlaceKind, SlaClass

SPOTS = ("门口", "一层", "二层", "后院", "操作间", "仓库", "里间", "东侧", "西侧")
HOW_MANY = ("", "", "", "（1处）", "（2处）", "（3处）", "（多处）")


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a checklist, and what is written down where it fails."""

    code: str
    finding: str
    clause: str
    kinds: frozenset[str]
    threat: str
    nature: str
    grade: str
    sla_class: str
    measure: str
    field: str | None = None
    location: str | None = None
    coordination: bool = False
    changes: tuple[tuple[date, str, str, str], ...] = ()

    def on(self, day: date) -> tuple[str, str, str]:
        """Grade, class and clause by the criteria in force on a day."""
        said = (self.grade, self.sla_class, self.clause)
        for from_day, *newer in self.changes:
            if from_day <= day:
                said = (newer[0], newer[1], newer[2])
        return said


# For a kind of place that no checklist of the township speaks of.
PLAIN = (
    Item(
        "plain-exit", "疏散通道堆放杂物", "消防法第二十八条", frozenset(PlaceKind), "fire", "thing", Grade.general, SlaClass.on_spot,
        "立即清理通道",
    ),
    Item(
        "plain-extinguisher", "灭火器压力不足或已过期", "消防法第十六条", frozenset(PlaceKind), "fire", "thing", Grade.general, SlaClass.g3,
        "更换灭火器",
    ),
    Item(
        "plain-wiring", "私拉乱接电线", "消防法第二十七条", frozenset(PlaceKind), "fire", "thing", Grade.general, SlaClass.g7,
        "由电工整改线路",
    ),
)  # fmt: skip

NEWEST = text("""
select body from checklist this where township_id = :township_id
    and version = (select max(version) from checklist other where other.township_id = this.township_id and other.code = this.code)
order by code collate "C"
""")


def read_items(session: Session, township_id: int) -> dict[str, tuple[Item, ...]]:
    """The items asked in each kind of place, in the lists' order."""
    lists = session.execute(NEWEST, {"township_id": township_id}).scalars().all()
    items = [_item(said) for body in lists for said in body["items"]]
    by_kind = {kind: tuple(item for item in items if kind in item.kinds) for kind in PlaceKind}
    return {str(kind): asked or PLAIN for kind, asked in by_kind.items()}


def _item(said: Mapping[str, Any]) -> Item:
    changes = tuple((date.fromisoformat(each["from"]), each["grade"], each["sla_class"], each["clause"]) for each in said["changes"])
    names = ("code", "finding", "clause", "threat", "nature", "grade", "sla_class", "measure", "field", "location", "coordination")
    return Item(**{name: said[name] for name in names}, kinds=frozenset(said["kinds"]), changes=tuple(sorted(changes)))


def answers(asked: Sequence[Item], failed: Sequence[Item], seed: int, place: str, chance: Stream, *, by_inspector: bool) -> dict[str, Any]:
    """What is said to every item that is asked: most are in order, some don't apply, and what failed is told with small differences."""
    said: dict[str, Any] = {item.code: "na" if chance.happens(0.08, f"na {item.code}") else "yes" for item in asked}
    for item in failed:
        at_once = by_inspector and item.sla_class == SlaClass.on_spot and fixes_at_once(seed, place, item.code)
        said[item.code] = {"said": "no", **in_words(item, Stream(seed, f"{place} {item.code}", "words", chance.round))}
        if at_once:
            said[item.code]["fixed_on_spot"] = True
    return said


def fixes_at_once(seed: int, place: str, item: str | None) -> bool:
    """Whether the principal clears this away while the inspector waits."""
    return Stream(seed, f"{place} {item}", "fix_on_spot").happens(0.7)


def in_words(item: Item, chance: Stream) -> dict[str, str]:
    """What the finder writes of it and where, with the small differences that no two findings lack."""
    spots = item.location.split("、") if item.location else SPOTS
    return {"description": item.finding + chance.pick(HOW_MANY, "how many"), "location": chance.pick(spots, "spot")}


def facts_of(item: Item, place: str, day: date, found_at: Any, chance: Stream) -> dict[str, Any]:
    """The whole of a finding, for what no checklist of the township asks."""
    grade, sla_class, clause = item.on(day)
    said = {
        "place": place, "item": item.code, "measure": item.measure, "legal_basis": [clause], "grade": grade, "sla_class": sla_class,
        "threat": item.threat, "nature": item.nature, "found_at": found_at, "needs_gov_coordination": item.coordination,
        **in_words(item, chance),
    }  # fmt: skip
    return {**said, "field": item.field} if item.field else said


def draw(items: Sequence[Item], how_many: int, chance: Stream) -> list[Item]:
    """`how_many` different items, the first of the lists somewhat likelier than the last."""
    left, drawn = list(items), []
    for number in range(min(how_many, len(left))):
        drawn.append(left.pop(int(chance.share(f"item {number}") ** 1.3 * len(left))))
    return drawn
