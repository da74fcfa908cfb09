"""What a backup says of itself: when it was taken, of what, how much of it there is, and the hash of each of its parts."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from models.clock import local, parse_time
from models.refusal import Refusal
from papers.backup.standing import Standing

FORMAT = 1


class BackupError(Refusal):
    """A backup that can't be taken, or a file that isn't a whole one; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside; `size` in bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made_at` is machine time, `business_at` what the house's clock said then. `migration` is the schema's revision, `postgresql` the
    server's version, `dumped_with` the major version of the program that wrote the dump. `townships` hold each one's cases, events and
    history hash, `broken` how many places of history didn't hold. `missing` are files that the database knows and the folder had lost.
    `key` is «inside», «left out» or «environment», `key_print` tells one key from another, `roles` are who the dump grants rights to.
    """

    bihuan: str
    migration: str
    postgresql: str
    dumped_with: int
    made_at: datetime
    business_at: datetime
    townships: tuple[Standing, ...]
    broken: int
    evidence: int
    missing: tuple[str, ...]
    waiting: int
    key: str
    key_print: str
    roles: tuple[str, ...]
    members: tuple[Member, ...] = ()
    format: int = FORMAT

    @property
    def cases(self) -> int:
        return sum(each.cases for each in self.townships)

    @property
    def events(self) -> int:
        return sum(each.events for each in self.townships)

    def plain(self) -> dict[str, Any]:
        """For a program: times in RFC 3339."""
        times = {"made_at": local(self.made_at).isoformat(), "business_at": local(self.business_at).isoformat()}
        return {**asdict(self), "cases": self.cases, "events": self.events, **times}

    def written(self) -> bytes:
        return json.dumps(self.plain(), ensure_ascii=False, indent=1).encode()


def read(content: bytes) -> Manifest:
    """The manifest in `content`. Raises BackupError for what isn't one, or is one of a later format."""
    try:
        said = json.loads(content)
        if said["format"] != FORMAT:
            raise later(f"格式 {said['format']}", f"format {said['format']}")
        known = {name: said[name] for name in Manifest.__dataclass_fields__ if name in said}
        times = {name: parse_time(_whole(said[name])) for name in ("made_at", "business_at")}
        townships = tuple(Standing(**each) for each in said["townships"])
        members = tuple(Member(**each) for each in said["members"])
        return Manifest(**{**known, **times, "townships": townships, "members": members, **_tuples(said)})
    except (KeyError, TypeError, ValueError) as error:
        raise BackupError("备份里的清单读不出来，文件不可用。", "The backup's manifest can't be read: the file is no use.") from error


def _whole(said: str) -> str:
    return datetime.fromisoformat(said).isoformat()


def _tuples(said: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(said[name]) for name in ("missing", "roles")}


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """What the system says of a file becomes a sentence. Raises BackupError; a full disk is the command line's to tell."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        where = error.filename or path
        raise BackupError(f"无法使用 {where}：{error.strerror}。", f"{where} can't be used: {error.strerror}.") from error


def later(what: str, what_en: str) -> BackupError:
    return BackupError(
        f"这份备份由更新的版本制作（{what}），请先升级闭环再恢复。",
        f"A later Bihuan made this backup ({what_en}): upgrade this one first.",
    )
