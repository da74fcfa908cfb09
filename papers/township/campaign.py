"""The campaign (专项行动): one deadline, its targets, and the reminders before it (`campaign` in `township.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from models.enumerations import Field, Grade, PlaceKind
from papers.township.audience import RESPONSIBLE, Mention, read_audience
from papers.township.tree import Tree

DAY_START, DAY_END = time(0, 0), time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Reminder:
    """A rung of the campaign's own ladder: `days_left` before the deadline's day (negative: after it), at these times of day.

    `daily`: again every day from then on. `about` says what the message is to show.
    """

    days_left: int
    at: tuple[time, ...]
    told: tuple[str, ...]
    about: str
    daily: bool = False


@dataclass(frozen=True, slots=True)
class Campaign:
    """`start` and `deadline` are aware. `kinds` and `fields` are the scope (empty: everything). `targets`: percent closed, by grade."""

    code: str
    title: str
    start: datetime
    deadline: datetime
    kinds: tuple[PlaceKind, ...]
    fields: tuple[Field, ...]
    targets: Mapping[Grade, float]
    reminders: tuple[Reminder, ...]


def read_campaign(tree: Tree, zone: ZoneInfo, mentions: list[Mention]) -> Campaign | None:
    keys = tree.keys(["code", "title", "start", "deadline", "targets", "reminders"], ["scope"])
    code, title = keys["code"].cell().code(), keys["title"].cell().filled()
    start, deadline = keys["start"].cell().moment(zone, DAY_START), keys["deadline"].cell().moment(zone, DAY_END)
    if start and deadline and deadline <= start:
        keys["deadline"].fault(f"早于开始 not after the start: {deadline.isoformat()}", f"晚于 later than {start.isoformat()}")
    scope = keys["scope"].keys([], ["kinds", "fields"])
    kinds = tuple(kind for each in scope["kinds"].items() if (kind := each.cell().word(PlaceKind)))
    fields = tuple(word for each in scope["fields"].items() if (word := each.cell().word(Field)))
    targets = _targets(keys["targets"])
    reminders = tuple(reminder for each in keys["reminders"].items() if (reminder := _reminder(each, mentions)))
    if not (code and title and start and deadline):
        return None
    return Campaign(code, title, start, deadline, kinds, fields, targets, reminders)


def _targets(tree: Tree) -> dict[Grade, float]:
    targets: dict[Grade, float] = {}
    for branch in tree.mapping().values():
        grade, percent = branch.own_key().word(Grade), branch.cell().number(0, 100)
        if grade and percent is not None:
            targets[grade] = percent
    return targets


def _reminder(tree: Tree, mentions: list[Mention]) -> Reminder | None:
    keys = tree.keys(["days_left", "at", "to", "about"], ["daily"])
    days, about = keys["days_left"].cell().whole(-366, 3660), keys["about"].cell().filled()
    at = tuple(moment for each in keys["at"].items() if (moment := each.cell().time_of_day()))
    told, said = read_audience(keys["to"], own=(RESPONSIBLE,))
    mentions += said
    for name in ("at", "to"):
        if not keys[name].absent and not keys[name].items():
            keys[name].fault("空着 empty", "至少一个 at least one")
    return Reminder(days, at, told, about, keys["daily"].cell().flag()) if days is not None and about else None
