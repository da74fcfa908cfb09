"""Every page there is, in a township with something of everything: who opens it, and where."""

from __future__ import annotations

import json
from collections.abc import Callable

from models.ticket import Ticket, issue
from tests.browser import life
from tests.site import Site
from tests.stage import Stage

Open = tuple[str | None, str]


def busy(stage: Stage) -> None:
    """A township with something of everything."""
    stage.find()
    stage.find(place="pit", grade="major", description="直达地面独立安全出口少于2个")
    stage.to_assigned(place="shop-2")
    stage.to_submitted()
    stage.to_verified()
    stage.to_verified(place="pit", grade="major")
    stage.to_closed(place="shop-2")
    stage.later(days=6)
    stage.sweep()
    stage.to_closed()
    busier(stage)


def busier(stage: Stage) -> None:
    """What goes on besides: applications, controls, duties, visits, reports, a hazard that came back."""
    life.ask_for_more_time(stage, place="shop-2", description="疏散指示标志损坏")
    appealed = stage.to_rectifying(place="shop-2", description="货物占道")
    stage.act(stage.responsible(appealed), "appeal", appealed, statement="货物已在交办前搬走，当时是在卸货")
    stage.act("office-head", "opine", f"{appealed}-SS1", opinion="现场核实，卸货属实")
    handed = stage.find(place="shop-2", description="燃气管道锈蚀")
    stage.act("office-head", "transfer", handed, reason="out_of_jurisdiction", recipient="区燃气办", letter_no="移〔2023〕3号")
    dangerous = stage.to_rectifying(place="pit", grade="major", description="爆破材料超量存放")
    stage.act("deputy", "order_interim", dangerous, interim_control="full_stop", note="先停产")
    stage.act("office-head", "list_supervision", dangerous, level="county", statement="矿山重大隐患")
    stage.do("update place set start_work = 'pending' where code = 'shop-2'")
    stage.to_closed(place="shop-2", description="护栏缺失")
    stage.find(place="shop-2", description="护栏缺失")
    life.duty(stage, "inspector", "防火巡查")
    life.duty(stage, "inspector", "周检查汇报", days=-2, wanted=())
    life.duty(stage, "ranger", "山场巡护", days=-1)
    life.duty(stage, "mayor", "镇长带队检查", days=3, wanted=("document",), leader=True)
    done = life.duty(stage, "dispatcher", "整理台账", wanted=())
    stage.act("dispatcher", "do_duty", done, note="已整理")
    life.inspect(stage)
    life.inspect(stage, "shop-2", answers={}, result="not_accessible", status="locked", note="敲门无人应答")
    life.report(stage, people_in_danger=True, name="王某", contact="138 0000 0000")
    life.answered(stage)
    life.code_of(stage)
    life.silence(stage, "place", "shop-2")
    stage.do("update holding set to_day = '2023-02-01' where post_id = (select id from post where code = 'grid-2')")


def newest(stage: Stage, state: str, owner: str = "") -> str:
    query = """
        select cases.code from cases left join post on post.id = responsible_post_id
        where state = :state and (:owner = '' or post.code = :owner) order by cases.id desc limit 1
    """
    return str(stage.one(query, state=state, owner=owner).code)


def pending(stage: Stage, kind: str) -> str:
    """The hazard about which something of this kind has been asked."""
    query = "select h.code from cases c join cases h on h.id = c.parent_id where c.kind = :kind and c.ended_at is null limit 1"
    return str(stage.one(query, kind=kind).code)


def came_back(stage: Stage) -> str:
    return str(stage.one("select c.code from cases c join hazard h on h.case_id = c.id where recurrence_count > 0 limit 1").code)


