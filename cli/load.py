"""`bihuan load` and `bihuan new`: a township's folder into the database, and an empty one to begin with."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from models.settings import Settings
from papers.township import Faults, Loaded, Township, read, write_empty
from papers.township import load as load_into
from papers.township.shape import counts

NOUNS = {
    "township": "镇", "unit": "单位", "post": "岗位", "person": "人员", "channel": "通道", "holding": "任职", "place": "场所",
    "campaign": "专项", "ladder": "阶梯", "checklist": "检查表", "calendar": "日历", "duty": "履职",
    "clause": "法条", "group": "工作群",
}  # fmt: skip

Folder = Annotated[Path, typer.Argument(help="一个镇的文件夹 a township's folder (docs/township.md)")]
Check = Annotated[bool, typer.Option("--check", help="只检查，不改数据库 look only, change nothing")]
AsJson = Annotated[bool, typer.Option("--json", help="输出一个 JSON 对象 print one JSON object")]


def load(folder: Folder, check: Check = False, as_json: AsJson = False) -> None:
    """载入（或只检查）一个镇。Load a township, or only check it; a faulty one is refused with every fault and changes nothing."""
    from notifications.channels.apprise import parseable

    try:
        township = read(folder, parseable)
        loaded = None if check else _into_database(township)
    except Faults as refused:
        if as_json:
            typer.echo(_faults(refused))
        raise
    typer.echo(_as_json(township, loaded) if as_json else _in_words(township, loaded))


def new(folder: Folder) -> None:
    """写一个带说明的空文件夹。Write an empty, commented folder for a new township."""
    names = write_empty(folder)
    typer.echo(f"已写入 written: {folder}（{len(names)} 个文件 files）。填好后 then: bihuan load --check {folder}")


def _into_database(township: Township) -> Loaded:
    """Reads first, connects then: a faulty folder costs no database."""
    from models.clock import RowClock
    from models.cluster import cluster
    from models.database import engine, migrate, transaction

    with cluster(Settings.read()) as running:
        migrate(running.url(role="owner"))
        bound = engine(running.url())
        try:
            with transaction(bound) as session:
                return load_into(session, township, RowClock(bound).now())
        finally:
            bound.dispose()


def _faults(refused: Faults) -> str:
    return json.dumps({"ok": False, "faults": [asdict(fault) for fault in refused.faults]}, ensure_ascii=False)


def _as_json(township: Township, loaded: Loaded | None) -> str:
    said: dict[str, Any] = {"ok": True, "township": township.code, "name": township.name, "counts": counts(township)}
    if loaded:
        said |= {"added": loaded.added, "changed": loaded.changed, "ended": loaded.ended}
    return json.dumps(said, ensure_ascii=False)


def _in_words(township: Township, loaded: Loaded | None) -> str:
    held = "，".join(f"{noun} {number}" for noun, number in counts(township).items() if number)
    if loaded is None:
        return f"{township.name}：没有问题 no faults。{held}"
    parts = [("新增 added", loaded.added), ("变更 changed", loaded.changed), ("终止 ended", loaded.ended)]
    done = "；".join(f"{what} " + "、".join(f"{NOUNS[noun]} {number}" for noun, number in some.items()) for what, some in parts if some)
    return f"{township.name}：已载入 loaded。{held}\n{done or '与上次相同，没有变化 nothing changed'}"
