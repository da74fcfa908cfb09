"""Each line of a ledger against the township: read column by column, since a column of a hundred thousand lines holds a few dozen words.

What was found at a line is kept only where something is wrong with it: memory grows with the faults, not with the lines.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import day_of, start_of
from papers.ledger.cell import Fault, Reader, folded, readers
from papers.ledger.finding import clash, identity
from papers.ledger.form import Column
from papers.ledger.known import Known, finder, registry_of
from papers.ledger.sheet import Block, Ledger

FAULTS_KEPT = 20_000
ASIDES = ("合计", "总计", "小计", "注", "备注", "说明", "填表", "制表", "审核", "填报", "单位负责人")


@dataclass(slots=True)
class Checked:
    """What a workbook came to. `lines` hold something; of them `fresh` hazards would be registered, `known` are here already, `twice` stand
    in the workbook a second time, `empty` find nothing. `faults` by the line's number in Excel; `faulty` counts all of them."""

    lines: int = 0
    fresh: int = 0
    known: int = 0
    twice: int = 0
    empty: int = 0
    faulty: int = 0
    rectified: int = 0
    faults: dict[int, list[Fault]] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not self.faulty


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is in order and new: its number, its key, its cells by name, its place, and as it stands."""

    number: int
    key: str
    cells: Mapping[str, Any]
    place: Known
    row: Sequence[Any]


# Lists go as one text, of things that have no blanks in them: the driver writes an array element by element.
HERE = text("""
with asked as materialized (select string_to_array(:keys, ' ') as keys)
select key from ledger_row where township_id = :township and key = any((select keys from asked)::text[])
union select code from cases where township_id = :township and code = any((select keys from asked)::text[]) and id <= :before
""")
# Where and when anything was found: most lines are at no place and second at which something was.
NEAR = text("""
select distinct c.place_id, extract(epoch from date_trunc('second', h.found_at))::bigint as second
from cases c join hazard h on h.case_id = c.id
where c.place_id = any(string_to_array(:places, ' ')::int[]) and c.kind = 'hazard' and c.id <= :before
    and h.found_at >= to_timestamp(:first) and h.found_at < to_timestamp(:last + 1)
""")
# The same finding, registered by whatever way: asked for by place, which few hazards share.
ALIKE = text("""
select asked.nth from unnest(cast(:places as int[]), cast(:descriptions as text[]), cast(:moments as bigint[])) with ordinality
    as asked (place, description, found_at, nth)
