"""A township's own words: what may be written, what is refused with its reason, and what it comes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.enumerations import CaseKind
from notifications.channels.room import room_of, sms_parts
from notifications.manner import Manner
from notifications.render import FRAME_WORDS, LANGUAGES, pick, render
from notifications.templates import zh
from notifications.wording import MEANINGS, NAMES, START, faults_of, known, lengths, longest, sample, standard
from papers.township.fault import Findings
from papers.township.wording import FILE, read_wordings

GOOD = "【请督办·{level}级】{code} {place}：{what}，{act}已超{over}。{idle}{you}，请今天督办。{late}{up}"
URL = "https://bihuan.town.test"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_the_houses_own_texts_pass_the_checks_that_a_townships_have_to(language: str, name: str) -> None:
    spoken = LANGUAGES[language]
    assert faults_of(spoken, name, standard(spoken, name)) == []
    assert name in FRAME_WORDS or pick(sample(name), spoken.TEMPLATES) == pick(longest(name), spoken.TEMPLATES) == name


def test_every_name_that_a_text_may_use_is_explained() -> None:
    assert all(set.union(*(known(spoken, name) for name in NAMES)) == set(MEANINGS) for spoken in LANGUAGES.values())


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", "空着"), ("{code", "大括号不成对"), (GOOD + "}", "大括号不成对"), (GOOD + "{code!r}", "只能写一个名称"),
        (GOOD + "{code:>999999999}", "只能写一个名称"), (GOOD + "{code.__class__}", "只能写一个名称"), (GOOD + "{0}", "只能写一个名称"),
        (GOOD + "\n", "一行文字"), (GOOD + "https://elsewhere.example", "一行文字"), (GOOD + "{plase}", "是不是 {place}"),
        (GOOD.replace("{up}", ""), "缺少 {up}"), (GOOD.replace("{you}", ""), "缺少 {you}"), (GOOD.replace("{code}", ""), "缺少 {code}"),
        (GOOD + "请" * 60, "太长"),
    ],
)  # fmt: skip
def test_a_text_that_would_leave_somebody_without_what_they_need_is_refused_with_its_reason(said: str, why: str) -> None:
    assert any(why in each.zh for each in faults_of(zh, "overdue", said)), faults_of(zh, "overdue", said)


def test_what_people_wrote_is_put_into_a_sentence_without_its_own_stop() -> None:
    letter = replace(sample("returned.mine"), what="灭火器压力不足。", because="门口仍堆着货物。")
    assert "：灭火器压力不足。原因：门口仍堆着货物。您为" in render(letter, Manner(), START, URL)[1]


def test_the_reason_for_a_return_is_the_last_thing_to_be_cut() -> None:
    body = render(longest("returned.mine"), Manner(), START, URL)[1]
    assert "原因：整改不彻底。" in body


def test_a_townships_own_text_is_said_instead_of_the_houses_and_for_nothing_else() -> None:
    assert faults_of(zh, "overdue", GOOD) == []
    own = Manner(texts={"overdue": GOOD})
    body = render(sample("overdue"), own, START, URL)[1]
    assert body.startswith("【请督办·2级】YH-2023-0001 小商店：灭火器压力不足，整改已超1天2小时。您为东村村支部书记，请今天督办。")
    assert render(sample("overdue.mine"), own, START, URL) == render(sample("overdue.mine"), Manner(), START, URL)


def test_a_text_that_can_not_be_filled_any_more_falls_back_to_the_houses(caplog: pytest.LogCaptureFixture) -> None:
    broken = Manner(texts={"overdue": "{gone}"})
    assert render(sample("overdue"), broken, START, URL) == render(sample("overdue"), Manner(), START, URL)
    assert "KeyError" in caplog.text


BUNDLE = "【{count}件事】{you}：\n{lines}\n{more}{up}请今天都看一遍。"


@pytest.mark.parametrize(
    ("name", "said", "why"),
    [
        ("bundle", BUNDLE.replace("{lines}", ""), "缺少 {lines}"), ("bundle", BUNDLE.replace("{more}", ""), "缺少 {more}"),
        ("bundle", BUNDLE + "{place}", "不认识 {place}"), ("bundle", BUNDLE + "请" * 60, "太长"), ("digest", "{you}{lines}", "缺少 {more}"),
        ("bundle.more", "另有几项", "缺少 {count}"), ("bundle.more", "另有{count}项\n", "一行文字"),
        ("bundle.more", "另有{count}项，" + "请点开链接看。" * 4, "太长"), ("bundle", BUNDLE + "\x07", "一行文字"),
    ],
)  # fmt: skip
def test_what_stands_around_many_lines_is_checked_as_well(name: str, said: str, why: str) -> None:
    assert any(why in each.zh for each in faults_of(zh, name, said)), faults_of(zh, name, said)


def test_bundles_lists_and_what_they_leave_out_are_said_in_a_townships_own_words() -> None:
    texts = {"bundle": BUNDLE, "bundle.more": "另有{count}项，点开看。", "digest": "【今天】{you}，应办{own}项：\n{lines}\n{more}辛苦了。"}
    assert [faults_of(zh, *each) for each in texts.items()] == [[], [], []]
    own = Manner(texts=texts, bundle_cap=3)
    body = render(sample("bundle"), own, START, URL)[1]
    assert body.startswith("【4件事】您为东村村支部书记、")
    assert "\n另有1项，点开看。\n" in body and body.endswith(f"请今天都看一遍。 {URL}/inbox")
    listed = render(sample("digest"), own, START, URL)[1]
    assert listed.startswith("【今天】您为东村村支部书记，应办2项：\n1. 〔整改〕")
    assert listed.endswith(f"\n另有1项，点开看。\n辛苦了。\n{URL}/inbox")
    broken = Manner(texts={"bundle": "{gone}"})
    assert render(sample("bundle"), broken, START, URL) == render(sample("bundle"), Manner(), START, URL)


def test_lengths_are_counted_as_each_channel_counts() -> None:
    assert [sms_parts("字" * count) for count in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]
    assert sms_parts("𠮷" * 36) == 2  # two units each in UCS-2
    wecom = next(each for each in lengths("字" * 700) if each.channel == "企业微信")
    assert (wecom.used, wecom.most, wecom.fits) == (2100, 2048, False)


def test_a_bundle_is_cut_to_what_its_channel_takes() -> None:
    members = tuple(replace(longest("overdue"), code=f"YH-{number}") for number in range(30))
    many = replace(sample("overdue"), purpose="bundle", members=members, kind=CaseKind.hazard)
    robot = render(replace(many, url="wecombot://~x"), Manner(bundle_cap=30), START, URL)[1]
    mail = render(replace(many, url="mailtos://~x"), Manner(bundle_cap=30), START, URL)[1]
    assert len(robot.encode()) <= 2048 < len(mail.encode())
    assert "还有" in robot and robot.endswith(f"{URL}/inbox")
    assert not room_of("wecombot://~x").private and room_of("mailtos://~x").private and not room_of("unheard-of://x").private


def read(folder: Path, body: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    (folder / FILE).write_text(body, encoding="utf8")
    findings = Findings()
    found = read_wordings(folder, findings)
    return [str(each) for each in sorted(findings.faults)], [(each.language, each.name, each.text) for each in found]


def test_a_folder_says_what_it_wants_otherwise_and_need_not_say_anything(tmp_path: Path) -> None:
    assert read_wordings(tmp_path, Findings()) == ()
    assert read(tmp_path, "{}\n") == ([], [])
    assert read(tmp_path, f'zh:\n  overdue: "{GOOD}"\n') == ([], [("zh", "overdue", GOOD)])


def test_a_text_of_several_lines_is_read_as_it_is_kept(tmp_path: Path) -> None:
    block = "\n".join(f"    {line}" for line in BUNDLE.splitlines())
    assert read(tmp_path, f"zh:\n  bundle: |\n{block}\n") == ([], [("zh", "bundle", BUNDLE)])


def test_every_fault_of_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    faults, found = read(
        tmp_path, 'zh:\n  overdu: "x"\n  overdue: "{code} {you} {late} {upp}"\n  approval.late: ~\nde:\n  overdue: "x"\n'
    )  # fmt: skip
    assert found == []
    assert any(each.startswith("messages.yaml:2:") and "overdue" in each for each in faults)
    assert any(each.startswith("messages.yaml:3:") and "{upp}" in each and "{up}" in each for each in faults)
    assert any(each.startswith("messages.yaml:4:") for each in faults)
    assert any(each.startswith("messages.yaml:5:") for each in faults)
