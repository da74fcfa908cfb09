"""The worker by which pages open without a network, and the page for where none has been seen yet."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from fastapi import APIRouter
from fastapi.responses import Response

from web.render import ROOM, bare

router = APIRouter()


@router.get("/service-worker.js")
def worker() -> Response:
    """At the root, since a worker reaches no further up than its address; looked for anew at every visit."""
    return Response(_worker(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@lru_cache(maxsize=1)
def _worker() -> bytes:
    """A worker is installed anew when its bytes change, and keeps the page below as it was then. Its comments stay at home."""
    page = hashlib.sha256(bytes(bare("offline.html").body)).hexdigest()[:10]
    lines = (line.strip() for line in (ROOM / "static" / "service-worker.js").read_text(encoding="utf8").splitlines())
    return "\n".join([*(line for line in lines if not line.startswith("//")), f"// {page}"]).encode()


@router.get("/offline")
def offline() -> Response:
    return bare("offline.html")
