"""The promise holds for whatever has a state, a move and a limit: duties, applications and public reports climb as hazards do."""

from __future__ import annotations

from sqlalchemy import text

from models.database import transaction
from statemachines.advance import Acting, advance
from tests.acceptance.conftest import Scene

# Duties: what recurs is known to its owner, who hears nothing before it is due


def recurring(scene: Scene, post: str, title: str, *, leader: bool = False) -> str:
    """Today's run of a duty of the township's: due at six in the evening."""
    query = (
        "insert into duty (township_id, code, version, active, title, leader, body)"
        " values (:town, 'x1', 1, true, :title, :leader, '{}') returning id"
    )
    with scene.stage.engine.begin() as connection:
        duty = connection.execute(text(query), {"town": scene.stage.township_id, "title": title, "leader": leader}).scalar_one()
    return scene.stage.owes(post, title, duty_id=duty, leader=leader)


def test_a_duty_done_in_time_is_spoken_of_to_nobody(scene: Scene) -> None:
    code = recurring(scene, "ranger", "林区巡护")
    scene.stage.at("2023-02-20T17:00+08:00")
    scene.stage.act("ranger", "do_duty", code)
    for day in range(21, 25):
        scene.stage.at(f"2023-02-{day}T09:00+08:00")
        scene.tick()
    scene.nothing_else()


def test_a_missed_duty_climbs_from_its_owner_to_the_office_and_the_deputy(scene: Scene) -> None:
    code = recurring(scene, "ranger", "林区巡护")
    scene.tick()
    scene.nothing_else()
    scene.stage.at("2023-02-20T18:00+08:00")
    scene.tick()
    scene.expect("ranger", code, "到期未完成", "林区巡护")
    scene.stage.at("2023-02-21T18:00+08:00")
    scene.tick()
    for post in ("ranger", "dispatcher"):
        scene.expect(post, code, "逾期升级·1级", "林区巡护")
    scene.stage.at("2023-02-22T18:00+08:00")
    scene.tick()
    for post in ("deputy", "dispatcher"):
        scene.expect(post, code, "逾期升级·2级", "林区巡护")
    scene.nothing_else()


def test_a_leaders_duty_climbs_past_the_leaders_to_the_district(scene: Scene) -> None:
    code = recurring(scene, "deputy", "带队检查", leader=True)
    scene.stage.at("2023-02-20T18:00+08:00")
    scene.tick()
    for post in ("deputy", "office-head"):
        scene.expect(post, code, "到期未完成", "带队检查")
    scene.stage.at("2023-02-21T18:00+08:00")
    scene.tick()
    scene.expect("office-head", code, "逾期升级·1级")
    scene.stage.at("2023-02-23T18:00+08:00")
    scene.tick()
    scene.expect("district", code, "逾期升级·2级")
    scene.nothing_else()


def test_a_duty_done_late_stops_its_ladder(scene: Scene) -> None:
    code = recurring(scene, "ranger", "林区巡护")
    scene.stage.at("2023-02-21T18:00+08:00")
    scene.tick()
    scene.stage.at("2023-02-22T09:00+08:00")
    scene.stage.act("ranger", "do_duty", code)
    scene.quiet_start()
    scene.stage.at("2023-02-22T18:00+08:00")
    scene.tick()
    scene.nothing_else()


def test_a_task_that_follows_from_something_is_told_to_its_owner_at_once(scene: Scene) -> None:
    code = scene.stage.owes("office-head", "约谈企业负责人", task="talk")
    scene.deliver()
    scene.expect("office-head", code, "履职任务", "约谈企业负责人")
    scene.nothing_else()


# Applications


