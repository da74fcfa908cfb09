"""A township goes into the database whole, again without a change, and changed without losing what history names."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from models.database import transaction
from models.deadlines import Limit, Unit
from models.enumerations import Clock, Grade, SlaClass
from models.rules import FieldOwner, League, Recheck, Recurrence, Rules, rules_of
from models.seal import opened, seal
from papers.township import Faults, Loaded, load, read
from papers.township.upgrade import complete
from tests.conftest import Database
from tests.stage import Stage
from tests.town import write_town

NOW = datetime(2023, 3, 1, 2, 0, tzinfo=UTC)
TODAY = date(2023, 3, 1)
EXAMPLE = Path(__file__).resolve().parents[2] / "townships" / "xizhang"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    return write_town(tmp_path / "town")


def put(database: Database, folder: Path, now: datetime = NOW) -> Loaded:
    with transaction(database.engine) as session:
        return load(session, read(folder), now)


def ask(database: Database, question: str, **values: Any) -> list[Any]:
    """The first column of the answer."""
    with database.engine.connect() as connection:
        return [row[0] for row in connection.execute(text(question), values)]


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    before = path.read_text(encoding="utf8")
    assert old in before
    path.write_text(before.replace(old, new), encoding="utf8")


def snapshot(database: Database) -> dict[str, list[Any]]:
    """Every row of every table, as text."""
    tables = ask(database, "select tablename from pg_tables where schemaname = 'public' order by 1")
    return {table: ask(database, f"select t::text from {table} t order by 1") for table in tables}


def test_the_example_is_loaded_with_everything_it_has(database: Database) -> None:
    loaded = put(database, EXAMPLE)
    wanted = {
        "units": 49, "posts": 759, "people": 760, "holdings": 763, "places": 872, "ladders": 22, "limits": 22,
        "checklists": 4, "items": 53, "calendar": 0, "clauses": 80,
    }  # fmt: skip
    assert {noun: loaded.counts[noun] for noun in wanted} == wanted
    assert ask(database, "select count(*) from clause") == [80]
    assert ask(database, "select count(*) from place where details->>'risk' = 'high'") == [29 + 4 + 2]
    assert ask(database, "select count(*) from place") == [872]
    assert ask(database, "select count(*) from place where nine_small") == [355]
    assert ask(database, "select count(*) from place where crowded") == [13]
    assert ask(database, "select count(*) from post where kind = 'ranger'") == [37]
    assert ask(database, "select deadline from campaign") == [datetime(2023, 3, 31, 15, 59, 59, tzinfo=UTC)]
    openings = "select distinct post.kind from place join post on post.id = responsible_post_id where place.kind = 'abandoned_opening'"
    assert ask(database, openings) == ["grid_member"]


def test_loading_the_same_folder_again_changes_nothing(database: Database) -> None:
    first = put(database, EXAMPLE)
    before = snapshot(database)
    second = put(database, EXAMPLE, NOW + timedelta(days=40))
    assert first.anything and not second.anything
    assert snapshot(database) == before


def test_a_refused_folder_leaves_the_database_untouched(database: Database, town: Path) -> None:
    put(database, town)
    before = snapshot(database)
    edit(town, "posts.csv", "mayor,township_head,town,secretary", "mayor,township_head,town,owner")
    edit(town, "places.csv", "小商店一", "小商店甲")
    with pytest.raises(Faults):
        put(database, town)
    assert snapshot(database) == before


def test_loading_is_one_transaction(database: Database, town: Path) -> None:
    class Cut(Exception):
        pass

    def load_and_break_off() -> None:
        with transaction(database.engine) as session:
            load(session, read(town), NOW)
            raise Cut

    with pytest.raises(Cut):
        load_and_break_off()
    assert ask(database, "select count(*) from township") == [0]


def test_rules_are_stored_as_the_engine_reads_them(database: Database, town: Path) -> None:
    rules = rules_now(database, put(database, town).township_id)
    assert rules.limit(Clock.rectify, Grade.general, SlaClass.g7).amount == 7
    assert rules.most(Clock.rectify, Grade.major, SlaClass.major) == Limit(90, Unit.natural_days)
    assert rules.most(Clock.rectify, Grade.general, SlaClass.g7) is None
    assert (rules.bundle_cap, rules.retry_minutes, rules.take_up_hours) == (10, (1, 5, 15, 60, 240), 24)
    assert [rung.offset_hours for rung in rules.ladder(Clock.rectify, Grade.general).rungs] == [-72, -24, 0, 24, 72, 120, 168, 240]


def rules_now(database: Database, township_id: int) -> Rules:
    with transaction(database.engine) as session:
        return rules_of(session, township_id)


def test_the_limit_of_the_day_on_which_a_clock_starts_is_the_one_that_counts(database: Database, town: Path) -> None:
    row = "  - {clock: rectify, grade: major, class: major, amount: 30, unit: natural_days, most: 90}"
    edit(town, "sla.yaml", row, row.replace("}", ", to: 2023-05-14}\n") + row.replace("30", "20").replace("90}", "60, from: 2023-05-15}"))
    rules = rules_now(database, put(database, town).township_id)
    asked = (Clock.rectify, Grade.major, SlaClass.major)
    limits = [rules.limit(*asked, on=day) for day in (date(2023, 5, 14), date(2023, 5, 15), None)]
    assert [limit.amount for limit in limits] == [30, 20, 20]
    most = [rules.most(*asked, on=day) for day in (date(2000, 1, 1), date(2023, 5, 15), None)]
    assert [limit and limit.amount for limit in most] == [90, 60, 60]
    assert not put(database, town).anything


def test_what_a_township_decides_for_itself_stands_in_its_rules(database: Database, town: Path) -> None:
    more = "enforcement: {authorised_teams: [police]}\nrecheck: {percent: 20}\nfields:\n  mine: {team: office, deputy: deputy}\n"
    edit(town, "township.yaml", "default_team: fire\n", "default_team: fire\n" + more)
    rules = rules_now(database, put(database, town).township_id)
    assert rules.authorised_teams == {"police"}
    assert rules.recheck == Recheck(30, 20)
    assert rules.fields == {"mine": FieldOwner("office", "deputy")}


WITHOUT_POLICY = """
update township set revision = revision + 1, rules = jsonb_set(
    rules - array['recurrence', 'league', 'recheck', 'enforcement', 'fields'], '{limits}',
    (select jsonb_agg(each - 'from' - 'to') from jsonb_array_elements(rules -> 'limits') each)
)
"""


def test_rules_that_were_loaded_before_there_was_a_policy_have_the_usual_one(database: Database, town: Path) -> None:
    township_id = put(database, town).township_id
    with database.engine.begin() as connection:
        connection.execute(text(WITHOUT_POLICY))
    rules = rules_now(database, township_id)
    assert (rules.recurrence, rules.league, rules.recheck) == (Recurrence(), League(), Recheck())
    assert (rules.authorised_teams, rules.fields) == (frozenset(), {})
    assert rules.limit(Clock.review, Grade.general, on=date(2023, 3, 1)) == Limit(3, Unit.working_days)


def test_what_happened_to_a_place_is_not_undone_by_loading_the_folder_again(database: Database, town: Path) -> None:
    edit(town, "places.csv", PLACES_HEAD, PLACES_HEAD.replace("team", "team,status,risk"))
    edit(town, "places.csv", "owner,fire\n", "owner,fire,locked\n")
    edit(town, "places.csv", "owner-3,fire\n", "owner-3,fire,,low\n")
    put(database, town)
    assert ask(database, STATUSES) == ["pit active", "shop locked", "shop-2 active"]
    with database.engine.begin() as connection:
        connection.execute(text("update place set status = 'moved' where code = 'shop-2'"))
    edit(town, "places.csv", "小商店二", "小商店乙")
    edit(town, "places.csv", "owner-3,fire,,low\n", "owner-3,fire,sealed,high\n")
    assert put(database, town).changed == {"place": 2}
    assert ask(database, STATUSES) == ["pit active", "shop locked", "shop-2 moved"]
    assert ask(database, "select details from place order by code") == [{"risk": "high"}, {}, {}]


PLACES_HEAD = "code,name,kind,village,responsible,team"
STATUSES = "select code || ' ' || status from place order by code"
LIBRARY = "select instrument || article || ' ' || from_day || ' ' || coalesce(to_day::text, '') from clause order by from_day"


def test_the_library_of_law_is_what_the_folder_says_now(database: Database, town: Path) -> None:
    old = "clauses:\n  - {instrument: 判定标准, articles: [第一条, 第二条], from: 2017-11-30, source: 原文}\n"
    (town / "clauses.yaml").write_text(old, encoding="utf8")
    assert put(database, town).added["clause"] == 2
    assert not put(database, town).anything
    new = "  - {instrument: 判定标准, article: 第一条, from: 2023-05-15, source: 原文}\n"
    ended = old.replace("[第一条, 第二条]", "[第一条]").replace("source", "to: 2023-05-14, source")
    (town / "clauses.yaml").write_text(ended + new, encoding="utf8")
    loaded = put(database, town)
    assert (loaded.added, loaded.changed, loaded.ended) == ({"clause": 1}, {"clause": 1}, {"clause": 1})
    assert ask(database, LIBRARY) == ["判定标准第一条 2017-11-30 2023-05-14", "判定标准第一条 2023-05-15 "]
    (town / "clauses.yaml").unlink()
    assert put(database, town).ended == {"clause": 2}


def test_a_changed_ladder_is_a_new_version_and_the_old_one_stays(database: Database, town: Path) -> None:
    put(database, town)
    edit(town, "ladders.yaml", "{level: 2, after: 72, to: [deputy_in_charge]}", "{level: 2, after: 60, to: [deputy_in_charge]}")
    loaded = put(database, town)
    assert loaded.changed == {"ladder": 1, "township": 1}
    versions = "select version from ladder where clock = 'rectify' and grade = 'general' order by 1"
    assert ask(database, versions) == [1, 2]
    offsets = (
        "select offset_hours from rung join ladder on ladder.id = ladder_id where clock = 'rectify' and grade = 'general' and level = 2"
    )
    assert ask(database, offsets + " order by version") == [72, 60]
    assert ask(database, "select revision from township") == [2]


def test_a_changed_limit_or_calendar_is_a_new_revision_of_the_rules(database: Database, town: Path) -> None:
    put(database, town)
    edit(town, "sla.yaml", "bundle_cap: 10", "bundle_cap: 7")
    assert put(database, town).changed == {"township": 1}
    (town / "calendar.csv").write_text("date,kind,note\n2023-03-06,rest,集会\n2023-03-11,makeup,\n", encoding="utf8")
    assert put(database, town).changed == {"calendar": 2, "township": 1}
    (town / "calendar.csv").write_text("date,kind,note\n2023-03-06,work,集会\n", encoding="utf8")
    assert put(database, town).changed == {"calendar": 2, "township": 1}
    assert ask(database, "select day || ' ' || kind from workday") == ["2023-03-06 work"]
    assert ask(database, "select revision from township") == [4]


def test_a_post_that_is_gone_becomes_inactive_and_its_holding_ends_the_day_before(database: Database, town: Path) -> None:
    put(database, town)
    edit(town, "posts.csv", "ranger,ranger,town,office-head\n", "")
    edit(town, "holdings.csv", "p-ranger,ranger,2022-01-01,,\n", "")
    loaded = put(database, town)
    assert loaded.ended == {"post": 1, "holding": 1}
    assert ask(database, "select active from post where code = 'ranger'") == [False]
    assert ask(database, HELD, post="ranger") == [TODAY - timedelta(days=1)]
    assert not put(database, town, NOW + timedelta(days=3)).anything


HELD = "select to_day from holding join post on post.id = post_id where post.code = :post order by from_day"


def test_a_holding_that_had_not_begun_is_dropped_and_one_that_began_today_lasts_today(database: Database, town: Path) -> None:
    more = "p-ranger,guard,2023-03-01,,\np-guard,ranger,2023-04-01,,\n"
    edit(town, "holdings.csv", "person,post,from,to,deputy_of\n", "person,post,from,to,deputy_of\n" + more)
    put(database, town)
    edit(town, "holdings.csv", more, "")
    assert put(database, town).ended == {"holding": 2}
    assert ask(database, HELD, post="guard") == [None, TODAY]
    assert ask(database, HELD, post="ranger") == [None]
    assert not put(database, town).anything


def test_the_chain_of_responsibility_follows_reports_to(database: Database, town: Path) -> None:
    put(database, town)
    chain = """select array_agg(above.code order by depth) from post_chain
        join post on post.id = post_id join post above on above.id = ancestor_id where post.code = 'owner'"""
    up = ["owner", "grid-1", "village-1", "head-fire", "deputy", "mayor", "secretary", "district"]
    assert ask(database, chain) == [up]
    edit(town, "posts.csv", "village-1,village_secretary,v1,head-fire", "village-1,village_secretary,v1,mayor")
    assert put(database, town).changed == {"post": 1}
    assert ask(database, chain) == [[*up[:3], "mayor", "secretary", "district"]]


def test_a_person_who_is_gone_stays_behind_the_key_but_loses_user_name_and_channels(database: Database, town: Path) -> None:
    put(database, town)
    edit(town, "people.csv", "p-guard,guard的人,guard,json://127.0.0.1:9/p-guard\n", "p-new,新的人,guard,json://127.0.0.1:9/new\n")
    edit(town, "holdings.csv", "p-guard,guard,2022-01-01,,\n", "p-new,guard,2023-03-01,,\n")
    loaded = put(database, town)
    assert loaded.ended == {"person": 1, "channel": 1, "holding": 1} and loaded.added == {"person": 1, "channel": 1, "holding": 1}
    assert ask(database, "select key from person where username = 'guard'") == ["p-new"]
    assert ask(database, "select username from person where key = 'p-guard'") == [None]
    usable = "select url from channel join person on person.id = person_id where key = 'p-guard' and disabled_at is null"
    assert ask(database, usable) == []


def test_two_people_may_swap_user_names(database: Database, town: Path) -> None:
    put(database, town)
    edit(town, "people.csv", "p-owner,owner的人,owner,", "p-owner,owner的人,swap,")
    edit(town, "people.csv", "p-owner-2,owner-2的人,owner-2,", "p-owner-2,owner-2的人,owner,")
    edit(town, "people.csv", "p-owner,owner的人,swap,", "p-owner,owner的人,owner-2,")
    assert put(database, town).changed == {"person": 2}
    assert ask(database, "select username from person where key in ('p-owner', 'p-owner-2') order by key") == ["owner-2", "owner"]


CHANNELS = "select url from channel join person on person.id = person_id where key = 'p-owner' and position > 0 order by position"


def channels(database: Database) -> list[str]:
    """The owner's addresses in their order, opened."""
    kept = ask(database, CHANNELS)
    assert all("127.0.0.1" not in url for url in kept)
    return [opened(url) for url in kept]


