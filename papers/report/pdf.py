"""Blocks as PDF and as pictures, set by Typst with fonts that come with Bihuan, charts included. The same blocks give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import cast

import typst

from papers.forms.pdf import FONTS, ONE_AT_A_TIME
from papers.report.blocks import Block, title_lines

SOURCE = Path(__file__).with_name("report.typ")
DOTS = 100


def pdf(title: str, issuer: str, at: datetime, blocks: Sequence[Block]) -> bytes:
    """The PDF. Its creation date is the paper's own: `at`, business time."""
    with ONE_AT_A_TIME:
        made = _typesetter().compile(format="pdf", sys_inputs=_inputs(title, issuer, blocks), timestamp=int(at.timestamp()))
    return cast(bytes, made)


def pictures(title: str, issuer: str, blocks: Sequence[Block]) -> list[bytes]:
    """One PNG a page."""
    with ONE_AT_A_TIME:
        made = _typesetter().compile(format="png", ppi=DOTS, sys_inputs=_inputs(title, issuer, blocks))
    return list(made) if isinstance(made, list) else [cast(bytes, made)]


def _inputs(title: str, issuer: str, blocks: Sequence[Block]) -> dict[str, str]:
    said = {"title": title, "lines": title_lines(title), "issuer": issuer, "blocks": list(blocks)}
    return {"document": json.dumps(said, ensure_ascii=False, sort_keys=True)}


@lru_cache(maxsize=1)
def _typesetter() -> typst.Compiler:
    """As papers/forms/pdf.py: fonts are loaded once, and only those that come with Bihuan."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[Path(str(files(FONTS)))])
    return typst.Compiler(SOURCE, root=SOURCE.parent, font_paths=fonts)
