"""What programs send: bodies and parameters, checked before anything is asked of the law."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from models.enumerations import (
    AnswerWord,
    CaseKind,
    DocKind,
    DutyTask,
    EvidenceKind,
    Grade,
    HazardState,
    InspectionResult,
    InspectionTrigger,
    InterimControl,
    ListingLevel,
    Nature,
    NoticeState,
    PaperKind,
    PlaceKind,
    PlaceStatus,
    ReportChannel,
    SlaClass,
    Source,
    Threat,
)
from models.enumerations import Field as TradeField
from papers.numbers.kpi import By
from statemachines.guards import SENSIBLE_YEARS

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


WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def _written(value: Any) -> Any:
    """A time is written as RFC 3339 says, never as a number, and lies in a year that a case could have something to do with."""
    if isinstance(value, datetime):
        return value  # a form's field that has been read already
    if not isinstance(value, str) or not WRITTEN.match(value):
        raise ValueError("a time such as 2023-03-01T10:00:00+08:00")
    if int(value[:4]) not in SENSIBLE_YEARS:
        raise ValueError(f"a year from {SENSIBLE_YEARS[0]} to {SENSIBLE_YEARS[-1]}")
    return value


When = Annotated[AwareDatetime, BeforeValidator(_written)]
Text = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_writable)]
Code = Annotated[str, StringConstraints(max_length=100), AfterValidator(_writable)]
Money = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 12, decimal_places=2)]
States = Annotated[list[HazardState], BeforeValidator(_parts)]
Codes = Annotated[list[Code], BeforeValidator(_parts)]
MARKUP = re.compile(r"<[a-zA-Z/!?]")
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _plain(value: str) -> str:
    """What strangers write: no markup, no control characters, nothing that turns the direction of writing around."""
    if MARKUP.search(value) or UNSEEN.search(value):
        raise ValueError("plain text only")
    return _writable(value)


# What strangers write, by its length.
NameOfStranger = Annotated[str, StringConstraints(max_length=100, strip_whitespace=True), AfterValidator(_plain)]
LineOfStranger = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(_plain)]
TextOfStranger = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True), AfterValidator(_plain)]


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


class PaperQuery(Page):
    """Which papers: every filter given must hold. `state` is that of the hazard that a paper is about, `hazard` its code."""

    kind: Annotated[list[PaperKind], BeforeValidator(_parts)] = []
    state: States = []
    hazard: Code | None = None


class CaseQuery(Page):
    """Which cases of a kind: every filter given must hold. `pending`: not ended yet."""

    state: Codes = []
    hazard: Code | None = None
    place: Code | None = None
    village: Code | None = None
    pending: bool | None = None
    overdue: bool | None = None


class DutyQuery(CaseQuery):
    """`owner`: the post that owes it; `duty`, `pack`: of the definitions; `from` and `to`: the days on which it is due, both inclusive."""

    owner: Code | None = None
    task: DutyTask | None = None
    duty: Code | None = None
    pack: Code | None = None
    from_: date | None = Field(None, alias="from")
    to: date | None = None


class InspectionQuery(Page):
    """`team` and `post`: who inspected (a post that led it too); `from` and `to`: the days on which it began, both inclusive."""

    place: Code | None = None
    village: Code | None = None
    team: Code | None = None
    post: Code | None = None
    trigger: InspectionTrigger | None = None
    result: InspectionResult | None = None
    from_: date | None = Field(None, alias="from")
    to: date | None = None


class CoverageQuery(BaseModel):
    by: Literal["village", "kind", "team"] = "village"


class UncoveredQuery(BaseModel):
    village: Code | None = None
    team: Code | None = None
    kind: PlaceKind | None = None
    limit: int = Field(1000, ge=1, le=1000)


class NumbersQuery(BaseModel):
    """`by`: what a row is about; `since`: leaves out what was found, visited or due before that day."""

    by: By = By.township
    since: date | None = None


class LeagueQuery(BaseModel):
    by: By = By.village
    since: date | None = None


class InboxQuery(Page):
    """`kinds`: `all`, or kinds of case with commas between them; without it, hazards in full."""

    kinds: Annotated[list[CaseKind | Literal["all"]], BeforeValidator(_parts)] = []


class SimilarQuery(BaseModel):
    """A finding to be compared with what is known."""

    place: Code
    description: Text
    item: Code | None = None
    threat: Threat = Threat.fire


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
    found_at: When | None = None
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
    filed_at: When | None = None


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
    due_at: When | None = None
    promised_at: When | None = None
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
    requested_due: When | None = None
    granted_due: When | None = None
    statement: Text | None = None
    interim_measures: Text | None = None
    decision: Code | None = None
    opinion: Text | None = None
    recipient: Text | None = None
    to: Text | None = None
    letter_no: Text | None = None
    reply: Text | None = None
    reply_no: Text | None = None
    level: ListingLevel | None = None
    notice_no: Text | None = None
    treat_by: date | None = None
    interim_control: InterimControl | None = None
    interim_until: When | None = None
    cut_at: When | None = None
    stop_scope: Text | None = None
    root_cause: Text | None = None
    hazard: Code | None = None
    answer: Text | None = None


class Asking(BaseModel):
    """Something that is asked about a hazard. What is missing or impossible the law refuses (409)."""

    model_config = ConfigDict(extra="forbid")
    hazard: Code
    as_post: Code | None = None


class NewExtension(Asking):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "hazard": "YH-2023-0001", "reason": "supply", "requested_due": "2023-03-20T23:59:59+08:00",
                    "statement": "配件3月18日到货", "interim_measures": "停用该设备，专人值守",
                }
            ]
        }
    )  # fmt: skip
    reason: Code | None = None
    requested_due: When | None = None
    statement: Text | None = None
    interim_measures: Text | None = None


class NewAppeal(Asking):
    model_config = ConfigDict(json_schema_extra={"examples": [{"hazard": "YH-2023-0001", "statement": "该处不是疏散通道，附平面图"}]})
    statement: Text | None = None
    reason: Text | None = None


class NewTransfer(Asking):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"hazard": "YH-2023-0001", "reason": "out_of_jurisdiction", "recipient": "区交通运输局", "letter_no": "西安办〔2023〕3号"}
            ]
        }
    )
    reason: Code | None = None
    recipient: Text | None = None
    letter_no: Text | None = None
    note: Text | None = None


class NewListing(Asking):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"hazard": "YH-2023-0001", "level": "county", "statement": "逾期未整改，提请挂牌督办"}]}
    )
    level: ListingLevel | None = None
    statement: Text | None = None


class NewTask(BaseModel):
    """Something to be done once, as the office sets it. `wanted`: the evidence without which it isn't done."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"owner_post": "head-fire", "title": "集贸市场消防培训", "due_at": "2023-03-10T18:00:00+08:00", "wanted": ["photo"]}
            ]
        },
    )
    owner_post: Code
    title: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_writable)]
    due_at: When
    place: Code | None = None
    wanted: list[EvidenceKind] = Field([], max_length=5)
    as_post: Code | None = None


