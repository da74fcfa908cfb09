"""The names behind the opaque keys, for the screen alone."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlmodel import Session

LABELS = text("select key, label from person where township_id = :township and key = any(:keys)")


def labels(session: Session, township_id: int, keys: Iterable[str | None]) -> dict[str, str]:
    """The label of each key that the roster still has."""
    asked = sorted({key for key in keys if key})
    return dict(session.execute(LABELS, {"township": township_id, "keys": asked}).tuples().all()) if asked else {}
