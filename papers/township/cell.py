"""One value as somebody wrote it, and where it stands: a cell of a sheet or a scalar of a tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from models.enumerations import Word
from papers.township.fault import UNSAFE, Findings

W = TypeVar("W", bound=Word)

CODE = re.compile(r"\w[\w.:-]{0,63}")
DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,9})?")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}://")
YES = frozenset({"1", "true", "yes", "y", "是", "有"})
NO = frozenset({"0", "false", "no", "n", "否", "无"})
YEARS = range(2000, 2101)
SHOWN = 40
LONGEST = 4000


def show(text: str) -> str:
    """A value for a fault's sentence, short. An address in the wrong column is a secret still: its scheme is shown."""
    return f"「{shortened(text)}」"


def shortened(text: str) -> str:
    if "://" in text:
        scheme = SCHEME.match(text)
        return f"{scheme[0] if scheme else ''}…"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@dataclass(frozen=True, slots=True)
class Names:
    """Codes that other lines may point at. `sound` is false where their own file could not be read: then nothing is said about it twice."""

    file: str
    what: str
    codes: Mapping[str, int]
    sound: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """Each reading gives the value, or None and a fault. An `absent` cell (its column or key is missing) gives None and no fault."""

    text: str
    name: str
    file: str
    line: int
    findings: Findings
    absent: bool = False

    @property
    def empty(self) -> bool:
        return self.absent or not self.text

    @property
    def shown(self) -> str:
        return show(self.text)

    def fault(self, what: str, expected: str) -> None:
        self.findings.add(self.file, self.line, f"{shortened(self.name)}: {what}", expected)

    def filled(self) -> str | None:
        """The text, which must be there and printable."""
        if self.absent:
            return None
        if not self.text:
            self.fault("空着 empty", "填写一个值 a value")
            return None
        return self.said()

    def said(self) -> str | None:
        """The text, or None when nothing is written; control characters and very long texts are faults."""
        if self.empty:
            return None
        if UNSAFE.search(self.text):
            self.fault("有不可见的控制字符 control characters in it", "可见文字 printable text")
            return None
        if len(self.text) > LONGEST:
            self.fault(f"太长 too long: {len(self.text)} 字", f"不超过 at most {LONGEST} 字 characters")
            return None
        return self.text

    def code(self) -> str | None:
        """A code: letters (Chinese too), digits, `_ . : -`, at most 64."""
        text = self.filled()
        if text is None or CODE.fullmatch(text):
            return text
        self.fault(f"编码不合规 not a code: {self.shown}", "字母、数字或 _ . : -，不超过 64 个 letters, digits and _ . : -")
        return None

    def word(self, kind: type[W], without: Iterable[W] = ()) -> W | None:
        """A member of an enumeration, by identifier."""
        text = self.filled()
        if text is None:
            return None
        members = {str(member): member for member in kind if member not in set(without)}
        if text in members:
            return members[text]
        near = self.findings.near(text, members)
        self.fault(
            f"不认识 unknown {self.name} {self.shown}{near}",
            " · ".join(f"{name} {member.zh}" for name, member in members.items()),
        )
        return None

    def known(self, names: Names) -> str | None:
        """A code that the other file knows."""
        text = self.filled()
        if text is None or text in names.codes:
            return text
        if names.sound:
            near = self.findings.near(text, names.codes)
            self.fault(f"没有这个{names.what} unknown: {self.shown}{near}", f"{names.file} 里的编码 a code of {names.file}")
        return None

    def day(self) -> date | None:
        """A date, `2023-02-14`; also `2023/2/14`, which is what Excel makes of it."""
        text = self.filled()
        if text is None:
            return None
        found = DAY.fullmatch(text)
        try:
            day = date(*map(int, found.groups())) if found else None
        except ValueError:
            day = None
        if day is None or day.year not in YEARS:
            self.fault(f"日期不对 bad date {self.shown}", "真实的日期 a real date, 2000–2100: 2023-02-14")
            return None
        return day

    def moment(self, zone: ZoneInfo, at: time) -> datetime | None:
        """An aware instant. Without an offset it is the township's time; a bare date means `at` of that day."""
        text = self.filled()
        if text is None:
            return None
        if DAY.fullmatch(text):
            day = self.day()
            return datetime.combine(day, at, tzinfo=zone) if day else None
        try:
            moment = datetime.fromisoformat(text) if MOMENT.fullmatch(text) else None
        except ValueError:
            moment = None
        if moment is None or moment.year not in YEARS:
            self.fault(f"时间不对 bad time {self.shown}", "2023-03-31T23:59:59+08:00 或 or 2023-03-31")
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)

    def number(self, least: float, most: float) -> float | None:
        text = self.filled()
        if text is None:
            return None
        value = float(text) if NUMBER.fullmatch(text) else None
        if value is None or not least <= value <= most:
            self.fault(f"数不对 bad number {self.shown}", f"{least:g} 到 to {most:g} 的数 a number")
            return None
        return value

    def whole(self, least: int, most: int) -> int | None:
        value = self.number(least, most)
        if value is None or value == int(value):
            return None if value is None else int(value)
        self.fault(f"不是整数 not a whole number {self.shown}", f"{least} 到 to {most} 的整数 a whole number")
        return None

    def flag(self, default: bool = False) -> bool:
        if self.empty:
            return default
        if self.text.lower() in YES | NO:
            return self.text.lower() in YES
        self.fault(f"是或否 not yes or no: {self.shown}", "1 或 or 0（是/否, yes/no）")
        return default

    def time_of_day(self) -> time | None:
        text = self.filled()
        if text is None:
            return None
        found = TIME.fullmatch(text)
        if not found:
            self.fault(f"钟点不对 bad time of day {self.shown}", "24 小时制 HH:MM: 08:30")
            return None
        return time(int(found[1]), int(found[2]))
