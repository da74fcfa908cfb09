"""A ledger comes in: its lines become findings, through the one door by which hazards are registered; the same line never twice.

docs/adr/0013 says why a line comes in as found, whatever the ledger says has been done about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.database import as_json
from models.enumerations import PostKind
from models.refusal import Refusal
from papers.ledger.cell import Fault
from papers.ledger.check import Check, Checked, Line, check
from papers.ledger.finding import facts_of, remark
from papers.ledger.sheet import Ledger
from statemachines.advance import Acting, Outcome, register_all
from statemachines.errors import LawError, NotAllowed
from statemachines.load import seat

AT_ONCE = 500  # hazards registered in the same statements
IMPORTERS = frozenset({PostKind.office_dispatcher, PostKind.office_head})

LOCK = text("select pg_advisory_xact_lock(hashtext('ledger'), :township)")
BEGIN = text("""
insert into ledger_import (township_id, sha256, name, form, taken, by_post, by_person, at)
values (:township, :sha256, :name, :form, :taken, :post, :person, :now) returning id
""")
ROWS = text("""
insert into ledger_row (township_id, import_id, case_id, key, line)
select :township, :import_id, case_id, key, line
from jsonb_to_recordset(cast(:rows as jsonb)) as said(case_id bigint, key text, line int)
""")


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
    hand = Hand(session, acting, now, wall, session.execute(BEGIN, asked).scalar_one(), checked)
    for lines in Check(session, ledger, acting.township_id, now).lines():
        findings = (finding for line in lines for finding in _findings(ledger, line, name))
        while some := list(islice(findings, AT_ONCE)):
            taken.codes += _registered(hand, some)
            progress(len(taken.codes))
    return taken


def _checked_first(session: Session, ledger: Ledger, acting: Acting, now: datetime, partial: bool) -> Checked:
    checked = check(session, ledger, acting.township_id, now)
    if checked.faulty and not partial:
        raise Faulty(checked)
    return checked


@dataclass(frozen=True, slots=True)
class Hand:
    """Who takes in, which import it is, and what the workbook came to."""

    session: Session
    acting: Acting
    now: datetime
    wall: datetime
    import_id: int
    checked: Checked

    def register(self, findings: Sequence[Finding]) -> list[Outcome]:
        return register_all(self.session, self.acting, self.now, wall=self.wall, findings=[each.facts for each in findings])


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard of a line, and what it is known by."""

    line: int
    key: str
    facts: Mapping[str, Any]


def _findings(ledger: Ledger, line: Line, name: str) -> Iterator[Finding]:
    """A line's hazards: a line of several problems gives several."""
    note = remark(ledger.form, ledger.columns, line.row, name, line.number)
    for nth, facts in enumerate(facts_of(line.cells, line.place.code), 1):
        yield Finding(line.number, line.key if nth == 1 else f"{line.key}/{nth}", {**facts, "note": note})


def _registered(hand: Hand, findings: Sequence[Finding]) -> list[tuple[int, str]]:
    """Registers some, and answers their codes by line."""
    try:
        outcomes = hand.register(findings)
    except LawError:
        _blame(hand, findings)
        raise
    rows = [
        {"case_id": outcome.case_id, "key": each.key, "line": each.line}
        for each, outcome in zip(findings, outcomes, strict=True)
    ]  # fmt: skip
    hand.session.execute(ROWS, {"township": hand.acting.township_id, "import_id": hand.import_id, "rows": as_json(rows)})
    return [(each.line, outcome.code) for each, outcome in zip(findings, outcomes, strict=True)]


def _blame(hand: Hand, findings: Sequence[Finding]) -> None:
    """Finds out which line the law refuses. Raises Faulty, on which everything is rolled back."""
    for each in findings:
        try:
            hand.register([each])
        except LawError as no:
            raise Faulty(replace(hand.checked, faulty=1, faults={each.line: [Fault(no.detail, no.detail_en)]})) from no
