"""The voice: messages a second beside a bare client, and how long it takes from a commit until the channel is asked."""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, text

from bench.report import say, timed
from bench.town import MORNING, Bench, fill
from models.clock import ManualClock, RowClock, anchor, machine_time
from models.database import transaction
from notifications.deliver import deliver_due
from notifications.outcome import SENT
from statemachines.advance import Acting, register
from tests.prefect_server import PrefectServer, prefect_server

MESSAGES = 500
TURNS = 5
AT_ONCE = 8
QUEUED = 10_000
COMMITS = 40

# One office hears of every hazard here, more often than people are told: what is measured is the pipeline, not its patience.
UNSPARED = text("""update township set rules = rules || '{"hourly_cap": 1000000}'""")
PEOPLE = text("insert into person (township_id, key, label) select id, 'crowd-' || n, 'crowd' from township, generate_series(1, :count) n")
CHANNELS = text("insert into channel (person_id, position, url) select id, 1, :url || key from person where key like 'crowd-%'")
# One reminder of an open hazard to each of the crowd.
QUEUE = text("""
insert into notice (township_id, case_id, timer_id, run, rung, repeat, purpose, person_id, channel_id, post_id, for_post_id, urgent,
    while_states, facts, state, planned_at, not_before, attempts)
select c.township_id, c.id, timer.id, 1, 1, :turn, 'reminder', crowd.id, channel.id, c.responsible_post_id, c.responsible_post_id, false,
    '{}', '{"level": 0}', 'planned', :now, :now, 0
from (select *, row_number() over (order by id) as n from person where key like 'crowd-%') crowd
join channel on channel.person_id = crowd.id
join (select *, row_number() over (order by id) as n from cases where code like 'YH-2023-crowd-%') c using (n)
join timer on timer.case_id = c.id limit :count
""")


def measure(bench: Bench) -> None:
    _throughput(bench)
    with bench.town("bench_latency") as bound, _receiver() as receiver, tempfile.TemporaryDirectory(prefix="bihuan-bench-") as home:
        _crowd(bound, receiver.url, QUEUED)
        with prefect_server(bench.cluster, Path(home)) as server, _resident(server, bench.cluster.dsn("bench_latency")):
            _latency(bound, receiver)


class Receiver:
    """A bare HTTP server in a thread: says yes, keeps connections open if asked to, and when it first heard of each hazard."""

    def __init__(self) -> None:
        self.port, self.count = 0, 0
        self.heard: dict[str, float] = {}
        self.started = threading.Event()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/"

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                body = await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))  # type: ignore[index]
                self._note(body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
                if re.search(rb"(?i)connection: close", head):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    def _note(self, body: bytes) -> None:
        self.count += 1
        for code in re.findall(rb"YH-2023-\d{4}", body):
            self.heard.setdefault(code.decode(), time.monotonic())


@contextmanager
def _receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    threading.Thread(target=receiver.run, daemon=True).start()
    receiver.started.wait(10)
    yield receiver


@contextmanager
def _far_receiver() -> Iterator[int]:
    """The same in a process of its own, for throughput: its port."""
    script = "from bench.voice import Receiver; import threading; r = Receiver(); t = threading.Thread(target=r.run); t.start();"
    process = subprocess.Popen([sys.executable, "-c", f"{script} r.started.wait(); print(r.port, flush=True)"], stdout=subprocess.PIPE)
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def _crowd(bound: Engine, url: str, count: int) -> None:
    fill(bound, "crowd-", count, MORNING + timedelta(days=300))
    with transaction(bound) as session:
        session.execute(UNSPARED)
        session.execute(PEOPLE, {"count": count})
        session.execute(CHANNELS, {"url": url})
        session.execute(text("update channel set url = :url || person.key from person where person.id = person_id"), {"url": url})


def _queue(bound: Engine, turn: int, count: int) -> None:
    with transaction(bound) as session:
        session.execute(QUEUE, {"turn": turn, "count": count, "now": MORNING})


# Throughput.


def _throughput(bench: Bench) -> None:
    """The pipeline beside clients that only send, in alternation; the first turn of each is for warmth."""
    took: dict[str, list[float]] = defaultdict(list)
    with bench.town("bench_voice") as bound, _far_receiver() as port:
        _crowd(bound, f"json://127.0.0.1:{port}/", MESSAGES)
        for turn in range(TURNS + 1):
            for name, work in _ways(bound, port):
                _queue(bound, turn, MESSAGES)
                bench.settle("bench_voice")
                took[name].append(timed(work))
                _forget(bound)
    for name, each in took.items():
        say(name, _rate(each[1:]))
    ours = statistics.median(took[PIPELINE][1:])
    for name in (FRESH, KEPT):
        say(f"ratio pipeline / {name} (aim 0.5)", f"{statistics.median(took[name][1:]) / ours:.2f}")


PIPELINE = f"{MESSAGES} single messages through the whole pipeline"
FRESH, KEPT = "asyncio client (httpx), a connection each", "asyncio client (httpx), connections kept open"


def _ways(bound: Engine, port: int) -> list[tuple[str, Callable[[], None]]]:
    clock = ManualClock(MORNING)
    return [
        (PIPELINE, lambda: _all(bound, clock)),
        (FRESH, lambda: asyncio.run(_post_all(port, keep=0))),
        (KEPT, lambda: asyncio.run(_post_all(port, keep=AT_ONCE))),
        ("bytes written to asyncio streams, a connection each", lambda: asyncio.run(_write_all(port))),
        ("the pipeline without sockets (inline channel)", lambda: _all(bound, clock, channel=lambda *_: SENT)),
    ]


def _rate(took: list[float]) -> str:
    rates = sorted(MESSAGES / each for each in took)
    return f"{statistics.median(rates):,.0f} /s ({rates[0]:,.0f} to {rates[-1]:,.0f}, n={len(rates)})"


def _all(bound: Engine, clock: ManualClock, **how: Any) -> None:
    assert len(deliver_due(bound, clock, limit=2 * MESSAGES, **how).handed) == MESSAGES


def _forget(bound: Engine) -> None:
    with transaction(bound) as session:
        session.execute(text("delete from notice"))


BODY = b'{"version": "1.0", "title": "t", "message": "' + b"m" * 300 + b'", "attachments": [], "type": "info"}'


async def _post_all(port: int, keep: int) -> None:
    todo = list(range(MESSAGES))
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=keep)) as client:

        async def post() -> None:
            while todo:
                person = todo.pop()
                answer = await client.post(f"http://127.0.0.1:{port}/{person}", content=BODY, headers={"Content-Type": "application/json"})
                assert answer.status_code == 200

        await asyncio.gather(*(post() for _ in range(AT_ONCE)))