def test_channels_keep_their_row_when_their_order_changes(database: Database, town: Path) -> None:
    one, two, three = (f"json://127.0.0.1:9/{name}" for name in ("p-owner", "two", "three"))
    edit(town, "people.csv", f"owner,{one}\n", f"owner,{one} {two}\n")
    put(database, town)
    ids = ask(database, "select channel.id from channel join person on person.id = person_id where key = 'p-owner' order by position")
    edit(town, "people.csv", f"{one} {two}", f"{two}|{one}|{three}")
    assert put(database, town).changed == {"channel": 2}
    assert channels(database) == [two, one, three]
    again = (
        "select channel.id from channel join person on person.id = person_id where key = 'p-owner' and url <> :url order by position desc"
    )
    assert ask(database, again, url=seal(three)) == ids


def test_a_removed_channel_is_disabled_and_comes_back_by_its_row(database: Database, town: Path) -> None:
    url = "json://127.0.0.1:9/p-owner"
    put(database, town)
    edit(town, "people.csv", f"owner,{url}\n", "owner,\n")
    assert put(database, town).ended == {"channel": 1}
    assert not put(database, town).anything
    assert channels(database) == []
    edit(town, "people.csv", "owner的人,owner,\n", f"owner的人,owner,{url}\n")
    assert put(database, town).changed == {"channel": 1}
    assert channels(database) == [url]
    assert ask(database, "select count(*) from channel where disabled_at is not null") == [0]


