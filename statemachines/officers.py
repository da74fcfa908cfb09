"""Who inspected, and which paper may follow (文书): officers with their certificates, the authority to issue, the unit's signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import LEADERS, DocKind, InspectionResult, InspectionTrigger, PostKind
from statemachines.errors import Refused
from statemachines.facts import said_text, said_word
from statemachines.load import Acting, Seated
from statemachines.registry import OFFICE, authorised

PATROLS = frozenset({PostKind.grid_member, PostKind.village_secretary, PostKind.ranger, PostKind.checkpoint_guard})
INSPECT = LEADERS | OFFICE | {PostKind.inspector, PostKind.station_head}
# 责令限期整改指令书 and 现场处理措施决定书 are acts of enforcement: two officers with their numbers, of a team that has the power.
ENFORCEMENT = frozenset({DocKind.instruction_order, DocKind.onsite_measure})


@dataclass(frozen=True, slots=True)
class Who:
    """One who inspected."""

    person: str
    post: str
    certificate: str | None = None


HOLDER = text("""
select person.key as person, post.code as post, post.kind
from person
join holding on holding.person_id = person.id and :day >= from_day and :day <= coalesce(to_day, 'infinity')
join post on post.id = holding.post_id and post.active
where post.township_id = :township_id
    and (cast(:post as text) is null or post.code = :post)
    and (cast(:key as text) is null or person.key = :key)
    and (cast(:username as text) is null or person.username = :username)
order by person.key = :me desc, (post.kind = any(:kinds)) desc, deputy_of_id nulls first, post.code, person.key limit 1
""")
NAMES = ("post", "key", "username")


def read_officers(session: Session, acting: Acting, now: datetime, facts: Mapping[str, Any]) -> tuple[Who, ...]:
    """Everybody who inspected, whoever records it among them."""
    officers = named_officers(session, acting, now, facts)
    me = next((who for who in officers if who.person == acting.person), Who(acting.person, acting.post))
    return (me, *(who for who in officers if who.person != acting.person))


def named_officers(session: Session, acting: Acting, now: datetime, facts: Mapping[str, Any]) -> tuple[Who, ...]:
    """Those whom `officers` names, each by post, user name or key, with their certificate's number. Raises Refused(officers)."""
    named = facts.get("officers") or []
    if not isinstance(named, (list, tuple)):
        raise Refused("officers", "请逐人填写检查人员。", "Officers are named one by one.")
    officers: dict[str, Who] = {}
    for each in named:
        who = _officer(session, acting, now, each)
        if who.person in officers:
            raise Refused("officers", "同一人不能算作两名检查人员。", "The same person doesn't count as two officers.")
        officers[who.person] = who
    return tuple(officers.values())


def _officer(session: Session, acting: Acting, now: datetime, named: object) -> Who:
    given = named if isinstance(named, Mapping) else {"post": named}
    asked = {name: said_text(given, name) for name in NAMES}
    if not any(asked.values()):
        raise Refused("officers", "检查人员须填写岗位或人员。", "An officer is named by post, user name or key.")
    known = {"township_id": acting.township_id, "day": day_of(now), "me": acting.person, "kinds": sorted(INSPECT | PATROLS)}
    row = session.execute(HOLDER, {**known, **asked}).first()
    if row is None:
        said = "、".join(str(value) for value in asked.values() if value)
        raise Refused("officers", f"检查人员“{said}”今天不在岗或不存在。", f"No officer {said!r} holds such a post today.")
    return Who(row.person, row.post, said_text(given, "certificate"))


def read_paper(
    session: Session, acting: Acting, seated: Seated, place: Row[Any], facts: Mapping[str, Any], result: InspectionResult,
    officers: tuple[Who, ...],
) -> DocKind | None:  # fmt: skip
    if not facts.get("paper"):
        return None
    paper = said_word(facts, "paper", DocKind)
    if paper in ENFORCEMENT:
        _check_enforcement(session, acting, seated, paper, officers)
    if paper != DocKind.inspection_record and result == InspectionResult.not_accessible:
        raise Refused("paper", "未能入内，不能出具整改文书。", "Where nobody got in, no paper about hazards can follow.")
    if paper == DocKind.review_opinion and not session.execute(EARLIER, {"place_id": place.id}).scalar_one():
        raise Refused(
            "paper",
            "本场所没有发现问题的检查记录，不能出具整改复查意见书。",
            "A review opinion follows an earlier record that found something; this place has none.",
        )
    return paper


EARLIER = text("select exists (select from inspection where place_id = :place_id and result = 'issues')")


def _check_enforcement(session: Session, acting: Acting, seated: Seated, paper: DocKind, officers: tuple[Who, ...]) -> None:
    if not authorised(session, acting, seated):
        raise Refused(
            "G18",
            f"你所在的站所没有执法赋权或委托，不能出具{paper.zh}；可以出具整改通知书（告知书）或交办单。",
            f"Your team has no enforcement authority for this ({paper.en}); it can issue a rectification notice or a dispatch note.",
        )
    numbers = [officer.certificate for officer in officers if officer.certificate]
    if len(numbers) < 2 or len(set(numbers)) < len(numbers):
        raise Refused(
            "officers",
            f"{paper.zh}须有两名检查人员，并各填执法证号。",
            f"This paper ({paper.en}) takes two officers, each with their certificate's number.",
        )


def check_signatures(facts: Mapping[str, Any], paper: DocKind | None, result: InspectionResult) -> None:
    signed, refused = facts.get("unit_signed") is True, facts.get("refused_to_sign") is True
    if signed and (refused or result == InspectionResult.not_accessible):
        raise Refused("signature", "单位签字情况前后矛盾，请核对。", "The unit either signed or refused to; correct it.")
    if paper in ENFORCEMENT and not signed and not refused:
        raise Refused("signature", "请注明单位已签字，或拒绝签字。", "Say that the unit signed, or that it refused to.")


LEADER = text("""
select post.code from post where township_id = :township_id and code = :code and active and kind = any(:leaders) and exists (
    select from holding where post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity'))
""")


def read_leader(
    session: Session, acting: Acting, seated: Seated, now: datetime, facts: Mapping[str, Any], trigger: InspectionTrigger
) -> str | None:
    """Who led it: for leader_led a leader's post that somebody holds; the recorder's own where they are a leader."""
    code = said_text(facts, "leader_post")
    if code is None:
        code = acting.post if trigger == InspectionTrigger.leader_led and seated.actor.kind in LEADERS else None
    if code is None and trigger != InspectionTrigger.leader_led:
        return None
    asked = {"township_id": acting.township_id, "code": code, "leaders": list(LEADERS), "day": day_of(now)}
    found: str | None = session.execute(LEADER, asked).scalar()
    if found is None:
        raise Refused("leader_post", "请填写带队的班子成员岗位（须有人在岗）。", "Name the leader's post that led it, one that is held.")
    return found
