"""What is asked about a hazard, on a real database: more time, another judgement, another authority, a listing, a control."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from models.database import transaction
from statemachines.advance import advance
from statemachines.errors import LawError
from statemachines.watch import watch
from tests.stage import Stage, moment

DUE = moment("2023-02-27T23:59:59+08:00")  # of a hazard of class g7 that was assigned on the stage's Monday morning
CONSENT = "陕安〔2023〕1号"


@pytest.fixture
def hazard(stage: Stage) -> str:
    """Being put right, due in a week."""
    return stage.to_rectifying(sla_class="g7")


def major(stage: Stage) -> str:
    return stage.to_rectifying(place="pit", grade="major")


def to_verified(stage: Stage, code: str) -> None:
    stage.fix(code)
    stage.act("inspector", "reinspect_pass", code, site_visit=True, expert=True)


# Extensions


def test_an_extension_never_pauses_the_clock_and_keeps_the_first_due_date(stage: Stage, hazard: str) -> None:
    before = stage.timer(hazard, "rectify")
    request = stage.ask_extension(hazard)
    assert request == f"{hazard}-YQ1"
    assert stage.timer(hazard, "rectify") == before and stage.case(hazard).due_at == DUE
    assert (stage.state(hazard), stage.state(request), stage.clocks(request)) == ("rectifying", "asked", ["decide"])
    assert [notice.meant for notice in stage.notices(request) if notice.purpose == "application"] == ["deputy"]
    stage.act("deputy", "grant", request)
    case, timer = stage.case(hazard), stage.timer(hazard, "rectify")
    assert case.due_at == case.move_due_at == timer.due_at == DUE + timedelta(days=5)
    assert case.original_due_at == DUE
    assert (case.state, case.extension_count, timer.run) == ("rectifying", 1, before.run + 1)
    assert (stage.state(request), stage.clocks(request)) == ("granted", [])


def test_while_more_time_is_asked_for_the_ladder_is_climbed_and_a_grant_puts_it_back_to_its_foot(stage: Stage, hazard: str) -> None:
    request = stage.ask_extension(hazard, days=20)
    stage.at("2023-03-02T10:00+08:00")
    stage.sweep()
    assert stage.case(hazard).level >= 1
    stage.act("deputy", "grant", request)
    assert (stage.case(hazard).level, stage.timer(hazard, "rectify").fired) == (0, 0)
    stage.sweep()
    assert stage.case(hazard).level == 0


def test_a_second_extension_is_the_township_heads_and_there_is_no_third(stage: Stage) -> None:
    code = stage.to_rectifying(sla_class="g7")
    stage.act("deputy", "grant", stage.ask_extension(code))
    second = stage.ask_extension(code)
    assert second.endswith("-YQ2") and stage.approver(second) == "mayor"
    assert stage.refused("deputy", "grant", second) == "post"
    stage.act("mayor", "grant", second)
    assert stage.refused("owner", "request_extension", code, reason="supply", interim_measures="值守",
                         requested_due=DUE + timedelta(days=20)) == "G15"  # fmt: skip
    assert stage.case(code).original_due_at == DUE


def test_beyond_the_campaign_the_township_head_decides_and_a_control_must_stand(stage: Stage, hazard: str) -> None:
    request = stage.ask_extension(hazard, requested_due="2023-04-10T18:00:00+08:00")
    assert stage.approver(request) == "mayor"
    assert stage.refused("mayor", "grant", request) == "G16"
    stage.act("inspector", "order_interim", hazard, interim_control="guard")
    stage.act("mayor", "grant", request)
    assert stage.case(hazard).beyond_campaign


def test_the_deputy_does_not_reach_beyond_the_campaign_by_granting_more_than_was_asked(stage: Stage, hazard: str) -> None:
    request = stage.ask_extension(hazard)
    stage.act("inspector", "order_interim", hazard, interim_control="guard")
    assert stage.refused("deputy", "grant", request, granted_due="2023-04-10T18:00:00+08:00") == "G16"
    assert stage.refused("deputy", "grant", request, granted_due=DUE) == "G16"
    assert stage.act("deputy", "grant", request, granted_due=DUE + timedelta(days=2)).state == "granted"
    assert stage.case(hazard).due_at == DUE + timedelta(days=2)


def test_an_extension_into_the_past_or_into_another_age_is_refused(stage: Stage, hazard: str) -> None:
    request = stage.ask_extension(hazard, days=1)
    stage.later(days=12)
    assert stage.refused("deputy", "grant", request) == "G16"
    assert stage.refused("deputy", "grant", request, granted_due="9999-12-31T23:59:59+08:00") == "G16"


def test_a_major_hazards_extension_is_the_districts_and_is_asked_for_15_working_days_ahead(stage: Stage) -> None:
    code = major(stage)
    request = stage.ask_extension(code, requested_due="2023-03-30T18:00:00+08:00")
    assert stage.approver(request) == "district"
    assert stage.refused("mayor", "grant", request) == "post"
    stage.act("district", "decline", request, reason="须按期完成")
    assert stage.state(request) == "declined"
    stage.at("2023-03-02T10:00+08:00")
    assert stage.refused("owner-3", "request_extension", code, reason="supply", interim_measures="值守",
                         requested_due="2023-03-30T18:00:00+08:00") == "G15"  # fmt: skip


def test_a_major_hazard_goes_beyond_its_longest_limit_only_by_the_district_and_not_to_the_end_of_time(stage: Stage) -> None:
    code = major(stage)
    request = stage.ask_extension(code, requested_due="2199-12-31T23:59:59+08:00")
    stage.act("inspector", "order_interim", code, interim_control="guard")
    assert stage.refused("district", "grant", request) == "G16"
    assert stage.act("district", "grant", request, granted_due="2023-09-30T23:59:59+08:00").state == "granted"


def test_who_asks_too_late_is_refused(stage: Stage, hazard: str) -> None:
    stage.at("2023-02-25T09:00+08:00")
    assert stage.refused("owner", "request_extension", hazard, reason="supply", interim_measures="值守",
                         requested_due=DUE + timedelta(days=3)) == "G15"  # fmt: skip


@pytest.mark.parametrize("way", ["a second post", "a stand-in", "stood in for"])
def test_nobody_decides_their_own_request(stage: Stage, hazard: str, way: str) -> None:
    """The deputy also runs the shop; or stands in for its owner; or is stood in for by the owner."""
    deputys = stage.ask_extension(hazard)
    if way == "a second post":
        stage.holds("owner", "deputy")
        assert stage.refused("deputy", "grant", deputys, person="p-owner") == "G11"
        assert stage.refused("deputy", "decline", deputys, person="p-owner", reason="不同意") == "G11"
        assert stage.act("deputy", "grant", deputys).state == "granted"
    if way == "a stand-in":
        stage.holds("deputy", "owner", for_whom="owner")
        assert stage.refused("deputy", "grant", deputys) == "G11"
        assert stage.act("mayor", "grant", deputys).state == "granted"
    if way == "stood in for":
        stage.holds("owner", "deputy", for_whom="deputy")
        assert stage.refused("deputy", "grant", deputys, person="p-owner") == "G11"


def test_who_has_left_the_post_does_not_decide_what_they_asked_for_in_it(stage: Stage, hazard: str) -> None:
    request = stage.ask_extension(hazard)
    stage.at("2023-02-22T10:00+08:00")
    stage.do("update holding set to_day = '2023-02-21' where person_id = (select id from person where key = 'p-owner')")
    stage.holds("owner-2", "owner", from_day="2023-02-22")
    stage.holds("owner", "deputy", from_day="2023-02-22")
    assert stage.refused("deputy", "grant", request, person="p-owner") == "G11"


def test_an_undecided_extension_lapses_when_the_hazard_is_submitted_and_the_way_to_closure_is_free(stage: Stage, hazard: str) -> None:
    request = stage.ask_extension(hazard)
    to_verified(stage, hazard)
    assert (stage.state(request), stage.clocks(request)) == ("lapsed", [])
    assert stage.act("office-head", "approve_close", hazard).state == "closed"


def test_what_was_asked_by_who_sends_the_assignment_back_has_lost_its_meaning(stage: Stage) -> None:
    code = stage.to_assigned(sla_class="g7")
    request, appeal = stage.ask_extension(code), stage.appeal(code)
    stage.act("owner", "return_assignment", code, reason="不是本单位的设施")
    assert (stage.state(request), stage.state(appeal), stage.state(code)) == ("lapsed", "lapsed", "found")


def test_the_applicants_post_takes_a_request_back_and_can_ask_again(stage: Stage, hazard: str) -> None:
    request = stage.ask_extension(hazard)
    assert stage.refused("owner", "request_extension", hazard, reason="supply", interim_measures="值守",
                         requested_due=DUE + timedelta(days=3)) == "G15"  # fmt: skip
    assert stage.refused("deputy", "withdraw", request) == "post"
    assert stage.act("owner", "withdraw", request).state == "withdrawn"
    assert stage.ask_extension(hazard).endswith("-YQ2")


def test_a_request_is_decided_by_the_hazards_code_too(stage: Stage, hazard: str) -> None:
    assert stage.refused("deputy", "decide_extension", hazard, decision="granted") == "state"
    request = stage.ask_extension(hazard)
    assert stage.refused("deputy", "decide_extension", hazard, decision="perhaps") == "decision"
    outcome = stage.act("deputy", "decide_extension", hazard, decision="granted")
    assert (outcome.code, outcome.state) == (request, "granted")


# Appeals


def test_an_appeal_is_looked_at_by_the_office_and_decided_by_the_deputy(stage: Stage, hazard: str) -> None:
    appeal = stage.appeal(hazard)
    assert (appeal, stage.clocks(appeal), stage.clocks(hazard)) == (f"{hazard}-SS1", ["decide"], ["rectify"])
    assert {n.meant for n in stage.notices(appeal) if n.purpose == "application"} == {"office-head", "deputy"}
    assert stage.refused("deputy", "opine", appeal, opinion="属实") == "post"
    stage.act("office-head", "opine", appeal, opinion="现场确为疏散通道")
    assert (stage.state(appeal), stage.clocks(appeal)) == ("opined", ["decide"])
    stage.act("deputy", "dismiss", appeal, reason="申诉理由不成立")
    assert (stage.state(appeal), stage.clocks(appeal), stage.state(hazard)) == ("dismissed", [], "rectifying")


def test_an_appeal_that_is_upheld_ends_the_hazard_and_all_that_was_asked_about_it(stage: Stage, hazard: str) -> None:
    request, appeal = stage.ask_extension(hazard), stage.appeal(hazard)
    stage.act("deputy", "decide_appeal", hazard, decision="upheld", reason="不构成隐患")
    assert (stage.state(hazard), stage.state(appeal), stage.state(request)) == ("rejected", "upheld", "lapsed")
    assert stage.all("select from timer where stopped_at is null") == []
    assert stage.case(hazard).ended_at == stage.clock.now()


def test_who_gave_the_opinion_or_found_the_hazard_does_not_decide_the_appeal(stage: Stage, hazard: str) -> None:
    appeal = stage.appeal(hazard)
    stage.holds("office-head", "deputy")
    stage.holds("inspector", "deputy")
    assert stage.refused("office-head", "opine", appeal, person="p-owner", opinion="x") == "post"
    stage.act("office-head", "opine", appeal, opinion="现场确为疏散通道")
    for person in ("p-office-head", "p-inspector"):
        assert stage.refused("deputy", "dismiss", appeal, person=person, reason="不成立") == "G11"
    assert stage.act("deputy", "dismiss", appeal, reason="不成立").state == "dismissed"


def test_who_found_the_hazard_gives_no_opinion_on_the_appeal_against_it(stage: Stage) -> None:
    code = stage.find("office-head", sla_class="g7")
    stage.act("dispatcher", "assign", code)
    appeal = stage.appeal(code)
    assert stage.refused("office-head", "opine", appeal, opinion="属实") == "G11"
    assert stage.act("deputy", "dismiss", appeal, reason="不成立").state == "dismissed"


def test_an_opinion_given_by_a_stand_in_is_also_the_absent_ones(stage: Stage, hazard: str) -> None:
    """The ranger stands in for the office's head, who decides as the deputy afterwards."""
    appeal = stage.appeal(hazard)
    stage.holds("ranger", "office-head", for_whom="office-head")
    stage.act("office-head", "opine", appeal, person="p-ranger", opinion="现场确为疏散通道")
    stage.holds("office-head", "deputy")
    assert stage.refused("deputy", "dismiss", appeal, person="p-office-head", reason="不成立") == "G11"


