"""Criteria with their days: is a cited clause in force, how is a checklist's item graded on a day, which open hazards stand otherwise.

A clause is cited as people write it: «矿安〔2022〕88号 一（一）1», «《工贸企业重大事故隐患判定标准》（应急管理部令第10号）第三条第二项».
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import Grade, SlaClass, Word


class Standing(Word):
    """What the library of law says of a clause that somebody cites."""

    unsaid = "unsaid", "没有引用条款", "no clause is cited"
    unchecked = "unchecked", "本镇没有法规库，未核对", "the township keeps no library; not looked up"
    unknown = "unknown", "法规库里没有这一条", "the library doesn't have it"
    not_in_force = "not_in_force", "当日未施行或已废止", "not in force on the day"
    in_force = "in_force", "当日有效", "in force on the day"

    @property
    def holds(self) -> bool | None:
        """Whether a grade may rest on it; None where nothing is cited. Where there is no library, whoever cites it answers for it."""
        return None if self is Standing.unsaid else self in (Standing.in_force, Standing.unchecked)


class Part(NamedTuple):
    """One step of an article's number: `unit` is 条, 款, 项 …, empty where only a number stands."""

    number: int
    unit: str


NUMERALS = "〇零一二三四五六七八九"
FIGURE = rf"\(?(?:\d+|[{NUMERALS}十百]+)\)?"
UNIT = r"(?:条|款|项|目|章|节|编|部分)"
PART = re.compile(rf"(之)?第?\(?(\d+|[{NUMERALS}十百]+)\)?({UNIT})?\.?")
ARTICLE = re.compile(rf"(?:之?第?{FIGURE}{UNIT}?\.?)+")
OF_AN_ORDER = re.compile(rf"第?([{NUMERALS}十百]+)号")
BEFORE_ITS_ARTICLE = re.compile(rf"(?:[|),:]|\((?!{FIGURE}\))[^()]*\))*")
BEFORE_ITS_NAME = r"(?:^|[^\w]|依据|根据|依照|按照|按|违反|符合|属于|中华人民共和国|和|及|与|或)"
SIGNS = {"(": "〔[【﹝", ")": "〕]】﹞", "|": "《》〈〉“”\"'", "-": "—–‐"}
WRITTEN_AS = str.maketrans({other: sign for sign, others in SIGNS.items() for other in others})

LIBRARY = text("select instrument, article, from_day, to_day from clause where township_id = :township_id order by instrument, article")


def clause_standing(session: Session, township_id: int, said: str, days: Sequence[date]) -> Standing:
    """Whether a clause that `said` cites was in force on one of the days (China's); of several that are cited, the best one counts.

    An open hazard is judged by the criteria of the day it was found or of today: pass both. An article stands for its paragraphs and items
    and they for it; an instrument cited without an article is in force with any of its articles.
    """
    if not said.strip():
        return Standing.unsaid
    library = session.execute(LIBRARY, {"township_id": township_id}).all()
    return read_clause(said, days, library) if library else Standing.unchecked


def read_clause(said: str, days: Sequence[date], library: Iterable[Any]) -> Standing:
    """The same, of clauses that have been read: each with instrument, article, from_day, to_day (inclusive, None: still in force)."""
    cited, best = _written(said), Standing.unknown
    for clause in library:
        if not _cites(cited, clause.instrument, clause.article):
            continue
        if any(clause.from_day <= day and (clause.to_day is None or day <= clause.to_day) for day in days):
            return Standing.in_force
        best = Standing.not_in_force
    return best


def _cites(cited: str, instrument: str, article: str) -> bool:
    return any(
        _is_about(cited[found.end() :], _written(article))
        for name in _names(instrument)
        for found in re.finditer(f"{BEFORE_ITS_NAME}{re.escape(name)}", cited)
    )


def _names(instrument: str) -> set[str]:
    """«工贸企业重大事故隐患判定标准（应急管理部令第10号）» is also cited by its title or by its number alone."""
    whole = _written(instrument).strip("|")
    title, _, remark = whole.removesuffix(")").partition("(") if whole.endswith(")") else (whole, "", "")
    return {name.strip("|") for name in (whole, title, remark if "号" in remark else "") if name.strip("|")}


def _is_about(rest: str, article: str) -> bool:
    """Whether what follows an instrument's name is this article, a part of it, the whole that it is part of, or nothing.

    A name that goes on is another instrument's («消防法实施办法»).
    """
    rest = BEFORE_ITS_ARTICLE.sub("", rest, count=1)
    if not rest or rest[0] in ";、。":
        return True
    cited, known = ARTICLE.match(rest), ARTICLE.match(article)
    return _covers(_parts(cited[0]), _parts(known[0])) if cited and known else rest.startswith(article)


