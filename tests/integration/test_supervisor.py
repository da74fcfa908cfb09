"""The supervisor, with stand-ins for what it keeps: what is killed comes back, and nothing outlives it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from cli.child import LOG_LIMIT, REFUSED, Child, Ward, rotate
from cli.port import answers, require_port
from cli.supervisor import SupervisorError, end_strays
from models.postmaster import inhabitants, remove

DRIVER = """
import json, sys
from contextlib import nullcontext
from pathlib import Path
from cli.child import Child
from cli.supervisor import Supervisor
from models.cluster import cluster
from models.refusal import Refusal
from models.settings import Settings

class Floor:
    def alive(self): return True
    def ensure(self, progress): pass

def child(row):
    mark = row.pop("healthy", None)
    if mark: row["healthy"] = Path(mark).exists
    for name in ("command", "after", "again_with"):
        row[name] = tuple(row.get(name, ()))
    return Child(label=row["name"], **row)

home = Path(sys.argv[1])
database = sys.argv[3] == "database"
settings = Settings.read({"BIHUAN_HOME": str(home)})
def open_ground(progress):
    return cluster(settings, durable=False, progress=progress) if database else nullcontext(Floor())

try:
    Supervisor(home, [child(row) for row in json.loads(sys.argv[2])], open_ground,
               tell=lambda text: print(text, flush=True), when_ready=lambda: print("READY", flush=True)).run()
except Refusal as no:
    sys.exit(no.detail)
"""

Row = dict[str, Any]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bihuan-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)
        remove(Path(folder) / "postgres")


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Starts a supervisor in a process of its own and waits until everything is ready."""
    running: list[subprocess.Popen[str]] = []

    def started(rows: list[Row], *, until: str = "READY", ground: str = "floor") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", DRIVER, str(home), json.dumps(rows), ground]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        if until:
            assert process.stdout and any(until in line for line in process.stdout)
        return process

    yield started
    for process in running:
        process.kill()
        process.communicate()
    end_strays(home)


def sleeper(home: Path, name: str, before: str = "", **more: Any) -> Row:
    """Notes its start and its end in `diary`, sleeps, and is well once its process id is in a file of its name."""
    trap = f"trap 'echo -{name} >> {home}/diary; exit 0' TERM"
    at = f"{home}/{name}"
    script = f"echo +{name} >> {home}/diary; {before} {trap}; echo $$ > {at}.new; mv {at}.new {at}.pid; while :; do sleep 0.05; done"
    return {"name": name, "command": ["sh", "-c", script], "healthy": str(home / f"{name}.pid"), **more}


def step(home: Path, name: str, code: str = "exit 0", **more: Any) -> Row:
    return {"name": name, "command": ["sh", "-c", f"echo +{name} >> {home}/diary; {code}"], "keep": False, **more}


def soon(true: Callable[[], bool], within: float = 10) -> bool:
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def pid(home: Path, name: str) -> int:
    text = (home / f"{name}.pid").read_text().strip() if (home / f"{name}.pid").exists() else ""
    return int(text or 0)


def alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def diary(home: Path) -> list[str]:
    return (home / "diary").read_text().split()


def watchdog_of(supervisor: subprocess.Popen[str]) -> int:
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text().split()
    return next(int(each) for each in children if b"watchdog.py" in Path(f"/proc/{each}/cmdline").read_bytes())


def test_a_child_that_is_killed_comes_back_and_the_others_stay(home: Path, start: Start) -> None:
    start([sleeper(home, "web"), sleeper(home, "flows")])
    killed, other = pid(home, "web"), pid(home, "flows")
    os.kill(killed, signal.SIGKILL)
    assert soon(lambda: pid(home, "web") not in (0, killed) and alive(pid(home, "web")), within=3)
    assert pid(home, "flows") == other


