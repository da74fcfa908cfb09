"""The ledger out and in: nothing is lost on the way, nothing comes in twice, and what is wrong is said where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook
from sqlalchemy import text
from sqlmodel import Session

from models.clock import parse_time
from models.database import transaction
from models.enumerations import Grade, HazardState
from papers.ledger.check import Checked, check
from papers.ledger.export import export
from papers.ledger.filter import Filter, filter_of
from papers.ledger.form import Form
from papers.ledger.forms import FORMS
from papers.ledger.intake import Faulty, Taken, take
from papers.ledger.marked import mark_up
from papers.ledger.sheet import open_ledger
from papers.ledger.words import CHARACTERS_AT_MOST
from statemachines.advance import register
from statemachines.errors import NotAllowed
from tests.stage import Stage

FULL, STREET21, STATION18, TOWNSHIP15 = (FORMS[code] for code in ("full", "street21", "station18", "township15"))
CARRIED = [column.zh for column in FULL.columns if column.name and column.zh != "隐患编号"]


def out(stage: Stage, path: Path, form: Form = FULL, wanted: Filter | None = None) -> list[dict[str, Any]]:
    with transaction(stage.engine) as session:
        export(session, path, form, stage.township_id, wanted or Filter(), stage.clock.now())
    return lines_of(path)


def lines_of(path: Path, header: int = 0) -> list[dict[str, Any]]:
    rows = load_workbook(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    return [dict(zip(map(str, rows[header]), row, strict=True)) for row in rows[header + 1 :]]


def into(stage: Stage, path: Path, post: str = "dispatcher", *, partial: bool = False) -> Taken:
    with transaction(stage.engine) as session:
        ledger, now = open_ledger(path), stage.clock.now()
        return take(session, ledger, stage.acting(post), now, wall=stage.clock.wall(), name="报送表.xlsx", partial=partial)


def looked_at(stage: Stage, path: Path) -> Checked:
    with transaction(stage.engine) as session:
        return check(session, open_ledger(path), stage.township_id, stage.clock.now())


def book(path: Path, *rows: Sequence[Any], merged: Sequence[tuple[int, int, int, int, Any]] = ()) -> Path:
    made = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    sheet, day = made.add_worksheet("台账"), made.add_format({"num_format": "yyyy-mm-dd"})
    for line, row in enumerate(rows):
        for at, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(line, at, cell, day)
            elif cell is not None:
                sheet.write(line, at, cell)
    for top, left, bottom, right, value in merged:
        sheet.merge_range(top, left, bottom, right, value)
    made.close()
    return path


STREET = [column.zh for column in STREET21.columns]


def street(**said: Any) -> list[Any]:
    """A line of the street's form."""
    usual = {"企业名称": "小商店一", "隐患描述": "灭火器压力不足", "隐患位置": "门口", "检查时间": "2023-02-18"}
    return [{**usual, **said}.get(zh) for zh in STREET]


def township(**said: Any) -> list[Any]:
    usual = {"单位(场所)": "小商店一", "隐患内容": "灭火器压力不足", "检查时间": "2023-02-18"}
    return [{**usual, **said}.get(column.zh) for column in TOWNSHIP15.columns]


TOWN = [column.zh for column in TOWNSHIP15.columns]


def faults(found: Checked) -> dict[int, list[tuple[str, str, str]]]:
    return {line: [(fault.column, fault.zh, fault.meant) for fault in each] for line, each in found.faults.items()}


def hazards(stage: Stage) -> list[Any]:
    return stage.all("select c.code, c.state, c.grade, h.* from cases c join hazard h on h.case_id = c.id order by c.id")


def test_the_street_form_has_its_21_columns_the_station_form_its_18_and_the_township_list_its_15() -> None:
    assert "·".join(STREET) == (
        "上报单位·行业领域·企业类型·企业名称·统一社会信用代码·属地·详细地址·负责人·隐患分类·隐患描述·隐患位置·"
        "检查方式·检查人·检查时间·判定依据·违反判定依据具体条款·是否整改·实际整改完成时间·整改责任部门/责任人·整改措施·举报情况备注"
    )
    assert "·".join(column.zh for column in STATION18.columns) == (
        "编号·社区·单位名称·地址·负责人·联系方式·排查状态·检查标准·主要存在问题·整改措施·隐患问题个数·扣分·检查类型·"
        "楼层·营业面积·检查人·检查时间·备注"
    )
    assert "·".join(TOWN) == (
        "序号·检查时间·单位(场所)·所属村·隐患内容·隐患等级·整改措施·整改责任人·督导责任人(包保干部)·"
        "整改时限·整改情况·复查人·复查时间·是否销号·备注"
    )


