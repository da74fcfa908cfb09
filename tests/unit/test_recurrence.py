"""What counts as the same thing again: likeness of words, families of items, and which of several earlier cases it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.clock import parse_time
from models.enumerations import RecurrenceKind, SlaClass
from models.rules import Recurrence
from statemachines.recurrence import Asked, compare, family, hastened, likeness, plain

NOON = parse_time("2023-03-01T12:00:00+08:00")
PUNCTUATION = "，。、；：！？（）()《》“”…—·,.;:!?0123456789０１２ \n"
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)
phrases = st.text(st.sampled_from("灭火器压力不足安全出口上锁疏散通道堆放杂物私拉乱接电线应急照明损坏"), min_size=1, max_size=20)


@given(words, words)
def test_likeness_is_symmetric_and_within_its_bounds(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 100


@given(words)
def test_a_text_is_like_itself_if_it_says_anything(said: str) -> None:
    assert likeness(said, said) == (100 if plain(said) else 0)


@given(phrases, st.lists(st.tuples(st.integers(0, 20), st.sampled_from(PUNCTUATION)), max_size=6))
def test_punctuation_digits_and_spaces_say_nothing(said: str, marks: list[tuple[int, str]]) -> None:
    written = said
    for place, mark in marks:
        if mark not in "（）()":
            written = written[:place] + mark + written[place:]
    assert likeness(said, written) == 100
    assert likeness(said, f"{said}（2处）") == likeness(said, f"{said}(多处)") == 100


@given(words)
def test_what_is_plain_stays_so(said: str) -> None:
    assert plain(plain(said)) == plain(said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("灭火器压力不足", "2具灭火器压力不足（门口）"), ("灭火器压力不足", "灭火器压力不够"), ("疏散通道堆放杂物", "疏散通道内堆放杂物"),
        ("插座老化，私拉乱接电线", "私拉乱接电线、插座老化"), ("私拉乱接电线", "电线私拉乱接"), ("电动车室内充电", "室内给电动车充电"),
        ("油烟管道未清洗", "油烟管道未定期清洗"), ("占用消防车通道", "占用消防通道"), ("ＬＥＤ灯损坏", "led灯损坏"),
    ],
)  # fmt: skip
def test_the_same_thing_in_other_words_is_alike(one: str, other: str) -> None:
    assert likeness(one, other) >= Recurrence().similar


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("灭火器压力不足", "消火栓压力不足"), ("灭火器压力不足", "灭火器被遮挡"), ("安全出口上锁", "安全出口堆放杂物"),
        ("疏散通道堆放杂物", "楼梯间堆放杂物"), ("配电箱未接地", "电焊机未接地"), ("封堵墙破损", "围墙破损"), ("", ""), ("！！", "？？"),
    ],
)  # fmt: skip
def test_another_thing_in_like_words_is_not_alike(one: str, other: str) -> None:
    assert likeness(one, other) < Recurrence().similar


@pytest.mark.parametrize(
    ("item", "families", "which"),
    [("C3", {}, "C"), ("C12", {}, "C"), ("plain-exit", {}, "plain-exit"), ("12", {}, "12"), ("C3", {"C3": "灭火器"}, "灭火器")],
)
def test_a_family_is_what_the_checklist_says_or_the_code_without_its_number(item: str, families: Mapping[str, str], which: str) -> None:
    assert family(item, families) == which


@pytest.mark.parametrize(
    ("usual", "asked", "becomes"),
    [
        ("g30", "g30", "g15"), ("g15", "g15", "g7"), ("g7", "g7", "g3"), ("g3", "g3", "g3"), ("on_spot", "on_spot", "on_spot"),
        ("g30", "g3", "g3"), ("g15", "g30", "g7"), ("major", "major", "major"), ("major", "g7", "g3"), ("g7", "major", "major"),
    ],
)  # fmt: skip
def test_a_class_is_hastened_by_one_unless_a_faster_one_was_asked_for(usual: str, asked: str, becomes: str) -> None:
    assert hastened(SlaClass(usual), SlaClass(asked)) == becomes


@dataclass
class Row:
    """A candidate as the database gives it."""

    id: int
    code: str
    here: bool
    ended_at: datetime | None
    item: str | None
    description: str
    recurrence_count: int = 0


ASKED = Asked(place="shop", found_at=NOON, description="灭火器压力不足", item="C1")


def row(number: int, **what: object) -> Row:
    told = {"here": True, "ended_at": NOON - timedelta(days=number), "item": "C1", "description": "灭火器失效"}
    return Row(number, f"YH-{number}", **{**told, **what})  # type: ignore[arg-type]


def found(*rows: Row, asked: Asked = ASKED) -> tuple[RecurrenceKind, str, int] | None:
    earlier = compare(asked, Recurrence(), rows, {}).earlier
    return earlier and (earlier.kind, earlier.code, earlier.count)


def test_the_same_item_comes_before_similar_words_and_of_several_the_latest_counts() -> None:
    words = row(1, item="A9", description="灭火器压力不足（2处）")
    assert found(words, row(5), row(3, recurrence_count=2)) == ("same_item", "YH-3", 3)
    assert found(words) == ("same_words", "YH-1", 1)
    assert found(words, asked=replace(ASKED, item=None)) == ("same_words", "YH-1", 1)
    assert found(row(1, item="C2")) is None


def test_a_family_counts_from_the_third_closing_elsewhere_in_the_village() -> None:
    twice = [row(1, here=False, item="C2"), row(2, here=False, item=None, description="灭火器压力不够")]
    assert found(*twice) is None
    assert found(*twice, row(3, here=False, item="A1")) is None
    assert found(*twice, row(3, here=False, item="C9")) == ("village_family", "YH-1", 1)


def test_what_is_open_about_the_same_thing_is_a_twin_and_no_recurrence() -> None:
    alike = compare(ASKED, Recurrence(), [row(2), row(1, ended_at=None)], {})
    assert ([twin.code for twin in alike.open_twins], alike.earlier) == (["YH-1"], None)
