"""A stage for tests: the small township in a real database, a clock in the hand, and its posts as actors.

stage.find("inspector")                       # a hazard, by its code
stage.act("dispatcher", "assign", code)
stage.later(days=8); stage.sweep(); stage.deliver()
stage.phones.expect("village-1", "逾期")
stage.phones.nothing_else()
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from models.clock import ManualClock, day_of, parse_time
from models.database import transaction
from models.enumerations import DutyTask, EvidenceKind
from statemachines.advance import Acting, Outcome, advance, offers, receive_report, register
from statemachines.duty import open_duties
from statemachines.errors import LawError
from statemachines.escalate import Swept, sweep
from statemachines.evidence import add_evidence
from statemachines.machine import Offer
from statemachines.step import NewRun
from tests.town import person_of

MORNING = "2023-02-20T10:00+08:00"  # a Monday, five weeks before the deadline
PLAN = {
    "target": "消除隐患", "measures": "停产整改", "funds_and_goods": "20万元", "organisation_people": "矿长负责",
    "time_limit": "30日", "safety_and_emergency": "撤人、警戒、预案", "filed_at": MORNING,
}  # fmt: skip


@dataclass
class Stage:
    """One township, one clock. Every call is its own transaction, as it is for people."""

    engine: Engine
    township_id: int
    clock: ManualClock
    pictures: int = 0
    codes: list[str] = field(default_factory=list)

    def at(self, moment: str) -> None:
        self.clock.advance_to(parse_time(moment))

    def later(self, **span: float) -> None:
        self.clock.advance(timedelta(**span))

    def acting(self, post: str, person: str | None = None) -> Acting:
        return Acting(self.township_id, person or person_of(post), post)

    def find(self, post: str = "inspector", place: str = "shop", **facts: Any) -> str:
        """A hazard is registered; a general one of class g3 unless said otherwise."""
        said = {"place": place, "description": "灭火器压力不足", "location": "门口", **facts}
        if said.get("grade") != "major":
            said.setdefault("sla_class", "g3")
        with transaction(self.engine) as session:
            return register(session, self.acting(post), self.clock.now(), wall=self.clock.wall(), facts=said).code

    def act(self, post: str, trigger: str, code: str, *, person: str | None = None, version: int | None = None, **facts: Any) -> Outcome:
        with transaction(self.engine) as session:
            now, wall = self.clock.now(), self.clock.wall()
            return advance(session, code, trigger, self.acting(post, person), now, version, wall=wall, facts=facts)

    def refused(self, post: str, trigger: str, code: str, *, person: str | None = None, **facts: Any) -> str:
        """Why the law doesn't let this post do it: the reason, or «post» where it isn't theirs to do."""
        try:
            said = self.act(post, trigger, code, person=person, **facts)
        except LawError as no:
            return str(getattr(no, "reason", "post"))
        raise AssertionError(f"{trigger} of {code} by {post} went through: {said.state}")

    def offers(self, post: str, code: str, person: str | None = None) -> dict[str, Offer]:
        with transaction(self.engine) as session:
            return {offer.trigger: offer for offer in offers(session, code, self.acting(post, person), self.clock.now())}

    def picture(self, post: str, code: str, kind: str = "after", **facts: Any) -> int:
        """A new photo, taken now."""
        self.pictures += 1
        sha256 = hashlib.sha256(f"picture {self.pictures}".encode()).hexdigest()
        said = {"kind": EvidenceKind(kind), "sha256": sha256, "taken_at": self.clock.now(), **facts}
        with transaction(self.engine) as session:
            return add_evidence(session, code, self.acting(post), self.clock.now(), **said)

    def to_assigned(self, place: str = "shop", **facts: Any) -> str:
        code = self.find(place=place, **facts)
        self.act("office-head" if facts.get("grade") == "major" else "dispatcher", "assign", code)
        return code

    def to_rectifying(self, place: str = "shop", **facts: Any) -> str:
        code = self.to_assigned(place, **facts)
        self.act(self.responsible(code), "acknowledge", code)
        return code

    def to_submitted(self, place: str = "shop", **facts: Any) -> str:
        code = self.to_rectifying(place, **facts)
        self.fix(code)
        return code

    def fix(self, code: str) -> Outcome:
        owner = self.responsible(code)
        self.picture(owner, code)
        return self.act(owner, "submit", code, text="已整改", plan=PLAN)

    def to_verified(self, place: str = "shop", **facts: Any) -> str:
        code = self.to_submitted(place, **facts)
        self.act("inspector", "reinspect_pass", code, site_visit=True, expert=True)
        return code

    def to_closed(self, place: str = "shop", **facts: Any) -> str:
        code = self.to_verified(place, **facts)
        self.act("office-head", "approve_close", code)
        return code

    def ask_extension(self, code: str, days: float = 5, **facts: Any) -> str:
        """The responsible post asks for that many days more; the request's code."""
        owner = self.responsible(code)
        due = self.case(code).due_at + timedelta(days=days)
        said = {"reason": "supply", "interim_measures": "专人值守", "statement": "配件未到货", "requested_due": due, **facts}
        self.act(owner, "request_extension", code, **said)
        return self.newest("extension")

    def appeal(self, code: str) -> str:
        self.act(self.responsible(code), "appeal", code, statement="该处不是疏散通道")
        return self.newest("appeal")

    def transfer(self, code: str) -> str:
        self.act("office-head", "transfer", code, reason="out_of_jurisdiction", recipient="区自然资源局")
        return self.newest("transfer")

    def propose_listing(self, code: str, level: str = "township", post: str = "office-head") -> str:
        self.act(post, "list_supervision", code, level=level)
        return self.newest("listing")

    def report(self, post: str = "reporter", **facts: Any) -> tuple[str, str]:
        """A public report comes in: its code and the reporter's token."""
        said = {"place": "shop", "description": "消防通道堆满货物", **facts}
        acting = Acting(self.township_id, post, post) if post == "reporter" else self.acting(post)
        with transaction(self.engine) as session:
            outcome, token = receive_report(session, acting, self.clock.now(), wall=self.clock.wall(), facts=said)
        return outcome.code, token

    def owes(self, post: str, title: str = "巡护", **fields: Any) -> str:
        """A run of a duty that opens now, is due in 8 hours and closes two days later; its code."""
        now = self.clock.now()
        owner = self.one("select id from post where code = :code", code=post).id
        usual = {
            "period": day_of(now), "opens_at": now, "due_at": now + timedelta(hours=8), "closes_at": now + timedelta(hours=56),
            "task": DutyTask.duty,
        }  # fmt: skip
        run = NewRun(owner, title, **(usual | fields))
        with transaction(self.engine) as session:
            return open_duties(session, self.township_id, now, self.clock.wall(), [run])[0]

    def holds(
        self, person: str, post: str, *, for_whom: str | None = None, from_day: str = "2023-02-01", to_day: str | None = None
    ) -> None:
        """A post's person is put into another post as well, or stands in there for who holds it (all named by their posts)."""
        self.do(
            "insert into holding (person_id, post_id, from_day, to_day, deputy_of_id)"
            " select p.id, post.id, cast(:since as date), cast(:until as date), away.id from person p join post on post.code = :post"
            " left join person away on away.key = :away where p.key = :person",
            person=person_of(person), post=post, away=for_whom and person_of(for_whom), since=from_day, until=to_day,
        )  # fmt: skip

    def newest(self, kind: str) -> str:
        return str(self.one("select code from cases where kind = :kind order by id desc limit 1", kind=kind).code)

    def state(self, code: str) -> str:
        return str(self.one("select state from cases where code = :code", code=code).state)

    def approver(self, code: str) -> str | None:
        """The post that is asked to decide."""
        query = "select post.code from cases left join post on post.id = approver_post_id where cases.code = :code"
        return self.one(query, code=code).code

    def clocks(self, code: str) -> list[str]:
        """The clocks of a case that run."""
        query = "select clock from timer join cases c on c.id = case_id where c.code = :code and stopped_at is null order by clock"
        return [row.clock for row in self.all(query, code=code)]

    def responsible(self, code: str) -> str:
        return self.one("select post.code from cases join post on post.id = responsible_post_id where cases.code = :code", code=code).code

    def sweep(self) -> Swept:
        return sweep(self.engine, self.clock)

    def case(self, code: str) -> Row[Any]:
        return self.one(
            "select h.*, c.state, c.version, c.round, c.level, c.grade, c.events, c.last_hash, c.ended_at, c.due_at as move_due_at"
            " from cases c join hazard h on h.case_id = c.id where c.code = :code", code=code,
        )  # fmt: skip

    def timer(self, code: str, clock: str) -> Row[Any]:
        query = "select timer.* from timer join cases c on c.id = case_id where c.code = :code and clock = :clock"
        return self.one(query, code=code, clock=clock)

    def history(self, code: str) -> list[Row[Any]]:
        return self.all("select event.* from event join cases c on c.id = case_id where c.code = :code order by seq", code=code)

    def notices(self, code: str | None = None) -> list[Row[Any]]:
        """Every notice with the post it was meant for and the person it goes to, oldest first."""
        return self.all(
            "select notice.*, person.key as person, meant.code as meant, reached.code as reached from notice"
            " join person on person.id = notice.person_id left join post meant on meant.id = for_post_id"
            " left join post reached on reached.id = post_id left join cases c on c.id = case_id"
            " where cast(:code as text) is null or c.code = :code order by notice.id", code=code,
        )  # fmt: skip

    def fingerprint(self) -> str:
        """Of everything that a step could have changed."""
        with self.engine.connect() as connection:
            return fingerprint(connection)

    def one(self, query: str, **asked: Any) -> Row[Any]:
        with self.engine.connect() as connection:
            return connection.execute(text(query), asked).one()

    def all(self, query: str, **asked: Any) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(query), asked).all())

    def do(self, query: str, **asked: Any) -> None:
        """A change behind the law's back, for what tests must be able to break."""
        with self.engine.begin() as connection:
            connection.execute(text(query), asked)


CHANGEABLE = (
    "cases", "hazard", "extension", "appeal", "transfer", "listing", "duty_run", "public_report", "reporter", "timer", "notice", "event",
    "remark", "evidence", "feed", "place", "place_event",
)  # fmt: skip
FINGERPRINT = " || ".join(f"(select coalesce(md5(string_agg(t::text, '' order by t::text)), '') from {table} t)" for table in CHANGEABLE)


def fingerprint(connection: Connection) -> str:
    """Of every row that a step could have changed, as this connection sees them."""
    return str(connection.execute(text(f"select md5({FINGERPRINT})")).scalar_one())


def stage(engine: Engine, township_id: int, start: str = MORNING) -> Stage:
    return Stage(engine, township_id, ManualClock(parse_time(start)))


def moment(said: str) -> datetime:
    return parse_time(said)
