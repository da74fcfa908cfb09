"""A case's history as it is read: events with the free texts beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from web import cursor


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event; `texts` are remarks that haven't been deleted, `who` the label of the person, where the roster still has it."""

    seq: int
    trigger: str
    from_state: str | None
    to_state: str
    post: str
    person: str
    who: str | None
    at: datetime
    facts: Mapping[str, Any]
    texts: Mapping[str, str]
    body: str
    prev_hash: str
    hash: str


EVENTS = text("""
select e.*, person.label as who, coalesce(said.texts, '{}') as texts
from event e
join cases c on c.id = e.case_id
left join person on person.township_id = c.township_id and person.key = e.person
left join lateral (
    select jsonb_object_agg(name, body) as texts from remark where remark.case_id = e.case_id and remark.seq = e.seq
) said on true
where e.case_id = :case_id and e.seq > :after order by e.seq limit :limit
""")


def page(session: Session, case_id: int, limit: int, after: str | None = None) -> tuple[list[EventRow], str | None]:
    """Events from the oldest on, and the cursor of the next page."""
    rows = session.execute(EVENTS, {"case_id": case_id, "after": cursor.read_number(f"events {case_id}", after), "limit": limit + 1}).all()
    events = [_event(row) for row in rows[:limit]]
    return events, cursor.write_number(f"events {case_id}", events[-1].seq) if len(rows) > limit else None


def whole(session: Session, case_id: int) -> list[EventRow]:
    return page(session, case_id, 10_000)[0]


def _event(row: Any) -> EventRow:
    return EventRow(
        row.seq, row.trigger, row.from_state, row.to_state, row.post, row.person, row.who, local(row.at), row.facts, row.texts,
        row.body, row.prev_hash, row.hash,
    )  # fmt: skip
