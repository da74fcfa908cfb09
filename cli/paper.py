"""`bihuan paper` and `bihuan archive`: a form of a hazard as a file, issued or printed again; and the hazard's whole file as a zip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.at import At, clock_at, house
from cli.which import Town, the_township
from models.refusal import Refusal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from statemachines.load import Acting

Code = Annotated[str, typer.Argument(metavar="CODE", help="隐患编号 the hazard's code")]
Out = Annotated[Path, typer.Option("-o", "--output", help="写到哪个文件 the file to write")]
NEWEST = """
select paper.* from paper join cases c on c.id = case_id
where c.township_id = :township and c.code = :code and paper.kind = :kind order by paper.id desc limit 1
"""
HOLDER = """
select person.key from holding join person on person.id = person_id join post on post.id = post_id
where post.township_id = :township_id and post.code = :post and :day >= from_day and :day <= coalesce(to_day, 'infinity')
order by deputy_of_id nulls first, person.key limit 1
"""


class NoSuchPaper(Refusal):
    """What was asked for isn't there, or can't be written like that."""


def paper(
    code: Code,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="文书种类 the form: dispatch, notice, inspection_record …")],
    output: Out,
    post: Annotated[str | None, typer.Option("--as", metavar="POST", help="以哪个岗位出具 issue it in the name of this post")] = None,
    officer: Annotated[list[str], typer.Option("--officer", metavar="POST:NUMBER", help="检查人员岗位:执法证号 who inspected")] = [],  # noqa: B006
    note: Annotated[str, typer.Option("--note", help="补充内容 what is added")] = "",
    at: At = None,
    township: Town = None,
) -> None:
    """出具文书（--as 岗位），或重印最近一份。Issues a form with --as POST; without it prints the newest one again, the same to the byte."""
    from models.database import transaction
    from papers.shelf import fetch

    ending = output.suffix.lstrip(".").lower()
    if ending not in ("pdf", "docx"):
        raise NoSuchPaper("输出文件须以 .pdf 或 .docx 结尾。", "The file's name ends in .pdf or .docx.")
    known = _known(kind)
    with house() as bound, transaction(bound) as session:
        clock, which = clock_at(bound, at), the_township(session, township)
        if post:
            given = {"note": note, "officers": [_officer(each) for each in officer]}
            _issue(session, code, known, _acting(session, which, post, clock.now()), clock, given)
        row = session.execute(_text(NEWEST), {"township": which, "code": code, "kind": known}).first()
        if row is None:
            raise NoSuchPaper(f"还没有出具过{known.zh}，请用 --as 指明岗位。", f"None has been issued yet ({known.en}): say --as POST.")
        content = fetch(row.pdf_sha256 if ending == "pdf" else row.docx_sha256)
    output.write_bytes(content)
    typer.echo(f"{row.number or row.title} → {output}")


def archive(
    code: Code,
    output: Out,
    texts: Annotated[bool, typer.Option("--texts/--no-texts", help="含经过原文和盐 with the texts of history and their salt")] = True,
    at: At = None,
    township: Town = None,
) -> None:
    """一案一档：全部文书、照片、经过，连同校验脚本。A hazard's whole file as a zip, with a script that checks it."""
    from models.database import transaction
    from papers.archive.archive import archive as pack

    with house() as bound, transaction(bound) as session:
        content = pack(session, the_township(session, township), code, clock_at(bound, at).now(), texts=texts)
    output.write_bytes(content)
    typer.echo(f"{code} → {output}　{len(content) // 1024 + 1} KB")


def _text(query: str) -> Any:
    from sqlalchemy import text

    return text(query)


def _known(kind: str) -> Any:
    from models.enumerations import PaperKind
    from statemachines.paper import FORMS

    if kind not in FORMS:
        names = "、".join(f"{each}（{each.zh}）" for each in FORMS)
        raise NoSuchPaper(f"没有“{kind}”这种文书，可选：{names}。", f"No form is called {kind!r}.")
    return PaperKind(kind)


def _officer(said: str) -> dict[str, str]:
    post, _, number = said.partition(":")
    return {"post": post, **({"certificate": number} if number else {})}


def _acting(session: Session, township_id: int, post: str, now: datetime) -> Acting:
    from models.clock import day_of
    from statemachines.load import Acting

    person = session.execute(_text(HOLDER), {"township_id": township_id, "post": post, "day": day_of(now)}).scalar()
    if person is None:
        raise NoSuchPaper(f"岗位“{post}”今天没有人在岗。", f"Nobody holds the post {post!r} today.")
    return Acting(township_id, str(person), post)


def _issue(session: Session, code: str, kind: Any, acting: Acting, clock: Any, given: dict[str, Any]) -> None:
    from models.settings import Settings
    from papers.forms.issue import issue

    issue(session, code, kind, acting, clock.now(), wall=clock.wall(), given=given, public_url=Settings.read().owner_url)
