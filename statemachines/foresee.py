"""What is said if nobody does anything: who hears of a case, when, over what, why, and in which words. Nothing is written.

Time is walked through from one rung to the next with the words of `escalate`'s own statement, over the rows as they stand: timers and
ladders, posts and who holds them on the day, silences, quiet hours, daily lists, what each person has heard within the hour, what is
planned already. The texts are those of `render` at the moment of telling. One case alone: what is ready for one person at one moment
becomes one message, as in `bundle`, but what other cases will still say is not looked at: a person whom they tell `hourly_cap` times
within an hour hears what may wait (`Hearing.may_wait`) later. Channels are taken to work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of, say, say_left, start_of, utc
from models.database import as_json
from models.enumerations import CaseKind, Clock, Grade, NoticeState, Purpose, Word
from models.settings import Settings
from notifications.bundle import Bundle, Ready, gather
from notifications.digest import PATIENCE, waits_for_digest
from notifications.letter import LETTERS, Seat, in_order
from notifications.manner import Manner, manners
from notifications.plan import FIRST, REACHED
from notifications.reason import Reason
from notifications.render import render
from notifications.silence import silenced_townships
from notifications.templates.zh import seat
from notifications.throttle import HOUR
from statemachines.escalate import CLIMBING, NEXT_AT, RUNG_AT, TOLD
from statemachines.lists_ahead import WHO, lists_ahead

AT_MOST = 500


class Cause(Word):
    """Why something is said at that moment."""

    planned = "planned", "已计划，待发出", "planned already"
    rung = "rung", "到了这一级", "its rung is reached"
    handed_on = "handed_on", "上一级无人可达，立即转到这一级", "the rung before reached nobody"
    promise = "promise", "接手承诺的时间已到", "the time promised at taking up is over"
    repeat = "repeat", "最后一级，仍未办理，再次告知", "the last rung, said again"
    nobody = "nobody", "岗位无人可达", "a post reaches nobody"
    listed = "listed", "列入每日清单", "a line of the daily list"


@dataclass(frozen=True, slots=True)
class Hearing:
    """One person who is told. `person` is the key, `label` what they are called; `post` is the code of the post through which they hear it.

    `told_at` is when, later than the decision where something holds it: then `held` says what and `held_until` until when. None: a later
    rung is said instead. `by_list`: it is told by that moment's daily list. `lines` counts what is said in the same message; `text` is that
    message, of a daily list what this case alone makes of it, empty where the list is for other cases.

    `may_wait` names what depends on what other cases still tell this person, and can make it later than `told_at`; None: nothing can.
    Earlier it comes only where `spared`: the hour's cap, which other cases can shift, has put it off here already.
    """

    person: str
    label: str
    post: str
    post_name: str
    for_post: str | None
    standing_in_for: str | None
    channel: str
    told_at: datetime | None
    held: Reason | None = None
    held_until: datetime | None = None
    lines: int = 1
    text: str = ""
    by_list: bool = False
    may_wait: Reason | None = None
    spared: bool = False

    @property
    def waits(self) -> str:
        """What holds it and until when, in Chinese; empty where it is told as soon as it is decided."""
        if self.told_at is None:
            return "由更高一级取代"
        if self.by_list:
            return f"并入{say(self.told_at)}的每日清单"
        return f"{WAITS.get(self.held, self.held.zh)}至{say(self.held_until)}" if self.held and self.held_until else ""


WAITS = {
    Reason.quiet_hours: "免打扰", Reason.silenced: "静默", Reason.in_digest: "等每日清单，没有清单，单独告知，延",
    Reason.person_limit: "本小时已满，顺延",
}  # fmt: skip
# What no rehearsal of one case can know, for a reader of its rows.
MAY_WAIT = "※ 不急的消息，同一人一小时内听满规定条数的，顺延后合并告知；这取决于别的案件，这里算不出来。"
MAY_WAIT_EN = "* what isn't urgent comes later for whoever other cases have told often enough within the hour"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A moment at which something is said, or of which nobody hears: no `hearings`. Times are business time, in UTC.

    `clock` and `rung` are None where no rung says it. `posts` meant have reached nobody of their own where they stand in `empty`.
    """

    at: datetime
    clock: Clock | None
    level: int
    rung: int | None
    repeat: int
    cause: Cause
    purpose: Purpose
    due_at: datetime | None
    why: str
    urge_letter: bool = False
    empty: tuple[str, ...] = ()
    hearings: tuple[Hearing, ...] = ()

    @property
    def posts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.post for each in self.hearings))

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.label for each in self.hearings))

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(sorted({each.channel for each in self.hearings}))

    @property
    def held_until(self) -> datetime | None:
        return max((each.held_until for each in self.hearings if each.held_until), default=None)

    @property
    def text(self) -> str:
        """As the first of them reads it."""
        return next((each.text for each in self.hearings if each.text), "")


