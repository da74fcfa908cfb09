"""The ledger as a workbook: download, and the office's import in two steps: looked at, then confirmed."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from papers.ledger.filter import Filter
from papers.ledger.forms import FORMS
from web import sheets
from web.caller import Visitor
from web.house import house_of
from web.pages.form import Form, word
from web.pages.ledger import Filters
from web.problem import Problem
from web.render import frame, page

router = APIRouter()
FormName = Literal["full", "street21", "station18", "township15"]
SHOWN = 60


class Wanted(Filters):
    """The filters of the ledger's page, and in which columns."""

    form: FormName = "full"
    photos: bool = False


@router.get("/hazards.xlsx")
def download(request: Request, caller: Visitor, ask: Annotated[Wanted, Query()]) -> Response:
    said = ask.wanted(caller)
    wanted = Filter(
        said.states, said.grade, said.village, said.team, said.kind, said.place, said.overdue, said.due_before, said.level, said.to,
        q=said.q,
    )  # fmt: skip
    return sheets.download(house_of(request), caller, wanted, FORMS[ask.form], photos=ask.photos)


@router.get("/ledger/blank.xlsx")
def blank(request: Request, caller: Visitor, form: FormName = "township15") -> Response:
    return sheets.empty(house_of(request), caller, FORMS[form])


@router.get("/ledger/import")
def ask_for(request: Request, caller: Visitor) -> Response:
    sheets.importing_post(caller)
    with house_of(request).transaction() as session:
        return page(request, "ledger_import.html", frame(session, caller), forms=list(FORMS.values()), problem=None, most=_most())


def _most() -> int:
    return sheets.BYTES_AT_MOST // (1024 * 1024)


@router.post("/ledger/import")
def look_at(request: Request, caller: Visitor, form: Form) -> Response:
    """What was sent is kept and looked at; nothing is registered yet."""
    house = house_of(request)
    sheets.importing_post(caller)
    sent = form.get("file")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise Problem(422, "还没有选择文件。", "No file was chosen.", reason="file")
        sha256 = sheets.keep(house, caller, sent.file)
        return _report(request, caller, sha256, sent.filename)
    except Problem as no:
        with house.transaction() as session:
            return page(
                request, "ledger_import.html", frame(session, caller), no.status, forms=list(FORMS.values()), problem=no, most=_most()
            )  # fmt: skip


def _report(request: Request, caller: Visitor, sha256: str, name: str) -> Response:
    house = house_of(request)
    ledger = sheets.kept(house, caller, sha256)
    with house.transaction() as session:
        checked = sheets.looked_at(session, caller, ledger)
        faults = [(line, fault) for line in sorted(checked.faults) for fault in checked.faults[line]]
        return page(
            request, "ledger_report.html", frame(session, caller), ledger=ledger, checked=checked, faults=faults[:SHOWN],
            more=len(faults) - SHOWN, name=name, sha256=sha256,
        )  # fmt: skip


@router.post("/ledger/import/{sha256}")
def confirm(request: Request, caller: Visitor, sha256: str, form: Form) -> Response:
    house = house_of(request)
    ledger = sheets.kept(house, caller, sha256)
    with house.transaction() as session:
        taken = sheets.taken_in(session, caller, ledger, word(form, "name"), partial=word(form, "partial") == "yes")
    sheets.forget(house, caller, sha256)
    with house.transaction() as session:
        return page(request, "ledger_taken.html", frame(session, caller), taken=taken, codes=taken.codes)


@router.get("/ledger/import/{sha256}/marked.xlsx")
def marked_up(request: Request, caller: Visitor, sha256: str, name: str = "台账.xlsx") -> Response:
    sheets.importing_post(caller)
    house = house_of(request)
    ledger = sheets.kept(house, caller, sha256)
    with house.transaction() as session:
        return sheets.marked(ledger, sheets.looked_at(session, caller, ledger), name)
