"""What a township's nouns look like as rows: plain values, JSON where a column holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, time
from typing import Any

from papers.township.campaign import Campaign
from papers.township.checklist import Checklist, Item
from papers.township.clause import Clause
from papers.township.duties import Due, Duty, Each, Owner
from papers.township.ladder import Counted, Ladder
from papers.township.place import Place
from papers.township.policy import Policy
from papers.township.severity import as_rules
from papers.township.sla import Limit, Sla
from papers.township.township import Township


def counts(township: Township) -> dict[str, int]:
    """How many of each noun the folder holds."""
    return {
        "units": len(township.units), "posts": len(township.posts), "people": len(township.people), "holdings": len(township.holdings),
        "places": len(township.places), "ladders": len(township.ladders), "limits": len(township.sla.limits),
        "checklists": len(township.checklists), "items": sum(len(each.items) for each in township.checklists),
        "calendar": len(township.calendar), "duties": len(township.duties.duties), "clauses": len(township.clauses),
        **({"groups": len(township.groups)} if township.groups else {}),
    }  # fmt: skip


def township_row(township: Township) -> dict[str, Any]:
    return {"name": township.name, "time_zone": township.zone.key, "rules": rules(township)}


def rules(township: Township) -> dict[str, Any]:
    """`township.rules`: the limits and times as models/rules.py reads them, and who supervises what."""
    return {
        **_times(township.sla),
        "limits": [limit(each) for each in township.sla.limits],
        "teams_by_kind": {str(kind): team for kind, team in township.teams_by_kind.items()},
        "default_team": township.default_team,
        "market_streets": list(township.market_streets),
        **_policy(township.policy),
        "duty_packs": [{"code": pack.code, "title": pack.title, "note": pack.note} for pack in township.duties.packs],
        **({"channels": as_rules(township.severities)} if township.severities else {}),
    }


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "recurrence": asdict(policy.recurrence),
        "league": asdict(policy.league),
        "recheck": asdict(policy.recheck),
        "enforcement": {"authorised_teams": list(policy.authorised_teams)},
        "fields": {str(field): asdict(owner) for field, owner in policy.fields.items()},
        "veto": list(policy.veto),
        **({"phone": policy.phone} if policy.phone else {}),
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
        "silence_days": sla.silence_days,
        **({"hourly_cap": sla.hourly_cap} if sla.hourly_cap else {}),
        **({"digest": asdict(sla.digest)} if sla.digest else {}),
    }


def limit(limit: Limit) -> dict[str, Any]:
    return {
        "clock": str(limit.clock), "grade": str(limit.grade), "sla_class": str(limit.sla_class) if limit.sla_class else None,
        "amount": limit.amount, "unit": str(limit.unit), "most": limit.most,
        "from": _day(limit.from_day), "to": _day(limit.to_day),
    }  # fmt: skip


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


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
        "name": place.name, "kind": place.kind, "village_id": units[place.village], "team_id": units[place.team],
        "responsible_post_id": posts[place.responsible], "field": place.field, "market_street": place.market_street,
        "also_street_shop": place.also_street_shop, "nine_small": place.nine_small, "crowded": place.crowded, "address": place.address,
        "lat": place.lat, "lon": place.lon, "phone": place.phone, "details": dict(place.details),
    }  # fmt: skip


def clause(clause: Clause) -> dict[str, Any]:
    return {"title": clause.title, "to_day": clause.to_day, "source": clause.source}


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
        "coordination": item.coordination, "photo": item.photo, "family": item.family,
        "changes": [
            {"from": each.from_day.isoformat(), "grade": str(each.grade), "sla_class": str(each.sla_class), "clause": each.clause}
            for each in item.changes
        ],
    }  # fmt: skip


def duty(duty: Duty) -> dict[str, Any]:
    """A duty's row but for its version; `body` holds all of it, as models/rhythm.py and statemachines/plan_duties.py read it."""
    body = {
        "title": duty.title, "pack": duty.pack, "owner": _owner(duty.owner), "each": _each(duty.each) if duty.each else None,
        "every": str(duty.every) if duty.every else None, "cron": duty.cron, "due": _due(duty.due),
        "season": list(duty.season) if duty.season else None, "days": str(duty.days), "evidence": [str(kind) for kind in duty.evidence],
        "closes_after_hours": duty.closes_after_hours, "leader": duty.leader, "gate": duty.gate, "report": duty.report,
        "done_by_inspection": {"trigger": str(duty.done_by)} if duty.done_by else None, "note": duty.note, "source": duty.source,
        "from": _day(duty.from_day), "to": _day(duty.to_day),
    }  # fmt: skip
    return {"title": duty.title, "pack": duty.pack, "leader": duty.leader, "active": True, "body": body}


def _owner(owner: Owner) -> dict[str, str]:
    said = {"post": owner.post, "kind": owner.kind, "of_place": owner.of_place}
    return {name: str(value) for name, value in said.items() if value}


def _each(each: Each) -> dict[str, Any]:
    return {"kinds": [str(kind) for kind in each.kinds], "details": dict(each.details), "without": dict(each.without)}


def _due(due: Due) -> dict[str, Any]:
    return {
        "weekday": str(due.weekday) if due.weekday else None, "month": due.month, "day": due.day, "at": _clock(due.at) if due.at else None,
    }  # fmt: skip
