"""A channel for programs, such as an SMS gateway: one signed POST of JSON a message.

`webhook+https://host/path?to=13800000000#whsec_…`: `to` is the number or name the receiver is to reach and goes into the body, never into
the address; the secret stands behind `#`, which no HTTP client sends. docs/webhooks.md says how a receiver checks and answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError

from models.clock import machine_time
from models.database import as_json
from notifications.channels.answer import of_answer, of_error
from notifications.channels.overheard import WatchedRequests
from notifications.channels.signature import headers, is_secret
from notifications.envelope import as_data, held
from notifications.outcome import Kind, Outcome

SCHEMES = {"webhook+https": "https", "webhook+http": "http"}
KIND = "bihuan.notice"
SECONDS = (4.0, 8.0)  # to connect, to answer
LONGEST_ANSWER = 4096

_requests = WatchedRequests()


@dataclass(frozen=True, slots=True)
class Hook:
    """Where a channel's messages go; `to` is whom the receiver passes them on to."""

    url: str
    to: str
    secret: str = field(repr=False)


def is_webhook(url: str) -> bool:
    return url.partition("://")[0].lower() in SCHEMES


def hook_of(url: str) -> Hook | None:
    """What the channel's URL says; None where it can't be one."""
    try:
        parts = urlsplit(url)
        usable = parts.hostname and parts.port != 0 and is_secret(parts.fragment) and not parts.username
    except ValueError:
        return None
    return _hook(parts) if usable and is_webhook(url) else None


def _hook(parts: SplitResult) -> Hook:
    said = parse_qsl(parts.query, keep_blank_values=True)
    to = ",".join(value for name, value in said if name == "to")
    rest = urlencode([pair for pair in said if pair[0] != "to"])
    return Hook(urlunsplit((SCHEMES[parts.scheme], parts.netloc, parts.path, rest, "")), to, parts.fragment)


def masked(url: str) -> str:
    """The URL as it may be shown: kind and host."""
    hook = hook_of(url)
    return f"{url.partition('://')[0]}://{urlsplit(hook.url).hostname}/…" if hook else "…"


def send(url: str, title: str, body: str) -> Outcome:
    """One POST. Never raises; `detail` holds no part of the URL. No redirect is followed."""
    hook = hook_of(url)
    if hook is None:
        return Outcome(Kind.permanent, "not a webhook's address", channel_gone=True)
    wall = machine_time()
    envelope = held()
    said = {"type": KIND, "timestamp": wall.isoformat(), "data": {"to": hook.to, "title": title, "text": body, **as_data(envelope)}}
    content = as_json(said).encode()
    message = envelope.key if envelope else f"test-{round(wall.timestamp() * 1000):x}"
    signed = {"Content-Type": "application/json", "User-Agent": "bihuan", **headers(hook.secret, message, content, wall)}
    try:
        answer = _requests.post(hook.url, data=content, headers=signed, timeout=SECONDS, allow_redirects=False, stream=True)
    except requests.RequestException as error:
        return of_error(error, written=True)
    with answer:
        outcome = of_answer(answer)
        return Outcome(Kind.delivered) if outcome.kind == Kind.sent and _delivered(answer) else outcome


def _delivered(answer: requests.Response) -> bool:
    """Whether the far end says that the person has it already."""
    try:
        body = answer.raw.read(LONGEST_ANSWER + 1, decode_content=True)
        said: Any = json.loads(body) if len(body) <= LONGEST_ANSWER else None
    except (HTTPError, OSError, ValueError):
        return False
    return isinstance(said, dict) and said.get("state") == "delivered"
