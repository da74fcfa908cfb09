"""A ladder: for a clock and a grade, the rungs and their posts. Immutable; a change is a new version."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import one_of, texts, word
from models.enumerations import Clock, Grade


class Ladder(SQLModel, table=True):
    """`repeat_hours`: how often the last rung is said again while nobody moves (natural hours)."""

    __tablename__ = "ladder"
    __table_args__ = (
        UniqueConstraint("township_id", "clock", "grade", "version", name="ladder_versions_are_numbered"),
        one_of("clock", Clock),
        one_of("grade", Grade),
        CheckConstraint("repeat_hours > 0", name="the_top_level_never_ends_silently"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    clock: Clock = word(Clock)
    grade: Grade = word(Grade)
    version: int = 1
    repeat_hours: int = 72


class Rung(SQLModel, table=True):
    """`offset_hours` from the due time, before it when negative; in working time (24 h = one working day) when `working`.

    `told` are words of `PostKind`, or `responsible` and `approver` for the case's own; `urge_letter` marks a rung that calls for a 督办函.
    """

    __tablename__ = "rung"
    __table_args__ = (CheckConstraint("cardinality(told) > 0", name="every_rung_tells_somebody"),)
    ladder_id: int = Field(sa_column=Column(Integer, ForeignKey("ladder.id", ondelete="CASCADE"), primary_key=True))
    position: int = Field(sa_column=Column(Integer, primary_key=True))
    level: int
    offset_hours: float
    working: bool = False
    told: list[str] = texts()
    urge_letter: bool = False
