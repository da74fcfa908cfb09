"""The simulated people: who does what next on a case, and when. Pure functions of what they see; see `chance` for how they choose.

Owners mend early, late or never; reviewers return some; the office dispatches, rejects and merges; leaders act when they are told.
The law is not asked here: what it refuses is refused, counted and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from drill import asking
from drill.chance import Stream
from drill.findings import fixes_at_once
from drill.habits import Habits, Move, by_day, shuffled, urged, urged_by_day
from drill.seen import Seen
from models.clock import local
from models.enumerations import LEADERS, CaseKind, Grade, HazardState, InterimControl, ListingLevel, PostKind, ReasonCode, SlaClass

P = PostKind


def next_move(seen: Seen, habits: Habits) -> Move | None:
    """The earliest thing that anybody is going to do about this case as it stands; None while all wait for somebody to be told."""
    moves = [move for choice in CHOICES[HazardState(seen.state)] for move in choice(seen, habits) if move.posts]
    return min(moves, key=lambda move: (move.at, move.trigger), default=None)


Choice = Callable[[Seen, Habits], Iterator[Move]]


# The office


def _dispatch(seen: Seen, habits: Habits) -> Iterator[Move]:
    """交办, unless somebody has seen that it is none, or known already."""
    chance = habits.of(seen, "assign")
    post = habits.roster.of_kind(P.office_head) if seen.grade == Grade.major else habits.roster.dispatchers()
    other = _instead_of_dispatch(seen, habits)
    if other:
        yield other
        return
    if seen.grade == Grade.major:
        at = seen.since + timedelta(hours=chance.between(0.3, 1.6, "hours"))
    elif chance.happens(0.05, "forgotten"):
        at = min(habits.in_office(seen.since, chance.between(14, 30, "hours")), urged(seen, habits, 1, chance, (2, 5)))
    else:
        at = habits.in_office(seen.since, chance.between(0.4, 5, "hours"))
    yield Move(at, "assign", tuple(post), _assignment(seen, habits))


def _instead_of_dispatch(seen: Seen, habits: Habits) -> Move | None:
    chance = habits.of(seen, "reject")
    at = habits.in_office(seen.since, chance.between(0.5, 4, "hours"))
    if seen.twin:
        return Move(at, "mark_duplicate", tuple(habits.roster.of_kind(P.office_dispatcher)), {"duplicate_of": seen.twin})
    if seen.round == 1 and seen.grade == Grade.general and not seen.returned and chance.happens(0.015):
        facts = {"reason": ReasonCode.not_a_hazard, "note": "现场核实，不构成隐患"}
        return Move(at, "reject", tuple(habits.roster.of_kind(P.office_head)), facts)
    return None


def _assignment(seen: Seen, habits: Habits) -> dict[str, Any]:
    """What was sent back goes to the village instead."""
    secretary = habits.roster.of_unit(P.village_secretary, seen.village)
    return {"responsible_post": secretary[0]} if seen.returned and secretary else {}


def _fix_on_spot(seen: Seen, habits: Habits) -> Iterator[Move]:
    """当场整改: the finder waits while the principal clears the way."""
    chance = habits.of(seen, "fix_on_spot")
    able = seen.sla_class == SlaClass.on_spot and seen.round == 1 and habits.roster.kinds.get(seen.finder) == P.inspector
    if able and not seen.returned and not seen.twin and not seen.asked and fixes_at_once(habits.seed, seen.place, seen.item):
        at = seen.since + timedelta(minutes=chance.between(6, 22, "minutes"))
        facts = {"principal_present": True, "text": f"当场整改：{seen.measure or '已清除'}", **_cause(seen, chance)}
        yield Move(at, "fix_on_spot", (seen.finder,), facts, photos=("after",))


CAUSES = (
    "从业人员安全意识不强，整改后无人检查；已明确专人每日检查", "整改时只清理了表面，未从源头解决；已调整存放位置并上墙制度",
    "负责人外出，无人管理；已指定代管人", "设备老旧，反复故障；已更换并列入每月检查",
)  # fmt: skip


def _cause(seen: Seen, chance: Stream) -> dict[str, str]:
    """What came back says why it did."""
    return {"root_cause": chance.pick(CAUSES, "cause")} if seen.recurrences else {}


def _regrade(seen: Seen, habits: Habits) -> Iterator[Move]:
    """A week that can't be enough becomes two; what turns out worse than it looked becomes major."""
    chance = habits.of(seen, "regrade")
    at = habits.in_office(seen.since, chance.between(2, 9, "hours"))
    if seen.round > 1 or seen.grade == Grade.major:
        return
    if seen.sla_class == SlaClass.g7 and chance.happens(0.02, "longer"):
        facts = {"sla_class": SlaClass.g15, "note": "需停业施工，原时限不足"}
        yield Move(at, "regrade", tuple(habits.roster.of_kind(P.office_head)), facts)
    if seen.threat in ("collapse", "explosion") and chance.happens(0.03, "worse"):
        facts = {"grade": Grade.major, "sla_class": SlaClass.major, "clause": seen.clause or "重大事故隐患判定标准"}
        yield Move(at, "regrade", tuple(habits.roster.of_kind(P.deputy_in_charge)), facts)


