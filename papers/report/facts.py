"""The facts of a work report: every value with the query it came from, read once, so that all sentences speak of the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from string import Formatter
from typing import Any

from sqlalchemy import TextClause
from sqlmodel import Session

from models.clock import day_of
from models.enumerations import Field, HazardState, PaperKind, PlaceKind, PostKind, Threat
from papers.report import queries
from papers.statistics.standing import HAZARDS_BY_FIELD
from papers.statistics.tables import NOTHING, percent

Value = int | str


@dataclass(frozen=True, slots=True)
class Fact:
    """One value and the name of the query that gave it. A phrase lists others: they are its `parts`, each as it is `said` there."""

    name: str
    value: Value
    query: str
    parts: tuple[Fact, ...] = ()
    said: str = ""

    @property
    def counts(self) -> bool:
        """Whether there is anything to tell: a zero, an empty text and a rate of nothing are no facts of a sentence."""
        return self.value not in (0, "", NOTHING)


@dataclass(slots=True)
class Facts:
    """By their names. `charts` is what is drawn: labels and series."""

    at: datetime
    known: dict[str, Fact] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, name: str, value: Value | None, query: str, parts: Iterable[Fact] = ()) -> None:
        if value is not None:
            self.known[name] = Fact(name, value, query, tuple(parts))

    def number(self, name: str) -> int:
        """A count; 0 where nothing is known of it."""
        fact = self.known.get(name)
        return int(fact.value) if fact else 0

    def phrase(self, name: str, query: str, parts: Iterable[tuple[str, int, str]], between: str = "，") -> None:
        """A list in words, from (name, count, wording with one {}); what counts nothing is left out, an empty list is no fact."""
        made = [Fact(part, count, query, said=said.format(count)) for part, count, said in parts if count]
        if made:
            self.add(name, between.join(each.said for each in made), query, made)


def sentence(template: str, facts: Mapping[str, Fact]) -> tuple[str, list[Fact]] | None:
    """The sentence and what it rests on; None where a fact is missing or counts nothing (`{name:0}` may be zero)."""
    said, rests_on = [], []
    for words, name, zero, _ in Formatter().parse(template):
        said.append(words)
        if name:
            fact = facts.get(name)
            if fact is None or not (fact.counts or zero == "0"):
                return None
            said.append(str(fact.value))
            rests_on.append(fact)
    return "".join(said), rests_on


SINGLE = ("PLACES", "UNITS", "INSPECTIONS", "HAZARDS", "REPORTS", "ESCALATED", "ISSUED", "TALKS", "GATES", "CONTROLS")
MANY = (
    "PLACES_BY_KIND", "POSTS_BY_KIND", "DUTIES_BY_TITLE", "INSPECTIONS_BY_TEAM", "INSPECTIONS_BY_LEADER", "HAZARDS_BY_STATE",
    "HAZARDS_BY_WEEK", "HAZARDS_BY_THREAT", "INSPECTIONS_BY_FIELD", "PAPERS_BY_FORM",
)  # fmt: skip
MEASURE = {
    PlaceKind.school: "所", PlaceKind.kindergarten: "所", PlaceKind.hospital: "所", PlaceKind.nursing_home: "所",
    PlaceKind.supermarket: "处", PlaceKind.workshop: "处", PlaceKind.mine: "个",
    PlaceKind.tailings_pond: "个", PlaceKind.abandoned_opening: "个", PlaceKind.village_public: "处",
}  # fmt: skip
OTHERS = (PlaceKind.mine, PlaceKind.tailings_pond, PlaceKind.abandoned_opening, PlaceKind.enterprise, PlaceKind.village_public)


def read_facts(session: Session, township_id: int, at: datetime) -> Facts:
    """Everything that a report may tell of the campaign up to the business time `at`; without a campaign, since ever."""
    facts = Facts(at)
    town = dict(session.execute(queries.TOWN, {"township": township_id, "at": at}).mappings().one())
    _town(facts, town)
    asked = {"township": township_id, "at": at, "since": town["starts_at"]}
    for name in SINGLE:
        for key, value in session.execute(_query(name), _of(_query(name), asked)).mappings().one().items():
            facts.add(key, value, name)
    for name in MANY:
        facts.rows[name] = [dict(row) for row in session.execute(_query(name), _of(_query(name), asked)).mappings()]
    facts.rows["HAZARDS_BY_FIELD"] = [dict(row) for row in session.execute(HAZARDS_BY_FIELD, asked).mappings()]
    for tell in TELL:
        tell(facts)
    return facts


def _query(name: str) -> TextClause:
    query: TextClause = getattr(queries, name)
    return query


def _of(query: TextClause, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if name in query._bindparams}


def _town(facts: Facts, town: Mapping[str, Any]) -> None:
    facts.add("town", town["town"], "TOWN")
    kind = next((kind for kind in ("街道", "镇", "乡") if town["town"].endswith(kind)), "")
    facts.add("we", f"我{kind}" if kind else town["town"], "TOWN")
    facts.add("whole", f"全{kind or '域'}", "TOWN")
    facts.add("cut", say_day(day_of(facts.at - timedelta(seconds=1)), year=True), "at")
    if town["campaign"]:
        facts.add("campaign", town["campaign"], "TOWN")
        facts.add("start", say_day(day_of(town["starts_at"]), year=True), "TOWN")
        facts.add("deadline", say_day(day_of(town["deadline"]), year=True), "TOWN")
        facts.add("target_major", _target(town["targets"], "major"), "TOWN")
        facts.add("target_general", _target(town["targets"], "general"), "TOWN")


def say_day(day: date, *, year: bool = False) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if year else f"{day.month}月{day.day}日"


def _target(targets: Mapping[str, Any] | None, grade: str) -> str | None:
    said = (targets or {}).get(grade)
    return f"{said:g}%" if said is not None else None


def _places(facts: Facts) -> None:
    kinds = {PlaceKind(row["kind"]): row for row in facts.rows["PLACES_BY_KIND"]}
    counted = [(kind, kinds[kind]) for kind in PlaceKind if kind in kinds]
    for name in ("nine_small", "crowded"):
        facts.phrase(f"{name}_kinds", "PLACES_BY_KIND", [_kind(kind, row[name]) for kind, row in counted])
    facts.add("street_shops", kinds.get(PlaceKind.street_shop, {}).get("count", 0), "PLACES_BY_KIND")
    scope = [sentence(words, facts.known) for words in SCOPE]
    told = [each for each in scope if each]
    facts.add("scope", "，".join(words for words, _ in told), "PLACES_BY_KIND", [part for _, rests_on in told for part in rests_on])
    facts.phrase("other_kinds", "PLACES_BY_KIND", [_kind(kind, row["count"]) for kind, row in counted if kind in OTHERS], "、")
    for kind, row in counted:
        facts.add(f"places_{kind}", row["count"], "PLACES_BY_KIND")


SCOPE = (
    "“九小”场所{nine_small}家（{nine_small_kinds}）", "沿街门店{street_shops}家", "人员密集场所{crowded}处（{crowded_kinds}）",
)  # fmt: skip


def _kind(kind: PlaceKind, count: int) -> tuple[str, int, str]:
    return f"places_{kind}", count, f"{kind.zh}{{}}{MEASURE.get(kind, '家')}"


LEADING = (
    (PostKind.party_secretary, "党委书记牵头负总责"), (PostKind.township_head, "镇长具体负责"),
    (PostKind.deputy_in_charge, "{}名班子成员分管负责"), (PostKind.station_head, "{}个站所负责人行业监管"),
    (PostKind.village_secretary, "{}名村支部书记属地管理"), (PostKind.grid_member, "{}名网格员包片排查"),
)  # fmt: skip


def _posts(facts: Facts) -> None:
    counts = {row["kind"]: row["count"] for row in facts.rows["POSTS_BY_KIND"]}
    for kind, count in counts.items():
        facts.add(f"posts_{kind}", count, "POSTS_BY_KIND")
    facts.phrase("chain", "POSTS_BY_KIND", [(f"posts_{kind}", counts.get(kind, 0), said) for kind, said in LEADING], "、")


def _duties(facts: Facts) -> None:
    """A duty is told of by the words of its title: 会议, 培训, 演练 and so on are what townships call them."""
    rows = facts.rows["DUTIES_BY_TITLE"]
    for name, words, measure in DUTIES:
        of_it = [row for row in rows if any(word in row["title"] for word in words)]
        facts.phrase(name, "DUTIES_BY_TITLE", [_done(row, measure(row)) for row in of_it], "、")
    at_places = [row for row in rows if row["at_places"] and "培训" in row["title"]]
    facts.phrase("unit_trainings", "DUTIES_BY_TITLE", [_done(row, "家次") for row in at_places], "、")
    meetings = sorted({day for row in rows if "会议" in row["title"] for day in row["days"] or ()})
    facts.add("meeting_days", "、".join(say_day(day) for day in meetings[:12]), "DUTIES_BY_TITLE")
    facts.add("duties_due", sum(row["due"] for row in rows), "DUTIES_BY_TITLE")
    facts.add("duties_kept", sum(row["kept"] for row in rows), "DUTIES_BY_TITLE")
    facts.add("duties_rate", percent(facts.number("duties_kept"), facts.number("duties_due")), "DUTIES_BY_TITLE")


def _done(row: Mapping[str, Any], measure: str) -> tuple[str, int, str]:
    """What was done but once is told with its day."""
    day = f"（{say_day(row['days'][0])}）" if row["done"] == 1 and row["days"] else ""
    return row["title"], row["done"], f"{row['title']}{{}}{measure}{day}"


def _often(row: Mapping[str, Any]) -> str:
    return "家次" if row["at_places"] else "次"


def _persons(row: Mapping[str, Any]) -> str:
    return "人次" if row["owner"] in (PostKind.ranger, PostKind.checkpoint_guard) else "次"


def _villages(row: Mapping[str, Any]) -> str:
    return "村次" if row["owner"] == PostKind.village_secretary else "次"


DUTIES: tuple[tuple[str, tuple[str, ...], Callable[[Mapping[str, Any]], str]], ...] = (
    ("meetings", ("会议",), lambda row: "次"), ("trainings", ("培训", "第一课"), _often), ("drills", ("演练",), _often),
    ("self_checks", ("自查",), _often), ("patrols", ("巡查",), lambda row: "次"), ("rangers", ("巡护", "值守"), _persons),
    ("publicity", ("宣传",), _villages), ("weeklies", ("周报", "月报"), lambda row: "期"),
)  # fmt: skip
LEADER_SAID = {
    PostKind.party_secretary: "党委书记带队{}次", PostKind.township_head: "镇长带队{}次", PostKind.deputy_in_charge: "分管班子成员带队{}次",
}  # fmt: skip


def _inspections(facts: Facts) -> None:
    teams = [(row["team"], row["visits"], f"{row['team']}{{}}次") for row in facts.rows["INSPECTIONS_BY_TEAM"]]
    facts.phrase("by_team", "INSPECTIONS_BY_TEAM", teams, "、")
    called = "、".join(name for name, _, _ in teams)
    facts.add("called", f"组织{called}，" if called else "", "INSPECTIONS_BY_TEAM")
    rows = {row["kind"]: row for row in facts.rows["INSPECTIONS_BY_LEADER"]}
    led = [(f"led_{kind}", rows[kind]["visits"], said) for kind, said in LEADER_SAID.items() if kind in rows]
    facts.phrase("led_by", "INSPECTIONS_BY_LEADER", led, "、")
    facts.add("led_found", sum(int(row["found"] or 0) for row in rows.values()), "INSPECTIONS_BY_LEADER")
    visited = {row["field"]: row["visits"] for row in facts.rows["INSPECTIONS_BY_FIELD"]}
    looked_at = sorted(((name, visited[name]) for name in Field if name in visited), key=lambda pair: -pair[1])
    facts.phrase("visits_by_field", "INSPECTIONS_BY_FIELD", [(f"visits_{name}", n, f"{name.zh}{{}}次") for name, n in looked_at], "、")
    facts.add("coverage", percent(facts.number("places_entered"), facts.number("places")), "INSPECTIONS")


def _hazards(facts: Facts) -> None:
    facts.add("rate", percent(facts.number("closed"), facts.number("valid")), "HAZARDS")
    facts.add("major_rate", percent(facts.number("major_closed"), facts.number("major")), "HAZARDS")
    facts.add("first_pass", percent(facts.number("passed_first"), facts.number("reviewed")), "HAZARDS")
    aside = [(name, facts.number(name), said) for name, said in ASIDE]
    facts.phrase("aside", "HAZARDS", aside, "、")
    states = {row["state"]: row["count"] for row in facts.rows["HAZARDS_BY_STATE"]}
    left = [(f"state_{s}", states.get(s, 0), f"{_full_width(s.zh)}{{}}条") for s in HazardState if not s.ended]
    facts.phrase("left", "HAZARDS_BY_STATE", left, "、")
    threats = {row["threat"]: row["count"] for row in facts.rows["HAZARDS_BY_THREAT"]}
    facts.phrase("by_threat", "HAZARDS_BY_THREAT", [(f"threat_{t}", threats.get(t, 0), f"{t.zh}{{}}条") for t in Threat], "、")
    fields = {row["field"]: row for row in facts.rows["HAZARDS_BY_FIELD"]}
    each = [(name, fields[name]["general"] + fields[name]["major"]) for name in Field if name in fields]
    most = sorted(each, key=lambda pair: -pair[1])
    facts.phrase("by_field", "HAZARDS_BY_FIELD", [(f"field_{name}", count, f"{name.zh}{{}}条") for name, count in most], "、")


def _papers(facts: Facts) -> None:
    counts = {row["kind"]: row["count"] for row in facts.rows["PAPERS_BY_FORM"]}
    forms = [(f"papers_{kind}", counts[kind], f"{kind.zh}{{}}份") for kind in PaperKind if kind in counts]
    facts.phrase("by_form", "PAPERS_BY_FORM", forms, "、")


def _full_width(said: str) -> str:
    return said.replace("(", "（").replace(")", "）")


ASIDE = (
    ("rejected", "核实不成立{}条"), ("duplicate", "重复合并{}条"), ("cancelled", "撤销{}条"), ("transferred", "移送有关部门{}条"),
)  # fmt: skip
TELL: tuple[Callable[[Facts], None], ...] = (_places, _posts, _duties, _inspections, _hazards, _papers)
