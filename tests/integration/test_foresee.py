"""What is foreseen is what then happens when nobody does anything: the same moments, people, channels and words, and nothing else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.main import app
from models.clock import day_of, parse_time
from models.cluster import Cluster
from models.database import as_json, engine, transaction
from models.enumerations import PostKind
from notifications.deliver import deliver_due
from notifications.digest import digest_due
from notifications.outcome import SENT, Outcome
from statemachines.errors import LawError, Refused
from statemachines.foresee import Foreseen, Hearing, foresee
from statemachines.rehearse import foresee_new
from tests.acceptance.receiver import without_link
from tests.stage import Stage
from tests.stage import stage as open_stage
from tests.town import person_of, posts

URL = "http://bihuan.test"
PROFILE = settings(
    max_examples=15, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate],
)  # fmt: skip


class Sent(NamedTuple):
    at: datetime
    person: str
    channel: str
    text: str


class Said(NamedTuple):
    """A message as it is planned: when, of what, for whom, through which post."""

    at: datetime
    purpose: str
    level: int
    rung: int
    repeat: int
    person: str
    post: str
    for_post: str | None
    standing_in_for: str | None


class Recorder:
    """Takes every message and keeps it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sent: list[Sent] = []

    def __call__(self, url: str, title: str, body: str) -> Outcome:
        self.sent.append(Sent(self.stage.clock.now(), url.rsplit("/", 1)[1], url.split(":", 1)[0], without_link(body)))
        return SENT

    def deliver(self) -> None:
        deliver_due(self.stage.engine, self.stage.clock, channel=self, public_url=URL)


def predicted(stage: Stage, code: str, until: datetime | None = None) -> list[Foreseen]:
    with transaction(stage.engine) as session:
        return foresee(session, stage.township_id, code, stage.clock.now(), until, public_url=URL)


NEXT_RUNG = "select min(next_at) as at from timer where stopped_at is null and quarantined_at is null"
NEXT_HELD = "select min(not_before) as at from notice where state in ('planned', 'held')"
NEXT_RUNG, NEXT_HELD = (f"{query} and cast(:now as timestamptz) is not null" for query in (NEXT_RUNG, NEXT_HELD))
# The schedule comes every day at that time, whatever day it is.
NEXT_LIST = """
select min(at) as at from township, generate_series(0, 1) days,
    lateral (select (cast(:now as timestamptz) at time zone 'Asia/Shanghai')::date + days as day) asked,
    lateral (select (day + cast(coalesce(rules->>'digest_at', '08:30') as time)) at time zone 'Asia/Shanghai' as at) moment
where rules ? 'digest' and at > :now
"""


def live(stage: Stage, recorder: Recorder, until: datetime) -> None:
    """Time goes from one moment to the next, the sweep, the lists and the sender go round, nobody does anything."""
    while True:
        stage.sweep()
        make_lists(stage)
        recorder.deliver()
        ahead = [at for query in (NEXT_RUNG, NEXT_HELD, NEXT_LIST) if (at := next_at(stage, query))]
        if not ahead or min(ahead) > until:
            break
        stage.clock.advance_to(min(ahead))
    while held := next_at(stage, NEXT_HELD):
        stage.clock.advance_to(min(each for each in (held, next_at(stage, NEXT_LIST)) if each))
        make_lists(stage)
        recorder.deliver()


def next_at(stage: Stage, query: str) -> datetime | None:
    at: datetime | None = stage.one(query, now=stage.clock.now()).at
    return at


def make_lists(stage: Stage) -> None:
    with transaction(stage.engine) as session:
        digest_due(session, stage.clock)


def sent_of(foreseen: list[Foreseen]) -> list[Sent]:
    """Each message once, however many lines it has."""
    told = {
        Sent(each.told_at, each.person, each.channel, without_link(each.text))
        for moment in foreseen for each in moment.hearings if each.told_at
    }  # fmt: skip
    return sorted(told)


def said_of(foreseen: list[Foreseen]) -> list[Said]:
    return sorted(
        (
            Said(each.at, str(each.purpose), each.level if each.clock else 0, each.rung or 0, each.repeat, *who)
            if each.purpose != "undeliverable" else Said(each.at, str(each.purpose), 0, 0, 0, *who)
            for each in foreseen if each.cause != "planned"
            for who in ((one.person, one.post, one.for_post, one.standing_in_for) for one in each.hearings)
        ), key=repr,
    )  # fmt: skip


