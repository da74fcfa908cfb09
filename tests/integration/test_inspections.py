"""Inspections: what is recorded of a visit, what becomes of a failed item, who may record what, and how much has been covered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.database import transaction
from models.enumerations import DutyTask
from statemachines.coverage import Covered, coverage, inspections_of, uncovered
from statemachines.duty import open_duties
from statemachines.errors import NotAllowed, Refused
from statemachines.inspection import Inspected, record_inspection
from statemachines.step import NewRun
from tests.stage import Stage

OFFICERS = [{"post": "inspector", "certificate": "豫M-001"}, {"post": "inspector-2", "certificate": "豫M-002"}]
ORDER = {"trigger": "campaign", "answers": {"C1": "no"}, "paper": "instruction_order", "paper_no": "1", "unit_signed": True}


def inspect(stage: Stage, post: str = "inspector", place: str = "shop", **facts: Any) -> Inspected:
    said = {"place": place, "trigger": "campaign", **facts}
    if "answers" not in said and said.get("result") != "not_accessible":
        said["answers"] = {"C1": "yes"}
    with transaction(stage.engine) as session:
        return record_inspection(session, stage.acting(post), stage.clock.now(), wall=stage.clock.wall(), facts=said)


def authorise(stage: Stage, *teams: str) -> None:
    listed = ", ".join(f'"{team}"' for team in teams)
    said = f'{{"enforcement": {{"authorised_teams": [{listed}]}}}}'
    stage.do("update township set rules = rules || cast(:said as jsonb), revision = revision + 1", said=said)


def status(stage: Stage, place: str = "shop") -> str:
    return str(stage.one("select status from place where code = :code", code=place).status)


def covered(stage: Stage, by: str = "village", campaign: bool = True) -> dict[str, tuple[int, int, int]]:
    campaign_id = stage.one("select id from campaign").id if campaign else None
    with transaction(stage.engine) as session:
        return {row.code: (row.in_scope, row.seen, row.tried) for row in coverage(session, stage.township_id, campaign_id, by)}


def test_a_failed_item_becomes_a_hazard_with_the_items_own_grade_class_measure_and_clause(stage: Stage) -> None:
    done = inspect(stage, answers={"C1": "no", "A1": "yes", "A2": "na"})
    assert (done.code, done.result) == ("JC-2023-00001", "issues")
    [(item, code)] = done.hazards
    case = stage.case(code)
    assert (item, case.item, case.grade, case.sla_class, case.source) == ("C1", "C1", "general", "g3", "inspection")
    assert (case.description, case.location) == ("灭火器压力不足或已过期", "门口、操作间")
    assert case.measure == "更换 2 具 4 公斤 ABC 干粉灭火器"
    assert case.legal_basis == ["消防法第十六条第一款第二项；消防监督检查规定第三十一条第一款第四项"]
    answers = {row.item: (row.said, row.hazard_id) for row in stage.all("select * from answer")}
    assert answers == {"C1": ("no", case.case_id), "A1": ("yes", None), "A2": ("na", None)}


def test_what_the_inspector_says_wins_over_the_items_own_words(stage: Stage) -> None:
    words = {"description": "两具灭火器失压", "location": "后厨", "measure": "当场更换"}
    said = {"said": "no", "sla_class": "on_spot", "fixed_on_spot": True, **words}
    [(_, code)] = inspect(stage, answers={"C1": said}).hazards
    case = stage.case(code)
    assert (case.description, case.location, case.measure, case.sla_class) == ("两具灭火器失压", "后厨", "当场更换", "on_spot")
    assert (case.state, stage.one("select fixed_on_spot from answer").fixed_on_spot) == ("found", True)


def test_the_criteria_of_the_day_of_the_visit_decide_the_grade(stage: Stage) -> None:
    change = '[{"from": "2023-02-18", "grade": "major", "sla_class": "major", "clause": "新标准第三条"}]'
    stage.do(
        "update checklist set body = jsonb_set(body, '{items,0,changes}', cast(:change as jsonb)) where code = 'fire'", change=change
    )
    before = inspect(stage, answers={"A1": "no"}, started_at="2023-02-17T10:00+08:00")
    after = inspect(stage, place="shop-2", answers={"A1": {"said": "no", "interim_control": "partial_stop"}})
    graded = [(stage.case(code).grade, stage.case(code).legal_basis[-1]) for _, code in (*before.hazards, *after.hazards)]
    assert [grade for grade, _ in graded] == ["general", "major"]
    assert graded[1][1] == "新标准第三条"


def test_an_inspector_grades_higher_than_the_criteria_but_never_lower(stage: Stage) -> None:
    [(_, code)] = inspect(stage, answers={"C1": {"said": "no", "grade": "major"}}).hazards
    assert (stage.case(code).grade, stage.case(code).sla_class) == ("major", "major")
    refused(stage, "answers", place="pit", answers={"M1": {"said": "no", "grade": "general"}})


def test_an_older_version_of_a_checklist_can_still_be_asked(stage: Stage) -> None:
    stage.do(
        "insert into checklist (township_id, code, version, body) select township_id, code, 2,"
        " jsonb_set(body, '{items}', jsonb_path_query_array(body, '$.items[*] ? (@.code <> \"C1\")')) from checklist where code = 'fire'"
    )
    refused(stage, "answers", answers={"C1": "yes"})
    inspect(stage, answers={"C1": "yes"}, checklist="fire@1")
    asked = "select version from answer join checklist on checklist.id = checklist_id"
    assert stage.one(asked).version == 1
    refused(stage, "answers", answers={"C1": "yes"}, checklist="fire@9")


def refused(stage: Stage, reason: str, post: str = "inspector", **facts: Any) -> Refused:
    with pytest.raises(Refused) as no:
        inspect(stage, post, **facts)
    assert no.value.reason == reason, no.value.detail
    assert no.value.detail.endswith("。") and no.value.detail_en.endswith(".")
    return no.value


@pytest.mark.parametrize(("reason", "facts"), [
    ("place", {"place": "nowhere"}),
    ("trigger", {"trigger": "whim"}),
    ("time", {"started_at": "2023-02-20T10:01+08:00"}),
    ("time", {"started_at": "2023-02-20T09:00+08:00", "ended_at": "2023-02-20T08:59+08:00"}),
    ("started_at", {"started_at": "yesterday"}),
    ("answers", {"answers": {"M1": "yes"}}),
    ("answers", {"answers": {"C1": "maybe"}}),
    ("answers", {"answers": ["C1"]}),
    ("sla_class", {"answers": {"C1": {"said": "no", "sla_class": "soon"}}}),
    ("result", {"answers": {"C1": "no"}, "result": "passed"}),
    ("result", {"answers": {"C1": "yes"}, "result": "not_accessible", "status": "locked"}),
    ("status", {"result": "not_accessible"}),
    ("status", {"result": "not_accessible", "status": "sealed"}),
    ("content", {"answers": {}}),
    ("officers", {"officers": [{"post": "nobody"}]}),
    ("officers", {"officers": [{"certificate": "1"}]}),
    ("officers", {"officers": [{"post": "inspector-2"}, {"key": "p-inspector-2"}]}),
    ("leader_post", {"trigger": "leader_led"}),
    ("leader_post", {"trigger": "leader_led", "leader_post": "head-fire"}),
    ("paper", {"paper": "love_letter"}),
    ("paper", {"paper": "review_opinion"}),
    ("paper", {"paper": "notice", "result": "not_accessible", "status": "locked"}),
    ("signature", {"unit_signed": True, "refused_to_sign": True}),
    ("position", {"lat": 34.7}),
    ("position", {"lat": 134.7, "lon": 111.0}),
])  # fmt: skip
def test_what_cannot_be_so_is_refused_with_its_reason_and_leaves_nothing(stage: Stage, reason: str, facts: dict[str, Any]) -> None:
    refused(stage, reason, **facts)
    assert stage.one("select (select count(*) from inspection) + (select count(*) from cases) + (select count(*) from counter) as n").n == 0


@pytest.mark.parametrize(("post", "facts"), [
    ("owner-2", {"trigger": "routine"}),
    ("owner", {"trigger": "campaign"}),
    ("grid-1", {"trigger": "campaign"}),
    ("grid-2", {"trigger": "patrol"}),
    ("discipline", {"trigger": "routine"}),
    ("department", {"trigger": "routine"}),
])  # fmt: skip
def test_who_does_not_inspect_there_records_nothing(stage: Stage, post: str, facts: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        inspect(stage, post, **facts)


@pytest.mark.parametrize(("post", "trigger", "source"), [
    ("safety", "routine", "self_check"),
    ("grid-1", "patrol", "patrol"),
    ("ranger", "patrol", "patrol"),
    ("mayor", "leader_led", "leader_led"),
    ("inspector", "recheck", "recheck"),
    ("inspector", "report", "public"),
    ("dispatcher", "holiday", "inspection"),
])  # fmt: skip
def test_the_source_of_a_hazard_follows_from_who_went_and_why(stage: Stage, post: str, trigger: str, source: str) -> None:
    [(_, code)] = inspect(stage, post, trigger=trigger, answers={"C1": "no"}).hazards
    assert stage.case(code).source == source


def test_a_leader_who_records_has_led(stage: Stage) -> None:
    inspect(stage, "mayor", trigger="leader_led")
    inspect(stage, trigger="leader_led", leader_post="secretary", officers=[{"post": "secretary"}])
    assert [row.leader_post for row in stage.all("select leader_post from inspection order by id")] == ["mayor", "secretary"]


def owe(stage: Stage, *wanted: str) -> str:
    """This week's run of the mayor's duty to lead an inspection."""
    body = '{"done_by_inspection": {"trigger": "leader_led"}}'
    stage.do(
        "insert into duty (township_id, code, version, active, title, leader, body)"
        " values (:id, 'led', 1, true, '每周带队检查', true, cast(:body as jsonb))", id=stage.township_id, body=body,
    )  # fmt: skip
    ids = stage.one("select duty.id as duty, post.id as post from duty, post where post.code = 'mayor'")
    now = stage.clock.now()
    run = NewRun(
        ids.post, "每周带队检查", DutyTask.duty, now.date(), now, now + timedelta(days=5), now + timedelta(days=8), wanted=wanted,
        leader=True, duty_id=ids.duty,
    )  # fmt: skip
    with transaction(stage.engine) as session:
        return open_duties(session, stage.township_id, now, stage.clock.wall(), [run])[0]


def test_an_inspection_that_a_leader_led_does_the_leaders_duty(stage: Stage) -> None:
    code = owe(stage)
    inspect(stage, trigger="leader_led", leader_post="mayor", result="not_accessible", status="locked")
    inspect(stage, trigger="campaign", leader_post="mayor")
    assert stage.one("select state from cases where code = :code", code=code).state == "open"
    done = inspect(stage, trigger="leader_led", leader_post="mayor")
    said = "select c.state, i.code from cases c join duty_run run on run.case_id = c.id join inspection i on i.id = inspection_id"
    assert tuple(stage.one(said)) == ("done", done.code)


def test_a_visit_is_recorded_though_the_duty_still_wants_evidence(stage: Stage) -> None:
    code = owe(stage, "photo")
    inspect(stage, trigger="leader_led", leader_post="mayor")
    assert stage.one("select state from cases where code = :code", code=code).state == "open"
    assert stage.one("select count(*) as n from inspection").n == 1


def test_an_order_to_rectify_takes_authority_and_two_officers_with_their_numbers(stage: Stage) -> None:
    no = refused(stage, "G18", **ORDER, officers=OFFICERS)
    assert "整改通知书" in no.detail and "交办单" in no.detail
    authorise(stage, "fire")
    refused(stage, "officers", **ORDER, officers=OFFICERS[:1])
    refused(stage, "officers", **ORDER, officers=[OFFICERS[0], {"post": "inspector-2"}])
    refused(stage, "officers", **ORDER, officers=[OFFICERS[0], {**OFFICERS[1], "certificate": "豫M-001"}])
    refused(stage, "signature", **{**ORDER, "unit_signed": False}, officers=OFFICERS)
    done = inspect(stage, **ORDER, officers=OFFICERS)
    assert stage.one("select paper from inspection where code = :code", code=done.code).paper == "instruction_order"


def test_a_notice_takes_no_authority_and_a_review_opinion_an_earlier_finding(stage: Stage) -> None:
    inspect(stage, answers={"C1": "no"}, paper="notice", refused_to_sign=True)
    inspect(stage, trigger="recheck", paper="review_opinion")
    refused(stage, "paper", place="shop-2", paper="review_opinion")


def test_the_recorder_is_among_the_officers_once(stage: Stage) -> None:
    inspect(stage, officers=[{"username": "inspector-2"}, {"post": "inspector", "certificate": "7"}])
    rows = stage.all("select person, post, certificate from officer order by person")
    assert [tuple(row) for row in rows] == [("p-inspector", "inspector", "7"), ("p-inspector-2", "inspector-2", None)]


def test_a_closed_door_is_recorded_and_an_open_one_sets_the_place_active_again(stage: Stage) -> None:
    inspect(stage, result="not_accessible", status="locked")
    assert status(stage) == "locked"
    inspect(stage, "safety", trigger="routine")
    assert status(stage) == "locked"
    inspect(stage)
    assert status(stage) == "active"
    trail = stage.all("select what, before, after, reason from place_event order by seq")
    assert [tuple(row) for row in trail if row.what == "status"] == [
        ("status", "active", "locked", "JC-2023-00001"), ("status", "locked", "active", "JC-2023-00003"),
    ]  # fmt: skip
    assert [row.after for row in trail if row.what == "inspected"] == ["not_accessible", "passed", "passed"]


def test_a_place_with_open_hazards_has_not_simply_moved_away(stage: Stage) -> None:
    code = stage.find()
    no = refused(stage, "open_hazards", result="not_accessible", status="moved")
    assert code in no.detail
    inspect(stage, result="not_accessible", status="not_found")


def test_nobody_got_in_twice_counts_half_and_a_self_check_not_at_all(stage: Stage) -> None:
    assert covered(stage) == {"v1": (2, 0, 0), "v2": (1, 0, 0)}
    inspect(stage, "safety", trigger="routine")
    inspect(stage, result="not_accessible", status="locked")
    assert covered(stage)["v1"] == (2, 0, 0)
    inspect(stage, result="not_accessible", status="locked")
    inspect(stage, place="shop-2", answers={"C1": "no"})
    inspect(stage, place="shop-2")
    assert covered(stage) == {"v1": (2, 1, 1), "v2": (1, 0, 0)}
    assert covered(stage, "kind") == {"mine": (1, 0, 0), "small_shop": (2, 1, 1)}
    assert covered(stage, "team") == {"fire": (3, 1, 1)}
    assert Covered("v1", "东村", 2, 1, 1).share == 0.75 and Covered("v9", "", 0, 0, 0).share is None


def test_what_is_shut_is_out_of_scope_and_what_was_seen_outside_the_campaign_does_not_count(stage: Stage) -> None:
    inspect(stage, result="not_accessible", status="shut")
    assert covered(stage)["v1"] == (1, 0, 0)
    inspect(stage, place="shop-2", started_at="2023-02-13T10:00+08:00")
    assert covered(stage)["v1"] == (1, 0, 0)
    assert covered(stage, campaign=False)["v1"] == (1, 1, 0)


def test_a_campaign_of_some_kinds_covers_these_alone(stage: Stage) -> None:
    stage.do("""update campaign set scope = '{"kinds": ["mine"], "fields": []}'""")
    assert covered(stage) == {"v2": (1, 0, 0)}


def test_where_nobody_has_been_is_listed_with_the_visits_in_vain(stage: Stage) -> None:
    inspect(stage, result="not_accessible", status="locked")
    inspect(stage, place="shop-2")
    with transaction(stage.engine) as session:
        campaign_id = stage.one("select id from campaign").id
        rows = uncovered(session, stage.township_id, campaign_id)
        assert [(row.code, row.status, row.tried) for row in rows] == [("shop", "locked", 1), ("pit", "active", 0)]
        assert [row.code for row in uncovered(session, stage.township_id, campaign_id, village="v2")] == ["pit"]
        with pytest.raises(Refused):
            coverage(session, stage.township_id, campaign_id, "weather")


def test_who_inspected_what_is_asked_by_place_team_and_post(stage: Stage) -> None:
    first = inspect(stage, answers={"C1": "no", "A1": "yes"}, officers=[{"post": "inspector-2"}])
    second = inspect(stage, "mayor", place="pit", trigger="leader_led", answers={"M3": "yes"})
    with transaction(stage.engine) as session:
        def asked(**by: Any) -> list[str]:
            return [row.code for row in inspections_of(session, stage.township_id, **by)]

        assert asked() == [second.code, first.code]
        assert asked(place="shop") == asked(team="fire") == asked(post="inspector-2") == asked(code=first.code) == [first.code]
        assert asked(post="mayor") == [second.code]
        assert asked(team="police") == asked(since=stage.clock.now(), until=stage.clock.now()) == []
        [row] = inspections_of(session, stage.township_id, place="shop")
        assert (row.answered, row.failed, row.hazards) == (2, 1, [first.hazards[0][1]])
        assert [each["post"] for each in row.officers] == ["inspector", "inspector-2"]


def test_a_visit_that_fails_half_way_leaves_no_hazard_behind(stage: Stage) -> None:
    with pytest.raises(Refused):
        inspect(stage, answers={"A1": "no", "C1": {"said": "no", "interim_control": "prayer"}})
    assert stage.all("select from cases") == []
