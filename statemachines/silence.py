"""Who may silence what: reminders and escalations are put off for a time, with a reason and an end. Nothing that was decided changes.

A case, a place or a village: the office's head and the posts above it. Oneself: who is away, in every post with a stand-in, who then hears.
What no silence touches stands in migrations/sql/silences.sql; that it ends by itself, in notifications/silence.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.rules import rules_of
from models.silence import Scope
from notifications.silence import Muted, release, silence_by_id
from statemachines.errors import NotAllowed, Refused
from statemachines.load import Acting, seat

TARGETS = {
    Scope.case: "select id, ended_at is not null as ended from cases where township_id = :township and code = :about",
    Scope.place: "select id, false as ended from place where township_id = :township and code = :about",
    Scope.village: "select id, false as ended from unit where township_id = :township and code = :about and kind = 'village'",
    Scope.person: "select id, false as ended from person where township_id = :township and key = :about",
}


def silence(session: Session, acting: Acting, now: datetime, *, scope: str, about: str, until: datetime, reason: str) -> Muted:
    """Silences `about` (the code of a case, place or village; a person's own key) from business time `now` until `until`.

    Raises NotAllowed; Refused with scope, about, reason, until (it has to end, after the township's `silence_days` at the latest), state
    (the case has ended) or stand_in (a post of the absent one in which nobody stands in all the time).
    """
    wanted, said = _scope(scope), _reason(reason)
    _check_end(session, acting, now, until)
    target = _target(session, acting, wanted, about)
    if wanted == Scope.person:
        _check_oneself(session, acting, now, until, about)
    else:
        _check_above(session, acting, now)
    asked = {"township": acting.township_id, "target": target, "reason": said, "now": now, "until": until}
    who = {"post": acting.post, "person": acting.person}
    made = session.execute(text(INSERT.format(column=f"{wanted}_id")), {**asked, **who}).scalar_one()
    return _read(session, acting, made)


def lift(session: Session, acting: Acting, now: datetime, silence_id: int) -> Muted:
    """Ends a silence now: what it held back and is still so is said once. Who silenced it may, and whoever might silence it.

    Raises NotAllowed; Refused with about (there is none of that number) or state (it has ended).
    """
    known = _read(session, acting, silence_id)
    seat(session, acting, now)
    if acting.person != known.by_person and (known.scope == Scope.person or not _is_above(session, acting)):
        raise _from_above(acting.post)
    asked = {"id": silence_id, "now": now, "post": acting.post, "person": acting.person}
    if session.execute(LIFT, asked).first() is None:
        raise Refused("state", "这条静默已经结束。", "This silence has ended.")
    release(session, acting.township_id, now)
    return _read(session, acting, silence_id)


INSERT = """
insert into silence (township_id, {column}, reason, by_post, by_person, from_at, until_at)
values (:township, :target, :reason, :post, :person, :now, :until) returning id
"""
LIFT = text("""
update silence set lifted_at = :now, lifted_post = :post, lifted_person = :person
where id = :id and lifted_at is null and until_at > :now returning id
""")


def _read(session: Session, acting: Acting, silence_id: int) -> Muted:
    known = silence_by_id(session, acting.township_id, silence_id)
    if known is None:
        raise Refused("about", f"没有编号为{silence_id}的静默。", f"There is no silence {silence_id}.")
    return known


def _scope(said: str) -> Scope:
    if said in Scope.__members__:
        return Scope(said)
    raise Refused("scope", "静默的对象须为案件、场所、村或本人。", "A silence is about a case, a place, a village or oneself.")


def _reason(said: object) -> str:
    if isinstance(said, str) and said.strip():
        return said.strip()
    raise Refused("reason", "请填写静默的原因。", "Say why it is silenced.")


def _check_end(session: Session, acting: Acting, now: datetime, until: datetime) -> None:
    most = rules_of(session, acting.township_id).silence_days
    if not now < until <= now + timedelta(days=most):
        raise Refused("until", f"静默须写明结束时间，且最长{most}天。", f"A silence has an end, ahead and no more than {most} days away.")


def _target(session: Session, acting: Acting, scope: Scope, about: str) -> int:
    row = session.execute(text(TARGETS[scope]), {"township": acting.township_id, "about": about}).first()
    if row is None:
        raise Refused("about", f"没有编号为“{about}”的{scope.zh}。", f"There is no {scope.en} {about!r}.")
    if row.ended:
        raise Refused("state", "案件已办结，没有可静默的提醒。", "The case has ended; nothing is said of it any more.")
    return int(row.id)


IS_ABOVE = text("""
select exists (
    select from post own join post_chain chain on chain.ancestor_id = own.id join post head on head.id = chain.post_id
    where own.township_id = :township and own.code = :post and head.kind = 'office_head' and head.active
)
""")


def _is_above(session: Session, acting: Acting) -> bool:
    return bool(session.execute(IS_ABOVE, {"township": acting.township_id, "post": acting.post}).scalar_one())


def _check_above(session: Session, acting: Acting, now: datetime) -> None:
    seat(session, acting, now)
    if not _is_above(session, acting):
        raise _from_above(acting.post)


def _from_above(post: str) -> NotAllowed:
    return NotAllowed(
        post, "静默须由应急办主任或其上级岗位办理；静默本人的，须由本人办理。",
        "It takes the office's head or a post above it; one's own messages only oneself.",
    )  # fmt: skip


# Posts that the absent one holds, stand-in or not, on a day of the silence, without one person who stands in on all of these days.
UNCOVERED = text("""
select post.code from holding held join post on post.id = held.post_id
where held.person_id = :person_id and held.from_day <= :last and coalesce(held.to_day, 'infinity') >= :first and not exists (
    select from holding other
    where other.post_id = held.post_id and other.deputy_of_id = held.person_id and other.person_id <> held.person_id
        and other.from_day <= greatest(held.from_day, cast(:first as date))
        and coalesce(other.to_day, 'infinity') >= least(coalesce(held.to_day, 'infinity'), cast(:last as date))
)
order by post.code limit 1
""")


def _check_oneself(session: Session, acting: Acting, now: datetime, until: datetime, about: str) -> None:
    seat(session, acting, now)
    if about != acting.person:
        raise _from_above(acting.post)
    asked: dict[str, Any] = {"first": day_of(now), "last": day_of(until)}
    person_id = _target(session, acting, Scope.person, about)
    post = session.execute(UNCOVERED, {**asked, "person_id": person_id}).scalar()
    if post is not None:
        raise Refused("stand_in", f"岗位“{post}”在此期间没有代岗人，不能静默。", f"Nobody stands in for you in {post!r} all that time.")
