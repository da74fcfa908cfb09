"""What a message has to say, read from the database at the moment of sending: never what was true when it was planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.links_voided import SERIAL

LATE = timedelta(hours=2)


def from_micros(micros: int) -> datetime:
    """An instant from the UTC microseconds that facts hold."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True)
class Seat:
    """A post as people say it: its kind, and the unit it belongs to."""

    kind: str
    unit: str
    unit_kind: str


@dataclass(frozen=True, slots=True)
class Step:
    """A rung: its level, and when it is (or was to be) reached, in business time."""

    level: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """One message's truth. All times are business time, aware.

    `reached` is the post through which the person hears it, `meant` the post it was for, `standing_in_for` the person they stand in for.
    `kind` is the case's, `control` and `gate` what stands at its place now. `mine`: it is that post's own move, and the post itself hears
    it. `owner` is the responsible post, at `owner_place` when it answers for the place itself. `because` is the reason given at the step
    that caused the message, a code or words. `idle` is when it was acknowledged, where nothing has been done since. `up` is the next
    escalation, `up_to` whom it tells; `downwards` where these are all below the reader. `late` is the escalation that downtime swallowed.
    `person_id`, `post_id`, `version` and `serial` are what a ticket names. `addressed`: the message goes to a group, and
    whom in it it speaks to. `members` are a bundle's lines, in the order in which they are told.
    """

    id: int
    township_id: int
    purpose: str
    channel_id: int
    url: str = field(repr=False)
    person: str
    urgent: bool
    facts: dict[str, Any]
    planned_at: datetime
    person_id: int | None = None
    post_id: int | None = None
    version: int | None = None
    serial: int = 0
    addressed: str | None = None
    reached: Seat | None = None
    meant: Seat | None = None
    standing_in_for: str | None = None
    case_id: int | None = None
    kind: str = "hazard"
    code: str | None = None
    state: str | None = None
    control: str | None = None
    gate: str | None = None
    grade: str | None = None
    round: int = 1
    place: str | None = None
    what: str | None = None
    mine: bool = False
    owner: Seat | None = None
    owner_place: bool = False
    supervisor: str | None = None
    approver: Seat | None = None
    because: str | None = None
    clock: str | None = None
    due_at: datetime | None = None
    since: datetime | None = None
    idle: datetime | None = None
    level: int = 0
    repeat: int = 0
    up: Step | None = None
    up_to: tuple[Seat, ...] = ()
    downwards: bool = False
    repeat_hours: int | None = None
    late: Step | None = None
    broken: str | None = None
    broken_scheme: str | None = None
    nobody: Seat | None = None
    members: tuple[Letter, ...] = ()


def _seat(post: str) -> str:
    seat = "jsonb_build_object('kind', post.kind, 'unit', unit.name, 'unit_kind', unit.kind)"
    return f"(select {seat} from post join unit on unit.id = post.unit_id where post.id = {post})"


def _number(name: str) -> str:
    """A fact as a number, null where it is anything else: one odd message must not stop the others."""
    return f"case jsonb_typeof(facts->'{name}') when 'number' then (facts->'{name}')::int end"


# Of a group's message: who holds the post it speaks to, on the day on which it was planned; null for a person's.
ADDRESSED = """(select coalesce(string_agg(distinct holder.label, '、'), '') from group_post g
        left join holding h on h.post_id = n.post_id and (n.planned_at at time zone 'Asia/Shanghai')::date
            between h.from_day and coalesce(h.to_day, 'infinity')
        left join person holder on holder.id = h.person_id
        where g.person_id = n.person_id and g.post_id = n.post_id having count(*) > 0)"""

