"""`python -m cli.heart`: says every few seconds that Bihuan runs, so that a demo's clock doesn't run on while it is stopped.

A process of its own, because it waits for the database: the supervisor never may. Ends at once where business time is real time.
"""

from __future__ import annotations

import sys
import time

from sqlalchemy.exc import OperationalError

from models.clock import beat, machine_time
from models.cluster import cluster
from models.database import engine
from models.settings import Settings

EVERY = 3.0


def main() -> int:
    with cluster(Settings.read()) as running:
        database = engine(running.url(), pool_size=1)
        while True:
            try:
                with database.begin() as connection:
                    if beat(connection, machine_time()) is None:
                        return 0
            except OperationalError as error:
                print(error, file=sys.stderr, flush=True)
            time.sleep(EVERY)


if __name__ == "__main__":
    sys.exit(main())
