"""Doing it: what simulated people have set out to do goes through the law's own doors, by whoever sits in the post."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Engine, text
from sqlmodel import Session

from drill.absences import Change, order
from drill.callers import Call
from drill.findings import Item, in_words
from drill.gates import Consent, Wish
from drill.habits import Move
from drill.roster import Roster
from drill.seen import DRILL
from drill.visits import Visit, told, unasked_facts
from models.clock import Clock
from models.database import transaction
from models.enumerations import DutyTask, EvidenceKind, PostKind
from statemachines.advance import Acting, advance, offers, receive_report, register
from statemachines.errors import LawError, NotAllowed, Refused
from statemachines.evidence import add_evidence
from statemachines.gate import allow, ask_resumption, start_items
from statemachines.inspection import record_inspection

FOUR_EYES = frozenset({"reinspect_pass", "reinspect_fail", "approve_close", "refuse_close", "lift_interim", "order_interim"})
REPORTER = "reporter"


class Case(Protocol):
    """A case that somebody is about to move."""

    @property
    def code(self) -> str: ...
    @property
    def round(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def lat(self) -> float | None: ...
    @property
    def lon(self) -> float | None: ...


@dataclass(slots=True)
class Tally:
    """What the people have done so far: steps by trigger, what the law refused by reason, and steps that nobody was eligible for."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    nobody: Counter[str] = field(default_factory=Counter)

    def count(self, no: LawError) -> None:
        self.refused[no.reason if isinstance(no, Refused) else type(no).__name__] += 1


