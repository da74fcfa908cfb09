"""Duties over the API: definitions, runs, tasks that the office sets, and what is done with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from models.clock import parse_time
from models.database import transaction
from models.enumerations import DutyTask
from statemachines.duty import open_duties
from statemachines.step import NewRun
from tests.integration.test_api import problem
from tests.integration.test_api_cases import get, more_time, post
from tests.site import Site, photo, serve
from tests.stage import Stage


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


TASK = {"owner_post": "village-1", "title": "清理消防通道", "due_at": "2023-02-22T18:00:00+08:00"}


def define(stage: Stage, code: str = "patrol", version: int = 1, pack: str | None = "four-once", active: bool = True) -> int:
    """A duty of the township's."""
    body = json.dumps({"every": "day", "owner": {"kind": "ranger"}})
    stage.do(
        "insert into duty (township_id, code, version, active, title, pack, leader, body)"
        " values (:id, :code, :version, :active, '巡护', :pack, false, cast(:body as jsonb))",
        id=stage.township_id, code=code, version=version, active=active, pack=pack, body=body,
    )  # fmt: skip
    return int(stage.one("select max(id) as id from duty").id)


def run(stage: Stage, owner: str, due: str = "2023-02-21T18:00:00+08:00", duty: int | None = None, **more: Any) -> str:
    """A run of a duty."""
    at, owner_id = parse_time(due), stage.one("select id from post where code = :code", code=owner).id
    times = {"opens_at": stage.clock.now(), "due_at": at, "closes_at": at + timedelta(hours=72)}
    said = NewRun(owner_id, "巡护", DutyTask.duty, at.date(), **times, duty_id=duty, **more)
    with transaction(stage.engine) as session:
        return open_duties(session, stage.township_id, stage.clock.now(), stage.clock.wall(), [said])[0]


def test_the_office_sets_a_task_and_its_owner_does_it_with_the_evidence_wanted(site: Site) -> None:
    answer = post(site.api("dispatcher"), "duties", **TASK, place="shop", wanted=["photo"])
    task = answer.json()
    assert (answer.status_code, answer.headers["location"], answer.headers["etag"]) == (201, f"/api/v1/duties/{task['code']}", '"1"')
    assert (task["task"], task["duty"], task["state"], task["place"]) == ("duty", None, "open", "shop")
    assert task["responsible_post"] == "village-1"
    assert (task["due_at"], task["wanted"], task["period_start"]) == ("2023-02-22T18:00:00+08:00", ["photo"], "2023-02-20")
    assert [(row.purpose, row.meant) for row in site.stage.notices(task["code"])] == [("task", "village-1")]
    village = site.api("village-1")
    assert problem(post(village, f"duties/{task['code']}/do_duty", 1), 409)["reason"] == "evidence_wanted"
    sent = village.post(f"/api/v1/duties/{task['code']}/evidence", files={"file": ("a.jpg", photo())}, data={"kind": "photo"})
    assert sent.status_code == 201, sent.text
    done = post(village, f"duties/{task['code']}/do_duty", 1, note="已清理").json()
    assert (done["state"], done["done_by"], done["note"], done["late"]) == ("done", "village-1", "已清理", False)
    assert [event["trigger"] for event in get(village, f"duties/{task['code']}/events")["items"]] == ["open_duty", "do_duty"]


def test_a_task_done_after_its_time_is_late_and_one_can_be_excused_or_taken_back(site: Site) -> None:
    first, second, third = (post(site.api("office-head"), "duties", **{**TASK, "title": title}).json()["code"] for title in "一二三")
    site.stage.later(days=3)
    assert post(site.api("village-1"), f"duties/{first}/do_duty", 1, note="补做").json()["late"]
    excused = post(site.api("office-head"), f"duties/{second}/excuse", 1, reason="weather").json()
    assert (excused["state"], excused["ended_by"]) == ("excused", "office-head")
    assert problem(post(site.api("village-1"), f"duties/{third}/cancel_duty", 1, reason="不做"), 403)
    assert post(site.api("office-head"), f"duties/{third}/cancel_duty", 1, reason="重复").json()["state"] == "cancelled"


