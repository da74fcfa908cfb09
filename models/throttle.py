"""What a far end was handed lately: one row each, so that however many senders there are, they keep its limits together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, DateTime
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from models.columns import moment


class Throttle(SQLModel, table=True):
    """`key` names a far end without its secret. `spent`: when it was last handed a message, oldest first, no more than its limits ask
    about; `queued_until`: up to when those that wait have been given a time. All wall time.
    """

    __tablename__ = "throttle"
    key: str = Field(primary_key=True)
    spent: list[datetime] = Field(default_factory=list, sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False))
    queued_until: datetime | None = moment()
