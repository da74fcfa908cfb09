"""PostgreSQL's own programs that write and read a dump: which of them fits a server, and how one is run without telling a secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from models.postmaster import Progress, program
from papers.backup.manifest import BackupError

PATIENCE = 10.0


def fitting(name: str, server: int, dump: int = 0) -> tuple[Path, int]:
    """The program for a server of major version `server` and a dump that `dump` wrote, with its own: the oldest that is new enough to
    read both, ours before the machine's. Raises BackupError."""
    found = {_major(each): each for each in (shutil.which(name), program(name)) if each}
    able = [major for major in sorted(found) if major >= max(server, dump)]
    if not able:
        raise BackupError(
            f"数据库是 PostgreSQL {server}，本机没有同样新的 {name}：请安装 postgresql-client-{server}。",
            f"The server is PostgreSQL {server}, and this machine has no {name} as new: install postgresql-client-{server}.",
        )
    return Path(found[able[0]]), able[0]


def _major(path: Path | str) -> int:
    said = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False, timeout=PATIENCE).stdout
    number = re.search(r"\) (\d+)", said)
    return int(number.group(1)) if number else 0


def run(path: Path, arguments: list[str], dsn: str, progress: Callable[[], None]) -> None:
    """Runs it on the database `dsn`, calling `progress` twice a second. The password is in its environment, where `ps` doesn't show it.

    Raises BackupError with its last words; whatever interrupts us ends it, too.
    """
    address, password = _apart(dsn)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10"}
    command = [str(path), "--no-password", *arguments, f"--dbname={address}"]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment)
        try:
            while process.poll() is None:
                progress()
                time.sleep(0.05)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(PATIENCE)
        if process.returncode:
            said.seek(0)
            raise _failed(path.name, said.read().decode(errors="replace"))


def _apart(dsn: str) -> tuple[str, str]:
    parts = urlsplit(dsn)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{host}" if user else host)), unquote(parts.password or "")


def _failed(name: str, said: str) -> BackupError:
    why = next((line for line in said.splitlines() if "error:" in line), said.strip())[-300:]
    return BackupError(f"{name} 没有成功：{why}", f"{name} did not succeed: {why}")


def quietly(_: str) -> None:
    """Progress that nobody wants to see."""


def said_with(progress: Progress, what: str) -> Callable[[], None]:
    """Progress of one long step, with the seconds it has taken."""
    start = time.monotonic()
    return lambda: progress(f"{what} {int(time.monotonic() - start)} 秒")
