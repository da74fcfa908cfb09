"""The phone in the field: what was found without a network arrives whole and once; owners mend and answer through a link."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visiting
from tests.browser.life import owner_link
from tests.site import PASSWORD, Site, photo


def shoot(page: Page, name: str, tmp_path: Path) -> None:
    """A photo of the phone's own camera, large, with its time in it, goes into a field."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2023:02:20 10:00:00"
    file = tmp_path / "camera.jpg"
    file.write_bytes(photo(size=(2400, 1800), exif=exif))
    page.set_input_files(f"#{name}", str(file))


def sign_in(page: Page) -> None:
    page.get_by_label("用户名").fill("inspector")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def test_what_was_found_without_a_network_is_kept_whole_and_arrives_once(site: Site, visit: Visiting, tmp_path: Path) -> None:
    inspector = visit("inspector")
    page = inspector.page
    page.goto(f"{site.base}/new")
    shoot(page, "before", tmp_path)
    expect(page.get_by_text("照片已存在手机里", exact=True)).to_be_visible()
    page.get_by_role("link", name="小商店一").click()
    expect(page.get_by_text("照片已存在手机里", exact=True)).to_be_visible()
    page.get_by_label("隐患内容").fill("二楼楼梯堆放纸箱")
    page.get_by_label("具体位置").fill("二楼楼梯口")
    page.context.set_offline(True)
    page.get_by_role("button", name="登记").click()
    expect(page.get_by_role("heading", name="待上传 1 条")).to_be_visible()
    expect(page.locator("#outbox")).to_contain_text("小商店一：新隐患")
    expect(page.get_by_label("隐患内容")).to_have_value("")
    assert site.stage.all("select code from cases") == []
    page.close()
    page.context.set_offline(False)
    again = page.context.new_page()
    again.goto(f"{site.base}/inbox")
    expect(again.get_by_role("heading", name="待上传")).to_have_count(0)
    again.wait_for_function("() => !localStorage.getItem('bihuan-outbox')")
    row = site.stage.one("select c.code, description, location from cases c join hazard h on h.case_id = c.id")
    assert (row.description, row.location) == ("二楼楼梯堆放纸箱", "二楼楼梯口")
    kept = site.stage.one("select kind, taken_at from evidence")
    assert (kept.kind, kept.taken_at.isoformat()) == ("before", "2023-02-20T02:00:00+00:00")
    with Image.open(next((site.home / "evidence").glob("*/*.jpg"))) as image:
        assert image.size == (1600, 1200)


def test_what_was_typed_comes_back_when_the_login_has_ended(site: Site, visit: Visiting, tmp_path: Path) -> None:
    site.set_passwords()
    page = visit("inspector").page
    page.goto(f"{site.base}/new?place=shop")
    shoot(page, "before", tmp_path)
    page.get_by_label("隐患内容").fill("护栏缺失")
    page.get_by_label("具体位置").fill("坡道")
    expect(page.get_by_text("照片已存在手机里", exact=True)).to_be_visible()
    site.stage.do("delete from login")
    page.get_by_role("button", name="登记").click()
    expect(page.locator("#outbox")).to_contain_text("登录已过期")
    page.goto(f"{site.base}/login?next=/inbox")
    sign_in(page)
    page.wait_for_function("() => !localStorage.getItem('bihuan-outbox')")
    assert site.stage.one("select description from hazard").description == "护栏缺失"

    code = site.stage.one("select code from cases").code
    page.goto(f"{site.base}/h/{code}?do=order_interim")
    form = page.locator("#do-order_interim")
    form.locator(".choice").first.click()
    form.get_by_label("补充说明").fill("先停用这段坡道")
    site.stage.do("delete from login")
    form.get_by_role("button").click()
    expect(page.get_by_role("heading", name="登录已过期")).to_be_visible()
    expect(page.get_by_text("先停用这段坡道")).to_be_visible()
    page.get_by_role("link", name="重新登录").click()
    sign_in(page)
    expect(form.get_by_label("补充说明")).to_have_value("先停用这段坡道")

    page.goto(f"{site.base}/new?place=shop")
    page.get_by_label("隐患内容").fill("只写了一半")
    for post, found in (("dispatcher", ""), ("inspector", "只写了一半")):
        page.context.add_cookies([{"name": "bihuan", "value": site.token(post), "url": site.base}])
        page.goto(f"{site.base}/new?place=shop")
        expect(page.get_by_label("隐患内容")).to_have_value(found)