def test_a_channel_that_the_world_refused_stays_disabled_when_the_folder_is_loaded_again(database: Database, town: Path) -> None:
    put(database, town)
    with database.engine.begin() as connection:
        gone = text("update channel set disabled_at = now(), disabled_reason = 'gone' where url = :url")
        connection.execute(gone, {"url": seal("json://127.0.0.1:9/p-owner")})
    assert not put(database, town).anything
    edit(town, "people.csv", "json://127.0.0.1:9/p-owner\n", "json://127.0.0.1:9/new json://127.0.0.1:9/p-owner\n")
    assert put(database, town).changed == {"channel": 1}
    refused = "select disabled_reason || ' ' || position from channel where url = :url and disabled_at is not null"
    assert ask(database, refused, url=seal("json://127.0.0.1:9/p-owner")) == ["gone 2"]


def test_a_place_that_is_gone_goes_unless_a_case_is_about_it(database: Database, town: Path) -> None:
    put(database, town)
    with database.engine.begin() as connection:
        connection.execute(text(OPEN_A_CASE), {"now": NOW})
    edit(town, "places.csv", "shop,小商店一,small_shop,v1,owner,fire\nshop-2,小商店二,small_shop,v1,owner-2,fire\n", "")
    edit(town, "township.yaml", "expected: {small_shop: 2, mine: 1}", "expected: {mine: 1}")
    assert put(database, town).ended == {"place": 1}
    assert ask(database, "select code from place order by 1") == ["pit", "shop"]


