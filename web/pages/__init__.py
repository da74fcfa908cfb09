"""The pages for people: every one works without JavaScript."""

from __future__ import annotations

from fastapi import APIRouter

from web.pages import (
    account,
    case,
    duties,
    figures,
    hazard,
    home,
    inbox,
    inspect,
    ledger,
    messages,
    phones,
    photo,
    places,
    posts,
    public,
    register,
    reports,
    silences,
)


def routers() -> list[APIRouter]:
    parts = (
        account, home, inbox, ledger, register, photo, silences, hazard, case, duties, inspect, places, reports, figures, posts, messages,
        phones, public,
    )  # fmt: skip
    return [part.router for part in parts]
