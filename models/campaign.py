"""A campaign (专项行动): one deadline that caps every due date, and the reminders before it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, Integer, Text, UniqueConstraint
from sqlalchemy import ForeignKey as References
from sqlmodel import Field, SQLModel

from models.columns import json, moment


class Campaign(SQLModel, table=True):
    """`reminders` is the campaign ladder as data; `expected` the registry's counts by kind, frozen when it was loaded."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("township_id", "code", name="campaign_code_is_unique_in_its_township"),
        CheckConstraint("deadline > starts_at", name="campaign_ends_after_it_starts"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    code: str
    title: str
    starts_at: datetime = moment(nullable=False)
    deadline: datetime = moment(nullable=False)
    expected: dict[str, Any] = json()
    targets: dict[str, Any] = json()
    scope: dict[str, Any] = json()
    reminders: list[Any] = json()


class Occasion(SQLModel, table=True):
    """Something that is done once: a day's countdown, a campaign reminder. The row says it is done, whatever a schedule does."""

    __tablename__ = "occasion"
    township_id: int = Field(sa_column=Column(Integer, References("township.id"), primary_key=True))
    name: str = Field(sa_column=Column(Text, primary_key=True))
    day: date = Field(primary_key=True)
    done_at: datetime = moment(nullable=False)
    facts: dict[str, Any] = json()
