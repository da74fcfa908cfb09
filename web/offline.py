"""What a phone may keep for where it has no network: which pages, and whose (docs/adr/0018-pages-open-offline.md)."""

from __future__ import annotations

import re

from fastapi import Request

from web.accounts import token_hash

HEADER = "Bihuan-Login"
KEPT = re.compile(r"/|/(inbox|hazards|new)|/h/[^/]+(/recheck)?|/(inspect|inspections|duties|places)(/[^/]+)?")
PASSING = frozenset({"done", "report"})
"""What a page says once only, and what it copies from a public report."""


def said_of(request: Request, token: str, status: int) -> str:
    """The caller's login by the first letters of its hash, as on their own page; `keep` after it where the page may be kept.

    What isn't named isn't kept: one's own page with its tokens, public reports, messages, rosters, papers, links, exports.
    """
    may = status == 200 and request.method == "GET" and KEPT.fullmatch(request.url.path) and not PASSING & set(request.query_params)
    return token_hash(token)[:12] + (" keep" if may else "")
