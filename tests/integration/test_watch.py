"""The self-audit: what it finds, what it mends, whom it tells, and when it calls the dead man's switch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from models.database import transaction
from models.seal import seal
from models.settings import Settings, SettingsError
from notifications.deadman import ping
from notifications.deliver import deliver_due
from notifications.outcome import SENT
from notifications.told import Latency, latency
from papers.township import load, read
from statemachines.timers import Start, insert_timers
from statemachines.watch import Watched, watch
from tests.site import serve
from tests.stage import Stage
from tests.town import write_town


def look(stage: Stage, deadman: str | None = None) -> Watched:
    return watch(stage.engine, stage.clock, deadman)


def found(stage: Stage) -> list[tuple[str, str | None, bool]]:
    return [(each.kind, each.code, each.mended) for each in look(stage).findings]


def leaves(stage: Stage, *posts: str, last_day: str = "2023-02-18") -> None:
    """The posts' only holders leave on that day."""
    stage.do("update holding set to_day = cast(:day as date) from post where post.id = post_id and code = any(:posts)",
             day=last_day, posts=list(posts))  # fmt: skip


@contextmanager
def switch(status: int = 200, location: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """A dead man's switch on loopback: its address, and the paths that were called."""
    called: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret-path", called
    finally:
        server.shutdown()
        server.server_close()


# What it finds


def test_a_busy_township_in_order_is_clean(stage: Stage) -> None:
    stage.to_closed()
    stage.to_verified(place="shop-2")
    stage.ask_extension(stage.to_rectifying(sla_class="g15"))
    stage.to_submitted(place="pit", grade="major")
    stage.report()
    stage.owes("ranger")
    assert found(stage) == []


def test_a_case_that_waits_for_its_review_is_named_while_nobody_could_approve_it_later(stage: Stage) -> None:
    early = stage.to_submitted()
    leaves(stage, "office-head", "head-police", "deputy", "mayor", "secretary", "district")
    assert ("approver", early, False) in found(stage)
    assert "复查合格后将" in next(each.what for each in look(stage).findings if each.code == early)


def test_a_verified_case_is_named_once_its_approver_has_left_and_nobody_above_is_eligible(stage: Stage) -> None:
    code = stage.to_verified()
    assert found(stage) == []
    leaves(stage, "office-head", "head-police", "deputy", "mayor", "secretary", "district")
    assert ("approver", code, False) in found(stage)


def test_whoever_submitted_or_looked_again_is_no_approver(stage: Stage) -> None:
    code = stage.to_verified()
    leaves(stage, "office-head", "head-police", "deputy", "mayor", "secretary", "district")
    stage.holds("inspector", "office-head")
    stage.holds("owner", "deputy")
    assert ("approver", code, False) in found(stage)
    stage.holds("village-2", "mayor")
    assert ("approver", code, False) not in found(stage)


def test_whoever_holds_the_responsible_post_approves_nothing_in_it(stage: Stage) -> None:
    code = stage.to_verified()
    leaves(stage, "office-head", "head-police", "deputy", "mayor", "secretary", "district")
    stage.holds("owner-2", "owner")
    stage.holds("owner-2", "mayor")
    assert ("approver", code, False) in found(stage)


def test_an_application_that_nobody_is_left_to_decide_is_named(stage: Stage) -> None:
    request = stage.ask_extension(stage.to_rectifying(sla_class="g15"))
    assert found(stage) == []
    leaves(stage, "deputy", "mayor", "secretary", "district")
    assert ("approver", request, False) in found(stage)


def test_a_post_that_owes_something_is_named_when_it_has_been_empty_for_a_day(stage: Stage) -> None:
    stage.to_rectifying()
    stage.owes("ranger")
    leaves(stage, "owner", "ranger", "guard", last_day="2023-02-20")
    stage.at("2023-02-21T10:00+08:00")
    assert "vacant" not in {kind for kind, _, _ in found(stage)}
    stage.at("2023-02-22T10:00+08:00")
    assert [each for each in found(stage) if each[0] == "vacant"] == [("vacant", "owner", False), ("vacant", "ranger", False)]
    stage.holds("owner-2", "owner")
    assert ("vacant", "owner", False) not in found(stage)


def test_a_post_that_only_decides_is_named_too(stage: Stage) -> None:
    stage.to_verified()
    leaves(stage, "office-head")
    assert ("vacant", "office-head", False) in found(stage)


def test_stuck_messages_are_listed_one_by_one(stage: Stage) -> None:
    code = stage.to_assigned()
    assert found(stage) == []
    stage.later(hours=4)
    told = [each for each in look(stage).findings if each.kind == "stuck"]
    assert [each.code for each in told] == [code] * 2
    assert all("隐患交办" in each.what and "已计划" in each.what for each in told)


def test_poison_is_listed_with_its_reason(stage: Stage) -> None:
    code = stage.to_rectifying()
    stage.do("update timer set quarantined_at = '2023-02-20Z', quarantine_reason = '阶梯不存在' where stopped_at is null")
    assert [(each.code, each.what) for each in look(stage).findings if each.kind == "quarantine"] == [(code, "整改时钟被隔离：阶梯不存在")]


# What it mends


def test_a_lost_clock_of_any_kind_of_case_is_started_again(stage: Stage) -> None:
    request = stage.ask_extension(stage.to_rectifying(sla_class="g15"))
    report, _ = stage.report()
    run = stage.owes("ranger")
    stage.do("update timer set stopped_at = '2023-02-20Z'")
    assert {each for each in found(stage) if each[0] == "timerless"} >= {("timerless", code, True) for code in (request, report, run)}
    assert (stage.clocks(request), stage.clocks(report), stage.clocks(run)) == (["decide"], ["answer"], ["duty"])
    assert not [each for each in found(stage) if each[0] == "timerless"]


def test_a_case_that_no_clock_can_be_found_for_keeps_no_other_from_getting_one(stage: Stage) -> None:
    poison, other = stage.to_rectifying(), stage.to_rectifying(place="shop-2")
    stage.do("delete from timer")
    stage.do("update cases set due_at = null where code = :code", code=poison)
    stage.do("update hazard set due_at = null, sla_class = 'major' where case_id = (select id from cases where code = :code)", code=poison)
    assert found(stage) == [("timerless", poison, False), ("timerless", other, True)]
    assert stage.clocks(other) == ["rectify"]


def test_a_case_on_which_the_database_itself_stumbles_keeps_no_other_from_getting_a_clock(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, other = stage.to_rectifying(), stage.to_rectifying(place="shop-2")
    stage.do("delete from timer")

    def stumbling(session: Session, case_id: int, starts: list[Start]) -> None:
        asked = {"id": case_id, "poison": poison}
        session.execute(text("select 1 / (select count(*) from cases where id = :id and code <> :poison)"), asked)
        insert_timers(session, case_id, starts)

    monkeypatch.setattr("statemachines.watch.insert_timers", stumbling)
    assert found(stage) == [("timerless", poison, False), ("timerless", other, True)]


def test_a_place_that_should_stand_still_is_stopped_and_whoever_runs_it_is_told(stage: Stage) -> None:
    code = stage.to_rectifying(place="pit", grade="major")
    stage.do("update place set start_work = 'allowed' where code = 'pit'")
    stage.do("delete from notice")
    assert found(stage) == [("gate", "pit", True)]
    assert stage.one("select start_work from place where code = 'pit'").start_work == "blocked"
    told = {n.person for n in stage.notices(code) if n.purpose == "start_work"}
    assert told == {"p-owner-3", "p-head-fire", "p-office-head"}
    assert found(stage) == []


def test_a_place_that_is_stopped_for_nothing_waits_for_consent_again(stage: Stage) -> None:
    code = stage.to_rectifying(place="pit", grade="major")
    stage.do("update cases set state = 'closed', ended_at = '2023-02-20Z' where code = :code", code=code)
    stage.do("update timer set stopped_at = '2023-02-20Z'")
    assert ("gate", "pit", True) in found(stage)
    assert stage.one("select start_work from place where code = 'pit'").start_work == "pending"


def test_a_place_that_waits_for_consent_or_may_work_is_left_alone(stage: Stage) -> None:
    stage.to_rectifying(place="pit", grade="major")
    stage.do("update place set start_work = 'pending' where code = 'shop'")
    before = stage.all("select count(*) from place_event")
    assert found(stage) == []
    assert stage.all("select count(*) from place_event") == before


# Whom it tells


def test_each_office_hears_once_a_day_and_of_its_own_township_alone(stage: Stage, tmp_path: Path) -> None:
    folder = write_town(tmp_path / "other")
    renamed = {"township.yaml": ("code: town\n", "code: other\n"), "units.csv": ("town,", "other,"), "people.csv": ("的人,", "的人,other-")}
    for name, words in {**renamed, "posts.csv": (",town,", ",other,")}.items():
        said = (folder / name).read_text(encoding="utf8").replace(*words)
        (folder / name).write_text(said.replace(",town\n", ",other\n"), encoding="utf8")
    with transaction(stage.engine) as session:
        load(session, read(folder), stage.clock.now(), salt="other")
    code = stage.to_rectifying()
    stage.do("update timer set quarantined_at = '2023-02-20Z', quarantine_reason = '阶梯不存在' where stopped_at is null")
    for _ in range(3):
        look(stage)
    reports = [n for n in stage.notices() if n.purpose == "operations"]
    assert [(n.person, n.township_id) for n in reports] == [("p-office-head", stage.township_id)]
    assert code in reports[0].facts["text"]


def test_addresses_that_no_key_opens_any_more_are_named(stage: Stage) -> None:
    sealed = "update channel set url = :url from person where person.id = person_id and key = :key"
    stage.do(sealed, url=seal("json://127.0.0.1:9/x", b"k" * 32), key="p-owner")
    stage.do(sealed, url=seal("json://127.0.0.1:9/y"), key="p-owner-2")
    [locked] = look(stage).findings
    assert (locked.kind, locked.township, locked.mended) == ("locked", stage.township_id, False)
    assert locked.what.startswith("1个通道地址打不开")
    assert [n.facts["text"].startswith("发现1处异常，其一：1个通道") for n in stage.notices() if n.purpose == "operations"] == [True]
    stage.do(sealed, url="json://127.0.0.1:9/x", key="p-owner")
    assert look(stage).clean


# The dead man's switch


def test_only_a_clean_audit_calls_the_dead_mans_switch(stage: Stage) -> None:
    with switch() as (url, called):
        assert look(stage, url).pinged is True
        assert called == ["/secret-path"]
        stage.to_rectifying()
        stage.do("update timer set stopped_at = '2023-02-20Z'")
        assert look(stage, url).pinged is None
        assert called == ["/secret-path"]
        assert look(stage, url).pinged is True


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_switch_that_does_not_say_yes_was_not_reached(status: int) -> None:
    with switch() as (elsewhere, there), switch(status, elsewhere) as (url, called):
        assert ping(url) is False
        assert (called, there) == (["/secret-path"], [])


def test_a_switch_that_cannot_be_reached_is_logged_without_its_secret_and_stops_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    watched = look(stage, "http://127.0.0.1:9/secret-path")
    assert (watched.clean, watched.pinged) == (True, False)
    assert "127.0.0.1" in caplog.text
    assert "secret-path" not in caplog.text


def test_no_transaction_is_open_while_the_switch_is_called(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "select state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null"
    seen = []

    def calling(url: str) -> bool:
        seen.append(stage.all(query))
        return True

    monkeypatch.setattr("statemachines.watch.ping", calling)
    look(stage, "http://switch.test")
    assert seen == [[]]


def test_the_address_of_the_switch_is_read_and_never_shown() -> None:
    read = Settings.read({"BIHUAN_DEADMAN_URL": "https://alarm.example/very-secret"})
    assert read.deadman_url == "https://alarm.example/very-secret"
    assert "very-secret" not in repr(read)
    assert Settings.read({}).deadman_url is None
    with pytest.raises(SettingsError) as refused:
        Settings.read({"BIHUAN_DEADMAN_URL": "alarm.example/very-secret"})
    assert "BIHUAN_DEADMAN_URL" in str(refused.value)
    assert "very-secret" not in str(refused.value)


# How long messages take


def test_waiting_is_counted_from_when_a_message_may_go(stage: Stage) -> None:
    stage.to_assigned()
    with transaction(stage.engine) as session:
        assert latency(session, stage.clock.now()) == Latency(0, None, None)
    stage.later(seconds=40)
    deliver_due(stage.engine, stage.clock, channel=lambda *_: SENT)
    assert look(stage).latency == Latency(2, 40.0, 40.0)
    stage.at("2023-02-20T22:00+08:00")
    stage.to_assigned(place="shop-2")
    deliver_due(stage.engine, stage.clock, channel=lambda *_: SENT)
    stage.at("2023-02-21T07:00:05+08:00")
    deliver_due(stage.engine, stage.clock, channel=lambda *_: SENT)
    assert look(stage).latency == Latency(4, 5.0, 40.0)
    stage.at("2023-02-22T10:00+08:00")
    assert look(stage).latency.count == 0


def test_the_lines_of_a_bundle_have_waited_each_for_itself(stage: Stage) -> None:
    stage.to_assigned()
    stage.later(seconds=60)
    stage.to_assigned()
    stage.later(seconds=10)
    deliver_due(stage.engine, stage.clock, channel=lambda *_: SENT)
    assert look(stage).latency == Latency(4, 10.0, 70.0)


def test_metrics_say_what_the_last_audit_found_and_how_long_messages_take(stage: Stage, tmp_path: Path) -> None:
    def metrics() -> dict[str, str]:
        lines = site.client().get("/metrics").text.splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    with serve(stage, tmp_path) as site:
        assert "bihuan_watch_age_seconds" not in metrics()
        stage.to_assigned()
        stage.later(seconds=30)
        deliver_due(stage.engine, stage.clock, channel=lambda *_: SENT)
        look(stage, "http://127.0.0.1:9/")
        stage.do("update timer set stopped_at = '2023-02-20Z'")
        look(stage)
        stage.later(minutes=5)
        said = metrics()
    assert said['bihuan_handover_seconds{quantile="0.99"}'] == "30.000"
    assert said["bihuan_handed_over"] == "2"
    assert said['bihuan_watch_findings{kind="timerless"}'] == "1"
    assert said['bihuan_watch_findings{kind="stuck"}'] == "0"
    assert (said["bihuan_watch_age_seconds"], said["bihuan_deadman_pings"], said["bihuan_deadman_pings_failed"]) == ("300.000", "1", "1")
