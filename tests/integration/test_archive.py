"""一案一档: the whole file of a hazard; a changed byte anywhere is found, by a script that knows nothing of Bihuan."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.database import transaction
from models.enumerations import PaperKind, PostKind
from papers.archive import verify
from papers.archive.archive import archive, may_archive
from papers.shelf import path_of
from statemachines.errors import NoSuchCase, Refused
from tests.integration.test_papers import shelf, write  # noqa: F401
from tests.stage import Stage


def pack(stage: Stage, code: str, *, texts: bool = True) -> bytes:
    with transaction(stage.engine) as session:
        return archive(session, stage.township_id, code, stage.clock.now(), texts=texts)


def lived(stage: Stage) -> str:
    """A hazard that was dispatched on paper, extended, fixed and closed."""
    code = stage.to_rectifying(sla_class="g7")
    write(stage, code, PaperKind.dispatch, "dispatcher")
    stage.ask_extension(code)
    stage.act("deputy", "decide_extension", code, decision="granted", comment="同意，注意防火")
    stage.fix(code)
    stage.act("inspector", "reinspect_pass", code, site_visit=True, note="现场复查，已更换")
    stage.act("office-head", "approve_close", code, comment="同意销号")
    return code


def checked(path: Path) -> bool:
    return verify.main([str(path)]) == 0


def test_an_archive_holds_the_whole_case_and_its_own_script_finds_it_intact(stage: Stage, shelf: Path, tmp_path: Path) -> None:  # noqa: F811
    code = lived(stage)
    packed = pack(stage, code)
    assert packed == pack(stage, code)
    with zipfile.ZipFile(io.BytesIO(packed)) as opened:
        opened.extractall(tmp_path / "out")
        names = set(opened.namelist())
    assert {f"history/{code}.jsonl", f"history/{code}-YQ1.jsonl", "verify.py", "manifest.json", "README.txt", "messages.jsonl"} <= names
    assert len([name for name in names if name.startswith("papers/")]) == 2
    whole = "".join(path.read_text(encoding="utf8", errors="replace") for path in (tmp_path / "out").rglob("*.*"))
    held = stage.all("select label from person union select url from channel")
    assert "同意，注意防火" in whole and not [row[0] for row in held if row[0] in whole]
    (tmp_path / "a.zip").write_bytes(packed)
    for arguments, folder in ([str(tmp_path / "a.zip")], tmp_path), ([], tmp_path / "out"):
        command = [sys.executable, "-I", tmp_path / "out" / "verify.py", *arguments]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert ran.returncode == 0 and "完好 intact" in ran.stdout, ran.stdout + ran.stderr
    assert len((tmp_path / "out" / "verify.py").read_text(encoding="utf8").splitlines()) <= 80


def test_a_byte_changed_anywhere_is_found(stage: Stage, shelf: Path, tmp_path: Path) -> None:  # noqa: F811
    packed, path = pack(stage, lived(stage)), tmp_path / "a.zip"

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(0, len(packed) - 1), st.integers(1, 255))
    def flip(at: int, by: int) -> None:
        path.write_bytes(packed[:at] + bytes([packed[at] ^ by]) + packed[at + 1 :])
        assert not checked(path)

    flip()
    path.write_bytes(packed)
    assert checked(path)


def test_a_byte_changed_in_any_file_of_an_unpacked_archive_is_found(
    stage: Stage, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(pack(stage, lived(stage)))) as opened:
        opened.extractall(tmp_path / "out")
    monkeypatch.setattr(verify, "__file__", str(tmp_path / "out" / "verify.py"))
    assert verify.main([]) == 0
    for path in (each for each in (tmp_path / "out").rglob("*") if each.is_file()):
        whole = path.read_bytes()
        for at in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert verify.main([]) == 1, (path, at)
        path.write_bytes(whole)
    (tmp_path / "out" / "papers" / "more.pdf").write_bytes(b"%PDF")
    assert verify.main([]) == 1


def test_who_rewrites_history_and_the_manifest_with_it_is_still_found(stage: Stage, shelf: Path, tmp_path: Path) -> None:  # noqa: F811
    code = lived(stage)
    with zipfile.ZipFile(io.BytesIO(pack(stage, code))) as opened:
        lines = [json.loads(line) for line in opened.read(f"history/{code}.jsonl").splitlines()]
        manifest = json.loads(opened.read("manifest.json"))
    for broken in (lines[:-1], lines[1:], [*lines[:1], {**lines[1], "body": lines[1]["body"].replace("2023", "2022")}, *lines[2:]]):
        wrong: list[str] = []
        verify.check_history(broken, manifest["heads"][code], manifest["salt"], wrong)
        assert wrong
    forged = [{**each, "texts": {name: f"{said}。" for name, said in each["texts"].items()}} for each in lines]
    wrong = []
    verify.check_history(forged, manifest["heads"][code], manifest["salt"], wrong)
    assert wrong and all("原文被改动" in each for each in wrong)


def test_without_texts_there_is_no_salt_and_the_chain_still_holds(stage: Stage, shelf: Path, tmp_path: Path) -> None:  # noqa: F811
    packed, path = pack(stage, lived(stage), texts=False), tmp_path / "a.zip"
    path.write_bytes(packed)
    with zipfile.ZipFile(path) as opened:
        assert json.loads(opened.read("manifest.json"))["salt"] is None
        assert "注意防火" not in "".join(opened.read(name).decode() for name in opened.namelist() if name.startswith("history/"))
    assert checked(path)


def test_an_archive_is_refused_where_a_file_is_gone_and_is_for_the_office_alone(stage: Stage, shelf: Path) -> None:  # noqa: F811
    code = stage.to_assigned()
    issued = write(stage, code, PaperKind.dispatch, "dispatcher")
    path_of(issued.docx).unlink()
    with pytest.raises(Refused, match="不在存档中"):
        pack(stage, code)
    with pytest.raises(NoSuchCase):
        pack(stage, "YH-1")
    assert {kind for kind in PostKind if may_archive([kind])} == {PostKind.office_dispatcher, PostKind.office_head}