@dataclass(slots=True)
class Running:
    """A timer as it will stand, in the columns of its row. `handed_on`: its last rung reached nobody, so the next one came at once."""

    row: dict[str, Any]
    next_at: datetime
    handed_on: bool = False

    @property
    def id(self) -> int:
        return int(self.row["id"])


@dataclass(frozen=True, slots=True)
class Contact:
    """A person behind a post on a day; nobody, where `person` is None. `facts` are what the message to them says."""

    for_code: str
    climbed: int | None
    ids: dict[str, int | None]
    facts: dict[str, Any]
    person: str | None = None
    label: str = ""
    post: str = ""
    post_name: str = ""
    for_post: str | None = None
    away: str | None = None
    channel: str = ""

    @property
    def key(self) -> tuple[int | None, int | None]:
        return self.ids["person_id"], self.ids["channel_id"]


@dataclass(slots=True)
class Message:
    """A notice as it would stand in the table, with whom it reaches."""

    id: int
    row: dict[str, Any]
    to: Contact
    not_before: datetime
    held: Reason | None = None
    held_until: datetime | None = None
    told_at: datetime | None = None
    head: int | None = None
    lines: int = 1
    text: str = ""
    over: str = ""
    by_list: bool = False
    spared: bool = False
    tells: tuple[Message, ...] = ()

    @property
    def step(self) -> tuple[int, int]:
        return self.row["rung"] or 0, self.row["repeat"] or 0

    @property
    def planned_at(self) -> datetime:
        at = self.row["planned_at"]
        return at if isinstance(at, datetime) else datetime.fromisoformat(at)

    def wait(self, held: Reason, until: datetime) -> None:
        self.held, self.held_until, self.not_before = held, until, until
        self.spared = self.spared or held == Reason.person_limit

    def hearing(self) -> Hearing:
        to = self.to
        return Hearing(
            to.person or "", to.label, to.post, to.post_name, to.for_post, to.away, self.over or to.channel, self.told_at,
            self.held, self.held_until, self.lines, self.text, self.by_list, None if self.row["urgent"] else Reason.person_limit,
            self.spared,
        )  # fmt: skip


def foresee(
    session: Session, township_id: int, code: str, now: datetime, until: datetime | None = None, *, public_url: str | None = None
) -> list[Foreseen]:
    """Everything that is said of the case `code` from business time `now` on while nobody touches it, in the order of its moments.

    Without `until`: up to the first repeat of each ladder's last rung. A duty's run is over when it closes. What is decided by `until` and
    held beyond it is in the answer. Nothing for an unknown case or one on which no clock runs and nothing waits. Takes no lock.
    """
    case = session.execute(CASE, {"township": township_id, "code": code}).first()
    if case is None:
        return []
    ahead = Ahead(session, case, manners(session)[township_id], utc(now))
    ahead.walk(_horizon(ahead, until))
    ahead.write(public_url or Settings.read().public_url)
    return ahead.seen()


