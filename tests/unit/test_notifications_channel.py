"""One attempt over a real socket, and what it is called. The far ends are tests/acceptance/receiver.py's."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.serverchan import NotifyServerChan
from apprise.plugins.wecombot import NotifyWeComBot

from notifications.channels import apprise as channel
from notifications.outcome import Kind
from tests.acceptance.receiver import Mailbox, Phones
from tests.certificate import nobody_vouches

TOKEN = "abcdef0123456789abcdef"


@pytest.fixture
def phones() -> Iterator[Phones]:
    with Phones() as phones:
        yield phones


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def robots(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """URLs of robots whose services stand on loopback; everything else is the plugin as it is."""
    monkeypatch.setattr(NotifyDingTalk, "notify_url", phones.base("dingtalk", "p") + "?access_token={token}")
    monkeypatch.setattr(NotifyFeishu, "notify_url", phones.base("feishu", "p") + "?hook={token}")
    monkeypatch.setattr(NotifyLark, "notify_url", phones.base("lark", "p") + "?hook=")
    monkeypatch.setattr(NotifyWeComBot, "notify_url", phones.base("wecombot", "p") + "?key={key}")
    monkeypatch.setattr(NotifyServerChan, "notify_url", phones.base("schan", "p") + "?key={token}", raising=False)
    return {"dingtalk": f"dingtalk://{TOKEN}", "feishu": f"feishu://{TOKEN}", "lark": f"lark://{TOKEN}", "wecombot": f"wecombot://{TOKEN}"}


def test_a_phone_that_takes_it_has_heard_it_whole(phones: Phones) -> None:
    assert channel.send(phones.url_for("p"), "标题", "【隐患交办】请整改。").kind == Kind.sent
    phones.expect("p", "【隐患交办】请整改。", "标题")
    phones.nothing_else()


# status, what it is called, whether the channel is gone
ANSWERS = [
    (200, Kind.sent, False),
    (204, Kind.sent, False),
    (400, Kind.permanent, False),  # this message, not this channel
    (401, Kind.permanent, True),
    (404, Kind.permanent, True),
    (410, Kind.permanent, True),
    (429, Kind.temporary, False),
    (500, Kind.temporary, False),
    (503, Kind.temporary, False),
    (504, Kind.unknown, False),  # a proxy waited in vain: nobody knows
]


@pytest.mark.parametrize(("status", "kind", "gone"), ANSWERS)
def test_an_http_status_is_called_by_its_name(phones: Phones, status: int, kind: Kind, gone: bool) -> None:
    phones.now("status", status=status)
    outcome = channel.send(phones.url_for("p"), "t", "b")
    assert (outcome.kind, outcome.channel_gone) == (kind, gone)
    assert phones.attempts == ["p"], "one attempt, whatever the answer"


def test_a_redirect_is_not_followed_since_the_text_would_be_lost_on_the_way(phones: Phones) -> None:
    phones.now("status", status=302, headers={"Location": phones.base("phone", "q")})
    outcome = channel.send(phones.url_for("p"), "t", "b")
    assert (outcome.kind, outcome.detail, outcome.channel_gone) == (Kind.permanent, "HTTP 302", True)


def test_a_far_end_that_asks_us_to_wait_is_heard(phones: Phones) -> None:
    phones.now("status", status=429, headers={"Retry-After": "120"})
    assert channel.send(phones.url_for("p"), "t", "b").wait == 120


@contextmanager
def _listener() -> Iterator[tuple[int, list[str]]]:
    """One who says yes to one request: its port, and the head of what it was asked."""
    heads: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            far, _ = door.accept()
            with far:
                heads.append(far.recv(65536).decode(errors="replace"))
                far.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        yield door.getsockname()[1], heads
        thread.join(10)


def test_a_house_whose_way_out_is_a_proxy_speaks_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with _listener() as (port, heads):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert channel.send("json://far-end.invalid/p", "标题", "请整改。").kind == Kind.sent
    assert heads[0].startswith("POST http://far-end.invalid/p")


def test_no_password_that_lies_about_for_somebody_else_goes_to_a_far_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with _listener() as (port, heads):
        assert channel.send(f"json://127.0.0.1:{port}/p", "标题", "请整改。").kind == Kind.sent
    assert "authorization" not in heads[0].lower()


def test_a_closed_door_is_temporary(phones: Phones) -> None:
    url = phones.url_for("p")
    phones.close_door()
    outcome = channel.send(url, "t", "b")
    assert (outcome.kind, outcome.detail) == (Kind.temporary, "connection refused")


@pytest.mark.parametrize("mood", ["refuse_before", "reset_after", "half"])
def test_a_connection_that_breaks_after_it_was_made_leaves_the_outcome_unknown(phones: Phones, mood: str) -> None:
    phones.now(mood)
    assert channel.send(phones.url_for("p"), "t", "b").kind == Kind.unknown
    assert phones.attempts == ["p"]


def test_a_phone_that_is_too_slow_leaves_the_outcome_unknown_and_may_have_heard_it(phones: Phones) -> None:
    phones.now("slow", seconds=0.6)
    outcome = channel.send(phones.url_for("p", rto="0.2"), "t", "您有一项隐患")
    assert (outcome.kind, outcome.detail) == (Kind.unknown, "no answer in time")


def test_speaking_tls_to_one_who_does_not_is_temporary(phones: Phones) -> None:
    outcome = channel.send(phones.url_for("p").replace("json://", "jsons://"), "t", "b")
    assert (outcome.kind, outcome.detail) == (Kind.temporary, "TLS handshake failed")


@pytest.mark.parametrize("service", ["dingtalk", "feishu", "lark", "wecombot"])
def test_a_robot_that_takes_it_is_sent(phones: Phones, robots: dict[str, str], service: str) -> None:
    assert channel.send(robots[service], "逾期", "【逾期升级】请督办。").kind == Kind.sent
    phones.expect("p", "【逾期升级】请督办。")


# service, code, what it is called, whether the robot is gone
REFUSALS = [
    ("dingtalk", 310000, Kind.permanent, True),  # keywords, signature or address don't match
    ("dingtalk", 300001, Kind.permanent, True),  # no such token
    ("dingtalk", 130101, Kind.temporary, False),  # too many messages
    ("wecombot", 93000, Kind.permanent, True),  # no such robot
    ("wecombot", 45009, Kind.temporary, False),  # too many messages
    ("wecombot", 45002, Kind.permanent, False),  # this message is too long
    ("feishu", 19024, Kind.permanent, True),  # keywords don't match
    ("feishu", 11232, Kind.temporary, False),  # too many messages
    ("lark", 19001, Kind.permanent, True),  # no such hook
]


@pytest.mark.parametrize(("service", "code", "kind", "gone"), REFUSALS)
def test_a_robot_that_refuses_in_a_200_has_refused(
    phones: Phones, robots: dict[str, str], service: str, code: int, kind: Kind, gone: bool
) -> None:
    phones.now("errcode", code=code, words="not today")
    outcome = channel.send(robots[service], "t", "b")
    assert (outcome.kind, outcome.channel_gone, outcome.detail) == (kind, gone, f"errcode {code} not today")


def test_a_customer_s_own_gateway_may_say_code_200_and_mean_yes(phones: Phones) -> None:
    phones.now("errcode", code=200, words="OK")
    assert channel.send(phones.url_for("p"), "t", "b").kind == Kind.sent


def test_mail_arrives_with_a_chinese_subject(mailbox: Mailbox) -> None:
    assert channel.send(mailbox.url_for("p"), "隐患交办", "【隐患交办】请整改。").kind == Kind.sent
    mailbox.expect("p", "【隐患交办】请整改。", "隐患交办")


# mood, its code, what it is called, whether the address is gone
MAIL = [
    ("status", 451, Kind.temporary, False),  # greylisting
    ("status", 550, Kind.permanent, True),  # no such mailbox
    ("data", 452, Kind.temporary, False),
    ("data", 554, Kind.permanent, False),  # this text is refused
    ("reset_after", 0, Kind.unknown, False),
]


@pytest.mark.parametrize(("mood", "code", "kind", "gone"), MAIL)
def test_a_mail_server_s_no_is_called_by_its_name(mailbox: Mailbox, mood: str, code: int, kind: Kind, gone: bool) -> None:
    mailbox.now(mood, code=code)
    outcome = channel.send(mailbox.url_for("p"), "t", "b")
    assert (outcome.kind, outcome.channel_gone) == (kind, gone)


def test_no_mail_server_is_temporary() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert channel.send(f"mailto://127.0.0.1:{port}?from=a@b.test&to=c@d.test", "t", "b").kind == Kind.temporary


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    return nobody_vouches(tmp_path)


def test_mail_over_tls_goes_to_nobody_whose_certificate_cannot_be_checked(self_signed: ssl.SSLContext) -> None:
    with Mailbox(self_signed) as mailbox:
        url = mailbox.url_for("p").replace("mailto://", "mailtos://") + "&mode=ssl"
        assert channel.send(f"{url}&verify=no", "t", "要整改").kind == Kind.sent
        outcome = channel.send(url, "t", "b")
        assert (outcome.kind, outcome.detail) == (Kind.temporary, "TLS certificate not trusted")
        mailbox.expect("p", "要整改")
        mailbox.nothing_else()


def test_no_secret_is_told_or_logged(phones: Phones, robots: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    try:
        phones.close_door()
        told = [channel.send(url, "t", "b").detail for url in robots.values()]
    finally:
        logging.getLogger("apprise").setLevel(logging.NOTSET)
    said = capfd.readouterr()
    assert TOKEN not in "".join(told) + said.out + said.err
    assert TOKEN not in "".join(channel.masked(url) for url in robots.values())


def test_what_a_plugin_logs_loses_its_secrets(phones: Phones, robots: dict[str, str]) -> None:
    service = channel._service(robots["lark"])
    assert channel._without_secrets(f"Lark Exception: http://x/{TOKEN}", robots["lark"], service) == "Lark Exception: http://x/…"


def test_a_url_cannot_ask_apprise_to_repeat_or_to_call_a_failure_a_success(phones: Phones) -> None:
    phones.now("status", status=500)
    assert channel.send(phones.url_for("p", retry="3", wait="0", optional="yes"), "t", "b").kind == Kind.temporary
    assert phones.attempts == ["p"]


@pytest.mark.parametrize(
    "url", ["json://127.0.0.1:9/p", "mailto://h.test?from=a@b.test&to=c@d.test", f"dingtalk://{TOKEN}", f"wecombot://{TOKEN}"]
)
def test_what_apprise_knows_is_parseable(url: str) -> None:
    assert channel.parseable(url)


@pytest.mark.parametrize("url", ["", "nonsense", "foo://x", "json://", "mailto://x", "https://example.test/x"])
def test_what_apprise_does_not_know_is_refused_and_never_raises(url: str) -> None:
    assert not channel.parseable(url)
    assert channel.send(url, "t", "b").kind == Kind.permanent
