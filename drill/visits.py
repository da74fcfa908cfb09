"""The inspection plan: every place is visited during the campaign, each team going through its own, and what is found where, by whom.

Besides the campaign's round leaders lead an inspection each week, rangers and grid members patrol, owners check themselves, and who was
shut over the holidays asks to start work again. Who finds a door locked comes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from drill.chance import Stream, share
from drill.findings import PLAIN, Item, answers, draw, facts_of
from drill.roster import Roster
from models.calendar import Calendar
from models.clock import day_of, start_of
from models.enumerations import InspectionTrigger, PlaceKind, PlaceStatus, PostKind

T = InspectionTrigger
BY_THEN = 0.78  # of the campaign's working time every place has been visited, so that what is found last can still be mended
OFTEN = {
    PlaceKind.mine: 3, PlaceKind.tailings_pond: 3, PlaceKind.school: 2, PlaceKind.kindergarten: 2, PlaceKind.hospital: 2,
    PlaceKind.nursing_home: 2, PlaceKind.supermarket: 2,
}  # fmt: skip
SELDOM = frozenset({PlaceKind.abandoned_opening, PlaceKind.village_public})
RESUMING = frozenset({PlaceKind.small_factory, PlaceKind.workshop, PlaceKind.mine, PlaceKind.tailings_pond, PlaceKind.enterprise})
GRID_PATROLS, OPENINGS_PATROLLED, SEEN_TWICE, CLOSED, STILL_CLOSED = 0.06, 0.3, 0.022, 0.045, 0.3
SELF_CHECKS, RESUMES, FORGETS_TO_LEAD = 0.08, 0.12, 0.08
SEEN_AT_THE_DOOR = (PlaceStatus.locked, PlaceStatus.locked, PlaceStatus.locked, PlaceStatus.not_found)
GOES_ON = timedelta(days=21)  # after the deadline


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    kind: str
    village: str
    team: str
    responsible: str
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody inspects a place: when (business time), in the name of which post, why, and what fails there. `status` is how the place was
    found by who couldn't get in; `beside` the second officer; `number` tells one visit of a place from another."""

    at: datetime
    post: str
    place: Place
    trigger: InspectionTrigger
    failed: tuple[Item, ...] = ()
    number: int = 1
    leader: str | None = None
    beside: str | None = None
    status: PlaceStatus | None = None

    @property
    def name(self) -> tuple[str, datetime]:
        """What tells this visit from every other."""
        return self.place.code, self.at

    @property
    def unasked(self) -> tuple[Item, ...]:
        """What failed that no checklist asks: it is registered beside the record."""
        return tuple(item for item in self.failed if item in PLAIN)


PLACES = text("""
select place.code, place.kind, village.code as village, team.code as team, responsible.code as responsible, lat, lon
from place join unit village on village.id = village_id join unit team on team.id = team_id
join post responsible on responsible.id = responsible_post_id
where place.township_id = :township_id and status not in ('moved', 'demolished', 'dup') order by place.code collate "C"
""")


def read_places(session: Session, township_id: int) -> list[Place]:
    return [Place(*row) for row in session.execute(PLACES, {"township_id": township_id})]


VISITED = text("""
select place.code, started_at from inspection join place on place.id = place_id where inspection.township_id = :township_id
""")


def visited_before(session: Session, township_id: int) -> set[tuple[str, datetime]]:
    """Which visits have been recorded: place, and when."""
    return {(row[0], row[1]) for row in session.execute(VISITED, {"township_id": township_id})}


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


def visits(plan: Plan) -> list[Visit]:
    """Every visit, in the order of time."""
    planned = [*_round(plan), *_led(plan), *_self_checks(plan), *(visit for _, visit in resumptions(plan))]
    return sorted(planned, key=lambda visit: (visit.at, visit.place.code))


# The campaign's round


def _round(plan: Plan) -> Iterator[Visit]:
    whole = plan.calendar.working_time_between(plan.start, plan.deadline) * BY_THEN
    for team in sorted({place.team for place in plan.places}):
        stops = [(place, number) for place in plan.places if place.team == team for number in range(OFTEN.get(PlaceKind(place.kind), 1))]
        stops.sort(key=lambda stop: share(plan.seed, stop[0].code, "order", stop[1]))
        for position, (place, number) in enumerate(stops):
            chance = Stream(plan.seed, place.code, "visit", number + 1)
            minutes = int(whole * (position + 0.5) / len(stops) / MINUTE)
            worked = timedelta(minutes=minutes, seconds=int(chance.between(0, 60, "second")))
            yield from _campaign_visit(plan, place, plan.calendar.add_working_time(plan.start, worked), chance)


