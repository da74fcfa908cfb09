"""Line 18: a message's state only ever moves forward, and whoever asks sees when it was decided, when it left, how it ended, how long it
took.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from models.cluster import Cluster
from models.database import engine, transaction
from models.enumerations import NoticeState
from notifications.outcome import SENT, Outcome
from notifications.told import Told, told
from tests.acceptance.conftest import DEAF, Scene
from tests.town import person_of

# Which state may follow which; from sent on there is only what the far end says later.
FORWARD = {
    "planned": {"held", "pending", "bundled", "cancelled", "expired", "failed"},
    "held": {"pending", "bundled", "cancelled", "expired", "failed"},
    "pending": {"sending", "bundled", "cancelled", "expired", "failed"},
    "sending": {"sent", "retry", "failed", "unknown"},
    "retry": {"sending", "cancelled", "failed"},
    "bundled": {"cancelled"},
    "sent": {"delivered"},
}
RECORDER = """
create table moved (id bigint, before text, after text);
create function record_move() returns trigger language plpgsql security definer as $$
begin
    if tg_op = 'INSERT' then insert into moved values (new.id, null, new.state);
    elsif old.state <> new.state then insert into moved values (new.id, old.state, new.state); end if;
    return new;
end $$;
create trigger every_move after insert or update on notice for each row execute function record_move();
grant select on moved to public;
"""


@pytest.fixture
def moves(scene: Scene, cluster: Cluster) -> None:
    """From here on the database itself writes down every move of every message."""
    owner = engine(cluster.url(str(scene.stage.engine.url.database), "owner"))
    with owner.begin() as connection:
        connection.execute(text(RECORDER))
    owner.dispose()


def of(scene: Scene, code: str, post: str) -> list[Told]:
    with transaction(scene.stage.engine) as session:
        return told(session, scene.stage.township_id, code=code, person=person_of(post))


def test_18_the_timeline_says_when_a_message_comes_back_and_what_its_reader_did(scene: Scene) -> None:
    scene.phones.now("status", status=503, only="p-owner")
    code = scene.stage.to_assigned()
    scene.deliver()
    waits = of(scene, code, "owner")[0]
    assert waits.state == "retry" and waits.try_at and waits.try_at > scene.stage.clock.wall()
    assert (waits.seen_at, waits.answered_at) == (None, None)
    scene.phones.now("ok", only="p-owner")
    scene.stage.later(minutes=3)
    scene.deliver()
    assert of(scene, code, "owner")[0].try_at is None
    scene.stage.do("update notice set seen_at = :wall where state = 'sent'", wall=scene.stage.clock.wall())
    scene.stage.later(hours=1)
    scene.stage.act("owner", "acknowledge", code)
    told_first = of(scene, code, "owner")[-1]
    assert (told_first.seen_at, told_first.answered_at) == (scene.stage.clock.wall() - timedelta(hours=1), scene.stage.clock.now())


@pytest.mark.usefixtures("moves")
def test_18_in_a_stormy_week_no_message_ever_moves_backwards(scene: Scene) -> None:
    stage = scene.stage
    for place in ("shop", "shop-2"):
        stage.to_rectifying(place=place)
    stage.ask_extension(stage.to_rectifying(sla_class="g30"))
    stage.to_rectifying(place="pit", grade="major")
    moods = ("ok", "status", "reset_after", "refuse_before", "half")
    for hour in range(0, 7 * 24, 5):
        stage.later(hours=5)
        for number, post in enumerate(("owner", "owner-2", "grid-1", "village-1", "head-fire", "dispatcher", "deputy")):
            mood = moods[(hour + number) % len(moods)]
            scene.phones.now(mood, only=person_of(post), **({"status": 503} if mood == "status" else {}))
        if hour == 45:
            with pytest.raises(SystemExit):
                scene.stage.find()
                scene.deliver(channel=_dies)
        scene.tick()
    moved = {(row.before, row.after) for row in stage.all("select distinct before, after from moved where before is not null")}
    assert {after for _, after in moved} >= {"held", "bundled", "sent", "retry", "unknown"}
    assert [(before, after) for before, after in moved if after not in FORWARD.get(before, ())] == []
    ended = "select count(*) as n from moved where before in ('failed', 'unknown', 'cancelled', 'expired', 'delivered')"
    assert stage.one(ended).n == 0


def _dies(*_: str) -> Outcome:
    raise SystemExit("killed while sending")


def test_18_the_states_and_their_ends_are_all_named() -> None:
    assert set(FORWARD) | {after for followers in FORWARD.values() for after in followers} == set(NoticeState)


def test_18_an_answer_that_comes_after_the_claim_had_ended_changes_nothing(scene: Scene) -> None:
    code = scene.stage.to_assigned()

    def slow(*_: str) -> Outcome:
        scene.stage.later(minutes=10)
        scene.deliver(channel=lambda *_: SENT)
        return SENT

    scene.stage.do("delete from notice where person_id <> (select id from person where key = 'p-owner')")
    scene.deliver(channel=slow)
    assert [(each.state, each.sent_at) for each in of(scene, code, "owner")] == [("unknown", None)]


def test_18_the_timeline_says_when_it_was_decided_when_it_left_and_how_long_that_took(scene: Scene) -> None:
    code = scene.stage.to_assigned()
    decided = scene.stage.clock.now()
    scene.stage.later(seconds=20)
    scene.deliver()
    (line,) = of(scene, code, "owner")
    assert (line.state, line.channel, line.planned_at, line.sent_at) == ("sent", "json", decided, scene.stage.clock.now())
    assert (line.seconds, line.waited) == (20.0, 20.0)


def test_18_what_quiet_hours_held_has_taken_long_and_waited_little(scene: Scene) -> None:
    scene.stage.at("2023-02-20T23:00+08:00")
    code = scene.stage.to_assigned()
    scene.deliver()
    assert [(each.state, each.reason, each.seconds) for each in of(scene, code, "owner")] == [("held", "quiet_hours", None)]
    scene.stage.at("2023-02-21T07:01+08:00")
    scene.deliver()
    assert [(each.state, each.seconds, each.waited) for each in of(scene, code, "owner")] == [("sent", 8 * 3600 + 60.0, 60.0)]


def test_18_retries_failures_and_unknowns_are_shown_with_why_and_when(scene: Scene) -> None:
    scene.phones.now("status", only=person_of("owner"), status=503)
    code = scene.stage.to_assigned()
    scene.deliver()
    (waiting,) = of(scene, code, "owner")
    assert (waiting.state, waiting.reason, waiting.attempts, waiting.seconds) == ("retry", "try_again", 1, None)
    scene.phones.now("reset_after", only=person_of("owner"))
    scene.stage.later(minutes=2)
    scene.deliver()
    (lost,) = of(scene, code, "owner")
    assert (lost.state, lost.reason, lost.attempts, lost.sent_at, lost.seconds) == ("unknown", "no_answer", 2, None, 120.0)
    scene.phones.now("status", only=person_of("owner"), status=404)
    other = scene.stage.to_assigned()
    scene.stage.later(seconds=30)
    scene.deliver()
    (refused,) = of(scene, other, "owner")
    assert (refused.state, refused.reason, refused.seconds) == ("failed", "channel_gone", 30.0)
    assert "404" in (refused.error or "")


def test_18_the_lines_of_a_bundle_have_its_outcome_each_with_its_own_wait(scene: Scene) -> None:
    first = scene.stage.to_assigned()
    scene.stage.later(seconds=60)
    second = scene.stage.to_assigned()
    scene.stage.later(seconds=10)
    scene.deliver()
    ((early,), (late,)) = (of(scene, code, "owner") for code in (first, second))
    assert (early.state, early.seconds, late.state, late.seconds) == ("sent", 70.0, "sent", 10.0)
    assert early.text == late.text


def test_18_no_channels_address_is_in_the_timeline(scene: Scene) -> None:
    owner = scene.stage.one("select id from person where key = 'p-owner'").id
    scene.stage.do("update channel set url = :url where person_id = :id", url=DEAF[0].format(person="secret-key"), id=owner)
    code = scene.stage.to_assigned()
    scene.deliver()
    assert "secret-key" not in repr(of(scene, code, "owner"))
