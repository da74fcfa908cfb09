"""Where a list goes on: the list and its order, and the sort key of its last row; opaque to whoever carries it."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from models.clock import utc
from web.problem import Problem

Key = str | int | datetime


def write(of: str, key: Key, id: int) -> str:
    """`of` names the list and its order: a cursor goes on nowhere else."""
    return _encoded([of, utc(key).isoformat() if isinstance(key, datetime) else key, id])


def read(of: str, cursor: str, kind: type[Key] = datetime) -> tuple[Any, int]:
    """The sort key, of this kind, and the row's number. Raises Problem 422 for what isn't ours, and for another list's or order's."""
    key, id = _decoded(of, cursor, str if kind is datetime else kind, int)
    try:
        return (utc(datetime.fromisoformat(key)) if kind is datetime else key), id
    except (ValueError, OverflowError) as error:
        raise _foreign() from error


def write_number(of: str, id: int) -> str:
    return _encoded([of, id])


def read_number(of: str, cursor: str | None) -> int:
    """The number that the next page starts after; 0 without a cursor. Raises Problem 422."""
    return int(_decoded(of, cursor, int)[0]) if cursor else 0


def _encoded(parts: list[Any]) -> str:
    said = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _decoded(of: str, cursor: str, *types: type) -> list[Any]:
    try:
        parts = json.loads(base64.b64decode((cursor + "=" * (-len(cursor) % 4)).encode(), altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise _foreign() from error
    if not isinstance(parts, list) or not parts or not isinstance(parts[0], str):
        raise _foreign()
    if parts[0] != of:
        raise _elsewhere()
    if [type(part) for part in parts[1:]] != list(types) or any(isinstance(part, int) and not 0 <= part < 2**63 for part in parts):
        raise _foreign()
    if any(isinstance(part, str) and "\x00" in part for part in parts):
        raise _foreign()
    return parts[1:]


def _foreign() -> Problem:
    wrong = [{"where": "cursor", "message": "not one of ours"}]
    return Problem(422, "翻页标记无效，请从第一页重新开始。", "The cursor isn't one of ours.", errors=wrong)


def _elsewhere() -> Problem:
    wrong = [{"where": "cursor", "message": "of another list or order"}]
    zh = "这个翻页标记属于另一份列表或另一种排序，请从第一页重新开始。"
    return Problem(422, zh, "This cursor belongs to another list, or to another order of it: begin with the first page.", errors=wrong)
