"""People stand behind opaque keys: this file's tables are the only place where a name, a phone or an address is kept."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ARRAY, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import moment


class Person(SQLModel, table=True):
    """`key` is what history stores; forgetting a person empties the rest of this row and the chain still holds."""

    __tablename__ = "person"
    __table_args__ = (
        UniqueConstraint("township_id", "key", name="person_key_is_unique_in_its_township"),
        UniqueConstraint("username", name="username_is_unique"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    key: str
    label: str
    username: str | None = None
    password_hash: str | None = None


class Channel(SQLModel, table=True):
    """One way to reach a person, in the person's order. `disabled_at` is wall time.

    `url` is an Apprise URL and a secret, sealed (models/seal.py): its scheme alone can be read.
    """

    __tablename__ = "channel"
    __table_args__ = (
        UniqueConstraint("person_id", "position", name="channels_are_ordered"),
        Index("usable_channels", "person_id", "position", postgresql_where="disabled_at is null"),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id")
    position: int
    url: str
    disabled_at: datetime | None = moment()
    disabled_reason: str | None = None


class Login(SQLModel, table=True):
    """A session of a person or a program: only the hash of its token is kept. All times are wall time.

    `scopes` narrow what a program's token may do (web/scopes.py); none: all that its person may. `name` says what it is for.
    """

    __tablename__ = "login"
    token_hash: str = Field(primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    created_at: datetime = moment(nullable=False)
    expires_at: datetime = moment(nullable=False)
    revoked_at: datetime | None = moment()
    scopes: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    name: str | None = None
