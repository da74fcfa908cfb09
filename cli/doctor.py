"""`bihuan doctor`: what is wrong and what to do, whether or not anything runs. Looks only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.at import AsJson
from cli.port import answers, can_be_had, holder_of
from cli.watchdog import marked
from models.filelock import FileLock
from models.postmaster import Postmaster
from models.settings import Settings
from papers.checkup.check import Check, State, broken, looked, ok, skipped, warning

if TYPE_CHECKING:
    from sqlmodel import Session

Deep = Annotated[bool, typer.Option("--deep", help="核对全部文件和历史；数据库没开就先开 look at everything, start the database for it")]
Township = Annotated[Path | None, typer.Option("--township", metavar="DIR", help="一并检查这个镇的文件夹 a township's folder, too")]
Backups = Annotated[Path | None, typer.Option("--backups", metavar="DIR", help="备份放在哪里 where backups are kept")]
MARKS = {State.ok: "✓", State.warning: "!", State.broken: "✗", State.skipped: "–"}
PROCESSES = {"web": "web.serve", "flows": "flows.serve", "prefect": "prefect server start"}


def doctor(deep: Deep = False, township: Township = None, backups: Backups = None, as_json: AsJson = False) -> None:
    """体检：只看，不改。Says what is wrong and the way out; exit 1 where something is broken, 0 with warnings."""
    settings = Settings.read()
    since = running_since(settings)
    checks = [
        *machine(settings),
        *works(settings, since),
        *looked("database", partial(inside, settings, since is not None, deep, backups)),
        *(looked("township", partial(faults, township)) if township else ()),
    ]
    worst = next((state for state in (State.broken, State.warning) if any(each.state == state for each in checks)), State.ok)
    if as_json:
        said = {"state": worst, "running": since is not None, "checks": [asdict(each) for each in checks]}
        typer.echo(json.dumps(said, ensure_ascii=False))
    else:
        for each in checks:
            print(f"{MARKS[each.state]} {each.said}\n    {each.said_en}", file=sys.stderr if each.state == State.broken else sys.stdout)
    if worst == State.broken:
        raise typer.Exit(1)


def running_since(settings: Settings) -> datetime | None:
    """When `bihuan up` of this home was started, machine time; None where it isn't running."""
    path = settings.home / "up.lock"
    if not path.exists():
        return None
    lock = FileLock(path)
    try:
        free = lock.acquire(shared=True, wait=0)
    except OSError:  # somebody else's home: what can't be looked at is said there
        return None
    lock.release()
    return None if free else datetime.fromtimestamp(path.stat().st_mtime, UTC)


def machine(settings: Settings) -> list[Check]:
    from papers.checkup import machine as look

    looks = (look.python, look.zones, look.fonts, look.home, look.key, look.address)
    return [check for each in looks for check in looked(each.__name__, partial(each, settings))]


def works(settings: Settings, since: datetime | None) -> list[Check]:
    """Ports, processes and schedules: all of it where Bihuan runs, else whether it could."""
    if since is None:
        free = [check for port, name, what in _ports(settings) for check in looked("port", partial(_free, port, name, what))]
        return [*looked("processes", partial(_stopped, settings)), *free]
    answering = [check for port, path, what in _addresses(settings) for check in looked("port", partial(_answering, port, path, what))]
    return [*looked("processes", partial(_processes, settings)), *answering, *looked("prefect", partial(_schedules, settings, since))]


def _ports(settings: Settings) -> list[tuple[int, str, str]]:
    return [(settings.port, "BIHUAN_PORT", "网页"), (settings.prefect_port, "BIHUAN_PREFECT_PORT", "Prefect")]


def _free(port: int, variable: str, what: str) -> list[Check]:
    if can_be_had(port):
        return [ok("port", f"端口 {port}（{what}）空闲", f"Port {port} is free")]
    holder = holder_of(port) or "?"
    said = f"端口 {port}（{what}）被占用（{holder}），启动不了：请停掉它，或设 {variable}。"
    return [broken("port", said, f"Port {port} is in use by {holder}: stop that program, or set {variable}.")]


def _stopped(settings: Settings) -> list[Check]:
    strays = marked(f"{settings.home}#", whole=False)
    if strays:
        said = f"没有在运行，但留下 {len(strays)} 个进程；下次 bihuan up 会收拾。"
        return [warning("processes", said, f"Bihuan isn't running, but {len(strays)} of its processes are; the next start ends them.")]
    return [skipped("processes", "没有在运行：bihuan up 或 make run 启动", "Bihuan isn't running: start it with bihuan up")]


def _processes(settings: Settings) -> list[Check]:
    """The supervisor starts again what has died: whoever is missing keeps dying."""
    commands = [_command(pid) for pid in marked(f"{settings.home}#", whole=False)]
    missing = [name for name, said in PROCESSES.items() if not any(said in command for command in commands)]
    if missing and commands:
        log = settings.home / "logs" / f"{missing[0]}.log"
        return [broken("processes", f"{'、'.join(missing)} 没有在运行，请看 {log}。", f"Not running: {', '.join(missing)}. Read {log}.")]
    if not _ready(settings):
        return [warning("processes", "正在启动，请稍后再看。", "Bihuan is starting: look again in a minute.")]
    return [ok("processes", f"正在运行，{len(commands)} 个进程", f"Bihuan runs, {len(commands)} processes")]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _ready(settings: Settings) -> bool:
    try:
        return bool(json.loads((settings.home / "progress.json").read_text(encoding="utf-8"))["ready"])
    except (OSError, ValueError, KeyError):
        return False


