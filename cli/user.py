"""`bihuan user` and `bihuan token`: passwords for people, bearer tokens for programs."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from cli.at import AsJson, house
from models.refusal import Refusal

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


def token(username: Username) -> None:
    """给程序用的令牌，只显示一次，14 天有效。A bearer token for a program; shown once, good for 14 days."""
    from sqlalchemy import text

    from models.clock import machine_time
    from models.database import transaction
    from web.accounts import open_login

    with house() as bound, transaction(bound) as session:
        person = session.execute(text("select id from person where username = :username"), {"username": username}).scalar()
        if person is None:
            raise Refusal(f"没有用户“{username}”。", f"There is no user {username!r}.")
        typer.echo(open_login(session, person, machine_time()))
