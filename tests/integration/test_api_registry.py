"""Inspections, places with their gates, posts and numbers over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.test_api import problem
from tests.integration.test_api_cases import get, post
from tests.site import Site, serve
from tests.stage import Stage

VISIT = {"place": "shop", "trigger": "campaign", "officers": ["inspector-2"], "answers": {"A1": "yes"}, "unit_signed": True}


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


# Inspections


def test_a_visit_is_recorded_and_what_failed_becomes_a_hazard(site: Site) -> None:
    failed = {"said": "no", "location": "收银台旁", "note": "两具"}
    answer = post(site.api("inspector"), "inspections", **{**VISIT, "answers": {"A1": "yes", "A2": "na", "C1": failed}})
    visit = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1/inspections/{visit['code']}")
    assert (visit["result"], visit["answered"], visit["failed"], visit["start_work"]) == ("issues", 3, 1, "allowed")
    assert [officer["post"] for officer in visit["officers"]] == ["inspector", "inspector-2"]
    assert (visit["started_at"], visit["recorded_by"], visit["campaign"]) == ("2023-02-20T10:00:00+08:00", "inspector", "YH-2023")
    answers = {each["item"]: (each["said"], each["hazard"], each["note"]) for each in visit["answers"]}
    assert answers == {"A1": ("yes", None, None), "A2": ("na", None, None), "C1": ("no", visit["hazards"][0], "两具")}
    hazard = get(site.api("owner"), f"hazards/{visit['hazards'][0]}")
    assert (hazard["item"], hazard["exact_location"], hazard["grade"]) == ("C1", "收银台旁", "general")
    read = get(site.api("owner"), f"inspections/{visit['code']}")
    assert read == {name: value for name, value in visit.items() if name != "start_work"} | {"trigger": None}


def test_a_visit_with_a_key_is_recorded_once(site: Site) -> None:
    inspector = site.api("inspector")
    codes = {post(inspector, "inspections", key="k", **{**VISIT, "answers": {"C1": "no"}}).json()["code"] for _ in range(2)}
    assert len(codes) == len(site.stage.all("select from cases")) == 1
    assert problem(post(inspector, "inspections", key="k", **VISIT), 422)["reason"] == "key_reused"


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        ({"place": "nowhere"}, 409, "place"), ({"answers": {"Z9": "yes"}}, 409, "answers"), ({"officers": ["nobody"]}, 409, "officers"),
        ({"paper": "instruction_order"}, 409, "G18"), ({"started_at": "2023-02-21T10:00:00+08:00"}, 409, "time"),
        ({"result": "issues"}, 409, "result"), ({"checklist": "none"}, 409, "answers"), ({"lat": 34.5}, 409, "position"),
        ({"trigger": "whim"}, 422, None), ({"answers": {"A1": "perhaps"}}, 422, None), ({"answers": [1]}, 422, None),
        ({"officers": "inspector"}, 422, None), ({"officers": [{"name": "x"}]}, 422, None), ({"remark": "x"}, 422, None),
        ({"lat": 91, "lon": 0}, 422, None), ({"answers": {"A1": {"said": "no", "grade": "huge"}}}, 422, None),
        ({"answers": {f"A{n}": "yes" for n in range(501)}}, 422, None),
    ],
)  # fmt: skip
def test_a_visit_that_cannot_be_is_refused_and_leaves_nothing(site: Site, said: dict[str, Any], status: int, reason: str | None) -> None:
    assert problem(post(site.api("inspector"), "inspections", **{**VISIT, **said}), status).get("reason") == reason
    assert site.stage.all("select from inspection") == []


def test_who_does_not_inspect_records_nothing(site: Site) -> None:
    assert problem(post(site.api("discipline"), "inspections", **VISIT), 403)["reason"] == "post"
    assert problem(post(site.api("owner-2"), "inspections", **{**VISIT, "trigger": "routine"}), 403)
    assert problem(post(site.client(), "inspections", **VISIT), 401)
    assert problem(post(site.api("inspector"), "inspections", **VISIT, as_post="mayor"), 403)


def test_visits_are_listed_within_reach_and_filtered(site: Site) -> None:
    inspector, mayor = site.api("inspector"), site.api("mayor")
    first = post(inspector, "inspections", **VISIT).json()["code"]
    site.stage.later(days=1)
    second = post(inspector, "inspections", **{**VISIT, "place": "pit", "trigger": "routine", "answers": {}, "note": "外围"}).json()["code"]
    for who, seen in (("mayor", [second, first]), ("owner", [first]), ("village-2", [second]), ("owner-2", [])):
        assert [item["code"] for item in get(site.api(who), "inspections")["items"]] == seen, who
    assert problem(site.api("owner-2").get(f"/api/v1/inspections/{first}"), 403)["reason"] == "reach"
    assert problem(mayor.get("/api/v1/inspections/JC-2023-99999"), 404)

    def codes(**asked: Any) -> list[str]:
        return [item["code"] for item in get(mayor, "inspections", **asked)["items"]]

    assert codes(place="shop") == codes(village="v1") == codes(trigger="campaign") == codes(to="2023-02-20") == [first]
    assert codes(**{"from": "2023-02-21"}) == codes(trigger="routine") == [second]
    assert codes(team="fire") == codes(post="inspector-2") == codes(result="passed") == [second, first]
    assert codes(team="police") == codes(result="issues") == []
    page = get(mayor, "inspections", limit=1)
    assert [item["code"] for item in get(mayor, "inspections", limit=1, cursor=page["next"])["items"]] == [first]
    for query in ("trigger=x", "from=yesterday", "to=9999-12-31", "cursor=x"):
        assert problem(mayor.get(f"/api/v1/inspections?{query}"), 422)


def test_who_is_reported_does_not_learn_it_from_the_visit_that_followed(site: Site) -> None:
    after, usual = (post(site.api("inspector"), "inspections", **{**VISIT, "trigger": why}).json()["code"] for why in ("report", "routine"))
    own = post(site.api("owner"), "inspections", **{**VISIT, "trigger": "routine"}).json()["code"]
    for who, said in (("owner", None), ("village-1", None), ("inspector", "report"), ("discipline", "report")):
        told = {item["code"]: item["trigger"] for item in get(site.api(who), "inspections")["items"]}
        assert told == {after: said, usual: said and "routine", own: "routine"}, who
        assert get(site.api(who), f"inspections/{after}")["trigger"] == said
        narrowed = get(site.api(who), "inspections", trigger="report")["items"]
        assert [item["code"] for item in narrowed] == ([after] if said else [])
        pages = [site.browser(who).get(path).text for path in ("/inspections", f"/inspections/{after}", "/places/shop")]
        assert ["举报核查" in page for page in pages] == [said is not None] * 3, who
        assert {item["code"] for item in get(site.api(who), "inspections", trigger="routine")["items"]} == ({own, usual} if said else {own})
    assert "日常检查" in site.browser("owner").get(f"/inspections/{own}").text


def test_coverage_counts_what_has_been_seen_and_lists_the_rest(site: Site) -> None:
    post(site.api("inspector"), "inspections", **VISIT)
    mayor = site.api("mayor")
    told = get(mayor, "inspections/coverage")
    assert told["campaign"] == "YH-2023"
    assert {row["code"]: (row["in_scope"], row["seen"], row["share"]) for row in told["items"]} == {"v1": (2, 1, 0.5), "v2": (1, 0, 0.0)}
    assert {row["code"] for row in get(mayor, "inspections/coverage", by="kind")["items"]} == {"small_shop", "mine"}
    assert [row["code"] for row in get(site.api("village-1"), "inspections/coverage")["items"]] == ["v1"]
    assert problem(site.api("village-1").get("/api/v1/inspections/coverage?by=team"), 403)["reason"] == "reach"
    assert problem(site.api("owner").get("/api/v1/inspections/coverage"), 403)
    assert problem(mayor.get("/api/v1/inspections/coverage?by=colour"), 422)
    assert {row["code"] for row in get(mayor, "inspections/uncovered")["items"]} == {"shop-2", "pit"}
    assert [row["code"] for row in get(mayor, "inspections/uncovered", kind="mine")["items"]] == ["pit"]
    assert [row["code"] for row in get(site.api("village-1"), "inspections/uncovered")["items"]] == ["shop-2"]


def change_criteria(site: Site, item: str, day: str) -> None:
    """From a day on the item is major, under a new clause."""
    change = {"from": day, "grade": "major", "sla_class": "major", "clause": "新标准"}
    site.stage.do(
        "update checklist set body = jsonb_set(body, '{items}', (select jsonb_agg(case item ->> 'code' when :item"
        " then item || jsonb_build_object('changes', jsonb_build_array(cast(:change as jsonb))) else item end)"
        " from jsonb_array_elements(body -> 'items') item))", item=item, change=json.dumps(change),
    )  # fmt: skip


def test_checklists_grade_their_items_as_of_today(site: Site) -> None:
    owner = site.api("owner")
    lists = {each["code"]: each for each in get(owner, "checklists", kind="small_shop")["items"]}
    items = {item["code"]: item for each in lists.values() for item in each["items"]}
    assert (items["C1"]["grade"], items["C1"]["sla_class"], items["C1"]["since"]) == ("general", "g3", None)
    assert all("small_shop" in item["kinds"] for item in items.values())
    whole = {item["code"]: item for each in get(owner, "checklists")["items"] for item in each["items"]}
    assert items.keys() < whole.keys()
    changed = next(item for item in whole.values() if item["grade"] == "general")
    change_criteria(site, changed["code"], "2023-02-20")
    now = {item["code"]: item for each in get(owner, "checklists")["items"] for item in each["items"]}[changed["code"]]
    assert (now["grade"], now["clause"], now["since"]) == ("major", "新标准", "2023-02-20")
    assert problem(owner.get("/api/v1/checklists?kind=castle"), 422)


# Places


def test_a_place_tells_its_gate_its_details_and_its_trail(site: Site) -> None:
    site.stage.do("update place set details = '{\"risk\": \"high\"}' where code = 'pit'")
    hazard = site.stage.find(place="pit", grade="major")
    place = get(site.api("village-2"), "places/pit")
    assert (place["code"], place["details"], place["start_work"], place["gate"]["state"]) == ("pit", {"risk": "high"}, "blocked", "blocked")
    assert place["gate"]["because"][0] | {"zh": "", "en": ""} == {"reason": "major_hazard", "case": hazard, "zh": "", "en": ""}
    assert [(line["what"], line["before"], line["after"], line["case"]) for line in place["trail"]] == [
        ("start_work", "allowed", "blocked", hazard)
    ]
    assert get(site.api("owner-3"), "places/pit/gate") == place["gate"]
    for path in ("places/pit", "places/pit/gate", "places/nowhere"):
        assert problem(site.api("village-1").get(f"/api/v1/{path}"), 404)


def test_a_place_changes_its_status_with_a_reason(site: Site) -> None:
    office = site.api("dispatcher")
    changed = post(office, "places/shop/status", to="shut", reason="已注销", note="现场查看").json()
    assert (changed["status"], changed["trail"][-1]["reason"], changed["trail"][-1]["post"]) == ("shut", "已注销", "dispatcher")
    assert problem(post(office, "places/shop/status", to="shut", reason="又"), 409)["reason"] == "state"
    assert problem(post(office, "places/shop/status", to="active", reason=" "), 409)["reason"] == "reason"
    assert problem(post(office, "places/shop-2/status", to="dup", reason="重复"), 409)["reason"] == "same_as"
    assert post(office, "places/shop-2/status", to="dup", reason="重复", same_as="shop").json()["same_as"] == "shop"
    assert problem(post(site.api("owner-3"), "places/pit/status", to="shut", reason="停业"), 403)["reason"] == "post"
    assert problem(post(office, "places/nowhere/status", to="shut", reason="停业"), 404)
    assert problem(post(office, "places/pit/status", to="haunted", reason="停业"), 422)
    assert problem(post(office, "places/pit/status", to="shut"), 422)
    assert problem(post(office, "places/pit/status", to="shut", reason="停业", when="now"), 422)["errors"][0]["where"] == "when"
    site.stage.find(place="pit")
    assert problem(post(office, "places/pit/status", to="moved", reason="搬迁"), 409)["reason"] == "open_hazards"


def test_a_repeated_change_with_its_key_happens_once(site: Site) -> None:
    office = site.api("dispatcher")
    body = {"to": "shut", "reason": "已注销"}
    first = post(office, "places/shop/status", key="k", **body)
    assert post(office, "places/shop/status", key="k", **body).json() == first.json()
    assert len(first.json()["trail"]) == 1
    inn = {"code": "inn", "name": "小旅馆一", "kind": "small_hotel", "village": "v2"}
    added = [post(office, "places", key="p", **inn) for _ in range(2)]
    assert [(each.status_code, each.headers["location"]) for each in added] == [(201, "/api/v1/places/inn")] * 2
    assert problem(post(office, "places", key="p", **{**inn, "code": "inn-2"}), 422)["reason"] == "key_reused"
    assert problem(post(office, "places", **inn), 409)["reason"] == "exists"


def patch(client: httpx.Client, code: str, **body: Any) -> httpx.Response:
    return client.patch(f"/api/v1/places/{code}", json=body)


def test_the_office_changes_what_the_registry_says(site: Site) -> None:
    office = site.api("dispatcher")
    changed = patch(office, "shop", reason="换了经营者", responsible_post="owner-2", crowded=True, details={"staff": 12}).json()
    assert (changed["responsible_post"], changed["crowded"], changed["details"]) == ("owner-2", True, {"staff": 12})
    assert {line["what"] for line in changed["trail"]} == {"responsible_post", "crowded", "details.staff"}
    assert problem(patch(office, "shop", reason="空"), 409)["reason"] == "column"
    assert problem(patch(office, "shop", reason="错", responsible_post="nobody"), 409)["reason"] == "responsible_post"
    assert problem(patch(office, "shop", reason="错", kind="mine"), 422)["errors"][0]["where"] == "kind"
    assert problem(patch(office, "shop", reason="错", details={"staff": [1]}), 422)
    assert problem(patch(office, "shop", reason="错", details={"seal_type": "wall"}), 409)["reason"] == "details"
    assert problem(patch(site.api("inspector"), "shop", reason="错", crowded=False), 403)
    assert problem(patch(office, "nowhere", reason="错", crowded=False), 404)


def test_work_resumes_after_somebody_else_has_looked(site: Site) -> None:
    owner, head = site.api("owner-3"), site.api("office-head")
    asked = post(owner, "places/pit/gate/ask_resumption", key="k", note="节后复工").json()
    assert (asked["state"], asked["because"][0]["reason"]) == ("pending", "resumption_asked")
    assert post(owner, "places/pit/gate/ask_resumption", key="k", note="节后复工").json() == asked
    assert problem(post(owner, "places/pit/gate/allow", note="可以"), 403)["reason"] == "post"
    assert problem(post(head, "places/pit/gate/allow"), 409)["reason"] == "note"
    assert problem(post(head, "places/pit/gate/allow", note="可以", answers={"I1": "no"}), 409)["reason"] == "answers"
    assert problem(post(head, "places/pit/gate/allow", note="可以", answers={"I1": "perhaps"}), 422)
    done = post(head, "places/pit/gate/allow", note="现场查看", answers=dict.fromkeys(("I1", "I2", "I3"), "yes")).json()
    assert (done["state"], done["since"], done["history"][-1]["post"]) == ("allowed", "2023-02-20T10:00:00+08:00", "office-head")
    assert problem(post(head, "places/pit/gate/allow", note="再"), 409)["reason"] == "state"
    assert problem(post(head, "places/pit/gate/open", note="再"), 404)
    assert problem(post(head, "places/nowhere/gate/allow", note="再"), 404)


def test_the_registry_reports_on_itself(site: Site) -> None:
    told = get(site.api("mayor"), "places/report")
    assert (told["overlaps"]["total"], told["overlaps"]["nine_small"], told["overlaps"]["counted_twice"]) == (3, 2, 0)
    assert {count["kind"]: (count["expected"], count["found"]) for count in told["counts"]} == {"mine": (1, 1), "small_shop": (2, 2)}
    assert "police" in told["teams_without_inspectors"]
    assert told["vacant_posts"] == []
    assert problem(site.api("village-1").get("/api/v1/places/report"), 403)["reason"] == "reach"


# Posts


def test_posts_tell_who_holds_them_as_far_as_one_may_read(site: Site) -> None:
    found = {item["code"]: item for item in get(site.api("mayor"), "posts", limit=1000)["items"]}
    head = found["office-head"]
    assert (head["kind"], head["unit"], head["reports_to"]) == ("office_head", "office", "deputy")
    assert found["owner"]["holders"] == [
        {"person": "p-owner", "label": "owner的人", "from_day": "2022-01-01", "to_day": None, "standing_in_for": None}
    ]
    assert {item["code"] for item in get(site.api("owner"), "posts")["items"]} == {"owner"}
    assert {item["code"] for item in get(site.api("village-2"), "posts")["items"]} == {"village-2", "grid-2", "owner-3"}
    assert {item["code"] for item in get(site.api("mayor"), "posts", kind="inspector")["items"]} == {"inspector", "inspector-2"}
    page = get(site.api("mayor"), "posts", limit=20)
    rest = get(site.api("mayor"), "posts", limit=20, cursor=page["next"])
    assert len({item["code"] for item in page["items"] + rest["items"]}) == len(found)


def test_a_post_is_handed_over(site: Site) -> None:
    site.stage.to_assigned()
    head = site.api("office-head")
    body = {"to_person": "p-owner-2", "from_day": "2023-02-21", "reason": "换了经营者"}
    done = post(head, "posts/owner/hand_over", key="k", **body).json()
    assert (done["from_people"], done["to_person"], done["responsible"]) == (
        ["p-owner"], "p-owner-2", [{"kind": "hazard", "state": "assigned", "count": 1}],
    )  # fmt: skip
    assert post(head, "posts/owner/hand_over", key="k", **body).json() == done
    assert problem(post(head, "posts/owner/hand_over", **body), 409)["reason"] == "holding"
    assert problem(post(head, "posts/owner/hand_over", **{**body, "to_person": "nobody"}), 409)["reason"] == "person"
    assert problem(post(head, "posts/owner/hand_over", **{**body, "from_day": "2023-02-01"}), 409)["reason"] == "day"
    assert problem(post(head, "posts/owner/hand_over", **{**body, "from_day": "soon"}), 422)
    assert problem(post(head, "posts/nobody/hand_over", **body), 404)
    assert problem(post(head, "posts/mayor/hand_over", **body), 403)["reason"] == "post"
    assert problem(post(site.api("inspector"), "posts/owner/hand_over", **body), 403)


def test_somebody_stands_in_and_comes_to_an_end(site: Site) -> None:
    head = site.api("office-head")
    body = {"absent_person": "p-inspector", "person": "p-head-fire", "from_day": "2023-02-20", "to_day": "2023-02-24", "reason": "外出培训"}
    done = post(head, "posts/inspector/stand_in", **body)
    assert (done.status_code, done.json()["absent"], done.json()["to_day"]) == (200, "p-inspector", "2023-02-24")
    seats = {each["code"]: each["standing_in_for"] for each in get(site.api("head-fire"), "session")["posts"]}
    assert seats == {"head-fire": None, "inspector": "inspector的人"}
    assert problem(post(head, "posts/inspector/stand_in", **body), 409)["reason"] == "holding"
    assert problem(post(head, "posts/nobody/stand_in", **body), 404)
    assert problem(post(site.api("inspector"), "posts/inspector/stand_in", **body), 403)
    ended = post(head, "posts/inspector/end_stand_in", absent_person="p-inspector", reason="返岗", last_day="2023-02-21").json()
    assert (ended["person"], ended["to_day"]) == ("p-head-fire", "2023-02-21")
    assert problem(post(head, "posts/inspector/end_stand_in", absent_person="p-mayor", reason="返岗"), 409)["reason"] == "holding"
    assert problem(post(head, "posts/inspector/end_stand_in", absent_person="p-inspector"), 422)


# Numbers, and what is known of the same thing


def test_numbers_come_with_their_definitions(site: Site) -> None:
    site.stage.to_closed()
    site.stage.find(place="pit")
    mayor = site.api("mayor")
    told = get(mayor, "numbers")
    [whole] = told["items"]
    assert (whole["found"], whole["valid"], whole["closed"], whole["open"], whole["rate"]) == (2, 2, 1, 1, 0.5)
    assert (told["by"], told["at"], told["definitions"]["rate"]["formula"]) == (
        "township", "2023-02-20T10:00:00+08:00", "已销号 ÷ 有效隐患",
    )  # fmt: skip
    assert told["definitions"].keys() < whole.keys()
    assert {row["unit"]: row["rate"] for row in get(mayor, "numbers", by="village")["items"]} == {"v1": 1.0, "v2": 0.0}
    assert get(mayor, "numbers", since="2023-02-21")["items"][0]["rate"] is None
    scores = get(mayor, "numbers/score", by="village")["items"]
    assert {(row["unit"], row["n"], row["score"]["band"] is None) for row in scores} == {("v1", 1, False), ("v2", 1, False)}
    assert abs(sum(scores[0]["score"]["weights"].values()) - 100) < 1e-6
    for path in ("numbers?by=colour", "numbers?since=soon", "numbers/league?by=x", "numbers/score?since=0001-01-01"):
        assert problem(mayor.get(f"/api/v1/{path}"), 422)


def set_league(site: Site, said: str) -> None:
    site.stage.do("update township set rules = rules || cast(:said as jsonb), revision = revision + 1", said=said)


def test_the_league_ranks_only_where_enough_stands_behind_it_and_can_be_off(site: Site) -> None:
    site.stage.to_closed()
    mayor = site.api("mayor")
    told = get(mayor, "numbers/league")
    assert (told["on"], [(row["unit"], row["rank"]) for row in told["items"]]) == (True, [("v1", None), ("v2", None)])
    set_league(site, '{"league": {"least_places": 1}}')
    assert get(mayor, "numbers/league")["items"][0]["rank"] == 1
    assert [row["unit"] for row in get(site.api("village-2"), "numbers/league")["items"]] == ["v2"]
    set_league(site, '{"league": {"on": false}}')
    assert (get(mayor, "numbers/league")["on"], get(mayor, "numbers/league")["items"]) == (False, [])


def test_signals_and_the_forecast_are_for_the_whole_townships_posts(site: Site) -> None:
    code, mayor = site.stage.to_closed(), site.api("mayor")
    signals = get(mayor, "numbers/signals")["items"]
    assert [(signal["kind"], signal["case"], signal["facts"]["closed_at"]) for signal in signals] == [
        ("quick_closure", code, "2023-02-20T10:00:00+08:00")
    ]
    forecast = get(mayor, "numbers/forecast")["forecast"]
    assert (forecast["campaign"], forecast["whole"]["basis"], forecast["whole"]["chance"]) == ("YH-2023", "too_early", None)
    for who in ("village-1", "owner"):
        for path in ("numbers", "numbers/score", "numbers/signals", "numbers/forecast"):
            assert problem(site.api(who).get(f"/api/v1/{path}"), 403)["reason"] == "reach"
    assert [row["unit"] for row in get(site.api("village-1"), "numbers", by="village")["items"]] == ["v1"]


def test_before_a_hazard_is_registered_what_is_known_of_it_is_told(site: Site) -> None:
    closed = site.stage.to_closed()
    inspector = site.api("inspector")
    known = get(inspector, "hazards/similar", place="shop", description="灭火器压力不足（2具）")
    assert known["open_twins"] == []
    assert known["earlier"] == {"code": closed, "kind": "same_words", "closed_at": "2023-02-20T10:00:00+08:00", "count": 1}
    twin = site.stage.find()
    known = get(inspector, "hazards/similar", place="shop", description="灭火器压力不足")
    assert (known["open_twins"], known["earlier"]) == ([{"code": twin, "description": "灭火器压力不足"}], None)
    assert get(inspector, "hazards/similar", place="pit", description="边坡松动") == {"open_twins": [], "earlier": None}
    assert problem(site.api("village-2").get("/api/v1/hazards/similar?place=shop&description=x"), 404)
    assert problem(inspector.get("/api/v1/hazards/similar?place=shop"), 422)


def test_hazards_that_new_criteria_grade_otherwise_are_offered_within_reach(site: Site) -> None:
    mayor = site.api("mayor")
    assert get(mayor, "regrade_offers")["items"] == []
    code = site.stage.find(item="C1")
    site.stage.later(days=1)
    change_criteria(site, "C1", "2023-02-21")
    [offer] = get(mayor, "regrade_offers")["items"]
    assert (offer["code"], offer["item"], offer["clause"], offer["since"]) == (code, "C1", "新标准", "2023-02-21")
    assert (offer["grade"], offer["grade_now"], offer["sla_class"]) == ("general", "major", "major")
    assert get(site.api("owner"), "regrade_offers")["items"] == [offer]
    assert get(site.api("village-2"), "regrade_offers")["items"] == []


def test_who_holds_several_posts_acts_in_the_one_that_may(site: Site) -> None:
    site.stage.do(
        "insert into holding (person_id, post_id, from_day) select (select id from person where key = 'p-dispatcher'), id, '2022-01-01'"
        " from post where code = 'department'"
    )
    both = site.api("dispatcher")
    assert [each["code"] for each in get(both, "session")["posts"]] == ["department", "dispatcher"]
    changed = post(both, "places/shop/status", to="shut", reason="已注销").json()
    assert changed["trail"][-1]["post"] == "dispatcher"
    assert problem(post(both, "places/shop-2/status", to="shut", reason="已注销", as_post="department"), 403)["post"] == "department"
    assert problem(post(both, "places/shop/status", to="shut", reason="又"), 409)["reason"] == "state"
