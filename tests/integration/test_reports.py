"""Public reports on a real database: received, verified, answered, disputed; and who reported stays known to one post alone."""

from __future__ import annotations

import pytest

from models.database import transaction
from statemachines.advance import Acting
from statemachines.errors import NotAllowed, Refused
from statemachines.report import followed, identity
from tests.stage import Stage, moment

NAME, CONTACT = "王小明", "13912345678"


def reporter(stage: Stage) -> Acting:
    return Acting(stage.township_id, "reporter", "reporter")




def test_a_report_is_received_without_an_account_and_followed_by_its_token(stage: Stage) -> None:
    code, token = stage.report(name=NAME, contact=CONTACT, channel="qr")
    assert (code, stage.state(code), stage.clocks(code)) == ("JB-2023-0001", "received", ["answer"])
    assert stage.timer(code, "answer").due_at == moment("2023-02-27T18:00+08:00")
    with transaction(stage.engine) as session:
        assert followed(session, token) == (code, reporter(stage))
        assert followed(session, token + "x") is None and followed(session, "") is None
    assert stage.all("select from public_report where token_hash = :token", token=token) == []
    assert [n.meant for n in stage.notices(code)] == ["dispatcher"]


def test_people_in_danger_are_answered_within_a_day_and_the_offices_head_hears_of_it(stage: Stage) -> None:
    code, _ = stage.report(people_in_danger=True)
    assert stage.timer(code, "answer").due_at == moment("2023-02-21T10:00+08:00")
    assert {n.meant for n in stage.notices(code)} == {"dispatcher", "office-head"}


@pytest.mark.parametrize("facts", [
    {"description": ""}, {"description": "  "}, {"description": "长" * 2001}, {"channel": "smoke"}, {"channel": 7},
])  # fmt: skip
def test_a_report_that_says_nothing_or_too_much_is_refused_and_takes_no_number(stage: Stage, facts: dict[str, object]) -> None:
    with pytest.raises(Refused) as no:
        stage.report(**facts)
    assert no.value.reason == "report"
    assert stage.report()[0] == "JB-2023-0001"


def test_a_report_about_a_place_that_nobody_knows_is_still_received(stage: Stage) -> None:
    code, _ = stage.report(place="nowhere", said_place="东头小桥边")
    assert stage.one("select place_id, said_place from cases join public_report on case_id = id").said_place == "东头小桥边"
    assert stage.refused("inspector", "substantiate", code, hazard="YH-2023-0009") == "hazard_named"
    assert stage.act("head-fire", "substantiate", code, hazard=stage.find()).state == "substantiated"


def test_only_the_offices_head_reads_who_reported_with_a_reason_and_the_reading_is_in_history(stage: Stage) -> None:
    code, _ = stage.report(name=NAME, contact=CONTACT)
    for post in ("dispatcher", "inspector", "deputy", "secretary", "discipline", "district"):
        assert stage.refused(post, "read_identity", code, reason="核实") == "post"
        with pytest.raises(NotAllowed), transaction(stage.engine) as session:
            identity(session, stage.acting(post), code, stage.clock.now())
    assert stage.refused("office-head", "read_identity", code) == "reason_given"
    stage.act("office-head", "read_identity", code, reason="回访核实")
    with transaction(stage.engine) as session:
        assert identity(session, stage.acting("office-head"), code, stage.clock.now()) == (NAME, CONTACT)
    event = stage.history(code)[-1]
    assert (event.trigger, event.person, event.post) == ("read_identity", "p-office-head", "office-head")
    assert stage.clocks(code) == ["answer"]


def test_reading_who_reported_after_the_answer_does_not_move_the_time_of_the_answer(stage: Stage) -> None:
    code, _ = stage.report(name=NAME)
    stage.act("office-head", "dismiss_report", code, reason="现场未发现")
    stage.act("dispatcher", "answer_report", code, answer="已现场核查，未发现堆放")
    ended_at = stage.clock.now()
    stage.later(days=3)
    stage.act("office-head", "read_identity", code, reason="回访")
    assert stage.one("select ended_at from cases where code = :code", code=code).ended_at == ended_at


