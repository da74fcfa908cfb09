"""Extensions, appeals, transfers and listings over the API: asked for by a hazard's own trigger, decided by their own code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.test_api import problem
from tests.integration.test_api_evidence import photo
from tests.site import Site, serve
from tests.stage import Stage

FOUR = ("extensions", "appeals", "transfers", "listings")


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def post(client: httpx.Client, path: str, match: str | int | None = None, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {} if match is None else {"If-Match": f'"{match}"' if isinstance(match, int) else match}
    return client.post(f"/api/v1/{path}", json=body, headers=headers | ({"Idempotency-Key": key} if key else {}))


def get(client: httpx.Client, path: str, **asked: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def more_time(code: str, **body: Any) -> dict[str, Any]:
    said = {"reason": "supply", "requested_due": "2023-03-10T23:59:59+08:00", "statement": "配件未到货", "interim_measures": "专人值守"}
    return {"hazard": code, **said, **body}


def asked_for(site: Site, **body: Any) -> tuple[str, dict[str, Any]]:
    """A hazard whose owner has asked for more time, and what was answered."""
    code = site.stage.to_rectifying(sla_class="g7")
    answer = post(site.api("owner"), "extensions", **more_time(code, **body))
    assert answer.status_code == 201, answer.text
    return code, answer.json()


def test_an_extension_is_asked_for_and_granted(site: Site) -> None:
    code = site.stage.to_rectifying(sla_class="g7")
    answer = post(site.api("owner"), "extensions", **more_time(code))
    extension = answer.json()
    assert (answer.status_code, answer.headers["location"], answer.headers["etag"]) == (201, f"/api/v1/extensions/{code}-YQ1", '"1"')
    assert (extension["kind"], extension["code"], extension["hazard"], extension["state"]) == ("extension", f"{code}-YQ1", code, "asked")
    assert (extension["requested_due"], extension["applied_by"], extension["number"]) == ("2023-03-10T23:59:59+08:00", "owner", 1)
    assert (extension["approver_post"], extension["move"], extension["overdue"]) == ("deputy", "decide", False)
    hazard = get(site.api("owner"), f"hazards/{code}")
    assert (hazard["pending"], hazard["due_at"]) == ([extension["code"]], extension["due_before"])
    granted = post(site.api("deputy"), f"extensions/{code}-YQ1/grant", 1, granted_due="2023-03-05T23:59:59+08:00")
    assert (granted.status_code, granted.json()["state"], granted.headers["etag"]) == (200, "granted", '"2"')
    assert (granted.json()["decided_by"], granted.json()["granted_due"]) == ("deputy", "2023-03-05T23:59:59+08:00")
    hazard = get(site.api("owner"), f"hazards/{code}")
    assert (hazard["pending"], hazard["due_at"], hazard["extension_count"]) == ([], "2023-03-05T23:59:59+08:00", 1)
    assert hazard["original_due_at"] == extension["due_before"]


def test_the_hazards_own_triggers_do_the_same(site: Site) -> None:
    code, owner = site.stage.to_rectifying(sla_class="g7"), site.api("owner")
    said = {name: value for name, value in more_time(code).items() if name != "hazard"}
    assert post(owner, f"hazards/{code}/request_extension", 3, **said).json()["pending"] == [f"{code}-YQ1"]
    declined = post(site.api("deputy"), f"hazards/{code}/decide_extension", 4, decision="declined", reason="措施不足")
    assert (declined.status_code, declined.json()["code"], declined.json()["pending"]) == (200, code, [])
    assert get(owner, f"extensions/{code}-YQ1")["state"] == "declined"


def test_a_decision_by_the_hazards_code_is_taken_in_the_name_of_the_post_that_may(site: Site) -> None:
    site.stage.do(
        "insert into holding (person_id, post_id, from_day) select (select id from person where key = 'p-deputy'), id, '2022-01-01'"
        " from post where code = 'district'"
    )
    code, _ = asked_for(site)
    client = site.api("deputy")
    version = get(client, f"hazards/{code}")["version"]
    assert post(client, f"hazards/{code}/decide_extension", version, decision="granted").status_code == 200
    assert get(client, f"extensions/{code}-YQ1")["decided_by"] == "deputy"


def test_an_appeal_is_heard_twice_and_dismissed(site: Site) -> None:
    code = site.stage.to_rectifying()
    appeal = post(site.api("owner"), "appeals", hazard=code, statement="不是疏散通道").json()
    opined = post(site.api("office-head"), f"appeals/{appeal['code']}/opine", 1, opinion="属疏散通道")
    assert (opined.json()["state"], opined.json()["opinion"], opined.json()["opined_by"]) == ("opined", "属疏散通道", "office-head")
    dismissed = post(site.api("deputy"), f"appeals/{appeal['code']}/dismiss", 2, reason="事实清楚")
    assert (dismissed.json()["state"], dismissed.json()["decided_by"]) == ("dismissed", "deputy")


def test_a_transfer_is_sent_and_sent_back(site: Site) -> None:
    code, office = site.stage.find(), site.api("office-head")
    transfer = post(office, "transfers", hazard=code, reason="out_of_jurisdiction", recipient="区交通局", letter_no="3号").json()
    assert (transfer["state"], transfer["recipient"], transfer["letter_no"]) == ("sent", "区交通局", "3号")
    assert transfer["sent_by"] == "office-head"
    assert get(office, f"hazards/{code}")["state"] == "transferred"
    back = post(office, f"transfers/{transfer['code']}/send_back", 1, reply="不属本局", reply_no="7号").json()
    assert (back["state"], back["reply"], back["reply_no"]) == ("sent_back", "不属本局", "7号")
    assert get(office, f"hazards/{code}")["state"] == "found"


def test_a_listing_is_proposed_and_decided(site: Site) -> None:
    code = site.stage.to_assigned(place="pit", grade="major")
    listing = post(site.api("office-head"), "listings", hazard=code, level="county", statement="逾期未整改").json()
    assert (listing["state"], listing["level"], listing["proposed_by"]) == ("proposed", "county", "office-head")
    listed = post(site.api("district"), f"listings/{listing['code']}/list", 1, notice_no="1号", treat_by="2023-04-30")
    assert (listed.json()["state"], listed.json()["treat_by"], listed.json()["listed_by"]) == ("listed", "2023-04-30", "district")
    assert get(site.api("district"), f"hazards/{code}")["listing"] == "county"


def test_what_is_asked_is_listed_and_filtered(site: Site) -> None:
    first, _ = asked_for(site)
    second, _ = asked_for(site)
    post(site.api("deputy"), f"extensions/{first}-YQ1/decline", 1, reason="措施不足")
    client = site.api("mayor")

    def codes(**asked: Any) -> list[str]:
        return [item["code"] for item in get(client, "extensions", **asked)["items"]]

    assert codes() == [f"{second}-YQ1", f"{first}-YQ1"]
    assert codes(pending=True) == codes(state="asked") == codes(hazard=second) == [f"{second}-YQ1"]
    assert codes(pending=False) == codes(state="granted,declined") == [f"{first}-YQ1"]
    assert codes(village="v2") == codes(place="pit") == codes(overdue=True) == []
    assert codes(village="v1", place="shop", overdue=False) == codes()
    site.stage.later(days=4)
    assert codes(overdue=True) == [f"{second}-YQ1"]
    assert problem(client.get("/api/v1/extensions?state=upheld"), 422)["errors"][0]["where"] == "state"


def test_lists_of_cases_come_in_pages(site: Site) -> None:
    codes = [asked_for(site)[1]["code"] for _ in range(3)]
    client = site.api("mayor")
    first = get(client, "extensions", limit=2)
    rest = get(client, "extensions", limit=2, cursor=first["next"])
    assert [item["code"] for item in first["items"] + rest["items"]] == codes[::-1]
    assert rest["next"] is None
    assert problem(client.get("/api/v1/extensions?cursor=nonsense"), 422)


def test_a_case_tells_its_history_what_may_be_done_and_its_evidence(site: Site) -> None:
    code, extension = asked_for(site)
    path, owner = f"extensions/{extension['code']}", site.api("owner")
    events = get(owner, f"{path}/events")["items"]
    assert [(event["trigger"], event["from"], event["to"]) for event in events] == [("ask", None, "asked")]
    offers = {each["trigger"]: each for each in get(owner, f"{path}/triggers")["items"]}
    assert offers["withdraw"]["allowed"]
    assert not offers["grant"]["allowed"]
    assert offers["grant"]["detail"].endswith("。")
    sent = owner.post(f"/api/v1/{path}/evidence", files={"file": ("a.jpg", photo())}, data={"kind": "document"})
    assert sent.status_code == 201, sent.text
    assert [item["sha256"] for item in get(owner, f"{path}/evidence")["items"]] == [sent.json()["sha256"]]
    assert get(owner, f"hazards/{code}/evidence")["items"] == []


def test_who_applied_may_withdraw_and_the_key_makes_it_repeatable(site: Site) -> None:
    code = site.stage.to_rectifying(sla_class="g7")
    owner = site.api("owner")
    first = post(owner, "extensions", key="k", **more_time(code))
    again = post(owner, "extensions", key="k", **more_time(code))
    assert (again.status_code, again.json(), again.headers["location"]) == (201, first.json(), first.headers["location"])
    assert problem(post(owner, "extensions", key="k", **more_time(code, statement="另一个理由")), 422)["reason"] == "key_reused"
    withdrawn = post(owner, f"extensions/{code}-YQ1/withdraw", 1, key="w")
    assert withdrawn.json()["state"] == "withdrawn"
    assert post(owner, f"extensions/{code}-YQ1/withdraw", 1, key="w").json() == withdrawn.json()


def test_an_application_may_name_the_hazards_version(site: Site) -> None:
    code, owner = site.stage.to_rectifying(sla_class="g7"), site.api("owner")
    assert problem(post(owner, "extensions", 2, **more_time(code)), 409)["current_version"] == 3
    assert problem(post(owner, "extensions", "yesterday", **more_time(code)), 422)
    assert post(owner, "extensions", 3, **more_time(code)).status_code == 201


def test_what_the_law_refuses_of_an_application_is_told_with_its_guard(site: Site) -> None:
    code, owner = site.stage.to_rectifying(sla_class="g7"), site.api("owner")
    assert problem(post(owner, "extensions", hazard=code), 409)["reason"] == "G15"
    assert problem(post(owner, "extensions", **more_time(code, reason="laziness")), 409)["reason"] == "G15"
    assert problem(post(owner, "appeals", hazard=code), 409)["reason"] == "appeal_in_time"
    assert problem(post(site.api("office-head"), "listings", hazard=code, level="county"), 409)["reason"] == "G19"
    assert problem(post(site.api("office-head"), "transfers", hazard=site.stage.find(), recipient="区"), 409)["reason"] == "G17"
    post(owner, "extensions", **more_time(code))
    assert problem(post(owner, f"extensions/{code}-YQ1/grant", 1), 403)["reason"] == "post"
    assert problem(post(site.api("deputy"), f"extensions/{code}-YQ1/decline", 1), 409)["reason"]


def test_a_case_that_is_not_there_is_not_found(site: Site) -> None:
    code, _ = asked_for(site)
    client, deputy = site.api("mayor"), site.api("deputy")
    for kind in FOUR:
        for path in ("X-1", code, f"{code}-XX1", f"{code}-XX1/events", f"{code}-XX1/triggers", f"{code}-XX1/evidence"):
            assert problem(client.get(f"/api/v1/{kind}/{path}"), 404)
    assert problem(client.get(f"/api/v1/appeals/{code}-YQ1"), 404)
    assert problem(client.get(f"/api/v1/hazards/{code}-YQ1"), 404)
    assert problem(post(deputy, f"appeals/{code}-YQ1/uphold", 1, reason="成立"), 404)
    assert problem(post(deputy, f"hazards/{code}-YQ1/take_up", 1), 404)
    assert problem(post(deputy, f"extensions/{code}-YQ1/vanish", 1), 404)
    assert problem(post(deputy, f"extensions/{code}-YQ1/assign", 1), 404)
    assert problem(post(site.api("owner"), "extensions", **more_time("YH-2023-9999")), 404)
    assert get(client, f"extensions/{code}-YQ1")["version"] == 1


def test_a_step_on_a_case_needs_its_version_and_only_facts_that_are_known(site: Site) -> None:
    code, _ = asked_for(site)
    deputy = site.api("deputy")
    assert problem(post(deputy, f"extensions/{code}-YQ1/grant"), 428)
    assert problem(post(deputy, f"extensions/{code}-YQ1/grant", 7), 409)["current_version"] == 1
    unknown = problem(post(deputy, f"extensions/{code}-YQ1/grant", 1, granted_until="2023-03-05T23:59:59+08:00"), 422)
    assert unknown["errors"] == [{"where": "granted_until", "message": "unknown"}]
    assert problem(post(deputy, f"extensions/{code}-YQ1/grant", 1, granted_due="soon"), 422)
    assert problem(post(site.api("owner"), "extensions", **more_time(code, remark="x")), 422)["errors"][0]["where"] == "remark"
    assert problem(post(site.api("owner"), "extensions", reason="supply"), 422)["errors"][0]["where"] == "hazard"
    assert problem(post(site.api("owner"), "appeals", hazard=code, statement="字" * 5000), 422)
    assert get(deputy, f"extensions/{code}-YQ1")["state"] == "asked"


def test_what_was_asked_is_read_as_far_as_ones_posts_reach(site: Site) -> None:
    code, _ = asked_for(site)
    for who, status in (("owner", 200), ("village-1", 200), ("discipline", 200), ("owner-2", 403), ("village-2", 403)):
        client = site.api(who)
        assert client.get(f"/api/v1/extensions/{code}-YQ1").status_code == status, who
        assert len(get(client, "extensions")["items"]) == (status == 200), who
    far = site.api("owner-3")
    assert problem(post(far, "extensions", **more_time(code)), 403)["reason"] == "reach"
    assert problem(post(far, f"extensions/{code}-YQ1/withdraw", 1), 403)["reason"] == "reach"
    assert problem(far.get(f"/api/v1/extensions/{code}-YQ1/evidence"), 403)
    for kind in FOUR:
        assert problem(site.client().get(f"/api/v1/{kind}"), 401)
        assert problem(site.client().post(f"/api/v1/{kind}", json={}), 401)


def test_messages_about_an_application_belong_to_its_hazard(site: Site) -> None:
    code, extension = asked_for(site)
    told = get(site.api("deputy"), "notices", hazard=code)["items"]
    about = {(item["case"], item["hazard"], item["purpose"]) for item in told}
    assert (extension["code"], code, "application") in about
    assert {item["hazard"] for item in told} == {code}


def test_a_hazard_says_which_control_stands_by_whose_order(site: Site) -> None:
    code = site.stage.to_assigned()
    said = {"interim_control": "guard", "interim_until": "2023-03-01T18:00:00+08:00", "stop_scope": "二楼"}
    hazard = post(site.api("inspector"), f"hazards/{code}/order_interim", 2, **said).json()
    assert (hazard["interim_control"], hazard["interim_post"], hazard["interim_at"]) == ("guard", "inspector", "2023-02-20T10:00:00+08:00")
    assert (hazard["interim_until"], hazard["stop_scope"], hazard["root_cause"]) == ("2023-03-01T18:00:00+08:00", "二楼", None)
