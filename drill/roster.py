"""Which posts there are, and who sits in them on a day. People act in the name of posts; who is away has a stand-in act."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import PostKind


@dataclass(frozen=True, slots=True)
class Roster:
    """Posts by (kind, unit) and by kind, in bytewise order; `kinds` says the kind of each, `holders` who acts for it that day."""

    by_unit: Mapping[tuple[str, str], Sequence[str]]
    by_kind: Mapping[str, Sequence[str]]
    kinds: Mapping[str, str]
    holders: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of_unit(self, kind: str, unit: str) -> Sequence[str]:
        return self.by_unit.get((kind, unit), ())

    def of_kind(self, kind: str) -> Sequence[str]:
        return self.by_kind.get(kind, ())

    def inspectors(self, team: str) -> Sequence[str]:
        return self.of_unit(PostKind.inspector, team)

    def leaders(self) -> Sequence[str]:
        """Those who lead inspections every week: the party secretary and the township head."""
        return [*self.of_kind(PostKind.party_secretary), *self.of_kind(PostKind.township_head)]

    def dispatchers(self) -> Sequence[str]:
        return self.of_kind(PostKind.office_dispatcher) or self.of_kind(PostKind.office_head)


POSTS = text("""
select post.code, post.kind, unit.code as unit from post join unit on unit.id = unit_id
where post.township_id = :township_id and active order by post.code collate "C"
""")

# Somebody with a stand-in is away: the stand-in alone acts.
HOLDERS = text("""
select post.code, person.key, deputy_of_id is not null as stands_in from holding
join post on post.id = post_id join person on person.id = person_id
where post.township_id = :township_id and active and from_day <= :day and coalesce(to_day, 'infinity') >= :day
order by post.code collate "C", person.key collate "C"
""")


def read_roster(session: Session, township_id: int, day: date) -> Roster:
    """The township's posts, and who acts for each on `day`."""
    by_unit: dict[tuple[str, str], list[str]] = defaultdict(list)
    by_kind: dict[str, list[str]] = defaultdict(list)
    kinds: dict[str, str] = {}
    for row in session.execute(POSTS, {"township_id": township_id}):
        by_unit[row.kind, row.unit].append(row.code)
        by_kind[row.kind].append(row.code)
        kinds[row.code] = row.kind
    return Roster(by_unit, by_kind, kinds, _holders(session, township_id, day))


def _holders(session: Session, township_id: int, day: date) -> dict[str, list[str]]:
    acting: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for row in session.execute(HOLDERS, {"township_id": township_id, "day": day}):
        acting[row.code].append((row.key, row.stands_in))
    return {post: [key for key, stands_in in all_ if stands_in] or [key for key, _ in all_] for post, all_ in acting.items()}
