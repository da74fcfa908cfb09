"""`bihuan webhook`: programs that hear of every event."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.at import AsJson, house
from models.refusal import Refusal

if TYPE_CHECKING:
    from sqlmodel import Session

    from notifications.subscribers import Subscribed

webhook = typer.Typer(help="程序订阅 programs that hear of every event (docs/webhooks.md)", no_args_is_help=True)
Number = Annotated[int, typer.Argument(metavar="ID", help="编号 its number (bihuan webhook list)")]
OfTownship = Annotated[str | None, typer.Option("--township", metavar="CODE", help="哪个镇（有多个镇时） which, where there are several")]


@webhook.command("list")
def list_webhooks(as_json: AsJson = False) -> None:
    """列出订阅：地址只显示主机。List them; of an address the host alone is shown."""
    from models.database import as_json as written
    from models.database import transaction
    from notifications.subscribers import subscribers

    with house() as bound, transaction(bound) as session:
        found = subscribers(session)
    if as_json:
        typer.echo(written({"webhooks": [asdict(each) for each in found]}))
        return
    for each in found:
        typer.echo(_line(each))
    typer.echo(f"{len(found)} 个订阅 webhooks")


@webhook.command("add")
def add(url: Annotated[str, typer.Argument(help="http(s)://…")], township: OfTownship = None, as_json: AsJson = False) -> None:
    """从下一个事件起发往这个地址；密钥只显示这一次。Every event from the next on goes there; its secret is shown this once."""
    from models.clock import machine_time
    from models.database import as_json as written
    from models.database import transaction
    from notifications.subscribers import look_at, subscribe

    look_at(url)
    with house() as bound, transaction(bound) as session:
        number, secret = subscribe(session, _township(session, township), url, person="system", post="system", wall=machine_time())
    typer.echo(written({"id": number, "secret": secret}) if as_json else f"已订阅 added: {number}\n密钥 secret: {secret}")


@webhook.command("remove")
def remove(number: Number) -> None:
    """删除订阅，未发的事件一并作废。Remove it, with all that it had still to hear."""
    from models.database import transaction
    from notifications.subscribers import unsubscribe

    with house() as bound, transaction(bound) as session:
        unsubscribe(session, _its_township(session, number), number)
    typer.echo(f"已删除 removed: {number}")


@webhook.command("resume")
def resume(number: Number) -> None:
    """恢复已暂停的订阅，从没收下的事件接着发。Go on with a paused one, from the event that it didn't take."""
    from models.database import transaction
    from notifications.subscribers import resume as go_on

    with house() as bound, transaction(bound) as session:
        go_on(session, _its_township(session, number), number)
    typer.echo(f"已恢复 resumed: {number}")


def _line(each: Subscribed) -> str:
    from models.clock import say

    state = f"已暂停 paused：{each.reason}" if each.paused_at else f"失败 failing：{each.reason}" if each.reason else "正常 fine"
    return f"{each.id:>4}  {each.host}  待发 waiting {each.waiting}  {state}  {say(each.created_at, year=True)}"


def _township(session: Session, code: str | None) -> int:
    """The township of that code, or the only one. Raises Refusal."""
    from sqlalchemy import text

    rows = session.execute(text("select id, code from township order by code")).all()
    found = [row.id for row in rows if code in (None, row.code)]
    if len(found) != 1:
        codes = "、".join(row.code for row in rows)
        raise Refusal(f"请用 --township 指明哪个镇：{codes}。", f"Say which township, by --township: {codes}.")
    return int(found[0])


def _its_township(session: Session, number: int) -> int:
    from sqlalchemy import text

    return int(session.execute(text("select township_id from subscriber where id = :id"), {"id": number}).scalar() or 0)
