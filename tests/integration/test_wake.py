"""A message is on its way as soon as the commit that queued it, by a run of its own that anyone can see in Prefect."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prefect.client.orchestration import PrefectClient

from flows import wake as waking
from flows.client import one_client
from flows.deliver import deliver
from flows.deployments import Tempo, register
from flows.ground import Ground, standing_on
from flows.resident import Resident
from flows.wake import QUEUED, run_when_queued
from models.database import transaction
from notifications.fallback import fall_back
from notifications.outcome import SENT, Outcome
from tests.integration.test_flows import run
from tests.prefect_server import PrefectServer
from tests.stage import Stage

pytestmark = pytest.mark.xdist_group("prefect")
LISTENERS = "select count(*) as n from pg_stat_activity where application_name = 'bihuan wake' and datname = current_database()"


def rings(stage: Stage, act: Callable[[], Any]) -> int:
    """How often one hears of something queued while this is done."""
    heard = 0
    with psycopg.connect(stage.engine.url.set(drivername="postgresql").render_as_string(False), autocommit=True) as ear:
        ear.execute(f"listen {QUEUED}")
        act()
        stage.do("select pg_notify(:queued, 'that was all')", queued=QUEUED)
        for told in ear.notifies(timeout=20):
            if told.payload:
                return heard
            heard += 1
    raise AssertionError("the last thing said was not heard")


def test_a_step_that_tells_somebody_is_heard_once_when_it_commits(stage: Stage) -> None:
    code = stage.find()
    assert rings(stage, lambda: stage.act("dispatcher", "assign", code)) == 1
    assert len([each for each in stage.notices(code) if each.purpose in ("dispatch", "dispatched")]) > 1


def test_a_sweep_is_heard_once_however_many_it_tells(stage: Stage) -> None:
    for _ in range(4):
        stage.to_rectifying()
    stage.at("2023-02-25T08:00+08:00")
    assert rings(stage, stage.sweep) == 1


def test_what_is_rolled_back_what_is_for_later_and_what_tells_nobody_is_not_heard(stage: Stage) -> None:
    code = stage.find()
    assert rings(stage, lambda: stage.refused("owner", "assign", code)) == 0
    assert rings(stage, stage.sweep) == 0
    verified = stage.to_verified()
    assert rings(stage, lambda: stage.act("office-head", "approve_close", verified)) == 0
    assert any(each.not_before > each.planned_at for each in stage.notices(verified))


def test_a_fallback_wakes_nobody_since_its_sender_is_awake(stage: Stage) -> None:
    stage.do("insert into channel (person_id, position, url) select id, 9, 'json://127.0.0.1:9/second' from person")
    code = stage.to_assigned()
    stage.do("update notice set state = 'unknown'")
    lost = [each.id for each in stage.notices(code)]

    def again() -> None:
        with transaction(stage.engine) as session:
            assert fall_back(session, lost, stage.clock.now()) == len(lost)

    assert rings(stage, again) == 0


def test_full_rounds_go_on_until_everybody_is_told(prefect: PrefectServer, stage: Stage) -> None:
    stage.to_assigned()
    assert len({each.person for each in stage.notices()}) > 2
    with standing_on(Ground(stage.engine, stage.clock, lambda *_: SENT, shows_events=False)):
        run(deliver, limit=1)
    assert {each.state for each in stage.notices()} <= {"sent", "bundled", "cancelled"}


class Slow:
    """A channel that holds its first message until it is let go."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, url: str, title: str, body: str) -> Outcome:
        self.begun.set()
        assert self.go.wait(30)
        self.sent.append(url)
        return SENT


class Waked:
    """The deployments on the server, and the resident that nobody asks to look at its schedules."""

    def __init__(self, stage: Stage, client: PrefectClient, deployment: UUID) -> None:
        self.stage, self.client, self.deployment = stage, client, deployment

    async def runs(self) -> list[Any]:
        """The runs since the beginning that a wake has started."""
        asked = {"deployments": {"id": {"any_": [str(self.deployment)]}}, "flow_runs": {"tags": {"all_": ["woken"]}}}
        answer = await self.client._client.post("/flow_runs/filter", json=asked)
        return list(answer.json())

    async def until(self, holds: Callable[[], Awaitable[Any] | Any]) -> None:
        async with asyncio.timeout(30):
            while not (await said if asyncio.iscoroutine(said := holds()) else said):  # noqa: ASYNC110 (the answer is in a database)
                await asyncio.sleep(0.05)

    async def count_of(self, runs: int) -> None:
        async def ended() -> bool:
            found = await self.runs()
            return len(found) == runs and all(each["state_type"] == "COMPLETED" for each in found)

        await self.until(ended)

    async def listens(self) -> None:
        await self.until(lambda: self.stage.one(LISTENERS).n == 1)


