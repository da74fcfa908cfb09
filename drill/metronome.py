"""A Prefect server for the length of one replay: its own port, its own database, gone afterwards. The live one sees nothing of it."""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from drill.replay import Sweeper
from flows.prefect_settings import client_environment, server_environment, without_prefect
from models.cluster import Cluster, cluster
from models.refusal import Refusal
from models.settings import Settings

STARTS_WITHIN = 180.0
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING"}  # the server keeps the runs' logs, the terminal shows how far it is


@contextmanager
def through_prefect(settings: Settings) -> Iterator[tuple[Sweeper, str]]:
    """What does a tick's work as Prefect flow runs, and the address of the server that shows them. For a process of its own: Prefect
    reads the environment once, when it is first imported. Raises Refusal when the server doesn't come up.
    """
    with cluster(settings) as running, TemporaryDirectory(prefix="bihuan-replay-") as folder, _database(running) as url:
        own = replace(settings, home=Path(folder), prefect_port=_free_port())
        (own.home / "tmp").mkdir()
        with _server(own, url):
            left = without_prefect(os.environ)
            os.environ.clear()
            os.environ.update(left | client_environment(own) | QUIET)
            from flows.once import ticks

            with ticks() as tick:
                yield tick, f"http://127.0.0.1:{own.prefect_port}"


@contextmanager
def _database(running: Cluster) -> Iterator[str]:
    name = f"replay_prefect_{secrets.token_hex(6)}"
    running.create_database(name)
    try:
        yield running.asyncpg_url(name, "owner")
    finally:
        running.drop_database(name)


@contextmanager
def _server(settings: Settings, database_url: str) -> Iterator[None]:
    environment = without_prefect(os.environ) | server_environment(settings, database_url)
    path = settings.home / "prefect.log"
    with path.open("wb") as log:
        command = [sys.executable, "-m", "prefect", "server", "start"]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait(settings.prefect_port, process, path)
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["?"]
            raise Refusal(f"Prefect 服务器没有启动：{last[0]}", f"Prefect's server did not start: {last[0]}")
        time.sleep(0.2)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
