"""The law of a hazard: what may happen to it, from which state, by whom, under which guards.

`TRANSITIONS` is the whole law; the machine, the diagram and the list of what a person may do are made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from transitions import Machine, MachineError

from models.enumerations import ENDED, LEADERS, Grade, HazardState, PostKind, Word
from statemachines import guards as g
from statemachines.errors import LawError, NotAllowed, Refused, UnknownTrigger
from statemachines.situation import Situation

S = HazardState
P = PostKind


class Seat(Word):
    """Who may act by what they are to this very case, not by the kind of their post alone."""

    responsible = "responsible", "责任岗位", "the responsible post"
    supervising = "supervising", "督导站所检查人员", "an inspector of the supervising team"
    approver = "approver", "销号审批岗位", "a post that may approve this closure"


Who = frozenset[PostKind | Seat]

OPEN = tuple(state for state in S if state not in ENDED)
ACCOUNTABLE: Who = frozenset(PostKind) - g.NEVER_RESPONSIBLE
APPROVERS: Who = LEADERS | {P.station_head, P.office_head, P.district_department, P.district_office}
FINDERS: Who = LEADERS | {
    P.enterprise_safety, P.grid_member, P.village_secretary, P.ranger, P.checkpoint_guard,
    P.inspector, P.station_head, P.office_dispatcher, P.office_head,
}  # fmt: skip
KINDS: dict[PostKind | Seat, Who] = {
    Seat.responsible: ACCOUNTABLE,
    Seat.supervising: frozenset({P.inspector}),
    Seat.approver: APPROVERS,
}


def by(*who: PostKind | Seat) -> Who:
    return frozenset(who)


@dataclass(frozen=True)
class Transition:
    """One line of the law. `sources` holds None for a case that isn't registered yet; a `dest` of None changes no state.

    `who_if_major` stands in for `who` where the hazard is major, before or after the step.
    """

    trigger: str
    sources: tuple[HazardState | None, ...]
    dest: HazardState | None
    who: Who
    guards: tuple[g.Guard, ...]
    zh: str
    en: str
    who_if_major: Who | None = None


# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("register", (None,), S.found, FINDERS,
      (g.g1_registered,), "登记", "register"),
    T("fix_on_spot", (S.found,), S.submitted, by(P.inspector),
      (g.g2_general, g.principal_present, g.g3_before_and_after, g.g5_on_site), "当场整改", "fix on the spot"),
    T("assign", (S.found, S.reopened), S.assigned, by(P.office_dispatcher, P.office_head),
      (g.g4_assignable,), "交办", "assign", by(P.office_head)),
    T("reject", (S.found,), S.rejected, by(P.office_head),
      (g.not_the_finder, g.g6_rejection), "核实不成立", "reject"),
    T("mark_duplicate", (S.found, S.assigned), S.duplicate, by(P.office_dispatcher),
      (g.g7_master,), "合并重复", "mark as a duplicate"),
    T("regrade", (S.found, S.assigned, S.rectifying), None, by(P.office_head),
      (g.grade_changes, g.g8_clause), "调整等级", "regrade", by(P.deputy_in_charge)),
    T("acknowledge", (S.assigned,), S.rectifying, by(Seat.responsible, P.grid_member),
      (g.g9_receipt,), "签收", "acknowledge"),
    T("return_assignment", (S.assigned,), S.found, by(Seat.responsible),
      (g.returned_once, g.reason_given), "退回交办", "return the assignment"),
    T("submit", (S.rectifying,), S.submitted, by(Seat.responsible),
      (g.g10_plan, g.g3_after, g.g5_on_site), "报验", "submit for re-inspection"),
    T("reinspect_pass", (S.submitted,), S.verified, by(Seat.supervising),
      (g.g11_reinspector, g.g12_reinspection), "复查合格", "pass the re-inspection", by(Seat.supervising, P.district_department)),
    T("reinspect_fail", (S.submitted,), S.rectifying, by(Seat.supervising),
      (g.g11_reinspector, g.reason_given), "复查不合格", "fail the re-inspection", by(Seat.supervising, P.district_department)),
    T("approve_close", (S.verified,), S.closed, by(Seat.approver),
      (g.g11_approver, g.g13_interim, g.g14_district), "批准销号", "approve the closure"),
    T("refuse_close", (S.verified,), S.rectifying, by(Seat.approver),
      (g.reason_given,), "不予销号", "refuse the closure"),
    T("withdraw_approval", (S.closed,), S.verified, APPROVERS,
      (g.same_person, g.within_ten_minutes), "撤回销号", "take back the closure"),
    T("cancel", OPEN, S.cancelled, g.CANCELLERS,
      (g.g6_cancellation,), "撤销", "cancel"),
    T("reopen", (S.closed,), S.reopened, by(P.inspector, P.office_head, P.district_department, P.district_office),
      (g.within_a_year,), "反弹重开", "reopen"),
    T("take_up", OPEN, None, ACCOUNTABLE,
      (g.own_rung, g.not_for_major, g.once_a_rung, g.promise_within_a_day, g.note_given), "接手督办", "take up"),
    T("escalate", OPEN, None, by(P.system),
      (), "逾期升级", "escalate"),
    T("replan", OPEN, None, by(P.office_head),
      (), "重排时限", "re-plan"),
)
# fmt: on

BY_TRIGGER = {transition.trigger: transition for transition in TRANSITIONS}


@dataclass(frozen=True)
class Decision:
    """The law says yes: the case is in `state` now."""

    state: HazardState
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


def decide(situation: Situation) -> Decision:
    """Let the law decide. Raises UnknownTrigger, NotAllowed, or Refused with the first reason against it.

    Asked in this order: does the kind of post fit, does the trigger start here, is it this very post's turn, do the guards hold.
    """
    transition = BY_TRIGGER.get(situation.trigger)
    if transition is None:
        raise UnknownTrigger(situation.trigger)
    if not kind_fits(transition, situation):
        raise _not_allowed(transition, situation)
    with _standing(situation) as case:
        try:
            taken = case.trigger(situation.trigger, case)
        except MachineError:
            raise _wrong_state(transition, situation.state) from None
        if not taken:
            raise case.objection
    return Decision(case.state, situation.trigger)


def offers(situation: Situation) -> list[Offer]:
    """What the actor may do now, and why not the rest. The situation's own trigger is ignored; facts may be left out."""
    return [_offer(transition, situation) for transition in TRANSITIONS if _concerns(transition, situation)]


