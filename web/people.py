"""The names behind the opaque keys, for the screen alone; and the roster as the office reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from web.caller import Caller, post_name
from web.order import Column, ordered
from web.words import literally

LABELS = text("select key, label from person where township_id = :township and key = any(:keys)")


def labels(session: Session, township_id: int, keys: Iterable[str | None]) -> dict[str, str]:
    """The label of each key that the roster still has."""
    asked = sorted({key for key in keys if key})
    return dict(session.execute(LABELS, {"township": township_id, "keys": asked}).tuples().all()) if asked else {}


@dataclass(frozen=True, slots=True)
class Held:
    """A post that somebody holds today, since when; `standing_in_for`: the label of who is away."""

    code: str
    name: str
    from_day: date
    to_day: date | None
    standing_in_for: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """`channels`: how many ways to reach them work; their addresses are nobody's business here. `voided_at`: when the links that they had
    been given were last made void, machine time."""

    key: str
    label: str
    username: str | None
    posts: tuple[Held, ...]
    channels: int
    voided_at: datetime | None


PEOPLE = """
select person.key, person.label, person.username,
    (select count(*) from channel where person_id = person.id and disabled_at is null) as channels,
    (select max(at) from links_voided where person_id = person.id) as voided_at, (
    select coalesce(jsonb_agg(jsonb_build_object('code', post.code, 'kind', post.kind, 'unit_kind', unit.kind, 'unit', unit.name,
        'from_day', from_day, 'to_day', to_day, 'away', away.label) order by post.id), '[]')
    from holding join post on post.id = post_id and post.active join unit on unit.id = post.unit_id
    left join person away on away.id = deputy_of_id
    where holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
) as posts, person.id, {key} as sort
from person where person.township_id = :township and {condition} order by {by} limit :limit
"""
COLUMNS = {
    "name": Column("person.label"), "username": Column("coalesce(person.username, '')"),
    "channels": Column("(select count(*) from channel where person_id = person.id and disabled_at is null)", int),
    "posts": Column("""(select coalesce(min(post.id), 0) from holding join post on post.id = post_id and post.active
        where holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity'))""", int),
}  # fmt: skip
CONDITIONS = {
    "q": "(person.label ilike :like or person.username ilike :like or person.key = :q)",
    "idle": """not exists (select from holding join post on post.id = post_id and post.active
        where holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity'))""",
    "unreachable": "not exists (select from channel where person_id = person.id and disabled_at is null)",
}  # fmt: skip


def many(
    session: Session, caller: Caller, limit: int, after: str | None = None, *, q: str = "", only: str = "", sort: str = ""
) -> tuple[list[Person], str | None]:
    """People, by name unless `sort` names a column, and the cursor of the next page. `only`: `idle` (no post today) or `unreachable`
    (no channel)."""
    conditions = [CONDITIONS[name] for name in ("q" if q else "", only) if name in CONDITIONS] or ["true"]
    asked = {"township": caller.township_id, "day": caller.day, "q": q, "like": f"%{literally(q)}%", "limit": limit + 1}
    order = ordered("people", COLUMNS, sort, "name", "person.id")
    conditions.append(order.after(after, asked))
    query = PEOPLE.format(condition=" and ".join(conditions), key=order.column.sql, by=order.by)
    rows = session.execute(text(query), asked).all()
    return [_person(row) for row in rows[:limit]], order.next(rows[limit - 1]) if len(rows) > limit else None


def _person(row: Any) -> Person:
    posts = tuple(
        Held(
            each["code"], post_name(each["kind"], each["unit_kind"], each["unit"]), date.fromisoformat(each["from_day"]),
            date.fromisoformat(each["to_day"]) if each["to_day"] else None, each["away"],
        )
        for each in row.posts
    )  # fmt: skip
    return Person(row.key, row.label, row.username, posts, row.channels, row.voided_at)


ABOVE = text("""
select distinct person.key, person.label from rung
join ladder on ladder.id = rung.ladder_id and ladder.township_id = :township
join post on post.township_id = :township and post.active and post.kind = any(rung.told)
join holding on holding.post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
join person on person.id = holding.person_id
where rung.level > 0 order by person.label, person.key
""")


def above(session: Session, caller: Caller) -> list[tuple[str, str]]:
    """Key and label of everybody to whom the ladders lead today."""
    asked = {"township": caller.township_id, "day": caller.day}
    return [(row.key, row.label) for row in session.execute(ABOVE, asked)]
