"""What only some kinds of places have: a mine's licence, a pond's grade, an opening's seal; which kind has which, within which bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.enumerations import PlaceKind, Risk, SealType
from statemachines.errors import Refused

MINES, PONDS, OPENINGS = (PlaceKind.mine,), (PlaceKind.tailings_pond,), (PlaceKind.abandoned_opening,)
DUG = (*MINES, *PONDS, *OPENINGS)
WORKED = tuple(kind for kind in PlaceKind if kind not in (*PONDS, *OPENINGS, PlaceKind.village_public))


@dataclass(frozen=True, slots=True)
class Detail:
    """Which values a detail may have, and the kinds of places that have it."""

    zh: str
    fits: Callable[[Any], bool]
    kinds: tuple[PlaceKind, ...]


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _number(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


DETAILS = {
    "licence_no": Detail("许可证号", _text, (*WORKED, *PONDS)),
    "producing": Detail("是否在生产", _flag, (*MINES, *PONDS)),
    "pond_grade": Detail("尾矿库等别", _whole(1, 5), PONDS),
    "dam_height": Detail("坝高（米）", _number(500), PONDS),
    "head_responsible": Detail("是否头顶库", _flag, PONDS),
    "seal_type": Detail("封堵方式", _one_of(*SealType), OPENINGS),
    "seal_date": Detail("封堵日期", _day, OPENINGS),
    "warning_sign": Detail("警示牌", _flag, DUG),
    "risk": Detail("风险", _one_of(*Risk), DUG),
    "staff": Detail("人数", _whole(0, 100_000), WORKED),
    "area_m2": Detail("面积（平方米）", _number(10_000_000), WORKED),
    "floors": Detail("层数", _whole(0, 200), WORKED),
    "sleeping_on_site": Detail("是否住人", _flag, WORKED),
}


def check_detail(kind: PlaceKind, name: str, value: Any) -> None:
    """None takes a detail away. Raises Refused(details) for one that this kind of place doesn't have, or a value that it can't have."""
    detail = DETAILS.get(name)
    if detail is None or kind not in detail.kinds:
        has = ", ".join(known for known, each in DETAILS.items() if kind in each.kinds) or "—"
        raise Refused("details", f"{kind.zh}没有“{name}”这一项资料。", f"A {kind.en} has no detail {name!r}; it has: {has}.")
    if value is not None and not detail.fits(value):
        raise Refused("details", f"“{value}”不能作为{detail.zh}，请核对。", f"{value!r} can't be {name}.")
