"""Posts change hands, and people stand in: who decides, on which days, and what goes with the post."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from models.database import transaction
from statemachines.errors import NotAllowed, Refused
from statemachines.handover import HandedOver, Open, StandIn, end_stand_in, hand_over, stand_in
from tests.stage import Stage

TODAY, TOMORROW, FRIDAY = date(2023, 2, 20), date(2023, 2, 21), date(2023, 2, 24)


def over(stage: Stage, post: str, to: str, day: date = TOMORROW, by: str = "office-head", reason: str = "调岗", **more: Any) -> HandedOver:
    with transaction(stage.engine) as session:
        return hand_over(session, stage.acting(by), stage.clock.now(), post, to, day, reason, **more)


def cover(
    stage: Stage, post: str, absent: str, person: str, day: date = TOMORROW, until: date | None = FRIDAY, by: str = "office-head"
) -> StandIn:
    with transaction(stage.engine) as session:
        return stand_in(session, stage.acting(by), stage.clock.now(), post, absent, person, day, until, "休假")


def back(stage: Stage, post: str, absent: str, last: date | None = None, by: str = "office-head") -> StandIn:
    with transaction(stage.engine) as session:
        return end_stand_in(session, stage.acting(by), stage.clock.now(), post, absent, "销假", last)


def holders(stage: Stage, post: str) -> list[tuple[str, date, date | None, str | None]]:
    rows = stage.all(
        "select person.key, from_day, to_day, away.key as away from holding join person on person.id = person_id"
        " join post on post.id = post_id left join person away on away.id = deputy_of_id where post.code = :post order by from_day, 1",
        post=post,
    )  # fmt: skip
    return [tuple(row) for row in rows]


def refused(reason: str, doing: Callable[[], object]) -> None:
    with pytest.raises(Refused) as no:
        doing()
    assert no.value.reason == reason, no.value.detail


def test_open_work_goes_with_the_post_and_is_named(stage: Stage) -> None:
    stage.to_rectifying()
    code = stage.to_assigned()
    done = over(stage, "owner", "p-owner-3")
    assert (done.from_people, done.to_person, done.from_day) == (("p-owner",), "p-owner-3", TOMORROW)
    assert done.responsible == (Open("hazard", "assigned", 1), Open("hazard", "rectifying", 1))  # type: ignore[arg-type]
    assert holders(stage, "owner") == [("p-owner", date(2022, 1, 1), TODAY, None), ("p-owner-3", TOMORROW, None, None)]
    stage.at("2023-02-21T09:00+08:00")
    with pytest.raises(NotAllowed):
        stage.act("owner", "acknowledge", code)
    stage.act("owner", "acknowledge", code, person="p-owner-3")


def test_why_and_who_ordered_it_stand_beside_both_holdings(stage: Stage) -> None:
    over(stage, "owner", "p-owner-3")
    rows = stage.all("select reason, ordered_person, ordered_post from holding join post on post.id = post_id where code = 'owner'")
    assert [tuple(row) for row in rows] == [("调岗", "p-office-head", "office-head")] * 2


def test_what_waits_for_the_posts_approval_is_named_too(stage: Stage) -> None:
    stage.to_verified()
    assert over(stage, "office-head", "p-guard", by="deputy").deciding == (Open("hazard", "verified", 1),)  # type: ignore[arg-type]


@pytest.mark.parametrize(("post", "by"), [
    ("owner", "dispatcher"), ("owner", "inspector"), ("owner", "owner-2"), ("deputy", "office-head"), ("office-head", "office-head"),
    ("mayor", "deputy"), ("mayor", "mayor"), ("secretary", "mayor"), ("inspector", "head-fire"), ("inspector", "discipline"),
])  # fmt: skip
def test_who_may_not_decide_about_a_post(stage: Stage, post: str, by: str) -> None:
    with pytest.raises(NotAllowed):
        over(stage, post, "p-guard", by=by)


@pytest.mark.parametrize(("post", "by"), [
    ("owner", "office-head"), ("inspector", "deputy"), ("inspector", "secretary"), ("deputy", "mayor"), ("office-head", "deputy"),
    ("secretary", "district"), ("head-police", "office-head"),
])  # fmt: skip
def test_who_may(stage: Stage, post: str, by: str) -> None:
    assert over(stage, post, "p-guard", by=by).to_person == "p-guard"


def test_nobody_puts_themselves_into_a_post(stage: Stage) -> None:
    with pytest.raises(NotAllowed):
        over(stage, "owner", "p-office-head")
    with pytest.raises(NotAllowed):
        cover(stage, "owner", "p-owner", "p-office-head")


def test_no_day_that_has_passed_is_touched(stage: Stage) -> None:
    refused("day", lambda: over(stage, "owner", "p-guard", date(2023, 2, 19)))
    refused("day", lambda: cover(stage, "owner", "p-owner", "p-guard", date(2023, 2, 19)))
    refused("day", lambda: cover(stage, "owner", "p-owner", "p-guard", FRIDAY, TOMORROW))
    assert over(stage, "owner", "p-guard", TODAY).from_day == TODAY


def test_a_hand_over_leaves_no_day_without_a_holder_and_none_with_two(stage: Stage) -> None:
    stage.do("update holding set to_day = '2023-02-22' from post where post.id = post_id and code = 'owner'")
    refused("holding", lambda: over(stage, "owner", "p-guard", FRIDAY))
    refused("holding", lambda: over(stage, "owner", "p-owner"))
    over(stage, "owner", "p-guard", date(2023, 2, 23))
    refused("holding", lambda: over(stage, "owner", "p-ranger", TOMORROW))
    refused("person", lambda: over(stage, "inspector", "p-nobody"))
    refused("post", lambda: over(stage, "nothing", "p-guard"))
    refused("reason", lambda: over(stage, "inspector", "p-guard", reason=""))


def test_a_vacant_post_is_filled_and_of_several_holders_one_is_named(stage: Stage) -> None:
    stage.do("update holding set to_day = '2023-02-10' from post where post.id = post_id and code = 'owner'")
    assert over(stage, "owner", "p-guard", FRIDAY).from_people == ()
    stage.do(
        "insert into holding (person_id, post_id, from_day) select person.id, post.id, '2022-01-01' from person, post"
        " where person.key = 'p-ranger' and post.code = 'inspector'"
    )
    refused("holding", lambda: over(stage, "inspector", "p-guard"))
    assert over(stage, "inspector", "p-guard", from_person="p-ranger").from_people == ("p-ranger",)


def test_stand_ins_of_whoever_leaves_end_with_them_and_later_ones_never_begin(stage: Stage) -> None:
    cover(stage, "owner", "p-owner", "p-guard", TODAY, None)
    over(stage, "owner", "p-ranger", FRIDAY)
    assert ("p-guard", TODAY, date(2023, 2, 23), "p-owner") in holders(stage, "owner")
    cover(stage, "owner-2", "p-owner-2", "p-guard", FRIDAY)
    over(stage, "owner-2", "p-ranger", TOMORROW)
    assert [row[0] for row in holders(stage, "owner-2")] == ["p-owner-2", "p-ranger"]


def test_a_stand_in_acts_while_it_lasts(stage: Stage) -> None:
    code = stage.to_assigned()
    cover(stage, "owner", "p-owner", "p-guard", TODAY)
    stage.act("owner", "acknowledge", code, person="p-guard")
    assert stage.history(code)[-1].facts["standing_in_for"] == "p-owner"
    stage.at("2023-02-25T09:00+08:00")
    with pytest.raises(NotAllowed):
        stage.act("owner", "submit", code, person="p-guard")


def test_nobody_has_two_stand_ins_on_a_day_nor_stands_in_where_they_are_anyway(stage: Stage) -> None:
    cover(stage, "owner", "p-owner", "p-guard")
    refused("holding", lambda: cover(stage, "owner", "p-owner", "p-ranger", FRIDAY, None))
    refused("holding", lambda: cover(stage, "owner", "p-owner", "p-guard", FRIDAY, None))
    assert cover(stage, "owner", "p-owner", "p-ranger", date(2023, 2, 25), None).to_day is None
    refused("person", lambda: cover(stage, "owner-2", "p-owner-2", "p-owner-2"))
    refused("person", lambda: cover(stage, "owner-2", "p-owner-2", "p-nobody"))
    refused("holding", lambda: cover(stage, "owner-2", "p-owner", "p-guard"))


def test_who_is_stood_in_for_holds_the_post_on_all_of_these_days(stage: Stage) -> None:
    stage.do("update holding set to_day = '2023-02-23' from post where post.id = post_id and code = 'owner'")
    refused("holding", lambda: cover(stage, "owner", "p-owner", "p-guard"))
    refused("holding", lambda: cover(stage, "owner", "p-owner", "p-guard", until=None))
    assert cover(stage, "owner", "p-owner", "p-guard", until=date(2023, 2, 23)).person == "p-guard"


def test_a_stand_in_ends_early_or_never_begins(stage: Stage) -> None:
    cover(stage, "owner", "p-owner", "p-guard", TODAY)
    assert back(stage, "owner", "p-owner").to_day == TODAY
    refused("holding", lambda: back(stage, "owner", "p-owner", TOMORROW))
    cover(stage, "owner", "p-owner", "p-guard", FRIDAY)
    assert back(stage, "owner", "p-owner").to_day is None
    assert holders(stage, "owner") == [("p-guard", TODAY, TODAY, "p-owner"), ("p-owner", date(2022, 1, 1), None, None)][::-1]
