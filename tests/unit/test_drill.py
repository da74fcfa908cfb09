"""The simulated people choose by what they see and by nothing else."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from drill.chance import Stream, share
from drill.findings import PLAIN, Item, draw, facts_of
from drill.hours import awake
from drill.people import Habits, Move, next_move
from drill.roster import Roster
from drill.seen import Seen
from drill.visits import Place, Plan, finds
from models.calendar import CHINA
from models.clock import local, parse_time

ROSTER = Roster(
    by_unit={
        ("inspector", "fire"): ["inspector-1", "inspector-2"],
        ("station_head", "fire"): ["head-fire"],
        ("grid_member", "v1"): ["grid-1"],
        ("village_secretary", "v1"): ["village-1"],
    },
    by_kind={
        "office_dispatcher": ["dispatcher"], "office_head": ["office-head"], "deputy_in_charge": ["deputy"],
        "station_head": ["head-fire", "head-police"], "party_secretary": ["secretary"], "township_head": ["mayor"],
    },
    kinds={"inspector-1": "inspector", "inspector-2": "inspector", "deputy": "deputy_in_charge", "mayor": "township_head"},
)  # fmt: skip
HABITS = Habits(1, CHINA, ROSTER)
MONDAY = parse_time("2023-02-20T10:00+08:00")
DEADLINE = parse_time("2023-03-31T23:59:59+08:00")


def seen(state: str, number: int = 1, **said: object) -> Seen:
    plain = Seen(
        code=f"YH-2023-{number:04d}", version=2, state=state, round=1, grade="general", sla_class="g7", threat="fire", measure="更换",
        clause=None, found_at=MONDAY, finder="inspector-1", place="shop", village="v1", team="fire", responsible="owner",
        approver="office-head", interim_control="none", returned=0, lat=None, lon=None, deadline=DEADLINE, clock="", since=MONDAY,
        due_at=MONDAY + timedelta(days=7), level=0, fired=0, fired_at=None, held=False, told=(), twin=None,
    )  # fmt: skip
    return replace(plain, **said)  # type: ignore[arg-type]


def moves(state: str, count: int = 400, **said: object) -> Counter[str]:
    made = (next_move(seen(state, number, **said), HABITS) for number in range(count))
    return Counter(move.trigger if move else "nothing" for move in made)


def test_a_draw_depends_on_its_names_alone() -> None:
    assert share(1, "YH-2023-0001", "submit", 1, "when") == 0.3253110848518901
    assert Stream(1, "YH-2023-0001", "submit").share("when") == share(1, "YH-2023-0001", "submit", 1, "when")
    assert share(2, "YH-2023-0001", "submit", 1, "when") != share(1, "YH-2023-0001", "submit", 1, "when")


def test_draws_fill_the_whole_range_evenly() -> None:
    tenths = Counter(int(share("even", number) * 10) for number in range(5000))
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 1.3 * min(tenths.values())


def test_the_order_in_which_people_are_asked_changes_nothing() -> None:
    states = ("found", "assigned", "rectifying", "submitted", "verified", "closed")
    cases = [seen(state, number) for state in states for number in range(40)]
    first = {case: next_move(case, HABITS) for case in cases}
    random.Random(3).shuffle(cases)
    assert {case: next_move(case, HABITS) for case in cases} == first


def test_nobody_acts_before_they_could_know() -> None:
    for state in ("found", "assigned", "rectifying", "submitted", "verified"):
        for number in range(200):
            move = next_move(seen(state, number), HABITS)
            assert move is None or move.at >= MONDAY, (state, move)


def test_most_owners_mend_in_time_some_late_and_a_few_never() -> None:
    made = [next_move(seen("rectifying", number, deadline=None), HABITS) for number in range(1000)]
    submitted = [move.at for move in made if move and move.trigger == "submit"]
    in_time = sum(at <= MONDAY + timedelta(days=7) for at in submitted)
    waiting = sum(move is None for move in made)
    assert 650 < in_time < 850
    assert 50 < len(submitted) - in_time < 300
    assert 30 < waiting < 200


def test_who_waits_to_be_told_moves_once_a_leader_is() -> None:
    fired = MONDAY + timedelta(days=12)
    deaf = [number for number in range(1000) if next_move(seen("rectifying", number, deadline=None), HABITS) is None]
    told = {"level": 5, "fired": 8, "fired_at": fired, "held": True, "deadline": None}
    moved = [move for number in deaf if (move := next_move(seen("rectifying", number, **told), HABITS))]
    assert len(moved) > len(deaf) / 2
    assert all(fired < move.at < fired + timedelta(days=2) for move in moved)


def test_reviewers_return_some() -> None:
    made = moves("submitted")
    assert 0.05 < made["reinspect_fail"] / made.total() < 0.25
    assert made["reinspect_pass"] + made["reinspect_fail"] == made.total()


def test_the_office_dispatches_rejects_and_merges() -> None:
    made = moves("found", 1000)
    assert made["assign"] > 900
    assert 0 < made["reject"] < 50
    assert moves("found", 100, twin="YH-2023-9999")["mark_duplicate"] == 100


def test_a_major_hazard_is_dispatched_by_the_head_within_hours() -> None:
    major = {"grade": "major", "sla_class": "major"}
    made = [next_move(seen("found", number, **major), HABITS) for number in range(100)]
    assert all(move and move.posts == ("office-head",) and move.at < MONDAY + timedelta(hours=3) for move in made)


def test_a_major_hazard_brings_its_plan_and_its_consent() -> None:
    major = {"grade": "major", "sla_class": "major", "interim_control": "partial_stop", "deadline": None}

    def first(state: str, trigger: str) -> Move:
        made = (next_move(seen(state, number, **major), HABITS) for number in range(50))
        return next(move for move in made if move and move.trigger == trigger)

    assert len([said for said in first("rectifying", "submit").facts["plan"].values() if said]) == 7
    approved = first("verified", "approve_close").facts
    assert approved["district_consent_no"]
    assert approved["interim_lifted"] is True


def test_only_a_leader_who_was_told_takes_up_and_never_for_major() -> None:
    told = {"level": 3, "fired": 6, "fired_at": MONDAY + timedelta(days=12), "told": ("mayor", "dispatcher"), "deadline": None}
    made = [next_move(seen("rectifying", number, **told), HABITS) for number in range(400)]
    taken = [move for move in made if move and move.trigger == "take_up"]
    assert taken
    assert {move.posts for move in taken} == {("mayor",)}
    assert moves("rectifying", 400, **told, grade="major", sla_class="major")["take_up"] == 0
    assert moves("rectifying", 400, **told, held=True)["take_up"] == 0


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2023-02-20T10:00+08:00", "2023-02-20T10:00+08:00"),
        ("2023-02-20T23:30+08:00", "2023-02-21T07:50+08:00"),
        ("2023-02-20T03:00+08:00", "2023-02-20T07:50+08:00"),
    ],
)
def test_shopkeepers_sleep_at_night(instant: str, expected: str) -> None:
    assert awake(parse_time(instant), 30) == parse_time(expected)


# What is found


def item(code: str, **said: object) -> Item:
    return replace(PLAIN[1], code=code, **said)  # type: ignore[arg-type]


def plan(count: int = 60, seed: int = 1) -> list[datetime]:
    places = [Place(f"shop-{number}", "small_shop", "v1", "fire", None, None) for number in range(count)]
    items = {"small_shop": [item(f"C{number}") for number in range(5)]}
    start = parse_time("2023-02-14T00:00+08:00")
    return [find.at for find in finds(Plan(seed, CHINA, start, DEADLINE, places, items, ROSTER))]


def test_places_are_visited_in_office_hours_all_through_the_campaign() -> None:
    found = plan(200)
    assert 80 < len(found) < 200
    assert found == sorted(found)
    assert all(CHINA.is_working_day(local(at).date()) and 8 <= local(at).hour < 18 for at in found)
    weeks = Counter(local(at).isocalendar().week for at in found)
    assert set(weeks) == set(range(7, 13))


def test_the_same_seed_plans_the_same_visits() -> None:
    assert plan() == plan()
    assert plan() != plan(seed=2)


def test_a_finding_is_graded_by_the_criteria_of_its_day() -> None:
    welding = item("P1", changes=((date(2023, 5, 15), "major", "major", "Order 10"),))
    assert welding.on(date(2023, 5, 14))[0] == "general"
    assert welding.on(date(2023, 5, 15)) == ("major", "major", "Order 10")
    facts = facts_of(welding, "sf-1", date(2023, 6, 1), MONDAY, Stream(1, "sf-1", "find"))
    assert (facts["grade"], facts["interim_control"]) == ("major", "partial_stop")


def test_one_visit_never_finds_the_same_thing_twice() -> None:
    items = [item(f"C{number}") for number in range(4)]
    for number in range(50):
        drawn = draw(items, 3, Stream(1, f"place {number}", "visit"))
        assert len({each.code for each in drawn}) == 3
