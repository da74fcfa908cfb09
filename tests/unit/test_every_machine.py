"""The full matrix, made from the tables: every trigger of every kind of case × every kind of post × every state × both grades."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.enumerations import STATES, CaseKind, CaseState, Grade, PostKind
from statemachines import guards as g
from statemachines.errors import LawError, NotAllowed, Refused, UnknownTrigger
from statemachines.laws import EFFECTS, FIRST, LAWS, ROUTES
from statemachines.machine import Decision, Seat, Transition
from statemachines.timers import running
from tests.situations import answer, bare, fits, nobodys_turn, ready, who_may

P = PostKind
EVERY = [(kind, trigger) for kind, law in LAWS.items() for trigger in law.by_trigger]
FIRED_OTHERWISE = {"escalate", "open_duty"}  # set-wise, each by a statement of its own
BY_GRADE = {
    (CaseKind.hazard, "fix_on_spot", Grade.major): "G2",
    (CaseKind.hazard, "list_supervision", Grade.general): "G19",
}  # fmt: skip


def cells(kind: CaseKind, trigger: str) -> Iterator[tuple[PostKind, CaseState | None, Grade, bool]]:
    """Every post, state and grade; where it may follow from another decision, with and without that."""
    following = (False, True) if Seat.consequence in LAWS[kind].by_trigger[trigger].who else (False,)
    return product(PostKind, (None, *STATES[kind]), Grade, following)


def forbidden_by_grade(kind: CaseKind, trigger: str, grade: Grade) -> str | None:
    if trigger == "take_up" and grade == Grade.major:
        return "not_for_major"
    return BY_GRADE.get((kind, trigger, grade))


def expected(kind: CaseKind, transition: Transition, post: PostKind, state: CaseState | None, grade: Grade, consequence: bool) -> str:
    if not fits(transition, post, grade, consequence=consequence):
        return "post"
    if state not in transition.sources:
        return "state"
    return forbidden_by_grade(kind, transition.trigger, grade) or "allowed"


def said(got: Decision | LawError) -> str:
    match got:
        case Decision():
            return "allowed"
        case NotAllowed():
            return "post"
        case Refused():
            return got.reason
    raise AssertionError(f"neither a decision nor a refusal: {got!r}")


@pytest.mark.parametrize(("kind", "trigger"), EVERY)
def test_with_everything_at_hand_only_kind_of_post_and_state_decide(kind: CaseKind, trigger: str) -> None:
    law = LAWS[kind]
    transition = law.by_trigger[trigger]
    for post, state, grade, consequence in cells(kind, trigger):
        got = answer(law, ready(kind, trigger, post, state, grade, consequence=consequence))
        assert said(got) == expected(kind, transition, post, state, grade, consequence), (post, state, grade, consequence, got)
        if isinstance(got, Decision):
            assert (got.state, got.trigger) == (transition.dest or state, trigger)


@pytest.mark.parametrize(("kind", "trigger"), EVERY)
def test_a_seat_is_what_a_post_is_to_this_very_case(kind: CaseKind, trigger: str) -> None:
    """Where it is not one's turn, one's kind of post alone opens only what is named by kind of post."""
    law = LAWS[kind]
    transition = law.by_trigger[trigger]
    for post, state, grade, consequence in cells(kind, trigger):
        got = answer(law, nobodys_turn(ready(kind, trigger, post, state, grade, consequence=consequence)))
        who = who_may(transition, grade)
        may = post in who or (Seat.consequence in who and consequence)
        wanted = expected(kind, transition, post, state, grade, consequence)
        assert said(got) == ("post" if not may and wanted not in ("post", "state") else wanted), (post, state, grade, consequence, got)


@pytest.mark.parametrize(("kind", "trigger"), EVERY)
def test_what_is_out_of_reach_is_nobodys_business(kind: CaseKind, trigger: str) -> None:
    law = LAWS[kind]
    for post, state, grade, _ in cells(kind, trigger):
        assert said(answer(law, replace(ready(kind, trigger, post, state, grade), in_reach=False))) in ("post", "state")


@pytest.mark.parametrize(("kind", "trigger"), EVERY)
def test_with_nothing_at_hand_the_answer_is_the_first_reason_of_this_trigger(kind: CaseKind, trigger: str) -> None:
    law = LAWS[kind]
    transition = law.by_trigger[trigger]
    for post, state, grade, consequence in cells(kind, trigger):
        s = bare(trigger, post, state, grade, consequence=consequence)
        got = answer(law, s)
        if not fits(transition, post, grade, consequence=consequence):
            assert said(got) == "post"
        elif state not in transition.sources:
            assert said(got) == "state"
        elif said(got) == "post":
            assert not (post in who_may(transition, grade) or (consequence and Seat.consequence in transition.who))
        else:
            refusals = [refusal.reason for guard in transition.guards if (refusal := guard(s))]
            assert said(got) == (refusals[0] if refusals else "allowed"), (post, state, grade, got)
            assert set(refusals) <= {g.label(guard) for guard in transition.guards}


@pytest.mark.parametrize("kind", CaseKind)
def test_offers_are_what_the_law_would_say_to_who_asks(kind: CaseKind) -> None:
    law = LAWS[kind]
    for post, state, grade in product(PostKind, (None, *STATES[kind]), Grade):
        s = replace(ready(kind, "take_up", post, state, grade), facts={})
        offered = {offer.trigger: offer for offer in law.offers(replace(s, trigger=""))}
        for trigger, offer in offered.items():
            got = said(answer(law, replace(s, trigger=trigger, asking=True)))
            assert (offer.reason or "allowed") == got and offer.allowed == (got == "allowed"), (post, state, grade, offer)
            assert offer.allowed or (offer.detail and offer.detail_en)
        assert set(law.by_trigger) - set(offered) == {each.trigger for each in law.transitions if not shown(each, post, state)}


def shown(transition: Transition, post: PostKind, state: CaseState | None) -> bool:
    """Nobody is offered what only follows; people are not offered what the system does; a case that isn't there can only begin."""
    by_hand = transition.who - {Seat.consequence}
    if by_hand <= {P.system}:
        return bool(by_hand) and post == P.system
    return (state is None) == (None in transition.sources)


