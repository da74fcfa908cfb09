"""The numbers of a township, each worked out by hand beside a dozen hazards whose histories are known."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from models.clock import parse_time
from models.database import transaction
from papers.numbers.backtest import backtest
from papers.numbers.forecast import Basis, forecast
from papers.numbers.kpi import DEFINITIONS, By, Numbers, numbers_by, numbers_of
from papers.numbers.league import league, veto_of
from papers.numbers.lives import read_flow
from papers.numbers.score import score_of
from papers.numbers.signals import Signal, signals
from tests.stage import Stage

RATIOS = (
    "rate", "on_time", "first_pass", "rebound", "coverage", "major_kept", "duties_kept", "reviews_on_time", "reports_on_time",
    "hours_to_assign", "hours_to_acknowledge", "self_found",
)  # fmt: skip
WORDS = (
    "灭火器压力不足", "店内住人", "燃气报警装置未启用", "液化气瓶与明火同室", "油烟管道未清洗", "安全出口上锁", "应急照明损坏",
    "私拉乱接电线", "可燃装修材料遮挡门窗", "电焊作业无证", "配电箱未接地", "电动车室内充电", "占用消防车通道", "卷帘门下堆货",
)  # fmt: skip


@pytest.fixture
def stage(stage: Stage) -> Stage:
    """Each hazard is found in words of its own: the same words again would be a recurrence."""
    words, find = iter(WORDS), stage.find
    stage.find = lambda *said, **facts: find(*said, **{"description": next(words), **facts})  # type: ignore[method-assign]
    return stage


def whole(stage: Stage, **more: Any) -> Numbers:
    with transaction(stage.engine) as session:
        return numbers_of(session, stage.township_id, stage.clock.now(), **more)


def by(stage: Stage, what: By) -> dict[str, Numbers]:
    with transaction(stage.engine) as session:
        return {each.unit: each for each in numbers_by(session, stage.township_id, stage.clock.now(), what)}


def looked_at(stage: Stage) -> list[Signal]:
    with transaction(stage.engine) as session:
        return signals(session, stage.township_id, stage.clock.now())


def visit(stage: Stage, place: str, result: str = "passed", at: str = "2023-02-20T09:00+08:00") -> None:
    stage.do(
        "insert into inspection (township_id, code, place_id, trigger, started_at, result, unit_signed, refused_to_sign, recorded_at,"
        " recorded_person, recorded_post) select township_id, 'JC-' || (select count(*) from inspection), id, 'campaign', :at, :result,"
        " true, false, :at, 'p-inspector', 'inspector' from place where code = :place",
        place=place, result=result, at=parse_time(at),
    )  # fmt: skip


def run_of_duty(
    stage: Stage, owner: str, state: str, due: str, done: str | None = None, *, leader: bool = False, report: bool = False
) -> None:
    """A duty run as its machine leaves it behind; what leads there is not of interest here."""
    stage.do(
        "with said as (insert into duty (township_id, code, version, active, title, leader, body) select :town, 'd' || count(*), 1, true,"
        " '履职', :leader, jsonb_build_object('report', cast(:report as boolean)) from duty returning id),"
        " made as (insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, opened_at, due_at)"
        " select :town, 'duty', 'LZ-' || id, :state, 1, 1, 0, '', 'general', 0, :due, :due from said returning id)"
        " insert into duty_run (case_id, duty_id, task, title, period, owner_post_id, leader, opens_at, due_at, closes_at, wanted, barred,"
        " done_at) select made.id, said.id, 'duty', '履职', :day, post.id, :leader, :due, :due, :due, '{}', '{}', :done"
        " from made, said, post where post.code = :owner",
        town=stage.township_id, state=state, due=parse_time(due), done=parse_time(done) if done else None, leader=leader, report=report,
        day=date(2023, 2, 1), owner=owner,
    )  # fmt: skip


@pytest.fixture
def dozen(stage: Stage) -> dict[str, str]:
    """Twelve hazards found on Monday 20 February, most of class g3 and so due on the 23rd; looked at on 1 March, 10:00."""
    codes = {name: stage.to_closed() for name in ("closed", "closed too", "came back")}
    codes["failed first"] = stage.to_submitted()
    stage.act("inspector", "reinspect_fail", codes["failed first"], reason="fake_rectification")
    stage.fix(codes["failed first"])
    stage.act("inspector", "reinspect_pass", codes["failed first"], site_visit=True)
    stage.act("office-head", "approve_close", codes["failed first"])
    codes["rejected"] = stage.find()
    stage.act("office-head", "reject", codes["rejected"], reason="not_a_hazard")
    codes["duplicate"] = stage.find()
    stage.act("dispatcher", "mark_duplicate", codes["duplicate"], duplicate_of=codes["closed"])
    codes["never mended"] = stage.to_assigned()
    codes["mended late"] = stage.to_rectifying()
    codes["not assigned"] = stage.find()
    codes["self-found"] = stage.to_rectifying(source="self_check", sla_class="g15")
    codes |= {name: stage.to_assigned("pit", grade="major") for name in ("mine", "mine, late")}
    stage.at("2023-02-24T10:00+08:00")
    stage.act("inspector", "reopen", codes["came back"], reason="回头看发现反弹")
    stage.at("2023-02-25T10:00+08:00")
    stage.fix(codes["mended late"])
    stage.at("2023-03-01T10:00+08:00")
    return codes


def test_what_is_found_is_valid_or_ended_otherwise(stage: Stage, dozen: dict[str, str]) -> None:
    made = whole(stage)
    assert (made.found, made.rejected, made.duplicate, made.cancelled, made.transferred, made.valid) == (12, 1, 1, 0, 0, 10)
    assert (made.closed, made.open, made.rate) == (3, 7, 3 / 10)


def test_a_unit_is_judged_by_when_it_reported_in_the_round_that_passed(stage: Stage, dozen: dict[str, str]) -> None:
    """Due by now: both closed, the one that failed first (in time all the same), the one never mended, the one mended late (not yet
    re-inspected). The reopened one has no due time until it is assigned again, the g15 one until 7 March, the mines in four weeks."""
    made = whole(stage)
    assert (made.due_passed, made.on_time) == (5, 3 / 5)


def test_reported_a_minute_late_is_late_however_well_it_passes(stage: Stage) -> None:
    """Both due on the 23rd; one is reported mended at 23:59, the other at 00:01, and both pass on the 24th."""
    in_time, late = stage.to_rectifying(), stage.to_rectifying()
    for moment, code in (("2023-02-23T23:59+08:00", in_time), ("2023-02-24T00:01+08:00", late)):
        stage.at(moment)
        stage.fix(code)
    stage.at("2023-02-24T10:00+08:00")
    for code in (in_time, late):
        stage.act("inspector", "reinspect_pass", code, site_visit=True)
    assert (whole(stage).due_passed, whole(stage).on_time) == (2, 1 / 2)


def test_due_and_not_mended_waits_for_the_unit_and_overdue_for_anybody(stage: Stage, dozen: dict[str, str]) -> None:
    """Only the one never mended waits for its unit; not assigned and not assigned again wait for the office; the late one is in review
    until 1 March, 18:00."""
    made = whole(stage)
    assert (made.due_unrectified, made.overdue) == (1, 3)


def test_passed_at_once_looks_at_the_first_re_inspection(stage: Stage, dozen: dict[str, str]) -> None:
    """Re-inspected: closed, closed too, came back, failed first; the last at the second try."""
    made = whole(stage)
    assert (made.reviewed, made.first_pass) == (4, 3 / 4)


def test_what_came_back_is_measured_by_all_that_were_ever_closed(stage: Stage, dozen: dict[str, str]) -> None:
    made = whole(stage)
    assert (made.ever_closed, made.rebound) == (4, 1 / 4)


def test_a_hazard_that_recurs_at_its_place_counts_as_come_back_and_many_of_a_kind_in_a_village_do_not(stage: Stage) -> None:
    first, again, other = stage.to_closed(), stage.find(), stage.find()
    for code, kind in ((again, "same_item"), (other, "village_family")):
        stage.do(
            "update hazard set recurrence_kind = :kind, recurrence_of_id = (select id from cases where code = :first)"
            " where case_id = (select id from cases where code = :code)", kind=kind, first=first, code=code,
        )  # fmt: skip
    assert (whole(stage).ever_closed, whole(stage).rebound) == (1, 1.0)


def test_major_hazards_are_kept_while_closed_or_within_their_plan(stage: Stage, dozen: dict[str, str]) -> None:
    assert (whole(stage).majors, whole(stage).major_kept, whole(stage).major_overdue) == (2, 1.0, 0)
    stage.do("update hazard set due_at = :due where case_id = (select id from cases where code = :code)",
             due=parse_time("2023-02-28"), code=dozen["mine, late"])  # fmt: skip
    assert (whole(stage).major_kept, whole(stage).major_overdue) == (1 / 2, 1)


def test_response_times_are_medians_of_first_assignments(stage: Stage) -> None:
    """Found at 10:00, assigned at 11:00, 12:00 and 16:00; two acknowledged at 17:00 and 20:00, after 6 and 8 hours; 2 and 7."""
    codes = [stage.find() for _ in range(3)]
    for hours, code in zip((1, 1, 4), codes, strict=True):
        stage.later(hours=hours)
        stage.act("dispatcher", "assign", code)
    for code, hour in zip(codes[:2], (17, 20), strict=True):
        stage.at(f"2023-02-20T{hour}:00+08:00")
        stage.act("owner", "acknowledge", code)
    assert (whole(stage).hours_to_assign, whole(stage).hours_to_acknowledge) == (2.0, 7.0)


def test_reviews_are_in_time_by_their_own_clock(stage: Stage) -> None:
    """Three working days from Monday end on Thursday, 10:00: one passed at once, one after a week, one still waits, one is not due."""
    stage.to_verified()
    late = stage.to_submitted()
    stage.to_submitted()
    stage.at("2023-02-27T10:00+08:00")
    stage.act("inspector", "reinspect_pass", late, site_visit=True)
    stage.to_submitted()
    assert (whole(stage).reviews, whole(stage).reviews_on_time) == (3, 1 / 3)


def test_coverage_counts_a_half_from_the_second_visit_without_access_on(stage: Stage) -> None:
    """One of three places entered, one found locked twice, one once: (1 + 0.5 + 0) / 3."""
    for place, result in (("shop", "issues"), ("shop-2", "not_accessible"), ("shop-2", "not_accessible"), ("pit", "not_accessible")):
        visit(stage, place, result)
    made = whole(stage)
    assert (made.coverage, made.places_active, made.inspections) == (0.5, 3, 1)


def test_coverage_is_of_the_places_in_the_campaign_s_scope_and_of_its_window(stage: Stage) -> None:
    visit(stage, "pit", at="2023-02-15T09:00+08:00")
    assert whole(stage).coverage == 1 / 3
    assert whole(stage, since=parse_time("2023-02-16")).coverage == 0.0
    stage.do("""update campaign set scope = '{"kinds": ["mine"], "fields": []}'""")
    assert (whole(stage).coverage, whole(stage).places_active, whole(stage).places) == (1.0, 1, 3)
    stage.do("""update campaign set scope = '{"kinds": [], "fields": ["fire_nine"]}'""")
    assert (whole(stage).coverage, whole(stage).places_active) == (0.0, 2)


def test_duties_are_done_in_time_late_missed_or_excused(stage: Stage) -> None:
    """Due: in time, late, missed by a leader, a report in time. Left out: the excused, the cancelled, what is due tomorrow."""
    run_of_duty(stage, "village-1", "done", "2023-02-19", "2023-02-18")
    run_of_duty(stage, "village-1", "done", "2023-02-19", "2023-02-19T12:00+08:00")
    run_of_duty(stage, "mayor", "missed", "2023-02-19", leader=True)
    run_of_duty(stage, "office-head", "done", "2023-02-17", "2023-02-17", report=True)
    run_of_duty(stage, "ranger", "excused", "2023-02-19")
    run_of_duty(stage, "ranger", "cancelled", "2023-02-19")
    run_of_duty(stage, "village-1", "open", "2023-02-21")
    made = whole(stage)
    assert (made.duties_due, made.duties_kept, made.reports_due, made.reports_on_time, made.leader_missed) == (4, 2 / 4, 1, 1.0, 1)
    assert made.found == 0, "a duty run is a case, but no hazard"
    assert by(stage, By.village)["v1"].duties_kept == 1 / 2
    assert by(stage, By.team)["office"].duties_kept == 1.0


def test_without_anything_every_ratio_is_none(stage: Stage) -> None:
    stage.do("update place set status = 'locked'")
    made = whole(stage)
    assert {name: getattr(made, name) for name in RATIOS} == dict.fromkeys(RATIOS)
    assert (made.found, made.valid, made.open, made.overdue, made.due_unrectified, made.no_hazards) == (0, 0, 0, 0, 0, False)
    assert score_of(made).points is None


@pytest.mark.parametrize(
    ("then", "none", "some"),
    [
        ("reject", ("rate", "on_time", "first_pass", "rebound", "major_kept", "hours_to_assign", "self_found"), ()),
        ("find", ("on_time", "first_pass", "rebound", "hours_to_assign", "reviews_on_time"), ("rate", "self_found")),
        ("assign", ("on_time", "first_pass", "rebound", "hours_to_acknowledge", "reviews_on_time"), ("hours_to_assign",)),
        ("submit", ("on_time", "first_pass", "rebound", "reviews_on_time"), ("hours_to_acknowledge",)),
        ("verify", ("on_time", "rebound"), ("first_pass", "reviews_on_time")),
        ("close", ("on_time", "major_kept", "duties_kept", "reports_on_time"), ("rebound", "rate")),
    ],
)
def test_each_denominator_stays_none_until_there_is_something_in_it(
    stage: Stage, then: str, none: tuple[str, ...], some: tuple[str, ...]
) -> None:
    steps = {
        "find": stage.find, "assign": stage.to_assigned, "submit": stage.to_submitted, "verify": stage.to_verified, "close": stage.to_closed
    }  # fmt: skip
    code = steps.get(then, stage.find)()
    if then == "reject":
        stage.act("office-head", "reject", code, reason="not_a_hazard")
    made = whole(stage)
    assert [name for name in none if getattr(made, name) is not None] == []
    assert [name for name in some if getattr(made, name) is None] == []


def test_units_are_counted_apart_and_come_to_the_whole(stage: Stage, dozen: dict[str, str]) -> None:
    assert {unit: each.valid for unit, each in by(stage, By.village).items()} == {"v1": 8, "v2": 2}
    assert {unit: each.valid for unit, each in by(stage, By.team).items()} == {"office": 0, "fire": 10, "police": 0}
    assert {unit: each.valid for unit, each in by(stage, By.field).items()} == {"fire_nine": 8, "mine": 2}
    assert {unit: each.valid for unit, each in by(stage, By.place_kind).items()} == {"small_shop": 8, "mine": 2}
    assert [(each.zh, each.en) for each in by(stage, By.place_kind).values()] == [("矿山", "mine"), ("小商店", "small shop")]


def test_fakes_and_self_found_are_counted(stage: Stage, dozen: dict[str, str]) -> None:
    made = whole(stage)
    assert (made.fakes, made.self_found) == (1, 1 / 10)


def test_each_hazard_counts_once_by_the_highest_post_that_an_escalation_reached(stage: Stage) -> None:
    """Due on 23 February: the township head on the 28th, the party secretary on 2 March, the district on the 5th."""
    stage.to_rectifying()
    for day, reached in (("02-26", (0, 0, 0)), ("03-01", (1, 0, 0)), ("03-03", (0, 1, 0)), ("03-06", (0, 0, 1))):
        stage.at(f"2023-{day}T12:00+08:00")
        stage.sweep()
        made = whole(stage)
        assert (made.to_head, made.to_secretary, made.to_district) == reached, day


def test_a_village_with_ten_inspections_and_no_hazard_is_flagged(stage: Stage) -> None:
    for _ in range(9):
        visit(stage, "shop")
    assert not by(stage, By.village)["v1"].no_hazards
    visit(stage, "shop-2")
    assert by(stage, By.village)["v1"].no_hazards
    assert [(each.kind, each.unit, each.facts) for each in looked_at(stage)] == [("no_hazards", "v1", {"inspections": 10})]
    stage.find()
    assert not by(stage, By.village)["v1"].no_hazards


def test_the_database_says_the_same_of_each_number_as_the_pages(stage: Stage) -> None:
    said = {
        row.attname: row.said
        for row in stage.all(
            "select attname, col_description(attrelid, attnum) as said from pg_attribute join pg_class on pg_class.oid = attrelid"
            " where relname = 'unit_numbers' and col_description(attrelid, attnum) is not null"
        )
    }
    assert said == {name: f"{each.zh} = {each.formula}" for name, each in DEFINITIONS.items()}


def test_the_league_can_be_switched_off_and_says_so(stage: Stage) -> None:
    for _ in range(5):
        stage.to_closed()
    with transaction(stage.engine) as session:
        table = league(session, stage.township_id, stage.clock.now())
        assert [(row.rank, row.numbers.unit, row.n) for row in table.rows] == [(1, "v1", 5), (None, "v2", 0)]
    stage.do("""update township set revision = revision + 1, rules = rules || '{"league": {"on": false}, "veto": ["v1"]}'""")
    with transaction(stage.engine) as session:
        table = league(session, stage.township_id, stage.clock.now())
        assert (table.on, table.rows, table.zh) == (False, (), "本镇不排名次。")
        assert veto_of(session, stage.township_id) == {"v1"}


def picture(stage: Stage, code: str, look: int | None = None, *, sha256: str, taken_at: str = "2023-02-20T10:00+08:00") -> None:
    stage.do(
        "insert into evidence (case_id, kind, round, sha256, look, media_type, taken_at, added_at, added_person, added_post)"
        " select id, 'after', 1, :sha256, :look, 'image/jpeg', :taken, :now, 'p-owner', 'owner' from cases where code = :code",
        code=code, look=look, sha256=sha256, taken=parse_time(taken_at), now=stage.clock.now(),
    )  # fmt: skip


LOOK = 0x0F0F_3C3C_5A5A_1234
SIX_BITS = LOOK ^ 0x0101_0101_0101  # one bit in each of six bytes
SEVEN_BITS = LOOK ^ 0b111_1111


def test_the_very_same_photo_in_another_case_is_a_signal(stage: Stage) -> None:
    one, two = stage.find(), stage.find(place="shop-2")
    picture(stage, one, sha256="same")
    stage.later(minutes=5)
    picture(stage, two, sha256="same")
    assert [(each.kind, each.case, each.place, each.facts["other"]) for each in looked_at(stage)] == [("reused_photo", two, "shop-2", one)]


def test_the_evidence_that_a_duplicate_hands_over_is_no_second_use(stage: Stage) -> None:
    master, repeat = stage.to_rectifying(), stage.find()
    stage.picture("inspector", repeat)
    stage.act("dispatcher", "mark_duplicate", repeat, duplicate_of=master)
    assert looked_at(stage) == []


@pytest.mark.parametrize(("look", "bits"), [(LOOK, 0), (SIX_BITS, 6), (SEVEN_BITS, None)])
def test_photos_that_differ_in_six_bits_look_the_same_and_in_seven_they_don_t(stage: Stage, look: int, bits: int | None) -> None:
    one, two = stage.find(), stage.find(place="pit", grade="major")
    picture(stage, one, LOOK, sha256="one")
    stage.later(minutes=5)
    picture(stage, two, look, sha256="two")
    found = [(each.kind, each.case, each.facts["other"], each.facts["bits"]) for each in looked_at(stage)]
    assert found == ([] if bits is None else [("similar_photo", two, one, bits)])


def test_dark_walls_look_all_the_same_and_are_left_out(stage: Stage) -> None:
    for number, place in enumerate(("shop", "shop-2")):
        picture(stage, stage.find(place=place), 0b111 - number, sha256=f"{number}")
    assert looked_at(stage) == []


def test_two_photos_of_one_case_may_look_alike(stage: Stage) -> None:
    code = stage.find()
    picture(stage, code, LOOK, sha256="one")
    picture(stage, code, SIX_BITS, sha256="two")
    assert looked_at(stage) == []


def test_a_photo_older_than_the_finding_is_a_signal(stage: Stage) -> None:
    code = stage.find()
    picture(stage, code, sha256="old", taken_at="2023-02-19T10:00+08:00")
    assert [(each.kind, each.case) for each in looked_at(stage)] == [("older_photo", code)]


@pytest.mark.parametrize(("minutes", "seen"), [(29, ["quick_closure"]), (30, [])])
def test_a_closure_within_half_an_hour_of_the_assignment_is_a_signal(stage: Stage, minutes: int, seen: list[str]) -> None:
    code = stage.to_verified()
    stage.later(minutes=minutes)
    stage.act("office-head", "approve_close", code)
    assert [each.kind for each in looked_at(stage)] == seen


def test_a_village_that_is_perfect_in_everything_is_a_signal_from_five_hazards_on(stage: Stage) -> None:
    closed = [stage.to_verified() for _ in range(5)]
    stage.later(hours=2)
    for code in closed[:4]:
        stage.act("office-head", "approve_close", code)
    stage.at("2023-02-24T10:00+08:00")
    assert looked_at(stage) == []
    stage.act("office-head", "approve_close", closed[4])
    assert [(each.kind, each.unit, each.facts) for each in looked_at(stage)] == [("perfect_rate", "v1", {"valid": 5})]


def test_every_signal_says_itself_in_both_languages(stage: Stage) -> None:
    stage.to_closed()
    said = looked_at(stage)[0]
    assert said.zh.endswith("。") and said.en.endswith(".") and said.case in said.zh and said.case in said.en


def test_the_forecast_reads_the_campaign_s_own_history(stage: Stage, dozen: dict[str, str]) -> None:
    with transaction(stage.engine) as session:
        flow = read_flow(session, stage.township_id, stage.clock.now())
    assert flow and flow.last_day == date(2023, 3, 31)
    lives = {life.code: life for life in flow.lives}
    assert [str(move.state) for move in lives[dozen["came back"]].moves][-2:] == ["closed", "reopened"]
    assert [move.due for move in lives[dozen["never mended"]].moves] == [None, date(2023, 2, 23)]
    assert [move.due for move in lives[dozen["came back"]].moves][-2:] == [date(2023, 2, 23), None]
    assert lives[dozen["mine"]].kind == "major"
    given = forecast(flow, stage.clock.now())
    assert (given.whole.open, given.days, given.whole.basis) == (7, 31, Basis.too_early)
    assert {each.unit: each.open for each in given.villages} == {"v1": 5, "v2": 2}
    assert {each.unit: each.open for each in given.fields} == {"fire_nine": 5, "mine": 2}


def test_a_backtest_sets_what_was_said_beside_what_was_left_at_the_deadline(stage: Stage) -> None:
    """Twelve hazards; three are closed on 1 March, one on 20 March and one after the deadline."""
    codes = [stage.to_verified() for _ in range(12)]
    for day, closing in (("03-01", codes[:3]), ("03-20", codes[3:4]), ("04-02", codes[4:5])):
        stage.at(f"2023-{day}T10:00+08:00")
        for code in closing:
            stage.act("office-head", "approve_close", code)
    days = [date(2023, 3, 1) + timedelta(days=n) for n in (0, 19, 31)]
    tried = backtest(stage.engine, stage.township_id, days, stage.clock.now())
    assert [(each.days, each.open, each.left) for each in tried.of("whole")] == [(30, 9, 8), (11, 8, 8)]
    assert [each.naive for each in tried.of("whole")] == [0, 7]  # 9 − 3/7·30 < 0; 8 − 1/7·11 = 6.4, said as 7
    assert len(tried.cases) == 9 + 8 and sum(left for _, left in tried.cases) == 16
    with pytest.raises(ValueError, match="no campaign"):
        backtest(stage.engine, stage.township_id, days, parse_time("2023-03-01"))


@pytest.fixture
def command(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    url = stage.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("BIHUAN_DATABASE_URL", url)
    monkeypatch.setenv("BIHUAN_DATABASE_OWNER_URL", url)

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["numbers", *arguments])
        return done.exit_code, done.stdout

    return run


def test_the_command_prints_one_json_object_with_everything(stage: Stage, dozen: dict[str, str], command: Any) -> None:
    code, said = command("--at", "2023-03-01T10:00+08:00", "--by", "field", "--json")
    read = json.loads(said)
    assert (code, read["township"]["rate"], read["by"]) == (0, 0.3, "field")
    assert {each["unit"]: each["valid"] for each in read["units"]} == {"fire_nine": 8, "mine": 2}
    assert set(read) == {"at", "by", "township", "score", "units", "league", "signals", "forecast", "definitions"}


def test_the_command_shows_a_dash_where_there_is_nothing_to_divide_by(stage: Stage, command: Any) -> None:
    code, said = command("--at", "2023-03-01T10:00+08:00")
    assert code == 0
    assert "整改率 R rate closed：—" in said and "＝已销号 ÷ 有效隐患" in said


def test_another_township_s_cases_are_left_alone(stage: Stage, dozen: dict[str, str]) -> None:
    with transaction(stage.engine) as session:
        other = session.execute(text("insert into township (code, name, time_zone, rules, salt, revision, demo)"
                                     " values ('other', '别镇', 'Asia/Shanghai', '{}', '', 1, false) returning id")).scalar_one()
        assert numbers_of(session, other, stage.clock.now()).found == 0
