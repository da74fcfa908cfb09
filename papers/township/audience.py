"""Whom a rung or a reminder tells: kinds of posts, or a word for the case's own post."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.enumerations import PostKind
from papers.township.fault import Findings
from papers.township.post import LOADABLE
from papers.township.sheet import Sheet
from papers.township.tree import Tree

RESPONSIBLE, APPROVER = "responsible", "approver"


@dataclass(frozen=True, slots=True)
class Mention:
    """A word of an audience with the place where it was said, for the check that somebody answers to it."""

    word: str
    file: str
    line: int


def read_audience(tree: Tree, own: Iterable[str] = (RESPONSIBLE, APPROVER)) -> tuple[tuple[str, ...], list[Mention]]:
    """The words in order, each once; unknown ones are faults. `own` are the words for the case's own posts that make sense here."""
    allowed = [*own, *(str(kind) for kind in LOADABLE)]
    words: dict[str, Mention] = {}
    for member in tree.items():
        cell = member.cell()
        word = cell.filled()
        if word is None:
            continue
        if word not in allowed:
            near = cell.findings.near(word, allowed)
            cell.fault(f"没有这种岗位 unknown post kind {cell.shown}{near}", " ".join(allowed))
            continue
        words[word] = Mention(word, cell.file, cell.line)
    return tuple(words), list(words.values())


def check_posts_exist(mentions: Iterable[Mention], sheet: Sheet, findings: Findings) -> None:
    """A kind of post that is to be told but that nobody set up: the rung would speak to an empty room."""
    present = {row.texts.get("kind") for row in sheet.rows}
    first: dict[str, Mention] = {}
    for mention in mentions:
        first.setdefault(mention.word, mention)
    for kind in PostKind:
        if sheet.sound and sheet.rows and kind in first and kind not in present:
            mention = first[kind]
            what = f"缺少岗位 missing post: {kind} {kind.zh}"
            findings.add(mention.file, mention.line, what, f"posts.csv 里至少一个 at least one {kind} in posts.csv")
