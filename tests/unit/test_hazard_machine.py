"""The law of a hazard as a whole: its spine, whose turn it is, four eyes; no back door; the drawing is the law."""

from __future__ import annotations

import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.enumerations import CaseKind, Grade, HazardState, PostKind
from statemachines import diagram
from statemachines.errors import LawError, NoSuchCase, NotAllowed, Refused, Stale, UnknownTrigger
from statemachines.hazard import BY_TRIGGER, LAW, OPEN, TRANSITIONS, decide, offers
from statemachines.machine import Decision
from statemachines.situation import Actor, Party, Situation
from tests import situations

S = HazardState
P = PostKind
NOW = datetime(2023, 3, 1, 2, 0, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "machines.md"


def ready(trigger: str, post: PostKind, state: HazardState | None, grade: Grade = Grade.general) -> Situation:
    return situations.ready(CaseKind.hazard, trigger, post, state, grade)


def answer(s: Situation) -> Decision | LawError:
    return situations.answer(LAW, s)


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


def test_nothing_touches_a_hazard_that_has_ended_but_what_is_named_here() -> None:
    movers = {(t.trigger, state) for t in TRANSITIONS for state in t.sources if state and state.ended}
    assert movers == {
        ("reopen", S.closed), ("withdraw_approval", S.closed), ("lift_interim", S.closed), ("take_back", S.transferred),
        *(("issue_paper", state) for state in S if state.ended),
    }  # fmt: skip
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
    got = answer(replace(s, trigger=trigger, actor=actor, facts=situations.facts_for(CaseKind.hazard, trigger, Grade.general)))
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


# No back door, nothing left behind


@pytest.mark.parametrize("name", ["", "to_closed", "close", "trigger", "may_approve_close", "is_closed", "__init__", "to", "state"])
def test_there_is_no_back_door(name: str) -> None:
    with pytest.raises(UnknownTrigger) as raised:
        decide(Situation(name, Actor("admin", "office-head", P.office_head), NOW, state=S.found))
    assert raised.value.name == name
    assert set(LAW._machine.events) == set(BY_TRIGGER)


def test_the_shared_machine_keeps_no_case() -> None:
    class Broken(dict[str, Any]):
        def get(self, *_: object) -> object:
            raise OSError("broken facts")

    decide(ready("approve_close", P.office_head, S.verified))
    answer(situations.bare("submit", P.enterprise_principal, S.rectifying, Grade.general))
    answer(ready("submit", P.enterprise_principal, S.closed))
    with pytest.raises(OSError, match="broken"):
        decide(replace(ready("refuse_close", P.office_head, S.verified), facts=Broken()))
    assert LAW._machine.models == []


def test_threads_share_the_machine_without_mixing_their_cases() -> None:
    tries = [ready(trigger, kind, state) for trigger in BY_TRIGGER for kind in (P.office_head, P.inspector) for state in HazardState]
    alone = [str(answer(s)) for s in tries]
    with ThreadPoolExecutor(8) as pool:
        for together in pool.map(lambda _: [str(answer(s)) for s in tries], range(8)):
            assert together == alone
    assert LAW._machine.models == []


@pytest.mark.parametrize(
    "error", [Refused("G11", "不行。", "No."), Stale(7), NotAllowed("grid", "不行。", "No."), UnknownTrigger("fly"), NoSuchCase("YH-9")]
)
def test_errors_survive_the_way_between_processes(error: LawError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error) and type(again) is type(error)


# The drawing


def test_the_page_in_docs_is_what_the_law_draws() -> None:
    assert PAGE.read_text(encoding="utf-8") == diagram.page(), "run: bihuan diagram --page > docs/machines.md"


def test_the_diagram_has_an_arrow_for_every_step_that_changes_a_state() -> None:
    drawn = diagram.mermaid(CaseKind.hazard)
    for t in TRANSITIONS:
        for source in t.sources if t.sources != OPEN else ():
            if t.dest:
                assert re.search(rf"^    {re.escape(source or '[*]')} --> {t.dest}: .*{t.zh}", drawn, re.MULTILINE), t.trigger
    assert re.search(r"^    open\w* --> cancelled: .*撤销", drawn, re.MULTILINE)
    assert drawn.startswith("stateDiagram-v2\n")


def test_a_situation_can_be_built_with_few_words() -> None:
    needed = [field.name for field in fields(Situation)][:3]
    assert needed == ["trigger", "actor", "now"]
    assert Situation("register", Actor("me", "grid", P.grid_member), NOW).state is None
