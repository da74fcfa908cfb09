"""What a plugin of Apprise hears from the far end, kept for the one thread that is sending.

Apprise 1.13 answers True or False and says neither which error it was nor what the far end said. Its plugins of WeCom, DingTalk, Feishu
and Lark look at the HTTP status alone: a robot that refuses with an `errcode` in a 200 answer counts as sent. So we listen: each plugin
module's own name `requests` (or `smtplib`) is replaced by a look-alike that passes every call on and notes its answer or its error. The
other ways were weighed: a subclass of each plugin would have to repeat its whole `send`, since the answer never leaves it, and a patch
of `requests` itself would touch everybody else in the process. This way touches only names inside of Apprise's plugin modules, holds
for every plugin that speaks HTTP or SMTP, and where a plugin does neither we still have its True or False.
"""

from __future__ import annotations

import smtplib
import ssl
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import requests

RESTS_SECONDS = 1.0


@dataclass(slots=True)
class Overheard:
    """One plugin call's exchanges: HTTP answers, errors, mails taken. `written` of a mail error: its text had begun to leave."""

    answers: list[requests.Response] = field(default_factory=list)
    errors: list[tuple[Exception, bool]] = field(default_factory=list)
    mails: int = 0
    said: list[str] = field(default_factory=list)


_here = threading.local()


@contextmanager
def listening() -> Iterator[Overheard]:
    """Everything that plugins do in this thread until the end of the block."""
    _here.heard = heard = Overheard()
    try:
        yield heard
    finally:
        _here.heard = None


def heard_here() -> Overheard | None:
    return getattr(_here, "heard", None)


class _Session(requests.Session):
    """Asks the environment for proxies and certificates once a far end and not once a message, which was a third of a send; and never
    asks .netrc, so that no robot is shown a password that stands there for somebody else."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> dict[str, Any]:
        if proxies:
            return super().merge_environment_settings(url, proxies, stream, verify, cert)
        scheme, host = urlsplit(url)[:2]
        return dict(_surroundings(f"{scheme}://{host.rpartition('@')[2]}", stream, verify, cert))


@lru_cache
def _surroundings(far_end: str, stream: bool | None, verify: bool | str | None, cert: str | tuple[str, str] | None) -> Mapping[str, Any]:
    with requests.Session() as trusting:
        return trusting.merge_environment_settings(far_end, {}, stream, verify, cert)


class _Line(threading.local):
    """The connections of one thread, kept from one message to the next; no cookie of one channel is shown to another.

    What has rested for a second isn't used again: a far end may be hanging up just then, and a message that meets with that is unknown.
    """

    def __init__(self) -> None:
        self.session = _Session()
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.used_at = monotonic()

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        if monotonic() - self.used_at > RESTS_SECONDS:
            self.session.close()
        try:
            return self.session.request(method, url, **options)
        finally:
            self.used_at = monotonic()


_line = _Line()


class WatchedRequests:
    """Looks like the module `requests` to a plugin."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def request(self, method: str, url: str, **options: Any) -> requests.Response:
        heard = heard_here()
        try:
            answer = _line.request(method, url, **options)
        except requests.RequestException as error:
            if heard:
                heard.errors.append((error, True))
            raise
        if heard:
            heard.answers.append(answer)
        return answer

    def get(self, url: str, **options: Any) -> requests.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> requests.Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> requests.Response:
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> requests.Response:
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Any) -> requests.Response:
        return self.request("DELETE", url, **options)


class _Listening:
    """A mail client that notes its errors, and whether the text had begun to leave by then."""

    text_left = False

    def __init__(self, *args: Any, **options: Any) -> None:
        with _noting(self):
            super().__init__(*args, **_granted(options))

    def starttls(self, *args: Any, **options: Any) -> Any:
        with _noting(self):
            return super().starttls(*args, **_granted(options))  # type: ignore[misc]

    def login(self, *args: Any, **options: Any) -> Any:
        with _noting(self):
            return super().login(*args, **options)  # type: ignore[misc]

    def data(self, *args: Any, **options: Any) -> Any:
        self.text_left = True
        return super().data(*args, **options)  # type: ignore[misc]

    def sendmail(self, *args: Any, **options: Any) -> Any:
        self.text_left = False
        with _noting(self):
            refused = super().sendmail(*args, **options)  # type: ignore[misc]
        if heard := heard_here():
            heard.mails += 1
        return refused


@contextmanager
def _noting(client: _Listening) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if heard := heard_here():
            heard.errors.append((error, client.text_left))
        raise


class ListeningSMTP(_Listening, smtplib.SMTP):
    pass


class ListeningSMTPS(_Listening, smtplib.SMTP_SSL):
    pass


class WatchedSmtplib:
    """Looks like the module `smtplib` to a plugin."""

    SMTP = ListeningSMTP
    SMTP_SSL = ListeningSMTPS

    def __getattr__(self, name: str) -> Any:
        return getattr(smtplib, name)


@dataclass(slots=True)
class Wish:
    """A TLS context that nobody has needed yet: reading all root certificates takes 19 ms, and a mail without TLS asks for it, too."""

    check_hostname: bool = True
    verify_mode: ssl.VerifyMode = ssl.CERT_REQUIRED


class PatientSsl:
    """Looks like the module `ssl` to the mail plugin."""

    create_default_context = Wish

    def __getattr__(self, name: str) -> Any:
        return getattr(ssl, name)


def _granted(options: dict[str, Any]) -> dict[str, Any]:
    wish = options.get("context")
    return {**options, "context": _context(wish.check_hostname, wish.verify_mode)} if isinstance(wish, Wish) else options


@lru_cache
def _context(check_hostname: bool, verify_mode: ssl.VerifyMode) -> ssl.SSLContext:
    """One for all mails of the process: root certificates that change are seen after a restart."""
    context = ssl.create_default_context()
    context.check_hostname = check_hostname
    context.verify_mode = verify_mode
    return context


HTTP: dict[str, tuple[ModuleType, Any]] = {"requests": (requests, WatchedRequests())}
MAIL: dict[str, tuple[ModuleType, Any]] = {"smtplib": (smtplib, WatchedSmtplib()), "ssl": (ssl, PatientSsl())}


def watch(service: object) -> None:
    """Puts the look-alikes into the modules that a plugin's class comes from; doing it again changes nothing."""
    for base in type(service).__mro__:
        module = sys.modules.get(base.__module__)
        if module and base.__module__.startswith("apprise.plugins."):
            for name, (real, look_alike) in (HTTP | MAIL if hasattr(module, "smtplib") else HTTP).items():
                if getattr(module, name, None) is real:
                    setattr(module, name, look_alike)
