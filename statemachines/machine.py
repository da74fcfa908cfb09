"""What every machine is made of: transitions as data, who may fire them, the guards between; and how the law of a kind decides.

A kind of case writes its transitions as a table and makes a `Law` of it; the diagram, the list of what a person may do and the machine
(`transitions`) all come from that one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from transitions import Machine, MachineError

from models.enumerations import STATES, CaseKind, CaseState, Grade, PostKind, Word
from statemachines import guards as g
from statemachines.errors import LawError, NotAllowed, Refused, UnknownTrigger
from statemachines.situation import Situation

P = PostKind


class Seat(Word):
    """Who may act by what they are to this very case, not by the kind of their post alone."""

    responsible = "responsible", "责任岗位", "the responsible post"
    supervising = "supervising", "督导站所检查人员", "an inspector of the supervising team"
    approver = "approver", "审批岗位", "a post that may approve this"
    applicant = "applicant", "申请岗位", "the post that applied"
    superior = "superior", "责任岗位的上级岗位", "a post above the responsible one"
    consequence = "consequence", "随另一案卷的决定", "the decision on another case"


Who = frozenset[PostKind | Seat]

KINDS: dict[PostKind | Seat, Who] = {
    Seat.responsible: g.ACCOUNTABLE,
    Seat.supervising: frozenset({P.inspector}),
    Seat.approver: g.APPROVERS,
    Seat.applicant: g.ACCOUNTABLE,
    Seat.superior: g.ACCOUNTABLE,
    Seat.consequence: frozenset(PostKind),
}


def by(*who: PostKind | Seat) -> Who:
    return frozenset(who)


@dataclass(frozen=True)
class Transition:
    """One line of the law. `sources` holds None for a case that isn't there yet; a `dest` of None changes no state.

    `who_if_major` stands in for `who` where the case is major, before or after the step.
    """

    trigger: str
    sources: tuple[CaseState | None, ...]
    dest: CaseState | None
    who: Who
    guards: tuple[g.Guard, ...]
    zh: str
    en: str
    who_if_major: Who | None = None


@dataclass(frozen=True)
class Decision:
    """The law says yes: the case is in `state` now."""

    state: CaseState
    trigger: str


@dataclass(frozen=True)
class Offer:
    """What somebody may do, or why not: `reason` is that of Refused, or `post` where their post may not."""

    trigger: str
    zh: str
    en: str
    allowed: bool
    reason: str | None = None
    detail: str | None = None
    detail_en: str | None = None


class Law:
    """The whole law of one kind of case."""

    def __init__(self, kind: CaseKind, transitions: Sequence[Transition]) -> None:
        self.kind = kind
        self.transitions = tuple(transitions)
        self.by_trigger = {transition.trigger: transition for transition in transitions}
        self._machine = Machine(
            model=None,
            states=[*STATES[kind], _NOT_YET],
            initial=None,
            auto_transitions=False,
            send_event=False,
            transitions=[
                {
                    "trigger": transition.trigger,
                    "source": [source or _NOT_YET for source in transition.sources],
                    "dest": transition.dest,
                    "conditions": self._conditions(transition),
                }
                for transition in transitions
            ],
        )

    def decide(self, situation: Situation) -> Decision:
        """Let the law decide. Raises UnknownTrigger, NotAllowed, or Refused with the first reason against it.

        Asked in this order: does the kind of post fit, does the trigger start here, is it this very post's turn, do the guards hold.
        """
        transition = self.by_trigger.get(situation.trigger)
        if transition is None:
            raise UnknownTrigger(situation.trigger)
        if not self.kind_fits(transition, situation):
            raise _not_allowed(transition, situation)
        with self._standing(situation) as case:
            try:
                taken = case.trigger(situation.trigger, case)
            except MachineError:
                raise _wrong_state(self.kind, transition, situation.state) from None
            if not taken:
                raise case.objection
        return Decision(case.state, situation.trigger)

    def offers(self, situation: Situation) -> list[Offer]:
        """What the actor may do now, and why not the rest. The situation's own trigger is ignored; facts may be left out."""
        return [self._offer(transition, situation) for transition in self.transitions if _concerns(transition, situation)]

    def kind_fits(self, transition: Transition, s: Situation) -> bool:
        """Whether posts of the actor's kind can ever fire it on a case of this grade."""
        who = who_may(transition, s)
        return (Seat.consequence in who and s.consequence) or any(
            s.actor.kind in KINDS.get(seat, (seat,)) for seat in who if seat is not Seat.consequence
        )

    @contextmanager
    def _standing(self, situation: Situation) -> Iterator[_Case]:
        case = _Case(situation)
        self._machine.add_model(case, initial=situation.state or _NOT_YET)
        try:
            yield case
        finally:
            self._machine.remove_model(case)

    def _conditions(self, transition: Transition) -> list[Callable[[_Case], bool]]:
        return [_seat_condition(transition), *(_guard_condition(guard) for guard in transition.guards)]

    def _offer(self, transition: Transition, s: Situation) -> Offer:
        try:
            self.decide(replace(s, trigger=transition.trigger, asking=True))
        except Refused as no:
            return Offer(transition.trigger, transition.zh, transition.en, False, no.reason, no.detail, no.detail_en)
        except NotAllowed as no:
            return Offer(transition.trigger, transition.zh, transition.en, False, "post", no.detail, no.detail_en)
        return Offer(transition.trigger, transition.zh, transition.en, True)


