"""`python -m drill.live`: the demo's simulated people go on with their day, on every case that no real person has touched."""

from __future__ import annotations

import logging
import sys
import time

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from drill.crew import Crew
from drill.demo import SEED
from models.clock import RowClock, day_of
from models.cluster import cluster
from models.database import engine, transaction
from models.settings import Settings

EVERY = 3.0  # seconds: three minutes of the demo's day
log = logging.getLogger("bihuan.live")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("transitions").setLevel(logging.WARNING)
    with cluster(Settings.read()) as running:
        bound = engine(running.url(), pool_size=2)
        while True:
            try:
                live(bound)
            except OperationalError as error:
                log.warning("the database is away, trying again: %s", str(error).splitlines()[0])
                time.sleep(EVERY)


def live(bound: Engine) -> None:
    """Goes on for as long as the database is there."""
    clock = RowClock(bound)
    with transaction(bound) as session:
        township_id = session.execute(text("select id from township where demo order by id limit 1")).scalar_one()
    since = clock.now()
    crew = Crew(bound, township_id, SEED, day_of(since), everybody=False)
    while True:
        time.sleep(EVERY)
        until = clock.now()
        for deed in crew.due(since, until):
            crew.do(deed, clock)
        since = until


if __name__ == "__main__":
    sys.exit(main())