where exists (
    select from cases c join hazard h on h.case_id = c.id where c.place_id = asked.place and c.kind = 'hazard' and c.id <= :before
        and h.description = asked.description and date_trunc('second', h.found_at) = to_timestamp(asked.found_at)
)
""")
OTHER = text("""
select asked.nth from unnest(cast(:codes as text[]), cast(:descriptions as text[])) with ordinality as asked (code, description, nth)
join cases c on c.township_id = :township and c.code = asked.code and c.id <= :before join hazard h on h.case_id = c.id
where h.description <> asked.description and not exists (select from ledger_row where township_id = :township and key = asked.code)
""")
NEWEST = text("select coalesce(max(id), 0) from cases")
FORMULA = Fault("该单元格是公式，请“复制”后“选择性粘贴为数值”。", "The cell holds a formula: paste its value.")
TAKEN = Fault("本镇已有同一编号的另一条隐患。", "Another hazard has this number here.", "删去“隐患编号”一列，可按内容导入", "隐患编号")


@dataclass(frozen=True, slots=True)
class Said:
    """What lines without a number find, and the keys that they have by it: where each stands in its block, its place by id, its words,
    and when, in seconds since 1970."""

    lines: list[int]
    places: list[int]
    descriptions: list[str]
    seconds: list[int]
    keys: list[str]


@dataclass(slots=True)
class Check:
    """One ledger against one township as of `now` (business time)."""

    session: Session
    ledger: Ledger
    township_id: int
    now: datetime
    found: Checked = field(default_factory=Checked)
    _readers: Mapping[str, Callable[[Sequence[Any]], list[Any]]] = field(init=False)
    _places: Reader = field(init=False)
    _seen: set[str] = field(default_factory=set)
    _before: int = field(init=False)

    def __post_init__(self) -> None:
        self._before = self.session.execute(NEWEST).scalar_one()
        self._readers = readers(self.now)
        self._places = finder(registry_of(self.session, self.township_id))

    def lines(self) -> Iterator[list[Line]]:
        """The lines that are new and in order, a block at a time; `found` grows with them."""
        for block in self.ledger.blocks():
            cells, places, fresh = self._block(block)
            yield [
                Line(block.lines[nth], key, {name: cells[name][nth] for name in cells}, places[nth], block.rows[nth])
                for nth, key in fresh.items()
            ]

    def run(self) -> Checked:
        """Reads all of it and makes no lines."""
        with _uncollected():
            for block in self.ledger.blocks():
                self._block(block)
        return self.found

    def _block(self, block: Block) -> tuple[Mapping[str, list[Any]], list[Any], dict[int, str]]:
        """The block's cells by name, its places, and the keys of the lines that are new, by where they stand in the block."""
        faults: dict[int, list[Fault]] = {}
        cells = {column.name: self._read(column, block.column(at), faults) for column, at in self._named()}
        places = self._placed(cells, len(block.lines), faults)
        self._formulas(block, faults)
        self._agree(cells, faults)
        here = self._here([code for code in cells.get("code", ()) if code])
        self._others(cells, here, faults)
        empty = self._set_aside(block, cells, faults)
        good = [nth for nth in range(len(block.lines)) if nth not in faults and nth not in empty]
        fresh = self._fresh(cells, places, good, here)
        self._count(block, faults, empty)
        self._add_up(cells, fresh)
        return cells, places, fresh

    def _named(self) -> list[tuple[Column, int]]:
        return [(column, at) for column, at in self.ledger.columns if column.name]

    def _read(self, column: Column, raw: Sequence[Any], faults: dict[int, list[Fault]]) -> list[Any]:
        """The column's values; what is wrong with any of them joins `faults`."""
        found = self._readers[column.read](raw)
        if Fault in set(map(type, found)):
            _note(faults, ((nth, value._replace(column=column.zh)) for nth, value in enumerate(found) if type(value) is Fault))
        if column.needed and None in found:
            missing = Fault(f"没有填写{column.zh}。", f"{column.zh} is missing.", column=column.zh)
            _note(faults, ((nth, missing) for nth, value in enumerate(found) if value is None))
        return found

    def _placed(self, cells: Mapping[str, list[Any]], lines: int, faults: dict[int, list[Fault]]) -> list[Any]:
        none = [None] * lines
        asked = zip(*(cells.get(name, none) for name in ("place_code", "place_name", "village")), strict=True)
        found = list(map(self._places.__getitem__, asked))
        if Fault in set(map(type, found)):
            named = {column.name: column.zh for column, _ in self.ledger.columns}
            wrong = ((nth, value) for nth, value in enumerate(found) if type(value) is Fault)
            _note(faults, ((nth, value._replace(column=named.get(value.column, ""))) for nth, value in wrong))
        return found

    def _formulas(self, block: Block, faults: dict[int, list[Fault]]) -> None:
        """A formula is never worked out: what it came to when it was saved may be old. Where it matters, the value is asked for."""
        if self.ledger.formulas:
            for column, at in self._named():
                fault = FORMULA._replace(column=column.zh)
                _note(faults, ((nth, fault) for nth, line in enumerate(block.lines) if (line - 1, at) in self.ledger.formulas))

    def _agree(self, cells: Mapping[str, list[Any]], faults: dict[int, list[Fault]]) -> None:
        """Columns that must go together."""
        if "grade" in cells and "sla_class" in cells:
            pairs = zip(cells["grade"], cells["sla_class"], strict=True)
            wrong = {pair: fault for pair in set(zip(cells["grade"], cells["sla_class"], strict=True)) if (fault := _clash(*pair))}
            _note(faults, ((nth, wrong[pair]) for nth, pair in enumerate(pairs) if pair in wrong) if wrong else ())
        if "problems" in cells and "count" in cells:
            for nth, (problems, count) in enumerate(zip(cells["problems"], cells["count"], strict=True)):
                if isinstance(count, int) and count != len(problems or ()):
                    zh = f"写明 {count} 个问题，读出 {len(problems or ())} 个，请按“1.”“2.”分列。"
                    _note(faults, [(nth, Fault(zh, f"{count} problems are said, others read.", column="主要存在问题"))])

    def _others(self, cells: Mapping[str, list[Any]], here: set[str], faults: dict[int, list[Fault]]) -> None:
        """A number that is another hazard's here."""
        if here and "description" in cells:
            asked = [nth for nth, code in enumerate(cells["code"]) if code in here and nth not in faults]
            said = {name: [cells[column][nth] for nth in asked] for name, column in (("codes", "code"), ("descriptions", "description"))}
            said["descriptions"] = [each.strip() for each in said["descriptions"]]
            found = self.session.execute(OTHER, {"township": self.township_id, "before": self._before, **said}).scalars()
            _note(faults, [(asked[nth - 1], TAKEN) for nth in found])

    def _set_aside(self, block: Block, cells: Mapping[str, list[Any]], faults: dict[int, list[Fault]]) -> set[int]:
        """Lines that find nothing: blank ones, sums and notes below the table, visits where all was well."""
        empty = {nth for nth in faults if _aside(block.rows[nth])}
        if "problems" in cells:
            empty |= {nth for nth, found in enumerate(cells["problems"]) if found is None and nth not in faults}
        for nth in empty:
            faults.pop(nth, None)
        return empty

    def _fresh(self, cells: Mapping[str, list[Any]], places: list[Any], good: list[int], here: set[str]) -> dict[int, str]:
        """The keys of the good lines that are neither here already nor stand here twice."""
        codes = cells.get("code")
        keys = {nth: codes[nth] for nth in good if codes[nth]} if codes else {}
        said = self._said(cells, places, [nth for nth in good if nth not in keys])
        keys |= zip(said.lines, said.keys, strict=True)
        here = here | self._here(said.keys)
        known = {nth for nth in good if keys[nth] in here}
        known |= self._alike(said, known) if "description" in cells else set()
        fresh: dict[int, str] = {}
        for nth in good:
            if nth not in known and keys[nth] not in self._seen:
                fresh[nth] = keys[nth]
            self._seen.add(keys[nth])
        self.found.known += len(known)
        self.found.twice += len(good) - len(known) - len(fresh)
        return fresh

    def _said(self, cells: Mapping[str, list[Any]], places: list[Any], lines: list[int]) -> Said:
        words, blank = cells.get("description") or cells["problems"], [None] * len(places)
        where, when = cells.get("location", blank), cells.get("found_at", blank)
        today = int(start_of(day_of(self.now)).timestamp())
        said = [each.strip() if isinstance(each := words[nth], str) else "\n".join(each).strip() for nth in lines]
        seconds = [int(found.timestamp()) if (found := when[nth]) else today for nth in lines]
        here, spots = [places[nth] for nth in lines], ((where[nth] or "").strip() for nth in lines)
        keys = list(map(identity, [place.code for place in here], said, spots, seconds))
        return Said(lines, [place.id for place in here], said, seconds, keys)

    def _here(self, keys: list[str]) -> set[str]:
        asked = {"township": self.township_id, "keys": " ".join(keys), "before": self._before}
        return set(self.session.execute(HERE, asked).scalars()) if keys else set()

    def _alike(self, said: Said, known: set[int]) -> set[int]:
        """Of the lines that aren't known yet, those whose finding is here by whatever way."""
        new = [nth for nth, line in enumerate(said.lines) if line not in known]
        if not new:
            return set()
        places, seconds = [said.places[nth] for nth in new], [said.seconds[nth] for nth in new]
        asked = {"places": " ".join(map(str, set(places))), "first": min(seconds), "last": max(seconds), "before": self._before}
        near = {tuple(row) for row in self.session.execute(NEAR, asked)}
        some = [nth for nth, spot in zip(new, zip(places, seconds, strict=True), strict=True) if spot in near]
        these = {
            "places": [said.places[nth] for nth in some], "descriptions": [said.descriptions[nth] for nth in some],
            "moments": [said.seconds[nth] for nth in some], "before": self._before,
        }  # fmt: skip
        return {said.lines[some[nth - 1]] for nth in self.session.execute(ALIKE, these).scalars()} if some else set()

    def _count(self, block: Block, faults: dict[int, list[Fault]], empty: set[int]) -> None:
        self.found.lines += len(block.lines)
        self.found.empty += len(empty)
        self.found.faulty += len(faults)
        for nth in sorted(faults):
            if len(self.found.faults) < FAULTS_KEPT:
                self.found.faults[block.lines[nth]] = faults[nth]

    def _add_up(self, cells: Mapping[str, list[Any]], fresh: Mapping[int, str]) -> None:
        self.found.fresh += sum(len(cells["problems"][nth]) for nth in fresh) if "problems" in cells else len(fresh)
        self.found.rectified += sum(cells["rectified"][nth] == "已整改" for nth in fresh) if "rectified" in cells else 0


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles, which would look through millions of cells for some: there are none in a sheet."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _clash(grade: Any, sla_class: Any) -> Fault | None:
    return None if Fault in (type(grade), type(sla_class)) else clash(grade, sla_class)


def _note(faults: dict[int, list[Fault]], found: Any) -> None:
    for nth, fault in found:
        faults.setdefault(nth, []).append(fault)


def _aside(row: Sequence[Any]) -> bool:
    """Blank but for blanks, or a sum or a note: what stands first says so and most of the line is empty."""
    said = [folded(cell) for cell in row if cell != ""]
    filled = [each for each in said if each]
    return not filled or (len(filled) <= max(3, len(row) // 4) and filled[0].replace(" ", "").startswith(ASIDES))


def check(session: Session, ledger: Ledger, township_id: int, now: datetime) -> Checked:
    """Reads the whole ledger and registers nothing."""
    return Check(session, ledger, township_id, now).run()
