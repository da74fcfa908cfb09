"""The one door: nothing changes a case but a trigger that goes through here (or, for rungs alone, through `escalate`).

Lock the case, load what the guards ask for, let the machine decide, write everything in the caller's transaction: state and version,
the event with its hash, timers stopped and started, messages planned. The transaction commits all of it or nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.database import as_json
from models.enumerations import HazardState, ReasonCode
from models.rules import rules_of
from notifications.plan import plan_step
from statemachines import hazard as law
from statemachines.effects import EFFECTS, Change, Step
from statemachines.errors import LawError, NotAllowed, Refused, Stale
from statemachines.escalate import escalate_due
from statemachines.hazard import Offer
from statemachines.history import micros, salted
from statemachines.load import Acting, Seated, load_case, seat, situation
from statemachines.new import insert_hazard
from statemachines.situation import Situation
from statemachines.timers import RUNNING, insert_timers

__all__ = ["Acting", "Outcome", "advance", "offers", "register"]
log = logging.getLogger("bihuan.law")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the case stands after the step; `version` is what the next If-Match compares, `seq` and `hash` its newest event."""

    case_id: int
    code: str
    state: HazardState
    version: int
    seq: int
    hash: str


def register(
    session: Session, acting: Acting, now: datetime, *, wall: datetime, facts: Mapping[str, Any], flow_run: str | None = None
) -> Outcome:
    """A hazard is found (隐患登记). `facts` hold at least place (code), description and location; business time `now`.

    Raises NotAllowed when the post may not register, Refused(G1) when something is missing or the place is unknown.
    """
    seated = seat(session, acting, now)
    decision = law.decide(Situation("register", seated.actor, now, facts, place=str(facts.get("place") or "")))
    code = insert_hazard(session, acting, now, facts)
    case = load_case(session, acting.township_id, code)
    step = Step(
        session, case, seated, _registered(case, seated, now, facts), decision.state, now, facts, rules_of(session, case.township_id)
    )
    return _write(step, "register", None, wall, flow_run)


def _registered(case: Row[Any], seated: Seated, now: datetime, facts: Mapping[str, Any]) -> Situation:
    return Situation("register", seated.actor, now, facts, code=case.code, place=case.place)


def advance(
    session: Session,
    code: str,
    trigger: str,
    acting: Acting,
    now: datetime,
    expected_version: int | None = None,
    *,
    wall: datetime,
    facts: Mapping[str, Any] | None = None,
    flow_run: str | None = None,
) -> Outcome:
    """Fires `trigger` on the case as `acting` at business time `now`, in the caller's transaction; `wall` is recorded beside it.

    Raises NoSuchCase, Stale (the case is not at `expected_version`), UnknownTrigger, NotAllowed, or Refused with the guard's reason;
    then nothing has changed.
    """
    case = load_case(session, acting.township_id, code)
    if expected_version is not None and case.version != expected_version:
        raise Stale(case.version)
    seated = seat(session, acting, now)
    asked = situation(session, case, seated, trigger, now, facts or {})
    try:
        decision = law.decide(asked)
    except (Refused, NotAllowed) as no:
        log.info("refused: %s %s by %s: %s", code, trigger, acting.post, no)
        raise
    if trigger == "escalate":
        return _escalate(session, case, now, wall, flow_run)
    step = Step(session, case, seated, asked, decision.state, now, facts or {}, rules_of(session, case.township_id))
    return _write(step, trigger, case.state, wall, flow_run)


def offers(session: Session, code: str, acting: Acting, now: datetime) -> list[Offer]:
    """What this person in this post may do with the case now, and why not the rest. Raises NoSuchCase; takes no lock."""
    case = load_case(session, acting.township_id, code, lock=False)
    try:
        seated = seat(session, acting, now)
    except LawError:
        return []
    return law.offers(situation(session, case, seated, "", now, {}))


LIVE_TIMERS = text("select id from timer where case_id = :case_id and stopped_at is null and next_at <= :now")


def _escalate(session: Session, case: Row[Any], now: datetime, wall: datetime, flow_run: str | None) -> Outcome:
    ids = list(session.execute(LIVE_TIMERS, {"case_id": case.id, "now": now}).scalars())
    if not ids or not escalate_due(session, now, len(ids), wall=wall, only=ids, flow_run=flow_run):
        raise Refused("not_due", "现在没有到时的催办。", "No rung of this case is due now.")
    moved = session.execute(text("select version, events, last_hash from cases where id = :id"), {"id": case.id}).one()
    return Outcome(case.id, case.code, HazardState(case.state), moved.version, moved.events, moved.last_hash)


def _write(step: Step, trigger: str, from_state: str | None, wall: datetime, flow_run: str | None) -> Outcome:
    """Everything that one step leaves behind, in as few statements as it takes."""
    change = EFFECTS[trigger](step)
    seq = step.case.events + 1
    facts, remarks = _history_facts(step, change, seq)
    _set_hazard(step.session, step.case.id, change.hazard)
    moved = _set_case(step, trigger, from_state, change, seq, facts, wall, flow_run)
    _keep_remarks(step.session, step.case.id, seq, remarks)
    stops = _stops(step, change, from_state)
    _stop(step, stops, wall)
    insert_timers(step.session, step.case.id, change.starts)
    plan_step(step.session, step.case.id, f"{step.case.code}#{seq}", change.tellings, step.now)
    return Outcome(step.case.id, step.case.code, step.to, moved.version, seq, moved.last_hash)


