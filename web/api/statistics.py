"""The statistics tables for programs: as they stand, or as they stood at an earlier time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from models.clock import local
from web import filed
from web.api.words import When
from web.caller import Program
from web.house import house_of

router = APIRouter(tags=["numbers"])


class StatisticsQuery(BaseModel):
    """`at`: the cut-off, not later than now."""

    at: When | None = None


class StatisticsTable(BaseModel):
    """`groups` stand above `columns`; a row starts with its field of trade. «—» where there is nothing to divide by, or nothing known."""

    name: str
    title: str
    groups: list[str]
    columns: list[str]
    rows: list[list[int | float | str]]


class Statistics(BaseModel):
    """`summary` counts hazards; `zero` names the fields that were inspected and had none."""

    model_config = ConfigDict(title="Statistics")
    at: datetime
    title: str
    words: list[str]
    summary: dict[str, int]
    zero: list[str]
    tables: list[StatisticsTable]


@router.get("/statistics")
def read_statistics(request: Request, caller: Program, ask: Annotated[StatisticsQuery, Query()]) -> Statistics:
    """隐患排查治理统计表 since the campaign began, by field of trade; for posts of the whole township."""
    until = min(ask.at or caller.now, caller.now)
    with house_of(request).transaction() as session:
        facts: dict[str, Any] = filed.statistics(session, caller, until)
    return Statistics(at=local(until), **{name: facts[name] for name in ("title", "words", "summary", "zero", "tables")})
