"""`python -m cli.prepare`: what has to be done once at every start, before anything works on the data.

The schema is brought up to date as the owner, a demo's township is loaded and replayed the first time, and a demo's clock goes on
from where it stood when Bihuan was stopped.
"""

from __future__ import annotations

import os
import sys

from sqlalchemy import text

from cli.child import REFUSED
from cli.supervisor import write_whole
from models.clock import machine_time, resume
from models.cluster import Cluster, cluster
from models.database import engine, migrate
from models.refusal import Refusal
from models.settings import Settings


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
            start_clock(running)
    except Refusal as no:
        print(no, file=sys.stderr, flush=True)
        return REFUSED
    return 0


def start_clock(running: Cluster) -> None:
    """Business time didn't pass while Bihuan was stopped, but never goes back behind what is on record."""
    database = engine(running.url(), pool_size=1)
    with database.begin() as connection:
        newest = connection.execute(text("select max(at) from event")).scalar()
        resume(connection, machine_time(), not_before=newest)
    database.dispose()


if __name__ == "__main__":
    sys.exit(main())
