"""The pages for people: every one works without JavaScript."""

from __future__ import annotations

from fastapi import APIRouter

from web.pages import account, hazard, home, inbox, ledger, messages, phones, photo, register


def routers() -> list[APIRouter]:
    parts = (account, home, inbox, ledger, register, photo, hazard, messages, phones)
    return [part.router for part in parts]