CASE = text("""
select c.id, c.township_id, c.kind, c.code, c.grade, (select closes_at from duty_run where case_id = c.id) as closes_at
from cases c where c.township_id = :township and c.code = :code
""")
TIMERS = text("""
select to_jsonb(t) as row, next_at, (select max(at) from unnest(rung_at) at) + make_interval(hours => ladder.repeat_hours) as ends
from timer t join ladder on ladder.id = t.ladder_id
where t.case_id = :case_id and t.stopped_at is null and t.quarantined_at is null order by t.id
""")
WAITING = text("""
select to_jsonb(n) as row, n.*, person.key as person, person.label, away.key as away, split_part(channel.url, '://', 1) as channel,
    reached.code as post, meant.code as meant, reached.kind, unit.name as unit, unit.kind as unit_kind
from notice n
join person on person.id = n.person_id join channel on channel.id = n.channel_id and channel.disabled_at is null
left join person away on away.id = n.standing_in_for_id left join post meant on meant.id = n.for_post_id
left join post reached on reached.id = n.post_id left join unit on unit.id = reached.unit_id
where n.case_id = :case_id and n.state in ('planned', 'held', 'pending') and n.attempts = 0
    and (cardinality(n.while_states) = 0 or (select state from cases where id = n.case_id) = any(n.while_states))
    and not exists (select from timer where timer.id = n.timer_id and (timer.stopped_at is not null or timer.run <> n.run))
order by n.id
""")
FIRST_AHEAD = FIRST.replace("facts", "reached.facts").replace("for_post", "reached.for_post")
# One rung of one timer, as `escalate` would climb it, and whom it reaches: at least one line.
CLIMB = text(f"""
with due as materialized (
    select c, t.* from jsonb_populate_record(null::timer, cast(:timer as jsonb)) t join cases c on c.id = t.case_id
),
{CLIMBING},
{REACHED},
{TOLD},
bodied as (select climbing.*, coalesce(told.posts, '{{}}') as posts from climbing left join told on told.timer_id = climbing.id)
select bodied.clock, bodied.level, bodied.rung as place, bodied.told_again, bodied.urge_letter, bodied.due_at, bodied.run, following, posts,
    offset_hours, {RUNG_AT} as rung_at, {NEXT_AT} as next_at, purpose, reached.facts, reached.for_post as for_post_id, for_code, climbed,
    reached_post as post_id, reached.person_id, channel_id, standing_in_for as standing_in_for_id, meant.code as meant, {WHO}
from bodied join reached on true left join person on person.id = reached.person_id left join channel on channel.id = channel_id
left join person away on away.id = standing_in_for left join post on post.id = reached_post left join unit on unit.id = post.unit_id
left join post meant on meant.id = reached.for_post
order by {FIRST_AHEAD}
""")
OFFICE = text(f"""
select office.id as for_post_id, office.code as for_code, climbed, reached_post as post_id, contact.person_id, channel_id,
    null::int as standing_in_for_id, office.code as meant, '{{}}'::jsonb as facts, {WHO}
from (select * from post where township_id = :township and kind = 'office_dispatcher' and active order by code limit 1) office
cross join lateral post_contacts(office.id, :day) contact
join person on person.id = contact.person_id join channel on channel.id = channel_id
left join person away on false join post on post.id = reached_post join unit on unit.id = post.unit_id
order by channel_id
""")
SAID_ALREADY = text("""
select occasion, person_id, channel_id from notice where township_id = :township and purpose = 'undeliverable' and planned_at >= :since
""")
HEARD = text("""
select person_id, array_agg(sent_at order by sent_at) as at from notice
where township_id = :township and sent_at > :since and sent_at <= :now group by person_id
""")
SILENCED = text("""
select n.id, silenced_until(n, :now, :day) as until from jsonb_populate_recordset(null::notice, cast(:notices as jsonb)) n
""")
# The words are read by the same query, from notices and timers as they will stand instead of those that stand in the tables.
LETTERS_AHEAD = text(
    """
with notice as (select * from jsonb_populate_recordset(null::notice, cast(:notices as jsonb))),
timer as (select * from jsonb_populate_recordset(null::timer, cast(:timers as jsonb))),"""
    + LETTERS.text.strip().removeprefix("with")
)


