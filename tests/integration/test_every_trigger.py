"""Every post of the cast tries every trigger on every kind of case in every state, on a real database, with all that could be asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from models.enumerations import STATES, CaseKind, Grade
from statemachines.advance import Outcome, advance, offers
from statemachines.errors import LawError, NotAllowed, Refused, UnknownTrigger
from statemachines.laws import LAWS, ROUTES
from statemachines.load import Acting
from tests.situations import facts_for, second_for
from tests.stage import PLAN, Stage, fingerprint
from tests.town import person_of, posts

ACTORS = [*((person_of(post), post) for post in posts()), ("system", "system"), ("reporter", "reporter")]
Path = Callable[[Stage], str]


def then(before: Path, *steps: tuple[str, str, dict[str, Any]]) -> Path:
    """A case that has come this far and takes these steps more."""

    def path(stage: Stage) -> str:
        code = before(stage)
        for post, trigger, facts in steps:
            stage.act(post, trigger, code, person=post if post in ("system", "reporter") else None, **facts)
        return code

    return path


def duplicate(stage: Stage) -> str:
    code = stage.find(item="F9", description="配电箱敞开")
    stage.act("dispatcher", "mark_duplicate", code, master=stage.find(item="F8"))
    return code


def transferred(stage: Stage) -> str:
    code = stage.find()
    stage.transfer(code)
    return code


def rejected(stage: Stage) -> str:
    return then(Stage.find, ("office-head", "reject", {"reason": "not_a_hazard"}))(stage)


def extension(stage: Stage) -> str:
    return stage.ask_extension(stage.to_rectifying(sla_class="g7"))


def appeal(stage: Stage) -> str:
    return stage.appeal(stage.to_rectifying(sla_class="g7"))


def letter(stage: Stage) -> str:
    return stage.transfer(stage.find())


def listing(stage: Stage) -> str:
    return stage.propose_listing(stage.to_verified(place="pit", grade="major"))


def report(stage: Stage) -> str:
    return stage.report(name="王小明", contact="13912345678")[0]


def run(stage: Stage) -> str:
    return stage.owes("ranger", occasion=f"第{stage.one('select count(*) as n from cases').n}次")


def substantiated(stage: Stage) -> str:
    code = report(stage)
    stage.act("inspector", "substantiate", code, hazard=stage.find())
    return code


WHY = {"reason": "情况属实"}
opined = then(appeal, ("office-head", "opine", {"opinion": "现场核查属实"}))
listed = then(listing, ("mayor", "list", {}))
delisting = then(listed, ("office-head", "ask_delisting", {}))
answered = then(substantiated, ("dispatcher", "answer_report", {"answer": "已整改"}))

PATHS: dict[CaseKind, dict[str, Path]] = {
    CaseKind.hazard: {
        "found": Stage.find, "assigned": Stage.to_assigned, "rectifying": Stage.to_rectifying, "submitted": Stage.to_submitted,
        "verified": Stage.to_verified, "closed": Stage.to_closed, "rejected": rejected, "duplicate": duplicate,
        "transferred": transferred, "reopened": then(Stage.to_closed, ("inspector", "reopen", WHY)),
        "cancelled": then(Stage.find, ("office-head", "cancel", {"reason": "place_gone", "second_person": "deputy"})),
    },
    CaseKind.extension: {
        "asked": extension, "granted": then(extension, ("deputy", "grant", {})), "declined": then(extension, ("deputy", "decline", WHY)),
        "withdrawn": then(extension, ("owner", "withdraw", {})),
    },
    CaseKind.appeal: {
        "asked": appeal, "opined": opined, "upheld": then(opined, ("deputy", "uphold", WHY)),
        "dismissed": then(opined, ("deputy", "dismiss", WHY)), "withdrawn": then(opined, ("owner", "withdraw", {})),
    },
    CaseKind.transfer: {
        "sent": letter, "accepted": then(letter, ("dispatcher", "accept", {"reply": "已接收"})),
        "sent_back": then(letter, ("dispatcher", "send_back", {"reply": "不属本局职责"})),
    },
    CaseKind.listing: {
        "proposed": listing, "listed": listed, "delisting": delisting, "delisted": then(delisting, ("mayor", "delist", {})),
        "declined": then(listing, ("mayor", "decline", WHY)),
    },
    CaseKind.duty: {
        "open": run, "done": then(run, ("ranger", "do_duty", {})), "excused": then(run, ("office-head", "excuse", WHY)),
        "cancelled": then(run, ("office-head", "cancel_duty", WHY)),
    },
    CaseKind.report: {
        "received": report, "substantiated": substantiated, "unfounded": then(report, ("office-head", "dismiss_report", WHY)),
        "answered": answered, "settled": then(answered, ("reporter", "accept_answer", {})),
        "disputed": then(answered, ("reporter", "dispute_answer", WHY)),
    },
}  # fmt: skip
NO_WAY_THERE = {("extension", "lapsed"), ("appeal", "lapsed"), ("listing", "lapsed"), ("duty", "missed")}  # by what happens elsewhere


def generous(stage: Stage, kind: CaseKind, trigger: str, post: str, another: str) -> dict[str, Any]:
    """Everything that anybody could ask for."""
    now = stage.clock.now()
    return facts_for(kind, trigger, Grade.general) | {
        "requested_due": now + timedelta(days=20), "promised_at": now + timedelta(hours=5), "due_at": now + timedelta(days=3),
        "duplicate_of": another, "hazard": another, "second_person": second_for(trigger, post), "clause": "GB 1",
        "principal_present": True, "plan": PLAN,
        "treat_by": "2023-03-20", "paper_signed": True, "site_visit": True, "expert": True, "interim_kept": True, "root_cause": "年久失修",
        "district_consent_no": "7号", "district_record_no": "5号", "note": "已安排", "distance_reason": "信号漂移",
    }  # fmt: skip


def tries(kind: CaseKind) -> list[tuple[str, dict[str, Any]]]:
    routed = [
        (name, {word: said}) for name, (_, word, triggers) in ROUTES.items() for said in triggers
    ] if kind == CaseKind.hazard else []  # fmt: skip
    return [*((trigger, {}) for trigger in LAWS[kind].by_trigger), *routed, ("explode", {})]


@pytest.mark.parametrize("kind", CaseKind)
def test_whoever_tries_whatever_gets_an_outcome_or_a_reason_and_a_refusal_leaves_no_trace(stage: Stage, kind: CaseKind) -> None:
    cases = {state: path(stage) for state, path in PATHS[kind].items()}
    another = stage.find(item="F7")
    with Session(stage.engine) as session:
        for state, code in cases.items():
            assert stage.state(code) == state
            taken = {post: _tried(session, stage, kind, code, person, post, another) for person, post in ACTORS}
            assert any(taken.values()) or STATES[kind](state).ended, f"nobody can do anything with a {kind} that is {state}"


def _tried(session: Session, stage: Stage, kind: CaseKind, code: str, person: str, post: str, another: str) -> set[str]:
    """The triggers that went through, each undone again. What goes through was offered."""
    acting, now = Acting(stage.township_id, person, post), stage.clock.now()
    before, taken = fingerprint(session.connection()), set[str]()
    for trigger, more in tries(kind):
        facts = generous(stage, kind, trigger, post, another) | more
        point = session.begin_nested()
        said = _answer(session, code, trigger, acting, stage, facts)
        point.rollback() if isinstance(said, Outcome) else point.commit()
        taken |= {trigger} if isinstance(said, Outcome) else set()
        assert isinstance(said, UnknownTrigger if trigger == "explode" else Outcome | Refused | NotAllowed), (trigger, said)
    assert fingerprint(session.connection()) == before
    offered = {offer.trigger for offer in offers(session, code, acting, now) if offer.allowed}
    assert taken - set(ROUTES) <= offered, (code, post, taken - offered)
    return taken


def _answer(session: Session, code: str, trigger: str, acting: Acting, stage: Stage, facts: dict[str, Any]) -> Outcome | LawError:
    try:
        return advance(session, code, trigger, acting, stage.clock.now(), wall=stage.clock.wall(), facts=facts)
    except LawError as no:
        return no


def test_every_state_of_every_machine_is_tried() -> None:
    tried = {(str(kind), state) for kind, paths in PATHS.items() for state in paths}
    assert tried | NO_WAY_THERE == {(str(kind), str(state)) for kind, states in STATES.items() for state in states}
