"""What is owed by the end of tomorrow becomes runs of duties; what can't be made up for any more is missed; what was closed is looked
at again.

The runs of a business day are planned once for each edition of the township's duties: a row of `occasion` says so, however often a
schedule asks. A day on which Bihuan stood still is caught up as far as it can still be done in time. What was due meanwhile is left out,
and counted: nobody is blamed for what they were never asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlmodel import Session

from models.calendar import Calendar
from models.clock import Clock, day_of, start_of
from models.database import as_json
from models.enumerations import DutyTask, Grade, InspectionTrigger
from models.rhythm import Period, periods, rhythm_of
from models.rules import rules_of
from statemachines.advance import Acting, Outcome, advance
from statemachines.criteria import tell_new_criteria
from statemachines.duty import open_duties
from statemachines.errors import Refused
from statemachines.step import About, NewRun
from statemachines.tasks import recheck, regrade

RECHECK = {"after_days": 30, "percent": 10}
LOOKED_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Miss:
    """A run that has become missed: its code, what it was, whose and when it was due."""

    code: str
    title: str
    post: str
    due_at: datetime


@dataclass(slots=True)
class Planned:
    """What a call did. `left_out` runs were due while nobody planned them; `titles` counts the new runs by what they ask for."""

    planned: int = 0
    missed: int = 0
    rechecks: int = 0
    left_out: int = 0
    regrades: int = 0
    titles: Counter[str] = field(default_factory=Counter)
    misses: list[Miss] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        return any((self.planned, self.missed, self.rechecks, self.left_out, self.regrades))


# An edition of the duties changes with every version that comes into force or goes out of it.
TOWNSHIPS = text("""
select township.id, rules, salt, (
    select 'duties ' || coalesce(md5(string_agg(duty.id::text, ' ' order by duty.id)), '')
    from duty where township_id = township.id and active
) as edition
from township order by township.id
""")
LOCK = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
LAST = text("""
select max(day) as day, coalesce(bool_or(day = :today and name = :edition), false) as done
from occasion where township_id = :township and name like 'duties %'
""")
DONE = text("insert into occasion (township_id, name, day, done_at, facts) values (:township, :name, :day, :now, cast(:facts as jsonb))")


def plan_duties(session: Session, clock: Clock, *, flow_run: str | None = None) -> Planned:
    """Plans and marks as missed where it is time to, in the caller's transaction. Business time decides; a township that another call is
    busy with is left to it."""
    planned = Planned()
    for township in session.execute(TOWNSHIPS).all():
        if session.execute(LOCK, {"name": f"plan_duties {township.id}"}).scalar():
            _township(session, township, clock, planned, flow_run)
    return planned


def _township(session: Session, township: Row[Any], clock: Clock, planned: Planned, flow_run: str | None) -> None:
    now, wall = clock.now(), clock.wall()
    planned.misses += _miss(session, township.id, now, wall, flow_run)
    planned.missed = len(planned.misses)
    today = day_of(now)
    last = session.execute(LAST, {"township": township.id, "today": today, "edition": township.edition}).one()
    if last.done:
        return
    found = owed(session, township.id, now, last.day, rules_of(session, township.id).calendar)
    again, regrades = rechecks(session, township, now), _by_new_criteria(session, township.id, now, last.day)
    runs = [*found.runs, *again, *regrades]
    open_duties(session, township.id, now, wall, runs, flow_run=flow_run)
    here = Planned(len(found.runs), 0, len(again), found.left_out, len(regrades), Counter(run.title for run in found.runs))
    facts = {name: value for name, value in asdict(here).items() if isinstance(value, int)}
    session.execute(DONE, {"township": township.id, "name": township.edition, "day": today, "now": now, "facts": as_json(facts)})
    _add(planned, here)


def _add(planned: Planned, here: Planned) -> None:
    planned.planned += here.planned
    planned.rechecks += here.rechecks
    planned.left_out += here.left_out
    planned.regrades += here.regrades
    planned.titles += here.titles


class Owed(NamedTuple):
    runs: list[NewRun]
    left_out: int


DUTIES = text("select id, code, title, leader, body from duty where township_id = :township and active order by id")

# Who owes each of these periods: one post, every post of a kind, or a post of each place. A post that nobody holds owes it all the same.
# Among several posts of a team, each place has always the same one.
OWED = text("""
with asked as (
    select asked.at, asked.period, duty.code as duty, duty.body->'each' as each, duty.body->'owner'->>'post' as post,
        duty.body->'owner'->>'kind' as kind, duty.body->'owner'->>'of_place' as of_place
    from jsonb_to_recordset(cast(:asked as jsonb)) as asked(at int, duty_id int, period date) join duty on duty.id = duty_id
),
by_post as (
    select asked.at, duty, period, post.id as owner_id, null::int as place_id, village.id as village_id, post.code, '' as place
    from asked join post on post.township_id = :township and post.active and (post.code = asked.post or post.kind = asked.kind)
    left join unit village on village.id = post.unit_id and village.kind = 'village'
    where of_place is null
),
by_place as (
    select asked.at, duty, period, coalesce(seat.id, place.responsible_post_id), place.id, place.village_id, seat.code, place.code
    from asked join place on place.township_id = :township and place.status = 'active' and each->'kinds' @> to_jsonb(place.kind)
        and not exists (select from jsonb_each_text(each->'details') said where place.details->>said.key is distinct from said.value)
        and not exists (select from jsonb_each_text(each->'without') said where place.details->>said.key = said.value)
    left join lateral (
        select post.id, post.code from post
        where post.township_id = :township and post.active and post.kind = of_place and post.unit_id in (place.village_id, place.team_id)
        order by md5(place.code || ' ' || post.code) limit 1
    ) seat on true
    where of_place is not null
),
owed as (select * from by_post union all select * from by_place)
select at, owner_id, place_id, village_id from owed
where not exists (
    select from duty_run run join duty on duty.id = run.duty_id
    where duty.township_id = :township and duty.code = owed.duty and run.period = owed.period
        and run.place_id is not distinct from owed.place_id and (owed.place_id is not null or run.owner_post_id = owed.owner_id)
)
order by at, code, place
""")


def owed(session: Session, township_id: int, now: datetime, planned_on: date | None, calendar: Calendar) -> Owed:
    """The runs that open by the end of tomorrow, are not there yet and can still be done in time, and how many couldn't since planning
    was last done on the day `planned_on` (None: never, then nothing was missed)."""
    ends = start_of(day_of(now) + timedelta(days=2))
    covered = start_of(planned_on + timedelta(days=2)) if planned_on else now
    duties = session.execute(DUTIES, {"township": township_id}).all()
    asked = [(duty, period) for duty in duties for period in _periods(duty, min(now, covered), now, covered, ends, calendar)]
    said = [{"at": at, "duty_id": duty.id, "period": period.first} for at, (duty, period) in enumerate(asked)]
    rows = session.execute(OWED, {"township": township_id, "asked": as_json(said)}).all() if said else []
    found = [(*asked[row.at], row) for row in rows]
    runs = [_run(duty, period, row) for duty, period, row in found if period.due_at > now]
    return Owed(runs, len(found) - len(runs))


def _periods(duty: Row[Any], since: datetime, now: datetime, covered: datetime, ends: datetime, calendar: Calendar) -> Iterator[Period]:
    """Those still to be done, and those that began after what was covered but are over by now."""
    rhythm = rhythm_of(duty.body)
    for period in periods(rhythm, since - rhythm.longest - timedelta(days=1), ends, calendar):
        if period.due_at > now or period.opens_at >= covered:
            yield period


def _run(duty: Row[Any], period: Period, row: Row[Any]) -> NewRun:
    closes_at = period.due_at + timedelta(hours=duty.body["closes_after_hours"])
    return NewRun(
        row.owner_id, duty.title, DutyTask.duty, period.first, period.opens_at, period.due_at, closes_at, tuple(duty.body["evidence"]),
        leader=duty.leader, duty_id=duty.id, place_id=row.place_id, village_id=row.village_id,
    )  # fmt: skip


OFFERED = text("""
select c.id, c.code, c.round, c.grade, c.place_id, c.village_id, case_posts(c, 'office_head') as owner
from cases c where c.township_id = :township and c.code = any(:codes) order by c.code
""")


def _by_new_criteria(session: Session, township_id: int, now: datetime, planned_on: date | None) -> list[NewRun]:
    """按新标准复核等级: open hazards that criteria which have come into force since the last round grade otherwise than they stand."""
    offers = {offer.code: offer for offer in tell_new_criteria(session, township_id, now, planned_on or day_of(now))}
    rows = session.execute(OFFERED, {"township": township_id, "codes": list(offers)}).all() if offers else []
    calendar = rules_of(session, township_id).calendar
    about = [(row, About(row.id, row.code, row.round, Grade(row.grade), row.place_id, row.village_id)) for row in rows if row.owner]
    return [regrade(case, offers[case.code].clause, row.owner, now, calendar) for row, case in about]


# Drawn by township and case alone, so that the sample is the same on every machine and in every replay. An inspector of the supervising
# team who had no part in the re-inspection, else the team's head, else the nearest post above.
SAMPLE = text("""
with parties as (
    select c.id, array_agg(party->>'post') as posts,
        array_remove(array_agg(party->>'person') || array_agg(party->>'standing_in_for'), null) as persons
    from cases c join hazard h on h.case_id = c.id cross join jsonb_array_elements(h.reinspected_by) party
    where c.township_id = :township and c.state = 'closed' and h.closed_at > :since and h.closed_at <= :until group by c.id
),
closed as (
    select c.id, c.code, c.round, c.grade, c.place_id, c.village_id, c.team_id, h.closed_at, coalesce(posts, '{}') as posts,
        coalesce(persons, '{}') as persons
    from cases c join hazard h on h.case_id = c.id left join parties on parties.id = c.id
    where c.township_id = :township and c.state = 'closed' and h.closed_at > :since and h.closed_at <= :until
        and (c.grade = 'major' or h.recurrence_count > 0
            or ('x' || substr(encode(sha256(convert_to(:salt || ' ' || c.code, 'UTF8')), 'hex'), 1, 8))::bit(32)::bigint % 100 < :percent)
        and not exists (
            select from cases task join duty_run run on run.case_id = task.id
            where task.parent_id = c.id and run.task = 'recheck' and run.occasion = 'recheck ' || c.code || '#' || c.round
        )
),
seats as (
    select closed.id as case_id, post.id, post.code, 0 as rank from closed
    join post on post.unit_id = closed.team_id and post.kind = 'inspector' and post.active
    union all
    select closed.id, above.id, above.code, 1 + chain.depth from closed
    join post head on head.unit_id = closed.team_id and head.kind = 'station_head' and head.active
    join post_chain chain on chain.post_id = head.id join post above on above.id = chain.ancestor_id and above.active
)
select closed.*, seat.id as owner_id from closed join lateral (
    select seats.id from seats
    where seats.case_id = closed.id and not seats.code = any(closed.posts) and exists (
        select from holding join person on person.id = person_id left join person away on away.id = deputy_of_id
        where post_id = seats.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
            and not person.key = any(closed.persons) and (away.key is null or not away.key = any(closed.persons))
    )
    order by rank, md5(closed.code || ' ' || seats.code) limit 1
) seat on true
order by closed_at, code
""")


def rechecks(session: Session, township: Row[Any], now: datetime) -> list[NewRun]:
    """回头看 (the township's `recheck`): so many days after closing, all that were major or recurrent and so many percent of the rest.

    Goes back 30 days beyond that at most: an old register isn't drawn from all at once on the first day.
    """
    said = {**RECHECK, **(township.rules.get("recheck") or {})}
    until = now - timedelta(days=said["after_days"])
    asked = {"township": township.id, "salt": township.salt, "percent": said["percent"], "until": until, "since": until - LOOKED_BACK}
    rows = session.execute(SAMPLE, {**asked, "day": day_of(now)}).all()
    calendar = rules_of(session, township.id).calendar
    return [recheck(_about(row), day_of(row.closed_at), row.owner_id, sorted(set(row.persons)), now, calendar) for row in rows]


def _about(row: Row[Any]) -> About:
    return About(row.id, row.code, row.round, Grade(row.grade), row.place_id, row.village_id)


OVER = text("""
select c.code, run.title, owner.code as post, run.due_at from cases c
join duty_run run on run.case_id = c.id join post owner on owner.id = run.owner_post_id
where c.township_id = :township and c.kind = 'duty' and c.state = 'open' and c.due_at <= :now and run.closes_at <= :now
order by c.code
""")


def _miss(session: Session, township_id: int, now: datetime, wall: datetime, flow_run: str | None) -> list[Miss]:
    rows: Sequence[Row[Any]] = session.execute(OVER, {"township": township_id, "now": now}).all()
    return [Miss(*row) for row in rows if _missed(session, township_id, row.code, now, wall, flow_run)]


def _missed(session: Session, township_id: int, code: str, now: datetime, wall: datetime, flow_run: str | None) -> bool:
    """False where somebody did or excused it in the meantime."""
    system = Acting(township_id, "system", "system")
    try:
        advance(session, code, "miss", system, now, wall=wall, flow_run=flow_run)
    except Refused:
        return False
    return True


# The run of this period before one that is late: an inspection of this week doesn't stand for last week's as well.
FULFILLED = text("""
select c.id, c.code from cases c
join duty_run run on run.case_id = c.id join duty on duty.id = run.duty_id join post owner on owner.id = run.owner_post_id
where c.township_id = :township and c.kind = 'duty' and c.state = 'open' and owner.code = :post
    and duty.body->'done_by_inspection'->>'trigger' = :trigger and run.opens_at <= :now and run.closes_at >= :now
order by run.due_at < :now, run.due_at, c.code limit 1
""")
HOLDER = text("""
select person.key from post join holding on holding.post_id = post.id join person on person.id = holding.person_id
left join officer on officer.inspection_id = :inspection and officer.person = person.key
where post.township_id = :township and post.code = :post and :day >= from_day and :day <= coalesce(to_day, 'infinity')
order by officer.person is null, deputy_of_id nulls first, person.key limit 1
""")
BY_INSPECTION = text("update duty_run set inspection_id = :inspection where case_id = :case_id")


def fulfil_by_inspection(
    session: Session,
    acting: Acting,
    now: datetime,
    wall: datetime,
    inspection_id: int,
    leader_post: str | None,
    trigger: InspectionTrigger,
) -> Outcome | None:
    """Does the open run that an inspection led by `leader_post` (code) fulfils, if one does; `acting` recorded the inspection.

    It is the leader's act: of the holder who was there as an officer, else of the post's own holder.
    """
    asked = {"township": acting.township_id, "post": leader_post, "trigger": trigger, "now": now, "inspection": inspection_id}
    run = session.execute(FULFILLED, asked).first()
    person = session.execute(HOLDER, {**asked, "day": day_of(now)}).scalar()
    if run is None or person is None or leader_post is None:
        return None
    session.execute(BY_INSPECTION, {"inspection": inspection_id, "case_id": run.id})
    return advance(session, run.code, "do_duty", Acting(acting.township_id, person, leader_post), now, wall=wall)
