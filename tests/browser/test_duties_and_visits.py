"""What people do besides hazards, end to end: applications, duties, inspections, public reports, places, posts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import life
from tests.browser.conftest import Visiting
from tests.site import Site, photo


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo())
    return path


def test_an_owner_asks_for_more_time_and_the_deputy_grants_it(site: Site, visit: Visiting) -> None:
    code = site.stage.to_rectifying(sla_class="g15")
    owner = visit("owner").page
    owner.goto(f"{site.base}/h/{code}?do=request_extension")
    form = owner.locator("#do-request_extension")
    form.get_by_text("物资供应").click()
    form.get_by_label("申请延到哪一天").fill("2023-03-12")
    form.get_by_label("具体情况").fill("配件要从外地发来")
    form.get_by_label("延期期间怎么防控").fill("停用设备")
    form.get_by_role("button", name="申请延期").click()
    expect(owner.locator(".flash")).to_contain_text("延期申请已提交")
    expect(owner.get_by_text("等分管班子成员决定")).to_be_visible()

    deputy = visit("deputy").page
    deputy.goto(f"{site.base}/inbox")
    deputy.get_by_role("link", name="决定：配件要从外地发来").click()
    expect(deputy).to_have_url(re.compile(f"/h/{code}\\?card={code}-YQ1"))
    expect(deputy.locator(".application").get_by_text("停用设备")).to_be_visible()
    expect(deputy.get_by_label("同意延到哪一天")).to_have_value("2023-03-12")
    deputy.get_by_role("button", name="同意延期").click()
    expect(deputy.locator(".flash")).to_contain_text("已同意延期")
    expect(deputy.locator(".story").get_by_text("同意延到：3月12日 23:59")).to_be_visible()
    assert site.stage.case(code).extension_count == 1


def test_a_refused_decision_keeps_what_was_typed(site: Site, visit: Visiting) -> None:
    code = life.ask_for_more_time(site.stage)
    page = visit("deputy").page
    page.goto(f"{site.base}/h/{code}-YQ1")
    page.get_by_label("同意延到哪一天").fill("2023-02-21")
    page.locator(".application").get_by_label("补充说明").fill("尽快")
    page.get_by_role("button", name="同意延期").click()
    expect(page.get_by_role("alert")).to_contain_text("同意延期至的时间须晚于")
    expect(page.get_by_label("同意延到哪一天")).to_have_value("2023-02-21")
    expect(page.locator(".application").get_by_label("补充说明")).to_have_value("尽快")
    assert site.stage.case(code).extension_count == 0


def test_an_interim_control_stands_on_the_page_and_closes_the_gate(site: Site, visit: Visiting) -> None:
    code = site.stage.to_rectifying()
    page = visit("deputy").page
    page.goto(f"{site.base}/h/{code}?do=order_interim")
    form = page.locator("#do-order_interim")
    form.get_by_text("全部停产").click()
    form.get_by_label("停产停用的范围").fill("后厨")
    form.get_by_role("button", name="采取临时管控").click()
    expect(page.locator(".banner")).to_contain_text("临时管控：全部停产")
    page.goto(f"{site.base}/places/shop")
    expect(page.locator(".gate")).to_contain_text("不得开工")
    expect(page.get_by_text("停产停业、查封等临时管控未解除").first).to_be_visible()


def test_a_place_resumes_work_once_somebody_else_has_consented(site: Site, visit: Visiting) -> None:
    owner = visit("owner").page
    owner.goto(f"{site.base}/places/shop")
    owner.get_by_text("申请复工复产").click()
    owner.get_by_label("复工的准备情况").fill("设备检修完毕，人员培训完毕")
    owner.get_by_role("button", name="提交申请").click()
    expect(owner.locator(".gate")).to_contain_text("待复工审查")
    head = visit("office-head").page
    head.goto(f"{site.base}/places/shop")
    head.get_by_text("审查同意，恢复开工").click()
    head.get_by_label("审查情况").fill("现场核查，符合开工条件")
    for item in head.locator("#consent input[type=checkbox]").all():
        item.check()
    head.get_by_role("button", name="同意开工").click()
    expect(head.locator(".gate")).to_contain_text("可以开工")
    expect(head.get_by_text("现场核查，符合开工条件").first).to_be_visible()


def test_a_duty_is_done_with_its_photo_and_not_without(site: Site, visit: Visiting, picture: Path) -> None:
    code = life.duty(site.stage, "ranger", "山场巡护")
    page = visit("ranger").page
    page.goto(f"{site.base}/inbox")
    page.get_by_role("link", name="去完成：山场巡护").click()
    expect(page).to_have_url(re.compile(f"/duties/{code}$"))
    page.get_by_label("做了什么").fill("巡了北坡，没有火情")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("alert")).to_contain_text("还缺少佐证：现场照片")
    expect(page.get_by_label("做了什么")).to_have_value("巡了北坡，没有火情")
    page.get_by_label("现场照片", exact=True).set_input_files(picture)
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".flash")).to_contain_text("已完成")
    expect(page.get_by_text("“巡了北坡，没有火情”").first).to_be_visible()
    expect(page.locator(".gallery img")).to_have_count(1)
    assert site.stage.one("select state from cases where code = :code", code=code).state == "done"


def test_a_document_proves_a_duty_and_comes_back_as_a_file(site: Site, visit: Visiting, tmp_path: Path) -> None:
    paper = tmp_path / "minutes.pdf"
    paper.write_bytes(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")
    code = life.duty(site.stage, "mayor", "专题会议", wanted=("document",))
    page = visit("mayor").page
    page.goto(f"{site.base}/duties/{code}")
    page.get_by_label("做了什么").fill("已开会")
    page.get_by_label("文书材料").set_input_files(paper)
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".flash")).to_contain_text("已完成")
    answer = site.browser("mayor").get(page.get_by_role("link", name="PDF 文件").get_attribute("href") or "")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")


def test_the_office_excuses_a_duty_in_the_calendar_of_the_month(site: Site, visit: Visiting) -> None:
    life.duty(site.stage, "ranger", "山场巡护")
    page = visit("office-head", "desk").page
    page.goto(f"{site.base}/duties?box=all")
    page.get_by_role("link", name="履职 待完成 1").click()
    page.locator("#runs").get_by_role("link", name="山场巡护").click()
    page.locator("summary", has_text="免责").click()
    page.get_by_label("理由").first.fill("当天大雪封山")
    page.get_by_role("button", name="免责").click()
    expect(page.locator(".flash")).to_contain_text("已免责")
    page.goto(f"{site.base}/duties?box=all")
    expect(page.get_by_text("免责 1")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_an_inspection_finds_a_hazard_with_its_photo(site: Site, visit: Visiting, picture: Path, javascript: bool) -> None:
    life.code_of(site.stage)
    page = visit("inspector", java_script_enabled=javascript).page
    page.goto(f"{site.base}/p/code-of-shop")
    page.get_by_role("link", name="开始检查").click()
    page.get_by_label("为什么检查").select_option("holiday")
    failing = page.locator(".item", has=page.locator("[name=item-C1]"))
    expect(failing.locator(".failed")).to_be_hidden()
    failing.get_by_text("不符合").click()
    failing.get_by_label("具体位置").fill("收银台旁")
    failing.get_by_label("整改前照片", exact=True).set_input_files(picture)
    page.locator(".item", has=page.locator("[name=item-B1]")).locator("label.yes").click()
    page.get_by_role("button", name="保存检查").click()
    expect(page.locator(".flash")).to_contain_text("检查已保存")
    expect(page.get_by_text("重大节假日").first).to_be_visible()
    page.get_by_role("link", name="当场整改").click()
    expect(page.locator("#do-fix_on_spot")).to_have_attribute("open", "")
    code = page.url.split("/h/")[1].split("?")[0]
    case = site.stage.case(code)
    assert (case.state, case.item, case.location) == ("found", "C1", "收银台旁")
    assert site.stage.one("select count(*) from evidence where case_id = :id", id=case.case_id).count == 1


def test_a_refused_inspection_keeps_every_answer(site: Site, visit: Visiting) -> None:
    page = visit("inspector").page
    page.goto(f"{site.base}/inspect?place=shop")
    failing = page.locator(".item", has=page.locator("[name=item-C1]"))
    failing.get_by_text("不符合").click()
    failing.get_by_label("情况说明").fill("过期两年")
    page.get_by_text("出具文书，或有第二名检查人员").click()
    page.get_by_label("文书", exact=True).select_option("instruction_order")
    page.get_by_label("我的执法证号").fill("豫M-001")
    page.get_by_role("button", name="保存检查").click()
    expect(page.get_by_role("alert")).to_contain_text("没有执法赋权")
    expect(page.locator("[name=item-C1][value=no]")).to_be_checked()
    expect(page.get_by_label("情况说明").and_(page.locator("[name=note-C1]"))).to_have_value("过期两年")
    expect(page.get_by_label("我的执法证号")).to_have_value("豫M-001")
    assert site.stage.all("select from inspection") == []


def test_a_door_that_stayed_shut_is_recorded_with_what_was_seen(site: Site, visit: Visiting) -> None:
    page = visit("inspector").page
    page.goto(f"{site.base}/inspect?place=shop")
    expect(page.get_by_text("场所现在是")).to_be_hidden()
    page.get_by_text("未能入内", exact=True).click()
    expect(page.locator(".checklist").first).to_be_hidden()
    page.get_by_text("锁门", exact=True).click()
    page.get_by_label("说明（未能入内的写明原因）").fill("敲门无人应答")
    page.get_by_role("button", name="保存检查").click()
    expect(page.locator(".marks-row")).to_contain_text("未能入内")
    page.get_by_role("link", name="场所档案").click()
    expect(page.locator(".marks-row")).to_contain_text("锁门")


def test_a_neighbours_report_is_verified_answered_and_disputed(site: Site, visit: Visiting) -> None:
    life.code_of(site.stage)
    neighbour = visit(None).page
    neighbour.goto(f"{site.base}/p/code-of-shop")
    neighbour.get_by_label("看到了什么").fill("二楼安全出口上了锁")
    neighbour.get_by_text("留下姓名和联系方式").click()
    neighbour.get_by_label("电话或其他联系方式").fill("139 0000 0000")
    neighbour.get_by_role("button", name="提交").click()
    expect(neighbour.get_by_role("heading", name="已收到，谢谢您")).to_be_visible()
    follow = neighbour.url.split("?")[0]

    office = visit("dispatcher").page
    office.goto(f"{site.base}/inbox")
    office.get_by_role("link", name="去核实：二楼安全出口上了锁").click()
    assert "139 0000 0000" not in office.content()
    office.get_by_role("link", name="由此登记隐患").click()
    expect(office.get_by_label("隐患内容")).to_have_value("二楼安全出口上了锁")
    office.get_by_label("具体位置").fill("二楼")
    office.get_by_label("整改时限").select_option("g3")
    office.get_by_role("button", name="登记").click()
    expect(office.get_by_label("对应的隐患编号")).to_have_value(re.compile("YH-2023-"))
    office.get_by_role("button", name="核实属实").click()
    expect(office.locator(".flash")).to_contain_text("已核实属实")
    office.get_by_label("答复内容").fill("已责令当天打开")
    office.get_by_role("button", name="答复举报人").click()

    neighbour.goto(follow)
    expect(neighbour.get_by_text("“已责令当天打开”")).to_be_visible()
    neighbour.get_by_text("没有整改好", exact=True).click()
    neighbour.get_by_label("哪里没有整改好").fill("今天又锁上了")
    neighbour.get_by_role("button", name="请再去看看").click()
    expect(neighbour.get_by_text("正在重新核实")).to_be_visible()
    office.goto(f"{site.base}/reports")
    expect(office.get_by_text("举报人不满意")).to_be_visible()


def test_who_reported_is_read_by_the_office_head_with_a_reason_and_written_down(site: Site, visit: Visiting) -> None:
    code, _ = life.report(site.stage, name="王某", contact="139 0000 0000")
    page = visit("office-head").page
    page.goto(f"{site.base}/reports/{code}")
    page.locator("summary", has_text="查看举报人").click()
    page.get_by_label("为什么要看").fill("需要当面核实")
    page.get_by_role("button", name="查看举报人").click()
    expect(page.locator(".identity")).to_contain_text("139 0000 0000")
    expect(page.locator(".story")).to_contain_text("需要当面核实")
    page.goto(f"{site.base}/reports/{code}")
    assert "139 0000 0000" not in page.content()
    dispatcher = visit("dispatcher").page
    dispatcher.goto(f"{site.base}/reports/{code}")
    expect(dispatcher.locator(".actions").get_by_text("查看举报人")).to_have_count(0)


def test_a_post_is_handed_over_and_stood_in_for(site: Site, visit: Visiting) -> None:
    page = visit("office-head").page
    page.goto(f"{site.base}/posts/inspector")
    page.get_by_label("先找人").fill("inspector-2")
    page.get_by_role("button", name="查找").click()
    form = page.locator("#hand_over")
    form.get_by_text("inspector-2的人").click()
    form.get_by_label("原因").fill("轮岗")
    form.get_by_role("button", name="登记交接").click()
    expect(page.locator(".flash")).to_contain_text("岗位交接已登记")
    expect(page.locator(".facts")).to_contain_text("inspector-2的人")
    page.goto(f"{site.base}/posts/ranger?q=guard")
    page.get_by_text("安排代岗").click()
    form = page.locator("#stand_in")
    form.get_by_text("guard的人").click()
    form.get_by_label("到哪天").fill("2023-02-19")
    form.get_by_label("原因").fill("病假")
    form.get_by_role("button", name="登记代岗").click()
    expect(page.get_by_role("alert")).to_contain_text("结束日早于起始日")
    expect(page.locator("#stand_in").get_by_label("原因")).to_have_value("病假")
