"""Every fault of every kind of far end, through the whole pipeline: what a message is called afterwards, and that nobody is asked twice."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.serverchan import NotifyServerChan
from apprise.plugins.wecombot import NotifyWeComBot
from apprise.plugins.wxpusher import NotifyWxPusher
from sqlalchemy import Row

from models.database import as_json
from notifications.deliver import deliver_due
from tests.acceptance.receiver import Mailbox
from tests.certificate import nobody_vouches
from tests.robots import KINDS, SECRET, Robots
from tests.stage import Stage

ROBOTS = ("wecombot", "dingtalk", "feishu", "lark", "schan", "wxpusher")
PLAIN = ("bark", "ntfy", "json")
ANSWERS_IN_THE_BODY = ("nojson", "nocode", "short")

# How the far end behaves; the state and reason of the message afterwards.
OUTCOMES = {
    "ok": ("sent", "taken"),
    "resetbefore": ("unknown", "no_answer"),
    "resetafter": ("unknown", "no_answer"),
    "slow": ("unknown", "no_answer"),
    "truncated": ("unknown", "no_answer"),
    "proxy504": ("unknown", "no_answer"),
    "later429": ("retry", "try_again"),
    "date429": ("retry", "try_again"),
    "broken500": ("retry", "try_again"),
    "away503": ("retry", "try_again"),
    "gone410": ("failed", "channel_gone"),
    "nojson": ("unknown", "no_answer"),
    "nocode": ("unknown", "no_answer"),
    "short": ("unknown", "no_answer"),
    "busy": ("retry", "try_again"),
    "gone": ("failed", "channel_gone"),
    "refuses": ("failed", "refused"),
}


def expected(kind: str, behaviour: str) -> tuple[str, str] | None:
    """None where this kind of far end has no such behaviour."""
    says = {"busy": KINDS[kind].busy, "gone": KINDS[kind].gone, "refuses": KINDS[kind].refuses}
    if behaviour in says and not says[behaviour]:
        return None
    if kind in PLAIN and behaviour in ANSWERS_IN_THE_BODY:
        return OUTCOMES["ok"]  # their word is the HTTP status
    return OUTCOMES[behaviour]


TABLE = [(kind, behaviour) for kind in KINDS for behaviour in OUTCOMES if expected(kind, behaviour)]


def url_of(kind: str, robot: str, port: int, tls: bool = False) -> str:
    s, patience = "s" if tls else "", "rto=0.4"
    return {
        "wecombot": f"wecombot://{robot}?{patience}",
        "dingtalk": f"dingtalk://{SECRET}@{robot}?{patience}",
        "feishu": f"feishu://{robot}?{patience}",
        "lark": f"lark://{robot}?{patience}",
        "schan": f"schan://{robot}?{patience}",
        "wxpusher": f"wxpusher://AT_{robot}/UID_a?{patience}",
        "bark": f"bark{s}://127.0.0.1:{port}/{robot}?{patience}",
        "ntfy": f"ntfy{s}://127.0.0.1:{port}/{robot}?{patience}",
        "json": f"json{s}://127.0.0.1:{port}/json/{robot}?{patience}",
    }[kind]


SAID = "jsonb_to_recordset(cast(:said as jsonb)) said(key text, url text)"
FORGET = "delete from notice"
PEOPLE = f"insert into person (township_id, key, label) select :town, key, key from {SAID} on conflict do nothing"
CHANNELS = f"""
insert into channel (person_id, position, url) select person.id, 1, said.url from {SAID} join person using (key)
on conflict (person_id, position) do update set url = excluded.url, disabled_at = null
"""
NOTICES = f"""
insert into notice (
    township_id, purpose, occasion, person_id, channel_id, urgent, while_states, facts, state, planned_at, not_before, attempts
)
select :town, 'operations', key, person.id, channel.id, false, '{{}}', cast(:facts as jsonb), 'planned', :now, :now, 0
from {SAID} join person using (key) join channel on person_id = person.id
"""


@dataclass
class House:
    """A township whose people each have one far end, named by how it behaves."""

    stage: Stage
    monkeypatch: pytest.MonkeyPatch

    def aim(self, port: int, scheme: str = "http") -> None:
        """The services' own addresses stand on loopback; everything else is the plugin as it is."""
        base = f"{scheme}://127.0.0.1:{port}"
        for plugin, path in (
            (NotifyWeComBot, "/wecombot?token={key}"),
            (NotifyDingTalk, "/dingtalk?token={token}"),
            (NotifyFeishu, "/feishu?token={token}"),
            (NotifyLark, "/lark?token="),
            (NotifyServerChan, "/schan/{token}"),
            (NotifyWxPusher, "/wxpusher"),
        ):
            self.monkeypatch.setattr(plugin, "notify_url", base + path)

    def tell(self, urls: dict[str, str]) -> dict[str, Row]:  # type: ignore[type-arg]
        """One message to each of these addresses; what became of it."""
        said = as_json([{"key": key, "url": url} for key, url in urls.items()])
        asked = {"town": self.stage.township_id, "now": self.stage.clock.now(), "facts": as_json({"text": "消防通道堵塞"}), "said": said}
        for change in (FORGET, PEOPLE, CHANNELS, NOTICES):
            self.stage.do(change, **{name: value for name, value in asked.items() if f":{name}" in change})
        deliver_due(self.stage.engine, self.stage.clock)
        told = "select occasion, state, reason, error, attempts, try_at from notice where purpose = 'operations' order by id"
        return {row.occasion: row for row in self.stage.all(told)}


