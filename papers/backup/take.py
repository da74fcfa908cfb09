"""Taking a backup while everything runs: the database as of one instant, then every file that it can know of.

A file of evidence is safe on disk before the row that names it is committed, and is never changed nor deleted. So whoever reads the
database first and the folder afterwards misses nothing that the database knows; what came in meanwhile is there besides, and does no harm.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from sqlalchemy import Connection, text
from sqlmodel import Session

from models.clock import local, read_anchors
from models.cluster import ROLES, Cluster
from models.database import engine
from models.filelock import FileLock
from models.keys import FILE, key_for
from models.postmaster import Progress, make_folder
from models.settings import Settings
from papers.backup.manifest import BackupError, Manifest, Member, said_plainly
from papers.backup.programs import fitting, quietly, run, said_with
from papers.backup.standing import known_files, standings
from statemachines.audit import audit

DUMP, MANIFEST, LAST = "database.dump", "manifest.json", "manifest.sha256"
SECRETS = (FILE, "signin.yaml", "demo-password")
EVIDENCE = "evidence"
NAME = re.compile(r"bihuan-\d{8}-\d{6}\.tar")
ROOM_LEFT = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Taken:
    """Where the backup is, its size in bytes, what it says of itself, and which older ones were deleted."""

    path: Path
    size: int
    manifest: Manifest
    deleted: tuple[str, ...] = ()


def take(
    running: Cluster, settings: Settings, wall: datetime, *, to: Path | None = None, secrets: bool = True, keep: int | None = None,
    database: str = "bihuan", progress: Progress = quietly,
) -> Taken:  # fmt: skip
    """Writes a backup of `database` and the home's files to `to` (a file, or a folder in which it is named after `wall`, machine time).

    `secrets`: whether the house's key, signin.yaml and a demo's password go in. `keep` leaves that many backups of ours in the folder.
    Whole or not at all. Raises BackupError.
    """
    path = _where(settings, to, wall)
    with said_plainly(path), _alone(path.parent):
        if path.exists():
            raise BackupError(f"{path} 已存在，请换一个文件名。", f"{path} exists already: choose another name.")
        with _unfinished(path) as file, _snapshot(running, database) as (connection, snapshot):
            _room(connection, settings, path.parent)
            manifest = _write(file, running, database, connection, snapshot, settings, wall, secrets=secrets, progress=progress)
        deleted = _rotate(path.parent, keep) if keep else ()
        return Taken(path, path.stat().st_size, manifest, deleted)


def _where(settings: Settings, to: Path | None, wall: datetime) -> Path:
    name = f"bihuan-{local(wall):%Y%m%d-%H%M%S}.tar"
    if to is None:
        return settings.home / "backups" / name
    return to.absolute() / name if to.is_dir() else to.absolute()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder; what a killed one left there is swept."""
    make_folder(folder)
    lock = FileLock(folder / ".bihuan-backup.lock")
    if not lock.acquire(wait=0):
        raise BackupError("另一个备份正在进行，请等它结束。", "Another backup is being taken here: wait for it to end.")
    try:
        for left in folder.glob(".bihuan-*.part"):
            left.unlink()
        yield
    finally:
        lock.release()