def test_a_hazard_goes_out_with_everything_that_is_known_of_it(stage: Stage, tmp_path: Path) -> None:
    code = stage.to_closed(legal_basis=["消防法第十六条"])
    stage.to_assigned(place="pit", grade="major", description="=cmd|' /C calc'!A0", location="井口")
    closed, assigned = out(stage, tmp_path / "all.xlsx")
    assert (closed["隐患编号"], closed["状态"], closed["轮次"], closed["责任岗位"]) == (code, "已销号", 1.0, "小商店一负责人")
    assert (closed["发现时间"].isoformat(), closed["销号岗位"]) == ("2023-02-20T10:00:00", "应急办主任")
    assert closed["佐证哈希"].startswith("after ")
    assert closed["末事件哈希"] == stage.case(code).last_hash
    assert (assigned["隐患描述"], assigned["隐患等级"]) == ("=cmd|' /C calc'!A0", "重大")
    assert [line["隐患编号"] for line in out(stage, tmp_path / "some.xlsx", wanted=filter_of(["grade=重大", "state=assigned"]))] == [
        assigned["隐患编号"]
    ]


def test_official_ledgers_say_what_stands_and_leave_out_what_is_no_hazard(stage: Stage, tmp_path: Path) -> None:
    stage.to_closed(legal_basis=["消防法第十六条第一款第二项", "GB 50016"])
    stage.act("office-head", "reject", stage.find(description="不是隐患"), reason="not_a_hazard")
    [line] = out(stage, tmp_path / "street.xlsx", STREET21)
    assert (line["上报单位"], line["属地"], line["隐患分类"], line["是否整改"]) == ("试点镇", "东村", "一般", "已整改")
    assert (line["判定依据"], line["违反判定依据具体条款"]) == ("消防法\nGB 50016", "第十六条第一款第二项\n")
    [line] = out(stage, tmp_path / "town.xlsx", TOWNSHIP15)
    assert (line["序号"], line["是否销号"], line["督导责任人(包保干部)"]) == (1.0, "是", "消防服务中心")


NEW_YEAR = parse_time("2023-01-01")
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=60)
TRICKY = st.sampled_from([
    "=1+1", "+86", "-1", "@sum", "a\nb", "a\r\nb", "a\rb", "\x01\x1f", "_x0041_", "😀" * 20, " 前后有空 ", "00123", "2023-03-01",
    "TRUE", "\ufffe",
    "&lt;", "１２３ＡＢＣ", "http://a.b/c", "{=1}",
])  # fmt: skip
LONGEST = st.integers(0, 1).map(lambda less: "x" * (CHARACTERS_AT_MOST - less))
SOME = TEXTS | TRICKY | LONGEST
FILLED = SOME.filter(lambda said: bool(said.strip()))
FINDING = st.fixed_dictionaries(
    {"description": FILLED, "location": FILLED, "place": st.sampled_from(["shop", "shop-2", "pit"])},
    optional={
        "measure": SOME, "confidentiality": SOME, "legal_basis": st.lists(FILLED, max_size=3), "needs_gov_coordination": st.booleans(),
        "item": st.sampled_from(["P1", "C3", "Z-9"]), "source": st.sampled_from(["patrol", "self_check", "upper"]),
        "threat": st.sampled_from(["leak", "fall"]), "nature": st.sampled_from(["person", "management"]),
        "field": st.sampled_from(["mine", "power"]), "grade": st.just("general"), "sla_class": st.sampled_from(["g3", "g15", "on_spot"]),
        "found_at": st.integers(0, 49 * 86_400_000).map(lambda ms: (NEW_YEAR + timedelta(milliseconds=ms)).isoformat()),
    },
)  # fmt: skip


@contextmanager
def undone(stage: Stage) -> Iterator[Session]:
    """A transaction that never was."""
    with Session(stage.engine, expire_on_commit=False, autoflush=False) as session, session.begin() as whole:
        yield session
        whole.rollback()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FINDING, min_size=1, max_size=4, unique_by=lambda said: said["description"].strip()))
