"""The demo: its first start lives up to the last weeks of the campaign, the next one changes nothing, and its people leave ours alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from drill.crew import Crew, Deed
from drill.demo import SEED, prepare
from drill.seen import Seen
from drill.table import Table, read_table
from models.clock import Clock, ManualClock, day_of, parse_time
from models.cluster import Cluster
from models.database import engine, transaction
from models.refusal import Refusal
from models.seal import opened
from models.settings import Settings
from statemachines.advance import Acting, advance
from tests.street import write_street
from tests.town import person_of

LIVE_FROM = parse_time("2023-03-20T08:00+08:00")


@dataclass
class Demo:
    """A demo in a home and a database of its own."""

    settings: Settings
    engine: Engine
    said: list[str] = field(default_factory=list)

    def start(self, tell: Callable[[str], None] | None = None) -> None:
        prepare(self.settings, tell or self.said.append)

    def one(self, query: str, **asked: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(query), asked).scalar_one()

    @property
    def township_id(self) -> int:
        return int(self.one("select id from township"))

    def table(self) -> Table:
        with transaction(self.engine) as session:
            return read_table(session, self.township_id, LIVE_FROM)

    def everything(self) -> tuple[Any, ...]:
        clock = self.one("select array[business_anchor, slow_after, wall_anchor] from clock")
        return self.table(), clock, self.one("select array_agg(url order by id) from channel"), self.one("select count(*) from feed")


@pytest.fixture
def demo(cluster: Cluster, template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Demo]]:
    monkeypatch.setenv("BIHUAN_DEMO", str(write_street(tmp_path / "street", lambda person: f"json://somewhere.example/{person}")))
    made: list[tuple[str, Engine]] = []

    def another() -> Demo:
        name = f"test_demo_{tmp_path.name.lower()[-20:].replace('-', '_')}_{len(made)}"
        cluster.create_database(name, template)
        made.append((name, engine(cluster.url(name))))
        urls = {"BIHUAN_DATABASE_URL": cluster.dsn(name), "BIHUAN_DATABASE_OWNER_URL": cluster.dsn(name, "owner")}
        return Demo(Settings.read({"BIHUAN_HOME": str(tmp_path / name), **urls}), made[-1][1])

    yield another
    for name, bound in made:
        bound.dispose()
        cluster.drop_database(name)


def test_the_demo_goes_live_eleven_days_before_the_deadline(demo: Callable[[], Demo]) -> None:
    started = demo()
    started.start()
    table = started.table()
    assert table.found > 10
    assert table.open > 0
    assert started.one("select array[business_anchor, slow_after] from clock") == [LIVE_FROM, parse_time("2023-04-05T23:59:59+08:00")]
    assert started.one("select speed from clock") == 60
    assert all("://127.0.0.1:" in opened(url) for url in started.one("select array_agg(url) from channel"))
    lines = (started.settings.home / "demo" / "phones.jsonl").read_text().splitlines()
    assert len(lines) == table.notices["sent"] > 0
    assert any("3月" in each for each in started.said)


def test_the_second_start_changes_nothing(demo: Callable[[], Demo]) -> None:
    started = demo()
    started.start()
    first, told = started.everything(), len(started.said)
    started.start()
    assert started.everything() == first
    assert len(started.said) == told


def test_an_interrupted_start_comes_to_the_same_history(demo: Callable[[], Demo], monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off in the middle of an hour, between two people's acts, twice."""
    whole, interrupted = demo(), demo()
    whole.start()
    do, done = Crew.do, [0]

    def do_until_it_breaks(self: Crew, deed: Deed, clock: Clock) -> None:
        do(self, deed, clock)
        done[0] += 1
        if done[0] in (30, 70):
            raise KeyboardInterrupt

    monkeypatch.setattr(Crew, "do", do_until_it_breaks)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            interrupted.start()
    interrupted.start()
    assert interrupted.table() == whole.table()


def test_a_demo_leaves_somebody_s_own_township_alone(demo: Callable[[], Demo]) -> None:
    started = demo()
    started.start()
    with started.engine.begin() as connection:
        connection.execute(text("update township set demo = false"))
    with pytest.raises(Refusal, match="BIHUAN_HOME"):
        started.start()


def test_a_faulty_township_is_refused_with_its_faults(demo: Callable[[], Demo], tmp_path: Path) -> None:
    (tmp_path / "street" / "places.csv").write_text("code,name,kind,village\ns-1,店,castle,v1\n", encoding="utf8")
    started = demo()
    with pytest.raises(Refusal, match=r"places\.csv:2"):
        started.start()
    assert started.one("select count(*) from township") == 0


def test_the_simulated_people_leave_alone_what_a_real_one_has_touched(demo: Callable[[], Demo]) -> None:
    started = demo()
    started.start()
    township_id = started.township_id
    soon = Crew(started.engine, township_id, SEED, day_of(LIVE_FROM), everybody=False).due(LIVE_FROM, LIVE_FROM + timedelta(days=9))
    mine = [deed.case.code for deed in soon if isinstance(deed.case, Seen) and deed.case.state == "rectifying"]
    assert len(mine) > 2
    for code in mine:
        with transaction(started.engine) as session:
            acting = Acting(township_id, person_of("office-head"), "office-head")
            advance(session, code, "regrade", acting, LIVE_FROM, wall=LIVE_FROM, facts={"sla_class": "g30", "note": "延长"})
    live_for(started.engine, township_id, timedelta(days=9))
    by_people = "select count(*) from event join cases on cases.id = case_id where trigger <> 'escalate' and at > :since"
    assert started.one(f"{by_people} and code = any(:mine)", mine=mine, since=LIVE_FROM) == 0
    assert started.one(f"{by_people} and code <> all(:mine)", mine=mine, since=LIVE_FROM) > 5


def live_for(bound: Engine, township_id: int, span: timedelta) -> None:
    """What `drill.live` does, on a clock in the hand and in strides of an hour."""
    clock = ManualClock(LIVE_FROM)
    crew = Crew(bound, township_id, SEED, day_of(LIVE_FROM), everybody=False)
    since: datetime = LIVE_FROM
    while since < LIVE_FROM + span:
        until = clock.advance(timedelta(hours=1))
        for deed in crew.due(since, until):
            crew.do(deed, clock)
        since = until
