"""The start-work gate of a place (不安全不开工): the only writer of `place.start_work`.

Dangers and missed training block it by themselves; after a danger work resumes only once somebody has looked and consented (安全生产法
Art. 65: 经审查同意，方可恢复生产经营和使用). Every change stands in the place's trail with its reason and the case that caused it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import LEADERS, AnswerWord, PostKind, StartWork, Word
from statemachines.errors import NotAllowed, Refused
from statemachines.guards import STOPS_WORK
from statemachines.load import Acting, seat
from statemachines.moves import Move, Moves
from statemachines.registry import ENTERPRISE, OFFICE, add_to_trail, answers_for, load_place

G = StartWork


class GateReason(Word):
    """Why a gate stands as it does: the causes that block, and what moved it otherwise."""

    major_hazard = "major_hazard", "重大隐患未销号", "a major hazard that is still open"
    interim_control = "interim_control", "停产停业、查封等临时管控未解除", "an interim control that stops work"
    missed_training = "missed_training", "应完成的培训未完成", "training that was missed"
    danger_gone = "danger_gone", "危险已消除，待审查同意", "the danger is gone; a review and consent are due"
    training_done = "training_done", "培训已补齐", "the training has been done"
    resumption_asked = "resumption_asked", "申请复工复产，待审查同意", "resumption was asked for; a review and consent are due"
    consented = "consented", "经审查同意恢复", "consented to after a review"


DANGERS = frozenset({GateReason.major_hazard, GateReason.interim_control})
CONSENTERS = LEADERS | {PostKind.office_head, PostKind.district_department, PostKind.district_office}

GATE = Moves("开工许可", "start-work gate", StartWork, (
    Move((G.allowed, G.pending), G.blocked, "停止开工", "block"),
    Move((G.blocked,), G.pending, "危险消除", "the last danger is gone"),
    Move((G.blocked,), G.allowed, "培训补齐", "only training had blocked it"),
    Move((G.allowed,), G.pending, "申请复工", "ask to resume", ENTERPRISE | OFFICE),
    Move((G.pending,), G.allowed, "审查同意", "consent after a review", CONSENTERS),
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cause:
    """What blocks a place, or keeps it pending; `case_code` is the hazard or the duty run, if it is one."""

    kind: GateReason
    case_code: str | None = None

    @property
    def zh(self) -> str:
        return f"{self.kind.zh}（{self.case_code}）" if self.case_code else self.kind.zh

    @property
    def en(self) -> str:
        return f"{self.kind.en} ({self.case_code})" if self.case_code else self.kind.en


@dataclass(frozen=True, slots=True)
class GateChange:
    """A gate has moved: whoever is to be told is told by the caller."""

    place_id: int
    place: str
    before: StartWork
    after: StartWork
    cause: Cause


@dataclass(frozen=True, slots=True)
class Gate:
    """How a place's gate stands: since when (business time; None if it never moved), why, and everything that moved it, oldest first."""

    place: str
    state: StartWork
    since: datetime | None
    because: tuple[Cause, ...]
    history: tuple[Row[Any], ...]


# The place under lock: two cases that end at once must not each see the other still open. `owes_review`: since it was last not blocked
# there was a danger, or it was pending already, so that it can't come free without consent.
LOCKED = text("""
select place.id, place.code, place.start_work, (
    select coalesce(bool_or(before = 'pending' or reason = any(:dangers)), false) from place_event
    where place_id = place.id and what = 'start_work' and seq > (
        select coalesce(max(seq), 0) from place_event free where free.place_id = place.id and what = 'start_work' and after <> 'blocked'
    )
) as owes_review
from place where place.id = :place_id for no key update of place
""")

# A major hazard handed over to somebody else is a danger until they have taken it. An interim control stands until it is lifted, on a
# closed case too where it was expressly kept; that its time is over makes nothing safe. A training counts by its newest run that was done
# or missed: to be excused from the next one makes nobody trained.
CAUSES = text("""
select 'major_hazard' as kind, code from cases c where place_id = :place_id and kind = 'hazard' and grade = 'major'
    and (ended_at is null or state = 'transferred' and exists (
        select from cases sent where sent.parent_id = c.id and sent.kind = 'transfer' and sent.ended_at is null
    ))
union all
select 'interim_control', c.code from cases c join hazard h on h.case_id = c.id
where c.place_id = :place_id and c.kind = 'hazard' and h.interim_control = any(:stopping)
    and (c.ended_at is null or c.state = 'closed' and h.interim_kept)
union all
select 'missed_training', code from (
    select distinct on (duty.code) c.code, c.state
    from cases c join duty_run run on run.case_id = c.id join duty on duty.id = run.duty_id
    where c.place_id = :place_id and c.kind = 'duty' and run.task = 'duty' and duty.body @> '{"gate": true}'
        and c.state in ('done', 'missed')
    order by duty.code, run.period desc, c.id desc
) newest where state = 'missed'
order by 1, 2
""")


