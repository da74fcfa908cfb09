"""The texts: complete, true to what they are given, and short enough for the longest names a township has."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from models.clock import parse_time
from models.enumerations import Clock, Purpose
from models.ticket import read as read_ticket
from notifications.letter import Letter, Seat, Step
from notifications.manner import Manner
from notifications.render import BUNDLE_LIMIT, HEADS, LANGUAGES, faults, links_to, opened, render
from notifications.templates import en, zh

NOW = parse_time("2023-03-05T10:00+08:00")
URL = "https://bihuan.town.test"
OWNER = Seat("enterprise_principal", "东村", "village")
SECRETARY = Seat("village_secretary", "村07", "village")
HEAD = Seat("station_head", "消防服务中心", "team")
DEPUTY = Seat("deputy_in_charge", "西张村镇", "township")
DISPATCHER = Seat("office_dispatcher", "应急办", "team")


def letter(purpose: Purpose, **said: Any) -> Letter:
    plain = Letter(
        id=1, township_id=1, purpose=purpose, channel_id=1, url="json://x", person="p", urgent=False, facts={}, planned_at=NOW, case_id=1,
        code="YH-2023-0001", state="rectifying", grade="general", place="小商店一", what="灭火器压力不足", clock=Clock.rectify,
        due_at=NOW - timedelta(days=1, hours=2), since=NOW - timedelta(days=2), owner=OWNER, owner_place=True, supervisor="消防服务中心",
        reached=SECRETARY, meant=SECRETARY, up=Step(2, NOW + timedelta(days=2)), up_to=(DEPUTY,), level=1, approver=HEAD,
    )  # fmt: skip
    return replace(plain, **said)


def told(letter: Letter, **manner: Any) -> str:
    return render(letter, Manner(**manner), NOW, URL)[1]


def test_an_overdue_message_says_why_you_why_now_what_next_and_when_it_goes_up() -> None:
    assert told(letter(Purpose.overdue)) == (
        "【逾期升级·1级】YH-2023-0001 小商店一：灭火器压力不足，整改逾期1天2小时，责任：该场所负责人。"
        "您为村07村支部书记，请督办。3月7日10:00未整改将报分管班子成员。 https://bihuan.town.test/h/YH-2023-0001"
    )


def test_the_responsible_post_itself_is_asked_to_rectify_and_not_to_urge() -> None:
    text = told(letter(Purpose.overdue, mine=True, reached=OWNER, meant=OWNER))
    assert "您为该场所负责人，请立即整改" in text
    assert "督办" not in text


def test_a_message_that_climbed_names_the_post_that_could_not_be_reached() -> None:
    assert "村07村支部书记无人可达，转您（消防服务中心负责人）" in told(letter(Purpose.overdue, reached=HEAD))


def test_a_stand_in_learns_for_whom_they_stand_in() -> None:
    assert "您代王某任村07村支部书记" in told(letter(Purpose.overdue, standing_in_for="王某"))


def test_downtime_is_said_with_the_time_at_which_it_would_have_escalated() -> None:
    assert "本应于3月2日10:00升1级。" in told(letter(Purpose.overdue, level=3, late=Step(1, parse_time("2023-03-02T10:00+08:00"))))


def test_at_the_top_the_message_says_how_often_it_comes_again() -> None:
    assert "未整改每24小时再报。" in told(letter(Purpose.overdue, level=5, up=None, up_to=(), repeat_hours=24))


def test_nobody_is_told_that_it_will_go_up_to_themselves() -> None:
    assert "3月7日10:00未整改将升级。" in told(letter(Purpose.overdue, up_to=(SECRETARY,)))


def test_an_approver_who_stands_higher_than_usual_is_told_why() -> None:
    text = told(letter(Purpose.approval, facts={"climbed": 1}, clock=Clock.approve, reached=DEPUTY, meant=DEPUTY, level=0))
    assert "下级审批岗位须回避，转由您（分管班子成员）办理" in text


def test_a_returned_case_says_the_reason_given() -> None:
    assert "原因：整改不彻底。" in told(letter(Purpose.returned, because="measure_incomplete", mine=True))
    assert "原因：瓶体未更换。" in told(letter(Purpose.returned, because="瓶体未更换", mine=True))


LONG = {
    "code": "YH-2023-12345", "place": "宜村街道某某某某食品加工有限责任公司第二扶贫车间",
    "what": "二楼疏散通道堆放杂物且应急照明、疏散指示标志损坏，" * 3, "grade": "major", "supervisor": "消防服务中心",
    "late": Step(3, parse_time("2023-02-22T23:30+08:00")),
    "reached": Seat("village_secretary", "村41", "village"), "meant": Seat("grid_member", "村41", "village"),
    "up": Step(5, parse_time("2023-03-12T23:30+08:00")),
    "up_to": (Seat("district_department", "陕州区", "district"), Seat("station_head", "消防服务中心", "team")),
    "facts": {"deadline": 1680278399000000, "days": 12, "open": 1234, "major": 123, "per_day": 103, "forecast": 999, "mine": 123,
        "most": [{"post": {"kind": "village_secretary", "unit": f"村{n}", "unit_kind": "village"}, "open": 99} for n in (39, 40, 41)],
        "about": "7 日类、15 日类隐患时限将被专项截止日压缩", "channel": 1, "left": False, "why": "errcode 310000 keywords not in content",
        "text": "1 项无时钟、2 条消息滞留", "post": "x"},
    "broken": "村41网格员", "broken_scheme": "dingtalk", "nobody": Seat("grid_member", "村41", "village"),
}  # fmt: skip


@pytest.mark.parametrize("mine", [True, False])
@pytest.mark.parametrize("level", [0, 3])
@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("purpose", [each for each in Purpose if each not in HEADS])
def test_a_single_message_has_at_most_120_characters_however_long_its_names(purpose: Purpose, clock: Clock, level: int, mine: bool) -> None:
    late = LONG["late"] if level else None  # a reminder is never an escalation that was passed over
    text = told(letter(purpose, **{**LONG, "clock": clock, "level": level, "mine": mine, "late": late})).rsplit(" ", 1)[0]
    assert len(text) <= zh.LIMIT, f"{len(text)}: {text}"
    assert "None" not in text
    assert "{" not in text


@pytest.mark.parametrize("purpose", [each for each in Purpose if each not in HEADS])
def test_english_says_the_same_in_at_most_400_characters(purpose: Purpose) -> None:
    text = told(letter(purpose, **LONG), language="en").rsplit(" ", 1)[0]
    assert len(text) <= en.LIMIT, f"{len(text)}: {text}"
    assert "None" not in text


def test_a_bundle_lists_the_urgent_first_caps_its_lines_and_says_how_many_more() -> None:
    members = tuple(letter(Purpose.overdue, code=f"YH-{number:04}") for number in range(14))
    title, body = render(letter(Purpose.bundle, members=members), Manner(bundle_cap=10), NOW, URL)
    assert title == "14项提醒"
    assert body.startswith("【14项提醒】您为村07村支部书记，共14项待处理")
    assert "\n10. 〔逾期〕YH-0009 " in body
    assert "YH-0010" not in body
    assert "还有4项，见清单。\n最早3月7日10:00（YH-0000）将升级上报。" in body
    assert body.endswith(f"{URL}/inbox")


def test_a_bundle_of_long_lines_stays_short_enough_for_a_group_robot() -> None:
    members = tuple(letter(Purpose.overdue, **LONG) for _ in range(60))
    body = told(letter(Purpose.bundle, members=members), bundle_cap=60)
    assert len(body) <= BUNDLE_LIMIT
    assert "还有" in body


def test_a_bundle_that_one_line_is_left_of_speaks_like_a_single_message() -> None:
    one = letter(Purpose.overdue)
    assert told(letter(Purpose.bundle, members=(one,))) == told(one)


def test_a_bundle_names_every_post_through_which_something_is_heard() -> None:
    members = (letter(Purpose.overdue), letter(Purpose.overdue, reached=DISPATCHER, meant=DISPATCHER))
    assert "您为村07村支部书记、镇安办调度" in told(letter(Purpose.bundle, members=members))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_purpose_has_its_text_and_every_text_only_known_words(language: str) -> None:
    assert faults(LANGUAGES[language]) == []


def test_a_text_with_an_unknown_word_is_found_before_anybody_waits_for_it() -> None:
    broken = SimpleNamespace(**{**vars(zh), "TEMPLATES": {**zh.TEMPLATES, "overdue": "{nonsense}"}, "LINES": {}})
    found = faults(broken)  # type: ignore[arg-type]
    assert "overdue: unknown {nonsense}" in found
    assert "review: no text" in found


def test_a_truth_that_makes_no_sense_is_still_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    odd = letter(Purpose.overdue, clock="no such clock")
    assert told(odd).startswith("【逾期】YH-2023-0001：请点开链接查看")
    assert "ValueError" in caplog.text
    body = told(letter(Purpose.bundle, members=(odd, letter(Purpose.overdue, code="YH-2"))))
    assert "1. 〔逾期〕YH-2023-0001\n2. 〔逾期〕YH-2 小商店一" in body


def leaves(**said: Any) -> str:
    one = letter(Purpose.overdue, **{"person_id": 7, "post_id": 8, "version": 3, "url": "json://~x", **said})
    body = render(one, Manner(), NOW, URL)[1]
    return opened(one, body, NOW, NOW, links_to(URL)).rsplit(" ", 1)[1].removeprefix(URL)


def test_a_link_acts_for_one_person_alone_and_leads_a_responsible_unit_to_its_own_page() -> None:
    assert leaves().startswith("/a/")
    assert len(leaves()) <= 40
    assert leaves(reached=OWNER).startswith("/o/")
    assert leaves(reached=OWNER, kind="duty").startswith("/a/")
    for nobodys in ({"url": "wecombot://~x"}, {"url": "unheard-of://x"}, {"addressed": "王某"}, {"post_id": None}):
        assert leaves(**nobodys) == "/h/YH-2023-0001", nobodys


def test_a_link_lasts_until_a_week_after_its_matter_is_due() -> None:
    ticket = read_ticket(leaves(due_at=NOW + timedelta(days=3)).removeprefix("/a/"), NOW)
    assert ticket.until == int((NOW + timedelta(days=10)).timestamp())
    assert (ticket.case_id, ticket.person_id, ticket.post_id, ticket.version) == (1, 7, 8, 3)
    assert read_ticket(leaves(due_at=NOW - timedelta(days=30)).removeprefix("/a/"), NOW).until == int((NOW + timedelta(days=7)).timestamp())
