"""A run of a duty, or a task: its owner does it with the evidence wanted, another post excuses it, or it is missed.

Done late is done; who has a good reason is excused by somebody else, a leader by a post above theirs. What was never done is missed, for
good, once its ladder has been climbed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.database import as_json
from models.enumerations import CaseKind, Clock, DutyState, EvidenceKind, PostKind, Purpose
from models.rules import Rules, rules_of
from notifications.plan import Telling, plan_step
from statemachines import guards as g
from statemachines.errors import NotAllowed, Refused
from statemachines.guards import Refusal
from statemachines.load import Acting, seat
from statemachines.machine import Law, Seat, Transition, answering, by
from statemachines.new import NUMBER
from statemachines.registry import OFFICE
from statemachines.situation import Photo, Situation
from statemachines.step import Change, NewRun, Step
from statemachines.timers import start

S = DutyState
P = PostKind


def has_begun(s: Situation) -> Refusal | None:
    """What lies ahead isn't done yet, and what has closed can't be done any more."""
    if s.opens_at and s.now < s.opens_at:
        return Refusal("has_begun", "还没有到开始时间，不能提前完成。", "It has not begun yet.")
    if s.closes_at and s.now > s.closes_at:
        return Refusal("has_begun", "已过补办期限，不能再补。", "The time to make up for it is over.")
    return None


def evidence_wanted(s: Situation) -> Refusal | None:
    """The evidence that this duty wants is there: pictures of this time, not used for anything else before."""
    missing = [kind for kind in EvidenceKind if kind in s.wanted and not any(photo.kind == kind for photo in s.photos)]
    shown = {photo.kind for photo in s.photos if _fresh(s, photo)}
    old = "、".join(kind.zh for kind in EvidenceKind if kind in s.wanted and kind not in missing and kind not in shown)
    if old:
        zh = f"{old}以前用过，或不是本次任务期间拍摄的，请重新拍摄上传。"
        return Refusal("evidence_wanted", zh, "A picture was used before, or is older than this task; take a new one.")
    if not missing:
        return None
    names = "、".join(kind.zh for kind in missing)
    return Refusal("evidence_wanted", f"还缺少佐证：{names}，请先上传。", f"Evidence is missing: {', '.join(kind.en for kind in missing)}.")


def _fresh(s: Situation, photo: Photo) -> bool:
    """A picture proves only what it shows first, and what was so since the task began. A paper may be older, and serve twice."""
    if photo.kind in (EvidenceKind.document, EvidenceKind.signature, EvidenceKind.scan):
        return True
    taken = photo.taken_at
    return not photo.reused and (taken is None or s.opens_at is None or s.opens_at <= taken <= s.now + g.CAMERA_RUNS_AHEAD)


def g11_not_barred(s: Situation) -> Refusal | None:
    """Four eyes: nobody looks again at what they re-inspected themselves."""
    if s.actor.hands.isdisjoint(s.barred):
        return None
    return Refusal("G11", "本项须由未参加原复查的人员办理。", "Somebody who did not take part in the re-inspection has to do this.")


def g11_excuser(s: Situation) -> Refusal | None:
    """Four eyes: an excuse comes from another person in another post."""
    return g.not_involved(s, "本项任务", "this duty")


def leaders_by_superior(s: Situation) -> Refusal | None:
    """A leader's own duty is excused or cancelled from above alone, but for what follows from another decision."""
    if not s.leader or s.superior or s.consequence or s.actor.kind == P.system:
        return None
    return Refusal("leaders_by_superior", "领导履职的免责或取消须由其上级岗位决定。", "A leader's duty is let off by a post above theirs.")


def is_over(s: Situation) -> Refusal | None:
    """It can't be made up for any more."""
    if s.closes_at and s.now >= s.closes_at:
        return None
    return Refusal("is_over", "还在补办期限内。", "It can still be done.")


# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("open_duty", (None,), S.open, by(P.system, Seat.consequence), (), "布置", "set"),
    T("do_duty", (S.open,), S.done, by(Seat.responsible), (has_begun, g11_not_barred, evidence_wanted), "完成", "do"),
    T("excuse", (S.open,), S.excused, by(P.office_head, Seat.superior),
      (g11_excuser, leaders_by_superior, g.reason_given), "免责", "excuse"),
    T("cancel_duty", (S.open,), S.cancelled, by(P.office_head, P.system, Seat.consequence),
      (g11_excuser, leaders_by_superior, g.reason_given), "取消任务", "cancel"),
    T("miss", (S.open,), S.missed, by(P.system), (is_over,), "记为未履职", "record as missed"),
    *answering((S.open,)),
)
# fmt: on
LAW = Law(CaseKind.duty, TRANSITIONS)


