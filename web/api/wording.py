"""The township's own words for its messages, for programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from web import wording
from web.caller import Program
from web.house import house_of
from web.wording import LONGEST, WordingView

router = APIRouter(tags=["voice"])
Name = Annotated[str, Path(max_length=60)]
Language = Annotated[str, Query(max_length=5)]


class NewWording(BaseModel):
    """`text` null takes the house's own back. `version`: as it was read; where somebody else has changed it since, 409."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "【请督办·{level}级】{code} {place}：{what}，{act}已超{over}。{idle}{you}，请今天督办。{late}{up}", "version": 0}
            ]
        },
    )
    text: Annotated[str, Field(max_length=LONGEST)] | None
    version: int | None = None


@router.get("/wording/{purpose}")
def read_wording(request: Request, caller: Program, purpose: Name, language: Language = "zh") -> WordingView:
    """A message's text (`overdue`, `overdue.mine`, …), the names it may use, and what it comes to. For the office and the leaders."""
    house = house_of(request)
    with house.transaction() as session:
        return wording.one(session, caller, purpose, language, house.settings.public_url)


@router.put("/wording/{purpose}")
def write_wording(request: Request, caller: Program, purpose: Name, body: NewWording, language: Language = "zh") -> WordingView:
    """A new version, from the next message on, by the office's head; 422 says everything that is wrong with it."""
    house = house_of(request)
    with house.transaction() as session:
        wording.put(session, caller, purpose, language, body.text, body.version)
        return wording.one(session, caller, purpose, language, house.settings.public_url)
