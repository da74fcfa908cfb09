"""Sessions, places, inbox, messages, statistics and signs of life, on a real socket and a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.test_api import problem
from tests.site import PASSWORD, Site, serve
from tests.stage import Stage


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def test_a_person_signs_in_and_out(site: Site) -> None:
    site.set_passwords()
    client = site.client()
    answer = client.post("/api/v1/session", json={"username": "office-head", "password": PASSWORD})
    assert answer.status_code == 200
    session = answer.json()
    assert session["person"] == {"key": "p-office-head", "label": "office-head的人", "username": "office-head"}
    assert [(post["code"], post["kind"], post["unit"]) for post in session["posts"]] == [("office-head", "office_head", "office")]
    client.headers["Authorization"] = f"Bearer {session['token']}"
    assert client.get("/api/v1/session").json() == {name: session[name] for name in ("person", "posts")}
    assert client.delete("/api/v1/session").status_code == 204
    assert problem(client.get("/api/v1/session"), 401)


def test_only_the_hash_of_a_token_is_kept(site: Site) -> None:
    token = site.token("office-head")
    assert token not in str(site.stage.all("select * from login"))


def test_a_login_ends_by_itself(site: Site) -> None:
    client = site.api("office-head")
    site.stage.later(days=13)
    assert client.get("/api/v1/session").status_code == 200
    site.stage.later(days=2)
    assert problem(client.get("/api/v1/session"), 401)


@pytest.mark.parametrize(("username", "password"), [("office-head", "wrong"), ("nobody", PASSWORD), ("office-head", "")])
def test_a_wrong_name_or_password_says_the_same(site: Site, username: str, password: str) -> None:
    site.set_passwords()
    body = problem(site.client().post("/api/v1/session", json={"username": username, "password": password}), 401)
    assert body["detail"] == "用户名或密码不对。"


def test_a_person_without_a_password_cannot_come_in(site: Site) -> None:
    assert problem(site.client().post("/api/v1/session", json={"username": "office-head", "password": ""}), 401)


def test_guessing_is_slowed_down_for_a_minute_and_for_that_name_alone(site: Site) -> None:
    site.set_passwords()
    client = site.client()

    def attempt(username: str, password: str) -> int:
        return client.post("/api/v1/session", json={"username": username, "password": password}).status_code

    assert [attempt("mayor", "guess") for _ in range(10)] == [401] * 10
    refused = client.post("/api/v1/session", json={"username": "mayor", "password": PASSWORD})
    assert problem(refused, 429)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert attempt("deputy", PASSWORD) == 200
    site.stage.clock.advance(timedelta(seconds=61))
    assert attempt("mayor", PASSWORD) == 200


def test_posts_are_those_held_today_and_a_stand_in_is_shown_as_one(site: Site) -> None:
    site.stage.do(
        "insert into holding (person_id, post_id, from_day, to_day, deputy_of_id) select a.id, post.id, '2023-02-21', '2023-02-22', b.id"
        " from person a, person b, post where a.key = 'p-deputy' and b.key = 'p-mayor' and post.code = 'mayor'"
    )
    client = site.api("deputy")

    def posts() -> dict[str, str | None]:
        return {post["code"]: post["standing_in_for"] for post in client.get("/api/v1/session").json()["posts"]}

    assert posts() == {"deputy": None}
    site.stage.at("2023-02-21T00:00+08:00")
    assert posts() == {"deputy": None, "mayor": "mayor的人"}
    site.stage.at("2023-02-23T00:00+08:00")
    assert posts() == {"deputy": None}


def test_places_are_listed_searched_and_added(site: Site) -> None:
    office, village = site.api("dispatcher"), site.api("village-1")
    assert [place["code"] for place in office.get("/api/v1/places").json()["items"]] == ["shop", "shop-2", "pit"]
    assert [place["code"] for place in village.get("/api/v1/places").json()["items"]] == ["shop", "shop-2"]
    assert [place["code"] for place in office.get("/api/v1/places", params={"kind": "mine"}).json()["items"]] == ["pit"]
    added = office.post("/api/v1/places", json={"code": "inn", "name": "小旅馆一", "kind": "small_hotel", "village": "v2"})
    assert added.status_code == 201
    place = added.json()
    assert (place["responsible_post"], place["team"], place["field"], place["nine_small"], place["status"]) == (
        "grid-2", "fire", "fire_nine", True, "active",
    )  # fmt: skip
    assert office.get("/api/v1/places", params={"q": "旅馆"}).json()["items"] == [place]


def test_places_come_in_pages(site: Site) -> None:
    office = site.api("dispatcher")
    first = office.get("/api/v1/places", params={"limit": 2}).json()
    rest = office.get("/api/v1/places", params={"limit": 2, "cursor": first["next"]}).json()
    assert [place["code"] for place in first["items"] + rest["items"]] == ["shop", "shop-2", "pit"]
    assert rest["next"] is None


def test_a_place_that_cannot_be_is_refused(site: Site) -> None:
    office = site.api("dispatcher")
    place = {"code": "inn", "name": "小旅馆一", "kind": "small_hotel", "village": "v2"}
    assert problem(office.post("/api/v1/places", json={**place, "code": "shop"}), 409)["reason"] == "exists"
    assert problem(office.post("/api/v1/places", json={**place, "village": "nowhere"}), 422)["errors"][0]["where"] == "village"
    assert problem(office.post("/api/v1/places", json={**place, "team": "v1"}), 422)["errors"][0]["where"] == "team"
    assert problem(office.post("/api/v1/places", json={**place, "kind": "castle"}), 422)
    assert problem(site.api("inspector").post("/api/v1/places", json=place), 403)


def test_the_inbox_holds_what_waits_for_me_and_nothing_else(site: Site) -> None:
    stage = site.stage
    found, assigned, submitted, verified = stage.find(), stage.to_assigned(), stage.to_submitted(), stage.to_verified()
    major = stage.find(grade="major", place="pit")
    expected = {
        "dispatcher": {(found, "dispatch")}, "owner": {(assigned, "acknowledge")}, "inspector": {(submitted, "reinspect")},
        "office-head": {(verified, "approve"), (major, "dispatch")}, "mayor": set(), "discipline": set(), "owner-2": set(),
    }  # fmt: skip
    for post, waiting in expected.items():
        items = site.api(post).get("/api/v1/inbox").json()["items"]
        assert {(item["code"], item["todo"]) for item in items} == waiting, post


def test_what_was_escalated_to_me_is_in_my_inbox_until_somebody_moves(site: Site) -> None:
    code, mayor = site.stage.to_rectifying(), site.api("mayor")
    site.stage.later(days=9)
    site.stage.sweep()
    assert [(item["code"], item["todo"]) for item in mayor.get("/api/v1/inbox").json()["items"]] == [(code, "urge")]
    site.stage.fix(code)
    assert mayor.get("/api/v1/inbox").json()["items"] == []


def test_messages_are_told_to_those_whom_they_concern(site: Site) -> None:
    code = site.stage.to_assigned()
    items = site.api("mayor").get("/api/v1/notices", params={"hazard": code}).json()["items"]
    assert {(item["purpose"], item["for_post"]) for item in items} >= {("to_dispatch", "dispatcher"), ("dispatch", "owner")}
    assert all(item["channel"] == "json" and "127.0.0.1" not in json.dumps(item) for item in items)
    assert site.api("owner-3").get("/api/v1/notices").json()["items"] == []
    first = site.api("mayor").get("/api/v1/notices", params={"limit": 1}).json()
    second = site.api("mayor").get("/api/v1/notices", params={"limit": 1, "cursor": first["next"]}).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]


def test_the_numbers_add_up(site: Site) -> None:
    stage = site.stage
    stage.to_closed()
    stage.find(place="pit", grade="major")
    late = stage.to_assigned()
    gone = stage.find()
    stage.act("office-head", "reject", gone, reason="not_a_hazard")
    stage.later(days=4)
    stats = site.api("mayor").get("/api/v1/stats").json()
    assert (stats["found"], stats["closed"], stats["open"], stats["ended_otherwise"]) == (4, 1, 2, 1)
    assert stats["found"] == stats["closed"] + stats["open"] + stats["ended_otherwise"] == sum(stats["by_state"].values())
    assert (stats["rate"], stats["overdue"], stats["major_open"]) == (33.3, 2, 1)
    assert {each["code"]: (each["closed"], each["open"], each["overdue"], each["places"]) for each in stats["by_village"]} == {
        "v1": (1, 1, 1, 2), "v2": (0, 1, 1, 1),
    }  # fmt: skip
    assert sum(each["found"] for each in stats["by_kind"]) == 4
    assert (stats["campaign"]["days_left"], stats["campaign"]["deadline"]) == (35, "2023-03-31T23:59:59+08:00")
    assert late in {item["code"] for item in site.api("mayor").get("/api/v1/hazards", params={"overdue": True}).json()["items"]}


def test_a_rate_of_nothing_is_no_rate(site: Site) -> None:
    assert site.api("mayor").get("/api/v1/stats").json()["rate"] is None


def test_signs_of_life_need_no_login(site: Site) -> None:
    client = site.client()
    site.stage.to_assigned()
    site.stage.later(days=4)
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in metrics.text.splitlines() if not line.startswith("#"))
    assert lines['bihuan_open_hazards{state="assigned"}'] == "1"
    assert lines["bihuan_overdue_hazards"] == "1"
    assert int(lines["bihuan_timers_due"]) == 2
    assert float(lines["bihuan_oldest_due_lag_seconds"]) > 0
    assert 'bihuan_notices{state="planned"}' in lines


def test_while_bihuan_starts_people_see_how_far_it_is_and_programs_are_told(stage: Stage, tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    progress.write_text(json.dumps({"step": "正在载入乡镇", "done": 3, "total": 7, "ready": False}), encoding="utf8")
    with serve(stage, tmp_path) as site:
        client = site.client()
        page = client.get("/hazards")
        assert page.status_code == 503
        assert "正在载入乡镇" in page.text
        assert 'value="3"' in page.text
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        body = problem(client.get("/api/v1/stats", headers={"Authorization": "Bearer x"}), 503)
        assert "正在载入乡镇" in body["detail"]
        progress.write_text(json.dumps({"step": "完成", "done": 7, "total": 7, "ready": True}), encoding="utf8")
        assert client.get("/readyz").status_code == 200
        assert client.get("/login").status_code == 200


def test_a_database_that_is_gone_is_said_in_words(site: Site) -> None:
    client = site.api("mayor")
    assert client.get("/api/v1/stats").status_code == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.house.transaction", _unreachable)
        assert problem(client.get("/api/v1/stats"), 503)


def _unreachable(engine: object) -> object:
    from sqlalchemy.exc import OperationalError

    raise OperationalError("select 1", {}, Exception("connection refused"))
