"""A page in English says its own words in English and leaves alone what people wrote."""

from __future__ import annotations

from web.english import english


def test_fixed_words_are_said_in_english_and_what_people_wrote_is_kept() -> None:
    page = '<html lang="zh-CN"><h1>待办</h1><p> 整改中 </p><span>逾期 2 天</span><a aria-label="搜索">灭火器压力不足</a>'
    said = english(page)
    assert said == '<html lang="en"><h1>Inbox</h1><p> Rectifying </p><span>2 d overdue</span><a aria-label="Search">灭火器压力不足</a>'


def test_what_is_typed_in_a_form_is_sent_back_as_it_was_typed() -> None:
    typed = '<textarea name="note">取消</textarea><input value="取消"><button>取消</button>'
    assert english(typed) == typed.replace("<button>取消", "<button>Cancel")
