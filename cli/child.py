"""One process that the supervisor keeps: what it is, and how it is doing."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.watchdog import VARIABLE, marked

PARENT_DEATH_SIGNAL = 1
FIRST_DELAY, LONGEST_DELAY = 0.2, 30.0
STEADY_AFTER = 60.0
LOG_LIMIT = 10 * 2**20
REFUSED = 3

libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Child:
    """A row of the supervisor's table. `env` is asked at every start, in addition to the supervisor's own environment.

    It starts when all of `after` are ready, and once more whenever one of `again_with` has ended. A step (`keep` false) is ready when it
    has ended with 0, and ends the whole with its reason when it exits with REFUSED; the rest is ready when `healthy` says so.
    """

    name: str
    label: str
    command: tuple[str, ...]
    env: Callable[[], Mapping[str, str]] = dict
    after: tuple[str, ...] = ()
    again_with: tuple[str, ...] = ()
    keep: bool = True
    essential: bool = True
    healthy: Callable[[], bool] = lambda: True
    grace: float = 10.0


class Ward:
    """A child as it is now. All times are of the monotonic clock, in seconds."""

    def __init__(self, child: Child, logs: Path, mark: str) -> None:
        self.child = child
        self.log = logs / f"{child.name}.log"
        self.ready = False
        self.failures = 0
        self._mark = f"{mark}:{child.name}"
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._not_before = 0.0
        self._heard = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def may_start(self) -> bool:
        return self._process is None and not (self.ready and not self.child.keep) and time.monotonic() >= self._not_before

    def start(self, environment: Mapping[str, str]) -> int:
        """Starts it in a session of its own, where Ctrl-C doesn't reach it; Linux tells it when we die."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.child.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**environment, **self.child.env(), VARIABLE: self._mark},
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - the supervisor has one thread
            )
        self._started = self._heard = time.monotonic()
        return self._process.pid

    def ended(self) -> int | None:
        """The exit code, once, of a child that has ended since it was last asked; what it left behind is ended too."""
        if self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        self._bury()
        self.ready = code == 0 and not self.child.keep
        if self.ready:
            self.failures = 0
            return code
        if time.monotonic() - self._started > STEADY_AFTER:
            self.failures = 0
        self.postpone()
        return code

    def postpone(self) -> None:
        """Counts a failure: the next try is at once after the first, and ever later after more."""
        self.failures += 1
        self._not_before = time.monotonic() + min(FIRST_DELAY * 2 ** (self.failures - 1), LONGEST_DELAY)

    def listen(self, patience: float) -> None:
        """Asks whether it is well. One that was ready and hasn't answered for `patience` seconds is killed, to be started anew."""
        if self._process is None or not self.child.keep:
            return
        if self.child.healthy():
            self.ready, self._heard = True, time.monotonic()
        elif self.ready and time.monotonic() - self._heard > patience:
            self._process.kill()

    def again(self) -> None:
        """Forgets that it was done, stopping it if it runs; it starts when its turn comes."""
        self.stop()
        self.ready, self._not_before = False, 0.0

    def ask_to_stop(self) -> None:
        if self._process:
            self._process.terminate()

    def stop(self, *, hurried: bool = False) -> None:
        """Lets it end in its own way for `grace` seconds, then kills it with all that it started."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.2 if hurried else self.child.grace)
        self._process.kill()
        self._process.wait()
        self._bury()
        self.ready = False

    def last_words(self, lines: int = 3) -> str:
        """The end of its log."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _bury(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pid in marked(self._mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process = None


def _end_with_parent() -> None:
    libc.prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)


def rotate(log: Path) -> None:
    """Keeps a log and the one before it; what is being written to goes on being written to."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        shutil.copyfile(log, log.with_suffix(".1.log"))
        os.truncate(log, 0)
