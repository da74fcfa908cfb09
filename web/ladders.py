"""The ladders as they are set: for each clock and grade, in each version, who is told when; and how many clocks run on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.enumerations import Clock, Grade, PostKind
from web.caller import Caller

OWN_POSTS = {"responsible": "责任岗位", "approver": "审批岗位"}


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told: a kind of post with how many posts of it are vacant today, or the case's own post."""

    zh: str
    posts: int = 0
    vacant: int = 0

    @property
    def nobody(self) -> bool:
        """Nobody hears of it by this name today; it goes up the chain."""
        return self.vacant > 0 and self.vacant == self.posts


@dataclass(frozen=True, slots=True)
class Step:
    """One rung. `hours` from the due time, before it when negative; `working`: of working time, in which 24 make one working day."""

    level: int
    hours: float
    working: bool
    told: tuple[Told, ...]
    urge_letter: bool

    @property
    def when(self) -> str:
        """«到期前 3 天», «到期时», «逾期 5 个工作日»."""
        if not self.hours:
            return "到期时"
        span = abs(self.hours)
        unit = "个工作日" if self.working else "天"
        said = f"{span / 24:g} {unit}" if span % 24 == 0 or self.working else f"{span:g} 小时"
        return f"{'到期前' if self.hours < 0 else '逾期'} {said}"


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `running`: how many clocks run on it; `example`: the code of an open case whose page shows what it foresees."""

    number: int
    repeat_hours: int
    steps: tuple[Step, ...]
    running: int
    example: str | None


@dataclass(frozen=True, slots=True)
class Ladder:
    """The newest version first."""

    clock: Clock
    grade: Grade
    versions: tuple[Version, ...]


LADDERS = text("""
select ladder.id, ladder.clock, ladder.grade, ladder.version, ladder.repeat_hours,
    (select jsonb_agg(jsonb_build_object('level', level, 'hours', offset_hours, 'working', working, 'told', told, 'letter', urge_letter)
        order by position) from rung where ladder_id = ladder.id) as rungs,
    coalesce(clocks.running, 0) as running, clocks.example
from ladder left join (
    select timer.ladder_id, count(*) as running, min(cases.code) as example from timer join cases on cases.id = timer.case_id
    where timer.stopped_at is null and cases.township_id = :township group by 1
) clocks on clocks.ladder_id = ladder.id
where ladder.township_id = :township order by ladder.version desc
""")
KINDS = text("""
select post.kind, count(*) as posts, count(*) filter (where not exists (
    select from holding where post_id = post.id and :day >= from_day and :day <= coalesce(to_day, 'infinity'))) as vacant
from post where township_id = :township and active group by 1
""")


def read(session: Session, caller: Caller) -> list[Ladder]:
    """Every ladder of the township in the order of the clocks, general before major."""
    asked = {"township": caller.township_id, "day": caller.day}
    kinds = {row.kind: (row.posts, row.vacant) for row in session.execute(KINDS, asked)}
    rows = session.execute(LADDERS, asked).all()
    pairs = [(clock, grade) for clock in Clock for grade in Grade]
    found = [(pair, [row for row in rows if (row.clock, row.grade) == pair]) for pair in pairs]
    return [Ladder(clock, grade, tuple(_version(row, kinds) for row in own)) for (clock, grade), own in found if own]


def _version(row: Any, kinds: dict[str, tuple[int, int]]) -> Version:
    steps = tuple(
        Step(each["level"], each["hours"], each["working"], _told(each["told"], kinds), each["letter"]) for each in row.rungs or ()
    )
    return Version(row.version, row.repeat_hours, steps, row.running, row.example)


def _told(words: Sequence[str], kinds: dict[str, tuple[int, int]]) -> tuple[Told, ...]:
    return tuple(
        Told(PostKind(word).zh, *kinds.get(word, (0, 0))) if word in PostKind.__members__ else Told(OWN_POSTS.get(word, word))
        for word in words
    )
