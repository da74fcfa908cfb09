"""An appeal (申诉): the unit holds that there is no hazard. The office looks and says what it thinks, the deputy in charge decides."""

from __future__ import annotations

from models.enumerations import AppealState, CaseKind, Clock, PostKind, Purpose
from notifications.plan import Telling
from statemachines import guards as g
from statemachines.effects import did, judge_for
from statemachines.extension import nothing
from statemachines.guards import Refusal
from statemachines.machine import Law, Seat, Transition, answering, by
from statemachines.situation import Situation
from statemachines.step import Change, Consequence, Step

S = AppealState
P = PostKind
OPEN = (S.asked, S.opined)


def g11_opinion(s: Situation) -> Refusal | None:
    """Four eyes: who gives the office's opinion neither applied, nor belongs to the unit, nor found the hazard."""
    return g.not_involved(s, "申诉", "this appeal", s.applicant, s.finder)


def g11_decision(s: Situation) -> Refusal | None:
    """Four eyes: who decides neither applied, nor belongs to the unit, nor gave the opinion, nor found the hazard."""
    return g.not_involved(s, "申诉", "this appeal", s.applicant, s.opiner, s.finder)


def opinion_given(s: Situation) -> Refusal | None:
    """An opinion in words."""
    if g.text_of(s, "opinion", "note", "text") or s.unasked("opinion", "note", "text"):
        return None
    return Refusal("opinion_given", "请写明核查意见。", "Say what the check has shown.")


# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("ask", (None,), S.asked, by(Seat.consequence), (), "提出申诉", "appeal"),
    T("opine", (S.asked,), S.opined, by(P.office_head), (g11_opinion, opinion_given), "提出核查意见", "give the office's opinion"),
    T("uphold", OPEN, S.upheld, by(Seat.approver), (g11_decision, g.reason_given), "申诉成立", "uphold the appeal"),
    T("dismiss", OPEN, S.dismissed, by(Seat.approver), (g11_decision, g.reason_given), "申诉不成立", "dismiss the appeal"),
    T("withdraw", OPEN, S.withdrawn, by(Seat.applicant), (), "撤回申诉", "withdraw the appeal"),
    T("lapse", OPEN, S.lapsed, by(Seat.consequence), (), "申诉失效", "let the appeal lapse"),
    *answering(OPEN),
)
# fmt: on
LAW = Law(CaseKind.appeal, TRANSITIONS)


def asked(step: Step) -> Change:
    told = [Telling(Purpose.application, ("office_head", "approver"), (S.asked,))]
    return Change(starts=step.plain(Clock.decide), tellings=told)


def opined(step: Step) -> Change:
    """The decision's clock goes on: the opinion is a part of it. Who gave it doesn't decide, in another post either."""
    person, post = step.me
    said = str(step.facts.get("opinion") or step.facts.get("note") or step.facts.get("text")).strip()
    assert step.hazard, "an appeal is about a hazard"
    decider = judge_for(step, step.hazard, {step.situation.applicant, step.situation.finder, did(step)})
    return Change(
        case={"approver_post_id": decider.id if decider else None},
        own={"opinion": said, "opined_person": person, "opined_post": post},
        tellings=[Telling(Purpose.application, ("approver",), (S.opined,))],
    )


def dismissed(step: Step) -> Change:
    person, post = step.me
    return Change(
        own={"decided_at": step.now, "decided_person": person, "decided_post": post},
        tellings=[Telling(Purpose.decision, (f"post:{step.case.applicant_post}", "office_head"))],
    )


def upheld(step: Step) -> Change:
    change = dismissed(step)
    change.then = [Consequence(step.case.parent, "uphold_appeal", {"reason": "not_a_hazard"})]
    return change


EFFECTS = {"ask": asked, "opine": opined, "uphold": upheld, "dismiss": dismissed, "withdraw": nothing, "lapse": nothing}
