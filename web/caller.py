"""Who is asking: a person, the posts they hold today, and how far these reach.

Reading follows the tree of units: a village's post sees its village, an enterprise's post its own places, everybody else the township.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import LEADERS, PostKind, UnitKind
from notifications.letter import Seat as Said
from notifications.templates.zh import seat as say_seat
from statemachines.load import Acting
from web.accounts import token_hash
from web.house import House, house_of
from web.problem import Problem
from web.scopes import allow

COOKIE = "bihuan"
OWN_PLACES_ONLY = frozenset({PostKind.enterprise_principal, PostKind.enterprise_safety})
SEES_NOTHING = frozenset({PostKind.reporter, PostKind.system})
READS_REPORTS = LEADERS | {
    PostKind.inspector, PostKind.station_head, PostKind.office_dispatcher, PostKind.office_head, PostKind.district_department,
    PostKind.district_office, PostKind.discipline_viewer,
}  # fmt: skip
READS_ONLY = frozenset({PostKind.discipline_viewer, PostKind.reporter, PostKind.system})


@dataclass(frozen=True, slots=True)
class Seat:
    """A post that the caller holds today. `standing_in_for`: the label of the absent person, if any."""

    id: int
    code: str
    kind: PostKind
    unit_id: int
    unit: str
    unit_name: str
    unit_kind: UnitKind
    standing_in_for: str | None = None
    answers_to: int | None = None
    """Of an enterprise's safety officer: the post that answers for the place, whose reach is theirs."""

    @property
    def zh(self) -> str:
        """The post's name on screen; an enterprise's without the village that it lies in."""
        return self.kind.zh if self.kind in OWN_PLACES_ONLY else post_name(self.kind, self.unit_kind, self.unit_name)


def post_name(kind: str, unit_kind: str, unit_name: str) -> str:
    """A post as people say it, the same as in messages: «村01网格员», «应急办主任»."""
    return say_seat(Said(kind, unit_name, unit_kind))


def seat_of(post: str) -> str:
    """SQL for a post's code, kind, unit and kind of unit in one value; `post` is an expression for its id."""
    return f"""(select jsonb_build_object('code', post.code, 'kind', post.kind, 'unit', unit.name, 'unit_kind', unit.kind)
        from post join unit on unit.id = post.unit_id where post.id = {post})"""


def named(post: str | None, label: str | None) -> str:
    """A post and who holds it, without saying the same twice."""
    post, label = post or "", label or ""
    shorter, longer = sorted((post, label), key=len)
    return longer if shorter.replace(" ", "") in longer.replace(" ", "") else f"{post} {label}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is signed in. `now` and `wall` are the two times at which they asked."""

    person_id: int
    person: str
    label: str
    username: str | None
    township_id: int
    township: str
    demo: bool
    seats: tuple[Seat, ...]
    now: datetime
    wall: datetime
    token: str
    scopes: tuple[str, ...] | None = None
    """What a program's token is narrowed to; None: all that its person may."""

    @property
    def day(self) -> date:
        return day_of(self.now)

    @property
    def post_ids(self) -> list[int]:
        return [seat.id for seat in self.seats]

    @property
    def kinds(self) -> frozenset[PostKind]:
        return frozenset(seat.kind for seat in self.seats)

    @property
    def may_write(self) -> bool:
        return bool(self.kinds - READS_ONLY)

    def acting(self, post: str) -> Acting:
        return Acting(self.township_id, self.person, post)

    def seat(self, code: str) -> Seat:
        """The post of this code. Raises Problem 403 when the caller doesn't hold it today."""
        for seat in self.seats:
            if seat.code == code:
                return seat
        raise Problem(403, f"你今天不在“{code}”这个岗位上，不能以它的名义办理。", f"You don't hold the post {code!r} today.", reason="post")

    @property
    def sees_all(self) -> bool:
        """Whether one of the posts reaches the whole township."""
        return any(_sees_all(seat) for seat in self.seats)

    @property
    def villages(self) -> frozenset[str]:
        """The codes of the villages that the caller's posts read."""
        return frozenset(seat.unit for seat in self.seats if _sees_village(seat))

    def reach(self) -> tuple[str, dict[str, Any]]:
        """The SQL condition on `c` (cases) that holds for what the caller may read, and its parameters.

        Public reports are read by those who verify, answer and supervise: who is reported must not learn of it, nor guess by whom.
        """
        condition, asked = self._within("c")
        return condition if self.reads_reports else f"{condition} and c.kind <> 'report'", asked

    @property
    def reads_reports(self) -> bool:
        """Whether one of the posts may know that somebody has reported something."""
        return bool(self.kinds & READS_REPORTS)

    def place_reach(self) -> tuple[str, dict[str, Any]]:
        """The same for `p` (place)."""
        return self._within("p")

    def _within(self, row: str) -> tuple[str, dict[str, Any]]:
        asked: dict[str, Any] = {"township": self.township_id}
        if self.sees_all:
            return f"{row}.township_id = :township", asked
        asked["my_posts"] = [*self.post_ids, *(seat.answers_to for seat in self.seats if seat.answers_to)]
        asked["my_villages"] = [seat.unit_id for seat in self.seats if _sees_village(seat)]
        own = f"({row}.village_id = any(:my_villages) or {row}.responsible_post_id = any(:my_posts))"
        return f"{row}.township_id = :township and {own}", asked


