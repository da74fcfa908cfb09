"""Whether a port can be had, and who has it otherwise."""

from __future__ import annotations

import http.client
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from cli.supervisor import SupervisorError

LISTENING = "0A"


def require_port(port: int, variable: str, purpose: str, *, wait: float = 0.0) -> None:
    """Refuses, naming who holds the port and the variable that chooses another, when nobody can listen on it within `wait` seconds."""
    deadline = time.monotonic() + wait
    while not can_be_had(port):
        if time.monotonic() >= deadline:
            holder = f"（{found}）" if (found := holder_of(port)) else ""
            raise SupervisorError(
                f"端口 {port}（{purpose}）已被占用{holder}，请停掉占用它的程序，或设置 {variable} 换一个端口。",
                f"Port {port} is in use{f' by {found}' if found else ''}: stop that program, or set {variable} to another port.",
            )
        time.sleep(0.1)


def can_be_had(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> str:
    """Name and process id of who listens on the port, where the system lets us see it; else nothing."""
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").glob("[0-9]*") if sockets else ():
        with suppress(OSError):
            if any(os.readlink(each) in sockets for each in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()}, {process.name}"
    return ""


def _listening_inodes(port: int) -> list[str]:
    lines: list[str] = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            lines += Path(table).read_text().splitlines()[1:]
    columns = (line.split() for line in lines)
    return [each[9] for each in columns if each[1].endswith(f":{port:04X}") and each[3] == LISTENING]


def answers(port: int, path: str, status: range = range(200, 300)) -> bool:
    """Whether somebody on this machine answers a GET within two seconds with such a status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status in status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
