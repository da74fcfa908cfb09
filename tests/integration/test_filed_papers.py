"""What the township files: weeklies and monthlies frozen at their cut-off, the tables, the work report; in the flow, the pages, the API."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from pypdf import PdfReader
from python_calamine import load_workbook
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from models.clock import machine_time, parse_time
from models.database import as_json, transaction
from models.enumerations import PaperKind
from models.paper import Paper
from papers.brief import freeze
from papers.forms import issue as forms
from papers.report.reconcile import DoesNotAddUp
from papers.shelf import fetch, path_of
from papers.statistics import issue, previous
from papers.statistics.corrected import corrections
from papers.statistics.tables import HANDLED
from tests.integration.test_inspections import OFFICERS, authorise
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
        return previous.recount(session, paper, machine_time())


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


def test_the_next_weekly_names_the_one_before_what_moved_since_and_what_was_corrected(week: Stage, tmp_path: Path) -> None:
    first = weekly(week, tmp_path)
    assert first and first.previous_id is None and "compared" not in first.facts
    late = week.find(description="店内住人", found_at="2023-03-02T16:00+08:00")
    week.fix(week.one("select code from cases where state = 'rectifying'").code)
    week.at("2023-03-10T09:00+08:00")
    second = weekly(week, tmp_path)
    assert second and second.previous_id == first.id == second.facts["previous"]["id"]
    assert second.facts["compared"]["rows"][:3] == [["本期新发现", 0, 0, "0"], ["本期整改销号", 0, 0, "0"], ["累计发现", 3, 4, "+1"]]
    [moved] = second.facts["corrected"]["late"]
    assert (moved["code"], moved["why"]) == (late, "3月2日发现，3月3日才登记")
    told = list(corrections(second.facts["corrected"]))
    assert "隐患排查治理情况统计表·合计·一般隐患 隐患数（项）：2 → 3" in told
    word = Document(io.BytesIO(fetch(second.docx_sha256 or "", tmp_path)))
    assert word.tables[0].rows[3].cells[3].text == "+1" and told[0] in [each.text for each in word.paragraphs]
    book = load_workbook(io.BytesIO(fetch(second.facts["xlsx_sha256"], tmp_path)))
    assert book.get_sheet_by_name("与上期对比").to_python()[-1][3] == "0"
    assert told[1] in [row[0] for row in book.get_sheet_by_index(0).to_python()]
    assert list(corrections({"changes": [], "late": []})) == ["上期定稿后没有更正：现在再统计上期，与定稿相同。"]


def test_a_weekly_lies_beside_the_duty_to_file_it_which_stays_its_owners_to_do(week: Stage, tmp_path: Path) -> None:
    def duty(code: str, title: str, **body: bool) -> int:
        query = "insert into duty (township_id, code, title, leader, body, version, active) values (1, :code, :title, false, cast(:body as"
        query += " jsonb), 1, true) returning id"
        with transaction(week.engine) as session:
            return int(session.execute(text(query), {"code": code, "title": title, "body": as_json(body)}).scalar_one())

    due = {"due_at": parse_time("2023-03-03T12:00+08:00"), "closes_at": parse_time("2023-03-06T12:00+08:00")}
    wanted = {"wanted": ("document",), "opens_at": parse_time("2023-02-24T12:00+08:00"), **due}
    weekly_duty, other = duty("w", "安全生产周报", report=True), duty("x", "周报学习", report=False)
    owed = week.owes("office-head", "安全生产周报", duty_id=weekly_duty, **wanted)
    late = {**wanted, "due_at": parse_time("2023-03-10T12:00+08:00"), "period": parse_time("2023-03-03").date()}
    for title, of_it, when in (("周报学习", other, wanted), ("安全生产周报", weekly_duty, late)):
        week.owes("office-head", title, duty_id=of_it, **when)
    assert week.refused("office-head", "do_duty", owed) == "evidence_wanted"
    paper = weekly(week, tmp_path)
    assert paper and weekly(week, tmp_path) is None
    query = "select c.code, sha256, stored, added_post, note from evidence join cases c on c.id = case_id where evidence.kind = 'document'"
    rows = week.all(query)
    assert [tuple(row) for row in rows] == [(owed, paper.pdf_sha256, path_of(paper.pdf_sha256, Path()).as_posix(), "system", paper.title)]
    assert (week.state(owed), week.act("office-head", "do_duty", owed).state) == ("open", "done")


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


PRINT_LATER = """
import datetime, hashlib, json, sys, time

