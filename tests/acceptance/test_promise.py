"""The promise, line by line, in the words of the domain: who is told what, and that nobody is told anything else.

Real PostgreSQL, real HTTP on loopback, a clock in the hand. The cast and its chain stand in tests/town.py. A test's number is its line
of docs/reliability.md; the lines with more to say have a file of their own beside this one.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from psycopg import Error
from psycopg.errors import lookup
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from models.database import transaction
from statemachines.audit import audit
from statemachines.watch import watch
from tests.acceptance.conftest import Scene
from tests.town import person_of


class Crash(Exception):
    """The process dies here."""


@contextmanager
def crash_after(scene: Scene, statements: int) -> Iterator[None]:
    """Dies right after the n-th statement that the block runs."""
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statements:
            raise Crash

    event.listen(scene.stage.engine, "after_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(scene.stage.engine, "after_cursor_execute", count)


def everything(scene: Scene) -> list[Any]:
    tables = ("cases", "hazard", "event", "timer", "notice", "feed", "remark")
    return [scene.stage.all(f"select {table}::text from {table} order by 1") for table in tables]


# 1. Decision, state, audit line and outbox rows commit in one transaction.


def test_1_a_step_killed_after_any_statement_happened_whole_or_not_at_all(scene: Scene) -> None:
    code = scene.stage.to_assigned()
    before = everything(scene)
    for statements in range(1, 100):
        try:
            with crash_after(scene, statements):
                scene.stage.act("owner", "acknowledge", code)
        except Crash:
            assert everything(scene) == before
        else:
            break
    assert 5 < statements < 99
    assert scene.stage.case(code).state == "rectifying"


def test_1_a_sweep_killed_after_any_statement_escalated_whole_or_not_at_all(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.stage.later(days=5)
    before = everything(scene)
    with pytest.raises(Crash), crash_after(scene, 1):
        scene.stage.sweep()
    assert everything(scene) == before
    scene.stage.sweep()
    assert scene.stage.case(code).level == 1


# 2. Running the sweep twice, or two at once, tells nobody twice; a new round tells again; clocks don't collide.


def test_2_ten_late_sweeps_and_deliveries_in_a_row_tell_everybody_once(scene: Scene) -> None:
    scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    for _ in range(10):
        scene.tick()
    for post in ("owner", "grid-1", "village-1", "head-fire", "dispatcher"):
        scene.expect(post, "逾期升级·1级")
    scene.nothing_else()


def test_2_two_sweeps_and_two_senders_at_once_tell_everybody_once(scene: Scene) -> None:
    for _ in range(5):
        scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    pairs = [threading.Thread(target=scene.tick) for _ in range(2)]
    for thread in pairs:
        thread.start()
    for thread in pairs:
        thread.join()
    scene.deliver()
    spoken = [code for text in scene.heard("village-1") for code in set(re.findall(r"YH-2023-\d{4}", text))]
    assert len(set(spoken)) == len(spoken) == 5


def test_2_overdue_again_in_a_new_round_the_first_level_is_told_again(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    scene.stage.fix(code)
    scene.stage.act("inspector", "reinspect_fail", code, reason="measure_incomplete")
    scene.quiet_start()
    scene.stage.at("2023-03-01T08:00+08:00")
    scene.tick()
    scene.expect("village-1", code, "逾期升级·1级")


def test_2_overdue_again_after_an_extension_the_first_level_is_told_again(scene: Scene) -> None:
    code = scene.stage.to_rectifying(sla_class="g15")
    scene.stage.at("2023-03-03T10:00+08:00")
    request = scene.stage.ask_extension(code, days=5)
    scene.stage.at("2023-03-09T08:00+08:00")
    scene.tick()
    scene.expect("village-1", code, "逾期升级·1级")
    scene.stage.act(scene.stage.approver(request) or "", "grant", request)
    scene.quiet_start()
    scene.stage.at("2023-03-14T08:00+08:00")
    scene.tick()
    scene.expect("village-1", code, "逾期升级·1级")


def test_2_the_levels_of_two_clocks_of_one_hazard_do_not_collide(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    scene.expect("head-fire", code, "整改逾期", "逾期升级·1级")
    scene.stage.fix(code)
    scene.stage.clock.advance_to(scene.stage.timer(code, "review").due_at)
    scene.stage.later(hours=24)
    scene.tick()
    scene.expect("head-fire", code, "复查超时·1级")


def test_2_the_last_rung_goes_on_being_said_slowly(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.stage.at("2023-03-10T08:00+08:00")
    scene.tick()
    scene.quiet_start()
    scene.stage.at("2023-03-12T08:00+08:00")
    scene.tick()
    scene.nothing_else()
    scene.stage.at("2023-03-13T08:00+08:00")
    scene.tick()
    scene.expect("district", code)
    scene.expect("dispatcher", code)
    scene.nothing_else()


# 3. After an outage: one message a person, today's level, and what would have been said meanwhile.


def test_3_after_days_of_outage_each_person_hears_once_at_todays_level(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-03-01T10:00+08:00")
    scene.tick()
    for post in ("owner", "grid-1", "village-1", "head-fire", "deputy", "mayor", "dispatcher"):
        scene.expect(post, code, "逾期升级·3级", "本应于")
    scene.nothing_else()


# 4. A killed sender's message is unknown: visible, not repeated on that channel, carried by what comes next.


def test_4_a_message_whose_sender_died_is_unknown_and_the_next_level_goes_on(scene: Scene) -> None:
    code = scene.stage.to_assigned()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.stage.act("owner", "acknowledge", code)
    scene.stage.sweep()

    def die(*_: Any) -> Any:
        raise SystemExit("killed while sending")

    with pytest.raises(SystemExit):
        scene.deliver(channel=die)
    assert scene.states(code)["sending"] >= 1
    scene.stage.later(hours=1)
    scene.deliver()
    assert scene.states(code)["unknown"] >= 1
    scene.stage.at("2023-02-27T08:00+08:00")
    scene.tick()
    assert scene.heard("deputy")
    assert scene.states(code).get("sending") is None


# 5. Temporary failures are retried with growing waits; permanent ones flag the channel, use the next one and tell the office.


def test_5_a_temporary_failure_is_retried_later_and_arrives_once(scene: Scene) -> None:
    scene.phones.now("status", only=person_of("owner"), status=503)
    code = scene.stage.to_assigned()
    scene.deliver()
    assert scene.states(code).get("retry") == 1
    scene.deliver()
    scene.phones.now("ok", only=person_of("owner"))
    scene.stage.later(minutes=10)
    scene.deliver()
    scene.expect("owner", code, "隐患交办")
    assert scene.states(code).get("retry") is None


def test_5_a_dead_channel_is_flagged_the_next_one_used_and_the_office_told(scene: Scene) -> None:
    owner = scene.stage.one("select id from person where key = 'p-owner'").id
    second = scene.phones.url_for("p-owner-second")
    scene.stage.do("insert into channel (person_id, position, url) values (:id, 9, :url)", id=owner, url=second)
    scene.phones.now("status", only=person_of("owner"), status=404)
    code = scene.stage.to_assigned()
    scene.deliver()
    scene.phones.expect("p-owner-second", code, "隐患交办")
    scene.expect("dispatcher", "通道故障")
    flagged = scene.stage.one("select disabled_reason from channel where person_id = :id and position <> 9", id=owner)
    assert flagged.disabled_reason


# 6. A post that nobody can be reached in passes the message on at once, and the office hears of it.


def test_6_a_vacant_post_passes_its_message_up_with_the_reason_and_the_office_is_told(scene: Scene) -> None:
    scene.stage.do("update holding set to_day = '2023-02-22' where post_id = (select id from post where code = 'deputy')")
    code = scene.stage.to_rectifying()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    scene.quiet_start()
    scene.stage.at("2023-02-27T08:00+08:00")
    scene.tick()
    scene.expect("mayor", code, "逾期升级·2级", "分管班子成员无人可达，转您（镇长）")
    scene.expect("dispatcher", "无法通知", code)
    scene.nothing_else()


def test_6_a_level_whose_channels_are_all_gone_hands_on_to_the_next_at_once(scene: Scene) -> None:
    deaf = "update channel set disabled_at = '2023-02-20Z', disabled_reason = 'gone' from person where person.id = person_id"
    scene.stage.do(f"{deaf} and key in ('p-owner', 'p-grid-1', 'p-village-1', 'p-head-fire', 'p-dispatcher', 'p-office-head')")
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    scene.expect("deputy", code, "整改逾期", "无人在岗或无可用通道")


def test_6_the_top_of_the_ladder_never_falls_silent(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.stage.at("2023-03-06T08:00+08:00")
    scene.tick()
    timer = scene.stage.timer(code, "rectify")
    assert timer.next_at > scene.stage.clock.now()


# 7. What is overtaken before it left is taken back with a reason.


def test_7_a_case_submitted_before_the_message_left_takes_the_message_back(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T01:00+08:00")
    scene.stage.sweep()
    scene.stage.at("2023-02-25T07:30+08:00")
    scene.stage.fix(code)
    scene.deliver()
    for post in ("inspector", "inspector-2"):
        scene.expect(post, code, "待复查")
    scene.nothing_else()
    taken_back = [n for n in scene.stage.notices(code) if n.purpose == "overdue"]
    assert {n.state for n in taken_back} == {"cancelled"}
    assert all(n.reason for n in taken_back)


def test_7_the_send_path_reads_the_state_again(scene: Scene) -> None:
    """The case moved behind the planner's back: what doesn't hold any more is not said."""
    code = scene.stage.to_assigned()
    scene.stage.do("update cases set state = 'closed', ended_at = '2023-02-20Z' where code = :code", code=code)
    scene.deliver()
    scene.nothing_else()
    assert scene.states(code) == {"cancelled": 3}


# 9. Deadlines in working time: tests/unit/test_deadlines.py has the arithmetic; here it reaches people.


def test_9_the_reviewers_clock_rests_on_the_weekend_and_the_owners_does_not(scene: Scene) -> None:
    scene.stage.at("2023-02-24T16:00+08:00")
    code = scene.stage.to_submitted(sla_class="g7")
    scene.quiet_start()
    scene.stage.at("2023-03-01T17:59+08:00")
    scene.tick()
    scene.nothing_else()
    scene.stage.at("2023-03-01T18:00+08:00")
    scene.tick()
    for post in ("inspector", "inspector-2", "dispatcher"):
        scene.expect(post, code, "复查超时")
    scene.nothing_else()


# 11. Warnings before the deadline: each once; a deadline moved forward folds those that passed.


def test_11_each_warning_before_the_deadline_is_said_once(scene: Scene) -> None:
    code = scene.stage.to_rectifying(sla_class="g7")
    scene.quiet_start()
    for day in ("2023-02-25", "2023-02-26", "2023-02-27", "2023-02-28"):
        scene.stage.at(f"{day}T08:00+08:00")
        scene.tick()
    warnings = scene.heard("owner")
    assert ["临期提醒" in text for text in warnings] == [True, True, False]
    assert "整改期限" in warnings[2]
    assert all(code in text for text in warnings)


def test_11_a_deadline_moved_forward_folds_the_warnings_it_has_passed(scene: Scene) -> None:
    code = scene.stage.to_rectifying(sla_class="g15")
    scene.stage.at("2023-02-22T10:00+08:00")
    scene.quiet_start()
    scene.stage.act("office-head", "regrade", code, sla_class="g3")
    scene.deliver()
    scene.phones.forget()
    scene.tick()
    said = scene.expect("owner", code)
    assert "临期提醒" in said.text
    scene.expect("grid-1", code)
    scene.expect("dispatcher", code)
    scene.nothing_else()


# 12. Many hazards to one person in one sweep are one message.


def test_12_thirteen_hazards_to_one_person_are_one_message_that_lists_ten_and_counts_three(scene: Scene) -> None:
    codes = [scene.stage.to_rectifying() for _ in range(13)]
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    said = scene.expect("village-1", "13项", "还有3项")
    assert sum(code in said.text for code in codes) == 10
    assert len(scene.heard("head-fire")) == 1


# 13. A change of policy leaves running cases alone; an explicit re-plan is audited.


def test_13_a_new_ladder_binds_new_timers_only_until_a_replan(scene: Scene) -> None:
    old = scene.stage.to_rectifying()
    scene.stage.do("insert into ladder (township_id, clock, grade, version, repeat_hours) select township_id, clock, grade, 2, 24"
                   " from ladder where clock = 'rectify' and grade = 'general'")  # fmt: skip
    scene.stage.do("insert into rung (ladder_id, position, level, offset_hours, working, told, urge_letter)"
                   " select max(id), 1, 1, 8, false, '{party_secretary}', false from ladder")  # fmt: skip
    scene.stage.do("update township set revision = revision + 1")
    new = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-24T08:00+08:00")
    scene.tick()
    scene.expect("secretary", new)
    scene.stage.act("office-head", "replan", old)
    scene.tick()
    scene.expect("secretary", old)
    assert scene.stage.history(old)[-2].trigger == "replan"


# 14. Who stands in is told beside the person who is away; what every message says is read in test_letters.py.


def test_14_a_stand_in_is_told_beside_the_person_who_is_away(scene: Scene) -> None:
    scene.stage.do(
        "insert into holding (person_id, post_id, from_day, to_day, deputy_of_id) select d.id, post.id, '2023-02-20', '2023-03-20', a.id"
        " from person d, person a, post where d.key = 'p-village-2' and a.key = 'p-village-1' and post.code = 'village-1'"
    )
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    scene.expect("village-1", code)
    assert "代" in scene.expect("village-2", code).text


# 16. A poison hazard stands aside with a reason; the others are told.


def test_16_one_poison_hazard_is_set_aside_and_the_others_are_told(scene: Scene) -> None:
    poison, *others = [scene.stage.to_rectifying() for _ in range(6)]
    scene.stage.do("update timer set rung_at = rung_at || timestamptz '2023-02-24Z', fired = 8"
                   " where case_id = (select id from cases where code = :code) and clock = 'rectify'", code=poison)  # fmt: skip
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    said = scene.expect("village-1", "5项")
    assert all(code in said.text for code in others)
    assert poison not in said.text
    found = watch(scene.stage.engine, scene.stage.clock)
    assert [finding.code for finding in found.findings if finding.kind == "quarantine"] == [poison]
    scene.deliver()
    scene.expect("office-head", "系统自检")


@pytest.mark.parametrize("trouble", ["57P01", "42703"], ids=["the database goes away", "code and schema do not fit"])
def test_16_trouble_that_is_no_hazards_fault_sets_none_aside(scene: Scene, trouble: str) -> None:
    codes = [scene.stage.to_rectifying() for _ in range(3)]
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")

    def fail(*said: Any) -> None:
        if "escalate" in said[2]:
            raise DBAPIError.instance("", {}, lookup(trouble)("trouble"), Error)

    event.listen(scene.stage.engine, "before_cursor_execute", fail)
    with pytest.raises(DBAPIError):
        scene.stage.sweep()
    event.remove(scene.stage.engine, "before_cursor_execute", fail)
    scene.tick()
    said = scene.expect("village-1", "3项")
    assert all(code in said.text for code in codes)


# 19. A slow provider holds no database transaction.


def test_19_while_a_slow_provider_answers_no_transaction_is_open(scene: Scene) -> None:
    scene.stage.to_assigned()
    scene.phones.now("slow", seconds=1.5, only=person_of("owner"))
    sending = threading.Thread(target=scene.deliver)
    sending.start()
    scene.phones.wait_for(person_of("owner"))
    open_ones = scene.stage.all(
        "select state, query from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null"
    )
    sending.join()
    assert open_ones == []
    scene.expect("owner", "隐患交办")


def test_history_holds_after_all_of_it(scene: Scene) -> None:
    for _ in range(3):
        scene.stage.to_rectifying()
    for day in range(21, 29):
        scene.stage.at(f"2023-02-{day}T12:00+08:00")
        scene.tick()
    with transaction(scene.stage.engine) as session:
        assert audit(session) == []
