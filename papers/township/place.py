"""Places: shops, schools, mines, abandoned openings; what is inspected (`places.csv`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

from models.enumerations import Field, PlaceKind, PlaceStatus, PostKind, UnitKind
from papers.township.cell import Names
from papers.township.details import COLUMNS as DETAIL_COLUMNS
from papers.township.details import read_details
from papers.township.post import Post
from papers.township.sheet import Row, Sheet
from papers.township.unit import Unit

REQUIRED = ("code", "name", "kind", "village")
ABOUT = ("address", "lat", "lon", "phone", "market_street", "also_street_shop", "nine_small", "crowded")
OPTIONAL = ("status", "responsible", "team", "field", *ABOUT, *DETAIL_COLUMNS)
NINE_SMALL = frozenset(kind for kind in PlaceKind if kind.startswith("small_"))
CROWDED = frozenset(
    {PlaceKind.school, PlaceKind.kindergarten, PlaceKind.hospital, PlaceKind.nursing_home, PlaceKind.supermarket, PlaceKind.workshop}
)
ANSWERS_FOR_VILLAGE = (PostKind.grid_member, PostKind.village_secretary)


@dataclass(frozen=True, slots=True)
class Place:
    """`responsible` is the post that must rectify what is found, `team` the unit that supervises; defaults are already filled in.

    `status` is what a new place begins with. `details` is what only its kind has, as JSON values: days as text, words by identifier.
    """

    code: str
    name: str
    kind: PlaceKind
    village: str
    responsible: str
    team: str
    field: Field
    status: PlaceStatus = PlaceStatus.active
    market_street: str | None = None
    also_street_shop: bool = False
    nine_small: bool = False
    crowded: bool = False
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    phone: str | None = None
    details: Mapping[str, Any] = attribute(default_factory=dict)
    line: int = attribute(default=0, compare=False)


def usual_field(kind: PlaceKind) -> Field:
    """The trade field (行业领域) of a kind of place, where the registry doesn't say."""
    same = {
        PlaceKind.street_shop: Field.street_shop,
        PlaceKind.mine: Field.mine,
        PlaceKind.tailings_pond: Field.tailings,
        PlaceKind.abandoned_opening: Field.abandoned,
    }
    if kind in same:
        return same[kind]
    if kind in NINE_SMALL:
        return Field.fire_nine
    return Field.crowded if kind in CROWDED else Field.other


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a place's row may point at, and who answers where it says nothing."""

    units: Mapping[str, Unit]
    unit_names: Names
    post_names: Names
    answering: Mapping[str, str]
    teams_by_kind: Mapping[PlaceKind, str]
    default_team: str | None
    market_streets: tuple[str, ...]


def answering_posts(posts: Iterable[Post]) -> dict[str, str]:
    """The post that answers for each village: its grid member, else its secretary; the first of several."""
    able = [post for post in posts if post.kind in ANSWERS_FOR_VILLAGE]
    found: dict[str, str] = {}
    for post in sorted(able, key=lambda post: (ANSWERS_FOR_VILLAGE.index(post.kind), post.line)):
        found.setdefault(post.unit, post.code)
    return found


def read_places(sheet: Sheet, around: Surroundings) -> tuple[Place, ...]:
    sheet.check_unique("code")
    return tuple(place for row in sheet.rows if (place := _place(row, around)))


def _place(row: Row, around: Surroundings) -> Place | None:
    code, name, kind = row["code"].code(), row["name"].filled(), row["kind"].word(PlaceKind)
    village = _unit(row, "village", UnitKind.village, around)
    responsible, team = _responsible(row, village, around), _team(row, kind, around)
    trade = None if row["field"].empty else row["field"].word(Field)
    status = PlaceStatus.active if row["status"].empty else row["status"].word(PlaceStatus)
    lat, lon = _position(row)
    street, details = _street(row, around), read_details(row, kind)
    if not (code and name and kind and village and responsible and team and status):
        return None
    return Place(
        code, name, kind, village, responsible, team, trade or usual_field(kind), status, street,
        also_street_shop=row["also_street_shop"].flag(),
        nine_small=row["nine_small"].flag(kind in NINE_SMALL),
        crowded=row["crowded"].flag(kind in CROWDED),
        address=row["address"].said(), lat=lat, lon=lon, phone=row["phone"].said(), details=details, line=row.line,
    )  # fmt: skip


def _unit(row: Row, column: str, kind: UnitKind, around: Surroundings) -> str | None:
    code = row[column].known(around.unit_names)
    unit = around.units.get(code or "")
    if unit and unit.kind != kind:
        row[column].fault(f"{code} 是{unit.kind.zh}不是{kind.zh} is a {unit.kind}", f"一个{kind.zh}的编码 the code of a {kind}")
        return None
    return code


def _responsible(row: Row, village: str | None, around: Surroundings) -> str | None:
    cell = row["responsible"]
    if not cell.empty:
        return cell.known(around.post_names)
    post = around.answering.get(village or "")
    if village and post is None and around.post_names.sound:
        what = f"responsible: 无人负责 nobody answers：{village} 没有网格员或村支部书记"
        row.findings.add(row.file, row.line, what, "岗位编码，或村里设岗 a post's code, or a grid_member in the village")
    return post


def _team(row: Row, kind: PlaceKind | None, around: Surroundings) -> str | None:
    if not row["team"].empty:
        return _unit(row, "team", UnitKind.team, around)
    team = around.teams_by_kind.get(kind, around.default_team) if kind else None
    if kind and team is None and around.unit_names.sound:
        what = f"team: 无站所监管 no team supervises {kind}"
        row.findings.add(row.file, row.line, what, "teams_by_kind 或 default_team（township.yaml）")
    return team


def _street(row: Row, around: Surroundings) -> str | None:
    cell = row["market_street"]
    street = cell.said()
    if street and street not in around.market_streets:
        near = row.findings.near(street, around.market_streets)
        cell.fault(f"没有这条街 unknown street {cell.shown}{near}", "township.yaml 的 market_streets: " + " ".join(around.market_streets))
    return street


def _position(row: Row) -> tuple[float | None, float | None]:
    """WGS 84 degrees, both or neither."""
    lat, lon = row["lat"], row["lon"]
    if lat.empty and lon.empty:
        return None, None
    if lat.empty or lon.empty:
        here = lat if lat.empty else lon
        row.findings.add(row.file, row.line, f"{here.name}: 只有一半坐标 half a position", "lat 和 lon 都填或都不填 both or neither")
        return None, None
    return lat.number(-90, 90), lon.number(-180, 180)
