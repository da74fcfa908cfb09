"""What is asked and ordered about a hazard besides mending it: more time, another judgement, a control meanwhile, a listing, a transfer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from drill.chance import Stream
from drill.habits import Habits, Move, by_day, shuffled
from drill.seen import Seen
from models.clock import end_of
from models.enumerations import CaseKind, Grade, HazardState, InterimControl, ListingLevel, PostKind, ReasonCode, SlaClass

P = PostKind
LONG = frozenset({SlaClass.g7, SlaClass.g15, SlaClass.g30})
DELAYS = (
    (ReasonCode.supply, "配件未到货"), (ReasonCode.weather, "连续雨雪，不能施工"), (ReasonCode.funding, "资金尚未落实"),
    (ReasonCode.external_factor, "施工单位未进场"),
)  # fmt: skip

MILDER = (InterimControl.warning, InterimControl.warning, InterimControl.guard, InterimControl.stop_equipment)


# The owner


def extension(seen: Seen, habits: Habits) -> Iterator[Move]:
    """申请延期, in time: half of those with long work ahead who see that it won't do; now and then a second time."""
    chance = Stream(habits.seed, seen.code, "request_extension", seen.extensions + 1)
    if seen.sla_class not in LONG or seen.pending or not seen.responsible or seen.asked.count(CaseKind.extension) > seen.extensions:
        return
    if not chance.happens(0.5 if seen.extensions else 0.05 if seen.sla_class == SlaClass.g7 else 0.25):
        return
    latest = seen.due_at - timedelta(days=3, hours=4)
    until = _asked_until(seen, chance)
    if latest <= seen.since or until is None:
        return
    at = by_day(seen.since + (latest - seen.since) * chance.between(0.3, 0.9, "when"), 0, chance)
    code, words = chance.pick(DELAYS, "reason")
    facts = {"reason": code, "statement": words, "interim_measures": "停用该部位，专人值守", "requested_due": until}
    yield Move(at, "request_extension", (seen.responsible,), facts)


def _asked_until(seen: Seen, chance: Stream) -> datetime | None:
    """Some days more, up to the campaign's end; a few ask beyond it."""
    until = end_of(seen.due_at + timedelta(days=int(chance.between(3, 9, "days"))))
    if seen.deadline is None or until <= seen.deadline or chance.happens(0.25, "beyond"):
        return until
    return seen.deadline if seen.deadline - seen.due_at > timedelta(hours=12) else None


def appeal(seen: Seen, habits: Habits) -> Iterator[Move]:
    """申诉: now and then an owner holds that there is no hazard."""
    chance = habits.of(seen, "appeal")
    if seen.round == 1 and seen.responsible and not seen.asked and not seen.pending and chance.happens(0.018):
        at = by_day(seen.since, chance.between(2, 26, "hours"), chance)
        yield Move(at, "appeal", (seen.responsible,), {"statement": "该处不是疏散通道，按图纸为设备间，请重新核查"})


# The office, inspectors and leaders


def transfer(seen: Seen, habits: Habits) -> Iterator[Move]:
    """移送: a hazard or two are another authority's business."""
    chance = habits.of(seen, "transfer")
    if seen.round > 1 or seen.grade == Grade.major or seen.twin or seen.asked or not chance.happens(0.014):
        return
    at = habits.in_office(seen.since, chance.between(0.3, 2, "hours"))
    facts = {
        "reason": ReasonCode.out_of_jurisdiction, "recipient": chance.pick(("区市场监管局", "区自然资源局", "区交通运输局"), "to"),
        "letter_no": f"移字〔{seen.found_at.year}〕{1 + int(chance.share('number') * 60)}号", "note": "不属本镇管辖",
    }  # fmt: skip
    yield Move(at, "transfer", tuple(habits.roster.of_kind(P.office_head)), facts)


def order_interim(seen: Seen, habits: Habits) -> Iterator[Move]:
    """采取临时管控: where it is major a leader stops the part at once; else an inspector warns, guards, or stops the equipment."""
    if seen.interim_control != InterimControl.none or seen.round > 1 or seen.twin:
        return
    chance = habits.of(seen, "order_interim")
    if seen.grade == Grade.major:
        at = seen.since + timedelta(hours=chance.between(0.2, 1.2, "hours"))
        leaders = shuffled([*habits.roster.of_kind(P.deputy_in_charge), *habits.roster.of_kind(P.township_head)], chance)
        control = InterimControl.full_stop if chance.happens(0.2, "whole") else InterimControl.partial_stop
        yield Move(at, "order_interim", tuple(leaders), {"interim_control": control, "stop_scope": "隐患所在部位及相邻作业面"})
    elif seen.sla_class in LONG and seen.state == HazardState.found and chance.happens(0.03 if seen.threat == "fire" else 0.12):
        at = habits.in_office(seen.since, chance.between(0.1, 0.4, "hours"))
        control = chance.pick(MILDER, "which")
        yield Move(at, "order_interim", tuple(shuffled(habits.roster.inspectors(seen.team), chance)), {"interim_control": control})


def lift_interim(seen: Seen, habits: Habits) -> Iterator[Move]:
    """解除临时管控: a leader, once somebody has seen that it is safe; some only after the closure."""
    kept = seen.state == HazardState.closed and seen.interim_kept
    if seen.interim_control == InterimControl.none or not (kept or seen.state == HazardState.verified):
        return
    chance = habits.of(seen, "lift_interim")
    if kept or chance.happens(0.8):
        at = habits.in_office(seen.since, chance.between(1, 12, "later") if kept else chance.between(0.2, 2, "hours"))
        leaders = shuffled(habits.roster.of_kind(P.deputy_in_charge), chance) or habits.roster.of_kind(P.township_head)
        yield Move(at, "lift_interim", tuple(leaders), {"reason": "现场核实，隐患已消除，恢复使用"})


def propose_listing(seen: Seen, habits: Habits) -> Iterator[Move]:
    """提请挂牌督办: what is major and has time ahead, once."""
    chance = habits.of(seen, "list_supervision")
    if seen.grade != Grade.major or CaseKind.listing in seen.asked or seen.due_at - seen.since < timedelta(days=7):
        return
    if chance.happens(0.5):
        at = habits.in_office(seen.since, chance.between(2, 12, "hours"))
        facts = {"level": ListingLevel.county, "statement": "治理周期长，请区级挂牌督办"}
        yield Move(at, "list_supervision", tuple(habits.roster.of_kind(P.office_head)), facts)