def test_nothing_of_a_finding_is_lost_on_the_way_out_and_into_another_township(
    stage: Stage, tmp_path: Path, findings: list[dict[str, Any]]
) -> None:
    now, wall = stage.clock.now(), stage.clock.wall()
    with undone(stage) as session:
        for said in findings:
            major = {} if "grade" in said or "sla_class" in said else {"grade": "general", "sla_class": "g7"}
            register(session, stage.acting("inspector"), now, wall=wall, facts={**major, **{k: v for k, v in said.items() if v != []}})
        export(session, tmp_path / "one.xlsx", FULL, stage.township_id, Filter(), now)
    with undone(stage) as session:
        taken = take(session, open_ledger(tmp_path / "one.xlsx"), stage.acting("dispatcher"), now, wall=wall, name="一.xlsx")
        export(session, tmp_path / "other.xlsx", FULL, stage.township_id, Filter(), now)
    one, other = lines_of(tmp_path / "one.xlsx"), lines_of(tmp_path / "other.xlsx")
    assert len(taken.codes) == len(findings)
    assert [[line[zh] for zh in CARRIED] for line in one] == [[line[zh] for zh in CARRIED] for line in other]
    assert [line["隐患编号"] for line in one] == [line["原编号"] for line in other]


def test_the_same_ledger_twice_adds_nothing_in_whichever_form_it_comes(stage: Stage, tmp_path: Path) -> None:
    stage.find(description="一")
    stage.find(description="二", place="pit")
    for form in (FULL, STREET21, TOWNSHIP15):
        out(stage, tmp_path / "out.xlsx", form)
        found = into(stage, tmp_path / "out.xlsx")
        assert (found.codes, found.checked.known, found.checked.fresh) == ([], 2, 0)
    sent = book(tmp_path / "in.xlsx", STREET, street(), street(隐患描述="出口堵塞"), street())
    first = into(stage, sent)
    assert (len(first.codes), first.checked.twice) == (2, 1)
    again = into(stage, sent)
    assert (again.codes, again.checked.known) == ([], 3)
    later = book(tmp_path / "later.xlsx", STREET, street(是否整改="已整改", 检查时间="2023年2月18日"))
    assert into(stage, later).checked.known == 1
    assert len(hazards(stage)) == 4
    assert stage.one("select count(*) as n, min(taken) as taken from ledger_import")._tuple() == (1, 2)


def test_a_number_that_is_another_hazards_here_is_no_line_of_the_same(stage: Stage, tmp_path: Path) -> None:
    code = stage.find(description="一")
    other = book(tmp_path / "other.xlsx", ["隐患编号", *STREET], [code, *street(隐患描述="二")], ["X-1", *street(隐患描述="三")])
    assert faults(looked_at(stage, other)) == {2: [("隐患编号", "本镇已有同一编号的另一条隐患。", "删去“隐患编号”一列，可按内容导入")]}


def test_what_a_ledger_says_has_been_rectified_comes_in_as_found_and_still_takes_four_eyes(stage: Stage, tmp_path: Path) -> None:
    line = street(是否整改="已整改", 实际整改完成时间="2023.2.19", 隐患分类="一般隐患", 检查人="王某", 整改措施="更换", 检查方式="企业自查")
    [(number, code)] = into(stage, book(tmp_path / "in.xlsx", STREET, line)).codes
    case = stage.case(code)
    assert (number, case.state, case.grade, case.measure, case.source) == (2, "found", "general", "更换", "self_check")
    assert case.found_at == parse_time("2023-02-18")
    note = stage.one("select body from remark where name = 'note'").body
    assert note == (
        "据导入的《报送表.xlsx》（街道报送表（21列））第 2 行登记。"
        "台账记载（未经本系统复查）：检查人：王某；是否整改：已整改；实际整改完成时间：2023.2.19"
    )
    assert stage.clocks(code) == ["dispatch"]
    assert stage.refused("dispatcher", "approve_close", code) in ("state", "post")
    with stage.engine.connect() as connection:
        assert [event.trigger for event in stage.history(code)] == ["register"]
        assert connection.execute(text("select count(*) from evidence")).scalar_one() == 0


