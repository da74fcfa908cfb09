"""What is asked about a hazard, for programs: extensions, appeals, transfers, listings. One way for the four kinds."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from models.enumerations import STATES, CaseKind
from web import cases, step
from web.api.cases import IfMatch, Key, Noun, add_routes, tagged, version_of
from web.api.words import Asking, CaseQuery, NewAppeal, NewExtension, NewListing, NewTransfer, facts_of
from web.caller import Caller, Program
from web.cases import AppealView, ExtensionView, ListingView, TransferView, Wanted
from web.house import house_of
from web.problem import Problem

V = TypeVar("V")

EXTENSIONS = Noun("extensions", CaseKind.extension, ExtensionView)
APPEALS = Noun("appeals", CaseKind.appeal, AppealView)
TRANSFERS = Noun("transfers", CaseKind.transfer, TransferView)
LISTINGS = Noun("listings", CaseKind.listing, ListingView)
NOUNS = (EXTENSIONS, APPEALS, TRANSFERS, LISTINGS)

router = APIRouter(tags=["applications"])


class Listed(BaseModel, Generic[V]):
    items: list[V]
    next: str | None


def states_of(kind: CaseKind, said: list[str]) -> list[str]:
    """The states that were named. Raises Problem 422 for a word that is none of this kind."""
    unknown = [state for state in said if state not in STATES[kind].__members__]
    if unknown:
        wrong = [{"where": "state", "message": f"one of: {', '.join(STATES[kind])}"}]
        raise Problem(422, f"{kind.zh}没有这个状态：{'、'.join(unknown)}。", f"No such state: {', '.join(unknown)}.", errors=wrong)
    return said


def _add_list(noun: Noun) -> None:
    @router.get(f"/{noun.path}", response_model=Listed[noun.view])  # type: ignore[name-defined]
    def list_cases(request: Request, caller: Program, ask: Annotated[CaseQuery, Query()]) -> Any:
        """Newest first, as far as the caller's posts reach."""
        wanted = Wanted(
            states_of(noun.kind, ask.state), ask.pending, ask.overdue, ask.hazard, place=ask.place, village=ask.village
        )
        with house_of(request).transaction() as session:
            rows, after = cases.many(session, caller, noun.kind, wanted, ask.limit, ask.cursor)
        return {"items": [row.view for row in rows], "next": after}


@router.post("/extensions", status_code=201, response_model=ExtensionView)
def ask_for_an_extension(request: Request, caller: Program, body: NewExtension, if_match: IfMatch = None, key: Key = None) -> Response:
    """延期申请; the hazard's clock goes on. If-Match, where it is sent, is the hazard's version."""
    return _ask(request, caller, EXTENSIONS, body, if_match, key)


@router.post("/appeals", status_code=201, response_model=AppealView)
def appeal(request: Request, caller: Program, body: NewAppeal, if_match: IfMatch = None, key: Key = None) -> Response:
    """申诉; the hazard's clock goes on. If-Match, where it is sent, is the hazard's version."""
    return _ask(request, caller, APPEALS, body, if_match, key)


@router.post("/transfers", status_code=201, response_model=TransferView)
def transfer(request: Request, caller: Program, body: NewTransfer, if_match: IfMatch = None, key: Key = None) -> Response:
    """移送 to another authority. If-Match, where it is sent, is the hazard's version."""
    return _ask(request, caller, TRANSFERS, body, if_match, key)


@router.post("/listings", status_code=201, response_model=ListingView)
def propose_a_listing(request: Request, caller: Program, body: NewListing, if_match: IfMatch = None, key: Key = None) -> Response:
    """提请挂牌督办 of a major hazard. If-Match, where it is sent, is the hazard's version."""
    return _ask(request, caller, LISTINGS, body, if_match, key)


def _ask(request: Request, caller: Caller, noun: Noun, body: Asking, if_match: str | None, key: str | None) -> Response:
    version = version_of(if_match, needed=False)
    facts = {name: value for name, value in facts_of(body).items() if name != "hazard"}
    asked = step.digest("POST", f"/{noun.path}", body.model_dump(mode="json", exclude_unset=True))
    with house_of(request).transaction() as session:

        def do() -> dict[str, Any]:
            opened = cases.ask(session, caller, noun.kind, body.hazard, facts, post=body.as_post, version=version)
            told: dict[str, Any] = opened.view.model_dump(mode="json")
            return told

        answer = step.once(session, caller, key, asked, do)
    return tagged(answer, 201, Location=f"/api/v1/{noun.path}/{quote(answer['code'])}")


for _noun in NOUNS:
    _add_list(_noun)
    add_routes(router, _noun)
