"""Programs that hear of every event: real database, real HTTP, signatures checked by the listener's own code."""

from __future__ import annotations

import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli import webhook as command
from models.database import transaction
from models.refusal import Refusal
from models.seal import seal
from notifications import subscribers as room
from notifications.channels import events
from notifications.deliver import deliver_due
from notifications.subscribers import SubscriberError, cloud_event, send_events, subscribe
from tests.listener import Listener
from tests.site import Site, serve
from tests.stage import Stage


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        yield made


def subscribed(stage: Stage, listener: Listener, path: str = "/secret-path") -> int:
    with transaction(stage.engine) as session:
        number, listener.secret = subscribe(
            session, stage.township_id, f"http://{listener.host}{path}", person="p-dispatcher", post="dispatcher", wall=stage.clock.wall()
        )
    return number


def send(stage: Stage) -> dict[str, int]:
    return {name: count for name, count in send_events(stage.engine, stage.clock).items() if count}


def ids(listener: Listener) -> list[str]:
    return [each.said["id"] for each in listener.heard]


def state(stage: Stage) -> Any:
    return stage.one("select *, (select count(*) from delivery where subscriber_id = s.id) as waiting from subscriber s")


def test_every_event_is_told_once_in_order_signed_and_as_history_has_it(stage: Stage, listener: Listener) -> None:
    before = stage.find()
    subscribed(stage, listener)
    code, other = stage.to_rectifying(), stage.find(place="shop-2")
    count = stage.one("select count(*) as n from event join cases c on c.id = case_id where c.code <> :code", code=before).n
    assert send(stage) == {"taken": count}
    assert all(each.genuine for each in listener.heard)
    assert {each.headers["content-type"] for each in listener.heard} == {"application/cloudevents+json; charset=utf-8"}
    assert [each.headers["webhook-id"] for each in listener.heard] == ids(listener)
    assert [each for each in ids(listener) if each.startswith(code)] == [f"{code}/{seq}" for seq in range(1, len(ids(listener)))]
    assert ids(listener)[-1] == f"{other}/1"
    last = listener.heard[0].said
    kept = stage.one("select e.* from event e join cases c on c.id = case_id where c.code = :code and seq = 1", code=code)
    assert (last["specversion"], last["type"], last["subject"]) == ("1.0", f"bihuan.hazard.{kept.trigger}", code)
    assert last["data"] | {"at": None} == {
        "code": code, "kind": "hazard", "seq": 1, "trigger": kept.trigger, "from": kept.from_state, "to": kept.to_state, "post": kept.post,
        "at": None, "facts": kept.facts, "prev_hash": kept.prev_hash, "hash": kept.hash,
    }  # fmt: skip
    assert send(stage) == {}


def test_escalations_are_told_too_and_a_rolled_back_step_is_not(stage: Stage, listener: Listener) -> None:
    subscribed(stage, listener)
    code = stage.to_rectifying()
    send(stage)
    stage.refused("grid-1", "approve", code)
    stage.later(days=9)
    stage.sweep()
    listener.heard.clear()
    send(stage)
    assert {each.said["data"]["trigger"] for each in listener.heard} == {"escalate"}


def test_what_is_not_taken_holds_back_what_follows_and_is_told_again_with_the_same_id(stage: Stage, listener: Listener) -> None:
    subscribed(stage, listener)
    code = stage.to_rectifying()
    listener.answers = [302]
    assert send(stage) == {"failed": 1}, "no redirect is followed"
    assert len(listener.heard) == 1
    stage.later(seconds=61)
    listener.heard.clear()
    listener.answers = [200, 503]
    assert send(stage) == {"taken": 1, "failed": 1}
    assert send(stage) == {}, "it rests"
    assert (state(stage).attempts, state(stage).reason) == (1, "HTTP 503")
    stage.later(seconds=61)
    send(stage)
    assert ids(listener)[:3] == [f"{code}/1", f"{code}/2", f"{code}/2"]
    assert (state(stage).attempts, state(stage).failing_since, state(stage).waiting) == (0, None, 0)


