"""The township's own words for its messages (`messages.yaml`, optional): by language, each under the name of the text it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from notifications.render import LANGUAGES
from notifications.wording import NAMES, faults_of, needed
from papers.township.fault import Findings
from papers.township.tree import Tree, read_tree

FILE = "messages.yaml"


@dataclass(frozen=True, slots=True)
class Wording:
    """One text in one language. `name` is one of notifications.wording.NAMES."""

    language: str
    name: str
    text: str


def read_wordings(folder: Path, findings: Findings) -> tuple[Wording, ...]:
    """Every text, in the file's order. A township without the file speaks in the house's words."""
    if not (folder / FILE).exists():
        return ()
    languages = read_tree(folder, FILE, findings).keys((), tuple(LANGUAGES))
    return tuple(
        wording
        for language, texts in languages.items() if not texts.absent
        for tree in texts.mapping().values() if (wording := _wording(language, tree))
    )  # fmt: skip


def _wording(language: str, tree: Tree) -> Wording | None:
    if tree.name not in NAMES:
        near = tree.findings.near(tree.name, NAMES)
        tree.fault(f"没有这条消息 no such message{near}", "docs/messages.md 里的名称 a name of docs/messages.md: overdue, overdue.mine …")
        return None
    said = tree.cell().filled()
    if said is None:
        return None
    faults = faults_of(LANGUAGES[language], tree.name, said)
    for each in faults:
        tree.fault(f"{each.zh} {each.en}", " ".join(f"{{{name}}}" for name in needed(LANGUAGES[language], tree.name)))
    return None if faults else Wording(language, tree.name, said)
