"""What is planned goes out, once: on a real database, to real far ends on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from models.database import engine
from notifications import deliver as room
from notifications import senders
from notifications.claim import CLAIM
from notifications.deliver import Delivered, deliver_due
from notifications.outcome import SENT, Outcome
from tests.acceptance.receiver import receivers, without_link
from tests.stage import Stage
from tests.town import person_of
from tests.voice import URL, Voice

OWNER, DISPATCHER = person_of("owner"), person_of("dispatcher")


@pytest.fixture
def voice(stage: Stage) -> Iterator[Voice]:
    with receivers() as (phones, mailbox):
        yield Voice(stage, phones, mailbox)


def test_every_message_reaches_its_person_once_and_says_so(voice: Voice) -> None:
    code = voice.stage.to_assigned()
    delivered = voice.deliver()
    assert delivered.counts["sent"] == 2
    heard = voice.phones.expect(OWNER, "【隐患交办】", code, "请先签收", f"{URL}/o/")
    voice.phones.expect(person_of("grid-1"), "请督促该场所负责人签收整改")
    voice.nothing_else()
    (sent,) = voice.notices(OWNER)
    assert (sent.state, sent.reason, sent.attempts) == ("sent", "taken", 1)
    assert sent.body == f"{without_link(heard.text).removesuffix('/…')}/h/{code}"
    assert sent.sent_at == voice.stage.clock.now()
    assert sent.settled_at == voice.stage.clock.wall()


def test_ten_runs_in_a_row_send_nothing_extra(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.deliver()
    voice.phones.forget()
    before = voice.states()
    for _ in range(10):
        assert voice.deliver().as_json() == {"counts": {}, "handed": 0}
        voice.stage.later(minutes=1)
    assert voice.states() == before
    voice.nothing_else()


def test_four_senders_at_once_double_nothing(voice: Voice) -> None:
    codes = [voice.stage.to_assigned(place=("shop", "shop-2")[number % 2]) for number in range(8)]
    voice.phones.now("slow", seconds=0.02)
    done: list[Delivered] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        done.append(voice.deliver())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.counts["sent"] for each in done) == 3
    told = voice.phones.expect(person_of("grid-1"), "8项")
    assert all(code in told.text for code in codes)
    voice.phones.expect(OWNER, "4项")
    voice.phones.expect(person_of("owner-2"), "4项")
    voice.nothing_else()


def test_senders_pass_by_what_another_one_holds(voice: Voice) -> None:
    voice.stage.to_assigned()
    with voice.stage.engine.begin() as other:
        other.execute(text("select id from channel where url like :owner for no key update"), {"owner": f"%{OWNER}%"})
        assert voice.deliver().counts["sent"] == 1
        voice.phones.expect(person_of("grid-1"), "【隐患交办】")
        voice.nothing_else()
    voice.deliver()
    voice.phones.expect(OWNER, "【隐患交办】")


def test_quiet_hours_hold_a_message_and_end_with_exactly_one_catch_up(voice: Voice) -> None:
    first = voice.stage.to_assigned()
    voice.deliver()
    voice.phones.forget()
    voice.stage.at("2023-02-20T22:00+08:00")
    second = voice.stage.to_assigned(place="shop", description="安全出口上锁")
    voice.stage.later(hours=1)
    third = voice.stage.to_assigned(place="shop", description="店内住人")
    assert voice.deliver().counts["held"] == 4
    assert {(row.state, row.reason) for row in voice.notices(OWNER)} == {("sent", "taken"), ("held", "quiet_hours")}
    voice.stage.at("2023-02-21T06:59+08:00")
    voice.deliver()
    voice.nothing_else()
    voice.stage.at("2023-02-21T07:00+08:00")
    for _ in range(3):
        voice.deliver()
    told = voice.phones.expect(OWNER, "2项提醒", second, third)
    assert first not in told.text
    voice.phones.expect(person_of("grid-1"), "2项提醒")
    voice.nothing_else()


def test_a_major_hazard_breaks_through_quiet_hours(voice: Voice) -> None:
    voice.stage.at("2023-02-20T22:00+08:00")
    code = voice.stage.find(place="pit", grade="major", sla_class="major")
    voice.deliver()
    voice.phones.expect(DISPATCHER, "【待交办】", code)
    voice.phones.expect(person_of("office-head"), "〔待交办〕", "〔开工许可〕", code)
    for post in ("owner-3", "head-fire"):
        voice.phones.expect(person_of(post), "【开工许可】", "不得开工", code)
    voice.nothing_else()


def test_at_night_an_urgent_message_takes_nothing_along_that_can_wait(voice: Voice) -> None:
    voice.stage.at("2023-02-20T21:20+08:00")
    general = voice.stage.to_assigned()
    voice.stage.do("update notice set state = 'pending' where state = 'planned'")  # a round was interrupted before it sent
    voice.stage.at("2023-02-20T22:00+08:00")
    major = voice.stage.to_assigned(grade="major", sla_class="major")
    voice.deliver()
    assert general not in voice.phones.expect(OWNER, "〔交办〕", "〔开工许可〕", major).text
    voice.phones.expect(person_of("grid-1"), major)
    for post in ("head-fire", "office-head"):
        voice.phones.expect(person_of(post), "【开工许可】", major)
    voice.nothing_else()
    voice.stage.at("2023-02-21T07:00+08:00")
    voice.deliver()
    voice.phones.expect(OWNER, "【隐患交办】", general)


def test_what_no_longer_holds_is_not_said_even_if_nobody_took_it_back(voice: Voice) -> None:
    code = voice.stage.to_assigned()
    voice.stage.do("update cases set state = 'closed' where code = :code", code=code)  # behind the law's back
    assert voice.deliver().counts["cancelled"] == 2
    assert [(row.state, row.reason) for row in voice.notices(OWNER)] == [("cancelled", "case_moved")]
    voice.nothing_else()


@pytest.mark.parametrize(("change", "reason"), [("stopped_at = next_at", "timer_stopped"), ("run = run + 1", "timer_restarted")])
def test_a_rung_of_a_timer_that_stopped_or_began_anew_is_not_told(voice: Voice, change: str, reason: str) -> None:
    voice.stage.to_rectifying()
    voice.deliver()
    voice.phones.forget()
    voice.stage.later(days=3)
    voice.stage.sweep()
    voice.stage.do(f"update timer set {change} where clock = 'rectify'")
    voice.deliver()
    assert {row.reason for row in voice.stage.notices() if row.state == "cancelled"} >= {reason}
    voice.nothing_else()


def test_a_bundle_tells_only_what_still_holds_and_nothing_when_nothing_does(voice: Voice) -> None:
    codes = [voice.stage.to_assigned(description=f"第{number}项") for number in range(3)]
    voice.stage.do("update cases set state = 'closed' where code = :code", code=codes[0])
    voice.deliver()
    told = voice.phones.expect(OWNER, "2项提醒", codes[1], codes[2])
    assert codes[0] not in told.text
    assert [(row.state, row.reason) for row in voice.notices(OWNER)] == [
        ("cancelled", "case_moved"), ("bundled", "bundled"), ("bundled", "bundled"), ("sent", "taken"),
    ]  # fmt: skip


def test_an_emptied_bundle_is_dropped(voice: Voice) -> None:
    codes = [voice.stage.to_assigned() for _ in range(2)]
    for code in codes:
        voice.stage.do("update cases set state = 'closed' where code = :code", code=code)
    voice.deliver()
    assert {row.reason for row in voice.stage.notices() if row.purpose == "bundle"} == {"nothing_left"}
    voice.nothing_else()


def test_many_hazards_to_one_person_are_one_message_with_a_cap(voice: Voice) -> None:
    codes = [voice.stage.to_assigned() for _ in range(13)]
    delivered = voice.deliver()
    told = voice.phones.expect(OWNER, "13项提醒", "还有3项")
    assert sum(code in told.text for code in codes) == 10
    voice.phones.expect(person_of("grid-1"), "13项提醒")
    voice.phones.nothing_else()
    assert delivered.counts["sent"] == 2
    assert delivered.counts["bundled"] == 26
    assert next(each for each in delivered.handed if each.person == OWNER).codes == tuple(codes)


def test_a_later_rung_overtakes_one_that_nobody_has_heard_yet(voice: Voice) -> None:
    voice.stage.to_rectifying()
    voice.deliver()
    voice.phones.forget()
    for _ in range(3):  # the sweep goes on while nothing is delivered
        voice.stage.later(days=1)
        voice.stage.sweep()
    voice.stage.later(days=1, hours=14)
    voice.stage.sweep()
    voice.stage.at("2023-02-25T08:00+08:00")
    delivered = voice.deliver()
    assert delivered.counts["expired"] > 0
    voice.phones.expect(DISPATCHER, "【逾期升级·1级】")
    assert {row.reason for row in voice.stage.notices() if row.state == "expired"} == {"superseded"}


def test_a_temporary_failure_is_tried_again_later_and_not_before(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.phones.now("status", only=OWNER, status=503)
    assert voice.deliver().counts["retry"] == 1
    (waiting,) = voice.notices(OWNER)
    assert (waiting.state, waiting.reason, waiting.error, waiting.attempts) == ("retry", "try_again", "HTTP 503", 1)
    voice.phones.now("ok", only=OWNER)
    voice.stage.clock.advance_to(waiting.try_at - timedelta(seconds=1))
    assert voice.deliver().counts["sent"] == 0
    voice.stage.clock.advance_to(waiting.try_at)
    assert voice.deliver().counts["sent"] == 1
    voice.phones.expect(OWNER, "【隐患交办】")
    assert [(row.state, row.attempts) for row in voice.notices(OWNER)] == [("sent", 2)]


def test_a_retry_does_not_wake_anybody_at_night(voice: Voice) -> None:
    voice.stage.at("2023-02-20T21:29+08:00")
    voice.stage.to_assigned()
    voice.phones.now("status", status=503)
    voice.deliver()
    voice.phones.now("ok")
    voice.stage.later(hours=2)
    voice.deliver()
    voice.nothing_else()
    voice.stage.at("2023-02-21T07:00+08:00")
    voice.deliver()
    voice.phones.expect(OWNER, "【隐患交办】")


def test_after_the_last_try_the_next_channel_takes_over_and_the_office_hears_of_it(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.only(OWNER)
    voice.phones.now("status", only=OWNER, status=503)
    voice.deliver()
    while (waiting := voice.notices(OWNER)[0]).state == "retry":
        voice.stage.clock.advance_to(waiting.try_at)
        voice.deliver()
    failed, fallback = voice.notices(OWNER)
    assert (failed.state, failed.reason, failed.attempts) == ("failed", "gave_up", 6)
    assert (fallback.state, fallback.fallback_of_id) == ("sent", failed.id)
    assert voice.phones.attempts.count(OWNER) == 6
    voice.mailbox.expect(OWNER, "【隐患交办】")
    voice.phones.expect(DISPATCHER, "【通道故障】", "HTTP 503", "已改用备用通道")
    voice.nothing_else()
    assert voice.stage.one("select count(*) as n from channel where disabled_at is not null").n == 0


@pytest.mark.parametrize("status", [401, 404, 410])
def test_a_channel_that_is_gone_is_flagged_and_the_next_one_used_at_once(voice: Voice, status: int) -> None:
    code = voice.stage.to_assigned()
    voice.phones.now("status", only=OWNER, status=status)
    delivered = voice.deliver()
    assert delivered.counts["failed"] == 1
    assert delivered.counts[room.PLANNED_AGAIN] == 2  # the owner's mail and the office's message
    voice.mailbox.expect(OWNER, "【隐患交办】", code)
    voice.phones.expect(DISPATCHER, "【通道故障】", f"HTTP {status}")
    channel = voice.stage.one("select * from channel where disabled_at is not null")
    assert (channel.position, channel.disabled_reason) == (1, f"HTTP {status}")
    voice.phones.forget()
    voice.stage.later(hours=1)
    voice.stage.to_assigned(place="shop", description="线路老化")
    voice.deliver()
    voice.mailbox.expect(OWNER, "线路老化")
    assert OWNER not in voice.phones.attempts


def test_a_message_that_is_refused_for_itself_leaves_the_channel_alone(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.phones.now("status", only=OWNER, status=413)
    voice.deliver()
    voice.mailbox.expect(OWNER, "【隐患交办】")
    assert voice.notices(OWNER, "failed")[0].reason == "refused"
    assert voice.stage.one("select count(*) as n from channel where disabled_at is not null").n == 0


def test_an_answer_that_never_came_is_unknown_covered_by_the_next_channel_and_never_repeated(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.phones.now("slow", only=OWNER, seconds=0.8)
    assert voice.deliver().counts["unknown"] == 1
    for _ in range(10):
        voice.stage.later(hours=1)
        voice.deliver()
    assert voice.phones.attempts.count(OWNER) == 1
    voice.mailbox.expect(OWNER, "【隐患交办】")
    voice.mailbox.nothing_else()
    unknown, fallback = voice.notices(OWNER)
    assert (unknown.state, unknown.reason, unknown.error) == ("unknown", "no_answer", "no answer in time")
    assert (fallback.state, fallback.fallback_of_id) == ("sent", unknown.id)


def test_an_unknown_one_without_another_channel_is_shown_and_left_to_the_next_rung(voice: Voice) -> None:
    voice.only_a_phone(OWNER)
    voice.stage.to_assigned()
    voice.only(OWNER)
    voice.phones.now("reset_after", only=OWNER)
    voice.deliver()
    assert [(row.person, row.state) for row in voice.stage.notices()] == [(OWNER, "unknown")]
    assert voice.phones.attempts.count(OWNER) == 1


def test_when_the_last_channel_is_gone_the_post_above_is_told_and_why(voice: Voice) -> None:
    voice.only_a_phone(OWNER)
    voice.stage.to_assigned()
    voice.only(OWNER)
    voice.phones.now("status", only=OWNER, status=410)
    voice.deliver()
    voice.phones.expect(person_of("grid-1"), "东村企业主要负责人无人可达，转您（东村网格员）", "请督促该场所负责人签收整改")
    voice.phones.expect(DISPATCHER, "【通道故障】", "没有其他可用通道")
    voice.nothing_else()


def test_lines_of_a_failed_bundle_are_told_together_over_the_next_channel(voice: Voice) -> None:
    codes = [voice.stage.to_assigned() for _ in range(3)]
    voice.phones.now("status", only=OWNER, status=410)
    voice.deliver()
    told = voice.mailbox.expect(OWNER, "3项")
    assert all(code in told.text for code in codes)
    voice.mailbox.nothing_else()


def test_what_waits_for_a_channel_that_was_disabled_meanwhile_goes_over_the_next(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.stage.do(
        "update channel set disabled_at = now(), disabled_reason = 'removed' from person where person.id = person_id and key = :key"
        " and position = 1", key=OWNER,
    )  # fmt: skip
    voice.deliver()
    voice.mailbox.expect(OWNER, "【隐患交办】")
    failed, sent = voice.notices(OWNER)
    assert (failed.reason, failed.attempts, sent.reason) == ("channel_disabled", 0, "taken")
    assert OWNER not in voice.phones.attempts


def test_a_message_whose_facts_make_no_sense_is_told_in_plain_words_and_the_others_are_told_as_ever(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.stage.do(
        "update notice set purpose = 'overdue', facts = jsonb_build_object('level', 'high', 'channel', 'x', 'skipped', 7, 'most', 1)"
        " from person where person.id = person_id and key = :key",
        key=OWNER,
    )
    assert voice.deliver().counts["sent"] == 2
    voice.phones.expect(OWNER, "【逾期】", "请点开链接查看", f"{URL}/o/")
    voice.phones.expect(person_of("grid-1"), "【隐患交办】")


def test_a_late_answer_does_not_move_a_message_back(voice: Voice) -> None:
    voice.stage.to_assigned()
    clock = voice.stage.clock
    asked: list[str] = []

    def forgetful(url: str, title: str, body: str) -> Outcome:
        """Answers when the claim has long expired and another sender has seen it."""
        asked.append(url)
        clock.advance(CLAIM + timedelta(seconds=1))
        voice.deliver()
        return SENT

    delivered = voice.deliver(channel=forgetful)
    assert delivered.counts["sent"] == 0
    assert {row.state for row in voice.notices(OWNER) if row.reason == "sender_died"} == {"unknown"}
    voice.mailbox.expect(OWNER, "【隐患交办】")
    assert len([url for url in asked if OWNER in url]) == 1


def test_a_channel_that_raises_leaves_the_outcome_unknown(voice: Voice) -> None:
    voice.stage.to_assigned()

    def broken(url: str, title: str, body: str) -> Outcome:
        raise RuntimeError("a bug")

    delivered = voice.deliver(channel=broken, limit=2)
    assert delivered.counts["unknown"] == 2


SENDER = """
import sys
from models.clock import ManualClock, parse_time
from models.database import engine
from notifications.deliver import deliver_due
deliver_due(engine(sys.argv[1]), ManualClock(parse_time(sys.argv[2])), public_url="http://bihuan.test")
"""


def test_what_a_killed_sender_had_in_hand_is_unknown_and_nothing_else_is(voice: Voice) -> None:
    stage = voice.stage
    stage.to_assigned()
    stage.do("update channel set url = replace(url, 'rto=0.5', 'rto=30')")
    voice.phones.now("slow", only=OWNER, seconds=20)
    sender = subprocess.Popen([sys.executable, "-c", SENDER, voice.url, stage.clock.now().isoformat()], cwd=Path(__file__).parents[2])
    voice.phones.wait_for(OWNER)
    voice.phones.wait_for(person_of("grid-1"))
    until = time.monotonic() + 10
    while voice.notices(person_of("grid-1"))[0].state != "sent" and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(sender.pid, signal.SIGKILL)
    sender.wait()
    assert voice.deliver().as_json() == {"counts": {}, "handed": 0}, "its claim still holds"
    stage.clock.advance(CLAIM + timedelta(seconds=1))
    assert voice.deliver().counts["unknown"] == 1
    assert [row.state for row in voice.notices(OWNER)] == ["unknown", "sent"]
    voice.mailbox.expect(OWNER, "【隐患交办】")
    voice.mailbox.nothing_else()
    assert voice.phones.attempts.count(OWNER) == 1


CODES = "select cases.code from cases join place on place.id = place_id where place.code = :place"
POINTS = ["bundle", "claim", "attempt", "write", "flag_channels"]


@pytest.mark.parametrize("point", POINTS)
def test_a_sender_that_dies_at_any_point_loses_nothing_and_doubles_nothing_outside_of_unknown(
    voice: Voice, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [voice.stage.to_assigned(place) for place in ("shop", "shop-2", "shop", "shop-2", "shop")]
    where = senders if point == "attempt" else room
    real = getattr(where, point)

    class Died(BaseException):
        pass

    def dies(*args: object, **said: object) -> object:
        real(*args, **said)
        raise Died

    said: list[tuple[str, str]] = []

    def hears(url: str, title: str, body: str) -> Outcome:
        said.append((url, body))
        return SENT

    with monkeypatch.context() as broken:
        broken.setattr(where, point, dies)
        with pytest.raises(Died):
            voice.deliver(channel=hears)
    voice.stage.clock.advance(CLAIM + timedelta(seconds=1))
    for _ in range(3):
        voice.deliver(channel=hears)
    heads = voice.stage.all("select * from notice where purpose = 'bundle'")
    assert {row.state for row in voice.stage.notices()} <= {"sent", "bundled", "unknown", "cancelled"}
    unknown = [row.channel_id for row in heads if row.state == "unknown"]
    assert bool(unknown) == (point in ("attempt", "write", "flag_channels"))
    urls = [url for url, _ in said]
    assert len(urls) == len(set(urls)), "no channel heard anything twice"
    for person, place in ((OWNER, "shop"), (person_of("owner-2"), "shop-2")):
        told = "".join(body for url, body in said if person in url)
        mine = {
            row.code
            for row in voice.stage.all("select c.code from cases c join place p on p.id = place_id where p.code = :place", place=place)
        }
        assert mine <= set(codes)
        assert all(code in told for code in mine), "nothing is lost"


OPEN = """
select state, query from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null and backend_type = 'client backend'
"""


def test_no_transaction_is_open_while_a_message_is_being_sent(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.phones.now("slow", seconds=0.3)
    other = engine(voice.url)
    sending = threading.Thread(target=lambda: deliver_due(other, voice.stage.clock, public_url=URL))
    sending.start()
    voice.phones.wait_for(OWNER)
    time.sleep(0.1)
    open_ones, in_hand = voice.stage.all(OPEN), voice.states().get("sending")
    sending.join()
    other.dispose()
    assert in_hand, "the message was on its way while we looked"
    assert open_ones == []


def test_the_most_urgent_goes_first(voice: Voice) -> None:
    voice.stage.to_assigned()
    major = voice.stage.to_assigned(place="pit", grade="major", sla_class="major")
    voice.stage.to_assigned("shop-2")
    handed = voice.deliver(channel=lambda url, title, body: SENT).handed
    urgent = [major in each.codes for each in handed]
    assert urgent == sorted(urgent, reverse=True)
    assert urgent[0]
    assert not urgent[-1]


def test_a_limit_is_kept_and_the_rest_goes_with_the_next_call(voice: Voice) -> None:
    voice.stage.to_assigned("shop")
    voice.stage.to_assigned("shop-2")
    counts = [voice.deliver(limit=2).counts["sent"] for _ in range(3)]
    assert counts == [2, 1, 0]


def test_nothing_is_told_before_its_time(voice: Voice) -> None:
    code = voice.stage.to_closed()
    voice.deliver()
    voice.phones.forget()
    voice.stage.later(minutes=9)
    voice.deliver()
    voice.nothing_else()
    voice.stage.later(minutes=1)
    voice.deliver()
    voice.phones.expect(OWNER, "【结果告知】", code, "已销号")
    voice.phones.expect(person_of("inspector"), "【结果告知】")
    voice.nothing_else()


def test_a_post_that_reaches_nobody_is_told_upwards_and_the_office_hears_of_it_once_a_day(voice: Voice) -> None:
    voice.stage.do("delete from holding using post where post.id = post_id and code = 'grid-1'")
    for _ in range(2):
        voice.stage.to_assigned()
    voice.deliver()
    voice.phones.expect(OWNER, "2项")
    voice.phones.expect(person_of("village-1"), "2项", "您为东村村支部书记")
    voice.phones.expect(DISPATCHER, "【无法通知】东村网格员无人在岗或无可用通道", "您为镇安办调度")
    voice.nothing_else()


def test_a_stand_in_is_told_beside_the_absent_holder_and_why(voice: Voice) -> None:
    voice.stage.do(
        "insert into holding (person_id, post_id, from_day, deputy_of_id) select s.id, post.id, date '2023-01-01', o.id"
        " from person s, person o, post where s.key = :stand_in and o.key = :owner and post.code = 'owner'",
        stand_in=person_of("ranger"), owner=OWNER,
    )  # fmt: skip
    voice.stage.to_assigned()
    voice.deliver()
    voice.phones.expect(OWNER, "【隐患交办】", "您为该场所负责人")
    voice.phones.expect(person_of("ranger"), "【隐患交办】", "您代owner的人任该场所负责人")


def test_a_caller_s_own_channel_is_called_in_the_caller_s_thread(voice: Voice) -> None:
    for place in ("shop", "shop-2", "pit"):
        voice.stage.to_assigned(place)
    heard: list[tuple[str, int]] = []

    def hears(url: str, title: str, body: str) -> Outcome:
        heard.append((url, threading.get_ident()))
        return SENT

    handed = voice.deliver(channel=hears).handed
    assert {thread for _, thread in heard} == {threading.get_ident()}
    assert [each.state for each in handed] == ["sent"] * len(heard)
