"""The web application: pages for people, an API for programs, over one house."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.middleware.gzip import GZipMiddleware

from web import api, health, lost, owner, pages, problem, reports
from web.accounts import Patience
from web.caller import SignInFirst
from web.english import InEnglish, answered
from web.front import Front
from web.house import House, NotReady
from web.kept import KeptFiles
from web.login import FAILURES_OF_A_MACHINE
from web.problem import ProblemBody
from web.render import error_page, progress_page, way_to_login

log = logging.getLogger("bihuan.web")
ERRORS = (401, 403, 404, 409, 413, 422, 428, 429, 503)
ABOUT = """Bihuan (闭环): hazards of a township, each closed with proof before its deadline.

Sign in with `POST /api/v1/session` and send the token as `Authorization: Bearer …`. Every error is a problem detail (RFC 9457) with a
sentence in Chinese (`detail`) and in English (`detail_en`). docs/api.md tells the whole story."""


def create_app(house: House) -> FastAPI:
    """The application. Nothing is opened before the first request that needs it."""
    app = FastAPI(title="Bihuan", version="1", description=ABOUT, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.state.house = house
    app.state.patience = Patience()
    app.state.patience_with_machines = Patience(FAILURES_OF_A_MACHINE)
    app.state.patience_with_reporters = reports.patience()
    app.state.patience_with_owners = owner.patience()
    app.add_middleware(InEnglish)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Front)
    app.mount("/static", KeptFiles(directory=Path(__file__).parent / "static"), name="static")
    app.mount("/vendor", KeptFiles(packages=[("js_lib_htmx", "static/htmx")]), name="vendor")
    app.include_router(health.router)
    app.include_router(_api())
    for router in pages.routers():
        app.include_router(router, include_in_schema=False)
    for kind in problem.EXPECTED:
        app.add_exception_handler(kind, _answer)
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(Exception, _broken)
    return app


def _api() -> APIRouter:
    described: dict[int | str, dict[str, Any]] = {
        status: {"model": ProblemBody, "content": {"application/problem+json": {}}} for status in ERRORS
    }
    router = APIRouter(prefix="/api/v1", responses=described)
    for part in api.routers():
        router.include_router(part)
    return router


def _answer(request: Request, error: Exception) -> Response:
    if isinstance(error, NotReady) and not problem.for_program(request):
        return progress_page(error.progress)
    found = problem.problem_of(error)
    return problem.as_json(found) if problem.for_program(request) else error_page(request, found)


def _broken(request: Request, error: Exception) -> Response:
    """What nobody expected: Starlette logs it and this is what people see."""
    return answered(request.scope, lambda: _answer(request, error))


async def _sign_in_first(request: Request, error: Exception) -> Response:
    if request.headers.get("hx-request"):
        return Response(status_code=401)  # the script then sends the form as a form, which leads to the login page
    if request.method == "POST":
        return await lost.sign_in_again(request)
    return RedirectResponse(way_to_login(request), 303)
