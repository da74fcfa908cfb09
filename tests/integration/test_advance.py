"""The one door: what a step leaves behind, all of it or nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from models.database import transaction
from statemachines.advance import advance, offers, register
from statemachines.audit import audit
from statemachines.errors import NoSuchCase, NotAllowed, Refused, Stale, UnknownTrigger
from tests.stage import PLAN, Stage, moment
from tests.town import person_of


def test_a_hazard_goes_all_the_way_and_its_history_holds(stage: Stage) -> None:
    code = stage.to_closed()
    steps = [event.trigger for event in stage.history(code)]
    assert steps == ["register", "assign", "acknowledge", "submit", "reinspect_pass", "approve_close"]
    assert stage.case(code).state == "closed"
    with transaction(stage.engine) as session:
        assert audit(session) == []


def test_codes_count_up_within_the_year_of_finding(stage: Stage) -> None:
    assert [stage.find(), stage.find()] == ["YH-2023-0001", "YH-2023-0002"]


def test_the_due_time_ends_the_last_day_of_its_class_and_is_kept_as_the_original(stage: Stage) -> None:
    case = stage.case(stage.to_assigned(sla_class="g3"))
    assert case.due_at == case.original_due_at == moment("2023-02-23T23:59:59+08:00")
    assert not case.campaign_capped


def test_the_campaign_caps_a_late_due_time_but_leaves_a_day(stage: Stage) -> None:
    stage.at("2023-03-31T12:00+08:00")
    case = stage.case(stage.to_assigned(sla_class="g7"))
    assert case.due_at == moment("2023-04-01T12:00+08:00")
    assert case.campaign_capped
    assert case.beyond_campaign


def test_the_owners_clock_stops_at_submission_and_the_reviewers_starts(stage: Stage) -> None:
    code = stage.to_submitted()
    assert stage.timer(code, "rectify").stopped_at == stage.clock.now()
    assert stage.timer(code, "review").stopped_at is None
    assert stage.case(code).move_due_at == moment("2023-02-23T18:00+08:00")


def test_an_ended_case_has_no_live_timer(stage: Stage) -> None:
    code = stage.to_closed()
    assert stage.all("select from timer where stopped_at is null") == []
    assert stage.case(code).ended_at == stage.clock.now()


def test_a_failed_reinspection_opens_a_round_with_half_the_class_when_time_is_up(stage: Stage) -> None:
    code = stage.to_submitted(sla_class="g3")
    stage.at("2023-02-24T09:00+08:00")
    stage.act("inspector", "reinspect_fail", code, reason="measure_incomplete")
    case = stage.case(code)
    assert (case.state, case.round, case.failed_count) == ("rectifying", 2, 1)
    assert case.due_at == moment("2023-02-26T23:59:59+08:00")
    assert case.original_due_at == moment("2023-02-23T23:59:59+08:00")
    assert stage.timer(code, "rectify").run == 2


def test_a_stale_version_is_told_the_current_one_and_changes_nothing(stage: Stage) -> None:
    code = stage.to_assigned()
    with pytest.raises(Stale) as stale:
        stage.act("owner", "acknowledge", code, version=1)
    assert stale.value.current_version == 2
    assert stage.case(code).state == "assigned"


def test_unknown_triggers_and_cases_say_so(stage: Stage) -> None:
    code = stage.find()
    with pytest.raises(UnknownTrigger):
        stage.act("dispatcher", "explode", code)
    with pytest.raises(NoSuchCase):
        stage.act("dispatcher", "assign", "YH-2023-9999")


def test_nobody_acts_in_a_post_they_do_not_hold_that_day(stage: Stage) -> None:
    code = stage.find()
    with pytest.raises(NotAllowed):
        stage.act("dispatcher", "assign", code, person=person_of("owner"))
    stage.do("update holding set to_day = '2023-02-19' where person_id = (select id from person where key = 'p-dispatcher')")
    with pytest.raises(NotAllowed):
        stage.act("dispatcher", "assign", code)


def test_nobody_is_the_system_by_saying_so(stage: Stage) -> None:
    code = stage.find()
    with pytest.raises(NotAllowed):
        stage.act("system", "escalate", code, person=person_of("owner"))


def test_an_unknown_place_is_refused_and_takes_no_number(stage: Stage) -> None:
    with pytest.raises(Refused, match="没有编号"):
        stage.find(place="nowhere")
    assert stage.find() == "YH-2023-0001"


def test_four_eyes_hold_through_a_stand_in(stage: Stage) -> None:
    """The inspector who passed the re-inspection stands in for the office head: the office head's approval is still theirs."""
    code = stage.to_verified()
    stage.do(
        "insert into holding (person_id, post_id, from_day, deputy_of_id) select i.id, post.id, '2023-02-01', o.id"
        " from person i, person o, post where i.key = 'p-inspector' and o.key = 'p-office-head' and post.code = 'office-head'"
    )
    with pytest.raises(Refused) as no:
        stage.act("office-head", "approve_close", code, person=person_of("inspector"))
    assert no.value.reason == "G11"
    assert stage.act("office-head", "approve_close", code).state == "closed"