def test_a_task_that_cannot_be_is_refused(site: Site) -> None:
    office = site.api("dispatcher")
    assert problem(post(office, "duties", **{**TASK, "owner_post": "nobody"}), 422)["errors"][0]["where"] == "owner_post"
    assert problem(post(office, "duties", **{**TASK, "owner_post": "discipline"}), 422)["errors"][0]["where"] == "owner_post"
    assert problem(post(office, "duties", **TASK, place="nowhere"), 422)["errors"][0]["where"] == "place"
    assert problem(post(office, "duties", **TASK, wanted=["selfie"]), 422)
    assert problem(post(office, "duties", **{**TASK, "title": " "}), 422)
    assert problem(post(office, "duties", **TASK, remark="x"), 422)["errors"][0]["where"] == "remark"
    assert problem(post(office, "duties", **{**TASK, "due_at": "2023-02-20T09:00:00+08:00"}), 409)["reason"] == "due_at"
    assert problem(post(site.api("inspector"), "duties", **TASK), 403)["post"] == "inspector"
    assert problem(post(site.client(), "duties", **TASK), 401)
    assert post(office, "duties", **TASK).status_code == 201
    assert problem(post(office, "duties", **TASK), 409)["reason"] == "exists"


def test_a_task_with_a_key_is_set_once(site: Site) -> None:
    office = site.api("dispatcher")
    assert len({post(office, "duties", key="k", **TASK).json()["code"] for _ in range(2)}) == 1
    assert problem(post(office, "duties", key="k", **{**TASK, "title": "另一件"}), 422)["reason"] == "key_reused"


def test_runs_are_read_by_who_owes_them_and_who_is_above(site: Site) -> None:
    duty = define(site.stage)
    ranger = run(site.stage, "ranger", duty=duty)
    owner = run(site.stage, "owner", place_id=site.stage.one("select id from place where code = 'shop'").id)
    seen = {
        "ranger": {ranger, owner}, "owner": {owner}, "village-1": {owner}, "owner-2": set(), "village-2": set(), "mayor": {ranger, owner},
    }  # fmt: skip
    for who, codes in seen.items():
        assert {item["code"] for item in get(site.api(who), "duties")["items"]} == codes, who
        for code in {ranger, owner} - codes:
            assert problem(site.api(who).get(f"/api/v1/duties/{code}"), 403)["reason"] == "reach"


def test_runs_are_filtered(site: Site) -> None:
    duty = define(site.stage)
    early, late = run(site.stage, "ranger", duty=duty), run(site.stage, "guard", due="2023-02-23T18:00:00+08:00")
    client = site.api("mayor")

    def codes(**asked: Any) -> set[str]:
        return {item["code"] for item in get(client, "duties", **asked)["items"]}

    assert codes(owner="ranger") == codes(duty="patrol") == codes(pack="four-once") == codes(to="2023-02-21") == {early}
    both = codes(**{"from": "2023-02-21", "to": "2023-02-23"})
    assert both == codes(task="duty") == codes(state="open") == codes(pending=True) == {early, late}
    assert codes(**{"from": "2023-02-22"}) == {late}
    assert codes(task="recheck") == codes(state="done") == codes(village="v1") == codes(overdue=True) == set()
    site.stage.later(days=2)
    assert codes(overdue=True) == {early}
    for query in ("from=tomorrow", "to=9999-12-31", "from=0001-01-01", "task=x", "state=lost", "pending=perhaps", "cursor=x", "limit=0"):
        assert problem(client.get(f"/api/v1/duties?{query}"), 422), query


def test_the_definitions_are_read_in_their_newest_version_with_their_packs(site: Site) -> None:
    define(site.stage)
    define(site.stage, version=2, pack=None)
    define(site.stage, "gone", active=False)
    packs = '{"duty_packs": [{"code": "four-once", "title": "四个一次", "note": null}]}'
    site.stage.do("update township set rules = rules || cast(:packs as jsonb)", packs=packs)
    told = get(site.api("owner"), "duties/definitions")
    assert told["packs"] == [{"code": "four-once", "title": "四个一次", "note": None}]
    assert [(each["code"], each["version"], each["pack"], each["body"]["every"]) for each in told["items"]] == [("patrol", 2, None, "day")]