class NewOfficer(BaseModel):
    """One who inspected, by post, user name or key; `certificate` is the number of their enforcement certificate (执法证号)."""

    model_config = ConfigDict(extra="forbid", title="NewOfficer")
    post: Code | None = None
    username: Code | None = None
    key: Code | None = None
    certificate: Code | None = None


class NewAnswer(BaseModel):
    """What is said to one item. Of a failed one (`no`) the checklist gives what is left out here."""

    model_config = ConfigDict(extra="forbid", title="NewAnswer")
    said: AnswerWord
    note: Text | None = None
    description: Text | None = None
    location: Text | None = None
    grade: Grade | None = None
    sla_class: SlaClass | None = None
    measure: Text | None = None
    interim_control: InterimControl | None = None
    fixed_on_spot: bool | None = None


class NewInspection(BaseModel):
    """A visit. Without `checklist` the newest lists that ask this kind of place; «code@version» names an older one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "place": "P0001", "trigger": "campaign", "officers": ["inspector-2"], "unit_signed": True,
                    "answers": {"A1": "yes", "C1": {"said": "no", "location": "收银台旁", "note": "2具灭火器压力不足"}},
                }
            ]
        },
    )  # fmt: skip
    place: Code
    trigger: InspectionTrigger
    leader_post: Code | None = None
    officers: list[Code | NewOfficer] = Field([], max_length=20)
    started_at: When | None = None
    ended_at: When | None = None
    checklist: Code | list[Code] | None = None
    answers: dict[Code, AnswerWord | NewAnswer] = Field({}, max_length=500)
    result: InspectionResult | None = None
    status: PlaceStatus | None = None
    paper: DocKind | None = None
    paper_no: Code | None = None
    unit_signed: bool = False
    refused_to_sign: bool = False
    note: Text | None = None
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    as_post: Code | None = None


class NewStatus(BaseModel):
    """`same_as`: of a place that is registered twice, the code of the other."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to": "shut", "reason": "已注销营业执照", "note": "2月20日现场查看"}]}
    )
    to: PlaceStatus
    reason: Text
    note: Text | None = None
    same_as: Code | None = None
    as_post: Code | None = None