PLANNED = """
select n.planned_at, n.purpose, coalesce((n.facts->>'level')::int, 0), coalesce(n.rung, 0), coalesce(n.repeat, 0), person.key, reached.code,
    meant.code, away.key
from notice n join person on person.id = n.person_id left join post reached on reached.id = n.post_id
left join post meant on meant.id = n.for_post_id left join person away on away.id = n.standing_in_for_id
where n.purpose <> 'bundle' and n.id > :since
"""


def planned(stage: Stage, since: int) -> list[Said]:
    return sorted((Said(*row) for row in stage.all(PLANNED, since=since)), key=repr)


def hazard(state: str, **facts: Any) -> Callable[[Stage], str]:
    return lambda stage: getattr(stage, f"to_{state}")(**facts) if state != "found" else stage.find(**facts)


PIT = {"place": "pit", "grade": "major"}
CASES: dict[str, Callable[[Stage], str]] = {
    "found": hazard("found"),
    "found major": hazard("found", **PIT),
    "assigned": hazard("assigned"),
    "assigned major": hazard("assigned", **PIT),
    "rectifying": hazard("rectifying", sla_class="g7"),
    "rectifying major": hazard("rectifying", **PIT),
    "submitted": hazard("submitted"),
    "verified": hazard("verified"),
    "extension": lambda stage: stage.ask_extension(stage.to_rectifying(sla_class="g15")),
    "appeal": lambda stage: stage.appeal(stage.to_assigned()),
    "transfer": lambda stage: stage.transfer(stage.to_assigned()),
    "listing": lambda stage: stage.propose_listing(stage.to_rectifying(**PIT)),
    "duty": lambda stage: stage.owes("ranger"),
    "leader's duty": lambda stage: stage.owes("mayor", leader=True),
    "task": lambda stage: stage.owes("inspector", task="recheck"),
    "report": lambda stage: stage.report()[0],
}


class Roster(NamedTuple):
    """One change in who is there: of which post, what, from which day on and for how long, and who comes."""

    post: str
    what: str
    from_day: int
    days: int
    other: str

    def happen(self, stage: Stage) -> None:
        first = day_of(stage.clock.now()) + timedelta(days=self.from_day)
        last = first + timedelta(days=self.days)
        asked = {"post": self.post, "person": person_of(self.post)}
        mine = "post_id = (select id from post where code = :post) and deputy_of_id is null and from_day <= :day"
        if self.what == "vacant":
            stage.do(f"update holding set to_day = cast(:day as date) where {mine}", day=first - timedelta(days=1), post=self.post)
        if self.what == "stand-in" and self.other != self.post:
            self._free(stage, first)
            stage.holds(self.other, self.post, for_whom=self.post, from_day=str(first), to_day=str(last))
        if self.what == "hand-over" and self.other != self.post:
            stage.do(f"update holding set to_day = cast(:day as date) where {mine}", day=first - timedelta(days=1), post=self.post)
            self._free(stage, first)
            stage.holds(self.other, self.post, from_day=str(first))
        if self.what == "deaf":
            stage.do(
                "update channel set disabled_at = '2023-01-01Z', disabled_reason = 'gone' from person"
                " where person.id = person_id and key = :person and position = 1", person=asked["person"],
            )  # fmt: skip
        if self.what == "mail":
            stage.do(
                "insert into channel (person_id, position, url) select id, 2, 'mailto://127.0.0.1/' || key from person where key = :person"
                " on conflict do nothing", person=asked["person"],
            )  # fmt: skip

    def _free(self, stage: Stage, first: date) -> None:
        stage.do(
            "delete from holding using person, post where person.id = person_id and post.id = post_id and person.key = :person"
            " and post.code = :post and from_day = :first", person=person_of(self.other), post=self.post, first=first,
        )  # fmt: skip


WHATS = ("vacant", "vacant", "stand-in", "hand-over", "hand-over", "deaf", "deaf", "deaf", "mail")
SILENCES = (None, None, "case", "place", "village", "person")


