"""The township (the tenant): who it is, how it works, and which edition of its rules is in force."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import json, one_of, word
from models.enumerations import UnitKind, Word


class Township(SQLModel, table=True):
    """`rules` holds what township.yaml and sla.yaml say (limits, working hours, quiet hours, cap of a bundle, back-off, teams by kind
    of place); `revision` grows whenever rules, ladders or calendar change, so that a process knows when its copy is old. `salt` goes
    into every hash that stands in history for a free text or a photo; a random secret but in a replay."""

    __tablename__ = "township"
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str
    time_zone: str = "Asia/Shanghai"
    rules: dict[str, Any] = json()
    salt: str = ""
    revision: int = 1
    demo: bool = False


class Unit(SQLModel, table=True):
    """A node of the administrative tree. A person's reach is a subtree."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("township_id", "code", name="unit_code_is_unique_in_its_township"), one_of("kind", UnitKind))
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    code: str
    kind: UnitKind = word(UnitKind)
    name: str
    parent_id: int | None = Field(default=None, foreign_key="unit.id")


class DayKind(Word):
    work = "work", "工作日"
    rest = "rest", "休息日"
    holiday = "holiday", "法定节假日"
    makeup = "makeup", "调休上班"


class WorkDay(SQLModel, table=True):
    """A day whose kind the township's office has set by hand; it wins over the published calendar."""

    __tablename__ = "workday"
    __table_args__ = (one_of("kind", DayKind),)
    township_id: int = Field(sa_column=Column(Integer, ForeignKey("township.id"), primary_key=True))
    day: date = Field(primary_key=True)
    kind: DayKind = word(DayKind)
    note: str = ""


class Counter(SQLModel, table=True):
    """Running numbers: one row a series, such as the hazards of one year."""

    __tablename__ = "counter"
    __table_args__ = (CheckConstraint("value >= 0", name="counter_never_negative"),)
    township_id: int = Field(sa_column=Column(Integer, ForeignKey("township.id"), primary_key=True))
    series: str = Field(sa_column=Column(Text, primary_key=True))
    value: int
