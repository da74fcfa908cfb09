"""What a line of a ledger finds, as the facts of a registration: one hazard, or as many as its cell of problems numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from models.enumerations import Grade, InspectionTrigger, Nature, SlaClass, Source, Threat
from papers.ledger.cell import Fault, shown
from papers.ledger.form import Column, Form

SAID = ("item", "grade", "sla_class", "field", "threat", "nature", "source", "measure", "needs_gov_coordination", "confidentiality")
UNWRITTEN = "见隐患描述"  # where a form has no column for it
CAME_FROM = {
    InspectionTrigger.leader_led: Source.leader_led, InspectionTrigger.recheck: Source.recheck, InspectionTrigger.report: Source.public,
    InspectionTrigger.patrol: Source.patrol,
}  # fmt: skip


def facts_of(cells: Mapping[str, Any], place: str) -> Iterator[dict[str, Any]]:
    """The facts of each hazard that the line finds: what it doesn't say is left to the checklist's item, as ever."""
    said = {name: cells[name] for name in SAID if cells.get(name) is not None}
    common = {**said, **_basis(cells), **_sorted(cells.get("sort")), **_trigger(cells), "place": place}
    if cells.get("found_at"):
        common["found_at"] = cells["found_at"]
    found = cells["problems"] if "problems" in cells else [cells["description"]]
    location = cells.get("location") or cells.get("floors") or UNWRITTEN
    for each in found or ():
        yield {**common, "description": each.strip(), "location": location}


def _basis(cells: Mapping[str, Any]) -> dict[str, Any]:
    """The clauses: instrument and article together where they stand in columns of their own."""
    if cells.get("legal_basis"):
        return {"legal_basis": cells["legal_basis"]}
    instruments, articles = (str(cells.get(name) or "").split("\n") for name in ("instrument", "article"))
    if len(instruments) == len(articles):
        joined = [_joined(one, other) for one, other in zip(instruments, articles, strict=True)]
    else:
        joined = [*instruments, *articles]
    return {"legal_basis": [each for each in joined if each]} if any(joined) else {}


def _joined(instrument: str, article: str) -> str:
    instrument, article = instrument.strip(), article.strip()
    return article if instrument and article.startswith(instrument) else f"{instrument}{article}"


def _sorted(word: Any) -> dict[str, Any]:
    """隐患分类 is used for the grade, for the nature and for the threat: the word says which."""
    names = {Grade: "grade", Nature: "nature", Threat: "threat"}
    return {names[type(word)]: word} if word is not None else {}


def _trigger(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": CAME_FROM.get(cells["trigger"], Source.inspection)} if cells.get("trigger") else {}


def remark(form: Form, columns: Sequence[tuple[Column, int]], row: Sequence[Any], name: str, line: int) -> str:
    """What the ledger claims beyond the finding, as a remark beside the registration: it has been said, nobody has looked."""
    claimed = "；".join(f"{column.zh}：{shown(row[at]).strip()}" for column, at in columns if column.claim and shown(row[at]).strip())
    head = f"据导入的《{name}》（{form.zh}）第 {line} 行登记。"
    return f"{head}台账记载（未经本系统复查）：{claimed}" if claimed else head


def clash(grade: Any, sla_class: Any) -> Fault | None:
    """A class that doesn't go with its grade."""
    if grade is None or sla_class is None or (grade == Grade.major) == (sla_class == SlaClass.major):
        return None
    return Fault("隐患等级与时限类别不符。", "Grade and class don't go together.", column="sla_class")


def identity(place: str, description: str, location: str, second: int) -> str:
    """The same finding, in whichever form and however often it comes: the same place, words, spot and time, as a second since 1970."""
    said = f"{place}\x1f{description}\x1f{location}\x1f{second}"
    return f"#{hashlib.blake2b(said.encode('utf8', 'surrogatepass'), digest_size=16).hexdigest()}"
