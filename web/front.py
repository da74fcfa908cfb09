"""The front door: how much may come in, from where forms may come, and what every answer says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEGABYTE = 1024 * 1024
ONE_PHOTO = 13 * MEGABYTE
FORM_WITH_PHOTOS = 64 * MEGABYTE
BODY = 2 * MEGABYTE
FROM_STRANGERS = 64 * 1024  # 2000 characters, encoded as a form, are 18 KB
READ_ON = 4  # a sender that is over the limit is heard out this many times over, so that it gets to read why

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(self), geolocation=(self), microphone=()",
}


KEPT = ("/static/", "/vendor/")  # styles and scripts, which no rule about documents says anything to
OF_KEPT = {"x-content-type-options": "nosniff"}


class Front:
    """ASGI middleware. A form that comes from another site is refused with 403, a body over its limit with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _with_headers(send, _keep(scope), OF_KEPT if scope["path"].startswith(KEPT) else HEADERS)
        if not _same_site(scope):
            refused = PlainTextResponse("这个请求来自别的网站，已拒绝。 Refused: the form came from another site.", 403)
            await refused(scope, receive, answer)
            return
        await self.app(scope, _limited(receive, _limit(scope["path"])), answer)


def _keep(scope: Scope) -> str:
    """How long browsers may keep the answer: what carries the version of its content in its address, for good."""
    path: str = scope["path"]
    if path.startswith(KEPT) and scope["query_string"].startswith(b"v="):
        return "public, max-age=31536000, immutable"
    return "no-store" if path.startswith("/api/") else "no-cache, private"


def _with_headers(send: Send, keep: str, said: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in said.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", keep)
        await send(message)

    return sending


def _limit(path: str) -> int:
    if path.startswith("/api/"):
        return ONE_PHOTO if path.endswith("/evidence") else BODY
    if path.startswith("/o/"):
        return ONE_PHOTO if path.endswith("/photo") else FROM_STRANGERS
    return FROM_STRANGERS if path == "/report" or path.startswith(("/report/", "/p/", "/a/")) else FORM_WITH_PHOTOS


def _limited(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        while seen > limit:
            if not message.get("more_body") or seen > READ_ON * limit:
                raise HTTPException(413)
            message = await receive()
            seen += len(message.get("body", b""))
        return message

    return receiving


def _same_site(scope: Scope) -> bool:
    """Whether a form comes from our own pages, as its browser says.

    Programs bring a token that no browser sends by itself. Every browser says where a form of another site comes from; who says
    nothing is none, and holds no cookie of somebody else's (it is SameSite=Lax besides).
    """
    if scope["method"] in ("GET", "HEAD", "OPTIONS") or scope["path"].startswith("/api/"):
        return True
    headers = Headers(scope=scope)
    fetched_from = headers.get("sec-fetch-site")
    if fetched_from:
        return fetched_from in ("same-origin", "none")
    said = headers.get("origin") or headers.get("referer")
    return said is None or urlsplit(said).netloc == headers.get("host")
