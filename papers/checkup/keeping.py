"""What must not be lost: the files that the database knows of, and the backup that they could come back from."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from models.clock import say, say_left
from models.settings import Settings
from papers.backup.manifest import BackupError, Manifest
from papers.backup.standing import known_files
from papers.backup.take import EVIDENCE, ours
from papers.backup.verify import glance
from papers.checkup.check import Check, broken, ok, warning

FRESH = timedelta(hours=26)
SAMPLE = 200


def backups(settings: Settings, wall: datetime, folder: Path | None = None) -> list[Check]:
    """How old the newest backup is, machine time; `folder` where it isn't the home's own."""
    where = folder or settings.home / "backups"
    found = ours(where)
    if not found:
        return [
            warning(
                "backup",
                f"{where} 里没有备份，请运行 bihuan backup，并安排每晚一次（docs/operations.md）。",
                f"There is no backup in {where}: run bihuan backup, and have it run every night (docs/operations.md).",
            )
        ]
    try:
        made = glance(found[0]).made_at
    except BackupError as no:
        return [broken("backup", no.detail, no.detail_en)]
    age, age_en = f"最近一次备份在 {say(made, year=True)}（{say_left(wall - made)}前）", f"The newest backup is of {made.isoformat()}"
    if wall - made > FRESH:
        return [warning("backup", f"{age}，太旧了，请查定时任务。", f"{age_en}, too old: look at what should take it every night.")]
    return [ok("backup", age, age_en)]


def newest(settings: Settings, folder: Path | None = None) -> Manifest | None:
    """What the newest backup says of itself, if it can be read."""
    try:
        return glance(ours(folder or settings.home / "backups")[0])
    except (BackupError, IndexError):
        return None


def evidence(settings: Settings, session: Session, backup: Manifest | None, *, deep: bool) -> list[Check]:
    """Whether the files that rows speak of are there and as they were: SAMPLE of them, or all (`deep`).

    Papers are named by the hash of their bytes; a photo was drawn anew when it came, and is compared with the newest backup.
    """
    known = list(known_files(session))
    tried = known if deep or len(known) <= SAMPLE else random.sample(known, SAMPLE)
    hashes = {each.name: each.sha256 for each in backup.members} if backup else {}
    wrong = [f"{name}（{why}）" for name in tried if (why := _wrong(settings.home / EVIDENCE / name, hashes.get(f"{EVIDENCE}/{name}")))]
    if wrong:
        named = "、".join(wrong[:5])
        return [
            broken(
                "evidence",
                f"{len(wrong)} 个登记过的文件丢失或被改动：{named}，请从备份取回（docs/operations.md）。",
                f"{len(wrong)} files are gone or changed ({named}): bring them back from a backup (docs/operations.md).",
            )
        ]
    counted = f"{len(tried)}/{len(known)}"
    return [ok("evidence", f"照片和文书文件完好（核对 {counted}）", f"Photos and papers are as they were ({counted} looked at)")]


def _wrong(path: Path, backed_up: str | None) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return "丢失 gone"
    sha256 = hashlib.sha256(content).hexdigest()
    wanted = path.stem if path.suffix in ("", ".pdf") else backed_up
    whole = sha256 == wanted if wanted else content[:2] == b"\xff\xd8"
    return "" if whole else "被改动 changed"
