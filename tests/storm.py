"""A storm: processes of ours are killed, again and again, while far ends fail; afterwards nobody may have been forgotten or told twice.

    make storm                                   200 kills
    make storm ARGS="--kills 50 --seed 7"        another storm

A round is a moment of business time at which a few real processes work at once on one database: `escalate`, `deliver`, `plan_duties`,
and people taking steps. Each dies by SIGKILL at a point named beforehand or at any time. The seed says who works, dies where and hears
how; how far a process got by then is the machine's business, so that a storm is not the same twice to the statement.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from models.clock import ManualClock, parse_time
from models.cluster import Cluster, cluster
from models.database import engine, migrate, transaction
from models.settings import Settings
from notifications.deliver import deliver_due
from notifications.told import told
from papers.township import load, read
from statemachines.audit import audit
from statemachines.errors import LawError
from statemachines.escalate import sweep
from statemachines.plan_duties import plan_duties
from tests.acceptance.receiver import Phones, without_link
from tests.stage import MORNING, Stage
from tests.street import write_street
from tests.town import person_of, posts

URL = "http://bihuan.test"
FORKING = multiprocessing.get_context("forkserver")  # a process a job, without a second of imports for each
AT_WORK = ("escalate", "deliver", "deliver", "plan_duties", "step", "step")
MINUTES = (5, 20, 45, 90, 240, 600)
REFUSES = tuple(map(person_of, ("dispatcher", "village-1", "head-fire")))  # nobody listens at their first address
MISSES = 4
PATIENCE = 60.0

# How a far end behaves in a round, the usual first. A second address never says no: what is tried there is heard, or unknown.
MOODS: tuple[tuple[str, dict[str, Any]], ...] = (
    *[("ok", {})] * 7, ("slow", {"seconds": 0.1}), ("slow", {"seconds": 0.9}), ("reset_after", {}), ("half", {}),
    ("refuse_before", {}), ("status", {"status": 429, "headers": {"Retry-After": "120"}}), ("status", {"status": 500}),
)  # fmt: skip
CERTAIN = MOODS[:11]

# Where a process dies: the moment, and at the how manieth at most (the earlier the likelier). «any»: after that many milliseconds.
POINTS: Mapping[str, int] = {
    "after a statement": 50, "before a commit": 8, "after a commit": 8, "before a message leaves": 3, "after a message was taken": 3,
    "any": 900,
}  # fmt: skip
LIVES = 0.35
OF_DELIVER = ("before a message leaves", "after a message was taken")


@dataclass(frozen=True, slots=True)
class Point:
    """A named crash point: the process dies when `moment` passes for the `nth` time."""

    moment: str
    nth: int


# What a process of the storm does.


def work(url: str, job: str, at: datetime, seed: int, point: Point | None) -> None:
    """The whole life of one process."""
    bound = engine(url, pool_size=2)
    if point:
        _arm(bound, point)
    JOBS[job](bound, ManualClock(at), Random(seed))
    bound.dispose()


def _escalate(bound: Engine, clock: ManualClock, _: Random) -> None:
    sweep(bound, clock, limit=3)


def _deliver(bound: Engine, clock: ManualClock, _: Random) -> None:
    deliver_due(bound, clock, public_url=URL)


def _plan(bound: Engine, clock: ManualClock, _: Random) -> None:
    with transaction(bound) as session:
        plan_duties(session, clock)


def _step(bound: Engine, clock: ManualClock, random: Random) -> None:
    """People find hazards and take the next step of some that are open. What somebody else has changed meanwhile is refused."""
    stage = Stage(bound, 1, clock, pictures=random.getrandbits(40))
    for _ in range(6):
        with suppress(LawError, DBAPIError):
            _one_step(stage, random)


def _one_step(stage: Stage, random: Random) -> None:
    going = stage.all("select code, state from cases where kind = 'hazard' and ended_at is null order by id")
    if len(going) < 3 or random.random() < 0.3:
        stage.find(place=random.choice(("s-01", "s-02", "s-03", "s-10", "pit")))
        return
    code, state = random.choice(going)
    NEXT[state](stage, code)


NEXT: dict[str, Callable[[Stage, str], object]] = {
    "found": lambda stage, code: stage.act("dispatcher", "assign", code),
    "assigned": lambda stage, code: stage.act(stage.responsible(code), "acknowledge", code),
    "rectifying": lambda stage, code: stage.fix(code),
    "submitted": lambda stage, code: stage.act("inspector-2", "reinspect_fail", code, reason="measure_incomplete"),
}
JOBS: dict[str, Callable[[Engine, ManualClock, Random], None]] = {
    "escalate": _escalate, "deliver": _deliver, "plan_duties": _plan, "step": _step,
}  # fmt: skip


def _arm(bound: Engine, point: Point) -> None:
    die = _countdown(point.nth)
    if point.moment == "after a statement":
        event.listen(bound, "after_cursor_execute", die)
    elif point.moment == "before a commit":
        event.listen(Session, "before_commit", die)
    elif point.moment == "after a commit":
        event.listen(Session, "after_commit", die)
    elif point.moment in OF_DELIVER:
        _arm_the_channel(die, after=point.moment == OF_DELIVER[1])
    else:
        threading.Timer(point.nth / 1000, _die).start()


def _arm_the_channel(die: Callable[[], None], *, after: bool) -> None:
    from notifications.channels import apprise

    send = apprise.send

    def armed(url: str, title: str, body: str) -> Any:
        if not after:
            die()
        outcome = send(url, title, body)
        if after:
            die()
        return outcome

    apprise.send = armed


def _countdown(nth: int) -> Callable[..., None]:
    """Something that dies at its n-th call, from whichever thread."""
    lock, left = threading.Lock(), nth

    def call(*_: Any) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left == 0:
                _die()

    return call


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


# The storm itself.


@dataclass
class Storm:
    """What happened. `kills` by job and point; `broke`: who ended badly without being killed; `problems` by kind, empty when all held."""

    kills: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    heard: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    broke: list[str] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)


def storm(bound: Engine, *, seed: int, kills: int) -> Storm:
    """Rages over the street of tests/street.py, freshly loaded in `bound`, until that many processes have been killed; then looks."""
    FORKING.set_forkserver_preload(["pytest", "tests.storm", "notifications.channels.apprise"])
    random, clock, raged = Random(seed), ManualClock(parse_time(MORNING)), Storm()
    with Phones() as phones:
        _give_phones(bound, phones)
        while raged.kills.total() < kills:
            assert raged.rounds < MISSES * kills + 10, f"too few die: {raged}"
            _round(bound, clock, random, phones, raged)
        _calm(bound, clock, phones)
        raged.heard = sum(each.taken for each in phones.messages)
        _look(bound, phones, raged)
    return raged


def _give_phones(bound: Engine, phones: Phones) -> None:
    """Everybody has two addresses; at the first of some nobody listens."""
    stage = Stage(bound, 1, ManualClock(parse_time(MORNING)))
    stage.do("delete from channel")
    for person in map(person_of, posts()):
        first = f"json://127.0.0.1:9/phone/{person}" if person in REFUSES else phones.url_for(person, rto="0.5")
        for position, url in enumerate((first, phones.url_for(f"{person}-second", rto="0.5")), 1):
            query = "insert into channel (person_id, position, url) select id, :position, :url from person where key = :key"
            stage.do(query, position=position, url=url, key=person)


def _round(bound: Engine, clock: ManualClock, random: Random, phones: Phones, raged: Storm) -> None:
    clock.advance(timedelta(minutes=random.choice(MINUTES)))
    for person in map(person_of, posts()):
        _in_a_mood(phones, person, random.choice(MOODS))
        _in_a_mood(phones, f"{person}-second", random.choice(CERTAIN))
    url = bound.url.render_as_string(hide_password=False)
    working = [_start(url, random.choice(AT_WORK), clock.now(), random) for _ in range(3)]
    for process, named in working:
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            raged.broke.append(f"{named}: hangs")
        elif process.exitcode == -signal.SIGKILL:
            raged.kills[named] += 1
        elif process.exitcode:
            raged.broke.append(f"{named}: exit {process.exitcode}")
    raged.rounds += 1


def _in_a_mood(phones: Phones, person: str, mood: tuple[str, dict[str, Any]]) -> None:
    name, how = mood
    phones.now(name, only=person, **how)


def _start(url: str, job: str, at: datetime, random: Random) -> tuple[ForkServerProcess, str]:
    moment = random.choice([each for each in POINTS if job == "deliver" or each not in OF_DELIVER])
    point = Point(moment, min(random.randint(1, POINTS[moment]) for _ in range(2)))
    process = FORKING.Process(target=work, args=(url, job, at, random.getrandbits(32), point if random.random() > LIVES else None))
    process.start()
    return process, f"{job}, {moment}"


WAITING = "select count(*) as n from notice where state in ('planned', 'held', 'pending', 'retry', 'sending')"


def _calm(bound: Engine, clock: ManualClock, phones: Phones) -> None:
    """The far ends are well again, and nobody dies: what is due is said, and what was tried in vain comes to its end."""
    for person in map(person_of, posts()):
        _in_a_mood(phones, person, MOODS[0])
        _in_a_mood(phones, f"{person}-second", MOODS[0])
    stage = Stage(bound, 1, clock)
    clock.advance(timedelta(minutes=10))
    stage.sweep()
    for _ in range(72):
        deliver_due(bound, clock, public_url=URL)
        if not stage.one(WAITING).n:
            return
        clock.advance(timedelta(hours=1))


# What must hold afterwards. Each query names those for whom it doesn't.

# A line of a bundle ends as its bundle does.
ENDED = """
with ended as (
    select n.*, coalesce(head.state, n.state) as ended, coalesce(head.reason, n.reason) as why, person.key as person, channel.position
    from notice n left join notice head on head.id = n.bundle_id and n.state = 'bundled'
    join person on person.id = n.person_id join channel on channel.id = n.channel_id
    where n.purpose <> 'bundle'
)
"""
MUST_HOLD = {
    "lost: it waits for ever, was dropped without a reason, or failed and nobody else was told": f"""{ENDED}
        select format('notice %s to %s: %s %s', id, person, ended, why) from ended
        where not (
            ended in ('sent', 'delivered', 'unknown') or ended in ('cancelled', 'expired') and why is not null
            or ended = 'failed' and exists (select from notice later where later.fallback_of_id = ended.id)
        )""",
    "lost: unknown at the first address, and the second was not tried": f"""{ENDED}
        select format('notice %s to %s', id, person) from ended
        where ended = 'unknown' and position = 1 and not exists (select from notice later where later.fallback_of_id = ended.id)""",
    "lost: overtaken by a later rung that isn't there": f"""{ENDED}
        select format('notice %s to %s', id, person) from ended
        where why = 'superseded' and not exists (
            select from notice later where (later.timer_id, later.run, later.person_id) = (ended.timer_id, ended.run, ended.person_id)
                and (later.rung, later.repeat, later.id) > (ended.rung, ended.repeat, ended.id)
        )""",
    "lost: an escalation that told posts, without its messages": """
        select format('%s#%s', c.code, e.seq) from event e join cases c on c.id = e.case_id
        join timer t on t.case_id = c.id and t.clock = e.facts->>'clock'
        where e.trigger = 'escalate' and e.facts->'told' <> '[]' and not exists (
            select from notice where timer_id = t.id and run = (e.facts->>'run')::int and rung = (e.facts->>'rung')::int
                and repeat = (e.facts->>'repeat')::int
        )""",
    "twice: the same message was taken at two of a person's addresses": f"""{ENDED}
        select format('%s to %s', max(id), person) from ended where ended in ('sent', 'delivered')
        group by case_id, timer_id, run, rung, repeat, purpose, occasion, person having count(*) > 1""",
    "twice: a case climbed the same rung again": """
        select format('case %s', case_id) from event where trigger = 'escalate'
        group by case_id, facts->'clock', facts->'run', facts->'rung', facts->'repeat' having count(*) > 1""",
    "twice: a duty was planned again": """
        select format('%s %s', title, period) from duty_run
        group by duty_id, task, period, owner_post_id, place_id, occasion, title having count(*) > 1""",
    "unheard: an open case without a clock that runs": """
        select code from cases where ended_at is null
            and not exists (select from timer where case_id = cases.id and stopped_at is null and quarantined_at is null)""",
}


def _look(bound: Engine, phones: Phones, raged: Storm) -> None:
    stage = Stage(bound, 1, ManualClock(parse_time(MORNING)))
    raged.ends.update({row.state: row.n for row in stage.all("select state, count(*) as n from notice group by 1")})
    raged.events.update({row.trigger: row.n for row in stage.all("select trigger, count(*) as n from event group by 1")})
    found = {kind: [str(row[0]) for row in stage.all(query)] for kind, query in MUST_HOLD.items()}
    with transaction(bound) as session:
        found["the chain of hashes is broken"] = [f"{each.code}#{each.seq}: {each.what}" for each in audit(session)]
        shown = {each.id for each in told(session, limit=1_000_000) if each.state == "unknown"}
    unknown = [row.id for row in stage.all(f"{ENDED} select id from ended where ended = 'unknown'")]
    found["an unknown that nobody sees"] = [f"notice {each}" for each in unknown if each not in shown]
    found |= _heard(stage, phones)
    raged.problems = {kind: which for kind, which in found.items() if which}


SAID = "select url, body, state, count(*) as n from notice join channel on channel.id = channel_id where body is not null group by 1, 2, 3"


def _heard(stage: Stage, phones: Phones) -> dict[str, list[str]]:
    """What people heard beside what we wrote down: what was sent was heard, and nothing else but what is unknown."""
    heard = Counter((each.person, without_link(each.text)) for each in phones.messages if each.taken)
    sent: Counter[tuple[str, str]] = Counter()
    unknown: Counter[tuple[str, str]] = Counter()
    for url, body, state, count in stage.all(SAID):
        person = url.partition("/phone/")[2].partition("?")[0]
        (sent if state in ("sent", "delivered") else unknown if state == "unknown" else Counter())[person, without_link(body)] += count
    texts = heard.keys() | sent.keys()
    return {
        "lost: written down as sent, and not heard": [f"{each}" for each in texts if heard[each] < sent[each]],
        "twice: heard more often than sent or unknown": [f"{each}" for each in texts if heard[each] > sent[each] + unknown[each]],
    }


@contextmanager
def street(of: Cluster, name: str, folder: Path, template: str | None = None) -> Iterator[Engine]:
    """The street in a fresh database of its own; `template` is one that has the schema."""
    of.create_database(name, template) if template else of.create_database(name)
    if template is None:
        migrate(of.url(name, "owner"))
    bound = engine(of.url(name))
    try:
        with transaction(bound) as session:
            load(session, read(write_street(folder)), parse_time(MORNING), salt="storm")
        yield bound
    finally:
        bound.dispose()
        of.drop_database(name)


def main() -> int:
    asked = argparse.ArgumentParser(prog="make storm")
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="bihuan-storm-") as home:
        Path(home).chmod(0o711)
        with cluster(Settings.read({"BIHUAN_HOME": home})) as running, street(running, "storm", Path(home) / "street") as bound:
            raged = storm(bound, seed=options.seed, kills=options.kills)
    _say(raged)
    return 1 if raged.problems or raged.broke else 0


def _say(raged: Storm) -> None:
    print(f"{raged.kills.total()} kills in {raged.rounds} rounds; {raged.heard} messages heard; {raged.events.total()} events")
    for named, count in sorted(raged.kills.items()):
        print(f"  {count:4} {named}")
    if raged.broke:
        print(f"broke off or hung by themselves: {Counter(raged.broke)}")
    print("messages ended: " + ", ".join(f"{state} {count}" for state, count in sorted(raged.ends.items())))
    for kind, which in raged.problems.items():
        print(f"{kind}: {len(which)}, {'; '.join(which[:5])}")
    print("THE PROMISE WAS BROKEN" if raged.problems else "0 lost, 0 twice, every unknown visible, history whole")
