"""Peak memory of each process of `bihuan up` with the example, read from the kernel after two minutes of the demo (Linux)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.replay import FOLDER
from bench.report import say

READY_WITHIN = 600.0
LIVES_FOR = 120.0


def measure() -> None:
    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as home:
        Path(home).chmod(0o711)
        log = Path(home) / "up.txt"
        environment = {**os.environ, "BIHUAN_HOME": home, "BIHUAN_PORT": str(_free()), "BIHUAN_PREFECT_PORT": str(_free())}
        with log.open("w") as out:
            up = subprocess.Popen([str(Path(sys.executable).with_name("bihuan")), "up", "--demo", str(FOLDER)], env=environment, stdout=out)
        try:
            start = time.monotonic()
            _wait_for(log, "Bihuan is ready", up)
            say("first start to ready, example loaded and replayed", f"{time.monotonic() - start:.0f} s")
            time.sleep(LIVES_FOR)
            total = 0
            for name, megabytes in sorted(_peaks(home)):
                say(f"  peak memory of {name}", f"{megabytes} MB")
                total += megabytes
            say("  all of them together (shared pages counted each time)", f"{total} MB")
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(log: Path, words: str, up: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_WITHIN
    while words not in log.read_text():
        if up.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"it didn't start: {log.read_text()[-500:]}")
        time.sleep(0.5)


def _peaks(home: str) -> list[tuple[str, int]]:
    """Name and peak resident memory in MB of every process that belongs to this home, PostgreSQL's back ends left out."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_text().replace("\0", " ")
            ours = f"BIHUAN_HOME={home}" in (entry / "environ").read_text() or home in command
            status = (entry / "status").read_text()
        except OSError:
            continue
        if ours and "VmHWM" in status:
            found.append((_name(command), int(status.split("VmHWM:")[1].split()[0]) // 1024))
    return found


def _name(command: str) -> str:
    words = [word for word in command.split() if not word.startswith("-")]
    return " ".join(Path(word).name for word in words[:3] if "python" not in Path(word).name)[:50]