def done(step: Step) -> Change:
    person, post = step.me
    late = step.now > step.case.due_at
    own = {"done_at": step.now, "done_person": person, "done_post": post, "note": step.facts.get("note") or step.facts.get("text")}
    kinds = sorted({photo.kind for photo in step.situation.photos})
    return Change(own=own, facts={"late": late, "evidence": kinds}, gate=step.case.place_id is not None)


def ended(step: Step) -> Change:
    """Excused, cancelled or missed: the owner learns of it; what was missed goes to the office as well, a leader's above them."""
    person, post = step.me
    missed = step.to == S.missed
    told = ("responsible", *(("office_head",) if missed else ()))
    told = () if step.situation.consequence else told
    return Change(
        own={"ended_person": person, "ended_post": post},
        tellings=[Telling(Purpose.outcome, told)],
        gate=missed and step.case.place_id is not None,
    )


EFFECTS = {"do_duty": done, "excuse": ended, "cancel_duty": ended, "miss": ended}


NEW = text("""
select said.at from jsonb_to_recordset(cast(:said as jsonb)) as said(
    at int, duty_id int, task text, period date, owner_post_id int, place_id int, occasion text
)
where not exists (
    select from duty_run run
    where run.owner_post_id = said.owner_post_id and run.period = said.period and run.task = said.task
        and run.duty_id is not distinct from said.duty_id and run.place_id is not distinct from said.place_id
        and run.occasion is not distinct from said.occasion
)
order by said.at
""")

# One statement for one run or a thousand: the case, its run, the first line of its history, its timer.
OPEN = text("""
with said as (
    select * from jsonb_to_recordset(cast(:said as jsonb)) as said(
        code text, grade text, clock text, ladder_id int, rung_at timestamptz[], next_at timestamptz,
        duty_id int, task text, title text, period date, owner_post_id int, place_id int, village_id int, parent_id bigint, occasion text,
        leader boolean, opens_at timestamptz, due_at timestamptz, closes_at timestamptz, wanted text[], barred text[]
    )
),
opened as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, parent_id, place_id, village_id,
        team_id, responsible_post_id, campaign_id, opened_at, due_at)
    select :township_id, 'duty', said.code, 'open', 1, 1, 0, '', said.grade, 0, said.parent_id, said.place_id,
        coalesce(said.village_id, place.village_id), place.team_id, owner_post_id, null, :now, due_at
    from said left join place on place.id = said.place_id
    returning id, code
),
run as (
    insert into duty_run (case_id, duty_id, task, title, period, owner_post_id, place_id, occasion, leader, opens_at, due_at, closes_at,
        wanted, barred)
    select opened.id, duty_id, task, title, period, owner_post_id, place_id, occasion, leader, opens_at, due_at, closes_at, wanted, barred
    from said join opened using (code)
),
timed as (
    insert into timer (case_id, clock, ladder_id, run, started_at, due_at, rung_at, fired, repeat, next_at)
    select opened.id, clock, ladder_id, 1, :now, due_at, rung_at, 0, 0, next_at from said join opened using (code)
)
select opened.id, said.*, owner.code as owner, place.code as place, duty.code as duty, township.code as township, parent.code as parent
from said join opened using (code) join township on township.id = :township_id join post owner on owner.id = owner_post_id
left join place on place.id = said.place_id left join duty on duty.id = said.duty_id left join cases parent on parent.id = said.parent_id
""")

HISTORY = text("""
with said as (
    select * from jsonb_to_recordset(cast(:said as jsonb)) as said(id bigint, code text, township text, facts jsonb)
),
bodied as (
    select said.*, event_body(township, code, 1, 'open_duty', null, 'open', :post, :person, :now, facts) as body from said
),
hashed as (select bodied.*, event_hash('', body) as hash from bodied),
written as (
    insert into event (case_id, seq, trigger, from_state, to_state, post, person, at, facts, body, prev_hash, hash, recorded_at, flow_run)
    select id, 1, 'open_duty', null, 'open', :post, :person, :now, facts, body, '', hash, :wall, :flow_run from hashed
    returning id
),
fed as (insert into feed (event_id) select id from written)
update cases set events = 1, last_hash = hash from hashed where cases.id = hashed.id
""")


