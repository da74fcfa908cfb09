"""What will be said and what is silenced, for programs and on a hazard's page: on a real socket and a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from cli.main import app
from models.clock import local
from models.database import as_json, transaction
from statemachines.foresee import Foreseen, foresee
from tests.browser import life
from tests.integration.test_api import problem
from tests.site import Site, serve
from tests.stage import Stage

PATHS = {
    "extension": "extensions", "appeal": "appeals", "transfer": "transfers", "listing": "listings", "duty": "duties", "report": "reports",
}  # fmt: skip


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def ahead(client: httpx.Client, path: str, **asked: object) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{path}", params={name: str(value) for name, value in asked.items()})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def foreseen(stage: Stage, code: str) -> list[Foreseen]:
    with transaction(stage.engine) as session:
        return foresee(session, stage.township_id, code, stage.clock.now())


def in_days(site: Site, days: float) -> str:
    return local(site.stage.clock.now() + timedelta(days=days)).isoformat()


def silenced(client: httpx.Client, site: Site, scope: str, about: str, days: float = 5, key: str = "", **more: object) -> httpx.Response:
    said = {"scope": scope, "about": about, "until": in_days(site, days), "reason": "配件在途", **more}
    return client.post("/api/v1/silences", json=said, headers={"Idempotency-Key": key} if key else {})


def put(site: Site, post: str, scope: str, about: str, **how: Any) -> dict[str, Any]:
    answer = silenced(site.api(post), site, scope, about, **how)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_who_hears_what_when_is_told_in_the_townships_time(site: Site) -> None:
    code = site.stage.to_rectifying()
    answer = site.api("owner").get(f"/api/v1/hazards/{code}/foresee").json()
    assert (answer["code"], answer["now"], answer["next"]) == (code, "2023-02-20T10:00:00+08:00", None)
    second = next(each for each in answer["items"] if each["level"] == 2)
    assert (second["at"], second["due_at"]) == ("2023-02-26T23:59:59+08:00", "2023-02-23T23:59:59+08:00")
    assert (second["clock"], second["cause"], second["purpose"], second["repeat"]) == ("rectify", "rung", "overdue", 0)
    heard = second["hearings"][0]
    assert (heard["person"], heard["post"], heard["post_name"], heard["channel"]) == ("p-deputy", "deputy", "分管班子成员", "json")
    assert (heard["held"], heard["held_until"], heard["told_at"]) == ("quiet_hours", *["2023-02-27T07:00:00+08:00"] * 2)
    assert "您为分管班子成员，请督办。" in heard["text"]
    assert "deputy的人" not in str(answer)


def test_what_waits_for_a_daily_list_says_so_and_what_other_cases_may_put_off_too(site: Site) -> None:
    rules = {"digest": {"holds": ["reminder", "overdue"], "to": ["village_secretary"]}, "hourly_cap": 1}
    site.stage.do("update township set rules = rules || cast(:rules as jsonb)", rules=as_json(rules))
    code, other = site.stage.to_rectifying(), site.stage.to_rectifying("shop-2")
    found = site.api("village-1").get(f"/api/v1/hazards/{code}/foresee").json()["items"]
    [late] = [each for each in found if each["level"] == 1]
    heard = {each["post"]: each for each in late["hearings"]}
    told = heard["village-1"]
    assert (told["by_list"], told["held"], told["told_at"]) == (True, "in_digest", "2023-02-25T08:30:00+08:00")
    assert told["waits"] == "并入2月25日 08:30的每日清单" and code in told["text"] and other not in told["text"]
    assert (told["may_wait"], told["spared"]) == ("person_limit", False)
    alone = heard["head-fire"]
    assert (alone["by_list"], alone["told_at"]) == (False, "2023-02-25T08:40:00+08:00")
    lists = [each["at"] for each in found if each["cause"] == "listed"]
    assert lists[0] == "2023-02-24T08:30:00+08:00" and len(lists) > 10
    assert "取决于别的案件" in site.browser("village-1").get(f"/h/{code}").text


def test_one_persons_links_are_voided_by_a_program_and_by_the_command(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    made = site.api("office-head").post("/api/v1/people/p-owner/void_links").json()
    assert made["person"] == "p-owner" and made["at"].endswith("+08:00")
    assert site.api("owner").post("/api/v1/people/p-owner/void_links").status_code == 200
    assert problem(site.api("dispatcher").post("/api/v1/people/p-owner/void_links"), 403)
    assert problem(site.api("office-head").post("/api/v1/people/p-nobody/void_links"), 404)
    monkeypatch.setenv("BIHUAN_DATABASE_URL", site.stage.engine.url.render_as_string(hide_password=False))
    assert "已作废 void: owner的人" in CliRunner().invoke(app, ["user", "void-links", "owner"]).stdout
    assert CliRunner().invoke(app, ["user", "void-links", "nobody"]).exit_code == 1
    kept = [row.by_post for row in site.stage.all("select by_post from links_voided order by id")]
    assert kept == ["office-head", "owner", "system"]
    with pytest.raises(DBAPIError, match="permission denied"):
        site.stage.do("delete from links_voided")


def test_it_is_looked_as_far_as_was_asked_and_nothing_is_written(site: Site) -> None:
    code = site.stage.to_rectifying()
    before = site.stage.fingerprint()
    client = site.api("mayor")
    assert [each["level"] for each in ahead(client, f"hazards/{code}/foresee", until="2023-02-24") if each["clock"]] == [0, 0, 0]
    by_time = ahead(client, f"hazards/{code}/foresee", until="2023-02-25T00:00:00+08:00")
    assert [each["level"] for each in by_time if each["clock"]] == [0, 0, 0, 1]
    assert site.stage.fingerprint() == before


def test_every_kind_of_case_is_foreseen_by_its_own_code(site: Site) -> None:
    stage = site.stage
    major = stage.to_rectifying(place="pit", grade="major", description="爆破材料超量存放")
    stage.act("office-head", "list_supervision", major, level="county")
    stage.ask_extension(stage.to_rectifying())
    stage.appeal(stage.to_rectifying(place="shop-2"))
    stage.transfer(stage.find(place="shop-2", description="燃气管道锈蚀"))
    stage.report()
    life.duty(stage, "inspector")
    client = site.api("office-head")
    for kind, path in PATHS.items():
        code = stage.newest(kind)
        told = ahead(client, f"{path}/{code}/foresee")
        assert [each["why"] for each in told] == [each.why for each in foreseen(stage, code)], kind
        assert told, kind
        assert client.get(f"/api/v1/{path}/{code}/silences").json() == {"items": [], "next": None}


def test_what_is_out_of_reach_isnt_foreseen(site: Site) -> None:
    code = site.stage.to_rectifying()
    report, _ = site.stage.report()
    for what in ("foresee", "silences"):
        assert problem(site.client().get(f"/api/v1/hazards/{code}/{what}"), 401)
        assert problem(site.api("owner-3").get(f"/api/v1/hazards/{code}/{what}"), 403)["reason"] == "reach"
        assert problem(site.api("owner").get(f"/api/v1/reports/{report}/{what}"), 403)["reason"] == "reach"
        assert problem(site.api("mayor").get(f"/api/v1/hazards/YH-2023-9999/{what}"), 404)
        assert problem(site.api("mayor").get(f"/api/v1/duties/{code}/{what}"), 404)


@pytest.mark.parametrize("until", ["soon", "2023-02-24T10:00:00", "2023-13-01"])
def test_an_end_that_is_no_time_is_not_understood(site: Site, until: str) -> None:
    answer = site.api("mayor").get(f"/api/v1/hazards/{site.stage.to_rectifying()}/foresee", params={"until": until})
    assert problem(answer, 422)["errors"][0]["where"] == "until"


@pytest.mark.parametrize("assigned", [False, True])
def test_a_hazard_that_isnt_registered_yet_is_foreseen_as_it_would_be(site: Site, assigned: bool) -> None:
    before = site.stage.fingerprint()
    told = ahead(site.api("owner"), "foresee", place="shop", grade="general", sla_class="g3", assigned=assigned)
    assert site.stage.fingerprint() == before
    code = site.stage.to_assigned() if assigned else site.stage.find("office-head")
    assert [each["why"] for each in told] == [each.why for each in foreseen(site.stage, code)]
    assert told


def test_a_new_hazard_is_foreseen_only_where_one_reaches_and_where_it_could_be(site: Site) -> None:
    asked = {"place": "shop", "grade": "general", "sla_class": "g3"}

    def answer(post: str, **other: str) -> httpx.Response:
        return site.api(post).get("/api/v1/foresee", params=asked | other)

    assert problem(site.client().get("/api/v1/foresee", params=asked), 401)
    assert problem(answer("owner-3"), 403)["reason"] == "reach"
    assert problem(answer("mayor", place="nowhere"), 409)["reason"] == "G1"
    assert problem(answer("mayor", grade="huge"), 422)
    assert problem(site.api("mayor").get("/api/v1/foresee"), 422)
    site.stage.do("delete from holding where post_id in (select id from post where kind in ('office_head', 'office_dispatcher'))")
    assert problem(answer("mayor"), 409)["reason"] == "office"


def test_the_offices_head_silences_a_case_and_lifts_it_again(site: Site) -> None:
    code = site.stage.to_rectifying()
    head = site.api("office-head")
    made = put(site, "office-head", "case", code)
    assert made == {
        "id": made["id"], "scope": "case", "about": code, "name": code, "reason": "配件在途", "by_post": "office-head",
        "by_person": "p-office-head", "from_at": "2023-02-20T10:00:00+08:00", "until_at": "2023-02-25T10:00:00+08:00",
        "lifted_at": None, "lifted_post": None, "lifted_person": None, "active": True,
    }  # fmt: skip
    reminder = next(each for each in ahead(head, f"hazards/{code}/foresee") if each["rung"] == 2)
    assert {each["held"] for each in reminder["hearings"]} == {"silenced"}
    site.stage.later(days=1)
    lifted = head.post(f"/api/v1/silences/{made['id']}/lift").json()
    assert (lifted["active"], lifted["lifted_at"], lifted["lifted_post"]) == (False, "2023-02-21T10:00:00+08:00", "office-head")
    assert problem(head.post(f"/api/v1/silences/{made['id']}/lift"), 409)["reason"] == "state"


def test_the_same_key_silences_once(site: Site) -> None:
    head, code = site.api("office-head"), site.stage.to_rectifying()
    first, again = (silenced(head, site, "case", code, key="k").json() for _ in range(2))
    assert first == again
    assert site.stage.one("select count(*) as n from silence").n == 1
    assert problem(silenced(head, site, "case", code, days=4, key="k"), 422)["reason"] == "key_reused"


def test_what_may_not_be_silenced_is_refused_with_its_reason(site: Site) -> None:
    head, code = site.api("office-head"), site.stage.to_rectifying()
    closed = site.stage.to_closed()
    for days, about, reason in ((8, code, "until"), (-1, code, "until"), (5, "YH-2023-9999", "about"), (5, closed, "state")):
        assert problem(silenced(head, site, "case", about, days), 409)["reason"] == reason
    assert problem(silenced(head, site, "case", code, reason=" "), 409)["reason"] == "reason"
    assert problem(silenced(head, site, "person", "p-office-head"), 409)["reason"] == "stand_in"
    for post in ("dispatcher", "village-1", "owner"):
        assert problem(silenced(site.api(post), site, "case", code), 403)["reason"] == "post"
    assert problem(silenced(head, site, "case", code, as_post="mayor"), 403)["reason"] == "post"
    assert problem(silenced(site.client(), site, "case", code), 401)
    for wrong in ({"scope": "world"}, {"until": "tomorrow"}, {"reason": None}, {"forever": True}):
        assert problem(silenced(head, site, **{"scope": "case", "about": code, **wrong}), 422)  # type: ignore[arg-type]


def test_only_who_silenced_it_or_might_have_lifts_it(site: Site) -> None:
    number = put(site, "office-head", "village", "v1")["id"]
    assert problem(site.api("village-1").post(f"/api/v1/silences/{number}/lift"), 403)["reason"] == "post"
    assert problem(site.client().post(f"/api/v1/silences/{number}/lift"), 401)
    mayor = site.api("mayor")
    assert problem(mayor.post("/api/v1/silences/999999/lift"), 404)
    assert problem(mayor.post("/api/v1/silences/x/lift"), 422)
    assert problem(mayor.post(f"/api/v1/silences/{number}/lift", json={"why": "so"}), 422)
    assert mayor.post(f"/api/v1/silences/{number}/lift", json={"as_post": "mayor"}).json()["lifted_post"] == "mayor"


def numbers(client: httpx.Client, path: str = "silences", **asked: object) -> list[int]:
    return [each["id"] for each in ahead(client, path, **asked)]


def test_silences_are_read_as_far_as_ones_posts_reach(site: Site) -> None:
    code = site.stage.to_rectifying(place="pit")
    of_case = put(site, "deputy", "case", code, days=4)["id"]
    of_place = put(site, "office-head", "place", "shop", days=3)["id"]
    of_village = put(site, "mayor", "village", "v1", days=2)["id"]
    site.stage.holds("dispatcher", "inspector", for_whom="inspector")
    of_person = put(site, "inspector", "person", "p-inspector", days=1)["id"]
    everything = [of_person, of_village, of_place, of_case]
    assert numbers(site.api("dispatcher")) == everything
    assert numbers(site.api("village-1")) == [of_village, of_place]
    assert numbers(site.api("owner")) == [of_place]
    assert numbers(site.api("owner-3")) == [of_case]
    assert numbers(site.api("inspector-2"), f"hazards/{code}/silences") == [of_case]
    site.stage.later(days=2.5)
    assert numbers(site.api("mayor"), active=True) == [of_place, of_case]
    assert numbers(site.api("mayor"), active=False) == [of_person, of_village]
    assert problem(site.client().get("/api/v1/silences"), 401)
    assert problem(site.api("mayor").get("/api/v1/silences?active=perhaps"), 422)


def test_the_page_says_who_is_told_next_over_what_and_until_when_it_is_held(site: Site) -> None:
    code = site.stage.to_rectifying(description="<b>堆物</b>")
    page = site.browser("owner").get(f"/h/{code}").text
    assert "接下来会告诉谁" in page
    assert "分管班子成员 deputy的人" in page
    assert "短信网关 ※ · 免打扰至2月27日 07:00" in page
    assert "取决于别的案件" in page
    assert "您为分管班子成员，请督办。" in page
    assert '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640' in page
    assert "<b>堆物</b>" not in page


def test_a_promise_to_take_up_is_shown_as_the_moment_at_which_it_ends(site: Site) -> None:
    """What was said of held timers before was wrong."""
    code = site.stage.to_rectifying()
    site.stage.at("2023-02-27T10:00+08:00")
    site.stage.sweep()
    site.stage.act("deputy", "take_up", code, promised_at=site.stage.clock.now() + timedelta(hours=20), note="今天去看")
    page = site.browser("mayor").get(f"/h/{code}").text
    assert "2月28日 06:00" in page
    assert "接手承诺的时间已到" in page


def test_a_hazard_is_silenced_and_heard_again_from_its_page(site: Site) -> None:
    code = site.stage.to_rectifying()
    head = site.browser("office-head")
    answer = head.post(f"/h/{code}/silence", data={"scope": "place", "until": "2023-02-22", "reason": "周三到货", "key": "k"})
    assert (answer.status_code, answer.url.query) == (200, b"done=silence")
    assert "静默中：小商店一，到 2月22日 23:59" in answer.text
    assert "应急办主任 office-head的人" in answer.text
    assert "“周三到货”" in answer.text
    number = site.stage.one("select id from silence").id
    assert f"/silences/{number}/lift" not in site.browser("owner").get(f"/h/{code}").text
    assert "静默中" not in head.post(f"/h/{code}/silences/{number}/lift", data={"key": "l"}).text


def test_the_last_day_that_can_be_chosen_is_taken_to_its_last_moment(site: Site) -> None:
    code = site.stage.to_rectifying()
    head = site.browser("office-head")
    assert 'max="2023-02-27"' in head.get(f"/h/{code}").text
    answer = head.post(f"/h/{code}/silence", data={"scope": "case", "until": "2023-02-27", "reason": "在途"})
    assert "短信网关 ※ · 静默至2月27日 10:00" in answer.text
    assert local(site.stage.one("select until_at from silence").until_at).isoformat() == "2023-02-27T10:00:00+08:00"


def test_a_silence_that_is_refused_comes_back_with_what_was_typed(site: Site) -> None:
    code = site.stage.to_rectifying()
    head, owner = site.browser("office-head"), site.browser("owner")
    answer = head.post(f"/h/{code}/silence", data={"scope": "village", "until": "2023-03-20", "reason": "停工"})
    assert answer.status_code == 409
    assert "最长7天" in answer.text
    assert 'value="停工"' in answer.text
    assert 'id="do-silence" open' in answer.text
    for wrong in ({"until": "soon"}, {"scope": "world"}):
        assert head.post(f"/h/{code}/silence", data={"scope": "case", "until": "2023-02-22", "reason": "停工"} | wrong).status_code == 422
    assert owner.post(f"/h/{code}/silence", data={"scope": "case", "until": "2023-02-22", "reason": "停工"}).status_code == 403
    assert owner.post(f"/h/{code}/silences/1/lift").status_code == 404
    assert 'id="do-silence"' not in owner.get(f"/h/{code}").text


def test_the_description_of_the_api_tells_of_it_with_examples(site: Site) -> None:
    told = site.client().get("/api/openapi.json").json()
    for path in ("hazards", *PATHS.values()):
        assert {f"/api/v1/{path}/{{code}}/{what}" for what in ("foresee", "silences")} <= set(told["paths"])
    assert {"/api/v1/foresee", "/api/v1/silences", "/api/v1/silences/{id}/lift"} <= set(told["paths"])
    for name in ("Ahead", "NewSilence", "Lift"):
        assert told["components"]["schemas"][name]["examples"], name
    assert "201" in told["paths"]["/api/v1/silences"]["post"]["responses"]
