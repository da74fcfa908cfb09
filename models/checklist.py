"""A checklist: what an inspector looks at in a kind of place, with the clause behind each item. Versioned."""

from __future__ import annotations

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import json


class Checklist(SQLModel, table=True):
    """`body` is the checked content of one file of the township's checklists folder."""

    __tablename__ = "checklist"
    __table_args__ = (UniqueConstraint("township_id", "code", "version", name="checklist_versions_are_numbered"),)
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    code: str
    version: int = 1
    body: dict[str, Any] = json()
