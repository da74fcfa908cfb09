"""The event log as OCEL 2.0 (JSON): cases of every kind, places, villages, teams and posts as objects, and what joins them.

Ids bear their type before a colon, since a place and a post may have the same code in a township. Events are written as they are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.database import as_json
from models.enumerations import CaseKind
from papers.events.log import Line, plain, state
from statemachines.laws import LAWS

Rows = list[dict[str, Any]]

OBJECTS = {
    "place": text("""
        select p.code, p.name, p.kind, p.status, 'village:' || v.code as "lies in", 'team:' || t.code as "supervised by",
            'post:' || post.code as "answered for by"
        from place p join unit v on v.id = p.village_id join unit t on t.id = p.team_id join post on post.id = p.responsible_post_id
        where p.township_id = :township order by p.code collate "C"
    """),
    "village": text("select code, name from unit where township_id = :township and kind = 'village' order by code collate \"C\""),
    "team": text("select code, name from unit where township_id = :township and kind = 'team' order by code collate \"C\""),
    "post": text("""
        select p.code, p.kind, unit.name as unit, 'post:' || above.code as "reports to"
        from post p join unit on unit.id = p.unit_id left join post above on above.id = p.reports_to_id
        where p.township_id = :township order by p.code collate "C"
    """),
}
CASES = text("""
select c.code, c.kind, c.grade, h.field, h.sla_class, c.opened_at, parent.kind || ':' || parent.code as "follows from",
    'place:' || p.code as "is at", 'village:' || v.code as "lies in", 'team:' || t.code as "supervised by",
    'post:' || r.code as "owed by"
from cases c left join hazard h on h.case_id = c.id left join cases parent on parent.id = c.parent_id left join place p on p.id = c.place_id
left join unit v on v.id = c.village_id left join unit t on t.id = c.team_id left join post r on r.id = c.responsible_post_id
where c.township_id = :township and exists (select from event where case_id = c.id and at <= :until)
    and (cast(:kind as text) is null or c.kind = :kind)
order by c.code collate "C"
""")
ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "place": ("name", "kind", "status"), "village": ("name",), "team": ("name",), "post": ("kind", "unit"),
    **{kind.value: ("grade", "field", "sla_class", "state") for kind in CaseKind},
}  # fmt: skip
EPOCH = "1970-01-01T00:00:00+08:00"  # since ever, as OCEL writes it


def write_ocel(session: Session, township_id: int, until: Any, events: Iterable[Line], file: BinaryIO, kind: CaseKind | None = None) -> int:
    """Writes the whole document and answers how many events it holds. A case's states over time are kept in memory while it is written."""
    kinds = [kind] if kind else list(CaseKind)
    states: dict[str, Rows] = defaultdict(list)
    names = [str(each) for each in kinds] + list(OBJECTS)
    file.write(b'{"objectTypes":' + _json([_object_type(name) for name in names]))
    file.write(b',"eventTypes":' + _json([_event_type(name) for each in kinds for name in _event_names(each)]))
    file.write(b',"events":[')
    posts = set(session.execute(text("select code from post where township_id = :township"), {"township": township_id}).scalars())
    count = 0
    for count, line in enumerate(events, 1):
        file.write((b",\n" if count > 1 else b"\n") + _json(_event(line, posts, kind)))
        if line.to_state != line.from_state:
            changed = {"name": "state", "time": line.stamp, "value": state(line.kind, line.to_state)}
            states[f"{line.kind}:{line.case}"].append(changed)
    file.write(b'\n],"objects":[')
    for place, each_object in enumerate(_objects(session, township_id, until, states, kind)):
        file.write((b",\n" if place else b"\n") + _json(each_object))
    file.write(b"\n]}\n")
    return count


def _json(value: Any) -> bytes:
    return as_json(value).encode()


def _object_type(name: str) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": each, "type": "string"} for each in ATTRIBUTES[name]]}


def _event_names(kind: CaseKind) -> list[str]:
    return [f"{kind.zh}·{each.zh}" for each in LAWS[kind].transitions]


def _event_type(name: str) -> dict[str, Any]:
    columns = [("trigger", "string"), ("person", "string"), ("facts", "string"), ("hash", "string")]
    return {"name": name, "attributes": [{"name": each, "type": kind} for each, kind in columns]}


def _event(each: Line, posts: set[str], only: CaseKind | None) -> dict[str, Any]:
    said = {"trigger": each.trigger, "person": each.person, "facts": as_json(dict(sorted(each.facts.items()))), "hash": each.hash}
    joined = [(f"{each.kind}:{each.case}", "about")]
    if each.parent and only is None:
        joined.append((f"hazard:{each.parent}", "concerns"))
    if each.place:
        joined.append((f"place:{each.place}", "at"))
    joined += [(f"post:{post}", qualifier) for post, qualifier in _posts(each) if post in posts]
    return {
        "id": each.id, "type": f"{each.kind.zh}·{each.activity}", "time": each.stamp,
        "attributes": [{"name": name, "value": value} for name, value in said.items()],
        "relationships": [{"objectId": thing, "qualifier": qualifier} for thing, qualifier in dict.fromkeys(joined)],
    }  # fmt: skip


def _posts(each: Line) -> Iterator[tuple[str, str]]:
    yield each.post, "done by"
    if isinstance(each.facts.get("responsible"), str):
        yield each.facts["responsible"], "assigned to"
    for told in each.facts.get("told") or ():
        yield str(told), "escalated to"


def _objects(session: Session, township_id: int, until: Any, states: Mapping[str, Rows], kind: CaseKind | None) -> Iterator[dict[str, Any]]:
    asked = {"township": township_id, "until": until, "kind": kind}
    known = set(states)
    for row in map(dict, session.execute(CASES, asked).mappings()):
        name = f"{row['kind']}:{row['code']}"
        yield _object(name, str(row["kind"]), row, local(row["opened_at"]).isoformat(timespec="milliseconds"), known, states[name])
    for name, query in OBJECTS.items():
        for row in map(dict, session.execute(query, {"township": township_id}).mappings()):
            yield _object(f"{name}:{row['code']}", name, row, EPOCH, known, [])


def _object(name: str, of_type: str, row: Mapping[str, Any], since: str, cases: set[str], states: Rows) -> dict[str, Any]:
    attributes = [{"name": each, "time": since, "value": plain(row[each])} for each in ATTRIBUTES[of_type] if row.get(each)]
    joined = [(row[each], each) for each in row if " " in each and row[each]]
    return {
        "id": name, "type": of_type, "attributes": attributes + states,
        "relationships": [{"objectId": thing, "qualifier": how} for thing, how in joined if how != "follows from" or thing in cases],
    }  # fmt: skip
