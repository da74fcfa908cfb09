"""The API for programs, under /api/v1: the same functions as the pages, in JSON."""

from __future__ import annotations

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer

from web.api import hazards, rest, session

TOKEN = HTTPBearer(auto_error=False, description="The token of POST /api/v1/session.")


def routers() -> list[APIRouter]:
    """Every part of the API; all but signing in want a token."""
    guarded = APIRouter(dependencies=[Security(TOKEN)])
    guarded.include_router(hazards.router)
    guarded.include_router(rest.router)
    return [session.router, guarded]
