"""Line 8: who takes a rung up holds the chain until the time they promised; nothing done by then, they are reminded and it goes on.

The hazard of these tests was due on 23 February at midnight: level 1 on the 25th, level 2 (the deputy in charge) on the 27th, level 3
(the township head) on 1 March, each as its day begins.
"""

from __future__ import annotations

from tests.acceptance.conftest import Scene


def to_level_2(scene: Scene) -> str:
    """A hazard whose second level has just been told, on the morning of 27 February."""
    code = scene.stage.to_rectifying()
    for morning in ("2023-02-25T08:00+08:00", "2023-02-27T08:00+08:00"):
        scene.stage.at(morning)
        scene.tick()
    scene.expect("deputy", code, "逾期升级·2级")
    scene.quiet_start()
    return code


def test_8_a_promise_beyond_the_next_rung_holds_it_back_and_reminds_who_promised_when_it_goes_on(scene: Scene) -> None:
    code = to_level_2(scene)
    scene.stage.at("2023-02-28T20:00+08:00")
    scene.stage.act("deputy", "take_up", code, promised_at="2023-03-01T12:00:00+08:00", note="上午现场督办")
    for moment in ("2023-03-01T00:30+08:00", "2023-03-01T08:00+08:00", "2023-03-01T11:59+08:00"):
        scene.stage.at(moment)
        scene.tick()
    scene.nothing_else()
    scene.stage.at("2023-03-01T12:00+08:00")
    scene.tick()
    for post in ("deputy", "mayor", "dispatcher"):
        scene.expect(post, code, "逾期升级·3级", "接手时承诺3月1日12:00前办理，未见进展")
    assert scene.stage.refused("deputy", "take_up", code, promised_at="2023-03-01T18:00:00+08:00", note="再等等") == "own_rung"
    scene.nothing_else()
    scene.stage.at("2023-03-03T08:00+08:00")
    scene.tick()
    scene.expect("secretary", code, "逾期升级·4级")
    scene.expect("dispatcher", code, "逾期升级·4级")
    scene.nothing_else()


def test_8_a_promise_that_ends_before_the_next_rung_is_reminded_of_and_the_rung_comes_in_its_time(scene: Scene) -> None:
    code = to_level_2(scene)
    scene.stage.act("deputy", "take_up", code, promised_at="2023-02-27T15:00:00+08:00", note="中午更换")
    scene.stage.at("2023-02-27T14:59+08:00")
    scene.tick()
    scene.nothing_else()
    scene.stage.at("2023-02-27T15:00+08:00")
    scene.tick()
    for post in ("deputy", "dispatcher"):
        scene.expect(post, code, "逾期升级·2级", "接手时承诺2月27日15:00前办理，未见进展")
    scene.nothing_else()
    scene.stage.at("2023-02-28T20:00+08:00")
    scene.tick()
    scene.nothing_else()
    scene.stage.at("2023-03-01T08:00+08:00")
    scene.tick()
    for post in ("mayor", "dispatcher"):
        scene.expect(post, code, "逾期升级·3级")
    scene.nothing_else()


def test_8_a_promise_that_was_kept_is_spoken_of_no_more(scene: Scene) -> None:
    code = to_level_2(scene)
    scene.stage.act("deputy", "take_up", code, promised_at="2023-02-27T15:00:00+08:00", note="中午更换")
    scene.stage.at("2023-02-27T13:00+08:00")
    scene.stage.fix(code)
    scene.quiet_start()
    scene.stage.at("2023-02-27T15:00+08:00")
    scene.tick()
    scene.nothing_else()


def test_8_a_rung_is_taken_up_once_and_the_next_one_anew(scene: Scene) -> None:
    code = to_level_2(scene)
    scene.stage.act("deputy", "take_up", code, promised_at="2023-02-27T15:00:00+08:00", note="中午更换")
    assert scene.stage.refused("deputy", "take_up", code, promised_at="2023-02-27T18:00:00+08:00", note="再等等") == "once_a_rung"
    scene.stage.at("2023-02-27T15:00+08:00")
    scene.tick()
    assert scene.stage.refused("deputy", "take_up", code, promised_at="2023-02-27T18:00:00+08:00", note="再等等") == "once_a_rung"
    scene.stage.at("2023-03-01T08:00+08:00")
    scene.tick()
    assert scene.stage.refused("deputy", "take_up", code, promised_at="2023-03-01T18:00:00+08:00", note="再等等") == "own_rung"
    scene.stage.act("mayor", "take_up", code, promised_at="2023-03-01T18:00:00+08:00", note="下午开会解决")


def test_8_a_promise_reaches_a_day_ahead_at_most(scene: Scene) -> None:
    code = to_level_2(scene)
    refused = scene.stage.refused("deputy", "take_up", code, promised_at="2023-02-28T08:01:00+08:00", note="明天")
    assert refused == "promise_within_a_day"


def test_8_the_chain_of_a_major_hazard_is_never_held(scene: Scene) -> None:
    code = scene.stage.to_rectifying(place="pit", grade="major")
    scene.stage.at("2023-03-29T08:00+08:00")
    scene.tick()
    assert scene.stage.case(code).level > 0
    soon = {"promised_at": "2023-03-29T12:00:00+08:00", "note": "马上处理"}
    told = scene.stage.history(code)[-1].facts["told"]
    assert {scene.stage.refused(post, "take_up", code, **soon) for post in told} <= {"not_for_major", "post"}
    assert "not_for_major" in {scene.stage.refused(post, "take_up", code, **soon) for post in told}


