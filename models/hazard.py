"""A hazard (隐患): what the hazard machine knows of a case beyond what every case has."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Numeric
from sqlmodel import Field, SQLModel

from models.columns import json, moment, one_of, texts, word
from models.enumerations import Field as TradeField
from models.enumerations import InterimControl, ListingLevel, Nature, RecurrenceKind, SlaClass, Source, Threat


class Hazard(SQLModel, table=True):
    """Times are business time. `*_person` are opaque person keys, `*_post` post codes: who did it, as history says it.

    `plan` is the five-item plan of a major hazard (五落实): target, measures, funds_and_goods, organisation_people, time_limit,
    safety_and_emergency, filed_at. Money is in yuan.
    """

    __tablename__ = "hazard"
    __table_args__ = (
        one_of("sla_class", SlaClass),
        one_of("field", TradeField),
        one_of("threat", Threat),
        one_of("nature", Nature),
        one_of("source", Source),
        one_of("interim_control", InterimControl),
        one_of("listing", ListingLevel),
        one_of("recurrence_kind", RecurrenceKind),
        Index("hazards_by_item", "item"),
    )
    case_id: int = Field(sa_column=Column(BigInteger, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True))
    sla_class: SlaClass = word(SlaClass)
    field: TradeField = word(TradeField, default=TradeField.other)
    threat: Threat = word(Threat, default=Threat.fire)
    nature: Nature = word(Nature, default=Nature.thing)
    source: Source = word(Source, default=Source.inspection)
    item: str | None = None
    description: str
    location: str
    measure: str | None = None
    legal_basis: list[str] = texts()
    found_at: datetime = moment(nullable=False)
    found_person: str
    found_post: str
    assigned_at: datetime | None = moment()
    acknowledged_at: datetime | None = moment()
    due_at: datetime | None = moment()
    original_due_at: datetime | None = moment()
    campaign_capped: bool = False
    beyond_campaign: bool = False
    due_estimated: bool = False
    submitted_at: datetime | None = moment()
    submitted_person: str | None = None
    submitted_post: str | None = None
    submitted_text: str | None = None
    on_spot: bool = False
    recorder_person: str | None = None
    recorder_post: str | None = None
    verified_at: datetime | None = moment()
    reinspected_by: list[Any] = Field(default_factory=list, sa_column=json().sa_column)
    closed_at: datetime | None = moment()
    closed_person: str | None = None
    closed_post: str | None = None
    interim_control: InterimControl = word(InterimControl, default=InterimControl.none)
    interim_until: datetime | None = moment()
    interim_at: datetime | None = moment()
    interim_post: str | None = None
    interim_kept: bool = False
    needs_gov_coordination: bool = False
    stop_scope: str | None = None
    fund_planned: Decimal | None = Field(default=None, sa_column=Column(Numeric(14, 2)))
    fund_actual: Decimal | None = Field(default=None, sa_column=Column(Numeric(14, 2)))
    listing: ListingLevel = word(ListingLevel, default=ListingLevel.none)
    recurrence_of_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id")))
    recurrence_count: int = 0
    recurrence_kind: RecurrenceKind | None = word(RecurrenceKind, nullable=True)
    root_cause: str | None = None
    duplicate_of_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("cases.id")))
    extension_count: int = 0
    confidentiality: str | None = None
    district_consent_no: str | None = None
    plan: dict[str, Any] | None = json(nullable=True)
    returned_count: int = 0
    failed_count: int = 0
