"""A person's links made void: whatever a message or an official gave them until then opens nothing any more."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from models.columns import moment

# How often that has happened: a ticket (models/ticket.py) of another number is void.
SERIAL = "(select count(*)::int from links_voided where links_voided.person_id = {person})"


class LinksVoided(SQLModel, table=True):
    """Whose, when (machine time), and by whom; both `system` from the command line. Added to, never rewritten, by grants."""

    __tablename__ = "links_voided"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    at: datetime = moment(nullable=False)
    by_post: str
    by_person: str