# The promise a message is about: its own timer, or the one that runs for the move it asks for.
LETTERS = text(f"""
with wanted as (
    select notice.*, 1 as company from notice where id = any(:ids) and state in ('pending', 'retry')
    union all
    select notice.*, count(*) over (partition by bundle_id) from notice where bundle_id = any(:ids) and state = 'bundled'
),
n as (select wanted.*, {_number("level")} as level, {_number("channel")} as broken from wanted)
select n.id, n.bundle_id, n.township_id, n.purpose, n.channel_id, channel.url, person.key as person, n.urgent, n.facts, n.planned_at,
    n.person_id, n.post_id, c.version, {SERIAL.format(person="n.person_id")} as serial, {ADDRESSED} as addressed,
    {_seat("n.post_id")} as reached, {_seat("n.for_post_id")} as meant, absent.label as standing_in_for,
    c.id as case_id, coalesce(c.kind, 'hazard') as kind, c.code, c.state, c.grade, c.round,
    coalesce(place.name, village.name, township.name) as place,
    hazard.interim_control as control, place.start_work as gate,
    coalesce(run.title, case c.kind when 'report' then '群众举报' else hazard.description end) as what,
    coalesce(n.post_id = n.for_post_id and case t.clock when 'dispatch' then meant.kind = 'office_dispatcher'
        when 'review' then meant.kind = 'inspector' when 'answer' then meant.kind in ('office_dispatcher', 'office_head')
        when 'approve' then n.for_post_id = c.approver_post_id when 'decide' then n.for_post_id = c.approver_post_id
        else n.for_post_id = c.responsible_post_id end, false) as mine,
    {_seat("c.responsible_post_id")} as owner, coalesce(place.responsible_post_id = c.responsible_post_id, false) as owner_place,
    team.name as supervisor, {_seat("c.approver_post_id")} as approver, coalesce(remark.body, step.facts->>'reason') as because,
    t.clock, case n.purpose when 'dispatch' then hazard.due_at when 'to_dispatch' then t.due_at
        else coalesce(t.due_at, c.due_at) end as due_at,
    case n.purpose when 'to_dispatch' then hazard.found_at else hazard.submitted_at end as since,
    case when t.clock = 'rectify' and c.state = 'rectifying' then newest.idle end as idle,
    t.rung_at[n.rung] as meant_at, coalesce(n.level, 0) as level, coalesce(n.repeat, 0) as repeat,
    up.level as up_level, up.at as up_at, upper.posts as up_to,
    coalesce(upper.downwards, false) as downwards, ladder.repeat_hours,
    missed.level as missed_level, missed.at as missed_at,
    owned.label as broken, split_part(broken.url, '://', 1) as broken_scheme,
    {_seat("(select id from post where township_id = n.township_id and code = n.facts->>'post')")} as nobody
from n
join channel on channel.id = n.channel_id join person on person.id = n.person_id
left join person absent on absent.id = n.standing_in_for_id
left join cases c on c.id = n.case_id left join hazard on hazard.case_id = coalesce(c.parent_id, c.id)
left join duty_run run on run.case_id = c.id join township on township.id = n.township_id
left join place on place.id = c.place_id left join unit team on team.id = c.team_id left join unit village on village.id = c.village_id
left join post meant on meant.id = n.for_post_id
left join timer t on t.id = coalesce(n.timer_id, (
    select id from timer where case_id = n.case_id and stopped_at is null and clock = case n.purpose
        when 'to_dispatch' then 'dispatch' when 'dispatch' then 'acknowledge' when 'review' then 'review' when 'approval' then 'approve'
        when 'returned' then 'rectify' when 'application' then 'decide' when 'report' then 'answer'
        when 'task' then case when run.leader then 'leader_duty' else 'duty' end end
))
left join ladder on ladder.id = t.ladder_id
left join event step on n.timer_id is null and step.case_id = n.case_id and step.seq = substring(n.occasion from '#(\\d+)$')::int
left join remark on remark.case_id = step.case_id and remark.seq = step.seq and remark.name = 'reason'
left join lateral (
    select case when trigger = 'acknowledge' and not exists (select from evidence where case_id = c.id and added_at > event.at)
        then event.at end as idle
    from event where case_id = n.case_id and trigger not in ('escalate', 'take_up', 'replan') order by seq desc limit 1
) newest on true
left join lateral (
    select rung.level, rung.told,
        greatest(t.rung_at[rung.position], case when t.held_until = t.next_at then t.held_until end) as at
    from rung
    where rung.ladder_id = t.ladder_id and rung.position > greatest(coalesce(n.rung, 0), t.fired)
        and t.rung_at[rung.position] is not null and rung.level > coalesce(n.level, 0)
    order by rung.position limit 1
) up on true
left join lateral (
    select jsonb_agg({_seat("each.id")} order by each.place) filter (where each.below is not true or each.all_below) as posts,
        bool_and(each.below) as downwards
    from (
        select aimed.id, word.place, below.yes as below, bool_and(below.yes) over () as all_below
        from unnest(up.told) with ordinality word(told, place) cross join lateral case_posts(c, word.told) aimed(id)
        cross join lateral (
            select exists (select from post_chain where post_id = aimed.id and ancestor_id = n.post_id and depth > 0) as yes
        ) below
        where n.company = 1 and word.told not in ('responsible', 'office_dispatcher') and aimed.id is distinct from n.post_id
    ) each
) upper on true
left join lateral (
    select rung.level, t.rung_at[rung.position] as at from rung
    where rung.ladder_id = t.ladder_id and rung.level > 0 and to_jsonb(rung.position) <@ (n.facts->'skipped')
    order by rung.position limit 1
) missed on true
left join channel broken on broken.id = n.broken left join person owned on owned.id = broken.person_id
order by n.urgent desc, due_at nulls last, n.id
""")


