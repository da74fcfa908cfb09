"""The pages: what a first visit of the inbox weighs and when it is seen on a slow phone, and how long the server takes for the three pages
that everybody opens, with 1 000 000 cases in the database beside none."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine, text

from bench.numbers import CASES, TOWNSHIPS, _fill
from bench.report import say, timed
from bench.town import MORNING, Bench
from models.clock import ManualClock
from models.database import transaction
from tests.browser.conftest import PHONE
from tests.conftest import BROWSER, BROWSER_ARGUMENTS
from tests.site import Site, serve
from tests.stage import Stage
from web import accounts

SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50 * 1024, "uploadThroughput": 25 * 1024}
SLOWER_CPU = 4
PAGES = {"inbox": "/inbox", "ledger": "/hazards", "ledger, all": "/hazards?show=all", "dashboard": "/"}
VISITS = 60
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure(bench: Bench) -> None:
    """Both, with the prototype's figures beside them (25 KB and 1.59 s for its inbox, 26 KB and 1.98 s for its dashboard)."""
    os.environ.setdefault("BIHUAN_KEY", "of the bench, and of nobody else")
    with bench.town("bench_face") as small, tempfile.TemporaryDirectory() as home:
        stage = Stage(small, 1, ManualClock(MORNING))
        empty = _times(small, Path(home), "mayor")
        for place in ("shop", "shop-2") * 3:
            stage.to_verified(place=place)
        _first_visits(stage, Path(home))
    with bench.town("bench_face_big") as big, tempfile.TemporaryDirectory() as home:
        say(f"{TOWNSHIPS * CASES:,} cases of {TOWNSHIPS} townships filled in", f"{timed(lambda: _fill(big)):.0f} s")
        bench.settle("bench_face_big", "place", "inspection")
        full = _times(big, Path(home), f"town-{TOWNSHIPS // 2}-township_head")
    say(f"p95 of the server, {CASES:,} of the cases being one's own, beside none", "")
    for name in PAGES:
        say(f"  {name}", f"{full[name]:.0f} ms beside {empty[name]:.0f} ms ({full[name] / empty[name]:.1f} ×)")


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
    insert into person (township_id, key, label, username) select township_id, 'p-bench', '镇长', 'bench' from post where code = :post
    returning id
)
insert into holding (person_id, post_id, from_day) select somebody.id, post.id, '2022-01-01' from somebody, post where code = :post
returning person_id
""")
HELD = text("select person_id from holding join post on post.id = post_id where code = :post limit 1")


def _times(bound: Engine, home: Path, post: str) -> dict[str, float]:
    """Milliseconds at the 95th percentile for each page, over a socket, one visitor at a time."""
    with transaction(bound) as session:
        asked = {"post": post}
        person = session.execute(HELD, asked).scalar() or session.execute(HOLDER, asked).scalar_one()
        token = accounts.open_login(session, person, MORNING)
    with serve(Stage(bound, 1, ManualClock(MORNING)), home) as site:
        client = httpx.Client(base_url=site.base, cookies={"bihuan": token}, trust_env=False, timeout=60)
        return {name: _p95(client, path) for name, path in PAGES.items()}


def _p95(client: httpx.Client, path: str) -> float:
    def visit() -> Any:
        return client.get(path).raise_for_status()

    visit()
    times = sorted(timed(visit) for _ in range(VISITS))
    return 1000 * times[int(VISITS * 0.95) - 1]
