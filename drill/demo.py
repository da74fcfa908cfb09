"""The demo's first start: the example is loaded, its campaign lived through to eleven days before the deadline, the clock set going.

What happens then is live (`drill.live`). Every channel leads to the demo's own phones and mailbox on loopback: nobody is reached.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text
from sqlmodel import Session

from drill.crew import Crew
from drill.phones import Memory, Ports, demo_ports, memory_of, received
from drill.replay import HOUR, Progress, hasty, live_through, redirect, settle, sweep_into
from models.clock import ManualClock, anchor, day_of, machine_time, say, start_of
from models.cluster import cluster
from models.database import engine, transaction
from models.refusal import Refusal
from models.settings import Settings
from notifications.channels.apprise import parseable
from notifications.outcome import SENT, Channel, Outcome
from papers.township import Faults, Township, read

SEED = 1
LIVE_FROM = timedelta(days=-11, hours=8)  # from 00:00 of the deadline's day
SPEED = 60.0  # business seconds a machine second: an hour a minute
SLOWS_AFTER = timedelta(days=5)


def prepare(settings: Settings, tell: Callable[[str], None]) -> None:
    """Makes the demo ready to go live; done again it changes nothing, and an interrupted one goes on from where it was.

    The township's folder is BIHUAN_DEMO. Raises Refusal for a faulty folder, and when the database holds a township of somebody's own.
    """
    township = _read(Path(os.environ["BIHUAN_DEMO"]))
    with cluster(settings) as running:
        bound = engine(running.url())
        try:
            with transaction(bound) as session:
                _refuse_a_real_one(session, township.code)
                ready = session.execute(text("select exists (select from clock)")).scalar_one()
            ports = demo_ports(settings)
            if not ready:
                with hasty(running.url()) as hurried:
                    _live_to_the_start(hurried, township, ports, _taken_down(settings), tell)
                _go_live(bound, township)
            _turn(bound, township.code, ports)
        finally:
            bound.dispose()


def _read(folder: Path) -> Township:
    try:
        return read(folder, parseable)
    except Faults as faulty:
        listed = "\n".join(str(fault) for fault in faulty.faults)
        raise Refusal(f"{listed}\n演示没有载入，请先改正。", "The township's folder has faults, so the demo was not loaded.") from faulty


def _refuse_a_real_one(session: Session, code: str) -> None:
    other = session.execute(text("select name from township where not demo or code <> :code limit 1"), {"code": code}).scalar()
    if other:
        raise Refusal(
            f"这个数据目录里已有{other}，演示不会动它；请换一个 BIHUAN_HOME。",
            f"This home holds {other} already, and a demo leaves it alone: give another BIHUAN_HOME.",
        )


def _turn(bound: Engine, code: str, ports: Ports) -> None:
    """The demo's ports may be others than last time."""
    with transaction(bound) as session:
        township_id = int(session.execute(text("select id from township where code = :code"), {"code": code}).scalar_one())
        redirect(session, township_id, ports)


def _taken_down(settings: Settings) -> Channel:
    """What was sent before the demo goes live is written where its phones keep theirs, without the way over the network."""
    memory = Memory(memory_of(settings))

    def channel(url: str, title: str, body: str) -> Outcome:
        memory(received(url, title, body))
        return SENT

    return channel


def _live_from(township: Township) -> datetime:
    return max(start_of(day_of(township.campaign.deadline)) + LIVE_FROM, township.campaign.start)


def _live_to_the_start(bound: Engine, township: Township, ports: Ports, channel: Channel, tell: Callable[[str], None]) -> None:
    """From the campaign's first day, or from the last event of an interrupted start, to where the demo goes live."""
    began = start_of(day_of(township.campaign.start))
    with transaction(bound) as session:
        loaded = session.execute(text("select id from township where code = :code"), {"code": township.code}).scalar()
        newest = session.execute(text("select max(at) from event")).scalar()
    township_id = loaded or settle(bound, township, began, SEED, ports, demo=True)
    start = began + ((newest or began) - began) // HOUR * HOUR
    crew = Crew(bound, township_id, SEED, day_of(start))
    live_through(bound, crew, ManualClock(start), _live_from(township), HOUR, sweep_into(channel), _told(tell))


def _go_live(bound: Engine, township: Township) -> None:
    with transaction(bound) as session:
        session.execute(text(f"delete from feed where event_id not in ({LAST_OF_OPEN})"))
        anchor(session.connection(), machine_time(), _live_from(township), SPEED, township.campaign.deadline + SLOWS_AFTER)


# Of a replayed history Prefect's UI is shown the open cases' last events alone.
LAST_OF_OPEN = """
select distinct on (case_id) event.id from event join cases c on c.id = case_id where c.ended_at is null order by case_id, seq desc
"""


def _told(tell: Callable[[str], None]) -> Callable[[Progress], None]:
    """Says once a day how far the campaign has come."""
    said: list[str] = []

    def progress(now: Progress) -> None:
        day = say(now.now).split(" ")[0]
        if said[-1:] != [day]:
            said.append(day)
            tell(f"正在回放专项行动：{day}，已发现{now.found}条，已销号{now.closed}条（{now.share:.0%}）")

    return progress
