"""不安全不开工: what blocks a place, what frees it, and who consents that work resumes."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text
from sqlmodel import Session

from models.database import transaction
from statemachines.advance import register
from statemachines.errors import NotAllowed, Refused
from statemachines.gate import Gate, GateChange, allow, ask_resumption, gate_of, regate, start_items
from tests.stage import Stage


def look(stage: Stage, place: str = "pit", cause: str = "test") -> GateChange | None:
    """As after a step that may have moved the gate."""
    with transaction(stage.engine) as session:
        place_id = stage.one("select id from place where code = :code", code=place).id
        return regate(session, place_id, stage.clock.now(), cause=cause, post="system", person="system")


def gate(stage: Stage, place: str = "pit") -> Gate:
    with transaction(stage.engine) as session:
        found = gate_of(session, stage.township_id, place)
    assert found.state == stage.one("select start_work from place where code = :code", code=place).start_work
    befores, afters = [row.before for row in found.history], [row.after for row in found.history]
    assert befores == ["allowed", *afters][: len(befores)] and ["allowed", *afters][-1] == found.state
    return found


def consent(stage: Stage, post: str, place: str = "pit", note: str = "现场核查，可以恢复", **more: Any) -> GateChange:
    with transaction(stage.engine) as session:
        more.setdefault("answers", met(session, stage.township_id, place))
        return allow(session, stage.acting(post), stage.clock.now(), place, note, **more)


def met(session: Session, township_id: int, place: str) -> dict[str, str]:
    """Every start-work item of the place is met."""
    kind = session.execute(text("select kind from place where code = :code"), {"code": place}).scalar()
    return dict.fromkeys(start_items(session, township_id, kind), "yes")


def ask(stage: Stage, post: str, place: str = "pit", note: str = "节后复工") -> GateChange:
    with transaction(stage.engine) as session:
        return ask_resumption(session, stage.acting(post), stage.clock.now(), place, note)


def end(stage: Stage, code: str, state: str = "closed") -> None:
    stage.do("update cases set state = :state, ended_at = :now where code = :code", code=code, state=state, now=stage.clock.now())


def control(stage: Stage, code: str, kind: str, kept: bool = False) -> None:
    stage.do(
        "update hazard set interim_control = :kind, interim_kept = :kept from cases c where c.id = case_id and c.code = :code",
        code=code, kind=kind, kept=kept,
    )  # fmt: skip


DUTY = """
insert into duty (township_id, code, version, active, title, leader, body)
values (:id, 'training', 1, true, '月培训', false, cast(:body as jsonb)) on conflict do nothing
"""
RUN = """
with c as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, responsible_post_id,
        opened_at, ended_at)
    select :id, 'duty', 'LZ-' || :period, :state, 1, 1, 0, '', 'general', 0, place.id, responsible_post_id, :now,
        case when :state = 'open' then null else cast(:now as timestamptz) end
    from place where code = 'pit' returning *
)
insert into duty_run (case_id, duty_id, task, title, period, owner_post_id, place_id, leader, opens_at, due_at, closes_at, wanted, barred)
select c.id, duty.id, 'duty', '月培训', cast(:period as date), c.responsible_post_id, c.place_id, false, :now, :now, :now, '{}', '{}'
from c, duty where duty.code = 'training'
"""


def training(stage: Stage, period: str, state: str, gate: bool = True) -> None:
    """A run of the monthly training of the pit, ended as `state`."""
    stage.do(DUTY, id=stage.township_id, body='{"gate": true}' if gate else "{}")
    stage.do(RUN, id=stage.township_id, period=period, state=state, now=stage.clock.now())


def test_a_major_hazard_blocks_its_place_from_the_moment_it_is_found_until_somebody_consents(stage: Stage) -> None:
    code = stage.find(place="pit", grade="major")
    look(stage)
    found = gate(stage)
    assert (found.state, found.since) == ("blocked", stage.clock.now())
    assert [(each.kind, each.case_code) for each in found.because] == [("major_hazard", code)]
    stage.later(days=3)
    end(stage, code)
    moved = look(stage, cause="approve_close")
    assert moved and (moved.before, moved.after, moved.cause.kind) == ("blocked", "pending", "danger_gone")
    assert gate(stage).because[0].kind == "danger_gone"
    assert consent(stage, "mayor").after == "allowed"
    last = gate(stage).history[-1]
    assert (last.reason, last.post, last.note) == ("consented", "mayor", "现场核查，可以恢复；I1 符合；I2 符合；I3 符合")


def test_a_major_hazard_goes_all_the_way_and_the_law_itself_moves_the_gate(stage: Stage) -> None:
    code = stage.to_verified("pit", grade="major")
    assert gate(stage).state == "blocked"
    stage.act("mayor", "approve_close", code, district_consent_no="区安委办〔2023〕1号")
    assert gate(stage).state == "pending"


def test_a_general_hazard_blocks_nothing(stage: Stage) -> None:
    stage.find(place="pit")
    assert look(stage) is None
    assert gate(stage).history == ()


@pytest.mark.parametrize(("kind", "blocks"), [
    ("warning", False), ("guard", False), ("stop_equipment", False), ("evacuate", True), ("partial_stop", True), ("full_stop", True),
    ("sealed", True), ("power_cut", True),
])  # fmt: skip
def test_an_interim_control_blocks_if_it_stops_the_place(stage: Stage, kind: str, blocks: bool) -> None:
    control(stage, stage.find(place="pit"), kind)
    look(stage)
    assert gate(stage).state == ("blocked" if blocks else "allowed")


def test_a_control_that_is_kept_after_closing_still_stands_and_one_of_a_cancelled_hazard_does_not(stage: Stage) -> None:
    code, other = stage.find(place="pit"), stage.find()
    control(stage, code, "full_stop", kept=True)
    control(stage, other, "full_stop", kept=True)
    end(stage, code)
    end(stage, other, "cancelled")
    look(stage)
    look(stage, "shop")
    assert (gate(stage).state, gate(stage, "shop").state) == ("blocked", "allowed")


def test_the_place_stays_blocked_until_the_last_danger_is_gone(stage: Stage) -> None:
    first, second = stage.find(place="pit", grade="major"), stage.find(place="pit", grade="major")
    look(stage)
    end(stage, first)
    assert look(stage) is None
    end(stage, second)
    assert look(stage) is not None
    assert gate(stage).state == "pending"


def test_a_new_danger_blocks_a_place_that_waits_for_consent(stage: Stage) -> None:
    ask(stage, "owner-3")
    stage.find(place="pit", grade="major")
    look(stage)
    assert gate(stage).state == "blocked"
    with pytest.raises(Refused):
        consent(stage, "mayor")


def test_missed_training_blocks_and_the_next_one_that_is_done_frees_by_itself(stage: Stage) -> None:
    training(stage, "2023-01-01", "done")
    assert look(stage) is None
    training(stage, "2023-02-01", "missed")
    look(stage)
    assert [(each.kind, each.case_code) for each in gate(stage).because] == [("missed_training", "LZ-2023-02-01")]
    training(stage, "2023-03-01", "excused")
    training(stage, "2023-04-01", "open")
    assert look(stage) is None
    training(stage, "2023-05-01", "done")
    moved = look(stage)
    assert moved and (moved.after, moved.cause.kind) == ("allowed", "training_done")
    assert gate(stage).state == "allowed"


def test_a_duty_that_says_nothing_of_the_gate_blocks_nothing(stage: Stage) -> None:
    training(stage, "2023-02-01", "missed", gate=False)
    assert look(stage) is None


def test_training_that_ends_last_does_not_hide_that_there_was_a_danger(stage: Stage) -> None:
    training(stage, "2023-02-01", "missed")
    look(stage)
    code = stage.find(place="pit", grade="major")
    look(stage)
    end(stage, code)
    look(stage)
    assert gate(stage).state == "blocked"
    training(stage, "2023-03-01", "done")
    look(stage)
    assert gate(stage).state == "pending"


def test_training_missed_while_consent_is_awaited_does_not_replace_the_consent(stage: Stage) -> None:
    ask(stage, "owner-3")
    training(stage, "2023-02-01", "missed")
    look(stage)
    training(stage, "2023-03-01", "done")
    look(stage)
    assert gate(stage).state == "pending"


@pytest.mark.parametrize("post", ["owner-3", "inspector", "head-fire", "dispatcher", "grid-2", "discipline"])
def test_only_the_offices_head_leaders_and_the_district_consent(stage: Stage, post: str) -> None:
    ask(stage, "owner-3")
    with pytest.raises(NotAllowed):
        consent(stage, post)


@pytest.mark.parametrize("post", ["office-head", "deputy", "mayor", "secretary", "department"])
def test_each_of_these_may(stage: Stage, post: str) -> None:
    ask(stage, "owner-3")
    assert consent(stage, post).after == "allowed"


def test_who_holds_the_units_post_as_well_does_not_consent(stage: Stage) -> None:
    ask(stage, "dispatcher")
    hold(stage, "p-deputy", "owner-3")
    refused(stage, "G11", "deputy")
    assert consent(stage, "mayor").after == "allowed"


def test_nor_through_a_stand_in_nor_who_submitted_the_hazard(stage: Stage) -> None:
    code = stage.find(place="pit", grade="major")
    look(stage)
    stage.do("update hazard set submitted_person = 'p-mayor' from cases c where c.id = case_id and c.code = :code", code=code)
    end(stage, code)
    look(stage)
    refused(stage, "G11", "mayor")
    hold(stage, "p-guard", "deputy", deputy_of="p-owner-3")
    with pytest.raises(Refused), transaction(stage.engine) as session:
        allow(session, stage.acting("deputy", "p-guard"), stage.clock.now(), "pit", "好")
    assert consent(stage, "deputy").after == "allowed"


def test_who_asked_for_it_does_not_consent(stage: Stage) -> None:
    ask(stage, "office-head")
    refused(stage, "G11", "office-head")


def hold(stage: Stage, person: str, post: str, deputy_of: str | None = None) -> None:
    stage.do(
        "insert into holding (person_id, post_id, from_day, deputy_of_id) select person.id, post.id, '2023-01-01', away.id from person"
        " join post on post.code = :post left join person away on away.key = :deputy_of where person.key = :person",
        person=person, post=post, deputy_of=deputy_of,
    )  # fmt: skip


def refused(stage: Stage, reason: str, post: str, **more: Any) -> None:
    with pytest.raises(Refused) as no:
        consent(stage, post, **more)
    assert no.value.reason == reason, no.value.detail


def test_consent_is_to_a_place_that_waits_with_a_note_and_every_item_met(stage: Stage) -> None:
    refused(stage, "state", "mayor")
    ask(stage, "owner-3")
    refused(stage, "note", "mayor", note=" ")
    refused(stage, "answers", "mayor", answers={"I1": "no"})
    refused(stage, "answers", "mayor", answers={"I1": "perhaps"})
    refused(stage, "place", "mayor", place="nowhere")


def test_a_blocked_place_is_not_consented_to_nor_can_it_ask(stage: Stage) -> None:
    stage.find(place="pit", grade="major")
    look(stage)
    refused(stage, "state", "mayor")
    with pytest.raises(Refused):
        ask(stage, "owner-3")


def test_only_the_unit_or_the_office_asks_to_resume(stage: Stage) -> None:
    for post in ("owner", "inspector", "mayor"):
        with pytest.raises(NotAllowed):
            ask(stage, post)
    assert ask(stage, "safety", "shop").after == "pending"
    with pytest.raises(Refused):
        ask(stage, "owner", "shop")


def test_two_dangers_that_end_at_once_do_not_each_see_the_other(stage: Stage) -> None:
    first, second = stage.find(place="pit", grade="major"), stage.find(place="pit", grade="major")
    look(stage)
    place_id = stage.one("select id from place where code = 'pit'").id

    def finish(code: str, hold: bool) -> None:
        with transaction(stage.engine) as session:
            now = stage.clock.now()
            session.execute(text("update cases set state = 'closed', ended_at = :now where code = :code"), {"code": code, "now": now})
            regate(session, place_id, now, cause="approve_close", post="mayor", person="p-mayor")
            if hold:
                other.start()
                waiting(stage, other)

    other = Thread(target=finish, args=(second, False))
    finish(first, True)
    other.join(timeout=30)
    assert gate(stage).state == "pending"


def waiting(stage: Stage, other: Thread) -> None:
    """Until the other's transaction waits for a lock, or has ended."""
    asked = "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    while other.is_alive() and not stage.one(asked).n:
        pass


