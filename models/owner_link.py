"""An owner's link that an official has made by hand, for somebody whom no message reaches: who made it, for whom, until when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey
from sqlmodel import Field, SQLModel

from models.columns import moment


class OwnerLink(SQLModel, table=True):
    """Added to, never rewritten: the app may insert and read, by grants. The link itself is kept nowhere (models/ticket.py signs it again).
    `until` and `made_at` are machine time."""

    __tablename__ = "owner_link"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), nullable=False, index=True))
    person_id: int = Field(foreign_key="person.id")
    post_id: int = Field(foreign_key="post.id")
    until: datetime = moment(nullable=False)
    made_at: datetime = moment(nullable=False)
    made_person: str
    made_post: str