def test_when_the_deputy_found_the_hazard_the_township_head_decides_and_is_told_at_once(stage: Stage) -> None:
    code = stage.find("deputy", sla_class="g7")
    stage.act("dispatcher", "assign", code)
    appeal = stage.appeal(code)
    assert stage.approver(appeal) == "mayor"
    assert "mayor" in {n.meant for n in stage.notices(appeal) if n.purpose == "application"}
    assert stage.refused("deputy", "uphold", appeal, reason="不构成隐患") == "G11"
    assert stage.act("mayor", "uphold", appeal, reason="不构成隐患").state == "upheld"


def test_when_the_one_who_gave_the_opinion_is_the_only_deputy_the_next_above_decides_and_is_told(stage: Stage, hazard: str) -> None:
    stage.do("update holding set person_id = (select id from person where key = 'p-office-head')"
             " where post_id = (select id from post where code = 'deputy')")  # fmt: skip
    appeal = stage.appeal(hazard)
    assert stage.approver(appeal) == "deputy"
    stage.act("office-head", "opine", appeal, opinion="现场确为疏散通道")
    assert stage.approver(appeal) == "mayor"
    assert [n.meant for n in stage.notices(appeal) if n.purpose == "application"][-1] == "mayor"


def test_an_appeal_comes_within_five_working_days_and_blocks_the_closure_until_it_is_decided(stage: Stage) -> None:
    code, late = stage.to_rectifying(sla_class="g15"), stage.to_rectifying("shop-2", sla_class="g15")
    appeal = stage.appeal(code)
    to_verified(stage, code)
    assert stage.refused("office-head", "approve_close", code) == "G13"
    stage.act("deputy", "dismiss", appeal, reason="不成立")
    assert stage.act("office-head", "approve_close", code).state == "closed"
    stage.at("2023-02-28T09:00+08:00")
    assert stage.refused("owner-2", "appeal", late, statement="不是隐患") == "appeal_in_time"