STEPS = st.lists(st.sampled_from(("danger", "safe", "miss", "train", "ask", "consent")), max_size=10)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_the_gate_is_what_its_causes_and_consents_make_of_it(stage: Stage, steps: list[str]) -> None:
    danger = missed = owes = False
    with Session(stage.engine) as session:
        for month, step in enumerate(steps, 1):
            stood = standing(danger, missed, owes)
            done = happen(stage, session, step, month)
            assert done == (step not in ("ask", "consent") or stood == {"ask": "allowed", "consent": "pending"}[step])
            danger = {"danger": True, "safe": False}.get(step, danger)
            missed = {"miss": True, "train": False}.get(step, missed)
            owes = step != "consent" if done and step in ("danger", "ask", "consent") else owes
            assert gate_of(session, stage.township_id, "pit").state == standing(danger, missed, owes)
        session.rollback()


def standing(danger: bool, missed: bool, owes: bool) -> str:
    return "blocked" if danger or missed else "pending" if owes else "allowed"


def happen(stage: Stage, session: Session, step: str, month: int) -> bool:
    """Whether it was allowed."""
    now, who = stage.clock.now(), {"post": "system", "person": "system"}
    if step in ("ask", "consent"):
        try:
            if step == "ask":
                ask_resumption(session, stage.acting("owner-3"), now, "pit", "复工")
            else:
                allow(session, stage.acting("mayor"), now, "pit", "已核查", met(session, stage.township_id, "pit"))
        except Refused:
            return False
        return True
    if step == "danger":
        facts = {"place": "pit", "description": "坝体", "location": "坝顶", "grade": "major"}
        register(session, stage.acting("inspector"), now, wall=stage.clock.wall(), facts=facts)
    elif step == "safe":
        session.execute(text("update cases set state = 'closed', ended_at = :now where kind = 'hazard' and ended_at is null"), {"now": now})
    else:
        session.execute(text(DUTY), {"id": stage.township_id, "body": '{"gate": true}'})
        state = {"miss": "missed", "train": "done"}[step]
        session.execute(text(RUN), {"id": stage.township_id, "period": f"2023-{month:02d}-01", "state": state, "now": now})
    place_id = session.execute(text("select id from place where code = 'pit'")).scalar_one()
    regate(session, place_id, now, cause=step, **who)
    return True


def test_looking_where_nothing_has_changed_takes_two_statements(stage: Stage) -> None:
    said: list[str] = []
    place_id = stage.one("select id from place where code = 'pit'").id
    with transaction(stage.engine) as session:
        event.listen(stage.engine, "before_cursor_execute", lambda _c, _cu, statement, *_: said.append(statement))
        regate(session, place_id, stage.clock.now(), cause="test", post="system", person="system")
    assert len(said) == 2