def test_a_place_that_has_a_paper_trail_stays(database: Database, town: Path) -> None:
    put(database, town)
    with database.engine.begin() as connection:
        connection.execute(text(FOUND_LOCKED), {"now": NOW})
    edit(town, "places.csv", "shop,小商店一,small_shop,v1,owner,fire\nshop-2,小商店二,small_shop,v1,owner-2,fire\n", "")
    edit(town, "township.yaml", "expected: {small_shop: 2, mine: 1}", "expected: {mine: 1}")
    assert put(database, town).ended == {"place": 1}
    assert ask(database, "select code from place order by 1") == ["pit", "shop"]


FOUND_LOCKED = """
insert into place_event (place_id, seq, what, before, after, reason, post, person, at)
select id, 1, 'status', 'active', 'locked', 'visited', 'inspector', 'p-inspector', :now from place where code = 'shop'
"""
OPEN_A_CASE = """
insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, opened_at)
select township_id, 'hazard', 'YH-2023-0001', 'found', 1, 1, 0, '', 'general', 0, id, village_id, :now from place where code = 'shop'
"""


def test_a_changed_checklist_is_a_new_version_and_a_removed_one_a_version_without_items(database: Database, town: Path) -> None:
    put(database, town)
    edit(town, "checklists/mine.yaml", "title: 矿山尾矿库及坑口巡查表", "title: 矿山巡查表")
    (town / "checklists" / "production.yaml").unlink()
    loaded = put(database, town)
    assert loaded.changed == {"checklist": 1} and loaded.ended == {"checklist": 1}
    newest = "select code || ' ' || version || ' ' || jsonb_array_length(body->'items') from checklist where version = 2 order by 1"
    assert ask(database, newest) == ["mine 2 9", "production 2 0"]
    assert not put(database, town).anything