@dataclass(slots=True)
class Hands:
    """The hands of one township's people. `items` are what is asked in each kind of place, `reported` what was called in from where."""

    bound: Engine
    township_id: int
    seed: int
    roster: Roster
    items: Mapping[str, Sequence[Item]]
    reported: Mapping[str, Call]
    tally: Tally = field(default_factory=Tally)

    # A case moves

    def move(self, case: Case, move: Move, clock: Clock, *, version: int | None) -> bool:
        """The first who sits in one of the posts does it; where four eyes refuse them, the next one whom the law lets. Whether anybody
        could."""
        if move.blunder:
            self._blunder(case, move, clock)
        seats = [Acting(self.township_id, person, post) for post in move.posts for person in self._holders(post)]
        if seats and self._fire(case, move, seats[0], clock, version, last=move.trigger not in FOUR_EYES or len(seats) == 1):
            return True
        with transaction(self.bound) as session:
            allowed = (seat for seat in seats[1:] if _may(session, case.code, move.trigger, seat, clock.now()))
            other = next(allowed, None)
        if other is None:
            self.tally.nobody[move.trigger] += 1
            return False
        return self._fire(case, move, other, clock, version, last=True)

    def _fire(self, case: Case, move: Move, acting: Acting, clock: Clock, version: int | None, *, last: bool) -> bool:
        """Whether it is done. Raises what the law says to the `last` who tries."""
        now = clock.now()
        facts = {**move.facts, "promised_at": now + move.promise} if move.promise else dict(move.facts)
        try:
            with transaction(self.bound) as session:
                if move.finds:
                    facts["hazard"] = self._verify(session, move.finds, acting, now, clock.wall())
                for kind in move.photos:
                    self._photograph(session, case.code, case.round, kind, acting, now, now, (case.lat, case.lon))
                advance(session, case.code, move.trigger, acting, now, version, wall=clock.wall(), facts=facts, flow_run=DRILL)
        except (Refused, NotAllowed) as no:
            if last:
                raise
            self.tally.count(no)
            return False
        self.tally.done[move.trigger] += 1
        return True

    def _blunder(self, case: Case, move: Move, clock: Clock) -> None:
        """A first try without a new photo, or without a word why it came back, which the law refuses."""
        acting = self._acting(move.posts[0])
        if acting is None:
            return
        now, where = clock.now(), (case.lat, case.lon)
        facts = {name: value for name, value in move.facts.items() if move.blunder != "no cause" or name != "root_cause"}
        try:
            with transaction(self.bound) as session:
                if move.blunder == "old photo":
                    self._photograph(session, case.code, 1, "before", acting, now, now, where, shown_as="after")
                advance(session, case.code, move.trigger, acting, now, wall=clock.wall(), facts=facts, flow_run=DRILL)
        except LawError as no:
            self.tally.count(no)

    # A duty

    def round(self, run: Any, move: Move, clock: Clock) -> bool:
        """A duty or a task is done; who looks at a closed hazard again records the visit, and opens it where it has come back."""
        if run.task == DutyTask.recheck and move.trigger == "do_duty" and run.hazard:
            self._look_again(run, move, clock)
        return self.move(run, move, clock, version=None)

    def _look_again(self, run: Any, move: Move, clock: Clock) -> None:
        acting = self._acting(run.owner)
        if acting is None or run.place is None:
            return
        now, wall = clock.now(), clock.wall()
        with transaction(self.bound) as session:
            closed = session.execute(CLOSED, {"township_id": self.township_id, "code": run.hazard}).scalar()
            facts = {"place": run.place, "trigger": "recheck", "note": f"回头看：{run.hazard}"}
            record_inspection(session, acting, now, wall=wall, facts=facts, flow_run=DRILL)
            if closed and run.comes_back:
                advance(session, run.hazard, "reopen", acting, now, wall=wall, facts={"reason": "回头看发现反弹"}, flow_run=DRILL)
                self.tally.done["reopen"] += 1
        self.tally.done["inspect"] += 1

    # Visits and reports

    def visit(self, visit: Visit, clock: Clock) -> None:
        acting = self._acting(visit.post)
        if acting is None:
            self.tally.nobody["inspect"] += 1
            return
        now, wall = clock.now(), clock.wall()
        with transaction(self.bound) as session:
            facts = told(visit, self.seed, self.items[visit.place.kind])
            inspected = record_inspection(session, acting, now, wall=wall, facts=facts, flow_run=DRILL)
            codes = [code for _, code in inspected.hazards]
            for unasked in unasked_facts(visit, self.seed):
                codes.append(register(session, acting, now, wall=wall, facts=unasked, flow_run=DRILL).code)
            for code in codes:
                self._photograph(session, code, 1, "before", acting, visit.at, now, (visit.place.lat, visit.place.lon))
        self.tally.done["inspect"] += 1
        self.tally.done["register"] += len(codes)

    def report(self, call: Call, clock: Clock) -> None:
        now = clock.now()
        with transaction(self.bound) as session:
            reporter = Acting(self.township_id, REPORTER, REPORTER)
            receive_report(session, reporter, now, wall=clock.wall(), facts=call.facts, flow_run=DRILL)
        self.tally.done["report"] += 1

    def _verify(self, session: Session, place: str, acting: Acting, now: datetime, wall: datetime) -> str:
        """Who checks a report inspects the place, and writes down what was reported; the hazard's code."""
        call = self.reported[place]
        said = {"said": "no", **in_words(call.item, call.chance(self.seed))}
        facts = {"place": place, "trigger": "report", "answers": {call.item.code: said}, "note": "核查群众举报"}
        inspected = record_inspection(session, acting, now, wall=wall, facts=facts, flow_run=DRILL)
        code = inspected.hazards[0][1]
        self._photograph(session, code, 1, "before", acting, now, now, (call.place.lat, call.place.lon))
        self.tally.done.update(inspect=1, register=1)
        return code

    # The start-work gate

    def wish(self, wish: Wish, clock: Clock) -> None:
        """A unit asks to start work again."""
        acting = self._acting(wish.post)
        if acting:
            with transaction(self.bound) as session:
                ask_resumption(session, acting, clock.now(), wish.place, "节后准备复工，已完成自查")
            self.tally.done["ask_resumption"] += 1

    def consent(self, consent: Consent, clock: Clock) -> None:
        """The first of those who may consent; nobody of the unit, and nobody who had a hand in it."""
        for post in consent.posts:
            acting = self._acting(post)
            if acting is None:
                continue
            try:
                with transaction(self.bound) as session:
                    answers = dict.fromkeys(start_items(session, acting.township_id, consent.kind), "yes")
                    allow(session, acting, clock.now(), consent.place, "现场审查，具备安全生产条件，同意恢复", answers)
            except Refused as no:
                if no.reason != "G11" or post == consent.posts[-1]:
                    raise
                continue
            self.tally.done["allow"] += 1
            return

    # Posts change hands

    def change(self, change: Change, clock: Clock) -> None:
        acting = self._acting(change.by)
        if acting:
            with transaction(self.bound) as session:
                order(session, self.township_id, change, acting.person, clock.now())
            self.tally.done["stand_in" if change.absent else "hand_over"] += 1

    # What all of it shares

    def _photograph(
        self, session: Session, code: str, round: int, kind: str, acting: Acting, taken_at: datetime, now: datetime,
        where: tuple[float | None, float | None], shown_as: str | None = None,
    ) -> None:  # fmt: skip
        """The bytes of a drill's photo are its name: no picture is stored, its hash alone is."""
        sha256 = hashlib.sha256(f"{self.seed}|{code}|{round}|{kind}".encode()).hexdigest()
        lat, lon = where
        add_evidence(session, code, acting, now, kind=EvidenceKind(shown_as or kind), sha256=sha256, taken_at=taken_at, lat=lat, lon=lon)

    def _holders(self, post: str) -> Sequence[str]:
        return (REPORTER,) if post == PostKind.reporter else self.roster.holders.get(post, ())

    def _acting(self, post: str) -> Acting | None:
        people = self._holders(post)
        return Acting(self.township_id, people[0], post) if people else None


CLOSED = text("select state = 'closed' from cases where township_id = :township_id and code = :code")


def _may(session: Session, code: str, trigger: str, acting: Acting, now: datetime) -> bool:
    return any(offer.trigger == trigger and offer.allowed for offer in offers(session, code, acting, now))
