"""Who decides what was asked, and what becomes of a public report. Pure functions of what they see, like `people`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from drill.chance import Stream
from drill.habits import Habits, Move, by_day, shuffled
from drill.waiting import Waiting
from models.clock import day_of, local
from models.enumerations import CaseKind, HazardState, InterimControl, PostKind

P = PostKind


def next_answer(case: Waiting, habits: Habits) -> Move | None:
    """The earliest thing that anybody is going to do about it as it stands."""
    moves = [move for choice in CHOICES.get((case.kind, case.state), ()) for move in choice(case, habits) if move.posts]
    return min(moves, key=lambda move: (move.at, move.trigger), default=None)


def _approver(case: Waiting) -> tuple[str, ...]:
    return (case.approver,) if case.approver else ()


# What was asked about a hazard


def _extension(case: Waiting, habits: Habits) -> Iterator[Move]:
    """Most are granted; beyond the campaign only where a control stands meanwhile."""
    chance = habits.of(case, "decide")
    at = habits.in_office(case.since, chance.between(1, 13, "hours"))
    unguarded = case.beyond and case.interim_control == InterimControl.none
    if unguarded or chance.happens(0.3, "no"):
        reason = "越过专项行动截止日且未采取管控措施，不予延期" if unguarded else "可以按期完成，不予延期"
        yield Move(at, "decline", _approver(case), {"reason": reason})
    else:
        yield Move(at, "grant", _approver(case), {"comment": "同意，延期期间落实防控措施"})


def _opinion(case: Waiting, habits: Habits) -> Iterator[Move]:
    chance = habits.of(case, "opine")
    at = habits.in_office(case.since, chance.between(1, 6, "hours"))
    yield Move(at, "opine", tuple(habits.roster.of_kind(P.office_head)), {"opinion": "已到现场核对图纸，情况见附件，请领导决定"})


def _appeal(case: Waiting, habits: Habits) -> Iterator[Move]:
    chance = habits.of(case, "judge")
    at = habits.in_office(case.since, chance.between(6, 14, "hours"))
    if chance.happens(0.45, "founded"):
        yield Move(at, "uphold", _approver(case), {"reason": "经核查，该处不构成隐患"})
    else:
        yield Move(at, "dismiss", _approver(case), {"reason": "经核查，隐患属实，按期整改"})


def _transfer(case: Waiting, habits: Habits) -> Iterator[Move]:
    chance = habits.of(case, "reply")
    at = habits.in_office(case.since, chance.between(16, 60, "hours"))
    back = chance.happens(0.4, "back")
    said = "经核实，属乡镇职责，退回办理" if back else "已接收并立案办理"
    yield Move(at, "send_back" if back else "accept", tuple(habits.roster.dispatchers()), {"reply": said})


def _listing(case: Waiting, habits: Habits) -> Iterator[Move]:
    chance = habits.of(case, "list")
    at = habits.in_office(case.since, chance.between(3, 12, "hours"))
    number = f"区安委办挂〔{local(case.since).year}〕{1 + int(chance.share('number') * 30)}号"
    yield Move(at, "list", _approver(case), {"notice_no": number, "treat_by": _treat_by(case, at)})


def _treat_by(case: Waiting, at: datetime) -> str:
    return day_of(max(case.treat_by or at, at)).isoformat()


def _listed(case: Waiting, habits: Habits) -> Iterator[Move]:
    """The unit reports how far it is; once it has passed its re-inspection the office asks to have it taken off the list."""
    chance = habits.of(case, "delist")
    if case.hazard_state == HazardState.verified and case.hazard_since:
        at = habits.in_office(max(case.since, case.hazard_since), chance.between(0.5, 3, "hours"))
        yield Move(at, "ask_delisting", tuple(habits.roster.of_kind(P.office_head)), {"note": "复查合格，申请摘牌"})
    elif case.responsible:
        at = by_day(case.since + timedelta(days=chance.between(6, 11, "days")), 0, chance)
        yield Move(at, "report_progress", (case.responsible,), {"note": "按方案推进，安全措施落实"})


def _delist(case: Waiting, habits: Habits) -> Iterator[Move]:
    chance = habits.of(case, "off")
    if case.hazard_state == HazardState.verified:
        yield Move(habits.in_office(case.since, chance.between(2, 9, "hours")), "delist", _approver(case), {"comment": "同意摘牌"})


# Public reports


def _verify(case: Waiting, habits: Habits) -> Iterator[Move]:
    """Somebody goes there: it is as reported, or it isn't."""
    chance = habits.of(case, "verify")
    at = habits.in_office(case.since, chance.between(2, 20, "hours"))
    if not chance.happens(0.62, "true") or case.place is None:
        facts = {"reason": "现场核查，未发现所反映的情况"}
        yield Move(at, "dismiss_report", tuple(habits.roster.of_kind(P.office_head)), facts)
    elif case.twin:
        yield Move(at, "substantiate", _verifiers(case, habits, chance), {"hazard": case.twin, "note": "已登记为隐患，正在整改"})
    else:
        yield Move(at, "substantiate", _verifiers(case, habits, chance), {"note": "情况属实"}, finds=case.place)


