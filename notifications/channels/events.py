"""Events for programs as CloudEvents 1.0.2 in structured JSON (github.com/cloudevents/spec), each one signed POST.

Where it may go: http and https alone, no redirect, no user name in the address, no port 0; never to a link-local, multicast or unspecified
address, nor to others behind which a cloud's own services answer, nor to the house's own ports on loopback. Another address of the house
or of its network is allowed: the office that subscribes and the program that listens usually share one. It is looked at again once a
connection stands, before anything is written: a name may lead elsewhere by then.
What the far end answers is never shown but for its status.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from models.database import as_json
from models.settings import Settings
from notifications.channels.answer import of_answer, of_error
from notifications.channels.signature import headers
from notifications.outcome import Kind, Outcome

T = TypeVar("T")
SECONDS = (4.0, 8.0)
WHOLE = 8.0  # seconds for one event, however slowly its answer drips
LATE = Outcome(Kind.unknown, "no answer in time")
CONTENT = "application/cloudevents+json; charset=utf-8"
LONGEST = 2000
# What a cloud's machine asks about itself, outside of link-local: Alibaba Cloud ECS and AWS EC2, «instance metadata».
CLOUDS = frozenset({ip_address("100.100.100.200"), ip_address("fd00:ec2::254")})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a subscriber's events go, and what they are signed with."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


def acceptable(url: str) -> bool:
    """Whether it may be subscribed with; whom the name leads to is looked at before each round of sending."""
    try:
        parts = urlsplit(url)
        whole = parts.hostname and parts.port != 0 and not parts.username and not parts.fragment
    except ValueError:
        return False
    return bool(whole) and parts.scheme in ("http", "https") and len(url) <= LONGEST and url.isprintable() and " " not in url


def forbidden(url: str) -> bool:
    """Whether the address leads, now, to where nothing is sent. A name that nobody knows is left to the attempt itself."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        return True
    except OSError:
        return False
    return any(_forbidden(str(each[4][0]), port) for each in found)


def _forbidden(said: str, port: int) -> bool:
    address = ip_address(said.split("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    own = address.is_loopback and port in _own_ports()
    return own or address in CLOUDS or address.is_link_local or address.is_multicast or address.is_unspecified


def _own_ports() -> set[int | None]:
    settings = Settings.read()
    return {settings.port, settings.prefect_port, settings.owner_port}


_here = threading.local()


class _Watched(HTTPConnection):
    """Lets whoever waits for it hang up, and leads nowhere that is forbidden."""

    def connect(self) -> None:
        _here.line.connection = self
        super().connect()
        said, port = self.sock.getpeername()[:2]
        if _forbidden(said, port):
            self.close()
            raise NewConnectionError(self, "an address where nothing is sent")


class _WatchedTls(_Watched, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class _Adapter(HTTPAdapter):
    POOLS: ClassVar = {"http": _Pool, "https": _TlsPool}

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self.POOLS


def in_time(seconds: float, do: Callable[[], T]) -> T | None:
    """What `do` returns; None when it takes longer. It goes on in its own thread then, until somebody hangs up."""
    found: Future[T] = Future()
    threading.Thread(target=_fulfil, args=(found, do), daemon=True).start()
    try:
        return found.result(seconds)
    except TimeoutError:
        return None


def _fulfil(found: Future[T], do: Callable[[], T]) -> None:
    try:
        found.set_result(do())
    except Exception as error:
        found.set_exception(error)


class Line:
    """One connection to one subscriber, for a round."""

    def __init__(self, to: Address) -> None:
        self._to = to
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter())
        self.connection: HTTPConnection | None = None

    def send(self, event: dict[str, Any], wall: datetime) -> Outcome:
        """One event, at machine time `wall`, in WHOLE seconds at most. Never raises; `detail` holds no part of the address."""
        outcome = in_time(WHOLE, lambda: self._send(event, wall))
        if outcome is None:
            self._hang_up()
        return outcome or LATE

    def _send(self, event: dict[str, Any], wall: datetime) -> Outcome:
        _here.line = self
        content = as_json(event).encode()
        said = {"Content-Type": CONTENT, "User-Agent": "bihuan", **headers(self._to.secret, event["id"], content, wall)}
        try:
            answer = self._session.post(self._to.url, data=content, headers=said, timeout=SECONDS, allow_redirects=False, stream=True)
            answer.close()
        except requests.RequestException as error:
            return of_error(error, written=True)
        except (OSError, ValueError) as error:
            return Outcome(Kind.temporary, type(error).__name__)
        return of_answer(answer)

    def _hang_up(self) -> None:
        with suppress(OSError, AttributeError):
            self.connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def close(self) -> None:
        self._session.close()
