"""Will everything be closed by the deadline? Worked out from the campaign's own flow of cases; pure and the same everywhere.

A discrete-time multi-state model with occurrence/exposure rates (Aalen and Johansen, Scand. J. Statist. 5 (1978) 141–150, in steps of a
day): of all the days so far that a case spent in a state, so near to its due time, in what share did the next day find it in which
state? From these shares follows, day by day back from the deadline, how likely each open case is still open then. docs/numbers.md
explains it in words.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import takewhile
from math import ceil, exp, inf, prod
from statistics import median_low

from models.calendar import Calendar
from models.clock import day_of, local
from models.enumerations import Field, HazardState, Word
from papers.numbers.lives import Flow, Life, Move

S = HazardState
ONE_DAY = timedelta(days=1)
WITH_THE_OWNER = (S.assigned, S.rectifying)
LEAST_CASE_DAYS = 100  # before that many days of cases have been seen, no chance is given
PSEUDO_DAYS = 10.0  # how many case-days a class or a bucket needs before it weighs as much as the whole around it
ARRIVALS_OVER = 14  # days that tell how many new findings a day brings
AGES = 4
Key = tuple[HazardState | bool | int | str, ...]
Stand = tuple[HazardState, int, date | None]  # state, days in it (counted up to AGES, with an office only), due day


class Basis(Word):
    """What a forecast rests on, or why there is none."""

    flow = "flow", "按本次行动以来案卷的实际流转推算", "worked out from how cases have moved in this campaign"
    too_early = "too_early", "行动开始不久，经历还太少，暂不推算", "too early: too few days of cases have been seen"
    over = "over", "行动已经截止", "the campaign is over"
    nothing_open = "nothing_open", "目前没有未销号的隐患，只计今后可能新发现的", "nothing is open now; only new findings count"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of one unit at the deadline.

    `chance`: that all is closed then, from 0 to 1, None where nothing can be said; `expected`: hazards still open then, `new`: findings
    still to come. `per_day`: closures a day needed from now so that all, the new ones too, are closed in time (None after the deadline).
    """

    unit: str
    zh: str
    en: str
    open: int
    chance: float | None
    expected: float | None
    new: float | None
    per_day: int | None
    basis: Basis


@dataclass(frozen=True, slots=True)
class Forecast:
    """The campaign's outlook at a business time. `days` are the days left, `case_days` how many days of cases it was learnt from;
    `odds` is each open case's probability of being open at the deadline, by code."""

    campaign: str
    days: int
    case_days: int
    whole: Outlook
    villages: tuple[Outlook, ...]
    fields: tuple[Outlook, ...]
    odds: dict[str, float]