def letters(session: Session, ids: Sequence[int]) -> list[Letter]:
    """The letters of these notices in the given order; a bundle's with its members. One query for all."""
    return in_order(session.execute(LETTERS, {"ids": list(ids)}).all(), ids)


def in_order(rows: Sequence[Row[Any]], ids: Sequence[int]) -> list[Letter]:
    """The letters of `ids` from what LETTERS says of them."""
    members: dict[int, list[Letter]] = {}
    for row in rows:
        if row.bundle_id is not None:
            members.setdefault(row.bundle_id, []).append(_letter(row, ()))
    whole = {row.id: _letter(row, tuple(members.get(row.id, ()))) for row in rows if row.bundle_id is None}
    return [whole[id] for id in ids if id in whole]


SAME = (
    "id", "township_id", "purpose", "channel_id", "url", "person", "urgent", "facts", "planned_at", "person_id", "post_id", "version",
    "serial", "addressed", "standing_in_for", "case_id", "kind", "code", "state", "control", "gate", "grade", "place", "what", "mine",
    "owner_place", "supervisor", "because", "clock", "due_at", "since", "idle", "level", "repeat", "downwards", "repeat_hours", "broken",
    "broken_scheme",
)  # fmt: skip


def _letter(row: Row[Any], members: tuple[Letter, ...]) -> Letter:
    said = row._mapping
    return Letter(
        **{name: said[name] for name in SAME},
        round=row.round or 1,
        reached=_seated(row.reached), meant=_seated(row.meant), owner=_seated(row.owner),
        approver=_seated(row.approver), nobody=_seated(row.nobody),
        up=Step(row.up_level, row.up_at) if row.up_at else None,
        up_to=tuple(dict.fromkeys(Seat(**each) for each in row.up_to or ())),
        late=_late(row),
        members=members,
    )  # fmt: skip


def _seated(said: dict[str, str] | None) -> Seat | None:
    return Seat(**said) if said else None


def _late(row: Row[Any]) -> Step | None:
    """The first escalation that was passed over while Bihuan stood still, or this one when it comes hours after its time."""
    if row.missed_at:
        return Step(row.missed_level, row.missed_at)
    if row.meant_at and row.level > 0 and row.repeat == 0 and row.planned_at - row.meant_at > LATE:
        return Step(row.level, row.meant_at)
    return None
