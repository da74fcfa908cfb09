"""What a program's token may do: `read` or `write` everywhere, or `hazards:read`, `places:write` in one part of the API alone.

`write` lets read. A token without scopes may do all that its person may. The words are RFC 6749 §3.3's, the refusal RFC 6750 §3.1's.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from models.refusal import Refusal
from web.problem import Problem

SCOPE = re.compile(r"([a-z]{2,30}:)?(read|write)")
LOOKS = ("GET", "HEAD", "OPTIONS")
API = "/api/v1/"


def scopes_of(said: str) -> list[str]:
    """The scopes in `said`, which blanks or commas keep apart. Raises Refusal for what is none."""
    asked = said.replace(",", " ").split()
    for each in asked:
        if not SCOPE.fullmatch(each):
            en = f"{each!r} is no scope: say read, write or hazards:read."
            raise Refusal(f"没有“{each}”这种权限，应为 read、write 或 hazards:read 这样的。", en)
    return list(dict.fromkeys(asked))


def allow(scopes: Collection[str] | None, method: str, path: str) -> None:
    """Lets a request pass that these scopes cover. Raises Problem 403 that names the scope it takes."""
    if scopes is None:
        return
    area = path.removeprefix(API).split("/", 1)[0]
    enough = {"write", f"{area}:write"} | ({"read", f"{area}:read"} if method in LOOKS else set())
    if enough.isdisjoint(scopes):
        need = f"{area}:{'read' if method in LOOKS else 'write'}"
        headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{need}"'}
        raise Problem(403, f"这个令牌没有 {need} 权限。", f"This token lacks the scope {need}.", headers=headers, reason="scope")
