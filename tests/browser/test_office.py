"""The desk and the leaders: hazards assigned together after a look, closures decided in the list, the brief, the tables."""

from __future__ import annotations

import io
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import python_calamine
from httpx import Response
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import text

from models.database import transaction
from tests.browser.conftest import Visiting
from tests.site import Site
from web import pages
from web.sheet import comma_separated


def test_hazards_are_found_assigned_together_fixed_verified_and_approved_together(site: Site, visit: Visiting) -> None:
    """At the desk what an assignment does is seen before it is done; what can't be done keeps the rest from nothing and says why."""
    stage = site.stage
    first, second, major = stage.find(), stage.find(place="shop-2"), stage.find(place="pit", grade="major")
    desk = visit("dispatcher", "desk")
    page = desk.page
    page.goto(f"{site.base}/hazards")
    queues = page.get_by_role("navigation", name="状态筛选")
    expect(queues.get_by_role("link", name="待分派 3")).to_be_visible()
    queues.get_by_role("link", name="待分派").click()
    page.get_by_role("button", name="预览交办").click()
    expect(page.get_by_role("button", name="预览交办")).to_be_visible()  # nothing picked, nothing sent
    page.get_by_role("button", name="全选本页").click()
    page.get_by_label("整改时限").select_option("g7")
    page.get_by_role("button", name="预览交办 3 条").click()
    expect(page.get_by_text("还没有改动任何内容")).to_be_visible()
    expect(page.get_by_text("小商店一负责人，2月27日 23:59 前整改")).to_be_visible()
    expect(page.get_by_text("通知 grid-1的人、owner的人")).to_be_visible()
    expect(page.get_by_role("region", name="这些办不了")).to_contain_text(major)
    assert [stage.case(code).state for code in (first, second)] == ["found", "found"]
    stage.act("dispatcher", "assign", second)  # a colleague is faster
    page.get_by_role("button", name="交办这 2 条").click()
    expect(page.get_by_text("办成 1 条，没办成 1 条")).to_be_visible()
    expect(page.get_by_role("region", name="没有办成")).to_contain_text("已经有人先办了")
    assert (stage.case(first).state, stage.case(first).sla_class) == ("assigned", "g7")
    assert [event.trigger for event in stage.history(second)].count("assign") == 1

    for code in (first, second):
        stage.act(stage.responsible(code), "acknowledge", code)
        stage.fix(code)
        stage.act("inspector", "reinspect_pass", code)
    leader = visit("office-head", "phone", viewport={"width": 390, "height": 1400})
    page = leader.page
    page.goto(f"{site.base}/inbox?todo=approve")
    bulk = page.get_by_role("button", name=re.compile("同意看过的 [12] 条"))
    for card in page.locator("article .pair").all():
        card.scroll_into_view_if_needed()
        expect(page.locator("article.seen").first).to_be_visible()
    expect(page.locator("article.seen")).to_have_count(2)
    bulk.click()
    expect(page.get_by_text("办成 2 条", exact=True)).to_be_visible()
    assert [stage.case(code).state for code in (first, second)] == ["closed", "closed"]
    assert (desk.errors, leader.errors) == ([], [])


def test_a_major_closure_is_never_approved_with_others(site: Site) -> None:
    major, general = site.stage.to_verified(place="pit", grade="major"), site.stage.to_verified()
    stranger = site.browser("mayor")
    picks = {"pick": [f"{code}:{site.stage.case(code).version}" for code in (major, general)], "key": "once"}
    answer = stranger.post("/inbox/approve", data=picks)
    assert "重大隐患须逐条审批" in answer.text
    assert site.stage.case(major).state == "verified"
    assert stranger.post("/inbox/approve", data={"key": "none"}).status_code == 422
    assert stranger.post("/hazards/preview", data={"pick": ["x"]}).status_code == 422


def test_two_leaders_at_once_in_their_lists_one_wins_and_the_other_is_told(site: Site, visit: Visiting) -> None:
    """Decided without leaving the list, counts and undo with it; who was slower gets the page that says what happened."""
    code, other = site.stage.to_verified(), site.stage.to_verified(place="shop-2")
    one, two = visit("office-head"), visit("head-police")
    for seen in (one, two):
        seen.page.goto(f"{site.base}/h/{code}" if seen is two else f"{site.base}/inbox")
    here = one.page.url
    one.page.get_by_role("button", name="同意销号：小商店一").click()
    expect(one.page.locator(".undo")).to_contain_text("小商店一")
    assert one.page.url == here
    expect(one.page.locator("#waiting-red")).to_have_text("1")
    expect(one.page.locator("article")).to_have_count(1)
    one.page.get_by_role("link", name="退回").click()
    sheet = one.page.get_by_role("dialog")
    sheet.get_by_text("佐证不足").click()
    sheet.get_by_role("button", name="确认退回").click()
    expect(one.page.locator(".flash")).to_contain_text("已退回整改：小商店二")
    assert one.page.url == here
    assert (site.stage.case(code).state, site.stage.case(other).state) == ("closed", "rectifying")
    two.page.get_by_role("button", name="批准销号").click()
    expect(two.page.get_by_role("heading", name="已经有人先办了")).to_be_visible()
    assert [event.trigger for event in site.stage.history(code)].count("approve_close") == 1
    assert one.errors == []


