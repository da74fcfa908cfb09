"""What every page must be: usable by everybody, on every device, without asking anybody outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import SIZES, Visiting
from tests.browser.pages import PAGES, furnished, newest
from tests.site import Site

SMALL = """
() => [...document.querySelectorAll(
    'a, button, input:not([type=hidden]), select, textarea, summary, label.choice, label.check, label.camera')]
    .filter(each => each.checkVisibility({opacityProperty: true, visibilityProperty: true}))
    .filter(each => !each.closest('.unseen, .skip'))
    .map(each => [each, each.getBoundingClientRect()])
    .filter(([each, box]) => box.width > 1 && box.height > 1)
    .filter(([each]) => !(each.matches('input[type=radio], input[type=checkbox]') && each.closest('label')))
    .filter(([each, box]) => box.width < 43.5 || box.height < 43.5)
    .filter(([each]) => !(each.matches('a') && each.closest('dd, .hint, .aside, .said')))
    .map(([each, box]) => `${each.tagName} «${each.textContent.trim().slice(0, 20)}» ${box.width.toFixed(0)}×${box.height.toFixed(0)}`)
"""
SHOTS = Path(__file__).resolve().parents[2] / "screenshots"
NARROW = {"360 px": (360, 100), "320 px": (320, 100), "text at 200 %": (390, 200)}
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def busy_site(site: Site) -> Site:
    return furnished(site)


def complaints(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']} {each['impact']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def widths(page: Page) -> dict[str, int]:
    """By how many pixels the page is wider than the narrowest phones, and than a phone with large letters."""
    wider = {}
    for how, (width, text) in NARROW.items():
        page.set_viewport_size({"width": width, "height": 700})
        page.evaluate("size => { document.documentElement.style.fontSize = size }", f"{16 * text // 100}px")
        wider[how] = page.evaluate(WIDER)
    return {how: pixels for how, pixels in wider.items() if pixels}


def keep(page: Page, name: str, size: str) -> None:
    """A picture of the page for whoever looks at the run afterwards: `screenshots/` of the checkout."""
    page.set_viewport_size(SIZES[size]["viewport"])
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.screenshot(path=SHOTS / size / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.jpg", type="jpeg", quality=60)


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_every_page_is_sound(busy_site: Site, visit: Visiting, size: str) -> None:
    """No axe violation, no request to the outside, no console error, no sideways scrolling on any phone, targets of 44 px there."""
    found: dict[str, object] = {}
    for name, opened in PAGES.items():
        post, path = opened(busy_site.stage)
        seen = visit(post, size)
        status = seen.go(path)
        expected = 404 if name == "nothing there" else 200
        errors = [error for error in seen.errors if not (expected == 404 and "404" in error)]
        wrong = {
            "status": status if status != expected else None,
            "axe": complaints(seen.page),
            "outside": seen.outside,
            "console": errors,
            "wider": seen.page.evaluate(WIDER) or None,
            "small": seen.page.evaluate(SMALL) if size == "phone" else [],
            "narrow": widths(seen.page) if size == "phone" else {},
        }
        keep(seen.page, name, size)
        found |= {f"{name}: {what}": said for what, said in wrong.items() if said}
        seen.page.context.close()
    assert found == {}


def test_the_return_sheet_is_sound(busy_site: Site, visit: Visiting) -> None:
    seen = visit("office-head")
    seen.go("/inbox")
    seen.page.get_by_role("link", name="退回").first.click()
    assert complaints(seen.page) == []
    assert seen.page.evaluate(SMALL) == []
    seen.page.keyboard.press("Escape")
    assert not seen.page.get_by_role("dialog").is_visible()


def test_what_comes_next_and_the_form_that_silences_are_sound(busy_site: Site, visit: Visiting) -> None:
    """With everything that is folded opened."""
    seen = visit("office-head")
    seen.go(f"/h/{newest(busy_site.stage, 'assigned', 'owner-2')}")
    assert "静默中：小商店二" in seen.page.inner_text(".banners")
    seen.page.evaluate("() => document.querySelectorAll('details').forEach(each => { each.open = true })")
    for width in (360, 390, 1280):
        seen.page.set_viewport_size({"width": width, "height": 800})
        assert (complaints(seen.page), seen.page.evaluate(WIDER)) == ([], 0)
        assert width > 400 or seen.page.evaluate(SMALL) == []
    assert seen.errors == []


def test_a_form_from_another_site_is_refused(busy_site: Site) -> None:
    code = newest(busy_site.stage, "verified")
    stranger = busy_site.browser("office-head")
    stranger.headers["Origin"] = "https://elsewhere.example"
    assert stranger.post(f"/h/{code}/refuse_close", data={"version": "5", "reason": "evidence_missing"}).status_code == 403
    stranger.headers.update({"Origin": busy_site.base, "Sec-Fetch-Site": "cross-site"})
    assert stranger.post(f"/h/{code}/refuse_close", data={"version": "5", "reason": "evidence_missing"}).status_code == 403
    stranger.headers.update({"Origin": "null", "Sec-Fetch-Site": ""})
    assert stranger.post("/logout").status_code == 403
    assert busy_site.stage.case(code).state == "verified"


def test_every_answer_says_how_it_may_be_used(busy_site: Site) -> None:
    client = busy_site.browser("office-head")
    for path in ("/", "/login", "/nothing", "/api/v1/stats"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert client.get("/static/app.js").headers["x-content-type-options"] == "nosniff"  # no document: nothing that runs in it or frames it


def test_a_login_page_leads_nowhere_but_home(site: Site) -> None:
    site.set_passwords()
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"):
        client = site.client(headers={"Origin": site.base})
        answer = client.post("/login", data={"username": "mayor", "password": "一二三四 five", "next": elsewhere})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("post", ["office-head", "inspector"])
def test_the_inbox_is_light(busy_site: Site, post: str) -> None:
    """First visit of the inbox at most 30 KB before photos, as it goes over the wire, with the worker where it is registered."""
    client = busy_site.browser(post)
    page = client.get("/inbox").text
    paths = ["/inbox", *(path for path in re.findall(r'(?:src|href)="(/(?:static|vendor)/[^"]+)"', page))]
    scripts = " ".join(paths)
    assert ("/vendor/htmx" in scripts, "/static/drafts.js" in scripts) == (post == "office-head", post == "inspector")
    if "/static/drafts.js" in scripts:
        paths.append("/service-worker.js")
    sizes = {path: sum(len(chunk) for chunk in _raw(client, path)) for path in paths}
    assert sum(sizes.values()) <= 30 * 1024, sizes


def _raw(client: object, path: str) -> list[bytes]:
    import httpx

    assert isinstance(client, httpx.Client)
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status_code == 200
        return list(answer.iter_raw())


def test_what_people_type_is_shown_as_they_typed_it(site: Site, visit: Visiting) -> None:
    nasty = '<img src=x onerror="document.title=1">&"'
    code = site.stage.to_rectifying(description=nasty)
    site.stage.picture("owner", code)
    site.stage.act("owner", "submit", code, text=nasty)
    seen = visit("inspector")
    for path in ("/inbox", "/hazards", f"/h/{code}", f"/hazards?q={nasty}"):
        seen.go(path)
        assert nasty in seen.page.inner_text("body")
        assert seen.page.locator("img[src=x]").count() == 0
    assert seen.errors == []
