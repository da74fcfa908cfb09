"""What people ask for about a hazard, each a case of its own: more time (延期), another judgement (申诉), another authority (移送), a
listing for supervision (挂牌督办). Times are business time; `*_person` are opaque person keys, `*_post` post codes.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Column, ForeignKey
from sqlmodel import Field, SQLModel

from models.columns import moment, one_of, word
from models.enumerations import ListingLevel, ReasonCode


def _case() -> Column[int]:
    return Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)


class Extension(SQLModel, table=True):
    """`due_before` is the hazard's limit when more time was asked for; it goes on until `granted_due` replaces it."""

    __tablename__ = "extension"
    __table_args__ = (one_of("reason", ReasonCode),)
    case_id: int = Field(sa_column=_case())
    number: int
    reason: ReasonCode = word(ReasonCode)
    statement: str
    interim_measures: str
    requested_due: datetime = moment(nullable=False)
    due_before: datetime = moment(nullable=False)
    applicant_person: str
    applicant_post: str
    granted_due: datetime | None = moment()
    decided_at: datetime | None = moment()
    decided_person: str | None = None
    decided_post: str | None = None


class Appeal(SQLModel, table=True):
    """The office gives its opinion, the deputy in charge decides."""

    __tablename__ = "appeal"
    case_id: int = Field(sa_column=_case())
    statement: str
    applicant_person: str
    applicant_post: str
    opinion: str | None = None
    opined_person: str | None = None
    opined_post: str | None = None
    decided_at: datetime | None = moment()
    decided_person: str | None = None
    decided_post: str | None = None


class Transfer(SQLModel, table=True):
    """`recipient` is the authority's name; what it answers is recorded by the office with the number of its letter."""

    __tablename__ = "transfer"
    case_id: int = Field(sa_column=_case())
    recipient: str
    statement: str
    letter_no: str | None = None
    sent_person: str
    sent_post: str
    replied_at: datetime | None = moment()
    reply: str | None = None
    reply_no: str | None = None


class Listing(SQLModel, table=True):
    """`treat_by` is the day by which the treatment is to be complete (治理完毕日), `progress_at` when progress was last reported."""

    __tablename__ = "listing"
    __table_args__ = (one_of("level", ListingLevel),)
    case_id: int = Field(sa_column=_case())
    level: ListingLevel = word(ListingLevel)
    statement: str
    proposed_person: str
    proposed_post: str
    notice_no: str | None = None
    treat_by: date | None = None
    listed_at: datetime | None = moment()
    listed_person: str | None = None
    listed_post: str | None = None
    progress_at: datetime | None = moment()
    delist_asked_at: datetime | None = moment()
    delist_person: str | None = None
    delist_post: str | None = None
    delisted_at: datetime | None = moment()
