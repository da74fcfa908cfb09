"""The names of a township's posts, people and units, read once for a whole ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from notifications.letter import Seat
from notifications.templates.zh import seat

OWN = frozenset({"enterprise_principal", "enterprise_safety"})

POSTS = text("""
select post.id, post.code, post.kind, unit.name as unit, unit.kind as unit_kind from post join unit on unit.id = post.unit_id
where post.township_id = :township
""")
PEOPLE = text("select key, label from person where township_id = :township")
UNITS = text("select id, name from unit where township_id = :township")
HOLDERS = text("""
select post_id, string_agg(distinct person.label, '、') as labels from holding join person on person.id = person_id
where person.township_id = :township and deputy_of_id is null
    and from_day <= cast(:day as date) and coalesce(to_day, 'infinity') >= cast(:day as date)
group by post_id
""")
TOWNSHIP = text("select name from township where id = :township")


@dataclass(frozen=True, slots=True)
class Names:
    """`posts` by code and by id, `people` by key; `holders` are who is in a post on the day of the ledger."""

    township: str
    posts: Mapping[str | int, str]
    codes: Mapping[int, str]
    people: Mapping[str, str]
    units: Mapping[int, str]
    holders: Mapping[int, str]
    own: frozenset[int]

    def post(self, which: str | int | None, place: str = "") -> str:
        """The post as people say it, an enterprise's after its place; empty for none."""
        if which is None:
            return ""
        return f"{place}负责人" if which in self.own and place else self.posts.get(which, str(which))

    def person(self, key: str | None) -> str:
        return self.people.get(key, key) if key else ""


def names_of(session: Session, township_id: int, now: datetime) -> Names:
    """`now` is business time: who holds a post is asked of its day."""
    asked = {"township": township_id, "day": day_of(now)}
    posts = session.execute(POSTS, asked).all()
    said = {row.id: seat(Seat(row.kind, row.unit, row.unit_kind)) for row in posts}
    return Names(
        session.execute(TOWNSHIP, asked).scalar_one(),
        {**said, **{row.code: said[row.id] for row in posts}},
        {row.id: row.code for row in posts},
        {row.key: row.label for row in session.execute(PEOPLE, asked)},
        {row.id: row.name for row in session.execute(UNITS, asked)},
        {row.post_id: row.labels for row in session.execute(HOLDERS, asked)},
        frozenset(row.id for row in posts if row.kind in OWN),
    )