def _horizon(ahead: Ahead, until: datetime | None) -> datetime:
    """What was asked for; or when each ladder has been climbed and its last rung said once more."""
    asked = utc(until) if until else ahead.ends
    closes_at = ahead.case.closes_at
    return min(asked, closes_at) if ahead.case.kind == CaseKind.duty and closes_at else asked


class Ahead:
    """One case as it goes on by itself. `walk` lives through it, `write` finds the words, `seen` tells."""

    def __init__(self, session: Session, case: Row[Any], manner: Manner, start: datetime) -> None:
        self.session, self.case, self.manner, self.start = session, case, manner, start
        asked = {"case_id": case.id}
        timers = session.execute(TIMERS, asked).all()
        self.ends: datetime = max([row.ends for row in timers], default=start)
        self.timers = [Running(row.row, row.next_at) for row in timers]
        self.waiting = [_planned(row) for row in session.execute(WAITING, asked)]
        self.silences = case.township_id in silenced_townships(session, start)
        said = session.execute(SAID_ALREADY, {"township": case.township_id, "since": start_of(day_of(start))})
        self.said = {tuple(row) for row in said}
        self.lists = lists_ahead(session, case.township_id, manner, start)
        lately = session.execute(HEARD, {"township": case.township_id, "since": start - HOUR, "now": start})
        self.heard: dict[int | None, list[datetime]] = {row.person_id: list(row.at) for row in lately}
        self.moments = _planned_already(self.waiting)
        self.heads: dict[int, dict[str, Any]] = {}
        self.told: list[Message] = []
        self.sayings: list[tuple[int, datetime]] = []
        self.snapshots: list[dict[str, Any]] = []
        self.live = [dict(each.row) for each in self.timers]
        self.last_id = 0
        self._office: dict[date, list[Contact]] = {}

    def walk(self, until: datetime) -> None:
        """Sweeps and delivers at each moment at which something is due; after `until` only what is held still goes out."""
        now = self.start
        while now <= until and len(self.moments) < AT_MOST:
            self._sweep(now)
            self._list(now)
            self._deliver(now)
            now = min([each.next_at for each in self.timers] + self._held_until(), default=until + A_MOMENT)
        while self.waiting:
            now = max(now, min(self._held_until()))
            self._list(now)
            self._deliver(now)

    def _held_until(self) -> list[datetime]:
        """The moments at which something that waits may be told, daily lists among them."""
        lists = [self.lists.at] if self.lists and (self.timers or self.waiting) else []
        return [each.not_before for each in self.waiting] + lists

    def _sweep(self, now: datetime) -> None:
        while due := [each for each in self.timers if each.next_at <= now]:
            timer = min(due, key=lambda each: (each.next_at, each.id))
            asked = {"timer": as_json(timer.row), "now": now, "day": day_of(now)}
            rows = self.session.execute(CLIMB, asked).all()
            self._plan(timer, rows, now)
            _move_on(timer, rows[0], now)

    def office(self, day: date) -> list[Contact]:
        if day not in self._office:
            self._office[day] = [_contact(row) for row in self.session.execute(OFFICE, {"township": self.case.township_id, "day": day})]
        return self._office[day]

    def _plan(self, timer: Running, rows: Sequence[Row[Any]], now: datetime) -> None:
        """A message for each person, through the first of their posts; where a post has nobody of its own, one for the office."""
        climb, contacts = rows[0], [_contact(row) for row in rows]
        row = {
            "timer_id": timer.id, "run": climb.run, "rung": climb.place, "repeat": climb.told_again, "case_id": self.case.id,
            "purpose": climb.purpose, "urgent": self.case.grade == Grade.major,
        }  # fmt: skip
        planned = [self._message(each, now, {**row, "facts": each.facts}) for each in once_each(contacts)]
        empty = tuple(sorted({each.for_code for each in contacts if not each.person or each.climbed}))
        cause = _cause(timer, climb)
        moment = partial(Foreseen, now, Clock(climb.clock), climb.level, climb.place, climb.told_again)
        why = f"{cause.zh}：{_why(climb, now)}"
        self.moments.append((moment(cause, Purpose(climb.purpose), climb.due_at, why, climb.urge_letter, empty), planned))
        if alarms := self._alarms(empty, now):
            names = "、".join(dict.fromkeys(each.row["facts"]["post"] for each in alarms))
            told = moment(Cause.nobody, Purpose.undeliverable, climb.due_at, f"{Cause.nobody.zh}：{names}")
            self.moments.append((told, alarms))

    def _alarms(self, empty: Sequence[str], now: datetime) -> list[Message]:
        """The office hears of an empty post once a day."""
        alarms = []
        for post in empty:
            occasion = f"{post} {day_of(now).isoformat()}"
            for each in self.office(day_of(now)):
                if (occasion, *each.key) not in self.said:
                    self.said.add((occasion, *each.key))
                    row = {"purpose": Purpose.undeliverable, "occasion": occasion, "facts": {"post": post}, "urgent": False}
                    alarms.append(self._message(each, now, row))
        return alarms

    def _message(self, to: Contact, now: datetime, said: dict[str, Any]) -> Message:
        blank = dict.fromkeys(("case_id", "timer_id", "run", "rung", "repeat", "occasion", "bundle_id"))
        row = {
            **blank, "township_id": self.case.township_id, "state": NoticeState.pending, "planned_at": now, "attempts": 0, **to.ids, **said
        }  # fmt: skip
        message = Message(self._next_id(), row, to, now)
        self.waiting.append(message)
        return message

    def _next_id(self) -> int:
        """Ids of notices that will never be: after all that are, in the order of planning."""
        self.last_id += 1
        return AFTER_ALL + self.last_id

    def _list(self, now: datetime) -> None:
        """The day's lists, where it is time for them, each with what has waited for it."""
        if not self.lists or not self.lists.made(now):
            return
        own = [self._message(_contact(row), now, _listed(row)) for row in self.lists.of_case([each.row for each in self.timers], now)]
        if own:
            why = f"{Cause.listed.zh}（清单上的其他案件不在此列）"
            self.moments.append((Foreseen(now, None, 0, None, 0, Cause.listed, Purpose.digest, None, why), own))
        waiting = self._for_the_list(now)
        alone = {each.to.ids["person_id"] for each in waiting} - {each.to.ids["person_id"] for each in own}
        others = self.lists.of_others(self.case.id, sorted(id for id in alone if id), now)
        for each in own + [self._message(_contact(row), now, {**_listed(row), "facts": {}}) for row in others]:
            each.tells = tuple(one for one in waiting if one.to.ids["person_id"] == each.to.ids["person_id"])
        told = {one.id for each in self.waiting for one in each.tells}
        self.waiting = [each for each in self.waiting if each.id not in told]

    def _for_the_list(self, now: datetime) -> list[Message]:
        waiting = [each for each in self.waiting if each.held == Reason.in_digest]
        silenced = self._silenced([each for each in waiting if each.row["timer_id"]], now)
        return [each for each in waiting if each.id not in silenced]

    def _deliver(self, now: datetime) -> None:
        """Puts off what may not be told now, and tells the rest."""
        ready = self._hold([each for each in self.waiting if each.not_before <= now], now)
        gathered = gather(_ready(each) for each in ready)
        by_id = {each.id: each for each in ready}
        for one in gathered.alone:
            self._tell([by_id[one]], None, now)
        for bundle in gathered.bundles:
            self._tell([by_id[one] for one in bundle.members], bundle, now)
        gone = set(by_id)
        self.waiting = [each for each in self.waiting if each.id not in gone]

    def _hold(self, ready: list[Message], now: datetime) -> list[Message]:
        silenced = self._silenced([each for each in ready if each.row["timer_id"]], now)
        quiet = self.manner.quiet_until(now)
        going = []
        for each in ready:
            if each.held == Reason.silenced and self._overtaken(each):
                self.waiting.remove(each)
            elif until := silenced.get(each.id):
                each.wait(Reason.silenced, until)
            elif quiet and not each.row["urgent"]:
                each.wait(Reason.quiet_hours, quiet)
            elif self.lists and waits_for_digest(self.manner, each.row, each.planned_at, self.lists.last):
                each.wait(Reason.in_digest, self.lists.at + PATIENCE)
            elif until := self._spared_until(each, now):
                each.wait(Reason.person_limit, until)
            else:
                going.append(each)
        return going

    def _spared_until(self, message: Message, now: datetime) -> datetime | None:
        """Until when a person who has been told often enough within the hour is left alone; None: they are told."""
        cap = self.manner.hourly_cap
        lately = sorted(at for at in self.heard.get(message.to.ids["person_id"], ()) if now - HOUR < at)
        return lately[-cap] + HOUR if len(lately) >= cap and not message.row["urgent"] else None

    def _overtaken(self, message: Message) -> bool:
        """Whether a later rung, which the silence didn't hold, has been said to the same person."""
        same = [each for each in self.told if each.row["timer_id"] == message.row["timer_id"] and each.to.person == message.to.person]
        return any(each.step > message.step for each in same)

    def _silenced(self, ready: Sequence[Message], now: datetime) -> dict[int, datetime]:
        if not self.silences or not ready:
            return {}
        notices = as_json([{**each.row, "id": each.id} for each in ready])
        rows = self.session.execute(SILENCED, {"notices": notices, "now": now, "day": day_of(now)})
        return {row.id: row.until for row in rows if row.until}

    def _tell(self, messages: Sequence[Message], bundle: Bundle | None, now: datetime) -> None:
        """Each message keeps the timer as it stands at this moment: its words say when it goes up next."""
        head = self._next_id() if bundle else None
        if bundle and head:
            first = messages[0].row
            self.heads[head] = {**first, **OF_NO_CASE, "id": head, "facts": {}, "urgent": bundle.urgent}
        for each in messages:
            each.told_at, each.head, each.lines = now, head, each.row["facts"].get("total", len(messages))
            self._keep_timer(each)
            self._tell_by_list(each, now)
        self.told += messages
        self.heard.setdefault(messages[0].to.ids["person_id"], []).append(now)
        if messages[0].row["facts"] or messages[0].row["purpose"] != Purpose.digest:
            self.sayings.append((head or messages[0].id, now))

    def _tell_by_list(self, list_: Message, now: datetime) -> None:
        for each in list_.tells:
            each.told_at, each.held_until, each.head, each.lines = now, now, list_.id, list_.lines
            each.by_list, each.over, each.spared = True, list_.to.channel, each.spared or list_.spared
            self._keep_timer(each)
        self.told += list_.tells

    def _keep_timer(self, message: Message) -> None:
        timer = next((each for each in self.timers if each.id == message.row["timer_id"]), None)
        if timer:
            self.snapshots.append({**timer.row, "id": -message.id, "stopped_at": message.told_at})
        elif message.row["case_id"]:
            self.live = [dict(each.row) for each in self.timers]

    def write(self, public_url: str) -> None:
        """The words of everything that is told, in one question."""
        notices = [_as_notice(each) for each in self.told] + list(self.heads.values())
        ids = [id for id, _ in self.sayings]
        asked = {"notices": as_json(notices), "timers": as_json(self.snapshots + self.live), "ids": ids}
        letters = {each.id: each for each in in_order(self.session.execute(LETTERS_AHEAD, asked).all(), ids)} if ids else {}
        said = {id: render(letters[id], self.manner, at, public_url)[1] for id, at in self.sayings if id in letters}
        for each in self.told:
            each.text = said.get(each.head or each.id, "")

    def seen(self) -> list[Foreseen]:
        return [replace(moment, hearings=tuple(each.hearing() for each in messages)) for moment, messages in self.moments]


