"""One step of one case: what it starts from, and what it changes beyond the state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of
from models.deadlines import due_at
from models.enumerations import CaseKind, CaseState, Clock, DutyTask, Grade, PostKind, SlaClass
from models.rules import Rules
from notifications.plan import Telling
from statemachines.load import Seated
from statemachines.situation import Situation
from statemachines.timers import Start, start

OWNER = text("select case_posts(c, :kind) from cases c where c.id = :id limit 1")


@dataclass(frozen=True, slots=True)
class About:
    """The hazard that a task follows from; its ids are those of the database."""

    case_id: int
    code: str
    round: int = 1
    grade: Grade = Grade.general
    place_id: int | None = None
    village_id: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step being taken: where it comes from, where it goes, by whom, with what.

    `hazard` is the hazard that the case is or is about, None for a duty run and a public report.
    """

    session: Session
    case: Row[Any]
    hazard: Row[Any] | None
    seated: Seated
    situation: Situation
    to: CaseState
    now: datetime
    facts: Mapping[str, Any]
    rules: Rules

    @property
    def kind(self) -> CaseKind:
        return CaseKind(self.case.kind)

    @property
    def grade(self) -> Grade:
        return Grade(self.case.grade)

    @property
    def sla_class(self) -> SlaClass:
        return SlaClass(self.case.sla_class)

    @property
    def me(self) -> tuple[str, str]:
        return self.seated.actor.person, self.seated.actor.post

    def about(self) -> About:
        """The hazard that a task follows from."""
        assert self.hazard is not None, "tasks follow from hazards"
        h = self.hazard
        return About(h.id, h.code, h.round, Grade(h.grade), h.place_id, h.village_id)

    def owner(self, kind: PostKind) -> int | None:
        """The post of a kind that answers for this case, as messages find it."""
        asked = {"id": self.case.id, "kind": str(kind)}
        found: int | None = self.session.execute(OWNER, asked).scalar()
        return found

    def plain(self, clock: Clock) -> list[Start]:
        """A clock that starts now with its own limit."""
        due = due_at(self.now, self.rules.limit(clock, self.grade, on=day_of(self.now)), self.rules.calendar)
        return [start(self.rules, clock, self.grade, self.now, due)]


@dataclass(frozen=True, slots=True)
class Opening:
    """Another case that a step opens about the same hazard: its kind, its own columns, whose move it is and who decides (post ids)."""

    kind: CaseKind
    own: Mapping[str, Any]
    responsible_post_id: int | None
    approver_post_id: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consequence:
    """A step of another case that follows from this one, in the name of the same actor and in the same transaction."""

    code: str
    trigger: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run of a duty, or a task, that is to be done. Times are business time; docs of the fields: models/duty.py."""

    owner_post_id: int
    title: str
    task: DutyTask
    period: date
    opens_at: datetime
    due_at: datetime
    closes_at: datetime
    wanted: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()
    leader: bool = False
    duty_id: int | None = None
    place_id: int | None = None
    village_id: int | None = None
    parent_id: int | None = None
    occasion: str | None = None
    grade: Grade = Grade.general


@dataclass(slots=True)
class Change:
    """Columns of the case and of its kind's own table to set, timers to start, messages to plan, computed facts for history; cases and
    tasks to open, and what follows for others. `gate`: the place's start-work gate has to be looked at.
    """

    case: dict[str, Any] = field(default_factory=dict)
    own: dict[str, Any] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    opens: list[Opening] = field(default_factory=list)
    tasks: list[NewRun] = field(default_factory=list)
    then: list[Consequence] = field(default_factory=list)
    gate: bool = False