MINUTE = timedelta(minutes=1)


def _campaign_visit(plan: Plan, place: Place, at: datetime, chance: Stream) -> Iterator[Visit]:
    """By inspectors of the team, now and then by a patrol; who finds nobody there comes again."""
    patrol = _patroller(plan, place, chance)
    post = patrol or _inspector(plan, place, chance)
    if post is None:
        return
    if patrol is None and chance.round == 1 and chance.happens(CLOSED, "closed"):
        yield from _closed(plan, place, at, post, chance)
        return
    trigger = T.patrol if patrol else T.campaign if chance.round == 1 else T.routine
    yield from _inside(plan, Visit(at, post, place, trigger, beside=None if patrol else _second(plan, place, post, chance)), chance)


def _closed(plan: Plan, place: Place, at: datetime, post: str, chance: Stream) -> Iterator[Visit]:
    yield Visit(at, post, place, T.campaign, status=chance.pick(SEEN_AT_THE_DOOR, "door"))
    later = plan.calendar.add_working_hours(at, chance.between(14, 40, "later"))
    again = Visit(later, post, place, T.campaign, number=2)
    if chance.happens(STILL_CLOSED, "still"):
        yield Visit(later, post, place, T.campaign, number=2, status=PlaceStatus.locked)
    else:
        yield from _inside(plan, again, chance)


def _inside(plan: Plan, visit: Visit, chance: Stream) -> Iterator[Visit]:
    """What is found, and what a second inspector finds once more because nobody told them."""
    place = visit.place
    failed = tuple(draw(plan.items[place.kind], _how_many(place, chance), chance))
    yield replace(visit, failed=failed)
    twice = tuple(item for item in failed if share(plan.seed, f"{place.code} {item.code}", "twice", chance.round) < SEEN_TWICE)
    if twice:
        later = plan.calendar.add_working_hours(visit.at, chance.between(5, 12, "again"))
        other = chance.pick(plan.roster.inspectors(place.team) or (visit.post,), "another")
        yield Visit(later, other, place, T.routine, twice, visit.number + 10)


def _how_many(place: Place, chance: Stream) -> int:
    lot = chance.share("how many")
    if place.kind in SELDOM:
        return int(lot > 0.79)
    return sum(lot > bound for bound in (0.54, 0.88, 0.972))


def _patroller(plan: Plan, place: Place, chance: Stream) -> str | None:
    """Rangers pass the openings in the hills, grid members everything in their village."""
    lot = chance.share("patrol")
    grid = plan.roster.of_unit(PostKind.grid_member, place.village)
    if place.kind == PlaceKind.abandoned_opening and lot < OPENINGS_PATROLLED and (rangers := _rangers(plan, place)):
        return chance.pick(rangers, "ranger")
    return chance.pick(grid, "grid") if lot > 1 - GRID_PATROLS and grid else None


def _rangers(plan: Plan, place: Place) -> Sequence[str]:
    """The village's own, else those of the whole township."""
    villages = {each.village for each in plan.places}
    others = [posts for (kind, unit), posts in plan.roster.by_unit.items() if kind == PostKind.ranger and unit not in villages]
    return plan.roster.of_unit(PostKind.ranger, place.village) or [post for posts in others for post in posts]


def _inspector(plan: Plan, place: Place, chance: Stream) -> str | None:
    officials = (
        plan.roster.inspectors(place.team) or plan.roster.of_unit(PostKind.station_head, place.team) or plan.roster.dispatchers()
    )
    return chance.pick(officials, "inspector") if officials else None


def _second(plan: Plan, place: Place, first: str, chance: Stream) -> str | None:
    """Now and then two go, and both sign with their numbers."""
    others = [post for post in plan.roster.inspectors(place.team) if post != first]
    return chance.pick(others, "second") if others and chance.happens(0.2, "two") else None


# Besides the round


