"""`bihuan user` and `bihuan token`: passwords for people, bearer tokens for programs."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.at import AsJson, house
from models.refusal import Refusal

if TYPE_CHECKING:
    from sqlmodel import Session

user = typer.Typer(help="用户 people who sign in", no_args_is_help=True)
Username = Annotated[str, typer.Argument(help="用户名 user name")]


@user.command("list")
def list_users(as_json: AsJson = False) -> None:
    """列出用户及其今天的岗位。List everybody who has a user name, with the posts they hold today."""
    from sqlalchemy import text

    from models.clock import RowClock, day_of
    from models.database import transaction

    with house() as bound, transaction(bound) as session:
        day = day_of(RowClock(bound).now())
        rows = session.execute(text(HELD), {"day": day}).mappings().all()
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row['username']:<24} {row['label']}  {'、'.join(row['posts'])}  {'' if row['password'] else '未设密码 no password'}")


HELD = """
select username, label, password_hash is not null as password, array(
    select post.code from holding join post on post.id = post_id where person_id = person.id
        and :day >= from_day and :day <= coalesce(to_day, 'infinity') order by 1
) as posts
from person where username is not null order by username
"""


@user.command("password")
def password(username: Username) -> None:
    """设密码（从标准输入读一行）。Set a password, read as one line of standard input; ends the person's logins."""
    from models.database import transaction
    from web.accounts import UnknownUser, set_password

    said = typer.prompt("新密码 new password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    if len(said) < 8:
        raise Refusal("密码至少 8 个字符。", "A password has at least 8 characters.")
    try:
        with house() as bound, transaction(bound) as session:
            set_password(session, username, said)
    except UnknownUser:
        raise Refusal(f"没有用户“{username}”。", f"There is no user {username!r}.") from None
    typer.echo(f"已设置 set: {username}")


def token(
    username: Username,
    scope: Annotated[str, typer.Option(help="权限，如 read 或 hazards:write，多个用空格隔开；不给则与本人相同 scopes")] = "",
    days: Annotated[int, typer.Option(min=1, max=3660, help="有效天数 days it is good for")] = 14,
    name: Annotated[str, typer.Option(help="用途，便于日后辨认和注销 what it is for")] = "",
) -> None:
    """给程序用的令牌，只显示一次。A bearer token for a program, shown once; `bihuan user tokens` lists and revokes them."""
    from models.clock import machine_time
    from models.database import transaction
    from web.accounts import open_login
    from web.scopes import scopes_of

    scopes = scopes_of(scope) or None
    with house() as bound, transaction(bound) as session:
        person = _person(session, username)
        typer.echo(open_login(session, person, machine_time(), lives=timedelta(days=days), scopes=scopes, name=name or None))


@user.command("tokens")
def tokens(
    username: Username,
    revoke: Annotated[str, typer.Option(metavar="ID", help="注销这一个 end this one")] = "",
    as_json: AsJson = False,
) -> None:
    """列出或注销一个人的登录和令牌。List a person's logins and tokens, or end one."""
    from models.clock import machine_time, say
    from models.database import transaction
    from web import accounts

    with house() as bound, transaction(bound) as session:
        person, wall = _person(session, username), machine_time()
        if revoke and not accounts.revoke(session, person, revoke, wall):
            raise Refusal(f"“{username}”没有令牌 {revoke}。", f"{username!r} has no token {revoke!r}.")
        rows = accounts.logins(session, person, "", wall)
    if as_json:
        typer.echo(json.dumps([_token(row) for row in rows], ensure_ascii=False))
        return
    for row in rows:
        typer.echo(f"{row.id}  {say(row.expires_at)} 止  {' '.join(row.scopes) if row.scopes else '全部 all'}  {row.name or '登录 login'}")


@user.command("void-links")
def void_links(person: Annotated[str, typer.Argument(metavar="KEY", help="代号或用户名 key or user name")]) -> None:
    """作废一个人此前的全部链接（手机丢失等）；不能恢复。Make every link that a person has been given void; it can't be undone."""
    from sqlalchemy import text

    from models.clock import machine_time
    from models.database import transaction
    from web.links import write

    with house() as bound, transaction(bound) as session:
        found = session.execute(text("select township_id, key from person where :said in (key, username)"), {"said": person}).all()
        if len(found) != 1:
            raise Refusal(f"“{person}”不是唯一的一个人。", f"{person!r} isn't exactly one person.")
        label = write(session, found[0].township_id, found[0].key, machine_time())
    typer.echo(f"已作废 void: {label}")


def _token(row: Any) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "scopes": row.scopes, "expires_at": row.expires_at.isoformat()}


def _person(session: Session, username: str) -> int:
    from sqlalchemy import text

    person = session.execute(text("select id from person where username = :username"), {"username": username}).scalar()
    if person is None:
        raise Refusal(f"没有用户“{username}”。", f"There is no user {username!r}.")
    return int(person)
