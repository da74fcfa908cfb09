"""A sheet as PDF and as pictures, set by Typst with fonts that come with Bihuan. The same sheet gives the same bytes."""

from __future__ import annotations

import io
import json
import threading
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import cast

import segno
import typst

from papers.forms.sheet import Sheet

SOURCE = Path(__file__).with_name("sheet.typ")
FONTS = "pylopdf_fonts_zh_cn"
DOTS = 110
ONE_AT_A_TIME = threading.Lock()


def pdf(sheet: Sheet) -> bytes:
    """The PDF. Its creation date is the paper's own."""
    with ONE_AT_A_TIME:
        made = _typesetter().compile(format="pdf", sys_inputs=_inputs(sheet), timestamp=int(sheet.at.timestamp()))
    return cast(bytes, made)


def pictures(sheet: Sheet) -> list[bytes]:
    """One PNG a page, to look at on a screen."""
    with ONE_AT_A_TIME:
        made = _typesetter().compile(format="png", ppi=DOTS, sys_inputs=_inputs(sheet))
    return list(made) if isinstance(made, list) else [cast(bytes, made)]


def _inputs(sheet: Sheet) -> dict[str, str]:
    return {"sheet": json.dumps(sheet.plain(), ensure_ascii=False, sort_keys=True), "qr": _qr(sheet.link)}


def _qr(link: str) -> str:
    if not link:
        return ""
    drawn = io.BytesIO()
    segno.make(link, error="m", micro=False).save(drawn, kind="svg", border=1)
    return drawn.getvalue().decode()


@lru_cache(maxsize=1)
def _typesetter() -> typst.Compiler:
    """Loading the fonts costs more than setting a page: it is done once. The operator's own machine's fonts aren't asked, so that two
    machines set the same page alike."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[Path(str(files(FONTS)))])
    return typst.Compiler(SOURCE, root=SOURCE.parent, font_paths=fonts)
