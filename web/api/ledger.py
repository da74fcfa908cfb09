"""The ledger as a workbook, for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from papers.ledger.filter import Filter
from papers.ledger.forms import FORMS
from web import sheets
from web.api.words import HazardQuery
from web.caller import Program
from web.house import house_of

router = APIRouter(tags=["hazards"])


class LedgerQuery(HazardQuery):
    """The filters of the list of hazards, and in which columns: full, street21, station18 or township15. `limit` and `cursor` have no
    meaning here: the ledger is whole."""

    form: Annotated[Literal["full", "street21", "station18", "township15"], Field(description="Which columns (docs/ledger.md).")] = "full"
    photos: Annotated[bool, Field(description="With the newest photos before and after.")] = False


@router.get("/ledger.xlsx", response_class=Response, responses={200: {"content": {sheets.XLSX: {}}, "description": "The workbook."}})
def ledger(request: Request, caller: Program, ask: Annotated[LedgerQuery, Query()]) -> Response:
    """The ledger (台账) as an Excel workbook, as far as the caller's posts reach."""
    wanted = Filter(tuple(ask.state), ask.grade, ask.village, ask.team, ask.kind, ask.place, ask.overdue, q=ask.q)
    return sheets.download(house_of(request), caller, wanted, FORMS[ask.form], photos=ask.photos)
