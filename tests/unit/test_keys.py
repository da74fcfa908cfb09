"""The house's secret: made once, readable by its owner alone, and the keys and tickets that come of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from models.keys import key_for
from models.settings import Settings, SettingsError
from models.ticket import Ticket, TicketError, issue, read

WALL = datetime(2023, 3, 20, tzinfo=UTC)
KEY = bytes(32)


def settings(home: Path, key: str | None = None) -> Settings:
    return Settings.read({"BIHUAN_HOME": str(home)} | ({"BIHUAN_KEY": key} if key else {}))


def test_many_that_need_the_secret_first_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: key_for("ticket", settings(tmp_path)), range(8)))
    assert len(keys) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_a_key_is_for_one_purpose_and_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    mine = settings(tmp_path)
    assert key_for("ticket", mine) != key_for("seal", mine)
    named = settings(tmp_path, "k" * 32)
    assert key_for("ticket", named) != key_for("ticket", mine)
    assert key_for("ticket", named) == key_for("ticket", settings(tmp_path / "elsewhere", "k" * 32))


def test_a_short_key_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.read({"BIHUAN_KEY": "geheim"})
    assert "BIHUAN_KEY" in str(refused.value)
    assert "geheim" not in str(refused.value)
    assert "k" * 32 not in repr(settings(Path("/nowhere"), "k" * 32))


TICKETS = some.builds(Ticket, *(some.integers(0, 2**62),) * 4, some.integers(int(WALL.timestamp()), 2**40))


@given(TICKETS)
def test_a_ticket_says_what_it_was_made_of(ticket: Ticket) -> None:
    word = issue(ticket, KEY)
    assert read(word, WALL, KEY) == ticket
    assert word.replace("-", "").replace("_", "").replace(".", "").isalnum()


@given(TICKETS, some.integers(0), some.characters(codec="ascii"))
def test_a_ticket_of_which_one_letter_was_changed_is_void(ticket: Ticket, where: int, letter: str) -> None:
    word = issue(ticket, KEY)
    at = where % len(word)
    if word[at] == letter:
        return
    with pytest.raises(TicketError):
        read(word[:at] + letter + word[at + 1 :], WALL, KEY)


@given(TICKETS, some.integers(0), some.sampled_from("=!. ~"))
def test_a_ticket_is_read_in_the_one_spelling_that_it_was_issued_in(ticket: Ticket, where: int, stray: str) -> None:
    word = issue(ticket, KEY)
    at = where % (len(word) + 1)
    with pytest.raises(TicketError):
        read(word[:at] + stray + word[at:], WALL, KEY)


def test_a_ticket_is_as_short_as_ever_until_its_persons_links_have_been_voided() -> None:
    ticket = Ticket(1, 2, 3, 4, int(WALL.timestamp()))
    voided = replace(ticket, serial=1)
    assert len(issue(ticket, KEY)) < len(issue(voided, KEY)) <= len(issue(ticket, KEY)) + 2
    assert read(issue(voided, KEY), WALL, KEY) == voided != ticket


def test_a_ticket_runs_out_and_another_house_cannot_read_it() -> None:
    ticket = Ticket(1, 2, 3, 4, int(WALL.timestamp()))
    assert read(issue(ticket, KEY), WALL, KEY) == ticket
    with pytest.raises(TicketError, match="过期"):
        read(issue(ticket, KEY), WALL + timedelta(seconds=1), KEY)
    with pytest.raises(TicketError, match="失效"):
        read(issue(replace(ticket, version=5), bytes(31) + b"1"), WALL, KEY)
