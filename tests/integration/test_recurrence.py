"""A hazard that came back: found when it is registered, linked, hastened, and told from a duplicate."""

from __future__ import annotations

import pytest

from models.database import transaction
from models.rules import Recurrence
from statemachines.audit import audit
from statemachines.recurrence import Alike, Asked, alike
from tests.stage import Stage

WORDS = "灭火器压力不足"


def again(stage: Stage, **facts: object) -> tuple[str | None, int, str | None]:
    """The case that a new hazard is said to repeat, how often it has come back, and how that is known."""
    case = stage.case(stage.find(**facts))
    of = stage.all("select code from cases where id = :id", id=case.recurrence_of_id)
    return of[0].code if of else None, case.recurrence_count, case.recurrence_kind


def asked(stage: Stage, place: str, words: str, item: str | None = None) -> Alike:
    with transaction(stage.engine) as session:
        return alike(session, stage.township_id, Asked(place, stage.clock.now(), words, item), Recurrence())


def test_the_same_item_at_the_same_place_came_back_whatever_it_is_called(stage: Stage) -> None:
    first = stage.to_closed(item="C1", description="灭火器失效")
    assert again(stage, item="C1", description="干粉压力表指针在红区") == (first, 1, "same_item")


def test_similar_words_at_the_same_place_came_back_without_an_item(stage: Stage) -> None:
    first = stage.to_closed(item="C1", description=WORDS)
    assert again(stage, description="门口2具灭火器压力不足（红区）") == (first, 1, "same_words")


@pytest.mark.parametrize(("asked_for", "becomes"), [("g30", "g15"), ("g15", "g7"), ("g7", "g3"), ("g3", "g3"), ("on_spot", "on_spot")])
def test_what_came_back_is_due_one_class_sooner(stage: Stage, asked_for: str, becomes: str) -> None:
    stage.to_closed()
    assert stage.case(stage.find(sla_class=asked_for)).sla_class == becomes


def test_sooner_than_the_checklist_says_unless_somebody_asked_for_sooner_still(stage: Stage) -> None:
    first = stage.to_closed(item="P2")
    code = stage.find(item="P2", sla_class=None)
    assert stage.case(code).sla_class == "g7"
    stage.act("dispatcher", "mark_duplicate", code, duplicate_of=first)
    assert stage.case(stage.find(item="P2", sla_class="g3")).sla_class == "g3"


def test_each_time_it_comes_back_is_counted_from_the_latest(stage: Stage) -> None:
    first = stage.to_closed()
    stage.do("update hazard set recurrence_count = 4 where case_id = (select id from cases where code = :code)", code=first)
    assert again(stage) == (first, 5, "same_words")


def test_while_the_first_is_open_the_second_is_a_duplicate_and_no_recurrence(stage: Stage) -> None:
    stage.to_closed()
    open_one = stage.find()
    assert again(stage) == (None, 0, None)
    hint = asked(stage, "shop", WORDS)
    assert hint.earlier is None
    assert open_one in [twin.code for twin in hint.open_twins]


@pytest.mark.parametrize(("moment", "kind"), [("2024-02-20T10:00+08:00", "same_words"), ("2024-02-20T10:00:01+08:00", None)])
def test_twelve_months_after_the_closing_it_is_a_new_hazard(stage: Stage, moment: str, kind: str | None) -> None:
    stage.to_closed()
    stage.at(moment)
    assert again(stage)[2] == kind


def test_what_was_found_before_the_closing_did_not_come_back(stage: Stage) -> None:
    stage.to_closed()
    assert again(stage, found_at="2023-02-20T09:00:00+08:00") == (None, 0, None)


@pytest.mark.parametrize("ending", ["rejected", "duplicate", "cancelled", "transferred"])
def test_only_what_was_closed_can_come_back(stage: Stage, ending: str) -> None:
    code = stage.to_closed()
    stage.do("update cases set state = :ending where code = :code", ending=ending, code=code)
    assert again(stage) == (None, 0, None)


def test_another_place_of_the_village_counts_from_the_third_time(stage: Stage) -> None:
    closed = [stage.to_closed("shop", item=item, description=words) for item, words in (("C1", "失效"), ("C2", "无水"))]
    assert again(stage, place="shop-2", item="C3") == (None, 0, None)
    closed.append(stage.to_closed("shop", item="C4", description="损坏"))
    assert again(stage, place="shop-2", item="C5", description="未维保") == (closed[-1], 1, "village_family")
    assert again(stage, place="pit", item="C5", description="未维保") == (None, 0, None)


def test_a_family_that_the_checklist_names_is_that_of_the_village(stage: Stage) -> None:
    stage.do("""
        update checklist set body = jsonb_set(body, '{items}', (
            select jsonb_agg(case when item ->> 'code' in ('A1', 'B1', 'C1', 'D1') then item || '{"family": "灭火"}' else item end)
            from jsonb_array_elements(body -> 'items') item)) where code = 'fire'
    """)
    for item, words in (("A1", "甲"), ("B1", "乙"), ("D1", "丙")):
        stage.to_closed("shop", item=item, description=words)
    assert again(stage, place="shop-2", item="C1", description="丁")[2] == "village_family"
    assert again(stage, place="shop-2", item="C2", description="戊")[2] is None


def test_another_township_knows_nothing_of_it(stage: Stage) -> None:
    stage.to_closed()
    assert asked(stage, "pit", WORDS) == Alike()


def test_the_history_of_a_recurrence_holds(stage: Stage) -> None:
    first = stage.to_closed()
    code = stage.find()
    facts = stage.history(code)[0].facts
    assert (facts["recurrence_of"], facts["recurrence_kind"], facts["recurrence_count"]) == (first, "same_words", 1)
    with transaction(stage.engine) as session:
        assert audit(session) == []
