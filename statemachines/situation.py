"""What the law looks at: a case, the one who acts on it, and the facts they bring, as plain frozen values.

Persons are opaque keys; posts, units and places are codes. All times are aware business times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from models.enumerations import CaseKind, CaseState, EvidenceKind, Grade, HazardState, InterimControl, PostKind, SlaClass


@dataclass(frozen=True, slots=True)
class Party:
    """Who did a thing: a person in a post, and the absent person they stood in for, if any."""

    person: str
    post: str
    standing_in_for: str | None = None

    @property
    def hands(self) -> frozenset[str]:
        """The persons whose act this is: a stand-in's act is also the absent person's."""
        return frozenset({self.person, self.standing_in_for or self.person})


@dataclass(frozen=True, slots=True)
class Actor:
    """Who wants to do a thing now, in one of their posts; `unit` is that post's unit."""

    person: str
    post: str
    kind: PostKind
    unit: str = ""
    standing_in_for: str | None = None

    @property
    def hands(self) -> frozenset[str]:
        """The persons whose act this is: a stand-in's act is also the absent person's."""
        return frozenset({self.person, self.standing_in_for or self.person})


@dataclass(frozen=True, slots=True)
class Photo:
    """A piece of evidence on the case. `reused`: another case holds the same bytes. `distance_m`: metres from the place, if known."""

    kind: EvidenceKind
    sha256: str
    taken_at: datetime | None = None
    round: int = 1
    reused: bool = False
    distance_m: float | None = None


@dataclass(frozen=True, slots=True)
class Master:
    """The case that this one is said to repeat."""

    code: str
    place: str
    state: HazardState
    closed_at: datetime | None = None
    is_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Assignee:
    """The post that the hazard is to be assigned to; `filled`: somebody holds it today."""

    post: str
    kind: PostKind
    filled: bool = True
    active: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a major hazard's treatment (Order 16 of 2007, Art. 15; 五落实) and when it was filed."""

    target: str = ""
    measures: str = ""
    funds_and_goods: str = ""
    organisation_people: str = ""
    time_limit: str = ""
    safety_and_emergency: str = ""
    filed_at: datetime | None = None

    @property
    def complete(self) -> bool:
        """Every item says something; whether it has been filed is another question."""
        items = (
            self.target,
            self.measures,
            self.funds_and_goods,
            self.organisation_people,
            self.time_limit,
            self.safety_and_emergency,
        )
        return all(item and item.strip() for item in items)


@dataclass(frozen=True, slots=True)
class Situation:
    """One question to the law: may `actor` fire `trigger` now, with these `facts`, on a case that stands like this?

    Of an extension, an appeal, a transfer or a listing `state` is its own, `hazard_state` and all that is said of the hazard that of the
    hazard it is about. `state` is None before the case is there. `asking` means that somebody wants to know what they could do: a guard
    that only lacks a fact which hasn't been given yet then keeps silent.
    """

    trigger: str
    actor: Actor
    now: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    asking: bool = False

    consequence: bool = False
    """It follows from a decision on another case that the law has already allowed."""

    state: CaseState | None = None
    round: int = 1
    code: str = ""
    place: str = ""
    grade: Grade | None = None
    sla_class: SlaClass | None = None
    found_at: datetime | None = None
    finder: Party | None = None
    due_at: datetime | None = None
    recurrence_count: int = 0
    root_cause: str | None = None
    returned: int = 0
    """How often the assignment has been sent back so far."""

    responsible_post: str | None = None
    responsible_people: frozenset[str] = frozenset()
    """Everybody who holds the responsible post, or held it in this round."""
    link_makers: frozenset[str] = frozenset()
    """Who made an owner's link to it for the responsible post by hand: whoever has held that link could act as the unit."""
    team: str | None = None
    """Code of the supervising team's unit."""
    in_reach: bool = True
    """Whether the place lies in the subtree of units that the actor's post reaches."""

    submitter: Party | None = None
    """Of this round; of an on-the-spot fix the responsible unit."""
    submitted_at: datetime | None = None
    recorder: Party | None = None
    """The inspector who recorded an on-the-spot fix in this round."""
    reinspectors: frozenset[Party] = frozenset()
    """Of this round."""
    applicants: frozenset[Party] = frozenset()
    """Of a pending extension or appeal."""
    pending: frozenset[CaseKind] = frozenset()
    """What has been asked about the hazard and is not decided yet."""
    assigned_at: datetime | None = None
    extension_count: int = 0
    working_days_left: int | None = None
    """Whole working days between now and the hazard's limit."""
    working_days_since: int | None = None
    """Whole working days since the hazard was assigned."""
    longest: datetime | None = None
    """How far an extension may reach at most."""
    campaign_deadline: datetime | None = None
    authorised: bool = False
    """The actor's team, or the actor as the district's, may issue enforcement papers (赋权/委托)."""
    approver_posts: frozenset[str] = frozenset()
    """Posts that may approve the closure as it stands, a climb for want of eligible holders included."""
    closed_at: datetime | None = None
    closed_by: Party | None = None

    photos: tuple[Photo, ...] = ()
    plan: Plan | None = None
    district_consent_no: str | None = None
    interim_control: InterimControl = InterimControl.none
    interim_kept: bool = False
    listed: bool = False

    master: Master | None = None
    assignee: Assignee | None = None
    second: Actor | None = None
    """The second person that the facts name."""
    clause_in_force: bool | None = None
    """Whether the clause that the facts cite is in force on the day of finding or today; None without a clause."""
    clause_known: bool = True
    """The township's library of law has it, or there is no library."""

    hazard_state: HazardState | None = None
    """Of the hazard that an application is about."""
    applicant: Party | None = None
    opiner: Party | None = None
    """Who gave the office's opinion on an appeal."""
    requested_due: datetime | None = None
    superior: bool = False
    """The actor's post stands above the responsible one in its chain."""
    leader: bool = False
    """A duty run that a leader owes."""
    wanted: frozenset[str] = frozenset()
    """Kinds of evidence without which a duty isn't done."""
    barred: frozenset[str] = frozenset()
    """Persons who may not do it: they would check their own work."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None

    holds_rung: bool = False
    """The actor's post was told by the last rung that fired."""
    taken_up: bool = False
    """Somebody has already taken up that rung."""

    @property
    def unit_hands(self) -> frozenset[str]:
        """Every person through whom the responsible unit could act: its people, and who made a link that acts for it."""
        return self.responsible_people | self.link_makers

    def unasked(self, *names: str) -> bool:
        """Somebody only asks, and none of these facts has been given yet."""
        return self.asking and not any(name in self.facts for name in names)
