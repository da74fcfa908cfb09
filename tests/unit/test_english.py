"""A page in English says its own words in English and leaves alone what people wrote."""

from __future__ import annotations

import re
from collections import Counter
from html import escape, unescape
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

import web.app
from web.english import catalogue, english
from web.english.catalogue import CHINESE, HOLE, ROOM, pattern_of, said

ROOT = Path(web.app.__file__).parents[1]
CHINESE_TEXT = st.text(st.sampled_from("待办整改中逾期天取消小商店一号镇长、，。：· <>&\"'{}“”（）3s"), max_size=12)


def written() -> list[tuple[str, str, str]]:
    """Every line of every catalogue: its file, its Chinese, its English."""
    found = []
    for path in sorted(ROOM.glob("*.yaml")):
        node = yaml.compose(path.read_text(encoding="utf8"), Loader=yaml.BaseLoader)
        found += [(path.stem, zh.value, en.value) for zh, en in (node.value if node else ())]
    return found


def test_fixed_words_are_said_in_english_and_what_people_wrote_is_kept() -> None:
    page = '<html lang="zh-CN"><h1>待办</h1><p> 整改中 </p><p>逾期 2 天</p><a aria-label="搜索" href="/待办">灭火器压力不足</a>'
    told = english(page)
    kept = '<html lang="en"><h1>Inbox</h1><p> Rectifying </p><p>2 days overdue</p><a aria-label="Search" href="/待办">灭火器压力不足</a>'
    assert told == kept


def test_what_is_typed_in_a_form_is_sent_back_as_it_was_typed() -> None:
    typed = '<textarea name="note">取消</textarea><input value="取消"><option value="取消">取消</option><button>取消</button>'
    assert english(typed) == typed.replace(">取消</option>", ">Cancel</option>").replace("<button>取消", "<button>Cancel")


def test_what_is_marked_as_chinese_is_left_alone_to_its_last_inner_element() -> None:
    page = '<div lang="zh-CN" title="待办"><div>待办</div><br><i>取消</i></div><img lang="zh-CN" alt="待办"><p>待办</p>'
    assert english(page) == page.replace("<p>待办", "<p>Inbox")


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("整改期限：3月5日 18:00", "Due: 5 Mar, 18:00"), ("2023年3月", "Mar 2023"), ("交办、签收", "Assign, Acknowledge"),
        ("逾期 1 天", "1 day overdue"), ("今天 <b>1</b> 条", "Today <b>1</b> hazard"), ("今天 <b>3</b> 条", "Today <b>3</b> hazards"),
        ("理由：物资供应", "Reason: supply"), ("还没有照片。没有逾期的隐患。", "No photos yet. Nothing is overdue."),
        ("3月5日 18:00（还有2天3小时）", "5 Mar, 18:00 (2 days 3 hours left)"), ("某某小商店", None), ("逾期 某某 天", None),
    ],
)  # fmt: skip
def test_a_text_with_holes_is_said_where_all_that_stands_in_them_is_known(zh: str, en: str | None) -> None:
    assert english(f"<p>{zh}</p>") == f"<p>{zh if en is None else en}</p>"


def test_a_name_within_a_sentence_stays_and_is_marked() -> None:
    name = '<span lang="zh-CN">“小商店&lt;一&gt;”负责人</span>'
    assert english("<p>责任岗位：“小商店&lt;一&gt;”负责人</p>") == f"<p>Responsible post: {name}</p>"
    assert english("<title>由镇长甲审批销号</title><option>由镇长甲审批销号</option>") == (
        "<title>Closing is approved by 镇长甲</title><option>Closing is approved by 镇长甲</option>"
    )
    assert english("<text>由镇长甲审批销号</text>") == '<text>Closing is approved by <tspan lang="zh-CN">镇长甲</tspan></text>'


def test_a_word_may_mean_something_else_in_one_element() -> None:
    page = "<dl><dt><svg><path d=''/></svg><i></i>登记<br></dt><dd>登记</dd></dl>"
    assert english(page) == page.replace("登记<br>", "Recorded<br>").replace("登记</dd>", "Register</dd>")


def test_the_label_of_a_field_is_said_while_what_stands_in_it_is_kept() -> None:
    page = '<textarea placeholder="例如：张村街餐馆" aria-label="原因">原因</textarea>'
    assert english(page) == page.replace("例如：张村街餐馆", "E.g. restaurants in town").replace('"原因"', '"Why"')


def test_words_that_chinese_joins_do_not_run_together() -> None:
    assert english("<p>距<b>3月31日</b><br>全部整改到位</p>") == "<p>Until <b>31 Mar</b> <br>all rectified</p>"
    assert english('<p>已报<span lang="zh-CN">镇长甲</span></p>') == '<p>Told <span lang="zh-CN">镇长甲</span></p>'


@given(CHINESE_TEXT)
@example("取消")
def test_what_people_wrote_never_changes_where_it_is_marked(text: str) -> None:
    safe = escape(text)
    page = f'<p lang="zh-CN">{safe}</p><textarea>{safe}</textarea><input value="{safe}"><a href="/?q={safe}" data-title="{safe}"></a>'
    assert english(page) == page


@given(st.lists(CHINESE_TEXT, min_size=1, max_size=5))
def test_no_text_breaks_the_tags_around_it(texts: list[str]) -> None:
    page = "".join(f'<p class="x"><b aria-label="{escape(text)}">{escape(text)}</b></p>' for text in texts)
    assert [tag for tag in tags(english(page)) if tag[0] != "span"] == tags(page)


@given(CHINESE_TEXT)
def test_what_is_not_said_is_read_as_it_was(text: str) -> None:
    told = english(f"<p>{escape(text)}</p>")[3:-4]
    assert said(" ".join(text.split())) is not None or unescape(told) == text


def tags(page: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, *(name for name, _ in attrs)))

    Reader().feed(page)
    return found


def test_no_text_stands_in_two_catalogues() -> None:
    assert {zh: count for zh, count in Counter(zh for _, zh, _ in written()).items() if count > 1} == {}


def test_every_english_has_the_holes_of_its_chinese_and_no_chinese_of_its_own() -> None:
    wrong = []
    for name, zh, en in written():
        try:
            pattern_of(zh, en)
        except ValueError as error:
            wrong.append(f"{name}: {error}")
        wrong += [f"{name}: {zh}: {en}"] if CHINESE.search(en) or not CHINESE.search(HOLE.sub("", zh) + "，") else []
    assert wrong == []


def test_every_text_of_a_catalogue_occurs_somewhere() -> None:
    """Templates and Python put sentences together, so that of its longest piece a few pairs of neighbours may stand nowhere."""
    paths = [*(ROOT / "web").rglob("*.html"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    pairs = {pair for path in paths for pair in pairwise(path.read_text(encoding="utf8"))}
    pieces = {(name, zh): max(re.split(r"<\w+>|\{(?:zh)?\}|[。：；，“”（）、\s]", zh), key=len) for name, zh, _ in written()}
    new = {key: len(set(pairwise(piece)) - pairs) for key, piece in pieces.items()}
    assert [f"{name}: {zh}" for (name, zh), count in new.items() if count > min(2, len(pieces[name, zh]) // 2)] == []


ROOMS = ("web", "models", "statemachines", "notifications", "papers", "drill", "cli")


def test_the_catalogues_are_read_once() -> None:
    assert catalogue.catalogue() is catalogue.catalogue()
