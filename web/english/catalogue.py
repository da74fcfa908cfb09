"""The catalogues: which Chinese is which English. Read once, at the first page in English."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from models.enumerations import Word
from statemachines.laws import LAWS

ROOM = Path(__file__).parent
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
HOLE = re.compile(r"(\{(?:zh)?\})")
HOLES = {"{}": "([^·；：。]+?)", "{zh}": "(.+?)"}
SLOT = re.compile(r"\{(\d*|zh)\}")
MANY = "\ue000"
WROTE, WRITTEN = "\ue001", "\ue002"
JOINTS = tuple(re.compile(joint) for joint in (r"(；)", r"(\s*·\s*)", r"(：)", r"(，)", r"(、)", r"(\s+)"))
SAID_JOINTS = {"；": "; ", "：": ": ", "，": ", ", "、": ", "}
SENTENCES = re.compile(r"(?<=[。！？])\s*")
WORDS = re.compile(r"[\w—–%]")
DATE = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(?:(\d{1,2})日)?(?: ?(\d\d:\d\d))?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
Lines = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with holes; `stays` says of each hole whether what people wrote stands in it."""

    zh: re.Pattern[str]
    en: tuple[str, ...]
    stays: tuple[bool, ...]
    literals: tuple[str, ...]

    @property
    def weight(self) -> int:
        return sum(map(len, self.literals))


@dataclass(slots=True)
class Catalogue:
    """Whole texts, then texts with holes, found by their first or last character where that is written."""

    whole: dict[str, str]
    by_start: dict[str, list[Pattern]] = field(default_factory=lambda: defaultdict(list))
    by_end: dict[str, list[Pattern]] = field(default_factory=lambda: defaultdict(list))
    loose: list[Pattern] = field(default_factory=list)

    def candidates(self, zh: str) -> list[Pattern]:
        """The patterns that may fit, the most telling first."""
        near = [*self.by_start.get(zh[0], ()), *self.by_end.get(zh[-1], ()), *self.loose]
        fitting = [each for each in near if all(part in zh for part in each.literals)]
        return sorted(fitting, key=lambda each: (-each.weight, sum(each.stays)))

    def add(self, zh: str, en: str) -> None:
        if not HOLE.search(zh):
            self.whole[zh] = en
            return
        pattern = pattern_of(zh, en)
        parts = HOLE.split(zh)
        if parts[0]:
            self.by_start[parts[0][0]].append(pattern)
        elif parts[-1]:
            self.by_end[parts[-1][-1]].append(pattern)
        else:
            self.loose.append(pattern)


def pattern_of(zh: str, en: str) -> Pattern:
    """Raises ValueError where the English has other holes than the Chinese."""
    parts = HOLE.split(zh)
    holes = parts[1::2]
    slots = SLOT.split(en)
    numbers = [int(number) - 1 if number.isdigit() else at for at, number in enumerate(slots[1::2])]
    if sorted(set(numbers)) != list(range(len(holes))):
        raise ValueError(f"{zh}: {en}")
    fitting = re.compile("".join(re.escape(part) if at % 2 == 0 else HOLES[part] for at, part in enumerate(parts)), re.DOTALL)
    numbered = tuple(part if at % 2 == 0 else str(numbers[at // 2]) for at, part in enumerate(slots))
    return Pattern(fitting, numbered, tuple(hole == "{zh}" for hole in holes), tuple(part for part in parts[::2] if part))


def lines(path: Path) -> list[tuple[str, str]]:
    """What a file says, in its order; every value is a text, also «No»."""
    said = yaml.load(path.read_text(encoding="utf8"), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)) or {}
    return [(str(zh), str(en).replace("{s}", MANY)) for zh, en in said.items()]


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    made = Catalogue({})
    for path in sorted(ROOM.glob("*.yaml")):
        for zh, en in lines(path):
            made.add(zh, en)
    return made


@lru_cache(maxsize=1)
def words() -> dict[str, str]:
    """Every step of every machine and every enumeration with its own two names; those of models/enumerations.py have the last word."""
    steps = {each.zh: each.en for law in LAWS.values() for each in law.transitions}
    return {**steps, **{word.zh: word.en for kind in reversed(_kinds(Word)) for word in kind}}


def _kinds(of: type[Word]) -> list[type[Word]]:
    return [each for kind in of.__subclasses__() for each in (kind, *_kinds(kind))]


def said(zh: str, inside: str = "") -> str | None:
    """The English of a text by itself, with a capital where a word of an enumeration begins it; None where it isn't known.

    `inside`: the element that it is the text of, for a word that means something else there, `<button>检查`.
    What people wrote stands between WROTE and WRITTEN, and MANY where a plural may need an s.
    """
    known = catalogue().whole.get(f"<{inside}>{zh}") or catalogue().whole.get(zh)
    en = known if known is not None else _said(zh)
    return en if en is None or known is not None else capital(en)


@lru_cache(maxsize=8192)
def _said(zh: str) -> str | None:
    if not CHINESE.search(zh):
        return zh
    known = catalogue().whole.get(zh) or words().get(zh)
    return known if known is not None else _date(zh) or _pattern(zh) or _joined(zh)


def capital(en: str) -> str:
    return en[:1].upper() + en[1:]


def _date(zh: str) -> str | None:
    found = DATE.fullmatch(zh)
    if not found or not 1 <= int(found[2]) <= 12:
        return None
    return " ".join(part for part in (found[3], MONTHS[int(found[2]) - 1], found[1]) if part) + (f", {found[4]}" if found[4] else "")


def _pattern(zh: str) -> str | None:
    for each in catalogue().candidates(zh):
        found = each.zh.fullmatch(zh)
        fills = found and _filled(each, found.groups())
        if fills:
            en = "".join(part if at % 2 == 0 else fills[int(part)] for at, part in enumerate(each.en))
            return en if each.en[0] else capital(en)
    return None


def _filled(pattern: Pattern, holes: Iterable[str]) -> list[str] | None:
    fills = [_written(hole) if stays else _spoken(hole) for hole, stays in zip(holes, pattern.stays, strict=True)]
    return None if None in fills else [fill for fill in fills if fill is not None]


def _spoken(hole: str) -> str | None:
    return _said(hole.strip()) if WORDS.search(hole) else None


def _written(hole: str) -> str:
    return WROTE + hole + WRITTEN if CHINESE.search(hole) else hole


def _joined(zh: str) -> str | None:
    """Several sentences, or a list of what is known."""
    sentences = SENTENCES.split(zh.strip())
    if len([each for each in sentences if each]) > 1:
        told = [_said(each) for each in sentences if each]
        return None if None in told else " ".join(capital(each) for each in told if each)
    for joint in JOINTS:
        parts = joint.split(zh)
        if len(parts) > 1:
            told = [SAID_JOINTS.get(part, part) if at % 2 else _said(part) if part else "" for at, part in enumerate(parts)]
            return None if None in told else "".join(part or "" for part in told)
    return None
