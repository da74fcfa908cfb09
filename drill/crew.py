"""The simulated people at work in a township's database: what is next, and doing it through the law's own door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session

from drill.absences import Change, changes, ordered_on
from drill.callers import Call, called_before, calls
from drill.deciding import next_answer
from drill.findings import read_items
from drill.gates import Consent, Wish, asked_before, consents, wishes
from drill.habits import Habits, Move
from drill.hands import Hands, Tally
from drill.people import next_move
from drill.roster import read_roster
from drill.rounds import Rounds, Run, next_round
from drill.seen import Seen, see
from drill.visits import Plan, Visit, read_places, visited_before, visits
from drill.waiting import Waiting, waiting
from models.clock import Clock, day_of, start_of
from models.database import transaction
from models.rules import rules_of
from statemachines.errors import LawError, Stale

LOOKS_AGAIN = timedelta(hours=10)
REMEMBERS = timedelta(days=21)

Case = Seen | Waiting | Run
Errand = Visit | Call | Wish | Consent | Change


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is about to be done: a move of a case, or an errand that begins something."""

    at: datetime
    case: Case | None = None
    move: Move | None = None
    errand: Errand | None = None

    @property
    def order(self) -> tuple[Any, ...]:
        if self.case and self.move:
            return (self.at, 1, self.case.code, self.move.trigger)
        return (self.at, 0, type(self.errand).__name__, _where(self.errand))


def _where(errand: Errand | None) -> str:
    if isinstance(errand, (Visit, Call)):
        return errand.place.code
    return errand.post if isinstance(errand, Change) else errand.place if errand else ""


