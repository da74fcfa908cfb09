"""Duties on a real database: planned once a period, missed when closed, done by an inspection; and closed hazards looked at again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models.clock import local, parse_time
from models.database import as_json, transaction
from models.enumerations import InspectionTrigger
from papers.township import read
from papers.township.registry import load
from papers.township.rows import Loaded
from statemachines.advance import Outcome
from statemachines.plan_duties import Planned, fulfil_by_inspection, plan_duties
from tests.stage import Stage
from tests.town import person_of, write_town

PATROL = "{code: patrol, title: 巡护, owner: {kind: ranger}, every: day, evidence: [photo]}"
CHECK = "{code: check, title: 自查, owner: {of_place: responsible}, each: {kinds: [small_shop]}, every: month}"
LED = "{code: led, title: 镇长带队, owner: {post: mayor}, every: week, leader: true, done_by_inspection: {trigger: leader_led}}"
Owes = Callable[..., Loaded]


@pytest.fixture
def owes(stage: Stage, tmp_path: Path) -> Owes:
    """Loads the township again with these duties, each a line of YAML."""
    folder = write_town(tmp_path / "town")

    def loads(*duties: str) -> Loaded:
        said = "duties:" + ("".join(f"\n  - {duty}" for duty in duties) or " []")
        (folder / "duties.yaml").write_text(said, encoding="utf8")
        with transaction(stage.engine) as session:
            return load(session, read(folder), stage.clock.now())

    return loads


def plan(stage: Stage) -> Planned:
    with transaction(stage.engine) as session:
        return plan_duties(session, stage.clock)


def runs(stage: Stage, task: str = "duty") -> list[tuple[str, str, str, str]]:
    """Whose, where, until when and in which state, by due time."""
    rows = stage.all(
        "select run.*, owner.code as owner, coalesce(place.code, '') as place, c.state from duty_run run join cases c on c.id = run.case_id"
        " join post owner on owner.id = run.owner_post_id left join place on place.id = run.place_id where run.task = :task"
        " order by run.due_at, c.code", task=task,
    )  # fmt: skip
    return [(row.owner, row.place, f"{local(row.due_at):%m-%d %H:%M}", row.state) for row in rows]


def versions(stage: Stage) -> list[tuple[str, int, bool]]:
    return [tuple(row) for row in stage.all("select code, version, active from duty order by code, version")]


def test_a_changed_duty_is_a_new_version_and_one_that_is_gone_sleeps(stage: Stage, owes: Owes) -> None:
    assert owes(PATROL, CHECK).added["duty"] == 2
    assert not owes(PATROL, CHECK).anything
    assert owes(PATROL.replace("every: day", "every: week"), CHECK).changed == {"duty": 1}
    assert versions(stage) == [("check", 1, True), ("patrol", 1, False), ("patrol", 2, True)]
    assert owes(PATROL.replace("every: day", "every: week")).ended == {"duty": 1}
    assert not owes(PATROL.replace("every: day", "every: week")).anything
    assert owes(PATROL.replace("every: day", "every: week"), CHECK).changed == {"duty": 1}
    assert versions(stage) == [("check", 1, True), ("patrol", 1, False), ("patrol", 2, True)]


def test_what_opens_by_the_end_of_tomorrow_is_planned_once(stage: Stage, owes: Owes) -> None:
    owes(PATROL, CHECK, LED)
    planned = plan(stage)
    assert (planned.planned, planned.missed, planned.left_out) == (5, 0, 0)
    assert dict(planned.titles) == {"巡护": 2, "自查": 2, "镇长带队": 1}
    there = runs(stage)
    assert there == [
        ("ranger", "", "02-20 18:00", "open"), ("ranger", "", "02-21 18:00", "open"), ("mayor", "", "02-26 18:00", "open"),
        ("owner", "shop", "02-28 18:00", "open"), ("owner-2", "shop-2", "02-28 18:00", "open"),
    ]  # fmt: skip
    for _ in range(2):
        assert not plan(stage).anything
    stage.at("2023-02-21T00:10+08:00")
    assert plan(stage).planned == 1
    assert len(runs(stage)) == 6
    assert stage.one("select bool_and(ended_at is null and kind = 'duty') as fine from cases").fine
    assert stage.one("select count(distinct case_id) as live from timer where stopped_at is null").live == 6


def test_a_changed_duty_asks_nothing_twice_for_the_same_period(stage: Stage, owes: Owes) -> None:
    owes(PATROL, CHECK)
    plan(stage)
    owes(PATROL.replace("[photo]", "[photo, document]"), CHECK.replace("自查", "自查自纠"))
    assert plan(stage).planned == 0
    owes(PATROL, CHECK, LED)
    assert plan(stage).titles == {"镇长带队": 1}, "a new duty is asked on the day it comes"


def test_only_active_places_of_the_kind_and_risk_owe_something(stage: Stage, owes: Owes) -> None:
    stage.do("update place set status = 'shut' where code = 'shop-2'")
    owes(CHECK)
    stage.do("update place set status = 'shut' where code = 'shop-2'")
    plan(stage)
    assert [owner for owner, *_ in runs(stage)] == ["owner"]
    stage.do("""update place set status = 'active', details = '{"risk": "high"}' where code = 'shop-2'""")
    each = "each: {kinds: [small_shop, mine], %s: {risk: high}}, every: week, code: %s"
    high, low = (CHECK.replace("each: {kinds: [small_shop]}, every: month", each % said).replace("{code: check, ", "{") for said in [
        ("details", "high"), ("without", "low"),
    ])  # fmt: skip
    owes(high, low)
    stage.do("""update place set details = '{"risk": "high"}' where code = 'shop-2'""")
    plan(stage)
    said = stage.all("select duty.code, place.code as place from duty_run join duty on duty.id = duty_id join place on place.id = place_id")
    assert {tuple(row) for row in said if row.code != "check"} == {("high", "shop-2"), ("low", "shop"), ("low", "pit")}


@pytest.mark.parametrize(
    ("of_place", "owner"),
    [
        ("responsible", "owner-3"), ("grid_member", "grid-2"), ("village_secretary", "village-2"), ("station_head", "head-fire"),
        ("inspector", "inspector|inspector-2"),
    ],
)  # fmt: skip
def test_each_place_has_its_own_post_for_it(stage: Stage, owes: Owes, of_place: str, owner: str) -> None:
    owes(CHECK.replace("responsible", of_place).replace("small_shop", "mine"))
    plan(stage)
    [(found, place, *_)] = runs(stage)
    assert (found in owner.split("|"), place) == (True, "pit")


def test_a_vacant_post_owes_its_duty_all_the_same(stage: Stage, owes: Owes) -> None:
    owes(PATROL)
    stage.do("update holding set to_day = '2023-02-01' where post_id = (select id from post where code = 'ranger')")
    assert plan(stage).planned == 2


def test_what_was_never_done_is_missed_when_it_closes(stage: Stage, owes: Owes) -> None:
    owes(PATROL, CHECK)
    plan(stage)
    stage.at("2023-02-23T17:59+08:00")
    assert plan(stage).missed == 0
    stage.at("2023-02-23T18:00+08:00")
    planned = plan(stage)
    [missed] = planned.misses
    assert (planned.missed, missed.title, missed.post) == (1, "巡护", "ranger")
    assert runs(stage)[0] == ("ranger", "", "02-20 18:00", "missed")
    assert stage.history(missed.code)[-1].trigger == "miss"
    assert plan(stage).missed == 0


def test_of_the_days_that_stood_still_nobody_is_blamed(stage: Stage, owes: Owes) -> None:
    owes(PATROL, CHECK)
    plan(stage)
    stage.at("2023-03-06T09:00+08:00")
    planned = plan(stage)
    asked = [due for owner, _, due, _ in runs(stage) if owner == "ranger"]
    assert asked == ["02-20 18:00", "02-21 18:00", "03-06 18:00", "03-07 18:00"]
    assert planned.left_out == 12, "22 February to 5 March"
    assert (planned.planned, planned.missed) == (4, 4), "what had been asked before is missed: two patrols, two self-checks"
    assert not plan(stage).anything


def test_a_run_may_be_done_late_and_then_it_isnt_missed(stage: Stage, owes: Owes) -> None:
    owes(PATROL.replace(", evidence: [photo]", ""))
    plan(stage)
    stage.at("2023-02-22T10:00+08:00")
    code = stage.one("select c.code from duty_run run join cases c on c.id = case_id order by run.due_at limit 1").code
    stage.act("ranger", "do_duty", code)
    stage.at("2023-02-23T18:00+08:00")
    assert plan(stage).missed == 0
    assert runs(stage)[0][3] == "done"


INSPECTION = text("""
insert into inspection (township_id, code, place_id, trigger, leader_post, started_at, result, recorded_at, recorded_person, recorded_post,
    unit_signed, refused_to_sign)
