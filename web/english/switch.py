"""Which language a request is answered in: its browser keeps it in a cookie."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol

from markupsafe import Markup
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.english.catalogue import CHINESE, capital, said
from web.english.page import english


class Spoken(Protocol):
    """What has a name in both languages."""

    @property
    def zh(self) -> str: ...
    @property
    def en(self) -> str: ...


COOKIE, ENGLISH = "language", "en"
NAMES = re.compile(r"([\u3000-\u303f\u3400-\u9fff\uff00-\uffef]+)")
_asked: ContextVar[bool] = ContextVar("asked_in_english", default=False)


def in_english() -> bool:
    """Whether the page that is being made will be read in English."""
    return _asked.get()


def either(zh: str | None, en: str | None) -> str:
    """What has been said twice, in the language of the page that is being made; names in the English are marked as Chinese."""
    if not in_english() or not en:
        return zh or en or ""
    return Markup("").join(_named(at, part) for at, part in enumerate(NAMES.split(en))) if CHINESE.search(en) else en


def step_name(step: Spoken) -> str:
    """A step of a machine as its button says it: in English the step itself, not the state that Chinese calls alike."""
    return either(step.zh, capital(step.en))


def _named(at: int, part: str) -> str:
    return Markup('<span lang="zh-CN">{}</span>').format(part) if at % 2 else part


def written(text: object) -> str:
    """What people wrote, marked as Chinese where it stands in an English page (WCAG 3.1.2, Language of Parts)."""
    shown = "" if text is None else text if isinstance(text, str) else str(text)
    if not in_english() or not shown:
        return shown
    return Markup('<span lang="zh-CN">{}</span>' if CHINESE.search(shown) else "<span>{}</span>").format(shown)


def as_known(text: object) -> str:
    """The same for what may be a word of ours or somebody's: said in English if it is wholly known, else left and marked."""
    return str(text or "") if in_english() and said(str(text or "")) else written(text)


def wants_english(scope: Scope) -> bool:
    cookie = Headers(scope=scope).get("cookie", "")
    return COOKIE in cookie and cookie_parser(cookie).get(COOKIE) == ENGLISH


def answered(scope: Scope, make: Callable[[], Response]) -> Response:
    """What `make` answers, in the language of the request: for what is answered outside of all middleware, an error nobody expected."""
    if not wants_english(scope):
        return make()
    asked = _asked.set(True)
    try:
        answer = make()
    finally:
        _asked.reset(asked)
    if answer.headers.get("content-type", "").startswith("text/html"):
        answer.body = english(bytes(answer.body).decode()).encode()
        answer.headers["content-length"] = str(len(answer.body))
    return answer


class InEnglish:
    """ASGI middleware: every HTML answer in English, whole page or part of one, to whoever's cookie says so."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_english(scope):
            await self.app(scope, receive, send)
            return
        asked = _asked.set(True)
        try:
            await self.app(scope, receive, _saying(send))
        finally:
            _asked.reset(asked)


def _saying(send: Send) -> Send:
    """Holds an HTML answer back until it is whole; lets everything else pass as it comes."""
    head: list[Message] = []
    pieces: list[bytes] = []

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_html(message):
            head.append(message)
        elif not head:
            await send(message)
        else:
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                await _say(head[0], b"".join(pieces), send)

    return sending


def _is_html(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")


async def _say(head: Message, page: bytes, send: Send) -> None:
    body = english(page.decode()).encode()
    MutableHeaders(scope=head)["content-length"] = str(len(body))
    await send(head)
    await send({"type": "http.response.body", "body": body})
