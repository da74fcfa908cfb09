"""Which paper may be issued about a hazard (出具文书): by whom, after which other, on what grounds; and its number.

`RULES` is the whole law of papers, one line a form. The order is record → notice or order → opinion on re-inspection; orders and measures
are acts of enforcement, for which a township needs the power (安全生产法 Art. 9) and two officers with their certificates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of, local
from models.enumerations import ENDED, LEADERS, CaseKind, Grade, HazardState, InterimControl, ListingLevel, PaperKind, PostKind
from statemachines.errors import LawError, NotAllowed, Refused
from statemachines.load import Acting, Seated, load_case, seat, situation
from statemachines.machine import Offer, Seat, in_order
from statemachines.new import NUMBER
from statemachines.officers import INSPECT, Who, named_officers
from statemachines.registry import OFFICE, authorised
from statemachines.situation import Actor, Situation

P = PostKind
K = PaperKind
ORDERS = frozenset({K.instruction_order, K.onsite_measure, K.coercive_measure})
NOTICES = frozenset({K.notice, K.advice})
COERCIVE = frozenset({InterimControl.sealed, InterimControl.power_cut})
ISSUERS = OFFICE | {P.inspector, P.station_head}
ENFORCERS = frozenset({P.inspector, P.station_head, P.district_department})


@dataclass(frozen=True, slots=True)
class Standing:
    """What the law of papers looks at. `before`: kinds already issued about this hazard; a record of the visit that found it counts for
    every hazard of that visit."""

    case: Row[Any]
    actor: Actor
    now: datetime
    authorised: bool = False
    officers: tuple[Who, ...] = ()
    before: frozenset[PaperKind] = frozenset()
    applications: frozenset[CaseKind] = frozenset()

    @property
    def state(self) -> HazardState:
        return HazardState(self.case.state)

    @property
    def control(self) -> InterimControl:
        return InterimControl(self.case.interim_control)


class No(NamedTuple):
    """Why it may not be issued: a reason, and a sentence in either language."""

    reason: str
    zh: str
    en: str


Check = Callable[[Standing, PaperKind], No | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the law of papers. `letters` is the 代字 of its number (None: the form isn't numbered), `basis` the article that it
    rests on, `officers` whether it bears those of the visit. `copies`: how many are made out."""

    letters: str | None
    who: frozenset[PostKind | Seat]
    checks: tuple[Check, ...]
    basis: str
    officers: bool = False
    copies: int = 2


def still_open(s: Standing, kind: PaperKind) -> No | None:
    if s.state not in ENDED:
        return None
    return No("state", f"隐患已了结（{s.state.zh}），不能再出具{kind.zh}。", f"The hazard has ended ({s.state.en}): no {kind.en} any more.")


def record_first(s: Standing, kind: PaperKind) -> No | None:
    if K.inspection_record in s.before:
        return None
    return No(
        "record_first", f"须先出具{K.inspection_record.zh}，再出具{kind.zh}。", f"An {K.inspection_record.en} has to precede: {kind.en}."
    )


def order_first(s: Standing, kind: PaperKind) -> No | None:
    if s.before & (ORDERS | NOTICES):
        return None
    return No(
        "order_first",
        f"尚未出具责令限期整改指令书、现场处理措施决定书、强制措施决定书或整改通知书（告知书），不能出具{kind.zh}。",
        f"No order, measure or rectification notice has been issued yet that it could follow: {kind.en}.",
    )


def authority(s: Standing, kind: PaperKind) -> No | None:
    if s.authorised:
        return None
    return No(
        "G18",
        f"你所在的站所没有执法赋权或委托，不能出具{kind.zh}；可以出具整改通知书、隐患整改告知书或隐患交办单。",
        f"Your team has no enforcement authority for this ({kind.en}): issue a rectification notice, an advice or a dispatch note.",
    )


def two_officers(s: Standing, kind: PaperKind) -> No | None:
    if len({who.person for who in s.officers}) >= 2:
        return None
    return No("officers", f"{kind.zh}须有两名以上检查人员。", f"It takes two officers at least: {kind.en}.")


