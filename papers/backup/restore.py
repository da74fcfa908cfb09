"""The way back: a backup into a new database beside the old one, looked through there, and put in its place by one renaming.

Until that moment nothing of what was there has changed, and afterwards it still stands aside: putting it back is the same renaming again.
Evidence is only added to: files are named by their hash, and what the backup doesn't know does no harm.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlmodel import Session

from models.clock import local, read_anchors
from models.cluster import ROLES, Cluster
from models.database import alembic_config, engine, migrate, transaction
from models.postmaster import Progress, make_folder, write_private
from models.settings import Settings
from notifications.restored import Lost, Quieted, settle_restored
from papers.backup.manifest import BackupError, Manifest, later, said_plainly
from papers.backup.programs import fitting, quietly, run, said_with
from papers.backup.standing import Standing, known_files, standings
from papers.backup.take import DUMP, EVIDENCE, SECRETS, key_print
from papers.backup.verify import unpack
from statemachines.audit import audit

STAGING, ASIDE, NOTE = "restoring", "before", "before.json"
RESTORING, BEFORE = "_restoring", "_before"
GROWS = 12  # a dump is compressed, and indexes are not in it: measured 10 times


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, beside what the backup says of itself: the two are equal, or nothing was put in place. `aside`: what was there
    before still is, under other names. `missing` are files that the database knows and that are nowhere. `locked`: the key that is here
    is not the one that addresses were sealed with."""

    manifest: Manifest
    migration: str
    townships: tuple[Standing, ...]
    broken: int
    quieted: Quieted
    lost_from: datetime
    lost_until: datetime
    missing: tuple[str, ...]
    aside: bool = False
    locked: bool = False

    def plain(self) -> dict[str, Any]:
        """For a program: times in RFC 3339; the backup's members are left out."""
        said = {name: value for name, value in self.manifest.plain().items() if name not in ("members", "roles")}
        times = {"lost_from": local(self.lost_from).isoformat(), "lost_until": local(self.lost_until).isoformat()}
        counts = {"cases": sum(each.cases for each in self.townships), "events": sum(each.events for each in self.townships)}
        done = {name: value for name, value in asdict(self).items() if name != "manifest"}
        return {**done, **counts, **times, "backup": said}


def restore(
    running: Cluster, settings: Settings, path: Path, manifest: Manifest, wall: datetime, *, in_place: bool = False,
    stopped_at: datetime | None = None, database: str = "bihuan", progress: Progress = quietly,
) -> Restored:  # fmt: skip
    """Puts the backup at `path`, which has been verified to be as `manifest` says, where `database` and the home's files are; nobody else
    may be working there. `in_place`: also in the place of data that is there.

    `stopped_at` is when the house stopped that the backup was taken of (machine time, default: `wall`, which is now): what it was to say
    before then is taken as said. Raises BackupError, also while somebody is connected: then all is as it was.
    """
    _not_newer(manifest, running.url(database, "owner"))
    occupied = is_occupied(running, database)
    if occupied and not in_place:
        raise BackupError(
            "这里已有数据，没有改动。确要以备份代替，请加 --replace：原有数据会先放在一边，可用 bihuan restore --undo 换回。",
            "There is data here, and nothing was changed. To put the backup in its place add --replace: what is here is set aside, and "
            "bihuan restore --undo brings it back.",
        )
    _nobody_else(running, database)
    _room(manifest, settings)
    until = min(max(stopped_at or wall, manifest.made_at), wall)
    with (
        said_plainly(settings.home),
        _staged(path, manifest, settings, progress) as staging,
        _beside(running, database, manifest, staging, progress) as fresh,
    ):
        restored = _looked_through(running, fresh, settings, manifest, until, wall)
        _put_in_place(running, database, fresh, staging, settings.home, occupied=occupied)
    locked = bool(manifest.key_print) and key_print(settings) != manifest.key_print
    return replace(restored, aside=occupied, locked=locked)


def _not_newer(manifest: Manifest, url: str) -> None:
    revisions = {each.revision for each in ScriptDirectory.from_config(alembic_config(url)).walk_revisions()}
    if manifest.migration not in revisions:
        raise later(f"数据库结构 {manifest.migration}", f"schema {manifest.migration}")


def is_occupied(running: Cluster, database: str = "bihuan") -> bool:
    """Whether a township has been loaded there."""
    bound = engine(running.url(database, "owner"), pool_size=1)
    try:
        with bound.connect() as connection:
            made = connection.execute(text("select to_regclass('public.township')")).scalar() is not None
            return made and bool(connection.execute(text("select exists (select from township)")).scalar())
    finally:
        bound.dispose()


