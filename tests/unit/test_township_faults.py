"""What is wrong with a township's folder is said: every fault of every file, with its line, and what was expected."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from papers.township import Faults, read
from tests.town import EXAMPLE, write_town


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = write_town(tmp_path / "town")
    shutil.copy(EXAMPLE / "clauses.yaml", folder)
    return folder


def faults_of(folder: Path, channel_ok: Callable[[str], bool] | None = None) -> list[str]:
    """The faults as printed; none for a folder that is fine."""
    try:
        read(folder, channel_ok)
    except Faults as refused:
        return str(refused).splitlines()
    return []


def edit(folder: Path, file: str, old: str, new: str) -> int:
    """Replaces the first occurrence; gives the line it stood on."""
    path = folder / file
    before = path.read_text(encoding="utf8")
    assert old in before
    path.write_text(before.replace(old, new, 1), encoding="utf8")
    return before[: before.index(old)].count("\n") + 1


def test_a_good_folder_has_no_faults(town: Path) -> None:
    assert faults_of(town) == []


GENERAL_REVIEW = "  - {clock: review, grade: general, amount: 3, unit: working_days}"
SINGLE = {
    "unit of unknown kind": (
        "units.csv", "v2,village", "v2,vilage",
        "kind: 不认识 unknown kind 「vilage」（是不是 did you mean: village）",
    ),
    "unit twice": ("units.csv", "v2,village,西村", "v1,village,西村", "code: 重复 duplicate 「v1」"),
    "unit under an unknown parent": (
        "units.csv", "v2,village,西村,town", "v2,village,西村,twon",
        "parent: 没有这个单位 unit unknown: 「twon」",
    ),
    "village outside the township": ("units.csv", "v2,village,西村,town", "v2,village,西村,county", "parent: 村不在镇下面"),
    "village without a parent": ("units.csv", "v2,village,西村,town", "v2,village,西村,", "parent: 村不在镇下面"),
    "cycle of units": ("units.csv", "county,district,试点区,", "county,district,试点区,town", "parent: 成环 cycle: county → town → county"),
    "unit without a name": ("units.csv", "v2,village,西村", "v2,village,", "name: 空着 empty"),
    "code with a space": ("units.csv", "police,team", "po lice,team", "code: 编码不合规 not a code: 「po lice」"),
    "post of unknown kind": (
        "posts.csv", "deputy,deputy_in_charge", "deputy,deputy_in_charg",
        "kind: 不认识 unknown kind 「deputy_in_charg」",
    ),
    "post that nobody can hold": ("posts.csv", "guard,checkpoint_guard", "guard,system", "kind: 不认识 unknown kind 「system」"),
    "post twice": ("posts.csv", "guard,checkpoint_guard", "ranger,checkpoint_guard", "code: 重复 duplicate 「ranger」"),
    "post in an unknown unit": ("posts.csv", "ranger,ranger,town", "ranger,ranger,tonw", "unit: 没有这个单位 unit unknown: 「tonw」"),
    "grid member in a team": ("posts.csv", "grid-2,grid_member,v2", "grid-2,grid_member,fire", "unit: 网格员在站所里"),
    "post that reports to nobody known": (
        "posts.csv", "town,office-head", "town,office-haed",
        "reports_to: 没有这个岗位 post unknown: 「office-haed」",
    ),
    "post that reports to itself": (
        "posts.csv", "mayor,township_head,town,secretary", "mayor,township_head,town,mayor",
        "reports_to: 成环 cycle: mayor → mayor",
    ),
    "person twice": ("people.csv", "p-guard,", "p-ranger,", "key: 重复 duplicate 「p-ranger」"),
    "user name twice": ("people.csv", "p-guard,guard的人,guard,", "p-guard,guard的人,ranger,", "username: 重复 duplicate 「ranger」"),
    "person without a label": ("people.csv", "p-guard,guard的人", "p-guard,", "label: 空着 empty"),
    "channel without a scheme": ("people.csv", "json://127.0.0.1:9/p-guard", "13800000000", "channels: p-guard 的第 1 个通道用不了"),
    "holding of an unknown person": ("holdings.csv", "p-guard,guard", "p-gaurd,guard", "person: 没有这个人员 person unknown: 「p-gaurd」"),
    "holding of an unknown post": (
        "holdings.csv", "p-guard,guard", "p-guard,gaurd",
        "post: 没有这个岗位 post unknown: 「gaurd」（是不是 did you mean: guard）",
    ),
    "holding from a day that isn't": ("holdings.csv", "guard,2022-01-01", "guard,2022-02-30", "from: 日期不对 bad date 「2022-02-30」"),
    "holding from another century": ("holdings.csv", "guard,2022-01-01", "guard,1022-01-01", "from: 日期不对 bad date 「1022-01-01」"),
    "holding that ends before it starts": (
        "holdings.csv", "guard,2022-01-01,", "guard,2022-01-01,2021-12-31",
        "to: 早于起始日 before its start: 2021-12-31 < 2022-01-01",
    ),
    "stand-in for oneself": ("holdings.csv", "guard,2022-01-01,,", "guard,2022-01-01,,p-guard", "deputy_of: 自己替自己"),
    "stand-in for one who isn't there": (
        "holdings.csv", "guard,2022-01-01,,", "guard,2022-01-01,,p-ranger",
        "deputy_of: p-ranger 那时不在 guard 岗上",
    ),
    "stand-in for an unknown person": (
        "holdings.csv", "guard,2022-01-01,,", "guard,2022-01-01,,p-rangr",
        "deputy_of: 没有这个人员 person unknown: 「p-rangr」",
    ),
    "place of unknown kind": (
        "places.csv", "pit,一号矿,mine", "pit,一号矿,mines",
        "kind: 不认识 unknown kind 「mines」（是不是 did you mean: mine）",
    ),
    "place twice": ("places.csv", "shop-2,小商店二", "shop,小商店二", "code: 重复 duplicate 「shop」"),
    "place in an unknown village": ("places.csv", "mine,v2", "mine,v3", "village: 没有这个单位 unit unknown: 「v3」"),
    "place in a team": ("places.csv", "mine,v2", "mine,police", "village: police 是站所不是村"),
    "place of an unknown post": ("places.csv", "owner-3,fire", "owner-4,fire", "responsible: 没有这个岗位 post unknown: 「owner-4」"),
    "place supervised by a village": ("places.csv", "owner-3,fire", "owner-3,v1", "team: v1 是村不是站所"),
    "day of unknown kind": (
        "calendar.csv", "date,kind,note\n", "date,kind,note\n2023-04-23,workday,\n",
        "kind: 不认识 unknown kind 「workday」",
    ),
    "no such day": ("calendar.csv", "date,kind,note\n", "date,kind,note\n2023-04-31,makeup,\n", "date: 日期不对 bad date 「2023-04-31」"),
    "day twice": (
        "calendar.csv", "date,kind,note\n", "date,kind,note\n2023-04-23,makeup,\n2023/4/23,rest,\n",
        "date: 日期重复 duplicate date 2023-04-23",
    ),
    "unknown column": (
        "calendar.csv", "date,kind,note", "date,kind,note,nots",
        "不认识的列 unknown column 「nots」（是不是 did you mean: note）",
    ),
    "column missing": ("holdings.csv", ",deputy_of", "", "缺少列 column missing: deputy_of"),
    "column twice": ("calendar.csv", "date,kind,note", "date,kind,note,note", "列重复 column twice: 「note」"),
    "a row too long": ("holdings.csv", "p-guard,guard,2022-01-01,,", "p-guard,guard,2022-01-01,,,x", "这一行有 6 格"),
    "broken quoting": ("holdings.csv", "p-guard,guard", '"p-guard,guard', "引号或分隔不对 broken quoting"),
    "a control character": ("people.csv", "guard的人", "guard\x07的人", "label: 有不可见的控制字符"),
    "unknown key": (
        "township.yaml", "default_team:", "defautl_team:",
        "defautl_team: 不认识的键 unknown key（是不是 did you mean: default_team）",
    ),
    "key missing": ("township.yaml", "name: 试点镇\n", "", "township.yaml: 缺少键 key missing: name"),
    "key twice": ("township.yaml", "name: 试点镇\n", "name: 试点镇\nname: 别的镇\n", "name: 键重复或为空 key twice or empty"),
    "no such time zone": ("township.yaml", "Asia/Shanghai", "Asia/Beijing", "time_zone: 没有这个时区 unknown time zone 「Asia/Beijing」"),
    "another time than China's": ("township.yaml", "Asia/Shanghai", "Asia/Tokyo", "time_zone: 只支持北京时间"),
    "another township": ("township.yaml", "code: town", "code: city", "code: 与 units.csv 的镇不符"),
    "deadline before the start": (
        "township.yaml", "2023-03-31T23:59:59+08:00", "2023-02-13",
        "deadline: 早于开始 not after the start: 2023-02-13T23:59:59+08:00",
    ),
    "no such deadline": ("township.yaml", "2023-03-31T23:59:59+08:00", "2023-03-31T25:00:00+08:00", "deadline: 时间不对 bad time"),
    "target of an unknown grade": ("township.yaml", "{major: 100,", "{huge: 100,", "key: 不认识 unknown key 「huge」"),
    "target above all": ("township.yaml", "{major: 100,", "{major: 101,", "major: 数不对 bad number 「101」"),
    "reminder to an unknown post": (
        "township.yaml", "[deputy_in_charge, township_head]", "[deputy, township_head]",
        "to: 没有这种岗位 unknown post kind 「deputy」",
    ),
    "reminder at no time": ("township.yaml", 'at: ["08:30"]', 'at: ["8:30"]', "at: 钟点不对 bad time of day 「8:30」"),
    "expected kind unknown": ("township.yaml", "mine: 1}", "mine: 1, mimes: 1}", "key: 不认识 unknown key 「mimes」"),
    "expected no number": ("township.yaml", "mine: 1}", "mine: one}", "mine: 数不对 bad number 「one」"),
    "default team that is no team": ("township.yaml", "default_team: fire", "default_team: v1", "default_team: v1 不是站所 is no team"),
    "team of an unknown kind of place": (
        "township.yaml", "default_team: fire", "default_team: fire\nteams_by_kind:\n  shops: fire",
        "key: 不认识 unknown key",
    ),
    "a sum that doesn't add up": (
        "township.yaml", "default_team: fire", "totals:\n  - {title: 合计, count: 4, kinds: [small_shop, mine]}\ndefault_team: fire",
        "count: 合计加不起来 doesn't add up: 4，各项之和 its parts 3（差 difference -1）",
    ),
    "broken YAML": ("township.yaml", "name: 试点镇", "name: [试点镇", "YAML 语法不对 broken YAML"),
    "a list where a value belongs": ("township.yaml", "name: 试点镇", "name: [试点镇]", "name: 这里要一个值"),
    "a value where a list belongs": (
        "sla.yaml", "retry_minutes: [1, 5, 15, 60, 240]", "retry_minutes: 5",
        "retry_minutes: 写法不对 wrong shape",
    ),
    "ladder of an unknown clock": (
        "ladders.yaml", "clock: approve", "clock: aprove",
        "clock: 不认识 unknown clock 「aprove」（是不是 did you mean: approve）",
    ),
    "ladder twice": ("ladders.yaml", "grade: major", "grade: general", "ladders: 重复 duplicate: rectify × general"),
    "rung to an unknown post": (
        "ladders.yaml", "to: [village_secretary, station_head]", "to: [village_chief, station_head]",
        "to: 没有这种岗位 unknown post kind 「village_chief」",
    ),
    "rung to nobody": ("ladders.yaml", "to: [village_secretary, station_head]", "to: []", "to: 没有人 nobody"),
    "rung twice": ("ladders.yaml", "{level: 0, after: -24,", "{level: 0, after: -72,", "rungs: 重复 duplicate rung: -72 h, level 0"),
    "rung out of order": ("ladders.yaml", "{level: 2, after: 72,", "{level: 2, after: 12,", "rungs: 次序不对 out of order"),
    "rung at no number": ("ladders.yaml", "after: 120", "after: 5 days", "after: 数不对 bad number 「5 days」"),
    "hours of an unknown sort": (
        "ladders.yaml", "counted: natural", "counted: nature",
        "counted: 不认识 unknown counted 「nature」",
    ),
    "limit of an unknown unit": ("sla.yaml", "24, unit: natural_hours", "24, unit: hours", "unit: 不认识 unknown unit 「hours」"),
    "limit of no use": (
        "sla.yaml", "{clock: review, grade: general,", "{clock: review, grade: general, class: g7,",
        "limits: 没有这种时限 no such limit: review × general × g7",
    ),
    "limit missing": (
        "sla.yaml", "  - {clock: rectify, grade: general, class: g15, amount: 15, unit: natural_days}\n", "",
        "limits: 缺少时限 limit missing: rectify × general × g15",
    ),
    "limit twice": ("sla.yaml", "class: g15", "class: g7", "limits: 时限重复 duplicate limit"),
    "working hours backwards": (
        "sla.yaml", '["08:30-12:00", "14:30-18:00"]', '["14:30-18:00", "08:30-12:00"]',
        "working_hours: 重叠或倒序",
    ),
    "quiet hours of no length": ("sla.yaml", "21:30-07:00", "07:00-07:00", "quiet_hours: 时段为空 empty span"),
    "quiet hours that are no span": ("sla.yaml", "21:30-07:00", "21:30", "quiet_hours: 时段不对 bad span"),
    "an hourly cap of nothing": ("sla.yaml", "bundle_cap: 10", "hourly_cap: 0\nbundle_cap: 10", "hourly_cap: 数不对 bad number 「0」"),
    "daily lists on odd days": ("sla.yaml", "bundle_cap: 10", "digest: {days: odd}\nbundle_cap: 10", "days: 不认识 unknown days odd"),
    "daily lists at night": (
        "sla.yaml", "21:30-07:00", "21:30-09:00\ndigest: {days: all}", "digest_at: 08:30 在免打扰时段内",
    ),
    "news in a daily list": (
        "sla.yaml", "bundle_cap: 10", "digest: {holds: [outcome]}\nbundle_cap: 10", "holds: 不认识 unknown holds 「outcome」",
    ),
    "cap of nothing": ("sla.yaml", "bundle_cap: 10", "bundle_cap: 0", "bundle_cap: 数不对 bad number 「0」"),
    "wait of half a minute": ("sla.yaml", "[1, 5, 15, 60, 240]", "[0.5, 5]", "retry_minutes: 数不对 bad number 「0.5」"),
    "cap of a fraction": ("sla.yaml", "bundle_cap: 10", "bundle_cap: 1.5", "bundle_cap: 不是整数 not a whole number 「1.5」"),
    "limit of a duty": (
        "sla.yaml", "{clock: progress, grade: major,", "{clock: duty, grade: major,",
        "limits: 没有这种时限 no such limit: duty × major",
    ),
    "limits of one day": (
        "sla.yaml", GENERAL_REVIEW,
        GENERAL_REVIEW.replace("}", ", to: 2023-05-15}\n") + GENERAL_REVIEW.replace("}", ", from: 2023-05-15}"),
        "limits: 时限重复 duplicate limit: review × general",
    ),
    "a day without a limit": (
        "sla.yaml", GENERAL_REVIEW,
        GENERAL_REVIEW.replace("}", ", to: 2023-05-13}\n") + GENERAL_REVIEW.replace("}", ", from: 2023-05-15}"),
        "limits: 时限断档 gap in the limits: review × general，2023-05-13 – 2023-05-15",
    ),
    "no limit at first": (
        "sla.yaml", GENERAL_REVIEW, GENERAL_REVIEW.replace("}", ", from: 2023-01-01}"),
        "limits: 此前没有时限 no limit before 2023-01-01: review × general",
    ),
    "no limit at last": (
        "sla.yaml", GENERAL_REVIEW, GENERAL_REVIEW.replace("}", ", to: 2023-12-31}"),
        "limits: 此后没有时限 no limit after 2023-12-31: review × general",
    ),
    "limit that ends before it starts": (
        "sla.yaml", GENERAL_REVIEW, GENERAL_REVIEW.replace("}", ", from: 2023-02-01, to: 2023-01-01}"),
        "to: 早于起始日 before its start: 2023-01-01 < 2023-02-01",
    ),
    "field of an unknown name": (
        "township.yaml", "default_team: fire", "default_team: fire\nfields:\n  mines: {team: fire}", "key: 不认识 unknown key 「mines」",
    ),
    "field of a village": ("township.yaml", "default_team: fire", "default_team: fire\nfields:\n  mine: {team: v1}", "team: v1 不是站所"),
    "field of a guard": (
        "township.yaml", "default_team: fire", "default_team: fire\nfields:\n  mine: {team: fire, deputy: guard}",
        "deputy: guard 是检查站值守 is a checkpoint_guard",
    ),
    "field of nobody known": (
        "township.yaml", "default_team: fire", "default_team: fire\nfields:\n  mine: {team: fire, deputy: depty}",
        "deputy: 没有这个岗位 post unknown: 「depty」（是不是 did you mean: deputy）",
    ),
    "power of an unknown team": (
        "township.yaml", "default_team: fire", "default_team: fire\nenforcement: {authorised_teams: [polcie]}",
        "authorised_teams: 没有这个单位 unit unknown: 「polcie」（是不是 did you mean: police）",
    ),
    "recurrence of no length": (
        "township.yaml", "default_team: fire", "default_team: fire\nrecurrence: {months: 0}", "months: 数不对 bad number 「0」",
    ),
    "league neither on nor off": (
        "township.yaml", "default_team: fire", "default_team: fire\nleague: {on: maybe}", "on: 是或否 not yes or no: 「maybe」",
    ),
    "more than all looked at again": (
        "township.yaml", "default_team: fire", "default_team: fire\nrecheck: {percent: 101}", "percent: 数不对 bad number 「101」",
    ),
    "dam of a shop": (
        "places.csv", "code,name,kind,village,responsible,team\nshop,小商店一,small_shop,v1,owner,fire",
        "code,name,kind,village,responsible,team,dam_height\nshop,小商店一,small_shop,v1,owner,fire,20",
        "dam_height: 小商店没有这一项 a small_shop has none: 「20」",
    ),
    "risk of an unknown sort": (
        "places.csv", "code,name,kind,village,responsible,team\nshop,小商店一,small_shop,v1,owner,fire",
        "code,name,kind,village,responsible,team,risk\nshop,小商店一,mine,v1,owner,fire,middle",
        "risk: 不认识 unknown risk 「middle」",
    ),
    "name of a principal": (
        "places.csv", "code,name,kind,village,responsible,team", "code,name,kind,village,responsible,principal_name",
        "不认识的列 unknown column 「principal_name」",
    ),
    "clause of no day": ("clauses.yaml", "from: 2021-09-01", "from:", "from: 空着 empty"),
    "clause without a source": ("clauses.yaml", "    source: 凭记忆\n", "", "clauses: 缺少键 key missing: source"),
    "clause that ends before it starts": (
        "clauses.yaml", "to: 2022-08-31", "to: 2016-08-31", "to: 早于起始日 before its start: 2016-08-31 < 2017-09-01",
    ),
    "clause of no article": ("clauses.yaml", "    article: 第九十八条\n", "", "clauses: article 和 articles 要写一个"),
    "two editions of a clause": (
        "clauses.yaml", "from: 2019-12-01\n    source: 凭记忆\n",
        "from: 2019-12-01\n    source: 凭记忆\n  - {instrument: 药品管理法, article: 第九十八条, from: 2020-01-01, source: 凭记忆}\n",
        "clauses: 药品管理法第九十八条 的两个版本重叠 two editions overlap: … – 2020-01-01",
    ),
    "family that is no code": (
        "checklists/fire.yaml", "family: wiring", "family: two words", "family: 编码不合规 not a code: 「two words」",
    ),
    "photo perhaps": ("checklists/fire.yaml", "photo: true", "photo: perhaps", "photo: 是或否 not yes or no: 「perhaps」"),
    "item twice": ("checklists/mine.yaml", "code: M2", "code: M1", "code: 重复 duplicate 「M1」"),
    "item of an unknown threat": (
        "checklists/mine.yaml", "threat: collapse", "threat: collaps",
        "threat: 不认识 unknown threat 「collaps」",
    ),
    "item of class and grade apart": (
        "checklists/mine.yaml", "class: g3", "class: major",
        "class: 类别与等级不符 class major with grade general",
    ),
    "item without a clause": ("checklists/mine.yaml", "    clause: 安全生产法第三十五条\n", "", "items: 缺少键 key missing: clause"),
    "change on no day": ("checklists/production.yaml", "from: 2023-05-15", "from: 2023-05-35", "from: 日期不对 bad date 「2023-05-35」"),
}  # fmt: skip


@pytest.mark.parametrize("case", SINGLE.values(), ids=list(SINGLE))
def test_a_fault_names_its_file_and_line_and_what_was_expected(case: tuple[str, str, str, str], town: Path) -> None:
    file, old, new, said = case
    line = edit(town, file, old, new)
    found = faults_of(town)
    lines = range(1, line + 3)
    mine = [fault for fault in found if fault.startswith(tuple(f"{file}:{number}: {said}" for number in lines))]
    assert mine, "\n".join(found)
    assert all("；应为 expected: " in fault and not fault.endswith("expected: ") for fault in found)


@pytest.mark.parametrize(
    ("file", "old", "new", "exactly"),
    [
        ("posts.csv", "deputy,deputy_in_charge,town,mayor", "deputy,deputy_in_charg,town,mayor", 6),
        ("places.csv", "pit,一号矿,mine,v2", "pit,一号矿,mine,v3", 4),
        ("holdings.csv", "p-guard,guard,2022-01-01", "p-guard,guard,2022-13-01", 18),
        ("people.csv", "p-guard,guard的人", "p-guard,", 18),
        ("township.yaml", "deadline: 2023-03-31T23:59:59+08:00", "deadline: soon", 8),
        ("ladders.yaml", "after: 120", "after: soon", 28),
        ("sla.yaml", "bundle_cap: 10", "bundle_cap: ten", 38),
    ],
)
def test_the_line_is_the_line_that_an_editor_shows(file: str, old: str, new: str, exactly: int, town: Path) -> None:
    assert edit(town, file, old, new) == exactly
    assert any(fault.startswith(f"{file}:{exactly}: ") for fault in faults_of(town))


def test_quoted_cells_over_several_lines_do_not_move_the_lines_that_follow(town: Path) -> None:
    edit(
        town, "calendar.csv", "date,kind,note\n", 'date,kind,note\r\n2023-03-06,rest,"两行\n的""说明"""\r\n# 注\r\n\r\n2023-03-07,off,\r\n'
    )
    assert [fault.partition(": ")[0] for fault in faults_of(town)] == ["calendar.csv:6"]