@pytest.mark.parametrize(("kind", "trigger"), EVERY)
def test_what_the_law_allows_is_offered_before_the_facts_are_given(kind: CaseKind, trigger: str) -> None:
    law = LAWS[kind]
    for post, state, grade in product(PostKind, (None, *STATES[kind]), Grade):
        s = ready(kind, trigger, post, state, grade)
        if shown(law.by_trigger[trigger], post, state) and isinstance(answer(law, s), Decision):
            offered = {offer.trigger: offer for offer in law.offers(replace(s, trigger="", facts={}, second=None))}
            assert offered[trigger].allowed, offered[trigger]


@pytest.mark.parametrize("kind", CaseKind)
def test_a_machine_knows_its_own_table_and_nothing_else(kind: CaseKind) -> None:
    law = LAWS[kind]
    assert set(law._machine.events) == set(law.by_trigger) and len(law.by_trigger) == len(law.transitions)
    strangers = {trigger for other in LAWS.values() for trigger in other.by_trigger} - set(law.by_trigger)
    for name in [*strangers, "", "to_closed", "to", "trigger", "may_grant", "__init__", *STATES[kind]]:
        for state in (None, *STATES[kind]):
            with pytest.raises(UnknownTrigger):
                law.decide(replace(ready(kind, "take_up", P.system, state, consequence=True), trigger=name))
    assert law._machine.models == []


@pytest.mark.parametrize("kind", CaseKind)
def test_every_state_is_reached_and_every_open_one_can_be_left_and_is_timed(kind: CaseKind) -> None:
    law, states = LAWS[kind], set(STATES[kind])
    named = {state for each in law.transitions for state in (*each.sources, each.dest) if state}
    assert named <= states
    assert {each.dest for each in law.transitions if each.dest} == states
    for state in states:
        assert bool(running(kind, state)) == (not state.ended), state
        ways_out = [each.trigger for each in law.transitions if each.dest and each.dest != state and state in each.sources]
        assert ways_out or state.ended, state


