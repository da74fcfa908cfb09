"""A replay: the same seed gives the same history, it keeps the law, and it touches nothing and nobody outside of its own database."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from drill.replay import Progress, replay, sweep_directly, sweep_into
from drill.table import Table
from drill.telling import markdown
from models.clock import Clock
from models.cluster import Cluster
from models.database import engine, transaction
from models.refusal import Refusal
from models.seal import opened
from models.settings import Settings
from notifications.outcome import Kind, Outcome
from papers.township import Faults
from statemachines.audit import audit
from tests.acceptance.receiver import receivers
from tests.street import SHOPS, write_street

ROOT = Path(__file__).resolve().parents[2]
QUARTER_DAY = timedelta(hours=6)
UNTIL = date(2023, 4, 2)
COMMAND = [sys.executable, "-c", "from cli.main import app; app()", "replay"]


@dataclass
class Rehearsal:
    """Replays of the street on the test run's server."""

    settings: Settings
    cluster: Cluster
    folder: Path

    def __call__(self, **said: Any) -> Table:
        return replay(self.settings, said.pop("folder", self.folder), **{"tick": QUARTER_DAY, "until_day": UNTIL, **said})

    @contextmanager
    def database(self, name: str) -> Iterator[Engine]:
        bound = engine(self.cluster.url(name))
        yield bound
        bound.dispose()


