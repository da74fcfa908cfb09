"""A township's own wording of a message, one version after the other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.columns import moment


class Wording(SQLModel, table=True):
    """The text of one message (`name`, as in notifications/templates) in one language from `at` on (business time): the newest row counts.

    `text` is empty where the house's own was taken back. Who did it stands there by post and person, both empty where the township's folder
    says so. Added to, never rewritten, by grants.
    """

    __tablename__ = "wording"
    __table_args__ = (
        CheckConstraint("btrim(text) <> ''", name="a_wording_says_something"),
        Index("newest_wording", "township_id", "language", "name", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    language: str
    name: str
    text: str | None = None
    at: datetime = moment(nullable=False)
    by_post: str | None = None
    by_person: str | None = None