def test_a_filter_is_kept_under_a_name_and_forgotten(site: Site, visit: Visiting) -> None:
    site.stage.find()
    page = visit("mayor", "desk").page
    page.goto(f"{site.base}/hazards?village=v1&show=overdue&evil=%3Cscript%3E")
    page.get_by_text("保存这个筛选").click()
    page.get_by_label("筛选的名字").fill("东村<逾期>")
    page.get_by_role("button", name="保存").click()
    page.goto(f"{site.base}/hazards")
    page.get_by_role("link", name="东村<逾期>").click()
    expect(page).to_have_url(re.compile(r"\?show=overdue&village=v1$"))
    page.get_by_role("button", name="不再保留").click()
    expect(page.get_by_role("link", name="东村<逾期>")).to_have_count(0)


def test_the_brief_is_frozen_and_forwarded_as_a_picture(site: Site, visit: Visiting) -> None:
    site.stage.to_closed()
    site.stage.to_assigned(place="shop-2")
    page = visit("mayor").page
    page.goto(f"{site.base}/brief")
    expect(page.get_by_text("未定稿")).to_be_visible()
    page.get_by_role("button", name="按此刻定稿").click()
    frozen = page.url
    site.stage.find(place="pit")
    page.goto(f"{site.base}/brief")
    expect(page.locator(".brief-three")).to_contain_text("1/3")
    page.goto(frozen)
    expect(page.locator(".brief-three")).to_contain_text("1/2")
    path = page.get_by_role("link", name="图片，长按转发").get_attribute("href")
    mayor = site.browser("mayor")
    picture = mayor.get(str(path))
    assert (picture.headers["content-type"], Image.open(io.BytesIO(picture.content)).width) == ("image/png", 1029)
    assert mayor.get(str(path)).content == picture.content
    assert site.browser("village-1").get("/brief.png").status_code == 403
    assert mayor.get("/brief?paper=999").status_code == 404


def test_who_is_away_and_who_decides_instead_stands_in_the_inbox(site: Site, visit: Visiting) -> None:
    with transaction(site.stage.engine) as session:
        session.execute(text("""
            insert into holding (person_id, post_id, from_day, to_day, deputy_of_id)
            select deputy.id, post.id, '2023-02-22', '2023-02-24', mayor.id from post, person deputy, person mayor
            where post.code = 'mayor' and deputy.key = 'p-deputy' and mayor.key = 'p-mayor'
        """))
    site.stage.to_verified()
    for post, said in (("mayor", "委托 2月22日–24日 由 deputy的人 代为办理"), ("deputy", "你代 mayor的人 办理")):
        page = visit(post).page
        page.goto(f"{site.base}/inbox?todo=approve")
        expect(page.locator(".away")).to_contain_text(said)


def test_the_matrix_shows_where_nobody_answers(site: Site, visit: Visiting) -> None:
    site.stage.do("update holding set to_day = '2023-02-01' where post_id = (select id from post where code = 'owner-3')")
    page = visit("office-head", "desk").page
    page.goto(f"{site.base}/matrix?only=true")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("td.gap a").click()
    expect(page.get_by_role("link", name="一号矿")).to_be_visible()


def test_tables_are_taken_away_as_files_in_which_nothing_is_a_formula(site: Site) -> None:
    site.stage.do("update place set name = '=cmd|calc' where code = 'shop'")
    office = site.browser("office-head")
    rows = python_calamine.load_workbook(io.BytesIO(office.get("/places.xlsx").content)).get_sheet_by_index(0).to_python()
    assert (rows[0][:2], rows[1][:2], len(rows)) == (["编号", "名称"], ["shop", "=cmd|calc"], 4)
    assert "'=cmd|calc" in office.get("/places.csv").content.decode("utf-8-sig")
    assert "office-head的人" in office.get("/people.csv?q=office-head").text
    assert office.get("/posts.xlsx").status_code == 200
    assert site.browser("owner").get("/people.csv").status_code == 403
    assert comma_separated(["a"], [["-1"], [2]]).decode("utf-8-sig").splitlines() == ["a", "'-1", "2"]


