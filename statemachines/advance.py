"""The one door: nothing changes a case but a trigger that goes through here (or, for rungs alone, through `escalate`).

Lock the case, load what the guards ask for, let the machine of its kind decide, write everything in the caller's transaction: state and
version, the event with its hash, timers stopped and started, messages planned, and what follows for other cases. The transaction commits
all of it or nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.database import MANY, ONE, as_json
from models.enumerations import STATES, CaseKind, CaseState, DutyTask, Purpose, ReasonCode, StartWork
from models.rules import Rules, rules_of
from notifications.plan import Telling, plan_step, plan_steps
from statemachines.duty import open_duties
from statemachines.errors import LawError, NotAllowed, Refused, Stale, UnknownTrigger
from statemachines.escalate import escalate_due
from statemachines.gate import regate
from statemachines.history import micros, salted
from statemachines.laws import EFFECTS, FIRST, LAWS, ROUTES
from statemachines.load import TABLES, Acting, Seated, hazard_of, load_case, load_hazards, seat, situation
from statemachines.machine import Offer
from statemachines.new import insert_hazards
from statemachines.report import insert_report
from statemachines.situation import Situation
from statemachines.step import Change, NewRun, Opening, Step
from statemachines.tasks import OWNERS, start_work_check
from statemachines.timers import insert_timers_of, running

__all__ = ["Acting", "Outcome", "advance", "offers", "receive_report", "register", "register_all"]
log = logging.getLogger("bihuan.law")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the case stands after the step; `version` is what the next If-Match compares, `seq` and `hash` its newest event."""

    case_id: int
    code: str
    state: CaseState
    version: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Hand:
    """Who writes: the same for a step and all that follows from it. `now` is business time, `wall` machine time."""

    session: Session
    seated: Seated
    now: datetime
    wall: datetime
    flow_run: str | None


def register(
    session: Session, acting: Acting, now: datetime, *, wall: datetime, facts: Mapping[str, Any], flow_run: str | None = None
) -> Outcome:
    """A hazard is found (隐患登记). `facts` hold at least place (code), description and location; business time `now`.

    Raises NotAllowed when the post may not register, Refused(G1) when something is missing or the place is unknown.
    """
    return register_all(session, acting, now, wall=wall, findings=[facts], flow_run=flow_run)[0]


def register_all(
    session: Session, acting: Acting, now: datetime, *, wall: datetime, findings: Sequence[Mapping[str, Any]], flow_run: str | None = None
) -> list[Outcome]:
    """Several hazards are found: registered in their order, as if one by one, in as many statements as one takes.

    Raises what `register` raises for the first that may not be registered; then none of them has been.
    """
    hand = Hand(session, seat(session, acting, now), now, wall, flow_run)
    law, actor = LAWS[CaseKind.hazard], hand.seated.actor
    states = [law.decide(Situation("register", actor, now, facts, place=str(facts.get("place") or ""))).state for facts in findings]
    if not findings:
        return []
    codes = insert_hazards(session, acting, now, findings)
    cases, rules = load_hazards(session, acting.township_id, codes), rules_of(session, acting.township_id)
    begun = zip(cases, states, findings, strict=True)
    return _write(hand, [_first(hand, "register", case, case, state, facts, rules) for case, state, facts in begun], "register", None)


def receive_report(
    session: Session, acting: Acting, now: datetime, *, wall: datetime, facts: Mapping[str, Any], flow_run: str | None = None
) -> tuple[Outcome, str]:
    """A public report comes in (群众举报), from the reporter or taken down by the office; with the token that the reporter follows it by.

    `facts`: description, place (code) or said_place, name and contact if they are given, channel. Raises NotAllowed, Refused(report).
    """
    hand = Hand(session, seat(session, acting, now), now, wall, flow_run)
    decision = LAWS[CaseKind.report].decide(Situation("receive", hand.seated.actor, now, facts))
    code, token = insert_report(session, acting, now, facts)
    said = {name: facts[name] for name in ("channel",) if facts.get(name)}
    return _begin(hand, acting.township_id, code, "receive", decision.state, said), token