def two_certificates(s: Standing, kind: PaperKind) -> No | None:
    numbers = [who.certificate for who in s.officers if who.certificate]
    if len(numbers) >= 2 and len(set(numbers)) == len(numbers) == len(s.officers):
        return None
    return No(
        "officers",
        f"{kind.zh}须有两名以上检查人员，并各填执法证号。",
        f"It takes two officers, each with their own certificate's number: {kind.en}.",
    )


def was_assigned(s: Standing, kind: PaperKind) -> No | None:
    if s.case.assigned_at:
        return None
    return No("assigned", f"隐患尚未交办，不能出具{kind.zh}。", f"The hazard hasn't been assigned yet: no {kind.en}.")


def has_limit(s: Standing, kind: PaperKind) -> No | None:
    if s.case.due_at:
        return None
    return No("due", f"整改期限尚未确定，请先交办，再出具{kind.zh}。", f"There is no limit yet: assign the hazard first. No {kind.en}.")


def within(days: int) -> Check:
    """The limit that an order may set."""

    def in_time(s: Standing, kind: PaperKind) -> No | None:
        if s.case.due_at is None or day_of(s.case.due_at) - day_of(s.now) <= timedelta(days=days):
            return None
        return No(
            "too_long", f"{kind.zh}的整改期限不超过{days}日，请分期责令或另行报批。", f"It may give {days} days at most: {kind.en}."
        )

    return in_time


def measure_stands(s: Standing, kind: PaperKind) -> No | None:
    wanted = (s.control in COERCIVE) == (kind == K.coercive_measure) and s.control != InterimControl.none
    if wanted:
        return None
    names = "临时查封或停电" if kind == K.coercive_measure else "撤人、停用、停产等现场措施"
    en = "sealing or a power cut" if kind == K.coercive_measure else "a measure on the spot"
    return No("interim", f"尚未采取{names}，请先登记临时管控，再出具{kind.zh}。", f"Order {en} first, then issue the {kind.en}.")


def stop_disobeyed(s: Standing, kind: PaperKind) -> No | None:
    """Power is cut only to a unit with a major hazard that was ordered to stop and didn't (安全生产法 Art. 70)."""
    if s.control != InterimControl.power_cut or (s.case.grade == Grade.major and K.onsite_measure in s.before):
        return None
    return No(
        "stop_first",
        f"停电只用于重大隐患单位拒不执行停产停业、停止使用决定的情形，须先出具{K.onsite_measure.zh}，再出具{kind.zh}。",
        f"Power is cut only where a major hazard's unit doesn't obey an order to stop; that comes first: {K.onsite_measure.en}.",
    )


def was_reviewed(s: Standing, kind: PaperKind) -> No | None:
    if s.case.verified_at or s.case.failed_count:
        return None
    return No("reviewed", f"隐患还没有复查结论，不能出具{kind.zh}。", f"Nobody has re-inspected it yet: no {kind.en}.")


def is_major(s: Standing, kind: PaperKind) -> No | None:
    if s.case.grade == Grade.major:
        return None
    return No("G19", f"一般隐患不出具{kind.zh}。", f"Only for a major hazard: {kind.en}.")


def is_verified(s: Standing, kind: PaperKind) -> No | None:
    if s.case.verified_at and s.state in (HazardState.verified, HazardState.closed):
        return None
    return No("state", f"复查合格以后才能出具{kind.zh}。", f"After a re-inspection that was passed only: {kind.en}.")


def is_overdue(s: Standing, kind: PaperKind) -> No | None:
    if s.case.due_at and s.case.due_at < s.now and s.state in (HazardState.assigned, HazardState.rectifying):
        return None
    return No("not_due", f"隐患没有逾期未整改，不能出具{kind.zh}。", f"The hazard isn't overdue: no {kind.en}.")


def is_listed(s: Standing, kind: PaperKind) -> No | None:
    if s.case.listing != ListingLevel.none:
        return None
    return No("listed", f"隐患尚未批准挂牌，不能出具{kind.zh}。", f"The hazard isn't listed for supervision: no {kind.en}.")


