"""The simulated people choose by what they see and by nothing else."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from drill.callers import calls
from drill.chance import Stream, share
from drill.deciding import next_answer
from drill.findings import PLAIN, Item, answers, draw, facts_of, fixes_at_once
from drill.habits import Habits, Move
from drill.hours import awake
from drill.people import next_move
from drill.roster import Roster
from drill.rounds import Run, next_round
from drill.seen import Seen
from drill.visits import Place, Plan, Visit, told, visits
from drill.waiting import Waiting
from models.calendar import CHINA
from models.clock import local, parse_time

ROSTER = Roster(
    by_unit={
        ("inspector", "fire"): ["inspector-1", "inspector-2"],
        ("ranger", "v1"): ["ranger-1"],
        ("station_head", "fire"): ["head-fire"],
        ("grid_member", "v1"): ["grid-1"],
        ("village_secretary", "v1"): ["village-1"],
    },
    by_kind={
        "office_dispatcher": ["dispatcher"], "office_head": ["office-head"], "deputy_in_charge": ["deputy"],
        "station_head": ["head-fire", "head-police"], "party_secretary": ["secretary"], "township_head": ["mayor"],
    },
    kinds={
        "inspector-1": "inspector", "inspector-2": "inspector", "deputy": "deputy_in_charge", "mayor": "township_head",
        "owner": "enterprise_principal", "office-head": "office_head", "ranger-1": "ranger",
    },
)  # fmt: skip
HABITS = Habits(1, CHINA, ROSTER)
MONDAY = parse_time("2023-02-20T10:00+08:00")
DEADLINE = parse_time("2023-03-31T23:59:59+08:00")


def seen(state: str, number: int = 1, **said: object) -> Seen:
    plain = Seen(
        code=f"YH-2023-{number:04d}", version=2, state=state, round=1, grade="general", sla_class="g7", threat="fire", measure="更换",
        clause=None, found_at=MONDAY, finder="inspector-1", item="C1", place="shop", village="v1", team="fire", responsible="owner",
        approver="office-head", interim_control="none", interim_kept=False, listing="none", recurrences=0, root_cause=None, extensions=0,
        asked=(), pending=(), returned=0, lat=None, lon=None, deadline=DEADLINE, clock="", since=MONDAY,
        due_at=MONDAY + timedelta(days=7), level=0, fired=0, fired_at=None, held=False, told=(), twin=None,
    )  # fmt: skip
    return replace(plain, **said)  # type: ignore[arg-type]


def moves(state: str, count: int = 400, **said: object) -> Counter[str]:
    made = (next_move(seen(state, number, **said), HABITS) for number in range(count))
    return Counter(move.trigger if move else "nothing" for move in made)


def made_of(trigger: str, state: str, count: int, **said: object) -> list[Move]:
    made = (next_move(seen(state, number, **said), HABITS) for number in range(count))
    return [move for move in made if move and move.trigger == trigger]


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
    assert made["assign"] > 850
    assert 0 < made["reject"] < 50
    assert moves("found", 100, twin="YH-2023-9999")["mark_duplicate"] == 100


def test_a_major_hazard_is_dispatched_by_the_head_within_hours() -> None:
    major = {"grade": "major", "sla_class": "major", "interim_control": "partial_stop"}
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


# Asked, ordered, decided


def test_what_came_back_is_submitted_with_its_cause() -> None:
    made = made_of("submit", "rectifying", 300, recurrences=1)
    assert all(move.facts["root_cause"] for move in made)
    assert 0 < sum(move.blunder == "no cause" for move in made) < len(made) / 3
    assert not any("root_cause" in move.facts for move in made_of("submit", "rectifying", 50))


def test_who_needs_longer_asks_three_days_ahead_and_says_why() -> None:
    long = {"sla_class": "g15", "due_at": MONDAY + timedelta(days=15), "deadline": None}
    made = (next_move(seen("rectifying", number, **long), HABITS) for number in range(400))
    asked = [move for move in made if move and move.trigger == "request_extension"]
    assert 10 < len(asked) < 120
    for move in asked:
        assert move.at <= MONDAY + timedelta(days=12)
        assert move.facts["requested_due"] > MONDAY + timedelta(days=15)
        assert move.facts["reason"] and move.facts["interim_measures"]
    assert moves("rectifying", 400, **long, pending=("extension",), asked=("extension",))["request_extension"] == 0


def test_what_is_major_is_stopped_by_a_leader_and_lifted_before_it_closes() -> None:
    major = {"grade": "major", "sla_class": "major", "deadline": None}
    ordered = made_of("order_interim", "found", 100, **major)
    assert ordered
    assert {move.posts[0] for move in ordered} <= {"deputy", "mayor"}
    assert moves("verified", 100, **major, interim_control="partial_stop")["lift_interim"] > 20
    assert moves("verified", 100, **major, listing="county")["approve_close"] == 0
    ahead = {"interim_control": "partial_stop", "due_at": MONDAY + timedelta(days=20)}
    assert moves("rectifying", 100, **major, **ahead)["list_supervision"] > 10
    assert moves("rectifying", 100, **major, **ahead, asked=("listing",))["list_supervision"] == 0


def test_nothing_closes_while_something_is_asked_about_it() -> None:
    assert moves("verified", 100, pending=("appeal",), asked=("appeal",))["approve_close"] == 0
    assert moves("verified", 100, pending=("transfer",), asked=("transfer",))["approve_close"] > 80


def waits(kind: str, state: str, number: int = 1, **said: object) -> Waiting:
    plain = Waiting(
        code=f"YH-2023-{number:04d}-X1", kind=kind, state=state, version=1, since=MONDAY, due_at=None, level=0, fired_at=None,
        responsible="owner", approver="deputy", place="shop", team="fire", hazard="YH-2023-0001", hazard_state="rectifying",
        hazard_since=None, interim_control="none", beyond=False, treat_by=None, answers=0, twin=None,
    )  # fmt: skip
    return replace(plain, **said)  # type: ignore[arg-type]


def answered(kind: str, state: str, count: int = 300, **said: object) -> Counter[str]:
    made = (next_answer(waits(kind, state, number, **said), HABITS) for number in range(count))
    return Counter(move.trigger if move else "nothing" for move in made)


def test_some_extensions_are_declined_and_those_beyond_the_campaign_without_a_control_all() -> None:
    made = answered("extension", "asked")
    assert made["grant"] > made["decline"] > 50
    assert answered("extension", "asked", beyond=True) == {"decline": 300}
    assert answered("extension", "asked", beyond=True, interim_control="guard")["grant"] > 150


def test_a_listed_hazard_is_taken_off_once_it_has_passed_its_reinspection() -> None:
    assert answered("listing", "listed") == {"report_progress": 300}
    assert answered("listing", "listed", hazard_state="verified", hazard_since=MONDAY) == {"ask_delisting": 300}
    assert answered("listing", "delisting") == {"nothing": 300}
    assert answered("listing", "delisting", hazard_state="verified") == {"delist": 300}


def test_a_report_is_verified_answered_and_judged() -> None:
    made = answered("report", "received", hazard=None)
    assert made["substantiate"] > made["dismiss_report"] > 60
    judged = answered("report", "answered", answers=1, hazard_state="closed", hazard_since=MONDAY)
    assert judged["accept_answer"] > judged["dispute_answer"] > 50
    assert judged["nothing"] > 20
    assert answered("report", "answered", answers=2, hazard_state="closed")["dispute_answer"] == 0
    assert answered("report", "answered", answers=1, hazard_state="rectifying")["dispute_answer"] == 0


# Duties


def run(number: int = 1, **said: object) -> Run:
    plain = Run(
        case_id=number, code=f"LZ-2023-{number:05d}", version=1, task="duty", owner="ranger-1", wanted=("photo",), leader=False, led=False,
        since=MONDAY, due_at=MONDAY + timedelta(hours=8), closes_at=MONDAY + timedelta(hours=80), level=0, fired_at=None, hazard=None,
        place=None,
    )  # fmt: skip
    return replace(plain, **said)  # type: ignore[arg-type]


def test_most_duties_are_done_in_time_some_late_and_few_never() -> None:
    made = [next_round(run(number), HABITS) for number in range(2000)]
    done = [move.at for move in made if move and move.trigger == "do_duty"]
    in_time = sum(at <= MONDAY + timedelta(hours=8) for at in done)
    assert 1800 < in_time < 1920
    assert 20 < len(done) - in_time < 100
    assert 0 < sum(move.trigger == "excuse" for move in made if move) < 20
    assert all(MONDAY <= at <= MONDAY + timedelta(hours=80) for at in done)


def test_who_waits_to_be_told_does_the_duty_when_somebody_is() -> None:
    deaf = [number for number in range(2000) if next_round(run(number), HABITS) is None]
    told_at = {"level": 2, "fired_at": MONDAY + timedelta(hours=56)}
    heard = [move for number in deaf if (move := next_round(run(number, **told_at), HABITS))]
    assert len(deaf) / 2 < len(heard) < len(deaf)
    assert all(move.at > MONDAY + timedelta(hours=56) for move in heard)


def test_what_an_inspection_does_nobody_does_by_hand() -> None:
    made = [next_round(run(number, led=True, leader=True), HABITS) for number in range(300)]
    assert made == [None] * 300


# What is found


def item(code: str, **said: object) -> Item:
    return replace(PLAIN[1], code=code, **said)  # type: ignore[arg-type]


def plan(count: int = 60, seed: int = 1, kind: str = "small_shop") -> Plan:
    places = [Place(f"shop-{number}", kind, "v1", "fire", "owner", None, None) for number in range(count)]
    items = {kind: [item(f"C{number}") for number in range(5)]}
    return Plan(seed, CHINA, parse_time("2023-02-14T00:00+08:00"), DEADLINE, places, items, ROSTER)


def test_places_are_visited_in_office_hours_all_through_the_campaign() -> None:
    planned = [visit for visit in visits(plan(200)) if visit.trigger == "campaign"]
    assert {visit.place.code for visit in planned} | patrolled(plan(200)) == {f"shop-{number}" for number in range(200)}
    assert all(CHINA.is_working_day(local(visit.at).date()) and 8 <= local(visit.at).hour < 18 for visit in planned)
    weeks = Counter(local(visit.at).isocalendar().week for visit in planned)
    assert set(range(7, 13)) <= set(weeks)


def patrolled(planned: Plan) -> set[str]:
    return {visit.place.code for visit in visits(planned) if visit.trigger == "patrol"}


def test_about_every_other_visit_finds_something() -> None:
    failed = sum(len(visit.failed) for visit in visits(plan(400)))
    assert 160 < failed < 320


def test_who_finds_a_door_locked_comes_again_and_gets_in_or_not() -> None:
    by_place: dict[str, list[Visit]] = {}
    for visit in visits(plan(1000)):
        if visit.trigger in ("campaign", "patrol"):
            by_place.setdefault(visit.place.code, []).append(visit)
    shut = [made for made in by_place.values() if made[0].status]
    assert 20 < len(shut) < 90
    assert {len(made) for made in shut} == {2}
    assert 0 < sum(made[1].status is not None for made in shut) < len(shut)
    assert all(made[-1].at < DEADLINE for made in by_place.values())


def test_each_leader_leads_an_inspection_nearly_every_week() -> None:
    led = [visit for visit in visits(plan()) if visit.trigger == "leader_led"]
    for leader in ("secretary", "mayor"):
        weeks = [local(visit.at).isocalendar().week for visit in led if visit.leader == leader]
        assert len(weeks) == len(set(weeks))
        assert 5 <= len(set(weeks) & set(range(7, 14))) <= 7


def test_openings_are_passed_by_rangers_and_a_village_by_its_grid_member() -> None:
    posts = Counter(visit.post for visit in visits(plan(200, kind="abandoned_opening")) if visit.trigger == "patrol")
    assert 30 < posts["ranger-1"] < 90
    assert posts["grid-1"] > 0


def test_the_same_seed_plans_the_same_visits_and_reports() -> None:
    assert visits(plan()) == visits(plan())
    assert visits(plan()) != visits(plan(seed=2))
    assert calls(plan(400)) == calls(plan(400)) != calls(plan(400, seed=2))


def test_every_item_is_answered_and_what_failed_in_words() -> None:
    asked = [item(f"C{number}", sla_class="on_spot") for number in range(90)]
    said = answers(asked, asked[:2], 1, "shop", Stream(1, "shop", "record"), by_inspector=True)
    assert list(said) == [each.code for each in asked]
    assert {"yes", "na"} == {each for each in said.values() if isinstance(each, str)}
    for failed in asked[:2]:
        assert said[failed.code]["said"] == "no"
        assert said[failed.code]["description"].startswith(failed.finding)
        assert said[failed.code].get("fixed_on_spot", False) is fixes_at_once(1, "shop", failed.code)


def test_where_nobody_gets_in_nothing_is_answered_but_the_door() -> None:
    shut = next(visit for visit in visits(plan(400)) if visit.status)
    facts = told(shut, 1, plan().items["small_shop"])
    assert facts["result"] == "not_accessible"
    assert facts["status"] in ("locked", "not_found")
    assert "answers" not in facts


def test_what_no_checklist_asks_is_told_in_a_note_and_registered_beside() -> None:
    bare = replace(plan(60), items={"small_shop": PLAIN})
    found = next(visit for visit in visits(bare) if visit.failed)
    facts = told(found, 1, PLAIN)
    assert facts["answers"] == {}
    assert facts["note"]
    assert found.unasked == found.failed


def test_a_finding_is_graded_by_the_criteria_of_its_day() -> None:
    welding = item("P1", changes=((date(2023, 5, 15), "major", "major", "Order 10"),))
    assert welding.on(date(2023, 5, 14))[0] == "general"
    assert welding.on(date(2023, 5, 15)) == ("major", "major", "Order 10")
    facts = facts_of(welding, "sf-1", date(2023, 6, 1), MONDAY, Stream(1, "sf-1", "find"))
    assert (facts["grade"], facts["sla_class"]) == ("major", "major")


def test_one_visit_never_finds_the_same_thing_twice() -> None:
    items = [item(f"C{number}") for number in range(4)]
    for number in range(50):
        drawn = draw(items, 3, Stream(1, f"place {number}", "visit"))
        assert len({each.code for each in drawn}) == 3