OTHERS = text("""
select count(*) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and usesysid is not null
""")


def _nobody_else(running: Cluster, database: str) -> None:
    bound = engine(running.url(database, "owner"), pool_size=1)
    with bound.connect() as connection:
        others = connection.execute(OTHERS).scalar_one()
    bound.dispose()
    if others:
        raise BackupError(
            f"还有 {others} 个程序连着数据库：请先停掉所有机器上的闭环，再重试。",
            f"{others} programs are still connected to the database: stop Bihuan on every machine, then try again.",
        )


def _room(manifest: Manifest, settings: Settings) -> None:
    need = sum(each.size * (GROWS if each.name == DUMP else 1) for each in manifest.members)
    make_folder(settings.home)
    free = shutil.disk_usage(settings.home).free
    if free < need:
        raise BackupError(
            f"{settings.home} 所在磁盘只剩 {free >> 20} MB，恢复约需 {need >> 20} MB：请先腾出空间。",
            f"The disk of {settings.home} has {free >> 20} MB left, about {need >> 20} MB are needed: free some space first.",
        )


@contextmanager
def _staged(path: Path, manifest: Manifest, settings: Settings, progress: Progress) -> Iterator[Path]:
    """The backup's files in a folder of their own, gone in the end; what a killed restore left of one is swept."""
    staging = settings.home / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        unpack(path, manifest, staging, progress)
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _beside(running: Cluster, database: str, manifest: Manifest, staging: Path, progress: Progress) -> Iterator[str]:
    """The backup's database under another name; where we may make none, in the empty one itself. Gone again unless all went well."""
    fresh = beside(running, database, RESTORING) if running.may_create() else database
    clear = _make_empty if fresh == database else _make_anew
    if fresh == database and is_occupied(running, database):
        raise BackupError(
            "数据库用户无权新建数据库，不能替换已有数据：请管理员授予 CREATEDB，或另建一个空数据库并让 BIHUAN_DATABASE_URL 指向它。",
            "The database's user may not create databases, so what is there can't be set aside: grant CREATEDB, or point "
            "BIHUAN_DATABASE_URL at another, empty database.",
        )
    try:
        clear(running, fresh)
        _fill(running, fresh, manifest, staging / DUMP, progress)
        progress("正在更新数据库结构")
        migrate(running.url(fresh, "owner"))
        yield fresh
    except BaseException:
        with suppress(Exception):
            _make_empty(running, fresh) if fresh == database else running.drop_database(fresh)
        raise


def beside(running: Cluster, database: str, suffix: str) -> str:
    """The name of a database that belongs to `database`."""
    return "b_" + re.sub(r"[^a-z0-9_]", "_", running.name_of(database).lower())[:48] + suffix


def _make_anew(running: Cluster, name: str) -> None:
    running.drop_database(name)
    running.create_database(name)


def _make_empty(running: Cluster, name: str) -> None:
    bound = engine(running.url(name, "owner"), pool_size=1)
    with bound.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    bound.dispose()


def _fill(running: Cluster, name: str, manifest: Manifest, dump: Path, progress: Progress) -> None:
    """The app may do with each table what the dump says, and no more: history can't be changed. Where its role isn't known, the database's
    own grants stay."""
    bound = engine(running.url(name, "owner"), pool_size=1)
    with bound.begin() as connection:
        major = int(connection.execute(text("show server_version")).scalar_one().split(".")[0])
        known = set(connection.execute(text("select rolname from pg_roles")).scalars())
        granted = bool(manifest.roles) and set(manifest.roles) <= known
        if granted:
            _withdraw_defaults(connection)
    bound.dispose()
    path, _ = fitting("pg_restore", major, manifest.dumped_with)
    asked = ["--no-owner", "--exit-on-error", "--single-transaction", *([] if granted else ["--no-privileges"])]
    run(path, [*asked, str(dump)], running.dsn(name, "owner"), said_with(progress, "正在恢复数据库"))


def _withdraw_defaults(connection: Any) -> None:
    """Else every table would come with rights that a migration has taken back. The dump gives them again for what is made later."""
    for rights in ("select, insert, update, delete on tables", "usage, select on sequences", "execute on functions"):
        connection.execute(text(f"alter default privileges revoke {rights} from {ROLES['app']}"))


