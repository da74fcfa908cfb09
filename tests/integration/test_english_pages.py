"""English is a switch: with the cookie set, no page says a word of its own in Chinese; what people wrote is marked as Chinese."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from models.settings import Settings
from tests.browser import life
from tests.browser.pages import PAGES, furnished
from tests.integration.test_ledger_pages import LINE, workbook
from tests.site import Site, serve
from tests.stage import Stage
from web.house import House
from web.owner_app import create_owner_app

CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
LABELS = {"aria-label", "placeholder", "title", "alt", "label"}
KEPT = {"textarea", "script", "style"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


@dataclass
class Reader(HTMLParser):
    """What a page says in Chinese outside of what is marked as Chinese."""

    said: list[str] = field(default_factory=list)
    open: list[tuple[str, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        kept = self._kept or told.get("lang") == "zh-CN"
        if not kept:
            self._hear(*(f"{name}={value}" for name, value in attrs if name in LABELS))
        if tag not in VOID:
            self.open.append((tag, kept or tag in KEPT))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._kept:
            self._hear(data)

    @property
    def _kept(self) -> bool:
        return bool(self.open) and self.open[-1][1]

    def _hear(self, *texts: str) -> None:
        self.said += [" ".join(each.split()) for each in texts if CHINESE.search(each)]


def chinese(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    return list(dict.fromkeys(reader.said))


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def reader(site: Site, post: str | None = None) -> httpx.Client:
    """A browser without JavaScript in which the switch stands on English."""
    browser = site.browser(post) if post else site.client(headers={"Origin": site.base}, follow_redirects=True)
    browser.cookies.set("language", "en")
    return browser


HTMX = {"HX-Request": "true"}


def no_chinese(answers: dict[str, httpx.Response]) -> None:
    found = {name: chinese(answer.text) for name, answer in answers.items()}
    assert not any(found.values()), "\n" + "\n".join(f"{name}: {each}" for name, said in found.items() for each in said)


def test_no_page_says_a_word_of_its_own_in_chinese(site: Site) -> None:
    furnished(site)
    answers = {}
    for name, opened in PAGES.items():
        post, path = opened(site.stage)
        answers[name] = reader(site, post).get(path)
    assert [name for name, answer in answers.items() if '<html lang="en">' not in answer.text] == []
    assert {name for name, answer in answers.items() if answer.status_code != 200} == {"nothing there"}
    no_chinese(answers)


def test_no_answer_to_a_form_says_a_word_of_its_own_in_chinese(site: Site) -> None:
    """What was refused, what has changed meanwhile, what was done to many at once, and what was lost on the way."""
    stage = site.stage
    first, second, verified, owners = stage.find(), stage.find(), stage.to_verified(place="shop-2"), stage.to_assigned(place="shop-2")
    office, head, link = reader(site, "dispatcher"), reader(site, "office-head"), f"/o/{life.owner_link(stage, owners)}"
    version = str(stage.case(verified).version)
    picks = {"pick": [f"{first}:1", f"{second}:1", f"{verified}:1"]}
    answers = {
        "nobody signed in": reader(site).post(f"/h/{first}/assign", data={"measure": "拆掉门锁"}),
        "wrong password": reader(site).post("/login", data={"username": "mayor", "password": "no"}),
        "a place of somebody else": reader(site, "owner-3").get(f"/h/{first}"),
        "an empty form": reader(site, "inspector").post("/new", data={"place": "shop", "key": "k1"}),
        "an empty checklist": reader(site, "inspector").post("/inspect", data={"place": "shop", "trigger": "campaign"}),
        "a refused step": office.post(f"/h/{first}/reopen", data={"version": "1", "as_post": "dispatcher", "note": "再看"}),
        "somebody was faster": head.post(f"/h/{verified}/approve_close", data={"version": "1", "as_post": "office-head", "comment": "好"}),
        "preview": office.post("/hazards/preview", data=picks),
        "result": office.post("/hazards/assign", data=picks),
        "part of a page": head.post(f"/h/{verified}/approve_close", data={"version": version, "as_post": "office-head"}, headers=HTMX),
        "inbox after it": head.get("/inbox"),
        "owner's sheet": office.post(f"/h/{owners}/owner-link"),
        "owner signs": reader(site).post(f"{link}/acknowledge", data={"version": str(stage.case(owners).version)}),
        "owner sends nothing": reader(site).post(f"{link}/submit", data={"version": str(stage.case(owners).version), "text": "门锁已拆掉"}),
        "owner is late": reader(site).post(f"{link}/submit", data={"version": "1", "text": "门锁已拆掉"}),
        "owner asks too late": reader(site).post(f"{link}/request_extension", data={"version": str(stage.case(owners).version)}),
        "no owner's link": reader(site).get("/o/nothing"),
        "nothing reported": reader(site).post("/report", data={"description": ""}),
        "import": office.get("/ledger/import"),
        "nothing imported": office.post("/ledger/import"),
        "imported": office.post("/ledger/import", files={"file": ("二月.xlsx", workbook(LINE, {**LINE, "单位(场所)": "小商店壹"}))}),
        "filtered": head.get("/hazards?q=门锁&village=east&grade=major&level=3&place=shop"),
        "not allowed": reader(site, "owner").get("/brief"),
    }  # fmt: skip
    no_chinese(answers)
    assert 'hx-swap-oob="true"' in answers["part of a page"].text
    assert "门锁已拆掉" in answers["owner is late"].text


def test_the_switch_leads_back_to_where_it_was_pressed(site: Site) -> None:
    browser = site.client(headers={"Origin": site.base}, follow_redirects=True)
    assert "English</a>" in browser.get("/report").text
    english = browser.get("/language?to=en", headers={"Referer": f"{site.base}/report"})
    assert (english.url.path, '<html lang="en">' in english.text) == ("/report", True)
    chinese_again = browser.get("/language?to=zh&next=/login%3Fnext%3D/inbox")
    assert (chinese_again.url.path, '<html lang="zh-CN">' in chinese_again.text) == ("/login", True)


def test_the_owners_page_alone_has_the_switch_too(stage: Stage, tmp_path: Path) -> None:
    said = {"BIHUAN_HOME": str(tmp_path), "BIHUAN_KEY": os.environ["BIHUAN_KEY"]}
    url = stage.engine.url.render_as_string(hide_password=False)
    house = House(Settings.read(said), lambda: url, lambda engine: stage.clock)
    code = stage.to_rectifying()
    with TestClient(create_owner_app(house)) as client:
        client.get("/language?to=en&next=/healthz")
        answers = {"link": client.get(f"/o/{life.owner_link(stage, code)}"), "nothing there": client.get("/inbox")}
    no_chinese(answers)  # type: ignore[arg-type]
    assert "Fixed? Take photos" in answers["link"].text
    house.close()


def test_what_nobody_expected_is_said_in_english_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.pages.account.frame", lambda session, caller: 1 / 0)
    answer = reader(site, "mayor").get("/me")
    assert (answer.status_code, chinese(answer.text), "Something broke" in answer.text) == (500, [], True)


def test_whoever_comes_too_early_reads_in_english_how_far_the_start_is(stage: Stage, tmp_path: Path) -> None:
    step = "正在回放专项行动：3月5日，已发现12条，已销号3条（20%）"
    (tmp_path / "progress.json").write_text(json.dumps({"step": step, "done": 1, "total": 3, "ready": False}), encoding="utf8")
    with serve(stage, tmp_path) as early:
        answer = reader(early).get("/login")
    assert (answer.status_code, chinese(answer.text), "5 Mar, 12 found, 3 closed (20%)" in answer.text) == (503, [], True)
