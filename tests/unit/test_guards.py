"""Every guard both ways: what it lets pass, what it refuses, and that it says so in sentences."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.enumerations import CaseKind, EvidenceKind, Grade, HazardState, InterimControl, PostKind, ReasonCode, SlaClass
from statemachines import appeal, duty, extension, listing, report, transfer
from statemachines import guards as g
from statemachines.laws import LAWS
from statemachines.situation import Actor, Assignee, Master, Party, Photo, Plan, Situation

NOW = datetime(2023, 3, 1, 2, 0, tzinfo=UTC)
FOUND = NOW - timedelta(days=5)
HEAD = Actor("zhao", "office-head", PostKind.office_head, "town")
MAYOR = Actor("wang", "mayor", PostKind.township_head, "town")
DISTRICT = Actor("feng", "district", PostKind.district_office, "county")
DEPUTY = Actor("qian", "deputy", PostKind.deputy_in_charge, "town")
INSPECTOR = Actor("sun", "fire-inspector", PostKind.inspector, "fire")
OWNER = Actor("li", "shop-principal", PostKind.enterprise_principal, "village")
GRID = Actor("zhou", "grid", PostKind.grid_member, "village")
PLAN = Plan("目标", "措施", "经费", "人员", "时限", "预案", filed_at=NOW)
AFTER = Photo(EvidenceKind.after, "a" * 64, taken_at=NOW - timedelta(hours=1))
BEFORE = Photo(EvidenceKind.before, "b" * 64, taken_at=FOUND)
SIGNED = Photo(EvidenceKind.signature, "c" * 64)


def situation(actor: Actor = HEAD, facts: dict[str, Any] | None = None, **fields: Any) -> Situation:
    usual: dict[str, Any] = {
        "code": "YH-1",
        "place": "shop-1",
        "grade": Grade.general,
        "sla_class": SlaClass.g7,
        "found_at": FOUND,
        "finder": Party("sun", "fire-inspector"),
        "responsible_post": "shop-principal",
        "responsible_people": frozenset({"li"}),
        "team": "fire",
    }
    return Situation("any", actor, NOW, facts or {}, **(usual | fields))


def refuses(guard: g.Guard, s: Situation, *words: str) -> bool:
    refusal = guard(s)
    assert refusal is not None, f"{guard.__name__} lets this pass"
    assert refusal.reason == g.label(guard)
    assert refusal.zh.endswith("。") and refusal.en.endswith(".")
    assert not re.search(r"[,;:?!]", refusal.zh), "Chinese takes full-width punctuation"
    assert all(word in refusal.zh for word in words), refusal.zh
    return True


def passes(guard: g.Guard, s: Situation) -> bool:
    refusal = guard(s)
    assert refusal is None, refusal
    return True


REGISTER = {"place": "shop-1", "description": "灭火器过期", "location": "收银台旁"}


def test_a_hazard_is_registered_with_place_description_and_location_and_needs_no_photo() -> None:
    assert passes(g.g1_registered, situation(facts=REGISTER, place="", found_at=None))
    assert passes(g.g1_registered, situation(facts={"description": "堵塞", "exact_location": "后门"}))


@pytest.mark.parametrize(("name", "zh"), [("place", "场所"), ("description", "隐患描述"), ("location", "具体位置")])
@pytest.mark.parametrize("blank", [None, "", "  ", 7, ["x"]])
def test_a_blank_in_the_registration_is_named(name: str, zh: str, blank: object) -> None:
    assert refuses(g.g1_registered, situation(facts=REGISTER | {name: blank}, place=""), zh)


@pytest.mark.parametrize("when", ["yesterday", "2023-02-28T10:00:00", NOW + timedelta(seconds=1), "2023-03-01T10:00:01+08:00"])
def test_a_hazard_is_not_found_in_the_future_nor_at_a_time_nobody_can_read(when: object) -> None:
    assert refuses(g.g1_registered, situation(facts=REGISTER | {"found_at": when}), "发现时间")


def test_a_hazard_is_found_now_or_earlier() -> None:
    for when in (NOW, FOUND, "2023-03-01T10:00:00+08:00"):
        assert passes(g.g1_registered, situation(facts=REGISTER | {"found_at": when}))
    assert refuses(g.g1_registered, situation(facts=REGISTER, found_at=NOW + timedelta(hours=1)))


def test_only_a_general_hazard_is_fixed_on_the_spot_and_in_the_principals_presence() -> None:
    assert passes(g.g2_general, situation())
    assert refuses(g.g2_general, situation(grade=Grade.major))
    assert passes(g.principal_present, situation(facts={"principal_present": True}))
    for absent in (False, None, "false", "yes"):
        assert refuses(g.principal_present, situation(facts={"principal_present": absent}))


def test_the_photo_after_the_fix_is_of_this_round() -> None:
    assert passes(g.g3_after, situation(photos=(AFTER,)))
    assert refuses(g.g3_after, situation(), "上传")
    assert refuses(g.g3_after, situation(photos=(BEFORE,)))
    assert refuses(g.g3_after, situation(photos=(AFTER,), round=2))


def test_a_photo_serves_once() -> None:
    assert refuses(g.g3_after, situation(photos=(replace(AFTER, reused=True),)), "用过")
    assert refuses(g.g3_after, situation(photos=(AFTER, replace(AFTER, kind=EvidenceKind.before))), "用过")
    assert refuses(g.g3_after, situation(photos=(AFTER, replace(AFTER, round=2)), round=2), "用过")
    assert passes(g.g3_after, situation(photos=(replace(AFTER, reused=True), replace(AFTER, sha256="d" * 64))))


def test_the_photo_after_the_fix_is_not_older_than_the_finding() -> None:
    assert refuses(g.g3_after, situation(photos=(replace(AFTER, taken_at=FOUND - timedelta(seconds=1)),)), "早于")
    assert passes(g.g3_after, situation(photos=(replace(AFTER, taken_at=FOUND),)))
    assert passes(g.g3_after, situation(photos=(replace(AFTER, taken_at=None),)))
    assert passes(g.g3_after, situation(photos=(AFTER,), found_at=None))


def test_a_fix_on_the_spot_needs_a_photo_before_and_one_after() -> None:
    assert passes(g.g3_before_and_after, situation(photos=(BEFORE, AFTER)))
    assert refuses(g.g3_before_and_after, situation(photos=(AFTER,)), "整改前")
    assert refuses(g.g3_before_and_after, situation(photos=(BEFORE,)), "整改后")


def test_a_photo_from_far_away_needs_a_reason() -> None:
    far = situation(photos=(replace(AFTER, distance_m=300.1),))
    assert refuses(g.g5_on_site, far, "300米")
    assert passes(g.g5_on_site, replace(far, facts={"distance_reason": "场所在山沟，信号漂移"}))
    assert passes(g.g5_on_site, replace(far, asking=True))
    assert passes(g.g5_on_site, situation(photos=(replace(AFTER, distance_m=300.0), AFTER)))
    assert passes(g.g5_on_site, situation(photos=(replace(AFTER, distance_m=9000.0, round=2),)))


def test_a_hazard_is_assigned_to_an_active_post_that_somebody_holds_with_a_time_limit() -> None:
    post = Assignee("shop-principal", PostKind.enterprise_principal)
    assert passes(g.g4_assignable, situation(assignee=post))
    assert refuses(g.g4_assignable, situation(), "责任岗位")
    assert refuses(g.g4_assignable, situation(assignee=replace(post, filled=False)), "无人任职")
    assert refuses(g.g4_assignable, situation(assignee=replace(post, active=False)), "停用")
    assert refuses(g.g4_assignable, situation(assignee=replace(post, kind=PostKind.reporter)), "举报人")
    assert refuses(g.g4_assignable, situation(assignee=post, sla_class=None), "时限")
    assert refuses(g.g4_assignable, situation(assignee=post, sla_class=None, facts={"sla_class": "g8"}), "时限")
    assert passes(g.g4_assignable, situation(assignee=post, sla_class=None, facts={"sla_class": "g3"}))
    assert passes(g.g4_assignable, situation(assignee=post, sla_class=None, facts={"due_at": NOW + timedelta(days=1)}))
    for past in (NOW, "soon", None):
        assert refuses(g.g4_assignable, situation(assignee=post, facts={"due_at": past}), "期限")


def test_the_finder_does_not_reject_by_person_post_stand_in_or_as_second() -> None:
    assert passes(g.not_the_finder, situation())
    assert passes(g.not_the_finder, situation(finder=None))
    assert refuses(g.not_the_finder, situation(finder=Party("zhao", "another-post")))
    assert refuses(g.not_the_finder, situation(finder=Party("somebody", "office-head")))
    assert refuses(g.not_the_finder, situation(replace(HEAD, standing_in_for="sun")))
    assert refuses(g.not_the_finder, situation(second=INSPECTOR))


@pytest.mark.parametrize("reason", g.REJECTIONS)
def test_a_rejection_gives_one_of_the_reason_codes(reason: ReasonCode) -> None:
    assert passes(g.g6_rejection, situation(facts={"reason": reason}))
    assert passes(g.g6_rejection, situation(facts={"reason": reason.value}))


@pytest.mark.parametrize("reason", ["", "because", "weather", None, 3, ["not_a_hazard"]])
def test_a_rejection_for_another_reason_is_refused(reason: object) -> None:
    assert refuses(g.g6_rejection, situation(facts={"reason": reason}), "不构成隐患")


def test_a_major_hazard_is_rejected_by_two_officials() -> None:
    major = situation(facts={"reason": "not_a_hazard"}, grade=Grade.major)
    assert refuses(g.g6_rejection, major, "第二人")
    assert passes(g.g6_rejection, replace(major, second=DEPUTY))
    assert refuses(g.g6_rejection, replace(major, second=OWNER), "第二人")
    assert refuses(g.g6_rejection, replace(major, second=replace(DEPUTY, person="zhao")), "另一个人")
    assert refuses(g.g6_rejection, replace(major, second=replace(DEPUTY, standing_in_for="zhao")), "另一个人")


def test_a_case_is_cancelled_by_office_head_and_deputy_together() -> None:
    gone = situation(facts={"reason": "place_gone"})
    assert passes(g.g6_cancellation, replace(gone, second=DEPUTY))
    assert passes(g.g6_cancellation, replace(gone, actor=DEPUTY, second=HEAD))
    assert refuses(g.g6_cancellation, gone, "第二人")
    assert refuses(g.g6_cancellation, replace(gone, second=replace(HEAD, person="wu")), "分管班子成员")
    assert refuses(g.g6_cancellation, replace(gone, second=INSPECTOR))
    assert refuses(g.g6_cancellation, replace(gone, second=replace(DEPUTY, person="zhao")), "另一个人")
    assert refuses(g.g6_cancellation, situation(facts={"reason": "not_a_hazard"}, second=DEPUTY), "误录")


def test_a_major_hazard_is_never_cancelled_without_the_districts_record() -> None:
    major = situation(facts={"reason": "entered_by_mistake"}, grade=Grade.major, second=DEPUTY)
    assert refuses(g.g6_cancellation, major, "备案")
    assert passes(g.g6_cancellation, replace(major, facts={**major.facts, "district_record_no": "陕安办〔2023〕5号"}))


def test_a_duplicate_names_a_master_at_the_same_place_that_still_matters() -> None:
    master = Master("YH-2", "shop-1", HazardState.rectifying)
    closed = replace(master, state=HazardState.closed, closed_at=NOW - timedelta(days=90))
    assert passes(g.g7_master, situation(master=master))
    assert passes(g.g7_master, situation(master=closed))
    assert refuses(g.g7_master, situation(master=replace(closed, closed_at=NOW - timedelta(days=90, seconds=1))), "90天")
    assert refuses(g.g7_master, situation(master=replace(closed, closed_at=None)))
    assert refuses(g.g7_master, situation())
    assert refuses(g.g7_master, situation(master=replace(master, code="YH-1")))
    assert refuses(g.g7_master, situation(master=replace(master, place="shop-2")), "同一场所")
    assert refuses(g.g7_master, situation(master=replace(master, is_duplicate=True)), "最初")
    for state in (HazardState.rejected, HazardState.cancelled, HazardState.transferred):
        assert refuses(g.g7_master, situation(master=replace(master, state=state)), state.zh.split("(")[0])


@pytest.mark.parametrize(
    "facts",
    [{"sla_class": "g3"}, {"grade": "major"}, {"grade": "major", "sla_class": "major"}, {"grade": "general", "sla_class": "on_spot"}],
)
def test_a_regrade_changes_grade_or_class(facts: dict[str, str]) -> None:
    assert passes(g.grade_changes, situation(facts=facts))


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"grade": "general"},
        {"sla_class": "g7"},
        {"grade": "huge"},
        {"sla_class": 7},
        {"sla_class": "major"},
        {"grade": "major", "sla_class": "g3"},
    ],
)
def test_a_regrade_to_the_same_or_to_nonsense_is_refused(facts: dict[str, Any]) -> None:
    assert refuses(g.grade_changes, situation(facts=facts))


def test_a_major_hazard_graded_down_is_given_a_class() -> None:
    major = situation(grade=Grade.major, sla_class=SlaClass.major, facts={"grade": "general"})
    assert refuses(g.grade_changes, major)
    assert passes(g.grade_changes, replace(major, facts={"grade": "general", "sla_class": "g15"}))
    assert passes(g.grade_changes, replace(major, asking=True))


def test_a_hazard_becomes_major_by_a_clause_in_force_when_it_was_found() -> None:
    up = situation(facts={"grade": "major"})
    assert passes(g.g8_clause, replace(up, clause_in_force=True))
    assert refuses(g.g8_clause, replace(up, clause_in_force=False), "未施行")
    assert refuses(g.g8_clause, up, "条款")
    assert passes(g.g8_clause, situation(facts={"sla_class": "g3"}))


def test_a_major_hazard_is_graded_down_for_a_reason() -> None:
    down = situation(grade=Grade.major, facts={"grade": "general", "sla_class": "g15"})
    assert refuses(g.g8_clause, down, "理由")
    assert passes(g.g8_clause, replace(down, clause_in_force=True))
    assert passes(g.g8_clause, replace(down, facts={**down.facts, "reason": "所引标准自5月15日起施行"}))


def test_the_responsible_post_acknowledges_and_others_record_a_signed_paper() -> None:
    assert passes(g.g9_receipt, situation(OWNER))
    assert refuses(g.g9_receipt, situation(GRID), "签字")
    assert passes(g.g9_receipt, situation(GRID, facts={"paper_signed": True}))
    assert refuses(g.g9_receipt, situation(GRID, facts={"paper_signed": "no"}))
    assert passes(g.g9_receipt, situation(GRID, photos=(SIGNED,)))
    assert refuses(g.g9_receipt, situation(GRID, photos=(SIGNED,), round=2))


def test_an_assignment_goes_back_once_and_with_a_reason() -> None:
    assert passes(g.returned_once, situation(OWNER))
    assert refuses(g.returned_once, situation(OWNER, returned=1))
    assert passes(g.reason_given, situation(facts={"reason": "不是本单位的设施"}))
    assert refuses(g.reason_given, situation(facts={"reason": "　"}))


def test_a_major_hazard_is_submitted_with_a_plan_that_is_complete_and_filed() -> None:
    assert passes(g.g10_plan, situation())
    major = situation(grade=Grade.major)
    assert passes(g.g10_plan, replace(major, plan=PLAN))
    assert refuses(g.g10_plan, major, "不完整")
    assert refuses(g.g10_plan, replace(major, plan=replace(PLAN, filed_at=None)), "报备")


@pytest.mark.parametrize("item", ["target", "measures", "funds_and_goods", "organisation_people", "time_limit", "safety_and_emergency"])
def test_no_item_of_the_plan_may_be_blank(item: str) -> None:
    blank: dict[str, Any] = {item: " "}
    assert refuses(g.g10_plan, situation(grade=Grade.major, plan=replace(PLAN, **blank)), "不完整")


def test_who_reinspects_neither_submitted_nor_belongs_to_the_unit() -> None:
    submitted = situation(INSPECTOR, submitter=Party("li", "shop-principal"))
    assert passes(g.g11_reinspector, submitted)
    for barred in (
        replace(INSPECTOR, person="li"),
        replace(INSPECTOR, post="shop-principal"),
        replace(INSPECTOR, standing_in_for="li"),
    ):
        assert refuses(g.g11_reinspector, replace(submitted, actor=barred))
        assert refuses(g.g11_reinspector, replace(submitted, second=barred))
    assert refuses(g.g11_reinspector, replace(submitted, responsible_people=frozenset({"li", "sun"})))
    assert refuses(g.g11_reinspector, replace(submitted, submitter=Party("wang", "shop-principal", standing_in_for="sun")))


@pytest.mark.parametrize(("guard", "official"), [(g.g11_reinspector, INSPECTOR), (g.g11_approver, HEAD)])
def test_who_made_the_owners_link_neither_reinspects_nor_approves(guard: g.Guard, official: Actor) -> None:
    made = situation(official, link_makers=frozenset({official.person}))
    assert refuses(guard, made, "业主链接")
    assert refuses(guard, replace(made, actor=replace(official, person="wu", standing_in_for=official.person)), "业主链接")
    assert passes(guard, replace(made, actor=replace(official, person="wu")))


def test_a_second_official_who_made_the_owners_link_does_not_reinspect_either() -> None:
    colleague = Actor("wu", "fire-inspector-2", PostKind.inspector, "fire")
    assert passes(g.g11_reinspector, situation(INSPECTOR, second=colleague))
    assert refuses(g.g11_reinspector, situation(INSPECTOR, second=colleague, link_makers=frozenset({"wu"})), "业主链接")


def test_the_finder_of_a_fix_on_the_spot_may_reinspect_but_not_approve() -> None:
    recorded = situation(INSPECTOR, recorder=Party("sun", "fire-inspector"), submitter=Party("li", "shop-principal"))
    assert passes(g.g11_reinspector, recorded)
    assert refuses(g.g11_approver, recorded, "当场整改")
    assert refuses(g.g11_approver, replace(recorded, recorder=Party("wang", "other")), "当场整改")
    assert refuses(g.g11_approver, replace(recorded, finder=None), "当场整改")
    assert passes(g.g11_approver, replace(recorded, recorder=None))


@pytest.mark.parametrize("role", ["submitter", "reinspectors", "applicants"])
@pytest.mark.parametrize("same", [Party("zhao", "elsewhere"), Party("nobody", "office-head"), Party("nobody", "elsewhere", "zhao")])
def test_who_approves_had_no_hand_in_it(role: str, same: Party) -> None:
    others: dict[str, Any] = {role: same if role == "submitter" else frozenset({same, Party("sun", "fire-inspector")})}
    assert refuses(g.g11_approver, situation(HEAD, **others))


def test_who_approves_does_not_belong_to_the_unit() -> None:
    assert passes(g.g11_approver, situation(HEAD, reinspectors=frozenset({Party("sun", "fire-inspector")})))
    assert refuses(g.g11_approver, situation(HEAD, responsible_people=frozenset({"zhao"})))
    assert refuses(g.g11_approver, situation(HEAD, responsible_post="office-head"))
    assert refuses(g.g11_approver, situation(replace(HEAD, standing_in_for="li")))


@pytest.mark.parametrize("items", [{"C1": True, "C2": "yes", "C3": "na"}, [{"item": "C1", "passed": True}], {}])
def test_a_reinspection_passes_when_every_item_did(items: object) -> None:
    assert passes(g.g12_reinspection, situation(INSPECTOR, facts={"items": items}))


@pytest.mark.parametrize("items", [{"C1": True, "C2": False}, {"C1": "no"}, [{"passed": "true"}], ["C1"], "all", None, {"C1": []}])
def test_a_reinspection_with_an_item_that_did_not_pass_is_refused(items: object) -> None:
    assert refuses(g.g12_reinspection, situation(INSPECTOR, facts={"items": items}), "复查不合格")


def test_a_paper_is_issued_by_two() -> None:
    paper = situation(INSPECTOR, facts={"paper": "review_opinion"})
    colleague = Actor("wu", "fire-inspector", PostKind.inspector, "fire")
    assert refuses(g.g12_reinspection, paper, "第二人")
    assert passes(g.g12_reinspection, replace(paper, second=colleague))
    assert refuses(g.g12_reinspection, replace(paper, second=replace(colleague, person="sun")), "另一个人")
    assert refuses(g.g12_reinspection, replace(paper, second=HEAD))
    assert refuses(g.g12_reinspection, situation(INSPECTOR, facts={"second_person": "nobody-knows"}))
    assert passes(g.g12_reinspection, situation(INSPECTOR))


def test_a_major_hazard_is_reinspected_on_site_with_an_expert_or_the_district() -> None:
    major = situation(INSPECTOR, grade=Grade.major, facts={"site_visit": True, "expert": "省专家库 3 号"})
    district = Actor("feng", "emergency-bureau", PostKind.district_department, "district")
    assert passes(g.g12_reinspection, major)
    assert refuses(g.g12_reinspection, replace(major, facts={"expert": "x"}), "现场")
    assert refuses(g.g12_reinspection, replace(major, facts={"site_visit": "true", "expert": "x"}), "现场")
    assert refuses(g.g12_reinspection, replace(major, facts={"site_visit": True}), "专家")
    assert passes(g.g12_reinspection, replace(major, facts={"site_visit": True}, actor=district))
    assert passes(g.g12_reinspection, replace(major, facts={"site_visit": True, "second_person": "feng"}, second=district))


def test_an_interim_control_is_lifted_by_a_leader_or_kept() -> None:
    assert passes(g.g13_interim, situation())
    guarded = situation(interim_control=InterimControl.guard)
    assert refuses(g.g13_interim, guarded, "专人值守")
    assert passes(g.g13_interim, replace(guarded, interim_kept=True))
    assert passes(g.g13_interim, replace(guarded, facts={"interim_kept": True}))
    assert refuses(g.g13_interim, replace(guarded, facts={"interim_lifted": True}), "镇领导")
    assert passes(g.g13_interim, replace(guarded, facts={"interim_lifted": True}, actor=DEPUTY))
    assert refuses(g.g13_interim, replace(guarded, facts={"interim_kept": False}))


def test_a_major_hazard_closes_with_the_districts_consent_and_a_listed_one_off_the_list() -> None:
    assert passes(g.g14_district, situation())
    assert refuses(g.g14_district, situation(grade=Grade.major), "文号")
    assert passes(g.g14_district, situation(grade=Grade.major, district_consent_no="陕应急〔2023〕7号"))
    assert passes(g.g14_district, situation(grade=Grade.major, facts={"district_consent_no": "陕应急〔2023〕7号"}))
    assert refuses(g.g14_district, situation(listed=True), "摘牌")


def test_a_closure_is_taken_back_by_the_same_person_within_ten_minutes() -> None:
    closed = situation(closed_by=Party("zhao", "office-head"), closed_at=NOW - timedelta(minutes=10))
    assert passes(g.same_person, closed)
    assert passes(g.same_person, replace(closed, actor=replace(HEAD, post="another-post")))
    assert refuses(g.same_person, replace(closed, actor=DEPUTY))
    assert refuses(g.same_person, situation())
    assert passes(g.within_ten_minutes, closed)
    assert refuses(g.within_ten_minutes, replace(closed, now=NOW + timedelta(seconds=1)))
    assert refuses(g.within_ten_minutes, situation())


def test_a_case_reopens_within_twelve_months() -> None:
    assert passes(g.within_a_year, situation(closed_at=datetime(2022, 3, 1, 2, 0, tzinfo=UTC)))
    assert refuses(g.within_a_year, situation(closed_at=datetime(2022, 3, 1, 1, 59, tzinfo=UTC)))
    assert refuses(g.within_a_year, situation())
    leap = datetime(2024, 2, 29, tzinfo=UTC)
    assert passes(g.within_a_year, replace(situation(closed_at=leap), now=datetime(2025, 2, 28, tzinfo=UTC)))
    assert refuses(g.within_a_year, replace(situation(closed_at=leap), now=datetime(2025, 3, 1, tzinfo=UTC)))


def test_a_rung_is_taken_up_once_by_a_post_it_told_and_never_for_a_major_hazard() -> None:
    assert passes(g.own_rung, situation(holds_rung=True))
    assert refuses(g.own_rung, situation())
    assert passes(g.once_a_rung, situation())
    assert refuses(g.once_a_rung, situation(taken_up=True))
    assert passes(g.not_for_major, situation())
    assert refuses(g.not_for_major, situation(grade=Grade.major))


def test_a_promise_lies_within_the_next_24_hours_and_comes_with_a_note() -> None:
    for hours in (0.1, 24):
        assert passes(g.promise_within_a_day, situation(facts={"promised_at": NOW + timedelta(hours=hours)}))
    for when in (NOW, NOW + timedelta(hours=24, seconds=1), "tomorrow", None, NOW.replace(tzinfo=None)):
        assert refuses(g.promise_within_a_day, situation(facts={"promised_at": when}), "24小时")
    assert passes(g.note_given, situation(facts={"note": "今晚更换"}))
    assert refuses(g.note_given, situation())


# Interim controls, listings, transfers


def test_an_interim_control_is_one_of_the_words_and_ends_ahead() -> None:
    guarded = situation(INSPECTOR, {"interim_control": "guard"})
    assert passes(g.interim_named, guarded)
    assert passes(g.interim_named, replace(guarded, facts={**guarded.facts, "interim_until": NOW + timedelta(days=1)}))
    for control in (None, "none", "handcuffs", 7, ["guard"]):
        assert refuses(g.interim_named, situation(INSPECTOR, {"interim_control": control}), "临时管控")
    for until in (NOW, "soon", "2023-02-28T10:00:00+08:00"):
        assert refuses(g.interim_named, replace(guarded, facts={**guarded.facts, "interim_until": until}), "晚于现在")


@pytest.mark.parametrize("control", InterimControl)
def test_stopping_sealing_and_cutting_power_take_authority_and_the_rest_does_not(control: InterimControl) -> None:
    """安全生产法 Art. 65, 70; 消防法 Art. 54."""
    s = situation(INSPECTOR, {"interim_control": str(control)})
    enforcement = control in (InterimControl.partial_stop, InterimControl.full_stop, InterimControl.sealed, InterimControl.power_cut)
    assert refuses(g.g18_authority, s, control.zh, "执法") if enforcement else passes(g.g18_authority, s)
    assert passes(g.g18_authority, replace(s, authorised=True))
    assert passes(g.g18_authority, replace(s, actor=DEPUTY))


def test_a_control_that_stands_is_lifted_by_somebody_outside_of_the_unit() -> None:
    sealed = situation(DEPUTY, interim_control=InterimControl.sealed)
    assert passes(g.interim_stands, sealed)
    assert refuses(g.interim_stands, situation(DEPUTY))
    assert passes(g.g11_lifter, sealed)
    assert refuses(g.g11_lifter, replace(sealed, responsible_post="deputy"))
    assert refuses(g.g11_lifter, replace(sealed, responsible_people=frozenset({"qian"})))
    assert refuses(g.g11_lifter, replace(sealed, actor=replace(DEPUTY, standing_in_for="li")))


def test_only_a_major_hazard_is_listed_once_at_a_time_and_at_a_level() -> None:
    major = situation(facts={"level": "county"}, grade=Grade.major)
    assert passes(g.g19_major, major)
    assert refuses(g.g19_major, replace(major, grade=Grade.general), "重大")
    assert refuses(g.g19_major, replace(major, listed=True), "已挂牌")
    assert refuses(g.g19_major, replace(major, pending=frozenset({CaseKind.listing})), "已挂牌")
    for level in (None, "none", "planet", 3):
        assert refuses(g.g19_major, replace(major, facts={"level": level}), "级别")


def test_a_transfer_says_to_whom_and_that_it_is_out_of_jurisdiction() -> None:
    facts = {"reason": "out_of_jurisdiction", "recipient": "区自然资源局"}
    assert passes(g.g17_recipient, situation(facts=facts))
    assert passes(g.g17_recipient, situation(facts={"reason": "out_of_jurisdiction", "to": "区交通局"}))
    for recipient in ("", "  ", None, 7):
        assert refuses(g.g17_recipient, situation(facts=facts | {"recipient": recipient}), "接收单位")
    for reason in (None, "weather", "because"):
        assert refuses(g.g17_recipient, situation(facts=facts | {"reason": reason}), "不属本镇管辖")


# More time, another judgement


def test_more_time_is_asked_for_three_days_ahead_and_fifteen_working_days_for_a_major_hazard() -> None:
    assert passes(g.g15_in_time, situation(OWNER, due_at=NOW + timedelta(days=3)))
    assert refuses(g.g15_in_time, situation(OWNER, due_at=NOW + timedelta(days=3, seconds=-1)), "3天")
    assert passes(g.g15_in_time, situation(OWNER, grade=Grade.major, due_at=NOW, working_days_left=15))
    assert refuses(g.g15_in_time, situation(OWNER, grade=Grade.major, due_at=NOW + timedelta(days=60), working_days_left=14), "15个工作日")


def test_more_time_is_asked_for_once_at_a_time_and_twice_at_most() -> None:
    due = NOW + timedelta(days=9)
    assert passes(g.g15_in_time, situation(OWNER, due_at=due, extension_count=1, pending=frozenset({CaseKind.appeal})))
    assert refuses(g.g15_in_time, situation(OWNER, due_at=due, extension_count=2), "2次")
    assert refuses(g.g15_in_time, situation(OWNER, due_at=due, pending=frozenset({CaseKind.extension})), "待审批")


def test_who_asks_for_more_time_says_why_until_when_and_what_keeps_people_safe() -> None:
    facts = {"reason": "supply", "interim_measures": "专人值守", "requested_due": NOW + timedelta(days=9)}
    s = situation(OWNER, facts, due_at=NOW + timedelta(days=5))
    assert passes(g.g15_said, s)
    for reason in (None, "lazy", "not_a_hazard"):
        assert refuses(g.g15_said, replace(s, facts=facts | {"reason": reason}), "天气原因")
    for measures in (None, " ", 7):
        assert refuses(g.g15_said, replace(s, facts=facts | {"interim_measures": measures}), "防控措施")
    for until in (None, "later", NOW + timedelta(days=5), NOW):
        assert refuses(g.g15_said, replace(s, facts=facts | {"requested_due": until}), "晚于")


def test_an_appeal_comes_within_five_working_days_once_at_a_time_and_says_what_is_wrong() -> None:
    s = situation(OWNER, {"statement": "该处不是疏散通道"}, working_days_since=5)
    assert passes(g.appeal_in_time, s)
    assert refuses(g.appeal_in_time, replace(s, working_days_since=6), "5个工作日")
    assert refuses(g.appeal_in_time, replace(s, pending=frozenset({CaseKind.appeal})), "待决定")
    assert refuses(g.appeal_in_time, replace(s, facts={}), "事实和理由")


def test_a_hazard_that_came_back_says_why_before_it_is_submitted() -> None:
    back = situation(OWNER, recurrence_count=1)
    assert passes(g.root_cause, situation(OWNER))
    assert refuses(g.root_cause, back, "根本原因")
    assert passes(g.root_cause, replace(back, root_cause="线路老化"))
    assert passes(g.root_cause, replace(back, facts={"root_cause": "线路老化"}))
    assert refuses(g.root_cause, replace(back, facts={"root_cause": " "}))


def test_nothing_that_was_asked_is_left_undecided_at_the_closure() -> None:
    assert passes(g.g13_decided, situation())
    assert passes(g.g13_decided, situation(pending=frozenset({CaseKind.listing})))
    assert refuses(g.g13_decided, situation(pending=frozenset({CaseKind.extension})), "延期申请")
    assert refuses(g.g13_decided, situation(pending=frozenset({CaseKind.appeal, CaseKind.extension})), "延期申请、申诉")


def test_an_extension_reaches_ahead_and_not_beyond_what_the_rules_allow() -> None:
    due = NOW + timedelta(days=2)
    s = situation(DEPUTY, due_at=due, requested_due=NOW + timedelta(days=9), longest=NOW + timedelta(days=20))
    assert passes(extension.g16_reach, s)
    for until in (due, NOW, NOW - timedelta(days=1), "later", None):
        assert refuses(extension.g16_reach, replace(s, facts={"granted_due": until}), "晚于")
    assert refuses(extension.g16_reach, replace(s, due_at=NOW - timedelta(days=3), requested_due=NOW - timedelta(days=1)), "晚于")
    assert refuses(extension.g16_reach, replace(s, requested_due=NOW + timedelta(days=21)), "最长")
    assert refuses(extension.g16_reach, replace(s, requested_due=NOW + timedelta(days=400), longest=None), "一年")
    major = replace(s, grade=Grade.major, requested_due=NOW + timedelta(days=21))
    assert refuses(extension.g16_reach, major, "区级")
    assert passes(extension.g16_reach, replace(major, actor=DISTRICT))


def test_beyond_the_campaign_an_extension_takes_the_township_head_and_a_control() -> None:
    s = situation(MAYOR, due_at=NOW, requested_due=NOW + timedelta(days=9), campaign_deadline=NOW + timedelta(days=8))
    assert passes(extension.g16_reach, replace(s, interim_control=InterimControl.guard))
    assert refuses(extension.g16_reach, s, "临时管控")
    assert refuses(extension.g16_reach, replace(s, actor=DEPUTY, interim_control=InterimControl.guard), "镇长")
    assert passes(extension.g16_reach, replace(s, actor=DEPUTY, requested_due=NOW + timedelta(days=8)))


DECIDERS: dict[g.Guard, tuple[str, ...]] = {
    extension.g11_decider: ("applicant",),
    appeal.g11_opinion: ("applicant", "finder"),
    appeal.g11_decision: ("applicant", "finder", "opiner"),
    listing.g11_lister: ("applicant", "applicants"),
    duty.g11_excuser: (),
    report.g11_verifier: (),
}


@pytest.mark.parametrize("guard", DECIDERS, ids=lambda guard: f"{guard.__module__}.{guard.__name__}")
def test_who_decides_had_no_part_in_it_by_person_or_post_or_through_a_stand_in(guard: g.Guard) -> None:
    s = situation(HEAD, applicant=Party("li", "shop-principal"), opiner=Party("wu", "office"), applicants=frozenset())
    assert passes(guard, s)
    assert refuses(guard, replace(s, responsible_post="office-head"))
    assert refuses(guard, replace(s, responsible_people=frozenset({"zhao"})))
    assert refuses(guard, replace(s, actor=replace(HEAD, standing_in_for="li")))
    assert refuses(guard, replace(s, link_makers=frozenset({"zhao"})))
    for part in DECIDERS[guard]:
        for same in (Party("zhao", "elsewhere"), Party("nobody", "office-head"), Party("nobody", "elsewhere", "zhao")):
            had: dict[str, Any] = {part: frozenset({same}) if part == "applicants" else same}
            assert refuses(guard, replace(s, **had))


def test_an_opinion_a_reply_and_an_answer_are_given_in_words() -> None:
    for guard, name in ((appeal.opinion_given, "opinion"), (transfer.reply_given, "reply"), (report.answer_given, "answer")):
        assert passes(guard, situation(facts={name: "已核查"}))
        assert passes(guard, situation(facts={"text": "已核查"}))
        for blank in (None, "  ", 7, ["x"]):
            assert refuses(guard, situation(facts={name: blank}))
    assert passes(transfer.reply_given, situation(facts={"reply_no": "3号"}))


def test_a_listing_is_to_be_complete_on_a_day_ahead_and_ends_once_the_treatment_is_accepted() -> None:
    for day in (None, "2023-03-01", "2023-09-30", NOW.date()):
        assert passes(listing.treat_by_ahead, situation(facts={"treat_by": day}))
    for day in ("2023-02-28", "soon", 7, NOW):
        assert refuses(listing.treat_by_ahead, situation(facts={"treat_by": day}))
    assert passes(listing.verified_first, situation(hazard_state=HazardState.verified))
    for state in set(HazardState) - {HazardState.verified}:
        assert refuses(listing.verified_first, situation(hazard_state=state))


def test_a_duty_is_done_between_its_beginning_and_its_close_with_the_evidence_wanted() -> None:
    hour = timedelta(hours=1)
    assert passes(duty.has_begun, situation(opens_at=NOW, closes_at=NOW))
    assert refuses(duty.has_begun, situation(opens_at=NOW + hour), "开始")
    assert refuses(duty.has_begun, situation(closes_at=NOW - hour), "补办")
    assert passes(duty.is_over, situation(closes_at=NOW))
    assert refuses(duty.is_over, situation(closes_at=NOW + hour))
    assert refuses(duty.is_over, situation())
    wanted = situation(wanted=frozenset({"after", "signature"}), photos=(AFTER,))
    assert refuses(duty.evidence_wanted, wanted, "签字扫描件")
    assert passes(duty.evidence_wanted, replace(wanted, photos=(AFTER, SIGNED)))


def test_nobody_looks_again_at_their_own_reinspection_and_a_leader_is_let_off_from_above() -> None:
    assert passes(duty.g11_not_barred, situation(INSPECTOR, barred=frozenset({"wu"})))
    assert refuses(duty.g11_not_barred, situation(INSPECTOR, barred=frozenset({"sun"})))
    assert refuses(duty.g11_not_barred, situation(replace(INSPECTOR, standing_in_for="wu"), barred=frozenset({"wu"})))
    assert passes(duty.leaders_by_superior, situation())
    assert refuses(duty.leaders_by_superior, situation(leader=True), "上级")
    assert passes(duty.leaders_by_superior, situation(leader=True, superior=True))
    assert passes(duty.leaders_by_superior, situation(leader=True, consequence=True))


def test_a_report_becomes_a_hazard_that_is_registered() -> None:
    assert passes(report.hazard_named, situation(master=Master("YH-2", "shop-1", HazardState.found)))
    assert refuses(report.hazard_named, situation(facts={"hazard": "YH-9"}), "登记")


NEEDS_FACTS: dict[g.Guard, dict[str, Any]] = {
    g.g1_registered: {"place": ""},
    g.principal_present: {},
    g.g4_assignable: {"sla_class": None},
    g.g6_rejection: {"grade": Grade.major},
    g.g6_cancellation: {"grade": Grade.major},
    g.g7_master: {},
    g.grade_changes: {},
    g.g9_receipt: {},
    g.reason_given: {},
    g.g12_reinspection: {"grade": Grade.major},
    g.g13_interim: {"interim_control": InterimControl.sealed},
    g.g14_district: {"grade": Grade.major},
    g.promise_within_a_day: {},
    g.note_given: {},
    g.interim_named: {},
    g.g19_major: {"grade": Grade.major},
    g.g17_recipient: {},
    g.g15_said: {},
    g.appeal_in_time: {},
    g.root_cause: {"recurrence_count": 1},
    appeal.opinion_given: {},
    transfer.reply_given: {},
    report.answer_given: {},
    report.hazard_named: {},
}


@pytest.mark.parametrize("guard", NEEDS_FACTS, ids=lambda guard: guard.__name__)
def test_a_guard_that_only_lacks_facts_does_not_say_no_to_who_asks(guard: g.Guard) -> None:
    s = situation(**NEEDS_FACTS[guard])
    assert refuses(guard, s)
    assert passes(guard, replace(s, asking=True))


@pytest.mark.parametrize(
    ("guard", "facts"),
    [
        (g.g8_clause, {"grade": "major"}),
        (g.g12_reinspection, {"paper": "review_opinion"}),
        (g.g6_cancellation, {"reason": "place_gone"}),
        (g.g6_rejection, {"reason": "place_gone"}),
    ],
)
def test_who_asks_is_heard_on_the_facts_given_and_not_on_the_others(guard: g.Guard, facts: dict[str, Any]) -> None:
    s = situation(grade=Grade.general if guard is g.g8_clause else Grade.major, facts=facts)
    assert refuses(guard, s)
    assert passes(guard, replace(s, asking=True))


def test_every_guard_of_every_table_is_tried_here_and_says_what_it_asks() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    for guard in {guard for law in LAWS.values() for transition in law.transitions for guard in transition.guards}:
        name = f"{guard.__module__.removeprefix('statemachines.').replace('guards', 'g')}.{guard.__name__}"
        tried = guard in DECIDERS or guard in NEEDS_FACTS
        assert (f"passes({name}," in text or tried) and (f"refuses({name}," in text or tried), name
        assert guard.__doc__
