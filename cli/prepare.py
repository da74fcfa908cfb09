"""`python -m cli.prepare`: what has to be done once at every start, before anything works on the data.

The schema is brought up to date as the owner, a demo's township is loaded and replayed the first time, and a demo's clock goes on
from where it stood when Bihuan was stopped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from sqlalchemy import text

from cli.child import REFUSED
from cli.supervisor import write_whole
from models.clock import machine_time, resume
from models.cluster import Cluster, cluster
from models.database import engine, migrate, transaction
from models.refusal import Refusal
from models.settings import Settings
from notifications.addresses import keep
from papers.township.upgrade import complete


class Telling:
    """Tells the supervisor, and so the pages, how far a step has come."""

    def __init__(self, settings: Settings) -> None:
        self._path = settings.home / "run" / "prepare.txt"
        self._path.parent.mkdir(exist_ok=True)

    def __call__(self, sentence: str) -> None:
        write_whole(self._path, sentence)
        print(sentence, flush=True)


def main() -> int:
    try:
        settings = Settings.read()
        tell = Telling(settings)
        with cluster(settings) as running:
            tell("正在更新数据库结构")
            migrate(running.url(role="owner"))
            if os.environ.get("BIHUAN_DEMO"):
                from drill.demo import prepare

                prepare(settings, tell)
                let_everybody_in(running, settings)
            bring_up_to_date(running, tell)
            start_clock(running)
    except Refusal as no:
        print(no, file=sys.stderr, flush=True)
        return REFUSED
    return 0


def bring_up_to_date(running: Cluster, tell: Callable[[str], None]) -> None:
    """Townships that were loaded by an earlier version get what came since, and no address stands there in clear."""
    database = engine(running.url(), pool_size=1)
    with transaction(database) as session:
        complete(session)
        warning = keep(session).warning
    database.dispose()
    if warning:
        tell(warning)


def start_clock(running: Cluster) -> None:
    """Business time didn't pass while Bihuan was stopped, but never goes back behind what is on record."""
    database = engine(running.url(), pool_size=1)
    with database.begin() as connection:
        newest = connection.execute(text("select max(at) from event")).scalar()
        resume(connection, machine_time(), not_before=newest)
    database.dispose()


def let_everybody_in(running: Cluster, settings: Settings) -> None:
    """One password for every post of the demo, set anew only where it has changed."""
    from web.accounts import person_with, set_demo_password

    database = engine(running.url(), pool_size=1)
    with transaction(database) as session:
        anybody = session.execute(text(DEMO_USER)).first()
        if anybody and settings.demo_password and person_with(session, anybody.username, settings.demo_password) is None:
            set_demo_password(session, anybody.township_id, settings.demo_password)
    database.dispose()


DEMO_USER = """
select username, township_id from person join township on township.id = township_id
where demo and username is not null order by person.id limit 1
"""


if __name__ == "__main__":
    sys.exit(main())
