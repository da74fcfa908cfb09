"""The web process itself: up at once, patient while the rest starts, gone when told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.stage import Stage

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def until(client: httpx.Client, path: str, status: int, within: float = 20) -> httpx.Response:
    deadline = time.monotonic() + within
    while True:
        try:
            answer = client.get(path)
            if answer.status_code == status:
                return answer
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"{path} never answered {status}"
        time.sleep(0.05)


def test_the_process_answers_while_others_start_opens_when_told_and_ends_on_request(stage: Stage, tmp_path: Path) -> None:
    port, url = free_port(), stage.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    progress = tmp_path / "progress.json"
    progress.write_text(json.dumps({"step": "正在更新数据库结构", "done": 1, "total": 4, "ready": False}), encoding="utf8")
    environment = {**os.environ, "BIHUAN_HOME": str(tmp_path), "BIHUAN_PORT": str(port), "BIHUAN_DATABASE_URL": url}
    process = subprocess.Popen([sys.executable, "-m", "web.serve"], cwd=ROOT, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            until(client, "/healthz", 200)
            assert "正在更新数据库结构" in client.get("/").text
            assert client.get("/readyz").status_code == 503
            progress.write_text(json.dumps({"step": "", "done": 4, "total": 4, "ready": True}), encoding="utf8")
            until(client, "/readyz", 200)
            assert client.get("/login").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


def test_a_wrong_setting_is_one_sentence() -> None:
    environment = {**os.environ, "BIHUAN_PORT": "eighty"}
    done = subprocess.run([sys.executable, "-m", "web.serve"], check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("环境变量 BIHUAN_PORT=eighty")
    assert "Traceback" not in done.stderr