A_MOMENT = timedelta(microseconds=1)
AFTER_ALL = 2**62
OF_NO_CASE = {
    "purpose": Purpose.bundle, "state": NoticeState.pending, "case_id": None, "timer_id": None, "run": None, "rung": None, "repeat": None,
    "post_id": None, "for_post_id": None, "standing_in_for_id": None, "bundle_id": None,
}  # fmt: skip


def _cause(timer: Running, climb: Row[Any]) -> Cause:
    if climb.told_again == 0:
        return Cause.handed_on if timer.handed_on else Cause.rung
    return Cause.repeat if climb.following is None else Cause.promise


def _move_on(timer: Running, climb: Row[Any], now: datetime) -> None:
    """The timer after the rung, as `escalate` leaves it."""
    timer.handed_on = not climb.posts and climb.offset_hours >= 0 and climb.following is not None
    timer.next_at = climb.next_at
    moved = {"fired": climb.place, "repeat": climb.told_again, "fired_at": now, "rung_at": climb.rung_at, "next_at": climb.next_at}
    timer.row = {**timer.row, **moved}


def once_each(contacts: Sequence[Contact]) -> list[Contact]:
    """The first contact of each person, in the order of planning."""
    return list({each.key: each for each in reversed(contacts) if each.person}.values())[::-1]