class World(NamedTuple):
    case: str
    roster: list[Roster]
    starts_after: int  # minutes
    lived: int  # hours during which the sweep has gone round already
    silenced: str | None
    silent_hours: int
    promised: int  # hours for which whoever was told last holds the next rung
    ahead: int  # days
    rules: dict[str, Any]
    groups: list[tuple[str, bool]]  # of which posts, and whether the group hears instead of them
    told_lately: list[tuple[str, int]]  # by other cases: which post's person, how many minutes ago


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Evenly from all there could be: what is rare (a major hazard's rung at night, to somebody who comes back then) has to come up."""
    dice = Random(draw(st.integers(0, 2**63)))
    roster = [
        Roster(dice.choice(posts()), dice.choice(WHATS), dice.randint(0, 9), dice.randint(0, 9), dice.choice(posts()))
        for _ in range(dice.randint(0, 9))
    ]  # fmt: skip
    return World(
        dice.choice(list(CASES)), roster, dice.randrange(24 * 60), dice.choice((0, 0, 5, 30, 100, 300)), dice.choice(SILENCES),
        dice.randint(1, 160), dice.choice((0, 0, 1, 7, 24)), dice.choice((10, 25, 40)), drawn_rules(dice),
        [(dice.choice(posts()), dice.random() < 0.4) for _ in range(dice.choice((0, 0, 1, 3)))],
        [(dice.choice(posts()), dice.randrange(70)) for _ in range(dice.choice((0, 0, 2, 12)))],
    )  # fmt: skip


HELD = ("reminder", "overdue", "review", "approval", "review_overdue", "to_dispatch", "dispatch", "task", "report", "application")


def drawn_rules(dice: Random) -> dict[str, Any]:
    """What a township may say of its voice; half of them have daily lists."""
    rules: dict[str, Any] = {"hourly_cap": dice.choice((1, 1, 2, 3, 12)), "bundle_cap": dice.choice((1, 10))}
    if dice.random() < 0.5:
        kinds = [str(kind) for kind in PostKind]
        held, to = dice.sample(HELD, dice.randint(0, len(HELD))), dice.choice(([], [], kinds, dice.sample(kinds, 4)))
        rules["digest"] = {"days": dice.choice(("all", "working")), "holds": held, "to": to}
        rules["digest_at"] = dice.choice(("07:00", "08:30", "12:00", "21:29"))
    rules["quiet_hours"] = dice.choice((["21:30", "07:00"], ["22:00", "06:30"], ["00:00", "00:00"]))
    kinds_of = [{"first": ["mailto"]}, {"at_once": True}, {"first": ["mailto", "json"], "at_once": True}, {}]
    classes = dice.sample(("urgent", "escalation", "digest", "other"), dice.choice((0, 0, 1, 4)))
    return rules | ({"channels": {each: dice.choice(kinds_of) for each in classes}} if classes else {})


def begin(stage: Stage, world: World) -> str:
    """The case as it stands when somebody asks what lies ahead."""
    stage.later(minutes=world.starts_after)
    code = CASES[world.case](stage)
    others = "case_id is distinct from (select id from cases where code = :code)"
    stage.do(f"update timer set stopped_at = :now where {others}", now=stage.clock.now(), code=code)
    stage.do("update township set rules = rules || cast(:rules as jsonb)", rules=as_json(world.rules))
    for post, instead in world.groups:
        stage.do(GROUP, post=post, instead=instead)
    for change in world.roster:
        change.happen(stage)
    stage.later(hours=world.lived)
    stage.sweep()
    Recorder(stage).deliver()
    if world.promised:
        take_up(stage, code, world.promised)
    stage.do(f"delete from notice where {others}", code=code)
    for post, minutes in world.told_lately:
        stage.do(TOLD_LATELY, person=person_of(post), at=stage.clock.now() - timedelta(minutes=minutes))
    return code


GROUP = """
with chat as (
    insert into person (township_id, key, label) select id, 'group-' || :post, :post || '工作群' from township on conflict do nothing
    returning id
),
robot as (insert into channel (person_id, position, url) select id, 1, 'json://127.0.0.1/group-' || :post from chat)
insert into group_post (post_id, person_id, instead) select post.id, chat.id, :instead from post, chat where code = :post
"""
TOLD_LATELY = """
insert into notice (township_id, purpose, occasion, person_id, channel_id, urgent, while_states, facts, state, planned_at, not_before,
    attempts, sent_at)
select person.township_id, 'outcome', 'another case ' || gen_random_uuid(), person.id, channel.id, false, '{}', '{}', 'sent', :at, :at, 1,
    :at
from person join channel on channel.person_id = person.id and position = 1 where key = :person
"""


def take_up(stage: Stage, code: str, hours: int) -> None:
    """Whoever the last rung told and may, if anybody, takes the case up."""
    said = {"promised_at": stage.clock.now() + timedelta(hours=hours), "note": "下午现场督办"}
    for told in {each.meant for each in stage.notices(code) if each.rung}:
        with suppress(LawError):
            stage.act(told, "take_up", code, **said)
            return


def mute(stage: Stage, world: World, code: str) -> None:
    away = world.roster[0].post if world.roster else "deputy"
    about = {"case": code, "place": "shop", "village": "v1", "person": person_of(away)}
    if world.silenced:
        until = stage.clock.now() + timedelta(hours=world.silent_hours)
        names = {name: about[name] if name == world.silenced else None for name in about}
        stage.do(MUTED, township=stage.township_id, now=stage.clock.now(), until=until, **names)


MUTED = """
insert into silence (township_id, case_id, place_id, village_id, person_id, reason, by_post, by_person, from_at, until_at)
select :township, (select id from cases where code = :case), (select id from place where code = :place),
    (select id from unit where code = :village), (select id from person where key = :person), '已联系', 'office-head', 'p-office-head',
    :now, :until
"""


def test_what_is_foreseen_is_what_then_happens(cluster: Cluster, town_template: str) -> None:
    """Any case, anybody away or unreachable now or later, any hour: who hears what when is the same to the letter."""

    @PROFILE
    @given(worlds())
    def holds(world: World) -> None:
        name = f"test_{uuid.uuid4().hex[:12]}"
        cluster.create_database(name, town_template)
        bound = engine(cluster.url(name))
        try:
            stage = open_stage(bound, 0)
            stage.township_id = stage.one("select id from township").id
            comes_true(stage, world)
        finally:
            bound.dispose()
            cluster.drop_database(name)

    holds()


def comes_true(stage: Stage, world: World) -> None:
    code = begin(stage, world)
    mute(stage, world, code)
    until = stage.clock.now() + timedelta(days=world.ahead)
    if world.case in ("duty", "leader's duty", "task"):
        until = min(until, stage.one("select closes_at from duty_run").closes_at)
    foreseen_and_lived(stage, code, until)


def foreseen_and_lived(stage: Stage, code: str, until: datetime) -> list[Foreseen]:
    """What was foreseen, after it has come true to the letter."""
    since = stage.one("select coalesce(max(id), 0) as id from notice").id
    fingerprint = stage.fingerprint()
    foreseen = predicted(stage, code, until)
    assert stage.fingerprint() == fingerprint
    recorder = Recorder(stage)
    live(stage, recorder, until)
    assert planned(stage, since) == said_of(foreseen)
    assert sorted(recorder.sent) == sent_of(foreseen)
    return foreseen


class Row(NamedTuple):
    """A foreseen line, and what became of the very message."""

    planned_at: datetime
    rung: int | None
    repeat: int | None
    purpose: str
    person: str
    for_post: str | None


LEFT = """
select n.planned_at, n.rung, n.repeat, n.purpose, person.key, meant.code, coalesce(head.sent_at, n.sent_at) as at, n.reason
from notice n join person on person.id = n.person_id left join post meant on meant.id = n.for_post_id
left join notice head on head.id = n.bundle_id and n.state = 'bundled'
where n.case_id = (select id from cases where code = :code) and n.id > :since
"""
TOLD_WITHIN = """
select count(*) from notice join person on person.id = person_id
where key = :person and sent_at > cast(:at as timestamptz) - interval '1 hour' and sent_at < :at
"""


def test_among_other_cases_nothing_comes_earlier_and_later_only_what_the_hours_cap_puts_off(cluster: Cluster, town_template: str) -> None:
    """What depends on other cases is promised exactly: the row says so, and the person had been told often enough in the hour before."""
    late: list[Row] = []

    @settings(PROFILE, max_examples=8)
    @given(st.integers(0, 2**63))
    def holds(seed: int) -> None:
        dice = Random(seed)
        name = f"test_{uuid.uuid4().hex[:12]}"
        cluster.create_database(name, town_template)
        bound = engine(cluster.url(name))
        try:
            stage = open_stage(bound, 0)
            stage.township_id = stage.one("select id from township").id
            late.extend(among_others(stage, dice))
        finally:
            bound.dispose()
            cluster.drop_database(name)

    holds()
    assert late


def among_others(stage: Stage, dice: Random) -> list[Row]:
    """Lives through one case among others with a cap that is soon reached; what came later than foreseen."""
    rules = {**drawn_rules(dice), "hourly_cap": dice.choice((1, 2)), "channels": {}}
    stage.do("update township set rules = rules || cast(:rules as jsonb)", rules=as_json(rules))
    for _ in range(5):
        stage.later(minutes=dice.randrange(50))
        code = CASES[dice.choice(("found", "assigned", "rectifying", "rectifying major", "submitted", "verified"))](stage)
    Recorder(stage).deliver()
    since = stage.one("select coalesce(max(id), 0) as id from notice").id
    until = stage.clock.now() + timedelta(days=12)
    hearings = {
        Row(each.at, each.rung, each.repeat if each.rung else None, str(each.purpose), one.person, one.for_post): one
        for each in predicted(stage, code, until) if each.cause not in ("planned", "listed", "nobody") for one in each.hearings
    }  # fmt: skip
    live(stage, Recorder(stage), until)
    lived = {Row(*row[:6]): row for row in stage.all(LEFT, code=code, since=since)}
    assert lived.keys() == hearings.keys()
    return [row for row, hearing in hearings.items() if came_later(stage, hearing, lived[row])]


def came_later(stage: Stage, hearing: Hearing, lived: Any) -> bool:
    """Whether the cap has put it off, or a later rung has overtaken it while it waited. Nothing else moves it.

    What the cap has put off in the foreseeing already is promised no moment.
    """
    if lived.at == hearing.told_at:
        return False
    assert hearing.may_wait == "person_limit" and hearing.told_at and (lived.at or lived.reason == "superseded")
    if hearing.spared:
        return False
    assert lived.at is None or lived.at > hearing.told_at
    heard = stage.one(TOLD_WITHIN, person=hearing.person, at=hearing.told_at).count
    assert heard >= stage.one("select (rules->>'hourly_cap')::int as cap from township").cap
    return True


def test_who_is_in_two_posts_that_are_told_hears_it_once_as_the_one_whose_move_it_is(stage: Stage) -> None:
    stage.holds("owner", "grid-1", from_day="2022-12-01")
    stage.holds("deputy", "village-1", for_whom="village-1")
    code = stage.to_rectifying()
    Recorder(stage).deliver()
    foreseen = foreseen_and_lived(stage, code, stage.clock.now() + timedelta(days=12))
    mine = [each for moment in foreseen for each in moment.hearings if each.person == person_of("owner")]
    assert {(each.post, each.for_post) for each in mine} == {("owner", "owner")}


def test_what_the_case_itself_says_counts_for_the_hours_cap(stage: Stage) -> None:
    rules = {"quiet_hours": ["21:30", "08:00"], "hourly_cap": 1, "digest": {"to": ["village_secretary"]}}
    stage.do("update township set rules = rules || cast(:rules as jsonb)", rules=as_json(rules))
    code = stage.to_rectifying()
    Recorder(stage).deliver()
    foreseen = foreseen_and_lived(stage, code, parse_time("2023-02-25T12:00+08:00"))
    told = [(each.at, one.told_at) for each in foreseen for one in each.hearings if one.held == "person_limit"]
    assert told[-1] == (parse_time("2023-02-25T08:30+08:00"), parse_time("2023-02-25T09:00+08:00"))


def test_what_is_silenced_while_it_waits_for_a_list_is_not_said_by_it(stage: Stage) -> None:
    rules = {"digest": {"holds": ["reminder", "overdue"], "to": ["village_secretary"]}}
    stage.do("update township set rules = rules || cast(:rules as jsonb)", rules=as_json(rules))
    code = stage.to_rectifying()
    stage.at("2023-02-25T07:30+08:00")
    stage.sweep()
    Recorder(stage).deliver()
    until = parse_time("2023-02-26T12:00+08:00")
    nobody = dict.fromkeys(("place", "village", "person"))
    stage.do(MUTED, township=stage.township_id, now=stage.clock.now(), until=until, case=code, **nobody)
    foreseen = foreseen_and_lived(stage, code, parse_time("2023-02-28T12:00+08:00"))
    held = [one for each in foreseen for one in each.hearings if each.cause == "planned" and one.post == "village-1"]
    assert [(one.by_list, one.told_at) for one in held if one.told_at] == [(False, until)]


def test_the_office_hears_of_an_empty_post_once_a_day(stage: Stage) -> None:
    stage.do("delete from holding where post_id = (select id from post where code = 'grid-2')")
    stage.do("delete from holding where post_id = (select id from post where code = 'dispatcher')")
    code = stage.to_rectifying(place="pit", grade="major")
    Recorder(stage).deliver()
    foreseen = foreseen_and_lived(stage, code, stage.timer(code, "rectify").due_at + timedelta(days=3))
    alarms = [(day_of(each.at), each.why) for each in foreseen if each.cause == "nobody"]
    assert len(alarms) == len(set(alarms)) > 2


def test_a_rung_that_reaches_nobody_hands_on_to_the_next_at_once(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.do("update channel set disabled_at = '2023-01-01Z', disabled_reason = 'gone'")
    foreseen = predicted(stage, code)
    due = stage.timer(code, "rectify").due_at
    ladder = [(each.at, each.rung, each.cause) for each in foreseen if each.rung and each.rung > 2]
    assert ladder[:3] == [(due, 3, "rung"), (due, 4, "handed_on"), (due, 5, "handed_on")]
    assert all(each.hearings == () for each in foreseen)


def test_who_will_be_in_the_post_that_day_is_told_and_not_who_is_in_it_now(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.do("update holding set to_day = '2023-02-25' where post_id = (select id from post where code = 'deputy')")
    stage.holds("head-police", "deputy", from_day="2023-02-26")
    second = next(each for each in predicted(stage, code) if each.level == 2)
    assert [each.person for each in second.hearings if each.post == "deputy"] == [person_of("head-police")]


def test_without_an_end_it_goes_to_the_first_repeat_of_the_last_rung(stage: Stage) -> None:
    foreseen = predicted(stage, stage.to_rectifying())
    assert [each.level for each in foreseen if each.clock] == [0, 0, 0, 1, 2, 3, 4, 5, 5]
    assert (foreseen[-1].cause, foreseen[-1].repeat, foreseen[-1].at - foreseen[-2].at) == ("repeat", 1, timedelta(days=7))
    assert [each.urge_letter for each in foreseen if each.level == 3] == [True]


def test_nothing_lies_ahead_of_what_has_ended_or_never_was(stage: Stage) -> None:
    code = stage.to_closed()
    stage.later(hours=1)
    Recorder(stage).deliver()
    assert predicted(stage, code) == predicted(stage, "YH-2023-9999") == []


@pytest.mark.parametrize("assigned", [False, True])
def test_a_hazard_that_does_not_exist_yet_is_foreseen_as_it_would_be(stage: Stage, assigned: bool) -> None:
    facts = {"place": "shop", "grade": "general", "sla_class": "g3", "description": "灭火器压力不足", "location": "门口"}
    before = stage.fingerprint()
    with transaction(stage.engine) as session:
        now = stage.clock.now()
        foreseen = foresee_new(session, stage.township_id, now, assigned=assigned, facts=facts, public_url=URL)
    assert stage.fingerprint() == before
    code = stage.find("office-head")
    if assigned:
        stage.act("office-head", "assign", code)
    assert foreseen == predicted(stage, code)
    assert foreseen


def test_nobody_in_the_office_today_is_said_so(stage: Stage) -> None:
    stage.do("delete from holding where post_id = (select id from post where code = 'office-head')")
    with pytest.raises(Refused, match="无人在岗"), transaction(stage.engine) as session:
        foresee_new(session, stage.township_id, stage.clock.now(), facts={"place": "pit", "grade": "major"})


def test_the_command_prints_the_moments_and_who_hears(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    url = stage.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("BIHUAN_DATABASE_URL", url)
    monkeypatch.setenv("BIHUAN_DATABASE_OWNER_URL", url)
    code = stage.to_rectifying()
    stage.do("insert into clock (id, wall_anchor, business_anchor, speed) values (1, '2100-01-01Z', :now, 1)", now=stage.clock.now())
    done = CliRunner().invoke(app, ["foresee", code, "--words"])
    assert done.exit_code == 0
    assert "2023年2月26日 23:59  逾期升级·2级  到了这一级：整改期限2月23日 23:59，已过3天" in done.stdout
    assert "    → 分管班子成员  deputy的人  json  ※  免打扰至2月27日 07:00 held until quiet hours end" in done.stdout
    assert "您为分管班子成员，请督办。" in done.stdout
    said = json.loads(CliRunner().invoke(app, ["foresee", code, "--json", "--until", "2023-02-24"]).stdout)
    assert [each["level"] for each in said["foreseen"] if each["clock"]] == [0, 0, 0]
    assert CliRunner().invoke(app, ["foresee", "YH-2023-9999"]).exit_code == 1
