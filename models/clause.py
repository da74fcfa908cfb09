"""A clause of a law or a standard, with the days between which it is in force."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class Clause(SQLModel, table=True):
    """`instrument` and `article` as people cite them («安全生产法» «第四十一条»); both days inclusive. `source` says where it was read.

    One instrument may have several editions: the same article with other days.
    """

    __tablename__ = "clause"
    __table_args__ = (
        UniqueConstraint("township_id", "instrument", "article", "from_day", name="one_edition_of_a_clause_a_day"),
        CheckConstraint("to_day is null or to_day >= from_day", name="clause_ends_after_it_starts"),
        Index("clauses_of_an_instrument", "township_id", "instrument"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    instrument: str
    article: str
    title: str | None = None
    from_day: date
    to_day: date | None = None
    source: str | None = None