def test_when_the_proper_approver_is_involved_the_next_post_up_approves_and_is_told(stage: Stage) -> None:
    """Station head of another line and office head are both out: the office head re-inspected through a second holding."""
    stage.do(
        "insert into holding (person_id, post_id, from_day) select p.id, post.id, '2023-02-01' from person p, post"
        " where p.key = 'p-inspector' and post.code in ('office-head', 'head-police')"
    )
    stage.do("delete from holding where post_id in (select id from post where code in ('office-head', 'head-police'))"
             " and person_id <> (select id from person where key = 'p-inspector')")  # fmt: skip
    code = stage.to_verified()
    assert [n.reached for n in stage.notices(code) if n.purpose == "approval"] == ["deputy"]
    with pytest.raises(Refused) as no:
        stage.act("office-head", "approve_close", code, person=person_of("inspector"))
    assert no.value.reason == "G11"
    assert stage.act("deputy", "approve_close", code).state == "closed"


def test_a_major_hazard_needs_plan_district_consent_and_the_township_head(stage: Stage) -> None:
    code = stage.find(place="pit", grade="major")
    with pytest.raises(NotAllowed):
        stage.act("dispatcher", "assign", code)
    stage.act("office-head", "assign", code)
    stage.act("owner-3", "acknowledge", code)
    stage.picture("owner-3", code)
    with pytest.raises(Refused) as no:
        stage.act("owner-3", "submit", code)
    assert no.value.reason == "G10"
    stage.fix(code)
    stage.act("inspector", "reinspect_pass", code, site_visit=True, expert="市级专家")
    with pytest.raises(NotAllowed):
        stage.act("office-head", "approve_close", code, district_consent_no="陕安〔2023〕1号")
    with pytest.raises(Refused) as no:
        stage.act("mayor", "approve_close", code)
    assert no.value.reason == "G14"
    assert stage.act("mayor", "approve_close", code, district_consent_no="陕安〔2023〕1号").state == "closed"


def test_the_undo_takes_a_closure_back_for_ten_minutes_and_its_messages_with_it(stage: Stage) -> None:
    code = stage.to_closed()
    waiting = [n for n in stage.notices(code) if n.purpose == "outcome"]
    assert {n.meant for n in waiting} == {"owner", "inspector"}
    assert all(n.not_before == stage.clock.now() + timedelta(minutes=10) for n in waiting)
    stage.later(minutes=9)
    stage.act("office-head", "withdraw_approval", code)
    assert [n.state for n in stage.notices(code) if n.purpose == "outcome"] == ["cancelled", "cancelled"]
    stage.act("office-head", "approve_close", code)
    stage.later(minutes=11)
    with pytest.raises(Refused):
        stage.act("office-head", "withdraw_approval", code)


def test_an_on_the_spot_fix_is_the_units_and_its_finder_never_approves_it(stage: Stage) -> None:
    code = stage.find(sla_class="on_spot")
    stage.picture("inspector", code, "before")
    stage.picture("inspector", code, "after")
    stage.act("inspector", "fix_on_spot", code, principal_present=True)
    case = stage.case(code)
    assert (case.submitted_post, case.submitted_person, case.recorder_post) == ("owner", "p-owner", "inspector")
    stage.act("inspector", "reinspect_pass", code)
    assert stage.act("office-head", "approve_close", code).state == "closed"


def test_a_duplicate_hands_its_evidence_to_the_master(stage: Stage) -> None:
    master, code = stage.find(), stage.find()
    stage.picture("inspector", code, "before")
    stage.act("dispatcher", "mark_duplicate", code, duplicate_of=master)
    assert stage.one("select count(*) as n from evidence e join cases c on c.id = case_id where c.code = :code", code=master).n == 1
    assert stage.case(code).state == "duplicate"


def test_regrading_restarts_the_clocks_under_the_new_grade(stage: Stage) -> None:
    code = stage.to_rectifying(place="pit")
    stage.act("deputy", "regrade", code, grade="major", clause="矿安〔2022〕88号 一（一）1")
    case = stage.case(code)
    assert (case.grade, case.sla_class) == ("major", "major")
    assert case.due_at == moment("2023-03-22T23:59:59+08:00")
    assert case.original_due_at == moment("2023-02-23T23:59:59+08:00")
    assert stage.timer(code, "rectify").run == 2