def test_all_faults_of_all_files_come_at_once_in_order_of_file_and_line(town: Path) -> None:
    edit(town, "posts.csv", "mayor,township_head,town,secretary", "mayor,township_head,town,owner")
    edit(town, "posts.csv", "ranger,ranger", "ranger,rangr")
    edit(town, "holdings.csv", "guard,2022-01-01", "guard,01.01.2022")
    edit(town, "places.csv", "小商店二,small_shop", "小商店二,street_shop")
    edit(town, "units.csv", "police,team", "fire,team")
    edit(town, "ladders.yaml", "to: [township_head]", "to: [townshiphead]")
    (town / "sla.yaml").unlink()
    found = faults_of(town)
    assert [fault.partition(": ")[0] for fault in found] == [
        "holdings.csv:18", "ladders.yaml:28", "posts.csv:5", "posts.csv:10", "posts.csv:17", "sla.yaml:1",
        "township.yaml:14", "township.yaml:14", "units.csv:8",
    ]  # fmt: skip


def test_a_cycle_is_said_once_at_its_first_line(town: Path) -> None:
    edit(town, "posts.csv", "secretary,party_secretary,town,district", "secretary,party_secretary,town,deputy")
    said = "posts.csv:4: reports_to: 成环 cycle: secretary → deputy → mayor → secretary"
    assert faults_of(town) == [f"{said}；应为 expected: 一条到顶的链 a chain that ends at the top"]