# Transfers


def test_a_transfer_that_is_accepted_stays_transferred(stage: Stage) -> None:
    code = stage.find()
    letter = stage.transfer(code)
    assert (stage.state(code), stage.clocks(code), stage.clocks(letter)) == ("transferred", [], ["reply"])
    assert stage.refused("dispatcher", "accept", letter) == "reply_given"
    stage.act("dispatcher", "accept", letter, reply_no="区自然资〔2023〕3号")
    assert (stage.state(code), stage.state(letter)) == ("transferred", "accepted")
    assert stage.all("select from timer where stopped_at is null") == []


def test_what_is_sent_back_is_found_again_and_the_office_has_to_assign_it(stage: Stage) -> None:
    code = stage.to_assigned()
    letter = stage.transfer(code)
    stage.later(days=3)
    stage.act("office-head", "transfer_reply", code, decision="sent_back", reply="不属本局职责")
    case = stage.case(code)
    assert (case.state, case.ended_at, case.assigned_at) == ("found", None, None)
    assert (stage.clocks(code), stage.state(letter)) == (["dispatch"], "sent_back")
    assert case.original_due_at == moment("2023-02-23T23:59:59+08:00")
    stage.act("dispatcher", "assign", code)
    assert stage.case(code).original_due_at == case.original_due_at


