"""The ledger by page and by program: as far as one's posts reach, and in only through the office, in two steps."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import xlsxwriter
from PIL import Image
from python_calamine import load_workbook

from papers.ledger.official import STREET21, TOWNSHIP15
from tests.site import Site, photo, serve
from tests.stage import Stage
from web import sheets
from web.caller import Caller
from web.problem import Problem

HEADER = [column.zh for column in TOWNSHIP15.columns]


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def workbook(*rows: dict[str, str]) -> bytes:
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out)
    sheet = made.add_worksheet("台账")
    sheet.write_row(0, 0, HEADER)
    for line, row in enumerate(rows, 1):
        sheet.write_row(line, 0, [row.get(zh, "") for zh in HEADER])
    made.close()
    return out.getvalue()


LINE = {"检查时间": "2023-02-18", "单位(场所)": "小商店一", "隐患内容": "灭火器过期"}


def cells(content: bytes) -> list[list[object]]:
    return list(load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python())


def test_everybody_downloads_the_ledger_of_what_they_see_with_the_filters_of_the_page(site: Site) -> None:
    here, there = site.stage.find(), site.stage.find(place="pit")
    site.stage.to_closed(description="已改")
    codes = {}
    for post in ("office-head", "village-1", "owner-3"):
        answer = site.browser(post).get("/hazards.xlsx")
        assert answer.headers["content-type"].startswith("application/vnd.openxmlformats")
        codes[post] = [row[0] for row in cells(answer.content)[1:]]
    assert codes == {"office-head": [here, there], "village-1": [here], "owner-3": [there]}
    street = cells(site.browser("office-head").get("/hazards.xlsx?show=all&form=street21&village=v1").content)
    assert street[0] == [column.zh for column in STREET21.columns]
    assert len(street) == 3
    visits = cells(site.browser("village-2").get("/hazards.xlsx?form=station18").content)
    assert [row[2] for row in visits[1:]] == ["一号矿"]
    program = cells(site.api("office-head").get("/api/v1/ledger.xlsx", params={"state": "closed", "form": "township15"}).content)
    assert [row[13] for row in program[1:]] == ["是"]
    assert site.client().get("/api/v1/ledger.xlsx").status_code == 401


def test_who_may_not_know_of_reports_learns_of_none_from_a_ledger_a_page_or_a_program(site: Site) -> None:
    stage = site.stage
    report, _ = stage.report()
    code = stage.find(description="消防通道堆满货物", source="public")
    stage.act("dispatcher", "substantiate", report, hazard=code)
    stage.find(description="灭火器过期", source="patrol")
    for post, sources in (("dispatcher", ["群众举报", "巡查巡护"]), ("owner", ["", ""]), ("grid-1", ["", ""])):
        told = [f"群众举报 {report}", ""] if sources[0] else ["", ""]
        program, browser = site.api(post), site.browser(post)
        page = browser.get("/hazards.xlsx?show=all&form=street21")
        for answer in (page, program.get("/api/v1/ledger.xlsx", params={"form": "street21"})):
            street = cells(answer.content)[1:]
            assert ([row[11] for row in street], [row[20] for row in street]) == (sources, told)
        full = cells(browser.get("/hazards.xlsx?show=all").content)
        assert [row[full[0].index("来源")] for row in full[1:]] == sources
        view, listed = program.get(f"/api/v1/hazards/{code}").json(), program.get("/api/v1/hazards").json()["items"]
        assert {view["source"], *(each["source"] for each in listed)} == ({"public", "patrol"} if sources[0] else {None})
        assert ("（群众举报）" in browser.get(f"/h/{code}").text) == bool(sources[0])


def test_photos_are_for_few_lines_and_for_one_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.stage.find()
    site.stage.find(place="pit")
    monkeypatch.setattr(sheets, "PICTURED_AT_MOST", 1)
    office = site.api("dispatcher")

    def asked(**said: str) -> tuple[int, str]:
        answer = office.get("/api/v1/ledger.xlsx", params={"photos": "true", **said})
        return answer.status_code, "" if answer.status_code == 200 else answer.json()["detail"]

    assert asked() == (422, sheets.TOO_MANY_PICTURES[0])
    assert site.browser("dispatcher").get("/hazards.xlsx?photos=true").status_code == 422
    assert asked(village="v2") == asked(photos="false") == asked(form="station18") == (200, "")
    with sheets.PICTURING:
        assert asked(village="v2") == (429, sheets.BUSY[0])
        assert asked(photos="false") == (200, "")
    assert asked(village="v2") == (200, "")


def test_what_a_township_sent_is_kept_for_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "KEPT_AT_MOST", 1)
    house: Any = SimpleNamespace(settings=SimpleNamespace(home=tmp_path))
    one, other = (cast(Caller, SimpleNamespace(township_id=township_id)) for township_id in (1, 2))
    first = sheets.keep(house, one, io.BytesIO(workbook(LINE)))
    second = sheets.keep(house, other, io.BytesIO(workbook({**LINE, "隐患内容": "通道堵塞"})))
    assert sheets.kept(house, one, first).form is sheets.kept(house, other, second).form
    with pytest.raises(Problem):
        sheets.kept(house, other, first)
    sheets.keep(house, one, io.BytesIO(workbook()))
    with pytest.raises(Problem):
        sheets.kept(house, one, first)
    assert sheets.kept(house, other, second)


def test_photos_stand_in_the_sheet_small(site: Site) -> None:
    code = site.stage.to_rectifying()
    for kind in ("before", "after"):
        sent = {"file": ("a.jpg", photo(size=(1600, 1200)), "image/jpeg")}
        assert site.api("owner").post(f"/api/v1/hazards/{code}/evidence", data={"kind": kind}, files=sent).status_code in (200, 201)
    answer = site.browser("owner").get("/hazards.xlsx?photos=true")
    assert cells(answer.content)[0][-2:] == ["整改前照片", "整改后照片"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        pictures = [name for name in archive.namelist() if name.startswith("xl/media/")]
        sizes = [Image.open(io.BytesIO(archive.read(name))).size for name in pictures]
    assert len(pictures) == 2
    assert all(width <= 150 and height <= 112 for width, height in sizes)


def test_the_office_takes_a_ledger_in_after_it_has_seen_what_it_comes_to(site: Site) -> None:
    office = site.browser("dispatcher")
    assert "导入台账" in office.get("/ledger/import").text
    assert 'href="/ledger/import"' in office.get("/hazards").text
    sent = {"file": ("二月清单.xlsx", workbook(LINE, {**LINE, "隐患内容": "通道堵塞", "整改情况": "已整改"}))}
    report = office.post("/ledger/import", files=sent)
    assert "登记 2 条" in report.text
    assert "复查后才能销号" in report.text
    assert site.stage.all("select id from cases") == []
    [confirm] = set(re.findall(r'action="(/ledger/import/[0-9a-f]{64})"', report.text))
    done = office.post(confirm, data={"name": "二月清单.xlsx"})
    assert "登记了 2 条隐患" in done.text
    assert [row.state for row in site.stage.all("select state from cases")] == ["found", "found"]
    assert office.post(confirm, data={"name": "二月清单.xlsx"}).status_code == 404
    again = office.post("/ledger/import", files=sent)
    assert "已有 <b>2</b>" in again.text
    assert "登记 2 条" not in again.text


def test_a_wrong_line_comes_back_marked_and_nothing_is_registered(site: Site) -> None:
    office = site.browser("office-head")
    sent = {"file": ("二月.xlsx", workbook(LINE, {**LINE, "单位(场所)": "小商店壹"}))}
    report = office.post("/ledger/import", files=sent)
    assert "您是不是指：小商店一" in report.text
    [confirm] = set(re.findall(r'action="(/ledger/import/[0-9a-f]{64})"', report.text))
    marked = cells(office.get(f"{confirm}/marked.xlsx?name=二月.xlsx").content)
    assert marked[0][:2] == ["错误", "建议"]
    assert [bool(row[0]) for row in marked[1:]] == [False, True]
    refused = office.post(confirm, data={"name": "二月.xlsx"})
    assert refused.status_code == 422
    assert site.stage.all("select id from cases") == []
    assert "登记了 1 条隐患" in office.post(confirm, data={"name": "二月.xlsx", "partial": "yes"}).text


def test_what_is_no_ledger_is_refused_on_the_page_and_others_have_no_business_there(site: Site) -> None:
    office = site.browser("dispatcher")
    for name, content, said in (
        ("a.xlsx", b"1,2,3", "不是 Excel 工作簿"), ("b.xlsx", workbook()[:-100], "已损坏"), ("", b"", "还没有选择文件"),
    ):  # fmt: skip
        answer = office.post("/ledger/import", files={"file": (name, content)})
        assert answer.status_code == 422
        assert said in answer.text
    assert office.get(f"/ledger/import/{'0' * 64}/marked.xlsx").status_code == 404
    assert office.post("/ledger/import/..%2f..%2fx", data={}).status_code == 404
    assert cells(office.get("/ledger/blank.xlsx").content) == [HEADER]
    for post in ("inspector", "owner", "mayor"):
        assert site.browser(post).get("/ledger/import").status_code == 403
        assert site.browser(post).post("/ledger/import", files={"file": ("a.xlsx", workbook(LINE))}).status_code == 403
        assert 'href="/ledger/import"' not in site.browser(post).get("/hazards").text
