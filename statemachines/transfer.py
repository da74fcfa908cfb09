"""A transfer (移送): another authority's business. The office records what it answers; sent back, the hazard is found again."""

from __future__ import annotations

from models.enumerations import CaseKind, Clock, PostKind, Purpose, TransferState
from notifications.plan import Telling
from statemachines import guards as g
from statemachines.guards import Refusal
from statemachines.machine import Law, Seat, Transition, answering, by
from statemachines.situation import Situation
from statemachines.step import Change, Consequence, Step

S = TransferState
P = PostKind
OFFICE = by(P.office_dispatcher, P.office_head)


def reply_given(s: Situation) -> Refusal | None:
    """What the recipient answered, or the number of its letter."""
    if g.text_of(s, "reply", "reply_no", "note", "text") or s.unasked("reply", "reply_no", "note", "text"):
        return None
    return Refusal("reply_given", "请填写接收单位的回复内容或文号。", "Record what the recipient answered, or its letter's number.")


# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("send", (None,), S.sent, by(Seat.consequence), (), "移送", "send"),
    T("accept", (S.sent,), S.accepted, OFFICE, (reply_given,), "记录对方接收", "record that it was accepted"),
    T("send_back", (S.sent,), S.sent_back, OFFICE, (reply_given,), "记录对方退回", "record that it was sent back"),
    *answering((S.sent,)),
)
# fmt: on
LAW = Law(CaseKind.transfer, TRANSITIONS)


def sent(step: Step) -> Change:
    return Change(starts=step.plain(Clock.reply))


def replied(step: Step) -> Change:
    said = str(step.facts.get("reply") or step.facts.get("note") or step.facts.get("text") or "").strip()
    return Change(
        own={"replied_at": step.now, "reply": said or None, "reply_no": step.facts.get("reply_no")},
        tellings=[Telling(Purpose.decision, (f"post:{step.hazard.found_post}", "office_head") if step.hazard else ("office_head",))],
        gate=True,
    )


def sent_back(step: Step) -> Change:
    change = replied(step)
    change.then = [Consequence(step.case.parent, "take_back")]
    return change


EFFECTS = {"send": sent, "accept": replied, "send_back": sent_back}
