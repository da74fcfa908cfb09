"""Several hazards registered in the same statements are those that are registered one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session

from statemachines.advance import Outcome, register, register_all
from statemachines.errors import Refused
from tests.stage import Stage

USUAL = {"place": "shop", "description": "灭火器压力不足", "location": "门口"}
FINDINGS: list[dict[str, Any]] = [
    {**USUAL, "item": "P1", "note": "第一条"},
    {**USUAL, "description": "灭火器压力不足（2处）"},
    {**USUAL, "place": "pit", "grade": "major", "description": "井口未封闭", "legal_basis": ["矿山安全法第七条"]},
    {**USUAL, "place": "shop-2", "found_at": "2022-12-31T09:00+08:00", "description": "电线裸露\n两处", "measure": "更换"},
    {**USUAL, "place": "pit", "grade": "major", "description": "风机停转", "interim_control": "warning"},
    {**USUAL, "place": "shop", "description": "通道堵塞", "needs_gov_coordination": True, "confidentiality": "内部"},
]
LEFT = {
    "cases": "c.code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id, responsible_post_id, due_at",
    "hazard h join cases c on c.id = h.case_id": """c.code, sla_class, field, threat, nature, source, item, description, location, measure,
        legal_basis, found_at, interim_control, recurrence_count, recurrence_kind, confidentiality, needs_gov_coordination""",
    "timer t join cases c on c.id = t.case_id": "c.code, t.clock, t.run, t.started_at, t.due_at, t.rung_at, t.next_at",
    "remark r join cases c on c.id = r.case_id": "c.code, seq, name, body",
    "notice n left join cases c on c.id = n.case_id": "c.code, purpose, occasion, person_id, channel_id, post_id, urgent, n.facts, n.state",
    "place": "code, start_work",
}


def left(session: Session) -> dict[str, list[Any]]:
    """What stands in the database, but for the numbers of rows."""
    return {
        where: sorted(map(repr, session.execute(text(f"select {columns} from {where if where != 'cases' else 'cases c'}"))))
        for where, columns in LEFT.items()
    }


def comes_to(stage: Stage, work: Callable[[Session], Sequence[Outcome]]) -> tuple[list[Any], dict[str, list[Any]]]:
    """What some work answers and leaves, in a transaction that never was."""
    with Session(stage.engine, expire_on_commit=False, autoflush=False) as session, session.begin() as whole:
        outcomes = work(session)
        found = [(each.code, each.state, each.version, each.seq, each.hash) for each in outcomes], left(session)
        whole.rollback()
    return found


def test_many_at_once_are_what_one_after_the_other_are(stage: Stage) -> None:
    closed = stage.to_closed(description="灭火器压力不足")
    stage.to_closed(place="shop-2", description="电线老化")
    acting, now, wall = stage.acting("inspector"), stage.clock.now(), stage.clock.wall()
    one_by_one = comes_to(stage, lambda session: [register(session, acting, now, wall=wall, facts=facts) for facts in FINDINGS])
    at_once = comes_to(stage, lambda session: register_all(session, acting, now, wall=wall, findings=FINDINGS))
    assert at_once == one_by_one
    again = [row for row in at_once[1]["hazard h join cases c on c.id = h.case_id"] if "same_words" in row]
    assert len(again) == 1, "the first repeats what was closed, the second only repeats the first"
    assert closed not in again[0]


def test_of_many_of_which_one_is_refused_none_is_there(stage: Stage) -> None:
    acting, now, wall = stage.acting("inspector"), stage.clock.now(), stage.clock.wall()
    before = stage.fingerprint()
    for wrong in ({**USUAL, "place": "nowhere"}, {**USUAL, "description": " "}):
        with pytest.raises(Refused) as no:
            comes_to(stage, lambda session, wrong=wrong: register_all(session, acting, now, wall=wall, findings=[USUAL, wrong]))  # type: ignore[misc]
        assert no.value.reason == "G1"
    assert comes_to(stage, lambda session: register_all(session, acting, now, wall=wall, findings=[]))[0] == []
    assert stage.fingerprint() == before
