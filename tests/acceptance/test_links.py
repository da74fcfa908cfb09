"""Line 15: a link in a message changes nothing, whoever opens it and however often; acting needs a form, sent from our own page and bound
to what the page showed. Real messages, the real web application, real sockets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.acceptance.conftest import Scene
from tests.site import Site, serve
from tests.town import person_of, posts

LINK = re.compile(r"https?://\S+")


class Links(HTMLParser):
    """Everything on a page that a scanner could follow: links, and where its forms go."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.links += [said[name] for name in ("href", "src") if said.get(name)]
        if tag == "form":
            self.forms.append((said.get("action", ""), {}))
            self.links.append(said.get("action", ""))
        if tag in ("input", "button", "textarea") and self.forms and said.get("name"):
            self.forms[-1][1].setdefault(said["name"], said.get("value", ""))
        self.links += [said["formaction"]] if said.get("formaction") else []


@pytest.fixture
def site(scene: Scene, tmp_path: Path) -> Iterator[Site]:
    with serve(scene.stage, tmp_path) as running:
        yield running


def everything_is_told(scene: Scene, site: Site) -> list[tuple[str, str]]:
    """A busy fortnight of hazards, applications, duties and reports; each recipient with each link they got."""
    stage = scene.stage
    stage.ask_extension(stage.to_rectifying(sla_class="g30"))
    stage.appeal(stage.to_rectifying(place="shop-2", sla_class="g30"))
    stage.to_verified()
    stage.to_submitted(place="pit", grade="major")
    stage.find()
    stage.owes("ranger", "林区巡护")
    stage.report()
    scene.deliver(public_url=site.base)
    for day in ("2023-02-22", "2023-02-25", "2023-03-01"):
        stage.at(f"{day}T09:00+08:00")
        stage.sweep()
        scene.deliver(public_url=site.base)
    return sorted({(m.person, link) for m in scene.phones.messages for link in LINK.findall(m.text)})


def open_all(client: httpx.Client, base: str, first: set[str]) -> dict[str, int]:
    """Opens the links, and every link, picture and form's address on the pages behind them; what each was answered with."""
    seen: dict[str, int] = {}
    behind: set[str] = set()
    for link in sorted(first):
        answer = client.get(link)
        seen[link] = answer.status_code
        behind |= {urljoin(str(answer.url), each).split("#")[0] for each in Links(answer.text).links}
    for link in sorted(each for each in behind - set(seen) if urlsplit(each).netloc == urlsplit(base).netloc):
        seen[link] = client.get(link).status_code
    return seen


def test_15_a_scanner_that_opens_every_link_and_what_is_behind_it_changes_nothing(scene: Scene, site: Site) -> None:
    links = {link for _, link in everything_is_told(scene, site)}
    assert len(links) >= 6
    before = scene.stage.fingerprint()
    seen = open_all(site.client(follow_redirects=True), site.base, links)
    assert all(status < 500 for status in seen.values())
    assert scene.stage.fingerprint() == before


def test_15_a_recipients_own_phone_that_opens_every_link_ahead_changes_nothing(scene: Scene, site: Site) -> None:
    told = everything_is_told(scene, site)
    before = scene.stage.fingerprint()
    for post in ("deputy", "owner", "ranger"):
        mine = {link for person, link in told if person == person_of(post)}
        assert mine
        seen = open_all(site.browser(post), site.base, mine)
        assert all(status < 500 for status in seen.values())
        assert all(seen[link] == 200 for link in mine)
    assert scene.stage.fingerprint() == before


def test_15_every_link_leads_its_recipient_to_the_case_it_speaks_of(scene: Scene, site: Site) -> None:
    for person, link in everything_is_told(scene, site):
        post = next(post for post in posts() if person_of(post) == person)
        answer = site.browser(post).get(link)
        assert answer.status_code == 200, (post, link, answer.text[:500])
        assert link.rsplit("/", 1)[-1] in answer.text or link.endswith(("/inbox", site.base))


def form_of(page: str, action: str) -> dict[str, str]:
    return next(fields for where, fields in Links(page).forms if where.endswith(action))


def test_15_acting_is_a_form_sent_from_our_page_once(scene: Scene, site: Site) -> None:
    code = scene.stage.to_assigned()
    scene.deliver(public_url=site.base)
    link = LINK.findall(scene.expect("owner", code).text)[0]
    phone = site.browser("owner")
    form = form_of(phone.get(link).text, "/acknowledge")
    act = f"{link}/acknowledge"
    assert phone.get(act).status_code in (404, 405)
    assert phone.head(act).status_code in (404, 405)
    assert phone.post(act, data=form, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert phone.post(act, data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert site.client().post(act, data=form).status_code in (303, 401, 403)
    assert scene.stage.state(code) == "assigned"
    assert phone.post(act, data=form).status_code == 200
    assert scene.stage.state(code) == "rectifying"
    events = len(scene.stage.history(code))
    assert phone.post(act, data=form).status_code == 200
    assert len(scene.stage.history(code)) == events


def test_15_who_acts_on_what_has_moved_on_is_told_kindly_and_changes_nothing(scene: Scene, site: Site) -> None:
    code = scene.stage.to_verified()
    scene.deliver(public_url=site.base)
    link = LINK.findall(scene.expect("office-head", code).text)[0]
    phone = site.browser("office-head")
    form = form_of(phone.get(link).text, "/approve_close")
    scene.stage.act("office-head", "refuse_close", code, reason="evidence_missing")
    before = scene.stage.fingerprint()
    answer = phone.post(f"{link}/approve_close", data=form)
    assert answer.status_code == 409
    assert "刚刚" in answer.text or "已经" in answer.text, answer.text
    assert "佐证不足" in answer.text
    assert scene.stage.fingerprint() == before


def test_15_a_form_without_the_version_that_it_showed_is_refused(scene: Scene, site: Site) -> None:
    code = scene.stage.to_assigned()
    phone = site.browser("owner")
    assert phone.post(f"{site.base}/h/{code}/acknowledge", data={"as_post": "owner"}).status_code == 428
    assert scene.stage.state(code) == "assigned"
