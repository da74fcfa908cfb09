"""Groups and severities: who hears in which chat, and by which channel, as the folder says. Without the files nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from models.database import transaction
from notifications.addresses import keep
from notifications.channels.apprise import parseable
from notifications.deliver import deliver_due
from notifications.outcome import LOCKED
from papers.township import Loaded, load, read
from tests.acceptance.conftest import Scene
from tests.acceptance.receiver import Mailbox, Phones
from tests.integration.test_foresee import Recorder, live, predicted, sent_of
from tests.stage import Stage
from tests.town import person_of, write_town

Given = Callable[..., Scene]


@pytest.fixture
def given(stage: Stage, tmp_path: Path) -> Iterator[Given]:
    """A township whose folder has these files beside the usual ones; everybody has a phone and a mail address behind it."""
    with Phones() as phones, Mailbox() as mailbox:

        def scene(**files: str) -> Scene:
            folder = write_town(tmp_path / "town", lambda person: f"{phones.url_for(person)} {mailbox.url_for(person)}")
            for name, said in files.items():
                (folder / name.replace("_", ".")).write_text(said.replace("ROBOT", phones.url_for("robot")), encoding="utf8")
            put(stage, folder)
            made = Scene(stage, phones)
            made.mailbox = mailbox  # type: ignore[attr-defined]
            return made

        yield scene


def put(stage: Stage, folder: Path) -> Loaded:
    with transaction(stage.engine) as session:
        return load(session, read(folder, parseable), stage.clock.now())


def group(posts: str, mode: str) -> str:
    return f"key,label,for,mode,channels\ng-1,消防工作群,{posts},{mode},ROBOT\n"


def test_a_teams_group_hears_beside_its_people_and_is_told_whom_it_is_for(given: Given) -> None:
    scene = given(groups_csv=group("fire", "also"))
    code = scene.stage.to_submitted()
    scene.deliver()
    [said] = heard(scene, "robot")
    assert "待复查" in said and code in said and said.startswith("@消防服务中心检查人员 inspector的人 ")
    assert any("待复查" in text for text in scene.heard("inspector")), "and the inspector all the same"
    assert said.endswith(f"/h/{code}"), "nobody acts by a link that all can read"


def heard(scene: Scene, person: str) -> list[str]:
    return [message.text for message in scene.phones.to(person)]


def test_several_posts_in_one_message_are_each_named(given: Given) -> None:
    scene = given(groups_csv=group("inspector|grid-1 owner", "also"))
    scene.stage.to_submitted()
    scene.stage.to_assigned(place="shop-2")
    scene.deliver()
    [said] = heard(scene, "robot")
    assert "@消防服务中心检查人员 inspector的人" in said and "@东村网格员 grid-1的人" in said


def test_a_group_instead_of_its_people_is_the_only_one_that_hears(given: Given) -> None:
    scene = given(groups_csv=group("grid-1", "instead"))
    code = scene.stage.to_assigned()
    scene.deliver()
    scene.phones.expect("robot", code, "@东村网格员 grid-1的人")
    scene.expect("owner", code)
    scene.nothing_else()


def test_when_the_robot_is_gone_the_people_hear_themselves_and_the_office_is_told(given: Given) -> None:
    scene = given(groups_csv=group("grid-1", "instead"))
    scene.phones.now("status", only="robot", status=404)
    code = scene.stage.to_assigned()
    scene.deliver()
    scene.deliver()
    scene.expect("grid-1", code)
    scene.expect("owner", code)
    scene.expect("dispatcher", "通道故障", "消防工作群")
    scene.nothing_else()
    other = scene.stage.to_assigned(place="shop-2")
    scene.deliver()
    scene.expect("grid-1", other)
    scene.expect("owner-2", other)
    scene.nothing_else()


def test_a_robot_beside_its_people_that_is_gone_tells_nobody_twice(given: Given) -> None:
    scene = given(groups_csv=group("grid-1", "also"))
    scene.phones.now("status", only="robot", status=404)
    code = scene.stage.to_assigned()
    scene.deliver()
    scene.deliver()
    scene.expect("grid-1", code)
    scene.expect("owner", code)
    scene.expect("dispatcher", "通道故障")
    scene.nothing_else()


def test_people_who_hear_by_another_channel_than_their_first_are_not_told_again_when_the_robot_beside_them_is_gone(given: Given) -> None:
    scene = given(groups_csv=group("grid-1", "also"), channels_yaml="other: {first: [mailto]}\n")
    scene.phones.now("status", only="robot", status=404)
    code = scene.stage.to_assigned()
    scene.deliver()
    scene.deliver()
    assert [code in said for said in mails(scene, "grid-1")] == [True]
    assert scene.heard("grid-1") == []


def mails(scene: Scene, post: str) -> list[str]:
    return [each.text for each in scene.mailbox.to(person_of(post))]  # type: ignore[attr-defined]


def test_a_major_hazard_is_told_by_all_channels_at_once_and_an_ordinary_one_by_the_first(given: Given) -> None:
    scene = given(channels_yaml="urgent: {at_once: true}\n")
    ordinary = scene.stage.to_assigned()
    scene.deliver()
    assert [ordinary in text for text in scene.heard("owner")] == [True]
    assert mails(scene, "owner") == []
    major = scene.stage.to_assigned(place="pit", grade="major")
    scene.deliver()
    assert any(major in text for text in scene.heard("owner-3"))
    assert any(major in text for text in mails(scene, "owner-3"))
    assert scene.stage.one("select count(*) as n from notice where fallback_of_id is not null").n == 0


def test_an_escalation_goes_first_where_the_township_says_and_falls_back_to_the_persons_own(given: Given) -> None:
    scene = given(channels_yaml="escalation:\n  first: [mailto]\n")
    code = scene.stage.to_rectifying()
    scene.deliver()
    scene.phones.forget()
    scene.stage.later(days=9)
    scene.mailbox.now("status", only=person_of("owner"), code=550)  # type: ignore[attr-defined]
    for _ in range(3):
        scene.tick()
    assert any("逾期升级" in text and code in text for text in mails(scene, "grid-1"))
    assert not [text for text in scene.heard("grid-1") if "逾期升级" in text]
    assert any("逾期升级" in text for text in scene.heard("owner")), "whose mail is refused hears by phone"


def test_what_can_wait_goes_by_the_channel_named_for_it(given: Given) -> None:
    scene = given(channels_yaml="digest: {first: [mailto]}\n")
    scene.stage.to_rectifying(grade="general")
    scene.deliver()
    channel = scene.stage.one("""
        select distinct split_part(url, '://', 1) as scheme from channel
        where id in (select digest_channel(person_id, id) from channel where position = 1)
    """)
    assert channel.scheme == "mailto"


def test_what_is_foreseen_with_groups_and_severities_is_what_then_happens(stage: Stage, tmp_path: Path) -> None:
    folder = write_town(tmp_path / "town", lambda person: f"json://127.0.0.1:9/{person} jsons://127.0.0.1:9/{person}")
    both = "g-1,群,fire grid-1,also,json://127.0.0.1:9/g-1\ng-2,领导群,deputy mayor,instead,json://127.0.0.1:9/g-2\n"
    (folder / "groups.csv").write_text(f"key,label,for,mode,channels\n{both}", encoding="utf8")
    (folder / "channels.yaml").write_text("urgent: {at_once: true}\nescalation: {first: [jsons]}\n", encoding="utf8")
    put(stage, folder)
    recorder = Recorder(stage)
    for place, grade, days in (("shop", "general", 9), ("pit", "major", 45)):
        code = stage.to_rectifying(place, grade=grade)
        stage.do("delete from notice")
        others = "update timer set stopped_at = :now where case_id <> (select id from cases where code = :code)"
        stage.do(others, now=stage.clock.now(), code=code)
        until = stage.clock.now() + timedelta(days=days)
        foreseen = predicted(stage, code, until)
        recorder.sent.clear()
        live(stage, recorder, until)
        assert sorted(recorder.sent) == sent_of(foreseen)
        assert {"g-1", "g-2"} <= {each.person for each in recorder.sent}
        assert ("p-mayor" in {each.person for each in recorder.sent}) is False


def test_loading_the_same_folder_again_changes_nothing_and_taking_the_files_away_ends_it(given: Given, tmp_path: Path) -> None:
    scene = given(groups_csv=group("fire", "instead"), channels_yaml="urgent: {at_once: true}\n")
    assert not put(scene.stage, tmp_path / "town").anything
    for name in ("groups.csv", "channels.yaml"):
        (tmp_path / "town" / name).unlink()
    ended = put(scene.stage, tmp_path / "town")
    assert ended.ended["group"] > 1 and ended.ended["channel"] == 1 and ended.changed == {"township": 1}
    code = scene.stage.to_submitted()
    scene.deliver()
    assert any(code in text for text in scene.heard("inspector"))
    assert heard(scene, "robot") == []


def test_when_the_key_is_lost_the_channel_counts_as_gone_the_next_one_is_used_and_all_comes_back_with_the_key(
    given: Given, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scene = given()
    stage = scene.stage
    phone = scene.phones.url_for(person_of("dispatcher"))
    stage.do("update channel set url = :url from person where person.id = person_id and key = 'p-dispatcher' and position = 1", url=phone)
    code = stage.to_assigned()
    with monkeypatch.context() as lost:
        lost.setenv("BIHUAN_KEY", "another key than the one that sealed it")
        deliver_due(stage.engine, stage.clock)
        stage.later(minutes=1)
        deliver_due(stage.engine, stage.clock)
        with transaction(stage.engine) as session:
            assert "另一把密钥" in keep(session).warning
    assert any("通道故障" in text and LOCKED in text for text in scene.heard("dispatcher"))
    assert stage.one("select count(*) as n from channel where disabled_reason = :why", why=LOCKED).n > 0
    assert scene.states(code).get("sent", 0) == 0
    with transaction(stage.engine) as session:
        back = keep(session)
    assert back.back > 0 and back.locked in (0, 1)
    stage.clock.advance(timedelta(hours=1))


def test_addresses_that_stand_in_clear_are_sealed_at_the_next_start(given: Given) -> None:
    scene = given()
    scene.stage.do("update channel set url = 'json://127.0.0.1:9/' || id where position = 1")
    with transaction(scene.stage.engine) as session:
        assert keep(session).sealed > 0
        assert keep(session).sealed == 0
    assert scene.stage.one("select count(*) as n from channel where url not like '%://~%'").n == 0
