"""How a database stands, in numbers that can be held beside another's: cases, events, the hash of all histories."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """One township. `history_hash` is sha256 over one line `CODE HASH\\n` a case, HASH being that of its last event, in bytewise order of
    the codes (UTF-8): the same as a replay's."""

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
    digest = hashlib.sha256()
    for case, last_hash in session.execute(HEADS, {"id": id}):
        digest.update(f"{case} {last_hash}\n".encode())
    return Standing(code, name, cases, events, digest.hexdigest())


# Files that rows speak of, as they are named under the evidence folder.
KNOWN_FILES = text("""
select stored as name from evidence where stored is not null
union
select left(said.hash, 2) || '/' || said.hash from paper cross join lateral (values (docx_sha256), (pdf_sha256)) said(hash)
where said.hash is not null
order by name
""")


def known_files(session: Session) -> Iterator[str]:
    """What the database says lies under the evidence folder, by name."""
    yield from session.execute(KNOWN_FILES).scalars()
