"""Groups (工作群): chats with a robot that hear what is said to posts (`groups.csv`, optional)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.enumerations import Word
from papers.township.cell import Cell
from papers.township.fault import Findings
from papers.township.person import NOBODYS, Person, read_channels
from papers.township.post import Post
from papers.township.sheet import Row, Sheet, read_sheet
from papers.township.unit import Unit

FILE = "groups.csv"
COLUMNS = ("key", "label", "for", "mode", "channels")


class Mode(Word):
    """Beside the posts' people, or instead of them while the group can be heard."""

    also = "also", "同时发群"
    instead = "instead", "只发群"


@dataclass(frozen=True, slots=True)
class Group:
    """`posts` are the codes of the posts it hears for, `channels` its robots in their order: secrets, never shown in full."""

    key: str
    label: str
    posts: tuple[str, ...]
    mode: Mode
    channels: tuple[str, ...] = field(repr=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Around:
    """What a group may name, and whose keys it mustn't bear."""

    posts: Mapping[str, Post]
    units: Mapping[str, Unit]
    people: Collection[str]
    channel_ok: Callable[[str], bool] | None


def read_groups(
    folder: Path,
    posts: Mapping[str, Post],
    units: Mapping[str, Unit],
    people: Mapping[str, Person],
    channel_ok: Callable[[str], bool] | None,
    findings: Findings,
) -> tuple[Group, ...]:
    """Groups in the file's order; none without the file."""
    if not (folder / FILE).exists():
        return ()
    sheet = read_sheet(folder, FILE, COLUMNS, (), findings, may_be_empty=True)
    sheet.check_unique("key")
    around = Around(posts, units, people, channel_ok)
    groups = [group for row in sheet.rows if (group := _group(row, around))]
    _check_instead(sheet, groups)
    return tuple(groups)


def _group(row: Row, around: Around) -> Group | None:
    key, label, mode = row["key"].code(), row["label"].filled(), row["mode"].word(Mode)
    if key and (key in around.people or key in NOBODYS):
        row["key"].fault(f"{key} 已是人员编号 is a person's key", "群自己的编号 a key of the group's own")
    channels = read_channels(row["channels"], key or "?", around.channel_ok)
    if not channels:
        row["channels"].fault("空着 empty", "群机器人的地址 the robot's URL")
    posts = _posts(row["for"], around)
    return Group(key, label, posts, mode, channels, row.line) if key and label and mode and posts else None


def _posts(cell: Cell, around: Around) -> tuple[str, ...]:
    """The posts that the cell names, by themselves or by their unit."""
    found: dict[str, None] = {}
    for code in re.split(r"[\s|]+", cell.filled() or ""):
        of_unit = [post.code for post in around.posts.values() if post.unit == code]
        if code in around.posts or of_unit:
            found |= dict.fromkeys([code] if code in around.posts else of_unit)
        elif code in around.units:
            cell.fault(f"单位{code}没有岗位 the unit {code} has no posts", "有岗位的单位 a unit with posts")
        elif code:
            near = cell.findings.near(code, [*around.posts, *around.units])
            cell.fault(f"没有这个岗位或单位 no such post or unit: {code}{near}", "posts.csv 或 units.csv 的编码 a code of either")
    return tuple(found)


def _check_instead(sheet: Sheet, groups: Collection[Group]) -> None:
    """What a post is told only in a group is told in one."""
    first: dict[str, int] = {}
    for group in groups:
        for post in group.posts if group.mode == Mode.instead else ():
            if post in first:
                what = f"岗位{post}已在第 {first[post]} 行只发群 the post {post} has a group instead in line {first[post]}"
                sheet.findings.add(sheet.file, group.line, what, "一个岗位只用一个 instead one a post")
            first.setdefault(post, group.line)
