"""Tests without a browser, which may share their process with tests that have one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.cluster import Cluster

if TYPE_CHECKING:
    from tests.prefect_server import PrefectServer


@pytest.fixture(autouse=True)
def own_loop() -> Iterator[None]:
    """Playwright's loop stays running in the thread between its tests; while these run, no loop is: they start their own."""
    playwrights = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(playwrights)


@pytest.fixture(scope="session")
def prefect(cluster: Cluster) -> Iterator[PrefectServer]:
    """The Prefect server of those who share one: they stay on one worker (`xdist_group`)."""
    from tests.prefect_server import prefect_server

    with prefect_server(cluster, Path(os.environ["BIHUAN_TEST_HOME"])) as server:
        yield server