def _sees_all(seat: Seat) -> bool:
    return seat.unit_kind != UnitKind.village and seat.kind not in OWN_PLACES_ONLY | SEES_NOTHING


def _sees_village(seat: Seat) -> bool:
    return seat.unit_kind == UnitKind.village and seat.kind not in OWN_PLACES_ONLY | SEES_NOTHING


LOGIN = text("""
select login.person_id, login.scopes, person.key, person.label, person.username, township.id as township_id, township.name as township,
    township.demo
from login
join person on person.id = login.person_id
join township on township.id = person.township_id
where token_hash = :hash and revoked_at is null and expires_at > :wall
""")
SEATS = text("""
select distinct on (post.id) post.id, post.code, post.kind, unit.id as unit_id, unit.code as unit, unit.name as unit_name,
    unit.kind as unit_kind, away.label as standing_in_for, case post.kind when 'enterprise_safety' then post.reports_to_id end as answers_to
from holding
join post on post.id = holding.post_id and post.active
join unit on unit.id = post.unit_id
left join person away on away.id = holding.deputy_of_id
where holding.person_id = :person and :day >= from_day and :day <= coalesce(to_day, 'infinity')
order by post.id, deputy_of_id nulls first
""")


def find(session: Session, house: House, token: str) -> Caller | None:
    """The caller behind a token, with the posts of this business day; None for a token that isn't good (any more)."""
    now, wall = house.clock.now(), house.clock.wall()
    login = session.execute(LOGIN, {"hash": token_hash(token), "wall": wall}).first()
    if login is None:
        return None
    rows = session.execute(SEATS, {"person": login.person_id, "day": day_of(now)}).all()
    return Caller(
        login.person_id, login.key, login.label, login.username, login.township_id, login.township, login.demo,
        seats_of(rows), now, wall, token, None if login.scopes is None else tuple(login.scopes),
    )  # fmt: skip


def seats_of(rows: Iterable[Any]) -> tuple[Seat, ...]:
    """The posts that SEATS has found."""
    return tuple(_seat(row) for row in rows)


def _seat(row: Any) -> Seat:
    kind, unit_kind = PostKind(row.kind), UnitKind(row.unit_kind)
    return Seat(row.id, row.code, kind, row.unit_id, row.unit, row.unit_name, unit_kind, row.standing_in_for, row.answers_to)


def bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def program(request: Request) -> Caller:
    """The caller of an API route, by bearer token. Raises Problem 401, and 403 for what the token's scopes don't cover."""
    token = bearer(request)
    found = _look_up(request, token)
    if found is None:
        what = ("登录已失效，请重新登录。", "This token isn't good any more.") if token else ("请先登录。", "Give a bearer token.")
        raise Problem(401, *what, headers={"WWW-Authenticate": "Bearer"})
    allow(found.scopes, request.method, request.url.path)
    return found


class SignInFirst(Exception):
    """A page that wants somebody signed in; answered with the way to the login page and back."""


def visitor(request: Request) -> Caller:
    """The caller of a page, by cookie. Raises SignInFirst."""
    found = _look_up(request, request.cookies.get(COOKIE))
    if found is None or found.scopes is not None:
        raise SignInFirst
    return found


def _look_up(request: Request, token: str | None) -> Caller | None:
    house = house_of(request)
    house.clock  # noqa: B018 - while Bihuan starts, nobody is told to sign in
    if not token:
        return None
    with house.transaction() as session:
        return find(session, house, token)


Program = Annotated[Caller, Depends(program)]
Visitor = Annotated[Caller, Depends(visitor)]
