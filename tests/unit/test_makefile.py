"""`make` alone tells what there is, and a machine that can't be set up is told why."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def bare(folder: Path) -> Path:
    """A project folder with nothing set up."""
    for name in ("Makefile", "pyproject.toml", *(path.name for path in ROOT.glob("requirements*.lock"))):
        shutil.copy(ROOT / name, folder / name)
    return folder


def python(folder: Path, script: str) -> str:
    path = folder / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_make_alone_tells_every_target() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
    told = make(ROOT).stdout
    assert [target for target in phony if not re.search(rf"make {target}\b", told)] == []


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    old = make(bare(tmp_path), "setup", f"PYTHON={python(tmp_path, 'exit 1')}")
    assert old.returncode == 2
    assert "Python 3.11 or newer is needed" in old.stderr


def test_no_python_at_all_is_refused_in_one_sentence(tmp_path: Path) -> None:
    assert "Python 3.11 or newer is needed" in make(bare(tmp_path), "setup", "PYTHON=").stderr


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path) -> None:
    lacking = python(tmp_path, 'case "$2" in *ensurepip*) exit 1;; esac')
    assert "install python3-venv" in make(bare(tmp_path), "setup", f"PYTHON={lacking}").stderr


def test_the_locks_pin_the_same_versions_by_hash_and_name_no_index() -> None:
    pins = {}
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text and not re.search(r"^--", text, re.MULTILINE)
        blocks = re.split(r"\n(?=\S)", text.strip())
        assert all("--hash=sha256:" in block for block in blocks)
        pins[name] = {block.split()[0] for block in blocks}
    assert pins["requirements.lock"] <= pins["requirements-test.lock"]


def test_every_dependency_of_the_project_is_locked() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(each for extra in project["optional-dependencies"].values() for each in extra)]
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements-test.lock").read_text(), re.MULTILINE)
    names = {re.split(r"[\[<>=!~;]", each)[0].strip().lower().replace("_", "-") for each in wanted}
    assert names - set(locked) == set()