def test_a_relapse_reopens_the_case_with_half_the_time(stage: Stage) -> None:
    code = stage.to_closed(sla_class="g7")
    stage.act("inspector", "reopen", code, reason="反弹")
    assert (stage.case(code).state, stage.case(code).round) == ("reopened", 2)
    stage.act("dispatcher", "assign", code)
    assert stage.case(code).due_at == moment("2023-02-24T23:59:59+08:00")


def test_free_text_stands_in_history_as_a_salted_hash_and_can_be_forgotten(stage: Stage) -> None:
    code = stage.find(description="王某把灭火器锁在柜里")
    event = stage.history(code)[0]
    assert "王某" not in event.body
    assert stage.one("select body from remark where name = 'description'").body == "王某把灭火器锁在柜里"
    stage.do("delete from remark")
    stage.do("update person set label = '', username = null")
    with transaction(stage.engine) as session:
        assert audit(session) == []


@pytest.mark.parametrize("change", [
    "update event set facts = '{}'", "delete from event", "truncate event cascade",
])  # fmt: skip
def test_nobody_rewrites_history_not_even_the_owner(stage: Stage, change: str) -> None:
    stage.find()
    with pytest.raises(DBAPIError):
        stage.do(change)


def test_the_audit_names_what_was_tampered_with(stage: Stage, cluster: object) -> None:
    from models.database import engine

    code = stage.to_closed()
    owner = engine(cluster.url(stage.engine.url.database, "owner"))  # type: ignore[attr-defined]
    with transaction(owner) as session:
        session.connection().exec_driver_sql("alter table event disable trigger event_is_append_only")
        session.connection().exec_driver_sql("update event set post = 'somebody-else' where seq = 2")
    owner.dispose()
    with transaction(stage.engine) as session:
        assert [(broken.code, broken.seq) for broken in audit(session)] == [(code, 2)]


def test_offers_say_what_may_be_done_and_why_not_the_rest(stage: Stage) -> None:
    code = stage.to_verified()
    with transaction(stage.engine) as session:
        said = {offer.trigger: offer for offer in offers(session, code, stage.acting("office-head"), stage.clock.now())}
    assert said["approve_close"].allowed
    assert not said["submit"].allowed
    assert said["submit"].detail


def test_registering_and_advancing_share_the_callers_transaction(stage: Stage) -> None:
    facts = {"place": "shop", "description": "堵塞", "location": "后门"}
    with pytest.raises(ZeroDivisionError), transaction(stage.engine) as session:
        found = register(session, stage.acting("inspector"), stage.clock.now(), wall=stage.clock.wall(), facts=facts)
        advance(session, found.code, "assign", stage.acting("dispatcher"), stage.clock.now(), wall=stage.clock.wall())
        _ = 1 / 0
    assert stage.all("select from cases") == []


def test_codes_begin_with_the_campaign_and_outside_of_one_with_the_year(stage: Stage) -> None:
    stage.do("update campaign set code = 'LH-26'")
    assert stage.find() == "LH-26-0001"
    stage.at("2023-04-02T10:00+08:00")
    assert stage.find() == "YH-2023-0001"


def test_a_photo_from_the_future_proves_nothing(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.picture("owner", code, taken_at=stage.clock.now() + timedelta(days=30))
    with pytest.raises(Refused) as no:
        stage.act("owner", "submit", code)
    assert no.value.reason == "G3"


def test_half_a_position_is_refused(stage: Stage) -> None:
    code = stage.to_rectifying()
    with pytest.raises(Refused) as no:
        stage.picture("owner", code, lat=34.7)
    assert no.value.reason == "position"


def test_a_plan_filed_in_no_sensible_year_is_not_filed_and_locks_nothing(stage: Stage) -> None:
    code = stage.to_rectifying(place="pit", grade="major")
    stage.picture("owner-3", code)
    for filed_at in ("0001-01-01T00:00:00+10:00", "2099-01-01T00:00:00+08:00", 5, None, {"a": 1}):
        with pytest.raises(Refused) as no:
            stage.act("owner-3", "submit", code, plan={**PLAN, "filed_at": filed_at})
        assert no.value.reason == "G10"
    assert stage.act("owner-3", "submit", code, plan=PLAN).state == "submitted"


def test_regrading_a_hazard_found_long_ago_counts_the_offices_clock_from_when_it_was_registered(stage: Stage) -> None:
    code = stage.find(found_at="2023-02-14T10:00+08:00")
    due = stage.timer(code, "dispatch").due_at
    stage.later(hours=1)
    stage.act("office-head", "regrade", code, sla_class="g15")
    assert stage.timer(code, "dispatch").due_at == due
