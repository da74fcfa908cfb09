"""The names behind the opaque keys, for the screen alone; and the roster as the office reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from web.caller import Caller, post_name
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
    """`channels`: how many ways to reach them work; their addresses are nobody's business here."""

    key: str
    label: str
    username: str | None
    posts: tuple[Held, ...]
    channels: int


PEOPLE = """
select person.key, person.label, person.username,
    (select count(*) from channel where person_id = person.id and disabled_at is null) as channels, (
    select coalesce(jsonb_agg(jsonb_build_object('code', post.code, 'kind', post.kind, 'unit_kind', unit.kind, 'unit', unit.name,
        'from_day', from_day, 'to_day', to_day, 'away', away.label) order by post.id), '[]')
    from holding join post on post.id = post_id and post.active join unit on unit.id = post.unit_id
    left join person away on away.id = deputy_of_id
    where holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
) as posts
from person where person.township_id = :township and {condition} and (person.label, person.key) > (:after_label, :after_key)
order by person.label, person.key limit :limit
"""
CONDITIONS = {
    "q": "(person.label ilike :like or person.username ilike :like or person.key = :q)",
    "idle": """not exists (select from holding join post on post.id = post_id and post.active
        where holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity'))""",
    "unreachable": "not exists (select from channel where person_id = person.id and disabled_at is null)",
}  # fmt: skip


def many(
    session: Session, caller: Caller, limit: int, after: tuple[str, str] = ("", ""), *, q: str = "", only: str = ""
) -> tuple[list[Person], tuple[str, str] | None]:
    """People by name, and where the next page begins. `only`: `idle` (no post today) or `unreachable` (no channel)."""
    conditions = [CONDITIONS[name] for name in ("q" if q else "", only) if name in CONDITIONS] or ["true"]
    asked = {
        "township": caller.township_id, "day": caller.day, "q": q, "like": f"%{literally(q)}%", "after_label": after[0],
        "after_key": after[1], "limit": limit + 1,
    }  # fmt: skip
    rows = session.execute(text(PEOPLE.format(condition=" and ".join(conditions))), asked).all()
    found = [_person(row) for row in rows[:limit]]
    return found, (found[-1].label, found[-1].key) if len(rows) > limit else None


def _person(row: Any) -> Person:
    posts = tuple(
        Held(
            each["code"], post_name(each["kind"], each["unit_kind"], each["unit"]), date.fromisoformat(each["from_day"]),
            date.fromisoformat(each["to_day"]) if each["to_day"] else None, each["away"],
        )
        for each in row.posts
    )  # fmt: skip
    return Person(row.key, row.label, row.username, posts, row.channels)
