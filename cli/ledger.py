"""`bihuan ledger`: the ledger as a workbook, out in the columns that are asked for, and in from where hazards were found elsewhere."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.at import AsJson, At, clock_at, house
from cli.which import Town
from models.refusal import Refusal

if TYPE_CHECKING:
    from sqlmodel import Session

    from papers.ledger.check import Checked
    from papers.ledger.sheet import Ledger
    from statemachines.load import Acting

ledger = typer.Typer(help="Excel 台账导出与导入 the ledger as a workbook, out and in", no_args_is_help=True)
SHOWN = 20


class FormName(StrEnum):
    full = "full"
    street21 = "street21"
    station18 = "station18"
    township15 = "township15"


class WhoTakesIn(Refusal):
    """Nobody holds the office's post, or the post that was named."""


File = Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="工作簿 the workbook")]


@ledger.command("export")
def export_ledger(
    file: File,
    form: Annotated[FormName, typer.Option("--form", help="表式 the columns")] = FormName.full,
    filters: Annotated[list[str] | None, typer.Option("--filter", metavar="NAME=VALUE", help="筛选，可多次 such as state=整改中")] = None,
    photos: Annotated[bool, typer.Option("--photos", help="把整改前后照片放进表里 with the newest photos")] = False,
    at: At = None,
    township: Town = None,
) -> None:
    """导出台账。Write the ledger; a file that is there already is replaced. Progress goes to standard error."""
    from cli.which import the_township
    from models.database import transaction
    from models.settings import Settings
    from papers.ledger.export import export
    from papers.ledger.filter import filter_of
    from papers.ledger.forms import FORMS

    wanted = filter_of(filters or ())
    with house() as bound, transaction(bound) as session:
        folder = Settings.read().home / "evidence" if photos else None
        now, which = clock_at(bound, at).now(), the_township(session, township)
        written = export(session, file, FORMS[form], which, wanted, now, photos=folder, progress=_progress("行 lines"))
    _end_progress()
    pictures = f"，照片 {written.pictures} 张 photos" if photos else ""
    typer.echo(f"{file}：{written.lines} 行 lines{pictures}")


@ledger.command("import")
def import_ledger(
    file: File,
    form: Annotated[FormName | None, typer.Option("--form", help="表式（不写则按表头识别） the columns, else told by the header")] = None,
    check_only: Annotated[bool, typer.Option("--check", help="只检查，不登记 check only")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="有错也登记其余各行 register the good lines all the same")] = False,
    marked: Annotated[Path | None, typer.Option("--marked", metavar="FILE.xlsx", help="标注表 where the marked-up copy goes")] = None,
    post: Annotated[str | None, typer.Option("--post", metavar="CODE", help="以哪个岗位登记 the office's post that registers")] = None,
    at: At = None,
    township: Town = None,
    as_json: AsJson = False,
) -> None:
    """导入台账。Register what a ledger found; wrong lines come back in a marked-up copy, and then nothing is registered."""
    from models.database import as_json as written
    from papers.ledger.forms import FORMS
    from papers.ledger.sheet import open_ledger

    opened = open_ledger(file, FORMS[form] if form else None)
    asked = Asked(check_only, partial, post, at, township, file.name)
    checked, codes = _looked_at_or_taken(opened, asked)
    _end_progress()
    copy = _marked(opened, checked, marked or file.with_name(f"{file.stem}.标注.xlsx"))
    if as_json:
        typer.echo(written({**_plain(opened, checked), "codes": dict(codes), "marked": copy and str(copy)}))
    else:
        _say(opened, checked, codes, copy)
    raise typer.Exit(1 if checked.faulty and not (partial and codes) else 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """How a ledger is to be taken in; `name` is the file's."""

    check_only: bool
    partial: bool
    post: str | None
    at: str | None
    township: str | None
    name: str


def _looked_at_or_taken(opened: Ledger, asked: Asked) -> tuple[Checked, list[tuple[int, str]]]:
    """What the ledger came to, and the codes that its lines became. Where a line is wrong, all is rolled back."""
    from papers.ledger.intake import Faulty

    try:
        return _in_one_transaction(opened, asked)
    except Faulty as no:
        return no.checked, []


def _in_one_transaction(opened: Ledger, asked: Asked) -> tuple[Checked, list[tuple[int, str]]]:
    from cli.which import the_township
    from models.database import transaction
    from papers.ledger.check import check
    from papers.ledger.intake import take

    with house() as bound, transaction(bound) as session:
        clock = clock_at(bound, asked.at)
        now, which = clock.now(), the_township(session, asked.township)
        if asked.check_only:
            return check(session, opened, which, now), []
        acting, progress = _acting(session, which, asked.post, now), _progress("条 hazards")
        taken = take(session, opened, acting, now, wall=clock.wall(), name=asked.name, partial=asked.partial, progress=progress)
        return taken.checked, taken.codes


OFFICE = """
select post.code, person.key from holding join post on post.id = post_id and post.active join person on person.id = person_id
where post.township_id = :township and :day >= from_day and :day <= coalesce(to_day, 'infinity')
    and (post.code = :post or cast(:post as text) is null and post.kind in ('office_dispatcher', 'office_head'))
order by post.kind, deputy_of_id nulls first, post.code limit 1
"""


def _acting(session: Session, township_id: int, post: str | None, now: Any) -> Acting:
    from sqlalchemy import text

    from models.clock import day_of
    from statemachines.load import Acting

    found = session.execute(text(OFFICE), {"township": township_id, "post": post, "day": day_of(now)}).first()
    if found is None:
        raise WhoTakesIn("今天没有人在这个岗位上，不能登记。", "Nobody holds that post today.")
    return Acting(township_id, found.key, found.code)


def _marked(opened: Ledger, checked: Checked, path: Path) -> Path | None:
    from papers.ledger.marked import mark_up

    if checked.good:
        return None
    mark_up(opened, checked, path)
    return path


def _plain(opened: Ledger, checked: Checked) -> dict[str, Any]:
    faults = {line: [fault._asdict() for fault in found] for line, found in checked.faults.items()}
    names = ("lines", "fresh", "known", "twice", "empty", "faulty", "rectified")
    return {"form": opened.form.code, "sheet": opened.name, **{name: getattr(checked, name) for name in names}, "faults": faults}


def _say(opened: Ledger, checked: Checked, codes: list[tuple[int, str]], copy: Path | None) -> None:
    typer.echo(f"{opened.form.zh} {opened.form.en}（工作表 sheet “{opened.name}”，表头在第 {opened.header + 1} 行）")
    typer.echo(
        f"共 {checked.lines} 行 lines：可登记 new {checked.fresh}，已有 known {checked.known}，表内重复 twice {checked.twice}，"
        f"无隐患 empty {checked.empty}，有误 wrong {checked.faulty}"
    )
    if checked.rectified:
        typer.echo(f"其中 {checked.rectified} 行记为已整改：按“已发现”登记，复查后才能销号。 Said to be done: found, to be re-inspected.")
    for line in sorted(checked.faults)[:SHOWN]:
        for fault in checked.faults[line]:
            typer.echo(f"  第 {line} 行 {fault.column}：{fault.zh}{fault.meant}")
    if copy:
        typer.echo(f"标注表 marked-up copy：{copy}")
    typer.echo(f"登记 registered {len(codes)} 条" + (f"：{codes[0][1]} … {codes[-1][1]}" if codes else ""))


def _progress(what: str) -> Any:
    def say(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done:,} {what}", end="", file=sys.stderr, flush=True)

    return say


def _end_progress() -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
