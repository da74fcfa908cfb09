"""A backup is whole or it is none, and what it holds comes back: history to the hash, evidence to the byte, nobody told twice."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

import papers.backup.restore as restoring
import papers.backup.take as taking
from cli.main import app
from models.cluster import Cluster
from models.database import engine, transaction, unmigrate
from models.enumerations import EvidenceKind
from models.settings import Settings
from notifications.deliver import deliver_due
from notifications.outcome import SENT, Channel, Outcome
from papers.backup.manifest import BackupError
from papers.backup.restore import Restored, restore, undo
from papers.backup.take import Taken, take
from papers.backup.verify import verify
from papers.shelf import keep
from statemachines.escalate import sweep
from statemachines.evidence import add_evidence
from tests.stage import Stage


@dataclass
class Other:
    """Another house: an empty database of its own, and an empty home."""

    running: Cluster
    settings: Settings
    database: str

    def restore(self, taken: Taken, stage: Stage, **said: object) -> Restored:
        said.setdefault("wall", stage.clock.wall())
        return restore(self.running, self.settings, taken.path, verify(taken.path), database=self.database, **said)  # type: ignore[arg-type]

    def stage(self, of: Stage) -> Stage:
        return replace(of, engine=engine(self.running.url(self.database)))

    def databases(self) -> list[str]:
        return [name for name in self.running.databases() if self.database in name]


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A home with a key and the ways to sign in."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key").write_text("a key that nobody else has, for one test")
    (tmp_path / "home" / "signin.yaml").write_text("providers: {}\n")
    return Settings.read({"BIHUAN_HOME": str(tmp_path / "home")})


@pytest.fixture
def other(cluster: Cluster, tmp_path: Path) -> Iterator[Other]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name)
    yield Other(cluster, Settings.read({"BIHUAN_HOME": str(tmp_path / "other")}), name)
    for each in [name, *(f"b_{name}{suffix}" for suffix in ("_before", "_restoring"))]:
        cluster.drop_database(each)


def back_up(cluster: Cluster, stage: Stage, home: Settings, **said: object) -> Taken:
    return take(cluster, home, stage.clock.wall(), database=str(stage.engine.url.database), **said)  # type: ignore[arg-type]


def add_photo(stage: Stage, home: Settings, code: str, content: bytes) -> None:
    """As a page does: the file is on the disk before its row is committed."""
    sha256 = hashlib.sha256(content).hexdigest()
    stored = f"{sha256[:2]}/{sha256}.jpg"
    (home.home / "evidence" / stored).parent.mkdir(parents=True, exist_ok=True)
    (home.home / "evidence" / stored).write_bytes(content)
    with transaction(stage.engine) as session:
        acting, now = stage.acting("inspector"), stage.clock.now()
        add_evidence(session, code, acting, now, kind=EvidenceKind.before, sha256=sha256, stored=stored)


def test_what_is_written_during_a_backup_tears_nothing_apart(cluster: Cluster, stage: Stage, home: Settings, other: Other) -> None:
    code, stop = stage.to_rectifying(), threading.Event()
    add_photo(stage, home, code, b"first")
    keep(b"a paper", home.home / "evidence")

    def write() -> None:
        number = 0
        while not stop.is_set():
            add_photo(stage, home, code, b"photo %d" % (number := number + 1))
            stage.find()

    writer = threading.Thread(target=write)
    writer.start()
    taken = back_up(cluster, stage, home)
    stop.set()
    writer.join()
    assert taken.manifest.missing == () and taken.path.stat().st_mode & 0o777 == 0o600
    first = other.settings.home / "evidence" / stage.one("select stored from evidence order by id limit 1").stored
    first.parent.mkdir(parents=True)
    first.write_bytes(b"spoiled")
    done = other.restore(taken, stage)
    there = other.stage(stage)
    assert done.townships == taken.manifest.townships and done.broken == 0 and done.missing == ()
    assert 0 < done.townships[0].cases < stage.one("select count(*) as n from cases").n
    stored = [row.stored for row in there.all("select stored from evidence where stored is not null")]
    assert stored and all((other.settings.home / "evidence" / each).read_bytes() for each in stored)
    assert first.read_bytes() == b"first"
    assert (other.settings.home / "key").read_bytes() == (home.home / "key").read_bytes()
    with pytest.raises(DBAPIError, match="permission denied"):
        there.do("update event set post = 'x'")
    assert there.find() and not list(home.home.glob("backups/*.part"))
    there.engine.dispose()


def test_only_a_whole_backup_is_taken_for_one(cluster: Cluster, stage: Stage, home: Settings, tmp_path: Path) -> None:
    stage.find()
    whole = back_up(cluster, stage, home).path
    content = whole.read_bytes()
    for length in (0, 100, len(content) // 2, content.index(b"manifest.json"), content.index(b"manifest.sha256") + 10):
        assert "清单" in refused(tmp_path, content[:length]) or "没有写完" in refused(tmp_path, content[:length])
    start = content.index(b"PGDMP")
    assert "校验值" in refused(tmp_path, content[: start + 200] + bytes([content[start + 200] ^ 1]) + content[start + 201 :])
    assert "清单被改动" in refused(tmp_path, content.replace(b'"events": ', b'"events":1', 1))
    assert "与清单不符" in refused(tmp_path, rewritten(whole, extra="evidence/ab/more"))
    assert "不该有" in refused(tmp_path, rewritten(whole, extra="../outside", listed=True))
    assert "更新的版本" in refused(tmp_path, rewritten(whole, format=2))
    assert "没有写完" in refused(tmp_path, b"hello")
    assert verify(whole).cases == 1


def refused(folder: Path, content: bytes) -> str:
    path = folder / "tried.tar"
    path.write_bytes(content)
    with pytest.raises(BackupError) as no:
        verify(path)
    return no.value.detail


def rewritten(path: Path, *, extra: str = "", listed: bool = False, **said: object) -> bytes:
    """The backup with something else in it, its manifest sealed anew: what a careful hand could make."""
    made = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=made, mode="w") as new:
        files = {each.name: old.extractfile(each).read() for each in old}  # type: ignore[union-attr]
        manifest = json.loads(files["manifest.json"]) | said
        if extra:
            files[extra] = b"more"
        if listed:
            manifest["members"].append({"name": extra, "size": 4, "sha256": hashlib.sha256(b"more").hexdigest()})
        files["manifest.json"] = json.dumps(manifest).encode()
        files["manifest.sha256"] = hashlib.sha256(files["manifest.json"]).hexdigest().encode()
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    return made.getvalue()


def test_an_interrupted_restore_leaves_what_was_there_and_a_finished_one_can_be_undone(
    cluster: Cluster, stage: Stage, home: Settings, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.find()
    taken = back_up(cluster, stage, home)
    other.restore(taken, stage)
    there = other.stage(stage)
    second = there.find()
    there.engine.dispose()
    (other.settings.home / "key").write_text("the key of the house that was here before")
    with pytest.raises(BackupError, match="--replace"):
        other.restore(taken, stage)

    def as_it_was() -> None:
        assert there.state(second) and (other.settings.home / "key").read_text().startswith("the key of the house")
        assert other.databases() == [other.database] and not (other.settings.home / "restoring").exists()
        there.engine.dispose()

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(restoring, "settle_restored", interrupt)
        other.restore(taken, stage, in_place=True)
    as_it_was()
    with monkeypatch.context() as meddled, pytest.raises(BackupError, match="与备份清单不符"):
        meddled.setattr(restoring, "standings", lambda session: ())
        other.restore(taken, stage, in_place=True)
    as_it_was()
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(type(cluster), "rename_databases", interrupt)
        other.restore(taken, stage, in_place=True)
    as_it_was()
    with there.engine.connect() as connection, pytest.raises(BackupError, match="还有 1 个程序连着"):
        connection.execute(text("select 1"))
        other.restore(taken, stage, in_place=True)
    as_it_was()
    there.engine.dispose()
    assert other.restore(taken, stage, in_place=True).aside
    assert there.one("select count(*) as n from cases").n == 1
    assert (other.settings.home / "key").read_bytes() == (home.home / "key").read_bytes()
    there.engine.dispose()
    undo(cluster, other.settings.home, other.database)
    assert there.state(second) and (other.settings.home / "key").read_text().startswith("the key of the house")
    there.engine.dispose()


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_older_schema_is_brought_up_and_a_later_one_refused(
    cluster: Cluster, stage: Stage, home: Settings, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    unmigrate(cluster.url(str(stage.engine.url.database), "owner"), "0013")
    taken = back_up(cluster, stage, home, secrets=False)
    assert taken.manifest.key == "left out" and not [each for each in taken.manifest.members if each.name in ("key", "signin.yaml")]
    later = replace(taken.manifest, migration="9999")
    with pytest.raises(BackupError, match="更新的版本"):
        restore(cluster, other.settings, taken.path, later, stage.clock.wall(), database=other.database)
    done = other.restore(taken, stage)
    assert taken.manifest.migration == "0013" and done.migration > "0013"
    assert done.locked and not (other.settings.home / "key").exists()


def test_after_a_restore_nobody_is_told_twice_and_nobody_forgotten(
    cluster: Cluster, stage: Stage, home: Settings, other: Other
) -> None:
    """The night's messages are held when the backup is taken; the old house sends them in the morning and dies at noon."""
    first, second = stage.to_rectifying(), stage.to_rectifying(place="shop-2")
    deliver_due(stage.engine, stage.clock, channel=taken_by([]))
    stage.at("2023-02-25T22:00+08:00")
    sweep(stage.engine, stage.clock)
    deliver_due(stage.engine, stage.clock, channel=taken_by([]))
    held = {row.person for row in stage.notices() if row.state == "held"}
    assert held
    stage.do("insert into login (token_hash, person_id, created_at, expires_at) select 'x', min(id), :at, :late from person",
             at=stage.clock.now(), late=stage.clock.now() + timedelta(days=9))  # fmt: skip
    stage.do("insert into login (token_hash, person_id, created_at, expires_at, name) select 'y', min(id), :at, :late, 'bi' from person",
             at=stage.clock.now(), late=stage.clock.now() + timedelta(days=9))  # fmt: skip
    taken, newest = back_up(cluster, stage, home), stage.one("select max(id) as id from cases").id
    stage.at("2023-02-26T12:00+08:00")
    done = other.restore(taken, stage)
    there, said = other.stage(stage), list[str]()
    assert done.quieted.unknown == taken.manifest.waiting and done.quieted.logins_ended == 1 and done.quieted.tokens == 1
    sweep(there.engine, there.clock)
    deliver_due(there.engine, there.clock, channel=taken_by(said))
    assert len(said) == 1 and "系统已从备份恢复" in said[0]
    assert {row.reason for row in there.notices() if row.state == "unknown"} == {"restored"}
    assert there.find() and there.one("select max(id) as id from cases").id > newest + 1000
    there.at("2023-03-04T09:00+08:00")
    sweep(there.engine, there.clock)
    deliver_due(there.engine, there.clock, channel=taken_by(said := []))
    climbed = {row.case_id for row in there.notices() if row.rung and row.planned_at == there.clock.now()}
    assert climbed >= {there.one("select id from cases where code = :code", code=code).id for code in (first, second)}
    heard = [row.person for row in there.notices() if row.state == "sent" and row.settled_at == there.clock.wall()]
    assert len(said) == len(heard) == len(set(heard)) >= 4
    there.engine.dispose()


