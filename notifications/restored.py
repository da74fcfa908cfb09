"""What a restored database may still say. Its messages stand where they stood when the backup was taken, and the world has gone on.

What was to leave before the old house stopped has most likely left: it is *unknown*, and as everywhere nobody sends it again on that
channel; the case's next rung speaks of it, and the office is told how many there are. What is due later is kept and goes out in its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, say
from notifications.reason import Reason
from notifications.subscribers import TELL_OFFICE

# Ids that were given out after the backup stand in links and in what programs have heard: they are never given out again.
LEAP = 100_000


@dataclass(frozen=True, slots=True)
class Lost:
    """The time that the backup doesn't know: from `since` to `until`, machine time; `until_business` is the latter by the house's clock."""

    since: datetime
    until: datetime
    until_business: datetime

    def __bool__(self) -> bool:
        return self.until > self.since + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Quieted:
    """What became of the outbox: messages whose fate is unknown now, those that still wait, logins that were ended, tokens that go on."""

    unknown: int
    waiting: int
    logins_ended: int
    tokens: int


IN_HAND = text("""
update notice set state = 'unknown', reason = :reason, error = null, claimed_until = null, settled_at = :wall where state = 'sending'
""")
MOST_LIKELY_SENT = text("""
update notice set state = 'unknown', reason = :reason, error = null, settled_at = :wall
where state in ('planned', 'held', 'pending', 'retry') and not_before <= :business and (try_at is null or try_at <= :until)
""")
WAITING = text("select count(*) from notice where state in ('planned', 'held', 'pending', 'retry')")
# A session has neither name nor scopes; so has a token that was given none.
END_LOGINS = text("""
update login set revoked_at = :wall where name is null and scopes is null and revoked_at is null and expires_at > :wall
""")
TOKENS = text("select count(*) from login where revoked_at is null and expires_at > :wall")
SKIP_IDS = text("""
select setval(format('%I.%I', schemaname, sequencename)::regclass, last_value + :leap)
from pg_sequences where schemaname = 'public' and last_value is not null
""")
TOWNSHIPS = text("select id from township order by id")


def settle_restored(session: Session, lost: Lost, now: datetime, wall: datetime) -> Quieted:
    """Puts the outbox, logins and counters of ids in order; to be called once as the owner, before anything else works on the database.

    `now` is business time by the restored clock. Where no time was lost (`lost` is false: the house moved), only what a sender had in
    hand is unknown, and everybody stays signed in.
    """
    asked = {"reason": Reason.restored, "wall": wall, "business": lost.until_business, "until": lost.until}
    unknown = int(session.execute(IN_HAND, asked).rowcount)  # type: ignore[attr-defined]
    ended = 0
    if lost:
        unknown += int(session.execute(MOST_LIKELY_SENT, asked).rowcount)  # type: ignore[attr-defined]
        ended = int(session.execute(END_LOGINS, {"wall": wall}).rowcount)  # type: ignore[attr-defined]
        session.execute(SKIP_IDS, {"leap": LEAP})
        _tell_the_offices(session, lost, unknown, now)
    waiting, tokens = session.execute(WAITING).scalar_one(), session.execute(TOKENS, {"wall": wall}).scalar_one()
    return Quieted(unknown, waiting, ended, tokens)


def _tell_the_offices(session: Session, lost: Lost, unknown: int, now: datetime) -> None:
    """New, and said once: who heads an office hears that history has a gap, and since when."""
    since = say(lost.since, year=True)
    said = f"系统已从备份恢复，{since}以后登记的内容须补录；有{unknown}条消息是否发出已无从得知，不再重发，请在消息页核对"
    for township in session.execute(TOWNSHIPS).scalars().all():
        asked = {"township": township, "occasion": f"restored {lost.since.isoformat()}", "said": said, "now": now, "day": day_of(now)}
        session.execute(TELL_OFFICE, asked)
