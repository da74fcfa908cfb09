"""What is silenced waits and is said once at the end; what must be heard is not silenced; and every silence has an author and an end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from models.database import transaction
from notifications.silence import Muted, silences, silences_of
from notifications.told import told
from statemachines.errors import LawError
from statemachines.foresee import foresee
from statemachines.silence import lift, silence
from tests.integration.test_foresee import Recorder
from tests.stage import Stage, moment
from tests.town import person_of

DUE = moment("2023-02-23T23:59:59+08:00")  # of a g3 hazard assigned on the stage's Monday
OWNER, DISPATCHER, GRID = person_of("owner"), person_of("dispatcher"), person_of("grid-1")


def silenced(
    stage: Stage, post: str, scope: str, about: str, days: float = 5, reason: str = "已约定周五更换", person: str | None = None
) -> Muted:  # fmt: skip
    with transaction(stage.engine) as session:
        now = stage.clock.now()
        until = now + timedelta(days=days)
        return silence(session, stage.acting(post, person), now, scope=scope, about=about, until=until, reason=reason)


def why_not(stage: Stage, post: str, scope: str, about: str, days: float = 5, reason: str = "已约定", person: str | None = None) -> str:
    try:
        silenced(stage, post, scope, about, days, reason, person)
    except LawError as no:
        return str(getattr(no, "reason", "post"))
    raise AssertionError("it was silenced")


def lifted(stage: Stage, post: str, number: int, person: str | None = None) -> Muted:
    with transaction(stage.engine) as session:
        return lift(session, stage.acting(post, person), stage.clock.now(), number)


def goes_round(stage: Stage, recorder: Recorder, at: datetime) -> list[tuple[str, str]]:
    """Everything up to `at` happens in its time; who has heard what since the last time."""
    recorder.sent.clear()
    while stage.clock.now() < at:
        stage.clock.advance_to(min(stage.clock.now() + timedelta(hours=1), at))
        stage.sweep()
        recorder.deliver()
    return [(each.person, each.text) for each in recorder.sent]


@pytest.fixture
def hears(stage: Stage) -> Recorder:
    return Recorder(stage)


def overdue(stage: Stage, recorder: Recorder) -> str:
    """A hazard whose limit has passed yesterday; everything until then has been said."""
    code = stage.to_rectifying()
    goes_round(stage, recorder, DUE + timedelta(hours=11))
    return code


@pytest.mark.parametrize(("scope", "about"), [("case", ""), ("place", "shop"), ("village", "v1")])
def test_the_rungs_go_on_and_their_messages_wait_for_the_end(stage: Stage, hears: Recorder, scope: str, about: str) -> None:
    code = overdue(stage, hears)
    silenced(stage, "office-head", scope, about or code, days=4)
    end = stage.clock.now() + timedelta(days=4)
    assert goes_round(stage, hears, end - timedelta(hours=1)) == []
    assert [event.facts["level"] for event in stage.history(code) if event.trigger == "escalate"][-2:] == [1, 2]
    held = [each for each in stage.notices(code) if each.state == "held"]
    assert {(each.reason, each.not_before) for each in held} == {("silenced", end)}
    said = goes_round(stage, hears, end)
    assert len(said) == len({person for person, _ in said}) == len({each.person for each in held})
    assert any(person == person_of("deputy") and "2级" in text for person, text in said)
    with transaction(stage.engine) as session:
        reasons = {(each.state, each.reason) for each in told(session, code=code) if each.person == DISPATCHER}
    assert ("expired", "superseded") in reasons


def test_what_is_done_meanwhile_is_never_said(stage: Stage, hears: Recorder) -> None:
    code = overdue(stage, hears)
    silenced(stage, "office-head", "case", code, days=4)
    goes_round(stage, hears, stage.clock.now() + timedelta(days=3))
    stage.fix(code)
    said = goes_round(stage, hears, stage.clock.now() + timedelta(days=1, hours=1))
    assert said
    assert all("【待复查】" in text for _, text in said)
    assert {each.reason for each in stage.notices(code) if each.state == "cancelled"} == {"overtaken"}


def test_lifting_says_what_is_still_so_at_once_and_once(stage: Stage, hears: Recorder) -> None:
    code = overdue(stage, hears)
    number = silenced(stage, "office-head", "case", code).id
    goes_round(stage, hears, stage.clock.now() + timedelta(days=3))
    assert lifted(stage, "office-head", number).lifted_post == "office-head"
    hears.deliver()
    assert {each.person for each in hears.sent} >= {person_of("deputy"), person_of("village-1"), DISPATCHER}
    assert len(hears.sent) == len({each.person for each in hears.sent})
    with pytest.raises(LawError):
        lifted(stage, "office-head", number)


def test_another_silence_goes_on_when_one_is_lifted(stage: Stage, hears: Recorder) -> None:
    code = overdue(stage, hears)
    number = silenced(stage, "office-head", "case", code).id
    silenced(stage, "office-head", "village", "v1", days=6)
    goes_round(stage, hears, stage.clock.now() + timedelta(days=1))
    lifted(stage, "mayor", number)
    hears.deliver()
    assert hears.sent == []


def test_an_escalation_of_a_major_hazard_is_never_silenced(stage: Stage, hears: Recorder) -> None:
    code = stage.to_rectifying(place="pit", grade="major")
    due = stage.timer(code, "rectify").due_at
    goes_round(stage, hears, due - timedelta(hours=30))
    silenced(stage, "office-head", "case", code, days=3)
    said = goes_round(stage, hears, due + timedelta(minutes=1))
    assert said
    assert all("1级" in text for _, text in said)
    assert {each.reason for each in stage.notices(code) if each.state == "held"} == {"silenced"}
    late = goes_round(stage, hears, due + timedelta(days=2))
    assert all("临期" not in text for _, text in late)
    assert "superseded" in {each.reason for each in stage.notices(code) if each.person == DISPATCHER}


def test_nobody_silences_what_is_said_of_their_own_move(stage: Stage, hears: Recorder) -> None:
    code = stage.find()
    silenced(stage, "office-head", "case", code)
    goes_round(stage, hears, stage.clock.now() + timedelta(days=2))
    assert {each.state for each in stage.notices(code) if each.rung} == {"sent"}
    other = stage.find(place="shop-2")
    silenced(stage, "deputy", "case", other)
    goes_round(stage, hears, stage.clock.now() + timedelta(days=2))
    assert {each.state for each in stage.notices(other) if each.rung} <= {"held", "expired"}


def test_what_a_step_says_is_not_silenced(stage: Stage, hears: Recorder) -> None:
    code = stage.find()
    hears.deliver()
    silenced(stage, "office-head", "case", code)
    stage.act("dispatcher", "assign", code)
    hears.sent.clear()
    hears.deliver()
    assert {each.person for each in hears.sent} == {OWNER, GRID}


def test_who_is_away_hears_after_coming_back_and_who_stands_in_hears_now(stage: Stage, hears: Recorder) -> None:
    code = overdue(stage, hears)
    assert why_not(stage, "deputy", "person", person_of("deputy")) == "stand_in"
    stage.holds("head-police", "deputy", for_whom="deputy", from_day="2023-02-24", to_day="2023-03-05")
    silenced(stage, "deputy", "person", person_of("deputy"))
    back = stage.clock.now() + timedelta(days=5)
    said = dict(goes_round(stage, hears, back - timedelta(hours=1)))
    assert person_of("deputy") not in said
    assert code in said[person_of("head-police")]
    assert "您代" in said[person_of("head-police")]
    assert person_of("deputy") in dict(goes_round(stage, hears, back))


def test_where_nobody_stands_in_any_more_the_absent_one_is_told_after_all(stage: Stage, hears: Recorder) -> None:
    overdue(stage, hears)
    stage.holds("head-police", "deputy", for_whom="deputy", from_day="2023-02-24", to_day="2023-03-05")
    silenced(stage, "deputy", "person", person_of("deputy"))
    stage.do("update channel set disabled_at = '2023-01-01Z' from person where person.id = person_id and key = 'p-head-police'")
    assert person_of("deputy") in dict(goes_round(stage, hears, stage.clock.now() + timedelta(days=4)))


def test_a_silence_has_a_reason_an_end_and_a_place_where_it_belongs(stage: Stage) -> None:
    code = stage.to_rectifying()
    assert why_not(stage, "office-head", "case", code, reason=" ") == "reason"
    assert why_not(stage, "office-head", "case", code, days=7.1) == "until"
    assert why_not(stage, "office-head", "case", code, days=0) == "until"
    assert why_not(stage, "office-head", "case", "YH-2023-9999") == "about"
    assert why_not(stage, "office-head", "village", "fire") == "about"
    assert why_not(stage, "office-head", "township", "town") == "scope"
    closed = stage.to_closed(place="shop-2")
    assert why_not(stage, "office-head", "case", closed) == "state"


@pytest.mark.parametrize("post", ["owner", "grid-1", "village-1", "inspector", "head-fire", "dispatcher"])
def test_only_the_offices_head_and_who_is_above_may(stage: Stage, post: str) -> None:
    assert why_not(stage, post, "case", stage.to_rectifying()) == "post"


@pytest.mark.parametrize("post", ["office-head", "deputy", "mayor", "secretary", "district"])
def test_the_offices_head_and_who_is_above_may(stage: Stage, post: str) -> None:
    assert silenced(stage, post, "case", stage.to_rectifying()).by_post == post


def test_nobody_silences_somebody_else(stage: Stage) -> None:
    assert why_not(stage, "mayor", "person", person_of("deputy")) == "post"
    assert why_not(stage, "deputy", "person", person_of("deputy"), person=person_of("mayor")) == "post"


def test_a_silence_is_in_the_list_while_it_holds_and_in_the_cases_history_for_good(stage: Stage) -> None:
    code = stage.to_rectifying()
    made = silenced(stage, "office-head", "place", "shop", days=2)
    assert (made.scope, made.about, made.name, made.reason) == ("place", "shop", "小商店一", "已约定周五更换")
    assert made.holds(stage.clock.now())
    stage.later(days=2)
    with transaction(stage.engine) as session:
        assert silences(session, stage.township_id, stage.clock.now() - timedelta(minutes=1)) == [made]
        assert silences(session, stage.township_id, stage.clock.now()) == []
        assert silences_of(session, stage.township_id, code) == [made]


@pytest.mark.parametrize("change", ["update silence set until_at = until_at + interval '9 days'", "delete from silence"])
def test_what_was_silenced_stays_on_record(stage: Stage, change: str) -> None:
    silenced(stage, "office-head", "village", "v1")
    with pytest.raises(DBAPIError, match="permission denied"):
        stage.do(change)


def test_what_lies_ahead_shows_the_silence(stage: Stage, hears: Recorder) -> None:
    code = overdue(stage, hears)
    made = silenced(stage, "office-head", "case", code, days=2)
    with transaction(stage.engine) as session:
        first = foresee(session, stage.township_id, code, stage.clock.now())[0]
    assert {(each.held, each.held_until) for each in first.hearings if each.told_at} == {("silenced", made.until_at)}