@pytest.fixture
def house(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(stage, monkeypatch)


def test_every_behaviour_of_every_far_end_is_called_by_its_name_and_nobody_is_asked_twice(house: House) -> None:
    with Robots() as robots:
        house.aim(robots.port)
        told = house.tell({f"{kind}-{behaviour}": url_of(kind, behaviour, robots.port) for kind, behaviour in TABLE})
    came = {key: (row.state, row.reason) for key, row in told.items()}
    assert came == {f"{kind}-{behaviour}": expected(kind, behaviour) for kind, behaviour in TABLE}
    assert robots.faults == [], "every request was as the makers ask for it"
    assert sorted(robots.asked) == sorted(set(robots.asked)), "one attempt each"
    assert {row.attempts for row in told.values()} == {1}
    for kind in KINDS:
        for behaviour in ("later429", "date429"):
            waits = told[f"{kind}-{behaviour}"].try_at - house.stage.clock.wall()
            assert timedelta(seconds=595) < waits < timedelta(seconds=605), (kind, behaviour, waits)
    assert told["dingtalk-busy"].try_at - house.stage.clock.wall() == timedelta(minutes=10), "who is too fast is shut out for so long"
    assert {row.state for row in told.values()} == {"sent", "retry", "failed", "unknown"}


def test_a_far_end_that_does_not_listen_and_one_that_nobody_vouches_for_are_tried_again(house: House, self_signed: ssl.SSLContext) -> None:
    kinds = list(KINDS)
    with Robots() as closed:
        port = closed.port
    house.aim(port)
    told = house.tell({kind: url_of(kind, "ok", port) for kind in kinds})
    assert {(row.state, row.error) for row in told.values()} == {("retry", "connection refused")}
    with Robots(self_signed) as robots:
        house.aim(robots.port, "https")
        told = house.tell({kind: url_of(kind, "ok", robots.port, tls=True) for kind in kinds})
    assert {(row.state, row.error) for row in told.values()} == {("retry", "TLS certificate not trusted")}
    assert robots.asked == [], "nothing has left the house"


# What the mail server does; the state, reason and error of the message afterwards.
MAIL = {
    "ok": ("ok", 0, ("sent", "taken", None)),
    "unknown-user": ("status", 550, ("failed", "channel_gone", "SMTP 550 recipient refused")),
    "greylisted": ("greylist", 450, ("retry", "try_again", "SMTP 450 recipient refused")),
    "closing": ("status", 421, ("retry", "try_again", "SMTP 421 recipient refused")),
    "spam": ("data", 554, ("failed", "refused", "SMTP 554 SMTPDataError")),
    "full": ("data", 452, ("retry", "try_again", "SMTP 452 SMTPDataError")),
    "hangs-up-before": ("hang_up", 0, ("retry", "try_again", "SMTPServerDisconnected")),
    "hangs-up-after": ("reset_after", 0, ("unknown", "no_answer", "SMTPServerDisconnected")),
}


def test_every_answer_of_a_mail_server_is_called_by_its_name_and_greylisting_is_waited_out(house: House) -> None:
    with Mailbox() as mailbox:
        for person, (mood, code, _) in MAIL.items():
            mailbox.now(mood, code=code, only=person)
        told = house.tell({person: mailbox.url_for(person) for person in MAIL})
        came = {key: (row.state, row.reason, row.error) for key, row in told.items()}
        assert came == {key: outcome for key, (*_, outcome) in MAIL.items()}
        house.stage.later(minutes=2)
        deliver_due(house.stage.engine, house.stage.clock)
        mailbox.expect("ok", "消防通道堵塞")
        mailbox.expect("greylisted", "消防通道堵塞")
        again = house.stage.one("select state, attempts from notice where occasion = 'greylisted'")
        assert (again.state, again.attempts) == ("sent", 2)


def test_a_mail_server_that_does_not_listen_is_tried_again(house: House) -> None:
    with Mailbox() as closed:
        url = closed.url_for("p")
    told = house.tell({"p": url})
    assert (told["p"].state, told["p"].error) == ("retry", "ConnectionRefusedError")


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    return nobody_vouches(tmp_path)
