"""The desk and the leaders: hazards assigned together after a look, closures decided in the list, the brief, the tables."""

from __future__ import annotations

import io
import re

import python_calamine
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import text

from models.database import transaction
from tests.browser.conftest import Visiting
from tests.site import Site
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