def _cancel(seen: Seen, habits: Habits) -> Iterator[Move]:
    """撤销: the place is gone. Two sign."""
    chance = habits.of(seen, "cancel")
    deputies = habits.roster.of_kind(P.deputy_in_charge)
    if seen.grade == Grade.general and seen.round == 1 and deputies and chance.happens(0.008):
        at = habits.in_office(seen.since, chance.between(4, 20, "hours"))
        facts = {"reason": ReasonCode.place_gone, "second_person": deputies[0], "note": "场所已拆除"}
        yield Move(at, "cancel", tuple(habits.roster.of_kind(P.office_head)), facts)


# The owner


def _acknowledge(seen: Seen, habits: Habits) -> Iterator[Move]:
    """签收: by the owner, or by the grid member with the signed paper once somebody has been told."""
    chance = habits.of(seen, "acknowledge")
    lot = chance.share("when")
    owner = (seen.responsible,) if seen.responsible else ()
    if seen.grade == Grade.major:
        yield Move(seen.since + timedelta(hours=chance.between(0.3, 3.5, "hours")), "acknowledge", owner)
        return
    if lot < 0.96:
        hours = chance.between(0.5, 12, "hours") if lot < 0.82 else chance.between(14, 34, "hours") if lot < 0.92 else 52.0
        yield Move(by_day(seen.since, hours, chance), "acknowledge", owner)
    grid = habits.roster.of_unit(P.grid_member, seen.village)
    if seen.level and seen.fired_at and grid and chance.happens(0.6, f"grid {seen.fired}"):
        at = by_day(seen.fired_at, chance.between(1, 8, "grid hours"), chance)
        yield Move(at, "acknowledge", tuple(grid), {"paper_signed": True, "note": "纸质交办单已由责任人签字"})


def _return_assignment(seen: Seen, habits: Habits) -> Iterator[Move]:
    chance = habits.of(seen, "return_assignment")
    if seen.round == 1 and seen.grade == Grade.general and not seen.returned and seen.responsible and chance.happens(0.02):
        at = by_day(seen.since, chance.between(1, 9, "hours"), chance)
        yield Move(at, "return_assignment", (seen.responsible,), {"reason": "该处不归本单位管理，请交村里处理"})


def _submit(seen: Seen, habits: Habits) -> Iterator[Move]:
    """报验: early, in time, late, only when a leader asks, or never. The last days of the campaign hurry some along."""
    chance = habits.of(seen, "submit")
    at = _mended_at(seen, chance)
    if seen.deadline and chance.happens(0.6, "hurries"):
        hurried = by_day(seen.deadline - timedelta(hours=chance.between(30, 130, "hours left")), 0, chance)
        at = min(at, max(hurried, seen.since + timedelta(hours=2))) if at else None
    if at is None or not seen.responsible:
        return
    photos = ("after", "document") if seen.grade == Grade.major else ("after",)
    yield Move(at, "submit", (seen.responsible,), _report(seen, chance), photos, _blunder(seen, chance))


