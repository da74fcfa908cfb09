"""`make screenshots`: a campaign lived through up to a Monday, and its pages as phones and desks show them, into docs/pictures.

The campaign is the worked example's with seed 1, and the clock stands still: the same code gives the same pages. Needs a Chromium.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Engine, text

from drill.replay import replay
from models.clock import ManualClock, parse_time
from models.cluster import cluster
from models.database import engine, transaction
from models.settings import Settings
from tests.browser.conftest import SIZES
from tests.conftest import BROWSER, BROWSER_ARGUMENTS
from tests.site import Site, serve
from tests.stage import Stage
from tests.town import EXAMPLE
from web import accounts

LAST_DAY = parse_time("2023-03-05T00:00+08:00").date()
MOMENT = parse_time("2023-03-06T08:40+08:00")  # the Monday after
PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
AT_MOST = 150 * 1024


@dataclass(frozen=True, slots=True)
class Shot:
    """A page as the holder of a post sees it. `{hazard}` and the like in `path` are found by a query of FOUND."""

    name: str
    post: str | None
    path: str
    sizes: tuple[str, ...] = ("phone", "desk")


FOUND = {
    "overdue": "select code from cases where kind = 'hazard' and ended_at is null order by level desc, id limit 1",
    "approver": """select post.code from cases join post on post.id = approver_post_id
        where state = 'verified' and cases.kind = 'hazard' group by 1 order by count(*) desc, 1 limit 1""",
}
SHOTS = (
    Shot("home", "township-head", "/"),
    Shot("inbox", "{approver}", "/inbox?todo=approve"),
    Shot("queues", "office-dispatcher", "/hazards?show=dispatch", ("desk",)),
    Shot("ledger", "office-head", "/hazards", ("phone",)),
    Shot("hazard", "office-head", "/h/{overdue}"),
    Shot("brief", "township-head", "/brief", ("phone",)),
    Shot("numbers", "office-head", "/numbers", ("desk",)),
    Shot("matrix", "office-head", "/matrix", ("desk",)),
    Shot("places", "office-head", "/places", ("desk",)),
    Shot("people", "office-head", "/people", ("desk",)),
    Shot("ladders", "office-head", "/ladders", ("desk",)),
    Shot("duties", "inspector-fire-1", "/duties", ("phone",)),
    Shot("inspect", "inspector-fire-1", "/inspect", ("phone",)),
    Shot("messages", "office-head", "/messages?box=all", ("desk",)),
    Shot("new", "inspector-fire-1", "/new", ("phone",)),
    Shot("login", None, "/login", ("phone",)),
)


@contextmanager
def campaign(home: Path, database: str) -> Iterator[Engine]:
    """The database of the lived campaign, lived through first where it isn't there yet."""
    settings = Settings.read({"BIHUAN_HOME": str(home)})
    home.chmod(0o711)
    with cluster(settings, durable=False) as running:
        if database not in running.databases():
            replay(settings, EXAMPLE, until_day=LAST_DAY, keep=database)
        bound = engine(running.url(database))
        yield bound
        bound.dispose()


@dataclass
class Album:
    """Takes pictures of a site and keeps them small."""

    site: Site
    browser: Browser
    folder: Path

    def take(self, shot: Shot, found: dict[str, str], tall: bool) -> list[Path]:
        return [self._take(shot, size, found, tall) for size in shot.sizes]

    def _take(self, shot: Shot, size: str, found: dict[str, str], tall: bool) -> Path:
        post, path = (said and said.format_map(found) for said in (shot.post, shot.path))
        with self._opened(post, size) as page:
            answer = page.goto(self.site.base + str(path))
            assert answer is not None and answer.ok, f"{path}: {answer and answer.status}"
            page.wait_for_load_state("networkidle")
            shown = self.folder / f"{shot.name}-{size}.png"
            page.screenshot(path=shown, full_page=tall, animations="disabled")
        if not tall:
            shrink(shown)
        return shown

    @contextmanager
    def _opened(self, post: str | None, size: str) -> Iterator[Page]:
        how: dict[str, Any] = {**SIZES[size], "reduced_motion": "reduce"}
        context = self.browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **how)
        if post:
            context.add_cookies([{"name": "bihuan", "value": login(self.site.stage, post), "url": self.site.base}])
        yield context.new_page()
        context.close()


HOLDER = text("""
select person_id from holding join post on post.id = post_id
where code = :post and :day >= from_day and :day <= coalesce(to_day, 'infinity') order by deputy_of_id nulls first, person_id limit 1
""")


def login(stage: Stage, post: str) -> str:
    """A login of who holds the post on the day of the pictures."""
    with transaction(stage.engine) as session:
        person = session.execute(HOLDER, {"post": post, "day": MOMENT.date()}).scalar_one()
        return accounts.open_login(session, person, stage.clock.wall())


def shrink(picture: Path) -> None:
    """As many colours as it needs for 150 KB, and no more."""
    whole = Image.open(picture).convert("RGB")
    if whole.width > 1500:
        whole = whole.resize((1440, whole.height * 1440 // whole.width), Image.Resampling.LANCZOS)
    for colours in (256, 128, 64):
        whole.quantize(colours, kmeans=2, dither=Image.Dither.NONE).save(picture, optimize=True)
        if picture.stat().st_size <= AT_MOST:
            return
    half = whole.resize((whole.width * 2 // 3, whole.height * 2 // 3), Image.Resampling.LANCZOS)
    half.quantize(64, dither=Image.Dither.NONE).save(picture, optimize=True)


def compose(folder: Path) -> None:
    """The two pictures that the README opens with, side by side: the phone of who approves, the desk of who leads."""
    phone, desk = (Image.open(folder / name).convert("RGB") for name in ("inbox-phone.png", "home-desk.png"))
    height = 640
    left, right = (each.resize((each.width * height // each.height, height), Image.Resampling.LANCZOS) for each in (phone, desk))
    both = Image.new("RGB", (left.width + right.width + 24, height), "white")
    both.paste(left, (0, 0))
    both.paste(right, (left.width + 24, 0))
    both.save(folder / "readme.png")
    shrink(folder / "readme.png")


def main(said: list[str]) -> int:
    """Writes the pictures; `--tall` takes whole pages at full quality, for looking at rather than for keeping."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="where the lived campaign is kept for the next time")
    parser.add_argument("--to", type=Path, default=PICTURES)
    parser.add_argument("--only", default="")
    parser.add_argument("--tall", action="store_true")
    asked = parser.parse_args(said)
    os.environ.setdefault("BIHUAN_KEY", "of the pictures, and of nobody else")
    with tempfile.TemporaryDirectory(prefix="bihuan-pictures-") as beside:
        take_all(asked.home or Path(beside), asked.to, lambda shot: not asked.only or shot.name in asked.only.split(","), asked.tall)
    return 0


def take_all(home: Path, folder: Path, wanted: Callable[[Shot], bool], tall: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with campaign(home, "pictures") as bound, serve(Stage(bound, 1, ManualClock(MOMENT)), home) as site, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=BROWSER_ARGUMENTS)
        with bound.connect() as connection:
            found = {name: str(connection.execute(text(query)).scalar() or "") for name, query in FOUND.items()}
        album = Album(site, browser, folder)
        for shot in filter(wanted, SHOTS):
            for shown in album.take(shot, found, tall):
                print(f"{shown.name}  {shown.stat().st_size // 1024} KB", file=sys.stderr)
        browser.close()
    if (folder / "inbox-phone.png").exists() and (folder / "home-desk.png").exists() and not tall:
        compose(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
