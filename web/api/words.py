"""What programs send: bodies and parameters, checked before anything is asked of the law."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from models.enumerations import EvidenceKind, Grade, HazardState, InterimControl, Nature, NoticeState, PlaceKind, SlaClass, Source, Threat
from models.enumerations import Field as TradeField

INT8 = 2**63 - 1


def _writable(value: str) -> str:
    """Text that a database can keep: no NUL, no half of a surrogate pair."""
    if "\x00" in value:
        raise ValueError("no NUL character")
    value.encode()
    return value


def _parts(value: Any) -> Any:
    """Values given twice or with commas between them are the same list."""
    if isinstance(value, list):
        return [part.strip() for each in value for part in str(each).split(",") if part.strip()]
    return value


Text = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_writable)]
Code = Annotated[str, StringConstraints(max_length=100), AfterValidator(_writable)]
Money = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 12, decimal_places=2)]
States = Annotated[list[HazardState], BeforeValidator(_parts)]


class Page(BaseModel):
    """How much of a list, and from where on."""

    model_config = ConfigDict(extra="ignore")
    limit: int = Field(50, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=400)


class HazardQuery(Page):
    """Which hazards: every filter given must hold; `state` may be given more than once or with commas."""

    state: States = []
    grade: Grade | None = None
    village: Code | None = None
    team: Code | None = None
    kind: PlaceKind | None = None
    place: Code | None = None
    overdue: bool | None = None
    q: Text | None = None


class PlaceQuery(Page):
    kind: PlaceKind | None = None
    village: Code | None = None
    q: Text | None = None


class NoticeQuery(Page):
    state: Annotated[list[NoticeState], BeforeValidator(_parts)] = []
    hazard: Code | None = None


class Login(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "office_head", "password": "…"}]})
    username: Code
    password: Annotated[str, StringConstraints(max_length=1000), AfterValidator(_writable)]


class NewHazard(BaseModel):
    """A hazard that was found. What is missing or impossible the law refuses with G1 (409)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"place": "P0001", "description": "灭火器压力不足", "exact_location": "收银台旁", "grade": "general", "sla_class": "g3"}
            ]
        },
    )
    place: Code | None = None
    description: Text | None = None
    exact_location: Text | None = None
    location: Text | None = None
    grade: Grade | None = None
    sla_class: SlaClass | None = None
    field: TradeField | None = None
    threat: Threat | None = None
    nature: Nature | None = None
    source: Source | None = None
    item: Code | None = None
    measure: Text | None = None
    legal_basis: list[Text] | None = None
    found_at: AwareDatetime | None = None
    interim_control: InterimControl | None = None
    needs_gov_coordination: bool | None = None
    confidentiality: Text | None = None
    as_post: Code | None = None


class Plan(BaseModel):
    """The plan of a major hazard's treatment (五落实)."""

    model_config = ConfigDict(extra="forbid", title="PlanOfMajorHazard")
    target: Text | None = None
    measures: Text | None = None
    funds_and_goods: Text | None = None
    organisation_people: Text | None = None
    time_limit: Text | None = None
    safety_and_emergency: Text | None = None
    filed_at: AwareDatetime | None = None


class StepBody(BaseModel):
    """In whose name, and the facts that the trigger's guards ask for; docs/api.md says which."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"as_post": "office_dispatcher", "sla_class": "g7"}]})
    as_post: Code | None = None
    reason: Text | None = None
    note: Text | None = None
    comment: Text | None = None
    text: Text | None = None
    measure: Text | None = None
    distance_reason: Text | None = None
    responsible: Code | None = None
    responsible_post: Code | None = None
    grade: Grade | None = None
    sla_class: SlaClass | None = None
    clause: Text | None = None
    due_at: AwareDatetime | None = None
    promised_at: AwareDatetime | None = None
    master: Code | None = None
    duplicate_of: Code | None = None
    second_person: Code | None = None
    principal_present: bool | None = None
    paper_signed: bool | None = None
    paper: bool | None = None
    site_visit: bool | None = None
    expert: bool | Text | None = None
    items: dict[str, Any] | list[Any] | None = None
    interim_kept: bool | None = None
    interim_lifted: bool | None = None
    fund_actual: Money | None = None
    plan: Plan | None = None
    district_consent_no: Text | None = None
    district_record_no: Text | None = None


class NewEvidence(BaseModel):
    """What is said about a photo beside its file."""

    kind: EvidenceKind
    taken_at: AwareDatetime | None = None
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    note: Text | None = None
    as_post: Code | None = None


class NewPlace(BaseModel):
    model_config = ConfigDict(
        extra="ignore", json_schema_extra={"examples": [{"code": "P1001", "name": "村01 小商店 9", "kind": "small_shop", "village": "V01"}]}
    )
    code: Annotated[str, StringConstraints(pattern=r"^\w[\w.:-]{0,63}$")]
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_writable)]
    kind: PlaceKind
    village: Code
    responsible_post: Code | None = None
    team: Code | None = None
    field: TradeField | None = None
    market_street: Code | None = None
    also_street_shop: bool = False
    nine_small: bool | None = None
    crowded: bool | None = None
    address: Text | None = None
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    phone: Code | None = None


def facts_of(body: BaseModel) -> dict[str, Any]:
    """The facts that were given: not what was left out, in whose name it is done, or words that nobody knows."""
    known = type(body).model_fields.keys() - {"as_post"}
    return {name: value for name, value in body.model_dump(exclude_none=True).items() if name in known}