def test_an_anonymous_report_has_nobody_to_be_read(stage: Stage) -> None:
    code, _ = stage.report()
    assert stage.all("select from reporter") == []
    with transaction(stage.engine) as session:
        assert identity(session, stage.acting("office-head"), code, stage.clock.now()) == (None, None)


def test_a_report_is_verified_answered_and_the_reporter_is_satisfied(stage: Stage) -> None:
    code, _ = stage.report(name=NAME)
    hazard = stage.find()
    stage.act("inspector", "substantiate", code, hazard=hazard)
    assert stage.state(hazard) == "found"
    assert stage.refused("inspector", "answer_report", code, answer="已交办") == "post"
    assert stage.refused("dispatcher", "answer_report", code) == "answer_given"
    stage.act("dispatcher", "answer_report", code, answer="已交办整改")
    assert (stage.state(code), stage.clocks(code)) == ("answered", [])
    assert stage.refused("dispatcher", "accept_answer", code) == "post"
    assert stage.act("reporter", "accept_answer", code, person="reporter").state == "settled"


def test_untrue_is_for_the_offices_head_to_say_and_never_for_the_unit(stage: Stage) -> None:
    code, _ = stage.report()
    assert stage.refused("dispatcher", "dismiss_report", code, reason="未发现") == "post"
    stage.holds("owner", "office-head")
    assert stage.refused("office-head", "dismiss_report", code, person="p-owner", reason="未发现") == "G11"
    assert stage.refused("office-head", "substantiate", code, person="p-owner", hazard=stage.find()) == "G11"
    assert stage.act("office-head", "dismiss_report", code, reason="未发现").state == "unfounded"


def test_what_the_reporter_disputes_and_is_found_true_opens_the_closed_hazard_again(stage: Stage) -> None:
    code, _ = stage.report(name=NAME)
    hazard = stage.to_closed()
    stage.act("office-head", "dismiss_report", code, reason="已整改")
    stage.act("dispatcher", "answer_report", code, answer="已整改到位")
    assert stage.refused("reporter", "dispute_answer", code, person="reporter") == "reason_given"
    stage.later(days=1)
    stage.act("reporter", "dispute_answer", code, person="reporter", reason="通道仍然堆满")
    case = stage.one("select * from cases where code = :code", code=code)
    assert (case.state, case.ended_at, stage.clocks(code)) == ("disputed", None, ["answer"])
    assert {n.meant for n in stage.notices(code) if n.purpose == "report"} >= {"office-head", "dispatcher"}
    stage.act("head-police", "substantiate", code, hazard=hazard)
    assert (stage.state(hazard), stage.case(hazard).round, stage.clocks(hazard)) == ("reopened", 2, ["dispatch"])
    event = stage.history(hazard)[-1]
    assert (event.trigger, event.post, event.facts["reason"]) == ("reopen", "head-police", "fake_rectification")


def test_who_reported_stands_nowhere_but_in_its_own_table(stage: Stage) -> None:
    code, _ = stage.report(name=NAME, contact=CONTACT, channel="qr", description="消防通道堆满货物")
    stage.act("office-head", "read_identity", code, reason="回访核实")
    hazard = stage.to_closed()
    stage.act("inspector", "substantiate", code, hazard=hazard)
    stage.act("dispatcher", "answer_report", code, answer="已整改")
    stage.later(days=9)
    stage.act("reporter", "dispute_answer", code, person="reporter", reason="没有整改")
    stage.later(days=9)
    stage.sweep()
    tables = stage.all("select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
    told = [
        table.name for table in tables
        if stage.all(f"select from {table.name} said where said::text like any(array['%{NAME}%', '%{CONTACT}%'])")
    ]  # fmt: skip
    assert told == ["reporter"]
