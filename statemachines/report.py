"""A public report (群众举报): received, verified, answered in time; what the reporter says of the answer can open the hazard again.

安全生产法 Art. 73–76: a public channel, investigation, an answer, and a reporter whom nobody but those in charge may know. Who reported
stands in a table of its own; history, messages, lists and the office's pages name «reporter» alone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.enumerations import CaseKind, Clock, Grade, HazardState, PostKind, Purpose, ReportChannel, ReportState
from notifications.plan import Telling
from statemachines import guards as g
from statemachines.errors import NotAllowed, Refused
from statemachines.guards import Refusal
from statemachines.load import Acting, seat
from statemachines.machine import Law, Transition, answering, by
from statemachines.new import NUMBER
from statemachines.situation import Situation
from statemachines.step import Change, Consequence, Step

S = ReportState
P = PostKind
OPEN = (S.received, S.substantiated, S.unfounded, S.disputed)
OFFICE = by(P.office_dispatcher, P.office_head)
VERIFIERS = OFFICE | {P.inspector, P.station_head}
REPORTER = "reporter"  # whoever has the token acts under this name, in this post
WORDS_AT_MOST = 2000


def g11_verifier(s: Situation) -> Refusal | None:
    """Four eyes: nobody verifies a report about their own unit."""
    return g.not_involved(s, "这件举报", "this report")


def hazard_named(s: Situation) -> Refusal | None:
    """The hazard that the report became: registered before, at any place of the township."""
    if s.unasked("hazard"):
        return None
    if s.master is not None and s.master.state in (HazardState.rejected, HazardState.cancelled, HazardState.duplicate):
        there = s.master.state.zh
        return Refusal("hazard_named", f"所填隐患已是“{there}”，请填写立案办理的那条。", "It was dropped; name the hazard that stands.")
    if s.master is not None:
        return None
    return Refusal("hazard_named", "请先登记隐患，再填写隐患编号。", "Register the hazard first, then name its code.")


def answer_given(s: Situation) -> Refusal | None:
    """An answer in words."""
    if g.text_of(s, "answer", "text", "note") or s.unasked("answer", "text", "note"):
        return None
    return Refusal("answer_given", "请填写答复内容。", "Write the answer.")


# fmt: off
T = Transition
TRANSITIONS: tuple[Transition, ...] = (
    T("receive", (None,), S.received, VERIFIERS | {P.reporter, P.grid_member, P.village_secretary}, (), "受理", "receive"),
    T("substantiate", (S.received, S.disputed), S.substantiated, VERIFIERS, (g11_verifier, hazard_named), "核实属实", "find it true"),
    T("dismiss_report", (S.received, S.disputed), S.unfounded, by(P.office_head), (g11_verifier, g.reason_given),
      "核实不属实", "find it untrue"),
    T("answer_report", (S.substantiated, S.unfounded), S.answered, OFFICE, (answer_given,), "答复举报人", "answer the reporter"),
    T("accept_answer", (S.answered,), S.settled, by(P.reporter), (), "对答复满意", "be satisfied"),
    T("dispute_answer", (S.answered,), S.disputed, by(P.reporter), (g.reason_given,), "对答复不满意", "dispute the answer"),
    T("read_identity", tuple(S), None, by(P.office_head), (g.reason_given,), "查看举报人", "read who reported"),
    *answering(OPEN),
)
# fmt: on
LAW = Law(CaseKind.report, TRANSITIONS)


def received(step: Step) -> Change:
    told = ("office_dispatcher", "office_head") if step.grade == Grade.major else ("office_dispatcher",)
    return Change(starts=step.plain(Clock.answer), tellings=[Telling(Purpose.report, told, (S.received,))])


def substantiated(step: Step) -> Change:
    """A closed hazard that is found as it was reported opens again: the reporter's verdict weighs as much as a re-check."""
    master = step.situation.master
    assert master, "guard hazard_named has seen it"
    person, post = step.me
    again = [Consequence(master.code, "reopen", {"reason": "fake_rectification"})] if master.state == HazardState.closed else []
    return Change(
        own={"hazard_id": _case_id(step, master.code), "verified_at": step.now, "verified_person": person, "verified_post": post},
        tellings=[Telling(Purpose.report, ("office_dispatcher",), (S.substantiated,))],
        facts={"hazard": master.code},
        then=again,
    )


def dismissed(step: Step) -> Change:
    person, post = step.me
    return Change(own={"verified_at": step.now, "verified_person": person, "verified_post": post})


def answered(step: Step) -> Change:
    said = str(step.facts.get("answer") or step.facts.get("text") or step.facts.get("note")).strip()
    return Change(own={"answer": said, "answered_at": step.now, "answered_post": step.me[1]})


