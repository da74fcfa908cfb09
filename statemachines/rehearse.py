"""If a hazard like this were found, or assigned, now: the law itself does it, it is looked at, and undone before anybody can see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import Grade
from statemachines.advance import advance, register
from statemachines.errors import Refused
from statemachines.foresee import Foreseen, foresee
from statemachines.load import Acting

# The office's posts that may both register and assign, as they are held today; for a major hazard its head alone.
OFFICE = text("""
select person.key, post.code from post join holding on holding.post_id = post.id join person on person.id = holding.person_id
where post.township_id = :township and post.active and post.kind = any(:kinds)
    and :day >= holding.from_day and :day <= coalesce(holding.to_day, 'infinity')
order by array_position(cast(:kinds as text[]), post.kind), post.code, holding.deputy_of_id nulls first, person.key limit 1
""")


def foresee_new(
    session: Session, township_id: int, now: datetime, until: datetime | None = None, *, assigned: bool = False,
    facts: Mapping[str, Any], public_url: str | None = None,
) -> list[Foreseen]:
    """Who would hear what when of a hazard that is registered at business time `now`, or also assigned, and that nobody touches then.

    `facts` as for `register`: place, and grade, sla_class, item, description where they are known. In the name of the office, under a
    savepoint that is rolled back; the code in the words is the next number. Raises Refused as `register` and `assign` do, with
    `office` when nobody is in the office today.
    """  # fmt: skip
    kinds = ["office_head"] if facts.get("grade") == Grade.major else ["office_head", "office_dispatcher"]
    row = session.execute(OFFICE, {"township": township_id, "kinds": kinds, "day": day_of(now)}).first()
    if row is None:
        raise Refused("office", "今天镇安办无人在岗，无法交办。", "Nobody is in the office today to assign it.")
    acting = Acting(township_id, row.key, row.code)
    said = {"description": "（拟登记的隐患）", "location": "—", **facts}
    trial = session.begin_nested()
    try:
        code = register(session, acting, now, wall=now, facts=said).code
        if assigned:
            advance(session, code, "assign", acting, now, wall=now)
        return foresee(session, township_id, code, now, until, public_url=public_url)
    finally:
        trial.rollback()
