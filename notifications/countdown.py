"""The campaign's own ladder: what is still open before the deadline, counted once a business day and told on the days that it names.

Whether a day's count or a reminder is done is a row of `occasion`: however often and however late a schedule asks, it happens once.
After downtime the latest reminder that was missed is sent, with today's numbers, and those before it are not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.case import OPEN, OVERDUE
from models.clock import SHANGHAI, Clock, day_of
from models.database import as_json
from notifications.digest import digest_due

RATE_DAYS = 7
REASONS = {"major": "重大", "recurrent": "反复发生", "failed": "复查两次以上不合格"}


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder whose time has come: the moment it was for, and what the township says about it."""

    at: datetime
    told: tuple[str, ...]
    about: str

    @property
    def name(self) -> str:
        return f"{self.at.astimezone(SHANGHAI):%H:%M}"

    @property
    def day(self) -> date:
        return day_of(self.at)


@dataclass(frozen=True, slots=True)
class Red:
    """An open case that must not be overlooked, and why: major, recurrent, failed (two re-inspections or more)."""

    code: str
    place: str
    why: tuple[str, ...]
    interim_control: str
    due_at: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """A campaign on one business day. `per_day`: closures a day needed from now; `rate`: closures a day in the last seven days;
    `forecast`: open at the deadline if that goes on; `most`: the villages with most open, by their secretary's post."""

    township: str
    campaign: str
    title: str
    day: date
    days: int
    open: int = 0
    major: int = 0
    overdue: int = 0
    closed: int = 0
    per_day: int = 0
    rate: float = 0.0
    forecast: int = 0
    most: tuple[dict[str, Any], ...] = ()
    teams: tuple[dict[str, Any], ...] = ()
    red: tuple[Red, ...] = ()
    reminder: str | None = None
    told: int = 0


@dataclass(slots=True)
class Countdown:
    """What a call did: the campaigns that were counted or reminded of now, and how many daily lists were made. Empty when today's work
    was done before."""

    counts: list[Count] = field(default_factory=list)
    digests: int = 0

    @property
    def told(self) -> int:
        return sum(each.told for each in self.counts)


CAMPAIGNS = text("""
select campaign.*, township.code as township, coalesce(township.rules->>'digest_at', '08:30') as digest_at
from campaign join township on township.id = campaign.township_id where campaign.starts_at <= :now order by campaign.id
""")
LOCK = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
IS_DONE = text("select exists (select from occasion where township_id = :township and name = :name and day = :day)")
DONE = text("insert into occasion (township_id, name, day, done_at, facts) values (:township, :name, :day, :now, cast(:facts as jsonb))")


def countdown_due(session: Session, clock: Clock) -> Countdown:
    """Counts and reminds where it is time to, and makes the daily lists, in the caller's transaction.

    Business time decides; somebody else's work is left alone.
    """
    now = clock.now()
    countdown = Countdown(digests=digest_due(session, clock))
    for campaign in session.execute(CAMPAIGNS, {"now": now}).all():
        count = _campaign(session, campaign, now)
        if count:
            countdown.counts.append(count)
    return countdown


def _campaign(session: Session, campaign: Row[Any], now: datetime) -> Count | None:
    today = day_of(now)
    daily = Due(datetime.combine(today, time.fromisoformat(campaign.digest_at), SHANGHAI), (), "")
    reminder = latest(campaign.reminders, campaign.starts_at, campaign.deadline, now)
    if not session.execute(LOCK, {"name": f"countdown {campaign.id}"}).scalar():
        return None
    counting = now >= daily.at and not _is_done(session, campaign, "countdown", today)
    reminding = reminder if reminder and not _is_done(session, campaign, f"reminder {reminder.name}", reminder.day) else None
    if not counting and not reminding:
        return None
    count = count_open(session, campaign, now)
    if reminding:
        told = _remind(session, campaign, count, reminding, now) if count.open else 0
        count = replace(count, reminder=reminding.about, told=told)
        _do(session, campaign, f"reminder {reminding.name}", reminding.day, now, {"told": told, "about": reminding.about})
    if counting:
        _do(session, campaign, "countdown", today, now, asdict(count))
    return count


