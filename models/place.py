"""A place: a shop, a school, a mine, an abandoned opening; what is inspected and where hazards are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import json, moment, one_of, word
from models.enumerations import Field as TradeField
from models.enumerations import PlaceKind, PlaceStatus, StartWork


class Place(SQLModel, table=True):
    """`responsible_post` is who must rectify what is found here; `team` is who supervises; `start_work` the gate (不安全不开工), written
    by statemachines/gate.py alone. `qr_token` stands in the place's QR code. `details` is what only its kind has: a mine's licence, a
    pond's grade, an opening's seal and risk (`risk`: high | low, how often it is patrolled)."""

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("township_id", "code", name="place_code_is_unique_in_its_township"),
        one_of("kind", PlaceKind),
        one_of("status", PlaceStatus),
        one_of("start_work", StartWork),
        Index("places_of_a_village", "village_id", "kind"),
    )
    id: int | None = Field(default=None, primary_key=True)
    township_id: int = Field(foreign_key="township.id")
    code: str
    name: str
    kind: PlaceKind = word(PlaceKind)
    status: PlaceStatus = word(PlaceStatus, default=PlaceStatus.active)
    village_id: int = Field(foreign_key="unit.id")
    team_id: int = Field(foreign_key="unit.id")
    responsible_post_id: int = Field(foreign_key="post.id")
    field: TradeField | None = word(TradeField, nullable=True)
    market_street: str | None = None
    also_street_shop: bool = False
    nine_small: bool = False
    crowded: bool = False
    address: str | None = None
    lat: float | None = None
    lon: float | None = None
    phone: str | None = None
    start_work: StartWork = word(StartWork, default=StartWork.allowed)
    qr_token: str | None = Field(default=None, unique=True)
    details: dict[str, Any] = json()


class PlaceEvent(SQLModel, table=True):
    """The paper trail of a place: every change of its status, its start-work gate or who answers for it. Append-only, by grants.

    `what` is the column that changed, or `inspected`; `case_code` the case that caused it, if one did; `note` free text of whoever
    changed it. `at` is business time.
    """

    __tablename__ = "place_event"
    __table_args__ = (UniqueConstraint("place_id", "seq", name="events_of_a_place_are_numbered"),)
    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    place_id: int = Field(foreign_key="place.id")
    seq: int
    what: str
    before: str | None = None
    after: str | None = None
    reason: str
    note: str | None = None
    case_code: str | None = None
    post: str
    person: str
    at: datetime = moment(nullable=False)
