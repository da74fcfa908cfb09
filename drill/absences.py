"""Who is away, and who leaves: the office names a stand-in, and fills a post that has become vacant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from drill.chance import Stream
from drill.habits import Habits
from models.clock import day_of, start_of
from models.enumerations import PostKind
from statemachines.handover import hand_over, stand_in
from statemachines.load import Acting

FILLED = (PostKind.grid_member, PostKind.village_secretary, PostKind.ranger)
AWAY = 0.06
ORDERED_AT = timedelta(hours=9, minutes=10)


@dataclass(frozen=True, slots=True)
class Change:
    """A post changes hands from today: `person` takes it over or, for `absent`, stands in until `to_day`."""

    at: datetime
    post: str
    person: str
    by: str
    absent: str | None = None
    to_day: date | None = None


def changes(plan_start: datetime, day: date, habits: Habits, holders: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    """What the office orders on a day, at ten past nine: a neighbour in a post of the same kind does it as well."""
    head = next(iter(habits.roster.of_kind(PostKind.office_head)), None)
    for kind in FILLED if head else ():
        posts = habits.roster.of_kind(kind)
        for post, neighbour in zip(posts, [*posts[1:], *posts[:1]], strict=True):
            chance, other = Stream(habits.seed, post, "away"), holders.get(neighbour)
            if not other or neighbour == post or not head:
                continue
            at = start_of(day) + ORDERED_AT
            mine = holders.get(post, ())
            if not mine and habits.calendar.is_working_day(day) and Stream(habits.seed, f"{post} {day}", "fill").happens(0.6):
                yield Change(at, post, other[0], head)
            elif kind == PostKind.grid_member and len(mine) == 1 and mine[0] != other[0] and chance.happens(AWAY):
                first = day_of(plan_start + timedelta(days=int(chance.between(4, 34, "day"))))
                if day == first:
                    yield Change(at, post, other[0], head, mine[0], day + timedelta(days=int(chance.between(2, 6, "days"))))


def order(session: Session, township_id: int, change: Change, person: str, now: datetime) -> None:
    """By `person`, who sits in the office head's post. Raises what the law says."""
    acting = Acting(township_id, person, change.by)
    if change.absent and change.to_day:
        stand_in(session, acting, now, change.post, change.absent, change.person, day_of(now), change.to_day, "外出学习")
    else:
        hand_over(session, acting, now, change.post, change.person, day_of(now), "岗位空缺，由邻村网格员兼任")


DONE = text("""
select post.code from holding join post on post.id = post_id
where post.township_id = :township_id and from_day = :day and ordered_post is not null
""")


def ordered_on(session: Session, township_id: int, day: date) -> set[str]:
    """Which posts have changed hands from this day on by somebody's order."""
    return set(session.execute(DONE, {"township_id": township_id, "day": day}).scalars())
