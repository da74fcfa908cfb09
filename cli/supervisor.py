"""Starts everything that Bihuan consists of, keeps it alive, and stops it in the reverse order.

One thread, one loop: children are plain processes, each in a session of its own, with a log of its own. Three things see to it that
none outlives a killed supervisor: Linux tells every child (parent-death signal); a watchdog at the other end of a pipe ends their
children too, which the kernel doesn't tell, and works on any Unix; the database's warden sees its users gone. What all three
missed is found by its mark and ended by the next start.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from cli import watchdog
from cli.child import REFUSED, Child, Ward, rotate
from models.filelock import FileLock
from models.refusal import Refusal

TICK = 0.2
ASKED_EVERY = 5.0
SILENT_FOR = 60.0
ROTATED_EVERY = 30.0
TRIES_OF_A_STEP = 5


class SupervisorError(Refusal):
    """Bihuan can't be started, or can't go on; the sentence says what to do."""


class Ground(Protocol):
    """What the children stand on; a `Cluster` is one."""

    def alive(self) -> bool: ...

    def ensure(self, progress: Callable[[str], None]) -> None: ...


Opening = Callable[[Callable[[str], None]], AbstractContextManager[Ground]]


class Supervisor:
    """Runs `children` on the ground that `open_ground` opens, once `before` has found no reason not to.

    A child with `ground` in its `after` waits for it.
    """

    def __init__(
        self,
        home: Path,
        children: Sequence[Child],
        open_ground: Opening,
        *,
        environment: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = print,
        before: Callable[[], None] = lambda: None,
        when_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.home = home
        self._open_ground = open_ground
        self._environment = dict(os.environ if environment is None else environment)
        self._tell = tell
        self._before = before
        self._when_ready = when_ready
        self._mark = f"{home}#{secrets.token_hex(4)}"
        self._wards = {child.name: Ward(child, home / "logs", self._mark) for child in children}
        self._ground: Ground | None = None
        self._signals = 0
        self._said = ""
        self._all_ready = False
        self._asked = self._rotated = 0.0
        self._watchdog: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Comes back when a signal has stopped everything. Raises Refusal when it can't start or a step refuses."""
        with ExitStack() as stack:
            stack.enter_context(only_one(self.home))
            end_strays(self.home)
            self._before()
            (self.home / "logs").mkdir(exist_ok=True)
            stack.callback((self.home / "progress.json").unlink, missing_ok=True)
            stack.enter_context(self._watched())
            stack.enter_context(self._signals_heard())
            stack.callback(self._stop)
            with suppress(Stopped):
                self._say("正在启动数据库")
                self._ground = stack.enter_context(self._open_ground(self._meanwhile))
                stack.callback(self._stop)
                self._loop(self._ground)
            self._stop()

    def _loop(self, ground: Ground) -> None:
        while not self._signals:
            if not ground.alive():
                self._restore(ground)
            self._tick()
            time.sleep(TICK)

    def _restore(self, ground: Ground) -> None:
        """Brings the ground back; when that fails it is said, and tried again a little later."""
        self._tell("数据库停了，正在重新启动")
        try:
            ground.ensure(self._meanwhile)
        except Refusal as no:
            self._tell(str(no))
            time.sleep(ASKED_EVERY)

    def _meanwhile(self, doing: str) -> None:
        """Called many times while the ground is being prepared: what doesn't stand on it goes on."""
        if self._signals:
            raise Stopped
        self._say(doing)
        self._tick()

    def _tick(self) -> None:
        self._mind_watchdog()
        for ward in self._wards.values():
            self._mourn(ward)
        for ward in self._wards.values():
            if ward.may_start and all(self._is_ready(name) for name in ward.child.after):
                self._start(ward)
        self._listen()
        self._report()
        self._rotate()

    def _start(self, ward: Ward) -> None:
        """A full disk or a full process table must not end the supervisor too: it tries again later."""
        try:
            self._watch("+", ward.start(self._environment))
        except OSError as error:
            ward.postpone()
            self._tell(f"{ward.child.label.strip()}启动不了（{ward.child.name}）：{error.strerror}")

    def _mourn(self, ward: Ward) -> None:
        """Notices that a child has ended, sends those along that must start with it again, and gives up on a step that can't succeed."""
        pid, code = ward.pid, ward.ended()
        if code is None or pid is None:
            return
        self._watch("-", pid)
        if ward.ready:
            return
        if not ward.child.keep and (code == REFUSED or ward.failures >= TRIES_OF_A_STEP) and ward.child.essential:
            raise SupervisorError(*_given_up(ward))
        self._tell(f"{ward.child.label.strip()}停了（{ward.child.name}，{_how(code)}），正在重新启动，日志：{ward.log}")
        for other in self._wards.values():
            if ward.child.name in other.child.again_with:
                self._start_again(other)

    def _start_again(self, ward: Ward) -> None:
        pid = ward.pid
        ward.again()
        if pid:
            self._watch("-", pid)

    def _listen(self) -> None:
        """Asks those that aren't ready yet every time, the others now and then."""
        everybody = time.monotonic() - self._asked > ASKED_EVERY
        for ward in self._wards.values():
            if everybody or not ward.ready:
                ward.listen(SILENT_FOR)
        if everybody:
            self._asked = time.monotonic()

    def _is_ready(self, name: str) -> bool:
        return self._ground is not None if name == "ground" else self._wards[name].ready

    def _report(self) -> None:
        essential = [ward for ward in self._wards.values() if ward.child.essential]
        waiting = [ward for ward in essential if not ward.ready]
        if not waiting and not self._all_ready and self._ground:
            self._all_ready = True
            self._when_ready()
        if self._all_ready:
            return self._say("", len(essential), len(essential))
        running = next((ward for ward in waiting if ward.pid), None)
        if self._ground and running:
            self._say(
                told(self.home, running.child.name) or f"正在启动{running.child.label}", len(essential) - len(waiting), len(essential)
            )
        return None

    def _say(self, step: str, done: int = 0, total: int = 0) -> None:
        """Tells the pages (progress.json) and the person at the terminal; the same thing once."""
        if self._all_ready and step:
            return
        text = json.dumps({"step": step, "done": done, "total": total, "ready": self._all_ready}, ensure_ascii=False)
        if text == self._said:
            return
        self._said = text
        with suppress(OSError):
            write_whole(self.home / "progress.json", text)
        if step:
            self._tell(step)

    def _stop(self) -> None:
        """In the reverse order of the table; a second signal makes short work of it."""
        for ward in reversed(self._wards.values()):
            if pid := ward.pid:
                ward.stop(hurried=self._signals > 1)
                self._watch("-", pid)

    def _rotate(self) -> None:
        if time.monotonic() - self._rotated > ROTATED_EVERY:
            self._rotated = time.monotonic()
            with suppress(OSError):
                for log in (self.home / "logs").glob("*.log"):
                    rotate(log)

    @contextmanager
    def _signals_heard(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, self._hear) for number in numbers]
        yield
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

    def _hear(self, *_: object) -> None:
        self._signals += 1

    @contextmanager
    def _watched(self) -> Iterator[None]:
        self._mind_watchdog()
        try:
            yield
        finally:
            assert self._watchdog and self._watchdog.stdin
            self._watchdog.stdin.close()
            self._watchdog.wait()

    def _mind_watchdog(self) -> None:
        if self._watchdog and self._watchdog.poll() is None:
            return
        command = [sys.executable, "-I", "-S", watchdog.__file__, self._mark]
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        self._watchdog = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, cwd="/", start_new_session=True)
        for ward in self._wards.values():
            if ward.pid:
                self._watch("+", ward.pid)

    def _watch(self, sign: str, pid: int) -> None:
        assert self._watchdog and self._watchdog.stdin
        with suppress(BrokenPipeError):
            self._watchdog.stdin.write(f"{sign}{pid}\n".encode())
            self._watchdog.stdin.flush()


