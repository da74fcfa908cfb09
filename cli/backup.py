"""`bihuan backup`: everything in one file, while everything runs."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.at import AsJson
from models.refusal import Refusal
from models.settings import Settings

Out = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="写到这个文件或文件夹 to this file or folder")]
Keep = Annotated[int | None, typer.Option("--keep", min=1, metavar="N", help="写完后只留最近 N 份本程序的备份 keep the newest N")]
NoSecrets = Annotated[bool, typer.Option("--without-secrets", help="不放密钥和登录配置 leave the key and signin.yaml out")]


def backup(out: Out = None, keep: Keep = None, without_secrets: NoSecrets = False, as_json: AsJson = False) -> None:
    """把数据库、照片、文书和配置备份成一个文件。Back everything up into one file, whole or not at all; it may run meanwhile."""
    from models.clock import machine_time
    from models.cluster import cluster
    from papers.backup.take import take

    settings = Settings.read()
    require_house(settings)
    told = Telling()
    with cluster(settings, progress=told) as running:
        taken = take(running, settings, machine_time(), to=out, secrets=not without_secrets, keep=keep, progress=told)
    told.end()
    for line in warnings(taken.manifest.key, taken.manifest.missing, taken.manifest.broken):
        print(line, file=sys.stderr)
    if as_json:
        said = {name: value for name, value in taken.manifest.plain().items() if name != "members"}
        typer.echo(json.dumps({"file": str(taken.path), "size": taken.size, "deleted": taken.deleted, **said}, ensure_ascii=False))
        return
    made = taken.manifest
    typer.echo(f"{taken.path}（{taken.size / 2**20:.1f} MB）")
    typer.echo(f"案卷 cases {made.cases}，事件 events {made.events}，照片和文书文件 files {made.evidence}")
    for each in made.townships:
        typer.echo(f"{each.name} 历史哈希 history hash {each.history_hash}")
    for name in taken.deleted:
        typer.echo(f"已删旧备份 deleted {name}")


def require_house(settings: Settings) -> None:
    """Raises Refusal where nothing has ever been: a backup or a look makes no database."""
    if not settings.database_url and not (settings.home / "postgres" / "data").exists():
        raise Refusal(
            f"{settings.home} 里没有数据库：请检查 BIHUAN_HOME。", f"There is no database in {settings.home}: look at BIHUAN_HOME."
        )


def warnings(key: str, missing: tuple[str, ...], broken: int) -> list[str]:
    """What whoever keeps the file has to know."""
    said = {
        "inside": "备份里有密钥和个人信息：请像保管密码一样保管它。 It holds the key and people's data: keep it like a password.",
        "left out": "备份里没有密钥，而没有它就读不出通道地址：请另行保管 BIHUAN_HOME/key。 The key isn't in it: keep it elsewhere.",
        "environment": "密钥在环境变量 BIHUAN_KEY 里，不在备份中，请另行保管。 The key is BIHUAN_KEY and not in it: keep it elsewhere.",
    }
    lines = [said[key]]
    if missing:
        lines.append(f"有 {len(missing)} 个登记过的文件已不在存档中，例如 {missing[0]}。 {len(missing)} files are lost: bihuan doctor")
    if broken:
        lines.append(f"有 {broken} 处历史不符，照原样备份。 History doesn't hold in {broken} places: bihuan audit")
    return lines


class Telling:
    """Progress on stderr: in one line at a terminal; elsewhere each step once, not its counting."""

    def __init__(self) -> None:
        self._said = ""
        self._terminal = sys.stderr.isatty()

    def __call__(self, sentence: str) -> None:
        said = sentence if self._terminal else re.sub(r"\d+", "", sentence)
        if said != self._said:
            self._said = said
            print(f"\r\033[K{sentence}" if self._terminal else sentence, end="" if self._terminal else "\n", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._said and self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