class Crew:
    """The people of one township. `everybody`: they act on every case, not only on those that no real person has touched."""

    def __init__(self, bound: Engine, township_id: int, seed: int, today: date, *, everybody: bool = True) -> None:
        self._bound = bound
        self._township_id = township_id
        self._everybody = everybody
        self._day = today
        self._gave_up: dict[str, tuple[Case, date]] = {}
        self._known: dict[str, tuple[Case, Move | None]] = {}
        self._rounds = Rounds()
        self._cases: list[Case] = []
        self._read_at: int | None = None
        with transaction(bound) as session:
            roster = read_roster(session, township_id, today)
            self._habits = Habits(seed, rules_of(session, township_id).calendar, roster)
            self._plan = _plan(session, township_id, self._habits)
            self._errands = _errands(session, township_id, self._plan) if self._plan else []
        reported = {call.place.code: call for call in calls(self._plan)} if self._plan else {}
        self._hands = Hands(bound, township_id, seed, roster, self._plan.items if self._plan else {}, reported)

    @property
    def tally(self) -> Tally:
        return self._hands.tally

    def due(self, since: datetime, until: datetime) -> list[Deed]:
        """What people do up to `until`, in order. What was to begin up to `since` is over, whether it was written down or not."""
        self._turn_to(day_of(until))
        deeds = [Deed(errand.at, errand=errand) for errand in self._begin(since, until)]
        with transaction(self._bound) as session:
            deeds += self._moves(session, since, until)
            deeds += [Deed(each.at, errand=each) for each in self._beside(session, since, until)]
        return sorted(deeds, key=lambda deed: deed.order)

    def _begin(self, since: datetime, until: datetime) -> list[Errand]:
        """Errands are kept in the order of time: those that are over or due now are taken from the front."""
        taken: list[Errand] = []
        while self._errands and self._errands[-1].at <= until:
            errand = self._errands.pop()
            if since < errand.at:
                taken.append(errand)
        return taken

    def _moves(self, session: Session, since: datetime, until: datetime) -> Iterator[Deed]:
        cases = self._look(session, since, until - REMEMBERS if _passed_ten(since, until) else None)
        yield from (Deed(move.at, case, move) for case in cases if (move := self._next(case)) and move.at <= until)
        self._rounds.look(session, self._township_id, since, self._habits)
        for run in self._rounds.take(session, self._township_id, until, self._everybody):
            if move := next_round(run, self._habits):
                yield Deed(move.at, run, move)

    def _look(self, session: Session, since: datetime, closed_since: datetime | None) -> list[Case]:
        """Every case that waits for somebody; read again only when something has happened."""
        newest = session.execute(NEWEST).scalar_one()
        if newest == self._read_at and closed_since is None:
            return self._cases
        self._cases = [
            *see(session, self._township_id, since=since, closed_since=closed_since, everybody=self._everybody),
            *waiting(session, self._township_id, since, everybody=self._everybody),
        ]
        self._read_at = newest if closed_since is None and not self._hurried(session, since) else None
        return self._cases

    def _hurried(self, session: Session, since: datetime) -> bool:
        """Whether somebody acted after `since` already: those cases are left out for now and have to be looked at next time."""
        return bool(session.execute(LATER, {"since": since}).scalar_one())

    def _beside(self, session: Session, since: datetime, until: datetime) -> Iterator[Errand]:
        """Consents to work, and posts that change hands."""
        given = consents(session, self._township_id, since, self._habits)
        yield from (each for each in given if each.at <= until and self._gave_up.get(each.place, (None, None))[1] != self._day)
        if self._plan and since < start_of(self._day) + LOOKS_AGAIN <= until:
            done = ordered_on(session, self._township_id, self._day)
            planned = changes(self._plan.start, self._day, self._habits, self._hands.roster.holders)
            yield from (each for each in planned if each.post not in done)

    def _next(self, case: Case) -> Move | None:
        if self._gave_up.get(case.code) == (case, self._day):
            return None
        known = self._known.get(case.code)
        if known is None or known[0] != case:
            move = next_move(case, self._habits) if isinstance(case, Seen) else next_answer(case, self._habits)  # type: ignore[arg-type]
            known = self._known[case.code] = (case, move)
        return known[1]

    def _turn_to(self, day: date) -> None:
        """A new day: other people may sit in the posts."""
        if day != self._day:
            self._day = day
            self._see_who_is_there()

    def _see_who_is_there(self) -> None:
        with transaction(self._bound) as session:
            self._hands.roster = read_roster(session, self._township_id, self._day)

    def do(self, deed: Deed, clock: Clock) -> None:
        """Does it now, by `clock`. What the law refuses is counted, and tried again when the case or the day has changed."""
        try:
            if not self._do(deed, clock):
                self._give_up(deed)
        except Stale:
            self._read_at = None
            self.tally.refused["stale"] += 1
        except LawError as no:
            self._give_up(deed)
            self.tally.count(no)

    def _do(self, deed: Deed, clock: Clock) -> bool:
        hands = self._hands
        match deed.case or deed.errand:
            case Run() as run if deed.move:
                return hands.round(run, deed.move, clock)
            case (Seen() | Waiting()) as seen if deed.move:
                return hands.move(seen, deed.move, clock, version=seen.version)
            case Visit() as visit:
                hands.visit(visit, clock)
            case Call() as call:
                hands.report(call, clock)
            case Wish() as wish:
                hands.wish(wish, clock)
            case Consent() as consent:
                hands.consent(consent, clock)
            case Change() as change:
                hands.change(change, clock)
                self._see_who_is_there()
        return True

    def _give_up(self, deed: Deed) -> None:
        if deed.case:
            self._gave_up[deed.case.code] = (deed.case, self._day)
        elif isinstance(deed.errand, Consent):
            self._gave_up[deed.errand.place] = (deed.errand, self._day)  # type: ignore[assignment]


def _passed_ten(since: datetime, until: datetime) -> bool:
    """Whether it has been ten in the morning meanwhile: once a day somebody looks at what was closed."""
    ten = start_of(day_of(until)) + LOOKS_AGAIN
    return since < ten <= until


NEWEST = text("select coalesce(max(id), 0) from event")
LATER = text("select exists (select from event where at > :since)")
CAMPAIGN = text("select starts_at, deadline from campaign where township_id = :township_id order by deadline limit 1")


def _plan(session: Session, township_id: int, habits: Habits) -> Plan | None:
    campaign = session.execute(CAMPAIGN, {"township_id": township_id}).first()
    if campaign is None:
        return None
    places, items = read_places(session, township_id), read_items(session, township_id)
    return Plan(habits.seed, habits.calendar, campaign.starts_at, campaign.deadline, places, items, habits.roster)


def _errands(session: Session, township_id: int, plan: Plan) -> list[Errand]:
    """What will begin by itself and hasn't yet, the last first."""
    visited, called, asked = visited_before(session, township_id), called_before(session, township_id), asked_before(session, township_id)
    planned: list[Errand] = [each for each in visits(plan) if each.name not in visited]
    planned += [each for each in calls(plan) if each.name not in called]
    planned += [each for each in wishes(plan) if each.place not in asked]
    return sorted(planned, key=lambda each: (each.at, type(each).__name__, _where(each)), reverse=True)
