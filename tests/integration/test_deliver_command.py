"""`bihuan deliver` and `bihuan messages`, from the arguments to the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from cli.main import app
from models.database import transaction
from notifications.told import told
from tests.acceptance.receiver import receivers
from tests.stage import Stage
from tests.town import person_of
from tests.voice import Voice

OWNER = person_of("owner")


@pytest.fixture
def voice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Voice]:
    with receivers() as (phones, mailbox):
        voice = Voice(stage, phones, mailbox)
        monkeypatch.setenv("BIHUAN_DATABASE_URL", voice.url)
        monkeypatch.setenv("BIHUAN_DATABASE_OWNER_URL", voice.url)
        yield voice


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_deliver_sends_what_is_ready_at_the_given_time_and_says_how_much(voice: Voice) -> None:
    voice.stage.to_assigned()
    code, said, _ = run("deliver", "--at", "2023-02-20T10:05+08:00", "--json")
    assert (code, json.loads(said)) == (0, {"counts": {"sent": 2}, "handed": 2})
    voice.phones.expect(OWNER, "【隐患交办】")
    assert run("deliver", "--at", "2023-02-20T10:06+08:00") == (0, "没有要发的消息 nothing to send\n", "")


def test_deliver_holds_by_the_given_time_s_quiet_hours(voice: Voice) -> None:
    voice.stage.to_assigned()
    assert json.loads(run("deliver", "--at", "2023-02-20T23:00+08:00", "--json")[1])["counts"] == {"held": 2}
    voice.nothing_else()


@pytest.mark.parametrize("at", ["2023-02-20T09:00+08:00", "2100-01-01"])
def test_deliver_refuses_a_time_before_history_or_ahead_of_the_clock(voice: Voice, at: str) -> None:
    voice.stage.to_assigned()
    code, said, why = run("deliver", "--at", at)
    assert (code, said) == (1, "")
    assert why
    voice.nothing_else()


def test_messages_say_who_was_told_what_over_which_channel_and_how_it_ended(voice: Voice) -> None:
    hazard = voice.stage.to_assigned()
    voice.phones.now("status", only=OWNER, status=404)
    voice.deliver()
    code, said, _ = run("messages", "--case", hazard, "--person", OWNER)
    assert code == 0
    newest, first, total = said.splitlines()
    assert "隐患交办" in newest and "mailto  已发出：对方已接收" in newest
    assert "owner的人 owner  json  失败：通道失效，已停用（HTTP 404）" in first
    assert total == "2 条消息 messages"


def test_messages_as_json_hold_the_text_and_never_an_address(voice: Voice) -> None:
    hazard = voice.stage.to_assigned()
    voice.deliver()
    code, said, _ = run("messages", "--json")
    rows = json.loads(said)["messages"]
    assert code == 0
    assert {(row["code"], row["person"], row["state"]) for row in rows} == {
        (hazard, OWNER, "sent"), (hazard, person_of("grid-1"), "sent"), (hazard, person_of("dispatcher"), "cancelled"),
    }  # fmt: skip
    assert all("【隐患交办】" in row["text"] for row in rows if row["state"] == "sent")
    assert str(voice.phones.port) not in said


def test_a_line_of_a_bundle_has_the_bundle_s_outcome_and_words(voice: Voice) -> None:
    codes = [voice.stage.to_assigned() for _ in range(2)]
    voice.deliver()
    with transaction(voice.stage.engine) as session:
        rows = told(session, code=codes[0], person=OWNER)
    (row,) = rows
    assert (row.state, row.reason, row.sent_at) == ("sent", "taken", voice.stage.clock.now())
    assert row.bundle and row.text and codes[1] in row.text
