"""A far end's limits hold in every span, whoever asks and whenever; and nobody waits longer than they must."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clock import parse_time
from notifications.throttle import MINUTE, SECOND, TIERS, UNLIMITED, Far, Limit, first_moment, tier_of

START = parse_time("2023-02-20T10:00+08:00")
TOKEN = "abcdef0123456789abcdef"

# address, its tier
ADDRESSES = [
    (f"wecombot://{TOKEN}", "wecombot"),
    (f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}", "wecombot"),
    (f"dingtalk://{TOKEN}", "dingtalk"),
    (f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}", "dingtalk"),
    (f"feishu://{TOKEN}", "feishu"),
    (f"https://open.feishu.cn/open-apis/bot/v2/hook/{TOKEN}", "feishu"),
    (f"lark://{TOKEN}", "lark"),
    ("mailtos://office:secret@smtp.town.test?to=a@b.test", "mailto"),
    ("ntfy://topic", "ntfy.sh"),
    ("ntfys://ntfy.sh/topic", "ntfy.sh"),
]


@pytest.mark.parametrize(("url", "service"), ADDRESSES)
def test_an_address_has_the_limits_of_its_service(url: str, service: str) -> None:
    assert tier_of(url).limits == TIERS[service]


@pytest.mark.parametrize("url", ["json://127.0.0.1:8/p", "mailto://localhost?to=a@b.test", "jsons://sms.test/send", "ntfys://own.test/topic"])
def test_one_s_own_machine_and_gateway_have_none(url: str) -> None:
    assert tier_of(url).limits == UNLIMITED


@pytest.mark.parametrize(("url", "service"), ADDRESSES)
def test_the_name_of_a_far_end_holds_no_secret(url: str, service: str) -> None:
    assert TOKEN not in tier_of(url).key
    assert "secret" not in tier_of(url).key


def test_mail_of_one_sender_is_counted_together_and_two_robots_are_not() -> None:
    assert tier_of("mailtos://office:s@h.test?to=a@b.test").key == tier_of("mailtos://office:s@h.test?to=c@d.test").key
    assert tier_of(f"dingtalk://{TOKEN}1").key != tier_of(f"dingtalk://{TOKEN}2").key


asks = st.lists(st.tuples(st.integers(0, 20_000), st.booleans(), st.booleans()), max_size=150)


@given(asks, st.sampled_from(sorted(TIERS)))
def test_in_no_span_does_a_far_end_get_more_than_its_limit(asked: list[tuple[int, bool, bool]], service: str) -> None:
    far, wall, gone = Far(TIERS[service]), START, list[datetime]()
    for pause, urgent, waited in asked:
        wall += timedelta(milliseconds=pause // 10)
        until = far.ask(wall, urgent=urgent, waited=waited)
        assert until is None or until > wall
        gone += [wall] if until is None else []
    for limit in TIERS[service]:
        assert all(last - first >= limit.within for first, last in zip(gone, gone[limit.count :], strict=False))


@given(asks)
def test_who_comes_back_when_told_and_alone_is_let_through(asked: list[tuple[int, bool, bool]]) -> None:
    far, wall = Far(TIERS["feishu"]), START
    for pause, urgent, waited in asked:
        wall += timedelta(milliseconds=pause // 10)
        far.ask(wall, urgent=urgent, waited=waited)
    until = far.ask(wall, urgent=True, waited=True)
    assert until is None or far.ask(until, urgent=True, waited=True) is None


def test_a_fifth_is_kept_for_what_is_urgent() -> None:
    far = Far((Limit(20, MINUTE),))
    plain = [far.ask(START, urgent=False, waited=False) for _ in range(20)]
    assert plain.count(None) == 16
    assert [far.ask(START, urgent=True, waited=False) for _ in range(5)] == [None] * 4 + [START + MINUTE]


def test_those_who_wait_are_given_a_time_each() -> None:
    far = Far((Limit(20, MINUTE),))
    waits = [until for _ in range(20) if (until := far.ask(START, urgent=False, waited=False))]
    assert waits == [START + MINUTE + n * MINUTE / 16 for n in range(4)]


def test_what_was_spent_before_the_span_no_longer_counts() -> None:
    limits = (Limit(2, MINUTE), Limit(1, SECOND))
    assert first_moment(limits, [START, START + 2 * SECOND], START + 61 * SECOND) == START + 61 * SECOND
    assert first_moment(limits, [START, START + 2 * SECOND], START + 10 * SECOND) == START + MINUTE