def test_the_names_and_telephones_of_a_units_people_come_into_no_history(stage: Stage, tmp_path: Path) -> None:
    people = {"负责人": "王某", "整改责任部门/责任人": "王某", "统一社会信用代码": "91"}
    into(stage, book(tmp_path / "street.xlsx", STREET, street(**people)))
    into(stage, book(tmp_path / "town.xlsx", TOWN, township(整改责任人="王某", 隐患内容="通道堵塞", 所属村="东村")))
    said = {"单位名称": "小商店一", "主要存在问题": "电线裸露", "检查时间": "2023-02-18", "负责人": "王某", "联系方式": "13800000000"}
    header = [column.zh for column in STATION18.columns]
    into(stage, book(tmp_path / "station.xlsx", header, [said.get(zh) for zh in header]))
    notes = [row.body for row in stage.all("select body from remark where name = 'note'")]
    assert len(notes) == 3
    assert not [note for note in notes if "王某" in note or "13800000000" in note]
    assert [note for note in notes if "统一社会信用代码：91" in note]


def test_a_messy_ledger_is_read_as_people_mean_it(stage: Stage, tmp_path: Path) -> None:
    header = ["序号", "检查时间", "单位（场所）", " 所属村 ", "隐患内容 *", "隐患等级", "整改措施", "处室意见"]
    written = [
        ("2023-2-1", 1), ("2023.2.2", 2), ("2023年2月3日", 3), ("2月4日", 4), (44962, 5), ("20230206", 6), (20230207, 7),
        ("２０２３／２／８", 8),
        (date(2023, 2, 9), 9), ("23.2.10", 10), ("2023年2月11日 上午9时30分", 11), ("2023-02-12 09:30:15", 12), ("12月31日", 31),
    ]  # fmt: skip
    rows = [[nth, said, None, None, f"问题{nth}", "一般隐患", "  ", "附注"] for nth, (said, _) in enumerate(written)]
    sent = book(
        tmp_path / "messy.xlsx", ["试点镇问题清单"], ["填报日期：2023-02-20"], [], header, *rows,
        [None, "  "], ["合计", None, None, None, 13],
        ["审核人：王某"], merged=[(4, 2, 16, 2, "小商店　一"), (4, 3, 16, 3, "东村")],
    )  # fmt: skip
    stage.do("update place set name = '小商店 一' where code = 'shop'")
    taken = into(stage, sent)
    assert (len(taken.codes), taken.checked.empty) == (13, 3)
    found = "select found_at at time zone 'Asia/Shanghai' as at from hazard join cases on cases.id = case_id where code = :code"
    days = [stage.one(found, code=code).at for _, code in taken.codes]
    assert [each.day for each in days] == [day for _, day in written]
    assert days[-1].year == 2022
    assert (days[10].hour, days[10].minute, days[11].second) == (9, 30, 15)
    assert {row.location for row in hazards(stage)} == {"见隐患描述"}
    assert {row.measure for row in hazards(stage)} == {None}


def test_each_line_is_told_what_is_wrong_with_it_and_what_may_have_been_meant(stage: Stage, tmp_path: Path) -> None:
    sent = book(
        tmp_path / "wrong.xlsx", STREET, street(企业名称="小商店壹", 属地="东村"), street(属地="东寸"), street(行业领域="矿上"),
        street(检查时间="昨天"), street(检查时间="2023-03-01"),
        street(隐患描述=" "), street(是否整改="好了"), street(属地="西村"), street(),
        street(行业领域="烟花爆竹", 隐患分类="重大隐患", 隐患描述="另一条"),
    )  # fmt: skip
    found = looked_at(stage, sent)
    told = faults(found)
    assert (found.faulty, found.fresh, sorted(told)) == (8, 2, list(range(2, 10)))
    assert told[2] == [("企业名称", "没有名为“小商店壹”的场所。", "您是不是指：小商店一（东村，shop）、小商店二（东村，shop-2）")]
    assert told[3] == [("属地", "没有名为“东寸”的村。", "您是不是指：东村")]
    assert told[4][0][:2] == ("行业领域", "“矿上”不是可选的行业领域。")
    assert "矿山" in told[4][0][2]
    assert told[5][0][:2] == ("检查时间", "“昨天”不是能识别的日期。")
    assert told[6][0][1] == "“2023-03-01”晚于现在，请核对。"
    assert told[7] == [("隐患描述", "没有填写隐患描述。", "")]
    assert told[8][0] == ("是否整改", "“好了”不是可选的整改情况。", "可填：已整改、整改中、未整改")
    assert told[9][0][2] == "您是不是指：小商店一（东村）"


