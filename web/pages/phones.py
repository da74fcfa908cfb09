"""The demo's phones and mailboxes: what the receivers on loopback have taken down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import text
from sqlmodel import Session

from models.clock import SHANGHAI, day_of
from web.caller import post_name
from web.house import house_of
from web.problem import Problem
from web.render import bare

router = APIRouter()
TAIL = 512 * 1024
PHONES, MESSAGES = 12, 8


@dataclass(frozen=True, slots=True)
class Message:
    """`at` is machine time: when the receiver took it."""

    at: datetime
    person: str
    channel: str
    title: str
    body: str


@dataclass(slots=True)
class Phone:
    person: str
    who: str
    post: str
    messages: list[Message] = field(default_factory=list)
    count: int = 0


WHO = text("""
select distinct on (person.key) person.key, person.label, post.kind, unit.kind as unit_kind, unit.name as unit_name
from person join township on township.id = person.township_id and township.demo
left join holding on holding.person_id = person.id and from_day <= :day and coalesce(to_day, 'infinity') >= :day
left join post on post.id = holding.post_id left join unit on unit.id = post.unit_id
where person.key = any(:keys) order by person.key, holding.deputy_of_id nulls first, post.id
""")


@router.get("/demo/phones")
def phones(request: Request, person: str = "") -> Response:
    house = house_of(request)
    with house.transaction() as session:
        if not session.execute(text("select exists (select from township where demo)")).scalar():
            raise Problem(404, "只有演示模式才有这一页。", "This page exists in the demo alone.")
        messages = tail(house.settings.home / "demo" / "phones.jsonl")
        shown = _phones(session, [each for each in messages if person in ("", each.person)], day_of(house.clock.now()))
    return bare("phones.html", phones=shown, count=len(messages), person=person)


def tail(path: Path) -> list[Message]:
    """The newest messages, newest first; lines that can't be read are passed over."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            lines = file.read().splitlines()
    except OSError:
        return []
    return [message for line in reversed(lines) if (message := _message(line))]


def _message(line: bytes) -> Message | None:
    try:
        said: dict[str, Any] = json.loads(line)
        at = datetime.fromisoformat(said["at"])
        return Message(
            at.astimezone(SHANGHAI), str(said["person"]), str(said["channel"]), str(said.get("title") or ""), str(said.get("body") or "")
        )
    except (ValueError, KeyError, TypeError):
        return None


def _phones(session: Session, messages: list[Message], today: Any) -> list[Phone]:
    by_person: dict[str, Phone] = {}
    for message in messages:
        phone = by_person.setdefault(message.person, Phone(message.person, message.person, ""))
        phone.count += 1
        if len(phone.messages) < MESSAGES:
            phone.messages.append(message)
    shown = list(by_person.values())[:PHONES]
    rows = {row.key: row for row in session.execute(WHO, {"keys": [phone.person for phone in shown], "day": today})}
    for phone in shown:
        row = rows.get(phone.person)
        if row:
            phone.who = row.label
            phone.post = post_name(row.kind, row.unit_kind, row.unit_name) if row.kind else ""
    return shown
