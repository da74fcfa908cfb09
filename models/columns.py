"""Column kinds shared by the nouns: words as checked text, aware UTC times, JSON, arrays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from models.enumerations import Word


class WordText(TypeDecorator[Word]):
    """Text in the database, a member of one enumeration in Python. Stored by identifier, never by member name."""

    impl = Text
    cache_ok = True

    def __init__(self, word: type[Word]) -> None:
        super().__init__()
        self.word = word

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else str(self.word(value))

    def process_result_value(self, value: Any, dialect: Any) -> Word | None:
        return None if value is None else self.word(value)


def word(kind: type[Word], *, default: Word | None = None, nullable: bool = False) -> Any:
    """A column holding one member of `kind`."""
    column: Column[Word] = Column(WordText(kind), nullable=nullable)
    return Field(default=default, sa_column=column) if default or nullable else Field(sa_column=column)


def one_of(column: str, kind: type[Word]) -> CheckConstraint:
    """The table-level check that goes with `word`: no other text gets in by any door."""
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} in ({members})", name=f"{column}_is_a_known_word")


def moment(*, nullable: bool = True) -> Any:
    """An instant: aware in Python, timestamptz in the database."""
    column: Column[datetime] = Column(DateTime(timezone=True), nullable=nullable)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def json(*, nullable: bool = False) -> Any:
    """A JSON object; an empty one unless nullable."""
    if nullable:
        return Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    return Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))


def texts() -> Any:
    """A list of texts."""
    return Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
