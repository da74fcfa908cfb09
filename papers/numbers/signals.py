"""Signs of faked rectification (虚假整改) and of doubtful zeros. Each is a question for people to go and look, never a verdict.

Photos that look alike are found without comparing each with each: the 64 bits of `look` are cut into 8 bytes. Two that differ in at most
6 bits differ in at most 6 bytes, so that at least 2 of the 8 are equal: only photos that share one of the 28 pairs of bytes are compared
bit by bit. None is missed, and of unlike pictures one pair in some 2 300 is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from models.clock import say
from models.enumerations import Word
from papers.numbers.kpi import By, Numbers, numbers_by

NEAR = 6  # bits of 64 in which two pictures of the same thing may differ
FEATURELESS = 6  # a picture with fewer bits set, or unset, is a wall or a dark room and looks like every other
QUICK = timedelta(minutes=30)
LEAST_HAZARDS = 5


class SignalKind(Word):
    reused_photo = "reused_photo", "照片重复使用", "photo used before"
    similar_photo = "similar_photo", "照片高度相似", "photo looks like another"
    older_photo = "older_photo", "照片早于发现时间", "photo older than the finding"
    quick_closure = "quick_closure", "交办后即销号", "closed within minutes"
    perfect_rate = "perfect_rate", "各项全满分", "perfect in everything"
    no_hazards = "no_hazards", "零隐患", "no hazards"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something to look at: a case and its place, or a unit by its code. `facts` are what it rests on; times in them are aware."""

    kind: SignalKind
    zh: str
    en: str
    case: str | None = None
    place: str | None = None
    unit: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


OURS = """
from evidence e join cases c on c.id = e.case_id and c.kind = 'hazard' and c.township_id = :township
join hazard h on h.case_id = c.id join place on place.id = c.place_id
"""
SINCE = "e.added_at <= :at and (cast(:since as timestamptz) is null or e.added_at >= :since)"

# The evidence of a duplicate goes to the case that it repeats: that is no second use.
REUSED = text(f"""
select distinct on (c.id, e.sha256) c.code, place.code as place, before.code as other, there.code as other_place, e.added_at
{OURS}
join evidence o on o.sha256 = e.sha256 and o.case_id <> e.case_id and (o.added_at, o.id) < (e.added_at, e.id)
join cases before on before.id = o.case_id and before.township_id = c.township_id join hazard bh on bh.case_id = before.id
join place there on there.id = before.place_id
where e.kind in ('after', 'photo') and {SINCE}
    and h.duplicate_of_id is distinct from before.id and bh.duplicate_of_id is distinct from c.id
order by c.id, e.sha256, o.added_at, o.id
""")

SIMILAR = text(f"""
with looks as materialized (
    select e.id, e.case_id, e.look, e.sha256, e.added_at, c.code, place.code as place, h.duplicate_of_id,
        e.kind in ('after', 'photo') and {SINCE} as asked
    {OURS}
    where e.kind in ('before', 'after', 'photo') and bit_count(e.look::bit(64)) between :featureless and 64 - :featureless
        and e.added_at <= :at
),
keys as materialized (
    select id, case_id, asked, (i * 8 + j) * 65536 + ((look >> i * 8) & 255) * 256 + ((look >> j * 8) & 255) as key
    from looks, generate_series(0, 6) i, generate_series(i + 1, 7) j
),
met as (
    select distinct a.id as asked_id, b.id as other_id from keys a join keys b on b.key = a.key and b.case_id <> a.case_id where a.asked
)
select distinct on (mine.id) mine.code, mine.place, other.code as other, other.place as other_place, mine.added_at,
    bit_count(mine.look::bit(64) # other.look::bit(64)) as bits
from met join looks mine on mine.id = asked_id join looks other on other.id = other_id
where (other.added_at, other.id) < (mine.added_at, mine.id) and other.sha256 <> mine.sha256
    and bit_count(mine.look::bit(64) # other.look::bit(64)) <= :near
    and mine.duplicate_of_id is distinct from other.case_id and other.duplicate_of_id is distinct from mine.case_id
order by mine.id, bits, other.id
""")

OLDER = text(f"""
select c.code, place.code as place, h.found_at, min(e.taken_at) as taken_at {OURS}
where e.kind in ('after', 'photo') and e.taken_at < h.found_at and {SINCE} group by c.id, place.id, h.case_id order by c.id
""")

