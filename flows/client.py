"""One connection to Prefect's server for many runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect.client.orchestration import PrefectClient
from prefect.context import AsyncClientContext, SyncClientContext


@asynccontextmanager
async def one_client() -> AsyncIterator[PrefectClient]:
    """Every run inside uses these clients. Left alone, each run makes two of its own and reads all certificates for each."""
    with SyncClientContext.get_or_create():
        async with AsyncClientContext.get_or_create() as context:
            yield context.client
