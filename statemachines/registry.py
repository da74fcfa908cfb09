"""A place of the registry as the law needs it: its row under lock, whose reach it lies in, and its paper trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.enumerations import LEADERS, PostKind
from models.rules import rules_of
from statemachines.errors import Refused
from statemachines.load import Acting, Seated

ENTERPRISE = frozenset({PostKind.enterprise_principal, PostKind.enterprise_safety})
OFFICE = frozenset({PostKind.office_dispatcher, PostKind.office_head})

PLACE = """
select place.*, team.code as team, responsible.code as responsible_post
from place join unit team on team.id = place.team_id join post responsible on responsible.id = place.responsible_post_id
where place.township_id = :township_id and place.code = :code
"""
READ = text(PLACE)
LOCKED = text(f"{PLACE} for no key update of place")


def load_place(session: Session, township_id: int, code: object, *, lock: bool = True) -> Row[Any]:
    """The place with the codes of its team and its responsible post, locked until the transaction ends. Raises Refused(place).

    Lock order everywhere: cases before their place.
    """
    row = session.execute(LOCKED if lock else READ, {"township_id": township_id, "code": str(code)}).first()
    if row is None:
        raise Refused("place", f"没有编号为“{code}”的场所，请核对。", f"There is no place {code!r}.")
    return row


OWN = text("select exists (select from post where id = :post_id and :responsible in (id, reports_to_id))")


def answers_for(session: Session, seated: Seated, place: Row[Any]) -> bool:
    """Whether the place is the post's own: it is the responsible post, or reports to it (a safety officer to the principal)."""
    asked = {"post_id": seated.post_id, "responsible": place.responsible_post_id}
    return bool(session.execute(OWN, asked).scalar_one())


def in_reach(session: Session, seated: Seated, place: Row[Any]) -> bool:
    """An enterprise's post reaches its own places, a village's its village, everybody else the whole township."""
    if seated.actor.kind in ENTERPRISE:
        return answers_for(session, seated, place)
    return seated.unit_kind != "village" or seated.unit_id == place.village_id or seated.post_id == place.responsible_post_id


def authorised(session: Session, acting: Acting, seated: Seated) -> bool:
    """Whether the actor's own team, or the actor as the district's, may issue enforcement papers (赋权/委托): a township by itself may not
    (安全生产法 Art. 9)."""
    return seated.unit_kind == "district" or seated.actor.unit in rules_of(session, acting.township_id).authorised_teams


def may_seal(session: Session, acting: Acting, seated: Seated) -> bool:
    """Sealing and unsealing (临时查封, 消防法 Art. 54) is for leaders and for teams with enforcement authority."""
    return seated.actor.kind in LEADERS or authorised(session, acting, seated)


ADD = text("""
insert into place_event (place_id, seq, what, before, after, reason, note, case_code, post, person, at)
select :place_id, coalesce(max(seq), 0) + 1, :what, :before, :after, :reason, :note, :case_code, :post, :person, :now
from place_event where place_id = :place_id
""")


def add_to_trail(
    session: Session,
    place_id: int,
    what: str,
    before: str | None,
    after: str | None,
    *,
    reason: str,
    post: str,
    person: str,
    now: datetime,
    note: str | None = None,
    case_code: str | None = None,
) -> None:
    """One more line of the place's paper trail; the place must be locked. `now` is business time."""
    asked = {
        "place_id": place_id, "what": what, "before": before, "after": after, "reason": reason, "note": note, "case_code": case_code,
        "post": post, "person": person, "now": now,
    }  # fmt: skip
    session.execute(ADD, asked)


TRAIL = text("""
select place_event.* from place_event join place on place.id = place_id
where place.township_id = :township_id and place.code = :code order by seq
""")


def trail_of(session: Session, township_id: int, code: str) -> list[Row[Any]]:
    """Everything that ever happened to the place itself, oldest first."""
    return list(session.execute(TRAIL, {"township_id": township_id, "code": code}).all())


OPEN_HAZARDS = text("select code from cases where place_id = :place_id and kind = 'hazard' and ended_at is null order by id")


def open_hazards(session: Session, place_id: int) -> list[str]:
    """The codes of the place's hazards that are still open, oldest first."""
    return list(session.execute(OPEN_HAZARDS, {"place_id": place_id}).scalars())
