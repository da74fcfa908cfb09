"""The pages as a browser without JavaScript gets them: where messages lead, what strangers see, and what they don't."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.enumerations import CaseKind
from statemachines.laws import LAWS
from tests.browser import life
from tests.site import Site, serve
from tests.stage import Stage
from web.story import ICONS


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


@pytest.mark.parametrize("kind", list(CaseKind))
def test_every_step_of_every_case_has_a_sign_of_its_own(kind: CaseKind) -> None:
    assert [trigger for trigger in LAWS[kind].by_trigger if trigger not in ICONS] == []


def test_the_link_of_a_message_leads_to_where_the_case_stands(site: Site) -> None:
    stage = site.stage
    hazard = life.ask_for_more_time(stage)
    duty = life.duty(stage, "inspector")
    report, _ = life.report(stage)
    client = site.browser("office-head")
    pages = {hazard: f"/h/{hazard}", f"{hazard}-YQ1": f"/h/{hazard}", duty: f"/duties/{duty}", report: f"/reports/{report}"}
    for code, page in pages.items():
        answer = client.get(f"/h/{code}")
        assert (answer.status_code, answer.url.path) == (200, page)
    assert client.get("/h/LZ-2023-99999").status_code == 404


def test_an_application_opens_on_its_hazards_page_with_its_decision(site: Site) -> None:
    hazard = life.ask_for_more_time(site.stage)
    page = site.browser("deputy").get(f"/h/{hazard}-YQ1").text
    assert f'id="{hazard}-YQ1"' in page
    assert f'action="/c/{hazard}-YQ1/grant"' in page
    assert f'action="/c/{hazard}-YQ1/grant"' not in site.browser("owner").get(f"/h/{hazard}").text


def test_a_decision_on_a_version_that_has_passed_is_refused(site: Site) -> None:
    hazard = life.ask_for_more_time(site.stage)
    form = {"version": "7", "as_post": "deputy", "reason": "理由不足"}
    answer = site.browser("deputy").post(f"/c/{hazard}-YQ1/decline", data=form)
    assert answer.status_code == 409
    assert "理由不足" in answer.text
    assert site.stage.one("select state from cases where code = :code", code=f"{hazard}-YQ1").state == "asked"


def test_the_board_of_a_place_names_nobody(site: Site) -> None:
    stage = site.stage
    stage.to_rectifying(place="pit", grade="major", description="安全出口少于2个")
    token = life.code_of(stage, "pit", "code-of-pit")
    page = site.client().get(f"/p/{token}")
    assert page.status_code == 200
    for shown in ("一号矿", "不得开工", "安全出口少于2个", "未销号隐患"):
        assert shown in page.text
    assert not re.search(r"的人|owner|YH-2023|p-\w+|138", page.text)
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers


def test_a_hazard_that_is_not_yet_verified_is_not_made_public(site: Site) -> None:
    site.stage.find(place="pit", grade="major", description="未核实的说法")
    assert "未核实的说法" not in site.client().get(f"/p/{life.code_of(site.stage, 'pit', 'code-of-pit')}").text


def test_a_code_or_a_link_that_nobody_gave_out_leads_nowhere(site: Site) -> None:
    client = site.client()
    for path in ("/p/", "/p/None", "/p/shop", "/report/x", "/report/" + "a" * 500):
        assert client.get(path).status_code == 404, path


def test_strangers_send_small_forms_alone(site: Site) -> None:
    client = site.client(headers={"Origin": site.base})
    assert client.post("/report", data={"description": "长" * 40_000}).status_code == 413
    assert client.post("/report", data={"description": "长" * 2001}).status_code in (409, 422)
    assert client.post("/report", data={"description": "  "}).status_code == 409
    assert client.post("/report", files={"description": ("a.txt", b"x")}).status_code == 409
    assert site.stage.all("select from public_report") == []


def test_what_a_stranger_typed_survives_a_refusal(site: Site) -> None:
    said = {"description": "长" * 2001, "said_place": "村口", "contact": "139"}
    page = site.client(headers={"Origin": site.base}).post("/report", data=said).text
    assert 'value="村口"' in page
    assert 'value="139"' in page


def test_a_report_can_be_followed_by_its_link_alone(site: Site) -> None:
    client = site.client(headers={"Origin": site.base})
    sent = client.post("/report", data={"description": "井盖缺失", "said_place": "村口", "name": "王某", "contact": "139"})
    assert sent.status_code == 303
    page = client.get(sent.headers["location"])
    assert "井盖缺失" in page.text
    assert "139" not in page.text
    assert "王某" not in page.text
    code = site.stage.one("select code from cases where kind = 'report'").code
    assert client.get(f"/report/{code}").status_code == 404


def test_too_many_reports_of_one_machine_have_to_wait(site: Site) -> None:
    client = site.client(headers={"Origin": site.base})
    sent = [client.post("/report", data={"description": f"第{n}处"}).status_code for n in range(11)]
    assert (set(sent[:10]), sent[10]) == ({303}, 429)


def test_who_is_reported_learns_nothing_of_it(site: Site) -> None:
    code, _ = life.report(site.stage)
    for post in ("owner", "village-1", "grid-1", "ranger", "discipline"):
        client = site.browser(post)
        assert client.get("/reports").status_code == 403, post
        assert client.get(f"/reports/{code}").status_code == 403, post
        for path in ("/inbox", "/places/shop"):
            assert "二楼安全出口上了锁" not in client.get(path).text, (post, path)


def test_the_identity_is_nobodys_but_the_office_heads(site: Site) -> None:
    code, _ = life.report(site.stage, name="王某", contact="139 0000 0000")
    form = {"version": "1", "as_post": "dispatcher", "reason": "想知道"}
    answer = site.browser("dispatcher").post(f"/reports/{code}/read_identity", data=form)
    assert answer.status_code == 403
    assert "139 0000 0000" not in answer.text
    empty = site.browser("office-head").post(f"/reports/{code}/read_identity", data={**form, "as_post": "office-head", "reason": ""})
    assert empty.status_code == 409
    assert "139 0000 0000" not in empty.text
    told = site.browser("office-head").post(f"/reports/{code}/read_identity", data={**form, "as_post": "office-head"})
    assert "139 0000 0000" in told.text
    assert told.headers["cache-control"] == "no-store"
    assert site.stage.history(code)[-1].trigger == "read_identity"


def test_numbers_say_a_dash_where_nothing_can_be_divided(site: Site) -> None:
    page = site.browser("office-head").get("/numbers").text
    card = re.search(r"<li><span>整改率 R</span><b>(.*?)</b>", page, re.S)
    assert card
    assert re.sub("<.*?>", "", card[1]).strip() == "—"
    assert "已销号 ÷ 有效隐患" in page
    assert "线索，不是结论" in page


def test_a_township_that_does_not_rank_says_so(site: Site) -> None:
    site.stage.do("update township set rules = rules || cast('{\"league\": {\"on\": false}}' as jsonb), revision = revision + 1")
    page = site.browser("office-head").get("/numbers").text
    assert "本镇不排名次。" in page
    assert "league-table" not in page


def test_a_village_reads_its_own_numbers_and_an_enterprise_none(site: Site) -> None:
    page = site.browser("village-1").get("/numbers").text
    assert "东村得分" in page
    assert "西村" not in page
    assert site.browser("owner").get("/numbers").status_code == 403
    assert site.browser("village-1").get("/registry").status_code == 403


def test_vacant_posts_stand_on_top(site: Site) -> None:
    site.stage.do("update holding set to_day = '2023-02-01' where post_id = (select id from post where code = 'grid-2')")
    page = site.browser("office-head").get("/posts").text
    assert page.index("西村网格员") < page.index('id="h-filled"')
    assert "空缺 1 个" in page


def test_a_criterion_that_has_changed_is_offered_to_the_office_head(site: Site) -> None:
    page = site.browser("office-head").get("/registry").text
    assert "判定标准变了" in page
    assert "判定标准变了" not in site.browser("mayor").get("/registry").text
