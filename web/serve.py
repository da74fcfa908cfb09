"""`python -m web.serve`: the pages and the API on BIHUAN_PORT. Answers at once, with a progress page while the rest is starting."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack

import uvicorn

from models.cluster import cluster
from models.refusal import Refusal
from models.settings import Settings
from web.app import create_app
from web.house import House

HOST = "127.0.0.1"


def main() -> int:
    """Serves until it is told to stop; 1 with a sentence when the settings are wrong."""
    try:
        settings = Settings.read()
    except Refusal as no:
        print(no, file=sys.stderr)
        return 1
    with ExitStack() as stack:
        house = House(settings, _database(settings, stack))
        stack.callback(house.close)
        uvicorn.run(
            create_app(house), host=HOST, port=settings.port, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=5,
        )  # fmt: skip
    return 0


def _database(settings: Settings, stack: ExitStack) -> Callable[[], str]:
    """The URL of the database, which is joined for as long as we serve."""
    return lambda: stack.enter_context(cluster(settings)).url()


if __name__ == "__main__":
    sys.exit(main())
