"""A paper (文书): what was written, as it was written, for good. A form of one case, or a table or report of the whole township."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import json, moment, one_of, word
from models.enumerations import PaperKind


class Paper(SQLModel, table=True):
    """`facts` is all that it was rendered from, frozen; the files stand on the shelf by their hash (papers/shelf.py), so that a reprint
    gives the same bytes. Rows are written once: the app can't change or delete one.

    `number` is 字〔年〕号, empty where a kind isn't numbered. `case_id` is the hazard it is about; empty where it speaks for the whole
    township. `cut_at` is the business time its figures stand at, `issued_at` the business time of issue. `previous_id` is the paper of
    this kind before it: about the same hazard, or what the township filed last.
    """

    __tablename__ = "paper"
    __table_args__ = (
        UniqueConstraint("township_id", "number", name="paper_numbers_are_unique_in_their_township"),
        one_of("kind", PaperKind),
        Index("papers_of_a_case", "case_id", "id", postgresql_where="case_id is not null"),
        Index("papers_of_a_kind", "township_id", "kind", "issued_at"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    township_id: int = Field(foreign_key="township.id")
    case_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE")))
    kind: PaperKind = word(PaperKind)
    number: str | None = None
    title: str
    facts: dict[str, Any] = json()
    cut_at: datetime | None = moment()
    issued_at: datetime = moment(nullable=False)
    issued_post: str
    issued_person: str
    docx_sha256: str | None = None
    pdf_sha256: str | None = None
    previous_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("paper.id")))
