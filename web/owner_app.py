"""The owners' page alone: what may stand on the public side while everything else stays inside. See docs/owner.md.

It knows the owner's link, the e-copy behind a paper's QR code, the switch of languages, the static files and
/healthz, and no other address.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.middleware.gzip import GZipMiddleware

from web import health, owner, problem
from web.english import InEnglish, answered
from web.front import Front
from web.house import House
from web.kept import KeptFiles
from web.pages import language, papers
from web.pages import owner as pages
from web.render import error_page


def create_owner_app(house: House) -> FastAPI:
    """The application. Nothing is opened before the first request that needs it."""
    app = FastAPI(title="Bihuan", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.house = house
    app.state.owners_only = True
    app.state.patience_with_owners = owner.patience()
    app.add_middleware(InEnglish)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Front)
    app.mount("/static", KeptFiles(directory=Path(__file__).parent / "static"), name="static")
    app.include_router(pages.public)
    app.add_api_route("/a/{ticket}", _from_a_message, methods=["GET"])
    app.add_api_route("/e/{word}", papers.carried, methods=["GET"])
    app.add_api_route("/e/{word}/{ending}", papers.carried_file, methods=["GET"])
    app.include_router(language.router)
    app.add_api_route("/healthz", health.healthz, methods=["GET"])
    for kind in problem.EXPECTED:
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(Exception, _broken)
    return app


def _from_a_message(ticket: str) -> Response:
    """A message's link leads an owner to the same hazard here."""
    return RedirectResponse(f"/o/{quote(ticket)}", 303)


def _broken(request: Request, error: Exception) -> Response:
    """What nobody expected, which Starlette answers outside of all middleware."""
    return answered(request.scope, lambda: _answer(request, error))


def _answer(request: Request, error: Exception) -> Response:
    found = problem.problem_of(error)
    return problem.as_json(found) if problem.for_program(request) else error_page(request, found)
