"""An inspection: a visit to a place, what was asked there and answered, and the hazards that came of it. A record; it is never changed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import moment, one_of, word
from models.enumerations import AnswerWord, DocKind, InspectionResult, InspectionTrigger


class Inspection(SQLModel, table=True):
    """Times are business time. `checklist` is the version that was asked from. `paper` is the paper that follows from it, if one does;
    two officers with certificate numbers signed then. Who refused to sign is recorded (安全生产法 Art. 68).
    """

    __tablename__ = "inspection"
    __table_args__ = (
        UniqueConstraint("township_id", "code", name="inspection_code_is_unique_in_its_township"),
        one_of("trigger", InspectionTrigger),
        one_of("result", InspectionResult),
        one_of("paper", DocKind),
        Index("inspections_of_a_place", "place_id", "started_at"),
        Index("inspections_by_time", "township_id", "started_at"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    township_id: int = Field(foreign_key="township.id")
    code: str
    campaign_id: int | None = Field(default=None, foreign_key="campaign.id")
    place_id: int = Field(foreign_key="place.id")
    trigger: InspectionTrigger = word(InspectionTrigger)
    leader_post: str | None = None
    started_at: datetime = moment(nullable=False)
    ended_at: datetime | None = moment()
    result: InspectionResult = word(InspectionResult)
    paper: DocKind | None = word(DocKind, nullable=True)
    paper_no: str | None = None
    unit_signed: bool = False
    refused_to_sign: bool = False
    note: str | None = None
    lat: float | None = None
    lon: float | None = None
    recorded_at: datetime = moment(nullable=False)
    recorded_person: str
    recorded_post: str


class Officer(SQLModel, table=True):
    """Who inspected, the recorder among them; `certificate` is the number of their enforcement certificate (执法证号)."""

    __tablename__ = "officer"
    inspection_id: int = Field(sa_column=Column(BigInteger, ForeignKey("inspection.id", ondelete="CASCADE"), primary_key=True))
    person: str = Field(sa_column=Column(Text, primary_key=True))
    post: str
    certificate: str | None = None


class Answer(SQLModel, table=True):
    """What was said to one item of one version of a checklist; `hazard` is the case that a failed item became.

    `fixed_on_spot`: it was put right during the visit, as the inspector says; the hazard itself says so by its own `fix_on_spot`.
    """

    __tablename__ = "answer"
    __table_args__ = (one_of("said", AnswerWord), Index("answers_that_found_something", "hazard_id"))
    inspection_id: int = Field(sa_column=Column(BigInteger, ForeignKey("inspection.id", ondelete="CASCADE"), primary_key=True))
    item: str = Field(sa_column=Column(Text, primary_key=True))
    checklist_id: int = Field(sa_column=Column(Integer, ForeignKey("checklist.id"), nullable=False))
    said: AnswerWord = word(AnswerWord)
    note: str | None = None
    fixed_on_spot: bool = False
    hazard_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id")))