def _why(climb: Row[Any], now: datetime) -> str:
    due = f"{Clock(climb.clock).zh}期限{say(climb.due_at)}"
    if now == climb.due_at:
        return f"{due}已到"
    return f"{due}，{'还有' if now < climb.due_at else '已过'}{say_left(now - climb.due_at)}"


def _ready(message: Message) -> Ready:
    row = message.row
    series = f"{row['timer_id']}:{row['run']}" if row["timer_id"] else None
    series = "digest" if row["purpose"] == Purpose.digest else series
    return Ready(message.id, row["channel_id"], row["purpose"], row["urgent"], series, *message.step)


def _listed(row: Row[Any]) -> dict[str, Any]:
    """What a list is as a message."""
    return {"purpose": Purpose.digest, "occasion": "digest", "facts": row.facts, "urgent": False}


def _as_notice(message: Message) -> dict[str, Any]:
    state = NoticeState.bundled if message.head else NoticeState.pending
    row = {**message.row, "id": message.id, "state": state, "bundle_id": message.head}
    return {**row, "timer_id": -message.id} if row["timer_id"] else row


IDS = ("person_id", "channel_id", "post_id", "for_post_id", "standing_in_for_id")


def _contact(row: Row[Any]) -> Contact:
    ids = {column: row._mapping[column] for column in IDS}
    if row.person is None:
        return Contact(row.for_code, row.climbed, ids, row.facts, for_post=row.meant)
    name = seat(Seat(row.kind, row.unit, row.unit_kind))
    return Contact(row.for_code, row.climbed, ids, row.facts, row.person, row.label, row.post, name, row.meant, row.away, row.channel)