def record_paper(
    session: Session, code: str, acting: Acting, now: datetime, *, wall: datetime, facts: Mapping[str, Any], flow_run: str | None = None
) -> Outcome:
    """A paper about the hazard was issued (出具文书): `paper` its kind, `number`, `pdf` and `docx` the SHA-256 of its files. The version
    stays what it was. Whether it may be issued is what `statemachines.paper.permit` says; this is only its line in history.
    """
    case = load_case(session, acting.township_id, code)
    return _fire(Hand(session, seat(session, acting, now), now, wall, flow_run), case, "issue_paper", facts, consequence=True)


def _begin(hand: Hand, township_id: int, code: str, trigger: str, to: CaseState, facts: Mapping[str, Any]) -> Outcome:
    """The first line of a new case's history."""
    case = load_case(hand.session, township_id, code)
    step = _first(hand, trigger, case, hazard_of(hand.session, case), to, facts, rules_of(hand.session, township_id))
    return _write(hand, [step], trigger, None)[0]


def _first(
    hand: Hand, trigger: str, case: Row[Any], hazard: Row[Any] | None, to: CaseState, facts: Mapping[str, Any], rules: Rules
) -> Step:  # fmt: skip
    asked = Situation(trigger, hand.seated.actor, hand.now, facts, code=case.code, place=case.place or "", consequence=True)
    return Step(hand.session, case, hazard, hand.seated, asked, to, hand.now, facts, rules)


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

    What has been asked about a hazard can be decided by the hazard's code too (`decide_extension` …, see `laws.ROUTES`): the answer is
    then where the application stands. Raises NoSuchCase, Stale (the case is not at `expected_version`), UnknownTrigger, NotAllowed, or
    Refused with the guard's reason; then nothing has changed.
    """
    facts = facts or {}
    case = load_case(session, acting.township_id, code)
    if expected_version is not None and case.version != expected_version:
        raise Stale(case.version)
    if case.kind == CaseKind.hazard and trigger in ROUTES:
        case, trigger = _routed(session, case, trigger, facts)
    hand = Hand(session, seat(session, acting, now), now, wall, flow_run)
    return _fire(hand, case, trigger, facts)


PENDING = text("""
select code from cases where parent_id = :id and kind = :kind and ended_at is null order by id desc limit 1
""")


def _routed(session: Session, hazard: Row[Any], trigger: str, facts: Mapping[str, Any]) -> tuple[Row[Any], str]:
    """The application that is meant, and its own trigger."""
    kind, name, triggers = ROUTES[trigger]
    said = str(facts.get(name) or "")
    if said not in triggers:
        choices = "、".join(each for each in triggers if each)
        raise Refused(name, f"请在 {name} 中填写：{choices}。", f"Give {name}: {choices}.")
    code = session.execute(PENDING, {"id": hazard.id, "kind": kind}).scalar()
    if code is None:
        raise Refused("state", f"本隐患没有未决的{kind.zh}。", f"There is no pending {kind.en} about this hazard.")
    return load_case(session, hazard.township_id, code), triggers[said]


def _fire(hand: Hand, case: Row[Any], trigger: str, facts: Mapping[str, Any], *, consequence: bool = False) -> Outcome:
    session, now = hand.session, hand.now
    hazard = hazard_of(session, case)
    asked = situation(session, case, hazard, hand.seated, trigger, now, facts, consequence=consequence)
    try:
        decision = LAWS[CaseKind(case.kind)].decide(asked)
    except (Refused, NotAllowed) as no:
        log.info("refused: %s %s by %s: %s", case.code, trigger, hand.seated.actor.post, no)
        raise
    if trigger == "escalate":
        return _escalate(hand, case)
    step = Step(session, case, hazard, hand.seated, asked, decision.state, now, facts, rules_of(session, case.township_id))
    return _write(hand, [step], trigger, case.state)[0]


def offers(session: Session, code: str, acting: Acting, now: datetime) -> list[Offer]:
    """What this person in this post may do with the case now, and why not the rest. Raises NoSuchCase; takes no lock."""
    case = load_case(session, acting.township_id, code, lock=False)
    try:
        seated = seat(session, acting, now)
    except LawError:
        return []
    return LAWS[CaseKind(case.kind)].offers(situation(session, case, hazard_of(session, case), seated, "", now, {}))


def known_trigger(kind: CaseKind, trigger: str) -> str:
    """The trigger itself. Raises UnknownTrigger where cases of this kind know none of this name."""
    if trigger not in LAWS[kind].by_trigger and not (kind == CaseKind.hazard and trigger in ROUTES):
        raise UnknownTrigger(trigger)
    return trigger


LIVE_TIMERS = text("select id from timer where case_id = :case_id and stopped_at is null and next_at <= :now")


def _escalate(hand: Hand, case: Row[Any]) -> Outcome:
    session, now = hand.session, hand.now
    ids = list(session.execute(LIVE_TIMERS, {"case_id": case.id, "now": now}).scalars())
    if not ids or not escalate_due(session, now, len(ids), wall=hand.wall, only=ids, flow_run=hand.flow_run):
        raise Refused("not_due", "现在没有到时的催办。", "No rung of this case is due now.")
    moved = session.execute(text("select version, events, last_hash from cases where id = :id"), {"id": case.id}).one()
    return Outcome(case.id, case.code, STATES[CaseKind(case.kind)](case.state), moved.version, moved.events, moved.last_hash)


@dataclass(frozen=True, slots=True)
class Written:
    """A step with all that it leaves behind: `seq` is its event's, `facts` stand in history, `remarks` beside it."""

    step: Step
    change: Change
    seq: int
    facts: Mapping[str, Any]
    remarks: Mapping[str, str]


