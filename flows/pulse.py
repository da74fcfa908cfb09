"""Is Prefect alive, and do our schedules run? Asked over its REST API, so that looking costs no import of Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from models.clock import utc
from models.settings import Settings

SECONDS = 5.0
# How long a flow may be without a completed run: a few of its intervals (flows/deployments.py).
RESTS = {
    "escalate": timedelta(minutes=12),
    "deliver": timedelta(minutes=10),
    "plan_duties": timedelta(hours=1),
    "report": timedelta(hours=3),
    "watch": timedelta(hours=3),
    "countdown": timedelta(hours=26),
}


@dataclass(frozen=True, slots=True)
class Pulse:
    """One flow: whether a schedule of it is on, and when it last ended well (machine time)."""

    name: str
    scheduled: bool
    last: datetime | None

    def late(self, wall: datetime, since: datetime) -> bool:
        """Whether it should have run by now, the whole having started at `since`."""
        return wall - max(self.last or since, since) > RESTS[self.name]


def pulses(settings: Settings) -> list[Pulse]:
    """Every flow that should be there. Raises httpx.HTTPError where the server can't be reached or doesn't answer in five seconds."""
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.prefect_port}/api", timeout=SECONDS, trust_env=False) as server:
        known = {each["name"]: each for each in _asked(server, "/deployments/filter", {"limit": 100})}
        return [_pulse(server, name, known.get(name)) for name in RESTS]


def _pulse(server: httpx.Client, name: str, deployment: dict[str, Any] | None) -> Pulse:
    if deployment is None:
        return Pulse(name, False, None)
    on = not deployment["paused"] and any(each["active"] for each in deployment["schedules"])
    ended_well = {"deployment_id": {"any_": [deployment["id"]]}, "state": {"type": {"any_": ["COMPLETED"]}}}
    runs = _asked(server, "/flow_runs/filter", {"sort": "END_TIME_DESC", "limit": 1, "flow_runs": ended_well})
    return Pulse(name, on, utc(datetime.fromisoformat(runs[0]["end_time"])) if runs else None)


def _asked(server: httpx.Client, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = server.post(path, json=body)
    answer.raise_for_status()
    return list(answer.json())
