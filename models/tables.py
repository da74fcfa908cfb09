"""Every noun in one import, for whoever needs the whole schema at once (migrations and their test)."""

from __future__ import annotations

from models import (  # noqa: F401
    campaign,
    case,
    checklist,
    clock,
    event,
    evidence,
    hazard,
    ladder,
    notice,
    person,
    place,
    post,
    timer,
    township,
)
from sqlmodel import SQLModel

metadata = SQLModel.metadata