def test_two_cycles_are_two_faults(town: Path) -> None:
    edit(town, "posts.csv", "mayor,township_head,town,secretary", "mayor,township_head,town,deputy")
    edit(town, "posts.csv", "office-head,office_head,office,deputy", "office-head,office_head,office,dispatcher")
    assert [fault.partition("；")[0] for fault in faults_of(town)] == [
        "posts.csv:5: reports_to: 成环 cycle: mayor → deputy → mayor",
        "posts.csv:7: reports_to: 成环 cycle: office-head → dispatcher → office-head",
    ]


def test_counts_that_do_not_add_up_are_refused_with_the_difference(town: Path) -> None:
    line = edit(town, "township.yaml", "small_shop: 2", "small_shop: 5")
    said = "expected: small_shop 小商店数量不符 counts don't add up: 应有 5，实有 found 2（差 difference -3）"
    assert faults_of(town) == [f"township.yaml:{line}: {said}；应为 expected: places.csv 里 5 个 in places.csv"]


def test_a_kind_of_place_that_nobody_expected_is_refused(town: Path) -> None:
    edit(town, "township.yaml", ", mine: 1}", "}")
    assert ["应有 0，实有 found 1（差 difference +1）" in fault for fault in faults_of(town)] == [True]


def test_a_post_that_the_ladders_name_but_nobody_set_up_is_missing(town: Path) -> None:
    edit(town, "posts.csv", "mayor,township_head,town,secretary\n", "")
    edit(town, "posts.csv", "deputy,deputy_in_charge,town,mayor", "deputy,deputy_in_charge,town,secretary")
    edit(town, "holdings.csv", "p-mayor,mayor,2022-01-01,,\n", "")
    assert [fault.partition("；")[0] for fault in faults_of(town)] == ["ladders.yaml:28: 缺少岗位 missing post: township_head 镇长"]


