"""Limits and working time: how long each move may take, and when the office works (`sla.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise

from models.clock import SHANGHAI
from models.enumerations import Clock, Grade, PostKind, Purpose, SlaClass, Word
from models.rules import Rules
from notifications.digest import DAYS, NEVER_HELD
from notifications.manner import Digest, Manner
from papers.township.days import read_days
from papers.township.tree import Tree
from papers.township.usual import ALWAYS_NAMED, WITHOUT_LIMIT, usual


class LimitUnit(Word):
    """Natural days end at 23:59:59 of the n-th day; hours are exact; working ones count the office's working time."""

    natural_hours = "natural_hours", "自然小时"
    natural_days = "natural_days", "自然日"
    working_hours = "working_hours", "工作小时"
    working_days = "working_days", "工作日"


@dataclass(frozen=True, slots=True)
class Limit:
    """`sla_class` only on the rectify clock. `most`: what a plan or an extension may reach, in the same unit.

    In force from `from_day` to `to_day`, both inclusive; None is «always» and «until further notice».
    """

    clock: Clock
    grade: Grade
    sla_class: SlaClass | None
    amount: int
    unit: LimitUnit
    most: int | None = None
    from_day: date | None = None
    to_day: date | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Sla:
    """Times of day are the township's. `quiet_hours` may pass midnight. `retry_minutes`: waits between tries of a message.

    `silence_days`: how long a silence may last at most; `hourly_cap`: how many messages a person hears within an hour. What isn't said is
    the engine's own number. `digest` is the policy of daily lists, None where there are none.
    """

    limits: tuple[Limit, ...]
    working_hours: tuple[tuple[time, time], ...]
    quiet_hours: tuple[time, time]
    digest_at: time
    bundle_cap: int
    retry_minutes: tuple[int, ...]
    cap_leaves_hours: int
    take_up_hours: int
    silence_days: int = Rules.silence_days
    hourly_cap: int | None = None
    digest: Digest | None = None


Key = tuple[Clock, Grade, SlaClass | None]
MAJOR_CLASSES = (SlaClass.major,)
GENERAL_CLASSES = tuple(each for each in SlaClass if each not in MAJOR_CLASSES)


def wanted() -> list[Key]:
    """Every clock and grade has a limit, the rectify clock one a class; duties have none."""
    plain: list[Key] = [(clock, grade, None) for clock in Clock if clock not in {Clock.rectify, *WITHOUT_LIMIT} for grade in Grade]
    general: list[Key] = [(Clock.rectify, Grade.general, each) for each in GENERAL_CLASSES]
    return [*plain, *general, *[(Clock.rectify, Grade.major, each) for each in MAJOR_CLASSES]]


def read_sla(tree: Tree) -> Sla | None:
    names = ["limits", "working_hours", "quiet_hours", "digest_at", "bundle_cap", "retry_minutes", "cap_leaves_hours", "take_up_hours"]
    keys = tree.keys(names, ["silence_days", "hourly_cap", "digest"])
    limits = _limits(keys["limits"])
    working = _working_hours(keys["working_hours"])
    quiet = _span(keys["quiet_hours"])
    digest = keys["digest_at"].cell().time_of_day()
    cap = keys["bundle_cap"].cell().whole(1, 100)
    retry = [minutes for each in keys["retry_minutes"].items() if (minutes := each.cell().whole(1, 10080)) is not None]
    leaves, take_up = keys["cap_leaves_hours"].cell().whole(0, 720), keys["take_up_hours"].cell().whole(1, 720)
    silence = None if keys["silence_days"].cell().empty else keys["silence_days"].cell().whole(1, 30)
    if quiet is None or digest is None or cap is None or leaves is None or take_up is None:
        return None
    hourly = None if keys["hourly_cap"].cell().empty else keys["hourly_cap"].cell().whole(1, 1000)
    lists = _digest(keys["digest"])
    if lists and Manner(quiet=quiet).quiet_until(datetime.combine(date(2023, 1, 1), digest, SHANGHAI)):
        keys["digest_at"].fault(f"{digest:%H:%M} 在免打扰时段内，发不出清单 no list goes out in quiet hours", "quiet_hours 以外 outside")
    return Sla(limits, working, quiet, digest, cap, tuple(retry), leaves, take_up, silence or Rules.silence_days, hourly, lists)