def test_children_start_in_order_and_the_pages_are_told_how_far_it_is(home: Path, start: Start) -> None:
    rows = [sleeper(home, "web"), step(home, "prepare", "sleep 0.5", after=["ground"]), sleeper(home, "flows", after=["prepare"])]
    start(rows, until="正在启动prepare")
    assert json.loads((home / "progress.json").read_text()) == {"step": "正在启动prepare", "done": 1, "total": 3, "ready": False}
    assert soon(lambda: json.loads((home / "progress.json").read_text())["ready"])
    written = diary(home)
    assert sorted(written) == ["+flows", "+prepare", "+web"]
    assert written.index("+prepare") < written.index("+flows")


def test_a_child_counts_as_ready_when_it_answers(home: Path, start: Start) -> None:
    rows = [sleeper(home, "server", healthy=str(home / "up")), sleeper(home, "flows", after=["server"])]
    start(rows, until="正在启动server")
    time.sleep(0.5)
    assert diary(home) == ["+server"]
    (home / "up").touch()
    assert soon(lambda: diary(home) == ["+server", "+flows"])


def test_dead_runs_are_reaped_before_the_runner_comes_back_and_after_the_server_has(home: Path, start: Start) -> None:
    server = sleeper(home, "server")
    reaper = step(home, "reaper", after=["server"], again_with=["server", "runner"])
    runner = sleeper(home, "runner", after=["reaper"], again_with=["server"])
    start([server, reaper, runner])
    os.kill(pid(home, "runner"), signal.SIGKILL)
    assert soon(lambda: diary(home)[3:] == ["+reaper", "+runner"])
    os.kill(pid(home, "server"), signal.SIGKILL)
    assert soon(lambda: diary(home)[5:] == ["-runner", "+server", "+reaper", "+runner"])


def test_everything_stops_in_the_reverse_order(home: Path, start: Start) -> None:
    supervisor = start([sleeper(home, "web"), sleeper(home, "server"), sleeper(home, "runner")])
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(10) == 0
    assert diary(home)[3:] == ["-runner", "-server", "-web"]
    assert not (home / "progress.json").exists()


def test_a_child_that_does_not_listen_is_killed_with_all_it_started(home: Path, start: Start) -> None:
    deaf = {"name": "deaf", "command": ["sh", "-c", f"trap '' TERM; sleep 600 & echo $! > {home}/deaf.pid; wait; wait"], "grace": 0.3}
    supervisor = start([deaf])
    assert soon(lambda: alive(pid(home, "deaf")))
    supervisor.terminate()
    assert supervisor.wait(5) == 0
    assert not alive(pid(home, "deaf"))


LITTER = "sleep 600 & echo $! > {0}/child.pid; setsid sleep 600 & echo $! > {0}/strayed.pid; "


def test_children_and_theirs_and_the_database_end_with_a_killed_supervisor_and_the_next_start_is_clean(home: Path, start: Start) -> None:
    rows = [sleeper(home, "runner", LITTER.format(home)), sleeper(home, "web")]
    supervisor = start(rows, ground="database")
    data = home / "postgres" / "data"
    assert inhabitants(data.resolve())
    supervisor.kill()
    names = ("runner", "child", "strayed", "web")
    assert soon(lambda: not any(alive(pid(home, name)) for name in names) and not inhabitants(data.resolve()), within=10)
    start(rows, ground="database")
    assert all(alive(pid(home, name)) for name in names)


def test_a_killed_watchdog_is_replaced_and_knows_whom_to_watch(home: Path, start: Start) -> None:
    supervisor = start([sleeper(home, "runner", LITTER.format(home))])
    first = watchdog_of(supervisor)
    os.kill(first, signal.SIGKILL)
    assert soon(lambda: Path(f"/proc/{supervisor.pid}").exists() and _another(supervisor, first))
    supervisor.kill()
    assert soon(lambda: not any(alive(pid(home, name)) for name in ("runner", "child", "strayed")))


def _another(supervisor: subprocess.Popen[str], first: int) -> bool:
    try:
        return watchdog_of(supervisor) != first
    except (StopIteration, OSError):
        return False


