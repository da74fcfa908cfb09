"""What a township lacks that was loaded before a clock was invented: the usual ladders and limits, as in a folder that names none."""

from __future__ import annotations

from sqlalchemy import insert, select, update
from sqlmodel import Session

from papers.township import shape
from papers.township.ladder import Ladder, usual_ladders
from papers.township.rows import table_of
from papers.township.sla import usual_limits


def complete(session: Session) -> list[str]:
    """Adds them to every township in the caller's transaction, and says to which; done again it adds nothing."""
    table = table_of("township")
    townships = session.execute(select(table.c.id, table.c.code, table.c.rules)).all()
    return [row.code for row in townships if _ladders(session, row.id) + _limits(session, row.id, row.rules)]


def _ladders(session: Session, township_id: int) -> int:
    table = table_of("ladder")
    there = {(row.clock, row.grade) for row in session.execute(select(table).where(table.c.township_id == township_id))}
    missing = [ladder for key, ladder in usual_ladders().items() if key not in there]
    for ladder in missing:
        add_ladder(session, township_id, ladder, 1)
    return len(missing)


def add_ladder(session: Session, township_id: int, ladder: Ladder, version: int) -> None:
    """A version of a ladder with its rungs."""
    values = {"clock": ladder.clock, "grade": ladder.grade, "repeat_hours": ladder.repeat_hours, "version": version}
    table = table_of("ladder")
    added = insert(table).values({"township_id": township_id, **values}).returning(table.c.id)
    ladder_id = session.execute(added).scalar_one()
    session.execute(insert(table_of("rung")), [{"ladder_id": ladder_id, **rung} for rung in shape.rungs(ladder)])


def _limits(session: Session, township_id: int, rules: dict[str, object]) -> int:
    """Limits count with the ladders: a new revision makes every process read both."""
    table, limits = table_of("township"), list(rules["limits"])  # type: ignore[call-overload]
    there = {(each["clock"], each["grade"], each["sla_class"]) for each in limits}
    missing = [shape.limit(each) for key, editions in usual_limits().items() if key not in there for each in editions]
    if missing:
        values = {"rules": {**rules, "limits": limits + missing}, "revision": table.c.revision + 1}
        session.execute(update(table).where(table.c.id == township_id).values(values))
    return len(missing)
