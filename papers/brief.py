"""The weekly brief: the campaign on one phone screen, its figures frozen at their cut-off, and the same as a picture to be forwarded."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import typst
from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, local, say, start_of
from models.database import as_json
from models.enumerations import HazardState, PaperKind, PostKind
from papers.numbers.kpi import By, Numbers, numbers_by, numbers_of
from papers.occasion import hold

SOURCE = Path(__file__).with_name("brief.typ")
FONTS = "pylopdf_fonts_zh_cn"
DOTS = 190
WEEK = timedelta(days=7)
ENDS, REDS = 3, 4  # villages shown from each end of the table; hazards on the red list
RANKED_FROM = 5
ONE_AT_A_TIME = threading.Lock()

CAMPAIGN = text("""
select title, deadline from campaign where township_id = :township and starts_at <= :at
order by deadline >= :at desc, starts_at desc limit 1
""")
WEEKS = text("""
select count(*) filter (where opened_at > :since) as found, count(*) filter (where state = 'closed' and ended_at > :since) as closed
from cases where township_id = :township and kind = 'hazard' and (opened_at > :since or ended_at > :since)
""")
STATES = text("""
select state, count(*) as count from cases where township_id = :township and kind = 'hazard' and ended_at is null group by state
""")
RED = text("""
select c.code, h.description, place.name as place, unit.name as village, c.grade, c.due_at, c.level,
    (select told[1] from timer join rung on rung.ladder_id = timer.ladder_id and rung.position = timer.fired and rung.level > 0
        where timer.case_id = c.id and stopped_at is null order by fired_at desc limit 1) as told
from cases c join hazard h on h.case_id = c.id join place on place.id = c.place_id join unit on unit.id = c.village_id
where c.township_id = :township and c.kind = 'hazard' and c.ended_at is null and c.due_at < :at
order by c.grade desc, c.due_at, c.id limit :limit
""")
TOWNSHIP = text("select name from township where id = :township")


def brief(session: Session, township_id: int, at: datetime) -> dict[str, Any]:
    """The facts of the brief at business time `at`: all that is shown, in words and numbers that JSON can keep."""
    asked = {"township": township_id, "at": at, "since": at - WEEK, "limit": REDS}
    whole = numbers_of(session, township_id, at)
    campaign = session.execute(CAMPAIGN, asked).first()
    week = session.execute(WEEKS, asked).one()
    days = (day_of(campaign.deadline) - day_of(at)).days if campaign else None
    return {
        "township": session.execute(TOWNSHIP, asked).scalar_one(), "cut": say(at), "year": local(at).year,
        "campaign": campaign.title if campaign else "", "days_left": days,
        "deadline": _day(campaign.deadline) if campaign else "", "rate": _percent(whole.rate),
        **{name: getattr(whole, name) for name in ("closed", "valid", "open", "overdue", "major_open")},
        "week_found": week.found, "week_closed": week.closed, **_pace(session, township_id, at, whole, days),
        "states": _states(session, township_id), **_ends(numbers_by(session, township_id, at, By.village)),
        "red": [_red(row, at) for row in session.execute(RED, asked)],
    }  # fmt: skip


def _pace(session: Session, township_id: int, at: datetime, whole: Numbers, days: int | None) -> dict[str, Any]:
    """Closures a day: needed until the deadline, and of the last seven days, today among them; and where that leads."""
    since = start_of(day_of(at) - timedelta(days=6))
    lately = session.execute(WEEKS, {"township": township_id, "since": since}).one().closed / 7
    needed = whole.open / max(days, 1) if days is not None and days >= 0 else None
    late = None if not (lately and whole.open and days is not None) else min(-(-whole.open // lately), 3650) - days
    return {"needed": needed and round(needed, 1), "lately": round(lately, 1), "late": late and int(late)}


def _states(session: Session, township_id: int) -> list[dict[str, Any]]:
    counts = dict(session.execute(STATES, {"township": township_id}).tuples().all())
    return [{"state": state, "zh": state.zh, "count": counts[state]} for state in HazardState if state in counts]


def _ends(villages: list[Numbers]) -> dict[str, Any]:
    """The best and the last villages by their rate, of those with enough hazards to say something."""
    able = sorted((each for each in villages if each.valid >= RANKED_FROM), key=lambda each: (-(each.rate or 0), each.overdue, each.unit))
    cut = min(ENDS, len(able) // 2)
    return {"best": [_village(each) for each in able[:cut]], "last": [_village(each) for each in able[len(able) - cut :]]}


def _village(each: Numbers) -> dict[str, Any]:
    counts = {"closed": each.closed, "valid": each.valid, "overdue": each.overdue}
    return {"code": each.unit, "name": each.zh, "rate": _percent(each.rate), **counts}


def _red(row: Any, at: datetime) -> dict[str, Any]:
    late = at - row.due_at
    told = PostKind(row.told).zh if row.told in PostKind.__members__ else ""
    return {
        "code": row.code, "what": row.description, "where": f"{row.place} · {row.village}", "major": row.grade == "major",
        "late": f"{late.days} 天" if late.days else f"{late.seconds // 3600} 小时", "told": told,
    }  # fmt: skip


def _percent(rate: float | None) -> str:
    return "—" if rate is None else f"{100 * rate:.1f}".removesuffix(".0")


def _day(moment: datetime) -> str:
    at = local(moment)
    return f"{at.month}月{at.day}日"


FREEZE = text("""
insert into paper (township_id, kind, title, facts, cut_at, issued_at, issued_post, issued_person, previous_id)
values (:township, :kind, :title, cast(:facts as jsonb), :at, :at, :post, :person,
    (select max(id) from paper where township_id = :township and kind = :kind)) returning id
