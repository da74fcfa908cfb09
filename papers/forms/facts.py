"""What a form is made of: everything that it says, read once and frozen beside it. No person's name, telephone or address is in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import local
from models.enumerations import CaseKind, Grade, InterimControl, ListingLevel, PaperKind, PlaceKind, PostKind, ReasonCode
from notifications.letter import Seat
from notifications.templates.zh import seat as say_seat
from statemachines.paper import NOTICES, ORDERS, Permit

Facts = dict[str, Any]
HAZARD = text("""
select c.code, c.grade, c.state, h.failed_count as failed, township.name as township, county.name as district, place.name as place,
    place.kind as place_kind, place.address, village.name as village, team.name as team, h.description, h.location, h.measure, h.field,
    h.legal_basis, h.found_at, h.assigned_at, h.due_at, h.original_due_at, h.verified_at, h.reinspected_by, h.interim_control,
    h.interim_at, h.interim_until, h.stop_scope, h.listing, h.plan, h.fund_actual, h.submitted_at,
    owner.kind as owner_kind, owner_unit.name as owner_unit, owner_unit.kind as owner_unit_kind
from cases c
join hazard h on h.case_id = c.id
join township on township.id = c.township_id
join place on place.id = c.place_id
join unit village on village.id = c.village_id
left join unit team on team.id = c.team_id
left join unit county on county.township_id = c.township_id and county.kind = 'district'
left join post owner on owner.id = c.responsible_post_id
left join unit owner_unit on owner_unit.id = owner.unit_id
where c.id = :id order by county.id limit 1
""")
TIMES = (
    "found_at", "assigned_at", "due_at", "original_due_at", "verified_at", "interim_at", "interim_until", "submitted_at",
)  # fmt: skip
PLAIN = (
    "code", "grade", "state", "failed", "township", "district", "place", "place_kind", "address", "village", "team", "description",
    "location", "measure", "field", "interim_control", "stop_scope", "listing",
)  # fmt: skip


def gather(session: Session, may: Permit, now: datetime, given: Mapping[str, Any]) -> Facts:
    """The facts of one form about one hazard at business time `now`; `given` is what its issuer adds (`note`). Times as RFC 3339."""
    row = session.execute(HAZARD, {"id": may.case.id}).one()
    return {
        "form": str(may.kind), "issued_at": _stamp(now), **{name: row._mapping[name] for name in PLAIN},
        **{name: _stamp(row._mapping[name]) for name in TIMES}, "basis": list(row.legal_basis),
        "organ": _organ(row, may), "responsible": _owner(row),
        "officers": [_officer(session, may.case.township_id, who) for who in may.officers],
        "visit": _visit(session, may.case.id), "earlier": _earlier(session, may.case.id), "review": _review(session, may, row),
        **_asked(session, may.case.id), "plan": row.plan or {}, "funds": None if row.fund_actual is None else f"{row.fund_actual:.2f}",
        "note": str(given.get("note") or "").strip(),
    }  # fmt: skip


def _stamp(moment: datetime | None) -> str | None:
    return local(moment).isoformat(timespec="seconds") if moment else None


def _organ(row: Row[Any], may: Permit) -> str:
    """In whose name a paper goes out: the township's government, the office of a street, or the district's authority."""
    if may.unit_kind == "district":
        return f"{row.district}{may.actor.kind.zh.removeprefix('区')}"
    return f"{row.township}{'办事处' if row.township.endswith('街道') else '人民政府'}"


def _owner(row: Row[Any]) -> str:
    if row.owner_kind is None:
        return ""
    if row.owner_kind == PostKind.enterprise_principal:
        return f"{row.place}主要负责人"
    return say_seat(Seat(row.owner_kind, row.owner_unit, row.owner_unit_kind))


POST = text("""
select post.kind, unit.name, unit.kind as unit_kind from post join unit on unit.id = post.unit_id
where post.township_id = :township_id and post.code = :code
""")


def say_post(session: Session, township_id: int, code: str) -> str:
    """A post as people say it; its code where it isn't there any more."""
    row = session.execute(POST, {"township_id": township_id, "code": code}).first()
    return say_seat(Seat(row.kind, row.name, row.unit_kind)) if row else code