def _blunder(seen: Seen, chance: Stream) -> str | None:
    """What is forgotten at the first try: the photo, a new photo, or why it came back."""
    lot = chance.share("blunder")
    if seen.recurrences and not seen.root_cause and lot > 0.85:
        return "no cause"
    return "no photo" if lot < 0.025 else "old photo" if lot < 0.035 else None


def _mended_at(seen: Seen, chance: Stream) -> datetime | None:
    lot = chance.share("temper") if seen.round == 1 else chance.share("temper") * 0.93
    span = seen.due_at - seen.since
    if lot < 0.36:
        return by_day(seen.since + span * chance.between(0.15, 0.55, "when"), 0, chance)
    if lot < 0.74:
        return by_day(seen.since + span * chance.between(0.6, 0.97, "when"), 0, chance)
    own = by_day(seen.due_at, chance.between(3, 90, "late hours"), chance) if lot < 0.91 else None
    listens_at = 1 if lot < 0.91 else 2 + int(chance.share("listens") * 4)
    urged = urged_by_day(seen, listens_at, chance, (3, 18)) if lot < 0.985 else None
    return min((at for at in (own, urged) if at), default=None)


def _report(seen: Seen, chance: Stream) -> dict[str, Any]:
    facts: dict[str, Any] = {"text": f"已整改：{seen.measure or '隐患已消除'}", **_cause(seen, chance)}
    if chance.happens(0.4, "spent"):
        facts["fund_actual"] = 50 * int(chance.between(1, 60, "funds"))
    if seen.grade == Grade.major:
        facts["plan"] = {
            "target": "消除重大隐患，恢复安全生产条件", "measures": seen.measure or "停用并治理", "funds_and_goods": "自筹资金，专项列支",
            "organisation_people": "主要负责人牵头，安全员落实", "time_limit": "按方案完成",
            "safety_and_emergency": "撤人、警戒，编制应急预案", "filed_at": seen.since.isoformat(),
        }  # fmt: skip
    return facts


# Reviewers and approvers


def _reinspect(seen: Seen, habits: Habits) -> Iterator[Move]:
    """复查: most within the limit, a few only when their head has been told; some send it back."""
    chance = habits.of(seen, "reinspect")
    inspectors = shuffled(habits.roster.inspectors(seen.team), chance)
    if not inspectors and seen.grade == Grade.major:
        inspectors = list(habits.roster.of_kind(P.district_department))
    at = habits.in_office(seen.since, chance.between(1, 13, "hours"))
    if chance.happens(0.06, "slow"):
        late = habits.in_office(seen.since, chance.between(24, 50, "late"))
        at = min(late, urged(seen, habits, 1 + chance.happens(0.4, "deaf"), chance, (2, 7)))
    if chance.happens((0.13, 0.08)[seen.round - 1] if seen.round < 3 else 0.03, "fails"):
        plain = chance.pick((ReasonCode.measure_incomplete, ReasonCode.measure_incomplete, ReasonCode.evidence_missing), "reason")
        reason = ReasonCode.fake_rectification if chance.happens(0.03, "fake") else plain
        yield Move(at, "reinspect_fail", tuple(inspectors), {"reason": reason, "note": "整改不到位，限期再改"})
    elif seen.grade == Grade.major:
        yield Move(at, "reinspect_pass", tuple(inspectors), {"site_visit": True, "expert": True, "note": "现场复查合格"})
    elif len(inspectors) > 1 and chance.happens(0.2, "paper"):
        facts = {"site_visit": True, "paper": "review_opinion", "second_person": inspectors[-1]}
        yield Move(at, "reinspect_pass", tuple(inspectors[:-1]), facts)
    else:
        yield Move(at, "reinspect_pass", tuple(inspectors), {"site_visit": True, "note": "复查合格"})


