"""The small machines of a place as tables: what leads where, how they are drawn, and how the gate is judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.enumerations import InterimControl, PlaceKind, PlaceStatus, StartWork
from papers.township import details as columns
from statemachines.details import DETAILS, check_detail
from statemachines.errors import Refused
from statemachines.gate import DANGERS, GATE, GateReason, judge
from statemachines.guards import STOPS_WORK
from statemachines.place_life import GONE, SEEN, STATUS, THERE, Keeper

PAGE = Path(__file__).resolve().parents[2] / "docs" / "places.md"
CAUSES = frozenset({*DANGERS, GateReason.missed_training})


def test_every_status_can_be_reached_and_left() -> None:
    assert {move.dest for move in STATUS.table} == set(PlaceStatus)
    assert {source for move in STATUS.table for source in move.sources} == set(PlaceStatus)
    assert set(THERE) | set(GONE) | {PlaceStatus.sealed} == set(PlaceStatus)


@pytest.mark.parametrize("status", GONE)
def test_what_is_gone_can_only_be_found_again_and_by_the_office(status: PlaceStatus) -> None:
    moves = [move for move in STATUS.table if status in move.sources]
    assert [(move.dest, move.who) for move in moves] == [(PlaceStatus.active, {Keeper.office})]
    with pytest.raises(Refused) as no:
        STATUS.take(status, PlaceStatus.locked)
    assert (no.value.reason, no.value.detail) == ("state", f"场所现为“{status.zh}”，不能改为“锁门”；可改为“营业”。")


def test_a_seal_is_set_and_lifted_by_the_same_hands() -> None:
    moves = [move for move in STATUS.table if PlaceStatus.sealed in (*move.sources, move.dest)]
    assert {move.who for move in moves} == {frozenset({Keeper.sealer})}


def test_no_visit_can_say_that_a_place_is_sealed_or_registered_twice() -> None:
    assert not {PlaceStatus.sealed, PlaceStatus.dup, PlaceStatus.active} & set(SEEN)


@given(st.sampled_from(PlaceStatus), st.sampled_from(PlaceStatus))
def test_the_machine_takes_exactly_what_the_table_says(state: PlaceStatus, dest: PlaceStatus) -> None:
    ways = [move for move in STATUS.table if state in move.sources and move.dest == dest]
    if ways:
        assert [STATUS.take(state, dest)] == ways
    else:
        with pytest.raises(Refused):
            STATUS.take(state, dest)


@pytest.mark.parametrize("drawn", [STATUS.mermaid(), STATUS.table_markdown(), GATE.mermaid(), GATE.table_markdown()])
def test_the_page_shows_the_tables_that_the_machines_run_on(drawn: str) -> None:
    assert drawn in PAGE.read_text(encoding="utf8")


@given(st.sampled_from(StartWork), st.sets(st.sampled_from(sorted(CAUSES))), st.booleans())
def test_the_gate_is_blocked_exactly_by_causes_and_never_opens_itself_after_a_danger(
    before: StartWork, causes: set[GateReason], owes_review: bool
) -> None:
    after = judge(before, causes, owes_review)
    assert (after == StartWork.blocked) == bool(causes)
    assert after == before or GATE.take(before, after)
    if before == StartWork.pending or (owes_review and before == StartWork.blocked):
        assert after != StartWork.allowed
    assert judge(after, causes, owes_review) == after


def test_what_stops_only_a_machine_or_nobody_does_not_stop_the_place() -> None:
    mild = {InterimControl.none, InterimControl.warning, InterimControl.guard, InterimControl.stop_equipment}
    assert set(InterimControl) - set(STOPS_WORK) == mild


def test_the_details_that_an_office_changes_are_the_columns_that_are_loaded() -> None:
    assert {name: each.kinds for name, each in DETAILS.items()} == {name: each.kinds for name, each in columns.DETAILS.items()}


@pytest.mark.parametrize(("name", "good", "bad"), [
    ("producing", True, "yes"), ("seal_date", "2023-02-14", "2023-02-30"), ("risk", "high", "dreadful"), ("pond_grade", 5, 6),
    ("pond_grade", 1, True), ("dam_height", 31.5, -1), ("licence_no", "C4112", " "), ("seal_type", "wall", None), ("staff", 3, 2.5),
    ("area_m2", 80, "80"),
])  # fmt: skip
def test_a_detail_has_its_own_kind_of_value(name: str, good: object, bad: object) -> None:
    kind = DETAILS[name].kinds[0]
    check_detail(kind, name, good)
    check_detail(kind, name, None)
    if bad is not None:
        with pytest.raises(Refused) as no:
            check_detail(kind, name, bad)
        assert no.value.reason == "details"


def test_a_shop_has_no_dam() -> None:
    with pytest.raises(Refused):
        check_detail(PlaceKind.small_shop, "dam_height", 3)
