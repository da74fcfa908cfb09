"""People who see something and report it: where, when, in which words, and whether they say who they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from drill.chance import Stream
from drill.findings import Item
from drill.hours import awake
from drill.visits import SELDOM, Place, Plan
from models.enumerations import ReportChannel

CALLS = 0.028  # of the places where people come and go


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody reports what they saw at a place: at which business time, and what `receive_report` is told."""

    at: datetime
    place: Place
    item: Item
    facts: dict[str, Any]

    @property
    def name(self) -> tuple[str, str]:
        """What tells this report from every other."""
        return self.place.code, str(self.facts["description"])

    def chance(self, seed: int) -> Stream:
        """The draws of who writes it down."""
        return Stream(seed, f"{self.place.code} {self.item.code}", "reported")


def calls(plan: Plan) -> list[Call]:
    """Every public report, in the order of time."""
    found = [call for place in plan.places if place.kind not in SELDOM and (call := _call(plan, place))]
    return sorted(found, key=lambda call: (call.at, call.place.code))


def _call(plan: Plan, place: Place) -> Call | None:
    chance = Stream(plan.seed, place.code, "report")
    if not chance.happens(CALLS) or not plan.items[place.kind]:
        return None
    since = plan.start + (plan.deadline - plan.start) * chance.between(0.03, 0.85, "when")
    item = chance.pick(plan.items[place.kind], "item")
    facts: dict[str, Any] = {
        "place": place.code, "description": f"{item.finding}，看着很危险，请来查一查",
        "channel": ReportChannel.qr if chance.happens(0.6, "qr") else ReportChannel.form,
    }  # fmt: skip
    if chance.happens(0.4, "named"):
        facts |= {"name": "一位居民", "contact": "留言回复"}
    return Call(awake(since + timedelta(seconds=int(chance.share("s") * 60)), 30), place, item, facts)


CALLED = text("""
select place.code, description from public_report join cases c on c.id = case_id join place on place.id = c.place_id
where c.township_id = :township_id
""")


def called_before(session: Session, township_id: int) -> set[tuple[str, str]]:
    """Which reports have come in: place, and in which words."""
    return {(row[0], row[1]) for row in session.execute(CALLED, {"township_id": township_id})}
