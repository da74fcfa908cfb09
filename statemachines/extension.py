"""An extension request (延期申请): asked by the responsible post, decided by another, while the hazard's clock goes on.

A general hazard's first is the deputy's to decide, a second one or one beyond the campaign the township head's, a major or listed
hazard's the district's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from models.clock import parse_time
from models.enumerations import CaseKind, Clock, ExtensionState, Grade, InterimControl, PostKind, Purpose
from notifications.plan import Telling
from statemachines import guards as g
from statemachines.guards import Refusal
from statemachines.history import micros
from statemachines.machine import Law, Seat, Transition, answering, by
from statemachines.situation import Situation
from statemachines.step import Change, Consequence, Step

S = ExtensionState
P = PostKind
AT_MOST = timedelta(days=366)  # what a bureau gives a listed hazard at most (Qingdao: one year)
BEYOND: frozenset[PostKind] = frozenset({P.township_head, P.party_secretary, P.district_office, P.district_department})


def granted_until(s: Situation) -> datetime | None:
    """The limit that would be granted: the one named, else the one that was asked for."""
    return g.moment_of(s, "granted_due") if "granted_due" in s.facts else s.requested_due


def g11_decider(s: Situation) -> Refusal | None:
    """Four eyes: who decides is neither the applicant nor of the responsible unit, by person and by post."""
    return g.not_involved(s, "延期申请", "this extension", s.applicant)


def g16_reach(s: Situation) -> Refusal | None:
    """Later than the present limit and within what the rules allow; beyond the campaign only by the township head and with a control."""
    until = granted_until(s)
    if until is None or until <= s.now or (s.due_at and until <= s.due_at):
        return Refusal("G16", "同意延期至的时间须晚于现在和现在的期限。", "An extension reaches further than now and the present limit.")
    if until > s.now + AT_MOST:
        return Refusal("G16", "延期最长不超过一年。", "An extension reaches a year ahead at most.")
    if s.longest and until > s.longest and s.grade != Grade.major:
        return Refusal("G16", "延期超过规定的最长时限。", "The extension reaches further than the rules allow.")
    if s.longest and until > s.longest and s.actor.kind not in (P.district_office, P.district_department):
        return Refusal("G16", "重大隐患延期超过最长时限，须由区级决定。", "Beyond the longest limit only the district decides.")
    if s.campaign_deadline is None or until <= s.campaign_deadline:
        return None
    if s.actor.kind not in BEYOND:
        return Refusal("G16", "延期越过专项行动截止日，须由镇长决定。", "Beyond the campaign the township head decides.")
    if s.interim_control == InterimControl.none:
        return Refusal("G16", "延期越过专项行动截止日，须先采取临时管控。", "Beyond the campaign an interim control must stand first.")
    return None


# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("ask", (None,), S.asked, by(Seat.consequence), (), "提出申请", "ask"),
    T("grant", (S.asked,), S.granted, by(Seat.approver), (g11_decider, g16_reach), "同意延期", "grant the extension"),
    T("decline", (S.asked,), S.declined, by(Seat.approver), (g11_decider, g.reason_given), "不予延期", "decline the extension"),
    T("withdraw", (S.asked,), S.withdrawn, by(Seat.applicant), (), "撤回申请", "withdraw the request"),
    T("lapse", (S.asked,), S.lapsed, by(Seat.consequence), (), "申请失效", "let the request lapse"),
    *answering((S.asked,)),
)
# fmt: on
LAW = Law(CaseKind.extension, TRANSITIONS)


def asked(step: Step) -> Change:
    return Change(
        starts=step.plain(Clock.decide),
        tellings=[Telling(Purpose.application, ("approver",), (S.asked,))],
        facts={"requested_due": micros(step.case.requested_due), "due_before": micros(step.case.due_before)},
    )


def granted(step: Step) -> Change:
    named = step.facts.get("granted_due") or step.case.requested_due
    until = parse_time(named) if isinstance(named, str) else named
    change = decided(step, {"due": micros(until), "due_before": micros(step.case.due_before)})
    change.own["granted_due"] = until
    change.facts["granted_due"] = micros(until)
    change.then = [Consequence(step.case.parent, "extend", {"granted_due": until})]
    return change


def decided(step: Step, facts: Mapping[str, Any] | None = None) -> Change:
    """The applicant and the responsible post learn of it; the station's head, who supervises, too."""
    person, post = step.me
    return Change(
        own={"decided_at": step.now, "decided_person": person, "decided_post": post},
        tellings=[Telling(Purpose.decision, (f"post:{step.case.applicant_post}", "station_head"), facts=facts or {})],
    )


def nothing(step: Step) -> Change:
    return Change()


EFFECTS = {"ask": asked, "grant": granted, "decline": decided, "withdraw": nothing, "lapse": nothing}