def test_a_house_that_only_moved_says_what_was_still_to_be_said(cluster: Cluster, stage: Stage, home: Settings, other: Other) -> None:
    stage.to_rectifying()
    waiting = stage.one("select count(*) as n from notice where state = 'planned'").n
    taken = back_up(cluster, stage, home)
    stage.later(hours=3)
    done = other.restore(taken, stage, stopped_at=taken.manifest.made_at)
    assert waiting and (done.quieted.unknown, done.quieted.waiting) == (0, waiting)


def taken_by(said: list[str]) -> Channel:
    def channel(url: str, title: str, body: str) -> Outcome:
        said.append(body)
        return SENT

    return channel


def test_rotation_deletes_older_backups_of_ours_and_nothing_else(
    cluster: Cluster, stage: Stage, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home.home / "backups"
    folder.mkdir()
    for name in ("bihuan-20200101-000000.tar", "bihuan-20200102-000000.tar", "mine.tar", "bihuan-20200101-000000.tar.asc"):
        (folder / name).touch()
    (folder / ".bihuan-killed.tar.part").touch()
    taken = back_up(cluster, stage, home, keep=2)
    assert taken.deleted == ("bihuan-20200101-000000.tar",)
    left = {each.name for each in folder.iterdir() if each.suffix != ".lock"}
    assert left == {taken.path.name, "bihuan-20200102-000000.tar", "mine.tar", "bihuan-20200101-000000.tar.asc"}
    with pytest.raises(BackupError, match="已存在"):
        back_up(cluster, stage, home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))  # type: ignore[attr-defined]
    with pytest.raises(BackupError, match="磁盘只剩 0 MB"):
        back_up(cluster, stage, home, to=folder / "again.tar")
    monkeypatch.undo()
    monkeypatch.setattr(taking, "_evidence", interrupt)
    with pytest.raises(KeyboardInterrupt):
        back_up(cluster, stage, home, to=folder / "again.tar")
    assert {each.name for each in folder.iterdir() if each.suffix != ".lock"} == left


