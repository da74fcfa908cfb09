"""The lines of a ledger, read from the database as they are written: a server-side cursor, no list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from papers.ledger.filter import Filter
from papers.ledger.form import Form

AT_A_TIME = 1000

HAZARDS = """
select c.id, c.code, c.state, c.round, c.grade, c.level, c.events, c.last_hash, c.opened_at, c.ended_at, c.village_id, c.team_id,
    c.responsible_post_id, c.approver_post_id, c.due_at as move_due_at, coalesce(c.ended_at is null and c.due_at < :now, false) as overdue,
    h.*, row_number() over (order by c.id) as line,
    p.code as place, p.name as place_name, p.kind as place_kind, p.address, p.details ->> 'credit_code' as credit_code,
    (select code from campaign where id = c.campaign_id) as campaign,
    (select code from cases where id = h.recurrence_of_id) as recurrence_of,
    (select code from cases where id = h.duplicate_of_id) as duplicate_of,
    (select key from ledger_row where case_id = c.id) as origin,
    (select i.code from answer a join inspection i on i.id = a.inspection_id where a.hazard_id = c.id limit 1) as inspection,
    (select r.code from public_report x join cases r on r.id = x.case_id where x.hazard_id = c.id limit 1) as report,
    (select string_agg(kind || ' ' || sha256, chr(10) order by id) from evidence where case_id = c.id) as evidence
from cases c join hazard h on h.case_id = c.id join place p on p.id = c.place_id
where c.township_id = :township and {condition} order by c.id
"""
# A line each visit, and a line each place that nobody has visited yet.
INSPECTIONS = """
select i.code, i.trigger, i.started_at, i.result, i.note, p.code as place, p.name as place_name, p.address, p.phone, p.status, p.village_id,
    p.responsible_post_id, p.details ->> 'floors' as floors, p.details ->> 'area_m2' as area, found.*,
    (select array_agg(person order by person) from officer where inspection_id = i.id) as officers,
    (select string_agg(distinct l.body ->> 'title', '、') from answer a join checklist l on l.id = a.checklist_id
        where a.inspection_id = i.id) as standard
from place p left join inspection i on i.place_id = p.id
left join lateral (
    select count(*) as found, array_agg(h.description order by c.id) as problems,
        array_agg(coalesce(h.measure, '') order by c.id) as measures
    from answer a join cases c on c.id = a.hazard_id join hazard h on h.case_id = c.id where a.inspection_id = i.id
) found on true
where p.township_id = :township and {condition} order by i.started_at, p.code
"""
OF_PLACES = ("village", "kind", "place")


def lines(
    session: Session,
    form: Form,
    township_id: int,
    wanted: Filter,
    now: datetime,
    reach: str = "true",
    asked: Mapping[str, Any] | None = None,
) -> Iterator[Row[Any]]:
    """`reach` is a further condition, on c (cases) or p (place), of what the reader may see, with what it asks for.

    Of inspections the filters on places and times hold, those on hazards are left out. `now` is business time.
    """
    statement, values = _sought(form, township_id, wanted, now, reach, asked)
    streaming = {"stream_results": True, "max_row_buffer": AT_A_TIME}
    streamed = session.connection().execute(text(statement), values, execution_options=streaming)
    for part in streamed.partitions(AT_A_TIME):
        yield from part


def count(
    session: Session,
    form: Form,
    township_id: int,
    wanted: Filter,
    now: datetime,
    reach: str = "true",
    asked: Mapping[str, Any] | None = None,
) -> int:
    """How many lines there are of those."""
    statement, values = _sought(form, township_id, wanted, now, reach, asked)
    return int(session.connection().execute(text(f"select count(*) from ({statement}) as line"), values).scalar_one())


def _sought(
    form: Form, township_id: int, wanted: Filter, now: datetime, reach: str, asked: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """The statement of a form's lines and its parameters."""
    if form.rows == "inspection":
        query, (condition, sought) = INSPECTIONS, _of_inspections(wanted, now)
    else:
        query, (condition, sought) = HAZARDS, wanted.where(now)
    statement = query.format(condition=f"{condition} and ({reach}) and ({form.only})")
    return statement, {**(asked or {}), **sought, "township": township_id}


def _of_inspections(wanted: Filter, now: datetime) -> tuple[str, dict[str, Any]]:
    given = {name: value for name in OF_PLACES if (value := getattr(wanted, name))}
    asked: dict[str, Any] = {name: str(value) for name, value in given.items()}
    conditions = [PLACES[name] for name in given]
    for name, sign in (("since", ">="), ("until", "<=")):
        if value := getattr(wanted, name):
            asked[name] = value
            conditions.append(f"i.started_at {sign} :{name}")
    return " and ".join(["true", *conditions]), asked


PLACES = {
    "village": "p.village_id = (select id from unit where township_id = p.township_id and code = :village)",
    "kind": "p.kind = :kind", "place": "p.code = :place",
}  # fmt: skip
