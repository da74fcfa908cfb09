"""What is known of the same thing: open twins and closed ones that came back, and open hazards that new criteria grade otherwise."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.enumerations import Threat
from models.rules import rules_of
from statemachines.criteria import RegradeOffer, regrade_offers
from statemachines.recurrence import Alike, Asked, alike
from web import places
from web.caller import Caller

REACHED = "select code from cases c where {reach} and c.code = any(:codes)"


def known(
    session: Session, caller: Caller, place: str, description: str, item: str | None = None, threat: Threat = Threat.fire
) -> Alike:
    """What is open or was closed lately that a finding at this place, now, would repeat. Raises Problem 404 for a place out of reach."""
    places.one(session, caller, place)
    asked = Asked(place, caller.now, description, item or None, threat)
    found = alike(session, caller.township_id, asked, rules_of(session, caller.township_id).recurrence)
    earlier = found.earlier and replace(found.earlier, closed_at=local(found.earlier.closed_at))
    return Alike(found.open_twins, earlier)


def to_regrade(session: Session, caller: Caller) -> list[RegradeOffer]:
    """The offers to regrade, of the hazards that the caller may read."""
    offers = regrade_offers(session, caller.township_id, caller.now)
    reach, asked = caller.reach()
    codes = {"codes": [offer.code for offer in offers]}
    reached = set(session.execute(text(REACHED.format(reach=reach)), {**asked, **codes}).scalars())
    return [offer for offer in offers if offer.code in reached]
