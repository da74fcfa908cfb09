"""`bihuan up`: everything at once, under one supervisor."""

from __future__ import annotations

import csv
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.child import Child
from cli.port import answers, require_port
from cli.supervisor import Supervisor, only_one
from flows.prefect_settings import client_environment, server_environment, temporary_folder, without_prefect
from models.cluster import Cluster, cluster
from models.enumerations import PostKind
from models.postmaster import write_private
from models.settings import Settings

PYTHON = sys.executable
ANY_ANSWER = range(100, 600)


def up(
    demo: Annotated[
        Path | None, typer.Option("--demo", metavar="DIR", help="第一次启动时载入该乡镇并回放，之后以演示时钟运行 · a township to show")
    ] = None,
) -> None:
    """启动全部：数据库、网页、Prefect、流程；Ctrl-C 停止。Start everything and keep it running."""
    settings = Settings.read()
    password = demo_password(settings) if demo else None
    environment = without_prefect(os.environ) | {"BIHUAN_HOME": str(settings.home)}
    if demo and password:
        environment |= {"BIHUAN_DEMO": str(demo.absolute()), "BIHUAN_DEMO_PASSWORD": password}
    ground = Foundation(settings)
    supervisor = Supervisor(
        settings.home,
        children(settings, ground, demo=demo is not None),
        ground.open,
        environment=environment,
        tell=say,
        before=lambda: start_of_up(settings),
        when_ready=lambda: say(welcome(settings, demo, password)),
    )
    supervisor.run()


def start_of_up(settings: Settings) -> None:
    require_port(settings.port, "BIHUAN_PORT", "网页", wait=3)
    require_port(settings.prefect_port, "BIHUAN_PREFECT_PORT", "Prefect", wait=3)
    say(f"网页 {settings.public_url} （启动期间显示进度） · the pages show how far the start has come")


class Foundation:
    """The database that the children stand on, and Prefect's address on it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._cluster: Cluster | None = None

    @contextmanager
    def open(self, progress: Callable[[str], None]) -> Iterator[Cluster]:
        with cluster(self.settings, progress=progress) as running:
            running.make_prefect_database()
            shutil.rmtree(temporary_folder(self.settings), ignore_errors=True)
            temporary_folder(self.settings).mkdir()
            self._cluster = running
            yield running

    def prefect_server(self) -> Mapping[str, str]:
        assert self._cluster
        return server_environment(self.settings, self._cluster.asyncpg_url())


def children(settings: Settings, ground: Foundation, *, demo: bool) -> list[Child]:
    """Who is started, in the order of being stopped last to first."""

    def client() -> Mapping[str, str]:
        return client_environment(settings)

    def module(name: str, *arguments: str) -> tuple[str, ...]:
        return (PYTHON, "-m", name, *arguments)

    table = [
        Child("web", "网页", module("web.serve"), healthy=lambda: answers(settings.port, "/healthz", ANY_ANSWER)),
        Child("prepare", "数据", module("cli.prepare"), after=("ground",), keep=False),
        Child("heart", "时钟", module("cli.heart"), after=("prepare",), keep=False, essential=False),
        Child(
            "prefect",
            " Prefect 服务器",
            module("prefect", "server", "start"),
            env=ground.prefect_server,
            after=("ground",),
            healthy=lambda: answers(settings.prefect_port, "/api/health"),
        ),
        Child("reaper", "运行清理", module("flows.reaper"), client, after=("prefect",), again_with=("prefect", "flows"), keep=False),
    ]
    if demo:
        table.append(Child("phones", "演示手机", module("drill.phones"), after=("prepare",), essential=False))
    table.append(Child("flows", "流程", module("flows.serve"), client, after=("prepare", "reaper"), again_with=("prefect",)))
    if demo:
        table.append(Child("live", "模拟人员", module("drill.live"), after=("flows",), essential=False))
    return table


def demo_password(settings: Settings) -> str:
    """The one that was asked for, or one made up at the first start and kept in the home."""
    if settings.demo_password:
        return settings.demo_password
    kept = settings.home / "demo-password"
    if not kept.exists():
        with only_one(settings.home):
            write_private(kept, secrets.token_urlsafe(9))
    return kept.read_text().strip()


def welcome(settings: Settings, demo: Path | None, password: str | None) -> str:
    lines = [
        "",
        "闭环已就绪 · Bihuan is ready",
        f"  网页 pages    {settings.public_url}",
        f"  Prefect       http://localhost:{settings.prefect_port}",
    ]
    if demo:
        lines += [f"  演示密码 demo password  {password}（用户名即岗位代码 the user name is a post's code）"]
        lines += [f"    {code:<24}{PostKind(kind).zh}" for code, kind in some_posts(demo)]
    elif "localhost" in settings.public_url:
        lines += [
            "  消息里的链接以此开头，别的手机打不开；请设 BIHUAN_PUBLIC_URL。 Links in messages begin so: set BIHUAN_PUBLIC_URL for phones."
        ]
    return "\n".join([*lines, "  停止 stop     Ctrl-C", ""])


def some_posts(township: Path) -> list[tuple[str, str]]:
    """One post of each kind, to log in as."""
    with (township / "posts.csv").open(encoding="utf-8-sig", newline="") as file:
        first: dict[str, str] = {}
        for row in csv.DictReader(file):
            first.setdefault(row["kind"], row["code"])
    return [(code, kind) for kind, code in first.items()]


def say(text: str) -> None:
    print(text, flush=True)
