"""An owner's link: one hazard, seen and answered without an account, in the name of the post that the link was made for.

Who holds the link acts for the person and the post it names, as long as that person holds that post and the hazard is that post's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import LEADERS, CaseKind, HazardState, PostKind
from models.keys import key_for
from models.links_voided import SERIAL
from models.ticket import Ticket, TicketError, issue, read
from statemachines.advance import Outcome
from statemachines.errors import LawError
from web import cases, hazard, history, step, story
from web.accounts import Patience
from web.caller import OWN_PLACES_ONLY, SEATS, Caller, seats_of
from web.hazard import Row
from web.house import House
from web.links import VOIDED, VOIDED_EN
from web.problem import Problem

ACTS = ("acknowledge", "submit", "request_extension")
VIA = {"via": "owner_link"}
MAKERS = LEADERS | {
    PostKind.inspector, PostKind.station_head, PostKind.office_dispatcher, PostKind.office_head, PostKind.grid_member,
    PostKind.village_secretary,
}  # fmt: skip
GRACE = timedelta(days=30)
TRIES, WITHIN = 60, timedelta(minutes=10)
RETURNS = frozenset({"reinspect_fail", "refuse_close"})


def patience() -> Patience:
    """How often one link is acted through, and how many void links one machine may try: sixty in ten minutes."""
    return Patience(TRIES, WITHIN)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who came through a link: somebody with one post, before one hazard."""

    caller: Caller
    row: Row

    @property
    def code(self) -> str:
        return self.row.view.code


@dataclass(frozen=True, slots=True)
class Help:
    """Whom an owner may ask: the station in charge, and the township's telephone where it gives one."""

    team: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Made:
    """A link that was just made for somebody."""

    word: str
    holder: str
    until: datetime


CASE = text(f"""
select coalesce(parent.code, c.code) as code, c.township_id, township.name as township, township.demo,
    person.key, person.label, person.username, {SERIAL.format(person="person.id")} as serial
from cases c join township on township.id = c.township_id join person on person.id = :person and person.township_id = c.township_id
left join cases parent on parent.id = c.parent_id where c.id = :case
""")


def opened(session: Session, house: House, word: str) -> Owner:
    """Who holds this link, and their hazard. Raises Problem 410 for one that is void or no good any more, which says what to do."""
    now, wall = house.clock.now(), house.clock.wall()
    try:
        ticket = read(word, wall, key_for("ticket", house.settings))
    except TicketError as error:
        raise _gone(error.detail, error.detail_en) from error
    row = session.execute(CASE, {"case": ticket.case_id, "person": ticket.person_id}).first()
    if row is None:
        raise _gone("链接已失效，请向镇安办要新的链接。", "This link is void: ask for a new one.")
    if row.serial != ticket.serial:
        raise _gone(VOIDED, VOIDED_EN)
    seats = seats_of(session.execute(SEATS, {"person": ticket.person_id, "day": day_of(now)}))
    own = tuple(seat for seat in seats if seat.id == ticket.post_id)
    if not own:
        raise _gone("这个链接发给的人已不在这个岗位，不能再用。请现在的负责人向镇安办要新的链接。", "Its holder has left the post.")
    if own[0].kind not in OWN_PLACES_ONLY:
        raise _gone("这个链接不是业主链接，请从原消息里打开，或登录办理。", "This is no owner's link: open it from its message.")
    caller = Caller(
        ticket.person_id, row.key, row.label, row.username, row.township_id, row.township, row.demo, own, now, wall, ""
    )  # fmt: skip
    return Owner(caller, _reached(session, caller, row.code))


def _reached(session: Session, caller: Caller, code: str) -> Row:
    try:
        return hazard.one(session, caller, code)
    except (Problem, LawError) as error:
        raise _gone("这条隐患已转给别的责任人办理，你不用再处理。有疑问请问镇安办。", "The hazard is somebody else's now.") from error


def _gone(detail: str, detail_en: str) -> Problem:
    return Problem(410, detail, detail_en, reason="link")


def act(session: Session, owner: Owner, trigger: str, facts: Mapping[str, Any], version: int) -> Outcome:
    """Fires one of the owner's three triggers on the version that they have seen; history says that it came through a link.

    Raises what `step.take` raises, Problem 404.
    """
    if trigger not in ACTS:
        raise Problem(404, "这里不能这样办。", "An owner's link doesn't do that.")
    return step.take(session, owner.caller, owner.code, trigger, {**facts, **VIA}, post=owner.caller.seats[0].code, version=version)


