"""Evidence: photos and papers, append-only, stored by hash. A photo is told from another by its bytes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import moment, one_of, word
from models.enumerations import EvidenceKind


class Evidence(SQLModel, table=True):
    """`sha256` is of the bytes as they were sent (what guards compare); `stored` names the file under the evidence folder.
    `look` is a 64-bit difference hash of the picture (web/picture.py makes it): two that differ in few bits look the same."""

    __tablename__ = "evidence"
    __table_args__ = (
        one_of("kind", EvidenceKind),
        UniqueConstraint("case_id", "sha256", "kind", name="the_same_picture_once_a_case"),
        Index("evidence_by_bytes", "sha256"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), nullable=False))
    kind: EvidenceKind = word(EvidenceKind)
    round: int = 1
    sha256: str
    stored: str | None = None
    media_type: str = "image/jpeg"
    look: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    taken_at: datetime | None = moment()
    lat: float | None = None
    lon: float | None = None
    note: str | None = None
    added_at: datetime = moment(nullable=False)
    added_person: str
    added_post: str
