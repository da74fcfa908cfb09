"""A robot and a person are spoken to no more often than they bear; what is too much waits under its name, and nothing is lost."""

from __future__ import annotations

import threading

import pytest
from apprise.plugins.wecombot import NotifyWeComBot

from notifications.deliver import deliver_due
from tests.acceptance.conftest import Scene

ROBOT = "wecombot://abcdef0123456789abcdef"


@pytest.fixture
def group(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Everybody of the township is told through one robot in one group, which takes twenty messages a minute."""
    monkeypatch.setattr(NotifyWeComBot, "notify_url", scene.phones.base("wecombot", "group") + "?key={key}")
    scene.stage.do("update channel set url = :url", url=ROBOT)
    return scene


def queued(scene: Scene) -> list[tuple[str, str | None, int]]:
    """What waits, why, and how often it has been tried."""
    rows = scene.stage.all("select state, reason, attempts from notice where state in ('planned', 'held', 'pending', 'retry') order by id")
    return [(row.state, row.reason, row.attempts) for row in rows]


def burst(scene: Scene) -> None:
    """A hazard is assigned every two seconds, a dozen of them; two people hear of each."""
    for place in ("shop", "shop-2", "pit") * 4:
        scene.stage.to_assigned(place, sla_class="g3")
        scene.deliver()
        scene.stage.later(seconds=2)


def test_a_robot_of_twenty_a_minute_gets_no_more_and_the_rest_waits_in_its_turn(group: Scene) -> None:
    burst(group)
    said = len(group.phones.to("group"))
    assert said == 16, "a fifth is kept for what is urgent"
    waiting = queued(group)
    assert waiting
    assert set(waiting) == {("pending", "channel_limit", 0)}
    group.deliver()
    assert len(group.phones.to("group")) == said, "asking again changes nothing"
    group.stage.later(seconds=90)
    group.deliver()
    assert queued(group) == []
    assert group.stage.one("select count(*) as n from notice where state in ('failed', 'unknown', 'expired')").n == 0
    heard = "".join(each.text for each in group.phones.to("group"))
    assert all(row.code in heard for row in group.stage.all("select code from cases where kind = 'hazard'"))


def test_a_major_hazard_does_not_wait_behind_reminders(group: Scene) -> None:
    burst(group)
    code = group.stage.to_assigned("pit", grade="major")
    group.deliver()
    assert "pending" not in group.states(code), "there was room kept for it"
    assert code in "".join(each.text for each in group.phones.to("group"))
    assert queued(group), "the others still wait"


def test_what_waits_for_the_robot_is_told_together_with_what_comes_meanwhile(group: Scene) -> None:
    burst(group)
    people = {row.person_id for row in group.stage.all("select person_id from notice where state = 'pending'")}
    assert len(queued(group)) == len(people), "one message a person"
    group.stage.later(seconds=90)
    before = len(group.phones.to("group"))
    group.deliver()
    assert len(group.phones.to("group")) - before == len(people)
    assert any("2项" in each.text or "3项" in each.text for each in group.phones.to("group")[before:])


def test_two_senders_at_once_keep_the_limit_together(group: Scene) -> None:
    for place in ("shop", "shop-2", "pit") * 6:
        group.stage.to_assigned(place, sla_class="g3")
    group.stage.do("update notice set state = 'pending', not_before = planned_at")  # as if nobody had put them together
    senders = [threading.Thread(target=deliver_due, args=(group.stage.engine, group.stage.clock)) for _ in range(3)]
    for each in senders:
        each.start()
    for each in senders:
        each.join(30)
    sent = len(group.phones.to("group"))
    assert sent == 16
    dropped = group.stage.one("select count(*) as n from notice where state = 'cancelled'").n
    assert sent + len(queued(group)) + dropped == group.stage.one("select count(*) as n from notice").n


def test_a_person_who_has_been_told_enough_within_the_hour_hears_the_rest_in_one_message(scene: Scene) -> None:
    scene.stage.do("""update township set rules = rules || '{"hourly_cap": 3}'""")
    for _ in range(3):
        code = scene.stage.find()
        scene.deliver()
        scene.expect("dispatcher", code)
        scene.stage.later(minutes=10)
    first, second = scene.stage.find(), scene.stage.find(place="shop-2")
    scene.deliver()
    scene.nothing_else()
    assert set(queued(scene)) == {("held", "person_limit", 0)}
    scene.stage.later(minutes=29)
    scene.deliver()
    scene.nothing_else()
    scene.stage.later(minutes=1)
    scene.deliver()
    scene.expect("dispatcher", "2项", first, second)
    scene.nothing_else()


def test_a_major_hazard_is_told_to_whom_has_been_told_enough(scene: Scene) -> None:
    scene.stage.do("""update township set rules = rules || '{"hourly_cap": 1}'""")
    code = scene.stage.find()
    scene.deliver()
    scene.expect("dispatcher", code)
    major = scene.stage.find(place="pit", grade="major")
    scene.deliver()
    for post in {each.meant for each in scene.stage.notices(major)}:
        scene.expect(post, major)
    scene.nothing_else()