def test_what_was_first_assigned_keeps_its_first_due_date_when_it_is_fixed_on_the_spot(stage: Stage) -> None:
    code = stage.to_assigned()
    stage.act("owner", "return_assignment", code, reason="不是本单位的设施")
    stage.later(days=1)
    stage.picture("inspector", code, "before")
    stage.picture("inspector", code, "after")
    stage.act("inspector", "fix_on_spot", code, principal_present=True)
    assert stage.case(code).original_due_at == moment("2023-02-23T23:59:59+08:00")


# Interim controls


def gate(stage: Stage, place: str) -> str:
    return str(stage.one("select start_work from place where code = :place", place=place).start_work)


def test_an_inspector_warns_and_guards_but_stops_nothing_without_delegated_power(stage: Stage, hazard: str) -> None:
    for control in ("warning", "guard", "stop_equipment", "evacuate"):
        stage.act("inspector", "order_interim", hazard, interim_control=control)
    assert stage.refused("inspector", "order_interim", hazard, interim_control="guard") == "G18", "what keeps people out isn't made lighter"
    for control in ("partial_stop", "full_stop", "sealed", "power_cut"):
        assert stage.refused("inspector", "order_interim", hazard, interim_control=control) == "G18"
        assert stage.refused("office-head", "order_interim", hazard, interim_control=control) == "G18"
    for post in ("owner", "village-1", "dispatcher", "discipline"):
        assert stage.refused(post, "order_interim", hazard, interim_control="guard") == "post"
    assert stage.refused("inspector", "order_interim", hazard, interim_control="none") == "interim_named"


