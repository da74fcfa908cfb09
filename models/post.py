"""Posts hold responsibility; people hold posts, from a day to a day, with a stand-in when away."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import one_of, word
from models.enumerations import PostKind


class Post(SQLModel, table=True):
    """`reports_to` is the responsibility chain: where a rung goes when its own post resolves to nobody."""

    __tablename__ = "post"
    __table_args__ = (
        UniqueConstraint("township_id", "code", name="post_code_is_unique_in_its_township"),
        one_of("kind", PostKind),
        Index("post_of_a_kind", "township_id", "kind", "unit_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    code: str
    kind: PostKind = word(PostKind)
    unit_id: int = Field(foreign_key="unit.id")
    reports_to_id: int | None = Field(default=None, foreign_key="post.id")
    active: bool = True


class PostChain(SQLModel, table=True):
    """The closure of `reports_to`: every post above a post, itself at depth 0. Rebuilt by `refresh_post_chain(township)`."""

    __tablename__ = "post_chain"
    post_id: int = Field(sa_column=Column(Integer, ForeignKey("post.id", ondelete="CASCADE"), primary_key=True))
    depth: int = Field(sa_column=Column(Integer, primary_key=True))
    ancestor_id: int = Field(foreign_key="post.id")


class Holding(SQLModel, table=True):
    """Person holds post, both days inclusive. `deputy_of` names the person stood in for; both are told while it lasts.

    `reason` says why it began or was ended by a hand-over, `ordered_person` and `ordered_post` who ordered that; empty where the township's
    folder says so.
    """

    __tablename__ = "holding"
    __table_args__ = (
        CheckConstraint("to_day is null or to_day >= from_day", name="holding_ends_after_it_starts"),
        UniqueConstraint("person_id", "post_id", "from_day", name="one_holding_a_person_post_and_day"),
        Index("holders_of_a_post", "post_id", "from_day"),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    post_id: int = Field(foreign_key="post.id")
    from_day: date
    to_day: date | None = None
    deputy_of_id: int | None = Field(default=None, foreign_key="person.id")
    reason: str | None = None
    ordered_person: str | None = None
    ordered_post: str | None = None
