"""Random histories of all machines on a real database, checked after every step against a simple model.

People in random posts try random triggers, likely ones and any; they get second posts, stand in for each other and hand over; time passes
and the sweep goes round. What must never break is asked of the rows; who may not decide what is worked out anew from the histories.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Row

from models.clock import day_of
from models.cluster import Cluster
from models.database import engine, transaction
from models.enumerations import ENDED, STATES, CaseKind, EvidenceKind, Grade, PostKind
from statemachines.audit import audit
from statemachines.errors import LawError
from statemachines.evidence import add_evidence
from statemachines.laws import LAWS, ROUTES
from statemachines.machine import Seat
from tests.situations import facts_for, second_for, who_may
from tests.stage import PLAN, Stage
from tests.stage import stage as open_stage
from tests.town import CAST, person_of

LENGTH = 150
# The same histories every time; one that breaks something is shown as it was lived: to make it shorter would take minutes.
PROFILE = settings(
    max_examples=8, derandomize=True, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
KIND_OF = {line.split(",")[0]: PostKind(line.split(",")[1]) for line in CAST.splitlines()}
POSTS = list(KIND_OF)
# Of these posts a few people hold several, or stand in: where four eyes could break.
BUSY = ("owner", "owner-3", "inspector", "office-head", "deputy", "mayor", "ranger", "district")
TRIGGERS = sorted({trigger for law in LAWS.values() for trigger in law.by_trigger} | set(ROUTES))
ACTIONS = [
    *["whose_turn_it_is_does_something"] * 18, *["anybody_tries_anything"] * 4, *["time_passes"] * 2, "somebody_finds_a_hazard",
    "a_duty_falls_due", "somebody_reports_something", *["somebody_gets_a_second_post"] * 4, "a_post_is_handed_over",
]  # fmt: skip
FORWARD = {
    "assign", "acknowledge", "submit", "reinspect_pass", "approve_close", "reopen", "request_extension", "appeal", "list_supervision",
    "grant", "decline", "opine", "dismiss", "list", "ask_delisting", "delist", "lift_interim", "substantiate", "excuse",
}  # fmt: skip
NUMBER = st.integers(0, 10_000)
SYSTEM_POSTS = {PostKind.system: "system", PostKind.reporter: "reporter"}


class Did(NamedTuple):
    """Who took a step, as history says it: the persons whose act it is, and the post."""

    hands: frozenset[str]
    post: str


class Held(NamedTuple):
    """One holding of a post, the absent one's person with it."""

    post: str
    person: str
    away: str | None
    since: date
    until: date


