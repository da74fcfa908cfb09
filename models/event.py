"""An event: one line of a case's history, hash-chained and append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import json, moment


class Event(SQLModel, table=True):
    """`body` is the exact text that was hashed, made by the database function `event_body`; hash = sha256(prev_hash ‖ body).

    Bodies hold business facts only: no surrogate id, wall time or flow run. `recorded_at` (wall time) and `flow_run` stand beside
    the chain, outside of it. Rows can be inserted and read, never changed: by grants and by trigger.
    """

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("case_id", "seq", name="events_of_a_case_are_numbered"),
        Index("events_by_business_time", "at"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id"), nullable=False))
    seq: int
    trigger: str
    from_state: str | None = None
    to_state: str
    post: str
    person: str
    at: datetime = moment(nullable=False)
    facts: dict[str, Any] = json()
    body: str
    prev_hash: str
    hash: str
    recorded_at: datetime = moment(nullable=False)
    flow_run: str | None = None


class Remark(SQLModel, table=True):
    """The free text of an event. History holds its salted hash alone, so that a remark can be deleted and the chain still holds."""

    __tablename__ = "remark"
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    body: str


class Feed(SQLModel, table=True):
    """Events still to be shown in Prefect's UI. `deliver` emits a row and deletes it; losing one loses decoration only."""

    __tablename__ = "feed"
    event_id: int = Field(sa_column=Column(BigInteger, ForeignKey("event.id", ondelete="CASCADE"), primary_key=True))


class RequestKey(SQLModel, table=True):
    """The first answer to a request, so that the same key twice does the thing once. `at` is wall time."""

    __tablename__ = "request_key"
    key: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    asked: str
    answer: dict[str, Any] | None = json(nullable=True)
    at: datetime = moment(nullable=False)