@pytest.mark.parametrize("post", ["deputy", "mayor", "secretary", "district", "department"])
def test_leaders_and_the_district_may_stop_work(stage: Stage, hazard: str, post: str) -> None:
    stage.act(post, "order_interim", hazard, interim_control="sealed")
    assert stage.case(hazard).interim_control == "sealed"


def test_a_team_with_delegated_power_may_stop_work_and_no_other_team(stage: Stage, hazard: str) -> None:
    stage.do("""update township set revision = revision + 1,
                rules = jsonb_set(cast(rules as jsonb), '{enforcement}', '{"authorised_teams": ["fire"]}')""")
    assert stage.refused("head-police", "order_interim", hazard, interim_control="sealed") == "G18"
    stage.act("inspector", "order_interim", hazard, interim_control="sealed")
    assert gate(stage, "shop") == "blocked"


def test_a_control_blocks_the_place_and_leaves_it_pending_once_a_leader_lifts_it(stage: Stage, hazard: str) -> None:
    stage.act("deputy", "order_interim", hazard, interim_control="full_stop")
    assert gate(stage, "shop") == "blocked"
    assert {n.meant for n in stage.notices(hazard) if n.purpose == "start_work"} == {"owner", "head-fire", "office-head"}
    assert stage.refused("deputy", "lift_interim", hazard, reason="已整改") == "state"
    to_verified(stage, hazard)
    assert stage.refused("office-head", "lift_interim", hazard, reason="已整改") == "post"
    assert stage.refused("office-head", "approve_close", hazard) == "G13"
    stage.act("deputy", "lift_interim", hazard, reason="复查合格")
    assert (stage.case(hazard).interim_control, gate(stage, "shop")) == ("none", "pending")
    assert stage.refused("deputy", "lift_interim", hazard, reason="复查合格") == "interim_stands"
    assert stage.act("office-head", "approve_close", hazard).state == "closed"


def test_a_leader_who_is_of_the_unit_does_not_lift_its_control(stage: Stage, hazard: str) -> None:
    stage.act("mayor", "order_interim", hazard, interim_control="full_stop")
    to_verified(stage, hazard)
    stage.holds("owner", "deputy")
    assert stage.refused("deputy", "lift_interim", hazard, person="p-owner", reason="已整改") == "G11"
    stage.holds("deputy", "owner")
    assert stage.refused("deputy", "lift_interim", hazard, reason="已整改") == "G11"
    stage.act("mayor", "lift_interim", hazard, reason="复查合格")


def test_lifting_a_control_that_was_kept_at_the_closure_does_not_move_the_closures_time(stage: Stage, hazard: str) -> None:
    stage.act("deputy", "order_interim", hazard, interim_control="full_stop")
    to_verified(stage, hazard)
    stage.act("office-head", "approve_close", hazard, interim_kept=True)
    closed_at = stage.clock.now()
    assert gate(stage, "shop") == "blocked"
    stage.later(days=2)
    stage.act("mayor", "lift_interim", hazard, reason="条件具备")
    assert stage.case(hazard).ended_at == closed_at
    assert gate(stage, "shop") == "pending"


def test_what_was_kept_or_consented_to_at_one_closure_holds_for_that_closure_alone(stage: Stage) -> None:
    code = major(stage)
    stage.act("deputy", "order_interim", code, interim_control="full_stop")
    to_verified(stage, code)
    stage.act("mayor", "approve_close", code, district_consent_no=CONSENT, interim_kept=True)
    stage.later(days=2)
    stage.act("district", "reopen", code, reason="反弹")
    stage.act("office-head", "assign", code)
    stage.act("owner-3", "acknowledge", code)
    to_verified(stage, code)
    assert stage.refused("mayor", "approve_close", code) == "G13"
    assert stage.refused("mayor", "approve_close", code, interim_kept=True) == "G14"