def test_a_user_name_of_another_township_is_refused_with_its_line(database: Database, town: Path, tmp_path: Path) -> None:
    put(database, town)
    other = tmp_path / "other"
    shutil.copytree(town, other)
    edit(other, "township.yaml", "code: town\n", "code: other\n")
    edit(other, "units.csv", "town,township", "other,township")
    edit(other, "units.csv", ",town\n", ",other\n")
    edit(other, "posts.csv", ",town,", ",other,")
    with pytest.raises(Faults) as refused:
        put(database, other)
    assert len(refused.value.faults) == 22
    assert str(refused.value.faults[0]).startswith("people.csv:2: username: 已被其他镇使用")
    assert ask(database, "select code from township") == ["town"]


def test_a_new_township_gets_a_salt_of_its_own_and_keeps_it(database: Database, town: Path) -> None:
    put(database, town)
    (salt,) = ask(database, "select salt from township")
    assert len(salt) == 32
    put(database, town)
    assert ask(database, "select salt from township") == [salt]


def test_a_replay_gives_the_salt(database: Database, town: Path) -> None:
    with transaction(database.engine) as session:
        load(session, read(town), NOW, salt="given")
    assert ask(database, "select salt from township") == ["given"]


def test_a_township_of_an_earlier_version_gets_the_usual_ladders_and_limits_once(stage: Stage) -> None:
    later = "('decide', 'reply', 'answer', 'progress', 'duty', 'leader_duty')"
    stage.do(f"delete from rung where ladder_id in (select id from ladder where clock in {later})")
    stage.do(f"delete from ladder where clock in {later}")
    stage.do(
        "update township set rules = jsonb_set(rules, '{limits}', (select jsonb_agg(each) from jsonb_array_elements(rules->'limits') each"
        f" where not each->>'clock' in {later}))"
    )
    with transaction(stage.engine) as session:
        assert complete(session) == ["town"]
    with transaction(stage.engine) as session:
        assert complete(session) == []
        rules = rules_of(session, stage.township_id)
    assert rules.limit(Clock.decide, Grade.general).amount == 2
    assert rules.ladder(Clock.leader_duty, Grade.general).rungs