def _officer(session: Session, township_id: int, who: Any) -> Facts:
    return {
        "person": who.person, "post": who.post, "seat": say_post(session, township_id, who.post), "certificate": who.certificate or ""
    }  # fmt: skip


VISIT = text("""
select inspection.id, inspection.code, started_at, ended_at, unit_signed, refused_to_sign
from inspection join answer on answer.inspection_id = inspection.id where answer.hazard_id = :id order by inspection.id limit 1
""")
FOUND = text("""
select h.location, h.description, c.grade, answer.fixed_on_spot as fixed from answer
join cases c on c.id = answer.hazard_id join hazard h on h.case_id = c.id where answer.inspection_id = :id order by c.id
""")


def _visit(session: Session, case_id: int) -> Facts | None:
    """The inspection that found the hazard, with everything that it found; None where it was registered by itself."""
    row = session.execute(VISIT, {"id": case_id}).first()
    if row is None:
        return None
    found = [dict(each._mapping) for each in session.execute(FOUND, {"id": row.id})]
    return {
        "code": row.code, "started_at": _stamp(row.started_at), "ended_at": _stamp(row.ended_at), "signed": row.unit_signed,
        "refused": row.refused_to_sign, "found": found,
    }  # fmt: skip


EARLIER = text("select kind, number, issued_at from paper where case_id = :id and kind = any(:kinds) order by id desc limit 1")


def _earlier(session: Session, case_id: int) -> Facts | None:
    """The newest notice or order, which a later paper refers to."""
    row = session.execute(EARLIER, {"id": case_id, "kinds": [str(kind) for kind in ORDERS | NOTICES]}).first()
    return None if row is None else {"kind": row.kind, "number": row.number, "issued_at": _stamp(row.issued_at)}


FAILED = text("""
select at, facts ->> 'reason' as reason, post from event where case_id = :id and trigger = 'reinspect_fail' order by seq desc limit 1
""")


def _review(session: Session, may: Permit, row: Row[Any]) -> Facts | None:
    """What the newest re-inspection found."""
    if row.verified_at:
        posts = [str(party.get("post", "")) for party in row.reinspected_by]
        said = "、".join(say_post(session, may.case.township_id, post) for post in posts)
        return {"passed": True, "at": _stamp(row.verified_at), "by": said, "why": ""}
    failed = session.execute(FAILED, {"id": may.case.id}).first()
    if failed is None:
        return None
    why = ReasonCode(failed.reason).zh if failed.reason in ReasonCode.__members__ else ""
    return {"passed": False, "at": _stamp(failed.at), "by": say_post(session, may.case.township_id, failed.post), "why": why}


EXTENSION = text("""
select c.code, c.state, x.number, x.reason, x.statement, x.interim_measures, x.requested_due, x.due_before, x.granted_due, c.opened_at
from cases c join extension x on x.case_id = c.id where c.parent_id = :id order by c.id desc limit 1
""")
TRANSFER = text("""
select c.code, c.state, x.recipient, x.statement, x.letter_no, x.replied_at, x.reply, x.reply_no, c.opened_at
from cases c join transfer x on x.case_id = c.id where c.parent_id = :id order by c.id desc limit 1
""")
LISTING = text("""
select c.code, c.state, x.level, x.statement, x.treat_by, x.listed_at
from cases c join listing x on x.case_id = c.id where c.parent_id = :id order by c.id desc limit 1
""")
ASKED = {CaseKind.extension: EXTENSION, CaseKind.transfer: TRANSFER, CaseKind.listing: LISTING}


def _asked(session: Session, case_id: int) -> Facts:
    """What was asked about the hazard, the newest of each kind."""
    found = {kind: session.execute(query, {"id": case_id}).first() for kind, query in ASKED.items()}
    return {
        f"{kind}_asked": row and {name: _json(value) for name, value in row._mapping.items()} for kind, row in found.items()
    }  # fmt: skip


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return _stamp(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def words(facts: Facts) -> tuple[str, str, str]:
    """The hazard's grade, the kind of its place and its interim control in Chinese."""
    return Grade(facts["grade"]).zh, PlaceKind(facts["place_kind"]).zh, InterimControl(facts["interim_control"]).zh


def level(facts: Facts) -> str:
    return ListingLevel(facts["listing"]).zh


def kind_of(facts: Facts) -> PaperKind:
    return PaperKind(facts["form"])
