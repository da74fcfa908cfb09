"""Addresses at rest: sealed where they still stand in clear, told apart where the key that sealed them is gone."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.seal import Locked, opened, seal
from notifications.outcome import LOCKED

log = logging.getLogger("bihuan.deliver")

KEPT = text("select id, url, disabled_reason from channel where position > 0 order by id for no key update")
SEAL = text("update channel set url = :url where id = :id")
BACK = text("update channel set disabled_at = null, disabled_reason = null where id = any(:ids)")


@dataclass(frozen=True, slots=True)
class Kept:
    """How many addresses were sealed just now, could be read again since their key is back, and can't be read with the key that is here."""

    sealed: int = 0
    back: int = 0
    locked: int = 0

    @property
    def warning(self) -> str:
        """A sentence for whoever starts Bihuan; empty where everything can be read."""
        if not self.locked:
            return ""
        said = f"有{self.locked}个通道的地址是用另一把密钥封存的，读不出来，等同失效"
        return f"{said}：请找回 BIHUAN_HOME/key（或 BIHUAN_KEY），或重新载入镇的文件夹。"


def keep(session: Session) -> Kept:
    """Looks through every address in use, with the key that is here; doing it again changes nothing."""
    rows = session.execute(KEPT).all()
    clear = [{"id": row.id, "url": url} for row in rows if (url := seal(row.url)) != row.url]
    if clear:
        session.execute(SEAL, clear)
    readable = {row.id: _readable(row.url) for row in rows}
    back = [row.id for row in rows if row.disabled_reason == LOCKED and readable[row.id]]
    if back:
        session.execute(BACK, {"ids": back})
    kept = Kept(len(clear), len(back), sum(not each for each in readable.values()))
    if kept.locked:
        log.warning("%d addresses were sealed with another key than the one that is here", kept.locked)
    return kept


EVERY = text("""
select person.township_id, url from channel join person on person.id = person_id where position > 0
union all
select township_id, url from subscriber
""")


def locked(session: Session) -> Counter[int]:
    """How many of each township's addresses, of people, groups and subscribers, the key that is here doesn't open. Takes no lock."""
    return Counter(row.township_id for row in session.execute(EVERY) if not _readable(row.url))


def _readable(url: Any) -> bool:
    try:
        opened(url)
    except Locked:
        return False
    return True