def test_an_owner_mends_and_answers_through_the_link_alone(site: Site, visit: Visiting, tmp_path: Path) -> None:
    stage = site.stage
    code = stage.to_assigned(place="shop-2", description="安全出口上锁", measure="拆掉门锁，保证人能一推就出。")
    stage.picture("inspector", code, "before")
    link = f"{site.base}/o/{owner_link(stage, code)}"
    owner = visit(None)
    page = owner.page
    page.goto(link)
    expect(page.get_by_role("heading", name="小商店二，请整改 1 处隐患")).to_be_visible()
    expect(page.get_by_text("拆掉门锁，保证人能一推就出。")).to_be_visible()
    expect(page.get_by_text("2月23日前改好 · 剩 3 天")).to_be_visible()
    page.get_by_role("button", name="我知道了，签收").click()
    expect(page.locator(".flash")).to_contain_text("已签收")

    page.get_by_label("怎么改的").fill("门锁已拆")
    page.get_by_role("button", name="提交整改").click()
    expect(page.get_by_role("alert")).to_contain_text("还没有整改后的照片")
    page.context.set_offline(True)
    shoot(page, "file", tmp_path)
    expect(page.get_by_text("照片已存在手机里，会自动重传")).to_be_visible()
    page.get_by_role("button", name="提交整改").click()
    expect(page.get_by_role("button", name="照片传完后自动提交")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="等检查员来复查")).to_be_visible()
    assert (stage.state(code), stage.case(code).submitted_text) == ("submitted", "门锁已拆")
    assert stage.history(code)[-1].post == "owner-2"
    assert stage.one("select count(*) from evidence where kind = 'after'").count == 1

    stage.act("inspector", "reinspect_fail", code, reason="measure_incomplete", note="里间还没有清")
    page.goto(link)
    expect(page.get_by_role("heading", name="上次没有通过，请再改")).to_be_visible()
    expect(page.get_by_text("里间还没有清")).to_be_visible()
    page.get_by_role("link", name="申请延期").click()
    page.get_by_text("物资供应").click()
    page.get_by_label("申请延到哪一天").fill("2023-03-02")
    page.get_by_label("具体情况").fill("新门要订做")
    page.reload()
    expect(page.get_by_label("具体情况")).to_have_value("新门要订做")
    expect(page.get_by_text("上次没交的内容已恢复")).to_be_visible()
    page.get_by_label("延期期间怎么防控").fill("通道专人看守")
    page.get_by_role("button", name="提交申请").click()
    expect(page.get_by_role("heading", name="延期申请：待审批")).to_be_visible()
    assert stage.one("select state from cases where kind = 'extension'").state == "asked"
    assert owner.outside == []


def test_an_inspector_checks_again_before_the_old_photo_with_one_tap(site: Site, visit: Visiting, tmp_path: Path) -> None:
    stage = site.stage
    code = stage.to_rectifying(description="疏散通道堆放纸箱")
    stage.picture("inspector", code, "before")
    stage.fix(code)
    page = visit("inspector").page
    page.goto(f"{site.base}/h/{code}")
    page.get_by_role("link", name="到现场复查").click()
    expect(page.get_by_alt_text("发现问题时的照片")).to_be_visible()
    shoot(page, "file", tmp_path)
    expect(page.get_by_text("已上传 ✓")).to_be_visible()
    page.get_by_role("button", name="合格", exact=True).click()
    expect(page).to_have_url(re.compile(f"/h/{code}.done=reinspect_pass"))
    assert stage.state(code) == "verified"
    assert stage.one("select note from evidence order by id desc limit 1").note == "复查"


def test_what_was_put_right_at_once_is_registered_and_reported_with_both_photos(site: Site, visit: Visiting, tmp_path: Path) -> None:
    page = visit("inspector").page
    page.goto(f"{site.base}/new?place=shop")
    shoot(page, "before", tmp_path)
    page.get_by_label("隐患内容").fill("灭火器被货物遮挡")
    page.get_by_label("具体位置").fill("收银台旁")
    page.get_by_text("当场已改好").click()
    page.get_by_role("button", name="登记").click()
    expect(page.get_by_role("alert")).to_contain_text("单位负责人在场")
    expect(page.get_by_label("具体位置")).to_have_value("收银台旁")
    shoot(page, "after", tmp_path)
    page.get_by_text("单位负责人在场", exact=True).click()
    page.get_by_role("button", name="登记").click()
    expect(page).to_have_url(re.compile("done=register"))
    case = site.stage.case(str(site.stage.one("select code from cases").code))
    assert (case.state, case.on_spot) == ("submitted", True)


def kept_pages(page: Page) -> list[str]:
    """The addresses of the pages that this phone keeps, whosever they are."""
    found: list[str] = page.evaluate("""async () => (await Promise.all((await caches.keys()).filter((name) => name.startsWith("pages "))
        .map(async (name) => (await (await caches.open(name)).keys()).map((each) => each.url.slice(location.origin.length))))).flat()""")
    return found