def test_all_or_nothing_unless_the_good_lines_are_asked_for(stage: Stage, tmp_path: Path) -> None:
    sent = book(tmp_path / "half.xlsx", STREET, street(), street(企业名称="没有的店", 隐患描述="二"))
    before = stage.fingerprint()
    with pytest.raises(Faulty) as no:
        into(stage, sent)
    assert stage.fingerprint() == before
    assert "有 1 行有误" in no.value.detail
    with transaction(stage.engine) as session:
        ledger = open_ledger(sent)
        mark_up(ledger, check(session, ledger, stage.township_id, stage.clock.now()), tmp_path / "marked.xlsx")
    good, bad = lines_of(tmp_path / "marked.xlsx")
    assert (good["错误"], bad["错误"]) == ("", "企业名称：没有名为“没有的店”的场所。")
    assert len(into(stage, tmp_path / "marked.xlsx", partial=True).codes) == 1
    assert into(stage, sent, partial=True).codes == []


def test_only_the_office_takes_ledgers_in(stage: Stage, tmp_path: Path) -> None:
    sent = book(tmp_path / "in.xlsx", STREET, street())
    for post in ("inspector", "village-1", "owner", "discipline"):
        with pytest.raises(NotAllowed):
            into(stage, sent, post)
    assert hazards(stage) == []
    assert len(into(stage, sent, "office-head").codes) == 1


def test_a_stations_line_of_several_problems_is_several_hazards(stage: Stage, tmp_path: Path) -> None:
    header = [column.zh for column in STATION18.columns]
    said = [
        {
            "单位名称": "小商店一", "主要存在问题": "1.灭火器过期；2.通道堵塞\n3、电线裸露", "隐患问题个数": 3, "检查类型": "专项排查",
            "检查时间": "2023-02-18",
        },
        {"单位名称": "小商店二", "主要存在问题": "无", "隐患问题个数": 0, "排查状态": "已检查"},
        {"单位名称": "一号矿", "排查状态": "锁门"},
    ]  # fmt: skip
    sent = book(tmp_path / "station.xlsx", header, *([line.get(zh) for zh in header] for line in said))
    taken = into(stage, sent)
    assert ([line for line, _ in taken.codes], taken.checked.empty) == ([2, 2, 2], 2)
    assert [row.description for row in hazards(stage)] == ["灭火器过期", "通道堵塞", "电线裸露"]
    assert into(stage, sent).codes == []
    wrong = book(tmp_path / "wrong.xlsx", header, [{**said[0], "隐患问题个数": 2, "主要存在问题": "一处"}.get(zh) for zh in header])
    assert faults(looked_at(stage, wrong))[2][0][1] == "写明 2 个问题，读出 1 个，请按“1.”“2.”分列。"


def test_a_formula_is_never_worked_out_and_is_asked_for_as_a_value(stage: Stage, tmp_path: Path) -> None:
    made = xlsxwriter.Workbook(str(tmp_path / "formula.xlsx"))
    made.add_worksheet("封面").write_formula(0, 0, "=1+1")
    sheet = made.add_worksheet("台账")
    for line, row in enumerate((TOWN, township(), township(隐患内容=None))):
        for at, cell in enumerate(row):
            if cell is not None:
                sheet.write(line, at, cell)
    sheet.write_formula(1, 0, "=ROW()-1", None, 1)
    sheet.write_formula(2, 4, '=HYPERLINK("http://x")', None, "点我")
    made.close()
    assert faults(looked_at(stage, tmp_path / "formula.xlsx")) == {
        3: [("隐患内容", "该单元格是公式，请“复制”后“选择性粘贴为数值”。", "")]
    }


def test_the_filter_of_a_ledger_is_said_in_words() -> None:
    wanted = filter_of(["state=found", "state=整改中", "grade=major", "overdue=yes", "q=50%"])
    assert wanted == replace(Filter(), states=(HazardState.found, HazardState.rectifying), grade=Grade.major, overdue=True, q="50%")
    condition, asked = wanted.where(parse_time("2023-03-01"))
    assert asked["q"] == "%50\\%%"
    assert "c.grade = :grade" in condition