class PlaceChanges(BaseModel):
    """What is to be changed, and why. `details` are merged; null takes one away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "换了经营者", "responsible_post": "owner-2"}]})
    reason: Text
    note: Text | None = None
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_writable)] | None = None
    team: Code | None = None
    responsible_post: Code | None = None
    field: TradeField | None = None
    nine_small: bool | None = None
    also_street_shop: bool | None = None
    crowded: bool | None = None
    details: dict[Code, Text | bool | int | float | None] | None = Field(None, max_length=50)
    as_post: Code | None = None


class GateMove(BaseModel):
    """`answers`: what was said to the items of a start-work check, by their codes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "现场查看，隐患已消除", "answers": {"I1": "yes"}}]})
    note: Text | None = None
    answers: dict[Code, AnswerWord] | None = Field(None, max_length=200)
    as_post: Code | None = None


class NewReport(BaseModel):
    """What somebody saw. `place_token` is what the place's QR code holds; `place` is the place's code, or where it is in words.

    Name and contact may be left out; who gives them is read by the office head alone. `channel` is for the office, which takes reports
    down by `phone` or `visit`; `township` is needed where Bihuan serves more than one.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"place": "张村街道幸福超市", "description": "安全出口上锁", "contact": "138…"}]},
    )
    place: LineOfStranger | None = None
    place_token: Code | None = None
    description: Annotated[TextOfStranger, Field(min_length=1)]
    name: NameOfStranger | None = None
    contact: NameOfStranger | None = None
    people_in_danger: bool = False
    channel: ReportChannel | None = None
    township: Code | None = None
    as_post: Code | None = None


class Verdict(BaseModel):
    """`reason`: why the answer isn't accepted."""

    model_config = ConfigDict(extra="forbid", title="VerdictOfReporter", json_schema_extra={"examples": [{"reason": "出口仍然上锁"}]})
    reason: TextOfStranger | None = None


class Reading(BaseModel):
    """Why the reporter's identity is read: it stands in the report's history."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "核实需要联系举报人"}]})
    reason: Text | None = None
    as_post: Code | None = None


class HandOver(BaseModel):
    """From `from_day` on `to_person` holds the post; `from_person` is needed where several hold it. Persons are named by their keys."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"to_person": "p-017", "from_day": "2023-03-01", "reason": "工作调整"}]}
    )
    to_person: Code
    from_day: date
    reason: Text
    from_person: Code | None = None
    as_post: Code | None = None


class NewStandIn(BaseModel):
    """`person` acts for `absent_person` from a day to a day, both inclusive; without `to_day` until further notice."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"absent_person": "p-003", "person": "p-017", "from_day": "2023-03-01", "to_day": "2023-03-05", "reason": "外出培训"}
            ]
        },
    )
    absent_person: Code
    person: Code
    from_day: date
    to_day: date | None = None
    reason: Text
    as_post: Code | None = None


class StandInEnds(BaseModel):
    """`last_day`: today unless said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"absent_person": "p-003", "reason": "提前返岗"}]})
    absent_person: Code
    reason: Text
    last_day: date | None = None
    as_post: Code | None = None


class NewEvidence(BaseModel):
    """What is said about a photo beside its file."""

    kind: EvidenceKind
    taken_at: When | None = None
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
