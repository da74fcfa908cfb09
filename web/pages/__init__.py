"""The pages for people: every one works without JavaScript."""

from __future__ import annotations

from fastapi import APIRouter

from web.pages import (
    account,
    brief,
    bulk,
    case,
    duties,
    figures,
    filed,
    hazard,
    home,
    inbox,
    inspect,
    ladders,
    language,
    ledger,
    matrix,
    messages,
    offline,
    owner,
    papers,
    people,
    phones,
    photo,
    places,
    posts,
    public,
    register,
    reports,
    sheets,
    signin,
    silences,
    ticket,
    waiting,
    wording,
)


def routers() -> list[APIRouter]:
    parts = (
        account, signin, home, inbox, bulk, brief, matrix, ladders, people, language, ledger, sheets, register, photo, owner, papers,
        silences, hazard, case, duties, inspect, places, reports, figures, waiting, filed, posts, messages, phones, public, ticket, wording,
        offline,
    )  # fmt: skip
    return [owner.public, ticket.public, *(part.router for part in parts)]
