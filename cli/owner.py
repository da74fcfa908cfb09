"""`bihuan owner`: the owners' page alone, on BIHUAN_OWNER_PORT: what may stand on the public side (docs/owner.md)."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer
import uvicorn

from cli.port import require_port
from models.cluster import cluster
from models.refusal import Refusal
from models.settings import Settings
from web.house import House
from web.owner_app import create_owner_app


def owner(host: Annotated[str, typer.Option("--host", metavar="地址", help="监听地址 · the address to listen on")] = "127.0.0.1") -> None:
    """单独提供业主页面，直到被停止。Serve the owners' page, and nothing else, until stopped."""
    settings = Settings.read()
    if settings.owner_port is None:
        raise Refusal("请先设置 BIHUAN_OWNER_PORT。", "Set BIHUAN_OWNER_PORT first.")
    require_port(settings.owner_port, "BIHUAN_OWNER_PORT", "业主页面")
    with ExitStack() as stack:
        house = House(settings, lambda: stack.enter_context(cluster(settings)).url())
        stack.callback(house.close)
        app = create_owner_app(house)
        uvicorn.run(
            app, host=host, port=settings.owner_port, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=5,
        )  # fmt: skip
