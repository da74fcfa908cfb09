"""A timer: a running promise. The sweep looks at nothing else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from models.columns import moment, one_of, word
from models.enumerations import Clock


class Timer(SQLModel, table=True):
    """One row a case and clock; `run` grows whenever it restarts. All times are business time.

    `rung_at[i]` is when the i-th rung (from 1) of the ladder's version is reached, null where it is left out; computed once at the
    start. `fired` is the last rung reached, `repeat` counts the slow repeats after the last, `next_at` is when the sweep acts next.
    """

    __tablename__ = "timer"
    __table_args__ = (
        UniqueConstraint("case_id", "clock", name="one_timer_a_case_and_clock"),
        one_of("clock", Clock),
        CheckConstraint("run > 0 and fired >= 0 and repeat >= 0", name="timer_counters_never_fall"),
        Index("timers_to_act_on", "next_at", "id", postgresql_where="stopped_at is null and quarantined_at is null"),
        Index("timers_in_quarantine", "quarantined_at", postgresql_where="quarantined_at is not null"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), nullable=False))
    clock: Clock = word(Clock)
    ladder_id: int = Field(sa_column=Column(Integer, ForeignKey("ladder.id"), nullable=False))
    run: int = 1
    started_at: datetime = moment(nullable=False)
    due_at: datetime = moment(nullable=False)
    rung_at: list[datetime | None] = Field(sa_column=Column(ARRAY(DateTime(timezone=True)), nullable=False))
    fired: int = 0
    repeat: int = 0
    fired_at: datetime | None = moment()
    next_at: datetime = moment(nullable=False)
    held_until: datetime | None = moment()
    held_rung: int | None = None
    held_by: str | None = None
    stopped_at: datetime | None = moment()
    quarantined_at: datetime | None = moment()
    quarantine_reason: str | None = None
