"""`bihuan load` and `bihuan new`, from the folder to the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from cli.main import app
from tests.conftest import Database
from tests.town import write_town

SECRET = "s3cr3t"


@pytest.fixture
def town(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, and an environment in which the command finds the test's own database."""
    monkeypatch.setenv("BIHUAN_DATABASE_URL", database.url)
    monkeypatch.setenv("BIHUAN_DATABASE_OWNER_URL", database.owner_url)
    return write_town(tmp_path / "town")


def count(database: Database, table: str) -> int:
    engine = create_engine(database.url)
    with engine.connect() as connection:
        found = connection.execute(text(f"select count(*) from {table}")).scalar_one()
    engine.dispose()
    return int(found)


def test_a_township_is_loaded_and_loaded_again_without_a_change(town: Path, database: Database) -> None:
    first = CliRunner().invoke(app, ["load", str(town)])
    assert first.exit_code == 0 and "试点镇：已载入 loaded" in first.stdout and "场所 3" in first.stdout
    assert count(database, "place") == 3
    second = CliRunner().invoke(app, ["load", str(town), "--json"])
    assert second.exit_code == 0
    said = json.loads(second.stdout)
    assert said["ok"] and said["counts"]["places"] == 3
    assert said["added"] == said["changed"] == said["ended"] == {}


def test_check_changes_nothing(town: Path, database: Database) -> None:
    done = CliRunner().invoke(app, ["load", "--check", str(town)])
    assert done.exit_code == 0 and "没有问题 no faults" in done.stdout
    assert count(database, "township") == 0


@pytest.mark.parametrize("option", [[], ["--check"]])
def test_a_faulty_folder_is_refused_with_every_fault_on_stderr(option: list[str], town: Path, database: Database) -> None:
    posts = (town / "posts.csv").read_text(encoding="utf8")
    (town / "posts.csv").write_text(
        posts.replace("ranger,ranger", "ranger,rangr").replace("dispatcher,office_dis", "dispatcher,"), encoding="utf8"
    )
    people = (town / "people.csv").read_text(encoding="utf8")
    (town / "people.csv").write_text(people.replace("json://127.0.0.1:9/p-guard", f"nosuch://{SECRET}"), encoding="utf8")
    done = CliRunner().invoke(app, ["load", str(town), *option])
    assert done.exit_code == 1 and done.stdout == ""
    assert [line.partition(": ")[0] for line in done.stderr.splitlines()[:-2]] == [
        "ladders.yaml:21",
        "people.csv:18",
        "posts.csv:8",
        "posts.csv:17",
    ]
    assert "nosuch://…" in done.stderr and SECRET not in done.stderr
    assert count(database, "township") == 0


def test_faults_for_programs(town: Path) -> None:
    (town / "units.csv").unlink()
    done = CliRunner().invoke(app, ["load", "--check", "--json", str(town)])
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert not said["ok"]
    assert [(fault["file"], fault["line"]) for fault in said["faults"]] == [("units.csv", 1)]


def test_without_a_folder_the_use_is_wrong() -> None:
    assert CliRunner().invoke(app, ["load"]).exit_code == 2


def test_a_new_folder_is_checked_and_lacks_content(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["new", str(tmp_path / "mine")])
    assert made.exit_code == 0 and "bihuan load --check" in made.stdout
    assert CliRunner().invoke(app, ["load", "--check", str(tmp_path / "mine")]).exit_code == 1
