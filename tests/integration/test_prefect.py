"""Prefect as `bihuan up` runs it, on a real server: schedules make runs, and no kill stops later ones."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from cli.supervisor import end_strays
from flows.reaper import SILENT_RUNS
from models.postmaster import remove

RUNNER = """
import asyncio, os, sys
from datetime import timedelta
from pathlib import Path
from prefect import flow, serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

HANG = Path(os.environ["BIHUAN_HOME"]) / "hang"

@flow
async def sweep():
    while HANG.exists():
        await asyncio.sleep(0.1)

if __name__ == "__main__":
    limit = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    serve(sweep.to_deployment("every-few-seconds", interval=timedelta(seconds=4), concurrency_limit=limit), pause_on_shutdown=False)
"""
DRIVER = """
import os, sys
from dataclasses import replace
from cli.supervisor import Supervisor
from cli.up import Foundation, children
from flows.prefect_settings import without_prefect
from models.settings import Settings

settings = Settings.read()
ground = Foundation(settings)
kept = {row.name: row for row in children(settings, ground, demo=False) if row.name in ("prefect", "reaper", "flows")}
kept["flows"] = replace(kept["flows"], command=(sys.executable, sys.argv[1]), after=("reaper",))
Supervisor(settings.home, list(kept.values()), ground.open, environment=without_prefect(os.environ)).run()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(answer: Callable[[], dict[str, Any] | None], within: float) -> dict[str, Any]:
    deadline = time.monotonic() + within
    while (found := answer()) is None:
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.3)
    return found


class Prefect:
    """The server that the supervisor keeps, asked over its API."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self._api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=5)

    def runs(self, *states: str) -> list[dict[str, Any]]:
        wanted = {"flow_runs": {"state": {"type": {"any_": list(states)}}}, "sort": "START_TIME_DESC", "limit": 50}
        try:
            answer = self._api.post("/flow_runs/filter", json=wanted)
        except httpx.TransportError:
            return []
        return list(answer.json()) if answer.status_code == 200 else []

    def run(self, identity: str) -> dict[str, Any]:
        return dict(self._api.get(f"/flow_runs/{identity}").json())

    def automations(self) -> list[str]:
        return [each["name"] for each in self._api.post("/automations/filter", json={}).json()]

    def kill(self, *marks: str) -> None:
        """Kills the supervised children of these names, and theirs, at once."""
        for mark in marks:
            for pid in self._processes(mark):
                os.kill(pid, signal.SIGKILL)

    def _processes(self, name: str) -> list[int]:
        sign = f"BIHUAN_SUPERVISED={self.home}#".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                said = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            found += [int(process.name) for each in said if each.startswith(sign) and each.endswith(f":{name}".encode())]
        return found


@pytest.fixture
def prefect() -> Iterator[Prefect]:
    with TemporaryDirectory(prefix="bihuan-test-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        (home / "runner.py").write_text(RUNNER)
        port = free_port()
        environment = {**os.environ, "BIHUAN_HOME": folder, "BIHUAN_PREFECT_PORT": str(port)}
        command = [sys.executable, "-c", DRIVER, str(home / "runner.py")]
        supervisor = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        yield Prefect(home, port)
        supervisor.terminate()
        supervisor.wait(30)
        end_strays(home)
        remove(home / "postgres")


def test_a_schedule_makes_runs_and_killing_runner_run_and_server_at_once_stops_no_later_run(prefect: Prefect) -> None:
    first = until(lambda: next(iter(prefect.runs("COMPLETED")), None), within=180)
    (prefect.home / "hang").touch()
    hanging = until(lambda: next(iter(prefect.runs("RUNNING")), None), within=90)
    prefect.kill("flows", "prefect")
    (prefect.home / "hang").unlink()
    later = until(lambda: next((run for run in prefect.runs("COMPLETED") if run["start_time"] > hanging["start_time"]), None), within=90)
    assert prefect.run(hanging["id"])["state_type"] == "CRASHED"
    assert later["id"] != first["id"]
    assert prefect.automations() == [SILENT_RUNS]
    assert (prefect.home / "tmp" / "runner_storage").exists()