def _addresses(settings: Settings) -> list[tuple[int, str, str]]:
    return [(settings.port, "/readyz", "网页"), (settings.prefect_port, "/api/health", "Prefect")]


def _answering(port: int, path: str, what: str) -> list[Check]:
    if answers(port, path):
        return [ok("port", f"{what}在端口 {port} 应答", f"Port {port} answers")]
    return [broken("port", f"{what}在端口 {port} 没有应答，请看 BIHUAN_HOME/logs。", f"Port {port} doesn't answer: read BIHUAN_HOME/logs.")]


def _schedules(settings: Settings, since: datetime) -> list[Check]:
    import httpx

    from flows.pulse import pulses
    from models.clock import machine_time

    try:
        found, wall = pulses(settings), machine_time()
    except httpx.HTTPError as error:
        why = type(error).__name__
        said = f"Prefect 没有应答（{why}），请看 {settings.home / 'logs' / 'prefect.log'}。"
        return [broken("prefect", said, f"Prefect doesn't answer ({why}): read its log.")]
    off = [each.name for each in found if not each.scheduled]
    late = [each.name for each in found if each.scheduled and each.late(wall, since)]
    if off or late:
        said = "、".join([*(f"{name} 没有排上日程" for name in off), *(f"{name} 很久没有跑完" for name in late)])
        said_en = ", ".join([*(f"{name} isn't scheduled" for name in off), *(f"{name} hasn't ended well for long" for name in late)])
        return [broken("prefect", f"{said}：请在 Prefect 页面打开日程，或重启闭环。", f"{said_en}: switch it on in Prefect, or restart.")]
    return [ok("prefect", f"Prefect 的 {len(found)} 个流程按日程在跑", f"Prefect's {len(found)} flows run on schedule")]


def inside(settings: Settings, running: bool, deep: bool, backups: Path | None) -> list[Check]:
    """The database and what hangs on it. One that isn't running is started for `deep` alone."""
    from models.clock import machine_time
    from papers.checkup import keeping

    kept = looked("backup", partial(keeping.backups, settings, machine_time(), backups))
    if not settings.database_url and not (settings.home / "postgres" / "data").exists():
        return [skipped("database", "还没有数据库：第一次启动时建立", "There is no database yet: it is made at the first start")]
    if not settings.database_url and not deep and not _database_runs(settings):
        said = "数据库没有在运行，没有检查（加 --deep 会启动它来查）"
        return [skipped("database", said, "The database isn't running; --deep starts it to look"), *kept]
    return [*looked("database", partial(_database, settings, running, deep, backups)), *kept]


def _database_runs(settings: Settings) -> bool:
    postmaster = Postmaster(settings.home / "postgres", settings.home / "logs" / "postgres.log")
    return (settings.home / "postgres" / "alive").exists() and postmaster.alive() and postmaster.ready()


def _database(settings: Settings, running: bool, deep: bool, backups: Path | None) -> list[Check]:
    from sqlalchemy import text

    from models.clock import RowClock
    from models.cluster import cluster
    from models.database import engine, transaction
    from notifications.channels.apprise import parseable
    from papers.checkup import database as look
    from papers.checkup import keeping

    with cluster(settings) as server:
        bound = engine(server.url(), pool_size=2)
        with transaction(bound) as session:
            session.execute(text("set transaction read only"))
            session.execute(text(f"set local statement_timeout = '{600 if deep else 20}s'"))
            schema = look.schema(session)
            checks = [ok("database", "数据库可以连接", "The database can be reached"), *schema]
            if schema[0].state == State.ok:
                clock = RowClock(bound)
                looks: dict[str, Callable[[], list[Check]]] = {
                    "clock": lambda: look.clock(session, clock),
                    "addresses": lambda: look.addresses(session, settings, parseable),
                    "rows": lambda: look.rows(session, settings, clock, running=running, deep=deep),
                    "evidence": lambda: keeping.evidence(settings, session, keeping.newest(settings, backups), deep=deep),
                }
                checks += [check for name, each in looks.items() for check in looked(name, partial(_by_itself, session, each))]
        bound.dispose()
    return checks


def _by_itself(session: Session, look: Callable[[], list[Check]]) -> list[Check]:
    """A query that fails or takes too long spoils no other."""
    with session.begin_nested():
        return look()


def faults(folder: Path) -> list[Check]:
    from notifications.channels.apprise import parseable
    from papers.township import Faults, read

    try:
        read(folder, parseable)
    except Faults as refused:
        first = "；".join(str(each) for each in refused.faults[:5])
        said = f"{folder} 有 {len(refused.faults)} 处问题：{first}。bihuan load --check 列出全部。"
        return [broken("township", said, f"{folder} has {len(refused.faults)} faults: bihuan load --check lists them.")]
    return [ok("township", f"{folder} 没有问题", f"{folder} has no faults")]