def _looked_through(
    running: Cluster, fresh: str, settings: Settings, manifest: Manifest, until: datetime, wall: datetime
) -> Restored:
    """Counts and chains as the manifest has them, and the outbox in order. Raises BackupError where anything differs."""
    bound = engine(running.url(fresh, "owner"), pool_size=1)
    try:
        with transaction(bound) as session:
            townships, broken = standings(session), len(audit(session))
            if townships != manifest.townships or broken > manifest.broken:
                raise BackupError(
                    "恢复出来的历史与备份清单不符，已放弃，原有数据没有改动。请换另一份备份。",
                    "History as restored isn't what the backup's manifest says: given up, nothing was changed. Take another backup.",
                )
            lost, now = _lost(session, manifest, until, wall)
            quieted = settle_restored(session, lost, now, wall)
            there = {each.name for each in manifest.members}
            missing = [name for name in known_files(session) if f"{EVIDENCE}/{name}" not in there]
            migration = session.execute(text("select version_num from alembic_version")).scalar_one()
        _gather_statistics(bound)
    finally:
        bound.dispose()
    missing = [name for name in missing if not (settings.home / EVIDENCE / name).exists()]
    return Restored(manifest, migration, townships, broken, quieted, manifest.made_at, until, tuple(missing))


def _lost(session: Session, manifest: Manifest, until: datetime, wall: datetime) -> tuple[Lost, datetime]:
    """What the backup doesn't know, and business time now, by the clock that was restored."""
    anchors = read_anchors(session.connection())
    until_business, now = (anchors.at(until), anchors.at(wall)) if anchors else (until, wall)
    return Lost(manifest.made_at, until, until_business), now


def _gather_statistics(bound: Engine) -> None:
    """A dump has no statistics, and a planner without them is slow on the first morning."""
    with bound.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("analyze"))


def _put_in_place(running: Cluster, database: str, fresh: str, staging: Path, home: Path, *, occupied: bool) -> None:
    """Files first: whatever happens then, no database misses one. The renaming is all or nothing."""
    shutil.rmtree(home / ASIDE, ignore_errors=True)
    (home / ASIDE).mkdir(mode=0o700)
    came = [name for name in SECRETS if (staging / name).exists()]
    try:
        _add_evidence(staging / EVIDENCE, home)
        for name in came:
            (staging / name).rename(home / ASIDE / name)
            _swap(home, name)
        if fresh != database:
            live, old = running.name_of(database), beside(running, database, BEFORE)
            running.drop_database(old)
            running.rename_databases({live: old, fresh: live})
    except BaseException:
        for name in came:
            if not (staging / name).exists():
                _swap(home, name)
        shutil.rmtree(home / ASIDE, ignore_errors=True)
        raise
    if occupied:
        write_private(home / NOTE, json.dumps({"secrets": came}))
    else:
        forget(running, home, database)


def _add_evidence(staged: Path, home: Path) -> None:
    """A file that is there already stays if it is what its name says, or what the backup has; else it steps aside."""
    for each in sorted(staged.rglob("*")) if staged.exists() else ():
        name = each.relative_to(staged)
        target = home / EVIDENCE / name
        if each.is_dir() or (target.exists() and _as_good(target, each)):
            continue
        if target.exists():
            (home / ASIDE / EVIDENCE / name).parent.mkdir(parents=True, exist_ok=True)
            target.rename(home / ASIDE / EVIDENCE / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        each.rename(target)


def _as_good(here: Path, there: Path) -> bool:
    content = here.read_bytes()
    return hashlib.sha256(content).hexdigest() == here.stem or content == there.read_bytes()


def _swap(home: Path, name: str) -> None:
    """The file in the home and the one aside change places, whichever of them there is."""
    here, aside, between = home / name, home / ASIDE / name, home / f".{name}.swap"
    for old, new in ((here, between), (aside, here), (between, aside)):
        if old.exists():
            old.rename(new)


def undo(running: Cluster, home: Path, database: str = "bihuan") -> None:
    """What stood here before the last restore comes back; what was restored is then aside, and undoing again brings it back.

    Raises BackupError where nothing is aside, ClusterError while somebody is connected.
    """
    live, old, between = running.name_of(database), beside(running, database, BEFORE), beside(running, database, RESTORING)
    if old not in running.databases() or not (home / NOTE).exists():
        raise BackupError("没有放在一边的旧数据，无从换回。", "Nothing stands aside: there is nothing to bring back.")
    came = list(json.loads((home / NOTE).read_text())["secrets"])
    running.drop_database(between)
    running.rename_databases({live: between, old: live, between: old})
    for name in came:
        _swap(home, name)


def forget(running: Cluster, home: Path, database: str = "bihuan") -> None:
    """Deletes what stands aside, for good."""
    if running.may_create():
        running.drop_database(beside(running, database, BEFORE))
    (home / NOTE).unlink(missing_ok=True)
    shutil.rmtree(home / ASIDE, ignore_errors=True)
