"""One paper an occasion: who asks for the same one at the same time waits here until the first is written, and then finds it."""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session

HOLD = text("select pg_advisory_xact_lock(hashtextextended(:occasion, 20230214))")


def hold(session: Session, *occasion: object) -> None:
    """Holds the occasion to the end of the caller's transaction. What is asked after this sees what others wrote before."""
    session.execute(HOLD, {"occasion": " ".join(map(str, occasion))})
