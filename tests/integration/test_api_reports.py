"""Public reports over the API: strangers send and follow them, the office handles them, the office head alone reads who it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.test_api import problem
from tests.integration.test_api_cases import get, post
from tests.site import Site, serve
from tests.stage import Stage


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def report(site: Site, **said: Any) -> dict[str, str]:
    answer = site.client().post("/api/v1/reports", json={"description": "安全出口上锁", "place": "shop", **said})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def mine(client: httpx.Client, token: str) -> dict[str, Any]:
    answer = client.get("/api/v1/reports/mine", headers={"Report-Token": token})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_stranger_reports_and_follows_until_satisfied(site: Site) -> None:
    sent, stranger, office = report(site, name="王某", contact="13800000000"), site.client(), site.api("dispatcher")
    assert sent.keys() == {"code", "token"}
    assert (sent["code"], mine(stranger, sent["token"])["state"]) == ("JB-2023-0001", "received")
    hazard = site.stage.find()
    found = post(office, f"reports/{sent['code']}/substantiate", 1, hazard=hazard).json()
    assert (found["state"], found["hazard"], found["verified_by"], found["channel"]) == ("substantiated", hazard, "dispatcher", "form")
    answered = post(office, f"reports/{sent['code']}/answer_report", 2, answer="已责令整改").json()
    assert (answered["state"], answered["answer"], answered["answered_by"]) == ("answered", "已责令整改", "dispatcher")
    seen = mine(stranger, sent["token"])
    assert (seen["state"], seen["answer"], seen["answered_at"]) == ("answered", "已责令整改", "2023-02-20T10:00:00+08:00")
    done = stranger.post("/api/v1/reports/mine/accept_answer", headers={"Report-Token": sent["token"]})
    assert (done.status_code, done.json()["state"], done.json()["verdict"]) == (200, "settled", "satisfied")


def test_a_stranger_disputes_an_answer(site: Site) -> None:
    sent, stranger = report(site), site.client()
    post(site.api("office-head"), f"reports/{sent['code']}/dismiss_report", 1, reason="现场已开")
    post(site.api("office-head"), f"reports/{sent['code']}/answer_report", 2, answer="出口是开的")
    path, token = "/api/v1/reports/mine/dispute_answer", {"token": sent["token"]}
    assert problem(stranger.post(path, params=token), 409)["reason"] == "reason_given"
    assert stranger.post(path, params=token, json={"reason": "又锁上了"}).json()["state"] == "disputed"
    assert problem(stranger.post("/api/v1/reports/mine/accept_answer", params=token), 409)["reason"] == "state"
    for other in ("substantiate", "read_identity", "vanish"):
        assert problem(stranger.post(f"/api/v1/reports/mine/{other}", params=token), 404)


def test_a_token_that_is_not_good_opens_nothing(site: Site) -> None:
    report(site)
    stranger = site.client()
    for asked in ({}, {"token": "guess"}, {"token": ""}, {"token": "JB-2023-0001"}):
        assert problem(stranger.get("/api/v1/reports/mine", params=asked), 404)
        assert problem(stranger.post("/api/v1/reports/mine/accept_answer", params=asked), 404)
    assert problem(stranger.get("/api/v1/reports/mine", params={"token": "x" * 500}), 422)
    for path in ("reports", "reports/JB-2023-0001", "reports/JB-2023-0001/events"):
        assert problem(stranger.get(f"/api/v1/{path}"), 401)


def test_a_places_qr_code_says_where_and_one_that_is_not_good_is_not_found(site: Site) -> None:
    made = post(site.api("dispatcher"), "places/shop/qr_token").json()
    assert made == post(site.api("office-head"), "places/shop/qr_token").json()
    sent = report(site, place=None, place_token=made["qr_token"])
    told = get(site.api("mayor"), f"reports/{sent['code']}")
    assert (told["channel"], told["place"], told["place_name"], told["village"]) == ("qr", "shop", "小商店一", "v1")
    stranger = site.client()
    for token in ("guess", "shop", made["qr_token"] + "x"):
        assert problem(stranger.post("/api/v1/reports", json={"description": "堆物", "place_token": token}), 404)
    assert problem(post(site.api("inspector"), "places/shop/qr_token"), 403)
    assert problem(post(site.api("dispatcher"), "places/nowhere/qr_token"), 404)


def test_a_place_in_words_is_kept_as_it_was_said(site: Site) -> None:
    told = get(site.api("mayor"), f"reports/{report(site, place='东村小卖部旁', people_in_danger=True)['code']}")
    assert (told["place"], told["said_place"], told["people_in_danger"], told["grade"]) == (None, "东村小卖部旁", True, "major")


@pytest.mark.parametrize(
    "said",
    [
        {"description": ""}, {"description": "  "}, {"description": 7}, {"description": ["x"]}, {"description": "字" * 2001},
        {"description": "<script>alert(1)</script>"}, {"description": "看<img src=x onerror=alert(1)>"}, {"description": "a\x00b"},
        {"description": "\u202egnp.exe"}, {"description": "<!-- -->"}, {"place": "字" * 201}, {"name": "字" * 101}, {"contact": {"a": 1}},
        {"people_in_danger": "perhaps"}, {"channel": "telepathy"}, {"channel": "phone"}, {"hazard": "YH-2023-0001"},
        {"township": "elsewhere"}, {"place_token": ["a"]}, {"description": "\ud800"},
    ],
)  # fmt: skip
def test_what_a_stranger_sends_is_plain_text_of_a_bounded_length(site: Site, said: dict[str, Any]) -> None:
    body = json.dumps({"description": "安全出口上锁", **said})
    answer = site.client().post("/api/v1/reports", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer, 422)["errors"][0]["where"].split(".")[0] == next(iter(said))
    assert site.stage.all("select from cases") == []


def test_signs_that_are_no_markup_are_taken_as_they_are(site: Site) -> None:
    words = "出口宽 < 0.9 米，门上写着“a & b > c”\n第二行"
    sent = report(site, description=words)
    assert get(site.api("mayor"), f"reports/{sent['code']}")["description"] == words


def test_one_machine_sends_ten_reports_in_ten_minutes(site: Site) -> None:
    for _ in range(10):
        report(site)
    refused = site.client().post("/api/v1/reports", json={"description": "安全出口上锁"})
    assert problem(refused, 429)
    assert 0 < int(refused.headers["retry-after"]) <= 600
    assert post(site.api("dispatcher"), "reports", description="电话举报", place="shop").status_code == 201
    site.stage.clock.advance(timedelta(minutes=11))
    report(site)


def test_the_office_takes_down_what_is_told_by_phone(site: Site) -> None:
    office = site.api("dispatcher")
    sent = post(office, "reports", description="电话举报", place="shop", name="李某", contact="13900000000")
    assert (sent.status_code, get(office, f"reports/{sent.json()['code']}")["channel"]) == (201, "phone")
    visit = post(office, "reports", description="来访举报", channel="visit").json()
    assert get(office, f"reports/{visit['code']}/events")["items"][0]["post"] == "dispatcher"
    assert problem(post(site.api("owner"), "reports", description="电话举报"), 403)["post"] == "owner"
    assert problem(post(site.client(headers={"Authorization": "Bearer x"}), "reports", description="电话举报"), 401)
    assert problem(post(office, "reports", description="x", place_token="guess"), 404)


def test_who_is_reported_and_their_village_do_not_learn_of_it(site: Site) -> None:
    sent = report(site)
    for who in ("owner", "safety", "grid-1", "village-1"):
        client = site.api(who)
        assert get(client, "reports")["items"] == []
        assert problem(client.get(f"/api/v1/reports/{sent['code']}"), 403)["reason"] == "reach"
        assert problem(client.get(f"/api/v1/reports/{sent['code']}/events"), 403)
        assert sent["code"] not in client.get("/api/v1/notices").text
        assert sent["code"] not in client.get("/api/v1/inbox?kinds=all").text


def test_the_office_head_alone_reads_who_reported_and_every_reading_stands_in_the_history(site: Site) -> None:
    sent = report(site, name="王某", contact="13800000000")
    path = f"reports/{sent['code']}"
    assert get(site.api("mayor"), path)["identity_given"]
    for who in ("mayor", "dispatcher", "inspector", "discipline"):
        client = site.api(who)
        told = client.get(f"/api/v1/{path}").text + client.get(f"/api/v1/{path}/events").text + client.get("/api/v1/reports").text
        assert "王某" not in told and "13800000000" not in told
        assert problem(post(client, f"{path}/read_identity", 1, reason="核实"), 403)["reason"] == "post"
    head = site.api("office-head")
    assert problem(post(head, f"{path}/read_identity", reason="核实"), 428)
    assert problem(post(head, f"{path}/read_identity", 1), 409)["reason"] == "reason_given"
    assert problem(post(head, f"{path}/read_identity", 9, reason="核实"), 409)["current_version"] == 1
    read = post(head, f"{path}/read_identity", 1, reason="核实需要联系")
    assert (read.status_code, read.json()) == (200, {"code": sent["code"], "name": "王某", "contact": "13800000000"})
    assert read.headers["etag"] == '"2"'
    events = get(head, f"{path}/events")["items"]
    assert [(event["trigger"], event["post"]) for event in events] == [("receive", "reporter"), ("read_identity", "office-head")]
    assert "王某" not in json.dumps(events, ensure_ascii=False)
    assert problem(post(head, "reports/JB-2023-9999/read_identity", 1, reason="核实"), 404)


def test_neither_token_nor_identity_is_kept_with_a_request_key(site: Site) -> None:
    sent = report(site, name="王某")
    post(site.api("office-head"), f"reports/{sent['code']}/read_identity", 1, key="k", reason="核实")
    taken = post(site.api("dispatcher"), "reports", key="k", description="电话举报").json()
    kept = str(site.stage.all("select * from request_key"))
    assert "王某" not in kept
    assert taken["token"] not in kept


def test_reports_are_filtered_by_state_and_place(site: Site) -> None:
    first, second = report(site)["code"], report(site, place="pit")["code"]
    post(site.api("office-head"), f"reports/{first}/dismiss_report", 1, reason="不属实")
    client = site.api("mayor")

    def codes(**asked: Any) -> list[str]:
        return [item["code"] for item in get(client, "reports", **asked)["items"]]

    assert codes() == [second, first]
    assert codes(state="unfounded") == codes(place="shop") == codes(village="v1") == [first]
    assert codes(pending=True) == [second, first]
    assert problem(client.get("/api/v1/reports?state=x"), 422)
    assert problem(client.get("/api/v1/reports/JB-2023-9999"), 404)
    assert problem(post(client, f"reports/{second}/vanish", 1), 404)
    assert problem(post(client, f"reports/{second}/substantiate", 1), 403)


def test_a_ranger_reads_no_reports_though_the_post_is_the_townships(site: Site) -> None:
    site.stage.report()
    assert site.api("ranger").get("/api/v1/reports").json()["items"] == []
    assert len(site.api("dispatcher").get("/api/v1/reports").json()["items"]) == 1