def _planned(row: Row[Any]) -> Message:
    """A message that waits already."""
    ids = {column: row._mapping[column] for column in IDS}
    name = seat(Seat(row.kind, row.unit, row.unit_kind)) if row.kind else ""
    to = Contact(row.meant or "", 0, ids, row.facts, row.person, row.label, row.post or "", name, row.meant, row.away, row.channel)
    held = Reason(row.reason) if row.state == NoticeState.held else None
    return Message(row.id, row.row, to, row.not_before, held, row.not_before if held else None)


def _planned_already(waiting: Sequence[Message]) -> list[tuple[Foreseen, list[Message]]]:
    """What one decision has planned is one moment."""
    moments: dict[Foreseen, list[Message]] = {}
    for each in waiting:
        moments.setdefault(_before(each), []).append(each)
    return sorted(moments.items(), key=lambda moment: moment[0].at)


def _before(message: Message) -> Foreseen:
    row = message.row
    clock = row["facts"].get("clock")
    at = datetime.fromisoformat(row["planned_at"])
    purpose = Purpose(row["purpose"])
    level = int(row["facts"].get("level") or 0)
    return Foreseen(
        utc(at), Clock(clock) if clock else None, level, row["rung"], row["repeat"] or 0, Cause.planned, purpose, None,
        f"{Cause.planned.zh}：{purpose.zh}",
    )  # fmt: skip
