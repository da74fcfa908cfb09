"""Criteria have days: the same hazard is general on one day and major on the next, and what is open then is offered for regrading."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from models.clock import parse_time
from models.database import transaction
from papers.township import read
from statemachines.criteria import RegradeOffer, Standing, clause_standing, read_clause, regrade_offers, tell_new_criteria
from statemachines.errors import Refused
from tests.stage import Stage
from tests.town import EXAMPLE

BEFORE, AFTER = date(2023, 5, 14), date(2023, 5, 15)
ORDER_10 = "工贸企业重大事故隐患判定标准（应急管理部令第10号）第三条第二项"
LIBRARY = [
    ("安全生产法", "第四十一条", "2021-09-01", None), ("安全生产法", "第四十五条", "2014-12-01", "2021-08-31"),
    ("消防法", "第十六条", "2021-04-29", None), ("矿安〔2022〕88号", "一（一）1", "2022-09-01", None),
    ("矿安〔2022〕88号", "尾矿库部分", "2022-09-01", None), ("GB 35181-2017", "5.1.2", "2018-07-01", None),
    ("工贸企业重大事故隐患判定标准（应急管理部令第10号）", "第三条第二项", "2023-05-15", None),
]  # fmt: skip


@pytest.fixture
def library(stage: Stage) -> Stage:
    stage.do("delete from clause")
    for instrument, article, from_day, to_day in LIBRARY:
        stage.do(
            "insert into clause (township_id, instrument, article, from_day, to_day)"
            " values (:township, :instrument, :article, cast(:from_day as date), cast(:to_day as date))",
            township=stage.township_id, instrument=instrument, article=article, from_day=from_day, to_day=to_day,
        )  # fmt: skip
    return stage


def standing(stage: Stage, said: str, days: Sequence[date] = (AFTER,)) -> Standing:
    with transaction(stage.engine) as session:
        return clause_standing(session, stage.township_id, said, days)


@pytest.mark.parametrize(
    "said",
    [
        "安全生产法第四十一条", "《中华人民共和国安全生产法》第41条第二款", "违反安全生产法 第四十一条；消防法第九十九条", "安全生产法",
        "矿安〔2022〕88号 一（一）1", "矿安[2022]88号一(一)1", "矿安（２０２２）88号 尾矿库部分", "GB35181—2017 第5.1.2条",
        ORDER_10, "工贸企业重大事故隐患判定标准 第三条第二项", "应急管理部令第十号第3条第(2)项", "《工贸企业重大事故隐患判定标准》第三条",
    ],
)  # fmt: skip
def test_a_clause_is_found_however_it_is_written(library: Stage, said: str) -> None:
    assert standing(library, said) == Standing.in_force


@pytest.mark.parametrize(
    "said",
    ["安全生产法第四十条", "消防法实施办法第十六条", "河南省消防法第十六条", "矿安〔2022〕88号 一（二）1", "工贸标准第三条", "见附件"],
)
def test_what_the_library_does_not_have_is_unknown(library: Stage, said: str) -> None:
    assert standing(library, said) == Standing.unknown


def test_a_clause_holds_on_its_days_alone(library: Stage) -> None:
    assert standing(library, ORDER_10, [BEFORE]) == Standing.not_in_force
    assert standing(library, ORDER_10, [BEFORE, AFTER]) == Standing.in_force
    assert standing(library, "安全生产法第四十五条", [date(2021, 8, 31)]) == Standing.in_force
    assert standing(library, "安全生产法第四十五条", [date(2021, 9, 1)]) == Standing.not_in_force


def test_a_grade_may_rest_on_a_clause_in_force_or_on_one_that_nobody_can_look_up(library: Stage) -> None:
    assert standing(library, " ").holds is None
    assert [each.holds for each in Standing] == [None, True, False, False, True]
    library.do("delete from clause")
    assert standing(library, ORDER_10) == Standing.unchecked


def test_whatever_the_examples_checklists_cite_is_in_its_library() -> None:
    example = read(EXAMPLE)
    items = [item for checklist in example.checklists for item in checklist.items]
    cited = [(item.clause, BEFORE) for item in items] + [(change.clause, change.from_day) for item in items for change in item.changes]
    assert [(said, day) for said, day in cited if read_clause(said, [day], example.clauses) != Standing.in_force] == []


def found_on(stage: Stage, moment: str, **facts: object) -> str:
    stage.at(moment)
    return stage.find(**{"item": "P1", "sla_class": None, "description": moment, **facts})


def test_the_same_hazard_is_general_on_one_day_and_major_on_the_next(stage: Stage) -> None:
    before, after = (stage.case(found_on(stage, f"2023-05-{day}T{hour}+08:00")) for day, hour in ((14, "23:59:59"), (15, "00:00")))
    assert (before.grade, before.sla_class, before.legal_basis) == ("general", "g3", ["安全生产法第三十条第一款；消防法第二十一条第二款"])
    assert (after.grade, after.sla_class, after.legal_basis) == ("major", "major", [ORDER_10])


def test_a_late_entry_is_graded_by_the_day_it_was_found(stage: Stage) -> None:
    assert stage.case(found_on(stage, "2023-05-20T10:00+08:00", found_at=parse_time("2023-05-14T18:00:00+08:00"))).grade == "general"


def test_what_is_not_said_is_what_the_checklist_says_of_the_item(stage: Stage) -> None:
    case = stage.case(stage.find(item="P3", sla_class=None))
    assert (case.field, case.threat, case.nature, case.measure, case.sla_class) == (
        "power", "explosion", "thing", "做好接地，建立清扫制度", "g7",
    )  # fmt: skip
    said = {"field": "other", "threat": "fire", "nature": "person", "measure": "换新", "sla_class": "g15", "legal_basis": ["消防法"]}
    case = stage.case(stage.find(item="P3", description="别的", **said))
    assert {name: getattr(case, name) for name in said} == said


def test_a_grade_that_is_said_goes_with_its_own_class(stage: Stage) -> None:
    assert stage.case(found_on(stage, "2023-05-16T10:00+08:00", grade="general")).sla_class == "g7"
    assert stage.case(stage.find(item="M3", grade="major", sla_class=None)).sla_class == "major"
    with pytest.raises(Refused) as no:
        stage.find(item="P1", sla_class="g3")
    assert no.value.reason == "G1"


def test_an_item_that_no_checklist_has_changes_nothing(stage: Stage) -> None:
    case = stage.case(stage.find(item="Z99", sla_class=None))
    assert (case.item, case.grade, case.sla_class, case.legal_basis) == ("Z99", "general", "g7", [])


def offers(stage: Stage) -> list[RegradeOffer]:
    with transaction(stage.engine) as session:
        return regrade_offers(session, stage.township_id, stage.clock.now())


def test_open_hazards_are_offered_for_regrading_from_the_day_the_criteria_change(stage: Stage) -> None:
    old = found_on(stage, "2023-05-10T10:00+08:00")
    found_on(stage, "2023-05-10T11:00+08:00", item="P3")
    assert offers(stage) == []
    new = found_on(stage, "2023-05-15T08:00+08:00")
    known = [RegradeOffer(old, "P1", "general", "major", "major", ORDER_10, AFTER)]  # type: ignore[arg-type]
    assert offers(stage) == known
    with transaction(stage.engine) as session:
        assert tell_new_criteria(session, stage.township_id, stage.clock.now(), BEFORE) == known
        assert tell_new_criteria(session, stage.township_id, stage.clock.now(), AFTER) == []
    stage.do("update cases set grade = 'general' where code = :code", code=new)
    assert [offer.code for offer in offers(stage)] == [old, new]


def test_what_has_been_regraded_or_has_ended_is_not_offered(stage: Stage) -> None:
    codes = [found_on(stage, f"2023-05-10T{hour}:00+08:00") for hour in (10, 11)]
    stage.at("2023-05-16T10:00+08:00")
    assert [offer.code for offer in offers(stage)] == codes
    stage.act("deputy", "regrade", codes[0], grade="major", clause=ORDER_10)
    stage.do("update cases set state = 'cancelled', ended_at = opened_at where code = :code", code=codes[1])
    assert offers(stage) == []
