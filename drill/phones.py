"""The far ends of a demo and of every replay: an HTTP server and a mail server on loopback that write down what they are sent.

`python -m drill.phones` runs them for a demo, on ports chosen at the first start and kept in BIHUAN_HOME/demo/ports.json. Each message
becomes one line of JSON in BIHUAN_HOME/demo/phones.jsonl: at (machine time), person, channel (phone or mail), title, body.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as MailSession

from models.clock import machine_time
from models.refusal import Refusal
from models.settings import Settings

LOOPBACK = "127.0.0.1"
DOMAIN = "demo.test"
LARGEST = 64 * 1024
KEPT_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived; `at` is machine time, `channel` «phone» or «mail»."""

    at: datetime
    person: str
    channel: str
    title: str
    body: str


Sink = Callable[[Message], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the two servers listen."""

    phone: int
    mail: int

    def url(self, original: str, person: str) -> str:
        """The Apprise URL on loopback that stands in for a person's own: mail stays mail, everything else becomes a phone."""
        if urlsplit(original).scheme in ("mailto", "mailtos"):
            return f"mailto://{LOOPBACK}:{self.mail}/?from=bihuan@{DOMAIN}&to={quote(person, safe='')}@{DOMAIN}"
        return f"json://{LOOPBACK}:{self.phone}/phone/{quote(person, safe='')}"


def received(url: str, title: str, body: str) -> Message:
    """What would arrive if that URL of ours were sent to."""
    parts = urlsplit(url)
    if parts.scheme == "mailto":
        address = next(pair.removeprefix("to=") for pair in parts.query.split("&") if pair.startswith("to="))
        return Message(machine_time(), unquote(address.partition("@")[0]), "mail", title, body)
    return Message(machine_time(), unquote(parts.path.rpartition("/")[2]), "phone", title, body)


class Memory:
    """The file that `/demo/phones` reads. Beyond `limit` bytes its older half goes to a file beside it, which the next turn replaces."""

    def __init__(self, path: Path, limit: int = KEPT_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._limit = limit
        self._lock = threading.Lock()

    def __call__(self, message: Message) -> None:
        said = {
            "at": message.at.isoformat(), "person": message.person, "channel": message.channel,
            "title": message.title, "body": message.body,
        }  # fmt: skip
        line = json.dumps(said, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            with self._path.open("ab") as file:
                file.write(line)
                full = file.tell() > self._limit
            if full:
                self._path.replace(self._path.with_suffix(".old.jsonl"))


def memory_of(settings: Settings) -> Path:
    return settings.home / "demo" / "phones.jsonl"


def demo_ports(settings: Settings) -> Ports:
    """The demo's ports: those of its first start while nobody else uses them, else new ones. Called before anything listens there."""
    path = settings.home / "demo" / "ports.json"
    kept = _kept(path)
    if kept and all(_is_free(port) for port in (kept.phone, kept.mail)):
        return kept
    with _listening_socket(0) as phone, _listening_socket(0) as mail:
        ports = Ports(_port_of(phone), _port_of(mail))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"phone": ports.phone, "mail": ports.mail}))
    return ports


def _kept(path: Path) -> Ports | None:
    try:
        said = json.loads(path.read_text())
        return Ports(int(said["phone"]), int(said["mail"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_free(port: int) -> bool:
    try:
        _listening_socket(port).close()
    except OSError:
        return False
    return True


def _listening_socket(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


def _port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


# The two servers


class Telephone:
    """An ASGI application: POST /phone/PERSON with the JSON that Apprise's json:// sends."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            status = await self._take(scope, receive)
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0"), (b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b""})

    async def _take(self, scope: Any, receive: Any) -> int:
        folder, _, person = scope["path"].strip("/").partition("/")
        if scope["method"] != "POST" or folder != "phone" or not person:
            return 404
        payload = await _payload(receive)
        if payload is None:
            return 413
        try:
            said = json.loads(payload)
            message = Message(machine_time(), person, "phone", str(said.get("title") or ""), str(said["message"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            return 400
        self._sink(message)
        return 200


async def _payload(receive: Any) -> bytes | None:
    """The whole body; None when it is larger than any message of ours."""
    payload = bytearray()
    while True:
        part = await receive()
        payload += part.get("body", b"")
        if len(payload) > LARGEST:
            return None
        if not part.get("more_body"):
            return bytes(payload)


class Postbox:
    """Takes mail for PERSON@anything."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def handle_DATA(self, server: SMTP, session: MailSession, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        mail = BytesParser(policy=policy.default).parsebytes(envelope.original_content or b"")
        words = mail.get_body(("plain", "html"))
        for address in envelope.rcpt_tos:
            text = words.get_content().strip() if words else ""
            self._sink(Message(machine_time(), address.partition("@")[0], "mail", str(mail["Subject"] or ""), text))
        return "250 OK"


class Receivers:
    """Both servers in one event loop, on two sockets that already listen."""

    def __init__(self, sink: Sink, sockets: Sequence[socket.socket]) -> None:
        self._phone, self._mail = sockets
        self._postbox = Postbox(sink)
        config = uvicorn.Config(Telephone(sink), lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2)
        self._web = uvicorn.Server(config)

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        post = await loop.create_server(self._mailman, sock=self._mail)
        try:
            await self._web.serve(sockets=[self._phone])
        finally:
            post.close()

    def stop(self) -> None:
        self._web.should_exit = True

    def _mailman(self) -> SMTP:
        return SMTP(self._postbox, hostname=DOMAIN, enable_SMTPUTF8=True, data_size_limit=LARGEST)


@contextmanager
def receivers(sink: Sink) -> Iterator[Ports]:
    """Both servers in a thread of this process, on free ports, for as long as the block lasts. `sink` is called in that thread."""
    with _listening_socket(0) as phone, _listening_socket(0) as mail:
        both = Receivers(sink, (phone, mail))
        thread = threading.Thread(target=lambda: asyncio.run(both.serve()), name="bihuan-phones", daemon=True)
        thread.start()
        try:
            yield Ports(_port_of(phone), _port_of(mail))
        finally:
            both.stop()
            thread.join(10)


def main() -> int:
    try:
        _run(Settings.read())
    except Refusal as no:
        print(no, file=sys.stderr, flush=True)
        return 1
    return 0


def _run(settings: Settings) -> None:
    ports = _kept(settings.home / "demo" / "ports.json") or demo_ports(settings)
    try:
        sockets = [_listening_socket(ports.phone), _listening_socket(ports.mail)]
    except OSError as error:
        raise Refusal(
            f"演示手机的端口 {ports.phone}、{ports.mail} 被占用，请关闭占用的程序，或重新启动闭环以换用空闲端口。",
            f"The demo's ports {ports.phone} and {ports.mail} are in use ({error}): free them, or start Bihuan again.",
        ) from error
    asyncio.run(Receivers(Memory(memory_of(settings)), sockets).serve())


if __name__ == "__main__":
    sys.exit(main())
