"""Prefect's server as `bihuan up` runs it, for tests: real, on the test run's PostgreSQL, on a free port of loopback."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from flows.prefect_settings import SILENT, client_environment, server_environment, without_prefect
from models.cluster import Cluster
from models.settings import Settings

STARTS_WITHIN = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class PrefectServer:
    """A running server. `settings` are those of a Bihuan that uses it."""

    settings: Settings
    api: httpx.Client
    process: subprocess.Popen[bytes]
    database: str

    def find(self, what: str, **wanted: Any) -> list[dict[str, Any]]:
        answer = self.api.post(f"/{what}/filter", json=wanted)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    def runs(self, flow: str, *tags: str, **run: Any) -> list[dict[str, Any]]:
        """The runs of a flow that bear all of `tags`, the newest first."""
        which = {"tags": {"all_": list(tags)}, **run} if tags else run
        return self.find("flow_runs", flows={"name": {"any_": [flow]}}, flow_runs=which, sort="EXPECTED_START_TIME_DESC")

    def events(self, resource: str, at_least: int, within: float = 20) -> list[dict[str, Any]]:
        """What the server has kept of a resource, oldest first, as soon as there are `at_least`: it writes a few seconds behind."""
        deadline = time.monotonic() + within
        while True:
            found = self.api.post("/events/filter", json={"filter": {"resource": {"id": [resource]}, "order": "ASC"}, "limit": 50}).json()
            if len(found["events"]) >= at_least or time.monotonic() > deadline:
                return list(found["events"])
            time.sleep(0.2)

    def environment(self) -> dict[str, str]:
        """For a process of ours that talks to it."""
        return without_prefect(os.environ) | client_environment(self.settings)


@contextmanager
def prefect_server(cluster: Cluster, home: Path) -> Iterator[PrefectServer]:
    """Starts it with the settings of production and stops it. Its client in this process is set up too, without heartbeats."""
    settings = Settings.read({"BIHUAN_HOME": str(home), "BIHUAN_PREFECT_PORT": str(free_port())})
    database = f"prefect_{secrets.token_hex(6)}"  # of its own: other tests look into the cluster's
    cluster.create_database(database)
    environment = without_prefect(os.environ) | server_environment(settings, cluster.asyncpg_url(database, "owner"))
    with (home / "prefect.log").open("ab") as log:
        command = [sys.executable, "-m", "prefect", "server", "start"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{settings.prefect_port}/api", timeout=20) as api:
            _wait(api, process)
            with _client_of(settings):
                yield PrefectServer(settings, api, process, database)
    finally:
        process.terminate()
        process.wait(20)
        cluster.drop_database(database)


def _wait(api: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        assert process.poll() is None, "Prefect's server has ended: see prefect.log in the test's home"
        try:
            if api.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("Prefect's server did not start in time")


@contextmanager
def _client_of(settings: Settings) -> Iterator[None]:
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
        temporary_settings,
    )

    os.environ.update(SILENT)
    url = f"http://127.0.0.1:{settings.prefect_port}/api"
    updates = {PREFECT_API_URL: url, PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    with temporary_settings(updates):
        yield