def test_an_undecided_extension_climbs_by_working_days_while_the_hazards_own_clock_goes_on(scene: Scene) -> None:
    hazard = scene.stage.to_rectifying(sla_class="g30")
    scene.quiet_start()
    request = scene.stage.ask_extension(hazard)
    scene.deliver()
    scene.expect("deputy", request, "待审批", "延期申请")
    due = scene.stage.timer(request, "decide").due_at
    scene.stage.clock.advance_to(due)
    scene.tick()
    for post in ("deputy", "dispatcher"):
        scene.expect(post, request, "到期未审批")
    climbed = []
    while scene.stage.one("select level from cases where code = :code", code=request).level < 3:
        scene.stage.later(days=1)
        scene.tick()
        climbed += [said for post in ("office-head", "deputy", "mayor") for said in scene.heard(post) if "逾期升级" in said]
    assert {level for level in ("1级", "2级", "3级") if any(f"逾期升级·{level}" in said and request in said for said in climbed)} == {
        "1级", "2级", "3级",
    }  # fmt: skip
    assert [said for said in scene.heard("office-head") if request in said and "逾期升级·1级" in said]
    assert [said for said in scene.heard("mayor") if request in said and "逾期升级·3级" in said]
    assert scene.stage.clocks(hazard) == ["rectify"]


def test_a_decision_ends_the_ladder_of_the_extension_and_is_told(scene: Scene) -> None:
    request = scene.stage.ask_extension(scene.stage.to_rectifying(sla_class="g30"))
    scene.quiet_start()
    scene.stage.act("deputy", "decline", request, reason="measure_incomplete")
    scene.deliver()
    for post in ("owner", "head-fire"):
        scene.expect(post, request, "申请结果", "不予延期", "整改不彻底")
    scene.stage.later(days=9)
    scene.stage.sweep()
    assert [n for n in scene.stage.notices(request) if n.purpose == "overdue"] == []


# Public reports


def test_an_unanswered_report_climbs_from_the_offices_head_to_the_district(scene: Scene) -> None:
    code, _ = scene.stage.report()
    scene.deliver()
    scene.expect("dispatcher", code, "群众举报")
    scene.stage.clock.advance_to(scene.stage.timer(code, "answer").due_at)
    scene.tick()
    for post in ("office-head", "dispatcher"):
        scene.expect(post, code, "到期未答复")
    for level, post in enumerate(("deputy", "mayor", "secretary", "district"), start=1):
        while scene.stage.one("select level from cases where code = :code", code=code).level < level:
            scene.stage.later(hours=4)
            scene.tick()
        scene.expect(post, code, f"逾期升级·{level}级")
        scene.expect("dispatcher", code, f"逾期升级·{level}级")
    scene.nothing_else()


def test_an_answer_ends_the_ladder_and_a_reporter_who_disputes_it_starts_it_anew(scene: Scene) -> None:
    code, _ = scene.stage.report()
    scene.quiet_start()
    scene.stage.act("office-head", "dismiss_report", code, reason="现场通道畅通")
    scene.stage.act("dispatcher", "answer_report", code, answer="经现场核查，通道畅通")
    assert scene.stage.clocks(code) == []
    scene.stage.later(days=1)
    with transaction(scene.stage.engine) as session:
        reporter = Acting(scene.stage.township_id, "reporter", "reporter")
        now = scene.stage.clock.now()
        advance(session, code, "dispute_answer", reporter, now, None, wall=now, facts={"reason": "货物又堆回来了"})
    scene.deliver()
    for post in ("office-head", "dispatcher"):
        scene.expect(post, code, "群众举报", "举报人不满意")
    scene.nothing_else()
    scene.stage.clock.advance_to(scene.stage.timer(code, "answer").due_at)
    scene.tick()
    for post in ("office-head", "dispatcher"):
        scene.expect(post, code, "到期未答复")
    scene.nothing_else()


def test_the_reporter_is_named_in_no_message(scene: Scene) -> None:
    code, _ = scene.stage.report(name="王小二", contact="13800000000")
    scene.stage.at("2023-03-20T09:00+08:00")
    scene.tick()
    said = [message.text for message in scene.phones.messages]
    assert any(code in each for each in said)
    assert not any("王小二" in each or "13800000000" in each for each in said)


# All of them together


def test_whatever_their_kind_what_is_overdue_for_one_person_is_one_message(scene: Scene) -> None:
    hazard = scene.stage.to_rectifying(sla_class="g30")
    codes = [scene.stage.owes("ranger", "林区巡护"), scene.stage.ask_extension(hazard), scene.stage.report()[0]]
    scene.quiet_start()
    scene.stage.at("2023-03-20T09:00+08:00")
    scene.tick()
    said = scene.expect("dispatcher", "项提醒").text
    assert all(code in said for code in codes)
    assert len(scene.heard("dispatcher")) == 1