def _is_done(session: Session, campaign: Row[Any], name: str, day: date) -> bool:
    asked = {"township": campaign.township_id, "name": f"{campaign.code} {name}", "day": day}
    return bool(session.execute(IS_DONE, asked).scalar())


def _do(session: Session, campaign: Row[Any], name: str, day: date, now: datetime, facts: Mapping[str, Any]) -> None:
    asked = {"township": campaign.township_id, "name": f"{campaign.code} {name}", "day": day, "now": now, "facts": as_json(facts)}
    session.execute(DONE, asked)


def latest(reminders: Sequence[Mapping[str, Any]], starts_at: datetime, deadline: datetime, now: datetime) -> Due | None:
    """The last reminder whose moment has come, counted back from `now`; None before the first. All instants are aware."""
    last, day = day_of(deadline), day_of(now)
    while day >= day_of(starts_at):
        today = of_day(reminders, (last - day).days)
        moments = [
            Due(datetime.combine(day, time.fromisoformat(at), SHANGHAI), tuple(each["to"]), each["about"])
            for each in today
            for at in each["at"]
        ]
        passed = [each for each in moments if starts_at <= each.at <= now]
        if passed:
            return max(passed, key=lambda each: each.at)
        day -= timedelta(days=1)
    return None


def of_day(reminders: Sequence[Mapping[str, Any]], days: int) -> list[Mapping[str, Any]]:
    """The reminders of the day that lies `days` before the deadline's: its own, else the nearest earlier one that repeats daily.

    One that repeats before the deadline stops with it.
    """
    own = [each for each in reminders if each["days_left"] == days]
    if own:
        return own
    daily = [each for each in reminders if each["daily"] and each["days_left"] > days and (each["days_left"] < 0) == (days < 0)]
    nearest = min((each["days_left"] for each in daily), default=None)
    return [each for each in daily if each["days_left"] == nearest]


OF_CAMPAIGN = f"""
open as (
    select c.id, c.code, c.grade, c.due_at, coalesce({OVERDUE}, false) as overdue, c.responsible_post_id, c.village_id, c.team_id,
        place.name as place, h.interim_control, array_remove(array[
            case when c.grade = 'major' then 'major' end,
            case when h.recurrence_count > 0 or h.recurrence_of_id is not null then 'recurrent' end,
            case when h.failed_count >= 2 then 'failed' end
        ], null) as why
    from cases c join hazard h on h.case_id = c.id join place on place.id = c.place_id
    where c.township_id = :township and c.campaign_id = :campaign and {OPEN}
)
"""
SEAT = "jsonb_build_object('kind', post.kind, 'unit', unit.name, 'unit_kind', unit.kind)"
CLOSED = """cases c join hazard h on h.case_id = c.id
    where c.township_id = :township and c.campaign_id = :campaign and c.state = 'closed'"""
COUNT = text(f"""
with {OF_CAMPAIGN},
villages as (
    select {SEAT} as post, count(*) as open from open
    join post on post.unit_id = open.village_id and post.kind = 'village_secretary' and post.active join unit on unit.id = post.unit_id
    group by post.id, post.code, unit.id order by open desc, post.code limit 3
),
teams as (
    select unit.name as team, count(*) as open, count(*) filter (where grade = 'major') as major from open
    join unit on unit.id = open.team_id group by unit.id order by open desc, unit.code
),
red as (
    select jsonb_build_object('code', code, 'place', place, 'why', why, 'interim_control', interim_control, 'due_at', due_at) as line
    from open where cardinality(why) > 0 or :over order by cardinality(why) desc, due_at, code limit 50
)
select count(*) as open, count(*) filter (where grade = 'major') as major, count(*) filter (where overdue) as overdue,
    (select count(*) from {CLOSED}) as closed, (select count(*) from {CLOSED} and h.closed_at > :since) as lately,
    (select jsonb_agg(to_jsonb(villages)) from villages) as most, (select jsonb_agg(to_jsonb(teams)) from teams) as teams,
    (select jsonb_agg(line) from red) as red
from open
""")


