"""Duties: what posts owe again and again, in named packs (`duties.yaml`; may be missing)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import TypeVar

from cronsim import CronSim, CronSimError

from models.enumerations import EvidenceKind, InspectionTrigger, PlaceKind, PostKind, Word
from models.rhythm import MONTHS, Every, Weekday
from papers.township.audience import Mention
from papers.township.cell import Cell, Names
from papers.township.fault import Findings
from papers.township.post import NOT_LOADED
from papers.township.tree import Tree, read_tree

W = TypeVar("W", bound=Word)

FILE = "duties.yaml"
REQUIRED = ("code", "title", "owner")
OPTIONAL = (
    "pack", "each", "every", "cron", "due", "season", "days", "evidence", "closes_after_hours", "leader", "gate",
    "report", "done_by_inspection", "note", "source", "from", "to",
)  # fmt: skip
OWNERS = ("post", "kind", "of_place")
CRON = re.compile(r"\d{1,2} +\d{1,2}( +\S+){3}")
EDGE = re.compile(r"\d\d-\d\d")
WHEN_LATE = 72
BEGINNING = datetime.combine(date(2023, 1, 1), time())


class OfPlace(Word):
    """Which post owes what is asked for each place."""

    responsible = "responsible", "责任岗位", "its responsible post"
    inspector = "inspector", "监管站所检查人员", "an inspector of its supervising team"
    grid_member = "grid_member", "村网格员", "its village's grid member"
    village_secretary = "village_secretary", "村支部书记", "its village's secretary"
    station_head = "station_head", "监管站所负责人", "the head of its supervising team"


class Days(Word):
    all = "all", "每天", "every day"
    working = "working", "工作日", "working days"


@dataclass(frozen=True, slots=True)
class Pack:
    """A name under which duties belong together, as 四个一次 and 三个全员 do."""

    code: str
    title: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owes it; exactly one is set: one post, every post of a kind, or a post of each place."""

    post: str | None = None
    kind: PostKind | None = None
    of_place: OfPlace | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """For which places, the active ones of these kinds: with all of `details`, and with none of `without`."""

    kinds: tuple[PlaceKind, ...]
    details: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Due:
    weekday: Weekday | None = None
    month: int | None = None
    day: int | None = None
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty. `every` or `cron` is set. `season` are its first and last day as MM-DD; `closes_after_hours` count from the due time."""

    code: str
    title: str
    owner: Owner
    each: Each | None
    every: Every | None
    cron: str | None
    due: Due
    season: tuple[str, str] | None
    days: Days
    evidence: tuple[EvidenceKind, ...]
    closes_after_hours: int
    leader: bool
    gate: bool
    report: bool
    done_by: InspectionTrigger | None
    pack: str | None
    note: str | None
    source: str | None
    from_day: date | None
    to_day: date | None


@dataclass(frozen=True, slots=True)
class Duties:
    packs: tuple[Pack, ...] = ()
    duties: tuple[Duty, ...] = ()


def read_duties(folder: Path, posts: Names, findings: Findings) -> tuple[Duties, list[Mention]]:
    """The duties, and every kind of post that owes one. Without the file there are none."""
    if not (folder / FILE).exists():
        return Duties(), []
    keys = read_tree(folder, FILE, findings).keys(["duties"], ["packs"])
    packs = {pack.code: pack for pack in _packs(keys["packs"])}
    mentions: list[Mention] = []
    duties: dict[str, Duty] = {}
    for branch in keys["duties"].items():
        duty = _duty(branch, Around(posts, packs, mentions))
        if duty and duty.code in duties:
            branch.fault(f"重复 duplicate 「{duty.code}」", "每个编码一次 each code once")
        if duty:
            duties[duty.code] = duty
    return Duties(tuple(packs.values()), tuple(duties.values())), mentions


def _packs(tree: Tree) -> Iterator[Pack]:
    seen: set[str] = set()
    for branch in tree.items():
        keys = branch.keys(["code", "title"], ["note"])
        code, title, note = keys["code"].cell().code(), keys["title"].cell().filled(), keys["note"].cell().said()
        if code and code in seen:
            branch.fault(f"重复 duplicate 「{code}」", "每个编码一次 each code once")
        elif code and title:
            seen.add(code)
            yield Pack(code, title, note)


@dataclass(frozen=True, slots=True)
class Around:
    """What a duty refers to, and what is noted about it."""

    posts: Names
    packs: Mapping[str, Pack]
    mentions: list[Mention]


def _duty(tree: Tree, around: Around) -> Duty | None:
    keys = tree.keys(REQUIRED, OPTIONAL)
    code, title = keys["code"].cell().code(), keys["title"].cell().filled()
    each = None if keys["each"].absent else _each(keys["each"])
    owner = _owner(keys["owner"], around, for_places=not keys["each"].absent)
    every, cron = _rhythm(tree, keys)
    due = _due(keys["due"], every, has_cron=cron is not None)
    evidence = () if keys["evidence"].absent else tuple(_words(keys["evidence"], EvidenceKind))
    closes = _whole(keys["closes_after_hours"], 1, 8760)
    first, last = _span(keys["from"], keys["to"])
    rest = (
        _season(keys["season"]), _word(keys["days"], Days) or Days.all, evidence, WHEN_LATE if closes is None else closes,
        keys["leader"].cell().flag(), keys["gate"].cell().flag(), keys["report"].cell().flag(), _done_by(keys["done_by_inspection"]),
        _pack(keys["pack"].cell(), around.packs),
        keys["note"].cell().said(), keys["source"].cell().said(), first, last,
    )  # fmt: skip
    return Duty(code, title, owner, each, every, cron, due, *rest) if code and title and owner else None


def _owner(tree: Tree, around: Around, *, for_places: bool) -> Owner | None:
    keys = tree.keys([], OWNERS)
    said = [name for name in OWNERS if not keys[name].absent]
    wanted = ["of_place"] if for_places else ["post", "kind"]
    if len(said) != 1 or said[0] not in wanted:
        if not tree.absent:
            tree.fault(f"责任岗位写法不对 wrong owner: {' '.join(said) or '—'}", " 或 or ".join(f"{{{name}: …}}" for name in wanted))
        return None
    cell = keys[said[0]].cell()
    if said[0] == "of_place":
        return _owned(Owner(of_place=cell.word(OfPlace)))
    if said[0] == "post":
        return _owned(Owner(post=cell.known(around.posts)))
    kind = cell.word(PostKind, NOT_LOADED)
    if kind:
        around.mentions.append(Mention(str(kind), cell.file, cell.line))
    return _owned(Owner(kind=kind))


def _owned(owner: Owner) -> Owner | None:
    return owner if owner != Owner() else None


def _each(tree: Tree) -> Each:
    keys = tree.keys(["kinds"], ["details", "without"])
    kinds = tuple(_words(keys["kinds"], PlaceKind))
    if not keys["kinds"].absent and not keys["kinds"].items():
        keys["kinds"].fault("空着 empty", "至少一种场所 at least one kind of place")
    return Each(kinds, _details(keys["details"]), _details(keys["without"]))


def _details(tree: Tree) -> dict[str, str]:
    return {name: said for name, value in tree.mapping().items() if (said := value.cell().filled())}


def _rhythm(tree: Tree, keys: Mapping[str, Tree]) -> tuple[Every | None, str | None]:
    every, cron = keys["every"], keys["cron"]
    if every.absent == cron.absent:
        tree.fault("every 和 cron 要写一个 one of every and cron", "every: day · week · month · quarter · half_year · year 或 or cron: …")
        return None, None
    return _word(every, Every), None if cron.absent else _cron(cron.cell())


def _cron(cell: Cell) -> str | None:
    """Fires once a day at most: a run is named by its day."""
    text = cell.filled()
    if text is None:
        return None
    try:
        if CRON.fullmatch(text) and next(CronSim(text, BEGINNING)):
            return text
    except (CronSimError, StopIteration):
        pass
    cell.fault(f"cron 不对 bad cron {cell.shown}", "分 时 日 月 周，分和时是数 minute and hour as numbers: 0 12 * * 5")
    return None


def _due(tree: Tree, every: Every | None, *, has_cron: bool) -> Due:
    if has_cron and not tree.absent:
        tree.fault("cron 已经说了到期时间 cron says when it is due", "不写 due without due")
    keys = tree.keys([], ["at", *_parts(every)])
    at = None if keys["at"].absent else keys["at"].cell().time_of_day()
    weekday = _word(keys["weekday"], Weekday) if "weekday" in keys else None
    month = _whole(keys["month"], 1, MONTHS[every]) if "month" in keys and every else None
    return Due(weekday, month, _whole(keys["day"], 1, 31) if "day" in keys else None, at)


def _parts(every: Every | None) -> tuple[str, ...]:
    """What of a due day may be named."""
    if every is None:
        return "weekday", "day"
    if every in MONTHS:
        return ("day",) if every == Every.month else ("month", "day")
    return ("weekday",) if every == Every.week else ()


def _season(tree: Tree) -> tuple[str, str] | None:
    if tree.absent:
        return None
    keys = tree.keys(["from", "to"])
    first, last = _edge(keys["from"].cell()), _edge(keys["to"].cell())
    return (first, last) if first and last else None


def _edge(cell: Cell) -> str | None:
    """A day of the year, MM-DD; 02-29 too."""
    text = cell.filled()
    if text is None:
        return None
    try:
        if EDGE.fullmatch(text) and date.fromisoformat(f"2024-{text}"):
            return text
    except ValueError:
        pass
    cell.fault(f"日期不对 bad day of the year {cell.shown}", "MM-DD: 11-01")
    return None


def _span(first: Tree, last: Tree) -> tuple[date | None, date | None]:
    from_day, to_day = (None if edge.cell().empty else edge.cell().day() for edge in (first, last))
    if from_day and to_day and to_day < from_day:
        last.fault(f"早于开始 before its start: {to_day}", f"不早于 not before {from_day}")
    return from_day, to_day


def _done_by(tree: Tree) -> InspectionTrigger | None:
    return None if tree.absent else _word(tree.keys(["trigger"])["trigger"], InspectionTrigger)


def _pack(cell: Cell, packs: Mapping[str, Pack]) -> str | None:
    if cell.empty or cell.text in packs:
        return cell.said()
    cell.fault(f"没有这个任务包 unknown pack {cell.shown}{cell.findings.near(cell.text, packs)}", " ".join(packs) or "packs: - code: …")
    return None


def _word(tree: Tree, kind: type[W]) -> W | None:
    return None if tree.absent else tree.cell().word(kind)


def _words(tree: Tree, kind: type[W]) -> Iterator[W]:
    return iter(dict.fromkeys(word for each in tree.items() if (word := each.cell().word(kind))))


def _whole(tree: Tree, least: int, most: int) -> int | None:
    return None if tree.absent else tree.cell().whole(least, most)
