"""What every page must be: usable by everybody, on every device, without asking anybody outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Visiting
from tests.site import Site
from tests.stage import Stage

Open = tuple[str | None, str]


def busy(stage: Stage) -> None:
    """A township with something of everything."""
    stage.find()
    stage.find(place="pit", grade="major", description="直达地面独立安全出口少于2个")
    stage.to_assigned(place="shop-2")
    stage.to_submitted()
    stage.to_verified()
    stage.to_verified(place="pit", grade="major")
    stage.to_closed(place="shop-2")
    stage.later(days=6)
    stage.sweep()
    stage.to_closed()


def newest(stage: Stage, state: str) -> str:
    return str(stage.one("select code from cases where state = :state order by id desc limit 1", state=state).code)


PAGES: dict[str, Callable[[Stage], Open]] = {
    "login": lambda stage: (None, "/login"),
    "home": lambda stage: ("mayor", "/"),
    "home of a village": lambda stage: ("village-1", "/"),
    "inbox to approve": lambda stage: ("office-head", "/inbox"),
    "inbox to dispatch": lambda stage: ("dispatcher", "/inbox"),
    "inbox to re-inspect": lambda stage: ("inspector", "/inbox"),
    "inbox of an owner": lambda stage: ("owner-2", "/inbox"),
    "inbox of a leader": lambda stage: ("deputy", "/inbox"),
    "empty inbox": lambda stage: ("discipline", "/inbox"),
    "ledger": lambda stage: ("mayor", "/hazards?show=all"),
    "empty ledger": lambda stage: ("mayor", "/hazards?q=nothing"),
    "hazard to assign": lambda stage: ("dispatcher", f"/h/{newest(stage, 'found')}"),
    "hazard to submit": lambda stage: ("owner-2", f"/h/{newest(stage, 'assigned')}"),
    "hazard to re-inspect": lambda stage: ("inspector", f"/h/{newest(stage, 'submitted')}"),
    "hazard to approve": lambda stage: ("mayor", f"/h/{newest(stage, 'verified')}?do=approve_close"),
    "hazard closed": lambda stage: ("office-head", f"/h/{newest(stage, 'closed')}"),
    "messages": lambda stage: ("office-head", "/messages?box=all"),
    "register, the place": lambda stage: ("inspector", "/new"),
    "register, the hazard": lambda stage: ("inspector", "/new?place=shop"),
    "me": lambda stage: ("mayor", "/me"),
    "demo phones": lambda stage: (None, "/demo/phones"),
    "nothing there": lambda stage: ("mayor", "/h/YH-2023-9999"),
}
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
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def busy_site(site: Site) -> Site:
    busy(site.stage)
    site.stage.do("update township set demo = true")
    (site.home / "demo").mkdir()
    said = {
        "at": "2026-11-23T10:00:00+08:00",
        "title": "隐患闭环",
        "body": "【待交办】YH-2023-0001 小商店一：灭火器压力不足。 http://localhost:8080/h/YH-2023-0001",
    }
    lines = [{**said, "person": f"p-{post}", "channel": each} for post in ("mayor", "dispatcher", "owner") for each in ("phone", "mail")]
    (site.home / "demo" / "phones.jsonl").write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf8")
    return site


def complaints(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']} {each['impact']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("size", ["phone", "desk"])
def test_every_page_is_sound(busy_site: Site, visit: Visiting, size: str, tmp_path: Path) -> None:
    """No axe violation, no request to the outside, no console error, no sideways scrolling, targets of 44 px on the phone."""
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
        }
        found |= {f"{name}: {what}": said for what, said in wrong.items() if said}
        seen.page.context.close()
    assert found == {}


@pytest.mark.parametrize(
    ("width", "text"), [(360, 100), (320, 100), (390, 200)], ids=["360 px", "320 px", "text at 200 %"]
)  # fmt: skip
def test_no_page_scrolls_sideways(busy_site: Site, visit: Visiting, width: int, text: int) -> None:
    wider = {}
    for name, opened in PAGES.items():
        post, path = opened(busy_site.stage)
        seen = visit(post, viewport={"width": width, "height": 700})
        seen.go(path)
        seen.page.evaluate("size => { document.documentElement.style.fontSize = size }", f"{16 * text // 100}px")
        wider[name] = seen.page.evaluate(WIDER)
        seen.page.context.close()
    assert {name: pixels for name, pixels in wider.items() if pixels} == {}


def test_the_return_sheet_is_sound(busy_site: Site, visit: Visiting) -> None:
    seen = visit("office-head")
    seen.go("/inbox")
    seen.page.get_by_role("link", name="退回").first.click()
    assert complaints(seen.page) == []
    assert seen.page.evaluate(SMALL) == []
    seen.page.keyboard.press("Escape")
    assert not seen.page.get_by_role("dialog").is_visible()


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
    for path in ("/", "/login", "/static/app.js", "/nothing", "/api/v1/stats"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")


def test_a_login_page_leads_nowhere_but_home(site: Site) -> None:
    site.set_passwords()
    for elsewhere in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)"):
        client = site.client(headers={"Origin": site.base})
        answer = client.post("/login", data={"username": "mayor", "password": "一二三四 five", "next": elsewhere})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_inbox_is_light(busy_site: Site) -> None:
    """First visit of the inbox at most 30 KB before photos, as it goes over the wire."""
    client = busy_site.browser("office-head")
    paths = ("/inbox", "/static/app.css", "/static/app.js", "/static/icon.svg")
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
