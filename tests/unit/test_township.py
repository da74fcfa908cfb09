"""What a good folder says: the worked example as it stands, and what the reader fills in by itself."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from models.enumerations import Clock, Field, Grade, Nature, PlaceKind, PlaceStatus, PostKind, Risk, SealType, SlaClass, Threat, UnitKind
from models.refusal import Refusal
from models.rules import FieldOwner, League, Recheck, Recurrence
from models.township import DayKind
from papers.township import Faults, Township, calendar, checklist, clause, holding, person, place, post, read, unit, write_empty
from papers.township.ladder import Counted
from papers.township.place import Place, usual_field
from papers.township.sla import LimitUnit
from tests.town import write_town

EXAMPLE = Path(__file__).resolve().parents[2] / "townships" / "xizhang"


@pytest.fixture(scope="module")
def xizhang() -> Township:
    return read(EXAMPLE, lambda url: url.startswith(("json://", "mailto://")))


def test_the_example_has_as_many_places_of_each_kind_as_its_report_says(xizhang: Township) -> None:
    assert Counter(str(place.kind) for place in xizhang.places) == {
        "small_factory": 68, "small_shop": 163, "small_beauty_bath": 12, "small_hotel": 3, "small_clinic": 47, "small_restaurant": 62,
        "street_shop": 231, "school": 2, "kindergarten": 3, "hospital": 2, "nursing_home": 2, "supermarket": 2, "workshop": 2,
        "mine": 4, "tailings_pond": 2, "abandoned_opening": 267,
    }  # fmt: skip
    assert len(xizhang.places) == 872
    assert len([place for place in xizhang.places if place.nine_small]) == 355
    assert len([place for place in xizhang.places if place.crowded]) == 13


def test_the_example_has_the_posts_that_its_report_names(xizhang: Township) -> None:
    kinds = Counter(post.kind for post in xizhang.posts)
    assert kinds[PostKind.ranger] == 37
    assert kinds[PostKind.station_head] == 6
    assert kinds[PostKind.village_secretary] == kinds[PostKind.grid_member] == 41
    assert kinds[PostKind.enterprise_principal] == 872 - 267
    missing = {PostKind.reporter, PostKind.system, PostKind.enterprise_safety}
    assert set(PostKind) - set(kinds) == missing


def test_every_chain_of_the_example_ends_at_the_district(xizhang: Township) -> None:
    up = {post.code: post.reports_to for post in xizhang.posts}

    def end(code: str) -> str:
        above = up[code]
        return end(above) if above else code

    assert {end(code) for code in up} == {"district-office"}


def test_everybody_in_the_example_holds_a_post_named_like_the_user(xizhang: Township) -> None:
    posts = {post.code for post in xizhang.posts}
    first = {holding.person: holding.post for holding in reversed(xizhang.holdings) if holding.deputy_of is None}
    assert {person.username: first[person.key] for person in xizhang.people if person.username in posts} == {post: post for post in posts}
    assert [person.username for person in xizhang.people if person.username not in posts] == ["grid-19-before"]


def test_the_example_is_without_real_names_and_positions(xizhang: Township) -> None:
    assert all(place.lat is None and place.phone is None for place in xizhang.places)
    assert all(person.key == f"p{number:04d}" for number, person in enumerate(xizhang.people, start=1))
    assert all("127.0.0.1" in url for person in xizhang.people for url in person.channels)


def test_the_example_has_stand_ins_who_are_told_beside_the_absent(xizhang: Township) -> None:
    deputies = [(holding.post, holding.from_day) for holding in xizhang.holdings if holding.deputy_of]
    assert deputies == [("head-fire", date(2023, 2, 27)), ("deputy-safety", date(2023, 3, 6)), ("secretary-07", date(2023, 3, 20))]


def test_the_campaign_of_the_example_runs_to_the_end_of_march(xizhang: Township) -> None:
    campaign = xizhang.campaign
    assert campaign.start == datetime(2023, 2, 13, 16, tzinfo=UTC)
    assert campaign.deadline == datetime(2023, 3, 31, 15, 59, 59, tzinfo=UTC)
    assert [reminder.days_left for reminder in campaign.reminders] == [30, 21, 14, 10, 7, 5, 3, 2, 1, 0, -1]
    assert [reminder.days_left for reminder in campaign.reminders if reminder.daily] == [5, -1]


def test_places_without_an_owner_are_answered_for_by_the_village(xizhang: Township) -> None:
    openings = [place for place in xizhang.places if place.kind == PlaceKind.abandoned_opening]
    assert all(place.responsible == place.village.replace("village", "grid") for place in openings)


def test_every_clock_and_grade_has_its_ladder(xizhang: Township) -> None:
    assert {(ladder.clock, ladder.grade) for ladder in xizhang.ladders} == {(clock, grade) for clock in Clock for grade in Grade}
    rectify = next(ladder for ladder in xizhang.ladders if (ladder.clock, ladder.grade) == (Clock.rectify, Grade.general))
    day3 = next(rung for rung in rectify.rungs if rung.after_hours == 72)
    assert day3.told == ("deputy_in_charge", "office_dispatcher")
    assert [rung.after_hours for rung in rectify.rungs if rung.urge_letter] == [120]


def without_later_clocks(folder: Path) -> Path:
    """The folder as it was written before there was anything to decide, answer or owe."""
    for file, start, indent in (("ladders.yaml", "  - clock: ", " "), ("sla.yaml", "  - {clock: ", " ")):
        kept, dropping = [], False
        for line in (folder / file).read_text(encoding="utf8").splitlines(keepends=True):
            if line.startswith(start):
                dropping = not line.removeprefix(start).startswith(("dispatch", "acknowledge", "rectify", "review", "approve"))
            elif not line.startswith(indent):
                dropping = False
            kept += [] if dropping else [line]
        (folder / file).write_text("".join(kept), encoding="utf8")
    return folder


def test_a_folder_that_knows_nothing_of_later_clocks_gets_their_usual_ladders_and_limits(tmp_path: Path, xizhang: Township) -> None:
    old = without_later_clocks(write_town(tmp_path / "town"))
    assert "clock: progress" not in (old / "sla.yaml").read_text(encoding="utf8") + (old / "ladders.yaml").read_text(encoding="utf8")
    read_old = read(old)
    assert set(read_old.ladders) == set(xizhang.ladders)
    assert set(read_old.sla.limits) == set(xizhang.sla.limits)


def test_one_later_ladder_may_be_the_townships_own_and_the_rest_the_usual_ones(tmp_path: Path) -> None:
    town = without_later_clocks(write_town(tmp_path / "town"))
    own = """
  - clock: duty
    grade: general
    counted: natural
    repeat_hours: 24
    rungs:
      - {level: 1, after: 2, to: [office_head]}
