"""The key figures of a township by unit, counted by the database (migrations/sql/numbers.sql), with the definition of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import text
from sqlmodel import Session

from models.database import as_json
from models.enumerations import Field, PlaceKind


class By(StrEnum):
    """What a row of figures is about."""

    township = "township"
    village = "village"
    team = "team"
    field = "field"
    place_kind = "place_kind"


class Definition(NamedTuple):
    """What a figure is called, how it is worked out, and where that comes from. `formula` is what the database says of the column."""

    zh: str
    en: str
    formula: str
    formula_en: str
    source: str


FORM = "全国安全生产隐患统计表"
HERE = "本系统约定，见 docs/numbers.md"
DEFINITIONS: Mapping[str, Definition] = {
    "rate": Definition("整改率 R", "rate closed", "已销号 ÷ 有效隐患", "closed / valid hazards", FORM),
    "on_time": Definition(
        "按期率 T", "mended in time", "所报验的那一轮在期限内且复查合格的 ÷ 期限已到的有效隐患",
        "passed, and reported mended by the due time of that round / valid hazards whose due time has come", HERE,
    ),
    "due_unrectified": Definition(
        "到期未整改 O", "due and not mended", "期限已过、责任单位尚未报验的有效隐患数",
        "valid hazards past due that the responsible unit hasn't reported mended", FORM,
    ),
    "first_pass": Definition(
        "一次合格率 P", "passed at once", "首次复查即合格的 ÷ 复查过的有效隐患", "passed at the first re-inspection / re-inspected", HERE
    ),
    "rebound": Definition(
        "反弹率 B", "came back", "（反弹重开＋12个月内同场所重复发生）÷ 销过号的有效隐患",
        "(reopened + recurred at the same place within 12 months) / ever closed", HERE,
    ),
    "coverage": Definition(
        "覆盖率 C", "places inspected", "查过的营业场所 ÷ 范围内的营业场所；两次以上均未能入内的计 0.5",
        "active places inspected / active places in scope; two visits or more without access count a half", HERE,
    ),
    "major_kept": Definition(
        "重大 M", "major hazards kept", "已销号或仍在方案期限内的重大隐患 ÷ 重大隐患",
        "major hazards closed or within their plan / major hazards", HERE,
    ),
    "duties_kept": Definition(
        "履职率 D", "duties done", "按期完成的履职任务 ÷ 已到期的履职任务",
        "duties done in time / duties due; excused ones are left out", HERE,
    ),
    "hours_to_assign": Definition(
        "响应 A1", "hours to assign", "从发现到交办的小时数，中位数", "median hours from finding to assignment", HERE
    ),
    "hours_to_acknowledge": Definition(
        "响应 A2", "hours to acknowledge", "从交办到签收的小时数，中位数", "median hours from assignment to acknowledgement", HERE
    ),
    "reviews_on_time": Definition(
        "复查及时率 V", "reviews in time", "按时复查的 ÷ 应复查的（每条隐患看最近一次报验）",
        "re-inspected in time / to be re-inspected, each hazard by its latest submission", HERE,
    ),
    "reports_on_time": Definition(
        "报送及时率 F", "reports in time", "按时报送的周报月报 ÷ 应报送的", "weekly and monthly reports in time / due", FORM
    ),
    "no_hazards": Definition(
        "零隐患", "no hazards", "检查满10次而无一条有效隐患", "ten inspections or more and not one valid hazard", FORM
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Numbers:
    """One unit's figures. Ratios are from 0 to 1 (`rebound` may exceed 1), None where the denominator is zero (shown as «—»); the rest are
    counts, hours as named. `unit` is a code or an identifier, `zh` and `en` what people call it.

    found = valid + rejected + duplicate + cancelled + transferred; valid = closed + open. `overdue` counts open hazards whose present move
    is late, whoever's move it is; `due_unrectified` only those that wait for the responsible unit. `to_head`, `to_secretary` and
    `to_district` count hazards by the highest post that an escalation reached.
    """

    unit: str
    zh: str
    en: str
    found: int
    rejected: int
    duplicate: int
    cancelled: int
    transferred: int
    valid: int
    closed: int
    open: int
    overdue: int
    rate: float | None
    on_time: float | None
    due_unrectified: int
    first_pass: float | None
    rebound: float | None
    coverage: float | None
    major_kept: float | None
    duties_kept: float | None
    hours_to_assign: float | None
    hours_to_acknowledge: float | None
    reviews_on_time: float | None
    reports_on_time: float | None
    no_hazards: bool
    due_passed: int
    reviewed: int
    ever_closed: int
    places: int
    places_active: int
    inspections: int
    majors: int
    major_open: int
    major_overdue: int
    duties_due: int
    reviews: int
    reports_due: int
    fakes: int
    to_head: int
    to_secretary: int
    to_district: int
    leader_missed: int
    public_verified: int
    self_found: float | None


NUMBERS = text("select * from numbers_by(:township, :at, :since, cast(:scope as jsonb), :by)")
SCOPE = text("""
select scope from campaign where township_id = :township
order by starts_at <= :at desc, deadline >= :at desc, abs(extract(epoch from deadline - :at)) limit 1
""")
NAMES = text("select code, name from unit where township_id = :township")


def numbers_by(session: Session, township_id: int, at: datetime, by: By = By.township, *, since: datetime | None = None) -> list[Numbers]:
    """The figures as they stand at business time `at`, a row a unit in the order of their codes; villages and teams without anything too.

    `since` leaves out what was found, visited or due earlier. Places in scope are those of the campaign that runs at `at`, or ran last.
    """
    scope = session.execute(SCOPE, {"township": township_id, "at": at}).scalar()
    asked = {"township": township_id, "at": at, "since": since, "scope": as_json(scope) if scope else None, "by": by}
    names = _names(session, township_id, by)
    rows = session.execute(NUMBERS, asked).mappings()
    return [Numbers(**row, zh=names[row["unit"]][0], en=names[row["unit"]][1]) for row in rows]


def numbers_of(session: Session, township_id: int, at: datetime, *, since: datetime | None = None) -> Numbers:
    """The figures of the whole township."""
    return numbers_by(session, township_id, at, since=since)[0]


def _names(session: Session, township_id: int, by: By) -> dict[str, tuple[str, str]]:
    if by in (By.field, By.place_kind):
        return {str(word): (word.zh, word.en) for word in (Field if by == By.field else PlaceKind)}
    names = {row.code: (row.name, row.name) for row in session.execute(NAMES, {"township": township_id})}
    town = session.execute(text("select code, name from township where id = :id"), {"id": township_id}).one()
    return {**names, town.code: (town.name, town.name)}
