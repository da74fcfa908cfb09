"""The ways into the pages, for each according to their posts."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from models.enumerations import LEADERS, PostKind
from statemachines.officers import INSPECT, PATROLS
from statemachines.registry import ENTERPRISE, OFFICE
from web.caller import Caller

TODAY, HAZARDS, PLACES_AND_POSTS, TASKS, REPORTING, SETTINGS = "今日", "隐患", "场所与岗位", "任务", "文书与报告", "设置"
ICONS = {TODAY: "sun", HAZARDS: "flag", TASKS: "list-todo", PLACES_AND_POSTS: "building-2", REPORTING: "files", SETTINGS: "settings"}
FEW = 9
"""So many entries are read at a glance: they need no groups."""


class Way(NamedTuple):
    """One entry: where it leads, its name, its icon, and the group under which it is looked for."""

    href: str
    zh: str
    icon: str
    group: str = TODAY


class Group(NamedTuple):
    """Entries under one name."""

    zh: str
    icon: str
    ways: list[Way]


HOME = Way("/", "总览", "layout-dashboard")
INBOX = Way("/inbox", "待办", "inbox")
LEDGER = Way("/hazards", "隐患台账", "list-checks")
NEW = Way("/new", "登记隐患", "camera")
INSPECTION = Way("/inspect", "现场检查", "clipboard-check")
SELF_CHECK = Way("/inspect", "自查", "clipboard-check")
MESSAGES = Way("/messages", "消息", "bell")
REPORTS = Way("/reports", "群众举报", "megaphone", HAZARDS)
INSPECTIONS = Way("/inspections", "检查记录", "clipboard-list", HAZARDS)
DUTIES = Way("/duties", "履职任务", "calendar-check", TASKS)
PLACES = Way("/places", "场所", "store", PLACES_AND_POSTS)
MATRIX = Way("/matrix", "责任矩阵", "grid-3x3", PLACES_AND_POSTS)
POSTS = Way("/posts", "岗位", "users", PLACES_AND_POSTS)
PEOPLE = Way("/people", "人员", "user-check", PLACES_AND_POSTS)
BRIEF = Way("/brief", "工作简报", "newspaper", REPORTING)
FILED = Way("/papers", "周报月报", "files", REPORTING)
NUMBERS = Way("/numbers", "考核数据", "chart-column", REPORTING)
LADDERS = Way("/ladders", "升级阶梯", "timer", SETTINGS)
WORDING = Way("/wording", "消息文字", "message-square", SETTINGS)


def ways(caller: Caller) -> list[Way]:
    """What somebody works with, in the order of a day; what their posts have no part in is left out."""
    kinds = caller.kinds
    verify = kinds & (OFFICE | {PostKind.inspector, PostKind.station_head})
    leading = caller.sees_all and kinds & (OFFICE | LEADERS)
    shown = [
        (HOME, not kinds <= ENTERPRISE), (INBOX, True), (LEDGER, True), (NEW, kinds & (INSPECT | PATROLS)),
        (INSPECTION, kinds & (INSPECT | PATROLS)), (SELF_CHECK, kinds & ENTERPRISE), (MESSAGES, True),
        (REPORTS, verify or kinds & LEADERS), (INSPECTIONS, verify or kinds & LEADERS), (DUTIES, caller.may_write),
        (PLACES, True), (MATRIX, leading), (POSTS, kinds & (OFFICE | LEADERS)), (PEOPLE, kinds & OFFICE),
        (BRIEF, leading), (FILED, leading), (NUMBERS, caller.sees_all or PostKind.village_secretary in kinds),
        (LADDERS, leading), (WORDING, kinds & OFFICE),
    ]  # fmt: skip
    return [way for way, fits in shown if fits]


def groups(caller: Caller) -> list[Group]:
    """The same under the names by which they are looked for; what is used every day first, and all in one where there are few."""
    known = ways(caller)
    if len(known) <= FEW:
        return [Group(TODAY, ICONS[TODAY], known)]
    return [Group(name, ICONS[name], list(own)) for name, own in groupby(known, lambda way: way.group)]