""")
KEPT = text("""
select id from paper
where township_id = :township and kind = :kind and date_trunc('minute', cut_at) = date_trunc('minute', cast(:at as timestamptz))
order by id limit 1
""")
FROZEN = text("select facts from paper where township_id = :township and kind = :kind and id = :id")
EARLIER = text("select id, title, cut_at from paper where township_id = :township and kind = :kind order by id desc limit :limit")


def freeze(session: Session, township_id: int, at: datetime, post: str, person: str) -> int:
    """Keeps the brief as it stands at `at`, for good; its number among the papers. Of one minute there is one: the first.

    Two who ask in the same instant get the same one: a lock a minute, held to the end of the transaction.
    """
    asked = {"township": township_id, "kind": PaperKind.brief, "at": at}
    hold(session, township_id, PaperKind.brief, local(at).strftime("%Y-%m-%dT%H:%M"))
    if kept := session.execute(KEPT, asked).scalar():
        return int(kept)
    facts = brief(session, township_id, at)
    title = f"{facts['township']}工作简报（截至 {facts['cut']}）"
    said = {"title": title, "facts": as_json(facts), "post": post, "person": person}
    return int(session.execute(FREEZE, {**asked, **said}).scalar_one())


def frozen(session: Session, township_id: int, number: int) -> dict[str, Any] | None:
    """The facts of a brief that was kept; None where there is none of this number."""
    asked = {"township": township_id, "kind": PaperKind.brief, "id": number}
    facts: dict[str, Any] | None = session.execute(FROZEN, asked).scalar()
    return facts


def earlier(session: Session, township_id: int, limit: int = 8) -> list[tuple[int, datetime]]:
    """The briefs that were kept, newest first: number and cut-off."""
    rows = session.execute(EARLIER, {"township": township_id, "kind": PaperKind.brief, "limit": limit})
    return [(row.id, row.cut_at) for row in rows]


def picture(facts: dict[str, Any]) -> bytes:
    """The brief as a PNG, as wide as a phone; the same facts give the same picture."""
    with ONE_AT_A_TIME:
        made = _typesetter().compile(format="png", ppi=DOTS, sys_inputs={"facts": json.dumps(facts, ensure_ascii=False, sort_keys=True)})
    return cast(bytes, made[0] if isinstance(made, list) else made)


@lru_cache(maxsize=1)
def _typesetter() -> typst.Compiler:
    """With the fonts that come along and no others, so that two machines draw the same."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[Path(str(files(FONTS)))])
    return typst.Compiler(SOURCE, root=SOURCE.parent, font_paths=fonts)