def who_may(transition: Transition, s: Situation) -> Who:
    """Who may fire it on this case; one who only asks about a grade still to be chosen is answered for both."""
    if transition.who_if_major is None:
        return transition.who
    regrading = transition.trigger == "regrade"
    if s.grade == Grade.major or (regrading and s.facts.get("grade") == Grade.major):
        return transition.who_if_major
    return transition.who | transition.who_if_major if regrading and s.unasked("grade") else transition.who


def kind_fits(transition: Transition, s: Situation) -> bool:
    """Whether posts of the actor's kind can ever fire it on a case of this grade."""
    return any(s.actor.kind in KINDS.get(seat, (seat,)) for seat in who_may(transition, s))


def _seated(transition: Transition, s: Situation) -> LawError | None:
    if s.in_reach and any(_sits(s, seat) for seat in who_may(transition, s)):
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
    return s.actor.kind == seat


class _Case:
    """The light model: the machine writes `state` and binds `trigger`, a condition that fails leaves its objection."""

    state: HazardState
    trigger: Callable[..., bool]
    objection: LawError

    def __init__(self, situation: Situation) -> None:
        self.situation = situation


@contextmanager
def _standing(situation: Situation) -> Iterator[_Case]:
    case = _Case(situation)
    _machine.add_model(case, initial=situation.state or _UNREGISTERED)
    try:
        yield case
    finally:
        _machine.remove_model(case)


def _conditions(transition: Transition) -> list[Callable[[_Case], bool]]:
    return [_seat_condition(transition), *(_guard_condition(guard) for guard in transition.guards)]


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


_UNREGISTERED = "unregistered"
_machine = Machine(
    model=None,
    states=[*HazardState, _UNREGISTERED],
    initial=None,
    auto_transitions=False,
    send_event=False,
    transitions=[
        {
            "trigger": transition.trigger,
            "source": [source or _UNREGISTERED for source in transition.sources],
            "dest": transition.dest,
            "conditions": _conditions(transition),
        }
        for transition in TRANSITIONS
    ],
)


def _concerns(transition: Transition, s: Situation) -> bool:
    if P.system in transition.who:
        return s.actor.kind == P.system
    return (s.state is None) == (None in transition.sources)


def _offer(transition: Transition, s: Situation) -> Offer:
    try:
        decide(replace(s, trigger=transition.trigger, asking=True))
    except Refused as no:
        return Offer(transition.trigger, transition.zh, transition.en, False, no.reason, no.detail, no.detail_en)
    except NotAllowed as no:
        return Offer(transition.trigger, transition.zh, transition.en, False, "post", no.detail, no.detail_en)
    return Offer(transition.trigger, transition.zh, transition.en, True)


def _not_allowed(transition: Transition, s: Situation) -> NotAllowed:
    if not s.in_reach:
        return NotAllowed(s.actor.post, "该场所不在你的岗位管辖范围内。", "The place lies outside of what your post reaches.")
    seats = in_order(who_may(transition, s))
    return NotAllowed(
        s.actor.post,
        f"你的岗位不能办理“{transition.zh}”，须由{'、'.join(seat.zh for seat in seats)}办理。",
        f"Your post can't {transition.en} here; it takes one of: {', '.join(seat.en for seat in seats)}.",
    )


def _wrong_state(transition: Transition, state: HazardState | None) -> Refused:
    there = [(source.zh, source.en) if source else ("未登记", "unregistered") for source in transition.sources]
    here = (state.zh, state.en) if state else ("未登记", "unregistered")
    return Refused(
        "state",
        f"隐患现为“{here[0]}”，不能“{transition.zh}”；须在“{'”“'.join(zh for zh, _ in there)}”时办理。",
        f"The hazard is {here[1]}; {transition.en} starts from: {', '.join(en for _, en in there)}.",
    )


def in_order(who: Who) -> list[PostKind | Seat]:
    """Seats first, then kinds of post from the village up, so that sentences and tables read the same every time."""
    return [seat for seat in (*Seat, *PostKind) if seat in who]
