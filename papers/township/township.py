"""A township as data: everything its folder says, read whole or refused with every fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from models.enumerations import PlaceKind
from papers.township import calendar, holding, person, place, post, unit
from papers.township.audience import check_posts_exist
from papers.township.calendar import WorkDay, read_calendar
from papers.township.campaign import Campaign
from papers.township.checklist import Checklist, read_checklists
from papers.township.clause import Clause, read_clauses
from papers.township.duties import Duties, read_duties
from papers.township.fault import Faults, Findings
from papers.township.group import Group, read_groups
from papers.township.holding import Holding, read_holdings
from papers.township.ladder import Ladder, read_ladders
from papers.township.page import FILE, Page, read_page
from papers.township.person import Person, read_people
from papers.township.place import Place, Surroundings, answering_posts, read_places
from papers.township.policy import Policy, Seats
from papers.township.post import Post, read_posts
from papers.township.severity import First, read_severities
from papers.township.sheet import Sheet, read_sheet
from papers.township.sla import Sla, read_sla
from papers.township.tree import read_tree
from papers.township.unit import Unit, read_units, the_township
from papers.township.wording import Wording, read_wordings


@dataclass(frozen=True, slots=True)
class Township:
    """Codes refer to each other and are all known; defaults are filled in; order is the files' order."""

    code: str
    name: str
    zone: ZoneInfo
    campaign: Campaign
    expected: Mapping[PlaceKind, int]
    teams_by_kind: Mapping[PlaceKind, str]
    default_team: str | None
    market_streets: tuple[str, ...]
    policy: Policy
    units: tuple[Unit, ...]
    posts: tuple[Post, ...]
    people: tuple[Person, ...]
    holdings: tuple[Holding, ...]
    places: tuple[Place, ...]
    ladders: tuple[Ladder, ...]
    sla: Sla
    checklists: tuple[Checklist, ...]
    calendar: tuple[WorkDay, ...]
    clauses: tuple[Clause, ...]
    duties: Duties
    wordings: tuple[Wording, ...] = ()
    groups: tuple[Group, ...] = ()
    severities: Mapping[str, First] = field(default_factory=dict)


def read(folder: Path, channel_ok: Callable[[str], bool] | None = None) -> Township:
    """The township that `folder` describes. Raises `Faults` with every fault of every file; nothing is changed anywhere.

    `channel_ok` says whether a channel's URL can be parsed (papers don't import apprise themselves).
    """
    findings = Findings()
    if not folder.is_dir():
        findings.add(str(folder), 1, "没有这个文件夹 no such folder", "一个镇的文件夹 a township's folder; bihuan new DIR")
        raise Faults(findings.faults)
    unit_sheet, post_sheet, people_sheet, holding_sheet, place_sheet, calendar_sheet = _sheets(folder, findings)
    units = read_units(unit_sheet)
    unit_names, post_names = unit_sheet.names("code", "单位 unit"), post_sheet.names("code", "岗位 post")
    posts = read_posts(post_sheet, units, unit_names)
    page = read_page(read_tree(folder, FILE, findings), Seats(units, unit_names, posts, post_names), the_township(units, unit_sheet))
    people = read_people(people_sheet, channel_ok)
    holdings = read_holdings(holding_sheet, people_sheet.names("key", "人员 person"), post_names)
    answering = answering_posts(posts.values())
    around = Surroundings(units, unit_names, post_names, answering, page.teams_by_kind, page.default_team, page.market_streets)
    places = read_places(place_sheet, around)
    ladders, mentions = read_ladders(read_tree(folder, "ladders.yaml", findings))
    sla = read_sla(read_tree(folder, "sla.yaml", findings))
    checklists = read_checklists(folder, findings)
    days, clauses = read_calendar(calendar_sheet), read_clauses(folder, findings)
    duties, owing = read_duties(folder, post_names, findings)
    wordings = read_wordings(folder, findings)
    groups = read_groups(folder, posts, units, people, channel_ok, findings)
    severities = read_severities(folder, findings)
    check_posts_exist([*mentions, *page.mentions, *owing], post_sheet, findings)
    _check_counts(page, place_sheet, findings)
    if findings.faults or sla is None or page.code is None or page.name is None or page.zone is None or page.campaign is None:
        raise Faults(findings.faults)
    return Township(
        page.code, page.name, page.zone, page.campaign, page.expected, page.teams_by_kind, page.default_team, page.market_streets,
        page.policy, tuple(units.values()), tuple(posts.values()), tuple(people.values()), holdings, places, ladders, sla, checklists, days,
        clauses, duties, wordings, groups, severities,
    )  # fmt: skip


def _sheets(folder: Path, findings: Findings) -> tuple[Sheet, Sheet, Sheet, Sheet, Sheet, Sheet]:
    return (
        read_sheet(folder, "units.csv", unit.COLUMNS, (), findings),
        read_sheet(folder, "posts.csv", post.COLUMNS, (), findings),
        read_sheet(folder, "people.csv", person.COLUMNS, (), findings),
        read_sheet(folder, "holdings.csv", holding.COLUMNS, (), findings),
        read_sheet(folder, "places.csv", place.REQUIRED, place.OPTIONAL, findings),
        read_sheet(folder, "calendar.csv", calendar.COLUMNS, (), findings, may_be_empty=True),
    )


def _check_counts(page: Page, sheet: Sheet, findings: Findings) -> None:
    """The registry against what the township says it has, kind by kind. A kind that isn't expected at all counts as none expected."""
    if not sheet.sound or None not in page.lines:
        return
    found = Counter(row.texts.get("kind", "") for row in sheet.rows)
    for kind in PlaceKind:
        expected = page.expected.get(kind, 0)
        readable = kind in page.expected or kind not in page.lines
        if readable and found[kind] != expected:
            what = f"expected: {kind} {kind.zh}数量不符 counts don't add up: 应有 {expected}，实有 found {found[kind]}"
            line = page.lines.get(kind, page.lines[None])
            findings.add(FILE, line, f"{what}（差 difference {found[kind] - expected:+d}）", f"places.csv 里 {expected} 个 in places.csv")
