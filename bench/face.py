"""The pages: what a first visit of the inbox weighs and when it is seen on a slow phone, and how long the server takes for the pages that
everybody opens, with a million cases in the database beside none."""

from __future__ import annotations

import os
import re
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from html import unescape
from operator import truediv
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine, text

from bench.report import say, timed
from bench.town import MORNING, Bench
from bench.townships import LARGEST, MILLION, USUAL, fill_townships
from models.clock import ManualClock
from models.database import transaction
from tests.browser.conftest import PHONE
from tests.conftest import BROWSER, BROWSER_ARGUMENTS
from tests.site import Site, serve
from tests.stage import Stage
from web import accounts

SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50 * 1024, "uploadThroughput": 25 * 1024}
SLOWER_CPU = 4
PAGES = {
    "front page": "/", "inbox": "/inbox", "ledger": "/hazards", "ledger, its second page": "/hazards", "ledger, all": "/hazards?show=all",
    "ledger, overdue": "/hazards?show=overdue", "ledger, a kind of place": "/hazards?show=all&kind=school",
    "ledger, a word": "/hazards?show=all&q=灭火",
}  # fmt: skip
VISITS, WARM = 120, 6
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure(bench: Bench) -> None:
    """Both, with the prototype's figures beside them (25 KB and 1.59 s for its inbox, 26 KB and 1.98 s for its dashboard)."""
    os.environ.setdefault("BIHUAN_KEY", "of the bench, and of nobody else")
    with bench.town("bench_face") as small, tempfile.TemporaryDirectory() as home:
        stage = Stage(small, 1, ManualClock(MORNING))
        for place in ("shop", "shop-2") * 3:
            stage.to_verified(place=place)
        _first_visits(stage, Path(home))
    with bench.town("bench_face_none") as none, bench.town("bench_face_million") as million, tempfile.TemporaryDirectory() as home:
        fill_townships(none, {"town-1": 0})
        took = timed(lambda: fill_townships(million, MILLION))
        say(f"{sum(MILLION.values()):,} cases of {len(MILLION)} townships filled in", f"{took:.0f} s")
        for name in ("bench_face_none", "bench_face_million"):
            bench.settle(name, "place", "inspection")
        _beside(none, million, Path(home))


def _beside(none: Engine, million: Engine, home: Path) -> None:
    """A township head's pages: no case, the usual number and the largest, visited in turns, so that other work disturbs all alike."""
    with ExitStack() as stack:
        empty, usual, largest = (
            stack.enter_context(_visitor(bound, home, f"{town}-township_head"))
            for bound, town in ((none, "town-1"), (million, "town-40"), (million, "town-large"))
        )
        load = os.getloadavg()[0]
        say(f"the server's p50, p95 and least of {VISITS}, in ms", f"no case · {USUAL:,} of a million · {LARGEST:,} of a million")
        for name, path in PAGES.items():
            bare, *others = [_figures(times) for times in _in_turns([_page(client, name, path) for client in (empty, usual, largest)])]
            say(f"  {name}", " · ".join([_said(bare), *(f"{_said(each)} ({_said(map(truediv, each, bare))} ×)" for each in others)]))
        say("load while this was taken", f"{load:.1f} before, {os.getloadavg()[0]:.1f} after")


def _in_turns(visits: list[Callable[[], object]]) -> list[list[float]]:
    """Milliseconds of each, sorted; the first rounds only warm up."""
    rounds = [[1000 * timed(visit) for visit in visits] for _ in range(WARM + VISITS)][WARM:]
    return [sorted(times) for times in zip(*rounds, strict=True)]


def _figures(times: list[float]) -> tuple[float, float, float]:
    """p50, p95 and the least, which is nearest to what an idle machine would show."""
    return statistics.median(times), times[round(len(times) * 0.95) - 1], times[0]


def _said(figures: Iterable[float]) -> str:
    return ", ".join(f"{each:.1f}" for each in figures)


def _first_visits(stage: Stage, home: Path) -> None:
    with serve(stage, home) as site, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=BROWSER_ARGUMENTS)
        for name, path, post in (("inbox", "/inbox", "office-head"), ("dashboard", "/", "office-head")):
            seen = [_first_visit(browser, site, path, post) for _ in range(3)]
            kilobytes, painted = seen[0][0] / 1024, statistics.median(each[1] for each in seen)
            say(f"first visit of the {name}, before photos, slow 3G and CPU ÷ 4", f"{kilobytes:.1f} KB, seen after {painted / 1000:.2f} s")
        browser.close()


def _first_visit(browser: Browser, site: Site, path: str, post: str) -> tuple[int, float]:
    """Bytes on the wire without photos, and milliseconds until something is seen; nothing is in the cache."""
    context = browser.new_context(locale="zh-CN", **PHONE)
    context.add_cookies([{"name": "bihuan", "value": site.token(post), "url": site.base}])
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", SLOW)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_CPU})
    photos: set[str] = set()
    loaded: dict[str, int] = {}
    wire.on("Network.requestWillBeSent", lambda said: photos.add(said["requestId"]) if "/photo/" in said["request"]["url"] else None)
    wire.on("Network.loadingFinished", lambda said: loaded.update({said["requestId"]: said["encodedDataLength"]}))
    page.goto(site.base + path, wait_until="load")
    page.wait_for_load_state("networkidle")
    painted: float = page.evaluate(PAINTED)
    context.close()
    return sum(size for each, size in loaded.items() if each not in photos), painted


HOLDER = text("""
with somebody as (
    insert into person (township_id, key, label) select township_id, 'p-bench', '镇长' from post where code = :post returning id
)
insert into holding (person_id, post_id, from_day) select somebody.id, post.id, '2022-01-01' from somebody, post where code = :post
returning person_id
""")
FOLLOWING = re.compile(r'href="([^"]*cursor=[^"]*)"')


@contextmanager
def _visitor(bound: Engine, home: Path, post: str) -> Iterator[httpx.Client]:
    """Whoever holds the post, signed in at a server of their own."""
    with transaction(bound) as session:
        token = accounts.open_login(session, session.execute(HOLDER, {"post": post}).scalar_one(), MORNING)
    with serve(Stage(bound, 1, ManualClock(MORNING)), home) as site:
        yield httpx.Client(base_url=site.base, cookies={"bihuan": token}, trust_env=False, timeout=60)


def _page(client: httpx.Client, name: str, path: str) -> Callable[[], object]:
    if "second" in name:
        found = FOLLOWING.search(client.get(path).raise_for_status().text)
        path = f"/hazards?{urlsplit(unescape(found[1])).query}" if found else path
    return lambda: client.get(path).raise_for_status()
