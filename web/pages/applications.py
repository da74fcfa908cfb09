"""What has been asked about a hazard: more time, another judgement, another authority, a listing. Each a card with who, why, until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, say
from models.enumerations import STATES, CaseKind, CaseState, ListingLevel, ReasonCode
from web import history, story
from web.caller import Caller, named
from web.pages.acts import Action, actions


@dataclass(frozen=True, slots=True)
class Application:
    """One application; `terms` are what it says, as name and text. `actions` are the caller's, empty once it is decided."""

    id: int
    kind: CaseKind
    code: str
    state: CaseState
    version: int
    opened_at: datetime
    due_at: datetime | None
    who: str
    decider: str
    terms: tuple[tuple[str, str], ...]
    actions: tuple[Action, ...]

    @property
    def short(self) -> str:
        """«延期申请 YQ1»."""
        return f"{self.kind.zh} {self.code.rsplit('-', 1)[-1]}"


ABOUT = text("""
select c.id, c.kind, c.code, c.state, c.version, c.opened_at, c.due_at, c.ended_at,
    coalesce(e.applicant_post, a.applicant_post, t.sent_post, l.proposed_post) as post,
    coalesce(e.applicant_person, a.applicant_person, t.sent_person, l.proposed_person) as person,
    (select label from person where township_id = c.township_id
        and key = coalesce(e.applicant_person, a.applicant_person, t.sent_person, l.proposed_person)) as label,
    (select code from post where id = c.approver_post_id) as decider,
    coalesce(e.statement, a.statement, t.statement, l.statement) as statement,
    e.reason, e.interim_measures, e.requested_due, e.due_before, e.granted_due, a.opinion, t.recipient, t.letter_no, t.reply, t.reply_no,
    l.level, l.notice_no, l.treat_by, l.progress_at
from cases c left join extension e on e.case_id = c.id left join appeal a on a.case_id = c.id
left join transfer t on t.case_id = c.id left join listing l on l.case_id = c.id
where c.parent_id = :id and c.kind in ('extension', 'appeal', 'transfer', 'listing') order by c.id
""")


def about(session: Session, caller: Caller, hazard_id: int) -> list[Application]:
    """Everything that was ever asked about a hazard, the oldest first."""
    rows = session.execute(ABOUT, {"id": hazard_id}).all()
    codes = [code for row in rows for code in (row.post, row.decider) if code]
    names = story.names_of(session, caller.township_id, codes)
    return [_application(session, caller, row, names) for row in rows]


def _application(session: Session, caller: Caller, row: Any, names: Mapping[str, str]) -> Application:
    kind = CaseKind(row.kind)
    given = {"granted_due": day_of(row.requested_due).isoformat()} if row.requested_due else {}
    mine = actions(session, caller, kind, row.code, given=given) if row.ended_at is None else []
    return Application(
        row.id, kind, row.code, STATES[kind](row.state), row.version, row.opened_at, row.due_at if row.ended_at is None else None,
        named(names.get(row.post, row.post), row.label), names.get(row.decider, "") if row.decider else "", tuple(_terms(row)), tuple(mine),
    )  # fmt: skip


def _terms(row: Any) -> list[tuple[str, str]]:
    reason = ReasonCode(row.reason).zh if row.reason else ""
    said = (
        ("理由", "：".join(each for each in (reason, row.statement) if each)),
        ("现期限", row.due_before and say(row.due_before)), ("申请延到", row.requested_due and say(row.requested_due)),
        ("延期期间防控", row.interim_measures), ("同意延到", row.granted_due and say(row.granted_due)), ("核查意见", row.opinion),
        ("移送给", row.recipient), ("移送函", row.letter_no), ("回复", row.reply), ("复函", row.reply_no),
        ("级别", row.level and ListingLevel(row.level).zh), ("挂牌通知", row.notice_no), ("治理完毕日", row.treat_by and str(row.treat_by)),
        ("最近报告进展", row.progress_at and say(row.progress_at)),
    )  # fmt: skip
    return [(name, str(text)) for name, text in said if text]


def lines(session: Session, caller: Caller, asked: list[Application]) -> list[story.Line]:
    """The histories of the applications in sentences, to stand among those of their hazard."""
    told = [story.tell(session, caller.township_id, history.whole(session, each.id), each.kind, each.short) for each in asked]
    return [line for each in told for line in each]
