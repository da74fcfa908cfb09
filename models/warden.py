"""Stays beside the embedded PostgreSQL and stops it when nobody uses it any more.

Run as a script with `python -I -S warden.py ORDER`, ORDER being JSON; the standard library alone, so that it weighs little.
Everyone who uses the cluster holds a shared lock on the file `users`. The kernel drops that lock when its holder ends, kill -9
included, so that the exclusive lock which is waited for here is granted exactly when the last one is gone. Should the warden itself be
killed, Linux tells PostgreSQL to stop (parent-death signal).
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
import threading
import time
from typing import Any

PARENT_DEATH_SIGNAL = 1
PATIENCE = 20.0


def main(order: dict[str, Any]) -> int:
    """Runs `command` as `user` ([uid, gid] or null) until it ends or nobody holds `users`; gives its exit code."""
    mark_alive(order["alive"])
    users = os.open(order["users"], os.O_RDWR | os.O_CREAT, 0o600)
    warden = os.getpid()
    child = os.fork()
    if child == 0:
        become(order, warden)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGINT))
    threading.Thread(target=stop_when_unused, args=(users, child), daemon=True).start()
    _, status = os.waitpid(child, 0)
    return abs(os.waitstatus_to_exitcode(status))


def mark_alive(path: str) -> None:
    """Holds the file `alive` as long as we live; others look at it for a moment only, so a few tries are enough."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(100):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
    sys.exit("another warden holds this cluster")


def become(order: dict[str, Any], warden: int) -> None:
    try:
        os.umask(0o077)
        os.chdir("/")
        if order["user"]:
            uid, gid = order["user"]
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGINT)
        if os.getppid() == warden:
            os.execve(order["command"][0], order["command"], order["environment"])
    except OSError as error:
        print(f"FATAL:  {order['command'][0]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(126)


def stop_when_unused(users: int, child: int) -> None:
    fcntl.flock(users, fcntl.LOCK_EX)
    os.kill(child, signal.SIGINT)
    time.sleep(PATIENCE)
    os.kill(child, signal.SIGQUIT)


if __name__ == "__main__":
    code = main(json.loads(sys.argv[1]))
    os._exit(code)