"""
    (town / "ladders.yaml").write_text((town / "ladders.yaml").read_text(encoding="utf8") + own, encoding="utf8")
    duty = {ladder.grade: ladder for ladder in read(town).ladders if ladder.clock == Clock.duty}
    assert [rung.after_hours for rung in duty[Grade.general].rungs] == [2]
    assert [rung.after_hours for rung in duty[Grade.major].rungs] == [0, 24, 48]


def test_nobody_is_bothered_about_a_duty_before_it_is_due(xizhang: Township) -> None:
    duties = [ladder for ladder in xizhang.ladders if ladder.clock in (Clock.duty, Clock.leader_duty)]
    assert min(rung.after_hours for ladder in duties for rung in ladder.rungs) == 0
    assert {limit.clock for limit in xizhang.sla.limits} == set(Clock) - {Clock.duty, Clock.leader_duty}


def test_a_limit_may_change_from_a_day_on(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    text = (town / "sla.yaml").read_text(encoding="utf8")
    row = "  - {clock: review, grade: general, amount: 3, unit: working_days}\n"
    later, before = row.replace("3, unit", "2, unit").replace("}", ", from: 2023-05-15}"), row.replace("}", ", to: 2023-05-14}")
    (town / "sla.yaml").write_text(text.replace(row, later + before), encoding="utf8")
    editions = [limit for limit in read(town).sla.limits if (limit.clock, limit.grade) == (Clock.review, Grade.general)]
    assert [(limit.amount, limit.from_day, limit.to_day) for limit in editions] == [
        (3, None, date(2023, 5, 14)), (2, date(2023, 5, 15), None),
    ]  # fmt: skip


def test_a_township_that_says_nothing_of_its_policy_has_the_usual_one(tmp_path: Path) -> None:
    policy = read(write_town(tmp_path / "town")).policy
    assert (policy.recurrence, policy.league, policy.recheck) == (Recurrence(12, 3, 80), League(True, 5, 20), Recheck(30, 10))
    assert (policy.authorised_teams, policy.fields) == ((), {})


def test_a_township_says_what_is_its_own(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    more = (
        "recurrence: {months: 6, similar: 90}\nleague: {on: no}\nrecheck: {percent: 20}\nenforcement: {authorised_teams: [police]}\n"
        "fields:\n  mine: {team: office, deputy: deputy}\n  education: {team: police}\n"
    )
    (town / "township.yaml").write_text((town / "township.yaml").read_text(encoding="utf8") + more, encoding="utf8")
    policy = read(town).policy
    assert (policy.recurrence, policy.league, policy.recheck) == (Recurrence(6, 3, 90), League(False, 5, 20), Recheck(30, 20))
    assert policy.authorised_teams == ("police",)
    assert policy.fields == {Field.mine: FieldOwner("office", "deputy"), Field.education: FieldOwner("police")}


def test_the_fields_that_none_of_the_six_teams_is_competent_for_are_gaps_of_the_example(xizhang: Township) -> None:
    gaps = {Field.mine, Field.tailings, Field.hazchem, Field.fireworks, Field.road, Field.construction, Field.food_drug, Field.forest}
    assert not gaps & set(xizhang.policy.fields)
    assert {owner.team for owner in xizhang.policy.fields.values()} <= {unit.code for unit in xizhang.units}


def test_mines_ponds_and_openings_of_the_example_say_what_they_are(xizhang: Township) -> None:
    details = {kind: [place.details for place in xizhang.places if place.kind == kind] for kind in PlaceKind}
    openings = details[PlaceKind.abandoned_opening]
    assert Counter(each["risk"] for each in openings) == {"low": 238, "high": 29}
    assert all(each["seal_type"] in set(SealType) for each in openings)
    assert all(each["licence_no"].startswith("占位") for each in details[PlaceKind.mine])
    assert [each["dam_height"] for each in details[PlaceKind.tailings_pond]] == [24, 28]
    assert details[PlaceKind.small_shop] == [{}] * 163


def test_only_what_is_filled_in_of_a_places_details_is_kept(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    rows = "code,name,kind,village,floors,area_m2,sleeping_on_site,risk,seal_date\na,店,small_shop,v1,2,80.5,0,,\nb,店,small_shop,v2\n"
    (town / "places.csv").write_text(rows + "c,矿,mine,v2,,,,high,\n", encoding="utf8")
    assert [place.details for place in read(town).places] == [
        {"area_m2": 80.5, "floors": 2, "sleeping_on_site": False}, {}, {"risk": "high"},
    ]  # fmt: skip


def families(township: Township) -> set[str]:
    return {item.code.rstrip("0123456789") for each in township.checklists for item in each.items}


def test_the_checklists_of_the_example_ask_everything_that_is_to_be_looked_at(xizhang: Township) -> None:
    assert {"A", "B", "C", "D", "E", "F", "G", "H", "I"} <= families(xizhang)
    items = [item for each in xizhang.checklists for item in each.items]
    present = {place.kind for place in xizhang.places}
    fields = {item.field or usual_field(kind) for item in items for kind in item.kinds if kind in present}
    key = {Field.mine, Field.tailings, Field.hazchem, Field.fireworks, Field.road, Field.construction, Field.food_drug}
    assert key <= fields
    assert {item.threat for item in items} == set(Threat)
    assert all(any(kind in item.kinds for item in items) for kind in present)
    start_work = [item for item in items if item.family == "I"]
    assert all(PlaceKind.mine in item.kinds and PlaceKind.small_factory in item.kinds for item in start_work) and start_work


def test_the_family_of_an_item_is_its_code_without_the_number_unless_it_says_another(xizhang: Township) -> None:
    items = {item.code: item for each in xizhang.checklists for item in each.items}
    assert (items["C3"].family, items["FH2"].family) == ("C", "FH")
    assert items["G1"].family == items["P3"].family == "wiring"
    assert items["D1"].photo and not items["A1"].photo


@pytest.mark.parametrize("code", ["P1", "P2"])
def test_two_hazards_of_the_example_are_major_from_the_day_of_the_new_criteria(code: str, xizhang: Township) -> None:
    item = next(item for each in xizhang.checklists for item in each.items if item.code == code)
    assert item.grade == Grade.general
    assert [(each.from_day, each.grade) for each in item.changes] == [(date(2023, 5, 15), Grade.major)]


def test_the_library_of_the_example_has_every_clause_that_its_checklists_cite(xizhang: Township) -> None:
    items = [item for each in xizhang.checklists for item in each.items]
    cited = [(item.clause, xizhang.campaign.start.date()) for item in items]
    cited += [(change.clause, change.from_day) for item in items for change in item.changes]
    known = {(clause.instrument.partition("（")[0], clause.article) for clause in xizhang.clauses}
    known |= {(clause.instrument.partition("（")[2].rstrip("）"), clause.article) for clause in xizhang.clauses}
    parts = [part for clause, _ in cited for part in single_clauses(clause)]
    assert [part for part in parts if part not in known] == []
    assert len(parts) > 50


def single_clauses(clause: str) -> list[tuple[str, str]]:
    """«消防法第二十七条第二款、第二十八条；…» as (instrument, article) each."""
    found: list[tuple[str, str]] = []
    for part in clause.split("；"):
        instrument = re.split(r"第[一二三四五六七八九十百]+条| ", part)[0].partition("（应急")[0]
        articles = re.findall(r"第[一二三四五六七八九十百]+条", part) or [part.removeprefix(instrument).strip()]
        found += [(instrument, article) for article in articles]
    return found


def test_old_criteria_end_the_day_before_new_ones_begin(xizhang: Township) -> None:
    days = {clause.instrument: (clause.from_day, clause.to_day) for clause in xizhang.clauses if "判定标准" in clause.instrument}
    ends = [to_day for _, to_day in days.values() if to_day]
    assert ends == [date(2022, 8, 31), date(2023, 5, 14)]
    assert {end + timedelta(days=1) for end in ends} <= {from_day for from_day, _ in days.values()}


def test_a_township_without_a_library_of_law_has_an_empty_one(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    assert read(town).clauses == ()
    (town / "clauses.yaml").write_text("clauses: []\n", encoding="utf8")
    assert read(town).clauses == ()


def test_a_new_township_starts_with_the_ladders_and_limits_of_the_example(tmp_path: Path) -> None:
    write_empty(tmp_path / "new")
    for name in ("ladders.yaml", "sla.yaml"):
        assert (tmp_path / "new" / name).read_bytes() == (EXAMPLE / name).read_bytes()


def test_a_new_folder_lacks_nothing_but_content(tmp_path: Path) -> None:
    names = write_empty(tmp_path / "a" / "new")
    assert sorted(names) == [
        "calendar.csv", "channels.yaml", "checklists/basic.yaml", "clauses.yaml", "duties.yaml", "groups.csv", "holdings.csv",
        "ladders.yaml", "messages.yaml", "people.csv", "places.csv", "posts.csv", "sla.yaml", "township.yaml", "units.csv",
    ]  # fmt: skip
    with pytest.raises(Faults) as refused:
        read(tmp_path / "a" / "new")
    assert {fault.what.partition("empty")[1] for fault in refused.value.faults} == {"empty"}
    assert {fault.file for fault in refused.value.faults} == {
        "holdings.csv", "people.csv", "places.csv", "posts.csv", "township.yaml", "units.csv"
    }  # fmt: skip


def test_the_examples_in_the_comments_of_a_new_folder_make_a_township(tmp_path: Path) -> None:
    """What a newcomer gets who takes away the # before the example rows and fills in the page."""
    write_empty(tmp_path)
    for path in tmp_path.glob("*.csv"):
        head, _, *examples = path.read_text(encoding="utf8").splitlines()
        path.write_text("\n".join([head, *(line.removeprefix("# ") for line in examples)]), encoding="utf8")
    page = (tmp_path / "township.yaml").read_text(encoding="utf8")
    for key, value in {
        "code": "zhen",
        "name": "某镇",
        "  code": "YH",
        "  title": "专项",
        "  start": "2023-02-14",
        "  deadline": "2023-03-31",
    }.items():
        page = page.replace(f"\n{key}:", f"\n{key}: {value}", 1)
    (tmp_path / "township.yaml").write_text(page.replace("expected: {}", "expected: {small_shop: 1}"), encoding="utf8")
    with pytest.raises(Faults) as refused:
        read(tmp_path)
    assert {fault.what.partition(":")[0] for fault in refused.value.faults} == {"缺少岗位 missing post"}


