"""Files that browsers keep: the same bytes for everybody, in what each of them reads."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest

from tests.site import Site, serve
from tests.stage import Stage
from web.kept import KeptFiles
from web.render import ROOM, asset, htmx

STYLE = (ROOM / "static" / "app.css").read_text(encoding="utf8")
READ = {
    "gzip, deflate, br, zstd": "br", "gzip, deflate": "gzip", "identity": None, "gzip, brown": "gzip", "BR;q=0.5": "br", "br;q=0": None,
}  # fmt: skip


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as site:
        yield site


def test_a_browser_gets_what_it_reads_and_never_twice(site: Site) -> None:
    for reads, sent in READ.items():
        answer = site.client().get(asset("app.css"), headers={"accept-encoding": reads})
        assert (answer.text, answer.headers.get("content-encoding")) == (STYLE, sent), reads
        assert answer.headers["content-type"] == "text/css; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
    again = site.client().get(asset("app.css"), headers={"accept-encoding": "br", "if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_brotli_is_the_smaller_for_what_weighs_most(site: Site) -> None:
    plain = site.client().get(htmx(), headers={"accept-encoding": "identity"}).content
    packed = site.client().get(htmx(), headers={"accept-encoding": "br"})
    assert int(packed.headers["content-length"]) < 0.95 * len(gzip.compress(plain, 9))


def test_what_has_changed_is_packed_anew(tmp_path: Path) -> None:
    file, scope = tmp_path / "a.css", {"type": "http", "headers": [(b"accept-encoding", b"br")]}
    for content, changed in ((b"a", 1), (b"b", 2)):
        file.write_bytes(content)
        os.utime(file, (changed, changed))
        sent = KeptFiles(directory=tmp_path).file_response(str(file), file.stat(), scope)
        assert brotli.decompress(sent.body) == content
