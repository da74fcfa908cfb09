"""The stage with its phones on: every person of the township has one number, a real HTTP server on loopback that records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from notifications.deliver import Delivered, deliver_due
from tests.acceptance.receiver import Message, Phones
from tests.stage import Stage
from tests.town import person_of

DEAF = ("json://127.0.0.1:9/{person}",)


@dataclass
class Scene:
    """Law, sweep and voice together. People are spoken of by their posts."""

    stage: Stage
    phones: Phones

    def deliver(self, **how: Any) -> Delivered:
        return deliver_due(self.stage.engine, self.stage.clock, **how)

    def tick(self) -> None:
        self.stage.sweep()
        self.deliver()

    def expect(self, post: str, *contains: str) -> Message:
        return self.phones.expect(person_of(post), *contains)

    def nothing_else(self) -> None:
        self.phones.nothing_else()

    def heard(self, post: str) -> list[str]:
        return [message.text for message in self.phones.to(person_of(post))]

    def quiet_start(self) -> None:
        """What was said so far was expected; from here on every message counts."""
        self.deliver()
        self.phones.forget()

    def states(self, code: str) -> dict[str, int]:
        rows = self.stage.all(
            "select n.state, count(*) as n from notice n join cases c on c.id = case_id where c.code = :code group by 1", code=code
        )
        return {row.state: row.n for row in rows}


@pytest.fixture
def scene(stage: Stage) -> Iterator[Scene]:
    with Phones() as phones:
        for row in stage.all("select id, key from person"):
            stage.do("update channel set url = :url where person_id = :id", url=phones.url_for(row.key), id=row.id)
        yield Scene(stage, phones)