def _write(hand: Hand, steps: Sequence[Step], trigger: str, from_state: str | None) -> list[Outcome]:
    """Everything that one step of each case leaves behind, in as few statements as one takes, and then what follows from it.

    Where there are several, they are the first of their cases.
    """
    session, written = hand.session, [_written(step, trigger) for step in steps]
    for each in written:
        _set_own(each.step, each.change.own)
    moved = _set_cases(hand, trigger, from_state, written)
    _keep_remarks(session, written)
    if from_state is not None:
        for each in written:
            _stop(each.step, _stops(each.step, each.change, from_state), hand.wall)
    insert_timers_of(session, [(each.step.case.id, each.change.starts) for each in written])
    plan_steps(session, [(each.step.case.id, f"{each.step.case.code}#{each.seq}", each.change.tellings) for each in written], hand.now)
    outcomes = [_outcome(each, moved[each.step.case.id]) for each in written]
    for each in written:
        _follow(hand, each.step, trigger, each.change)
    return outcomes


def _written(step: Step, trigger: str) -> Written:
    change, seq = EFFECTS[step.kind][trigger](step), step.case.events + 1
    return Written(step, change, seq, *_history_facts(step, change, seq))


def _outcome(written: Written, moved: Row[Any]) -> Outcome:
    case = written.step.case
    return Outcome(case.id, case.code, written.step.to, moved.version, written.seq, moved.last_hash)


def _follow(hand: Hand, step: Step, trigger: str, change: Change) -> None:
    """Cases that open, tasks that are set, steps of other cases that follow, and the place's start-work gate."""
    for opening in change.opens:
        _open(hand, step, opening)
    _set_tasks(hand, step, change.tasks)
    for each in change.then:
        other = load_case(step.session, step.case.township_id, each.code)
        _fire(hand, other, each.trigger, each.facts, consequence=True)
    if change.gate and step.case.place_id:
        _look_at_the_gate(hand, step, trigger)


def _set_tasks(hand: Hand, step: Step, tasks: Sequence[NewRun]) -> None:
    if tasks:
        person, post = step.me
        township, how = step.case.township_id, hand.flow_run
        open_duties(step.session, township, step.now, hand.wall, tasks, by_post=post, by_person=person, flow_run=how)