def asked_for(application: CaseKind) -> Check:
    """What was asked about the hazard and the form sets down."""

    def is_there(s: Standing, kind: PaperKind) -> No | None:
        if application in s.applications:
            return None
        return No("application", f"本隐患没有{application.zh}，不能出具{kind.zh}。", f"No {application.en} about it: no {kind.en}.")

    return is_there


ENFORCED = (authority, two_certificates)
RULES: dict[PaperKind, Rule] = {
    K.inspection_record: Rule("应急检记", INSPECT, (two_officers,), "安全生产法第六十八条", officers=True),
    K.notice: Rule("应急整通", ISSUERS, (still_open, record_first, has_limit), "安全生产法第九条、第四十一条"),
    K.advice: Rule("应急整告", ISSUERS, (still_open, record_first, has_limit), "安全生产法第九条、第四十一条"),
    K.instruction_order: Rule(
        "应急责改", ENFORCERS, (still_open, *ENFORCED, record_first, has_limit, within(30)), "安全生产法第六十五条", officers=True
    ),
    K.onsite_measure: Rule(
        "应急现决", ENFORCERS, (still_open, *ENFORCED, record_first, measure_stands), "安全生产法第六十五条", officers=True
    ),
    K.coercive_measure: Rule(
        "应急强措", ENFORCERS, (still_open, *ENFORCED, record_first, measure_stands, stop_disobeyed),
        "安全生产法第六十五条、第七十条，消防法第五十四条", officers=True,
    ),
    K.dispatch: Rule("安办交", OFFICE, (still_open, was_assigned, has_limit), "安全生产法第九条"),
    K.review_opinion: Rule(
        "应急复查", ISSUERS | {P.district_department}, (record_first, order_first, was_reviewed), "安全生产法第六十五条", officers=True
    ),
    K.listing_notice: Rule(
        "安挂", LEADERS | {P.office_head, P.district_office}, (still_open, is_major, is_listed), "安全生产法第四十一条"
    ),
    K.extension_form: Rule(
        None, OFFICE | {Seat.responsible}, (asked_for(CaseKind.extension),), "安全生产事故隐患排查治理暂行规定", copies=1
    ),
    K.acceptance_opinion: Rule(
        "安验", LEADERS | {P.office_head, P.district_department}, (is_major, is_verified), "安全生产事故隐患排查治理暂行规定", copies=3
    ),
    K.transfer_form: Rule("安抄", OFFICE, (asked_for(CaseKind.transfer),), "安全生产法第六十九条"),
    K.urge_letter: Rule("安督", LEADERS | OFFICE, (still_open, is_overdue), "安全生产法第九条"),
}  # fmt: skip
FORMS = tuple(RULES)


@dataclass(frozen=True, slots=True)
class Permit:
    """The law says yes. `case` is the hazard under lock, `officers` those who inspected."""

    kind: PaperKind
    case: Row[Any]
    actor: Actor
    officers: tuple[Who, ...]
    unit_kind: str


def permit(session: Session, code: str, kind: PaperKind, acting: Acting, now: datetime, facts: Mapping[str, Any] | None = None) -> Permit:
    """Whether this paper may be issued now, in the caller's transaction, with the hazard locked. `facts`: officers (as in an inspection).

    Raises NoSuchCase, NotAllowed where the post may not, Refused with the first reason against it.
    """
    case = _hazard(session, acting, code, lock=True)
    if kind not in RULES:
        raise Refused("paper", "这不是可以就隐患出具的文书。", "That isn't a form that is issued about a hazard.")
    seated = seat(session, acting, now)
    _check_seat(situation(session, case, case, seated, "issue_paper", now, {}), kind)
    standing = _standing(session, case, seated, acting, now, facts or {})
    for check in RULES[kind].checks:
        if no := check(standing, kind):
            raise Refused(*no)
    return Permit(kind, case, seated.actor, standing.officers, seated.unit_kind)


