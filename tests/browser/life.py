"""What goes on in a township besides its hazards, for the pages: applications, duties, inspections, public reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from models.clock import day_of, end_of
from models.database import transaction
from models.enumerations import DutyTask, Grade
from models.ticket import Ticket, issue
from statemachines.advance import receive_report
from statemachines.duty import open_duties
from statemachines.inspection import Inspected, record_inspection
from statemachines.load import Acting
from statemachines.silence import silence as put
from statemachines.step import NewRun
from tests.stage import Stage

REPORTER = "reporter"


def ask_for_more_time(stage: Stage, days: int = 5, **facts: Any) -> str:
    """A hazard at work whose owner asks for more time; the hazard's code."""
    code = stage.to_rectifying(sla_class="g15", **facts)
    due = stage.case(code).due_at + timedelta(days=days)
    said = {"reason": "supply", "statement": "配件要从外地发来", "interim_measures": "停用这台设备，专人看守", "requested_due": due}
    stage.act(stage.responsible(code), "request_extension", code, **said)
    return code


def duty(stage: Stage, post: str, title: str = "防火巡查", *, days: int = 0, wanted: tuple[str, ...] = ("photo",), **more: Any) -> str:
    """A run of a duty that `post` owes, due at the end of the day `days` from now."""
    due = end_of(day_of(stage.clock.now()) + timedelta(days=days))
    owner = stage.one("select id from post where code = :post", post=post).id
    opens = min(stage.clock.now(), due - timedelta(days=1))
    run = NewRun(
        owner, title, DutyTask.duty, day_of(due), opens_at=opens, due_at=due, closes_at=due + timedelta(days=3), wanted=wanted,
        occasion=title, grade=Grade.general, **more,
    )  # fmt: skip
    with transaction(stage.engine) as session:
        return open_duties(session, stage.township_id, stage.clock.now(), stage.clock.wall(), [run])[0]


def inspect(stage: Stage, place: str = "shop", post: str = "inspector", **facts: Any) -> Inspected:
    said = {"place": place, "trigger": "campaign", "answers": {"C1": "no", "B1": "yes"}, **facts}
    with transaction(stage.engine) as session:
        return record_inspection(session, stage.acting(post), stage.clock.now(), wall=stage.clock.wall(), facts=said)


def silence(stage: Stage, scope: str, about: str, post: str = "office-head", days: float = 4) -> int:
    """Reminders are put off for some days; the silence's number."""
    now = stage.clock.now()
    with transaction(stage.engine) as session:
        until = now + timedelta(days=days)
        return put(session, stage.acting(post), now, scope=scope, about=about, until=until, reason="业主外出，约定回来后整改").id


def report(stage: Stage, description: str = "二楼安全出口上了锁", **facts: Any) -> tuple[str, str]:
    """A public report, by its code and the token that its reporter follows it by."""
    said = {"place": "shop", "channel": "qr", "description": description, **facts}
    with transaction(stage.engine) as session:
        acting = Acting(stage.township_id, REPORTER, REPORTER)
        outcome, token = receive_report(session, acting, stage.clock.now(), wall=stage.clock.wall(), facts=said)
    return outcome.code, token


def answered(stage: Stage) -> tuple[str, str]:
    """A report that was found true and answered."""
    code, token = report(stage, "楼道里堆着纸箱")
    hazard = stage.find(description="楼道堆放纸箱", source="public")
    stage.act("dispatcher", "substantiate", code, hazard=hazard)
    stage.act("dispatcher", "answer_report", code, answer="已责令清理，三天内完成。")
    return code, token


def code_of(stage: Stage, place: str = "shop", token: str = "code-of-shop") -> str:
    """Gives a place its QR code; the token in it."""
    stage.do("update place set qr_token = :token where code = :place", token=token, place=place)
    return token


def owner_link(stage: Stage, code: str, days: int = 30, post: str | None = None) -> str:
    """The word of a link to a hazard for who holds a post today, else its responsible one."""
    query = """
        select c.id, c.version, post.id as post, h.person_id as person from cases c
        join post on case when cast(:post as text) is null then post.id = c.responsible_post_id else post.code = :post end
        join holding h on h.post_id = post.id and deputy_of_id is null where c.code = :code order by h.from_day desc limit 1
    """
    row = stage.one(query, code=code, post=post)
    until = int((stage.clock.wall() + timedelta(days=days)).timestamp())
    return issue(Ticket(row.id, row.person, row.post, row.version, until))
