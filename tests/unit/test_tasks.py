"""Tasks that follow from other cases: by when, with what proof, and once for each cause."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from models.calendar import CHINA
from models.clock import local, parse_time
from models.enumerations import DutyTask, Grade
from statemachines.step import NewRun
from statemachines.tasks import OWNERS, WANTED, About, power_cut_notice, publish, recheck, regrade, start_work_check, talk

NOW = parse_time("2023-03-31T10:00+08:00")  # a Friday; the next Wednesday is a holiday
ABOUT = About(7, "YH-2023-0007", 2, Grade.major, place_id=3, village_id=4)
TASKS = {
    DutyTask.publish: publish(ABOUT, "挂牌", 1, NOW, CHINA),
    DutyTask.power_cut_notice: power_cut_notice(ABOUT, parse_time("2023-04-02T08:00+08:00"), 1, NOW),
    DutyTask.talk: talk(ABOUT, 1, NOW, CHINA),
    DutyTask.start_work_check: start_work_check(ABOUT, 1, NOW),
    DutyTask.regrade: regrade(ABOUT, "工贸10号令-3-2", 1, NOW, CHINA),
    DutyTask.recheck: recheck(ABOUT, date(2023, 3, 1), 1, ["p-2", "p-1"], NOW, CHINA),
}


@pytest.mark.parametrize(
    ("task", "due"),
    [
        (DutyTask.publish, "04-10 18:00"), (DutyTask.power_cut_notice, "04-01 08:00"), (DutyTask.talk, "04-10 18:00"),
        (DutyTask.start_work_check, "04-10 23:59"), (DutyTask.regrade, "04-06 18:00"), (DutyTask.recheck, "04-10 18:00"),
    ],
)  # fmt: skip
def test_each_task_has_its_time(task: DutyTask, due: str) -> None:
    assert f"{local(TASKS[task].due_at):%m-%d %H:%M}" == due


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_it_is_about_its_hazard_and_can_be_made_up_for_while_its_ladder_is_climbed(task: NewRun) -> None:
    assert (task.parent_id, task.place_id, task.village_id, task.owner_post_id, task.grade) == (7, 3, 4, 1, Grade.major)
    assert task.opens_at == NOW <= task.due_at < task.closes_at
    assert task.title.endswith("：YH-2023-0007")
    assert task.wanted == tuple(str(kind) for kind in WANTED[task.task])


def test_a_power_cut_sooner_than_a_day_ahead_is_told_within_two_hours() -> None:
    assert power_cut_notice(ABOUT, parse_time("2023-04-01T08:00+08:00"), 1, NOW).due_at == NOW + timedelta(hours=2)


def test_the_same_cause_makes_the_same_occasion_and_another_one_doesnt() -> None:
    def occasion(round_: int, now: datetime = NOW) -> str | None:
        return recheck(About(7, "YH-2023-0007", round_), date(2023, 3, 1), 1, [], now, CHINA).occasion

    assert occasion(1) == occasion(1, parse_time("2023-04-03")) == "recheck YH-2023-0007#1"
    assert occasion(2) == "recheck YH-2023-0007#2"
    assert publish(ABOUT, "挂牌", 1, NOW, CHINA).occasion != publish(ABOUT, "摘牌", 1, NOW, CHINA).occasion
    assert regrade(ABOUT, "a", 1, NOW, CHINA).occasion != regrade(ABOUT, "b", 1, NOW, CHINA).occasion


def test_a_recheck_is_named_by_the_day_of_closing_and_bars_who_re_inspected() -> None:
    task = TASKS[DutyTask.recheck]
    assert (task.period, task.barred) == (date(2023, 3, 1), ("p-2", "p-1"))


def test_every_task_but_the_recurring_and_the_drawn_one_says_whose_it_is() -> None:
    assert set(DutyTask) - set(OWNERS) == {DutyTask.duty, DutyTask.recheck}
    assert set(WANTED) == set(DutyTask) - {DutyTask.duty}