@asynccontextmanager
async def awake(stage: Stage, channel: Callable[[str, str, str], Outcome]) -> AsyncIterator[Waked]:
    with standing_on(Ground(stage.engine, stage.clock, channel, shows_events=False)):
        async with one_client() as client:
            flows = {id: flow for id, flow in (await register(client, Tempo())).items() if flow is deliver}
            [deployment] = flows
            await _forget_runs(client, deployment)
            resident = Resident(client)
            resident.serve(flows)
            task = asyncio.create_task(run_when_queued(stage.engine, resident, deliver))
            try:
                yield Waked(stage, client, deployment)
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                await resident.finish(20)


async def _forget_runs(client: PrefectClient, deployment: UUID) -> None:
    answer = await client._client.post("/flow_runs/filter", json={"deployments": {"id": {"any_": [str(deployment)]}}})
    for each in answer.json():
        await client.delete_flow_run(UUID(each["id"]))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waking, "BREATH_SECONDS", 0)
    monkeypatch.setattr(waking, "RECONNECT_SECONDS", 0.05)


def test_what_a_commit_queued_is_sent_by_a_run_that_prefect_shows(prefect: PrefectServer, stage: Stage) -> None:
    async def play() -> None:
        channel = Slow()
        channel.go.set()
        async with awake(stage, channel) as waked:
            await waked.count_of(1)  # whoever begins to listen looks once
            assert channel.sent == []
            await asyncio.to_thread(stage.to_assigned)
            await waked.until(lambda: channel.sent)

    asyncio.run(play())
    told = next(each for each in prefect.runs("deliver", "woken") if "已发出" in each["name"])
    assert told["name"].startswith("送达 2月20日 10:00 · ")
    assert set(told["tags"]) == {"bihuan", "deliver", "woken", "2023-02-20"}


def test_many_commits_during_a_run_are_followed_by_one_more(prefect: PrefectServer, stage: Stage) -> None:
    codes = [stage.find() for _ in range(6)]

    async def play() -> None:
        channel = Slow()
        async with awake(stage, channel) as waked:
            await waked.until(channel.begun.is_set)
            for code in codes:
                await asyncio.to_thread(stage.act, "dispatcher", "assign", code)
            channel.go.set()
            await waked.count_of(2)
            assert len(await waked.runs()) == 2

    asyncio.run(play())
    assert {each.state for each in stage.notices()} <= {"sent", "bundled"}


def test_a_lost_connection_comes_back_and_misses_nothing(prefect: PrefectServer, stage: Stage) -> None:
    async def play() -> None:
        channel = Slow()
        channel.go.set()
        async with awake(stage, channel) as waked:
            await waked.listens()
            await waked.count_of(1)
            with transaction(stage.engine) as session:
                session.connection().exec_driver_sql(LISTENERS.replace("count(*) as n", "pg_terminate_backend(pid)"))
            await asyncio.to_thread(stage.to_assigned)
            await waked.until(lambda: channel.sent)

    asyncio.run(play())


def test_a_paused_schedule_stays_paused(prefect: PrefectServer, stage: Stage) -> None:
    """Somebody has stopped delivery in Prefect's pages: a commit doesn't start it again."""

    async def play() -> None:
        channel = Slow()
        channel.go.set()
        async with awake(stage, channel) as waked:
            await waked.count_of(1)
            deployment = await waked.client.read_deployment(waked.deployment)
            for schedule in deployment.schedules:
                await waked.client.update_deployment_schedule(waked.deployment, schedule.id, active=False)
            resident = Resident(waked.client)
            resident.serve({waked.deployment: deliver})
            await asyncio.to_thread(stage.to_assigned)
            await resident.run_now(deliver)
            assert channel.sent == []
            for schedule in deployment.schedules:
                await waked.client.update_deployment_schedule(waked.deployment, schedule.id, active=True)
            await resident.run_now(deliver)
            assert channel.sent

    asyncio.run(play())
