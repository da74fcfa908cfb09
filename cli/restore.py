"""`bihuan restore`: a backup back into its place, or only looked through."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.at import AsJson
from cli.backup import Telling
from cli.supervisor import only_one
from models.settings import Settings

if TYPE_CHECKING:
    from models.cluster import Cluster
    from papers.backup.manifest import Manifest
    from papers.backup.restore import Restored

File = Annotated[Path | None, typer.Argument(metavar="FILE", help="备份文件 a backup", show_default=False)]
Check = Annotated[bool, typer.Option("--check", help="只核对，什么也不改 look through it, change nothing")]
Replace = Annotated[bool, typer.Option("--replace", help="代替这里已有的数据，旧的放在一边 in the place of data that is here")]
StoppedAt = Annotated[
    str, typer.Option("--stopped-at", metavar="TIME", help="原来的系统何时停的；搬家写 backup when the old house stopped; moving: «backup»")
]
Undo = Annotated[bool, typer.Option("--undo", help="换回上次恢复之前的数据 bring back what was there before")]
Forget = Annotated[bool, typer.Option("--forget", help="删掉放在一边的旧数据 delete what stands aside")]


def restore(
    file: File = None, check: Check = False, replace: Replace = False, stopped_at: StoppedAt = "now", undo: Undo = False,
    forget: Forget = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """从备份恢复。Put a backup back; every hash is looked at before anything is touched, and history is audited afterwards."""
    if undo or forget:
        return _aside(undo=undo)
    if file is None:
        raise typer.BadParameter("请给出备份文件 name the backup", param_hint="FILE")
    if check:
        return _checked(file, as_json)
    return _restored(file, replace, stopped_at, as_json)


def _checked(file: Path, as_json: bool) -> None:
    from papers.backup.verify import verify

    told = Telling()
    manifest = verify(file, told)
    told.end()
    if as_json:
        said = {name: value for name, value in manifest.plain().items() if name != "members"}
        typer.echo(json.dumps({"ok": True, "file": str(file), "members": len(manifest.members), **said}, ensure_ascii=False))
        return
    typer.echo(f"完好 whole: {file}")
    for line in _in_words(manifest):
        typer.echo(line)


def _in_words(manifest: Manifest) -> list[str]:
    from models.clock import say

    return [
        f"备份时间 taken {say(manifest.made_at, year=True)}，闭环 Bihuan {manifest.bihuan}，结构 schema {manifest.migration}",
        f"案卷 cases {manifest.cases}，事件 events {manifest.events}，照片和文书文件 files {manifest.evidence}",
        *(f"{each.name} 历史哈希 history hash {each.history_hash}" for each in manifest.townships),
    ]


def _restored(file: Path, in_place: bool, stopped_at: str, as_json: bool) -> None:
    from models.clock import machine_time
    from papers.backup import restore as work
    from papers.backup.verify import verify

    told, settings, until = Telling(), Settings.read(), _time(stopped_at)
    manifest = verify(file, told)
    stopped = manifest.made_at if stopped_at == "backup" else until
    with _house(settings, told) as running:
        done = work.restore(running, settings, file, manifest, machine_time(), in_place=in_place, stopped_at=stopped, progress=told)
    told.end()
    for line in _warnings(done):
        print(line, file=sys.stderr)
    if as_json:
        typer.echo(json.dumps(done.plain(), ensure_ascii=False, default=str))
        return
    for line in _report(done):
        typer.echo(line)


def _time(said: str) -> datetime | None:
    from models.clock import parse_time

    try:
        return None if said in ("now", "backup") else parse_time(said)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--stopped-at") from None


@contextmanager
def _house(settings: Settings, told: Telling) -> Iterator[Cluster]:
    """The database, with nobody else at work in this home."""
    from models.cluster import cluster

    with only_one(settings.home), cluster(settings, progress=told) as running:
        yield running


def _aside(*, undo: bool) -> None:
    from papers.backup import restore as work

    settings = Settings.read()
    with _house(settings, Telling()) as running:
        (work.undo if undo else work.forget)(running, settings.home)
    typer.echo("已换回恢复之前的数据；再执行一次又换过来。 What was there before is back." if undo else "已删除放在一边的旧数据。 Deleted.")


def _report(done: Restored) -> list[str]:
    made = done.manifest
    lines = ["已恢复，与备份清单一致。 Restored, and equal to the backup's manifest.", *_in_words(made)]
    if done.migration != made.migration:
        lines.append(f"数据库结构已由 {made.migration} 升到 {done.migration}。 The schema was brought up to date.")
    lines.append(f"核对事件链 audit: {done.broken} 处不符 broken")
    lines.append(f"消息 messages: 结果不明、不再重发 unknown {done.quieted.unknown}，照常等候 still waiting {done.quieted.waiting}")
    return lines


def _warnings(done: Restored) -> list[str]:
    from models.clock import say

    lines = []
    if done.lost_until > done.lost_from:
        since, until = say(done.lost_from, year=True), say(done.lost_until, year=True)
        lines.append(f"{since} 到 {until} 之间登记的内容不在备份里，须补录。 What was recorded in between is not in the backup.")
    if done.quieted.logins_ended:
        lines.append(f"已结束 {done.quieted.logins_ended} 个登录，请重新登录。 {done.quieted.logins_ended} sessions were ended.")
    if done.quieted.tokens and done.lost_until > done.lost_from:
        lines.append(f"仍有效的令牌 {done.quieted.tokens} 个：备份之后注销过的请再注销一次。 Revoke again what was revoked since.")
    if done.missing:
        lines.append(f"有 {len(done.missing)} 个登记过的文件不在备份里。 {len(done.missing)} files are nowhere, for one {done.missing[0]}.")
    if done.locked:
        lines.append("密钥不是封存地址的那一把：请放回 BIHUAN_HOME/key（或设 BIHUAN_KEY）。 The key here is another one: bring it back.")
    if done.aside:
        lines.append("原有数据放在一边：bihuan restore --undo 换回，--forget 删除。 What was here stands aside: --undo, or --forget.")
    return lines
