"""A ledger goes out: the hazards that are asked for, in a form's columns, as of a moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from models.clock import say
from papers.ledger.filter import Filter
from papers.ledger.form import Form
from papers.ledger.lines import lines
from papers.ledger.names import names_of
from papers.ledger.thumbnail import newest
from papers.ledger.workbook import Written, write


@dataclass(frozen=True, slots=True)
class Reach:
    """The SQL condition, on c (cases) or p (place), that holds for what the reader may see, and its parameters. `reports`: whether the
    reader may know that somebody has reported a hazard."""

    condition: str = "true"
    asked: Mapping[str, Any] = field(default_factory=dict)
    reports: bool = True


def export(
    session: Session, path: Path, form: Form, township_id: int, wanted: Filter, now: datetime, *,
    reach: Reach | None = None, photos: Path | None = None, progress: Callable[[int], None] = lambda done: None,
) -> Written:  # fmt: skip
    """Writes the ledger to `path` as of `now` (business time). `photos` is the evidence folder: the newest before and after go into the
    sheet. Raises TooManyLines."""
    names, reach = names_of(session, township_id, now), reach or Reach()
    rows = lines(session, form, township_id, wanted, now, reach.condition, reach.asked)
    about = {"乡镇": names.township, "截至": say(now, year=True), "筛选": spoken(wanted)}
    pictures = newest(session, photos) if photos and form.pictures else None
    return write(path, form if reach.reports else form.discreet(), rows, names, about, pictures=pictures, progress=progress)


def blank(session: Session, path: Path, form: Form, township_id: int, now: datetime) -> None:
    """The form with nothing in it, to be filled in and sent."""
    names = names_of(session, township_id, now)
    write(path, form, (), names, {"乡镇": names.township})


def spoken(wanted: Filter) -> str:
    """The filter in words, for the sheet that says where a ledger comes from."""
    said = [
        ("状态", "、".join(state.zh for state in wanted.states)), ("等级", wanted.grade and wanted.grade.zh), ("村", wanted.village),
        ("站所", wanted.team), ("场所类别", wanted.kind and wanted.kind.zh), ("场所", wanted.place), ("含", wanted.q),
        ("逾期", None if wanted.overdue is None else "是" if wanted.overdue else "否"), ("发现不早于", wanted.since and say(wanted.since)),
        ("发现不晚于", wanted.until and say(wanted.until)), ("当前期限早于", wanted.due_before and say(wanted.due_before)),
    ]  # fmt: skip
    return "；".join(f"{name}：{value}" for name, value in said if value) or "全部"
