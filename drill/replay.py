"""A campaign lived through in minutes: simulated people, the real law, the real sweeps and the real outbox, on a clock held in the hand.

Everything happens in a database of its own, and every channel leads to a receiver on loopback: nothing here can reach a person.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlmodel import Session

from drill.crew import Crew
from drill.phones import Message, Ports, receivers
from drill.table import Table, read_table
from models.clock import Clock, ManualClock, day_of, start_of
from models.cluster import Cluster, cluster
from models.database import as_json, migrate, transaction
from models.refusal import Refusal
from models.seal import seal
from models.settings import Settings
from notifications.channels.apprise import parseable
from notifications.countdown import countdown_due
from notifications.deliver import deliver_due
from notifications.outcome import Channel
from papers.township import Township, load, read
from statemachines.escalate import sweep
from statemachines.plan_duties import plan_duties

HOUR = timedelta(hours=1)
AFTER_THE_DEADLINE = timedelta(days=5)
OURS = ("bihuan", "prefect", "postgres")

Sweeper = Callable[[Engine, Clock], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay has come: business time, share of the whole, and what the people have done."""

    now: datetime
    share: float
    found: int
    closed: int


def sweep_into(channel: Channel | None = None) -> Sweeper:
    """What the flows do at a tick, in their order, without Prefect. `channel` takes the messages instead of Apprise."""

    def sweeper(bound: Engine, clock: Clock) -> None:
        sweep(bound, clock)
        with transaction(bound) as session:
            plan_duties(session, clock)
        with transaction(bound) as session:
            countdown_due(session, clock)
        deliver_due(bound, clock, channel=channel)

    return sweeper


sweep_directly = sweep_into()


def quietly(progress: Progress) -> None:
    """Tells nobody."""


def replay(
    settings: Settings,
    folder: Path,
    *,
    from_day: date | None = None,
    until_day: date | None = None,
    tick: timedelta = HOUR,
    seed: int = 1,
    progress: Callable[[Progress], None] = quietly,
    sweeper: Sweeper = sweep_directly,
    keep: str | None = None,
) -> Table:
    """Lives from 00:00 of `from_day` to 24:00 of `until_day` (Shanghai; default: the campaign's start, five days after its deadline).

    Each tick people act, then `sweeper` does what is due. The same folder, days, tick and seed give the same history everywhere.
    `keep` names the database that stays behind. Raises Faults for a faulty folder, Refusal for days, ticks and names that make no sense.
    """
    township = read(folder, parseable)
    start, end = _span(township, from_day, until_day, tick)
    arrived: list[Message] = []
    with _ground(settings, keep) as bound, receivers(arrived.append) as ports:
        township_id = settle(bound, township, start, seed, ports)
        crew = Crew(bound, township_id, seed, day_of(start))
        live_through(bound, crew, ManualClock(start), end, tick, sweeper, progress)
        with transaction(bound) as session:
            table = read_table(session, township_id, end)
    table.steps, table.refused, table.nobody = dict(crew.tally.done), dict(crew.tally.refused), dict(crew.tally.nobody)
    table.arrived = len(arrived)
    return table


@contextmanager
def _ground(settings: Settings, keep: str | None) -> Iterator[Engine]:
    """An empty database with today's schema, under the name that is to be kept."""
    with cluster(settings) as running, _scratch(running, keep) as database, hasty(running.url(database)) as bound:
        migrate(running.url(database, "owner"))
        yield bound


def _span(township: Township, from_day: date | None, until_day: date | None, tick: timedelta) -> tuple[datetime, datetime]:
    start = start_of(from_day or day_of(township.campaign.start))
    end = start_of((until_day or day_of(township.campaign.deadline + AFTER_THE_DEADLINE)) + timedelta(days=1))
    if end <= start:
        raise Refusal("--until 早于 --from，请核对日期。", "--until lies before --from: correct the days.")
    if not timedelta(minutes=1) <= tick <= timedelta(days=1):
        raise Refusal("--tick 应在 1 分钟到 1 天之间，例如 1h、30m。", "--tick is between a minute and a day, such as 1h or 30m.")
    return start, end


@contextmanager
def _scratch(running: Cluster, keep: str | None) -> Iterator[str]:
    """An empty database of the replay's own, gone afterwards unless it is to be kept."""
    name = keep or f"replay_{secrets.token_hex(6)}"
    if name in {*OURS, *running.databases()}:
        raise Refusal(
            f"数据库 {name} 已存在，回放不会动它；请换一个 --keep 名称。",
            f"There is a database {name} already, and a replay leaves it alone: give --keep another name.",
        )
    try:
        running.create_database(name)
    except ValueError as error:
        raise Refusal(f"“{name}”不能作数据库名：只用小写字母、数字和下划线。", str(error)) from error
    try:
        yield name
    except BaseException:
        running.drop_database(name)
        raise
    if not keep:
        running.drop_database(name)


@contextmanager
def hasty(url: str) -> Iterator[Engine]:
    """An engine whose commits don't wait for the disk: what a crash takes from a replay, the next one makes again, to the byte."""
    options = {"options": "-c timezone=UTC -c lock_timeout=20s -c synchronous_commit=off", "application_name": "bihuan replay"}
    bound = create_engine(url, pool_size=5, json_serializer=as_json, connect_args=options)
    try:
        yield bound
    finally:
        bound.dispose()


def settle(bound: Engine, township: Township, now: datetime, seed: int, ports: Ports, *, demo: bool = False) -> int:
    """Loads the township with every channel turned to loopback, in one transaction: no moment at which a real address stands there."""
    with transaction(bound) as session:
        loaded = load(session, township, now, salt=f"drill {seed}")
        redirect(session, loaded.township_id, ports)
        session.execute(text("update township set demo = :demo where id = :id"), {"demo": demo, "id": loaded.township_id})
    return loaded.township_id


CHANNELS = text("""
select channel.id, url, person.key from channel join person on person.id = person_id
where township_id = :id and position > 0 order by channel.id
""")


def redirect(session: Session, township_id: int, ports: Ports) -> None:
    """Replaces every channel of the township by one of the receivers'; those that have been taken from their people send nothing."""
    rows = session.execute(CHANNELS, {"id": township_id}).all()
    turned = [{"id": row.id, "url": url} for row in rows if (url := seal(ports.url(row.url, row.key))) != row.url]
    if turned:
        session.execute(text("update channel set url = :url where id = :id"), turned)


def live_through(
    bound: Engine, crew: Crew, clock: ManualClock, end: datetime, tick: timedelta, sweeper: Sweeper, progress: Callable[[Progress], None]
) -> None:
    """Tick after tick until `end`: people act, each at their own minute, then time does what is due."""
    start = clock.now()
    while (since := clock.now()) < end:
        until = min(since + tick, end)
        for deed in crew.due(since, until):
            clock.advance_to(max(clock.now(), deed.at))
            crew.do(deed, clock)
        clock.advance_to(until)
        sweeper(bound, clock)
        done = crew.tally.done
        progress(Progress(until, (until - start) / (end - start), done["register"], done["approve_close"]))
