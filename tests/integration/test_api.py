"""The REST contract of hazards: what outside programs rely on, on a real socket and a real database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import httpx
import pytest

from tests.site import Site, photo, serve
from tests.stage import Stage


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def fire(client: httpx.Client, code: str, trigger: str, version: int | str | None, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {} if version is None else {"If-Match": f'"{version}"' if isinstance(version, int) else version}
    return client.post(f"/api/v1/hazards/{code}/{trigger}", json=body, headers=headers | ({"Idempotency-Key": key} if key else {}))


def register(client: httpx.Client, **body: Any) -> dict[str, Any]:
    said = {"place": "shop", "description": "灭火器压力不足", "exact_location": "门口", "sla_class": "g3", **body}
    answer = client.post("/api/v1/hazards", json=said)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details of a refusal: always a sentence in both languages."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = dict(answer.json())
    assert body["status"] == status
    assert body["type"]
    assert body["detail"].endswith("。")
    assert body["detail_en"].endswith(".")
    return body


def test_a_hazard_goes_all_the_way_through_the_api(site: Site) -> None:
    inspector, dispatcher, owner, head = (site.api(post) for post in ("inspector", "dispatcher", "owner", "office-head"))
    code = register(inspector)["code"]
    assert fire(dispatcher, code, "assign", 1).json()["state"] == "assigned"
    assert fire(owner, code, "acknowledge", 2).json()["state"] == "rectifying"
    sent = owner.post(f"/api/v1/hazards/{code}/evidence", files={"file": ("a.jpg", photo())}, data={"kind": "after"})
    assert sent.status_code == 201
    assert fire(owner, code, "submit", 3, text="已更换").json()["state"] == "submitted"
    assert fire(inspector, code, "reinspect_pass", 4).json()["state"] == "verified"
    closed = fire(head, code, "approve_close", 5)
    assert closed.json()["state"] == "closed"
    assert closed.headers["etag"] == '"6"'
    assert fire(head, code, "withdraw_approval", 6).json()["state"] == "verified"


def test_a_registered_hazard_says_what_the_contract_promises(site: Site) -> None:
    answer = site.api("inspector").post(
        "/api/v1/hazards",
        json={"place": "shop", "description": "堆物", "location": "后门", "sla_class": "g7", "found_at": "2023-02-20T09:00:00+08:00"},
    )
    hazard = answer.json()
    assert (answer.status_code, answer.headers["etag"], answer.headers["location"]) == (201, '"1"', f"/api/v1/hazards/{hazard['code']}")
    assert hazard["place"] | {"address": None} == {
        "code": "shop", "name": "小商店一", "kind": "small_shop", "village": "v1", "village_name": "东村", "address": None,
    }  # fmt: skip
    assert hazard["found_at"] == "2023-02-20T09:00:00+08:00"
    assert (hazard["state"], hazard["version"], hazard["round"], hazard["grade"], hazard["sla_class"]) == ("found", 1, 1, "general", "g7")
    assert (hazard["exact_location"], hazard["found_by"], hazard["responsible_post"], hazard["supervising_team"]) == (
        "后门", "inspector", "owner", "fire",
    )  # fmt: skip
    assert (hazard["overdue"], hazard["escalation_level"], hazard["interim_control"]) == (False, 0, "none")
    assert {"assigned_at", "due_at", "original_due_at", "campaign_capped", "beyond_campaign", "verified_at", "closed_at"} <= hazard.keys()


def test_without_a_token_or_with_a_wrong_one_nothing_is_answered(site: Site) -> None:
    stranger = site.client()
    for path in ("hazards", "places", "inbox", "notices", "stats", "hazards/YH-2023-0001", "hazards/YH-2023-0001/events"):
        assert problem(stranger.get(f"/api/v1/{path}"), 401)
    assert problem(stranger.post("/api/v1/hazards", json={"grade": "nonsense"}), 401)
    assert problem(site.client(headers={"Authorization": "Bearer nonsense"}).get("/api/v1/stats"), 401)


def test_a_cookie_is_no_token_for_programs(site: Site) -> None:
    assert problem(site.client(cookies={"bihuan": site.token("office-head")}).get("/api/v1/stats"), 401)


def test_a_step_without_the_version_that_was_read_is_refused(site: Site) -> None:
    code = site.stage.find()
    assert problem(fire(site.api("dispatcher"), code, "assign", None), 428)
    assert problem(fire(site.api("dispatcher"), code, "assign", "yesterday"), 422)
    assert site.stage.case(code).state == "found"


@pytest.mark.parametrize("tag", ['"1"', "1", 'W/"1"', "*"])
def test_a_version_may_be_written_in_every_usual_way(site: Site, tag: str) -> None:
    assert fire(site.api("dispatcher"), site.stage.find(), "assign", tag).status_code == 200


def test_a_stale_step_names_the_current_version(site: Site) -> None:
    code = site.stage.to_assigned()
    body = problem(fire(site.api("dispatcher"), code, "mark_duplicate", 1), 409)
    assert (body["reason"], body["current_version"]) == ("stale", 2)


def test_a_guards_refusal_names_the_guard(site: Site) -> None:
    code = site.stage.to_rectifying()
    body = problem(fire(site.api("owner"), code, "submit", 3), 409)
    assert body["reason"] == "G3"
    assert "照片" in body["detail"]


def test_the_wrong_state_is_refused_with_its_reason(site: Site) -> None:
    assert problem(fire(site.api("office-head"), site.stage.to_assigned(), "assign", 2), 409)["reason"] == "state"


def test_who_reinspected_does_not_approve_whatever_post_they_name(site: Site) -> None:
    site.stage.do(
        "insert into holding (person_id, post_id, from_day) select (select id from person where key = 'p-inspector'), id, '2022-01-01'"
        " from post where code = 'head-police'"
    )
    code = site.stage.to_verified()
    assert problem(fire(site.api("inspector"), code, "approve_close", 5, as_post="head-police"), 409)["reason"] == "G11"


def test_unknown_hazards_and_triggers_are_not_found(site: Site) -> None:
    dispatcher, code = site.api("dispatcher"), site.stage.find()
    assert problem(dispatcher.get("/api/v1/hazards/YH-2023-9999"), 404)
    assert problem(fire(dispatcher, "YH-2023-9999", "assign", 1), 404)
    assert problem(fire(dispatcher, code, "vanish", 1), 404)
    assert problem(fire(dispatcher, code, "vanish", None), 404)
    assert problem(dispatcher.get("/api/v1/nothing"), 404)
    assert problem(dispatcher.get(f"/api/v1/hazards/{code}/assign"), 405)


def test_a_post_that_may_not_or_is_not_held_is_forbidden(site: Site) -> None:
    code = site.stage.find()
    assert problem(fire(site.api("inspector"), code, "assign", 1), 403)["post"] == "inspector"
    assert problem(fire(site.api("inspector"), code, "assign", 1, as_post="dispatcher"), 403)
    assert problem(fire(site.api("discipline"), code, "assign", 1), 403)


def test_a_village_reads_its_own_and_an_enterprise_its_own_place(site: Site) -> None:
    here, beside, far = site.stage.find(place="shop"), site.stage.find(place="shop-2"), site.stage.find(place="pit")
    for post, seen in (("village-1", {here, beside}), ("owner", {here}), ("village-2", {far}), ("mayor", {here, beside, far})):
        client = site.api(post)
        assert {item["code"] for item in client.get("/api/v1/hazards").json()["items"]} == seen
        for code in {here, beside, far} - seen:
            assert problem(client.get(f"/api/v1/hazards/{code}"), 403)
            assert problem(client.get(f"/api/v1/hazards/{code}/events"), 403)
            assert problem(client.get(f"/api/v1/hazards/{code}/evidence"), 403)
    assert problem(site.api("village-2").post("/api/v1/hazards", json={"place": "shop", "description": "堆物", "location": "门口"}), 403)


def test_the_same_key_and_body_gives_the_first_answer_again(site: Site) -> None:
    dispatcher, code = site.api("dispatcher"), site.stage.find()
    first = fire(dispatcher, code, "assign", 1, key="k-1")
    again = fire(dispatcher, code, "assign", 1, key="k-1")
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), first.headers["etag"])
    assert [event.trigger for event in site.stage.history(code)] == ["register", "assign"]


def test_the_same_key_with_another_body_is_not_understood(site: Site) -> None:
    dispatcher, code = site.api("dispatcher"), site.stage.find()
    fire(dispatcher, code, "assign", 1, key="k-2")
    assert problem(fire(dispatcher, code, "assign", 2, key="k-2", measure="换"), 422)["reason"] == "key_reused"
    assert problem(fire(dispatcher, site.stage.find(), "assign", 1, key="k-2"), 422)


def test_a_key_belongs_to_a_person(site: Site) -> None:
    first, second = site.stage.find(), site.stage.find(grade="major")
    assert fire(site.api("dispatcher"), first, "assign", 1, key="k").status_code == 200
    assert fire(site.api("office-head"), second, "assign", 1, key="k").json()["code"] == second


def test_a_refused_key_is_free_for_the_next_try(site: Site) -> None:
    owner, code = site.api("owner"), site.stage.to_rectifying()
    assert problem(fire(owner, code, "submit", 3, key="k", text="已换"), 409)
    site.stage.picture("owner", code)
    assert fire(owner, code, "submit", 3, key="k", text="已换").status_code == 200


def test_a_registration_with_a_key_happens_once(site: Site) -> None:
    inspector = site.api("inspector")
    body = {"place": "shop", "description": "堆物", "location": "门口"}
    codes = {inspector.post("/api/v1/hazards", json=body, headers={"Idempotency-Key": "once"}).json()["code"] for _ in range(3)}
    assert len(codes) == 1
    assert len(site.stage.all("select from cases")) == 1


def test_the_same_step_at_the_same_moment_happens_once(site: Site) -> None:
    code, answers, together = site.stage.find(), [], Barrier(6)
    clients = [site.api("dispatcher") for _ in range(6)]

    def go(client: httpx.Client) -> None:
        together.wait()
        answers.append(fire(client, code, "assign", 1, key="storm").status_code)

    threads = [Thread(target=go, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 6
    assert len(site.stage.history(code)) == 2


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told(site: Site) -> None:
    code, answers, together = site.stage.find(), [], Barrier(2)
    clients = [(site.api("dispatcher"), "assign"), (site.api("office-head"), "reject")]

    def go(client: httpx.Client, trigger: str) -> None:
        together.wait()
        answers.append(fire(client, code, trigger, 1, reason="not_a_hazard").status_code)

    threads = [Thread(target=go, args=each) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409]
    assert len(site.stage.history(code)) == 2


def test_history_is_told_in_order_and_can_be_checked_by_anybody(site: Site) -> None:
    code = site.stage.to_closed()
    events = site.api("discipline").get(f"/api/v1/hazards/{code}/events").json()
    assert events["next"] is None
    previous = ""
    for number, event in enumerate(events["items"], 1):
        assert {"seq", "trigger", "from", "to", "post", "at", "facts", "prev_hash", "hash"} <= event.keys()
        assert event["seq"] == number
        assert event["prev_hash"] == previous
        assert event["hash"] == hashlib.sha256((previous + event["body"]).encode()).hexdigest()
        assert json.loads(event["body"])["trigger"] == event["trigger"]
        previous = event["hash"]
    assert [(e["from"], e["to"]) for e in events["items"]][:2] == [(None, "found"), ("found", "assigned")]
    assert events["items"][0]["at"] == "2023-02-20T10:00:00+08:00"
    assert events["items"][0]["texts"]["description"] == "灭火器压力不足"


def test_history_comes_in_pages(site: Site) -> None:
    code, client = site.stage.to_closed(), site.api("mayor")
    first = client.get(f"/api/v1/hazards/{code}/events", params={"limit": 4}).json()
    rest = client.get(f"/api/v1/hazards/{code}/events", params={"limit": 4, "cursor": first["next"]}).json()
    assert [e["seq"] for e in first["items"] + rest["items"]] == [1, 2, 3, 4, 5, 6]
    assert rest["next"] is None


def test_what_may_be_done_is_said_with_the_reason_against_the_rest(site: Site) -> None:
    code = site.stage.to_verified()
    offers = {each["trigger"]: each for each in site.api("office-head").get(f"/api/v1/hazards/{code}/triggers").json()["items"]}
    assert offers["approve_close"]["allowed"]
    assert offers["approve_close"]["reason"] is None
    assert not offers["submit"]["allowed"]
    assert offers["submit"]["detail"]
    assert offers["submit"]["detail_en"]


def test_lists_come_in_pages_that_neither_repeat_nor_skip(site: Site) -> None:
    codes = [site.stage.find() for _ in range(5)]
    client, seen, cursor = site.api("mayor"), [], None
    while True:
        page = client.get("/api/v1/hazards", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["code"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        site.stage.find()
    assert seen == list(reversed(codes))


def test_filters_hold_together(site: Site) -> None:
    major, found, assigned = site.stage.find(grade="major", place="pit"), site.stage.find(), site.stage.to_assigned()
    client = site.api("mayor")

    def codes(**asked: Any) -> set[str]:
        return {item["code"] for item in client.get("/api/v1/hazards", params=asked).json()["items"]}

    assert codes(state="found") == {major, found}
    assert codes(state=["found", "assigned"], grade="general") == codes(state="found,assigned", grade="general") == {found, assigned}
    assert codes(village="v2") == codes(place="pit") == codes(kind="mine") == {major}
    assert codes(village="nowhere") == set()
    assert codes(q="小商店") == {found, assigned}
    assert codes(q="100%") == set()


def test_overdue_follows_the_clock(site: Site) -> None:
    code, client = site.stage.to_assigned(), site.api("mayor")
    assert client.get("/api/v1/hazards", params={"overdue": True}).json()["items"] == []
    site.stage.later(days=4)
    late = client.get("/api/v1/hazards", params={"overdue": True}).json()["items"]
    assert [(item["code"], item["overdue"]) for item in late] == [(code, True)]
    assert client.get("/api/v1/hazards", params={"overdue": False}).json()["items"] == []


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=many", "limit=100000", "state=gone", "grade=huge", "overdue=perhaps", "cursor=nonsense", "cursor=WzFd", "kind=x"],
)
def test_a_query_that_makes_no_sense_is_not_understood(site: Site, query: str) -> None:
    assert problem(site.api("mayor").get(f"/api/v1/hazards?{query}"), 422)


@pytest.mark.parametrize(
    "body",
    [
        {"grade": "huge"}, {"found_at": "2023-02-20T09:00:00"}, {"found_at": "yesterday"}, {"description": 7}, {"description": "a\x00b"},
        {"description": "字" * 5000}, {"legal_basis": "第一条"},
    ],
)  # fmt: skip
def test_a_registration_that_makes_no_sense_is_not_understood(site: Site, body: dict[str, Any]) -> None:
    said = {"place": "shop", "description": "堆物", "location": "门口", **body}
    answer = problem(site.api("inspector").post("/api/v1/hazards", json=said), 422)
    assert answer["errors"][0]["where"].split(".")[0] == next(iter(body))
    assert site.stage.all("select from cases") == []


def test_a_registration_that_lacks_something_is_refused_by_the_law(site: Site) -> None:
    inspector = site.api("inspector")
    for body in ({"place": "shop", "location": "门口"}, {"place": "nowhere", "description": "堆物", "location": "门口"}, {}):
        assert problem(inspector.post("/api/v1/hazards", json=body), 409)["reason"] == "G1"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        '"text"',
        "7",
        '{"plan": 7}',
        '{"fund_actual": "lots"}',
        '{"due_at": "soon"}',
        '{"note": "\\u0000"}',
        '{"note": "\\ud800"}',
    ],
)
def test_a_body_that_makes_no_sense_is_not_understood(site: Site, body: str) -> None:
    headers = {"If-Match": '"3"', "Content-Type": "application/json"}
    answer = site.api("owner").post(f"/api/v1/hazards/{site.stage.to_rectifying()}/submit", content=body, headers=headers)
    assert problem(answer, 422)


def test_odd_addresses_break_nothing(site: Site) -> None:
    client = site.api("mayor")
    for path in ("hazards/%00", "hazards/%F0%9F%94%A5", "hazards/..%2f..%2fetc", "hazards/" + "A" * 300, "places?q=%00", "hazards?q=%00"):
        assert client.get(f"/api/v1/{path}").status_code in (404, 422)


def test_the_description_of_the_api_tells_only_of_what_is_there(site: Site) -> None:
    told = site.client().get("/api/openapi.json").json()
    kinds = ("hazards", "extensions", "appeals", "transfers", "listings", "duties", "reports")
    assert {f"/api/v1/{kind}" for kind in (*kinds, "session", "inspections", "places", "posts", "numbers", "stats")} <= set(told["paths"])
    assert all(path.startswith("/api/v1/") for path in told["paths"])
    for kind in kinds:
        assert {f"/api/v1/{kind}/{{code}}{what}" for what in ("", "/events", "/triggers", "/evidence", "/{trigger}")} <= set(told["paths"])
        step = told["paths"][f"/api/v1/{kind}/{{code}}/{{trigger}}"]["post"]
        assert {"401", "403", "404", "409", "422", "428"} <= set(step["responses"])
        assert {each["name"] for each in step["parameters"]} >= {"If-Match", "Idempotency-Key"}


def test_every_body_is_described_with_an_example(site: Site) -> None:
    told = site.client().get("/api/openapi.json").json()
    for path, ways in told["paths"].items():
        for way in ways.values():
            sent = way.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            if sent:
                name = str(sent.get("$ref") or sent["allOf"][0]["$ref"]).rsplit("/", 1)[-1]
                assert told["components"]["schemas"][name]["examples"], path


PUBLIC = ("/api/v1/reports/mine",)


def test_nothing_is_read_without_a_token_and_nothing_breaks_on_an_odd_code(site: Site) -> None:
    stranger, mayor = site.client(), site.api("mayor")
    told = site.client().get("/api/openapi.json").json()
    for path in (path for path, ways in told["paths"].items() if "get" in ways and path not in PUBLIC):
        assert problem(stranger.get(path.replace("{code}", "x")), 401), path
        for code in ("%00", "%F0%9F%94%A5", "..%2f..%2fetc", "A" * 300, "x'--"):
            if "{code}" in path:
                assert mayor.get(path.replace("{code}", code)).status_code in (404, 422), path
        assert mayor.get(path.replace("{code}", "x")).status_code < 500, path


def test_the_same_key_with_a_body_that_differs_only_in_a_word_nobody_knows_is_another_body(site: Site) -> None:
    dispatcher, code = site.api("dispatcher"), site.stage.find()
    assert fire(dispatcher, code, "assign", 1, key="k", remark="a").status_code == 200
    assert problem(fire(dispatcher, code, "assign", 1, key="k", remark="b"), 422)
