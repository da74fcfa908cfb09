"""`bihuan report`: what a township files, written from the database: work report, weekly, monthly, statistics; and where hazards wait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.at import AsJson, house
from cli.which import CutAt, Town, cut_at, the_township
from models.enumerations import PaperKind
from models.refusal import Refusal

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from models.paper import Paper
    from papers.events.waiting import Wait
    from papers.statistics.brief import Difference

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
Out = Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="写到哪个文件：.docx、.pdf、.xlsx by its ending")]

Keep = Annotated[bool, typer.Option("--issue", help="定稿存档 freeze it and keep it")]


class WrongEnding(Refusal):
    """The file's name doesn't say what it should be, or such a paper isn't made."""


@app.callback()
def report() -> None:
    """工作报告、周报、月报、统计表、等待分析。Reports and tables."""


@app.command()
def work(out: Out, at: CutAt = None, township: Town = None, issue: Keep = False) -> None:
    """工作开展情况报告（Word 或 PDF）。The work report; not written where its numbers don't add up."""
    _write(PaperKind.work_report, out, at, township, issue)


@app.command()
def statistics(out: Out, at: CutAt = None, township: Town = None, issue: Keep = False) -> None:
    """隐患排查治理统计表（专项行动以来）。The statistics tables since the campaign began."""
    _write(PaperKind.statistics, out, at, township, issue)


@app.command()
def weekly(out: Out, at: CutAt = None, township: Town = None, as_json: AsJson = False) -> None:
    """上一周（周五至周四）的周报；已定稿的照原样给出，并说明现在再统计有何不同。The last week's, frozen once written."""
    _write_period(PaperKind.weekly, out, at, township, as_json)


@app.command()
def monthly(out: Out, at: CutAt = None, township: Town = None, as_json: AsJson = False) -> None:
    """上一月的月报；已定稿的照原样给出，并说明现在再统计有何不同。The last month's, frozen once written."""
    _write_period(PaperKind.monthly, out, at, township, as_json)


@app.command()
def bottleneck(at: CutAt = None, township: Town = None, as_json: AsJson = False) -> None:
    """隐患卡在哪里：按环节和岗位的等待时间。Where hazards wait, by step and by post: median, 90th percentile, count."""
    from models.database import as_json as written
    from models.database import transaction
    from papers.events.waiting import by_post, by_step

    with house() as bound, transaction(bound) as session:
        until, town = cut_at(bound, at), the_township(session, township)
        steps, posts = by_step(session, town, until), by_post(session, town, until)
    if as_json:
        from dataclasses import asdict

        typer.echo(written({"at": until, "steps": [asdict(each) for each in steps], "posts": [asdict(each) for each in posts]}))
        return
    typer.echo("\n".join(["按环节 by step", *map(_line, steps), "按岗位 by post", *map(_line, posts[:30])]))


def _line(wait: Wait) -> str:
    who = f"　{wait.post_zh}（{wait.post}）" if wait.post else ""
    said = f"  {wait.state.zh}{who}　n={wait.count}　中位 {_hours(wait.median)}　九成 {_hours(wait.p90)}"
    now = f"　现有 {wait.waiting} 件在等，最久 {_hours(wait.longest)}" if wait.waiting else ""
    return f"{said}　占 {wait.share:.0%}{now}"


def _hours(hours: float | None) -> str:
    return "—" if hours is None else f"{hours:.1f} 小时"


def _ending(out: Path, kind: PaperKind) -> str:
    ending = out.suffix.lower().lstrip(".")
    fits = ("docx", "pdf") if kind == PaperKind.work_report else ("docx", "pdf", "xlsx")
    if ending not in fits:
        said = "、".join(f".{each}" for each in fits)
        raise WrongEnding(f"文件名须以{said}结尾。", f"The file's name ends with one of {', '.join(fits)}.")
    return ending


def _write(kind: PaperKind, out: Path, at: str | None, township: str | None, issue: bool) -> None:
    from models.clock import RowClock
    from models.database import transaction
    from papers.statistics import issue as papers

    ending = _ending(out, kind)
    with house() as bound, transaction(bound) as session:
        until, town = cut_at(bound, at), the_township(session, township)
        facts = papers.work_report(session, town, until) if kind == PaperKind.work_report else _tables(session, town, until)
        out.write_bytes(papers.printed(kind, facts, ending))
        kept = papers.issue(session, town, kind, facts, RowClock(bound).now()) if issue else None
    typer.echo(f"{out}：{facts['title']}{f'，已存档 #{kept.id}' if kept else ''}")


def _tables(session: Session, town: int, until: datetime) -> dict[str, Any]:
    from models.clock import machine_time
    from papers.statistics.issue import statistics as counted

    return counted(session, town, until, machine_time())


def _write_period(kind: PaperKind, out: Path, at: str | None, township: str | None, as_json: bool) -> None:
    from models.clock import RowClock, machine_time
    from models.database import as_json as written
    from models.database import transaction
    from papers.shelf import fetch
    from papers.statistics import issue as papers
    from papers.statistics.periods import last_period
    from papers.statistics.previous import recount

    ending = _ending(out, kind)
    with house() as bound, transaction(bound) as session:
        until, town, clock = cut_at(bound, at), the_township(session, township), RowClock(bound)
        made = papers.issue_period(session, town, kind, clock, until)
        paper = made or papers.kept(session, town, kind, last_period(kind, until).cut_at)
        assert paper
        out.write_bytes(fetch(papers.sha256_of(paper, ending) or ""))
        found = recount(session, paper, machine_time())
        told = _told(paper, out, bool(made), found)
    typer.echo(written(told) if as_json else "\n".join(_lines(paper, out, bool(made), found)))


def _told(paper: Paper, out: Path, made: bool, found: Difference | None) -> dict[str, Any]:
    """As one object; `previous`, `compared` and `corrected` are null where no paper of this kind stands before it."""
    from dataclasses import asdict

    names = ("id", "kind", "title", "cut_at", "issued_at", "previous_id", "docx_sha256", "pdf_sha256")
    facts = ("xlsx_sha256", "summary", "previous", "compared", "corrected")
    return {
        "file": str(out), "written_now": made, **{name: getattr(paper, name) for name in names},
        **{name: paper.facts.get(name) for name in facts}, "difference": found and asdict(found),
    }  # fmt: skip


def _lines(paper: Paper, out: Path, made: bool, found: Difference | None) -> list[str]:
    from models.clock import say

    assert paper.cut_at
    when = "现已定稿" if made else f"{say(paper.issued_at)}已定稿"
    lines = [f"{out}：{paper.title}，数据截至{say(paper.cut_at, year=True)}，{when}"]
    if since := paper.facts.get("compared"):
        lines.append(f"与上期对比（{paper.facts['previous']['title']}）：")
        lines += [f"  {name}：{old} → {new}（{by}）" for name, old, new, by in since["rows"]]
    if paper.facts.get("corrected"):
        from papers.statistics.corrected import corrections

        lines += corrections(paper.facts["corrected"])
    return lines if made or found is None else [*lines, *_differences(found)]


def _differences(found: Difference) -> list[str]:
    cells = [f"  {each.table}·{each.row}·{each.column}：{each.before} → {each.after}" for each in found.changes]
    late = [f"  {each.code}：{each.before or '未计'} → {each.after or '不计'}（{each.why}）" for each in found.late]
    return ["现在再统计，与定稿不同：", *cells, "原因：", *late] if found.any else ["现在再统计，与定稿相同。"]
