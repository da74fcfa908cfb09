"""The one way out: Apprise. No other file imports it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import apprise
from apprise import NotifyFormat

from notifications.channels import webhook
from notifications.channels.answer import ROBOTS, meaning
from notifications.channels.overheard import heard_here, listening, watch
from notifications.outcome import Kind, Outcome

READ_SECONDS = 8.0
LEAST_SECRET = 5

# Redirects are refused: a POST that follows one arrives as a GET without its body, and answers 200. Nothing of Apprise's log is shown
# (_Reasons), so that masking an address for it, a tenth of a send, is spared.
ASSET = apprise.AppriseAsset(
    app_id="Bihuan", app_desc="闭环 Bihuan", app_url="", async_mode=False, http_redirects=False, secure_logging=False,
)  # fmt: skip


class _Reasons(logging.Handler):
    """Keeps what Apprise says in this thread for the message it says it about, and keeps it from everybody else: it may hold secrets.

    (Apprise's own LogCapture listens to all threads at once and would mix their reasons up.)
    """

    def emit(self, record: logging.LogRecord) -> None:
        heard = heard_here()
        if heard is not None and record.levelno >= logging.WARNING:
            heard.said.append(record.getMessage())


def _own_the_log() -> None:
    log = logging.getLogger("apprise")
    log.propagate = False
    log.handlers = [_Reasons()]


_own_the_log()


def send(url: str, title: str, body: str) -> Outcome:
    """Hands one message to one channel. Never raises; `detail` holds no part of the URL but its host."""
    if webhook.is_webhook(url):
        return webhook.send(url, title, body)
    service = _service(url)
    if service is None:
        return Outcome(Kind.permanent, "not an address that Apprise knows", channel_gone=True)
    watch(service)
    with listening() as heard:
        taken = service.notify(body=body, title=title if service.title_maxlen > 0 else "", body_format=NotifyFormat.TEXT)
    heard.said = [_without_secrets(each, url, service) for each in heard.said]
    return meaning(bool(taken), heard, _scheme(url, service) in ROBOTS)


def parseable(url: str) -> bool:
    """Whether Apprise, or our own webhook, can make a channel of this URL."""
    return webhook.hook_of(url) is not None if webhook.is_webhook(url) else _service(url) is not None


def masked(url: str) -> str:
    """The URL as it may be shown."""
    if webhook.is_webhook(url):
        return webhook.masked(url)
    service = _service(url)
    return str(service.url(privacy=True)).split("?", 1)[0] if service else "…"


def _service(url: str) -> Any:
    """The plugin's object for a URL, without waits, repeats or time-outs of its own making; None where there is no such plugin."""
    service = apprise.Apprise.instantiate(url, asset=ASSET, suppress_exceptions=True)
    if service is None or not isinstance(service, apprise.NotifyBase):
        return None
    service.request_rate_per_sec = 0  # 5.5 s a message otherwise; limits a channel asks for are ours to keep
    service.retry = 0  # repeating is a state of the notice
    service.optional = False  # «optional» calls every failure a success
    service.notify_format = NotifyFormat.TEXT  # what we write, whatever the service could show
    if hasattr(service, "get_signature"):
        service.get_signature = _signed_once(service.get_signature)
    if service.socket_read_timeout == type(service).socket_read_timeout:
        service.socket_read_timeout = READ_SECONDS
    return service


def _signed_once(signature: Callable[[], tuple[str, str]]) -> Callable[[], tuple[str, str]]:
    """DingTalk's plugin percent-encodes the signature and hands it to a client that does so again: the robot sees another one and answers
    310000 «sign not match» (the same mistake: wowiwj/ding-notice#11, x-cold/dingtalk-robot#7)."""

    def plain() -> tuple[str, str]:
        stamp, sign = signature()
        return stamp, unquote(sign)

    return plain


def _scheme(url: str, service: Any) -> str:
    return str(service.secure_protocol if isinstance(service.secure_protocol, str) else url.split("://", 1)[0]).lower()


def _without_secrets(said: str, url: str, service: Any) -> str:
    """Takes out whatever stands in the URL but not in its masked form."""
    shown = str(service.url(privacy=True))
    secrets = [part for part in re.split(r"[/:@?&=%]+", url) if len(part) >= LEAST_SECRET and part not in shown]
    for secret in sorted(secrets, key=len, reverse=True):
        said = said.replace(secret, "…")
    return said
