"""What the township files: weeklies and monthlies frozen at their cut-off, the tables, the work report; in the flow, the pages, the API."""

from __future__ import annotations

import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from pypdf import PdfReader
from python_calamine import load_workbook
from typer.testing import CliRunner

from cli.main import app
from models.clock import machine_time, parse_time
from models.database import transaction
from models.enumerations import PaperKind
from models.paper import Paper
from papers.report.reconcile import DoesNotAddUp
from papers.shelf import fetch
from papers.statistics import issue
from papers.statistics.brief import brief_facts, difference
from papers.statistics.tables import HANDLED
from tests.site import serve
from tests.stage import Stage

FRIDAY = "2023-03-03T09:00+08:00"


@pytest.fixture
def week(stage: Stage) -> Stage:
    """A closed hazard, an open one and a major one with a plan; then it is Friday of the week after."""
    stage.to_closed(description="灭火器压力不足")
    stage.to_rectifying(description="安全出口上锁")
    stage.to_submitted(place="pit", grade="major", sla_class="major", description="安全出口少于两个")
    stage.at(FRIDAY)
    return stage


def weekly(stage: Stage, folder: Path, kind: PaperKind = PaperKind.weekly) -> Paper | None:
    with transaction(stage.engine) as session:
        return issue.issue_period(session, stage.township_id, kind, stage.clock, stage.clock.now(), folder)


def recount(stage: Stage, paper: Paper) -> Any:
    with transaction(stage.engine) as session:
        fresh = brief_facts(session, stage.township_id, issue.period_of(paper), machine_time())
        return difference(session, stage.township_id, paper.facts, fresh)


