"""Which channels by severity (`channels.yaml`, optional): the kinds that go first, or all at once, whatever each person's own order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from papers.township.fault import Findings
from papers.township.tree import Tree, read_tree

FILE = "channels.yaml"
CLASSES = ("urgent", "escalation", "digest", "other")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,31}")


@dataclass(frozen=True, slots=True)
class First:
    """`first` are schemes in their order; `at_once`: all of a person's channels of these kinds (of any, where none is named)."""

    first: tuple[str, ...] = ()
    at_once: bool = False


def read_severities(folder: Path, findings: Findings) -> dict[str, First]:
    """What the township says of each class of message; a class that isn't named goes by each person's own order."""
    if not (folder / FILE).exists():
        return {}
    classes = read_tree(folder, FILE, findings).keys((), CLASSES)
    return {name: _first(tree) for name, tree in classes.items() if not tree.absent}


def _first(tree: Tree) -> First:
    keys = tree.keys((), ("first", "at_once"))
    schemes = tuple(dict.fromkeys(scheme for each in keys["first"].items() if (scheme := _scheme(each))))
    return First(schemes, keys["at_once"].cell().flag())


def _scheme(tree: Tree) -> str | None:
    said = tree.cell().filled()
    if said is not None and not SCHEME.fullmatch(said):
        tree.fault("不是通道种类 no kind of channel", "地址 :// 之前的部分，如 wecombot what stands before ://, such as wecombot")
        return None
    return said


def as_rules(severities: Mapping[str, First]) -> dict[str, object]:
    """`township.rules.channels` as the database reads it (migrations/sql/channels.sql)."""
    return {
        name: {"at_once": each.at_once, **({"first": list(each.first)} if each.first else {})} for name, each in severities.items()
    }
