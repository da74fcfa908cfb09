"""Ladders: for each clock and grade, who is told when (`ladders.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from models.enumerations import Clock, Grade, Word
from papers.township.audience import Mention, read_audience
from papers.township.tree import Tree
from papers.township.usual import ALWAYS_NAMED, usual

Key = tuple[Clock, Grade]


class Counted(Word):
    """How a ladder's hours run: natural ones go on day and night; of working ones 24 make one working day."""

    natural = "natural", "自然时"
    working = "working", "工作日"


@dataclass(frozen=True, slots=True)
class Rung:
    """`after_hours` from the due time, before it when negative. Level 0 reminds, 1 and up escalate."""

    level: int
    after_hours: float
    told: tuple[str, ...]
    urge_letter: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """`repeat_hours`: how often the last rung is said again while nobody moves, in natural hours."""

    clock: Clock
    grade: Grade
    counted: Counted
    repeat_hours: int
    rungs: tuple[Rung, ...]


def read_ladders(tree: Tree) -> tuple[tuple[Ladder, ...], list[Mention]]:
    """One ladder for every clock and grade, and every post that the file mentions; the usual one where a later clock isn't named."""
    mentions: list[Mention] = []
    top = tree.keys(["ladders"])["ladders"]
    ladders = _ladders(top, mentions)
    _check_complete(top, ladders)
    missing = [ladder for key, ladder in usual_ladders().items() if key not in ladders]
    return (*ladders.values(), *missing), mentions


@cache
def usual_ladders() -> Mapping[Key, Ladder]:
    """The usual ladders of the clocks that a folder need not name."""
    ladders = _ladders(usual("ladders.yaml").keys(["ladders"])["ladders"], [])
    return {key: ladder for key, ladder in ladders.items() if ladder.clock not in ALWAYS_NAMED}


def _ladders(top: Tree, mentions: list[Mention]) -> dict[Key, Ladder]:
    ladders: dict[Key, Ladder] = {}
    for branch in top.items():
        ladder = _ladder(branch, mentions)
        if ladder and (ladder.clock, ladder.grade) in ladders:
            branch.fault(f"重复 duplicate: {ladder.clock} × {ladder.grade}", "每个时钟和等级一条 one a clock and grade")
        if ladder:
            ladders[ladder.clock, ladder.grade] = ladder
    return ladders


def _check_complete(top: Tree, ladders: Mapping[Key, Ladder]) -> None:
    for clock in Clock:
        for grade in Grade:
            if clock in ALWAYS_NAMED and (clock, grade) not in ladders and not top.absent:
                what = f"缺少阶梯 ladder missing: {clock} × {grade}（{clock.zh}·{grade.zh}）"
                top.fault(what, f"clock: {clock}, grade: {grade}, rungs: …")


def _ladder(tree: Tree, mentions: list[Mention]) -> Ladder | None:
    keys = tree.keys(["clock", "grade", "counted", "repeat_hours", "rungs"], ["cc"])
    clock, grade = keys["clock"].cell().word(Clock), keys["grade"].cell().word(Grade)
    counted, repeat = keys["counted"].cell().word(Counted), keys["repeat_hours"].cell().whole(1, 8760)
    cc, said = read_audience(keys["cc"])
    mentions += said
    branches = keys["rungs"].items()
    rungs = [rung for branch in branches if (rung := _rung(branch, cc, mentions))]
    if not branches and not keys["rungs"].absent:
        keys["rungs"].fault("没有一级 no rung", "至少一级 at least one rung")
    if len(rungs) == len(branches):
        _check_order(branches, rungs)
    if clock is None or grade is None:
        return None
    return Ladder(clock, grade, counted or Counted.natural, repeat or 1, tuple(rungs))


def _rung(tree: Tree, cc: tuple[str, ...], mentions: list[Mention]) -> Rung | None:
    keys = tree.keys(["level", "after", "to"], ["cc", "urge_letter"])
    level, after = keys["level"].cell().whole(0, 20), keys["after"].cell().number(-8760, 8760)
    to, said = read_audience(keys["to"])
    more, said_more = read_audience(keys["cc"])
    mentions += said + said_more
    if not keys["to"].absent and not keys["to"].items():
        keys["to"].fault("没有人 nobody", "至少一种岗位 at least one kind of post")
    if level is None or after is None:
        return None
    return Rung(level, after, tuple(dict.fromkeys([*to, *more, *cc])), keys["urge_letter"].cell().flag())


def _check_order(branches: list[Tree], rungs: list[Rung]) -> None:
    """In time, and upwards: what comes later is never a lower level."""
    for branch, before, rung in zip(branches[1:], rungs, rungs[1:], strict=False):
        if (rung.after_hours, rung.level) == (before.after_hours, before.level):
            branch.fault(f"重复 duplicate rung: {rung.after_hours:g} h, level {rung.level}", "每级一次 each rung once")
        elif rung.after_hours < before.after_hours or rung.level < before.level:
            branch.fault("次序不对 out of order", "时间和级别都不倒退 neither hours nor level fall")