def test_a_ladder_that_is_missing_is_named_by_clock_and_grade(town: Path) -> None:
    text = (town / "ladders.yaml").read_text(encoding="utf8")
    start = text.index("  - clock: approve\n    grade: major")
    (town / "ladders.yaml").write_text(text[:start], encoding="utf8")
    assert [fault.partition("；")[0].partition(": ")[2] for fault in faults_of(town)] == [
        "ladders: 缺少阶梯 ladder missing: approve × major（销号审批·重大）"
    ]


@pytest.mark.parametrize(
    "file",
    ["township.yaml", "units.csv", "posts.csv", "people.csv", "holdings.csv", "places.csv", "ladders.yaml", "sla.yaml", "calendar.csv"],
)
def test_a_missing_file_is_one_fault_and_nothing_is_said_about_what_points_into_it(file: str, town: Path) -> None:
    (town / file).unlink()
    assert [fault.partition("（")[0].partition("；")[0] for fault in faults_of(town)] == [f"{file}:1: 缺少文件 file missing"]


def test_a_file_of_almost_the_right_name_is_pointed_out(town: Path) -> None:
    (town / "units.csv").rename(town / "unit.csv")
    assert "（有一个 there is unit.csv）" in faults_of(town)[0]


def test_no_folder_is_a_fault_too(tmp_path: Path) -> None:
    assert "没有这个文件夹 no such folder" in faults_of(tmp_path / "nowhere")[0]