def test_pages_open_without_a_network_and_are_nobody_elses(site: Site, visit: Visiting, tmp_path: Path) -> None:
    """What was seen opens as it was seen; a finding kept there arrives once; who signs in next finds nothing of the one before."""
    site.set_passwords()
    code = site.stage.to_rectifying(description="配电箱没有盖")
    seen = visit(None, service_workers="allow")
    page = seen.page
    page.goto(f"{site.base}/login?next=/inbox")
    sign_in(page)
    expect(page).to_have_url(f"{site.base}/inbox")
    page.wait_for_function("async () => navigator.serviceWorker.controller && await caches.match('/inspect')")
    for path in (f"/h/{code}", "/new?place=shop", "/me", "/messages"):
        page.goto(site.base + path)
    page.wait_for_function("async () => Boolean(await caches.match('/new?place=shop'))")
    assert set(kept_pages(page)) == {"/inbox", f"/h/{code}", "/new?place=shop", "/new", "/inspect"}

    page.context.set_offline(True)
    for path, heading in (("/inbox", "待我"), (f"/h/{code}", "配电箱没有盖"), ("/inspect", "现场检查"), ("/new", "登记隐患")):
        page.goto(site.base + path)
        expect(page.locator(".as-seen")).to_contain_text(re.compile(r"离线：这是 \d\d:\d\d 看到的 Offline: as seen at \d\d:\d\d"))
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    page.goto(f"{site.base}/h/{code}?do=order_interim")
    expect(page.get_by_role("heading", name="没有网络")).to_be_visible()
    page.goto(f"{site.base}/h/{code}")
    page.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => true })")  # as where the house is down, not the network
    form = page.locator("#do-order_interim")
    form.evaluate("each => { each.open = true }")
    form.locator(".choice").first.click()
    form.get_by_label("补充说明").fill("先断电")
    form.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("刚才的内容没有送出，已存在手机里")
    page.goto(f"{site.base}/inbox")
    page.goto(f"{site.base}/h/{code}")
    expect(form.get_by_label("补充说明")).to_have_value("先断电")
    page.goto(f"{site.base}/me")
    page.get_by_role("region", name="看过的").get_by_role("link", name="登记隐患 · 小商店一").click()
    for number, words in enumerate(("灭火器过期", "货架堵住安全出口"), 1):  # a copy opened twice is two forms
        page.goto(f"{site.base}/new?place=shop")
        shoot(page, "before", tmp_path)
        expect(page.get_by_text("照片已存在手机里", exact=True)).to_be_visible()
        page.get_by_label("隐患内容").fill(words)
        page.get_by_label("具体位置").fill("一楼")
        page.get_by_role("button", name="登记").click()
        expect(page.get_by_role("heading", name=f"待上传 {number} 条")).to_be_visible()
    page.context.set_offline(False)
    page.goto(f"{site.base}/inbox")
    page.wait_for_function("() => !localStorage.getItem('bihuan-outbox')")
    found = site.stage.all("select description from hazard h join evidence e on e.case_id = h.case_id where e.kind = 'before' order by 1")
    assert sorted(row.description for row in found) == ["灭火器过期", "货架堵住安全出口"]

    page.goto(f"{site.base}/me")
    page.context.set_offline(True)
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_role("alert")).to_contain_text("没有送出")
    assert kept_pages(page) == []
    page.context.set_offline(False)
    page.goto(f"{site.base}/me")
    page.get_by_role("button", name="退出登录").click()
    expect(page.get_by_label("密码")).to_be_visible()
    assert kept_pages(page) == []
    page.context.set_offline(True)
    page.goto(f"{site.base}/inbox")
    expect(page.get_by_role("heading", name="没有网络")).to_be_visible()
    page.context.set_offline(False)

    as_whom = {"name": "bihuan", "url": site.base}
    page.context.add_cookies([{**as_whom, "value": site.token("inspector")}])
    page.goto(f"{site.base}/inbox")
    page.wait_for_function("async () => (await caches.keys()).some((name) => name.startsWith('pages '))")
    page.context.add_cookies([{**as_whom, "value": site.token("dispatcher")}])
    page.goto(f"{site.base}/messages")
    page.wait_for_function("async () => !(await caches.match('/inbox'))")
    assert set(kept_pages(page)) <= {"/new", "/inspect"}  # the dispatcher's own
    site.stage.do("delete from login")
    page.goto(f"{site.base}/inbox")
    expect(page.get_by_label("密码")).to_be_visible()
    page.wait_for_function("async () => !(await caches.keys()).some((name) => name.startsWith('pages '))")
    assert [error for error in seen.errors if "ERR_INTERNET_DISCONNECTED" not in error] == []
