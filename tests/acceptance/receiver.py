"""Far ends that record: real HTTP and SMTP servers on loopback, each person with an address of their own.

    with Phones() as phones, Mailbox() as mail:
        phones.url_for("p-owner"), mail.url_for("p-mayor")       # Apprise URLs
        phones.now("slow", seconds=2); phones.now("errcode", code=310000, only="p-owner")
        phones.expect("p-owner", "隐患交办"); phones.nothing_else()

A person's messages are recorded in the order in which their text arrived, whatever the server then answers.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.far_end import FarEnd, Listening

LINK = re.compile(r"/[aho]/\S+$")


def without_link(text: str) -> str:
    """A message but for the link to its case: what leaves has a ticket in it, what is kept or foreseen the plain address."""
    return LINK.sub("/…", text)


# What each robot says when it takes a message, and how it says no: HTTP 200 either way.
YES = {
    "wecombot": {"errcode": 0, "errmsg": "ok"},
    "dingtalk": {"errcode": 0, "errmsg": "ok"},
    "feishu": {"code": 0, "data": {}, "msg": "success", "StatusCode": 0, "StatusMessage": "success"},
    "lark": {"code": 0, "data": {}, "msg": "success", "StatusCode": 0, "StatusMessage": "success"},
    "schan": {"code": 0, "message": "", "data": {"pushid": "1", "error": "SUCCESS"}},
}
NO = {
    "wecombot": ("errcode", "errmsg"), "dingtalk": ("errcode", "errmsg"), "feishu": ("code", "msg"), "lark": ("code", "msg"),
    "schan": ("code", "message"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """One text that arrived. `taken`: the far end said yes to it (and it said so to the sender)."""

    person: str
    text: str
    title: str = ""
    taken: bool = True


@dataclass(frozen=True, slots=True)
class Mood:
    """How a far end behaves. `name`: ok, refuse_before (reset without reading), reset_after (read, then reset), slow, half (an answer cut
    short), status (any HTTP status), errcode (a robot's no in a 200)."""

    name: str = "ok"
    status: int = 200
    seconds: float = 0.0
    code: int = 0
    words: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Recorder:
    """What all receivers have in common: moods, messages, expectations."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.attempts: list[str] = []
        self._expected: list[Message] = []
        self._moods: dict[str | None, Mood] = {}
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)

    def now(self, name: str, *, only: str | None = None, **how: Any) -> None:
        """From now on (for one person) behave like this; `now("ok")` to be well again."""
        with self._lock:
            self._moods[only] = Mood(name, **how)

    def mood_of(self, person: str) -> Mood:
        with self._lock:
            return self._moods.get(person) or self._moods.get(None) or Mood()

    def note(self, message: Message) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    def tried(self, person: str) -> None:
        with self._arrived:
            self.attempts.append(person)
            self._arrived.notify_all()

    def wait_for(self, person: str, seconds: float = 10.0) -> None:
        """Until somebody tries to tell this person something."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: person in self.attempts, seconds), f"nobody called {person}"

    def to(self, person: str) -> list[Message]:
        """What this person heard, oldest first."""
        with self._lock:
            return [each for each in self.messages if each.person == person and each.taken]

    def expect(self, person: str, *contains: str) -> Message:
        """Exactly one message to this person, not expected before, holds all of these texts."""
        with self._lock:
            waiting = [each for each in self.messages if each.taken and each not in self._expected and each.person == person]
            found = [each for each in waiting if all(text in each.text or text in each.title for text in contains)]
            assert len(found) == 1, f"{len(found)} messages to {person} with {contains}; waiting: {waiting}"
            self._expected.append(found[0])
            return found[0]

    def nothing_else(self) -> None:
        """Fails on any message that was taken and that nobody expected."""
        with self._lock:
            rest = list(self.messages)
            for each in self._expected:
                rest.remove(each)
            assert not [each for each in rest if each.taken], f"unexpected: {rest}"

    def forget(self) -> None:
        """What has arrived so far is no longer spoken of."""
        with self._lock:
            self.messages.clear()
            self.attempts.clear()
            self._expected.clear()


class Phones(Recorder, Listening):
    """An HTTP server: Apprise's JSON webhook at /phone/PERSON, and WeCom's, DingTalk's, Feishu's, Lark's and ServerChan's own formats."""

    def __init__(self) -> None:
        Recorder.__init__(self)
        Listening.__init__(self, _Phone)

    def url_for(self, person: str, **options: str) -> str:
        asked = "&".join(f"{name}={value}" for name, value in options.items())
        return f"json://127.0.0.1:{self.port}/phone/{person}" + (f"?{asked}" if asked else "")

    def base(self, service: str, person: str) -> str:
        """Where a robot of this service is spoken to, for a plugin whose own address is replaced in a test."""
        return f"http://127.0.0.1:{self.port}/{service}/{person}"

    def close_door(self) -> None:
        """From now on nobody listens: connections are refused."""
        self._server.shutdown()
        self._server.server_close()


class _Phone(FarEnd):
    def post(self) -> None:
        recorder: Phones = self.server.owner  # type: ignore[attr-defined]
        service, _, person = unquote(urlsplit(self.path).path).strip("/").partition("/")
        recorder.tried(person)
        mood = recorder.mood_of(person)
        if mood.name == "refuse_before":
            return self.reset()
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        title, text = _words(service, said)
        taken = mood.name in ("ok", "slow", "half", "reset_after")
        if mood.name == "slow":
            time.sleep(mood.seconds)
        recorder.note(Message(person, text, title, taken))
        if mood.name == "reset_after":
            return self.reset()
        return self._say(service, mood)

    def _say(self, service: str, mood: Mood) -> None:
        body = dict(YES.get(service, {"ok": True}))
        if mood.name == "errcode":
            code, words = NO.get(service, ("code", "message"))
            body = {code: mood.code, words: mood.words}
        self.answer(json.dumps(body).encode(), mood.status, mood.headers, 100 if mood.name == "half" else 0)


def _words(service: str, said: dict[str, Any]) -> tuple[str, str]:
    """Title and text, wherever the service's format holds them."""
    if service in ("wecombot", "dingtalk"):
        return "", said["text"]["content"]
    if service in ("feishu", "lark"):
        return "", said["content"]["text"]
    if service == "schan":
        return said.get("title", ""), said.get("desp", "")
    return said.get("title", ""), said["message"]


class Mailbox(Recorder):
    """An SMTP server that takes mail for PERSON@town.test. Moods: ok, slow, status (its `code` to RCPT), data (its `code` after the text),
    greylist (not yet, the first time), hang_up (the connection drops at RCPT), reset_after (it drops once the text is in). With a `tls`
    context it speaks TLS from the first byte."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self._controller = _Controller(_Postman(self), hostname="127.0.0.1", port=_free_port(), ssl_context=tls)
        self.port: int = self._controller.port

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def url_for(self, person: str) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=bihuan@town.test&to={person}@town.test"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Controller(Controller):
    def factory(self) -> SMTP:
        return SMTP(self.handler, hostname="town.test", enable_SMTPUTF8=True)


class _Postman:
    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        person = address.partition("@")[0]
        self.mailbox.tried(person)
        mood = self.mailbox.mood_of(person)
        if mood.name == "hang_up":
            server.transport.abort()  # type: ignore[union-attr]
        if mood.name == "status" or (mood.name == "greylist" and self.mailbox.attempts.count(person) == 1):
            return f"{mood.code or 450} {mood.words or 'not now'}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        person = envelope.rcpt_tos[0].partition("@")[0]
        mood = self.mailbox.mood_of(person)
        if mood.name == "slow":
            await asyncio.sleep(mood.seconds)
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)
        plain = mail.get_body(("plain", "html"))  # type: ignore[attr-defined]
        taken = mood.name in ("ok", "slow", "reset_after", "greylist")
        self.mailbox.note(Message(person, plain.get_content().strip(), str(mail["Subject"]), taken))
        if mood.name == "reset_after":
            server.transport.abort()  # type: ignore[union-attr]
        return "250 OK" if mood.name != "data" else f"{mood.code} {mood.words or 'no'}"


@contextmanager
def receivers() -> Iterator[tuple[Phones, Mailbox]]:
    with Phones() as phones, Mailbox() as mailbox:
        yield phones, mailbox