class History:
    """One township's life in a database of its own."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.versions: dict[str, int] = {}
        self.first_due: dict[str, Any] = {}
        self.checked = 0
        self.actions = 0
        stage.find(sla_class="g15")
        stage.find(place="pit", grade="major")
        stage.report()
        stage.owes("ranger")

    def goes_on(self, action: str, *numbers: int) -> None:
        """One action; then everything must still hold."""
        self.actions += 1
        getattr(self, action)(*numbers)
        self.the_rows_agree()
        self.hazards_and_what_was_asked_about_them_agree()
        self.four_eyes_hold()

    def somebody_finds_a_hazard(self, place: int, grade: int, post: int) -> None:
        said = {"item": f"F{self.actions}", "description": f"隐患{self.actions}", "grade": ("general", "general", "major")[grade % 3]}
        with suppress(LawError):  # who had the post may be in another by now
            self.stage.find(("inspector", "deputy", "office-head")[post % 3], ("shop", "shop-2", "pit")[place % 3], **said)

    def a_duty_falls_due(self, post: int, *_: int) -> None:
        owner = ("ranger", "mayor", "office-head")[post % 3]
        self.stage.owes(owner, occasion=str(self.actions), leader=owner == "mayor")

    def somebody_reports_something(self, *_: int) -> None:
        self.stage.report(name="王小明")

    def somebody_gets_a_second_post(self, one: int, other: int, absent: int) -> None:
        person, post = BUSY[one % len(BUSY)], BUSY[other % len(BUSY)]
        if not self._is_in(person, post):
            self.stage.holds(person, post, for_whom=post if absent % 2 else None, from_day=str(day_of(self.stage.clock.now())))

    def a_post_is_handed_over(self, one: int, other: int, *_: int) -> None:
        person, post, today = BUSY[one % len(BUSY)], BUSY[other % len(BUSY)], day_of(self.stage.clock.now())
        if self._is_in(person, post):
            return
        self.stage.do(
            "update holding set to_day = cast(:last as date) where to_day is null and from_day <= :last"
            " and post_id = (select id from post where code = :post)", post=post, last=today - timedelta(days=1),
        )  # fmt: skip
        self.stage.holds(person, post, from_day=str(today))

    def _is_in(self, person: str, post: str) -> bool:
        today = day_of(self.stage.clock.now())
        return any(held.post == post and held.person == person_of(person) and held.until >= today for held in self._holdings())

    def time_passes(self, hours: int, *_: int) -> None:
        self.stage.later(hours=(1, 5, 20, 72)[hours % 4])
        self.stage.sweep()

    def whose_turn_it_is_does_something(self, case: int, trigger: int, who: int) -> None:
        row = self._case(case)
        state = STATES[CaseKind(row.kind)](row.state)
        ways = [
            each for each in LAWS[CaseKind(row.kind)].transitions if state in each.sources and each.who != {Seat.consequence}
            for _ in range(6 if each.trigger in FORWARD else 1)
        ]  # fmt: skip
        for again in range(4 if ways else 0):
            way = ways[(trigger + again * 7) % len(ways)]
            if self._try(row, way.trigger, self._fitting(row, who_may(way, Grade(row.grade)), who + again), who + again):
                return

    def anybody_tries_anything(self, case: int, trigger: int, who: int) -> None:
        posts = [*POSTS, "system", "reporter"]
        self._try(self._case(case), TRIGGERS[trigger % len(TRIGGERS)], posts[who % len(posts)], who)

    def _case(self, number: int) -> Row[Any]:
        """Any case; those that have not ended are more likely, hazards and what is asked about them most."""
        cases = self.stage.all(
            "select c.*, owner.code as owner, approver.code as approver, team.code as team from cases c"
            " cross join generate_series(1, case when c.ended_at is null and kind in ('report', 'duty') then 2"
            " when c.ended_at is null then 8 else 1 end)"
            " left join post owner on owner.id = responsible_post_id left join post approver on approver.id = approver_post_id"
            " left join unit team on team.id = team_id order by c.id"
        )
        return cases[number % len(cases)]

    def _fitting(self, case: Row[Any], who: Iterable[PostKind | Seat], number: int) -> str:
        seats: dict[Any, str | None] = {
            Seat.responsible: case.owner, Seat.applicant: case.owner, Seat.approver: case.approver or "office-head",
            Seat.supervising: "inspector", Seat.superior: "secretary", **SYSTEM_POSTS,
        }  # fmt: skip
        seated = [seats[each] or "owner" for each in who if each in seats]
        able = sorted(seated) * 3 + [post for post, kind in KIND_OF.items() if kind in who]
        return able[number % len(able)] if able else "office-head"

    def _try(self, case: Row[Any], trigger: str, post: str, who: int) -> bool:
        """With everything that could be asked for; a refusal changes nothing. Whether it went through."""
        stage, now = self.stage, self.stage.clock.now()
        people = sorted(held.person for held in self._holdings() if held.post == post and held.since <= day_of(now) <= held.until)
        person = post if post in SYSTEM_POSTS.values() else (people or [person_of(post)])[who % max(len(people), 1)]
        if trigger in ("submit", "fix_on_spot", "do_duty") and case.ended_at is None and post not in SYSTEM_POSTS.values():
            for kind in ("before", "after"):
                self._picture(case.code, post, person, kind)
        before = stage.fingerprint()
        try:
            stage.act(post, trigger, case.code, person=person, **self._facts(case, trigger, post, who))
        except LawError:
            assert stage.fingerprint() == before, (trigger, case.code, post)
            return False
        return True

    def _picture(self, code: str, post: str, person: str, kind: str) -> None:
        stage, now = self.stage, self.stage.clock.now()
        stage.pictures += 1
        sha256 = hashlib.sha256(f"picture {stage.pictures}".encode()).hexdigest()
        with suppress(LawError), transaction(stage.engine) as session:
            add_evidence(session, code, stage.acting(post, person), now, kind=EvidenceKind(kind), sha256=sha256, taken_at=now)

    def _facts(self, case: Row[Any], trigger: str, post: str, who: int) -> dict[str, Any]:
        now = self.stage.clock.now()
        hazards = [row.code for row in self.stage.all("select code from cases where kind = 'hazard' order by id")]
        decisions = list(ROUTES[trigger][2]) if trigger in ROUTES else []
        return facts_for(CaseKind(case.kind), trigger, Grade(case.grade)) | {
            "requested_due": now + timedelta(days=15), "promised_at": now + timedelta(hours=5), "due_at": now + timedelta(days=9),
            "duplicate_of": hazards[who % len(hazards)], "hazard": hazards[who % len(hazards)], "clause": "GB 1", "plan": PLAN,
            "second_person": second_for(trigger, post), "principal_present": True, "paper_signed": True,
            "site_visit": True, "expert": True, "interim_kept": who % 2 == 0, "root_cause": "年久失修", "district_consent_no": "7号",
            "district_record_no": "5号", "note": "已安排", "treat_by": "2024-03-20",
            **({"decision": decisions[who % len(decisions)]} if decisions else {}),
        }  # fmt: skip

    # What must never break

    def the_rows_agree(self) -> None:
        live = "exists (select from timer where case_id = c.id and stopped_at is null and quarantined_at is null) as live"
        counted = "(select count(*) from event where case_id = c.id and trigger <> 'escalate') as steps"
        for row in self.stage.all(f"select c.*, h.original_due_at, {live}, {counted} from cases c left join hazard h on h.case_id = c.id"):
            state = STATES[CaseKind(row.kind)](row.state)
            assert state.ended == (row.ended_at is not None), row
            assert row.live == (not state.ended), f"{row.code} is {state} and its timers say otherwise"
            assert row.version == row.steps >= self.versions.get(row.code, 1), row
            first = self.first_due.setdefault(row.code, row.original_due_at)
            assert first is None or first == row.original_due_at, row
            self.versions[row.code], self.first_due[row.code] = row.version, first or row.original_due_at

    def hazards_and_what_was_asked_about_them_agree(self) -> None:
        rows = self.stage.all("select c.*, h.listing from cases c join hazard h on h.case_id = c.id")
        asked = self.stage.all("select * from cases where parent_id is not null and kind <> 'duty'")
        for hazard in rows:
            open_ = [each for each in asked if each.parent_id == hazard.id and each.ended_at is None]
            kinds = [each.kind for each in open_]
            assert len(kinds) == len(set(kinds)), f"{hazard.code}: asked twice at once"
            if hazard.state in ENDED or hazard.state in ("found", "reopened"):
                allowed = {"transfer"} if hazard.state == "transferred" else set() if hazard.state in ENDED else {"listing"}
                assert set(kinds) <= allowed, f"{hazard.code} is {hazard.state} and {kinds} are still open"
            listed = any(each.kind == "listing" and each.state in ("listed", "delisting") for each in open_)
            assert listed == (hazard.listing != "none"), f"{hazard.code}: {hazard.listing}, {kinds}"
            if hazard.state == "transferred":
                letters = [each.state for each in asked if each.parent_id == hazard.id and each.kind == "transfer"]
                assert letters[-1] in ("sent", "accepted")

    def four_eyes_hold(self) -> None:
        """Each new step that decides something is by nobody who had a part in it, by person or by post, through stand-ins too."""
        events = self.stage.all(
            "select event.*, c.code, c.kind, c.parent_id, owner.code as owner from event join cases c on c.id = case_id"
            " left join post owner on owner.id = responsible_post_id order by event.id"
        )
        for event in events:
            if event.id > self.checked:
                self._is_nobodys_own(event, [each for each in events if each.id < event.id])
        self.checked = events[-1].id

    def _is_nobodys_own(self, event: Row[Any], before: list[Row[Any]]) -> None:
        about = [each for each in before if each.case_id == event.case_id]
        hazard = [each for each in before if each.case_id == event.parent_id]
        parts: list[Row[Any]] | None = PARTS.get((event.kind, event.trigger), lambda *_: None)(about, hazard)
        if parts is None or event.person == "system":
            return
        deciders = [_did(event)]
        if event.trigger in ("reinspect_pass", "reinspect_fail") and "second" in event.facts:
            deciders.append(Did(frozenset({event.facts["second"]["person"]}), event.facts["second"]["post"]))
        unit = None if event.trigger in ("reject", "withdraw_approval") else self._unit(event, about, hazard)
        for decider in deciders:
            for part in [*(_did(each) for each in parts), *([unit] if unit else [])]:
                told = f"{event.trigger} of {event.code} by {decider}: part in it had {part}"
                assert decider.post != part.post and decider.hands.isdisjoint(part.hands), told

    def _unit(self, event: Row[Any], about: list[Row[Any]], hazard: list[Row[Any]]) -> Did | None:
        """The responsible post with everybody who held it since the hazard was assigned."""
        if event.owner is None:
            return None
        owner, since = event.owner, day_of(event.at)
        for each in hazard or about:
            if each.trigger in ("assign", "fix_on_spot", "open_duty"):
                since = day_of(each.at)
        held = [each for each in self._holdings() if each.post == owner and each.since <= day_of(event.at) and each.until >= since]
        return Did(frozenset(person for each in held for person in (each.person, each.away) if person), owner)

    def _holdings(self) -> list[Held]:
        return [Held(*row) for row in self.stage.all(
            "select post.code, person.key, away.key, from_day, coalesce(to_day, '9999-12-31') from holding join post on post.id = post_id"
            " join person on person.id = person_id left join person away on away.id = deputy_of_id"
        )]  # fmt: skip


def _did(event: Row[Any]) -> Did:
    return Did(frozenset({event.person, event.facts.get("standing_in_for") or event.person}), event.post)


def _last(events: list[Row[Any]], *triggers: str) -> list[Row[Any]]:
    return [each for each in events if each.trigger in triggers][-1:]


def _closure(about: list[Row[Any]], _: list[Row[Any]]) -> list[Row[Any]]:
    """Who submitted and who re-inspected in this round; of a fix on the spot who recorded and who found it."""
    put_right = _last(about, "submit", "fix_on_spot")
    found = about[:1] if put_right[0].trigger == "fix_on_spot" else []
    return [*put_right, *found, *_last(about, "reinspect_pass")]


def _submission(about: list[Row[Any]], _: list[Row[Any]]) -> list[Row[Any]]:
    return [each for each in _last(about, "submit", "fix_on_spot") if each.trigger == "submit"]


# Who had a part in what is decided; the responsible unit always has.
PARTS: dict[tuple[str, str], Any] = {
    ("hazard", "reject"): lambda about, _: about[:1],
    ("hazard", "reinspect_pass"): _submission,
    ("hazard", "reinspect_fail"): _submission,
    ("hazard", "approve_close"): _closure,
    ("hazard", "lift_interim"): lambda *_: [],
    ("extension", "grant"): lambda about, _: about[:1],
    ("extension", "decline"): lambda about, _: about[:1],
    ("appeal", "opine"): lambda about, hazard: [*about[:1], *hazard[:1]],
    ("appeal", "uphold"): lambda about, hazard: [*about[:1], *hazard[:1], *_last(about, "opine")],
    ("appeal", "dismiss"): lambda about, hazard: [*about[:1], *hazard[:1], *_last(about, "opine")],
    ("listing", "list"): lambda about, _: about[:1],
    ("listing", "decline"): lambda about, _: about[:1],
    ("listing", "delist"): lambda about, _: [*about[:1], *_last(about, "ask_delisting")],
    ("duty", "excuse"): lambda *_: [],
    ("duty", "cancel_duty"): lambda *_: [],
    ("report", "substantiate"): lambda *_: [],
    ("report", "dismiss_report"): lambda *_: [],
}  # fmt: skip


@PROFILE
@given(actions=st.lists(st.tuples(st.sampled_from(ACTIONS), NUMBER, NUMBER, NUMBER), min_size=LENGTH, max_size=LENGTH))
def test_no_history_breaks_what_must_never_break(cluster: Cluster, town_template: str, actions: list[tuple[str, int, int, int]]) -> None:
    with township(cluster, town_template) as stage:
        history = History(stage)
        for action in actions:
            history.goes_on(*action)
        with transaction(stage.engine) as session:
            assert audit(session) == []


@contextmanager
def township(cluster: Cluster, template: str) -> Iterator[Stage]:
    """The small township in a fresh database: one for each history."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, template)
    made = open_stage(engine(cluster.url(name)), 0)
    made.township_id = made.one("select id from township").id
    try:
        yield made
    finally:
        made.engine.dispose()
        cluster.drop_database(name)