def test_what_has_ended_stays_ended_but_for_what_is_named_here() -> None:
    back = {
        (kind, each.trigger, state)
        for kind, law in LAWS.items() for each in law.transitions for state in each.sources
        if state and state.ended and each.dest and each.dest != state
    }  # fmt: skip
    assert {(str(kind), trigger, str(state)) for kind, trigger, state in back} == {
        ("hazard", "reopen", "closed"), ("hazard", "withdraw_approval", "closed"), ("hazard", "take_back", "transferred"),
        ("report", "accept_answer", "answered"), ("report", "dispute_answer", "answered"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", CaseKind)
def test_every_trigger_has_its_effect_and_every_effect_its_trigger(kind: CaseKind) -> None:
    assert set(EFFECTS[kind]) == set(LAWS[kind].by_trigger) - FIRED_OTHERWISE


def test_what_opens_about_a_hazard_opens_as_its_law_says_and_only_by_the_hazards_own_step() -> None:
    for kind, (trigger, state, _) in FIRST.items():
        first = LAWS[kind].by_trigger[trigger]
        assert first.sources == (None,) and first.dest == state and first.who == {Seat.consequence}


def test_what_is_decided_by_the_hazards_code_is_a_trigger_of_the_case_that_is_meant() -> None:
    for name, (kind, _, triggers) in ROUTES.items():
        assert name not in LAWS[CaseKind.hazard].by_trigger
        assert set(triggers.values()) <= set(LAWS[kind].by_trigger)


def test_every_table_speaks_two_languages() -> None:
    for law in LAWS.values():
        for each in law.transitions:
            assert re.search(r"[\u4e00-\u9fff]", each.zh) and each.en.isascii() and each.en


GUARDS = sorted({guard for law in LAWS.values() for each in law.transitions for guard in each.guards}, key=lambda guard: guard.__name__)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_every_guard_says_what_it_asks(guard: g.Guard) -> None:
    assert guard.__doc__


def test_every_refusal_of_every_machine_reads_as_a_chinese_and_an_english_sentence() -> None:
    for kind, trigger in EVERY:
        for post, state in product(PostKind, (None, *STATES[kind])):
            for s in (bare(trigger, post, state, Grade.major), ready(kind, trigger, post, state, Grade.major)):
                got = answer(LAWS[kind], s)
                if isinstance(got, LawError):
                    assert got.detail.endswith("。") and got.detail_en.endswith("."), got
                    assert not re.search(r"[,;:?!]", got.detail), got.detail


# Facts come from forms and programs: no fact, however strange, makes another exception

GARBAGE: st.SearchStrategy[object] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2) | st.just({"x": []})
    | st.datetimes() | st.dates() | st.sampled_from(["2023-03-01", "9999-12-31T23:59:59+08:00", "major", "township", "none"])
)  # fmt: skip
NAMES = sorted({
    "grade", "sla_class", "reason", "note", "items", "paper", "promised_at", "found_at", "due_at", "description", "location", "place",
    "expert", "site_visit", "second_person", "paper_signed", "principal_present", "interim_kept", "interim_lifted", "district_consent_no",
    "district_record_no", "distance_reason", "master", "responsible", "clause", "requested_due", "interim_measures", "granted_due",
    "statement", "text", "opinion", "reply", "reply_no", "answer", "recipient", "to", "level", "treat_by", "interim_control",
    "interim_until", "root_cause", "hazard", "decision",
})  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(facts=st.dictionaries(st.sampled_from(NAMES), GARBAGE, max_size=6), grade=st.sampled_from(Grade), asking=st.booleans())
def test_no_fact_however_strange_makes_another_exception(facts: dict[str, Any], grade: Grade, asking: bool) -> None:
    for kind, trigger in EVERY:
        transition = LAWS[kind].by_trigger[trigger]
        post = next((post for post in PostKind if fits(transition, post, grade)), P.system)
        s = ready(kind, trigger, post, transition.sources[0], grade, consequence=True)
        answer(LAWS[kind], replace(s, facts={**s.facts, **facts}, asking=asking))
        answer(LAWS[kind], replace(bare(trigger, post, s.state, grade, consequence=True), facts=facts, asking=asking))
