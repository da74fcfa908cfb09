"""The life of places: who changes what, with which reason; what the registry reports of itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import astuple
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from models.database import transaction
from models.enumerations import Field, PlaceStatus
from statemachines.errors import LawError, NotAllowed, Refused
from statemachines.place_life import Changed, change_place, change_status
from statemachines.registry import trail_of
from statemachines.registry_report import matrix_gaps, overlaps
from tests.stage import Stage

ON_ONE_STAGE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def become(stage: Stage, post: str, to: str, place: str = "shop", reason: str = "现场核实", **more: Any) -> Changed:
    with transaction(stage.engine) as session:
        return change_status(session, stage.acting(post), stage.clock.now(), place, to, reason, **more)


def change(stage: Stage, post: str = "dispatcher", place: str = "shop", reason: str = "台账更正", **changes: Any) -> Changed:
    with transaction(stage.engine) as session:
        return change_place(session, stage.acting(post), stage.clock.now(), place, reason=reason, **changes)


def trail(stage: Stage, place: str = "shop") -> list[tuple[str, str | None, str | None, str]]:
    with transaction(stage.engine) as session:
        return [(row.what, row.before, row.after, row.post) for row in trail_of(session, stage.township_id, place)]


def refused(reason: str, doing: Callable[[], object]) -> str:
    with pytest.raises(Refused) as no:
        doing()
    assert no.value.reason == reason, no.value.detail
    return no.value.detail


def test_a_change_of_status_stands_in_the_trail_with_its_reason_and_its_author(stage: Stage) -> None:
    become(stage, "inspector", "locked", note="卷帘门拉下")
    become(stage, "dispatcher", "active")
    assert trail(stage) == [("status", "active", "locked", "inspector"), ("status", "locked", "active", "dispatcher")]
    first = stage.one("select * from place_event where seq = 1")
    assert (first.reason, first.note, first.person, first.at) == ("现场核实", "卷帘门拉下", "p-inspector", stage.clock.now())


@pytest.mark.parametrize("post", ["owner", "grid-1", "head-police", "mayor", "discipline"])
def test_who_does_not_keep_the_place_does_not_change_its_status(stage: Stage, post: str) -> None:
    with pytest.raises(NotAllowed):
        become(stage, post, "locked")
    assert trail(stage) == []


def test_only_leaders_and_teams_with_authority_seal_and_unseal(stage: Stage) -> None:
    for post in ("inspector", "office-head"):
        with pytest.raises(NotAllowed):
            become(stage, post, "sealed")
    become(stage, "deputy", "sealed")
    with pytest.raises(NotAllowed):
        become(stage, "dispatcher", "active")
    refused("state", lambda: become(stage, "deputy", "locked"))
    said = '{"enforcement": {"authorised_teams": ["fire"]}}'
    stage.do("update township set rules = rules || cast(:said as jsonb), revision = revision + 1", said=said)
    become(stage, "inspector", "active")
    assert [row[2] for row in trail(stage)] == ["sealed", "active"]


@pytest.mark.parametrize("to", ["moved", "demolished", "dup"])
def test_a_place_does_not_end_while_it_has_open_hazards(stage: Stage, to: str) -> None:
    code = stage.find()
    assert code in refused("open_hazards", lambda: become(stage, "dispatcher", to, same_as="shop-2"))
    stage.act("office-head", "cancel", code, reason="place_gone", second_person="deputy")
    become(stage, "dispatcher", to, same_as="shop-2")
    with pytest.raises(NotAllowed):
        become(stage, "inspector", "active")
    become(stage, "dispatcher", "active")


def test_a_duplicate_names_the_place_that_it_repeats(stage: Stage) -> None:
    for wrong in (None, "shop", "nowhere"):
        with pytest.raises(Refused):
            become(stage, "dispatcher", "dup", same_as=wrong)
    become(stage, "dispatcher", "dup", same_as="shop-2")
    assert ("same_as", None, "shop-2", "dispatcher") in trail(stage)
    refused("same_as", lambda: become(stage, "dispatcher", "dup", place="pit", same_as="shop"))


@pytest.mark.parametrize(("reason", "to", "why"), [("status", "haunted", "x"), ("reason", "locked", " "), ("state", "active", "x")])
def test_a_change_that_says_nothing_is_refused(stage: Stage, reason: str, to: str, why: str) -> None:
    refused(reason, lambda: become(stage, "dispatcher", to, reason=why))


def test_the_office_changes_who_answers_and_each_column_has_its_line(stage: Stage) -> None:
    code = stage.find()
    done = change(stage, team="police", responsible_post="owner-2", field="crowded", crowded=True, name="新名字", nine_small=True)
    assert done.open_hazards == (code,)
    assert done.changes == (
        ("name", "小商店一", "新名字"), ("team", "fire", "police"), ("responsible_post", "owner", "owner-2"),
        ("field", "fire_nine", "crowded"), ("crowded", "no", "yes"),
    )  # fmt: skip
    assert stage.responsible(code) == "owner"
    assert stage.responsible(stage.find(post="dispatcher")) == "owner-2"


def test_details_are_merged_and_taken_away_one_by_one(stage: Stage) -> None:
    change(stage, place="pit", details={"licence_no": "C41", "risk": "high"})
    done = change(stage, place="pit", details={"risk": None, "producing": True, "licence_no": "C41"})
    assert done.changes == (("details.risk", "high", None), ("details.producing", None, "yes"))
    assert stage.one("select details from place where code = 'pit'").details == {"licence_no": "C41", "producing": True}
    refused("details", lambda: change(stage, details={"dam_height": 3}))


@pytest.mark.parametrize(("reason", "changes"), [
    ("column", {}), ("column", {"start_work": "allowed"}), ("column", {"status": "active"}), ("team", {"team": "v1"}),
    ("responsible_post", {"responsible_post": "nobody"}), ("field", {"field": "magic"}), ("crowded", {"crowded": "yes"}),
    ("name", {"name": " "}), ("details", {"details": ["risk"]}),
])  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_column(stage: Stage, reason: str, changes: dict[str, Any]) -> None:
    refused(reason, lambda: change(stage, **changes))
    assert trail(stage) == []


def test_only_the_office_changes_the_registry(stage: Stage) -> None:
    with pytest.raises(NotAllowed):
        change(stage, "inspector", team="police")


def test_nobody_rewrites_a_places_trail(stage: Stage) -> None:
    become(stage, "dispatcher", "locked")
    for query in ("update place_event set reason = 'x'", "delete from place_event"):
        with pytest.raises(DBAPIError, match="permission denied"):
            stage.do(query)


STEPS = st.lists(st.tuples(st.sampled_from(("inspector", "dispatcher", "deputy", "owner")), st.sampled_from(PlaceStatus)), max_size=12)


@ON_ONE_STAGE
@given(STEPS)
def test_whatever_is_tried_the_trail_is_unbroken_and_ends_in_the_column(stage: Stage, steps: list[tuple[str, PlaceStatus]]) -> None:
    with Session(stage.engine) as session:
        for post, to in steps:
            with suppress(LawError):
                change_status(session, stage.acting(post), stage.clock.now(), "shop", to, "抽查", same_as="shop-2")
        events = [row for row in trail_of(session, stage.township_id, "shop") if row.what == "status"]
        column = session.execute(text("select status from place where code = 'shop'")).scalar_one()
        session.rollback()
    befores, afters = [row.before for row in events], [row.after for row in events]
    assert befores == ["active", *afters][: len(befores)]
    assert column == ["active", *afters][-1]


FLAGS = st.lists(st.tuples(st.booleans(), st.sampled_from(("no", "also", "kind")), st.booleans(), st.booleans()), min_size=3, max_size=3)


@ON_ONE_STAGE
@given(FLAGS)
def test_every_place_is_counted_once_in_the_overlaps(stage: Stage, flags: list[tuple[bool, str, bool, bool]]) -> None:
    with Session(stage.engine) as session:
        for code, (nine, street, crowded, gone) in zip(("shop", "shop-2", "pit"), flags, strict=True):
            said = {"nine": nine, "also": street == "also", "crowded": crowded, "street": street, "gone": gone}
            session.execute(SET_FLAGS, {"code": code, **said})
        found = overlaps(session, stage.township_id)
        session.rollback()
    there = [(nine, street != "no", crowded) for nine, street, crowded, gone in flags if not gone]
    assert found.total == len(there)
    assert {astuple(row)[:3]: row.count for row in found.rows} == {
        combination: there.count(combination) for combination in product((True, False), repeat=3) if combination in there
    }
    assert (found.nine_small, found.street_shop, found.crowded) == tuple(sum(column) for column in zip((0, 0, 0), *there, strict=True))
    assert found.listed == sum(any(each) for each in there)
    assert found.counted_twice == sum(max(sum(each) - 1, 0) for each in there)


SET_FLAGS = text("""
update place set nine_small = :nine, also_street_shop = :also, crowded = :crowded, status = case when :gone then 'moved' else 'active' end,
    kind = case when :street = 'kind' then 'street_shop' else 'small_shop' end
