"""Checklists: what an inspector looks at, and the clause behind each item (`checklists/*.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from models.enumerations import Field, Grade, Nature, PlaceKind, SlaClass, Threat
from papers.township.fault import Findings
from papers.township.tree import Tree, read_tree

FOLDER = "checklists"
REQUIRED = ("code", "text", "finding", "clause", "threat", "nature", "grade", "class", "measure")
OPTIONAL = ("kinds", "field", "location", "coordination", "changes", "family", "photo")
NUMBER_AT_THE_END = re.compile(r"\d+$")


@dataclass(frozen=True, slots=True)
class Change:
    """From a day on another rule grades what fails this item: criteria are effective-dated."""

    from_day: date
    grade: Grade
    sla_class: SlaClass
    clause: str


@dataclass(frozen=True, slots=True)
class Item:
    """`text` is what must be so, `finding` how a hazard is written down when it isn't, `kinds` where it is asked.

    `coordination`: no owner can mend it alone (需政府协调). `family`: what counts as the same kind of hazard in other places. `photo`: an
    answer «no» needs a picture.
    """

    code: str
    text: str
    finding: str
    clause: str
    kinds: tuple[PlaceKind, ...]
    threat: Threat
    nature: Nature
    grade: Grade
    sla_class: SlaClass
    measure: str
    field: Field | None = None
    location: str | None = None
    coordination: bool = False
    changes: tuple[Change, ...] = ()
    family: str = ""
    photo: bool = False


@dataclass(frozen=True, slots=True)
class Checklist:
    code: str
    title: str
    items: tuple[Item, ...]


def read_checklists(folder: Path, findings: Findings) -> tuple[Checklist, ...]:
    """Every `*.yaml` of the folder's `checklists`, by file name; list codes and item codes are unique in the township."""
    files = _files(folder)
    if not files:
        findings.add(f"{FOLDER}/", 1, "没有检查表 no checklist: empty", f"至少一个 at least one {FOLDER}/….yaml")
    lists: dict[str, str] = {}
    items: dict[str, str] = {}
    read = [_checklist(read_tree(folder, file, findings), lists, items) for file in files]
    return tuple(checklist for checklist in read if checklist)


def _files(folder: Path) -> list[str]:
    try:
        names = sorted(path.name for path in (folder / FOLDER).iterdir() if path.suffix in (".yaml", ".yml"))
    except OSError:
        return []
    return [f"{FOLDER}/{name}" for name in names if not name.startswith(".")]


def _checklist(tree: Tree, lists: dict[str, str], items: dict[str, str]) -> Checklist | None:
    keys = tree.keys(["code", "title", "kinds", "items"])
    code, title, kinds = _once(keys["code"], lists), keys["title"].cell().filled(), _kinds(keys["kinds"])
    branches = keys["items"].items()
    if not branches and not keys["items"].absent:
        keys["items"].fault("空着 empty", "至少一项 at least one item")
    read = tuple(item for branch in branches if (item := _item(branch, kinds, items)))
    return Checklist(code, title, read) if code and title else None


def _once(tree: Tree, seen: dict[str, str]) -> str | None:
    """A code that no other list or item of the township has."""
    code = tree.cell().code()
    if code and code in seen:
        tree.fault(f"重复 duplicate 「{code}」", f"只出现一次 only once；{seen[code]} 已有")
    if code:
        seen.setdefault(code, f"{tree.file}:{tree.line}")
    return code


def _kinds(tree: Tree) -> tuple[PlaceKind, ...]:
    kinds = [kind for each in tree.items() if (kind := each.cell().word(PlaceKind))]
    if not tree.absent and not tree.items():
        tree.fault("空着 empty", "至少一种场所 at least one kind of place")
    return tuple(dict.fromkeys(kinds))


def _item(tree: Tree, kinds: Iterable[PlaceKind], items: dict[str, str]) -> Item | None:
    keys = tree.keys(REQUIRED, OPTIONAL)
    code, text, finding = _once(keys["code"], items), keys["text"].cell().filled(), keys["finding"].cell().filled()
    clause, measure = keys["clause"].cell().filled(), keys["measure"].cell().filled()
    threat, nature = keys["threat"].cell().word(Threat), keys["nature"].cell().word(Nature)
    field = None if keys["field"].cell().empty else keys["field"].cell().word(Field)
    location, coordination = keys["location"].cell().said(), keys["coordination"].cell().flag()
    own = tuple(kinds) if keys["kinds"].absent else _kinds(keys["kinds"])
    graded = _graded(keys["grade"], keys["class"])
    changes = () if keys["changes"].absent else tuple(each for branch in keys["changes"].items() if (each := _change(branch)))
    if not (code and text and finding and clause and measure and threat and nature and graded):
        return None
    family, photo = keys["family"].cell(), keys["photo"].cell().flag()
    same = usual_family(code) if family.empty else family.code()
    return Item(
        code, text, finding, clause, own, threat, nature, *graded, measure, field, location, coordination, changes, same or "", photo
    )  # fmt: skip


def usual_family(code: str) -> str:
    """The item's code without the number at its end: C3 → C."""
    return NUMBER_AT_THE_END.sub("", code) or code


def _graded(grade_key: Tree, class_key: Tree) -> tuple[Grade, SlaClass] | None:
    grade, sla_class = grade_key.cell().word(Grade), class_key.cell().word(SlaClass)
    if grade is None or sla_class is None:
        return None
    if (grade == Grade.major) != (sla_class == SlaClass.major):
        class_key.fault(f"类别与等级不符 class {sla_class} with grade {grade}", "重大只配 major，一般不配 major: major only with major")
    return grade, sla_class


def _change(tree: Tree) -> Change | None:
    keys = tree.keys(["from", "grade", "class", "clause"])
    day, graded, clause = keys["from"].cell().day(), _graded(keys["grade"], keys["class"]), keys["clause"].cell().filled()
    return Change(day, *graded, clause) if day and graded and clause else None