def _covers(cited: Sequence[Part], known: Sequence[Part]) -> bool:
    both = zip(cited, known, strict=False)
    return all(one.number == other.number and (one.unit == other.unit or not (one.unit and other.unit)) for one, other in both)


def _parts(article: str) -> list[Part]:
    return [Part(_number(part[2]), part[1] or part[3] or "") for part in PART.finditer(article)]


def _number(said: str) -> int:
    """«31», «三十一», «一百三十三», «二〇二二»."""
    if not set(said) & {"十", "百"}:
        return int("".join(sign if sign.isdecimal() else str(_digit(sign)) for sign in said))
    number = digit = 0
    for sign in said:
        if sign in "十百":
            number += (digit or 1) * (10 if sign == "十" else 100)
            digit = 0
        else:
            digit = _digit(sign)
    return number + digit


def _digit(numeral: str) -> int:
    return max(NUMERALS.index(numeral) - 1, 0)


def _written(said: str) -> str:
    """One way of writing: narrow signs, round brackets, no spaces, orders numbered with figures; quotation marks stand as «|»."""
    narrow = "".join(unicodedata.normalize("NFKC", said).translate(WRITTEN_AS).split()).casefold()
    return OF_AN_ORDER.sub(lambda order: f"第{_number(order[1])}号", narrow)


@dataclass(frozen=True, slots=True)
class Graded:
    """How an item is graded on a day, by which clause; `since` when, if it wasn't so from the beginning."""

    grade: Grade
    sla_class: SlaClass
    clause: str
    since: date | None = None


def graded(item: Mapping[str, Any], day: date) -> Graded:
    """The item of a checklist by the criteria in force on a day of China's."""
    changes = sorted((each for each in item.get("changes", ()) if each["from"] <= day.isoformat()), key=lambda each: str(each["from"]))
    said = changes[-1] if changes else item
    since = date.fromisoformat(said["from"]) if changes else None
    return Graded(Grade(said["grade"]), SlaClass(said["sla_class"]), said["clause"], since)


ITEM = text("""
select item from (select distinct on (code) body from checklist where township_id = :township_id order by code, version desc) newest,
    jsonb_array_elements(newest.body -> 'items') item
where item ->> 'code' = :code limit 1
""")


def item_of(session: Session, township_id: int, code: str) -> dict[str, Any] | None:
    """An item of the township's newest checklists; None where none has it (any more)."""
    found: dict[str, Any] | None = session.execute(ITEM, {"township_id": township_id, "code": code}).scalar()
    return found


@dataclass(frozen=True, slots=True)
class RegradeOffer:
    """An open hazard that today's criteria grade otherwise than it stands. `grade` is as it stands; the rest, what the criteria say that
    are in force today, `since` a day.
    """

    code: str
    item: str
    grade: Grade
    grade_now: Grade
    sla_class: SlaClass
    clause: str
    since: date


CHANGED = text("""
select item from (select distinct on (code) body from checklist where township_id = :township_id order by code, version desc) newest,
    jsonb_array_elements(newest.body -> 'items') item
where jsonb_path_exists(item, '$.changes[*].from ? (@ <= $today)', jsonb_build_object('today', cast(:today as text)))
""")
OPEN_BY_ITEM = text("""
select c.code, c.grade, h.sla_class, h.item, h.found_at from cases c join hazard h on h.case_id = c.id
where c.township_id = :township_id and c.kind = 'hazard' and c.ended_at is null and h.item = any(:items) order by c.code
""")


def regrade_offers(session: Session, township_id: int, now: datetime) -> list[RegradeOffer]:
    """Open hazards whose item is graded anew by criteria in force on the day of `now`, in the order of their codes.

    Offered is what stands in another grade, and what was found before the change and still stands in the class of then.
    """
    today = day_of(now)
    found = session.execute(CHANGED, {"township_id": township_id, "today": today.isoformat()}).scalars()
    items = {item["code"]: item for item in found}
    rows = session.execute(OPEN_BY_ITEM, {"township_id": township_id, "items": list(items)})
    return [offer for row in rows if (offer := _offer(row, items[row.item], today))]


def _offer(row: Row[Any], item: Mapping[str, Any], today: date) -> RegradeOffer | None:
    then, by_now = graded(item, day_of(row.found_at)), graded(item, today)
    overtaken = then.since != by_now.since and then.sla_class == row.sla_class != by_now.sla_class
    if by_now.since is None or (row.grade == by_now.grade and not overtaken):
        return None
    return RegradeOffer(row.code, row.item, Grade(row.grade), by_now.grade, by_now.sla_class, by_now.clause, by_now.since)


def tell_new_criteria(session: Session, township_id: int, now: datetime, after: date) -> list[RegradeOffer]:
    """The offers whose criteria came into force after a day, up to today: what a daily round has not told yet."""
    return [offer for offer in regrade_offers(session, township_id, now) if offer.since > after]