where code = :code
""")


def test_gaps_are_named(stage: Stage) -> None:
    with transaction(stage.engine) as session:
        before = matrix_gaps(session, stage.township_id, stage.clock.now())
    assert before.vacant_posts == () and before.unanswered_places == ()
    assert (Field.fire_nine, 2) in before.fields and (Field.fireworks, 0) in before.fields
    assert before.fallback_places == ("pit", "shop", "shop-2")
    assert (before.teams_without_head, before.teams_without_inspectors) == ((), ("office", "police"))
    assert [astuple(each) for each in before.counts] == [("mine", 1, 1, 0), ("small_shop", 2, 2, 0)]


def test_a_field_with_its_own_team_is_no_gap_and_a_vacant_post_is_one(stage: Stage) -> None:
    said = '{"fields": {"fire_nine": {"team": "fire", "deputy": null}}}'
    stage.do("update township set rules = rules || cast(:said as jsonb), revision = revision + 1", said=said)
    stage.do("update holding set to_day = '2023-02-19' from post where post.id = post_id and code in ('owner', 'mayor')")
    stage.do("update place set status = 'demolished' where code = 'shop-2'")
    with transaction(stage.engine) as session:
        gaps = matrix_gaps(session, stage.township_id, stage.clock.now())
    assert Field.fire_nine not in dict(gaps.fields)
    assert gaps.fallback_places == ("pit",)
    assert gaps.vacant_posts == ("mayor", "owner") and gaps.unanswered_places == ("shop",)
    assert astuple(gaps.counts[1]) == ("small_shop", 2, 2, 1)
