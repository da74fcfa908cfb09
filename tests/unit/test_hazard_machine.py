"""The law of a hazard as a whole: every state, trigger and kind of post; four eyes; no back door; the drawing is the law."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.enumerations import EvidenceKind, Grade, HazardState, PostKind, SlaClass
from statemachines import diagram, hazard
from statemachines import guards as g
from statemachines.errors import LawError, NoSuchCase, NotAllowed, Refused, Stale, UnknownTrigger
from statemachines.hazard import BY_TRIGGER, OPEN, TRANSITIONS, Decision, Seat, Transition, decide, offers
from statemachines.situation import Actor, Assignee, Master, Party, Photo, Plan, Situation

S = HazardState
P = PostKind
NOW = datetime(2023, 3, 1, 2, 0, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "hazard-machine.md"

FACTS: dict[str, dict[str, Any]] = {
    "register": {"description": "灭火器过期", "location": "收银台旁"},
    "fix_on_spot": {"principal_present": True},
    "reject": {"reason": "not_a_hazard"},
    "return_assignment": {"reason": "不是本单位的设施"},
    "reinspect_pass": {"items": {"C1": True}, "site_visit": True, "expert": "专家3号"},
    "reinspect_fail": {"reason": "measure_incomplete"},
    "refuse_close": {"reason": "照片看不清"},
    "acknowledge": {"paper_signed": True},
    "approve_close": {"district_consent_no": "7号"},
    "cancel": {"reason": "place_gone", "district_record_no": "5号"},
    "take_up": {"promised_at": NOW + timedelta(hours=5), "note": "今晚更换"},
}


def ready(trigger: str, kind: PostKind, state: HazardState | None, grade: Grade = Grade.general) -> Situation:
    """Everything that people could bring is there: what is refused now is refused by kind of post, state or grade."""
    actor = Actor("me", "my-post", kind, "fire")
    facts = FACTS.get(trigger, {})
    if trigger == "regrade":
        facts = {"sla_class": "g3"} if grade == Grade.general else {"grade": "general", "sla_class": "g15"}
    other = P.office_head if kind == P.deputy_in_charge else P.deputy_in_charge
    seated = Seat.responsible in BY_TRIGGER[trigger].who
    return Situation(
        trigger, actor, NOW, facts, state=state, grade=grade, code="YH-1", place="shop-1",
        sla_class=SlaClass.major if grade == Grade.major else SlaClass.g7, found_at=NOW - timedelta(days=3), finder=Party("f", "finder"),
        responsible_post="my-post" if seated else "shop", team="fire", approver_posts=frozenset({"my-post"}), holds_rung=True,
        submitter=Party("li", "shop"), reinspectors=frozenset({Party("sun", "inspector")}),
        assignee=Assignee("shop", P.enterprise_principal),
        photos=(Photo(EvidenceKind.before, "b"), Photo(EvidenceKind.after, "a")), plan=Plan("1", "2", "3", "4", "5", "6", NOW),
        second=Actor("second", "second-post", other, "town") if trigger in ("cancel", "reject") else None, clause_in_force=True,
        master=Master("YH-2", "shop-1", S.found), closed_at=NOW - timedelta(minutes=3), closed_by=Party("me", "my-post"),
    )  # fmt: skip


def bare(trigger: str, kind: PostKind, state: HazardState | None, grade: Grade) -> Situation:
    return Situation(trigger, Actor("me", "my-post", kind, "fire"), NOW, state=state, grade=grade)


def every(trigger: str) -> Iterator[tuple[PostKind, HazardState | None, Grade]]:
    return product(PostKind, (None, *HazardState), Grade)


def fits(transition: Transition, kind: PostKind, grade: Grade) -> bool:
    who = transition.who_if_major if grade == Grade.major and transition.who_if_major else transition.who
    return any(kind in hazard.KINDS.get(seat, {seat}) for seat in who)


def answer(s: Situation) -> Decision | LawError:
    try:
        return decide(s)
    except LawError as error:
        return error


@pytest.mark.parametrize("trigger", BY_TRIGGER)
def test_with_everything_at_hand_only_kind_and_state_decide(trigger: str) -> None:
    transition = BY_TRIGGER[trigger]
    for kind, state, grade in every(trigger):
        got = answer(ready(trigger, kind, state, grade))
        if not fits(transition, kind, grade):
            assert isinstance(got, NotAllowed) and got.post == "my-post", (kind, state, got)
        elif state not in transition.sources:
            assert isinstance(got, Refused) and got.reason == "state", (kind, state, got)
        elif grade == Grade.major and trigger in ("fix_on_spot", "take_up"):
            assert isinstance(got, Refused) and got.reason == {"fix_on_spot": "G2", "take_up": "not_for_major"}[trigger]
        elif grade == Grade.major and trigger == "reject":
            assert got == Decision(S.rejected, trigger)
        else:
            assert isinstance(got, Decision) and got.state == (transition.dest or state) and got.trigger == trigger, (kind, state, got)


@pytest.mark.parametrize("trigger", BY_TRIGGER)
def test_with_nothing_at_hand_the_answer_is_a_reason_of_this_trigger(trigger: str) -> None:
    transition = BY_TRIGGER[trigger]
    reasons = {g.label(guard) for guard in transition.guards}
    for kind, state, grade in every(trigger):
        got = answer(bare(trigger, kind, state, grade))
        if not fits(transition, kind, grade):
            assert isinstance(got, NotAllowed)
        elif state not in transition.sources:
            assert isinstance(got, Refused) and got.reason == "state"
        elif isinstance(got, NotAllowed):
            assert transition.who & frozenset(Seat)
        elif isinstance(got, Refused):
            assert got.reason in reasons
        else:
            assert not reasons, (kind, state, grade)


@pytest.mark.parametrize("trigger", BY_TRIGGER)
def test_what_the_law_allows_is_offered_before_the_facts_are_given(trigger: str) -> None:
    for kind, state, grade in every(trigger):
        if not (fits(BY_TRIGGER[trigger], kind, grade) or kind == P.discipline_viewer):
            continue
        s = ready(trigger, kind, state, grade)
        offered = {offer.trigger: offer for offer in offers(replace(s, trigger="", facts={}, second=None))}
        got = answer(s)
        if isinstance(got, Decision):
            assert offered[trigger].allowed, offered[trigger]
        elif trigger in offered and not (trigger == "regrade" and isinstance(got, NotAllowed)):
            assert not offered[trigger].allowed
            assert offered[trigger].reason == ("post" if isinstance(got, NotAllowed) else got.reason if isinstance(got, Refused) else None)


def test_the_spine_leads_from_found_to_closed() -> None:
    steps = [
        ("register", P.inspector, S.found),
        ("assign", P.office_dispatcher, S.assigned),
        ("acknowledge", P.enterprise_principal, S.rectifying),
        ("submit", P.enterprise_principal, S.submitted),
        ("reinspect_fail", P.inspector, S.rectifying),
        ("submit", P.enterprise_principal, S.submitted),
        ("reinspect_pass", P.inspector, S.verified),
        ("refuse_close", P.office_head, S.rectifying),
        ("submit", P.enterprise_principal, S.submitted),
        ("reinspect_pass", P.inspector, S.verified),
        ("approve_close", P.office_head, S.closed),
        ("withdraw_approval", P.office_head, S.verified),
        ("approve_close", P.station_head, S.closed),
        ("reopen", P.inspector, S.reopened),
        ("assign", P.office_head, S.assigned),
        ("return_assignment", P.enterprise_principal, S.found),
        ("cancel", P.office_head, S.cancelled),
    ]
    state: HazardState | None = None
    for trigger, kind, expected in steps:
        state = decide(ready(trigger, kind, state)).state
        assert state is expected


def test_nothing_moves_a_case_that_has_ended_but_reopening_and_taking_back_a_closure() -> None:
    movers = {(t.trigger, state) for t in TRANSITIONS for state in t.sources if state and state.ended}
    assert movers == {("reopen", S.closed), ("withdraw_approval", S.closed)}
    assert set(OPEN) == {S.found, S.assigned, S.rectifying, S.submitted, S.verified, S.reopened}


def test_only_a_leader_in_charge_makes_or_unmakes_a_major_hazard_and_the_office_head_alone_assigns_one() -> None:
    up = replace(ready("regrade", P.office_head, S.found), facts={"grade": "major"})
    with pytest.raises(NotAllowed):
        decide(up)
    assert decide(replace(up, actor=replace(up.actor, kind=P.deputy_in_charge))).state is S.found
    with pytest.raises(NotAllowed):
        decide(ready("assign", P.office_dispatcher, S.found, Grade.major))


def test_a_grade_smuggled_into_the_facts_opens_no_door() -> None:
    s = ready("reinspect_pass", P.district_department, S.submitted)
    with pytest.raises(NotAllowed):
        decide(replace(s, facts={**s.facts, "grade": "major"}))


@pytest.mark.parametrize(
    ("trigger", "state", "seat"),
    [
        ("acknowledge", S.assigned, {"responsible_post": "shop"}),
        ("return_assignment", S.assigned, {"responsible_post": "shop"}),
        ("submit", S.rectifying, {"responsible_post": "shop"}),
        ("reinspect_pass", S.submitted, {"team": "police"}),
        ("reinspect_fail", S.submitted, {"team": None}),
        ("approve_close", S.verified, {"approver_posts": frozenset({"deputy"})}),
        ("refuse_close", S.verified, {"approver_posts": frozenset()}),
    ],
)
def test_a_post_of_the_right_kind_acts_only_where_it_is_its_turn(trigger: str, state: HazardState, seat: dict[str, Any]) -> None:
    kind = {"reinspect_pass": P.inspector, "reinspect_fail": P.inspector, "acknowledge": P.enterprise_principal}.get(
        trigger, P.station_head
    )
    s = ready(trigger, kind, state)
    assert isinstance(answer(s), Decision)
    assert isinstance(answer(replace(s, **seat)), NotAllowed)


def test_a_place_out_of_reach_is_not_ones_business() -> None:
    refused = answer(replace(ready("assign", P.office_head, S.found), in_reach=False))
    assert isinstance(refused, NotAllowed) and "管辖" in refused.detail


def test_who_is_no_approver_because_of_four_eyes_is_told_so() -> None:
    s = ready("approve_close", P.station_head, S.verified)
    got = answer(replace(s, approver_posts=frozenset({"deputy"}), reinspectors=frozenset({Party("me", "inspector")})))
    assert isinstance(got, Refused) and got.reason == "G11"


def test_offers_say_what_a_post_may_do_and_why_not_the_rest() -> None:
    offered = {
        offer.trigger: offer for offer in offers(replace(ready("submit", P.enterprise_principal, S.rectifying), photos=(), facts={}))
    }
    assert "register" not in offered and "escalate" not in offered
    assert (offered["submit"].allowed, offered["submit"].reason) == (False, "G3")
    assert (offered["acknowledge"].allowed, offered["acknowledge"].reason) == (False, "state")
    assert (offered["approve_close"].allowed, offered["approve_close"].reason) == (False, "post")
    assert offered["take_up"].allowed and offered["take_up"].reason is None
    assert all(offer.detail and offer.detail_en for offer in offered.values() if not offer.allowed)


def test_before_a_case_exists_only_registering_is_offered() -> None:
    (offer,) = offers(Situation("", Actor("me", "grid", P.grid_member), NOW))
    assert (offer.trigger, offer.allowed) == ("register", True)


def test_only_the_system_escalates() -> None:
    system = Actor("system", "system", P.system)
    s = replace(ready("escalate", P.system, S.rectifying), actor=system)
    assert [offer.trigger for offer in offers(s) if offer.allowed] == ["escalate"]


# Four eyes

PEOPLE = st.sampled_from(["ann", "bo", "cy"])
POSTS = st.sampled_from(["p1", "p2", "p3", "p4"])
PARTIES = st.builds(Party, PEOPLE, POSTS, st.none() | PEOPLE)
ACTORS = st.builds(Actor, PEOPLE, POSTS, st.sampled_from([P.inspector, P.station_head, P.office_head]), st.just("fire"), st.none() | PEOPLE)


def overlaps(one: Party | Actor, other: Party | Actor) -> bool:
    mine, theirs = {one.person, one.standing_in_for} - {None}, {other.person, other.standing_in_for} - {None}
    return one.post == other.post or bool(mine & theirs)


@settings(max_examples=400, deadline=None)
@given(
    actor=ACTORS,
    submitter=PARTIES,
    finder=PARTIES,
    recorder=st.none() | PARTIES,
    reinspectors=st.frozensets(PARTIES, max_size=2),
    applicants=st.frozensets(PARTIES, max_size=1),
    responsible_post=POSTS,
    responsible_people=st.frozensets(PEOPLE, max_size=1),
)
def test_no_mix_of_persons_and_posts_approves_its_own_work(actor: Actor, **parties: Any) -> None:
    s = replace(
        ready("approve_close", P.office_head, S.verified), actor=actor, approver_posts=frozenset({"p1", "p2", "p3", "p4"}), **parties
    )
    involved = [s.submitter, *s.reinspectors, *s.applicants, *([s.recorder, s.finder] if s.recorder else [])]
    own = any(overlaps(actor, party) for party in involved if party)
    own |= actor.post == s.responsible_post or actor.person in s.responsible_people or actor.standing_in_for in s.responsible_people
    got = answer(s)
    if actor.kind == P.inspector:
        assert isinstance(got, NotAllowed)
    elif own:
        assert isinstance(got, Refused) and got.reason == "G11"
    else:
        assert got == Decision(S.closed, "approve_close")


STEPS = st.lists(
    st.tuples(st.sampled_from(["submit", "reinspect_pass", "reinspect_fail", "refuse_close", "approve_close"]), ACTORS), max_size=40
)


def live(s: Situation, trigger: str, actor: Actor) -> Situation:
    """One try on a case: what its row would say afterwards."""
    got = answer(replace(s, trigger=trigger, actor=actor, facts=FACTS.get(trigger, {})))
    if not isinstance(got, Decision):
        return s
    did = Party(actor.person, actor.post, actor.standing_in_for)
    notes: dict[str, dict[str, Any]] = {
        "submit": {"submitter": did, "reinspectors": frozenset()},
        "reinspect_pass": {"reinspectors": frozenset({did})},
        "approve_close": {"closed_by": did},
    }
    return replace(s, state=got.state, **notes.get(trigger, {}))


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, owners=st.frozensets(PEOPLE, min_size=1, max_size=2))
def test_however_people_try_three_different_persons_and_posts_close_a_hazard(
    steps: list[tuple[str, Actor]], owners: frozenset[str]
) -> None:
    s = replace(
        ready("submit", P.station_head, S.rectifying),
        responsible_post="p1",
        responsible_people=owners,
        approver_posts=frozenset({"p1", "p2", "p3", "p4"}),
        submitter=None,
        reinspectors=frozenset(),
        closed_by=None,
    )
    order = ["submit", "reinspect_pass", "approve_close"]
    for trigger, actor in [*steps, *product(order, [Actor("ann", "p1", P.station_head, "fire"), *(actor for _, actor in steps)])]:
        s = live(s, trigger, actor)
    if s.state is S.closed:
        (reinspector,) = s.reinspectors
        assert s.submitter and s.closed_by
        assert not overlaps(s.submitter, reinspector)
        assert not overlaps(s.submitter, s.closed_by)
        assert not overlaps(reinspector, s.closed_by)
        assert s.closed_by.person not in owners and reinspector.person not in owners


def test_three_people_in_three_posts_do_close_a_hazard() -> None:
    s = replace(ready("submit", P.station_head, S.rectifying), responsible_post="p1", approver_posts=frozenset({"p3"}))
    s = live(s, "submit", Actor("ann", "p1", P.enterprise_principal))
    s = live(s, "reinspect_pass", Actor("bo", "p2", P.inspector, "fire"))
    assert live(s, "approve_close", Actor("ann", "p3", P.office_head)).state is S.verified
    assert live(s, "approve_close", Actor("bo", "p3", P.office_head)).state is S.verified
    assert live(s, "approve_close", Actor("cy", "p3", P.office_head, standing_in_for="bo")).state is S.verified
    assert live(s, "approve_close", Actor("cy", "p3", P.office_head)).state is S.closed


# No other exception, no back door, nothing left behind

GARBAGE: st.SearchStrategy[object] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
    | st.just({"x": []})
    | st.datetimes()
)
NAMES = sorted(
    {"grade", "sla_class", "reason", "note", "items", "paper", "promised_at", "found_at", "due_at", "description", "location", "place"}
    | {
        "expert",
        "site_visit",
        "second_person",
        "paper_signed",
        "principal_present",
        "interim_kept",
        "interim_lifted",
        "district_consent_no",
    }
    | {"district_record_no", "distance_reason", "master", "responsible", "clause"}
)


@settings(max_examples=300, deadline=None)
@given(facts=st.dictionaries(st.sampled_from(NAMES), GARBAGE, max_size=6), grade=st.sampled_from(Grade), asking=st.booleans())
def test_no_fact_however_strange_makes_another_exception(facts: dict[str, Any], grade: Grade, asking: bool) -> None:
    for transition in TRANSITIONS:
        kind = next(kind for kind in PostKind if fits(transition, kind, grade))
        s = ready(transition.trigger, kind, transition.sources[0], grade)
        answer(replace(s, facts={**s.facts, **facts}, asking=asking))
        answer(replace(s, facts=facts, second=None, assignee=None, master=None, plan=None, photos=(), asking=asking))


@pytest.mark.parametrize("name", ["", "to_closed", "close", "trigger", "may_approve_close", "is_closed", "__init__", "to", "state"])
def test_there_is_no_back_door(name: str) -> None:
    with pytest.raises(UnknownTrigger) as raised:
        decide(Situation(name, Actor("admin", "office-head", P.office_head), NOW, state=S.found))
    assert raised.value.name == name
    assert set(hazard._machine.events) == set(BY_TRIGGER)


def test_the_shared_machine_keeps_no_case() -> None:
    class Broken(dict[str, Any]):
        def get(self, *_: object) -> object:
            raise OSError("broken facts")

    decide(ready("approve_close", P.office_head, S.verified))
    answer(bare("submit", P.enterprise_principal, S.rectifying, Grade.general))
    answer(ready("submit", P.enterprise_principal, S.closed))
    with pytest.raises(OSError, match="broken"):
        decide(replace(ready("refuse_close", P.office_head, S.verified), facts=Broken()))
    assert hazard._machine.models == []


def test_threads_share_the_machine_without_mixing_their_cases() -> None:
    tries = [ready(trigger, kind, state) for trigger in BY_TRIGGER for kind in (P.office_head, P.inspector) for state in HazardState]
    alone = [str(answer(s)) for s in tries]
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(lambda _: [str(answer(s)) for s in tries], range(8)):
            assert together == alone
    assert hazard._machine.models == []


def test_every_refusal_reads_as_a_chinese_and_an_english_sentence() -> None:
    for trigger, kind, state in product(BY_TRIGGER, PostKind, HazardState):
        got = answer(bare(trigger, kind, state, Grade.major))
        if isinstance(got, LawError):
            assert got.detail.endswith("。") and got.detail_en.endswith("."), got
            assert str(got) == got.detail
            assert not re.search(r"[,;:?!]", got.detail), got.detail


@pytest.mark.parametrize(
    "error", [Refused("G11", "不行。", "No."), Stale(7), NotAllowed("grid", "不行。", "No."), UnknownTrigger("fly"), NoSuchCase("YH-9")]
)
def test_errors_survive_the_way_between_processes(error: LawError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error) and type(again) is type(error)


# The drawing


def test_the_page_in_docs_is_what_the_law_draws() -> None:
    assert PAGE.read_text(encoding="utf-8") == diagram.page(), "run: bihuan diagram --page > docs/hazard-machine.md"


def test_the_diagram_has_an_arrow_for_every_step_that_changes_a_state() -> None:
    drawn = diagram.mermaid()
    for t in TRANSITIONS:
        for source in t.sources if t.sources != OPEN else ():
            if t.dest:
                assert re.search(rf"^    {re.escape(source or '[*]')} --> {t.dest}: .*{t.zh}", drawn, re.MULTILINE), t.trigger
    assert "open --> cancelled: 撤销" in drawn
    assert drawn.startswith("stateDiagram-v2\n")


def test_a_situation_can_be_built_with_few_words() -> None:
    needed = [field.name for field in fields(Situation)][:3]
    assert needed == ["trigger", "actor", "now"]
    assert Situation("register", Actor("me", "grid", P.grid_member), NOW).state is None
