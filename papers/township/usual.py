"""What a folder need not say about clocks that came later: their ladders and limits stand once, in `blank/`."""

from __future__ import annotations

from functools import cache

from models.enumerations import Clock
from papers.township.blank import BLANK
from papers.township.fault import Findings
from papers.township.tree import Tree, read_tree

ALWAYS_NAMED = frozenset({Clock.dispatch, Clock.acknowledge, Clock.rectify, Clock.review, Clock.approve})
WITHOUT_LIMIT = frozenset({Clock.duty, Clock.leader_duty})  # each run brings its own due time


@cache
def usual(file: str) -> Tree:
    """A file of the blank folder."""
    return read_tree(BLANK, file, Findings())
