"""A case: anything with a state, somebody whose move it is, and a timer. What every machine's row has in common."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import moment, one_of, word
from models.enumerations import CaseKind, Grade, HazardState


class Case(SQLModel, table=True):
    """The engine's side of a case; its kind's own table holds the rest.

    `version` grows with every step that people decide on and is what If-Match compares; `events` and `last_hash` are the head of
    the case's history, so that a step costs the same on an old case as on a new one. `level` is the highest rung level reached in
    this round, `due_at` when the present move is due (business time).
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("township_id", "code", name="case_code_is_unique_in_its_township"),
        one_of("kind", CaseKind),
        one_of("state", HazardState),
        one_of("grade", Grade),
        CheckConstraint("version > 0 and round > 0 and events >= 0", name="case_counters_never_fall_below_their_start"),
        Index("cases_by_state_and_due", "township_id", "state", "due_at"),
        Index("cases_of_a_village", "village_id", "state"),
        Index("cases_of_a_place", "place_id"),
        Index("cases_of_a_responsible_post", "responsible_post_id", "state"),
        Index("open_cases", "township_id", "id", postgresql_where="ended_at is null"),
        Index("newest_cases_first", "township_id", "opened_at", "id"),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    township_id: int = Field(foreign_key="township.id")
    kind: CaseKind = word(CaseKind)
    code: str
    state: HazardState = word(HazardState)
    version: int = 1
    round: int = 1
    events: int = 0
    last_hash: str = ""
    grade: Grade = word(Grade)
    level: int = 0
    place_id: int = Field(foreign_key="place.id")
    village_id: int = Field(foreign_key="unit.id")
    team_id: int | None = Field(default=None, foreign_key="unit.id")
    responsible_post_id: int | None = Field(default=None, foreign_key="post.id")
    approver_post_id: int | None = Field(default=None, foreign_key="post.id")
    campaign_id: int | None = Field(default=None, foreign_key="campaign.id")
    opened_at: datetime = moment(nullable=False)
    due_at: datetime | None = moment()
    ended_at: datetime | None = moment()
