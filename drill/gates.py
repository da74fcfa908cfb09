"""Places that wait for consent before work starts (again): who asks, and who gives it after looking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from drill.chance import Stream
from drill.habits import Habits
from drill.visits import Plan, resumptions
from models.enumerations import PostKind


@dataclass(frozen=True, slots=True)
class Wish:
    """A unit's post is going to ask to resume work at its place."""

    at: datetime
    place: str
    post: str


@dataclass(frozen=True, slots=True)
class Consent:
    """One of these posts, the first that may, is going to consent to a place's work."""

    at: datetime
    place: str
    kind: str
    posts: tuple[str, ...]


def wishes(plan: Plan) -> list[Wish]:
    asked = (Wish(at, visit.place.code, visit.place.responsible) for at, visit in resumptions(plan))
    return sorted(asked, key=lambda wish: (wish.at, wish.place))


# While a place still owes a review, or the task to hold one is open, nobody consents.
PENDING = text("""
select place.code, place.kind, moved.seq, moved.at as since from place
cross join lateral (
    select seq, at from place_event where place_id = place.id and what = 'start_work' and after = 'pending' order by seq desc limit 1
) moved
where township_id = :township_id and start_work = 'pending' and moved.at <= :since and not exists (
    select from cases c join duty_run run on run.case_id = c.id
    where c.place_id = place.id and c.kind = 'duty' and c.state = 'open' and run.task = 'start_work_check'
)
order by place.code collate "C"
""")


def consents(session: Session, township_id: int, since: datetime, habits: Habits) -> Iterator[Consent]:
    """For every place that has waited since `since` or longer."""
    posts = (*habits.roster.of_kind(PostKind.office_head), *habits.roster.of_kind(PostKind.township_head))
    for row in session.execute(PENDING, {"township_id": township_id, "since": since}):
        chance = Stream(habits.seed, row.code, "consent", row.seq)
        yield Consent(habits.in_office(row.since, chance.between(13, 22, "hours")), row.code, row.kind, posts)


ASKED = text("""
select place.code, at from place_event join place on place.id = place_id
where township_id = :township_id and what = 'start_work' and reason = 'resumption_asked'
""")


def asked_before(session: Session, township_id: int) -> set[str]:
    """Which places have asked to resume."""
    return {row[0] for row in session.execute(ASKED, {"township_id": township_id})}
