"""The simulated people at work in a township's database: what is next, and doing it through the law's own door."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session

from drill.findings import read_items
from drill.people import Habits, Move, next_move
from drill.roster import read_roster
from drill.seen import DRILL, Seen, found_before, see
from drill.visits import Find, Plan, finds, read_places
from models.clock import Clock, day_of, start_of
from models.database import transaction
from models.enumerations import EvidenceKind
from models.rules import rules_of
from statemachines.advance import Acting, advance, offers, register
from statemachines.errors import LawError, NotAllowed, Refused, Stale
from statemachines.evidence import add_evidence

FOUR_EYES = frozenset({"reinspect_pass", "reinspect_fail", "approve_close", "refuse_close"})
LOOKS_AGAIN = timedelta(hours=10)
REMEMBERS = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is about to be done; `seen` is None where a hazard is found."""

    at: datetime
    seen: Seen | None = None
    move: Move | None = None
    find: Find | None = None

    @property
    def order(self) -> tuple[Any, ...]:
        return (self.at, self.seen.code) if self.seen else (self.at, "", *(self.find.name[:2] if self.find else ()))


@dataclass(slots=True)
class Tally:
    """What the people have done so far: steps by trigger, what the law refused by reason, and steps that nobody was eligible for."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    nobody: Counter[str] = field(default_factory=Counter)


class Crew:
    """The people of one township. `everybody`: they act on every case, not only on those that no real person has touched."""

    def __init__(self, bound: Engine, township_id: int, seed: int, today: date, *, everybody: bool = True) -> None:
        self.tally = Tally()
        self._bound = bound
        self._township_id = township_id
        self._seed = seed
        self._everybody = everybody
        self._day = today
        self._gave_up: dict[str, tuple[Seen, date]] = {}
        self._known: dict[str, tuple[Seen, Move | None]] = {}
        with transaction(bound) as session:
            self._roster = read_roster(session, township_id, today)
            self._habits = Habits(seed, rules_of(session, township_id).calendar, self._roster)
            self._found = found_before(session, township_id)
            self._finds = _plan(session, township_id, self._habits)

    def due(self, since: datetime, until: datetime) -> list[Deed]:
        """What people do up to `until`, in order. What was found up to `since` is over, whether it was written down or not."""
        self._turn_to(day_of(until))
        deeds = [Deed(find.at, find=find) for find in self._finds if since < find.at <= until and find.name not in self._found]
        with transaction(self._bound) as session:
            closed_since = until - REMEMBERS if _passed_ten(since, until) else None
            cases = see(session, self._township_id, closed_since=closed_since, everybody=self._everybody)
        deeds += [Deed(move.at, seen, move) for seen in cases if (move := self._next(seen)) and move.at <= until]
        return sorted(deeds, key=lambda deed: deed.order)

    def _next(self, seen: Seen) -> Move | None:
        if self._gave_up.get(seen.code) == (seen, self._day):
            return None
        known = self._known.get(seen.code)
        if known is None or known[0] != seen:
            known = self._known[seen.code] = (seen, next_move(seen, self._habits))
        return known[1]

    def _turn_to(self, day: date) -> None:
        """A new day: other people may sit in the posts."""
        if day != self._day:
            self._day = day
            with transaction(self._bound) as session:
                self._roster = read_roster(session, self._township_id, day)

    def do(self, deed: Deed, clock: Clock) -> None:
        """Does it now, by `clock`. What the law refuses is counted, and tried again when the case or the day has changed."""
        try:
            if deed.find:
                self._register(deed.find, clock)
            elif deed.seen and deed.move:
                self._take(deed.seen, deed.move, clock)
        except Stale:
            self.tally.refused["stale"] += 1
        except LawError as no:
            self._give_up(deed)
            self._count(no)

    def _give_up(self, deed: Deed) -> None:
        if deed.seen:
            self._gave_up[deed.seen.code] = (deed.seen, self._day)

    def _register(self, find: Find, clock: Clock) -> None:
        self._found.add(find.name)
        acting = self._acting(find.post)
        if acting is None:
            self.tally.nobody["register"] += 1
            return
        now = clock.now()
        with transaction(self._bound) as session:
            made = register(session, acting, now, wall=clock.wall(), facts=find.facts, flow_run=DRILL)
            self._photograph(session, made.code, 1, "before", acting, find.at, now, find.place.lat, find.place.lon)
        self.tally.done["register"] += 1

    def _take(self, seen: Seen, move: Move, clock: Clock) -> None:
        """The first who sits in one of the posts does it. Where four eyes refuse them, the next one whom the law lets."""
        if move.blunder:
            self._blunder(seen, move, clock)
        seats = [Acting(self._township_id, person, post) for post in move.posts for person in self._roster.holders.get(post, ())]
        if seats and self._fire(seen, move, seats[0], clock, last=move.trigger not in FOUR_EYES or len(seats) == 1):
            return
        with transaction(self._bound) as session:
            allowed = (seat for seat in seats[1:] if _may(session, seen.code, move.trigger, seat, clock.now()))
            other = next(allowed, None)
        if other is None:
            self._give_up(Deed(move.at, seen, move))
            self.tally.nobody[move.trigger] += 1
            return
        self._fire(seen, move, other, clock, last=True)

    def _fire(self, seen: Seen, move: Move, acting: Acting, clock: Clock, *, last: bool) -> bool:
        """Whether it is done. Raises what the law says to the `last` who tries."""
        now = clock.now()
        facts = {**move.facts, "promised_at": now + move.promise} if move.promise else move.facts
        try:
            with transaction(self._bound) as session:
                for kind in move.photos:
                    self._photograph(session, seen.code, seen.round, kind, acting, now, now, seen.lat, seen.lon)
                advance(session, seen.code, move.trigger, acting, now, seen.version, wall=clock.wall(), facts=facts, flow_run=DRILL)
        except (Refused, NotAllowed) as no:
            if last:
                raise
            self._count(no)
            return False
        self.tally.done[move.trigger] += 1
        return True

    def _blunder(self, seen: Seen, move: Move, clock: Clock) -> None:
        """A first try without a new photo, which the law refuses."""
        acting = self._acting(move.posts[0])
        if acting is None:
            return
        now = clock.now()
        try:
            with transaction(self._bound) as session:
                if move.blunder == "old photo":
                    self._photograph(session, seen.code, 1, "before", acting, now, now, seen.lat, seen.lon, shown_as="after")
                advance(session, seen.code, move.trigger, acting, now, seen.version, wall=clock.wall(), facts=move.facts, flow_run=DRILL)
        except LawError as no:
            self._count(no)

    def _count(self, no: LawError) -> None:
        self.tally.refused[no.reason if isinstance(no, Refused) else type(no).__name__] += 1

    def _photograph(
        self, session: Session, code: str, round: int, kind: str, acting: Acting, taken_at: datetime, now: datetime,
        lat: float | None, lon: float | None, shown_as: str | None = None,
    ) -> None:  # fmt: skip
        """The bytes of a drill's photo are its name: no picture is stored, its hash alone is."""
        sha256 = hashlib.sha256(f"{self._seed}|{code}|{round}|{kind}".encode()).hexdigest()
        add_evidence(session, code, acting, now, kind=EvidenceKind(shown_as or kind), sha256=sha256, taken_at=taken_at, lat=lat, lon=lon)

    def _acting(self, post: str) -> Acting | None:
        people = self._roster.holders.get(post)
        return Acting(self._township_id, people[0], post) if people else None


def _may(session: Session, code: str, trigger: str, acting: Acting, now: datetime) -> bool:
    return any(offer.trigger == trigger and offer.allowed for offer in offers(session, code, acting, now))


def _passed_ten(since: datetime, until: datetime) -> bool:
    """Whether it has been ten in the morning meanwhile: once a day somebody looks at what was closed."""
    ten = start_of(day_of(until)) + LOOKS_AGAIN
    return since < ten <= until


CAMPAIGN = text("select starts_at, deadline from campaign where township_id = :township_id order by deadline limit 1")


def _plan(session: Session, township_id: int, habits: Habits) -> list[Find]:
    campaign = session.execute(CAMPAIGN, {"township_id": township_id}).first()
    if campaign is None:
        return []
    places, items = read_places(session, township_id), read_items(session, township_id)
    return finds(Plan(habits.seed, habits.calendar, campaign.starts_at, campaign.deadline, places, items, habits.roster))
