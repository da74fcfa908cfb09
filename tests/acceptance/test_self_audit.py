"""Line 17: whoever watches is watched. What could silence the chain is found, mended where it can be, told to the office; and the alarm
outside stays quiet only after an audit that found nothing.
"""

from __future__ import annotations

from statemachines.watch import Watched, watch
from tests.acceptance.conftest import Scene
from tests.integration.test_watch import switch


def audit(scene: Scene, deadman: str | None = None) -> Watched:
    return watch(scene.stage.engine, scene.stage.clock, deadman)


def test_17_a_hazard_whose_clock_was_lost_climbs_as_if_it_never_had_been(scene: Scene) -> None:
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.do("delete from timer")
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.tick()
    scene.nothing_else()
    assert [(each.code, each.mended) for each in audit(scene).findings] == [(code, True)]
    scene.tick()
    scene.expect("office-head", "系统自检", "发现1处异常", code)
    for post in ("owner", "grid-1", "village-1", "head-fire", "dispatcher"):
        scene.expect(post, code, "逾期升级·1级")
    scene.nothing_else()
    assert audit(scene).clean


def test_17_a_sweep_that_stopped_is_noticed_and_the_alarm_outside_is_not_kept_quiet(scene: Scene) -> None:
    scene.stage.to_rectifying()
    scene.quiet_start()
    with switch() as (address, called):
        audit(scene, address)
        assert len(called) == 1
        scene.stage.at("2023-02-25T08:00+08:00")
        assert [each.kind for each in audit(scene, address).findings] == ["late"]
        assert len(called) == 1
        scene.deliver()
        scene.expect("office-head", "系统自检")
        scene.tick()
        assert audit(scene, address).clean
        assert len(called) == 2


def test_17_a_sender_that_stopped_is_noticed_message_by_message(scene: Scene) -> None:
    scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-25T08:00+08:00")
    scene.stage.sweep()
    scene.stage.at("2023-02-25T12:00+08:00")
    found = audit(scene).findings
    assert {each.kind for each in found} == {"stuck"}
    assert len(found) == 5


def test_17_a_closure_that_nobody_could_approve_is_told_to_the_office_before_it_is_due(scene: Scene) -> None:
    scene.stage.do("update holding set to_day = '2023-02-18' from post where post.id = post_id and kind in ('station_head',"
                   " 'deputy_in_charge', 'township_head', 'party_secretary', 'district_office')")  # fmt: skip
    scene.stage.do("update holding set person_id = (select id from person where key = 'p-owner') from post"
                   " where post.id = post_id and code = 'office-head'")  # fmt: skip
    code = scene.stage.to_submitted()
    scene.quiet_start()
    found = [each for each in audit(scene).findings if each.code == code]
    assert [each.kind for each in found] == ["approver"]
    scene.deliver()
    scene.expect("owner", "系统自检")


def test_17_an_audit_repeated_all_day_tells_the_office_once(scene: Scene) -> None:
    scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.do("update timer set quarantined_at = '2023-02-20Z', quarantine_reason = '阶梯不存在' where stopped_at is null")
    for hour in range(11, 20):
        scene.stage.at(f"2023-02-20T{hour}:00+08:00")
        assert not audit(scene).clean
        scene.deliver()
    scene.expect("office-head", "系统自检")
    scene.nothing_else()