@pytest.fixture(scope="module")
def rehearse(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Rehearsal:
    settings = Settings.read({"BIHUAN_HOME": os.environ["BIHUAN_TEST_HOME"]})
    return Rehearsal(settings, cluster, write_street(tmp_path_factory.mktemp("street")))


@pytest.fixture(scope="module")
def table(rehearse: Rehearsal) -> Table:
    return rehearse(seed=1)


def test_the_same_seed_lives_the_same_history(rehearse: Rehearsal, table: Table) -> None:
    again = rehearse(seed=1)
    assert again == table


def test_another_seed_lives_another(rehearse: Rehearsal) -> None:
    assert rehearse(seed=2, until_day=date(2023, 3, 1)).history_hash != rehearse(seed=1, until_day=date(2023, 3, 1)).history_hash


def test_what_becomes_of_messages_changes_no_history(rehearse: Rehearsal) -> None:
    def broken(url: str, title: str, body: str) -> Outcome:
        return Outcome(Kind.temporary, "the line is busy")

    heard, silent = rehearse(until_day=date(2023, 3, 2)), rehearse(until_day=date(2023, 3, 2), sweeper=sweep_into(broken))
    assert heard.notices["sent"] > 0
    assert silent.notices.get("sent", 0) == 0
    assert silent.history_hash == heard.history_hash


def test_sweeping_more_than_once_changes_no_history(rehearse: Rehearsal, table: Table) -> None:
    def twice(bound: Engine, clock: Clock) -> None:
        sweep_directly(bound, clock)
        sweep_directly(bound, clock)

    assert rehearse(seed=1, sweeper=twice) == table


def test_the_table_adds_up(table: Table) -> None:
    assert table.found == table.closed + table.open + table.ended_otherwise
    assert table.places == SHOPS + 1
    assert table.found > 15
    assert table.closed > 10
    assert table.escalations == sum(table.by_level.values()) > 0
    assert table.open_at_deadline is not None and table.still_open is not None
    assert table.open_at_deadline == len(table.still_open)
    assert table.arrived == table.notices["sent"] > 0
    assert table.steps["register"] == table.found
    assert table.events > table.found
    assert table.as_json()["found"] == table.found


def test_every_place_is_inspected_or_was_found_closed_twice(table: Table) -> None:
    said = table.records
    assert said.covered + said.tried == said.in_scope == SHOPS + 1
    assert said.coverage == round((said.covered + said.tried / 2) / said.in_scope, 4)
    assert said.inspections == sum(said.by_trigger.values()) > SHOPS
    assert {"campaign", "leader_led", "routine"} <= set(said.by_trigger)


def test_duties_are_done_late_missed_or_excused(table: Table) -> None:
    by_title = {each.title: each for each in table.records.duties}
    assert {"巡护", "值守", "自查", "宣传", "周报", "镇长带队"} <= set(by_title)
    assert by_title["巡护"].due == 48
    assert all(each.due >= each.done + each.late + each.missed + each.excused for each in by_title.values())
    assert 0.85 < sum(each.done for each in by_title.values()) / sum(each.due for each in by_title.values()) < 1
    assert sum(each.late for each in by_title.values()) > 0
    assert 0 < by_title["镇长带队"].done < by_title["镇长带队"].due
    assert table.records.climbed["duty"] > 0


def test_what_is_told_can_be_read_by_a_program_and_by_people(table: Table) -> None:
    told = table.as_json()
    for name in ("coverage", "inspections", "duties", "extensions", "appeals", "transfers", "listings", "interim", "recurrences",
                 "rechecks", "reports", "verdicts", "gates", "best_village", "climbed"):  # fmt: skip
        assert name in told
    assert json.loads(json.dumps(told))["duties"][0]["due"] == max(each.due for each in table.records.duties)
    assert f"覆盖率 {table.records.coverage:.1%}" in markdown(table)


def test_who_was_told_of_what_is_open_at_the_deadline_is_said(table: Table) -> None:
    assert table.still_open
    for case in table.still_open:
        assert case.told
        assert case.level == 0 or not {"owner", "owner-2", "owner-3"} >= set(case.told)


def test_before_the_deadline_nothing_is_said_about_it(rehearse: Rehearsal) -> None:
    early = rehearse(until_day=date(2023, 2, 17))
    assert early.open_at_deadline is None
    assert early.still_open is None


def test_people_and_law_agree_for_a_whole_campaign(rehearse: Rehearsal) -> None:
    """The chains hold, four eyes are kept whoever looks, and every open case has a live timer. No refusal is left unexplained."""
    table = rehearse(seed=3, keep="kept_for_the_law")
    with rehearse.database("kept_for_the_law") as bound, transaction(bound) as session:
        assert audit(session) == []
        assert session.execute(text(SAME_EYES)).all() == []
        assert session.execute(text(TIMERLESS)).scalar_one() == 0
        heads = session.execute(text('select code, last_hash from cases order by code collate "C"')).all()
    assert hashlib.sha256("".join(f"{code} {last}\n" for code, last in heads).encode()).hexdigest() == table.history_hash
    rehearse.cluster.drop_database("kept_for_the_law")
    assert set(table.refused) <= {"G3", "G11", "NotAllowed", "own_rung", "root_cause", "stale"}
    assert sum(table.refused.values()) < table.events / 20


SAME_EYES = """
select closing.case_id from event closing
join event step on step.case_id = closing.case_id and step.seq < closing.seq and (step.person = closing.person or step.post = closing.post)
where closing.trigger = 'approve_close' and step.trigger in ('submit', 'reinspect_pass', 'fix_on_spot')
    and not exists (
        select from event again where again.case_id = closing.case_id and again.seq between step.seq and closing.seq
            and again.trigger in ('reinspect_fail', 'refuse_close', 'reopen')
    )
"""
TIMERLESS = """
select count(*) from cases where ended_at is null and not exists (select from timer where case_id = cases.id and stopped_at is null)
"""


def test_a_replay_leaves_nothing_behind(rehearse: Rehearsal) -> None:
    used: set[str] = set()

    def sweeper(bound: Engine, clock: Clock) -> None:
        used.add(str(bound.url.database))
        assert used <= set(rehearse.cluster.databases())

    rehearse(until_day=date(2023, 2, 15), sweeper=sweeper)
    assert len(used) == 1
    assert used.isdisjoint({"bihuan", *rehearse.cluster.databases()})


def test_a_replay_that_is_broken_off_leaves_nothing_behind(rehearse: Rehearsal) -> None:
    def break_off(progress: Progress) -> None:
        assert "broken_off" in rehearse.cluster.databases()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearse(progress=break_off, keep="broken_off")
    assert "broken_off" not in rehearse.cluster.databases()


@pytest.mark.parametrize("name", ["bihuan", "prefect", "postgres", "template_migrated"])
def test_a_database_that_exists_is_never_touched(rehearse: Rehearsal, template: str, name: str) -> None:
    with pytest.raises(Refusal, match="--keep"):
        rehearse(keep=name, until_day=date(2023, 2, 15))
    assert name in rehearse.cluster.databases()


def test_nobody_real_is_reached(rehearse: Rehearsal, tmp_path: Path) -> None:
    with receivers() as (phones, mailbox):
        real = {True: phones.url_for, False: mailbox.url_for}
        folder = write_street(tmp_path / "street", lambda person: real[person != "p-owner"](person))
        told = rehearse(folder=folder, until_day=date(2023, 2, 24), keep="kept_of_real_ones")
        assert told.arrived > 0
        assert (phones.attempts, mailbox.attempts) == ([], [])
    with rehearse.database("kept_of_real_ones") as bound, bound.connect() as connection:
        urls = connection.execute(text("select url from channel")).scalars().all()
    assert not [url for url in urls if "127.0.0.1" in url]
    urls = [opened(url) for url in urls]
    rehearse.cluster.drop_database("kept_of_real_ones")
    assert urls
    assert not [url for url in urls if not re.fullmatch(r"(json|mailto)://127\.0\.0\.1:\d+/.*", url) or "town.test" in url]


@pytest.mark.parametrize(
    ("said", "which"),
    [
        ({"from_day": date(2023, 3, 2), "until_day": date(2023, 3, 1)}, "--until"),
        ({"tick": timedelta(0)}, "--tick"),
        ({"tick": timedelta(days=3)}, "--tick"),
        ({"keep": "No Name!"}, "database"),
    ],
)
def test_what_makes_no_sense_is_refused(rehearse: Rehearsal, said: dict[str, Any], which: str) -> None:
    with pytest.raises(Refusal, match=which):
        rehearse(**said)


def test_a_faulty_folder_is_refused_with_its_faults(rehearse: Rehearsal, tmp_path: Path) -> None:
    with pytest.raises(Faults):
        rehearse(folder=tmp_path)


# The command


def bihuan(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BIHUAN_HOME": os.environ["BIHUAN_TEST_HOME"]}
    return subprocess.run([*COMMAND, *arguments], check=False, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_the_command_prints_one_object_and_its_progress_beside_it(rehearse: Rehearsal) -> None:
    done = bihuan(str(rehearse.folder), "--from", "2023-02-14", "--until", "2023-02-20", "--tick", "12h", "--seed", "5", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["history_hash"] == rehearse(until_day=date(2023, 2, 20), tick=timedelta(hours=12), seed=5).history_hash
    assert said["open_at_deadline"] is None
    for name in ("places", "found", "closed", "open", "ended_otherwise", "escalations", "notices"):
        assert name in said
    assert "2023-02-18" in done.stderr


def test_through_prefect_it_is_the_same_history(rehearse: Rehearsal) -> None:
    """Flow runs on a real server of the replay's own, which is looked at while it lasts."""
    options = ["--from", "2023-03-01", "--until", "2023-03-02", "--tick", "6h", "--json", "--through-prefect"]
    environment = {**os.environ, "BIHUAN_HOME": os.environ["BIHUAN_TEST_HOME"]}
    command = [*COMMAND, str(rehearse.folder), *options]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout and program.stderr
        lines = iter(program.stderr.readline, "")
        address = next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        seen = _most_runs(address, program)
        said = json.loads(program.stdout.read())
    assert seen >= 16
    assert said["events"] > 5
    assert said == rehearse(from_day=date(2023, 3, 1), until_day=date(2023, 3, 2)).as_json()


TICK = ["escalate", "plan_duties", "countdown", "deliver"]


def _most_runs(address: str, program: subprocess.Popen[str]) -> int:
    """How many completed runs of a tick's four flows the server shows, looked up until the replay ends."""
    wanted = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}, "flows": {"name": {"any_": TICK}}}
    most = 0
    while program.poll() is None:
        with suppress(httpx.TransportError, ValueError):
            most = max(most, int(httpx.post(f"{address}/api/flow_runs/count", json=wanted, timeout=5).json()))
        time.sleep(0.1)
    return most


def test_the_command_names_every_fault(tmp_path: Path) -> None:
    folder = write_street(tmp_path / "street")
    (folder / "places.csv").write_text("code,name,kind,village,responsible,team\ns-1,店,castle,v1,owner,fire\n")
    done = bihuan(str(folder), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "places.csv:2" in done.stderr


@pytest.mark.parametrize("arguments", [("--from", "yesterday"), ("--tick", "soon")])
def test_the_command_explains_its_options(rehearse: Rehearsal, arguments: tuple[str, ...]) -> None:
    assert bihuan(str(rehearse.folder), *arguments).returncode == 2


def test_readme_table(rehearse: Rehearsal) -> None:
    """The table in the README is what seed 1 gives: the whole campaign, hour by hour."""
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    shown = re.search(r"<!-- replay:begin -->\n(.*?)\n?<!-- replay:end -->", readme, re.DOTALL)
    assert shown
    table = replay(rehearse.settings, ROOT / "townships" / "xizhang", seed=1)
    assert shown[1].strip() == markdown(table).strip()