def test_a_weekly_is_written_once_however_often_and_by_however_many(week: Stage, tmp_path: Path) -> None:
    made: list[Paper | None] = []
    threads = [threading.Thread(target=lambda: made.append(weekly(week, tmp_path))) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len([paper for paper in made if paper]) == 1
    assert weekly(week, tmp_path) is None
    assert week.one("select count(*) from paper where kind = 'weekly'").count == 1
    paper = next(paper for paper in made if paper)
    assert paper.title == "试点镇安全生产周报（2023年2月24日至3月2日）"
    assert paper.cut_at == parse_time("2023-03-03")
    assert weekly(week, tmp_path, PaperKind.monthly) is not None


def test_the_tables_count_by_field_and_the_files_say_the_same(week: Stage, tmp_path: Path) -> None:
    paper = weekly(week, tmp_path)
    assert paper
    handled = paper.facts["tables"][0]
    assert handled["columns"][1:] == [column.name for column in HANDLED.columns]
    whole = handled["rows"][-1]
    assert whole[0] == "合计"
    assert whole[2:8] == [2, 1, "50%", 1, 0, "0%"]
    assert whole[8:14] == [1, 1, 1, 1, 1, 1]
    book = load_workbook(io.BytesIO(fetch(paper.facts["xlsx_sha256"], tmp_path)))
    rows = book.get_sheet_by_name(book.sheet_names[1]).to_python()
    assert [row[0] for row in rows[3:]] == [row[0] for row in handled["rows"]]
    assert rows[-1][2:5] == [2, 1, "50%"]
    told = Document(io.BytesIO(fetch(paper.docx_sha256 or "", tmp_path)))
    assert [cell.text for cell in told.tables[0].rows[-1].cells][:5] == ["合计", str(whole[1]), "2", "1", "50%"]
    pages = PdfReader(io.BytesIO(fetch(paper.pdf_sha256 or "", tmp_path))).pages
    assert len(pages) == 1 + len(paper.facts["tables"])


def test_what_happens_after_the_cut_off_changes_nothing_and_what_was_late_is_named(week: Stage, tmp_path: Path) -> None:
    paper = weekly(week, tmp_path)
    assert paper
    open_one = week.one("select code from cases where state = 'rectifying'").code
    week.fix(open_one)
    assert not recount(week, paper).any
    late = week.find(description="店内住人", found_at="2023-03-02T16:00+08:00")
    found = recount(week, paper)
    assert [(each.code, each.before, each.why) for each in found.late] == [(late, None, "3月2日发现，3月3日才登记")]
    changed = {(each.table, each.row, each.column): (each.before, each.after) for each in found.changes}
    assert changed[("隐患排查治理情况统计表", "合计", "一般隐患 隐患数（项）")] == (2, 3)
    with transaction(week.engine) as session:
        again = issue.kept(session, week.township_id, PaperKind.weekly, parse_time("2023-03-03"))
    assert again and again.facts == paper.facts


def test_the_work_report_reads_in_word_and_pdf_with_charts_that_word_draws(week: Stage) -> None:
    with transaction(week.engine) as session:
        facts = issue.work_report(session, week.township_id, week.clock.now())
    assert facts["title"] == "试点镇隐患大排查大整治工作开展情况"
    told = "".join(line for section in facts["sections"] for line in section["paragraphs"])
    assert "“九小”场所2家（小商店2家）" in told
    assert "共发现隐患3条。已整改销号1条" in told  # nothing went another way: there is no «其中»
    word = issue.printed(PaperKind.work_report, facts, "docx")
    assert word == issue.printed(PaperKind.work_report, facts, "docx")
    packed = zipfile.ZipFile(io.BytesIO(word))
    assert {"word/charts/chart1.xml", "word/embeddings/chart1.xlsx"} <= set(packed.namelist())
    assert "九小消防" in packed.read("word/charts/chart1.xml").decode()
    book = load_workbook(io.BytesIO(packed.read("word/embeddings/chart1.xlsx")))
    assert book.get_sheet_by_index(0).to_python()[0][1:] == ["已销号", "未销号"]
    assert Document(io.BytesIO(word)).paragraphs[0].text == facts["title"]
    pdf = issue.printed(PaperKind.work_report, facts, "pdf")
    assert "工作开展情况" in PdfReader(io.BytesIO(pdf)).pages[0].extract_text().replace("\n", "")


def test_a_report_that_contradicts_the_registry_is_refused(week: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from papers.report import queries

    forgetful = str(queries.PLACES_BY_KIND).replace("group by", "and kind <> 'mine' group by")
    monkeypatch.setattr(queries, "PLACES_BY_KIND", queries.text(forgetful))
    with transaction(week.engine) as session, pytest.raises(DoesNotAddUp, match="场所总数与各类别之和不一致（3≠2）"):
        issue.work_report(session, week.township_id, week.clock.now())


def test_the_office_reads_and_fetches_them_and_a_village_does_not(week: Stage, tmp_path: Path) -> None:
    with serve(week, tmp_path) as site:
        paper = weekly(week, site.home / "evidence")
        assert paper
        late = week.find(description="店内住人", found_at="2023-03-02T16:00+08:00")
        office = site.browser("office-head")
        assert paper.title in office.get("/papers").text
        page = office.get(f"/papers/{paper.id}").text
        assert late in page and "才登记" in page
        file = office.get(f"/papers/{paper.id}/file.pdf")
        assert (file.status_code, file.content[:5]) == (200, b"%PDF-")
        assert "整改中" in office.get("/numbers/waiting").text
        assert office.get("/papers/99999").status_code == 404
        village = site.browser("village-1")
        assert [village.get(path).status_code for path in ("/papers", f"/papers/{paper.id}/file.pdf", "/numbers/waiting")] == [403] * 3
        asked = site.api("office-head").get("/api/v1/statistics", params={"at": "2023-02-20T00:00:00+08:00"})
        assert asked.json()["summary"]["found"] == 0
        now = site.api("office-head").get("/api/v1/statistics").json()
        assert (now["summary"]["found"], now["tables"][0]["rows"][-1][2]) == (4, 3)
        assert site.api("owner").get("/api/v1/statistics").status_code == 403


def test_a_file_is_named_by_its_ending_and_a_workbook_is_no_report(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["report", "work", "-o", str(tmp_path / "x.xlsx")])
    assert refused.exit_code == 1
    assert "文件名须以.docx、.pdf结尾。" in refused.output


def test_a_brief_that_is_kept_twice_in_a_minute_is_one(week: Stage, tmp_path: Path) -> None:
    with serve(week, tmp_path) as site:
        mayor = site.client(cookies={"bihuan": site.token("mayor")}, headers={"Origin": site.base})
        first, again = (mayor.post("/brief").headers["location"] for _ in range(2))
        week.later(minutes=1)
        later = mayor.post("/brief").headers["location"]
    assert first == again != later
    assert week.one("select count(*) as n from paper where kind = 'brief'").n == 2