def offers(session: Session, code: str, acting: Acting, now: datetime) -> list[Offer]:
    """Every form, and whether this post may issue it now, or why not; officers can still be named. Raises NoSuchCase; takes no lock."""
    case = _hazard(session, acting, code, lock=False)
    try:
        seated = seat(session, acting, now)
    except LawError:
        return []
    asked = situation(session, case, case, seated, "issue_paper", now, {})
    standing = _standing(session, case, seated, acting, now, {})
    return [_offer(asked, standing, kind) for kind in RULES]


def _offer(asked: Situation, standing: Standing, kind: PaperKind) -> Offer:
    try:
        _check_seat(asked, kind)
    except NotAllowed as other:
        return Offer(kind, kind.zh, kind.en, False, "post", other.detail, other.detail_en)
    refusals = (check(standing, kind) for check in RULES[kind].checks if check not in SAID_LATER)
    no = next((refusal for refusal in refusals if refusal), None)
    return Offer(kind, kind.zh, kind.en, False, *no) if no else Offer(kind, kind.zh, kind.en, True)


SAID_LATER = frozenset({two_officers, two_certificates})


def _hazard(session: Session, acting: Acting, code: str, *, lock: bool) -> Row[Any]:
    case = load_case(session, acting.township_id, code, lock=lock)
    if case.kind != CaseKind.hazard:
        raise Refused("paper", "只有隐患可以出具文书。", "Papers are issued about hazards only.")
    return case


def _check_seat(s: Situation, kind: PaperKind) -> None:
    who = RULES[kind].who
    if s.in_reach and (s.actor.kind in who or (Seat.responsible in who and s.actor.post == s.responsible_post)):
        return
    names = in_order(who)
    raise NotAllowed(
        s.actor.post,
        f"你的岗位不能出具{kind.zh}，须由{'、'.join(each.zh for each in names)}出具。",
        f"Your post can't issue this ({kind.en}); it takes one of: {', '.join(each.en for each in names)}.",
    )


VISIT = """
select inspection_id from answer where hazard_id = :id
"""
BEFORE = text(f"""
select distinct kind from paper
where case_id = :id or kind = 'inspection_record' and case_id in (
    select hazard_id from answer where inspection_id in ({VISIT}))
""")
APPLICATIONS = text("select distinct kind from cases where parent_id = :id")


def _standing(
    session: Session, case: Row[Any], seated: Seated, acting: Acting, now: datetime, facts: Mapping[str, Any]
) -> Standing:  # fmt: skip
    officers = named_officers(session, acting, now, facts) or recorded_officers(session, case.id)
    powers = authorised(session, acting, seated)
    before = frozenset(PaperKind(kind) for kind in session.execute(BEFORE, {"id": case.id}).scalars())
    applications = frozenset(CaseKind(kind) for kind in session.execute(APPLICATIONS, {"id": case.id}).scalars())
    return Standing(case, seated.actor, now, powers, officers, before, applications)


RECORDED = text("""
select facts -> 'officers' from paper where case_id = :id and kind = 'inspection_record' order by id desc limit 1
""")
INSPECTED = text(f"select person, post, certificate from officer where inspection_id = ({VISIT} limit 1) order by person")


def recorded_officers(session: Session, case_id: int) -> tuple[Who, ...]:
    """Who inspected, as the newest record says, else the inspection that found the hazard."""
    recorded = session.execute(RECORDED, {"id": case_id}).scalar()
    if recorded:
        return tuple(Who(each["person"], each["post"], each.get("certificate")) for each in recorded)
    return tuple(Who(row.person, row.post, row.certificate) for row in session.execute(INSPECTED, {"id": case_id}))


def next_number(session: Session, township_id: int, prefix: str, kind: PaperKind, now: datetime) -> str | None:
    """«（某镇）应急检记〔2023〕1号»: without a gap for every township, kind and year, as the counter's row is locked until the end of the
    transaction. The year is that of business time in Shanghai. None for a form that isn't numbered."""
    letters = RULES[kind].letters
    if letters is None:
        return None
    year = local(now).year
    nth = session.execute(NUMBER, {"township_id": township_id, "series": f"paper:{kind}:{year}"}).scalar_one()
    return f"（{prefix}）{letters}〔{year}〕{nth}号"
