"""A photo small enough for a cell."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import text
from sqlmodel import Session

WIDTH, HEIGHT = 150, 112


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG that fits the cell."""

    name: str
    jpeg: bytes

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.jpeg)


NEWEST = text("""
select distinct on (kind) kind, sha256, stored from evidence
where case_id = :case_id and kind in ('before', 'after') and stored is not null and media_type like 'image/%' order by kind, id desc
""")


def newest(session: Session, folder: Path) -> Callable[[Any], tuple[Thumbnail | None, Thumbnail | None]]:
    """Gives the newest photo before and after of a line (its `id`); one whose file is missing or unreadable is left out."""

    def of(row: Any) -> tuple[Thumbnail | None, Thumbnail | None]:
        found = {each.kind: each for each in session.execute(NEWEST, {"case_id": row.id})}
        return _small(folder, found.get("before")), _small(folder, found.get("after"))

    return of


def _small(folder: Path, photo: Any) -> Thumbnail | None:
    if photo is None:
        return None
    try:
        with Image.open(folder / photo.stored) as image:
            image.draft("RGB", (2 * WIDTH, 2 * HEIGHT))
            image.thumbnail((WIDTH, HEIGHT))
            out = io.BytesIO()
            image.convert("RGB").save(out, "JPEG", quality=80, dpi=(96, 96))
    except OSError:
        return None
    return Thumbnail(photo.sha256[:16], out.getvalue())
