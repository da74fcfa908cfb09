"""The work report's sentences: what stands, what doesn't, and what isn't printed because it doesn't add up."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clock import parse_time
from models.enumerations import HazardState, PaperKind
from papers.report.blocks import of_report
from papers.report.compose import compose, issuer
from papers.report.facts import MANY, TELL, Fact, Facts, sentence
from papers.report.reconcile import DoesNotAddUp
from papers.report.wording import CLOSING, OPENING, SECTIONS
from papers.statistics.periods import last_period
from papers.statistics.tables import percent, tables, zeros

HAZARDS = {
    "found": 12, "valid": 10, "closed": 8, "open": 2, "rejected": 1, "duplicate": 1, "cancelled": 0, "transferred": 0, "general": 9,
    "major": 1, "major_closed": 0, "major_open": 1, "on_spot": 3, "due_unrectified": 0,
    "reviewed": 9, "passed_first": 8, "extended": 0, "reopened": 0,
    "listed": 0, "self_found": 2, "public_found": 0, "recurrent": 3, "recurrent_closed": 0,
}  # fmt: skip
ROWS: dict[str, list[dict[str, Any]]] = {
    **{name: [] for name in MANY},
    "PLACES_BY_KIND": [
        {"kind": "small_shop", "count": 3, "nine_small": 3, "crowded": 0}, {"kind": "school", "count": 2, "nine_small": 0, "crowded": 2},
    ],
    "HAZARDS_BY_STATE": [
        {"state": "closed", "count": 8}, {"state": "rectifying", "count": 1}, {"state": "found", "count": 1},
    ],
    "HAZARDS_BY_FIELD": [
        {"field": "fire_nine", "general": 9, "general_closed": 8, "major": 1, "major_closed": 0},
        {"field": "all", "general": 9, "general_closed": 8, "major": 1, "major_closed": 0},
    ],
    "HAZARDS_BY_THREAT": [{"threat": "fire", "count": 9}, {"threat": "collapse", "count": 1}],
    "INSPECTIONS_BY_FIELD": [{"field": "fire_nine", "visits": 7}],
    "PAPERS_BY_FORM": [{"kind": "notice", "count": 2}, {"kind": "onsite_measure", "count": 1}],
    "HAZARDS_BY_WEEK": [{"week": date(2023, 2, 13), "found": 10, "closed": 8}],
}  # fmt: skip
NONE_YET = {
    "visits": 7, "places": 5, "nine_small": 3, "crowded": 2, "also_street_shop": 0, "led": 0, "places_entered": 4, "papers": 3,
    "stops": 1, "gates_blocked": 2, "gates_consented": 0,
}  # fmt: skip


def facts(town: str = "试点乡", **changed: int) -> Facts:
    made = Facts(parse_time("2023-03-01T00:00+08:00"))
    for name, value in {"town": town, "we": "我乡", "whole": "全乡", "cut": "2023年2月28日"}.items():
        made.add(name, value, "TOWN")
    for name, number in {**HAZARDS, **NONE_YET, **changed}.items():
        made.add(name, number, "HAZARDS" if name in HAZARDS else "PLACES")
    made.rows.update(ROWS)
    for tell in TELL:
        tell(made)
    return made


def text_of(report: dict[str, Any]) -> str:
    told = [*report["opening"], *(line for each in report["sections"] for line in (each["title"], *each["paragraphs"])), *report["closing"]]
    return "\n".join(told)


def test_a_sentence_stands_on_facts_and_where_there_is_none_there_is_no_sentence() -> None:
    known = {"closed": Fact("closed", 0, "HAZARDS"), "found": Fact("found", 3, "HAZARDS"), "rate": Fact("rate", "—", "HAZARDS")}
    assert sentence("发现{found}条。", known) == ("发现3条。", [known["found"]])
    assert sentence("销号{closed}条。", known) is None
    assert sentence("销号{closed:0}条。", known) == ("销号0条。", [known["closed"]])
    assert sentence("整改率{rate}。", known) is None
    assert sentence("带队{led}次。", known) is None


def test_the_report_tells_what_there_is_and_nothing_else() -> None:
    told = text_of(compose(facts()))
    assert "“九小”场所3家（小商店3家），人员密集场所2处（中小学2所）" in told
    assert "共发现隐患12条。其中核实不成立1条、重复合并1条，有效隐患10条。已整改销号8条，整改率80%；未销号2条" in told
    assert "重大隐患1条，已销号0条，整改率0%，未销号1条。" in told
    for silent in ("沿街门店", "会议", "培训", "带队", "延期", "反弹", "矿山", "护林员", "举报", "专项行动"):
        assert silent not in told
    assert "{" not in told
    assert "一是行业监管责任落实情况。出具检查和整改文书3份，其中现场处理措施决定书1份、整改通知书2份。责令暂时停产停业1次。" in told
    assert "二是企业主体责任落实情况。落实“不安全不开工”，停止开工2次。" in told
    assert "按防范重点分：防火9条、防坍塌1条。突出治理反复发生的问题，识别反复发生隐患3条，已销号0条。" in told
    assert "三是" not in told and "约谈" not in told and "主要领导责任" not in told
    numbers = [each["title"][0] for each in compose(facts())["sections"]]
    assert numbers == list("一二三")[: len(numbers)]


def test_with_everything_closed_there_is_no_next_step() -> None:
    closed = compose(_all_closed())
    assert closed["closing"] == []
    assert "下一步" in compose(facts())["closing"][0]


def _all_closed() -> Facts:
    made = facts(closed=10, open=0, major_open=0, major_closed=1)
    made.known.pop("left")
    return made


def test_every_number_of_the_text_stands_in_the_appendix_with_its_query() -> None:
    report = compose(facts())
    known = {value for _, value, _ in report["appendix"]}
    without_dates = re.sub(r"\d+年\d+月\d+日", "", text_of(report))
    assert set(re.findall(r"\d+(?:\.\d+)?%?", without_dates)) <= known
    assert all(query in {"HAZARDS", "PLACES", *MANY, "HAZARDS_BY_FIELD", "INSPECTIONS"} for _, _, query in report["appendix"])
    assert of_report(report)[-1]["rows"][0][1:4] == report["appendix"][0]


SUMMED = ("found", "valid", "closed", "open", "general", "places", "nine_small", "crowded", "led", "papers", "visits")


@given(st.sampled_from(SUMMED), st.integers(1, 5))
def test_a_report_whose_numbers_do_not_add_up_is_not_printed(name: str, more: int) -> None:
    wrong = facts(**{name: {**HAZARDS, **NONE_YET}[name] + more})
    with pytest.raises(DoesNotAddUp) as refused:
        compose(wrong)
    assert "不一致" in refused.value.detail


def test_no_township_is_named_in_the_wording() -> None:
    words = "".join([*OPENING, *CLOSING, *(each for _, paragraphs in SECTIONS for sentences in paragraphs for each in sentences)])
    assert "西张" not in words
    assert (issuer("河口街道"), issuer("试点镇")) == ("河口街道办事处", "试点镇人民政府")


def test_a_rate_of_nothing_is_a_dash_and_never_rounds_up_to_all() -> None:
    assert [percent(0, 0), percent(3, 3), percent(9999, 10000), percent(1, 3), percent(0, 4)] == ["—", "100%", "99.9%", "33.3%", "0%"]


def test_fields_without_hazards_are_flagged_and_their_rate_is_a_dash() -> None:
    counts = {"fire_nine": {"entered": 12, "general": 0, "major": 0}, "mine": {"entered": 1, "general": 2, "general_closed": 1}, "road": {}}
    assert zeros(counts) == ["九小消防"]
    handled = tables(counts)[0]
    assert handled["rows"][0][:5] == ["九小消防", 12, 0, 0, "—"]
    assert handled["rows"][1][:5] == ["矿山", 1, 2, 1, "50%"]
    assert handled["columns"][-2:] == ["落实安全措施应急预案", "累计落实治理资金（万元）"]


@pytest.mark.parametrize(
    ("at", "kind", "cut", "zh"),
    [
        ("2023-03-03T00:00+08:00", PaperKind.weekly, "2023-03-03", "2023年2月24日至3月2日"),
        ("2023-03-02T23:59+08:00", PaperKind.weekly, "2023-02-24", "2023年2月17日至2月23日"),
        ("2023-03-01T00:00+08:00", PaperKind.monthly, "2023-03-01", "2023年2月"),
        ("2023-01-31T23:00+08:00", PaperKind.monthly, "2023-01-01", "2022年12月"),
    ],
)
def test_a_week_ends_on_thursday_and_a_month_with_its_last_day(at: str, kind: PaperKind, cut: str, zh: str) -> None:
    period = last_period(kind, parse_time(at))
    assert (period.cut_at, period.zh) == (parse_time(cut), zh)


def test_every_open_state_is_told_of_by_name() -> None:
    left = facts().known["left"]
    assert left.value == f"已发现（待核实）1条、{HazardState.rectifying.zh}1条"
