"""Line 20: the promise stands written in docs/reliability.md, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.enumerations import NoticeState
from statemachines.watch import KINDS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf8")
LINE = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.M)
NAME = re.compile(r"`(test_\w+)`")


def names_under(folder: str) -> set[str]:
    files = sorted((ROOT / "tests" / folder).rglob("test_*.py"))
    return {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf8"), re.M)}


LINES = {int(number): set(NAME.findall(tests)) for number, _, tests in LINE.findall(PAGE)}


def test_20_the_promise_has_twenty_lines_each_kept_by_a_test_in_the_words_of_the_domain() -> None:
    assert sorted(LINES) == list(range(1, 21))
    in_domain_words = names_under("acceptance")
    assert [number for number, named in LINES.items() if not named & in_domain_words] == []


def test_20_every_test_that_the_page_names_exists() -> None:
    assert sorted(set(NAME.findall(PAGE)) - names_under(".")) == []


@pytest.mark.parametrize("line", range(1, 21))
def test_20_the_page_names_every_acceptance_test_of_a_line(line: int) -> None:
    assert {name for name in names_under("acceptance") if name.startswith(f"test_{line}_")} <= LINES[line]


def test_20_the_page_speaks_of_every_finding_of_the_self_audit_and_of_metrics_that_exist() -> None:
    assert [kind for kind in KINDS if f"| `{kind}` |" not in PAGE] == []
    health = (ROOT / "web" / "health.py").read_text(encoding="utf8")
    assert [name for name in re.findall(r"`(bihuan_\w+)", PAGE) if f'"{name}"' not in health] == []


def test_20_every_file_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:tests|statemachines|townships)/[\w/*.]+)`", PAGE)
    assert named
    assert [path for path in named if not list(ROOT.glob(path))] == []
    assert NoticeState.unknown.zh in PAGE
