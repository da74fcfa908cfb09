"""A form from the button to the shelf: asked of the law, numbered, written as Word and PDF, and in the hazard's history."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import Engine, text

from bench.report import say, spread, timed
from bench.town import MORNING, Bench
from models.database import transaction
from models.enumerations import PaperKind
from papers.archive.archive import archive
from papers.forms.issue import issue
from papers.forms.pdf import pdf
from papers.forms.word import word
from papers.forms.wording import sheet
from tests.stage import stage

FORMS = 50
PUBLIC = "http://localhost:8080"
KEY = b"a key of the bench's own, 32 byte"


def measure(running: Bench) -> None:
    """Seconds for one form, the first (fonts are read) and the median of fifty; its two files alone; the archive of the case."""
    with running.town("papers") as bound, tempfile.TemporaryDirectory() as home:
        _measure(bound, Path(home))


def _measure(bound: Engine, folder: Path) -> None:
    with bound.connect() as connection:
        town = stage(bound, int(connection.execute(text("select id from township")).scalar_one()))
    code = town.to_assigned()
    acting = town.acting("dispatcher")

    def one() -> None:
        with transaction(bound) as session:
            issue(session, code, PaperKind.dispatch, acting, MORNING, wall=MORNING, folder=folder, public_url=PUBLIC, key=KEY)

    took = [timed(one) for _ in range(FORMS + 1)]
    say("papers: the first form of a process", f"{took[0] * 1000:,.0f} ms")
    say("papers: a form, from the law to the shelf", spread(took[1:]))
    written = sheet(town.one("select facts from paper order by id limit 1").facts)
    say("papers: its PDF alone", spread([timed(lambda: pdf(written)) for _ in range(FORMS)]))
    say("papers: its Word file alone", spread([timed(lambda: word(written)) for _ in range(FORMS)]))
    sizes: list[int] = []

    def pack() -> None:
        with transaction(bound) as session:
            sizes.append(len(archive(session, town.township_id, code, MORNING, folder)))

    say(f"papers: the archive of a hazard with {FORMS + 1} papers", spread([timed(pack) for _ in range(5)]))
    say("papers: its size", f"{sizes[0] / 1024:,.0f} KB")
