"""The flows on a real Prefect server: what they leave there, what its schedules start, and what no number of runs can do."""

from __future__ import annotations

import asyncio
import inspect
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Scheduled
from sqlalchemy import create_engine

from flows import feed, operators
from flows.countdown import countdown
from flows.deliver import deliver
from flows.deployments import FLOWS, Tempo, deployments, register, tempo_of
from flows.escalate import escalate
from flows.ground import Ground, standing_on
from flows.links import events_url, flow_run_url
from flows.once import ticks
from flows.plan_duties import plan_duties
from flows.report import report
from flows.resident import Resident
from flows.watch import watch
from models.clock import ManualClock, anchor, machine_time
from models.cluster import Cluster
from models.database import as_json, engine, transaction
from notifications.countdown import countdown_due
from notifications.deliver import deliver_due
from notifications.outcome import SENT, Outcome
from statemachines.escalate import sweep
from tests.acceptance.receiver import Phones
from tests.prefect_server import PrefectServer
from tests.stage import Stage

pytestmark = pytest.mark.xdist_group("prefect")
ROOT = Path(__file__).resolve().parents[2]


class Recorder:
    """A channel that takes everything."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def __call__(self, url: str, title: str, body: str) -> Outcome:
        self.sent.append(url)
        return SENT


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def ground(
    prefect: PrefectServer, stage: Stage, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ground]:
    """Flows called in this test run on its stage, send to its recorder and keep their papers in its folder."""
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    given = Ground(stage.engine, stage.clock, recorder)
    with standing_on(given):
        yield given


def run(*flows: Flow[[], Any], **parameters: Any) -> list[Any]:
    """Calls the flows one after the other; their final states."""

    async def each() -> list[Any]:
        return [await flow(**parameters, return_state=True) for flow in flows]

    return asyncio.run(each())


def at_once(*flows: Any, **parameters: Any) -> list[Any]:
    async def all_together() -> list[Any]:
        return list(await asyncio.gather(*(flow(**parameters, return_state=True) for flow in flows)))

    return asyncio.run(all_together())


def until(answer: Callable[[], Any], within: float) -> Any:
    deadline = time.monotonic() + within
    while not (found := answer()):
        assert time.monotonic() < deadline, f"not within {within} s"
        time.sleep(0.3)
    return found


def test_each_run_bears_a_readable_name_tags_and_counts(prefect: PrefectServer, stage: Stage, ground: Ground) -> None:
    stage.to_rectifying()
    stage.later(days=9, hours=8)
    states = run(escalate, countdown, deliver, plan_duties, report, watch)
    assert [state.type for state in states] == ["COMPLETED"] * 6
    newest = {name: prefect.runs(name, "2023-03-01")[0] for name in FLOWS}
    names = {name: each["name"] for name, each in newest.items()}
    assert names["escalate"] == "升级 3月1日 18:00 · 升级 1"
    assert names["countdown"] == "倒计时 3月1日 18:00 · 还有 30 天，未销号 1 件"
    assert names["deliver"].startswith("送达 3月1日 18:00 · ")
    assert names["plan_duties"] == "履职任务 3月1日 18:00"
    assert names["watch"] == "自检 3月1日 18:00"
    assert names["report"].startswith("报表 3月1日 18:00 · 试点镇安全生产周报（2023年2月17日至2月23日）")
    assert newest["watch"]["state"]["message"] == "一切正常：1 件未结，1 个时钟在走，0 条消息待发"
    assert all(set(each["tags"]) == {"bihuan", name, "2023-03-01"} for name, each in newest.items())


def test_a_supervisor_reads_what_was_escalated_to_whom_and_why(prefect: PrefectServer, stage: Stage, ground: Ground) -> None:
    code = stage.to_rectifying()
    stage.later(days=9)
    state = run(escalate, deliver)[0]
    run_id = str(state.state_details.flow_run_id)
    [told] = [each for each in prefect.find("artifacts") if each["key"] == "escalate" and each["flow_run_id"] == run_id]
    [row] = _rows(told)
    assert (row["隐患"], row["场所"], row["升级"], row["原因"]) == (code, "小商店一", "第 3 级", "整改逾期 5天10小时")
    assert "镇长（mayor）" in row["告知"]
    assert stage.history(code)[-1].flow_run == run_id
    sent = next(each for each in prefect.find("artifacts") if each["key"] == "deliver")
    assert {each["结果"] for each in _rows(sent)} == {"已发出"}


def test_the_weekly_and_the_monthly_are_written_once_and_can_be_read_in_the_ui(
    prefect: PrefectServer, stage: Stage, ground: Ground
) -> None:
    stage.to_closed()
    stage.later(days=9)
    states = at_once(report, report)
    runs = {str(state.state_details.flow_run_id) for state in states}
    assert [row.kind for row in stage.all("select kind from paper order by kind")] == ["monthly", "weekly"]
    told = "".join(each["data"] for each in prefect.find("artifacts") if each["key"] == "report" and each["flow_run_id"] in runs)
    assert told.count("累计发现隐患1条，其中有效1条；已整改销号1条，整改率100%") == 2
    assert {state.message for state in run(report)} == {"没有新的一周或一月要写"}


def test_the_office_reads_what_was_planned_and_what_was_missed(prefect: PrefectServer, stage: Stage, ground: Ground) -> None:
    body = as_json({"owner": {"kind": "ranger"}, "every": "day", "evidence": [], "closes_after_hours": 72})
    stage.do(
        "insert into duty (township_id, code, version, active, title, leader, body)"
        " values (:township, 'patrol', 1, true, '巡护', false, cast(:body as jsonb))", township=stage.township_id, body=body,
    )  # fmt: skip
    run(plan_duties)
    stage.later(days=3, hours=8)
    state = run(plan_duties)[0]
    run_id = str(state.state_details.flow_run_id)
    [told] = [each for each in prefect.find("artifacts") if each["key"] == "plan-duties" and each["flow_run_id"] == run_id]
    assert "| 巡护 | 1 |" in told["data"]
    assert "| LZ-2023-00001 | 巡护 | ranger | 2月20日 18:00 |" in told["data"]
    assert state.message == "新排 1，未履职 1，停机期间未布置 2"
    assert stage.history("LZ-2023-00001")[-1].flow_run == run_id


def _rows(artifact: dict[str, Any]) -> list[dict[str, Any]]:
    import json

    return list(json.loads(artifact["data"]))


def test_the_life_of_a_case_can_be_followed_under_its_own_name(prefect: PrefectServer, stage: Stage, ground: Ground) -> None:
    code = stage.to_rectifying(place="pit")
    stage.do("update cases set code = 'YH-FEED' where code = :code", code=code)
    run(deliver)
    assert stage.all("select * from feed") == []
    found = prefect.events("hazard.YH-FEED", 3)
    assert [each["event"] for each in found] == ["bihuan.hazard.register", "bihuan.hazard.assign", "bihuan.hazard.acknowledge"]
    last = stage.history("YH-FEED")[-1]
    assert found[-1]["payload"] == {
        "business_time": "2023-02-20T10:00:00+08:00", "from": "assigned", "to": "rectifying", "to_zh": "整改中",
        "post": last.post, "seq": 3, "hash": last.hash,
    }  # fmt: skip
    assert found[-1]["resource"]["bihuan.place"] == "pit"
    stage.do("insert into feed select id from event")  # as if the run had been killed before it deleted them
    stage.fix("YH-FEED")
    run(deliver)
    told = [each["event"] for each in prefect.events("hazard.YH-FEED", 4)]
    assert told == [each["event"] for each in found] + ["bihuan.hazard.submit"]


def test_of_a_flood_only_the_last_events_of_open_cases_are_shown(
    prefect: PrefectServer, stage: Stage, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_case, ended = stage.to_submitted(), stage.to_closed()
    stage.do("update cases set code = 'YH-OPEN' where code = :code", code=open_case)
    stage.do("update cases set code = 'YH-ENDED' where code = :code", code=ended)
    monkeypatch.setattr(feed, "FLOOD", 5)
    assert feed.show_events(stage.engine) == 1
    assert [each["event"] for each in prefect.events("hazard.YH-OPEN", 1)] == ["bihuan.hazard.submit"]
    assert stage.all("select * from feed") == []


def test_without_prefect_the_events_wait_and_nothing_hangs(prefect: PrefectServer, stage: Stage) -> None:
    stage.to_rectifying()
    began = time.monotonic()
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(Exception, match=r"(?i)connect"):
        feed.show_events(stage.engine)
    assert time.monotonic() - began < 5
    assert len(stage.all("select * from feed")) == 3


def test_ten_late_runs_in_a_row_send_nothing_extra(stage: Stage, ground: Ground, recorder: Recorder) -> None:
    stage.to_rectifying()
    stage.later(days=9)
    run(escalate, deliver)
    sent, told = len(recorder.sent), stage.notices()
    run(*[escalate] * 5, *[deliver] * 5)
    assert len(recorder.sent) == sent > 0
    assert stage.notices() == told


def test_two_runs_at_once_split_the_work(stage: Stage, ground: Ground, recorder: Recorder) -> None:
    codes = [stage.to_rectifying() for _ in range(12)]
    stage.later(days=9)
    at_once(escalate, escalate, limit=3)
    climbed = stage.all("select c.code, event.flow_run from event join cases c on c.id = case_id where trigger = 'escalate'")
    assert sorted(row.code for row in climbed) == sorted(codes)
    at_once(deliver, deliver, limit=500)
    sent = stage.one("select count(*) filter (where state = 'sent') as n, max(attempts) as tries from notice")
    assert (sent.n, sent.tries) == (len(recorder.sent), 1)


def test_a_tick_through_prefect_writes_the_same_history_as_without_it(
    prefect: PrefectServer, stage: Stage, cluster: Cluster, recorder: Recorder
) -> None:
    for place in ("shop", "shop-2", "pit"):
        stage.to_rectifying(place=place)
    stage.later(days=9)
    stage.engine.dispose()
    assert stage.engine.url.database
    twin_name = f"{stage.engine.url.database}_twin"
    cluster.create_database(twin_name, stage.engine.url.database)
    twin = engine(cluster.url(twin_name))
    with ticks(recorder) as tick:
        tick(stage.engine, stage.clock)
    sweep(twin, stage.clock)
    with transaction(twin) as session:
        countdown_due(session, stage.clock)
    deliver_due(twin, stage.clock, channel=Recorder())
    directly = Stage(twin, stage.township_id, stage.clock)
    hashes = "select code, last_hash, events from cases order by code"
    assert directly.all(hashes) == stage.all(hashes)
    assert {row.events for row in stage.all(hashes)} == {4}
    assert [n.state for n in directly.notices()] == [n.state for n in stage.notices()]
    assert {"replay", "escalate"} <= set(prefect.runs("escalate", "replay")[0]["tags"])
    twin.dispose()
    cluster.drop_database(twin_name)


def test_a_broken_flow_tells_the_operators_past_the_outbox(prefect: PrefectServer, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = create_engine(stage.engine.url.set(database="no_such_database"))
    monkeypatch.setattr(operators, "_told", {})
    with Phones() as phones, standing_on(Ground(nowhere, ManualClock(stage.clock.now()))):
        monkeypatch.setenv("BIHUAN_OPERATORS", phones.url_for("operator"))
        assert [state.type for state in run(escalate, escalate)] == ["FAILED", "FAILED"]
        told = phones.expect("operator", "流程 escalate 失败")
        assert "no_such_database" in told.text
        phones.nothing_else()


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_hooks_have_the_names_that_prefect_calls_them_with(flow: Flow[..., Any]) -> None:
    for hooks in (flow.on_failure_hooks, flow.on_crashed_hooks):
        assert [list(inspect.signature(hook).parameters) for hook in hooks] == [["flow", "flow_run", "state"]]


def test_late_runs_fall_together_and_a_faulty_one_harms_no_other(prefect: PrefectServer, cluster: Cluster, ground: Ground) -> None:
    """As after an outage: two scheduled runs are hours late, and somebody has asked for one with a parameter that doesn't exist."""

    async def play() -> list[State[Any] | None]:
        identity = await (await watch.ato_deployment("late")).aapply()
        async with get_client() as client:
            late: list[State[Any]] = [Scheduled(scheduled_time=machine_time() - timedelta(hours=hours)) for hours in (3, 2)]
            planned = [await client.create_flow_run_from_deployment(identity, state=state) for state in late]
            with psycopg.connect(cluster.dsn(prefect.database, "owner")) as server:
                server.execute("update flow_run set auto_scheduled = true where deployment_id = %s", [identity])
            faulty = await client.create_flow_run_from_deployment(identity, parameters={"limti": 5})
            resident = Resident(client)
            resident.serve({identity: watch})
            for _ in range(2):
                await resident.look(machine_time())
                await resident.finish(20)
            return [(await client.read_flow_run(each.id)).state for each in (*planned, faulty)]

    earlier, latest, faulty = asyncio.run(play())
    assert earlier and latest and faulty
    assert (earlier.type, latest.type, faulty.type) == ("CANCELLED", "COMPLETED", "FAILED")
    assert "limti" in str(faulty.message)


