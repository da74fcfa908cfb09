"""The daily lists that are still to come: when they are made, and who has one, for a case that stays as it is among others that do too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of, utc
from models.database import as_json
from notifications.digest import SAID, WHOSE, asking, is_done, last_digest, moment, next_digest
from notifications.manner import Manner

# Who is behind a post on a day, and over what they hear.
WHO = """
    person.key as person, person.label, away.key as away, split_part(channel.url, '://', 1) as channel, post.code as post, post.kind,
    unit.name as unit, unit.kind as unit_kind
"""
# Timers as they will stand, in place of those that stand in the table.
LISTED = """
with timer as ({timers}), {whose}
select list.post as for_post_id, post.code as for_code, 0 as climbed, list.post as post_id, list.person_id, list.channel_id,
    list.standing_in_for as standing_in_for_id, post.code as meant, {said} as facts, {who}
from list join person on person.id = list.person_id join channel on channel.id = list.channel_id
join post on post.id = list.post join unit on unit.id = post.unit_id left join person away on away.id = list.standing_in_for
where list.person_id = any(:people) or cast(:people as integer[]) is null order by list.person_id
"""
OWN = text(
    LISTED.format(timers="select * from jsonb_populate_recordset(null::timer, cast(:timers as jsonb))", whose=WHOSE, said=SAID, who=WHO)
)
OTHERS = text(LISTED.format(timers="select * from timer where case_id <> :case_id", whose=WHOSE, said=SAID, who=WHO))


@dataclass(slots=True)
class ListsAhead:
    """A township's lists from some moment on. `at` is when the next are made, `last` the moment of the last; business time."""

    session: Session
    township_id: int
    manner: Manner
    at: datetime
    last: datetime

    def made(self, now: datetime) -> bool:
        """Whether lists are made at `now`; then the next ones are ahead."""
        if now < self.at:
            return False
        self.last = last_digest(self.session, self.township_id, self.manner, now)
        self.at = utc(next_digest(self.session, self.township_id, self.manner, now))
        return not self.manner.quiet_until(now)

    def of_case(self, timers: Sequence[dict[str, Any]], now: datetime) -> list[Row[Any]]:
        """Who has a list at `now` that speaks of the case whose timers these are, and what it says of it."""
        asked = {"township": self.township_id, "timers": as_json(timers), "people": None}
        return list(self.session.execute(OWN, {**asked, **asking(self.manner, now)}).all())

    def of_others(self, case_id: int, people: Sequence[int], now: datetime) -> list[Row[Any]]:
        """Which of these people have one all the same, for other cases."""
        asked = {"township": self.township_id, "case_id": case_id, "people": list(people)}
        return list(self.session.execute(OTHERS, {**asked, **asking(self.manner, now)}).all()) if people else []


def lists_ahead(session: Session, township_id: int, manner: Manner, now: datetime) -> ListsAhead | None:
    """From business time `now` on; None where the township has no lists. Today's, where they are due and not made yet, are made at once."""
    if manner.digest is None:
        return None
    last = last_digest(session, township_id, manner, now)
    due = day_of(last) == day_of(now) and moment(day_of(now), manner) <= now and not is_done(session, township_id, day_of(now))
    return ListsAhead(session, township_id, manner, now if due else utc(next_digest(session, township_id, manner, now)), last)