# What people bring: codes stand in history as they are, free text as a salted hash, with the text beside it where it can be deleted.
CODES = frozenset({
    "grade", "clause", "district_consent_no", "district_record_no", "principal_present", "paper_signed", "paper",
    "site_visit", "interim_control", "interim_kept", "interim_lifted", "promised_at", "fund_actual",
})  # fmt: skip
TEXTS = frozenset({"note", "comment", "text", "description", "location", "exact_location", "measure", "expert", "distance_reason"})


def _history_facts(step: Step, change: Change, seq: int) -> tuple[dict[str, Any], dict[str, str]]:
    facts = {name: _plain(value) for name, value in step.facts.items() if name in CODES and value is not None}
    remarks = {name: str(value) for name, value in step.facts.items() if name in TEXTS and value}
    reason = step.facts.get("reason")
    if reason in ReasonCode.__members__:
        facts["reason"] = reason
    elif reason:
        remarks["reason"] = str(reason)
    if step.situation.second:
        facts["second"] = {"person": step.situation.second.person, "post": step.situation.second.post}
    if step.seated.actor.standing_in_for:
        facts["standing_in_for"] = step.seated.actor.standing_in_for
    hashed = {name: salted(step.case.salt, step.case.code, seq, name, body) for name, body in remarks.items()}
    return {**facts, **hashed, **change.facts}, remarks


def _plain(value: Any) -> Any:
    return micros(value) if isinstance(value, datetime) else value


def _set_hazard(session: Session, case_id: int, columns: Mapping[str, Any]) -> None:
    if columns:
        assignments = ", ".join(f"{name} = {_bound(name)}" for name in columns)
        values = {name: as_json(value) if name in JSON_COLUMNS and value is not None else value for name, value in columns.items()}
        session.execute(text(f"update hazard set {assignments} where case_id = :case_id"), {**values, "case_id": case_id})


JSON_COLUMNS = frozenset({"plan", "reinspected_by"})


def _bound(name: str) -> str:
    return f"cast(:{name} as jsonb)" if name in JSON_COLUMNS else f":{name}"


MOVE = text("""
with bodied as (
    select event_body(:township, c.code, :seq, :trigger, :from_state, :state, :post, :person, :now, cast(:facts as jsonb)) as body,
        c.last_hash as prev
    from cases c where c.id = :id
),
history as (
    insert into event (case_id, seq, trigger, from_state, to_state, post, person, at, facts, body, prev_hash, hash, recorded_at, flow_run)
    select :id, :seq, :trigger, :from_state, :state, :post, :person, :now, cast(:facts as jsonb), body, prev, event_hash(prev, body),
        :wall, :flow_run
    from bodied returning id, hash
),
fed as (insert into feed (event_id) select id from history)
update cases set state = :state, version = version + :steps, events = :seq, last_hash = history.hash, round = :round, grade = :grade,
    level = :level, responsible_post_id = :responsible_post_id, team_id = :team_id, approver_post_id = :approver_post_id,
    due_at = coalesce(:due_at, cases.due_at), ended_at = :ended_at
from history where cases.id = :id
returning cases.version, cases.last_hash
""")
KEPT = ("round", "grade", "level", "responsible_post_id", "team_id", "approver_post_id")


def _set_case(
    step: Step,
    trigger: str,
    from_state: str | None,
    change: Change,
    seq: int,
    facts: Mapping[str, Any],
    wall: datetime,
    flow_run: str | None,
) -> Row[Any]:
    person, post = step.me
    columns = {name: change.case.get(name, getattr(step.case, name)) for name in KEPT}
    due = next((start.due_at for start in change.starts if start.clock == (RUNNING.get(step.to) or (None,))[-1]), None)
    asked = {
        **columns, "due_at": due, "ended_at": step.now if step.to.ended else None, "id": step.case.id, "seq": seq, "trigger": trigger,
        "township": step.case.township, "from_state": from_state, "state": step.to, "post": post, "person": person, "now": step.now,
        "facts": as_json(facts), "wall": wall, "flow_run": flow_run, "steps": 0 if trigger == "register" else 1,
    }  # fmt: skip
    return step.session.execute(MOVE, asked).one()


def _keep_remarks(session: Session, case_id: int, seq: int, remarks: Mapping[str, str]) -> None:
    rows = [{"case_id": case_id, "seq": seq, "name": name, "body": body} for name, body in remarks.items()]
    if rows:
        session.execute(text("insert into remark (case_id, seq, name, body) values (:case_id, :seq, :name, :body)"), rows)


def _stops(step: Step, change: Change, from_state: str | None) -> list[str]:
    """Clocks that the new state doesn't run, and those that start afresh."""
    before = set(RUNNING.get(HazardState(from_state), ())) if from_state else set()
    return sorted((before - set(RUNNING.get(step.to, ()))) | {start.clock for start in change.starts})


STOP = text("""
with stopped as (
    update timer set stopped_at = :now where case_id = :case_id and clock = any(:clocks) and stopped_at is null returning id
)
update notice set state = 'cancelled', reason = 'overtaken', settled_at = :wall
where case_id = :case_id and state in ('planned', 'held', 'pending', 'retry')
    and (timer_id in (select id from stopped) or cardinality(while_states) > 0 and not :state = any(while_states))
""")


def _stop(step: Step, clocks: list[str], wall: datetime) -> None:
    """Stops timers and takes back what has not left yet and no longer holds."""
    step.session.execute(STOP, {"case_id": step.case.id, "clocks": clocks, "now": step.now, "wall": wall, "state": step.to})
