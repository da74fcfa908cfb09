"""The inspection plan: every place is visited during the campaign, each team going through its own; what is found where, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from drill.chance import Stream, share
from drill.findings import Item, draw, facts_of
from drill.roster import Roster
from models.calendar import Calendar
from models.clock import day_of
from models.enumerations import PlaceKind, Source

BY_THEN = 0.8  # of the campaign's working time every place has been visited, so that what is found last can still be mended
OFTEN = {
    PlaceKind.mine: 3, PlaceKind.tailings_pond: 3, PlaceKind.school: 2, PlaceKind.kindergarten: 2, PlaceKind.hospital: 2,
    PlaceKind.nursing_home: 2, PlaceKind.supermarket: 2,
}  # fmt: skip
SELDOM = frozenset({PlaceKind.abandoned_opening, PlaceKind.village_public})
LEADERS_GO_ALONG, GRID_PATROLS, SEEN_TWICE = 0.04, 0.06, 0.025


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    kind: str
    village: str
    team: str
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class Find:
    """Somebody finds something: when (business time), in the name of which post, and what they write down."""

    at: datetime
    post: str
    place: Place
    facts: Mapping[str, Any]

    @property
    def name(self) -> tuple[str, str, datetime]:
        """What tells this find from every other."""
        return self.place.code, self.facts["item"], self.at


PLACES = text("""
select place.code, place.kind, village.code as village, team.code as team, lat, lon
from place join unit village on village.id = village_id join unit team on team.id = team_id
where place.township_id = :township_id and status = 'active' order by place.code collate "C"
""")


def read_places(session: Session, township_id: int) -> list[Place]:
    return [Place(*row) for row in session.execute(PLACES, {"township_id": township_id})]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the plan is made from. `start` and `deadline` are the campaign's, business time."""

    seed: int
    calendar: Calendar
    start: datetime
    deadline: datetime
    places: Sequence[Place]
    items: Mapping[str, Sequence[Item]]
    roster: Roster


def finds(plan: Plan) -> list[Find]:
    """Everything that will be found, in the order of its finding."""
    found: list[Find] = []
    for team in sorted({place.team for place in plan.places}):
        visits = [(place, number) for place in plan.places if place.team == team for number in range(OFTEN.get(PlaceKind(place.kind), 1))]
        visits.sort(key=lambda visit: share(plan.seed, visit[0].code, "order", visit[1]))
        for position, (place, number) in enumerate(visits):
            found += _visit(plan, place, number, (position + 0.5) / len(visits))
    return sorted(found, key=lambda find: find.name[::-1])


def _visit(plan: Plan, place: Place, number: int, position: float) -> list[Find]:
    chance = Stream(plan.seed, place.code, "visit", number + 1)
    whole = plan.calendar.working_time_between(plan.start, plan.deadline)
    at = plan.calendar.add_working_time(plan.start, timedelta(minutes=int(whole * BY_THEN * position / timedelta(minutes=1))))
    at += timedelta(seconds=int(chance.between(0, 60, "second")))
    found = []
    for item in draw(plan.items[place.kind], _how_many(place, chance), chance):
        found += _found(plan, place, item, at, Stream(plan.seed, f"{place.code} {item.code}", "find", number + 1))
    return found


def _how_many(place: Place, chance: Stream) -> int:
    lot = chance.share("how many")
    if place.kind in SELDOM:
        return int(lot > 0.78)
    return sum(lot > bound for bound in (0.53, 0.87, 0.97))


def _found(plan: Plan, place: Place, item: Item, at: datetime, chance: Stream) -> list[Find]:
    post, source = _finder(plan, place, chance)
    if post is None:
        return []
    facts = facts_of(item, place.code, day_of(at), at, chance)
    first = Find(at, post, place, {**facts, "source": source})
    if not chance.happens(SEEN_TWICE, "twice"):
        return [first]
    later = plan.calendar.add_working_hours(at, chance.between(5, 12, "again"))
    other = chance.pick(plan.roster.inspectors(place.team) or (post,), "another")
    return [first, Find(later, other, place, {**facts, "source": Source.joint, "found_at": later})]


def _finder(plan: Plan, place: Place, chance: Stream) -> tuple[str | None, Source]:
    lot = chance.share("finder")
    leaders, grid = plan.roster.leaders(), plan.roster.of_unit("grid_member", place.village)
    if lot < LEADERS_GO_ALONG and leaders:
        return chance.pick(leaders, "leader"), Source.leader_led
    if lot > 1 - GRID_PATROLS and grid:
        return chance.pick(grid, "grid"), Source.patrol
    officials = plan.roster.inspectors(place.team) or plan.roster.of_unit("station_head", place.team) or plan.roster.dispatchers()
    return (chance.pick(officials, "inspector") if officials else None), Source.inspection