def test_schedules_on_the_server_start_runs_in_the_resident_process(prefect: PrefectServer, stage: Stage) -> None:
    """The clock has begun to run ahead since the deployments were registered: other schedules take the place of the steady ones."""

    async def as_before() -> None:
        async with get_client() as client:
            await register(client, Tempo())

    asyncio.run(as_before())
    with stage.engine.begin() as connection:
        anchor(connection, machine_time(), stage.clock.now(), speed=60.0)
    urls = {"BIHUAN_DATABASE_URL": stage.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")}
    resident = subprocess.Popen([sys.executable, "-m", "flows.serve"], cwd=ROOT, env=prefect.environment() | urls)
    try:
        served = {"deployments": {"name": {"any_": list(FLOWS)}}}
        done = {"state": {"type": {"any_": ["COMPLETED"]}}}
        planned = until(lambda: prefect.find("flow_runs", **served, flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}}), within=30)
        assert all(each["auto_scheduled"] for each in planned)
        until(lambda: {each["name"][:2] for each in prefect.find("flow_runs", **served, flow_runs=done)} >= {"升级", "送达"}, within=40)
        assert resident.poll() is None
        stopping = time.monotonic()
        resident.send_signal(signal.SIGTERM)
        assert resident.wait(15) == 0
        assert time.monotonic() - stopping < 10
        kept = prefect.find("deployments", **served)
        assert [each["paused"] for each in kept] == [False] * len(FLOWS)
        assert [[schedule["slug"] for schedule in each["schedules"]] for each in kept] == [["sped-up"]] * len(FLOWS)
    finally:
        resident.kill()
        resident.wait()


