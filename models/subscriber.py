"""Programs that want to hear of every event, and what they have still to hear."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer
from sqlmodel import Field, SQLModel

from models.columns import moment


class Subscriber(SQLModel, table=True):
    """`url` is an address with its secret behind `#`, sealed (models/seal.py). All times are wall time.

    One sender at a time has it until `claimed_until`; after a failure it rests until `try_at`, having failed `attempts` times since
    `failing_since`. Paused, it gets nothing, and what it has to hear waits. `reason` is what the far end said last.
    """

    __tablename__ = "subscriber"
    __table_args__ = (Index("subscribers_of_a_township", "township_id"),)
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    url: str
    by_person: str
    by_post: str
    created_at: datetime = moment(nullable=False)
    attempts: int = 0
    try_at: datetime | None = moment()
    claimed_until: datetime | None = moment()
    failing_since: datetime | None = moment()
    paused_at: datetime | None = moment()
    reason: str | None = None


class Delivery(SQLModel, table=True):
    """An event that a subscriber has still to hear: written with the event, deleted once the far end has taken it."""

    __tablename__ = "delivery"
    subscriber_id: int = Field(sa_column=Column(Integer, ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True))
    event_id: int = Field(sa_column=Column(BigInteger, ForeignKey("event.id", ondelete="CASCADE"), primary_key=True))
