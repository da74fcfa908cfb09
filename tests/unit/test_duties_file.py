"""What a township's duties say, and every fault of a file that can't be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from models.calendar import CHINA
from models.clock import start_of
from models.enumerations import EvidenceKind, InspectionTrigger, PlaceKind, PostKind
from models.rhythm import Every, Rhythm, Season, Weekday, periods, rhythm_of
from papers.township import Faults, Township, read, write_empty
from papers.township.duties import OPTIONAL, REQUIRED, Days, Duties, Duty, Each, OfPlace, Owner, Pack
from papers.township.shape import duty as as_row
from papers.township.shape import rules
from tests.town import write_town

ROOT = Path(__file__).resolve().parents[2]
DAY = timedelta(days=1)
ONE = """\
duties:
  - code: one
    title: 巡查
    owner: {kind: ranger}
    every: day
"""
FULL = """\
packs:
  - {code: pack, title: 一包, note: 待填写}
duties:
  - code: full
    title: 巡查
    pack: pack
    owner: {of_place: inspector}
    each: {kinds: [mine, tailings_pond], details: {risk: high}, without: {sealed: yes}}
    every: quarter
    due: {month: 2, day: 10, at: "12:30"}
    season: {from: "11-01", to: "02-29"}
    days: working
    evidence: [photo, document]
    closes_after_hours: 24
    leader: true
    done_by_inspection: {trigger: leader_led}
    note: 示例
    source: 报告
    from: 2023-02-14
    to: 2024-02-29
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return write_town(tmp_path / "town")


def said(folder: Path, text: str) -> Duties:
    (folder / "duties.yaml").write_text(text, encoding="utf8")
    return read(folder).duties


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(Faults) as refused:
        said(folder, text)
    return str(refused.value).splitlines()


@pytest.fixture(scope="module")
def xizhang() -> Township:
    return read(ROOT / "townships" / "xizhang", lambda url: True)


def test_a_township_without_the_file_has_no_duties(town: Path) -> None:
    assert read(town).duties == Duties()
    assert rules(read(town))["duty_packs"] == []


def test_what_isnt_said_is_as_usual(town: Path) -> None:
    (duty,) = said(town, ONE).duties
    assert (duty.owner, duty.each, duty.every, duty.days, duty.evidence) == (Owner(kind=PostKind.ranger), None, Every.day, Days.all, ())
    assert (duty.closes_after_hours, duty.leader, duty.done_by, duty.pack, duty.season) == (72, False, None, None, None)
    assert rhythm_of(as_row(duty)["body"]) == Rhythm(Every.day)


def test_everything_that_can_be_said_is_kept(town: Path) -> None:
    duties = said(town, FULL)
    assert duties.packs == (Pack("pack", "一包", "待填写"),)
    (duty,) = duties.duties
    assert duty.owner == Owner(of_place=OfPlace.inspector)
    assert duty.each == Each((PlaceKind.mine, PlaceKind.tailings_pond), {"risk": "high"}, {"sealed": "yes"})
    assert (duty.evidence, duty.done_by) == ((EvidenceKind.photo, EvidenceKind.document), InspectionTrigger.leader_led)
    assert (duty.closes_after_hours, duty.leader, duty.pack, duty.note, duty.source) == (24, True, "pack", "示例", "报告")
    row = as_row(duty)
    assert rhythm_of(row["body"]) == Rhythm(
        Every.quarter, None, None, 2, 10, time(12, 30), Season((11, 1), (2, 29)), True, date(2023, 2, 14), date(2024, 2, 29)
    )
    assert (row["title"], row["pack"], row["leader"], row["active"]) == ("巡查", "pack", True, True)


def test_cron_and_a_post_by_its_code(town: Path) -> None:
    (duty,) = said(town, ONE.replace("{kind: ranger}", "{post: mayor}").replace("every: day", 'cron: "0 12 * * 5"')).duties
    assert (duty.owner, duty.cron, duty.every) == (Owner(post="mayor"), "0 12 * * 5", None)
    assert rhythm_of(as_row(duty)["body"]) == Rhythm(cron="0 12 * * 5")


def test_a_due_day_is_named_as_its_period_allows(town: Path) -> None:
    (weekly,) = said(town, ONE.replace("every: day", 'every: week\n    due: {weekday: fri, at: "12:00"}')).duties
    assert rhythm_of(as_row(weekly)["body"]) == Rhythm(Every.week, weekday=Weekday.fri, at=time(12))


