"""The rows of a replay's table that tell of inspections, duties, applications, reports and gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drill.records import DutyKept, Records
from models.enumerations import (
    AppealState,
    CaseKind,
    DutyState,
    ExtensionState,
    InspectionTrigger,
    ListingState,
    RecurrenceKind,
    ReportState,
    StartWork,
    TransferState,
    Verdict,
    Word,
)

TOLD = 8  # duties that are told one by one


def rows(said: Records) -> list[tuple[str, str]]:
    """What it is, and how much."""
    return [*_inspections(said), *_duties(said), *_asked(said), *_watched(said)]


def _inspections(said: Records) -> Iterator[tuple[str, str]]:
    yield "检查 inspections", f"{said.inspections}{_told(said.by_trigger, InspectionTrigger)}"
    share = "—" if said.coverage is None else f"{said.coverage:.1%}"
    tried = f"，两次未能入内 {said.tried}" if said.tried else ""
    yield "检查覆盖 places covered", f"{said.covered}/{said.in_scope}{tried}，覆盖率 {share}"
    yield "回头看 re-checks", f"{sum(said.rechecks.values())}{_told(said.rechecks, DutyState)}"
    yield "反弹重开 reopened", str(said.reopened)
    yield "反复发生 recurrences", f"{sum(said.recurrences.values())}{_told(said.recurrences, RecurrenceKind)}"


def _duties(said: Records) -> Iterator[tuple[str, str]]:
    whole = [sum(getattr(each, name) for each in said.duties) for name in ("due", "done", "late", "missed", "excused")]
    if whole[0]:
        yield "履职 duties due", _kept(DutyKept("", *whole))
    yield from ((f"履职 duty: {each.title}", _kept(each)) for each in said.duties[:TOLD])
    if len(said.duties) > TOLD:
        yield "履职 duty: 其他 others", f"{len(said.duties) - TOLD} 项，应履职 {sum(each.due for each in said.duties[TOLD:])}"


def _kept(each: DutyKept) -> str:
    said = f"{each.due}（按时 {each.done}，迟做 {each.late}，未履职 {each.missed}"
    return f"{said}，免责 {each.excused}）" if each.excused else f"{said}）"


def _asked(said: Records) -> Iterator[tuple[str, str]]:
    of: tuple[tuple[str, Mapping[str, int], type[Word]], ...] = (
        ("延期申请 extensions", said.extensions, ExtensionState), ("申诉 appeals", said.appeals, AppealState),
        ("移送 transfers", said.transfers, TransferState), ("挂牌督办 listings", said.listings, ListingState),
        ("群众举报 public reports", said.reports, ReportState),
    )  # fmt: skip
    yield from ((name, f"{sum(counts.values())}{_told(counts, words)}") for name, counts, words in of)
    yield "举报人意见 verdicts", f"{sum(said.verdicts.values())}{_told(said.verdicts, Verdict)}"


def _watched(said: Records) -> Iterator[tuple[str, str]]:
    ordered, lifted = said.interim.get("order_interim", 0), said.interim.get("lift_interim", 0)
    yield "临时管控 interim controls", f"采取 {ordered}，另行解除 {lifted}"
    yield "开工许可 start-work gates", f"{_listed(said.gates, StartWork) or '—'}；其间{_listed(said.gate_moves, StartWork) or '未变'}"
    yield "各类案卷升级 escalations by kind of case", _listed(said.climbed, CaseKind) or "0"
    if said.best_village and said.worst_village:
        first, last = said.best_village, said.worst_village
        yield "村排名 villages: 首末 best and last", f"{first.name} {first.points:.1f}，{last.name} {last.points:.1f}"


def _told(counts: Mapping[str, int], words: type[Word]) -> str:
    return f"（{_listed(counts, words)}）" if counts else ""


def _listed(counts: Mapping[str, int], words: type[Word]) -> str:
    return "，".join(f"{words(name).zh} {count}" for name, count in counts.items())
