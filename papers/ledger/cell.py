"""What is meant by what stands in a cell: dates however they are written, words of the field by their labels, flags, texts as they are.

A reader answers the value, None for a blank cell, or a Fault. Digits and letters of full width count as those of half width, but in free
text, which is kept as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from rapidfuzz import fuzz, process

from models.clock import SHANGHAI, day_of, parse_time, utc
from models.enumerations import Field, Grade, InspectionTrigger, Nature, PlaceKind, SlaClass, Source, Threat, Word
from papers.ledger.official import RECTIFIED, STANDS
from papers.ledger.words import CUT

SIMILAR = 50  # of 100: names of two characters that share one; below it a guess is more likely wrong than right
SENSIBLE_YEARS = range(1950, 2200)
SERIALS = (18264.0, 109575.0)  # Excel's numbers of the days 1950-01-01 and 2200-01-01
EXCEL_BEGINS = datetime.combine(date(1899, 12, 30), time(0))


class Fault(NamedTuple):
    """Why a cell can't be read, what may have been meant, and in which column it stands (filled in where that is known)."""

    zh: str
    en: str
    meant: str = ""
    column: str = ""


def folded(said: Any) -> str:
    """The text of a cell with width and blanks evened out."""
    return " ".join(unicodedata.normalize("NFKC", shown(said)).split())


def shown(cell: Any) -> str:
    """The cell as text: whole numbers without a point, times as Excel shows them."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)


def verbatim(cell: Any) -> str | Fault | None:
    said = shown(cell)
    if said.endswith(CUT):
        return Fault("文字在导出时被截断，不能再导入。", "The text was cut when it was exported.")
    return said if said.strip() else None


def texts(cells: Sequence[Any]) -> list[str | Fault | None]:
    """`verbatim` of many; at once where all are ordinary texts."""
    if set(map(type, cells)) == {str} and CUT not in "\n".join(cells):
        return [cell if cell and not cell.isspace() else None for cell in cells]
    return list(map(verbatim, cells))


def name(cell: Any) -> str | None:
    return folded(cell) or None


def code(cell: Any) -> str | None:
    return folded(cell).replace(" ", "") or None


def basis(cell: Any) -> list[str] | None:
    said = shown(cell)
    return said.split("\n") if said.strip() else None


def flag(cell: Any) -> bool | Fault | None:
    said = folded(cell).lower()
    if said in ("", "否", "no", "false", "0", "无", "×"):
        return None if said == "" else False
    if said in ("是", "yes", "true", "1", "√", "有"):
        return True
    return Fault(f"“{said}”应填“是”或“否”。", f"{said!r} is neither yes nor no.", "是")


def count(cell: Any) -> int | Fault | None:
    said = folded(cell).removesuffix("个").removesuffix("处").removesuffix("项")
    if not said:
        return None
    return int(said) if said.isdigit() and len(said) < 5 else Fault(f"“{said}”应填数字。", f"{said!r} is not a number.")


def meant(said: str, choices: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """«您是不是指 …» of the nearest choices; empty where nothing is near."""
    near = process.extract(said, list(choices), scorer=fuzz.WRatio, limit=3, score_cutoff=SIMILAR)
    return f"您是不是指：{'、'.join(choice for choice, _, _ in near)}" if near else ""


REMARK = re.compile(r"[(（].*?[)）]")


def one_of(zh: str, *kinds: type[Word]) -> Callable[[Any], Any]:
    """Reads a word of the field by its label or its identifier."""
    known = {key: word for kind in kinds for word in kind for key in (word.zh, word.value, REMARK.sub("", word.zh), f"{word.zh}隐患")}

    def read(cell: Any) -> Word | Fault | None:
        said = folded(cell)
        found = known.get(said) or known.get(REMARK.sub("", said))
        if found or not said:
            return found
        labels = [word.zh for kind in kinds for word in kind]
        near = meant(said, labels) or f"可填：{'、'.join(labels)}"
        return Fault(f"“{said}”不是可选的{zh}。", f"{said!r} is no {kinds[0].__name__}.", near)

    return read


def one_word(zh: str, words: tuple[str, ...]) -> Callable[[Any], Any]:
    def read(cell: Any) -> str | Fault | None:
        said = folded(cell)
        if not said or said in words:
            return said or None
        return Fault(f"“{said}”不是可选的{zh}。", f"{said!r} is not one of {', '.join(words)}.", f"可填：{'、'.join(words)}")

    return read


NUMBERED = re.compile(r"(?:^|[\n；;。])\s*(?:[（(]?\d{1,2}[.．、)）](?!\d)|[①-⑳])\s*")


def problems(cell: Any) -> list[str] | None:
    """The problems that a cell numbers, or the one that it holds; «无» is none."""
    said = shown(cell).strip()
    if not said or said.rstrip("。") in ("无", "没有", "未发现", "未发现问题", "无隐患", "/", "-", "—"):
        return None
    parts = [part.strip(" \n；;") for part in NUMBERED.split(f"\n{said}" if NUMBERED.match(said) is None else said)]
    return [part for part in parts if part] or None


DAY = re.compile(r"(?:(?P<year>\d{4}|\d{2})\s*[-./年]\s*)?(?P<month>\d{1,2})\s*[-./月]\s*(?P<day>\d{1,2})\s*[日号]?")
TOGETHER = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})")
HALF, SECOND = r"(?P<half>上午|下午|晚上|中午)?\s*", r"(?P<second>\d{1,2})?"
HOUR = re.compile(rf"{HALF}(?P<hour>\d{{1,2}})\s*[:时点]\s*(?:(?P<minute>\d{{1,2}})\s*[:分]?\s*{SECOND}(?:\.\d+)?)?\s*[分秒]?")


def moment_by(now: datetime) -> Callable[[Any], datetime | Fault | None]:
    """Reads a time in Shanghai's zone: a day means its 00:00; without a year, the latest such day that is not after `now`."""

    def read(cell: Any) -> datetime | Fault | None:
        try:
            found = _moment(cell, now)
        except (ValueError, OverflowError):
            found = None
            if folded(cell):
                return Fault(f"“{folded(cell)}”不是能识别的日期。", f"{folded(cell)!r} is no date.", "例如 2023-03-01 或 2023-03-01 10:30")
        if found and found > now:
            return Fault(f"“{folded(cell)}”晚于现在，请核对。", f"{folded(cell)!r} lies in the future.")
        return found

    return read


