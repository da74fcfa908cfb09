"""The set-wise way: what is due fires once, time that was missed folds, poison stands aside, nobody ends silently."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from models.clock import ManualClock
from models.database import transaction
from statemachines.audit import audit
from statemachines.errors import Refused
from statemachines.escalate import escalate_due, sweep
from statemachines.load import SYSTEM, Acting
from statemachines.watch import watch
from tests.stage import Stage, moment

DUE = moment("2023-02-23T23:59:59+08:00")  # of a g3 hazard assigned on the stage's Monday


def test_each_rung_fires_at_its_time_and_once(stage: Stage) -> None:
    code = stage.to_rectifying()
    fired = []
    while stage.clock.now() < DUE + timedelta(hours=250):
        stage.later(hours=1)
        fired += [(climb.level, climb.rung, stage.clock.now()) for climb in stage.sweep().climbs]
    assert [(level, rung) for level, rung, _ in fired] == [(0, 1), (0, 2), (0, 3), (1, 4), (2, 5), (3, 6), (4, 7), (5, 8)]
    assert [at - DUE for _, _, at in fired][3:] == [timedelta(hours=h, seconds=1) for h in (24, 72, 120, 168, 240)]
    assert stage.case(code).level == 5


def test_a_sweep_run_again_adds_nothing(stage: Stage) -> None:
    stage.to_rectifying()
    stage.later(days=9)
    assert len(stage.sweep().climbs) == 1
    before = stage.notices()
    for _ in range(10):
        assert stage.sweep().climbs == []
    assert stage.notices() == before


def test_days_of_downtime_fold_into_one_event_that_lists_them(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.later(days=9)
    stage.sweep()
    event = stage.history(code)[-1]
    assert event.trigger == "escalate"
    assert (event.facts["level"], event.facts["rung"], event.facts["skipped"]) == (3, 6, [1, 2, 3, 4, 5])
    told = [n.person for n in stage.notices(code) if n.rung]
    assert len(told) == len(set(told))
    assert set(event.facts["told"]) == {"owner", "grid-1", "village-1", "head-fire", "deputy", "mayor", "dispatcher"}


def test_two_sweeps_at_once_split_the_work(stage: Stage) -> None:
    for _ in range(30):
        stage.to_rectifying()
    stage.later(days=9)
    swept = []
    threads = [threading.Thread(target=lambda: swept.append(sweep(stage.engine, ManualClock(stage.clock.now()), 3))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = [climb.code for one in swept for climb in one.climbs]
    assert len(codes) == len(set(codes)) == 30
    with transaction(stage.engine) as session:
        assert audit(session) == []


def test_both_ways_write_the_same_event_to_the_byte(stage: Stage) -> None:
    """One case climbs by the sweep, its twin by firing `escalate` through the door; but for their codes the bodies agree."""
    swept, fired = stage.to_rectifying(), stage.to_rectifying()
    stage.later(days=9)
    stage.act(SYSTEM.post, "escalate", fired, person=SYSTEM.person)
    stage.sweep()
    bodies = [stage.history(code)[-1].body.replace(code, "CODE") for code in (swept, fired)]
    assert bodies[0] == bodies[1]
    keys = [[(n.purpose, n.person, n.rung, n.repeat, n.facts) for n in stage.notices(code) if n.rung] for code in (swept, fired)]
    assert sorted(keys[0], key=str) == sorted(keys[1], key=str)


def test_escalating_by_hand_is_the_systems_alone_and_only_when_due(stage: Stage) -> None:
    code = stage.to_rectifying()
    with pytest.raises(Refused) as no, transaction(stage.engine) as session:
        from statemachines.advance import advance

        system = Acting(stage.township_id, SYSTEM.person, SYSTEM.post)
        advance(session, code, "escalate", system, stage.clock.now(), wall=stage.clock.wall())
    assert no.value.reason == "not_due"


def test_the_last_rung_is_said_again_and_again(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.later(days=20)
    stage.sweep()
    repeats = []
    for _ in range(21):
        stage.later(days=1)
        repeats += [climb.rung for climb in stage.sweep().climbs]
    assert repeats == [8, 8, 8]
    assert stage.timer(code, "rectify").repeat == 3
    assert len([n for n in stage.notices(code) if n.rung == 8 and n.person == "p-district"]) == 4


def test_a_new_round_says_the_first_level_again(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.later(days=5)
    stage.sweep()
    stage.fix(code)
    stage.act("inspector", "reinspect_fail", code, reason="measure_incomplete")
    assert stage.case(code).level == 0
    stage.later(days=5)
    stage.sweep()
    runs = {n.run for n in stage.notices(code) if n.person == "p-village-1" and n.purpose == "overdue"}
    assert runs == {1, 2}


def test_review_and_rectify_levels_do_not_collide(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.later(days=5)
    stage.sweep()
    stage.fix(code)
    stage.later(days=20)
    stage.sweep()
    purposes = {n.purpose for n in stage.notices(code) if n.person == "p-head-fire"}
    assert {"overdue", "review_overdue"} <= purposes


def test_a_post_that_nobody_holds_passes_the_message_up_and_the_office_is_told(stage: Stage) -> None:
    stage.do("delete from holding where post_id = (select id from post where code = 'village-1')")
    code = stage.to_rectifying()
    stage.later(days=5)
    stage.sweep()
    climbed = [n for n in stage.notices(code) if n.meant == "village-1"]
    assert [n.reached for n in climbed] == ["head-fire"] or climbed == []
    assert [n.facts["post"] for n in stage.notices() if n.purpose == "undeliverable"] == ["village-1"]


def test_a_rung_that_reaches_nobody_at_all_hands_on_to_the_next_at_once(stage: Stage) -> None:
    stage.do("update channel set disabled_at = '2023-01-01Z', disabled_reason = 'gone'")
    code = stage.to_rectifying()
    stage.later(days=4)
    climbs = stage.sweep().climbs
    assert [climb.rung for climb in climbs] == [3, 4, 5, 6, 7, 8]
    assert all(climb.posts == () for climb in climbs)
    assert stage.timer(code, "rectify").next_at > stage.clock.now()


def test_taking_up_holds_the_next_rung_until_the_promised_time_and_no_longer(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.at("2023-02-27T00:00:30+08:00")
    assert [climb.level for climb in stage.sweep().climbs] == [2]
    stage.do("update timer set rung_at[6] = '2023-02-27T06:00+08:00', next_at = '2023-02-27T06:00+08:00' where clock = 'rectify'")
    stage.act("deputy", "take_up", code, promised_at="2023-02-27T18:00:00+08:00", note="下午现场督办")
    stage.at("2023-02-27T12:00+08:00")
    assert stage.sweep().climbs == []
    stage.at("2023-02-27T18:00+08:00")
    assert [climb.level for climb in stage.sweep().climbs] == [3]
    with pytest.raises(Refused):
        stage.act("owner", "take_up", code, promised_at="2023-02-28T12:00:00+08:00", note="再等等")


def test_a_policy_change_leaves_running_timers_alone_until_they_are_replanned(stage: Stage) -> None:
    old = stage.to_rectifying()
    stage.do("insert into ladder (township_id, clock, grade, version, repeat_hours) select township_id, clock, grade, 2, 24 from ladder"
             " where clock = 'rectify' and grade = 'general'")  # fmt: skip
    stage.do("insert into rung (ladder_id, position, level, offset_hours, working, told, urge_letter)"
             " select max(id), 1, 1, 1, false, '{party_secretary}', false from ladder")  # fmt: skip
    stage.do("update township set revision = revision + 1")
    new = stage.to_rectifying()
    stage.at("2023-02-24T01:00:00+08:00")
    assert {climb.code: climb.level for climb in stage.sweep().climbs} == {old: 0, new: 1}
    stage.act("office-head", "replan", old)
    assert [event.trigger for event in stage.history(old)][-1] == "replan"
    assert {climb.code: climb.level for climb in stage.sweep().climbs} == {old: 1}


def test_a_poison_timer_is_set_aside_with_its_reason_and_the_others_go_on(stage: Stage) -> None:
    codes = [stage.to_rectifying() for _ in range(9)]
    poison = codes[4]
    stage.do("update timer set rung_at = rung_at || timestamptz '2023-02-24Z' where case_id = (select id from cases where code = :code)"
             " and clock = 'rectify'", code=poison)  # fmt: skip
    stage.later(days=15)
    swept = stage.sweep()
    assert {climb.code for climb in swept.climbs} == set(codes) - {poison}
    assert len(swept.quarantined) == 1
    found = watch(stage.engine, stage.clock)
    assert [(f.kind, f.code) for f in found.findings if f.kind == "quarantine"] == [("quarantine", poison)]


def test_the_watch_starts_a_timer_that_went_missing(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.do("update timer set stopped_at = '2023-02-20Z'")
    found = watch(stage.engine, stage.clock)
    assert [(f.kind, f.code, f.mended) for f in found.findings] == [("timerless", code, True)]
    assert stage.timer(code, "rectify").stopped_at is None
    assert stage.timer(code, "rectify").due_at == DUE
    assert [n.purpose for n in stage.notices() if n.person == "p-office-head"] == ["operations"]
    assert watch(stage.engine, stage.clock).clean


def test_a_batch_takes_one_timer_a_case_so_that_its_chain_stays_one(stage: Stage) -> None:
    code = stage.to_assigned()
    stage.later(days=9)
    with transaction(stage.engine) as session:
        assert len(escalate_due(session, stage.clock.now(), wall=stage.clock.wall())) == 1
    stage.sweep()
    assert {event.facts.get("clock") for event in stage.history(code) if event.trigger == "escalate"} == {"acknowledge", "rectify"}
    with transaction(stage.engine) as session:
        assert audit(session) == []