def _verifiers(case: Waiting, habits: Habits, chance: Stream) -> tuple[str, ...]:
    return tuple(shuffled(habits.roster.inspectors(case.team or ""), chance) or habits.roster.dispatchers())


def _again(case: Waiting, habits: Habits) -> Iterator[Move]:
    """The reporter wasn't satisfied: the office looks once more. What was closed and is found as reported opens again."""
    chance = habits.of(case, "look again")
    at = habits.in_office(case.since, chance.between(3, 18, "hours"))
    if case.hazard and chance.happens(0.75, "true"):
        yield Move(at, "substantiate", _verifiers(case, habits, chance), {"hazard": case.hazard, "note": "再次核查，反映属实"})
    else:
        facts = {"reason": "再次核查，与答复一致"}
        yield Move(at, "dismiss_report", tuple(habits.roster.of_kind(P.office_head)), facts)


def _answer(case: Waiting, habits: Habits) -> Iterator[Move]:
    """答复: as soon as it is mended, or that it is being mended, before the time to answer is over."""
    chance = habits.of(case, "answer")
    since, hours, said = case.since, chance.between(0.5, 4, "hours"), "经核查，未发现所反映的情况"
    if case.state == "substantiated" and case.hazard_state == HazardState.closed and case.hazard_since:
        since, said = max(since, case.hazard_since), "已整改完毕，感谢监督"
    elif case.state == "substantiated":
        hours, said = chance.between(26, 34, "patience"), "情况属实，已责令限期整改"
    yield Move(habits.in_office(since, hours), "answer_report", tuple(habits.roster.dispatchers()), {"answer": said})


def _verdict(case: Waiting, habits: Habits) -> Iterator[Move]:
    """The reporter is content, holds that nothing has changed, or doesn't say. Who was told of a promise waits until it should be kept."""
    chance = habits.of(case, "verdict")
    lot = chance.share("lot")
    at = by_day(case.since, chance.between(5, 70, "hours"), chance)
    if lot < (0.7 if case.answers > 1 else 0.5):
        yield Move(at, "accept_answer", (P.reporter,))
    elif lot < 0.8 and case.answers == 1 and case.hazard_state in (None, HazardState.closed):
        since = max(case.since, case.hazard_since or case.since)
        yield Move(by_day(since, chance.between(8, 60, "hours"), chance), "dispute_answer", (P.reporter,), {"reason": "现场还是老样子"})


Choice = Callable[[Waiting, Habits], Iterator[Move]]
CHOICES: dict[tuple[str, str], Sequence[Choice]] = {
    (CaseKind.extension, "asked"): (_extension,),
    (CaseKind.appeal, "asked"): (_opinion,),
    (CaseKind.appeal, "opined"): (_appeal,),
    (CaseKind.transfer, "sent"): (_transfer,),
    (CaseKind.listing, "proposed"): (_listing,),
    (CaseKind.listing, "listed"): (_listed,),
    (CaseKind.listing, "delisting"): (_delist,),
    (CaseKind.report, "received"): (_verify,),
    (CaseKind.report, "substantiated"): (_answer,),
    (CaseKind.report, "unfounded"): (_answer,),
    (CaseKind.report, "answered"): (_verdict,),
    (CaseKind.report, "disputed"): (_again,),
}