def regate(
    session: Session, place_id: int, now: datetime, *, cause: str, post: str, person: str, case_code: str | None = None
) -> GateChange | None:
    """Works out from the facts whether the place may work, and moves its gate if that has changed; None where it hasn't.

    To be called after a step that opened, regraded or ended a major hazard, touched an interim control, or ended a run of a duty that has
    `gate`; `cause` is that step's trigger, `case_code` its case. Two statements where nothing changes: the lock and the causes.
    """
    place = session.execute(LOCKED, {"place_id": place_id, "dangers": list(DANGERS)}).one()
    causes = _causes(session, place_id)
    before = G(place.start_work)
    after = judge(before, {each.kind for each in causes}, place.owes_review)
    danger = next((each for each in causes if each.kind in DANGERS), None)
    newly_in_danger = danger is not None and before == G.blocked and not place.owes_review
    if after == before and not newly_in_danger:
        return None
    why = danger or next(iter(causes), None) or Cause(GateReason.danger_gone if after == G.pending else GateReason.training_done, case_code)
    if after != before:
        GATE.take(before, after)
        session.execute(SET, {"id": place_id, "to": after})
    who = {"post": post, "person": person}
    add_to_trail(session, place_id, "start_work", before, after, reason=why.kind, note=cause, case_code=why.case_code, now=now, **who)
    return GateChange(place_id, place.code, before, after, why) if after != before else None


def judge(before: StartWork, causes: Collection[GateReason], owes_review: bool) -> StartWork:
    """How the gate has to stand: blocked by any cause; without one a blocked place waits for consent if it was in danger."""
    if causes:
        return G.blocked
    if before == G.blocked:
        return G.pending if owes_review else G.allowed
    return before


SET = text("update place set start_work = :to where id = :id")


def _causes(session: Session, place_id: int) -> list[Cause]:
    rows = session.execute(CAUSES, {"place_id": place_id, "stopping": list(STOPS_WORK)}).all()
    return [Cause(GateReason(row.kind), row.code) for row in rows]


def ask_resumption(session: Session, acting: Acting, now: datetime, place_code: str, note: str) -> GateChange:
    """The unit asks to start work again after a shutdown or a holiday (复工复产): from now on it waits for consent.

    Raises NotAllowed but for the place's own posts and the office; Refused(note), Refused(state) while it is blocked or asked already.
    """
    seated = seat(session, acting, now)
    place = load_place(session, acting.township_id, place_code)
    own = seated.actor.kind in ENTERPRISE and answers_for(session, seated, place)
    if not own and acting.post != place.responsible_post and seated.actor.kind not in OFFICE:
        raise NotAllowed(acting.post, "复工申请由场所责任岗位提出。", "The place's own posts ask for it, or the office for them.")
    if place.start_work != G.allowed:
        raise Refused("state", "场所已停止开工或已在等待审查，无须申请。", "The place is blocked, or waits for consent already.")
    return _move(session, acting, now, place, G.pending, GateReason.resumption_asked, _note(note))


def allow(
    session: Session, acting: Acting, now: datetime, place_code: str, note: str, answers: Mapping[str, str] | None = None
) -> GateChange:
    """Consents to the place's work after a review (安全生产法 Art. 65); `answers` are what was said to the items of a start-work check.

    Four eyes: nobody of the responsible unit, nobody who submitted a hazard that blocked it, not who asked for it, in person, post or
    through a stand-in. Raises NotAllowed; Refused with place, state, note, answers or G11.
    """
    seated = seat(session, acting, now)
    if seated.actor.kind not in CONSENTERS:
        raise NotAllowed(acting.post, "同意开工由应急办主任、镇领导或区级岗位办理。", "It takes the office's head, a leader, the district.")
    place = load_place(session, acting.township_id, place_code)
    GATE.take(G(place.start_work), G.allowed)
    if place.start_work != G.pending:
        raise Refused("state", "仍有停止开工的原因，须先消除。", "What blocks the place has to be removed first.")
    said = _note(note)
    people, posts = _involved(session, place, now)
    if acting.post in posts or not seated.actor.hands.isdisjoint(people):
        raise Refused(
            "G11", "你属于责任单位，或报验、申请过本场所的隐患，不能审查同意；请由其他人办理。",
            "You belong to the responsible unit, or submitted or asked for this; somebody else has to consent.",
        )  # fmt: skip
    checked = _checked(start_items(session, acting.township_id, place.kind), answers or {})
    return _move(session, acting, now, place, G.allowed, GateReason.consented, "；".join([said, *checked]))


