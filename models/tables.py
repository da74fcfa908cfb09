"""Every noun in one import, for whoever needs the whole schema at once (migrations and their test)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlmodel import AutoString, SQLModel

from models import (  # noqa: F401
    application,
    campaign,
    case,
    checklist,
    clause,
    clock,
    duty,
    event,
    evidence,
    group,
    hazard,
    identity,
    inspection,
    ladder,
    ledger,
    links_voided,
    notice,
    owner_link,
    paper,
    person,
    place,
    post,
    report,
    silence,
    subscriber,
    throttle,
    timer,
    township,
    wording,
)
from models.columns import WordText

metadata = SQLModel.metadata


def types_differ(_context: Any, _column: Any, _other: Any, inspected: Any, declared: Any) -> bool | None:
    """For Alembic's comparison: text is text, whether declared by its length or not; the rest it compares itself."""
    return False if isinstance(inspected, String) and isinstance(declared, String | AutoString | WordText) else None