def test_a_folder_without_checklists_is_told_so(town: Path) -> None:
    for file in (town / "checklists").iterdir():
        file.unlink()
    assert faults_of(town)[0].startswith("checklists/:1: 没有检查表 no checklist")


def test_a_file_saved_by_a_chinese_excel_is_asked_for_in_utf8(town: Path) -> None:
    path = town / "places.csv"
    path.write_bytes(path.read_text(encoding="utf8").encode("gb18030"))
    assert faults_of(town)[0].startswith("places.csv:2: 不是 UTF-8 编码 not UTF-8；应为 expected: UTF-8；在 Excel 里另存为「CSV UTF-8」")


def test_a_byte_order_mark_and_dates_as_excel_writes_them_are_fine(town: Path) -> None:
    for path in town.glob("*.*"):
        text = path.read_text(encoding="utf8").replace("2022-01-01", "2022/1/1")
        path.write_text(text.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    assert faults_of(town) == []


def test_a_village_without_anybody_who_answers_is_named_where_a_place_needs_one(town: Path) -> None:
    edit(town, "places.csv", "owner-3,fire", ",fire")
    for post in ("village-2", "grid-2"):
        edit(town, "holdings.csv", f"p-{post},{post},2022-01-01,,\n", "")
    edit(town, "posts.csv", "village-2,village_secretary,v2,head-fire\n", "")
    edit(town, "posts.csv", "grid-2,grid_member,v2,village-2\n", "")
    edit(town, "posts.csv", "v2,grid-2", "v2,grid-1")
    assert faults_of(town)[0].startswith("places.csv:4: responsible: 无人负责 nobody answers：v2")


def test_a_place_that_no_team_supervises_is_named(town: Path) -> None:
    edit(town, "places.csv", "owner-3,fire", "owner-3,")
    edit(town, "township.yaml", "default_team: fire\n", "")
    assert faults_of(town)[0].startswith("places.csv:4: team: 无站所监管 no team supervises mine")


@pytest.mark.parametrize(
    ("lat", "lon", "said"),
    [
        ("111.2", "34.7", "lat: 数不对"), ("34.7", "", "lon: 只有一半坐标"), ("34.7", "200", "lon: 数不对"),
        ("北纬", "34", "lat: 数不对"), ("nan", "3", "lat: 数不对"),
    ],
)  # fmt: skip
def test_a_position_is_two_numbers_on_earth(lat: str, lon: str, said: str, town: Path) -> None:
    (town / "places.csv").write_text(
        "code,name,kind,village,lat,lon\n" + f"shop,店,small_shop,v1,34.7,111.2\nshop-2,店,small_shop,v1,,\npit,矿,mine,v2,{lat},{lon}\n",
        encoding="utf8",
    )
    assert [fault.startswith(f"places.csv:4: {said}") for fault in faults_of(town)] == [True]


def test_a_street_must_be_one_of_the_townships(town: Path) -> None:
    (town / "places.csv").write_text(
        "code,name,kind,village,market_street\nshop,店,small_shop,v1,东大街\nshop-2,店,small_shop,v1,东大接\npit,矿,mine,v2,\n",
        encoding="utf8",
    )
    edit(town, "township.yaml", "default_team:", "market_streets: [东大街]\ndefault_team:")
    assert [fault.partition("；")[0] for fault in faults_of(town)] == [
        "places.csv:3: market_street: 没有这条街 unknown street 「东大接」（是不是 did you mean: 东大街）"
    ]


SECRET = "s3cr3t-token"


@pytest.mark.parametrize(
    ("channels", "said"),
    [
        (f"nosuch://{SECRET}@host", "p-guard 的第 1 个通道用不了 channel 1 of p-guard is no Apprise URL: nosuch://…"),
        (f"json://127.0.0.1:9/a|tgram://{SECRET}", "p-guard 的第 2 个通道用不了 channel 2 of p-guard is no Apprise URL: tgram://…"),
        (SECRET, "p-guard 的第 1 个通道用不了 channel 1 of p-guard is no Apprise URL: （没有 no scheme）"),
        (f"json://{SECRET} json://{SECRET}", "p-guard 的通道重复 channel 2 of p-guard twice: json://…"),
        (f"json://{SECRET}\x00", "有不可见的控制字符"),
    ],
)
def test_a_channel_that_cannot_be_parsed_is_refused_by_person_and_scheme_never_by_its_secret(channels: str, said: str, town: Path) -> None:
    line = edit(town, "people.csv", "json://127.0.0.1:9/p-guard", channels)
    found = faults_of(town, lambda url: url.startswith("json://"))
    assert [fault.startswith(f"people.csv:{line}: channels: {said}") for fault in found] == [True]
    assert SECRET not in "".join(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("key,label,username,channels", f"key,label,username,json://{SECRET}"),
        ("guard的人,guard,json://127.0.0.1:9/p-guard", f"guard的人,json://{SECRET}"),
        ("p-guard,guard的人", f"json://{SECRET},guard的人"),
        ("p-guard,guard的人,guard,", f"p-guard,guard的人,guard,x,json://{SECRET}"),
    ],
)
def test_a_channel_in_the_wrong_column_is_not_shown_either(old: str, new: str, town: Path) -> None:
    edit(town, "people.csv", old, new)
    found = faults_of(town)
    assert found
    assert SECRET not in "".join(found)