def _approve(seen: Seen, habits: Habits) -> Iterator[Move]:
    """销号: by the post that the law has named, or another one that it lets; not while something is asked about it or it is listed."""
    if seen.listing != ListingLevel.none or {CaseKind.extension, CaseKind.appeal} & set(seen.pending):
        return
    chance = habits.of(seen, "approve_close")
    posts = _approvers(seen, habits, chance)
    at = habits.in_office(seen.since, chance.between(0.5, 9, "hours"))
    if chance.happens(0.05, "slow"):
        at = min(habits.in_office(seen.since, chance.between(20, 45, "late")), urged(seen, habits, 1, chance, (1, 6)))
    if seen.round < 3 and chance.happens(0.03, "refuses"):
        yield Move(at, "refuse_close", posts, {"reason": ReasonCode.evidence_missing, "note": "佐证材料不全"})
        return
    facts: dict[str, Any] = {"comment": "同意销号"}
    if seen.interim_control != InterimControl.none:
        facts |= {"interim_lifted": True} if seen.grade == Grade.major else {"interim_kept": True}
    if seen.grade == Grade.major:
        facts["district_consent_no"] = f"区安委办〔{local(seen.since).year}〕{1 + int(chance.share('number') * 90)}号"
    yield Move(at, "approve_close", posts, facts)


def _approvers(seen: Seen, habits: Habits, chance: Stream) -> tuple[str, ...]:
    named = (seen.approver,) if seen.approver else ()
    if seen.grade == Grade.major or seen.recurrences or seen.sla_class == SlaClass.g30:
        return named
    own_line = habits.roster.of_unit(P.station_head, seen.team)
    others = [post for post in habits.roster.of_kind(P.station_head) if post not in own_line and post != seen.approver]
    mixed = shuffled(others, chance)
    return (*mixed, *named) if chance.happens(0.25, "another line") else (*named, *mixed)


# After closing, and when told


def _reopen(seen: Seen, habits: Habits) -> Iterator[Move]:
    """回头看: somebody looks again, and it has come back."""
    chance = habits.of(seen, "reopen")
    if chance.happens(0.02):
        at = habits.in_office(seen.since + timedelta(days=chance.between(3, 19, "days")), 1)
        yield Move(at, "reopen", tuple(shuffled(habits.roster.inspectors(seen.team), chance)), {"reason": "回头看发现反弹"})


def _take_up(seen: Seen, habits: Habits) -> Iterator[Move]:
    """接手督办: now and then a leader who has been told asks for a day."""
    chance = habits.of(seen, "take_up")
    if seen.level < 2 or seen.held or seen.fired_at is None or seen.grade == Grade.major:
        return
    told = [post for post in seen.told if habits.roster.kinds.get(post) in LEADERS]
    if told and chance.happens(0.3, f"{seen.clock} {seen.fired}"):
        at = by_day(seen.fired_at, chance.between(0.5, 5, "hours"), chance)
        facts = {"note": "已约谈责任人，明日前整改到位"}
        yield Move(at, "take_up", (chance.pick(told, "leader"),), facts, promise=timedelta(hours=20))


CHOICES: dict[HazardState, Sequence[Choice]] = {
    HazardState.found: (_fix_on_spot, _dispatch, asking.transfer, asking.order_interim),
    HazardState.reopened: (_dispatch,),
    HazardState.assigned: (
        _acknowledge, _return_assignment, _regrade, _cancel, _take_up, asking.appeal, asking.order_interim, asking.propose_listing,
    ),
    HazardState.rectifying: (
        _submit, _regrade, _cancel, _take_up, asking.extension, asking.appeal, asking.order_interim, asking.propose_listing,
    ),
    HazardState.submitted: (_reinspect, _take_up),
    HazardState.verified: (_approve, _take_up, asking.lift_interim),
    HazardState.closed: (_reopen, asking.lift_interim),
    HazardState.rejected: (),
    HazardState.duplicate: (),
    HazardState.cancelled: (),
    HazardState.transferred: (),
}  # fmt: skip
