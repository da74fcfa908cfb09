"""A message's link opened: which case, in whose name, and what may be done from there without signing in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import STATES, CaseKind, CaseState, Clock, Grade
from models.keys import key_for
from models.links_voided import SERIAL
from models.ticket import Ticket, TicketError, issue, read
from statemachines.advance import Outcome, offers
from statemachines.machine import Offer
from web import forms, history, step, story
from web.caller import SEATS, Caller, Seat, seats_of
from web.house import House
from web.links import VOIDED, VOIDED_EN
from web.problem import Problem

WITHOUT_SIGNING_IN = ("acknowledge", "take_up")
SEEN = "seen"
VIA = {"via": "message"}
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Limit:
    """A clock of the case that runs."""

    clock: Clock
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """Who came through a message's link, with the one post they were spoken to in, before one case as it stands now.

    `grade` and `what` are as the message may say them: of a public report no more than that it is one.
    """

    ticket: Ticket
    caller: Caller
    id: int
    code: str
    kind: CaseKind
    state: CaseState
    grade: Grade
    version: int
    township: str
    place: str
    what: str
    mine: bool
    photo: int | None
    seen_at: datetime | None
    limits: tuple[Limit, ...]

    @property
    def seat(self) -> Seat:
        return self.caller.seats[0]

    @property
    def moved(self) -> bool:
        """Whether somebody has taken a step since the message left."""
        return self.version != self.ticket.version

    def fresh(self, house: House) -> str:
        """The same link bound to the case as it stands now: what a form carries back."""
        return issue(replace(self.ticket, version=self.version), key_for("ticket", house.settings))


CASE = text(f"""
select c.id, c.code, c.kind, c.state, c.grade, c.version, c.township_id, township.name as township, township.demo, person.key, person.label,
    person.username, {SERIAL.format(person="person.id")} as serial,
    coalesce(place.name, village.name, township.name) as place, c.responsible_post_id,
    village.code as village, coalesce(about.responsible_post_id, c.responsible_post_id) as answers,
    coalesce(run.title, case c.kind when 'report' then '群众举报' else hazard.description end, '') as what,
    (select id from evidence where case_id = hazard.case_id and kind in ('before', 'after') and c.kind <> 'report'
        order by id desc limit 1) as photo,
    (select max(seen_at) from notice where case_id = c.id and person_id = person.id) as seen_at
from cases c join township on township.id = c.township_id
join person on person.id = :person and person.township_id = c.township_id
left join cases about on about.id = c.parent_id and c.kind in ('extension', 'appeal', 'transfer', 'listing')
left join hazard on hazard.case_id = coalesce(c.parent_id, c.id) left join duty_run run on run.case_id = c.id
left join place on place.id = c.place_id left join unit village on village.id = c.village_id
where c.id = :case
""")
LIMITS = text("select clock, due_at from timer where case_id = :case and stopped_at is null order by due_at, clock")


def opened(session: Session, house: House, word: str) -> Opened:
    """What lies behind a message's link. Raises Problem 410 where nothing does any more, in a sentence that says why."""
    now, wall = house.clock.now(), house.clock.wall()
    try:
        ticket = read(word, wall, key_for("ticket", house.settings))
    except TicketError as error:
        raise Problem(410, error.detail, error.detail_en, reason="link") from error
    row = session.execute(CASE, {"case": ticket.case_id, "person": ticket.person_id}).first()
    if row is not None and row.serial != ticket.serial:
        raise Problem(410, VOIDED, VOIDED_EN, reason="link")
    seats = seats_of(session.execute(SEATS, {"person": ticket.person_id, "day": day_of(now)}))
    own = tuple(seat for seat in seats if seat.id == ticket.post_id)
    if row is None or not own:
        raise Problem(
            410, "收信人今天已不在当时的岗位上，这个链接不能再用。现在谁负责，消息会另发给谁。",
            "Whom this was sent to doesn't hold that post today, so the link is void.", reason="link",
        )  # fmt: skip
    caller = Caller(ticket.person_id, row.key, row.label, row.username, row.township_id, row.township, row.demo, own, now, wall, "")
    if not _reaches(caller, row):
        raise Problem(
            410, "这件事已转给别的岗位办理，你不用再处理。有疑问请问镇安办。",
            "The matter is another post's now, so the link is void.", reason="link",
        )  # fmt: skip
    limits = tuple(Limit(Clock(each.clock), each.due_at) for each in session.execute(LIMITS, {"case": row.id}))
    kind = CaseKind(row.kind)
    return Opened(
        ticket, caller, row.id, row.code, kind, STATES[kind](row.state), Grade(row.grade), row.version, row.township, row.place, row.what,
        row.responsible_post_id == ticket.post_id, row.photo, row.seen_at, limits,
    )  # fmt: skip


def _reaches(caller: Caller, row: Any) -> bool:
    """Whether the post still reads the case; of an application, whoever answers for its hazard now. What lies in no village is any's."""
    seat = caller.seats[0]
    village = bool(caller.villages) and row.village in (None, *caller.villages)
    return caller.sees_all or village or row.answers in (seat.id, seat.answers_to)


def possible(session: Session, came: Opened) -> tuple[list[Offer], list[Offer]]:
    """What may be done at once from the link, and what is done after signing in.

    Without signing in nobody speaks for another: a receipt on paper (代签收) is recorded by whoever signs in.
    """
    asked = offers(session, came.code, came.caller.acting(came.seat.code), came.caller.now)
    at_once = [each for each in asked if each.allowed and _at_once(came, each.trigger)]
    later = [each for each in asked if _later(each) and each not in at_once]
    return at_once, sorted(later, key=_in_order)[:SHOWN]


def _at_once(came: Opened, trigger: str) -> bool:
    return trigger in WITHOUT_SIGNING_IN and (trigger != "acknowledge" or came.mine)


def _later(offer: Offer) -> bool:
    able = offer.allowed or offer.reason in forms.PROVIDED.get(offer.trigger, ())
    return able and offer.trigger not in forms.DANGER | forms.LATER


def _in_order(offer: Offer) -> int:
    return forms.ORDER.index(offer.trigger) if offer.trigger in forms.ORDER else len(forms.ORDER)


def act(session: Session, came: Opened, trigger: str, facts: dict[str, Any]) -> Outcome:
    """Fires what may be done at once, on the version that the link is bound to; history says that it came through a message.

    Raises what `advance` raises, and Problem 403 for what asks for signing in.
    """
    if not _at_once(came, trigger):
        raise Problem(403, "这一步要登录后办理。", "This takes signing in.", reason="sign_in")
    seen(session, came)
    return step.take(session, came.caller, came.code, trigger, facts | VIA, post=came.seat.code, version=came.ticket.version)


HAVE_SEEN = text("""
update notice set seen_at = :wall
where case_id = :case and person_id = :person and seen_at is null and state in ('sent', 'delivered', 'unknown', 'bundled')
""")


def seen(session: Session, came: Opened) -> None:
    """Whoever holds the link says that they have read what they were told of this case. No clock stops for it."""
    session.execute(HAVE_SEEN, {"case": came.id, "person": came.caller.person_id, "wall": came.caller.wall})


def since(session: Session, came: Opened) -> Sequence[story.Line]:
    """What has happened since the message left; rungs alone change no version."""
    steps = [event for event in history.whole(session, came.id) if event.trigger != "escalate"]
    newer = steps[-max(came.version - came.ticket.version, 0) :] if came.moved else []
    return story.tell(session, came.caller.township_id, newer, came.kind)
