"""A durable step against its own statements sent raw: how much the law, the mapping and the session cost on top."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, event, text
from sqlmodel import Session

from bench.report import say, spread, timed
from bench.town import MORNING, Bench
from models.database import transaction
from statemachines.advance import Acting, advance, register

STEPS = 300


def measure(bench: Bench) -> None:
    with bench.town("bench_law") as bound:
        with bound.connect() as connection:
            township = connection.execute(text("select id from township")).scalar_one()
        codes = [_assigned(bound, township) for _ in range(2 * STEPS)]
        owner = Acting(township, "p-owner", "owner")
        scripts = [_script(bound, owner, code) for code in codes[STEPS:]]
        dsn = bench.cluster.dsn("bench_law")
        with psycopg.connect(dsn, options="-c timezone=UTC") as raw:
            pairs = [
                (timed(lambda code=code: _step(bound, owner, code)), timed(lambda script=script: _replay(raw, script)))
                for code, script in zip(codes[:STEPS], scripts, strict=True)
            ]
        ours, bare = [a for a, _ in pairs], [b for _, b in pairs]
        say("advance(acknowledge), durable, all its rows", spread(ours))
        say(f"the same {len(scripts[0])} statements in raw psycopg, durable", spread(bare))
        say("ratio raw / advance (1 = no overhead)", f"{statistics.median(bare) / statistics.median(ours):.2f}")
        _old_and_young(bound, township)


def _assigned(bound: Engine, township: int) -> str:
    facts = {"place": "shop", "description": "灭火器压力不足", "location": "门口", "sla_class": "g3"}
    with transaction(bound) as session:
        code = register(session, Acting(township, "p-inspector", "inspector"), MORNING, wall=MORNING, facts=facts).code
        advance(session, code, "assign", Acting(township, "p-dispatcher", "dispatcher"), MORNING, wall=MORNING)
    return code


def _step(bound: Engine, owner: Acting, code: str) -> None:
    with transaction(bound) as session:
        advance(session, code, "acknowledge", owner, MORNING, wall=MORNING)


@contextmanager
def _recorded(bound: Engine) -> Iterator[list[tuple[str, Any]]]:
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    event.listen(bound, "before_cursor_execute", note)
    yield said
    event.remove(bound, "before_cursor_execute", note)


def _script(bound: Engine, owner: Acting, code: str) -> list[tuple[str, Any]]:
    """What `advance` says to the database in this step, which is then rolled back."""
    with _recorded(bound) as said, Session(bound) as session:
        advance(session, code, "acknowledge", owner, MORNING, wall=MORNING)
        session.rollback()
    return said


def _replay(raw: psycopg.Connection[Any], script: list[tuple[str, Any]]) -> None:
    for statement, parameters in script:
        raw.execute(statement, parameters)
    raw.commit()


def _old_and_young(bound: Engine, township: int) -> None:
    """A step on a case with 10 000 events beside one on a fresh case."""
    old, young = _assigned(bound, township), _assigned(bound, township)
    owner = Acting(township, "p-owner", "owner")
    with transaction(bound) as session:
        session.execute(text("""
            insert into event (case_id, seq, trigger, from_state, to_state, post, person, at, facts, body, prev_hash, hash, recorded_at)
            select c.id, 2 + n, 'escalate', 'assigned', 'assigned', 'system', 'system', :now, '{}', n::text, '', n::text, :now
            from cases c, generate_series(1, 10000) n where c.code = :code
        """), {"now": MORNING, "code": old})  # fmt: skip
        session.execute(text("update cases set events = 10002, last_hash = '10000' where code = :code"), {"code": old})
    times = {code: timed(lambda code=code: _step(bound, owner, code)) for code in (young, old)}
    say("one step at event 3 and at event 10 003", f"{times[young] * 1000:.2f} ms, {times[old] * 1000:.2f} ms")
