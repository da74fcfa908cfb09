"""A run of a duty on a real database: done with its evidence, late, excused by others, cancelled, missed for good once it has closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.clock import day_of
from models.database import transaction
from models.enumerations import DutyTask
from statemachines.duty import set_task
from statemachines.errors import LawError, NotAllowed, Refused
from statemachines.step import NewRun
from tests.stage import Stage


def test_a_duty_is_done_by_who_owes_it_with_the_evidence_that_is_wanted(stage: Stage) -> None:
    run = stage.owes("ranger", wanted=("photo", "document"))
    assert (run, stage.state(run), stage.clocks(run)) == ("LZ-2023-00001", "open", ["duty"])
    assert stage.refused("guard", "do_duty", run) == "post"
    assert stage.refused("ranger", "do_duty", run) == "evidence_wanted"
    stage.picture("ranger", run, "photo")
    assert stage.refused("ranger", "do_duty", run) == "evidence_wanted"
    stage.picture("ranger", run, "document")
    stage.act("ranger", "do_duty", run, note="沿线无火情")
    event = stage.history(run)[-1]
    assert (stage.state(run), stage.clocks(run)) == ("done", [])
    assert event.facts["late"] is False and event.facts["evidence"] == ["document", "photo"]


def test_what_is_done_late_is_done_and_says_so(stage: Stage) -> None:
    run = stage.owes("ranger")
    stage.later(hours=33)
    stage.sweep()
    assert stage.one("select level from cases where code = :code", code=run).level >= 1
    stage.act("ranger", "do_duty", run)
    assert stage.state(run) == "done" and stage.history(run)[-1].facts["late"] is True


def test_nothing_is_done_before_it_begins_or_after_it_has_closed(stage: Stage) -> None:
    now = stage.clock.now()
    ahead = stage.owes("ranger", opens_at=now + timedelta(hours=1))
    run = stage.owes("guard")
    assert stage.refused("ranger", "do_duty", ahead) == "has_begun"
    stage.later(hours=56)
    assert stage.act("guard", "do_duty", run).state == "done"
    stage.later(seconds=1)
    assert stage.refused("ranger", "do_duty", ahead) == "has_begun"


def test_a_duty_is_missed_only_when_it_has_closed_and_only_by_the_system(stage: Stage) -> None:
    run = stage.owes("ranger")
    stage.later(hours=55)
    assert stage.refused("system", "miss", run, person="system") == "is_over"
    stage.later(hours=1)
    for post in ("ranger", "office-head", "secretary"):
        assert stage.refused(post, "miss", run) == "post"
    stage.act("system", "miss", run, person="system")
    assert (stage.state(run), stage.clocks(run)) == ("missed", [])
    assert {n.meant for n in stage.notices(run) if n.purpose == "outcome"} == {"ranger", "office-head"}
    assert stage.refused("office-head", "excuse", run, reason="大雪封山") == "state"


def test_nobody_is_excused_by_themselves_in_any_post(stage: Stage) -> None:
    run = stage.owes("ranger")
    stage.holds("ranger", "office-head")
    stage.holds("guard", "office-head", for_whom="ranger")
    assert stage.refused("ranger", "excuse", run, reason="大雪封山") == "G11"
    assert stage.refused("office-head", "excuse", run, person="p-ranger", reason="大雪封山") == "G11"
    assert stage.refused("office-head", "excuse", run, person="p-guard", reason="大雪封山") == "G11"
    assert stage.refused("office-head", "excuse", run) == "reason_given"
    assert stage.act("office-head", "excuse", run, reason="大雪封山").state == "excused"


def test_any_post_above_excuses_and_none_beside(stage: Stage) -> None:
    assert stage.act("deputy", "excuse", stage.owes("ranger"), reason="抢险").state == "excused"
    assert stage.refused("head-fire", "excuse", stage.owes("guard"), reason="抢险") == "post"


@pytest.mark.parametrize("trigger", ["excuse", "cancel_duty"])
def test_a_leaders_duty_is_let_off_by_a_post_above_theirs_alone(stage: Stage, trigger: str) -> None:
    run = stage.owes("mayor", "镇长带队检查", leader=True)
    assert stage.clocks(run) == ["leader_duty"]
    assert stage.refused("office-head", trigger, run, reason="外出开会") == "leaders_by_superior"
    assert stage.refused("mayor", trigger, run, reason="外出开会") in ("post", "G11")
    assert stage.refused("secretary", "cancel_duty", run, reason="外出开会") == "post"
    assert stage.act("secretary", "excuse", run, reason="外出开会").state == "excused"


def test_a_leader_who_stands_in_above_does_not_excuse_themselves(stage: Stage) -> None:
    run = stage.owes("mayor", "镇长带队检查", leader=True)
    stage.holds("mayor", "secretary", for_whom="secretary")
    assert stage.refused("secretary", "excuse", run, person="p-mayor", reason="外出开会") == "G11"


def test_a_task_that_was_set_by_mistake_is_cancelled_by_the_offices_head_and_not_by_who_owes_it(stage: Stage) -> None:
    run, own = stage.owes("ranger"), stage.owes("office-head")
    assert stage.refused("ranger", "cancel_duty", run, reason="重复布置") == "post"
    assert stage.refused("office-head", "cancel_duty", own, reason="重复布置") == "G11"
    assert stage.act("office-head", "cancel_duty", run, reason="重复布置").state == "cancelled"


def test_who_took_part_in_the_reinspection_does_not_look_again(stage: Stage) -> None:
    run = stage.owes("inspector", "回头看", barred=("p-inspector",))
    assert stage.refused("inspector", "do_duty", run) == "G11"
    stage.holds("inspector-2", "inspector", for_whom="inspector")
    assert stage.refused("inspector", "do_duty", run, person="p-inspector-2") == "G11"
    stage.holds("head-police", "inspector")
    assert stage.act("inspector", "do_duty", run, person="p-head-police").state == "done"


def test_the_same_run_is_opened_once(stage: Stage) -> None:
    stage.owes("ranger")
    with pytest.raises(IndexError):
        stage.owes("ranger")
    assert stage.one("select count(*) as n from cases").n == 1


def test_a_photo_that_was_used_before_or_is_older_than_the_task_proves_nothing(stage: Stage) -> None:
    code = stage.owes("ranger", wanted=("photo",))
    stage.picture("ranger", code, "photo", taken_at=stage.clock.now() - timedelta(days=30))
    assert stage.refused("ranger", "do_duty", code) == "evidence_wanted"
    other = stage.find()
    stage.picture("inspector", other, "before", sha256="ab" * 32)
    stage.picture("ranger", code, "photo", sha256="ab" * 32)
    assert stage.refused("ranger", "do_duty", code) == "evidence_wanted"
    stage.picture("ranger", code, "photo")
    assert stage.act("ranger", "do_duty", code).state == "done"


def test_only_the_office_sets_a_task_and_only_one_of_a_name_for_later_today(stage: Stage) -> None:
    now, owner = stage.clock.now(), stage.one("select id from post where code = 'ranger'").id

    def ask(post: str, hours: int = 6) -> str | LawError:
        due = now + timedelta(hours=hours)
        run = NewRun(owner, "清点灭火器", DutyTask.duty, day_of(now), now, due, due + timedelta(days=3), occasion="清点灭火器")
        try:
            with transaction(stage.engine) as session:
                return set_task(session, stage.acting(post), run, now, stage.clock.wall())
        except LawError as no:
            return no

    assert [type(ask(post)) for post in ("inspector", "mayor", "ranger", "owner")] == [NotAllowed] * 4
    past = ask("dispatcher", hours=0)
    assert isinstance(past, Refused) and past.reason == "due_at"
    assert ask("dispatcher") == "LZ-2023-00001"
    again = ask("office-head")
    assert isinstance(again, Refused) and again.reason == "exists"
    assert stage.history("LZ-2023-00001")[0].post == "dispatcher"