def _look_at_the_gate(hand: Hand, step: Step, trigger: str) -> None:
    """不安全不开工: whether the place may work follows from its hazards, controls and trainings; who runs it is told when that changes."""
    person, post = step.me
    code = step.case.code
    moved = regate(step.session, step.case.place_id, step.now, cause=trigger, post=post, person=person, case_code=code)
    if moved:
        told = Telling(Purpose.start_work, ("responsible", "station_head", "office_head"), facts={"gate": moved.after})
        plan_step(step.session, step.case.id, f"{code}#{step.case.events + 1}", [told], step.now)
    if moved and moved.after == StartWork.pending and step.hazard is not None:
        owner = step.owner(OWNERS[DutyTask.start_work_check])
        _set_tasks(hand, step, [start_work_check(step.about(), owner, step.now)] if owner else [])


NTH = text("select count(*) from cases where parent_id = :id and kind = :kind")
OPEN = text("""
insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, parent_id, place_id, village_id,
    team_id, responsible_post_id, approver_post_id, campaign_id, opened_at, due_at)
select township_id, :kind, :code, :state, 1, 1, 0, '', grade, 0, id, place_id, village_id,
    team_id, :responsible, :approver, campaign_id, :now, null
from cases where id = :id returning id
""")


def _open(hand: Hand, step: Step, opening: Opening) -> None:
    """A case of its own about the hazard: numbered under it, its first event by the same actor."""
    session, hazard = step.session, step.case
    trigger, state, letters = FIRST[opening.kind]
    nth = session.execute(NTH, {"id": hazard.id, "kind": opening.kind}).scalar_one() + 1
    code = f"{hazard.code}-{letters}{nth}"
    asked = {"id": hazard.id, "kind": opening.kind, "code": code, "state": state, "now": step.now}
    posts = {"responsible": opening.responsible_post_id, "approver": opening.approver_post_id}
    case_id = session.execute(OPEN, {**asked, **posts}).scalar_one()
    columns = ", ".join(opening.own)
    values = ", ".join(f":{name}" for name in opening.own)
    session.execute(
        text(f"insert into {TABLES[opening.kind]} (case_id, {columns}) values (:case_id, {values})"), {**opening.own, "case_id": case_id}
    )
    _begin(hand, hazard.township_id, code, trigger, STATES[opening.kind](state), opening.facts)


# What people bring: codes stand in history as they are, free text as a salted hash, with the text beside it where it can be deleted.
CODES = frozenset({
    "grade", "clause", "district_consent_no", "district_record_no", "principal_present", "paper_signed", "paper",
    "site_visit", "interim_control", "interim_kept", "interim_lifted", "interim_until", "promised_at", "fund_actual", "recipient",
    "letter_no", "reply_no", "notice_no", "treat_by", "channel", "hazard", "stop_scope", "via",
})  # fmt: skip
TEXTS = frozenset({
    "note", "comment", "text", "description", "location", "exact_location", "measure", "expert", "distance_reason", "root_cause",
    "statement", "interim_measures", "opinion", "reply", "answer",
})  # fmt: skip


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


def _set_own(step: Step, columns: Mapping[str, Any]) -> None:
    if columns:
        assignments = ", ".join(f"{name} = {_bound(name)}" for name in columns)
        values = {name: as_json(value) if name in JSON_COLUMNS and value is not None else value for name, value in columns.items()}
        step.session.execute(
            text(f"update {TABLES[step.kind]} set {assignments} where case_id = :case_id"), {**values, "case_id": step.case.id}
        )


JSON_COLUMNS = frozenset({"plan", "reinspected_by"})


def _bound(name: str) -> str:
    return f"cast(:{name} as jsonb)" if name in JSON_COLUMNS else f":{name}"