def test_the_same_person_holds_a_post_once_at_a_time(town: Path) -> None:
    edit(town, "holdings.csv", "p-guard,guard,2022-01-01,,\n", "p-guard,guard,2022-01-01,2022-06-30,\np-guard,guard,2022-07-01,,\n")
    assert faults_of(town) == []
    edit(town, "holdings.csv", "2022-07-01", "2022-06-30")
    assert faults_of(town)[0].startswith("holdings.csv:19: 重复任职 duplicate holding: p-guard 在 guard；应为 expected: 与第 18 行")


def test_yaml_that_bites_its_own_tail_or_nests_without_end_is_refused(town: Path) -> None:
    (town / "sla.yaml").write_text("&a [*a]", encoding="utf8")
    (town / "ladders.yaml").write_text("ladders: &a [*a]", encoding="utf8")
    (town / "township.yaml").write_text("[" * 20000, encoding="utf8")
    assert {fault.partition(":")[0] for fault in faults_of(town)} == {"sla.yaml", "ladders.yaml", "township.yaml"}


def test_a_fault_is_one_line_whatever_the_file_says(town: Path) -> None:
    edit(town, "township.yaml", "name: 试点镇", f'name: 试点镇\n"a\\nb\\u2028c\\e{"d" * 99}": 1')
    assert [fault.partition("；")[0] for fault in faults_of(town)] == [f"township.yaml:3: a⏎b⏎c�{'d' * 34}…: 不认识的键 unknown key"]