WRONG = {
    "owner that is no post": ("{kind: ranger}", "{post: nobody}", 4, "post: 没有这个岗位 post unknown: 「nobody」"),
    "owner of an unknown kind": ("{kind: ranger}", "{kind: rangr}", 4, "kind: 不认识 unknown kind 「rangr」"),
    "kind of which there is no post": ("{kind: ranger}", "{kind: system}", 4, "kind: 不认识 unknown kind 「system」"),
    "two owners": ("{kind: ranger}", "{kind: ranger, post: mayor}", 4, "owner: 责任岗位写法不对 wrong owner: post kind"),
    "no owner": ("{kind: ranger}", "{}", 4, "owner: 责任岗位写法不对 wrong owner"),
    "owner of a place without places": ("{kind: ranger}", "{of_place: responsible}", 4, "owner: 责任岗位写法不对 wrong owner: of_place"),
    "no rhythm": ("    every: day\n", "", 2, "duties: every 和 cron 要写一个"),
    "two rhythms": ("every: day", 'every: day\n    cron: "0 12 * * 5"', 2, "duties: every 和 cron 要写一个"),
    "unknown rhythm": ("every: day", "every: decade", 5, "every: 不认识 unknown every 「decade」"),
    "cron that fires twice a day": ("every: day", 'cron: "0 8,20 * * *"', 5, "cron: cron 不对 bad cron"),
    "cron that never fires": ("every: day", 'cron: "0 8 30 2 *"', 5, "cron: cron 不对 bad cron"),
    "cron with an hour that isn't": ("every: day", 'cron: "0 25 * * *"', 5, "cron: cron 不对 bad cron"),
    "due day beside cron": ("every: day", 'cron: "0 8 * * *"\n    due: {at: "12:00"}', 6, "due: cron 已经说了到期时间"),
    "weekday of a month": ("every: day", "every: month\n    due: {weekday: fri}", 6, "weekday: 不认识的键 unknown key"),
    "day of a day": ("every: day", "every: day\n    due: {day: 3}", 6, "day: 不认识的键 unknown key"),
    "month beyond its quarter": ("every: day", "every: quarter\n    due: {month: 4}", 6, "month: 数不对 bad number 「4」"),
    "season without an end": ("every: day", 'every: day\n    season: {from: "11-01"}', 6, "season: 缺少键 key missing: to"),
    "season of no day": ("every: day", 'every: day\n    season: {from: "11-31", to: "04-30"}', 6, "from: 日期不对 bad day"),
    "end before the beginning": ("every: day", "every: day\n    from: 2023-03-01\n    to: 2023-02-01", 7, "to: 早于开始 before its start"),
    "unknown evidence": ("every: day", "every: day\n    evidence: [foto]", 6, "evidence: 不认识 unknown evidence 「foto」"),
    "unknown pack": ("every: day", "every: day\n    pack: four", 6, "pack: 没有这个任务包 unknown pack 「four」"),
    "unknown inspection": ("every: day", "every: day\n    done_by_inspection: {trigger: led}", 6, "trigger: 不认识 unknown trigger"),
    "closing that isn't after": ("every: day", "every: day\n    closes_after_hours: 0", 6, "closes_after_hours: 数不对 bad number 「0」"),
    "unknown key": ("every: day", "every: day\n    whom: me", 6, "whom: 不认识的键 unknown key"),
    "places of no kind": ("{kind: ranger}", "{of_place: responsible}\n    each: {kinds: []}", 5, "kinds: 空着 empty"),
    "post for places": ("{kind: ranger}", "{post: mayor}\n    each: {kinds: [mine]}", 4, "owner: 责任岗位写法不对 wrong owner: post"),
    "code twice": ("    every: day\n", "    every: day\n" + ONE.removeprefix("duties:\n"), 6, "duties: 重复 duplicate 「one」"),
    "pack twice": ("duties:", "packs: [{code: p, title: 一}, {code: p, title: 二}]\nduties:", 1, "packs: 重复 duplicate 「p」"),
    "no code": ("code: one\n    ", "", 2, "duties: 缺少键 key missing: code"),
}


@pytest.mark.parametrize(("old", "new", "line", "what"), WRONG.values(), ids=WRONG)
def test_a_fault_is_said_with_its_line(town: Path, old: str, new: str, line: int, what: str) -> None:
    assert ONE.count(old) == 1
    faults = faults_of(town, ONE.replace(old, new))
    assert any(each.startswith(f"duties.yaml:{line}: {what}") for each in faults), faults


def test_a_kind_that_owes_something_must_exist(town: Path) -> None:
    page = (town / "posts.csv").read_text(encoding="utf8")
    (town / "posts.csv").write_text(page.replace("guard,checkpoint_guard", "guard,ranger"), encoding="utf8")
    (fault,) = faults_of(town, ONE.replace("ranger", "checkpoint_guard"))
    assert fault.startswith("duties.yaml:4: 缺少岗位 missing post: checkpoint_guard")


def test_all_faults_are_said_at_once(town: Path) -> None:
    faults = faults_of(town, ONE.replace("every: day", "every: decade").replace("{kind: ranger}", "{kind: rangr}"))
    assert [fault.split(":")[1] for fault in faults] == ["4", "5"]


