"""Messages as they are read: who was told what, when, over what, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import text
from sqlmodel import Session

from models.clock import local, say
from models.enumerations import Clock, NoticeState, Purpose
from notifications.reason import Reason
from notifications.templates.zh import SCHEMES
from notifications.told import ANSWERED
from web.caller import Caller, post_name, seat_of
from web.order import Column, ordered


class NoticeView(BaseModel):
    """One message to one person over one channel. `channel` is the kind of channel; its address is nobody's business here.

    `try_at`: when what failed for now, or waits for its channel's limit, goes again. `seen_at`: its reader pressed a button behind its
    link; `answered_at`: they acknowledged or took up the case since. Null where that isn't known.

    `case` is what it is about, of any kind; `hazard` that case if it is one, or the hazard that it is about.
    """

    model_config = ConfigDict(title="Notice")
    id: int
    case: str | None
    hazard: str | None
    purpose: Purpose
    person: str
    post: str | None
    for_post: str | None
    channel: str
    state: NoticeState
    reason: str | None
    clock: Clock | None
    rung: int | None
    level: int | None
    urgent: bool
    body: str | None
    planned_at: datetime
    not_before: datetime
    sent_at: datetime | None
    try_at: datetime | None
    seen_at: datetime | None
    answered_at: datetime | None
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as a page shows it."""

    view: NoticeView
    who: str
    post_name: str
    standing_in_for: str | None
    place: str | None

    @property
    def meanwhile(self) -> str:
        """What it waits for and until when; or what its reader has done. Empty where neither is known."""
        view = self.view
        why = Reason(view.reason).zh if view.reason and view.reason in Reason.__members__ else ""
        if view.try_at:
            return f"{say(view.try_at)} 再试{f'（{why}）' if view.state != NoticeState.bundled else ''}"
        if view.state == NoticeState.held:
            return f"等到 {say(view.not_before)}（{why}）"
        if view.answered_at:
            return f"{say(view.answered_at)} 已签收或接手"
        return f"{say(view.seen_at)} 已看过" if view.seen_at else ""

    @property
    def channel(self) -> str:
        return SCHEMES.get(self.view.channel, self.view.channel)


NOTICES = f"""
select n.*, {{key}} as sort, c.code as case_code,
    case c.kind when 'hazard' then c.code else (select code from cases where id = c.parent_id) end as hazard,
    (select name from place where id = c.place_id) as place, person.key as person, person.label as who,
    (select label from person where id = n.standing_in_for_id) as away,
    (select split_part(url, '://', 1) from channel where id = n.channel_id) as channel,
    {seat_of("n.post_id")} as seat, (select code from post where id = n.for_post_id) as for_post,
    (select clock from timer where id = n.timer_id) as clock, (n.facts ->> 'level')::int as level,
    coalesce(n.body, bundle.body) as said, coalesce(n.sent_at, bundle.sent_at) as left_at,
    case when coalesce(bundle.state, n.state) in ('pending', 'retry') then coalesce(bundle.try_at, n.try_at) end as again_at,
    {ANSWERED} as answered_at
from notice n
join person on person.id = n.person_id
left join cases c on c.id = n.case_id
left join notice bundle on bundle.id = n.bundle_id
"""


ABOUT = """n.case_id in (
    select id from cases where township_id = :township and code = :hazard
    union all
    select other.id from cases h join cases other on other.parent_id = h.id where h.township_id = :township and h.code = :hazard
)"""


ESCALATED_TO = """(n.facts ->> 'level')::int > 0
    and n.person_id = (select id from person where township_id = :township and key = :to)"""
COLUMNS = {
    "when": Column("n.id", int), "who": Column("person.label"), "state": Column("n.state"), "purpose": Column("n.purpose"),
    "level": Column("coalesce((n.facts ->> 'level')::int, 0)", int),
    "channel": Column("coalesce((select split_part(url, '://', 1) from channel where id = n.channel_id), '')"),
}  # fmt: skip


def many(
    session: Session,
    caller: Caller,
    limit: int,
    after: str | None = None,
    states: Sequence[str] = (),
    hazard: str | None = None,
    mine: bool = False,
    to: str | None = None,
    sort: str = "",
) -> tuple[list[Told], str | None]:
    """Messages about what the caller may read, and those to themselves; newest first unless `sort` names a column.

    `to`: of escalations alone those that went to the person of this key.
    """
    reach, asked = caller.reach()
    own = "n.person_id = :me"
    condition = (
        own if mine else f"n.township_id = :township and ({own} or n.case_id is not null and ({reach}) or n.case_id is null and :sees_all)"
    )
    asked |= {"me": caller.person_id, "limit": limit + 1, "sees_all": caller.sees_all}
    for name, value, filtering in (
        ("states", list(states), "n.state = any(:states)"),
        ("hazard", hazard, ABOUT),
        ("to", to, ESCALATED_TO),
    ):
        if value:
            asked[name] = value
            condition += f" and {filtering}"
    order = ordered("notices", COLUMNS, sort, "-when", "n.id")
    condition += f" and {order.after(after, asked)}"
    query = f"{NOTICES.format(key=order.column.sql)} where {condition} order by {order.by} limit :limit"
    rows = session.execute(text(query), asked).all()
    return [_told(row) for row in rows[:limit]], order.next(rows[limit - 1]) if len(rows) > limit else None


def of_case(session: Session, case_id: int, limit: int = 200) -> list[Told]:
    """All messages about one case, newest first; bundles by their members."""
    query = f"{NOTICES.format(key='n.id')} where n.case_id = :case_id order by n.id desc limit :limit"
    rows = session.execute(text(query), {"case_id": case_id, "limit": limit})
    return [_told(row) for row in rows]


def _told(row: Any) -> Told:
    view = NoticeView(
        id=row.id, case=row.case_code, hazard=row.hazard, purpose=row.purpose, person=row.person, post=row.seat and row.seat["code"],
        for_post=row.for_post, channel=row.channel,
        state=row.state, reason=row.reason, clock=row.clock, rung=row.rung, level=row.level, urgent=row.urgent, body=row.said,
        planned_at=local(row.planned_at), not_before=local(row.not_before), sent_at=row.left_at and local(row.left_at),
        try_at=row.again_at and local(row.again_at),
        seen_at=row.seen_at and local(row.seen_at), answered_at=row.answered_at and local(row.answered_at),
        attempts=row.attempts, error=row.error,
    )  # fmt: skip
    name = post_name(row.seat["kind"], row.seat["unit_kind"], row.seat["unit"]) if row.seat else ""
    return Told(view, row.who, name, row.away, row.place)