class Stopped(Exception):
    """A signal came while something was being waited for."""


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Refuses a second supervisor of the same home."""
    try:
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        lock = FileLock(home / "up.lock")
        held = lock.acquire(wait=0)
    except OSError as error:
        raise SupervisorError(
            f"无法使用 {home}：{error.strerror}，请换一个 BIHUAN_HOME。",
            f"{home} can't be used ({error.strerror}): choose another BIHUAN_HOME.",
        ) from error
    if not held:
        holder = (home / "up.lock").read_text() or "?"
        raise SupervisorError(
            f"{home} 已有一个 bihuan up 在运行（进程 {holder}），请先停掉它，或换一个 BIHUAN_HOME。",
            f"bihuan up already runs on {home} (process {holder}): stop it first or choose another BIHUAN_HOME.",
        )
    lock.note(str(os.getpid()))
    try:
        yield
    finally:
        lock.release()


def end_strays(home: Path) -> None:
    """Ends what a killed supervisor of this home may have left; we hold its lock, so it is dead."""
    deadline = time.monotonic() + 10
    while (strays := watchdog.marked(f"{home}#", whole=False)) and time.monotonic() < deadline:
        for pid in strays:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def told(home: Path, name: str) -> str:
    """What a step says of its own progress."""
    with suppress(OSError):
        return (home / "run" / f"{name}.txt").read_text(encoding="utf-8").strip()
    return ""


def write_whole(path: Path, text: str) -> None:
    """Whoever reads the file finds the old text or the new one, never half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _how(code: int) -> str:
    return f"被信号 {signal.Signals(-code).name} 结束" if code < 0 else f"退出码 {code}"


def _given_up(ward: Ward) -> tuple[str, str]:
    words = ward.last_words(1 if ward.failures == 1 else 3)
    return f"{ward.child.label}没有成功：{words}", f"{ward.child.name} did not succeed: read {ward.log}."
