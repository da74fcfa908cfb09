"""The signed webhook, the way to an SMS gateway: over a real socket, checked by code that knows the specification alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from urllib3 import HTTPResponse

from models.clock import parse_time
from notifications.channels import webhook
from notifications.channels.apprise import masked, parseable, send
from notifications.channels.events import Address, Line, acceptable, forbidden
from notifications.channels.signature import headers, is_secret, new_secret
from notifications.envelope import Envelope, enclosing
from notifications.outcome import Kind
from tests.listener import Listener, genuine
from tests.stage import MORNING

SECRET = "whsec_" + "c2VjcmV0" * 5
ENVELOPE = Envelope("notice-7-1a", "overdue", "p-owner", False, 2, ("YH-2023-0001",), parse_time(MORNING))


@pytest.fixture
def gateway() -> Iterator[Listener]:
    with Listener(SECRET) as listener:
        yield listener


def url(gateway: Listener, to: str = "13800000000", path: str = "/sms?tenant=7") -> str:
    return f"webhook+http://{gateway.host}{path}&to={to}#{SECRET}"


def test_the_specifications_own_example_is_signed_as_it_says() -> None:
    """github.com/standard-webhooks/standard-webhooks, libraries' common test vector."""
    signed = headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}',
        parse_time("2021-02-25T14:48:34+00:00").replace(microsecond=0),
    )  # fmt: skip
    assert genuine("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signed, b'{"test": 2432232314}')
    assert signed["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_a_message_arrives_whole_signed_and_with_whom_it_is_for(gateway: Listener) -> None:
    with enclosing(ENVELOPE):
        assert send(url(gateway), "逾期升级", "【逾期升级】请整改。").kind == Kind.sent
    [heard] = gateway.heard
    assert heard.genuine
    assert heard.headers["webhook-id"] == "notice-7-1a"
    assert heard.path == "/sms?tenant=7", "the number stands in the body, not in anybody's log of addresses"
    assert heard.said["type"] == "bihuan.notice"
    assert heard.said["data"] == {
        "to": "13800000000", "title": "逾期升级", "text": "【逾期升级】请整改。", "person": "p-owner", "purpose": "overdue",
        "urgent": False, "level": 2, "cases": ["YH-2023-0001"], "planned_at": ENVELOPE.planned_at.isoformat(),
    }  # fmt: skip
    assert SECRET not in str(heard)


def test_a_repeat_has_the_same_id_and_a_changed_body_another_signature(gateway: Listener) -> None:
    gateway.answers = [503]
    with enclosing(ENVELOPE):
        assert send(url(gateway), "t", "b").kind == Kind.temporary
        assert send(url(gateway), "t", "b").kind == Kind.sent
    first, second = gateway.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert not genuine(SECRET, second.headers, second.body + b" ")


@pytest.mark.parametrize(
    ("status", "says", "kind", "gone"),
    [
        (200, b"", Kind.sent, False),
        (202, b"taken", Kind.sent, False),
        (200, b'{"state": "delivered"}', Kind.delivered, False),
        (200, b'{"state": "queued"}', Kind.sent, False),
        (200, b'["delivered"]', Kind.sent, False),
        (200, b" " * 5000 + b'{"state": "delivered"}', Kind.sent, False),
        (302, b"", Kind.permanent, True),
        (401, b"", Kind.permanent, True),
        (422, b"", Kind.permanent, False),
        (429, b"", Kind.temporary, False),
        (500, b'{"state": "delivered"}', Kind.temporary, False),
        (504, b"", Kind.unknown, False),
    ],
)
def test_what_the_gateway_answers_is_read_honestly(gateway: Listener, status: int, says: bytes, kind: Kind, gone: bool) -> None:
    gateway.answers, gateway.says = [status], says
    outcome = send(url(gateway), "t", "b")
    assert (outcome.kind, outcome.channel_gone) == (kind, gone)
    assert len(gateway.heard) == 1, "no redirect is followed"


def test_nobody_there_is_temporary_and_nothing_of_the_address_is_said(gateway: Listener) -> None:
    dead = f"webhook+http://127.0.0.1:9/secret-path?to=13800000000#{SECRET}"
    outcome = send(dead, "t", "b")
    assert outcome.kind == Kind.temporary
    assert not [part for part in ("secret-path", "13800000000", SECRET) if part in outcome.detail]
    assert masked(dead) == "webhook+http://127.0.0.1/…"
    assert SECRET not in repr(webhook.hook_of(dead))


@pytest.mark.parametrize(
    "spoilt",
    [
        "webhook+https://gateway.example/sms", "webhook+https://gateway.example/#whsec_kurz",
        "webhook+https://gateway.example/#" + "A" * 40,
        f"webhook+https:///sms#{SECRET}", f"webhook+https://u:p@gateway.example/#{SECRET}", f"webhook+https://gateway.example:0/#{SECRET}",
        f"webhook+https://gateway.example:99999/#{SECRET}", f"webhook+https://[::1/#{SECRET}",
    ],
)  # fmt: skip
def test_an_address_that_cant_be_is_refused_before_anything_is_sent(spoilt: str) -> None:
    assert not parseable(spoilt)
    assert send(spoilt, "t", "b").channel_gone
    assert masked(spoilt) == "…"


def test_of_an_endless_answer_no_more_is_read_than_could_say_anything(gateway: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = HTTPResponse.read

    def reading(self: HTTPResponse, amt: int | None = None, *rest: Any, **options: Any) -> bytes:
        read.append(len(found := whole(self, amt, *rest, **options)))
        return found

    monkeypatch.setattr(HTTPResponse, "read", reading)
    gateway.says = b'{"state": "delivered"}' + b" " * 5_000_000
    assert send(url(gateway), "t", "b").kind == Kind.sent
    assert sum(read) == webhook.LONGEST_ANSWER + 1
    gateway.says = b'{"state": "delivered"}'
    assert send(url(gateway), "t", "b").kind == Kind.delivered


def test_a_good_one_is_taken() -> None:
    assert parseable(f"webhook+https://gateway.example/sms?to=13800000000#{SECRET}")
    assert is_secret(SECRET) and not is_secret("whsec_" + "A" * 200)


def test_the_ten_lines_of_the_documentation_tell_a_genuine_message_from_another(gateway: Listener) -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf8")
    said: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], said)
    send(url(gateway), "t", "b")
    [heard] = gateway.heard
    assert said["genuine"](SECRET, heard.headers, heard.body)
    assert not said["genuine"](new_secret(), heard.headers, heard.body)
    assert not said["genuine"](SECRET, heard.headers | {"webhook-timestamp": "1676862000"}, heard.body)


@pytest.mark.parametrize(
    "where",
    ["ftp://x/", "file:///etc/passwd", "gopher://x/", "http://", "http://u:p@x/", "http://x/#a", "http://x:0/", "http://a b/", "x", "http://[::1/"],
)
def test_events_go_to_web_addresses_alone(where: str) -> None:
    assert not acceptable(where)


@pytest.mark.parametrize(
    ("where", "no"),
    [
        ("http://169.254.169.254/latest", True), ("http://[fe80::1]/", True), ("http://0.0.0.0/", True), ("http://[::]/", True),
        ("http://224.0.0.1/", True), ("http://[::ffff:169.254.169.254]/", True), ("http://127.0.0.1:8000/", False),
        ("https://10.1.2.3/", False), ("http://100.100.100.200/latest", True), ("http://100.64.0.1/", False),
        ("http://[fd00:ec2::254]/", True),
        ("http://127.0.0.1:8080/", True), ("http://[::1]:4200/", True), ("http://10.1.2.3:4200/", False),
    ],
)  # fmt: skip
def test_nothing_is_sent_to_where_a_clouds_own_services_answer(where: str, no: bool) -> None:
    assert acceptable(where)
    assert forbidden(where) is no


def test_a_name_that_leads_elsewhere_by_the_time_it_is_called_hears_nothing(gateway: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIHUAN_PORT", gateway.host.rpartition(":")[2])
    with closing(Line(Address(f"http://{gateway.host}/", SECRET))) as line:
        assert line.send({"id": "a/1"}, parse_time(MORNING)).kind == Kind.temporary
        assert gateway.heard == []
        monkeypatch.delenv("BIHUAN_PORT")
        assert line.send({"id": "a/1"}, parse_time(MORNING)).kind == Kind.sent
