"""The machine that the house stands on: Python and its packages, time zones, fonts, the home's folder, the key."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.requirements import Requirement

from models.keys import FILE
from models.postmaster import ROOM_TO_START
from models.settings import Settings
from papers.checkup.check import Check, broken, ok, warning
from papers.forms.pdf import FONTS

OLDEST = (3, 11)
ZONE = "Asia/Shanghai"
WINTER = datetime(2023, 2, 14, tzinfo=UTC)
SCARCE = 2**30
FONT_FILES = ("NotoSansSC-Regular.otf", "NotoSerifSC-Regular.otf")


def python(_: Settings) -> list[Check]:
    """Whether what pyproject.toml asks for is installed."""
    here = ".".join(str(each) for each in sys.version_info[:3])
    if sys.version_info < OLDEST:
        return [broken("python", f"Python {here} 太旧，请装 3.11 以上再 make setup。", f"Python {here} is too old: 3.11 is the least.")]
    wrong = [said for each in requires("bihuan") or [] if (said := _wrong(Requirement(each)))]
    if wrong:
        named = "、".join(wrong)
        return [broken("python", f"程序包不对：{named}。请运行 make setup。", f"Packages are wrong ({', '.join(wrong)}): run make setup.")]
    return [ok("python", f"Python {here}，程序包齐全", f"Python {here}, all packages are there")]


def _wrong(wanted: Requirement) -> str:
    if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
        return ""
    try:
        here = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} 缺失 missing"
    return "" if wanted.specifier.contains(here, prereleases=True) else f"{wanted.name} {here}（{wanted.specifier}）"


def zones(_: Settings) -> list[Check]:
    try:
        offset = WINTER.astimezone(ZoneInfo(ZONE)).utcoffset()
    except ZoneInfoNotFoundError:
        offset = None
    if offset == timedelta(hours=8):
        return [ok("zones", f"时区数据可用（{ZONE}）", f"Time zone data is there ({ZONE})")]
    return [broken("zones", f"没有 {ZONE} 的时区数据，请运行 make setup。", f"There is no time zone data for {ZONE}: run make setup.")]


def fonts(_: Settings) -> list[Check]:
    """Papers are set in these; without them a PDF has boxes for characters."""
    missing = [name for name in FONT_FILES if not _font(name)]
    if missing:
        return [broken("fonts", f"缺少字体 {missing[0]}，文书排不出来，请运行 make setup。", f"{missing[0]} is missing: run make setup.")]
    return [ok("fonts", "文书字体齐全", "The fonts for papers are there")]


def _font(name: str) -> bool:
    try:
        return (files(FONTS) / name).is_file()
    except ModuleNotFoundError:
        return False


def home(settings: Settings) -> list[Check]:
    """May we write there, and for how much longer?"""
    folder = settings.home
    if not folder.is_dir():
        said = f"没有 {folder}：还没启动过，或 BIHUAN_HOME 不对。"
        return [warning("home", said, f"There is no {folder}: never started, or BIHUAN_HOME is wrong.")]
    unwritable = next((each for each in (folder, folder / "evidence", folder / "backups") if each.exists() and not _may_write(each)), None)
    if unwritable:
        return [broken("home", f"{unwritable} 不可写，请检查它的属主和权限。", f"{unwritable} can't be written: look at its rights.")]
    free = shutil.disk_usage(folder).free
    left, left_en = f"{folder} 所在磁盘还剩 {free >> 20} MB", f"The disk of {folder} has {free >> 20} MB left"
    if free < ROOM_TO_START:
        return [broken("home", f"{left}，数据库无法工作，请立即腾出空间。", f"{left_en}, too little for the database: free some at once.")]
    if free < SCARCE:
        return [warning("home", f"{left}，请腾出空间。", f"{left_en}: free some.")]
    return [ok("home", left, left_en)]


def _may_write(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)


def key(settings: Settings) -> list[Check]:
    """The key is there, and nobody else reads it."""
    if settings.key is None and not (settings.home / FILE).exists():
        return [warning("key", "还没有密钥，第一次用到时生成。", "There is no key yet; it is made when it is first needed.")]
    open_to_others = [name for name in (FILE, "signin.yaml") if _readable_by_others(settings.home / name)]
    if open_to_others:
        named = " ".join(str(settings.home / name) for name in open_to_others)
        return [warning("key", f"别的用户能读密钥文件，请执行 chmod 600 {named}。", f"Others can read secrets: chmod 600 {named}.")]
    return [ok("key", "密钥在，只有属主能读", "The key is there, for its owner alone")]


def _readable_by_others(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o077)


def address(settings: Settings) -> list[Check]:
    """Where links in messages lead."""
    if "//localhost" in settings.public_url or "//127." in settings.public_url:
        return [
            warning(
                "address",
                f"消息里的链接以 {settings.public_url} 开头，别的手机打不开，请设 BIHUAN_PUBLIC_URL。",
                f"Links in messages begin with {settings.public_url}, which no phone can open: set BIHUAN_PUBLIC_URL.",
            )
        ]
    return [ok("address", f"消息链接以 {settings.public_url} 开头", f"Links in messages begin with {settings.public_url}")]
