"""Does history still say what it said? Bytes, links and columns, in one pass over the chain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

# What can be wrong: the hash is not of the body; the body is not what the columns say; an event doesn't follow the one before it; the
# case's head is not its last event.
BROKEN = text("""
with chained as (
    select event.*, lag(hash) over history as before, lag(seq) over history as seq_before
    from event where cast(:since as timestamptz) is null or case_id in (select case_id from event where at >= :since)
    window history as (partition by case_id order by seq)
),
checked as (
    select c.code, chained.seq,
        case when chained.hash <> event_hash(prev_hash, body) then 'hash'
            when body <> event_body(township.code, c.code, seq, trigger, from_state, to_state, post, person, at, facts) then 'body'
            when prev_hash <> coalesce(before, '') or seq <> coalesce(seq_before, 0) + 1 then 'link'
        end as wrong
    from chained join cases c on c.id = chained.case_id join township on township.id = c.township_id
),
headless as (
    select c.code, c.events as seq, 'head' as wrong from cases c
    where c.last_hash is distinct from (select hash from event where case_id = c.id order by seq desc limit 1)
)
select * from checked where wrong is not null union all select * from headless order by 1, 2 limit 1000
""")

WHAT = {
    "hash": "事件内容与哈希不符 the hash is not of the body",
    "body": "事件各列与存档内容不符 the columns don't say what the body says",
    "link": "与前一事件不衔接 it doesn't follow the event before it",
    "head": "案卷末尾与最后一个事件不符 the case's head is not its last event",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """One place where a chain doesn't hold."""

    code: str
    seq: int
    what: str


def audit(session: Session, since: datetime | None = None) -> list[Broken]:
    """Checks every chain, or those that have an event at business time `since` or later. Empty when history holds."""
    rows = session.execute(BROKEN, {"since": since}).all()
    return [Broken(row.code, row.seq, WHAT[row.wrong]) for row in rows]