def ticket(stage: Stage) -> str:
    """The link of a message to the dispatcher, about a hazard that waits for them."""
    found = stage.one("""
        select c.id, c.version, post.id as post, person_id from cases c cross join post join holding on post_id = post.id
        where post.code = 'dispatcher' and c.state = 'found' and c.kind = 'hazard' order by c.id limit 1""")
    return issue(Ticket(found.id, found.person_id, found.post, found.version, 2**33))


PAGES: dict[str, Callable[[Stage], Open]] = {
    "login": lambda stage: (None, "/login"),
    "home": lambda stage: ("mayor", "/"),
    "home of a village": lambda stage: ("village-1", "/"),
    "inbox to approve": lambda stage: ("office-head", "/inbox"),
    "inbox to dispatch": lambda stage: ("dispatcher", "/inbox"),
    "inbox to re-inspect": lambda stage: ("inspector", "/inbox"),
    "inbox of an owner": lambda stage: ("owner-2", "/inbox"),
    "inbox of a leader": lambda stage: ("deputy", "/inbox"),
    "empty inbox": lambda stage: ("discipline", "/inbox"),
    "ledger": lambda stage: ("mayor", "/hazards?show=all"),
    "ledger, to be assigned": lambda stage: ("dispatcher", "/hazards?show=dispatch"),
    "ledger by a column": lambda stage: ("office-head", "/hazards?show=all&sort=-grade&cols=code,village,grade,level,owner"),
    "no network": lambda stage: (None, "/offline"),
    "brief": lambda stage: ("mayor", "/brief"),
    "matrix": lambda stage: ("office-head", "/matrix"),
    "matrix of trades, its gaps": lambda stage: ("office-head", "/matrix?by=field&only=true"),
    "ladders": lambda stage: ("office-head", "/ladders"),
    "people": lambda stage: ("office-head", "/people"),
    "empty ledger": lambda stage: ("mayor", "/hazards?q=nothing"),
    "hazard to assign": lambda stage: ("dispatcher", f"/h/{newest(stage, 'found')}"),
    "hazard to submit": lambda stage: ("owner-2", f"/h/{newest(stage, 'assigned')}"),
    "hazard to re-inspect": lambda stage: ("inspector", f"/h/{newest(stage, 'submitted')}"),
    "hazard to approve": lambda stage: ("mayor", f"/h/{newest(stage, 'verified')}?do=approve_close"),
    "hazard closed": lambda stage: ("office-head", f"/h/{newest(stage, 'closed')}"),
    "hazard with an extension to decide": lambda stage: ("deputy", f"/h/{pending(stage, 'extension')}"),
    "hazard with an appeal to decide": lambda stage: ("deputy", f"/h/{pending(stage, 'appeal')}"),
    "hazard under control and to be listed": lambda stage: ("district", f"/h/{pending(stage, 'listing')}"),
    "hazard of an owner who may ask": lambda stage: ("owner-2", f"/h/{pending(stage, 'appeal')}?do=request_extension"),
    "hazard handed over": lambda stage: ("office-head", f"/h/{pending(stage, 'transfer')}"),
    "hazard that came back": lambda stage: ("office-head", f"/h/{came_back(stage)}"),
    "hazard silenced with its place": lambda stage: ("office-head", f"/h/{newest(stage, 'assigned', 'owner-2')}"),
    "inbox of applications": lambda stage: ("deputy", "/inbox?box=applications"),
    "inbox of duties": lambda stage: ("inspector", "/inbox?box=duties"),
    "inbox of reports": lambda stage: ("office-head", "/inbox?box=reports"),
    "my duties": lambda stage: ("inspector", "/duties"),
    "the month's duties": lambda stage: ("office-head", "/duties?box=all&duty=duty"),
    "a duty to do": lambda stage: ("inspector", f"/duties/{newest(stage, 'open', 'inspector')}"),
    "a duty to excuse": lambda stage: ("office-head", f"/duties/{newest(stage, 'open', 'ranger')}"),
    "a duty done": lambda stage: ("dispatcher", f"/duties/{newest(stage, 'done')}"),
    "inspect, the place": lambda stage: ("inspector", "/inspect"),
    "inspect, the checklist": lambda stage: ("inspector", "/inspect?place=shop"),
    "self-check": lambda stage: ("owner", "/inspect?place=shop"),
    "inspections": lambda stage: ("mayor", "/inspections"),
    "an inspection": lambda stage: ("inspector", f"/inspections/{stage.one('select code from inspection order by id limit 1').code}"),
    "places": lambda stage: ("office-head", "/places"),
    "a place": lambda stage: ("office-head", "/places/shop"),
    "a place that waits for consent": lambda stage: ("office-head", "/places/shop-2"),
    "a place that may not work": lambda stage: ("owner-3", "/places/pit"),
    "reports": lambda stage: ("office-head", "/reports?show=all"),
    "a report to verify": lambda stage: ("office-head", f"/reports/{newest(stage, 'received')}"),
    "a report answered": lambda stage: ("dispatcher", f"/reports/{newest(stage, 'answered')}"),
    "numbers": lambda stage: ("office-head", "/numbers"),
    "waiting": lambda stage: ("office-head", "/numbers/waiting"),
    "kept papers": lambda stage: ("office-head", "/papers"),
    "numbers of a village": lambda stage: ("village-1", "/numbers"),
    "registry": lambda stage: ("office-head", "/registry"),
    "posts": lambda stage: ("office-head", "/posts"),
    "a post": lambda stage: ("office-head", "/posts/inspector"),
    "a place behind its QR code": lambda stage: (None, "/p/code-of-shop"),
    "report a hazard": lambda stage: (None, "/report"),
    "a report followed": lambda stage: (None, f"/report/{life.answered(stage)[1]}"),
    "a report just sent": lambda stage: (None, f"/report/{life.report(stage)[1]}?new=1"),
    "messages": lambda stage: ("office-head", "/messages?box=all"),
    "a message's link": lambda stage: (None, f"/a/{ticket(stage)}"),
    "the wording": lambda stage: ("office-head", "/wording"),
    "a message's wording": lambda stage: ("office-head", "/wording/overdue"),
    "register, the place": lambda stage: ("inspector", "/new"),
    "register, the hazard": lambda stage: ("inspector", "/new?place=shop"),
    "checking again": lambda stage: ("inspector", f"/h/{newest(stage, 'submitted')}/recheck"),
    "an owner's link, to sign for": lambda stage: (None, f"/o/{life.owner_link(stage, newest(stage, 'assigned', 'owner-2'))}"),
    "an owner's link, to mend": lambda stage: (None, f"/o/{life.owner_link(stage, newest(stage, 'rectifying', 'owner-2'))}"),
    "an owner's link, more time": lambda stage: (None, f"/o/{life.owner_link(stage, newest(stage, 'rectifying', 'owner-2'))}/more-time"),
    "an owner's link, closed": lambda stage: (None, f"/o/{life.owner_link(stage, newest(stage, 'closed'))}"),
    "me": lambda stage: ("mayor", "/me"),
    "demo phones": lambda stage: (None, "/demo/phones"),
    "nothing there": lambda stage: ("mayor", "/h/YH-2023-9999"),
}


def furnished(site: Site) -> Site:
    """The site of a busy township that is a demo, with what its phones have heard."""
    busy(site.stage)
    site.stage.do("update township set demo = true")
    (site.home / "demo").mkdir()
    said = {
        "at": "2026-11-23T10:00:00+08:00",
        "title": "隐患闭环",
        "body": "【待交办】YH-2023-0001 小商店一：灭火器压力不足。 http://localhost:8080/h/YH-2023-0001",
    }
    lines = [{**said, "person": f"p-{post}", "channel": each} for post in ("mayor", "dispatcher", "owner") for each in ("phone", "mail")]
    (site.home / "demo" / "phones.jsonl").write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf8")
    return site
