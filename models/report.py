"""A public report (群众举报): what somebody saw, and, in a table of its own, who they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey
from sqlmodel import Field, SQLModel

from models.columns import moment, one_of, word
from models.enumerations import ReportChannel, Verdict


class PublicReport(SQLModel, table=True):
    """The reporter follows the report with a token of which only the hash is kept. `hazard` is what it became. Business time."""

    __tablename__ = "public_report"
    __table_args__ = (one_of("channel", ReportChannel), one_of("verdict", Verdict))
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True))
    channel: ReportChannel = word(ReportChannel)
    said_place: str | None = None
    description: str
    token_hash: str = Field(unique=True)
    hazard_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id")))
    verified_at: datetime | None = moment()
    verified_person: str | None = None
    verified_post: str | None = None
    answer: str | None = None
    answered_at: datetime | None = moment()
    answered_post: str | None = None
    verdict: Verdict | None = word(Verdict, nullable=True)
    verdict_at: datetime | None = moment()


class Reporter(SQLModel, table=True):
    """Who reported. Read through `statemachines/report.py:identity` alone: by the office head, with the reading written down."""

    __tablename__ = "reporter"
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True))
    name: str | None = None
    contact: str | None = None
