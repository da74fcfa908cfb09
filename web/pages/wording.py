"""What messages say: the office reads every text, writes its own, and sees what it comes to before anybody gets it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from notifications.render import LANGUAGES
from notifications.wording import NAMES, standard
from web import wording
from web.caller import Caller, Visitor
from web.house import house_of
from web.pages.form import Form, number, word
from web.problem import Problem
from web.render import bare, frame, page

router = APIRouter()
Language = Annotated[str, Query(max_length=5)]


@router.get("/wording")
def read(request: Request, caller: Visitor, language: Language = "zh") -> Response:
    wording.check_reader(caller)
    language = language if language in LANGUAGES else "zh"
    with house_of(request).transaction() as session:
        own = wording.own_texts(session, caller, language)
        texts = [(name, wording.title(name), own.get(name) or standard(LANGUAGES[language], name), name in own) for name in NAMES]
        return page(request, "wordings.html", frame(session, caller), texts=texts, language=language, own=len(own))


@router.get("/wording/{name}")
def one(request: Request, caller: Visitor, name: str, language: Language = "zh") -> Response:
    with house_of(request).transaction() as session:
        return _show(request, session, caller, name, language)


@router.post("/wording/{name}/preview")
def preview(request: Request, caller: Visitor, name: str, form: Form) -> Response:
    """What the text would come to, with what is wrong with it; nothing is kept. A script asks for the middle of the page alone."""
    language, said = word(form, "language") or "zh", word(form, "text")
    house = house_of(request)
    with house.transaction() as session:
        problem = None
        try:
            view = wording.one(session, caller, name, language, house.settings.public_url, said)
        except Problem as error:
            if error.status != 422:
                raise
            problem, view = error, wording.one(session, caller, name, language, house.settings.public_url)
        if request.headers.get("hx-request"):
            return bare("wording_preview.html", view=view, problem=problem)
        return _show(request, session, caller, name, language, problem, said)


@router.post("/wording/{name}")
def write(request: Request, caller: Visitor, name: str, form: Form) -> Response:
    """Kept as a new version, from the next message on; `standard` takes the house's words back."""
    language = word(form, "language") or "zh"
    said = None if word(form, "standard") else word(form, "text")
    try:
        with house_of(request).transaction() as session:
            wording.put(session, caller, name, language, said, number(form, "version"))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        with house_of(request).transaction() as session:
            return _show(request, session, caller, name, language, problem, said)
    return RedirectResponse(f"/wording/{name}?language={language}&done=wording", 303)


def _show(
    request: Request, session: Session, caller: Caller, name: str, language: str, problem: Problem | None = None, said: str | None = None
) -> Response:
    view = wording.one(session, caller, name, language, house_of(request).settings.public_url, said if problem is None else None)
    return page(
        request, "wording.html", frame(session, caller), problem.status if problem else 200, view=view, problem=problem,
        said=view.text if said is None else said, title=wording.title(name), may_write=wording.may_write(caller),
        changes=wording.changes(session, caller, name, language), languages=list(LANGUAGES),
    )  # fmt: skip