def test_a_hazards_page_draws_where_it_stands_and_what_may_follow(site: Site, visit: Visiting) -> None:
    code = site.stage.to_verified()
    page = visit("office-head", "desk").page
    page.goto(f"{site.base}/h/{code}")
    drawn = page.locator("svg.machine")
    expect(drawn.locator("g.here")).to_have_text("待销号")
    expect(drawn.locator("text.mine")).to_contain_text(["批准销号"])
    expect(page.locator(".following .mine").first).to_contain_text("批准销号 → 已销号，你现在可以办")


def listed(page: Response, path: str) -> list[str]:
    return re.findall(rf'<th scope="row" class="lead"[^>]*><a href="{path}/([^"]+)"', page.text)


def test_a_table_is_ordered_by_a_column_keeps_its_filters_and_goes_on_where_it_stopped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = site.stage
    codes = [stage.find(), stage.find(place="pit", grade="major"), stage.find(place="shop-2")]
    for module in (pages.ledger, pages.places, pages.people):
        monkeypatch.setattr(module, "LENGTH", 2)
    office = site.browser("office-head")
    seen = office.get("/hazards?show=all&sort=-grade&village=&q=&cols=grade,village")
    assert listed(seen, "/h")[0] == codes[1]
    turned = "/hazards?show=all&amp;sort=grade&amp;cols=village%2Cgrade"
    assert re.findall(r'aria-sort="(\w+)"><a href="([^"]+)"', seen.text) == [("descending", turned)]
    assert "责任岗位</th>" not in seen.text
    following = unescape(re.findall(r'class="more"><a class="button" href="([^"]+)"', seen.text)[0])
    assert "sort=-grade" in following and "cols=village" in following
    assert sorted(listed(seen, "/h") + listed(office.get(f"/hazards{following}"), "/h")) == codes
    cursor = parse_qs(urlsplit(following).query)["cursor"][0]
    for elsewhere in ("/hazards?show=all&sort=grade", "/hazards?show=all", "/places?sort=name", "/messages?box=all", "/people?q="):
        answer = office.get(f"{elsewhere}&cursor={cursor}")
        assert (answer.status_code, "属于另一份列表或另一种排序" in answer.text) == (422, True), elsewhere
    assert site.api("mayor").get("/api/v1/hazards", params={"cursor": cursor}).json()["errors"][0]["message"] == "of another list or order"
    for path, table in (("/places", "place"), ("/people", "person")):
        for column in ("name", "posts", "open", "village", "username", "channels", "gate"):
            up, found = f"{path}?sort={column}", []
            while up:
                page = office.get(up)
                assert page.status_code == 200
                found += re.findall(r'<th scope="row" class="lead".*?</th>', page.text, re.DOTALL)
                more = re.findall(r'class="more"><a class="button" href="([^"]+)"', page.text)
                up = f"{path}{unescape(more[0])}" if more else ""
            assert len(set(found)) == len(found) == stage.one(f"select count(*) from {table}").count
    assert listed(office.get("/places?sort=-code"), "/places") == ["shop-2", "shop"]
    assert listed(office.get("/posts?sort=holder"), "/posts") == listed(office.get("/posts?sort=-holder"), "/posts")[::-1]


def test_escalations_are_narrowed_to_whom_they_went(site: Site) -> None:
    code, quiet = site.stage.to_assigned(), site.stage.to_assigned(place="pit")
    site.stage.act(site.stage.responsible(quiet), "acknowledge", quiet)
    site.stage.later(days=9)
    site.stage.sweep()
    told = site.stage.all("""
        select person.key, c.code from notice n join person on person.id = n.person_id join cases c on c.id = n.case_id
        where (n.facts ->> 'level')::int > 0""")
    office = site.browser("office-head")
    assert told
    for person in {row.key for row in told}:
        hazards = {row.code for row in told if row.key == person}
        assert set(listed(office.get(f"/hazards?show=all&to={person}"), "/h")) == hazards
        assert set(re.findall(r'href="/h/([^"]+)"', office.get(f"/messages?to={person}").text)) == hazards
    assert listed(office.get("/hazards?show=all&to=nobody"), "/h") == []
    assert {code, quiet} >= {row.code for row in told}


def test_the_menu_is_read_at_a_glance(site: Site, visit: Visiting) -> None:
    desk = visit("office-head", "desk").page
    desk.goto(f"{site.base}/places")
    menu = desk.get_by_role("navigation", name="主导航")
    expect(menu.get_by_role("link", name="人员")).to_be_visible()  # in the group of the page that one is on
    expect(menu.get_by_role("link", name="升级阶梯")).to_be_hidden()
    assert menu.get_by_role("link").count() <= 16
    menu.locator("summary", has_text="设置").focus()
    desk.keyboard.press("Enter")
    menu.get_by_role("link", name="升级阶梯").click()
    expect(desk).to_have_url(f"{site.base}/ladders")
    few = visit("owner", "desk").page
    few.goto(f"{site.base}/inbox")
    expect(few.get_by_role("navigation", name="主导航").locator("summary")).to_have_count(0)
