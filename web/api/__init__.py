"""The API for programs, under /api/v1: the same functions as the pages, in JSON."""

from __future__ import annotations

from fastapi import APIRouter, Security
from fastapi.security import HTTPBearer

from web.api import (
    applications,
    duties,
    hazards,
    inspections,
    ledger,
    numbers,
    papers,
    places,
    posts,
    reports,
    rest,
    session,
    statistics,
    voice,
    webhooks,
    wording,
)

TOKEN = HTTPBearer(auto_error=False, description="The token of POST /api/v1/session.")
GUARDED = (
    papers, hazards, ledger, applications, duties, inspections, places, reports, posts, numbers, statistics, voice, webhooks, wording, rest,
)  # fmt: skip


def routers() -> list[APIRouter]:
    """Every part of the API; all but signing in and reporting as one of the public want a token."""
    guarded = APIRouter(dependencies=[Security(TOKEN)])
    for part in GUARDED:
        guarded.include_router(part.router)
    return [session.router, reports.public, guarded]
