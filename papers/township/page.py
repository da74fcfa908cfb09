"""The township's own page: its name, its campaign, what its registry should count (`township.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from models.enumerations import PlaceKind
from papers.township.audience import Mention
from papers.township.campaign import Campaign, read_campaign
from papers.township.policy import KEYS as POLICY
from papers.township.policy import Policy, Seats, read_policy, read_team
from papers.township.tree import Tree
from papers.township.unit import Unit

FILE = "township.yaml"
CHINA = ZoneInfo("Asia/Shanghai")
MOST_PLACES = 1_000_000
REQUIRED = ("code", "name", "time_zone", "campaign", "expected")
OPTIONAL = ("totals", "teams_by_kind", "default_team", "market_streets", *POLICY)


@dataclass(frozen=True, slots=True)
class Page:
    """`expected` are the registry's counts by kind; `lines` says where each of them stands."""

    code: str | None
    name: str | None
    zone: ZoneInfo | None
    campaign: Campaign | None
    expected: Mapping[PlaceKind, int]
    lines: Mapping[PlaceKind | None, int]
    teams_by_kind: Mapping[PlaceKind, str]
    default_team: str | None
    market_streets: tuple[str, ...]
    policy: Policy
    mentions: tuple[Mention, ...] = field(default=())


def read_page(tree: Tree, seats: Seats, township: Unit | None) -> Page:
    keys = tree.keys(REQUIRED, OPTIONAL)
    zone = _zone(keys["time_zone"])
    mentions: list[Mention] = []
    expected, lines = _expected(keys["expected"])
    for branch in keys["totals"].items():
        _check_total(branch, expected)
    return Page(
        code=_code(keys["code"], township),
        name=keys["name"].cell().filled(),
        zone=zone,
        campaign=read_campaign(keys["campaign"], zone or CHINA, mentions),
        expected=expected,
        lines=lines,
        teams_by_kind=_teams(keys["teams_by_kind"], seats),
        default_team=_default_team(keys["default_team"], seats),
        market_streets=tuple(street for each in keys["market_streets"].items() if (street := each.cell().filled())),
        policy=read_policy(keys, seats),
        mentions=tuple(mentions),
    )


def _code(tree: Tree, township: Unit | None) -> str | None:
    cell = tree.cell()
    code = cell.code()
    if code and township and code != township.code:
        cell.fault(f"与 units.csv 的镇不符 not the township of units.csv: {cell.shown}", township.code)
    return code


def _zone(tree: Tree) -> ZoneInfo | None:
    cell = tree.cell()
    name = cell.filled()
    if name and name != CHINA.key:
        cell.fault(f"{_zone_trouble(name)} {cell.shown}", CHINA.key)
    return CHINA if name else None


def _zone_trouble(name: str) -> str:
    """China has one time, and so has every page and message of Bihuan."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "没有这个时区 unknown time zone"
    return "只支持北京时间 only China's time is kept"


def _expected(tree: Tree) -> tuple[dict[PlaceKind, int], dict[PlaceKind | None, int]]:
    """Counts by kind, and the line of each (also where the count is unreadable); under None the line of the whole."""
    expected: dict[PlaceKind, int] = {}
    lines: dict[PlaceKind | None, int] = {} if tree.absent else {None: tree.line}
    for branch in tree.mapping().values():
        kind, count = branch.own_key().word(PlaceKind), branch.cell().whole(0, MOST_PLACES)
        if kind:
            lines[kind] = branch.line
        if kind and count is not None:
            expected[kind] = count
    return expected, lines


def _check_total(tree: Tree, expected: Mapping[PlaceKind, int]) -> None:
    """A sum that a report names, against its own parts."""
    keys = tree.keys(["title", "count", "kinds"])
    title, count = keys["title"].cell().filled(), keys["count"].cell().whole(0, MOST_PLACES)
    kinds = {kind for each in keys["kinds"].items() if (kind := each.cell().word(PlaceKind))}
    parts = sum(expected.get(kind, 0) for kind in kinds)
    if title and count is not None and parts != count:
        what = f"{title}加不起来 doesn't add up: {count}，各项之和 its parts {parts}（差 difference {parts - count:+d}）"
        keys["count"].fault(what, str(parts))


def _teams(tree: Tree, seats: Seats) -> dict[PlaceKind, str]:
    teams: dict[PlaceKind, str] = {}
    for branch in tree.mapping().values():
        kind, team = branch.own_key().word(PlaceKind), read_team(branch, seats)
        if kind and team:
            teams[kind] = team
    return teams


def _default_team(tree: Tree, seats: Seats) -> str | None:
    """The named team, else the unit `emergency_office` where there is one."""
    if not tree.absent:
        return read_team(tree, seats)
    return "emergency_office" if "emergency_office" in seats.units else None