# Listings


def test_a_listing_is_proposed_decided_followed_and_ended_before_the_closure(stage: Stage) -> None:
    code = major(stage)
    listing = stage.propose_listing(code)
    assert (listing, stage.approver(listing), stage.clocks(listing)) == (f"{code}-GP1", "mayor", ["decide"])
    assert stage.refused("office-head", "list_supervision", code, level="township") == "G19"
    assert stage.refused("office-head", "list", listing) == "G11"
    assert stage.refused("deputy", "list", listing) == "post"
    assert stage.refused("mayor", "list", listing, treat_by="2023-02-19") == "treat_by_ahead"
    stage.act("mayor", "list", listing, treat_by="2023-03-20", notice_no="西政安〔2023〕2号")
    assert (stage.case(code).listing, stage.clocks(listing)) == ("township", ["progress"])
    first = stage.timer(listing, "progress").due_at
    stage.later(days=10)
    stage.act("owner-3", "report_progress", listing, note="设备已到货")
    assert stage.timer(listing, "progress").due_at == first + timedelta(days=10)
    assert stage.refused("owner-3", "ask_delisting", listing) == "verified_first"
    to_verified(stage, code)
    assert stage.refused("mayor", "approve_close", code, district_consent_no=CONSENT) == "G14"
    stage.act("owner-3", "ask_delisting", listing)
    assert stage.clocks(listing) == ["decide"]
    stage.act("mayor", "delist", listing)
    assert (stage.case(code).listing, stage.state(listing), stage.clocks(listing)) == ("none", "delisted", [])
    assert stage.act("mayor", "approve_close", code, district_consent_no=CONSENT).state == "closed"


def test_a_refused_delisting_leaves_it_listed_and_the_progress_clock_running(stage: Stage) -> None:
    code = major(stage)
    listing = stage.propose_listing(code)
    stage.act("mayor", "list", listing)
    to_verified(stage, code)
    stage.act("office-head", "ask_delisting", listing)
    stage.act("mayor", "delist", code, decision="refused", reason="资料不全")
    assert (stage.state(listing), stage.clocks(listing), stage.case(code).listing) == ("listed", ["progress"], "township")


def test_above_the_township_the_district_lists_and_a_general_hazard_is_never_listed(stage: Stage, hazard: str) -> None:
    assert stage.approver(stage.propose_listing(major(stage), "county")) == "district"
    assert stage.refused("office-head", "list_supervision", hazard, level="township") == "G19"


def test_nobody_decides_on_the_list_what_they_proposed_in_another_post(stage: Stage) -> None:
    listing = stage.propose_listing(major(stage))
    stage.holds("office-head", "mayor")
    assert stage.refused("mayor", "list", listing, person="p-office-head") == "G11"
    assert stage.refused("mayor", "decline", listing, person="p-office-head", reason="不必") == "G11"
    assert stage.act("mayor", "list", listing).state == "listed"


def test_nobody_decides_on_the_list_what_their_stand_in_proposed(stage: Stage) -> None:
    """The dispatcher stands in for the office's head, who is the township head too."""
    stage.holds("dispatcher", "office-head", for_whom="office-head")
    code = major(stage)
    stage.act("office-head", "list_supervision", code, person="p-dispatcher", level="township")
    stage.holds("office-head", "mayor")
    assert stage.refused("mayor", "list", stage.newest("listing"), person="p-office-head") == "G11"


def test_nobody_takes_off_the_list_what_they_asked_for_in_another_post(stage: Stage) -> None:
    code = major(stage)
    listing = stage.propose_listing(code, post="deputy")
    stage.act("mayor", "list", listing)
    to_verified(stage, code)
    stage.act("office-head", "ask_delisting", listing)
    stage.holds("office-head", "mayor")
    assert stage.refused("mayor", "delist", listing, person="p-office-head") == "G11"
    assert stage.act("mayor", "delist", listing).state == "delisted"