def _moment(cell: Any, now: datetime) -> datetime | None:
    """Raises ValueError for what is no time."""
    if isinstance(cell, datetime):
        return _sensible(cell)
    if isinstance(cell, date):
        return _sensible(datetime.combine(cell, time(0)))
    said = folded(cell)
    if not said:
        return None
    if said.replace(".", "", 1).isdigit() and SERIALS[0] <= float(said) < SERIALS[1] and "." not in said.rstrip("0").rstrip(".")[:5]:
        return _sensible(EXCEL_BEGINS + timedelta(seconds=round(float(said) * 86400)))
    if "T" in said.upper():
        return parse_time(said)
    return _sensible(_written(said, now))


def _written(said: str, now: datetime) -> datetime:
    found = TOGETHER.match(said) or DAY.match(said)
    if found is None:
        raise ValueError(said)
    day = _day(found, said, now)
    rest = said[found.end() :].strip()
    return datetime.combine(day, _hour(rest) if rest else time(0))


def _day(found: re.Match[str], said: str, now: datetime) -> date:
    month, day = int(found["month"]), int(found["day"])
    if found["year"]:
        return date(int(found["year"]) + (2000 if len(found["year"]) == 2 else 0), month, day)
    if "月" not in said:
        raise ValueError(said)
    today = day_of(now)
    here = date(today.year, month, day)
    return here if here <= today else date(today.year - 1, month, day)


def _hour(rest: str) -> time:
    found = HOUR.fullmatch(rest)
    if found is None:
        raise ValueError(rest)
    hour = int(found["hour"])
    later = 12 if found["half"] in ("下午", "晚上") and hour < 12 else 0
    return time(hour + later, int(found["minute"] or 0), int(found["second"] or 0))


def _sensible(wall: datetime) -> datetime:
    if wall.year not in SENSIBLE_YEARS:
        raise ValueError(wall.isoformat())
    rounded = (wall + timedelta(microseconds=500_000)).replace(microsecond=0) if wall.microsecond else wall
    return utc(rounded.replace(tzinfo=SHANGHAI))


def moments_by(now: datetime) -> Callable[[Sequence[Any]], list[datetime | Fault | None]]:
    """Reads many times; at once where all are a workbook's own, to the second."""
    read = Reader(moment_by(now))

    def read_all(cells: Sequence[Any]) -> list[datetime | Fault | None]:
        if set(map(type, cells)) == {datetime} and not any(cell.microsecond for cell in cells):
            earliest, latest = min(cells), max(cells)
            if earliest.year in SENSIBLE_YEARS and utc(latest.replace(tzinfo=SHANGHAI)) <= now:
                return [utc(cell.replace(tzinfo=SHANGHAI)) for cell in cells]
        return list(map(read.__getitem__, cells))

    return read_all


class Reader(dict[Any, Any]):
    """Reads each different cell once."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, cell: Any) -> Any:
        if len(self) > 200_000:
            self.clear()
        found = self[cell] = self.read(cell)
        return found


def each_once(read: Callable[[Any], Any]) -> Callable[[Sequence[Any]], list[Any]]:
    once = Reader(read)
    return lambda cells: list(map(once.__getitem__, cells))


def readers(now: datetime) -> dict[str, Callable[[Sequence[Any]], list[Any]]]:
    """A reader of many cells for every way in which a column is read. `now` is business time."""
    made: dict[str, Callable[[Any], Any]] = {
        "name": name, "code": code, "basis": basis, "flag": flag, "count": count, "problems": problems,
        "grade": one_of("隐患等级", Grade), "sla_class": one_of("时限类别", SlaClass),
        "field": one_of("行业领域", Field), "threat": one_of("六防", Threat), "nature": one_of("隐患性质", Nature),
        "source": one_of("检查方式", Source), "kind": one_of("企业类型", PlaceKind), "trigger": one_of("检查类型", InspectionTrigger),
        "sort": one_of("隐患分类", Grade, Nature, Threat), "rectified": one_word("整改情况", RECTIFIED),
        "stand": one_word("排查状态", STANDS),
    }  # fmt: skip
    return {"text": texts, "verbatim": texts, "moment": moments_by(now), **{how: each_once(read) for how, read in made.items()}}
