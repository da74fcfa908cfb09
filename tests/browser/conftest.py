"""Real pages in a real Chromium, on a phone and at a desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.site import Site, serve
from tests.stage import Stage

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
SIZES = {"phone": PHONE, "desk": DESK}
BLOCKED = "Service Worker registration blocked"  # what the browser says where a test does without the worker


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


@dataclass
class Visit:
    """One person at one device; remembers what went wrong behind the page."""

    page: Page
    site: Site
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def go(self, path: str) -> int:
        answer = self.page.goto(self.site.base + path)
        assert answer
        return answer.status

    def watch(self) -> None:
        self.page.on("console", lambda said: self.errors.append(said.text) if self._is_wrong(said) else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda asked: self.outside.append(asked.url) if self._is_outside(asked.url) else None)

    def _is_wrong(self, said: ConsoleMessage) -> bool:
        return said.type in ("error", "warning") and BLOCKED not in said.text

    def _is_outside(self, url: str) -> bool:
        return urlsplit(url).scheme not in ("data", "blob") and not url.startswith(self.site.base)


Visiting = Callable[..., Visit]


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Visiting]:
    """Opens the site as the holder of a post (None: signed out), on a phone unless said otherwise."""
    opened: list[BrowserContext] = []

    def visiting(post: str | None, size: str = "phone", **how: Any) -> Visit:
        usual = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "service_workers": "block", **SIZES[size]}
        context = browser.new_context(**{**usual, **how})
        opened.append(context)
        if post:
            context.add_cookies([{"name": "bihuan", "value": site.token(post), "url": site.base}])
        visit = Visit(context.new_page(), site)
        visit.page.set_default_timeout(10_000)
        visit.watch()
        return visit

    yield visiting
    for context in opened:
        context.close()