select township_id, 'JC-2023-00001', id, 'leader_led', 'mayor', :now, 'passed', :now, :person, 'inspector', false, false
from place where code = 'shop' returning id
""")


def led(stage: Stage, post: str = "mayor", trigger: InspectionTrigger = InspectionTrigger.leader_led) -> Outcome | None:
    with transaction(stage.engine) as session:
        now, person = stage.clock.now(), person_of("inspector")
        session.execute(text("delete from inspection where id not in (select inspection_id from duty_run where inspection_id is not null)"))
        session.execute(text("update inspection set code = code || '0'"))
        inspection = session.execute(INSPECTION, {"now": now, "person": person}).scalar_one()
        return fulfil_by_inspection(session, stage.acting("inspector"), now, stage.clock.wall(), inspection, post, trigger)


def test_an_inspection_that_a_leader_led_does_their_weekly_duty(stage: Stage, owes: Owes) -> None:
    owes(LED)
    plan(stage)
    assert led(stage, post="secretary") is None
    assert led(stage, trigger=InspectionTrigger.routine) is None
    done = led(stage)
    assert done and done.state == "done"
    run: Any = stage.one("select run.*, inspection.code from duty_run run join inspection on inspection.id = run.inspection_id")
    assert (run.done_post, run.done_person) == ("mayor", person_of("mayor"))
    assert led(stage) is None, "one inspection a week is asked for"


def test_an_inspection_stands_for_its_own_week_before_one_that_is_late(stage: Stage, owes: Owes) -> None:
    owes(LED)
    plan(stage)
    stage.at("2023-02-27T10:00+08:00")
    plan(stage)
    led(stage)
    assert [(due, state) for _, _, due, state in runs(stage)] == [("02-26 18:00", "open"), ("03-05 18:00", "done")]
    led(stage)
    assert {state for *_, state in runs(stage)} == {"done"}


def rechecked(stage: Stage, after_days: int, percent: int) -> None:
    """The township looks again so many days after closing, at so many percent."""
    said = as_json({"recheck": {"after_days": after_days, "percent": percent}})
    stage.do("update township set rules = rules || cast(:said as jsonb), revision = revision + 1", said=said)


def test_what_was_recurrent_is_looked_at_again_by_an_inspector_who_had_no_part_in_it(stage: Stage) -> None:
    code, plain = stage.to_closed(), stage.to_closed("shop-2")
    rechecked(stage, 20, 0)
    stage.do("update hazard set recurrence_count = 1 where case_id = (select id from cases where code = :code)", code=code)
    stage.later(days=19, hours=23)
    assert plan(stage).rechecks == 0
    stage.later(days=1)
    assert plan(stage).rechecks == 1
    assert runs(stage, "recheck") == [("inspector-2", "shop", "03-20 18:00", "open")]
    run = stage.one(
        "select run.*, parent.code as about from duty_run run join cases c on c.id = case_id join cases parent on parent.id = c.parent_id"
    )
    assert (run.about, run.occasion, run.barred) == (code, f"recheck {code}#1", [person_of("inspector")])
    stage.later(days=1)
    assert plan(stage).rechecks == 0, f"once a closing; {plain} isn't drawn"


def hand_over(stage: Stage, post: str, to: str) -> None:
    """The person of another post holds this one."""
    stage.do(
        "update holding set person_id = person.id from person, post where person.key = :key and post.code = :post and post_id = post.id",
        key=person_of(to), post=post,
    )  # fmt: skip


def test_without_another_person_and_post_among_the_inspectors_the_head_of_the_team_looks_again(stage: Stage) -> None:
    stage.to_closed()
    rechecked(stage, 20, 100)
    hand_over(stage, "inspector-2", to="inspector")
    hand_over(stage, "inspector", to="ranger")
    stage.later(days=21)
    assert plan(stage).rechecks == 1
    assert [owner for owner, *_ in runs(stage, "recheck")] == ["head-fire"]


def test_an_old_register_isnt_drawn_from_all_at_once(stage: Stage) -> None:
    stage.to_closed()
    rechecked(stage, 20, 100)
    stage.later(days=51)
    assert plan(stage).rechecks == 0


LOTS = """
select ('x' || substr(encode(sha256(convert_to('test ' || code, 'UTF8')), 'hex'), 1, 8))::bit(32)::bigint % 100 as lot
from (select 'YH-2023-' || lpad(n::text, 4, '0') as code from generate_series(1, 2000) n) each order by code
"""


def test_about_as_many_are_drawn_as_the_township_says_and_always_the_same(stage: Stage) -> None:
    lots = [row.lot for row in stage.all(LOTS)]
    assert 160 <= sum(lot < 10 for lot in lots) <= 240
    first = lots[int(stage.to_closed().rpartition("-")[2]) - 1]
    stage.later(days=21)
    rechecked(stage, 20, first)
    assert plan(stage).rechecks == 0
    rechecked(stage, 20, first + 1)
    stage.later(days=1)
    assert plan(stage).rechecks == 1


def test_six_hundred_enterprises_are_planned_in_as_many_statements_as_two(stage: Stage, owes: Owes) -> None:
    owes(CHECK)
    few = statements(stage)
    stage.do("insert into place select (jsonb_populate_record(place, jsonb_build_object('id', 1000 + n, 'code', 'shop-' || n + 2))).*"
             " from place, generate_series(1, 603) n where code = 'shop'")  # fmt: skip
    stage.at((local(stage.clock.now()) + timedelta(days=9)).isoformat())
    many = statements(stage)
    assert len(runs(stage)) == 2 + 605
    assert many <= few + 2


def statements(stage: Stage) -> int:
    from sqlalchemy import event

    seen: list[str] = []

    def count(*said: Any) -> None:
        seen.append(said[2])

    event.listen(stage.engine, "before_cursor_execute", count)
    plan(stage)
    event.remove(stage.engine, "before_cursor_execute", count)
    return len(seen)


def test_two_planners_at_once_plan_once(stage: Stage, owes: Owes) -> None:
    owes(PATROL)
    with transaction(stage.engine) as first:
        assert plan_duties(first, stage.clock).planned == 2
        assert plan(stage).planned == 0
    assert len(runs(stage)) == 2
    assert parse_time("2023-02-20") < stage.clock.now()
