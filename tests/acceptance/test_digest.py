"""每日清单: at half past eight each post hears in one message what is theirs to do, what is late, and what waits for their decision."""

from __future__ import annotations

import pytest

from models.database import as_json, transaction
from notifications.countdown import countdown_due
from tests.acceptance.conftest import Scene


def policy(scene: Scene, **said: object) -> None:
    scene.stage.do("update township set rules = rules || cast(:said as jsonb)", said=as_json({"digest": {"days": "all", **said}}))


def morning(scene: Scene, moment: str) -> int:
    """What the schedule does then: lists are made, messages go out."""
    scene.stage.at(moment)
    with transaction(scene.stage.engine) as session:
        made = countdown_due(session, scene.stage.clock).digests
    scene.deliver()
    return made


def alone(scene: Scene) -> None:
    """The cases' own messages are nobody's concern in this test."""
    scene.stage.do("delete from notice")


def test_each_post_hears_once_what_is_theirs_what_is_late_and_what_they_have_to_decide(scene: Scene) -> None:
    policy(scene)
    late, waits = scene.stage.to_rectifying(), scene.stage.to_verified("shop-2")
    new = scene.stage.find("inspector", "shop-2")
    alone(scene)
    assert morning(scene, "2023-02-25T08:29+08:00") == 0
    assert morning(scene, "2023-02-25T08:30+08:00") > 0
    scene.expect("dispatcher", "【每日清单】", "应办1项，逾期1项，待审0项", new, "/inbox")
    scene.expect("office-head", "应办0项", "待审1项", waits)
    for post in ("village-1", "head-fire", "deputy", "mayor", "secretary", "grid-1"):
        said = scene.expect(post, "【每日清单】", "应办0项", "待审0项", late)
        assert said.title.startswith("每日清单")
    scene.nothing_else()
    for hour in ("09:00", "15:00"):
        assert morning(scene, f"2023-02-25T{hour}+08:00") == 0
    scene.nothing_else()


def test_who_has_nothing_to_do_hears_nothing(scene: Scene) -> None:
    policy(scene)
    code = scene.stage.to_rectifying()
    alone(scene)
    morning(scene, "2023-02-21T08:30+08:00")
    scene.nothing_else()
    assert scene.stage.timer(code, "rectify").due_at > scene.stage.clock.now()


def test_a_township_that_says_nothing_has_no_lists(scene: Scene) -> None:
    scene.stage.to_rectifying()
    alone(scene)
    assert morning(scene, "2023-02-25T08:30+08:00") == 0
    scene.nothing_else()


# 25 and 26 February 2023 are a weekend.
@pytest.mark.parametrize(("days", "made"), [("all", [True, True, True]), ("working", [False, False, True])])
def test_weekends_are_left_out_only_where_the_township_says_so(scene: Scene, days: str, made: list[bool]) -> None:
    policy(scene, days=days, to=["station_head"])
    code = scene.stage.to_rectifying()
    alone(scene)
    assert [morning(scene, f"2023-02-{day}T08:30+08:00") > 0 for day in (25, 26, 27)] == made
    for day in range(sum(made)):
        said = next(each for each in scene.phones.to("p-head-fire")[day:])
        assert code in said.text
    assert len(scene.phones.to("p-head-fire")) == sum(made)


def test_the_longest_overdue_comes_first_and_what_is_beyond_the_cap_is_counted(scene: Scene) -> None:
    scene.stage.do("""update township set rules = rules || '{"bundle_cap": 2}'""")
    policy(scene, to=["station_head"])
    first = scene.stage.to_rectifying()
    scene.stage.later(hours=30)
    second, third = scene.stage.to_rectifying("shop-2"), scene.stage.to_rectifying("pit", sla_class="g3")
    alone(scene)
    morning(scene, "2023-02-26T08:30+08:00")
    said = scene.expect("head-fire", "逾期3项", f"1. 〔整改〕{first}", f"2. 〔整改〕{second}", "还有1项")
    assert third not in said.text
    scene.nothing_else()


def test_after_downtime_only_today_s_list_is_made(scene: Scene) -> None:
    policy(scene, to=["station_head"])
    code = scene.stage.to_rectifying()
    alone(scene)
    morning(scene, "2023-02-28T11:00+08:00")
    scene.expect("head-fire", code)
    scene.nothing_else()


def test_in_quiet_hours_no_list_is_made(scene: Scene) -> None:
    policy(scene, to=["station_head"])
    scene.stage.to_rectifying()
    alone(scene)
    assert morning(scene, "2023-02-28T23:00+08:00") == 0
    scene.nothing_else()


HOLDS = ["reminder", "overdue", "review", "approval", "review_overdue", "to_dispatch"]


def test_what_does_not_hurry_waits_for_the_list_and_is_not_said_twice(scene: Scene) -> None:
    policy(scene, holds=HOLDS)
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.do("delete from notice where state = 'held'")
    scene.stage.at("2023-02-25T00:30+08:00")
    scene.tick()
    assert scene.stage.case(code).level == 1, "the decision never waits"
    for moment in ("2023-02-25T07:00+08:00", "2023-02-25T08:00+08:00"):
        scene.stage.at(moment)
        scene.tick()
    scene.nothing_else()
    morning(scene, "2023-02-25T08:30+08:00")
    for post in ("village-1", "head-fire"):
        scene.expect(post, "【每日清单】", code)
    told = {each.reached: (each.state, each.purpose) for each in scene.stage.notices(code) if each.rung}
    assert told["village-1"] == ("bundled", "overdue"), "told by the list"
    scene.stage.at("2023-02-25T09:00+08:00")
    scene.deliver()
    assert len(scene.heard("village-1")) == 1


def test_level_two_and_major_hazards_do_not_wait_for_the_list(scene: Scene) -> None:
    policy(scene, holds=HOLDS)
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-27T09:00+08:00")
    scene.tick()
    assert scene.stage.case(code).level == 2
    scene.expect("deputy", code, "逾期升级·2级")


def test_without_a_list_what_waited_for_it_goes_out_ten_minutes_later(scene: Scene) -> None:
    policy(scene, holds=HOLDS, to=["party_secretary"])
    code = scene.stage.find()
    scene.deliver()
    scene.nothing_else()
    morning(scene, "2023-02-21T08:30+08:00")
    scene.nothing_else()
    morning(scene, "2023-02-21T08:40+08:00")
    scene.expect("dispatcher", code, "待交办")
    scene.nothing_else()


def test_the_list_of_a_robot_that_is_gone_goes_to_the_next_channel(scene: Scene) -> None:
    policy(scene, to=["station_head"])
    code = scene.stage.to_rectifying()
    alone(scene)
    spare = scene.phones.url_for("spare")
    scene.stage.do("insert into channel (person_id, position, url) select id, 2, :url from person where key = 'p-head-fire'", url=spare)
    scene.phones.now("status", status=410, only="p-head-fire")
    morning(scene, "2023-02-25T08:30+08:00")
    assert [each for each in scene.phones.to("spare") if code in each.text and "每日清单" in each.text]