def returned(session: Session, owner: Owner) -> story.Line | None:
    """Why the fix came back, while it is at work again."""
    if owner.row.view.state != HazardState.rectifying or owner.row.view.round < 2:
        return None
    last = [event for event in history.whole(session, owner.row.id) if event.trigger in RETURNS][-1:]
    return next(iter(story.tell(session, owner.caller.township_id, last)), None)


def asked_for_time(session: Session, owner: Owner) -> cases.ExtensionView | None:
    """The last request for more time."""
    found, _ = cases.many(session, owner.caller, CaseKind.extension, cases.Wanted(hazard=owner.code), 1)
    return found[0].view if found else None


PHONE = text("select rules ->> 'phone' from township where id = :township")


def whom_to_ask(session: Session, owner: Owner) -> Help:
    return Help(owner.row.team_name, session.execute(PHONE, {"township": owner.caller.township_id}).scalar())


PHOTO = text("select stored, kind, sha256 from evidence where id = :id and case_id = :case and kind in ('before', 'after')")


def photo(session: Session, owner: Owner, id: int) -> Any:
    """The row of a photo of this very hazard. Raises Problem 404."""
    row = session.execute(PHOTO, {"id": min(id, 2**63 - 1), "case": owner.row.id}).first()
    if row is None:
        raise Problem(404, "没有这张照片。", "There is no such photo.")
    return row


HOLDER = text(f"""
select post.id as post_id, post.kind, person.id as person_id, person.label, {SERIAL.format(person="person.id")} as serial
from cases c join post on post.id = c.responsible_post_id
join holding on holding.post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
join person on person.id = holding.person_id where c.id = :case order by deputy_of_id nulls first limit 1
""")
KEEP = text("""
insert into owner_link (case_id, person_id, post_id, until, made_at, made_person, made_post)
values (:case, :person, :post, :until, :wall, :by, :by_post)
""")


ASKED = (HazardState.assigned, HazardState.rectifying, HazardState.submitted, HazardState.verified)


def may_make(session: Session, caller: Caller, row: Row) -> bool:
    """Whether the caller may hand out the owner's link: an official, for a hazard that an enterprise's post answers for."""
    return bool(caller.kinds & MAKERS) and row.view.state in ASKED and _holder(session, caller, row) is not None


def _holder(session: Session, caller: Caller, row: Row) -> Any | None:
    holder = session.execute(HOLDER, {"case": row.id, "day": caller.day}).first()
    return holder if holder and holder.kind in OWN_PLACES_ONLY else None


def make(session: Session, house: House, caller: Caller, code: str) -> Made:
    """A link for who holds the responsible post today, written down with who made it. Raises Problem 403, 409."""
    row = hazard.one(session, caller, code)
    maker = next((seat for seat in caller.seats if seat.kind in MAKERS), None)
    if maker is None or row.view.state not in ASKED:
        raise Problem(403, "你的岗位不能为这条隐患出具业主链接。", "Your post can't hand out the owner's link.", reason="post")
    holder = _holder(session, caller, row)
    if holder is None:
        raise Problem(409, "责任岗位不是单位负责人，或目前无人任职，没有业主链接可出。", "No owner holds that post.", reason="owner")
    left = row.view.due_at - caller.now if row.view.due_at else timedelta(0)
    until = caller.wall.replace(microsecond=0) + max(left, timedelta(0)) + GRACE
    ticket = Ticket(row.id, holder.person_id, holder.post_id, row.view.version, int(until.timestamp()), holder.serial)
    session.execute(
        KEEP,
        {
            "case": row.id, "person": holder.person_id, "post": holder.post_id, "until": until, "wall": caller.wall, "by": caller.person,
            "by_post": maker.code,
        },
    )  # fmt: skip
    return Made(issue(ticket, key_for("ticket", house.settings)), holder.label, until)


MADE = text("""
select owner_link.made_at, owner_link.made_post, coalesce(person.label, '') as who,
    (select key from person where id = owner_link.person_id) as whose from owner_link
left join person on person.key = made_person and person.township_id = :township where case_id = :case order by owner_link.id desc limit 5
""")


def made(session: Session, caller: Caller, row: Row) -> list[Any]:
    """The links that were made by hand, the newest first."""
    return list(session.execute(MADE, {"case": row.id, "township": caller.township_id}))