def _digest(tree: Tree) -> Digest | None:
    """Daily lists (`notifications.digest`); none where the township says nothing."""
    if tree.absent:
        return None
    keys = tree.keys((), ("days", "holds", "to"))
    days = "all" if keys["days"].absent else keys["days"].cell().filled()
    if days not in (*DAYS, None):
        keys["days"].fault(f"不认识 unknown days {days}", " · ".join(DAYS))
    holds = [purpose for each in keys["holds"].items() if (purpose := each.cell().word(Purpose, NEVER_HELD))]
    posts = [kind for each in keys["to"].items() if (kind := each.cell().word(PostKind))]
    return Digest(days or "all", tuple(map(str, holds)), tuple(map(str, posts)))


def _limits(tree: Tree) -> tuple[Limit, ...]:
    """Every limit of every day; the usual ones where a later clock isn't named."""
    limits = _editions(tree)
    for key in wanted():
        if key in limits:
            _check_days(tree, limits[key])
        elif key[0] in ALWAYS_NAMED and not tree.absent:
            tree.fault(f"缺少时限 limit missing: {_said(key)}", "amount 和 unit")
    missing = {key: editions for key, editions in usual_limits().items() if key not in limits}
    return tuple(limit for editions in [*limits.values(), *missing.values()] for limit in editions)


@cache
def usual_limits() -> Mapping[Key, Sequence[Limit]]:
    """The usual limits of the clocks that a folder need not name."""
    limits = _editions(usual("sla.yaml").mapping()["limits"])
    return {key: editions for key, editions in limits.items() if key[0] not in ALWAYS_NAMED}


def _editions(tree: Tree) -> dict[Key, list[Limit]]:
    """Limits by what they limit, the earliest first."""
    limits: dict[Key, list[Limit]] = {}
    for branch in tree.items():
        if limit := _limit(branch):
            limits.setdefault((limit.clock, limit.grade, limit.sla_class), []).append(limit)
    return {key: sorted(editions, key=lambda limit: limit.from_day or date.min) for key, editions in limits.items()}


def _check_days(tree: Tree, editions: Sequence[Limit]) -> None:
    """Every day has one limit and no day two."""
    said = _said((editions[0].clock, editions[0].grade, editions[0].sla_class))
    for before, after in pairwise(editions):
        if before.to_day is None or after.from_day is None or after.from_day <= before.to_day:
            _fault(tree, after, f"时限重复 duplicate limit: {said}", "起止日不重叠 no day in common: to 2023-05-14, from 2023-05-15")
        elif after.from_day > before.to_day + timedelta(days=1):
            what = f"时限断档 gap in the limits: {said}，{before.to_day} – {after.from_day}"
            _fault(tree, after, what, f"from: {before.to_day + timedelta(days=1)}")
    if editions[0].from_day:
        _fault(tree, editions[0], f"此前没有时限 no limit before {editions[0].from_day}: {said}", "最早一条不写 from: the earliest without")
    if editions[-1].to_day:
        _fault(tree, editions[-1], f"此后没有时限 no limit after {editions[-1].to_day}: {said}", "最后一条不写 to: the last without")


def _fault(tree: Tree, limit: Limit, what: str, expected: str) -> None:
    tree.findings.add(tree.file, limit.line, f"limits: {what}", expected)


def _said(key: Key) -> str:
    return " × ".join(str(part) for part in key if part is not None)


def _limit(tree: Tree) -> Limit | None:
    keys = tree.keys(["clock", "grade", "amount", "unit"], ["class", "most", "from", "to"])
    clock, grade = keys["clock"].cell().word(Clock), keys["grade"].cell().word(Grade)
    sla_class = None if keys["class"].cell().empty else keys["class"].cell().word(SlaClass)
    amount, unit = keys["amount"].cell().whole(1, 3660), keys["unit"].cell().word(LimitUnit)
    most = None if keys["most"].cell().empty else keys["most"].cell().whole(amount or 1, 3660)
    from_day, to_day = read_days(keys["from"], keys["to"])
    if clock is None or grade is None:
        return None
    if (clock, grade, sla_class) not in wanted():
        tree.fault(f"没有这种时限 no such limit: {_said((clock, grade, sla_class))}", _why_not(clock))
        return None
    return Limit(clock, grade, sla_class, amount or 1, unit or LimitUnit.natural_hours, most, from_day, to_day, tree.line)


def _why_not(clock: Clock) -> str:
    if clock in WITHOUT_LIMIT:
        return "履职自带到期时间，不写时限 a run of a duty brings its own due time"
    return "class 只用于整改 class only with rectify, major only with major"


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