def count_open(session: Session, campaign: Row[Any], now: datetime) -> Count:
    """The numbers of a campaign (a row of its table) at business time `now`. After the deadline the red list holds all that is open."""
    today = day_of(now)
    days = (day_of(campaign.deadline) - today).days
    asked = {
        "campaign": campaign.id, "township": campaign.township_id, "now": now, "since": now - timedelta(days=RATE_DAYS), "over": days < 0,
    }  # fmt: skip
    row = session.execute(COUNT, asked).one()
    rate = row.lately / RATE_DAYS
    return Count(
        campaign.township, campaign.code, campaign.title, today, days, row.open, row.major, row.overdue, row.closed,
        per_day=ceil(row.open / max(1, days)),
        rate=round(rate, 2),
        forecast=max(0, ceil(row.open - rate * max(0, days))),
        most=tuple(row.most or ()), teams=tuple(row.teams or ()),
        red=tuple(Red(**{**each, "why": tuple(each["why"])}) for each in row.red or ()),
    )  # fmt: skip


# Whose an open case is: every post above the one responsible and above its team's head, and the village's own posts.
REMIND = text(f"""
with {OF_CAMPAIGN},
above as (
    select open.id, chain.ancestor_id as post_id from open join post_chain chain on chain.post_id = open.responsible_post_id
    union
    select open.id, chain.ancestor_id from open
    join post head on head.unit_id = open.team_id and head.kind = 'station_head' join post_chain chain on chain.post_id = head.id
    union
    select open.id, post.id from open join post on post.unit_id = open.village_id and post.kind in ('grid_member', 'village_secretary')
),
counted as (select post_id, count(*) as mine from above group by post_id),
aimed as (
    select post.id, coalesce(counted.mine, 0) as mine, unit.kind in ('township', 'district') as leads
    from post join unit on unit.id = post.unit_id left join counted on counted.post_id = post.id
    where post.township_id = :township and post.active and (counted.mine > 0 or unit.kind in ('township', 'district'))
        and (post.kind = any(:told) or 'responsible' = any(:told) and post.id in (select responsible_post_id from open))
),
person as (
    select distinct on (contact.person_id) contact.*, aimed.id as for_post, aimed.mine, aimed.leads
    from aimed cross join lateral post_contacts(aimed.id, :day) contact
    order by contact.person_id, contact.climbed, aimed.mine desc, aimed.id
)
insert into notice (
    township_id, purpose, occasion, person_id, channel_id, post_id, for_post_id, standing_in_for_id, urgent, while_states, facts, state,
    planned_at, not_before, attempts
)
select :township, 'countdown', :occasion, person_id, digest_channel(person_id, channel_id), reached_post, for_post, standing_in_for, false,
    '{{}}',
    cast(:facts as jsonb) || jsonb_build_object('mine', case when mine < :open then mine end)
        || case when leads then cast(:leading as jsonb) else '{{}}' end,
    'planned', :now, :now, 0
from person order by person_id
on conflict do nothing returning id
""")


def _remind(session: Session, campaign: Row[Any], count: Count, due: Due, now: datetime) -> int:
    """One message to each person of the audience who has something open under them, and to the leaders. Returns how many were planned."""
    facts = {
        "campaign": campaign.code, "deadline": round(campaign.deadline.timestamp() * 1_000_000), "days": count.days, "open": count.open,
        "major": count.major, "per_day": count.per_day, "forecast": count.forecast, "about": due.about,
    }  # fmt: skip
    asked = {
        "campaign": campaign.id, "township": campaign.township_id, "told": list(due.told), "open": count.open, "now": now,
        "day": count.day, "occasion": f"{campaign.code} {due.day} {due.name}", "facts": as_json(facts),
        "leading": as_json({"most": count.most}),
    }  # fmt: skip
    return len(session.execute(REMIND, asked).all())
