"""The doctor finds what was planted, says the way out, and changes and starts nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli import doctor
from cli.main import app
from flows.deployments import FLOWS
from flows.pulse import RESTS, pulses
from models.cluster import Cluster
from models.database import transaction
from models.filelock import FileLock
from models.settings import Settings
from papers.backup.take import take
from papers.checkup import database, keeping, machine
from papers.checkup.check import Check, State
from papers.shelf import keep
from tests.integration.test_backup import add_photo
from tests.stage import Stage

KEY = "a key that nobody else has, for one test"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    return Settings.read({"BIHUAN_HOME": str(tmp_path), "BIHUAN_PUBLIC_URL": "https://town.example"})


def is_address(url: str) -> bool:
    return "://" in url


def only(checks: list[Check]) -> tuple[State, str]:
    [check] = checks
    return check.state, check.said


def test_a_healthy_house_gets_no_remarks_and_each_fault_in_its_database_is_found(stage: Stage, settings: Settings) -> None:
    with_key = replace(settings, key=os.environ["BIHUAN_KEY"])
    code = stage.to_rectifying()

    def look(running: bool = True, given: Settings = with_key) -> dict[str, State]:
        with transaction(stage.engine) as session:
            found = [
                *database.schema(session), *database.clock(session, stage.clock), *database.addresses(session, given, is_address),
                *database.rows(session, given, stage.clock, running=running, deep=True),
            ]  # fmt: skip
        return {each.name: each.state for each in found if each.state != State.ok}

    stage.do("update notice set state = 'sent', not_before = :now", now=stage.clock.now())
    stage.clock.wall = lambda: datetime.now(UTC)  # type: ignore[method-assign]
    assert look() == {}
    assert look(given=replace(settings, home=settings.home / "nowhere")) == {"addresses": State.broken, "rows": State.skipped}
    assert not (settings.home / "nowhere").exists()
    stage.do("update channel set url = 'nosuch' where id = (select min(id) from channel)")
    assert look() == {"addresses": State.broken}
    stage.do("update channel set url = 'x://y', disabled_at = :now where id = (select min(id) from channel)", now=stage.clock.now())
    assert look() == {"addresses": State.warning}
    stage.do("update channel set disabled_at = null")
    stage.later(days=2)
    assert look() == {"late": State.broken} and look(running=False) == {"late": State.warning}
    stage.do("update timer set quarantined_at = :now, quarantine_reason = '阶梯不存在' where clock = 'rectify'", now=stage.clock.now())
    assert look() == {"quarantine": State.broken}
    stage.do("delete from timer")
    assert look() == {"timerless": State.broken}
    stage.do("update cases set last_hash = 'x' where code = :code", code=code)
    assert look() == {"timerless": State.broken, "chain": State.broken}
    stage.clock._now -= timedelta(days=5)
    assert look()["clock"] == State.broken
    stage.clock.wall = lambda: datetime.now(UTC) - timedelta(seconds=30)  # type: ignore[method-assign]
    stage.clock._now += timedelta(days=5)
    assert look()["clock"] == State.warning


def test_a_schema_that_is_older_or_later_is_told_apart(stage: Stage, cluster: Cluster) -> None:
    from sqlalchemy import create_engine

    owner = create_engine(cluster.url(str(stage.engine.url.database), "owner"))
    for version, state in (("0001", State.warning), ("9999", State.broken)):
        with owner.begin() as connection:
            connection.execute(text("update alembic_version set version_num = :v"), {"v": version})
        with transaction(stage.engine) as session:
            assert database.schema(session)[0].state == state
    owner.dispose()


def test_files_that_are_gone_or_changed_and_backups_that_are_old_are_found(stage: Stage, cluster: Cluster, settings: Settings) -> None:
    wall, code = stage.clock.wall(), stage.find()
    assert only(keeping.backups(settings, wall))[0] == State.warning
    add_photo(stage, settings, code, b"\xff\xd8 a photo")
    paper = keep(b"a paper", settings.home / "evidence")
    stage.do(
        "insert into paper (township_id, kind, title, facts, issued_at, issued_post, issued_person, pdf_sha256)"
        " select id, 'dispatch', 'x', '{}', :now, 'x', 'x', :hash from township", now=stage.clock.now(), hash=paper,
    )  # fmt: skip
    taken = take(cluster, settings, wall, database=str(stage.engine.url.database))
    assert only(keeping.backups(settings, wall))[0] == State.ok
    assert "太旧" in only(keeping.backups(settings, wall + timedelta(days=2)))[1]

    def look() -> tuple[State, str]:
        with transaction(stage.engine) as session:
            return only(keeping.evidence(settings, session, keeping.newest(settings), deep=True))

    assert look() == (State.ok, "照片和文书文件完好（核对 2/2）")
    photo = next((settings.home / "evidence").rglob("*.jpg"))
    photo.write_bytes(b"\xff\xd8 another photo")
    assert look()[0] == State.broken and "被改动" in look()[1]
    photo.unlink()
    (settings.home / "evidence" / paper[:2] / paper).write_bytes(b"another paper")
    assert "2 个登记过的文件" in look()[1] and "丢失" in look()[1]
    taken.path.write_bytes(taken.path.read_bytes()[:5000])
    assert only(keeping.backups(settings, wall))[0] == State.broken


def test_the_machines_own_faults_are_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = (machine.python, machine.zones, machine.fonts, machine.home, machine.key, machine.address)
    assert [only(look(settings))[0] for look in looks] == [State.ok] * 6
    (settings.home / "key").chmod(0o644)
    assert "chmod 600" in only(machine.key(settings))[1]
    (settings.home / "key").unlink()
    assert only(machine.key(settings))[0] == State.warning and not (settings.home / "key").exists()
    assert only(machine.address(Settings.read({})))[0] == State.warning
    assert only(machine.home(replace(settings, home=settings.home / "nowhere")))[0] == State.warning
    for free, state in ((10 * 2**20, State.broken), (500 * 2**20, State.warning)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, left=free: shutil._ntuple_diskusage(2**40, 2**40 - left, left))  # type: ignore[attr-defined]
        assert only(machine.home(settings))[0] == state
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "不可写" in only(machine.home(settings))[1]
    monkeypatch.setattr(machine, "requires", lambda _: ["alembic>=99", "nosuchpackage", "pm4py; extra == 'test'"])
    assert "alembic" in only(machine.python(settings))[1] and "nosuchpackage" in only(machine.python(settings))[1]
    monkeypatch.setattr(machine, "FONT_FILES", ("NoSuch.otf",))
    assert only(machine.fonts(settings))[0] == State.broken
    monkeypatch.setattr(machine, "ZONE", "Asia/Nowhere")
    assert only(machine.zones(settings))[0] == State.broken


@contextmanager
def prefect(flows: dict[str, dict[str, Any]]) -> Iterator[int]:
    """A server that answers as Prefect's does: `flows` by name, each with paused and its last run's end."""

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("/deployments/filter"):
                on = {"schedules": [{"active": True}]}
                said = [{"id": name, "name": name, "paused": each["paused"], **on} for name, each in flows.items()]
            else:
                [name] = asked["flow_runs"]["deployment_id"]["any_"]
                said = [{"end_time": flows[name]["ended"].isoformat().replace("+00:00", "Z")}]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def test_schedules_that_are_off_or_late_and_a_silent_server_are_found(settings: Settings) -> None:
    assert set(RESTS) == set(FLOWS)
    wall = datetime.now(UTC)
    running = {name: {"paused": False, "ended": wall} for name in RESTS}
    since = wall - timedelta(days=9)
    for change, state, said in (
        ({}, State.ok, "6 个流程"),
        ({"deliver": {"paused": True, "ended": wall}}, State.broken, "deliver 没有排上日程"),
        ({"escalate": {"paused": False, "ended": wall - timedelta(hours=1)}}, State.broken, "escalate 很久没有跑完"),
    ):
        with prefect(running | change) as port:
            found = only(doctor._schedules(replace(settings, prefect_port=port), since))
            assert found[0] == state and said in found[1]
            assert [each.name for each in pulses(replace(settings, prefect_port=port))] == list(RESTS)
    assert "没有应答" in only(doctor._schedules(replace(settings, prefect_port=port), since))[1]


def test_ports_and_processes_are_judged_by_whether_bihuan_runs(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        given = replace(settings, port=taken.getsockname()[1])
        stopped = {each.said.split("（")[0]: each.state for each in doctor.works(given, None)}
        assert stopped[f"端口 {given.port}"] == State.broken
    assert not (settings.home / "up.lock").exists() and doctor.running_since(settings) is None
    lock = FileLock(settings.home / "up.lock")
    lock.acquire()
    assert doctor.running_since(settings) is not None
    states = [each.state for each in doctor.works(replace(settings, port=1, prefect_port=2), datetime.now(UTC))]
    lock.release()
    assert states.count(State.broken) == 3


def test_the_command_looks_without_starting_anything(
    stage: Stage, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path / "home"))
    nothing = CliRunner().invoke(app, ["doctor", "--json"])
    assert nothing.exit_code == 0 and json.loads(nothing.stdout)["running"] is False and not (tmp_path / "home").exists()
    monkeypatch.setenv("BIHUAN_DATABASE_URL", cluster.url(str(stage.engine.url.database)))
    before = stage.fingerprint()
    done = CliRunner().invoke(app, ["doctor", "--township", str(tmp_path)])
    assert done.exit_code == 1 and "10 处问题" in done.stderr and "数据库可以连接" in done.stdout
    assert stage.fingerprint() == before
    monkeypatch.setenv("BIHUAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    assert "连不上数据库" in CliRunner().invoke(app, ["doctor"]).stderr