MOVE = """
with moved as materialized (
    select * from jsonb_to_recordset(cast(:moves as jsonb)) as move(
        id bigint, seq int, state text, facts jsonb, round int, grade text, level int, responsible_post_id int, team_id int,
        approver_post_id int, due_at timestamptz, ended_at timestamptz
    ) limit {most}
),
bodied as (
    select moved.id, moved.seq, moved.state, moved.facts, c.last_hash as prev,
        event_body(:township, c.code, moved.seq, :trigger, :from_state, moved.state, :post, :person, :now, moved.facts) as body
    from moved join cases c on c.id = moved.id
),
history as (
    insert into event (case_id, seq, trigger, from_state, to_state, post, person, at, facts, body, prev_hash, hash, recorded_at, flow_run)
    select id, seq, :trigger, :from_state, state, :post, :person, :now, facts, body, prev, event_hash(prev, body), :wall, :flow_run
    from bodied order by id returning id, case_id, hash
),
fed as (insert into feed (event_id) select id from history)
update cases set state = moved.state, version = version + :steps, events = moved.seq, last_hash = history.hash, round = moved.round,
    grade = moved.grade, level = moved.level, responsible_post_id = moved.responsible_post_id, team_id = moved.team_id,
    approver_post_id = moved.approver_post_id, due_at = coalesce(moved.due_at, cases.due_at), ended_at = moved.ended_at
from moved join history on history.case_id = moved.id where cases.id = moved.id
returning cases.id, cases.version, cases.last_hash
"""
MOVES = {most: text(MOVE.format(most=most)) for most in (ONE, MANY)}
KEPT = ("round", "grade", "level", "responsible_post_id", "team_id", "approver_post_id")


# What a case begins with has no step before it: its version is 1. A paper that is issued leaves what people have read as it was.
UNCOUNTED = frozenset({"register", "receive", "issue_paper", *(trigger for trigger, _, _ in FIRST.values())})


def _set_cases(hand: Hand, trigger: str, from_state: str | None, written: Sequence[Written]) -> dict[int, Row[Any]]:
    """Where each case stands then, by its id."""
    actor, township = hand.seated.actor, written[0].step.case.township
    asked = {
        "moves": as_json([_move(each) for each in written]), "trigger": trigger, "township": township, "from_state": from_state,
        "post": actor.post, "person": actor.person, "now": hand.now, "wall": hand.wall, "flow_run": hand.flow_run,
        "steps": 0 if trigger in UNCOUNTED else 1,
    }  # fmt: skip
    return {row.id: row for row in hand.session.execute(MOVES[ONE if len(written) == 1 else MANY], asked)}


def _move(written: Written) -> dict[str, Any]:
    step, change = written.step, written.change
    columns = {name: change.case.get(name, getattr(step.case, name)) for name in KEPT}
    move = running(step.kind, step.to)[-1:]
    due = next((start.due_at for start in change.starts if start.clock in move), None)
    ended_at = (step.case.ended_at or step.now) if step.to.ended else None
    return {
        **columns, "due_at": due, "ended_at": ended_at, "id": step.case.id, "seq": written.seq, "state": step.to, "facts": written.facts,
    }  # fmt: skip


REMARKS = text("""
insert into remark (case_id, seq, name, body)
select case_id, seq, name, body
from jsonb_to_recordset(cast(:remarks as jsonb)) as said(case_id bigint, seq int, name text, body text)
""")


def _keep_remarks(session: Session, written: Sequence[Written]) -> None:
    rows = [
        {"case_id": each.step.case.id, "seq": each.seq, "name": name, "body": body}
        for each in written
        for name, body in each.remarks.items()
    ]
    if rows:
        session.execute(REMARKS, {"remarks": as_json(rows)})


def _stops(step: Step, change: Change, from_state: str | None) -> list[str]:
    """Clocks that the new state doesn't run, and those that start afresh."""
    before = set(running(step.kind, STATES[step.kind](from_state))) if from_state else set()
    return sorted((before - set(running(step.kind, step.to))) | {start.clock for start in change.starts})


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
