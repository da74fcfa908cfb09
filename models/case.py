"""A case: anything with a state, somebody whose move it is, and a timer. What every machine's row has in common."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import moment, one_of, word
from models.enumerations import STATES, CaseKind, Grade

# Of a row `c` of cases, at business time :now: still open, and overdue. Whoever counts, counts by these.
OPEN = "c.ended_at is null"
OVERDUE = f"{OPEN} and c.due_at < :now"


def _states_by_kind() -> str:
    """The check that a case is in a state of its own machine."""
    each = (f"kind = '{kind}' and state in ({', '.join(repr(str(state)) for state in states)})" for kind, states in STATES.items())
    return " or ".join(each)


class Case(SQLModel, table=True):
    """The engine's side of a case; its kind's own table holds the rest.

    `parent` is the hazard that an extension, an appeal, a transfer or a listing is about, or that a task follows from: its row is the
    lock of the whole family. `place` and `village` are empty where a duty is the whole township's. `approver_post` approves a closure
    and decides an application.

    `version` grows with every step that people decide on and is what If-Match compares; `events` and `last_hash` are the head of
    the case's history, so that a step costs the same on an old case as on a new one. `level` is the highest rung level reached in
    this round, `due_at` when the present move is due (business time).
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("township_id", "code", name="case_code_is_unique_in_its_township"),
        one_of("kind", CaseKind),
        CheckConstraint(_states_by_kind(), name="state_is_one_of_its_kind"),
        one_of("grade", Grade),
        CheckConstraint("version > 0 and round > 0 and events >= 0", name="case_counters_never_fall_below_their_start"),
        Index("cases_by_state_and_due", "township_id", "state", "due_at"),
        Index("cases_of_a_village", "village_id", "state"),
        Index("cases_of_a_place", "place_id", "opened_at", "code"),
        Index("closed_hazards_of_a_village", "village_id", "ended_at", "code", postgresql_where="kind = 'hazard' and state = 'closed'"),
        Index("cases_of_a_responsible_post", "responsible_post_id", "state"),
        Index("cases_of_a_parent", "parent_id", postgresql_where="parent_id is not null"),
        Index("cases_of_a_kind", "township_id", "kind", "state", "due_at"),
        Index("open_cases", "township_id", "id", postgresql_where="ended_at is null"),
        Index("newest_cases_first", "township_id", "opened_at", "id"),
        Index(
            "hazards_as_counted", "township_id", "state", postgresql_where="kind = 'hazard'",
            postgresql_include=["grade", "village_id", "place_id", "opened_at", "due_at", "ended_at"],
        ),
    )
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    township_id: int = Field(foreign_key="township.id")
    kind: CaseKind = word(CaseKind)
    code: str
    state: str
    version: int = 1
    round: int = 1
    events: int = 0
    last_hash: str = ""
    grade: Grade = word(Grade)
    level: int = 0
    parent_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id")))
    place_id: int | None = Field(default=None, foreign_key="place.id")
    village_id: int | None = Field(default=None, foreign_key="unit.id")
    team_id: int | None = Field(default=None, foreign_key="unit.id")
    responsible_post_id: int | None = Field(default=None, foreign_key="post.id")
    approver_post_id: int | None = Field(default=None, foreign_key="post.id")
    campaign_id: int | None = Field(default=None, foreign_key="campaign.id")
    opened_at: datetime = moment(nullable=False)
    due_at: datetime | None = moment()
    ended_at: datetime | None = moment()
