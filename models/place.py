"""A place: a shop, a school, a mine, an abandoned opening; what is inspected and where hazards are."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.columns import one_of, word
from models.enumerations import Field as TradeField
from models.enumerations import PlaceKind, PlaceStatus


class Place(SQLModel, table=True):
    """`responsible_post` is who must rectify what is found here; `team` is who supervises."""

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("township_id", "code", name="place_code_is_unique_in_its_township"),
        one_of("kind", PlaceKind),
        one_of("status", PlaceStatus),
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
