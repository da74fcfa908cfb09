"""What a township decides for itself about governing: when a hazard came back, who is ranked, who is looked at again, who supervises what.

All of it optional in `township.yaml`; the defaults are those of models/rules.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.enumerations import LEADERS, Field, UnitKind
from models.rules import FieldOwner, League, Recheck, Recurrence
from papers.township.cell import Names
from papers.township.post import Post
from papers.township.tree import Tree
from papers.township.unit import Unit

KEYS = ("recurrence", "league", "recheck", "enforcement", "fields", "veto", "phone")


@dataclass(frozen=True, slots=True)
class Policy:
    """`authorised_teams` hold delegated enforcement power; `fields` says who supervises which field of trade; `veto` are the units that
    fail whatever their score (一票否决: a fatal accident); `phone` is what owners may call."""

    recurrence: Recurrence
    league: League
    recheck: Recheck
    authorised_teams: tuple[str, ...]
    fields: Mapping[Field, FieldOwner]
    veto: tuple[str, ...]
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Seats:
    """The units and posts that the page may name."""

    units: Mapping[str, Unit]
    unit_names: Names
    posts: Mapping[str, Post]
    post_names: Names


def read_policy(keys: Mapping[str, Tree], seats: Seats) -> Policy:
    return Policy(
        _recurrence(keys["recurrence"]),
        _league(keys["league"]),
        _recheck(keys["recheck"]),
        _authorised(keys["enforcement"], seats),
        _fields(keys["fields"], seats),
        tuple(dict.fromkeys(code for each in keys["veto"].items() if (code := each.cell().known(seats.unit_names)))),
        keys["phone"].cell().said(),
    )


def _recurrence(tree: Tree) -> Recurrence:
    keys, usual = tree.keys([], ["months", "village_times", "similar"]), Recurrence()
    months = _whole(keys["months"], 1, 120, usual.months)
    times = _whole(keys["village_times"], 2, 1000, usual.village_times)
    return Recurrence(months, times, _whole(keys["similar"], 50, 100, usual.similar))


def _league(tree: Tree) -> League:
    keys, usual = tree.keys([], ["on", "least_hazards", "least_places"]), League()
    hazards = _whole(keys["least_hazards"], 1, 100000, usual.least_hazards)
    return League(keys["on"].cell().flag(usual.on), hazards, _whole(keys["least_places"], 1, 100000, usual.least_places))


def _recheck(tree: Tree) -> Recheck:
    keys, usual = tree.keys([], ["after_days", "percent"]), Recheck()
    return Recheck(_whole(keys["after_days"], 1, 366, usual.after_days), _whole(keys["percent"], 0, 100, usual.percent))


def _whole(tree: Tree, least: int, most: int, usual: int) -> int:
    value = None if tree.cell().empty else tree.cell().whole(least, most)
    return usual if value is None else value


def _authorised(tree: Tree, seats: Seats) -> tuple[str, ...]:
    teams = tree.keys([], ["authorised_teams"])["authorised_teams"]
    return tuple(dict.fromkeys(code for each in teams.items() if (code := read_team(each, seats))))


def _fields(tree: Tree, seats: Seats) -> dict[Field, FieldOwner]:
    owners: dict[Field, FieldOwner] = {}
    for branch in tree.mapping().values():
        keys = branch.keys(["team"], ["deputy"])
        field, team, deputy = branch.own_key().word(Field), read_team(keys["team"], seats), _deputy(keys["deputy"], seats)
        if field and team:
            owners[field] = FieldOwner(team, deputy)
    return owners


def read_team(tree: Tree, seats: Seats) -> str | None:
    cell = tree.cell()
    code = cell.known(seats.unit_names)
    unit = seats.units.get(code or "")
    if unit and unit.kind != UnitKind.team:
        cell.fault(f"{code} 不是站所 is no team", "一个站所的编码 the code of a team")
    return code


def _deputy(tree: Tree, seats: Seats) -> str | None:
    cell = tree.cell()
    code = None if cell.empty else cell.known(seats.post_names)
    post = seats.posts.get(code or "")
    if post and post.kind not in LEADERS:
        cell.fault(f"{code} 是{post.kind.zh} is a {post.kind}", "一个班子成员岗位的编码 the code of a leader's post")
    return code
