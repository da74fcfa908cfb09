"""Ends a dead supervisor's children, and theirs. Run as a script with `python -I -S watchdog.py MARK`; the standard library alone.

The supervisor holds the other end of standard input and writes `+PID` and `-PID` for every child it starts and buries. The kernel
closes that end when the supervisor ends, kill -9 included; then whatever is still alive gets SIGTERM, and soon SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

VARIABLE = "BIHUAN_SUPERVISED"
PATIENCE = 4.0


def main(mark: str) -> None:
    """`mark` is what the children of this supervisor carry in their environment."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end(groups, mark, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and any(alive(group) for group in groups):
        time.sleep(0.05)
    end(groups, mark, signal.SIGKILL)


def end(groups: Iterable[int], mark: str, number: signal.Signals) -> None:
    """Signals the process groups, and those of their processes that have left them."""
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
    for pid in marked(mark, whole=False):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def marked(mark: str, *, whole: bool = True) -> list[int]:
    """The living processes that carry `mark` (or, not `whole`, one that starts with it). Nothing where there is no /proc."""
    sought = b"\0" + f"{VARIABLE}={mark}".encode() + (b"\0" if whole else b"")
    folders = [each for each in Path("/proc").iterdir() if each.name.isdigit()] if Path("/proc/self/environ").exists() else []
    return [int(each.name) for each in folders if int(each.name) != os.getpid() and sought in environment_of(each)]


def environment_of(process: Path) -> bytes:
    try:
        return b"\0" + (process / "environ").read_bytes() + b"\0"
    except OSError:
        return b""


if __name__ == "__main__":
    main(sys.argv[1])