def test_a_new_township_begins_without_duties(town: Path, tmp_path: Path) -> None:
    write_empty(tmp_path / "new")
    assert said(town, (tmp_path / "new" / "duties.yaml").read_text(encoding="utf8")) == Duties()


def test_the_commented_examples_of_a_new_township_can_be_used_as_they_stand(town: Path, tmp_path: Path) -> None:
    write_empty(tmp_path / "new")
    page = (tmp_path / "new" / "duties.yaml").read_text(encoding="utf8")
    example = re.sub(r"^# ?", "", page[page.index("# duties:") : page.index("packs: []")], flags=re.MULTILINE)
    assert [duty.code for duty in said(town, example).duties] == ["monthly-meeting", "fire-patrol"]


def test_the_packs_whose_content_nobody_defined_wait_to_be_filled(xizhang: Township) -> None:
    assert [(pack.title, pack.note) for pack in xizhang.duties.packs] == [("四个一次", "待镇安办填写"), ("三个全员", "待镇安办填写")]
    assert rules(xizhang)["duty_packs"][0] == {"code": "four-once", "title": "四个一次", "note": "待镇安办填写"}


def test_every_duty_of_the_example_quotes_its_report_or_says_that_it_is_an_example(xizhang: Township) -> None:
    assert {duty.code for duty in xizhang.duties.duties if "报告" not in (duty.source or "") and "示例" not in (duty.note or "")} == set()


def test_each_of_the_two_leaders_leads_an_inspection_every_week(xizhang: Township) -> None:
    led = [duty for duty in xizhang.duties.duties if duty.done_by and duty.every == Every.week]
    assert [(duty.owner.post, duty.every, duty.leader, duty.done_by) for duty in led] == [
        ("party-secretary", Every.week, True, InspectionTrigger.leader_led),
        ("township-head", Every.week, True, InspectionTrigger.leader_led),
    ]  # fmt: skip


def _words(duties: tuple[Duty, ...]) -> Iterator[str]:
    for duty in duties:
        yield from (str(word) for word in (duty.every, duty.days, duty.owner.of_place, *duty.evidence) if word)


def test_the_page_about_duties_names_every_key_and_word(xizhang: Township) -> None:
    page = (ROOT / "docs" / "duties.md").read_text(encoding="utf8")
    names = {*REQUIRED, *OPTIONAL, *OfPlace, *Days, *Every, *Weekday, *EvidenceKind, *_words(xizhang.duties.duties)}
    assert {str(name) for name in names if f"`{name}`" not in page} == set()


def _owners(xizhang: Township, duty: Duty) -> int:
    if duty.each is None:
        return 1 if duty.owner.post else sum(post.kind == duty.owner.kind for post in xizhang.posts)
    places = [place for place in xizhang.places if place.kind in duty.each.kinds]
    there = [place for place in places if duty.each.details.items() <= place.details.items()]
    return sum(duty.each.without.items().isdisjoint(place.details.items()) for place in there)


def _volume(xizhang: Township, duty: Duty) -> tuple[int, int, int, int]:
    """Of the replay's 51 days: owners, periods, runs planned by the end of 6 April, runs due by the end of 5 April."""
    rhythm, owners = rhythm_of(as_row(duty)["body"]), _owners(xizhang, duty)
    begins, ends = start_of(date(2023, 2, 14)), start_of(date(2023, 4, 6))
    found = [each for each in periods(rhythm, begins - DAY * 367, ends + DAY, CHINA) if each.due_at > begins]
    return owners, len(found), owners * len(found), owners * sum(each.due_at < ends for each in found)


def test_the_page_counts_the_runs_that_the_example_makes(xizhang: Township) -> None:
    page = (ROOT / "docs" / "duties.md").read_text(encoding="utf8")
    table = page[page.index("<!-- volume:begin -->") : page.index("<!-- volume:end -->")].splitlines()[3:]
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table]
    counted = {duty.code: _volume(xizhang, duty) for duty in xizhang.duties.duties}
    assert {row[0]: tuple(int(cell) for cell in row[2:]) for row in rows[:-1]} == counted
    assert rows[-1][4:] == [str(sum(each[2] for each in counted.values())), str(sum(each[3] for each in counted.values()))]


def test_the_example_asks_37_rangers_and_13_crowded_places_every_day(xizhang: Township) -> None:
    duties = {duty.code: duty for duty in xizhang.duties.duties}
    assert [(_owners(xizhang, duties[code]), duties[code].every) for code in ("ranger-patrol", "crowded-fire-patrol")] == [
        (37, Every.day), (13, Every.day),
    ]  # fmt: skip
    openings = [_owners(xizhang, duties[code]) for code in ("opening-patrol-high", "opening-patrol")]
    assert sum(openings) == 267
    assert all(openings)