def test_an_empty_township_is_never_written_over_something(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf8")
    with pytest.raises(Refusal, match="不为空"):
        write_empty(tmp_path)
    with pytest.raises(Refusal, match="isn't empty"):
        write_empty(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def places_of(town: Path, rows: str) -> dict[str, Place]:
    (town / "places.csv").write_text("code,name,kind,village,responsible,team,field,nine_small,lat,lon\n" + rows, encoding="utf8")
    return {place.code: place for place in read(town).places}


def test_what_a_place_does_not_say_comes_from_its_kind_and_village(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    page = (town / "township.yaml").read_text(encoding="utf8")
    (town / "township.yaml").write_text(page + "teams_by_kind: {mine: police}\n", encoding="utf8")
    places = places_of(town, "a,店,small_shop,v1\nb,店,small_shop,v2,owner,office,power,0,34.7,111.2\nc,矿,mine,v2\n")
    assert (places["a"].responsible, places["a"].team, places["a"].field, places["a"].nine_small) == (
        "grid-1",
        "fire",
        Field.fire_nine,
        True,
    )
    assert (places["b"].responsible, places["b"].team, places["b"].field, places["b"].nine_small) == ("owner", "office", Field.power, False)
    assert (places["b"].lat, places["b"].lon) == (34.7, 111.2)
    assert (places["c"].team, places["c"].field) == ("police", Field.mine)


def test_the_secretary_answers_for_a_village_without_a_grid_member(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    for file in ("posts.csv", "holdings.csv", "people.csv"):
        lines = (town / file).read_text(encoding="utf8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(("grid-2,", "p-grid-2,"))]
        (town / file).write_text("".join(kept).replace("v2,grid-2", "v2,village-2"), encoding="utf8")
    assert places_of(town, "a,店,small_shop,v1\nb,店,small_shop,v1\nc,矿,mine,v2\n")["c"].responsible == "village-2"


def test_deadlines_may_be_written_as_days_or_without_an_offset(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    page = (town / "township.yaml").read_text(encoding="utf8")
    page = page.replace("2023-02-14T00:00:00+08:00", "2023-02-14").replace("2023-03-31T23:59:59+08:00", "2023-03-31 18:00")
    (town / "township.yaml").write_text(page, encoding="utf8")
    campaign = read(town).campaign
    assert (campaign.start, campaign.deadline) == (datetime(2023, 2, 13, 16, tzinfo=UTC), datetime(2023, 3, 31, 10, tzinfo=UTC))


def test_channels_are_kept_in_order_and_out_of_every_print(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town", lambda person: f"json://{person}/1 | json://{person}/2\tjson://{person}/3")
    people = read(town).people
    assert people[0].channels == tuple(f"json://{people[0].key}/{number}" for number in (1, 2, 3))
    assert "json://" not in repr(people[0])


def test_a_kind_that_is_expected_none_of_may_be_left_out_or_said(tmp_path: Path) -> None:
    town = write_town(tmp_path / "town")
    page = (town / "township.yaml").read_text(encoding="utf8")
    (town / "township.yaml").write_text(page.replace("mine: 1}", "mine: 1, school: 0}"), encoding="utf8")
    assert read(town).expected[PlaceKind.school] == 0


def test_one_changed_count_of_the_example_is_refused_by_kind_expected_and_found(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(EXAMPLE, copy)
    page = (copy / "township.yaml").read_text(encoding="utf8")
    (copy / "township.yaml").write_text(page.replace("small_clinic: 47", "small_clinic: 46"), encoding="utf8")
    with pytest.raises(Faults) as refused:
        read(copy)
    said = [fault.what for fault in refused.value.faults]
    assert said == [
        "expected: small_clinic 小诊所数量不符 counts don't add up: 应有 46，实有 found 47（差 difference +1）",
        "count: 九小场所加不起来 doesn't add up: 355，各项之和 its parts 354（差 difference -1）",
    ]


def test_a_folder_that_cannot_be_written_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf8")
    with pytest.raises(Refusal, match="写不了"):
        write_empty(tmp_path / "file" / "new")


def test_the_format_page_names_every_column_key_and_word() -> None:
    page = (EXAMPLE.parents[1] / "docs" / "township.md").read_text(encoding="utf8")
    columns = [*unit.COLUMNS, *post.COLUMNS, *person.COLUMNS, *holding.COLUMNS, *calendar.COLUMNS, *place.REQUIRED, *place.OPTIONAL]
    words = [*UnitKind, *post.LOADABLE, *PlaceKind, *PlaceStatus, *Field, *Clock, *Grade, *SlaClass, *Threat, *Nature, *DayKind]
    pages = [path for path in EXAMPLE.rglob("*.yaml") if path.name != "duties.yaml"]
    keys = re.findall(r"^[ -]*[{]?([a-z_]+):", "".join(path.read_text(encoding="utf8") for path in pages), re.MULTILINE)
    lists = [*checklist.REQUIRED, *checklist.OPTIONAL, *clause.REQUIRED, *clause.OPTIONAL]
    names = {str(name) for name in [*columns, *words, *SealType, *Risk, *Counted, *LimitUnit, *lists, *keys]}
    assert {name for name in names if f"`{name}`" not in page and f"`{name}: " not in page} == set()