clock, local, utc, shift = time.time, time.localtime, time.gmtime, float(sys.argv[1])
time.time = lambda: clock() + shift
time.localtime = lambda at=None: local(time.time() if at is None else at)
time.gmtime = lambda at=None: utc(time.time() if at is None else at)

class AnyMoment(type):
    __instancecheck__ = lambda cls, value: isinstance(value, datetime.datetime)

class Later(datetime.datetime, metaclass=AnyMoment):
    now = classmethod(lambda cls, tz=None: datetime.datetime.fromtimestamp(time.time(), tz))
    utcnow = today = classmethod(lambda cls: cls.now())

from models.enumerations import PaperKind
from papers.forms.pdf import pdf
from papers.forms.word import word
from papers.forms.wording import sheet
from papers.statistics.issue import printed

seen = 0
for name in [name for name in sys.modules if name.split(".")[0] in ("docx", "pptx", "xlsxwriter", "segno")]:
    for held, value in list(vars(sys.modules[name]).items()):
        if value is datetime.datetime or value is datetime:
            setattr(sys.modules[name], held, Later if value is not datetime else type("late", (), {**vars(datetime), "datetime": Later}))
            seen += 1
assert seen > 2
for kind, ending, facts in json.load(sys.stdin):
    made = (pdf if ending == "pdf" else word)(sheet(facts)) if kind == "form" else printed(PaperKind(kind), facts, ending)
    print(hashlib.sha256(made).hexdigest())
