"""The event log into a file, in the form that is asked for."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import BinaryIO

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import CaseKind
from papers.events.as_csv import write_csv
from papers.events.log import lines
from papers.events.ocel import write_ocel
from papers.events.xes import write_xes


class Form(StrEnum):
    csv = "csv"
    xes = "xes"
    ocel = "ocel"


def export(session: Session, township_id: int, form: Form, file: BinaryIO, until: datetime, kind: CaseKind | None = None) -> int:
    """Writes all events up to business time `until` (of one kind of case, or of all) and answers how many there were."""
    events = lines(session, township_id, until, kind, by_case=form == Form.xes)
    if form == Form.csv:
        return write_csv(events, file)
    if form == Form.ocel:
        return write_ocel(session, township_id, until, events, file, kind)
    name = session.execute(text("select name from township where id = :township"), {"township": township_id}).scalar_one()
    return write_xes(events, file, f"{name}{kind.zh if kind else ''}办理日志")
