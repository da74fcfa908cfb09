"""A ledger comes in: its lines become findings, through the one door by which hazards are registered; the same line never twice.

docs/adr/0013 says why a line comes in as found, whatever the ledger says has been done about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import PostKind
from models.refusal import Refusal
from papers.ledger.cell import Fault
from papers.ledger.check import Check, Checked, Line, check
from papers.ledger.finding import facts_of, remark
from papers.ledger.sheet import Ledger
from statemachines.advance import Acting, register
from statemachines.errors import LawError, NotAllowed
from statemachines.load import seat

IMPORTERS = frozenset({PostKind.office_dispatcher, PostKind.office_head})

LOCK = text("select pg_advisory_xact_lock(hashtext('ledger'), :township)")
BEGIN = text("""
insert into ledger_import (township_id, sha256, name, form, taken, by_post, by_person, at)
values (:township, :sha256, :name, :form, :taken, :post, :person, :now) returning id
""")
ROW = text("insert into ledger_row (township_id, import_id, case_id, key, line) values (:township, :import_id, :case_id, :key, :line)")


class Faulty(Refusal):
    """Lines are wrong, and all or nothing was asked for: nothing was registered."""

    def __init__(self, checked: Checked) -> None:
        count = checked.faulty
        super().__init__(
            f"有 {count} 行有误，未登记任何隐患；请按标注表改正后重新导入。", f"{count} lines are wrong and nothing was registered."
        )
        self.checked = checked


@dataclass(slots=True)
class Taken:
    """What an import came to: the codes that the lines became, by line."""

    checked: Checked
    codes: list[tuple[int, str]] = field(default_factory=list)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_importer(session: Session, acting: Acting, now: datetime) -> None:
    """The office takes ledgers in: it sees the whole township. Raises NotAllowed."""
    if seat(session, acting, now).actor.kind not in IMPORTERS:
        raise NotAllowed(acting.post, "台账由镇安办导入。", "Ledgers are taken in by the township's office.")


def take(
    session: Session, ledger: Ledger, acting: Acting, now: datetime, *,
    wall: datetime, name: str, partial: bool = False, progress: Callable[[int], None] = lambda done: None,
) -> Taken:  # fmt: skip
    """Registers what is new, in the caller's transaction. `now` is business time, `wall` machine time, `name` the file's as people know it.

    Raises Faulty where a line is wrong, unless the good ones are to be taken all the same (`partial`); NotAllowed for who isn't the office.
    """
    check_importer(session, acting, now)
    session.execute(LOCK, {"township": acting.township_id})
    checked = _checked_first(session, ledger, acting, now, partial)
    taken = Taken(checked)
    if not checked.fresh:
        return taken
    asked = {
        "township": acting.township_id, "sha256": sha256_of(ledger.path), "name": name, "form": ledger.form.code,
        "taken": checked.fresh, "post": acting.post, "person": acting.person, "now": now,
    }  # fmt: skip
    import_id = session.execute(BEGIN, asked).scalar_one()
    again = Check(session, ledger, acting.township_id, now)
    for lines in again.lines():
        rows = [row for line in lines for row in _registered(session, ledger, line, acting, now, wall, name, taken)]
        if rows:
            session.execute(ROW, [{**row, "township": acting.township_id, "import_id": import_id} for row in rows])
        progress(len(taken.codes))
    return taken


def _checked_first(session: Session, ledger: Ledger, acting: Acting, now: datetime, partial: bool) -> Checked:
    checked = check(session, ledger, acting.township_id, now)
    if checked.faulty and not partial:
        raise Faulty(checked)
    return checked


def _registered(
    session: Session, ledger: Ledger, line: Line, acting: Acting, now: datetime, wall: datetime, name: str, taken: Taken
) -> list[dict[str, object]]:  # fmt: skip
    """A line's hazards, each with its key: a line of several problems gives several."""
    note = remark(ledger.form, ledger.columns, line.row, name, line.number)
    rows: list[dict[str, object]] = []
    for nth, facts in enumerate(facts_of(line.cells, line.place.code), 1):
        try:
            outcome = register(session, acting, now, wall=wall, facts={**facts, "note": note})
        except LawError as no:
            fault = Fault(no.detail, no.detail_en)
            raise Faulty(Checked(faulty=1, faults={line.number: [fault]})) from no
        rows.append({"case_id": outcome.case_id, "key": line.key if nth == 1 else f"{line.key}/{nth}", "line": line.number})
        taken.codes.append((line.number, outcome.code))
    return rows
