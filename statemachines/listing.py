"""A listing for supervision (挂牌督办): the township proposes, the level's own unit decides, publishes, follows and takes off the list.

While a hazard is listed its unit reports progress at least once a quarter; it isn't closed before it is off the list (G14).
"""

from __future__ import annotations

from datetime import date

from models.clock import day_of
from models.enumerations import CaseKind, Clock, DutyTask, HazardState, ListingLevel, ListingState, PostKind, Purpose
from notifications.plan import Telling
from statemachines import guards as g
from statemachines.extension import nothing
from statemachines.guards import Refusal
from statemachines.machine import Law, Seat, Transition, answering, by
from statemachines.situation import Situation
from statemachines.step import Change, Consequence, NewRun, Step
from statemachines.tasks import OWNERS, publish

S = ListingState
P = PostKind
OPEN = (S.proposed, S.listed, S.delisting)


def g11_lister(s: Situation) -> Refusal | None:
    """Four eyes: who decides on the list neither proposed it, nor asked for it to end, nor belongs to the responsible unit."""
    return g.not_involved(s, "挂牌事项", "this listing", s.applicant, *s.applicants)


def treat_by_ahead(s: Situation) -> Refusal | None:
    """The day by which the treatment is to be complete is a day, and not past."""
    day = _day(s.facts.get("treat_by"))
    if s.facts.get("treat_by") is None or (day and day >= day_of(s.now)):
        return None
    return Refusal("treat_by_ahead", "治理完毕日须是今天或以后的日期。", "The day of completion is today or a day ahead.")


def _day(said: object) -> date | None:
    try:
        return date.fromisoformat(str(said))
    except ValueError:
        return None


def verified_first(s: Situation) -> Refusal | None:
    """A hazard comes off the list when its treatment has been accepted (复查合格)."""
    if s.hazard_state == HazardState.verified:
        return None
    return Refusal("verified_first", "隐患复查合格后才能摘牌。", "It comes off the list once it has passed its re-inspection.")


# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("propose", (None,), S.proposed, by(Seat.consequence), (), "提请挂牌", "propose"),
    T("list", (S.proposed,), S.listed, by(Seat.approver), (g11_lister, treat_by_ahead), "决定挂牌", "list"),
    T("decline", (S.proposed,), S.declined, by(Seat.approver), (g11_lister, g.reason_given), "不予挂牌", "decline the listing"),
    T("report_progress", (S.listed,), None, by(Seat.responsible, P.office_head), (g.note_given,), "报告进展", "report progress"),
    T("ask_delisting", (S.listed,), S.delisting, by(Seat.responsible, P.office_head), (verified_first,), "申请摘牌", "ask to be delisted"),
    T("delist", (S.listed, S.delisting), S.delisted, by(Seat.approver), (g11_lister, verified_first), "摘牌", "take off the list"),
    T("refuse_delisting", (S.delisting,), S.listed, by(Seat.approver), (g.reason_given,), "不予摘牌", "refuse to delist"),
    T("lapse", OPEN, S.lapsed, by(Seat.consequence), (), "挂牌失效", "let the listing lapse"),
    *answering(OPEN),
)
# fmt: on
LAW = Law(CaseKind.listing, TRANSITIONS)


def proposed(step: Step) -> Change:
    told = [Telling(Purpose.application, ("approver",), (S.proposed,))]
    return Change(starts=step.plain(Clock.decide), tellings=told, facts={"level": step.case.level_asked})


def listed(step: Step) -> Change:
    person, post = step.me
    own = {"listed_at": step.now, "listed_person": person, "listed_post": post, "notice_no": step.facts.get("notice_no")}
    return Change(
        own={**own, "treat_by": _day(step.facts.get("treat_by"))},
        starts=step.plain(Clock.progress),
        tellings=[_told(step)],
        tasks=_published(step, "挂牌"),
        then=[Consequence(step.case.parent, "set_listing", {"level": step.case.level_asked})],
    )


def progressed(step: Step) -> Change:
    return Change(own={"progress_at": step.now}, starts=step.plain(Clock.progress))


def delisting(step: Step) -> Change:
    person, post = step.me
    return Change(
        own={"delist_asked_at": step.now, "delist_person": person, "delist_post": post},
        starts=step.plain(Clock.decide),
        tellings=[Telling(Purpose.application, ("approver",), (S.delisting,))],
    )


def delisted(step: Step) -> Change:
    return Change(
        own={"delisted_at": step.now}, tellings=[_told(step)], tasks=_published(step, "摘牌"),
        then=[Consequence(step.case.parent, "set_listing", {"level": ListingLevel.none})],
    )  # fmt: skip


def stays_listed(step: Step) -> Change:
    return Change(starts=step.plain(Clock.progress), tellings=[_told(step)])


def declined(step: Step) -> Change:
    return Change(tellings=[_told(step)])


def _published(step: Step, what: str) -> list[NewRun]:
    owner = step.owner(OWNERS[DutyTask.publish])
    return [publish(step.about(), what, owner, step.now, step.rules.calendar)] if owner else []


def _told(step: Step) -> Telling:
    return Telling(Purpose.decision, (f"post:{step.case.proposed_post}", "responsible", "office_head"))


EFFECTS = {
    "propose": proposed, "list": listed, "decline": declined, "report_progress": progressed, "ask_delisting": delisting, "delist": delisted,
    "refuse_delisting": stays_listed, "lapse": nothing,
}  # fmt: skip
