"""The stage with phones and a mailbox: everybody of the cast has a phone, and a mail address behind it."""

from __future__ import annotations

from sqlalchemy import Row

from notifications.deliver import Delivered, deliver_due
from tests.acceptance.receiver import Mailbox, Phones
from tests.stage import Stage
from tests.town import person_of, posts

URL = "http://bihuan.test"


class Voice:
    """Messages are sent by Apprise over real sockets to recorders on loopback."""

    def __init__(self, stage: Stage, phones: Phones, mailbox: Mailbox) -> None:
        self.stage, self.phones, self.mailbox = stage, phones, mailbox
        for person in map(person_of, posts()):
            addresses = {"key": person, "phone": phones.url_for(person, rto="0.5"), "mail": mailbox.url_for(person)}
            stage.do("update channel set url = :phone from person where person.id = person_id and key = :key", **addresses)
            stage.do("insert into channel (person_id, position, url) select id, 2, :mail from person where key = :key", **addresses)

    def deliver(self, **said: object) -> Delivered:
        return deliver_due(self.stage.engine, self.stage.clock, public_url=URL, **said)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        return self.stage.engine.url.render_as_string(hide_password=False)

    def only(self, person: str) -> None:
        """Forgets what is planned for everybody else."""
        self.stage.do("delete from notice where person_id <> (select id from person where key = :key)", key=person)

    def only_a_phone(self, person: str) -> None:
        self.stage.do("delete from channel using person where person.id = person_id and key = :key and position = 2", key=person)

    def notices(self, person: str, state: str | None = None) -> list[Row]:  # type: ignore[type-arg]
        return [each for each in self.stage.notices() if each.person == person and state in (None, each.state)]

    def states(self) -> dict[str, int]:
        return {row.state: row.n for row in self.stage.all("select state, count(*) as n from notice group by state order by state")}

    def nothing_else(self) -> None:
        self.phones.nothing_else()
        self.mailbox.nothing_else()