@contextmanager
def _unfinished(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when it is whole and safe on disk; readable by its owner alone."""
    part = path.with_name(f".bihuan-{path.name}.part")
    try:
        with open(part, "xb", opener=_for_its_owner) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
        _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _snapshot(running: Cluster, database: str) -> Iterator[tuple[Connection, str]]:
    """A transaction that sees one instant, and its name, under which pg_dump sees the same."""
    bound = engine(running.url(database, "owner"), pool_size=1)
    try:
        with bound.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            if connection.execute(text("select to_regclass('public.township')")).scalar() is None:
                raise BackupError("数据库还是空的，没有可备份的内容。", "The database is empty: there is nothing to back up.")
            yield connection, str(connection.execute(text("select pg_export_snapshot()")).scalar_one())
    finally:
        bound.dispose()


def _room(connection: Connection, settings: Settings, folder: Path) -> None:
    """A dump is well below half of its database, and is for a while there twice."""
    size = int(connection.execute(text("select pg_database_size(current_database())")).scalar_one())
    need = size + sum(each.stat().st_size for each in _files(settings.home / EVIDENCE)) + ROOM_LEFT
    free = shutil.disk_usage(folder).free
    if free < need:
        raise BackupError(
            f"{folder} 所在磁盘只剩 {free >> 20} MB，备份约需 {need >> 20} MB：请腾出空间，或用 -o 写到别的磁盘。",
            f"The disk of {folder} has {free >> 20} MB left, about {need >> 20} MB are needed: free some space or write elsewhere (-o).",
        )


def _write(
    file: BinaryIO, running: Cluster, database: str, connection: Connection, snapshot: str, settings: Settings, wall: datetime, *,
    secrets: bool, progress: Progress,
) -> Manifest:  # fmt: skip
    with tarfile.open(fileobj=file, mode="w") as tar, Session(connection) as session:
        packing = Packing(tar, wall)
        before = _manifest(session, settings, wall, secrets=secrets)
        dumped_with = _dump(packing, Path(file.name).parent, running.dsn(database, "owner"), snapshot, before, progress)
        for name in SECRETS if secrets else ():
            with suppress(FileNotFoundError):
                packing.add(name, (settings.home / name).read_bytes())
        _evidence(packing, settings.home / EVIDENCE, progress)
        there = {each.name for each in packing.members if each.name.startswith(f"{EVIDENCE}/")}
        missing = tuple(name for name in known_files(session) if f"{EVIDENCE}/{name}" not in there)
        manifest = replace(before, dumped_with=dumped_with, missing=missing, evidence=len(there), members=tuple(packing.members))
        packing.close(manifest)
    return manifest


@dataclass(frozen=True, slots=True)
class Packing:
    """The file in the making, and what is in it so far."""

    tar: tarfile.TarFile
    wall: datetime
    members: list[Member] = field(default_factory=list)

    def add(self, name: str, content: bytes) -> None:
        self._add(name, BytesIO(content), len(content), hashlib.sha256(content).hexdigest())

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
            size = content.seek(0, os.SEEK_END)
            content.seek(0)
            self._add(name, content, size, sha256)

    def close(self, manifest: Manifest) -> None:
        """What says that it is whole comes last."""
        content = manifest.written()
        self.add(MANIFEST, content)
        self.add(LAST, f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode())

    def _add(self, name: str, content: IO[bytes], size: int, sha256: str) -> None:
        self.members.append(Member(name, size, sha256))
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = size, 0o600, int(self.wall.timestamp())
        self.tar.addfile(header, content)


WAITING = text("select count(*) from notice where state in ('planned', 'held', 'pending', 'retry', 'sending')")
GRANTED = text("select rolname from pg_roles where rolname = any(:ours) order by rolname")


def _manifest(session: Session, settings: Settings, wall: datetime, *, secrets: bool) -> Manifest:
    """All of it that the database says, in the snapshot; and whose key it is sealed with."""
    anchors = read_anchors(session.connection())
    inside = secrets and (settings.home / FILE).exists()
    return Manifest(
        bihuan=version("bihuan"),
        migration=session.execute(text("select version_num from alembic_version")).scalar_one(),
        postgresql=session.execute(text("show server_version")).scalar_one(),
        dumped_with=0,
        made_at=wall,
        business_at=anchors.at(wall) if anchors else wall,
        townships=standings(session),
        broken=len(audit(session)),
        evidence=0,
        missing=(),
        waiting=session.execute(WAITING).scalar_one(),
        key="environment" if settings.key else "inside" if inside else "left out",
        key_print=key_print(settings),
        roles=tuple(session.execute(GRANTED, {"ours": [ROLES["app"]]}).scalars()),
    )


def key_print(settings: Settings) -> str:
    """Tells one key from another without telling it; empty where there is none."""
    return key_for("backup", settings).hex()[:16] if settings.key or (settings.home / FILE).exists() else ""


def _dump(packing: Packing, folder: Path, dsn: str, snapshot: str, of: Manifest, progress: Progress) -> int:
    """The database as the snapshot sees it, in PostgreSQL's own archive format, which is compressed. Gives the program's major version."""
    path, major = fitting("pg_dump", int(of.postgresql.split(".")[0]))
    dump = folder / f".bihuan-{DUMP}.part"
    try:
        os.close(_for_its_owner(str(dump), os.O_WRONLY | os.O_CREAT))
        asked = ["--format=custom", f"--snapshot={snapshot}", "--lock-wait-timeout=60s", f"--file={dump}"]
        run(path, asked, dsn, said_with(progress, "正在导出数据库"))
        packing.add_file(DUMP, dump)
    finally:
        dump.unlink(missing_ok=True)
    return major


def _evidence(packing: Packing, folder: Path, progress: Progress) -> None:
    for count, each in enumerate(_files(folder), start=1):
        packing.add(f"{EVIDENCE}/{each.relative_to(folder).as_posix()}", each.read_bytes())
        if count % 50 == 0:
            progress(f"已收入 {count} 个照片和文书文件")


def _files(folder: Path) -> list[Path]:
    """The finished files of the evidence folder: one that is being written begins with a dot."""
    return [each for each in sorted(folder.rglob("*")) if each.is_file() and not each.is_symlink() and not each.name.startswith(".")]


def _rotate(folder: Path, keep: int) -> tuple[str, ...]:
    """Deletes the older ones of what is named as ours; nothing else is touched."""
    gone = ours(folder)[keep:]
    for each in gone:
        each.unlink()
    return tuple(each.name for each in gone)


def ours(folder: Path) -> list[Path]:
    """The backups in a folder that are named as ours, the newest first."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((each for each in found if NAME.fullmatch(each.name) and each.is_file() and not each.is_symlink()), reverse=True)
