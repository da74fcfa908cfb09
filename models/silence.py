"""A silence: reminders and escalations of a case, a place, a village or a person are not said for a time. Decisions go on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index
from sqlmodel import Field, SQLModel

from models.columns import moment
from models.enumerations import Word


class Scope(Word):
    """What a silence is about."""

    case = "case", "案件"
    place = "place", "场所"
    village = "village", "村"
    person = "person", "本人", "oneself"


class Silence(SQLModel, table=True):
    """Exactly one of case, place, village and person; from `from_at` until before `until_at`, or before `lifted_at` if that is earlier
    (business time). Who did it stands there by post and person, and why.

    Added to, never rewritten: the app may set `lifted_*` and nothing else, by grants.
    """

    __tablename__ = "silence"
    __table_args__ = (
        CheckConstraint("num_nonnulls(case_id, place_id, village_id, person_id) = 1", name="silence_is_about_one_thing"),
        CheckConstraint("until_at > from_at", name="every_silence_ends"),
        CheckConstraint("btrim(reason) <> ''", name="every_silence_has_a_reason"),
        Index("silences_by_end", "township_id", "until_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    case_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE")))
    place_id: int | None = Field(default=None, foreign_key="place.id")
    village_id: int | None = Field(default=None, foreign_key="unit.id")
    person_id: int | None = Field(default=None, foreign_key="person.id")
    reason: str
    by_post: str
    by_person: str
    from_at: datetime = moment(nullable=False)
    until_at: datetime = moment(nullable=False)
    lifted_at: datetime | None = moment()
    lifted_post: str | None = None
    lifted_person: str | None = None