def test_what_is_no_run_is_not_found(site: Site) -> None:
    client, code = site.api("office-head"), site.stage.find()
    for path in ("LZ-2023-99999", code, "LZ-2023-99999/events", "LZ-2023-99999/triggers", "LZ-2023-99999/evidence"):
        assert problem(client.get(f"/api/v1/duties/{path}"), 404)
    task = post(client, "duties", **TASK).json()["code"]
    assert problem(post(client, f"duties/{task}/assign", 1), 404)
    assert problem(post(client, f"duties/{task}/excuse"), 428)
    assert problem(post(client, f"duties/{task}/excuse", 3, reason="weather"), 409)["current_version"] == 1
    assert problem(post(client, f"duties/{task}/excuse", 1), 409)["reason"] == "reason_given"
    assert problem(post(client, f"duties/{task}/miss", 1), 403)


def test_the_inbox_tells_of_every_kind_when_it_is_asked_to(site: Site) -> None:
    stage = site.stage
    hazard = stage.to_rectifying(sla_class="g7")
    task = post(site.api("dispatcher"), "duties", **{**TASK, "owner_post": "owner"}).json()["code"]
    post(site.api("owner"), "extensions", **more_time(hazard))
    post(site.api("owner"), "appeals", hazard=hazard, statement="不是隐患")
    sent = post(site.api("office-head"), "transfers", hazard=stage.find(), reason="out_of_jurisdiction", recipient="区").json()["code"]
    report = site.client().post("/api/v1/reports", json={"description": "出口上锁", "place": "shop"}).json()["code"]

    def waiting(who: str, kinds: str = "all") -> set[tuple[str, str, str]]:
        items = get(site.api(who), "inbox", kinds=kinds)["items"]
        assert [item["due_at"] for item in items] == sorted(item["due_at"] for item in items)
        return {(item["kind"], item["code"], item["todo"]) for item in items}

    assert waiting("owner") == {("hazard", hazard, "rectify"), ("duty", task, "do_duty")}
    assert waiting("owner", "duty,report") == {("duty", task, "do_duty")}
    assert waiting("deputy") == {("extension", f"{hazard}-YQ1", "decide"), ("appeal", f"{hazard}-SS1", "decide")}
    assert waiting("office-head") == {("appeal", f"{hazard}-SS1", "opine"), ("transfer", sent, "record_reply")}
    assert waiting("dispatcher") == {("transfer", sent, "record_reply"), ("report", report, "verify")}
    assert waiting("discipline") == set()
    assert [item["code"] for item in get(site.api("owner"), "inbox")["items"]] == [hazard]
    assert {item["title"] for item in get(site.api("owner"), "inbox", kinds="all")["items"]} == {"灭火器压力不足", "清理消防通道"}
    assert problem(site.api("owner").get("/api/v1/inbox?kinds=everything"), 422)


def test_the_whole_inbox_comes_in_pages_and_holds_what_was_escalated(site: Site) -> None:
    office, mayor = site.api("dispatcher"), site.api("mayor")
    codes = [post(office, "duties", **{**TASK, "title": title, "owner_post": "village-1"}).json()["code"] for title in "一二三"]
    client, seen, cursor = site.api("village-1"), [], None
    while True:
        page = get(client, "inbox", kinds="all", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [item["code"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == codes
    assert get(mayor, "inbox", kinds="all")["items"] == []
    site.stage.later(days=5)
    site.stage.sweep()
    told = {item["post"] for item in get(mayor, "notices", limit=1000)["items"] if item["case"] in codes and item["clock"] == "duty"}
    for who in told:
        todos = {item["todo"] for item in get(site.api(who), "inbox", kinds="all")["items"] if item["code"] in codes}
        assert todos == {"do_duty" if who == "village-1" else "urge"}, who
    assert len(told) > 1
