"""The ways into the pages, for each according to their posts."""

from __future__ import annotations

from typing import NamedTuple

from models.enumerations import LEADERS, PostKind
from statemachines.officers import INSPECT, PATROLS
from statemachines.registry import ENTERPRISE, OFFICE
from web.caller import Caller


class Way(NamedTuple):
    """One entry: where it leads, its name, its icon."""

    href: str
    zh: str
    icon: str


HOME = Way("/", "总览", "layout-dashboard")
INBOX = Way("/inbox", "待办", "inbox")
LEDGER = Way("/hazards", "隐患台账", "list-checks")
NEW = Way("/new", "登记隐患", "camera")
INSPECTION = Way("/inspect", "现场检查", "clipboard-check")
SELF_CHECK = Way("/inspect", "自查", "clipboard-check")
DUTIES = Way("/duties", "履职任务", "calendar-check")
PLACES = Way("/places", "场所", "store")
REPORTS = Way("/reports", "群众举报", "megaphone")
NUMBERS = Way("/numbers", "考核数据", "chart-column")
FILED = Way("/papers", "周报月报", "files")
BRIEF = Way("/brief", "工作简报", "newspaper")
MATRIX = Way("/matrix", "责任矩阵", "grid-3x3")
POSTS = Way("/posts", "岗位", "users")
PEOPLE = Way("/people", "人员", "user-check")
LADDERS = Way("/ladders", "升级阶梯", "timer")
MESSAGES = Way("/messages", "消息", "bell")
WORDING = Way("/wording", "消息文字", "message-square")


def ways(caller: Caller) -> list[Way]:
    """What somebody works with, in the order of a day; what their posts have no part in is left out."""
    kinds = caller.kinds
    verify = kinds & (OFFICE | {PostKind.inspector, PostKind.station_head})
    shown = [
        (HOME, not kinds <= ENTERPRISE), (INBOX, True), (LEDGER, True), (NEW, kinds & (INSPECT | PATROLS)),
        (INSPECTION, kinds & (INSPECT | PATROLS)), (SELF_CHECK, kinds & ENTERPRISE), (DUTIES, caller.may_write), (PLACES, True),
        (REPORTS, verify or kinds & LEADERS), (NUMBERS, caller.sees_all or PostKind.village_secretary in kinds),
        (FILED, caller.sees_all and kinds & (OFFICE | LEADERS)), (BRIEF, caller.sees_all and kinds & (OFFICE | LEADERS)),
        (MATRIX, caller.sees_all and kinds & (OFFICE | LEADERS)),
        (POSTS, kinds & (OFFICE | LEADERS)), (PEOPLE, kinds & OFFICE), (LADDERS, caller.sees_all and kinds & (OFFICE | LEADERS)),
        (MESSAGES, True),
        (WORDING, kinds & OFFICE),
    ]  # fmt: skip
    return [way for way, fits in shown if fits]
