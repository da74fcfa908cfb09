"""What a township's nouns look like as rows: plain values, JSON where a column holds it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from papers.township.campaign import Campaign
from papers.township.checklist import Checklist, Item
from papers.township.ladder import Counted, Ladder
from papers.township.place import Place
from papers.township.sla import Limit, Sla
from papers.township.township import Township


def counts(township: Township) -> dict[str, int]:
    """How many of each noun the folder holds."""
    return {
        "units": len(township.units), "posts": len(township.posts), "people": len(township.people), "holdings": len(township.holdings),
        "places": len(township.places), "ladders": len(township.ladders), "limits": len(township.sla.limits),
        "checklists": len(township.checklists), "items": sum(len(each.items) for each in township.checklists),
        "calendar": len(township.calendar),
    }  # fmt: skip


def township_row(township: Township) -> dict[str, Any]:
    return {"name": township.name, "time_zone": township.zone.key, "rules": rules(township)}


def rules(township: Township) -> dict[str, Any]:
    """`township.rules`: the limits and times as models/rules.py reads them, and who supervises what."""
    return {
        **_times(township.sla),
        "limits": [_limit(limit) for limit in township.sla.limits],
        "teams_by_kind": {str(kind): team for kind, team in township.teams_by_kind.items()},
        "default_team": township.default_team,
        "market_streets": list(township.market_streets),
    }


def _times(sla: Sla) -> dict[str, Any]:
    return {
        "working_hours": [[_clock(first), _clock(last)] for first, last in sla.working_hours],
        "quiet_hours": [_clock(edge) for edge in sla.quiet_hours],
        "digest_at": _clock(sla.digest_at),
        "bundle_cap": sla.bundle_cap,
        "retry_minutes": list(sla.retry_minutes),
        "cap_leaves_hours": sla.cap_leaves_hours,
        "take_up_hours": sla.take_up_hours,
    }


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "clock": str(limit.clock), "grade": str(limit.grade), "sla_class": str(limit.sla_class) if limit.sla_class else None,
        "amount": limit.amount, "unit": str(limit.unit), "most": limit.most,
    }  # fmt: skip


def _clock(moment: time) -> str:
    return moment.strftime("%H:%M")


def campaign(campaign: Campaign, township: Township) -> dict[str, Any]:
    return {
        "title": campaign.title,
        "starts_at": campaign.start,
        "deadline": campaign.deadline,
        "expected": {str(kind): count for kind, count in township.expected.items()},
        "targets": {str(grade): percent for grade, percent in campaign.targets.items()},
        "scope": {"kinds": [str(kind) for kind in campaign.kinds], "fields": [str(field) for field in campaign.fields]},
        "reminders": [
            {
                "days_left": each.days_left, "at": [_clock(moment) for moment in each.at], "to": list(each.told),
                "about": each.about, "daily": each.daily,
            }
            for each in campaign.reminders
        ],
    }  # fmt: skip


def place(place: Place, units: Mapping[str, int], posts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "name": place.name, "kind": place.kind, "status": place.status, "village_id": units[place.village], "team_id": units[place.team],
        "responsible_post_id": posts[place.responsible], "field": place.field, "market_street": place.market_street,
        "also_street_shop": place.also_street_shop, "nine_small": place.nine_small, "crowded": place.crowded, "address": place.address,
        "lat": place.lat, "lon": place.lon, "phone": place.phone,
    }  # fmt: skip


def rungs(ladder: Ladder) -> list[dict[str, Any]]:
    """Rows of `rung`, numbered from 1."""
    return [
        {
            "position": position, "level": rung.level, "offset_hours": rung.after_hours,
            "working": ladder.counted == Counted.working, "told": list(rung.told), "urge_letter": rung.urge_letter,
        }
        for position, rung in enumerate(ladder.rungs, start=1)
    ]  # fmt: skip


def checklist(checklist: Checklist) -> dict[str, Any]:
    return {"title": checklist.title, "items": [_item(item) for item in checklist.items]}


def _item(item: Item) -> dict[str, Any]:
    return {
        "code": item.code, "text": item.text, "finding": item.finding, "clause": item.clause, "kinds": [str(kind) for kind in item.kinds],
        "threat": str(item.threat), "nature": str(item.nature), "grade": str(item.grade), "sla_class": str(item.sla_class),
        "measure": item.measure, "field": str(item.field) if item.field else None, "location": item.location,
        "coordination": item.coordination,
        "changes": [
            {"from": each.from_day.isoformat(), "grade": str(each.grade), "sla_class": str(each.sla_class), "clause": each.clause}
            for each in item.changes
        ],
    }  # fmt: skip
