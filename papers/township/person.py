"""People behind opaque keys, with the channels that reach them (`people.csv`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from papers.township.cell import Cell
from papers.township.sheet import Row, Sheet

COLUMNS = ("key", "label", "username", "channels")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,31})://.+", re.DOTALL)
LONGEST_URL = 2000
NOBODYS = ("system", "reporter")  # under these keys history writes what time did, and what citizens report


@dataclass(frozen=True, slots=True)
class Person:
    """`channels` are Apprise URLs in the person's order: secrets, never shown in full."""

    key: str
    label: str
    username: str | None
    channels: tuple[str, ...] = field(repr=False)
    line: int = field(default=0, compare=False)


def read_people(sheet: Sheet, channel_ok: Callable[[str], bool] | None) -> dict[str, Person]:
    """People by key. `channel_ok` says whether a URL can be parsed; without it only the shape `scheme://…` is looked at."""
    sheet.check_unique("key")
    sheet.check_unique("username")
    people = [person for row in sheet.rows if (person := _person(row, channel_ok))]
    return {person.key: person for person in people}


def _person(row: Row, channel_ok: Callable[[str], bool] | None) -> Person | None:
    key, label = row["key"].code(), row["label"].filled()
    if key in NOBODYS:
        row["key"].fault(f"{key} 是保留编号 is reserved", "人员自己的编号 a key of the person's own")
    username = None if row["username"].empty else row["username"].code()
    channels = read_channels(row["channels"], key or "?", channel_ok)
    return Person(key, label, username, channels, row.line) if key and label else None


def read_channels(cell: Cell, key: str, channel_ok: Callable[[str], bool] | None) -> tuple[str, ...]:
    """The URLs in a cell, in their order; `key` is whose they are. Faults show no more of one than its scheme."""
    urls = [url for url in re.split(r"[\s|]+", cell.said() or "") if url]
    for number, url in enumerate(urls, start=1):
        scheme = SCHEME.fullmatch(url)
        if not scheme or len(url) > LONGEST_URL or (channel_ok and not channel_ok(url)):
            named = f"{scheme[1]}://…" if scheme else "（没有 no scheme）"
            what = f"{key} 的第 {number} 个通道用不了 channel {number} of {key} is no Apprise URL: {named}"
            cell.fault(what, "Apprise 能解析的地址 scheme://…")
        elif url in urls[: number - 1]:
            cell.fault(f"{key} 的通道重复 channel {number} of {key} twice: {scheme[1]}://…", "每个通道一次 each channel once")
    return tuple(urls)