# A fix on the spot is assigned and mended in one visit, before the eyes of the inspector: its haste is no sign of anything.
HASTY = text("""
select c.code, place.code as place, h.assigned_at, h.closed_at
from cases c join hazard h on h.case_id = c.id join place on place.id = c.place_id
where c.township_id = :township and c.kind = 'hazard' and not h.on_spot and h.closed_at < h.assigned_at + :quick
    and h.closed_at <= :at and (cast(:since as timestamptz) is null or h.closed_at >= :since)
order by c.id
""")


def signals(session: Session, township_id: int, at: datetime, *, since: datetime | None = None) -> list[Signal]:
    """What deserves a look at business time `at`; of photos and closures only those since `since`, beside everything that came before."""
    asked = {"township": township_id, "at": at, "since": since}
    alike = {**asked, "near": NEAR, "featureless": FEATURELESS}
    found = [_reused(row) for row in session.execute(REUSED, asked)]
    found += [_similar(row) for row in session.execute(SIMILAR, alike)]
    found += [_older(row) for row in session.execute(OLDER, asked)]
    found += [_hasty(row) for row in session.execute(HASTY, {**asked, "quick": QUICK})]
    return [*found, *_doubtful(numbers_by(session, township_id, at, By.village))]


def _reused(row: Row[Any]) -> Signal:
    return Signal(
        SignalKind.reused_photo, f"{row.code} 的整改照片与 {row.other} 的照片完全相同，请核实是否到场整改。",
        f"A photo of {row.code} is the very one of {row.other}: see whether the work was done.",
        row.code, row.place, facts={"other": row.other, "other_place": row.other_place, "added_at": row.added_at},
    )  # fmt: skip


def _similar(row: Row[Any]) -> Signal:
    return Signal(
        SignalKind.similar_photo, f"{row.code} 的整改照片与 {row.other} 的照片高度相似（64位中相差{row.bits}位），请比对核实。",
        f"A photo of {row.code} looks like one of {row.other} ({row.bits} of 64 bits differ): compare the two.",
        row.code, row.place, facts={"other": row.other, "other_place": row.other_place, "bits": row.bits, "added_at": row.added_at},
    )  # fmt: skip


def _older(row: Row[Any]) -> Signal:
    return Signal(
        SignalKind.older_photo, f"{row.code} 的整改照片拍摄于{say(row.taken_at)}，早于发现时间{say(row.found_at)}，请核实。",
        f"A photo of {row.code} was taken before the hazard was found: check it.",
        row.code, row.place, facts={"taken_at": row.taken_at, "found_at": row.found_at},
    )  # fmt: skip


def _hasty(row: Row[Any]) -> Signal:
    minutes = int((row.closed_at - row.assigned_at).total_seconds() // 60)
    return Signal(
        SignalKind.quick_closure, f"{row.code} 交办后{minutes}分钟即销号，请核实整改和复查是否属实。",
        f"{row.code} was closed {minutes} minutes after its assignment: see whether it was mended and re-inspected.",
        row.code, row.place, facts={"assigned_at": row.assigned_at, "closed_at": row.closed_at, "minutes": minutes},
    )  # fmt: skip


def _doubtful(villages: list[Numbers]) -> Iterator[Signal]:
    for village in villages:
        if village.no_hazards:
            yield Signal(
                SignalKind.no_hazards, f"{village.zh}：检查{village.inspections}次，无一条有效隐患，请抽查复核。",
                f"{village.en}: {village.inspections} inspections and not one valid hazard: look at a sample again.",
                unit=village.unit, facts={"inspections": village.inspections},
            )  # fmt: skip
        if _perfect(village):
            yield Signal(
                SignalKind.perfect_rate, f"{village.zh}：{village.valid}条隐患的整改率、按期率、一次合格率均为100%，无一反弹，请抽查复核。",
                f"{village.en}: all {village.valid} hazards closed, in time, at the first try, and none came back: look at a sample again.",
                unit=village.unit, facts={"valid": village.valid},
            )  # fmt: skip


def _perfect(numbers: Numbers) -> bool:
    """整改率 100 % with zero late, zero failed at re-inspection and zero that came back; from five hazards on."""
    return numbers.valid >= LEAST_HAZARDS and (numbers.rate, numbers.on_time, numbers.first_pass, numbers.rebound) == (1.0, 1.0, 1.0, 0.0)