def judged(step: Step) -> Change:
    satisfied = step.to == S.settled
    told = [] if satisfied else [Telling(Purpose.report, ("office_head", "office_dispatcher"), (S.disputed,))]
    return Change(
        own={"verdict": "satisfied" if satisfied else "not_fixed", "verdict_at": step.now},
        starts=[] if satisfied else step.plain(Clock.answer),
        tellings=told,
    )


def read(step: Step) -> Change:
    return Change()


EFFECTS = {
    "receive": received, "substantiate": substantiated, "dismiss_report": dismissed, "answer_report": answered, "accept_answer": judged,
    "dispute_answer": judged, "read_identity": read,
}  # fmt: skip


def _case_id(step: Step, code: str) -> int:
    asked = {"township_id": step.case.township_id, "code": code}
    found = step.session.execute(text("select id from cases where township_id = :township_id and code = :code"), asked)
    return int(found.scalar_one())


PLACE = text("""
select place.id, village_id, team_id, responsible_post_id, (
    select id from campaign where campaign.township_id = place.township_id and starts_at <= :now and deadline >= :now
    order by deadline limit 1
) as campaign_id
from place where place.township_id = :township_id and place.code = :code
""")

INSERT = text("""
with opened as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id,
        responsible_post_id, campaign_id, opened_at, due_at)
    values (:township_id, 'report', :code, 'received', 1, 1, 0, '', :grade, 0, :place_id, :village_id, :team_id,
        :responsible_post_id, :campaign_id, :now, null)
    returning id
),
told as (
    insert into public_report (case_id, channel, said_place, description, token_hash)
    select id, :channel, :said_place, :description, :token_hash from opened
),
known as (
    insert into reporter (case_id, name, contact) select id, :name, :contact from opened
    where cast(:name as text) is not null or cast(:contact as text) is not null
)
select id from opened
""")


def insert_report(session: Session, acting: Acting, now: datetime, facts: Mapping[str, Any]) -> tuple[str, str]:
    """A new report's rows; gives its code and the token with which the reporter follows it (only its hash is kept).

    Raises Refused(report) where nothing is described, or too much.
    """
    said = str(facts.get("description") or "").strip()
    if not said or len(said) > WORDS_AT_MOST:
        raise Refused("report", f"请写明情况，最多{WORDS_AT_MOST}字。", f"Say what you saw, in {WORDS_AT_MOST} characters at most.")
    channel = str(facts.get("channel") or ReportChannel.form)
    if channel not in ReportChannel.__members__:
        raise Refused("report", f"没有“{channel}”这种举报方式。", f"There is no channel {channel!r}.")
    asked = {"township_id": acting.township_id, "code": str(facts.get("place") or ""), "now": now}
    place = session.execute(PLACE, asked).mappings().first() or dict.fromkeys(PLACE_COLUMNS)
    series = f"JB-{local(now).year}"
    number = session.execute(NUMBER, {"township_id": acting.township_id, "series": series}).scalar_one()
    code, token = f"{series}-{number:04d}", secrets.token_urlsafe(18)
    session.execute(INSERT, {
        "township_id": acting.township_id, "code": code, "now": now, "description": said, "token_hash": token_hash(token),
        "grade": Grade.major if facts.get("people_in_danger") is True else Grade.general,
        "channel": channel, "said_place": _known(facts.get("said_place")),
        "name": _known(facts.get("name")), "contact": _known(facts.get("contact")),
        "place_id": place["id"], **{name: place[name] for name in PLACE_COLUMNS if name != "id"},
    })  # fmt: skip
    return code, token


PLACE_COLUMNS = ("id", "village_id", "team_id", "responsible_post_id", "campaign_id")


def _known(said: Any) -> str | None:
    return str(said).strip()[:200] or None if said else None


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


FOLLOWED = text("""
select c.code, c.township_id from public_report p join cases c on c.id = p.case_id where p.token_hash = :hash
""")


def followed(session: Session, token: str) -> tuple[str, Acting] | None:
    """The report that a token belongs to, and the reporter as who acts on it; None for a token that isn't good."""
    row = session.execute(FOLLOWED, {"hash": token_hash(token)}).first()
    return (row.code, Acting(row.township_id, REPORTER, REPORTER)) if row else None


IDENTITY = text("""
select name, contact from reporter join cases c on c.id = case_id where c.township_id = :township_id and c.code = :code
""")


def identity(session: Session, acting: Acting, code: str, now: datetime) -> tuple[str | None, str | None]:
    """The reporter's name and contact, for the office head alone. The caller fires `read_identity` in the same transaction before.

    Raises NotAllowed for any other post.
    """
    if seat(session, acting, now).actor.kind != P.office_head:
        raise NotAllowed(acting.post, "举报人信息只有应急办主任可以查看。", "Only the office head reads who reported.")
    row = session.execute(IDENTITY, {"township_id": acting.township_id, "code": code}).first()
    return (row.name, row.contact) if row else (None, None)