async def _write_all(port: int) -> None:
    todo = list(range(MESSAGES))
    head = f"POST /crowd HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {len(BODY)}\r\n\r\n"

    async def write() -> None:
        while todo:
            todo.pop()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + BODY)
            assert b"200 OK" in await reader.read()
            writer.close()

    await asyncio.gather(*(write() for _ in range(AT_ONCE)))


# Latency: a real Prefect server and the resident process, as `bihuan up` runs them.


@contextmanager
def _resident(server: PrefectServer, dsn: str) -> Iterator[None]:
    command = [sys.executable, "-m", "flows.serve"]
    environment = {**server.environment(), "BIHUAN_DATABASE_URL": dsn}
    resident = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        resident.terminate()
        resident.wait(20)


AWAKE = text("select count(*) from pg_stat_activity where application_name = 'bihuan wake' and datname = current_database()")


def _latency(bound: Engine, receiver: Receiver) -> None:
    with bound.begin() as connection:
        anchor(connection, machine_time(), MORNING)  # a morning, whenever this is measured: at night most messages wait
    _until(lambda: _count(bound, AWAKE), 60)
    time.sleep(10)  # the first runs after a start
    _say_latency("commit → handed to the channel, idle", _commits(bound, receiver, urgent=False, every=4.0))
    _queue(bound, 0, QUEUED)
    before, began = receiver.count, time.monotonic()
    urgent = _commits(bound, receiver, urgent=True, every=0.5)
    left = QUEUED - (receiver.count - before)
    _say_latency(f"the same with {QUEUED:,} queued, urgent ({left:,} still queued at the end)", urgent)
    _until(lambda: receiver.count - before >= QUEUED, 300)
    say(f"{QUEUED:,} queued, all handed over", f"{time.monotonic() - began:.1f} s")


def _count(bound: Engine, query: Any) -> int:
    with bound.connect() as connection:
        return int(connection.execute(query).scalar_one())


def _until(holds: Callable[[], Any], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.1)


def _commits(bound: Engine, receiver: Receiver, *, urgent: bool, every: float) -> list[float]:
    """Hazards are registered one after the other; seconds from each commit until somebody is told of it."""
    committed = {}
    for turn in range(COMMITS):
        code = _register(bound, urgent)
        committed[code] = time.monotonic()
        time.sleep(every + turn % 7 / 10)
    _until(lambda: committed.keys() <= receiver.heard.keys(), 120)
    return [receiver.heard[code] - at for code, at in committed.items()]


def _register(bound: Engine, urgent: bool) -> str:
    graded = {"place": "pit", "grade": "major"} if urgent else {"place": "shop", "sla_class": "g3"}
    facts = {"description": "灭火器压力不足", "location": "门口", **graded}
    clock = RowClock(bound)
    with transaction(bound) as session:
        township = session.execute(text("select id from township")).scalar_one()
        return register(session, Acting(township, "p-inspector", "inspector"), clock.now(), wall=clock.wall(), facts=facts).code


def _say_latency(name: str, took: list[float]) -> None:
    ordered = sorted(took)
    worst = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    say(name, f"p50 {statistics.median(ordered) * 1000:,.0f} ms, p99 {worst * 1000:,.0f} ms (n={len(ordered)})")