def test_what_outlived_supervisor_and_watchdog_is_ended_by_the_next_start(home: Path, start: Start) -> None:
    rows = [sleeper(home, "runner", LITTER.format(home))]
    supervisor = start(rows)
    os.kill(watchdog_of(supervisor), signal.SIGKILL)
    supervisor.kill()
    assert soon(lambda: not alive(pid(home, "runner")))
    strayed = pid(home, "strayed")
    assert alive(strayed)
    start(rows)
    assert not alive(strayed)


def test_a_killed_database_is_brought_back_and_the_children_stay(home: Path, start: Start) -> None:
    supervisor = start([sleeper(home, "web")], ground="database")
    web = pid(home, "web")
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    killed = int(pid_file.read_text().split()[0])
    os.kill(killed, signal.SIGKILL)
    assert soon(lambda: pid_file.exists() and "ready" in pid_file.read_text() and int(pid_file.read_text().split()[0]) != killed)
    assert supervisor.poll() is None and pid(home, "web") == web


def test_a_second_one_on_the_same_home_is_refused_by_name(home: Path, start: Start) -> None:
    first = start([sleeper(home, "web")])
    second = start([sleeper(home, "web")], until="")
    assert second.wait(10) == 1
    assert second.stderr and f"进程 {first.pid}" in second.stderr.read()
    assert alive(pid(home, "web"))


def test_a_step_that_refuses_stops_everything_and_its_reason_is_told(home: Path, start: Start) -> None:
    supervisor = start([sleeper(home, "web"), step(home, "prepare", f"echo 没有空间 >&2; exit {REFUSED}")], until="")
    assert supervisor.wait(10) == 1
    assert supervisor.stderr and "没有空间" in supervisor.stderr.read()
    assert not alive(pid(home, "web"))


def test_a_step_that_crashes_is_tried_again(home: Path, start: Start) -> None:
    start([step(home, "prepare", f"test $(grep -c prepare {home}/diary) -ge 3 || kill -9 $$")])
    assert diary(home) == ["+prepare"] * 3


def test_a_child_that_keeps_failing_is_tried_ever_more_slowly(tmp_path: Path) -> None:
    ward = Ward(Child("web", "网页", ("false",)), tmp_path, "mark")
    waits = []
    for _ in range(4):
        start_of = time.monotonic()
        assert soon(lambda: ward.may_start)
        waits.append(time.monotonic() - start_of)
        ward.start(os.environ)
        assert soon(lambda: ward.ended() == 1)
    assert waits[0] < 0.1 < waits[1] < waits[2] < waits[3] < 1.5


def test_a_child_that_was_ready_and_went_silent_is_killed(tmp_path: Path) -> None:
    well = [True]
    ward = Ward(Child("web", "网页", ("sleep", "600"), healthy=lambda: well[0]), tmp_path, "mark")
    ward.start(os.environ)
    ward.listen(patience=0.1)
    assert ward.ready
    well[0] = False
    time.sleep(0.2)
    ward.listen(patience=0.1)
    assert soon(lambda: ward.ended() == -signal.SIGKILL)


def test_a_log_is_cut_while_it_is_being_written(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writing:
        writing.write(b"x" * (LOG_LIMIT + 1))
        rotate(log)
        writing.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "web.1.log").stat().st_size == LOG_LIMIT + 1


def test_a_port_in_use_is_refused_with_who_has_it_and_what_to_set() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SupervisorError, match=re.compile(f"{port}.*{os.getpid()}.*BIHUAN_PORT")):
            require_port(port, "BIHUAN_PORT", "网页")
    require_port(port, "BIHUAN_PORT", "网页", wait=3)
    assert not answers(port, "/")


def test_a_child_that_can_not_even_be_started_is_told_of_and_the_others_stay(home: Path, start: Start) -> None:
    supervisor = start([sleeper(home, "web"), {"name": "live", "command": ["/no/such/program"], "essential": False}], until="live启动不了")
    assert soon(lambda: alive(pid(home, "web")))
    assert supervisor.poll() is None