def test_schedules_follow_the_clock_and_the_campaigns_times(stage: Stage) -> None:
    assert tempo_of(stage.engine, stage.clock) == Tempo(False, ("08:30",))
    stage.do("""update campaign set reminders = reminders || '[{"at": ["09:00", "17:00"]}]'""")
    assert tempo_of(stage.engine, stage.clock).countdown_at == ("08:30", "09:00", "17:00")
    with stage.engine.begin() as connection:
        anchor(connection, machine_time(), stage.clock.now(), speed=60.0)
    assert tempo_of(stage.engine, stage.clock).sped_up
    with stage.engine.begin() as connection:
        anchor(connection, machine_time(), stage.clock.now(), speed=60.0, slow_after=stage.clock.now())
    assert not tempo_of(stage.engine, stage.clock).sped_up


def test_the_deployments_for_work_pools_are_the_ones_that_are_served_here() -> None:
    written = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf8"))["deployments"]
    served = asyncio.run(deployments(Tempo()))
    assert [_as_written(each) for each in served] == [_as_read(each) for each in written]


def _as_written(deployment: Any) -> tuple[Any, ...]:
    planned = [(each.slug, each.schedule.cron, each.schedule.timezone) for each in deployment.schedules]
    return deployment.name, deployment.entrypoint, deployment.description, deployment.tags, planned


def _as_read(deployment: dict[str, Any]) -> tuple[Any, ...]:
    planned = [(each["slug"], each["cron"], each["timezone"]) for each in deployment["schedules"]]
    return deployment["name"], deployment["entrypoint"], deployment["description"], deployment["tags"], planned


def test_links_lead_into_prefects_pages() -> None:
    url = "http://x/v2/events?resource=%5B%22hazard.YH-2023-0001%22%5D&seconds=-31536000"
    assert events_url("YH-2023-0001", "http://x") == url
    assert flow_run_url("abc").endswith(":4200/v2/runs/flow-run/abc")


def test_cases_of_every_kind_are_shown_in_prefect(prefect: PrefectServer, stage: Stage) -> None:
    stage.ask_extension(stage.to_rectifying(sla_class="g15"))
    stage.owes("ranger")
    stage.report()
    assert feed.show_events(stage.engine) > 0
    assert stage.all("select * from feed") == []
