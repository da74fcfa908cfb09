"""Papers over the API, the pages and the command: issued once a key, handed out as they were, and to whom."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from cli.main import app
from models.database import transaction
from papers.brief import freeze
from papers.shelf import path_of
from papers.township import load, read
from tests.site import Site, photo, serve
from tests.stage import Stage
from tests.town import write_town


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def test_a_program_issues_lists_and_fetches_papers_once_a_key(site: Site) -> None:
    code, office = site.stage.to_assigned(), site.api("dispatcher")
    address, key = f"/api/v1/hazards/{code}/papers", {"Idempotency-Key": "k1"}
    wanted = {"kind": "dispatch", "note": "尽快办理"}
    first = office.post(address, json=wanted, headers=key)
    assert first.status_code == 201 and office.post(address, json=wanted, headers=key).json() == first.json()
    paper = first.json()
    assert office.get(address).json()["items"] == [paper] and paper["number"] == "（试点镇）安办交〔2023〕1号"
    pdf = office.get(f"/api/v1/papers/{paper['number']}.pdf")
    kept = path_of(paper["pdf_sha256"], site.home / "evidence")
    assert pdf.content == office.get(f"/api/v1/papers/{paper['id']}.pdf").content == kept.read_bytes()
    assert "尽快办理" in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert zipfile.is_zipfile(io.BytesIO(office.get(f"/api/v1/papers/{paper['id']}.docx").content))
    assert office.get(f"/api/v1/papers/{paper['id']}.png").content.startswith(b"\x89PNG")
    assert site.api("owner").get(f"/api/v1/papers/{paper['id']}.pdf").status_code == 200
    assert site.api("owner-2").get(f"/api/v1/papers/{paper['id']}.pdf").status_code == 404
    wrong = ("9.pdf", "0.pdf", "x.pdf", f"{paper['id']}.exe")
    assert [office.get(f"/api/v1/papers/{ref}").status_code for ref in wrong] == [404, 404, 404, 422]
    refused = office.post(address, json={"kind": "notice"}).json()
    assert (refused["reason"], refused["status"]) == ("record_first", 409)
    assert office.post(address, json={"kind": "postcard"}).status_code == 422
    assert site.api("owner").post(address, json={"kind": "dispatch"}).status_code == 403
    assert site.client().get(f"/api/v1/papers/{paper['id']}.pdf").status_code == 401
    kept.write_bytes(b"%PDF-1.7 forged")
    loud = office.get(f"/api/v1/papers/{paper['id']}.pdf")
    assert loud.status_code == 500 and "已被改动" in loud.json()["detail"]


def test_a_program_lists_what_its_posts_reach_by_kind_state_and_hazard_and_a_page_at_a_time(site: Site) -> None:
    mine, other, office = site.stage.to_assigned(), site.stage.to_assigned(place="pit"), site.api("dispatcher")
    ids = [office.post(f"/api/v1/hazards/{code}/papers", json={"kind": "dispatch"}).json()["id"] for code in (mine, other, mine)]
    site.stage.act("owner", "acknowledge", mine)
    with transaction(site.stage.engine) as session:
        brief = freeze(session, site.stage.township_id, site.stage.clock.now(), "mayor", "p-mayor")

    def listed(who: str, **asked: Any) -> tuple[list[int], str | None]:
        said = site.api(who).get("/api/v1/papers", params=asked).json()
        return [each["id"] for each in said["items"]], said["next"]

    assert listed("dispatcher") == ([brief, *ids[::-1]], None)
    first, after = listed("dispatcher", limit=3)
    assert (first + listed("dispatcher", limit=3, cursor=after)[0], after is None) == ([brief, *ids[::-1]], False)
    assert listed("dispatcher", kind="brief,weekly")[0] == [brief]
    assert listed("dispatcher", state="assigned")[0] == [ids[1]]
    assert listed("dispatcher", hazard=mine)[0] == [ids[2], ids[0]]
    assert (listed("owner")[0], listed("village-2")[0]) == ([ids[2], ids[0]], [ids[1]])
    newest = office.get("/api/v1/papers", params={"hazard": mine, "limit": 1}).json()["items"][0]
    assert (newest["hazard"], newest["previous_id"], newest["cut_at"]) == (mine, ids[0], None)
    assert [office.get("/api/v1/papers", params=wrong).status_code for wrong in ({"kind": "x"}, {"cursor": "x"})] == [422, 422]
    assert site.client().get("/api/v1/papers").status_code == 401


def test_the_office_issues_on_the_page_the_scan_comes_back_and_the_case_is_archived(site: Site) -> None:
    code, office = site.stage.to_assigned(), site.browser("dispatcher")
    assert f"/h/{code}/papers" in office.get(f"/h/{code}").text
    page = office.get(f"/h/{code}/papers").text
    assert "隐患交办单" in page and "须先出具现场检查记录" in page
    done = office.post(f"/h/{code}/papers", data={"kind": "dispatch", "as_post": "dispatcher", "note": "", "key": "k"})
    assert done.status_code == 200 and "刚刚出具" in done.text and "（试点镇）安办交〔2023〕1号" in done.text
    again = office.post(f"/h/{code}/papers", data={"kind": "inspection_record", "as_post": "dispatcher", "note": "原话", "key": "k2"})
    assert again.status_code == 409 and "两名以上检查人员" in again.text and "原话" in again.text
    assert "出具文书" in office.get(f"/h/{code}").text
    files = {"file": ("回执.jpg", photo(), "image/jpeg")}
    assert "扫描件" in office.post(f"/h/{code}/papers/scan", data={"note": "交办单"}, files=files).text
    assert site.stage.one("select kind, media_type from evidence").kind == "scan"
    with zipfile.ZipFile(io.BytesIO(office.get(f"/h/{code}/archive.zip").content)) as packed:
        assert any(name.endswith("-scan.jpg") for name in packed.namelist())
    assert site.browser("inspector").get(f"/h/{code}/archive.zip").status_code == 403
    assert site.api("dispatcher").get(f"/api/v1/hazards/{code}/archive").headers["Content-Type"] == "application/zip"
    assert site.api("deputy").get(f"/api/v1/hazards/{code}/archive").status_code == 403


def test_who_holds_the_paper_reads_its_e_copy_and_nothing_else(site: Site) -> None:
    code = site.stage.to_assigned()
    paper = site.api("dispatcher").post(f"/api/v1/hazards/{code}/papers", json={"kind": "dispatch"}).json()
    link = site.stage.one("select facts ->> 'link' as link from paper").link
    word = link.rpartition("/")[2]
    stranger = site.client()
    shown = stranger.get(f"/e/{word}")
    assert shown.status_code == 200 and "noindex" in shown.headers["X-Robots-Tag"] and paper["number"] in shown.text
    assert stranger.get(f"/e/{word}/pdf").content == path_of(paper["pdf_sha256"], site.home / "evidence").read_bytes()
    assert stranger.get(f"/e/{word}/png").content.startswith(b"\x89PNG")
    assert [stranger.get(f"/e/{bad}").status_code for bad in ("1", word[:-1] + "A" * 2, "2" + word[1:])] == [404, 404, 404]
    assert stranger.get(f"/e/{word}/docx").status_code == 404


def test_the_command_issues_prints_again_and_packs_the_case(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def house() -> Iterator[Any]:
        yield stage.engine

    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    monkeypatch.setattr("cli.paper.house", house)
    monkeypatch.setattr("cli.paper.clock_at", lambda bound, at: stage.clock)
    code, out = stage.to_assigned(), [str(tmp_path / name) for name in ("a.pdf", "b.pdf", "c.docx", "d.zip")]

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments))
        return done.exit_code, done.output

    assert run("paper", code, "dispatch", "-o", out[0])[0] == 1
    assert run("paper", code, "postcard", "-o", out[0])[0] == run("paper", code, "dispatch", "-o", str(tmp_path / "a.txt"))[0] == 1
    assert run("paper", code, "dispatch", "-o", out[0], "--as", "nobody")[0] == 1
    assert run("paper", code, "dispatch", "-o", out[0], "--as", "dispatcher") == (0, f"（试点镇）安办交〔2023〕1号 → {out[0]}\n")
    assert run("paper", code, "dispatch", "-o", out[1])[0] == run("paper", code, "dispatch", "-o", out[2])[0] == 0
    assert Path(out[0]).read_bytes() == Path(out[1]).read_bytes() and zipfile.is_zipfile(out[2])
    officers = ("--officer", "inspector:豫M-1", "--officer", "inspector-2")
    assert run("paper", code, "inspection_record", "-o", out[0], "--as", "inspector", *officers)[0] == 0
    assert run("archive", code, "-o", out[3])[0] == 0 and zipfile.is_zipfile(out[3])
    assert run("archive", "YH-9", "-o", out[3])[0] == 1
    printed, newest = Path(out[1]).read_bytes(), beside(stage, tmp_path / "other")
    assert newest.to_assigned() == code
    for command in (("paper", code, "dispatch", "-o", out[1]), ("archive", code, "-o", out[3])):
        assert run(*command)[0] == 1
        assert run(*command, "--township", "other")[0] == (1 if command[0] == "paper" else 0)
        assert run(*command, "--township", "town")[0] == 0
    assert run("paper", code, "dispatch", "-o", out[0], "--as", "dispatcher", "--township", "other")[0] == 0
    assert run("paper", code, "dispatch", "-o", out[1], "--township", "town")[0] == 0
    assert Path(out[1]).read_bytes() == printed != Path(out[0]).read_bytes()


def beside(stage: Stage, folder: Path) -> Stage:
    """A second township in the same house, with the same posts."""
    write_town(folder)
    for name in ("township.yaml", "units.csv", "posts.csv", "people.csv"):
        said = (folder / name).read_text(encoding="utf8").replace("的人,", "的人,other-")
        (folder / name).write_text(re.sub(r"\btown\b", "other", said), encoding="utf8")
    with transaction(stage.engine) as session:
        load(session, read(folder), stage.clock.now(), salt="test")
    return replace(stage, township_id=stage.one("select id from township where code = 'other'").id)
