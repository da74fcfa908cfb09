"""How we run Prefect, as environment variables. Imports nothing of Prefect, so that whoever starts it stays light.

Each value that isn't Prefect's default is here for a reason that was measured; docs/adr/0002 tells them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from models.settings import Settings

HISTORY = "P400D"
WEEK = 7 * 24 * 3600

SILENT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
SERVER = {
    "PREFECT_SERVER_API_HOST": "127.0.0.1",
    "PREFECT_SERVER_UI_API_URL": "/api",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": HISTORY,
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "15",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "P30D",
    # A case's events stay for a year; the runs' own (33 MB a day) for a week.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": json.dumps(
        {f"prefect.flow-run.{state}": WEEK for state in ("Pending", "Running", "Completed", "Late", "heartbeat")}
    ),
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "50",
}
CLIENT = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_RUNNER_POLL_FREQUENCY": "3",
}


def client_environment(settings: Settings) -> dict[str, str]:
    """What a process needs that talks to our Prefect server: runner, flow runs, reaper.

    A runner keeps its files in `runner_storage` of the temporary folder; in /tmp the first user's, where nobody else can.
    """
    return SILENT | CLIENT | _where(settings) | {"TMPDIR": str(temporary_folder(settings))}


def server_environment(settings: Settings, database_url: str) -> dict[str, str]:
    """What the server itself needs. `database_url` is an asyncpg URL of a database of its own."""
    return (
        SILENT
        | SERVER
        | _where(settings)
        | {"PREFECT_SERVER_API_PORT": str(settings.prefect_port), "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url}
    )


def without_prefect(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what its owner set for a Prefect of their own: our runs must not land on another server."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_")}


def temporary_folder(settings: Settings) -> Path:
    """Where Prefect's processes put what may be deleted at the next start."""
    return settings.home / "tmp"


def _where(settings: Settings) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{settings.prefect_port}/api",
    }