def test_the_commands_go_from_one_house_into_an_empty_one(
    cluster: Cluster, stage: Stage, other: Other, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.find()
    into(monkeypatch, cluster, str(stage.engine.url.database), tmp_path / "home")
    made = CliRunner().invoke(app, ["backup", "-o", str(tmp_path / "b.tar"), "--json"])
    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout)["cases"] == 1 and "BIHUAN_KEY" in made.stderr
    assert CliRunner().invoke(app, ["backup", "-o", str(tmp_path / "b.tar")]).exit_code == 1
    below = CliRunner().invoke(app, ["backup", "-o", str(tmp_path / "b.tar" / "c.tar")])
    assert below.exit_code == 1 and "无法使用" in below.stderr
    into(monkeypatch, cluster, other.database, tmp_path / "other")
    checked = CliRunner().invoke(app, ["restore", "--check", str(tmp_path / "b.tar"), "--json"])
    assert checked.exit_code == 0 and json.loads(checked.stdout)["ok"] and not restoring.is_occupied(cluster, other.database)
    done = CliRunner().invoke(app, ["restore", str(tmp_path / "b.tar"), "--json"])
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["cases"] == said["backup"]["cases"] == 1 and said["townships"] == said["backup"]["townships"]
    again = CliRunner().invoke(app, ["restore", str(tmp_path / "b.tar")])
    assert again.exit_code == 1 and "--replace" in again.stderr
    assert CliRunner().invoke(app, ["restore", "--replace", str(tmp_path / "b.tar")]).exit_code == 1
    assert CliRunner().invoke(app, ["restore", str(tmp_path / "nothing.tar")]).exit_code == 1
    assert CliRunner().invoke(app, ["restore"]).exit_code == 2


def into(monkeypatch: pytest.MonkeyPatch, cluster: Cluster, database: str, home: Path) -> None:
    """The environment in which the commands find that database, whose owner may make no other."""
    monkeypatch.setenv("BIHUAN_HOME", str(home))
    monkeypatch.setenv("BIHUAN_DATABASE_URL", cluster.url(database))
    monkeypatch.setenv("BIHUAN_DATABASE_OWNER_URL", cluster.url(database, "owner"))
    assert os.environ["BIHUAN_KEY"]