def who_may(transition: Transition, s: Situation) -> Who:
    """Who may fire it on this case; one who only asks about a grade still to be chosen is answered for both."""
    if transition.who_if_major is None:
        return transition.who
    regrading = transition.trigger == "regrade"
    if s.grade == Grade.major or (regrading and s.facts.get("grade") == Grade.major):
        return transition.who_if_major
    return transition.who | transition.who_if_major if regrading and s.unasked("grade") else transition.who


def _seated(transition: Transition, s: Situation) -> LawError | None:
    who = who_may(transition, s)
    if Seat.consequence in who and s.consequence:
        return None
    if s.in_reach and any(_sits(s, seat) for seat in who):
        return None
    four_eyes = [refusal for guard in transition.guards if g.label(guard) == "G11" and (refusal := guard(s))]
    return Refused(*four_eyes[0]) if four_eyes else _not_allowed(transition, s)


def _sits(s: Situation, seat: PostKind | Seat) -> bool:
    if seat is Seat.responsible:
        return s.actor.post == s.responsible_post
    if seat is Seat.supervising:
        return s.actor.kind == P.inspector and s.actor.unit == s.team
    if seat is Seat.approver:
        return s.actor.post in s.approver_posts
    if seat is Seat.applicant:
        return s.applicant is not None and s.actor.post == s.applicant.post
    if seat is Seat.superior:
        return s.superior
    return s.actor.kind == seat


class _Case:
    """The light model: the machine writes `state` and binds `trigger`, a condition that fails leaves its objection."""

    state: CaseState
    trigger: Callable[..., bool]
    objection: LawError

    def __init__(self, situation: Situation) -> None:
        self.situation = situation


def _seat_condition(transition: Transition) -> Callable[[_Case], bool]:
    def seated(case: _Case) -> bool:
        objection = _seated(transition, case.situation)
        if objection:
            case.objection = objection
        return objection is None

    return seated


def _guard_condition(guard: g.Guard) -> Callable[[_Case], bool]:
    def holds(case: _Case) -> bool:
        refusal = guard(case.situation)
        if refusal:
            case.objection = Refused(*refusal)
        return refusal is None

    return holds


_NOT_YET = "unregistered"


def _concerns(transition: Transition, s: Situation) -> bool:
    """Whether people are to be shown it: what only follows from something else is nobody's to choose."""
    if transition.who == {Seat.consequence}:
        return False
    if transition.who <= {P.system, Seat.consequence}:
        return s.actor.kind == P.system
    return (s.state is None) == (None in transition.sources)


def _not_allowed(transition: Transition, s: Situation) -> NotAllowed:
    if not s.in_reach:
        return NotAllowed(s.actor.post, "该场所不在你的岗位管辖范围内。", "The place lies outside of what your post reaches.")
    seats = in_order(who_may(transition, s))
    return NotAllowed(
        s.actor.post,
        f"你的岗位不能办理“{transition.zh}”，须由{'、'.join(seat.zh for seat in seats)}办理。",
        f"Your post can't {transition.en} here; it takes one of: {', '.join(seat.en for seat in seats)}.",
    )


def _wrong_state(kind: CaseKind, transition: Transition, state: CaseState | None) -> Refused:
    there = [(source.zh, source.en) if source else ("未登记", "unregistered") for source in transition.sources]
    here = (state.zh, state.en) if state else ("未登记", "unregistered")
    return Refused(
        "state",
        f"{kind.zh}现为“{here[0]}”，不能“{transition.zh}”；须在“{'”“'.join(zh for zh, _ in there)}”时办理。",
        f"The {kind.en} is {here[1]}; {transition.en} starts from: {', '.join(en for _, en in there)}.",
    )


def in_order(who: Who) -> list[PostKind | Seat]:
    """Seats first, then kinds of post from the village up, so that sentences and tables read the same every time."""
    return [seat for seat in (*Seat, *PostKind) if seat in who]


def answering(states: Sequence[CaseState]) -> tuple[Transition, ...]:
    """What every open case of any kind knows: a rung's post takes it up, time escalates it, the office plans it anew."""
    return (
        Transition(
            "take_up", tuple(states), None, g.ACCOUNTABLE,
            (g.own_rung, g.not_for_major, g.once_a_rung, g.promise_within_a_day, g.note_given), "接手督办", "take up",
        ),
        Transition("escalate", tuple(states), None, by(P.system), (), "逾期升级", "escalate"),
        Transition("replan", tuple(states), None, by(P.office_head), (), "重排时限", "re-plan"),
    )  # fmt: skip
