"""Line 10: quiet hours (half past nine in the evening to seven) hold a message, never the decision; at their end each person hears once."""

from __future__ import annotations

from tests.acceptance.conftest import Scene

TOLD = ("owner", "grid-1", "village-1", "head-fire", "dispatcher")


def test_10_the_night_holds_messages_not_decisions_and_the_morning_tells_each_person_once(scene: Scene) -> None:
    codes = [scene.stage.to_rectifying() for _ in range(3)]
    scene.quiet_start()
    scene.stage.at("2023-02-25T00:30+08:00")
    scene.tick()
    scene.nothing_else()
    assert [scene.stage.case(code).level for code in codes] == [1, 1, 1]
    scene.stage.at("2023-02-25T06:59:59+08:00")
    scene.tick()
    scene.nothing_else()
    scene.stage.at("2023-02-25T07:00+08:00")
    scene.tick()
    for post in TOLD:
        assert all(code in scene.expect(post, "3项").text for code in codes[:1])
    for minute in range(1, 5):
        scene.stage.at(f"2023-02-25T07:0{minute}+08:00")
        scene.tick()
    scene.nothing_else()


def test_10_what_comes_in_the_night_and_what_comes_in_the_morning_is_one_message(scene: Scene) -> None:
    scene.stage.at("2023-02-20T21:00+08:00")
    night = scene.stage.to_assigned(place="shop-2", sla_class="g15")
    scene.quiet_start()
    scene.stage.at("2023-02-20T23:00+08:00")
    late = scene.stage.to_assigned(place="shop-2", sla_class="g15")
    scene.deliver()
    scene.nothing_else()
    scene.stage.at("2023-02-21T07:00+08:00")
    early = scene.stage.to_assigned(place="shop-2", sla_class="g15")
    scene.tick()
    said = scene.expect("owner-2", "2项")
    assert late in said.text
    assert early in said.text
    assert night not in said.text


def test_10_of_the_rungs_that_a_night_passed_only_the_last_is_told(scene: Scene) -> None:
    """A township whose ladder climbs by the hour."""
    scene.stage.do("insert into ladder (township_id, clock, grade, version, repeat_hours) select township_id, clock, grade, 2, 24"
                   " from ladder where clock = 'rectify' and grade = 'general'")  # fmt: skip
    scene.stage.do("insert into rung (ladder_id, position, level, offset_hours, working, told, urge_letter) select max(id), n, n, n, false,"
                   " '{village_secretary}', false from ladder cross join generate_series(1, 4) n group by n")  # fmt: skip
    scene.stage.do("update township set revision = revision + 1")
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    for hour in range(1, 8):
        scene.stage.at(f"2023-02-24T0{hour}:30+08:00")
        scene.tick()
    scene.expect("village-1", code, "逾期升级·4级")
    scene.nothing_else()


def test_10_a_case_settled_in_the_night_is_not_spoken_of_in_the_morning(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T00:30+08:00")
    scene.tick()
    scene.stage.at("2023-02-25T06:00+08:00")
    scene.stage.fix(code)
    scene.stage.at("2023-02-25T07:00+08:00")
    scene.tick()
    for post in ("inspector", "inspector-2"):
        scene.expect(post, code, "待复查")
    scene.nothing_else()


def test_10_a_major_hazard_breaks_through_the_night_and_takes_nothing_else_with_it(scene: Scene) -> None:
    general = scene.stage.to_rectifying(sla_class="g30")
    major = scene.stage.to_rectifying(place="pit", grade="major")
    assert scene.stage.case(general).due_at == scene.stage.case(major).due_at
    scene.quiet_start()
    scene.stage.clock.advance_to(scene.stage.case(major).due_at)
    scene.stage.later(minutes=30)
    scene.tick()
    assert scene.stage.case(major).level == 1
    assert scene.states(general)["held"] == 3
    for post in ("deputy", "office-head", "owner-3", "grid-2", "head-fire", "dispatcher"):
        said = scene.expect(post, major)
        assert general not in said.text
    scene.nothing_else()
    scene.stage.at("2023-03-23T07:00+08:00")
    scene.deliver()
    for post in ("owner", "grid-1", "dispatcher"):
        scene.expect(post, general)
    scene.nothing_else()
