"""A duty: what somebody must do again and again, as data; and each run of it, a case with its own timer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import json, moment, one_of, texts, word
from models.enumerations import DutyTask


class Duty(SQLModel, table=True):
    """One duty of the township's `duties.yaml`; a changed one is a new version, a run keeps the version that it was planned from.

    `body` is its checked content: title, pack, owner, rhythm, evidence, season (docs/duties.md). `from_day` and `to_day` bound when it
    applies, both inclusive.
    """

    __tablename__ = "duty"
    __table_args__ = (UniqueConstraint("township_id", "code", "version", name="duty_versions_are_numbered"),)
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    code: str
    version: int = 1
    active: bool = True
    title: str
    pack: str | None = None
    leader: bool = False
    body: dict[str, Any] = json()


class DutyRun(SQLModel, table=True):
    """A run: who owes it is the case's responsible post, what it is about its place, village or parent hazard.

    Times are business time. It can be done until `closes_at`, which lies after `due_at` by as long as its ladder is climbed; then it is
    missed. `wanted` are the kinds of evidence without which it isn't done, `barred` the persons who may not do it (four eyes). `period` is
    the first day of what it covers, `occasion` what a task follows from.
    """

    __tablename__ = "duty_run"
    __table_args__ = (
        one_of("task", DutyTask),
        UniqueConstraint(
            "duty_id", "task", "period", "owner_post_id", "place_id", "occasion",
            name="a_duty_runs_once_a_period", postgresql_nulls_not_distinct=True,
        ),
        Index("duty_runs_by_due", "due_at"),
    )  # fmt: skip
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True))
    duty_id: int | None = Field(default=None, sa_column=Column(Integer, ForeignKey("duty.id")))
    task: DutyTask = word(DutyTask, default=DutyTask.duty)
    title: str
    period: date
    owner_post_id: int = Field(foreign_key="post.id")
    place_id: int | None = Field(default=None, foreign_key="place.id")
    occasion: str | None = None
    leader: bool = False
    opens_at: datetime = moment(nullable=False)
    due_at: datetime = moment(nullable=False)
    closes_at: datetime = moment(nullable=False)
    wanted: list[str] = texts()
    barred: list[str] = texts()
    done_at: datetime | None = moment()
    done_person: str | None = None
    done_post: str | None = None
    note: str | None = None
    inspection_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("inspection.id")))
    ended_person: str | None = None
    ended_post: str | None = None
