"""Limits and working time: how long each move may take, and when the office works (`sla.yaml`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from models.enumerations import Clock, Grade, SlaClass, Word
from papers.township.tree import Tree


class LimitUnit(Word):
    """Natural days end at 23:59:59 of the n-th day; hours are exact; working ones count the office's working time."""

    natural_hours = "natural_hours", "自然小时"
    natural_days = "natural_days", "自然日"
    working_hours = "working_hours", "工作小时"
    working_days = "working_days", "工作日"


@dataclass(frozen=True, slots=True)
class Limit:
    """`sla_class` only on the rectify clock. `most`: what a plan or an extension may reach, in the same unit."""

    clock: Clock
    grade: Grade
    sla_class: SlaClass | None
    amount: int
    unit: LimitUnit
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Sla:
    """Times of day are the township's. `quiet_hours` may pass midnight. `retry_minutes`: waits between tries of a message."""

    limits: tuple[Limit, ...]
    working_hours: tuple[tuple[time, time], ...]
    quiet_hours: tuple[time, time]
    digest_at: time
    bundle_cap: int
    retry_minutes: tuple[int, ...]
    cap_leaves_hours: int
    take_up_hours: int


Key = tuple[Clock, Grade, SlaClass | None]
MAJOR_CLASSES = (SlaClass.major,)
GENERAL_CLASSES = tuple(each for each in SlaClass if each not in MAJOR_CLASSES)


def wanted() -> list[Key]:
    """Every clock and grade has a limit, the rectify clock one a class."""
    plain: list[Key] = [(clock, grade, None) for clock in Clock if clock != Clock.rectify for grade in Grade]
    general: list[Key] = [(Clock.rectify, Grade.general, each) for each in GENERAL_CLASSES]
    return [*plain, *general, *[(Clock.rectify, Grade.major, each) for each in MAJOR_CLASSES]]


def read_sla(tree: Tree) -> Sla | None:
    names = ["limits", "working_hours", "quiet_hours", "digest_at", "bundle_cap", "retry_minutes", "cap_leaves_hours", "take_up_hours"]
    keys = tree.keys(names)
    limits = _limits(keys["limits"])
    working = _working_hours(keys["working_hours"])
    quiet = _span(keys["quiet_hours"])
    digest = keys["digest_at"].cell().time_of_day()
    cap = keys["bundle_cap"].cell().whole(1, 100)
    retry = [minutes for each in keys["retry_minutes"].items() if (minutes := each.cell().whole(1, 10080)) is not None]
    leaves, take_up = keys["cap_leaves_hours"].cell().whole(0, 720), keys["take_up_hours"].cell().whole(1, 720)
    if quiet is None or digest is None or cap is None or leaves is None or take_up is None:
        return None
    return Sla(limits, working, quiet, digest, cap, tuple(retry), leaves, take_up)


def _limits(tree: Tree) -> tuple[Limit, ...]:
    limits: dict[Key, Limit] = {}
    for branch in tree.items():
        limit = _limit(branch)
        if limit and (limit.clock, limit.grade, limit.sla_class) in limits:
            branch.fault("时限重复 duplicate limit", "每个时钟、等级、类别一条 one a clock, grade and class")
        if limit:
            limits[limit.clock, limit.grade, limit.sla_class] = limit
    for key in wanted():
        if key not in limits and not tree.absent:
            tree.fault(f"缺少时限 limit missing: {_said(key)}", "amount 和 unit")
    return tuple(limits.values())


def _said(key: Key) -> str:
    return " × ".join(str(part) for part in key if part is not None)


def _limit(tree: Tree) -> Limit | None:
    keys = tree.keys(["clock", "grade", "amount", "unit"], ["class", "most"])
    clock, grade = keys["clock"].cell().word(Clock), keys["grade"].cell().word(Grade)
    sla_class = None if keys["class"].cell().empty else keys["class"].cell().word(SlaClass)
    amount, unit = keys["amount"].cell().whole(1, 3660), keys["unit"].cell().word(LimitUnit)
    most = None if keys["most"].cell().empty else keys["most"].cell().whole(amount or 1, 3660)
    if clock is None or grade is None:
        return None
    if (clock, grade, sla_class) not in wanted():
        tree.fault(
            f"没有这种时限 no such limit: {_said((clock, grade, sla_class))}",
            "class 只用于整改 class only with rectify, major only with major",
        )
        return None
    return Limit(clock, grade, sla_class, amount or 1, unit or LimitUnit.natural_hours, most)


def _working_hours(tree: Tree) -> tuple[tuple[time, time], ...]:
    branches = tree.items()
    spans = [span for branch in branches if (span := _span(branch))]
    if not branches and not tree.absent:
        tree.fault("空着 empty", "08:30-12:00")
    edges = [edge for span in spans for edge in span]
    if edges != sorted(set(edges)):
        tree.fault("重叠或倒序 overlapping or backwards", "从早到晚 from morning to evening: 08:30-12:00, 14:30-18:00")
    return tuple(spans)


def _span(tree: Tree) -> tuple[time, time] | None:
    cell = tree.cell()
    text = cell.filled()
    if text is None:
        return None
    parts = text.replace("–", "-").split("-")
    if len(parts) != 2:
        cell.fault(f"时段不对 bad span {cell.shown}", "HH:MM-HH:MM")
        return None
    first, last = (type(cell)(part.strip(), cell.name, cell.file, cell.line, cell.findings).time_of_day() for part in parts)
    if first is None or last is None:
        return None
    if first == last:
        cell.fault(f"时段为空 empty span {cell.shown}", "HH:MM-HH:MM")
        return None
    return first, last
