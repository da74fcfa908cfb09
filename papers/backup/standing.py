"""How a database stands, in numbers that can be held beside another's: cases, events, the hash of all histories."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """One township."""

    township: str
    name: str
    cases: int
    events: int
    history_hash: str


TOWNSHIPS = text("""
select t.id, t.code, t.name, (select count(*) from cases where township_id = t.id) as cases,
    (select count(*) from event join cases c on c.id = event.case_id where c.township_id = t.id) as events
from township t order by t.code
""")
HEADS = text('select code, last_hash from cases where township_id = :id order by code collate "C"')


def standings(session: Session) -> tuple[Standing, ...]:
    """Every township, in the order of their codes."""
    return tuple(_standing(session, *row) for row in session.execute(TOWNSHIPS).tuples().all())


def _standing(session: Session, id: int, code: str, name: str, cases: int, events: int) -> Standing:
    return Standing(code, name, cases, events, history_hash(session, id))


def history_hash(session: Session, township_id: int) -> str:
    """sha256 over one line `CODE HASH\\n` a case, HASH being that of its last event, in bytewise order of the codes (UTF-8).

    On a kept database: psql -Atc "select code || ' ' || last_hash from cases order by code collate \\"C\\"" | sha256sum
    """
    digest = hashlib.sha256()
    for code, last_hash in session.execute(HEADS, {"id": township_id}):
        digest.update(f"{code} {last_hash}\n".encode())
    return digest.hexdigest()


# Files that rows speak of, as they are named under the evidence folder.
KNOWN_FILES = text("""
select stored as name from evidence where stored is not null
union
select left(said.hash, 2) || '/' || said.hash from paper
cross join lateral (values (docx_sha256), (pdf_sha256), (facts ->> 'xlsx_sha256')) said(hash)
where said.hash is not null
order by name
""")


def known_files(session: Session) -> Iterator[str]:
    """What the database says lies under the evidence folder, by name."""
    yield from session.execute(KNOWN_FILES).scalars()
