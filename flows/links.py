"""Where Prefect's pages show what we did. Plain text, so that pages can link there without importing Prefect."""

from __future__ import annotations

from urllib.parse import quote

LOCAL = "http://localhost:4200"
A_YEAR = 365 * 24 * 3600


def resource_of(code: str) -> str:
    """What Prefect calls a case."""
    return f"hazard.{code}"


def events_url(code: str, base: str = LOCAL) -> str:
    """The life of a case, as far as Prefect was told of it: its events of the last year. The whole history is on our own page."""
    resource = quote(f'["{resource_of(code)}"]', safe="")
    return f"{base}/v2/events?resource={resource}&seconds=-{A_YEAR}"


def flow_run_url(id: str, base: str = LOCAL) -> str:
    """One run: its state, log and artifacts."""
    return f"{base}/v2/runs/flow-run/{id}"


def artifact_url(key: str, base: str = LOCAL) -> str:
    """What one kind of run has left behind, the newest first."""
    return f"{base}/v2/artifacts/key/{key}"
