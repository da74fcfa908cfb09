"""What people do, end to end, in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.site import PASSWORD, Site, photo


def test_one_signs_in_and_comes_back_to_where_one_wanted_to_go(site: Site, visit: Visiting) -> None:
    site.set_passwords()
    code = site.stage.find()
    page = visit(None).page
    page.goto(f"{site.base}/h/{code}")
    page.get_by_label("用户名").fill("office-head")
    page.get_by_label("密码").fill("wrong")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("alert")).to_contain_text("用户名或密码不对")
    expect(page.get_by_label("用户名")).to_have_value("office-head")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page).to_have_url(re.compile(f"/h/{code}$"))
    cookie = page.context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


def test_signing_out_ends_the_login_for_good(site: Site, visit: Visiting) -> None:
    page = visit("office-head").page
    page.goto(f"{site.base}/me")
    token = page.context.cookies()[0]["value"]
    page.get_by_role("button", name="退出登录").click()
    expect(page).to_have_url(re.compile("/login$"))
    page.context.add_cookies([{"name": "bihuan", "value": token, "url": site.base}])
    page.goto(f"{site.base}/inbox")
    expect(page).to_have_url(re.compile("/login"))


def test_a_demo_login_is_filled_with_one_tap(site: Site, visit: Visiting) -> None:
    site.set_passwords()
    site.stage.do("update township set demo = true")
    page = visit(None).page
    page.goto(f"{site.base}/login")
    page.get_by_role("link", name="应急办主任").click()
    expect(page.get_by_label("用户名")).to_have_value("office-head")


def test_a_closure_is_approved_in_the_list_and_taken_back(site: Site, visit: Visiting) -> None:
    first, second = site.stage.to_verified(), site.stage.to_verified(place="shop-2")
    page = visit("office-head").page
    page.goto(f"{site.base}/inbox")
    expect(page.get_by_role("heading", name="待我审批")).to_be_visible()
    expect(page.locator("article")).to_have_count(2)
    page.get_by_role("button", name="同意销号：小商店一").click()
    expect(page.locator("article")).to_have_count(1)
    expect(page.locator(".undo")).to_contain_text("小商店一")
    assert site.stage.case(first).state == "closed"
    page.get_by_role("button", name="撤回").click()
    expect(page.locator("article")).to_have_count(2)
    assert [site.stage.case(code).state for code in (first, second)] == ["verified", "verified"]


def test_the_undo_is_offered_for_ten_minutes(site: Site, visit: Visiting) -> None:
    site.stage.to_closed()
    page = visit("office-head").page
    site.stage.later(minutes=10)
    page.goto(f"{site.base}/inbox")
    expect(page.locator(".undo")).to_have_count(1)
    site.stage.later(minutes=1)
    page.reload()
    expect(page.locator(".undo")).to_have_count(0)


def test_a_closure_is_returned_with_a_reason_from_the_sheet(site: Site, visit: Visiting) -> None:
    code = site.stage.to_verified()
    page = visit("office-head").page
    page.goto(f"{site.base}/inbox")
    page.get_by_role("link", name="退回").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("小商店一")
    sheet.get_by_role("button", name="确认退回").click()
    expect(sheet).to_be_visible()
    sheet.get_by_text("整改不彻底").click()
    sheet.get_by_label("补充说明").fill("里间还没有清")
    sheet.get_by_role("button", name="确认退回").click()
    expect(page.locator(".flash")).to_contain_text("已退回整改")
    case = site.stage.case(code)
    assert (case.state, case.round) == ("rectifying", 2)
    assert site.stage.history(code)[-1].facts["reason"] == "measure_incomplete"
    page.goto(f"{site.base}/h/{code}")
    expect(page.get_by_text("“里间还没有清”")).to_be_visible()


def test_a_stale_button_is_told_kindly_what_has_changed(site: Site, visit: Visiting) -> None:
    code = site.stage.to_verified()
    seen = visit("office-head")
    seen.page.goto(f"{site.base}/inbox")
    site.stage.act("office-head", "refuse_close", code, reason="evidence_missing")
    with seen.page.expect_navigation() as moved:
        seen.page.get_by_role("button", name="同意销号").click()
    assert moved.value
    assert moved.value.status == 409
    expect(seen.page.get_by_role("heading", name="已经有人先办了")).to_be_visible()
    expect(seen.page.get_by_text("不予销号").first).to_be_visible()
    expect(seen.page.get_by_text("理由：佐证不足")).to_be_visible()
    assert site.stage.case(code).state == "rectifying"


def test_two_leaders_at_once_one_wins_and_the_other_is_told(site: Site, visit: Visiting) -> None:
    code = site.stage.to_verified()
    one, other = visit("office-head").page, visit("head-police").page
    for page in (one, other):
        page.goto(f"{site.base}/h/{code}")
    one.get_by_role("button", name="批准销号").click()
    expect(one.locator(".flash")).to_contain_text("已同意销号")
    other.get_by_label("审批意见").fill("同意，做得不错")
    other.get_by_role("button", name="批准销号").click()
    expect(other.get_by_role("heading", name="已经有人先办了")).to_be_visible()
    expect(other.get_by_text("同意，做得不错")).to_be_visible()
    assert [event.trigger for event in site.stage.history(code)].count("approve_close") == 1


def test_an_inspector_finds_a_usual_hazard_with_a_photo(site: Site, visit: Visiting, tmp_path: Path) -> None:
    picture = tmp_path / "before.jpg"
    picture.write_bytes(photo())
    page = visit("inspector").page
    page.goto(f"{site.base}/inbox")
    page.get_by_role("navigation", name="底部导航").get_by_role("link", name="登记隐患").click()
    page.get_by_label("场所名称或编号").fill("小商店二")
    page.get_by_role("button", name="查找").click()
    page.get_by_role("link", name="小商店二").click()
    page.get_by_label("照片", exact=True).set_input_files(picture)
    expect(page.get_by_text("已选 1 张")).to_be_visible()
    page.get_by_text("更多 10 项").click()
    page.get_by_text("灭火器压力不足或已过期").click()
    expect(page.get_by_label("隐患内容")).to_have_value("灭火器压力不足或已过期")
    page.get_by_label("具体位置").fill("收银台旁")
    page.get_by_role("button", name="登记").click()
    expect(page.locator(".flash")).to_contain_text("已登记")
    code = page.url.split("/h/")[1].split("?")[0]
    case = site.stage.case(code)
    assert (case.state, case.item, case.location, case.sla_class) == ("found", "C1", "收银台旁", "g3")
    image = page.locator(".gallery img").first
    expect(image).to_be_visible()
    page.wait_for_function(
        "() => { const image = document.querySelector('.gallery img'); return image.complete && image.naturalWidth > 0 }"
    )


def test_an_owner_submits_the_fix_with_a_photo_and_without_one_is_told_why_not(site: Site, visit: Visiting, tmp_path: Path) -> None:
    picture = tmp_path / "after.jpg"
    picture.write_bytes(photo())
    code = site.stage.to_assigned()
    page = visit("owner").page
    page.goto(f"{site.base}/inbox")
    page.get_by_role("link", name="签收：小商店一").click()
    page.get_by_role("button", name="签收").click()
    expect(page.locator(".flash")).to_contain_text("已签收")
    page.get_by_label("怎么改的").fill("换了新的灭火器")
    page.get_by_role("button", name="报验").click()
    expect(page.get_by_role("alert")).to_contain_text("还没有本轮的整改后照片")
    expect(page.get_by_label("怎么改的")).to_have_value("换了新的灭火器")
    page.get_by_label("整改后照片", exact=True).set_input_files(picture)
    page.get_by_role("button", name="报验").click()
    expect(page.locator(".flash")).to_contain_text("已报验")
    assert site.stage.case(code).submitted_text == "换了新的灭火器"


def test_the_office_assigns_from_its_inbox(site: Site, visit: Visiting) -> None:
    code = site.stage.find()
    page = visit("dispatcher", "desk").page
    page.goto(f"{site.base}/inbox")
    page.get_by_role("link", name="交办：小商店一").click()
    page.get_by_label("整改时限").select_option("g7")
    page.get_by_role("button", name="交办").click()
    expect(page.locator(".flash")).to_contain_text("已交办")
    case = site.stage.case(code)
    assert (case.state, case.sla_class) == ("assigned", "g7")


def test_a_leader_takes_up_what_was_escalated(site: Site, visit: Visiting) -> None:
    code = site.stage.to_rectifying()
    site.stage.later(days=9)
    site.stage.sweep()
    page = visit("mayor").page
    page.goto(f"{site.base}/inbox")
    page.get_by_role("link", name="督办：小商店一").click()
    page.get_by_text("8 小时").click()
    page.get_by_label("准备怎么办").fill("下午到店里看")
    page.get_by_role("button", name="接手督办").click()
    expect(page.locator(".flash")).to_contain_text("已接手督办")
    assert site.stage.timer(code, "rectify").held_until


def test_the_ledgers_filters_live_in_the_address(site: Site, visit: Visiting) -> None:
    site.stage.find()
    site.stage.find(place="pit", grade="major")
    page = visit("mayor", "desk").page
    page.goto(f"{site.base}/hazards")
    expect(page.locator(".grid tbody tr")).to_have_count(2)
    page.get_by_role("combobox", name="等级").select_option("major")
    expect(page).to_have_url(re.compile("grade=major"))
    expect(page.locator(".grid tbody tr")).to_have_count(1)
    page.get_by_role("link", name="已销号").click()
    expect(page.get_by_text("没有符合条件的隐患")).to_be_visible()
    assert "grade=major" in page.url
    page.go_back()
    expect(page.locator(".grid tbody tr")).to_have_count(1)


def test_every_number_leads_to_the_hazards_behind_it(site: Site, visit: Visiting) -> None:
    site.stage.to_closed()
    site.stage.to_assigned()
    site.stage.find(place="pit", grade="major")
    site.stage.later(days=4)
    page = visit("mayor", "desk").page
    for name, count in (("整改率", 1), ("未销号", 2), ("已逾期", 2)):
        page.goto(f"{site.base}/")
        page.get_by_role("region", name="主要数字").get_by_role("link", name=name).click()
        expect(page.locator(".grid tbody tr")).to_have_count(count)


@pytest.mark.parametrize("javascript", [True, False])
def test_reading_and_deciding_work_without_javascript_too(site: Site, visit: Visiting, javascript: bool) -> None:
    code = site.stage.to_verified()
    page = visit("office-head", java_script_enabled=javascript).page
    page.goto(f"{site.base}/inbox")
    if not javascript:
        page.get_by_role("link", name="退回").click()
        expect(page.get_by_role("button", name="不予销号")).to_be_visible()
        page.goto(f"{site.base}/inbox")
    page.get_by_role("button", name="同意销号").click()
    expect(page.locator(".undo")).to_contain_text("已同意销号")
    assert site.stage.case(code).state == "closed"


def test_a_message_on_a_demo_phone_leads_to_its_hazard(site: Site, visit: Visiting) -> None:
    code = site.stage.find()
    site.stage.do("update township set demo = true")
    (site.home / "demo").mkdir()
    said = {"at": "2026-11-23T10:00:00+08:00", "person": "p-dispatcher", "channel": "phone", "title": "待交办"}
    body = f"【待交办】{code} <b>小商店一</b>。 http://localhost:8080/h/{code}"
    lines = ["not a message", json.dumps({**said, "body": body}), '{"at": "half']
    (site.home / "demo" / "phones.jsonl").write_text("\n".join(lines), encoding="utf8")
    page = visit("dispatcher").page
    page.goto(f"{site.base}/demo/phones")
    expect(page.get_by_text("<b>小商店一</b>")).to_be_visible()
    page.get_by_role("link", name=re.compile(code)).click()
    expect(page).to_have_url(f"{site.base}/h/{code}")


def test_phones_are_shown_in_a_demo_alone(site: Site, visit: Visiting) -> None:
    assert visit("mayor").go("/demo/phones") == 404
