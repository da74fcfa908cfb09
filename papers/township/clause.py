"""The library of law: which article of which instrument is in force from when to when (`clauses.yaml`, optional)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path

from papers.township.days import read_days
from papers.township.fault import Findings
from papers.township.tree import Tree, read_tree

FILE = "clauses.yaml"
REQUIRED = ("instrument", "from", "source")
OPTIONAL = ("article", "articles", "title", "to")


@dataclass(frozen=True, slots=True)
class Clause:
    """One edition of an article; both days inclusive, `to_day` None is «still in force». `source` says where it was read."""

    instrument: str
    article: str
    from_day: date
    to_day: date | None
    title: str | None
    source: str
    line: int = field(default=0, compare=False)

    @property
    def key(self) -> tuple[str, str, date]:
        return self.instrument, self.article, self.from_day


def read_clauses(folder: Path, findings: Findings) -> tuple[Clause, ...]:
    """Every edition, in the file's order. A township without the file has no library, and nothing is checked against it."""
    if not (folder / FILE).exists():
        return ()
    top = read_tree(folder, FILE, findings).keys(["clauses"])["clauses"]
    clauses = [clause for branch in top.items() for clause in _entry(branch)]
    editions: dict[tuple[str, str], list[Clause]] = {}
    for clause in clauses:
        editions.setdefault((clause.instrument, clause.article), []).append(clause)
    for same in editions.values():
        _check_apart(sorted(same, key=lambda clause: (clause.from_day, clause.line)), top)
    return tuple(clauses)


def _entry(tree: Tree) -> list[Clause]:
    """One instrument's articles that share their days and their source."""
    keys = tree.keys(REQUIRED, OPTIONAL)
    instrument, source = keys["instrument"].cell().filled(), keys["source"].cell().filled()
    from_day, to_day = read_days(keys["from"], keys["to"])
    title, articles = keys["title"].cell().said(), _articles(tree, keys["article"], keys["articles"])
    if from_day is None and not keys["from"].absent and keys["from"].cell().empty:
        keys["from"].fault("空着 empty", "施行之日 the day it came into force: 2021-09-01")
    if not (instrument and source and from_day):
        return []
    return [Clause(instrument, article, from_day, to_day, title, source, tree.line) for article in articles]


def _articles(tree: Tree, one: Tree, many: Tree) -> list[str]:
    if one.absent == many.absent:
        tree.fault("article 和 articles 要写一个 either article or articles", "articles: [第十六条, 第十七条]")
    if not many.absent and not many.items():
        many.fault("空着 empty", "至少一条 at least one article")
    cells = [each.cell() for each in ([one] if many.absent else many.items())]
    return [article for cell in cells if (article := cell.filled())]


def _check_apart(editions: Sequence[Clause], top: Tree) -> None:
    """Editions of one article have no day in common; days without any are possible."""
    for before, after in pairwise(editions):
        if before.to_day is None or after.from_day <= before.to_day:
            what = f"{after.instrument}{after.article} 的两个版本重叠 two editions overlap: {before.to_day or '…'} – {after.from_day}"
            top.findings.add(FILE, after.line, f"clauses: {what}", "前一版写 to，后一版从次日起 the earlier ends the day before")