def _move(
    session: Session, acting: Acting, now: datetime, place: Row[Any], to: StartWork, reason: GateReason, note: str
) -> GateChange:
    before = G(place.start_work)
    GATE.take(before, to)
    session.execute(SET, {"id": place.id, "to": to})
    add_to_trail(session, place.id, "start_work", before, to, reason=reason, note=note, post=acting.post, person=acting.person, now=now)
    return GateChange(place.id, place.code, before, to, Cause(reason))


START_ITEMS = text("""
select item ->> 'code' as code, item ->> 'text' as text
from (select distinct on (code) body from checklist where township_id = :township_id order by code, version desc) newest,
    jsonb_array_elements(newest.body -> 'items') item
where item -> 'kinds' ? :kind and coalesce(item ->> 'family', regexp_replace(item ->> 'code', '[0-9]+$', '')) = 'I' order by 1
""")


def start_items(session: Session, township_id: int, kind: str) -> dict[str, str]:
    """What a review before work starts asks of this kind of place, by code: the checklists' items of the family I (开工条件)."""
    return {row.code: row.text for row in session.execute(START_ITEMS, {"township_id": township_id, "kind": kind})}


def _checked(items: Mapping[str, str], answers: Mapping[str, str]) -> list[str]:
    """Every item is answered, and met: as the trail says it."""
    unknown = sorted(set(answers) - set(items))
    if unknown:
        raise Refused("answers", f"没有开工条件“{'、'.join(unknown)}”。", f"There is no start-work item {', '.join(unknown)}.")
    open_still = [item for item in items if answers.get(item) != AnswerWord.yes]
    if open_still:
        listed = "、".join(f"{item} {items[item]}" for item in open_still)
        raise Refused("answers", f"开工条件须逐项符合：{listed}。", f"Every start-work item has to be met: {', '.join(open_still)}.")
    return [f"{item} {AnswerWord(answer).zh}" for item, answer in answers.items()]


def _note(note: object) -> str:
    if not isinstance(note, str) or not note.strip():
        raise Refused("note", "请写明审查情况或申请理由。", "Say what was looked at, or why it is asked.")
    return note.strip()


# Whose eyes don't count as the other two: holders of the responsible posts since the gate was last open, who submitted, who asked.
INVOLVED = text("""
with said as (
    select * from place_event where place_id = :place_id and what = 'start_work' and seq > (
        select coalesce(max(seq), 0) from place_event free where free.place_id = :place_id and what = 'start_work' and after = 'allowed'
    )
),
about as (
    select c.responsible_post_id, h.submitted_person, h.submitted_post from cases c join hazard h on h.case_id = c.id
    where c.place_id = :place_id and (c.code in (select case_code from said)
        or c.grade = 'major' and coalesce(c.ended_at, 'infinity') >= (select min(at) from said))
),
unit as (
    select id from post where id = :responsible or reports_to_id = :responsible and kind = any(:enterprise)
    union select responsible_post_id from about
)
select post.code as post, person.key as person, away.key as away
from unit join post on post.id = unit.id
left join holding on holding.post_id = post.id and from_day <= :day and coalesce(to_day, 'infinity') >= (
    select coalesce(min((at at time zone 'Asia/Shanghai')::date), :day) from said)
left join person on person.id = holding.person_id left join person away on away.id = holding.deputy_of_id
union select submitted_post, submitted_person, null from about
union select said.post, said.person, null from said where reason = 'resumption_asked'
""")


def _involved(session: Session, place: Row[Any], now: datetime) -> tuple[set[str], set[str]]:
    """Persons and posts that may not consent."""
    asked = {"place_id": place.id, "responsible": place.responsible_post_id, "day": day_of(now), "enterprise": list(ENTERPRISE)}
    rows = session.execute(INVOLVED, asked).all()
    return {key for row in rows for key in (row.person, row.away) if key}, {row.post for row in rows if row.post}


HISTORY = text("select * from place_event where place_id = :place_id and what = 'start_work' order by seq")


def gate_of(session: Session, township_id: int, place_code: str) -> Gate:
    """May this place work, since when, and why (not)? Raises Refused(place)."""
    place = load_place(session, township_id, place_code, lock=False)
    history = session.execute(HISTORY, {"place_id": place.id}).all()
    moved = [event for event in history if event.before != event.after]
    state = G(place.start_work)
    because = tuple(_causes(session, place.id)) if state == G.blocked else ()
    if state == G.pending and moved:
        because = (Cause(GateReason(moved[-1].reason), moved[-1].case_code),)
    return Gate(place.code, state, moved[-1].at if moved else None, because, tuple(history))
