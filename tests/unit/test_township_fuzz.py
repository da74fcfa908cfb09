"""Whatever stands in a folder, the reader answers with a township or with faults: never with another error, never with silence."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from papers.township import Fault, Faults, read
from tests.town import EXAMPLE, write_town

FILES = [
    "township.yaml", "units.csv", "posts.csv", "people.csv", "holdings.csv", "places.csv", "ladders.yaml", "sla.yaml", "calendar.csv",
    "clauses.yaml", "checklists/mine.yaml",
]  # fmt: skip
TEMPLATE = TemporaryDirectory(prefix="bihuan-fuzz-")
shutil.copy(EXAMPLE / "clauses.yaml", write_town(Path(TEMPLATE.name) / "town"))

quick = settings(max_examples=60, deadline=None)
cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "#", '"', "\x00", "v1", "town", "owner", "p-owner", "2023-02-14", "9999-12-31", "-1", "1e999", "٣", "json://", "村" * 5000]
    ),
)
words = st.one_of(cells, st.integers(), st.booleans(), st.none(), st.floats())
trees = st.recursive(words, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(cells, inner, max_size=4), max_leaves=20)


@contextmanager
def town() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bihuan-fuzz-") as folder:
        yield shutil.copytree(Path(TEMPLATE.name) / "town", Path(folder) / "town")


def faults_of(folder: Path) -> tuple[Fault, ...] | None:
    try:
        read(folder, lambda url: "bad" not in url)
    except Faults as refused:
        return refused.faults
    return None


def read_or_refuse(folder: Path) -> None:
    """Every fault has a line that its file has, and one printable line of text; a refusal without a fault is none."""
    faults = faults_of(folder)
    assert faults != ()
    for fault in faults or ():
        path = folder / fault.file
        lines = len(re.findall(rb"\r\n|\r|\n|\xc2\x85|\xe2\x80[\xa8\xa9]", path.read_bytes())) + 1 if path.is_file() else 1
        assert 1 <= fault.line <= lines
        assert len(str(fault).splitlines()) == 1
        str(fault).encode("utf8")


@given(st.sampled_from(FILES), st.binary(max_size=400))
@example("sla.yaml", b"\xff\xfe")
@example("sla.yaml", b'a: "\\ud800"')
@example("sla.yaml", b'a: "\\UFFFFFFFF"')
@example("sla.yaml", b"%YAML " + b"9" * 5000 + b".1\n--- a")
@example("sla.yaml", b"&a {<<: *a, *a : *a}")
@example("ladders.yaml", b"ladders: &a [*a, {clock: *a, grade: [], rungs: *a}]")
@example("units.csv", b"code,kind,name,parent\n" + b'"' * 131075)
@example("units.csv", b"code,kind,name,parent\n" + b"x" * 200000)
@quick
def test_any_bytes_in_any_file(file: str, content: bytes) -> None:
    with town() as folder:
        (folder / file).write_bytes(content)
        read_or_refuse(folder)


@given(st.sampled_from(FILES), st.data())
@quick
def test_any_stretch_of_a_good_file_overwritten(file: str, data: st.DataObject) -> None:
    with town() as folder:
        good = (folder / file).read_bytes()
        start = data.draw(st.integers(0, len(good)))
        end = data.draw(st.integers(start, min(len(good), start + 40)))
        content = data.draw(st.binary(max_size=20) | cells.map(lambda text: text[:40].encode("utf8", "surrogatepass")))
        (folder / file).write_bytes(good[:start] + content + good[end:])
        read_or_refuse(folder)


@given(st.sampled_from([file for file in FILES if file.endswith(".csv")]), st.lists(st.lists(cells, max_size=8), max_size=6))
@quick
def test_any_rows_below_a_good_header(file: str, rows: list[list[str]]) -> None:
    with town() as folder:
        header = (folder / file).read_text(encoding="utf8").splitlines()[0]
        with (folder / file).open("w", encoding="utf8", errors="replace", newline="") as out:
            out.write(header + "\n")
            csv.writer(out, lineterminator="\n").writerows(rows)
        read_or_refuse(folder)


@given(st.sampled_from([file for file in FILES if file.endswith(".yaml")]), st.data())
@quick
def test_any_tree_in_the_place_of_any_key(file: str, data: st.DataObject) -> None:
    with town() as folder:
        content = yaml.safe_load((folder / file).read_text(encoding="utf8"))
        keys = data.draw(st.lists(st.sampled_from(sorted(content)), max_size=2)) if content else []
        for key in keys:
            content[key] = data.draw(trees)
        (folder / file).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf8", errors="replace")
        read_or_refuse(folder)


@given(st.sampled_from(FILES), st.lists(st.integers(0, 200), max_size=3))
@quick
def test_any_lines_left_out(file: str, gone: list[int]) -> None:
    with town() as folder:
        lines = (folder / file).read_text(encoding="utf8").splitlines(keepends=True)
        kept = [line for number, line in enumerate(lines) if number not in {each % len(lines) for each in gone}]
        (folder / file).write_text("".join(kept), encoding="utf8")
        read_or_refuse(folder)


@given(st.sampled_from(FILES), st.sampled_from(["folder", "nothing", "dangling"]))
@settings(max_examples=30, deadline=None)
def test_a_file_that_is_no_file(file: str, what: str) -> None:
    with town() as folder:
        (folder / file).unlink()
        if what == "folder":
            (folder / file).mkdir()
        if what == "dangling":
            (folder / file).symlink_to(folder / "nowhere")
        read_or_refuse(folder)