def test_the_day_of_completion_is_a_day_in_shanghai(stage: Stage) -> None:
    stage.at("2023-02-21T07:00+08:00")  # still the 20th in UTC
    listing = stage.propose_listing(major(stage))
    assert stage.refused("mayor", "list", listing, treat_by="2023-02-20") == "treat_by_ahead"
    assert stage.refused("mayor", "list", listing, treat_by=stage.clock.now()) == "treat_by_ahead"
    assert stage.act("mayor", "list", listing, treat_by="2023-02-21").state == "listed"


@pytest.mark.parametrize("listed", [False, True])
def test_a_listing_lapses_when_the_hazard_is_cancelled(stage: Stage, listed: bool) -> None:
    code = major(stage)
    listing = stage.propose_listing(code)
    if listed:
        stage.act("mayor", "list", listing)
    stage.act("office-head", "cancel", code, reason="place_gone", district_record_no="5号", second_person="deputy")
    assert (stage.state(listing), stage.clocks(listing), stage.case(code).listing) == ("lapsed", [], "none")


def test_what_was_listed_handed_over_and_sent_back_can_still_be_closed(stage: Stage) -> None:
    code = stage.find(place="pit", grade="major")
    stage.act("mayor", "list", stage.propose_listing(code))
    letter = stage.transfer(code)
    stage.act("office-head", "send_back", letter, reply="不属本局职责")
    assert stage.case(code).listing == "none"
    stage.act("office-head", "assign", code)
    stage.act("owner-3", "acknowledge", code)
    assert stage.propose_listing(code).endswith("-GP2")


def test_a_proposal_lapses_when_the_hazard_is_closed_or_is_major_no_more(stage: Stage) -> None:
    code = major(stage)
    listing = stage.propose_listing(code)
    to_verified(stage, code)
    stage.act("mayor", "approve_close", code, district_consent_no=CONSENT)
    other = major(stage)
    second = stage.propose_listing(other)
    stage.act("deputy", "regrade", other, grade="general", sla_class="g15", reason="标准已修订")
    assert (stage.state(listing), stage.state(second)) == ("lapsed", "lapsed")


# What holds for all of them


def test_a_step_that_had_to_wait_for_another_sees_all_that_the_other_wrote(stage: Stage) -> None:
    """The inspector, who is the office's head too, passes the re-inspection; their closure, asked for meanwhile, still sees four eyes."""
    stage.holds("inspector", "office-head")
    code = stage.to_submitted()
    answers: list[object] = []

    def close() -> None:
        try:
            answers.append(stage.act("office-head", "approve_close", code, person="p-inspector"))
        except LawError as no:
            answers.append(getattr(no, "reason", no))

    waiting = threading.Thread(target=close)
    with transaction(stage.engine) as session:
        advance(session, code, "reinspect_pass", stage.acting("inspector"), stage.clock.now(), wall=stage.clock.wall())
        waiting.start()
        _until_it_waits(stage, waiting)
    waiting.join()
    assert answers == ["G11"]


def _until_it_waits(stage: Stage, waiting: threading.Thread) -> None:
    blocked = "select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while waiting.is_alive() and stage.one(blocked).n == 0:
        waiting.join(0.01)


def test_the_self_audit_finds_nothing_wrong_with_any_of_them(stage: Stage, hazard: str) -> None:
    stage.ask_extension(hazard)
    stage.appeal(hazard)
    stage.propose_listing(major(stage))
    stage.transfer(stage.find())
    stage.report()
    stage.owes("ranger")
    watched = watch(stage.engine, stage.clock)
    assert watched.clean, watched.findings
    assert watched.open_cases == 8 == watched.live_timers


def test_a_control_that_a_closure_lifted_stands_again_when_the_closure_is_taken_back(stage: Stage) -> None:
    code = stage.to_verified(place="pit", grade="major")
    stage.act("inspector", "order_interim", code, interim_control="evacuate")
    stage.act("mayor", "approve_close", code, district_consent_no="陕安〔2023〕1号", interim_lifted=True)
    assert stage.case(code).interim_control == "none"
    stage.act("mayor", "withdraw_approval", code)
    assert stage.case(code).interim_control == "evacuate"
    assert stage.one("select start_work from place where code = 'pit'").start_work == "blocked"