def _led(plan: Plan) -> Iterator[Visit]:
    """书记、镇长每周带队: one inspection each a week, mostly where people gather or work is dangerous; some week is forgotten."""
    key = [place for place in plan.places if PlaceKind(place.kind) in OFTEN] or plan.places
    monday = start_of(day_of(plan.start) - timedelta(days=day_of(plan.start).weekday()))
    for week in range((plan.deadline + GOES_ON - monday) // timedelta(weeks=1)):
        for leader in plan.roster.leaders() if plan.places else ():
            chance = Stream(plan.seed, leader, "leads", week + 1)
            place = chance.pick(key if chance.happens(0.7, "key") else plan.places, "place")
            began = max(plan.start, monday + timedelta(weeks=week))
            at = plan.calendar.add_working_hours(began, chance.between(0.5, 20, "when")) + timedelta(seconds=int(chance.share("s") * 60))
            post = _inspector(plan, place, chance)
            if post and not chance.happens(FORGETS_TO_LEAD, "forgets"):
                failed = tuple(draw(plan.items[place.kind], int(chance.share("how many") > 0.7), chance))
                yield Visit(at, post, place, T.leader_led, failed, 100 + week, leader)


def _self_checks(plan: Plan) -> Iterator[Visit]:
    """企业自查自纠: some write it down, fewer find something."""
    for place in plan.places:
        chance = Stream(plan.seed, place.code, "self-check")
        if plan.roster.kinds.get(place.responsible) == PostKind.enterprise_principal and chance.happens(SELF_CHECKS):
            span = (plan.deadline - plan.start) * 0.7
            at = start_of(day_of(plan.start + span * chance.share("day"))) + timedelta(hours=chance.between(8, 18, "hour"))
            failed = tuple(draw(plan.items[place.kind], int(chance.share("how many") > 0.75), chance))
            yield Visit(max(at, plan.start), place.responsible, place, T.routine, failed, 200)


def resumptions(plan: Plan) -> Iterator[tuple[datetime, Visit]]:
    """复工复产: who stood still over the holidays asks in the first days, and somebody comes and looks before consent is given."""
    for place in plan.places:
        chance = Stream(plan.seed, place.code, "resumes")
        enterprise = plan.roster.kinds.get(place.responsible) == PostKind.enterprise_principal
        if enterprise and PlaceKind(place.kind) in RESUMING and chance.happens(RESUMES):
            asks_at = plan.calendar.add_working_hours(plan.start, chance.between(0.2, 20, "asks"))
            at = plan.calendar.add_working_hours(asks_at, chance.between(3, 12, "comes")) + timedelta(seconds=int(chance.share("s") * 60))
            post = _inspector(plan, place, chance)
            if post:
                failed = tuple(draw(plan.items[place.kind], int(chance.share("how many") > 0.8), chance))
                yield asks_at, Visit(at, post, place, T.resumption, failed, 300)


# What is written down


def told(visit: Visit, seed: int, asked: Sequence[Item]) -> dict[str, Any]:
    """The visit as `record_inspection` is told it."""
    chance = Stream(seed, visit.place.code, "record", visit.number)
    facts: dict[str, Any] = {
        "place": visit.place.code, "trigger": visit.trigger, "started_at": visit.at, "lat": visit.place.lat, "lon": visit.place.lon,
        "leader_post": visit.leader,
    }  # fmt: skip
    if visit.status:
        return {**facts, "result": "not_accessible", "status": visit.status, "note": "门锁着，电话联系不上"}
    listed = [item for item in asked if item not in PLAIN]
    failed = [item for item in visit.failed if item not in PLAIN]
    by_inspector = visit.trigger in (T.campaign, T.resumption, T.routine) and visit.post != visit.place.responsible
    facts["answers"] = answers(listed, failed, seed, visit.place.code, chance, by_inspector=by_inspector)
    if not listed:
        facts["note"] = "查看了通道、用电、消防器材"
    return {**facts, **_signed(visit, chance)}


def _signed(visit: Visit, chance: Stream) -> dict[str, Any]:
    """Two officers with the numbers of their certificates, and the unit's signature; some refuse to sign."""
    if visit.beside is None:
        return {"officers": [{"post": visit.leader}]} if visit.leader else {}
    numbers = [1000 + int(chance.share(f"certificate {post}") * 9000) for post in (visit.post, visit.beside)]
    officers = [
        {"post": post, "certificate": f"执法证{number}"} for post, number in zip((visit.post, visit.beside), numbers, strict=True)
    ]  # fmt: skip
    refuses = chance.happens(0.05, "refuses")
    signed = {"unit_signed": not refuses, "refused_to_sign": refuses}
    return {"officers": officers, "paper": "inspection_record", "paper_no": f"检记{visit.at:%m%d}-{numbers[0]}", **signed}


def unasked_facts(visit: Visit, seed: int) -> list[dict[str, Any]]:
    """What failed that no checklist asks, as hazards to register."""
    chances = {item.code: Stream(seed, f"{visit.place.code} {item.code}", "find", visit.number) for item in visit.unasked}
    return [facts_of(item, visit.place.code, day_of(visit.at), visit.at, chances[item.code]) for item in visit.unasked]