def forecast(flow: Flow, at: datetime) -> Forecast:
    """The outlook at business time `at`, from what had happened by then. Before noon the day itself still counts as a whole one."""
    lives = [known for life in flow.lives if (known := life.until(at))]
    learnt_until = day_of(at) - ONE_DAY if local(at).time() < time(12) else day_of(at)
    pace = Pace(lives, day_of(flow.starts_at), learnt_until, flow.last_day, flow.calendar, _still_to_find(flow, len(lives), at))
    over = at > flow.deadline
    odds = {life.code: 1.0 if over else pace.open_at_the_end(life) for life in lives if not life.moves[-1].state.ended}
    pool = Pool(len(lives), odds, pace, over)
    seen = frozenset(life.field for life in lives)
    return Forecast(
        flow.campaign, pace.days, pace.case_days, pool.outlook(flow.campaign, "全镇", "the township", lives),
        tuple(pool.outlook(code, name, name, [life for life in lives if life.village == code]) for code, name in flow.villages),
        tuple(pool.outlook(word, word.zh, word.en, [life for life in lives if life.field == word]) for word in Field if word in seen),
        odds,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pool:
    """Everything that a unit's outlook is drawn from."""

    found: int
    odds: dict[str, float]
    pace: Pace
    over: bool

    def outlook(self, unit: str, zh: str, en: str, own: Sequence[Life]) -> Outlook:
        """Cases close independently of each other; new findings come as a Poisson stream, so that those left open are one too."""
        odds = [self.odds[life.code] for life in own if life.code in self.odds]
        share = len(own) / self.found if self.found else 0.0
        new, new_open = self.pace.arriving * share, self.pace.arriving_open * share
        days = max(1, self.pace.days)
        if self.over:
            return Outlook(unit, zh, en, len(odds), float(not odds), float(len(odds)), 0.0, None, Basis.over)
        if self.pace.case_days < LEAST_CASE_DAYS:
            return Outlook(unit, zh, en, len(odds), None, None, None, ceil(len(odds) / days), Basis.too_early)
        chance = prod(1 - each for each in odds) * exp(-new_open)
        per_day = ceil(round((len(odds) + new) / days, 6))
        return Outlook(unit, zh, en, len(odds), chance, sum(odds) + new_open, new, per_day, Basis.flow if odds else Basis.nothing_open)


class Pace:
    """How cases have moved so far, and what follows for the days that are left."""

    def __init__(self, lives: list[Life], first: date, until: date, last: date, calendar: Calendar, to_find: float = inf) -> None:
        self.until, self.last, self.calendar, self.to_find = until, last, calendar, to_find
        self.days = max(0, (last - until).days)
        self.case_days = 0
        self._seen: dict[Key, Counter[HazardState | None]] = defaultdict(Counter)
        self._new: dict[bool, Counter[HazardState | None]] = {True: Counter(), False: Counter()}
        self._arrived: Counter[bool] = Counter()
        self._kinds = Counter(life.kind for life in lives)
        self._spans = _spans(lives)
        for life in lives:
            self._learn(life)
        self._recent = [until - n * ONE_DAY for n in range(min(ARRIVALS_OVER, max(0, (until - first).days + 1)))]
        self._open = cache(self._still_open)
        self.arriving, self.arriving_open = self._arrivals()

    def open_at_the_end(self, life: Life) -> float:
        """The probability that an open case is still open when the last day ends."""
        return self._open(self.until, life.kind, _stand(life.moves, self.until))

    def _learn(self, life: Life) -> None:
        """Every day of a case counts once: a case that is still open is simply seen no further (right-censored)."""
        before: Stand | None = None
        for day in _days(life, self.until):
            after = _stand_at_the_end(life, day)
            state = after[0] if after else None
            works = self.calendar.is_working_day(day)
            if before:
                self.case_days += 1
                for key in _keys(before, works, life.kind, day - ONE_DAY):
                    self._seen[key][state] += 1
            elif state is not None or day == day_of(life.moves[0].at):
                self._new[works][state] += 1
                self._arrived[works] += (self.until - day).days < ARRIVALS_OVER
            before = after

    def _still_open(self, day: date, kind: str, stand: Stand) -> float:
        """The same of a case that stands so at the end of `day`: one step at a time, back from the end."""
        if day >= self.last:
            return 1.0
        tomorrow = day + ONE_DAY
        shares = self._shares(stand, self.calendar.is_working_day(tomorrow), kind, day)
        return sum(share * self._open(tomorrow, kind, self._next(stand, state, kind, tomorrow)) for state, share in shares.items() if state)

    def _next(self, stand: Stand, state: HazardState, kind: str, day: date) -> Stand:
        before, age, due = stand
        if state in WITH_THE_OWNER:
            if before in (S.found, S.reopened) or due is None:
                due = min(day + timedelta(days=self._spans.get(kind, self._spans[""])), max(self.last, day + ONE_DAY))
            elif before not in WITH_THE_OWNER and due <= day:
                due = day + timedelta(days=2)
            return state, 0, due
        return state, min(age + 1, AGES) if state == before else 0, due

    def _shares(self, stand: Stand, works: bool, kind: str, day: date) -> dict[HazardState | None, float]:
        """The class within its bucket, drawn towards the bucket, drawn towards the state; what was never seen is taken to stay."""
        shares: dict[HazardState | None, float] = {stand[0]: 1.0}
        weight = 1.0
        for key in _keys(stand, works, kind, day):
            tally = self._seen.get(key, Counter())
            seen = sum(tally.values())
            shares = {state: (tally[state] + weight * shares.get(state, 0.0)) / (seen + weight) for state in {*tally, *shares}}
            weight = PSEUDO_DAYS
        return dict(sorted(shares.items(), key=lambda pair: str(pair[0])))

    def _arrivals(self) -> tuple[float, float]:
        """New findings expected until the end, and how many of them will be open then."""
        days = Counter(self.calendar.is_working_day(day) for day in self._recent)
        new = still_open = 0.0
        for n in range(1, self.days + 1):
            day = self.until + n * ONE_DAY
            works = self.calendar.is_working_day(day)
            rate = min(self._arrived[works] / days[works] if days[works] else 0.0, self.to_find - new)
            new += rate
            still_open += rate * self._open_of_new(day, works)
        return new, still_open

    @property
    def _lives(self) -> int:
        return sum(self._kinds.values())

    def _open_of_new(self, day: date, works: bool) -> float:
        tally = self._new[works]
        seen = sum(tally.values())
        pairs = [(state, kind, n / seen * m / self._lives) for state, n in tally.items() if state for kind, m in self._kinds.items()]
        return sum(share * self._open(day, kind, self._next((S.found, 0, None), state, kind, day)) for state, kind, share in sorted(pairs))


def _still_to_find(flow: Flow, found: int, at: datetime) -> float:
    """No more than the places not yet entered will show, each as many as those entered so far; no bound where no visits are recorded."""
    entered = sum(first <= at for first in flow.visits)
    return (flow.places - entered) * found / entered if entered else inf


def _days(life: Life, until: date) -> Iterator[date]:
    """The days from the finding to the last one that has gone by; no further than the last move once it has ended."""
    last = min(until, day_of(life.moves[-1].at)) if life.moves[-1].state.ended else until
    day = day_of(life.moves[0].at)
    while day <= last:
        yield day
        day += ONE_DAY


def _stand_at_the_end(life: Life, day: date) -> Stand | None:
    """How the case stood when the day ended; None where it wasn't open."""
    past = [move for move in life.moves if day_of(move.at) <= day]
    return None if past[-1].state.ended else _stand(past, day)


def _stand(moves: Sequence[Move], day: date) -> Stand:
    """How a case stands on a day after these moves."""
    state, due = moves[-1].state, moves[-1].due
    return state, 0 if state in WITH_THE_OWNER else max(0, min((day - _entered(moves)).days, AGES)), due


def _entered(moves: Sequence[Move]) -> date:
    """The day on which the case came into the state that it is in after the last of `moves`."""
    same = takewhile(lambda move: move.state == moves[-1].state, reversed(moves))
    return day_of(min(move.at for move in same))


def _keys(stand: Stand, works: bool, kind: str, day: date) -> tuple[Key, Key, Key]:
    """From the whole to the particular: the state; within it the bucket; within that the class."""
    state, age, due = stand
    bucket = _nearness((due - day).days) if state in WITH_THE_OWNER and due else age
    return (state, works), (state, works, bucket), (state, works, bucket, kind)


def _nearness(left: int) -> int:
    """Days until the due day ends, in eight steps: overdue for more than a week … more than a week left."""
    return sum(left > limit for limit in (-8, -4, -2, -1, 0, 2, 6))


def _spans(lives: list[Life]) -> dict[str, int]:
    """The days from finding to due day that a class was given so far, by class; under "" of all."""
    given: dict[str, list[int]] = defaultdict(list)
    for life in lives:
        due = next((move.due for move in life.moves if move.due), None)
        if due:
            given[life.kind].append((due - day_of(life.moves[0].at)).days)
            given[""].append((due - day_of(life.moves[0].at)).days)
    return {kind: median_low(days) for kind, days in given.items()} if given else {"": 7}
