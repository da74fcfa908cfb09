"""Who is told when a flow itself breaks: straight through Apprise, never by the outbox that may be what broke."""

from __future__ import annotations

import asyncio
import logging
import os
from time import monotonic
from typing import Any

from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow

from flows.links import flow_run_url
from models.settings import Settings
from notifications.outcome import Kind

VARIABLE = "BIHUAN_OPERATORS"
AGAIN_AFTER = 1800.0
LONGEST = 500

log = logging.getLogger("bihuan.operators")
_told: dict[str, float] = {}


def operators() -> list[str]:
    """The operators' Apprise URLs: BIHUAN_OPERATORS, separated by spaces. None, and a broken flow stands in the log alone."""
    return os.environ.get(VARIABLE, "").split()


async def tell_operators(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """A hook for on_failure and on_crashed; its parameters' names are Prefect's. The same flow is told once in half an hour.

    Where no operator could be told, the next failure tries again. Nothing here writes to our database, plans a message or starts a run.
    """
    title = f"闭环：流程 {flow.name} {'中断' if state.is_crashed() else '失败'}"
    body = f"{flow_run.name}\n{(state.message or state.name or '')[:LONGEST]}\n{flow_run_url(str(flow_run.id), _prefect())}"
    await tell(flow.name, title, body)


async def tell(about: str, title: str, body: str) -> None:
    """What keeps people from being told by the outbox itself; the same once in half an hour."""
    log.error("%s: %s", title, body)
    if _told_lately(about):
        return
    told = [await asyncio.to_thread(_send, url, title, body) for url in operators()]
    if not any(told):
        del _told[about]


def _told_lately(about: str) -> bool:
    now = monotonic()
    lately = about in _told and now - _told[about] < AGAIN_AFTER
    if not lately:
        _told[about] = now
    return lately


def _send(url: str, title: str, body: str) -> bool:
    """Whether the operator has heard it, or may have."""
    from notifications.channels.apprise import send  # 0.3 s: only when something broke

    outcome = send(url, title, body)
    if outcome.kind != Kind.sent:
        log.error("an operator could not be told: %s %s", outcome.kind, outcome.detail)
    return outcome.kind in (Kind.sent, Kind.unknown)


def _prefect() -> str:
    return f"http://localhost:{Settings.read().prefect_port}"