def open_duties(
    session: Session,
    township_id: int,
    now: datetime,
    wall: datetime,
    runs: Sequence[NewRun],
    *,
    by_post: str = "system",
    by_person: str = "system",
    flow_run: str | None = None,
) -> list[str]:
    """Opens those of `runs` that aren't there yet, set-wise and in the caller's transaction; gives their codes in the order of `runs`.

    Who owes a task is told of it at once; what recurs is known to its owner.
    `now` is business time. Two callers at once are kept apart by the constraint on a run's identity: the second one's statement fails.
    """
    fresh = _not_there_yet(session, runs)
    if not fresh:
        return []
    series = f"LZ-{local(now).year}"
    numbered = session.execute(TAKE_NUMBERS, {"township_id": township_id, "series": series, "count": len(fresh)}).scalar_one()
    rules = rules_of(session, township_id)
    said = [_row(rules, run, f"{series}-{numbered - len(fresh) + at:05d}", now) for at, run in enumerate(fresh, start=1)]
    opened = session.execute(OPEN, {"said": as_json(said), "township_id": township_id, "now": now}).all()
    lines = [{"id": row.id, "code": row.code, "township": row.township, "facts": _facts(row)} for row in opened]
    asked = {"said": as_json(lines), "now": now, "wall": wall, "flow_run": flow_run, "post": by_post, "person": by_person}
    session.execute(HISTORY, asked)
    for row in opened:
        if row.duty_id is None:
            plan_step(session, row.id, f"{row.code}#1", [Telling(Purpose.task, ("responsible",), (S.open,))], now)
    return [each["code"] for each in said]


IDENTITY = ("duty_id", "task", "period", "owner_post_id", "place_id", "occasion")


def _not_there_yet(session: Session, runs: Sequence[NewRun]) -> list[NewRun]:
    keys = [{"at": at, **{name: getattr(run, name) for name in IDENTITY}} for at, run in enumerate(runs)]
    return [runs[at] for at in session.execute(NEW, {"said": as_json(keys)}).scalars()] if runs else []


def set_task(session: Session, acting: Acting, run: NewRun, now: datetime, wall: datetime) -> str:
    """The office sets somebody a task that is done once; they are told. `now` is business time.

    Raises NotAllowed but for the office, Refused(due_at) for a time that has passed, Refused(exists) where the post has the same task.
    """
    if seat(session, acting, now).actor.kind not in OFFICE:
        raise NotAllowed(acting.post, "临时任务由镇安办布置，你的岗位不能布置。", "The office sets tasks; your post can't.")
    if run.due_at <= now:
        raise Refused("due_at", "到期时间须晚于现在。", "The task has to be due later than now.")
    codes = open_duties(session, acting.township_id, now, wall, [run], by_post=acting.post, by_person=acting.person)
    if not codes:
        raise Refused("exists", "今天已给这个岗位布置过同名任务。", "The same task has been set this post today already.")
    return codes[0]


TAKE_NUMBERS = text(NUMBER.text.replace(":series, 1)", ":series, :count)").replace("counter.value + 1", "counter.value + :count"))


def _row(rules: Rules, run: NewRun, code: str, now: datetime) -> dict[str, Any]:
    begun = start(rules, Clock.leader_duty if run.leader else Clock.duty, run.grade, now, run.due_at)
    names = ("duty_id", "task", "title", "period", "owner_post_id", "place_id", "village_id", "parent_id", "occasion", "leader", "grade")
    times = {"opens_at": run.opens_at, "due_at": run.due_at, "closes_at": run.closes_at, "next_at": begun.next_at}
    clock = {"clock": begun.clock, "ladder_id": begun.ladder_id, "rung_at": begun.rung_at}
    return {"code": code, **{name: getattr(run, name) for name in names}, **times, **clock, "wanted": run.wanted, "barred": run.barred}


def _facts(row: Any) -> dict[str, Any]:
    """What history says of a run: business facts alone."""
    said = {"task": row.task, "duty": row.duty, "owner": row.owner, "place": row.place, "about": row.parent, "occasion": row.occasion}
    times = {"period": row.period.isoformat(), "due": round(row.due_at.timestamp() * 1_000_000)}
    return {name: value for name, value in {**said, **times}.items() if value is not None}