def test_who_fails_for_a_day_is_paused_the_office_told_and_it_goes_on_where_it_stopped(stage: Stage, listener: Listener) -> None:
    subscribed(stage, listener)
    code = stage.find()
    listener.answers = [500] * 50
    for _ in range(12):
        send(stage)
        stage.later(hours=4.1)
    assert state(stage).paused_at is not None
    tried = len(listener.heard)
    assert send(stage) == {} and len(listener.heard) == tried
    told = stage.one("select facts->>'text' as said from notice where purpose = 'operations'").said
    assert "已暂停" in told and "HTTP 500" in told and "secret-path" not in told
    listener.answers, listener.heard[:] = [], []
    with transaction(stage.engine) as session:
        room.resume(session, stage.township_id, state(stage).id)
    send(stage)
    assert ids(listener)[0] == f"{code}/1"


@pytest.mark.parametrize("how", ["gone", "another key"])
def test_who_wants_no_more_or_whose_secret_cant_be_read_is_paused_at_once(
    stage: Stage, listener: Listener, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed(stage, listener)
    stage.find()
    if how == "gone":
        listener.answers = [410]
    else:
        monkeypatch.setenv("BIHUAN_KEY", "quite another key, of quite another house")
    assert send(stage) == {"failed": 1, "paused": 1}
    assert state(stage).reason == ("HTTP 410" if how == "gone" else room.LOCKED)


def test_two_senders_never_have_one_subscriber_and_a_dead_one_is_followed_after_its_claim(stage: Stage, listener: Listener) -> None:
    subscribed(stage, listener)
    code = stage.find()

    class Died(BaseException):
        pass

    class Dies:
        def __init__(self, _: object) -> None:
            assert send(stage) == {}, "somebody has it"
            assert not stage.all("select from pg_stat_activity where state = 'idle in transaction' and datname = current_database()")

        def send(self, *_: object) -> None:
            raise Died

        def close(self) -> None:
            pass

    with pytest.raises(Died):
        send_events(stage.engine, stage.clock, line=Dies)  # type: ignore[arg-type]
    assert send(stage) == {}
    stage.later(minutes=4)
    assert send(stage)["taken"] >= 1
    assert ids(listener)[0] == f"{code}/1"


def test_an_address_that_leads_to_a_clouds_own_services_gets_nothing(stage: Stage, listener: Listener) -> None:
    subscribed(stage, listener)
    stage.find()
    stage.do("update subscriber set url = :url", url=seal(f"http://169.254.169.254/#{listener.secret}"))
    assert send(stage) == {"failed": 1, "paused": 1}


@pytest.fixture
def dripping() -> Iterator[tuple[str, threading.Event]]:
    """A far end that says a header forever, a byte at a time; and whether it was hung up on."""
    over = threading.Event()

    class Drips(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.sendall(b"HTTP/1.1 200 OK\r\nx: ")
                while not over.wait(0.02):
                    self.request.sendall(b"x")
            over.set()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drips) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", over
        over.set()
        server.shutdown()


def test_who_drips_its_answer_is_hung_up_on_and_holds_nobody_up(
    stage: Stage, listener: Listener, dripping: tuple[str, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "WHOLE", 0.3)
    slow, patient = subscribed(stage, listener), subscribed(stage, listener)
    stage.do("update subscriber set url = :url where id = :id", url=seal(f"http://{dripping[0]}/#{listener.secret}"), id=slow)
    stage.find()
    assert send(stage) == {"taken": 1, "failed": 1}
    assert dripping[1].wait(5), "its connection was left open"
    kept = stage.one("select reason, attempts from subscriber where id = :id", id=slow)
    assert (kept.reason, kept.attempts) == ("no answer in time", 1)
    assert stage.one("select count(*) as n from delivery where subscriber_id = :id", id=patient).n == 0


def test_what_a_call_has_no_time_for_waits_for_the_next_and_comes_first_then(
    stage: Stage, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = subscribed(stage, listener, "/first"), subscribed(stage, listener, "/second")
    stage.find()
    clock = iter(range(0, 10_000, 6))
    monkeypatch.setattr(room, "monotonic", lambda: float(next(clock)))
    assert send(stage) == {"taken": 1}
    stage.find(place="shop-2")
    send(stage)
    assert [each.path for each in listener.heard[:2]] == ["/first", "/second"]
    assert first < second


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def test_the_office_subscribes_by_the_api_and_nobody_else_does(site: Site, listener: Listener) -> None:
    office, owner = site.api("dispatcher"), site.api("owner")
    url = f"http://{listener.host}/secret-path"
    assert owner.post("/api/v1/webhooks", json={"url": url}).status_code == 403
    assert owner.get("/api/v1/webhooks").status_code == 403
    made = office.post("/api/v1/webhooks", json={"url": url})
    assert made.status_code == 201, made.text
    listener.secret = made.json()["secret"]
    site.stage.find()
    send(site.stage)
    assert listener.heard and all(each.genuine for each in listener.heard)
    listed = office.get("/api/v1/webhooks")
    assert [each["host"] for each in listed.json()["items"]] == ["http://127.0.0.1"]
    assert "secret-path" not in listed.text and listener.secret not in listed.text
    for bad in ("ftp://x/", "http://169.254.169.254/", "http://u:p@x.example/", "nonsense"):
        refused = office.post("/api/v1/webhooks", json={"url": bad})
        assert (refused.status_code, refused.json()["reason"]) == (409, "url")
    number = made.json()["id"]
    assert office.post(f"/api/v1/webhooks/{number}/resume").status_code == 200
    assert office.delete(f"/api/v1/webhooks/{number}").status_code == 204
    assert office.delete(f"/api/v1/webhooks/{number}").status_code == 404
    assert site.stage.one("select count(*) as n from delivery").n == 0


def test_no_secret_stands_in_the_database_a_log_a_repr_or_an_answer(
    site: Site, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    """A robot's token, a gateway's secret, a subscriber's path: told to their far ends, and nowhere else."""
    stage = site.stage
    subscribed(stage, listener)
    token = "9f8e7d6c-robot-token"
    hook = f"webhook+http://{listener.host}/gate?to=13800000000#{listener.secret}"
    for key, url in (("p-owner", hook), ("p-village-1", f"json://127.0.0.1:9/{token}")):
        stage.do("update channel set url = :url from person where person.id = person_id and key = :key", url=seal(url), key=key)
    stage.to_assigned()
    with caplog.at_level(logging.DEBUG):
        handed = deliver_due(stage.engine, stage.clock)
        send_events(stage.engine, stage.clock)
    assert any(each.path == "/gate" for each in listener.heard)
    answers = [site.api("dispatcher").get(f"/api/v1/{each}").text for each in ("notices", "webhooks", "hazards")]
    answers += [site.client().get(path).text for path in ("/metrics", "/readyz")]
    seen = "\n".join([caplog.text, repr(handed), *answers, *_columns(stage)])
    assert not [secret for secret in (token, listener.secret, "13800000000", "secret-path") if secret in seen]


def _columns(stage: Stage) -> list[str]:
    with stage.engine.connect() as connection:
        tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        return [str(connection.execute(text(f"select json_agg(t) from {table} t")).scalar()) for table in tables]


def test_the_command_adds_lists_and_removes_and_shows_the_secret_once(
    stage: Stage, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "house", lambda: nullcontext(stage.engine))
    run = CliRunner().invoke
    added = run(command.webhook, ["add", f"http://{listener.host}/secret-path", "--json"])
    listener.secret = json.loads(added.stdout)["secret"]
    stage.find()
    assert "待发 waiting 1" in run(command.webhook, ["list"]).stdout
    send(stage)
    assert [each.genuine for each in listener.heard] == [True]
    listed = run(command.webhook, ["list", "--json"]).stdout
    assert json.loads(listed)["webhooks"][0]["waiting"] == 0
    assert listener.secret not in listed and "secret-path" not in listed
    number = str(json.loads(added.stdout)["id"])
    assert run(command.webhook, ["resume", number]).exit_code == 0
    assert run(command.webhook, ["remove", number]).exit_code == 0
    assert isinstance(run(command.webhook, ["remove", number]).exception, SubscriberError)
    assert isinstance(run(command.webhook, ["add", "ftp://x"]).exception, SubscriberError)
    assert isinstance(run(command.webhook, ["add", "http://x/", "--township", "nowhere"]).exception, Refusal)


def test_a_cloud_event_names_what_the_specification_asks_for(stage: Stage) -> None:
    stage.find()
    row = stage.one("select event.*, 'hazard' as kind, 'YH-2023-0001' as code, 'town' as township from event limit 1")
    event = cloud_event(row)
    assert {"specversion", "id", "source", "type"} <= event.keys()
    assert all(name.isalnum() and name.islower() for name in event), "names are lower-case letters and digits"
