"""Where a list goes on: the sort key of its last row, opaque to whoever carries it."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from models.clock import utc
from web.problem import Problem


def write(moment: datetime, id: int) -> str:
    return _encoded([utc(moment).isoformat(), id])


def read(cursor: str) -> tuple[datetime, int]:
    """The sort key. Raises Problem 422 for what we haven't written."""
    moment, id = _decoded(cursor, str, int)
    try:
        return utc(datetime.fromisoformat(moment)), id
    except (ValueError, OverflowError) as error:
        raise _foreign() from error


def write_number(id: int) -> str:
    return _encoded([id])


def read_number(cursor: str | None) -> int:
    """The number that the next page starts after; 0 without a cursor. Raises Problem 422."""
    return int(_decoded(cursor, int)[0]) if cursor else 0


def _encoded(parts: list[Any]) -> str:
    said = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _decoded(cursor: str, *types: type) -> list[Any]:
    try:
        parts = json.loads(base64.b64decode((cursor + "=" * (-len(cursor) % 4)).encode(), altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise _foreign() from error
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise _foreign()
    if not 0 <= parts[-1] < 2**63:
        raise _foreign()
    return parts


def _foreign() -> Problem:
    wrong = [{"where": "cursor", "message": "not one of ours"}]
    return Problem(422, "翻页标记无效，请从第一页重新开始。", "The cursor isn't one of ours.", errors=wrong)