"""


def test_a_reprint_on_another_day_in_another_time_zone_is_the_same_to_the_byte(week: Stage, tmp_path: Path) -> None:
    paper = weekly(week, tmp_path)
    assert paper
    with transaction(week.engine) as session:
        report = issue.issue(
            session, week.township_id, PaperKind.work_report, issue.work_report(session, week.township_id, week.clock.now()),
            week.clock.now(), folder=tmp_path,
        )  # fmt: skip
        code, now, wall = week.newest("hazard"), week.clock.now(), week.clock.wall()
        given = {"officers": [{"post": "inspector", "certificate": "豫M-001"}, {"post": "inspector-2", "certificate": "豫M-002"}]}
        acting = week.acting("inspector")
        done = forms.issue(session, code, PaperKind.inspection_record, acting, now, wall=wall, given=given, folder=tmp_path, key=b"k" * 32)
        form = session.get_one(Paper, done.id)
    kept = [
        *(("weekly", ending, paper.facts, issue.sha256_of(paper, ending)) for ending in issue.ENDINGS),
        *(("work_report", ending, report.facts, issue.sha256_of(report, ending)) for ending in ("docx", "pdf")),
        *(("form", ending, form.facts, getattr(form, f"{ending}_sha256")) for ending in ("docx", "pdf")),
    ]  # fmt: skip
    asked = json.dumps([each[:3] for each in kept])
    for zone, days in (("America/New_York", 400), ("Pacific/Kiritimati", -9000)):
        ran = subprocess.run(
            [sys.executable, "-c", PRINT_LATER, str(days * 86400)], input=asked, capture_output=True, text=True, check=False,
            env={**os.environ, "TZ": zone, "PYTHONHASHSEED": str(abs(days))}, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert dict(zip([each[:2] for each in kept], ran.stdout.split(), strict=True)) == {each[:2]: each[3] for each in kept}


def test_a_report_that_contradicts_the_registry_is_refused(week: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from papers.report import queries

    forgetful = str(queries.PLACES_BY_KIND).replace("group by", "and kind <> 'mine' group by")
    monkeypatch.setattr(queries, "PLACES_BY_KIND", queries.text(forgetful))
    with transaction(week.engine) as session, pytest.raises(DoesNotAddUp, match="场所总数与各类别之和不一致（3≠2）"):
        issue.work_report(session, week.township_id, week.clock.now())


def test_papers_are_counted_by_form_and_a_stop_on_the_spot_is_no_penalty(week: Stage, tmp_path: Path) -> None:
    authorise(week, "fire")
    code, given = week.newest("hazard"), {"officers": OFFICERS}
    week.do("update hazard set interim_control = 'full_stop'")
    for kind in (PaperKind.inspection_record, PaperKind.onsite_measure, PaperKind.notice):
        with transaction(week.engine) as session:
            now, wall = week.clock.now(), week.clock.wall()
            forms.issue(session, code, kind, week.acting("inspector"), now, wall=wall, given=given, folder=tmp_path, key=b"k" * 32)
    week.later(hours=1)
    with transaction(week.engine) as session:
        tables = {table["name"]: table for table in issue.statistics(session, week.township_id, week.clock.now(), machine_time())["tables"]}
        report = issue.work_report(session, week.township_id, week.clock.now())
    columns, rows = tables["issued"]["columns"], tables["issued"]["rows"]
    whole = dict(zip(columns, rows[-1], strict=True))
    assert {name: n for name, n in whole.items() if n} == {
        "行业和领域": "合计", "合计（份）": 3, "现场检查记录": 1, "整改通知书、告知书": 1, "现场处理措施决定书": 1, "暂时停产停业": 1,
    }  # fmt: skip
    for line in rows:
        assert line[1] == sum(line[2:-1])
    assert [sum(line[n] for line in rows[:-1]) for n in range(1, len(columns))] == rows[-1][1:]
    enforced = dict(zip(tables["enforced"]["columns"], tables["enforced"]["rows"][-1], strict=True))
    assert (enforced["文书份数"], enforced["停产整顿"], enforced["提请关闭"], enforced["罚款"]) == (3, "—", "—", "—")
    told = "".join(line for section in report["sections"] for line in section["paragraphs"])
    assert "出具检查和整改文书3份，其中现场检查记录1份、现场处理措施决定书1份、整改通知书1份。责令暂时停产停业1次。" in told


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
        with transaction(week.engine) as session:
            facts = issue.work_report(session, week.township_id, week.clock.now())
            report = issue.issue(session, week.township_id, PaperKind.work_report, facts, week.clock.now(), folder=site.home / "evidence")
        assert "现将工作开展情况汇报如下" in office.get(f"/papers/{report.id}").text
        week.at("2023-03-10T09:00+08:00")
        later = weekly(week, site.home / "evidence")
        assert later
        page = office.get(f"/papers/{later.id}").text
        assert f'href="/papers/{paper.id}"' in page and "与上期对比" in page and "2 → 3" in page
        assert "整改中" in office.get("/numbers/waiting").text
        assert office.get("/papers/99999").status_code == 404
        village = site.browser("village-1")
        assert [village.get(path).status_code for path in ("/papers", f"/papers/{paper.id}/file.pdf", "/numbers/waiting")] == [403] * 3
        asked = site.api("office-head").get("/api/v1/statistics", params={"at": "2023-02-20T00:00:00+08:00"})
        assert asked.json()["summary"]["found"] == 0
        now = site.api("office-head").get("/api/v1/statistics").json()
        assert (now["summary"]["found"], now["tables"][0]["rows"][-1][2]) == (4, 3)
        assert site.api("owner").get("/api/v1/statistics").status_code == 403


def test_the_command_writes_the_weekly_again_and_says_what_differs(
    week: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    @contextmanager
    def house() -> Iterator[Any]:
        yield week.engine

    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    monkeypatch.setattr("cli.report.house", house)

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["report", "weekly", "-o", str(tmp_path / "w.docx"), *arguments])
        assert done.exit_code == 0, done.output
        return done.output

    first = json.loads(run("--at", "2023-03-03", "--json"))
    assert (first["written_now"], first["previous_id"], first["compared"], first["difference"]["changes"]) == (True, None, None, [])
    once = (tmp_path / "w.docx").read_bytes()
    late = week.find(description="店内住人", found_at="2023-03-02T16:00+08:00")
    again = json.loads(run("--at", "2023-03-04", "--json"))
    assert (again["written_now"], again["id"], (tmp_path / "w.docx").read_bytes()) == (False, first["id"], once)
    assert [each["code"] for each in again["difference"]["late"]] == [late]
    assert f"{late}：未计 → fire_nine general found（3月2日发现，3月3日才登记）" in run("--at", "2023-03-04")
    told = run("--at", "2023-03-10")
    assert "与上期对比（试点镇安全生产周报（2023年2月24日至3月2日））：" in told and "累计发现：3 → 4（+1）" in told
    assert "隐患排查治理情况统计表·合计·一般隐患 隐患数（项）：2 → 3" in told
    assert json.loads(run("--at", "2023-03-10", "--json"))["corrected"]["late"][0]["code"] == late


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
    newest = week.one("select previous_id from paper where kind = 'brief' order by id desc limit 1")
    assert f"/brief?paper={newest.previous_id}&done=brief" == first


def test_two_briefs_asked_for_in_the_same_instant_are_one(week: Stage) -> None:
    both, made = threading.Barrier(2), []

    def keep() -> None:
        with transaction(week.engine) as session:
            session.execute(text("select 1"))
            both.wait()
            made.append(freeze(session, week.township_id, week.clock.now(), "mayor", "p-mayor"))

    threads = [threading.Thread(target=keep) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 2 and len(set(made)) == 1
    assert week.one("select count(*) as n from paper where kind = 'brief'").n == 1
