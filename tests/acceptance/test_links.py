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

from models.settings import Settings
from tests.acceptance.conftest import Scene
from tests.acceptance.receiver import Message
from tests.site import Site, serve
from tests.town import person_of

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
    assert {link.removeprefix(site.base).split("/")[1] for link in links} >= {"a", "o", "inbox"}
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
        assert {seen[link] for link in mine} <= {200, 410} and 200 in {seen[link] for link in mine}
    assert scene.stage.fingerprint() == before


def test_15_every_link_leads_its_reader_to_what_it_speaks_of_without_signing_in(scene: Scene, site: Site) -> None:
    """But for a list of many, which asks who is there."""
    stranger = site.client(follow_redirects=True)
    for message in told_all(scene, site):
        link = LINK.findall(message.text)[0]
        answer = stranger.get(link)
        if answer.status_code == 410 and "已过期" in answer.text:
            continue  # said more than a week after its matter was due
        assert answer.status_code == 200, (message, answer.text[:500])
        code = re.search(r"(YH|LZ|JB)-2023-\d+(-[A-Z]+\d)?", message.text)
        if not link.endswith(("/inbox", site.base)) and code:
            assert code[0].removesuffix(code[2] or "") in answer.text, message


def told_all(scene: Scene, site: Site) -> list[Message]:
    everything_is_told(scene, site)
    return list(scene.phones.messages)


def form_of(page: str, act: str) -> tuple[str, dict[str, str]]:
    """Where the form for this act goes, and what it holds."""
    return next((where, fields) for where, fields in Links(page).forms if fields.get("act") == act or where.endswith(f"/{act}"))


@pytest.fixture
def in_charge(scene: Scene, site: Site) -> tuple[str, str]:
    """A hazard whose second level has just been told to the deputy in charge, and the link in that message."""
    code = scene.stage.to_rectifying()
    scene.quiet_start()
    scene.stage.at("2023-02-27T08:00+08:00")
    scene.stage.sweep()
    scene.deliver(public_url=site.base)
    return code, LINK.findall(scene.expect("deputy", code, "2级").text)[0]


def test_15_a_message_to_an_official_lets_its_reader_take_the_matter_up_without_an_account(
    scene: Scene, site: Site, in_charge: tuple[str, str]
) -> None:
    code, link = in_charge
    phone = site.client(follow_redirects=True)
    page = phone.get(link)
    assert "小商店一" in page.text and "灭火器压力不足" in page.text and "您为分管班子成员" in page.text
    where, form = form_of(page.text, "take_up")
    act = urljoin(link, where)
    foreign = {"Origin": "https://elsewhere.example"}
    assert phone.post(act, data=form | {"note": "上午现场督办", "promised_at": "4"}, headers=foreign).status_code == 403
    assert "没有办成" in phone.post(act, data=form | {"promised_at": "4"}).text
    assert scene.stage.history(code)[-1].trigger == "escalate"
    done = phone.post(act, data=form | {"note": "上午现场督办", "promised_at": "4"})
    assert done.status_code == 200 and "已接手" in done.text
    last = scene.stage.history(code)[-1]
    assert (last.trigger, last.post, last.person, last.facts["via"]) == ("take_up", "deputy", person_of("deputy"), "message")
    events = len(scene.stage.history(code))
    assert phone.post(act, data=form | {"note": "上午现场督办", "promised_at": "4"}).status_code == 200
    assert len(scene.stage.history(code)) == events
    scene.stage.at("2023-02-27T12:00+08:00")
    scene.tick()
    assert "接手时承诺2月27日12:00前办理，未见进展" in scene.expect("deputy", code, "2级").text


def test_15_having_seen_a_message_is_written_down_and_stops_no_clock(scene: Scene, site: Site, in_charge: tuple[str, str]) -> None:
    code, link = in_charge
    phone = site.client(follow_redirects=True)
    before = [scene.stage.timer(code, "rectify").next_at, len(scene.stage.history(code))]
    where, form = form_of(phone.get(link).text, "seen")
    assert "已记下" in phone.post(urljoin(link, where), data=form).text
    assert [scene.stage.timer(code, "rectify").next_at, len(scene.stage.history(code))] == before
    seen = [row.seen_at for row in scene.stage.notices(code) if row.person == person_of("deputy") and row.state in ("sent", "bundled")]
    assert seen and all(seen)
    assert not any(row.seen_at for row in scene.stage.notices(code) if row.person != person_of("deputy"))
    assert 'value="seen"' not in phone.get(link).text


def test_15_who_acts_on_what_has_moved_on_is_told_kindly_what_happened_and_offered_what_is_left(
    scene: Scene, site: Site, in_charge: tuple[str, str]
) -> None:
    code, link = in_charge
    phone = site.client(follow_redirects=True)
    where, form = form_of(phone.get(link).text, "take_up")
    scene.stage.fix(code)
    before = scene.stage.fingerprint()
    answer = phone.post(urljoin(link, where), data=form | {"note": "马上去", "promised_at": "4"})
    assert answer.status_code == 409
    assert "新的变动" in answer.text and "报验" in answer.text and "消息发出以后" in answer.text
    assert scene.stage.fingerprint() == before
    scene.stage.act("inspector", "reinspect_fail", code, reason="measure_incomplete")
    again = phone.get(link)
    assert again.status_code == 200 and "复查不合格" in again.text


def test_15_approving_takes_signing_in_and_comes_back_to_the_case_as_it_was_shown(scene: Scene, site: Site) -> None:
    code = scene.stage.to_verified()
    scene.deliver(public_url=site.base)
    link = LINK.findall(scene.expect("office-head", code).text)[0]
    stranger = site.client(follow_redirects=False)
    page = stranger.get(link).text
    assert not any(fields.get("act") == "approve_close" for _, fields in Links(page).forms)
    onward = next(each for each in Links(page).links if each.endswith("/do/approve_close"))
    to_login = stranger.get(onward)
    assert to_login.status_code == 303 and to_login.headers["location"].startswith("/login?next=/a/")
    assert stranger.post(link, data={"act": "approve_close"}).status_code == 403
    assert site.browser("mayor").get(onward).status_code == 403
    head = site.browser("office-head")
    there = head.get(onward)
    assert there.status_code == 200 and str(there.url).endswith(f"/h/{code}?do=approve_close")
    where, form = form_of(there.text, "approve_close")
    scene.stage.act("office-head", "refuse_close", code, reason="evidence_missing")
    before = scene.stage.fingerprint()
    late = head.get(onward)
    assert late.status_code == 409 and "不予销号" in late.text
    answer = head.post(urljoin(site.base, where), data=form)
    assert answer.status_code == 409
    assert "刚刚" in answer.text or "已经" in answer.text, answer.text
    assert "佐证不足" in answer.text
    assert scene.stage.fingerprint() == before


def test_15_a_village_that_answers_for_a_place_acknowledges_from_its_message(scene: Scene, site: Site) -> None:
    scene.stage.do("update place set responsible_post_id = (select id from post where code = 'village-1') where code = 'shop'")
    code = scene.stage.to_assigned()
    scene.deliver(public_url=site.base)
    link = LINK.findall(scene.expect("village-1", code, "请先签收").text)[0]
    assert "/a/" in link
    phone = site.client(follow_redirects=True)
    where, form = form_of(phone.get(link).text, "acknowledge")
    assert "已签收" in phone.post(urljoin(link, where), data=form).text
    assert scene.stage.state(code) == "rectifying"


def test_15_a_responsible_unit_is_led_to_its_own_page(scene: Scene, site: Site) -> None:
    code = scene.stage.to_assigned()
    scene.deliver(public_url=site.base)
    link = LINK.findall(scene.expect("owner", code).text)[0]
    assert link.startswith(f"{site.base}/o/")
    phone = site.client(follow_redirects=True)
    form = form_of(phone.get(link).text, "acknowledge")[1]
    assert phone.get(f"{link}/acknowledge").status_code in (404, 405)
    assert phone.post(f"{link}/acknowledge", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert scene.stage.state(code) == "assigned"
    assert phone.post(f"{link}/acknowledge", data=form).status_code == 200
    assert scene.stage.state(code) == "rectifying"


def test_an_owner_is_led_to_the_public_side_and_an_official_is_not(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIHUAN_OWNER_URL", "https://owners.example")
    code, other = scene.stage.to_assigned(), scene.stage.find(place="shop-2")
    scene.deliver(public_url=Settings.read().public_url)
    assert LINK.findall(scene.expect("owner", code).text)[0].startswith("https://owners.example/o/")
    assert "owners.example" not in scene.expect("dispatcher", other).text


def test_15_a_link_is_void_when_its_reader_has_left_the_post_when_it_has_run_out_and_when_it_was_forged(
    scene: Scene, site: Site, in_charge: tuple[str, str]
) -> None:
    code, link = in_charge
    stranger = site.client(follow_redirects=True)
    forged = stranger.get(f"{link[:-4]}aaaa")
    assert forged.status_code == 410 and "失效" in forged.text
    scene.stage.do("update holding set to_day = '2023-02-26' where post_id = (select id from post where code = 'deputy')")
    gone = stranger.get(link)
    assert gone.status_code == 410 and "不在当时的岗位上" in gone.text
    assert stranger.post(link, data={"act": "seen"}).status_code == 410
    scene.stage.do("update holding set to_day = null where post_id = (select id from post where code = 'deputy')")
    assert stranger.get(link).status_code == 200
    scene.stage.later(days=8)
    over = stranger.get(link)
    assert over.status_code == 410 and "已过期" in over.text
    assert scene.stage.history(code)[-1].trigger == "escalate"


def test_15_one_persons_links_are_made_void_together_and_the_next_message_brings_a_new_one(
    scene: Scene, site: Site, in_charge: tuple[str, str]
) -> None:
    code, link = in_charge
    phone, head = site.client(follow_redirects=True), site.browser("office-head")
    other = scene.stage.to_assigned("shop-2")
    scene.deliver(public_url=site.base)
    owners = LINK.findall(scene.expect("owner-2", other).text)[0]
    everybodys = LINK.findall(scene.expect("head-fire", code, "1级").text)[0]
    assert site.browser("mayor").post("/people/p-deputy/void-links").status_code == 403
    assert head.post("/people/p-nobody/void-links").status_code == 404
    assert phone.get(link).status_code == phone.get(owners).status_code == 200
    button = next(where for where, _ in Links(head.get("/people?q=p-deputy").text).forms if where.endswith("/void-links"))
    assert "作废过" in head.post(button, data={"next": "/people?q=p-deputy"}).text
    assert head.post("/people/p-owner-2/void-links", data={"next": f"/h/{other}"}).status_code == 200
    for void in (link, owners):
        page = phone.get(void)
        assert page.status_code == 410 and "已作废" in page.text
        assert phone.post(void, data={"act": "seen"}).status_code in (405, 410)
    assert phone.post(f"{owners}/acknowledge", data={"version": "1"}).status_code == 410
    assert phone.get(everybodys).status_code == 200
    assert scene.stage.state(other) == "assigned"
    mine = site.browser("deputy")
    assert "office-head的人" in mine.get("/me").text
    assert "deputy的人" in mine.post("/people/p-deputy/void-links").text
    scene.stage.at("2023-02-28T08:00+08:00")
    scene.stage.sweep()
    scene.deliver(public_url=site.base)
    fresh = LINK.findall(scene.heard("owner-2")[-1])[0]
    assert "/o/" in fresh and fresh != owners
    assert phone.get(fresh).status_code == 200
    kept = [(row.key, row.by_post, row.by_person) for row in scene.stage.all(VOIDED)]
    assert kept == [
        ("p-deputy", "office-head", "p-office-head"), ("p-owner-2", "office-head", "p-office-head"), ("p-deputy", "deputy", "p-deputy"),
    ]  # fmt: skip


VOIDED = "select key, by_post, by_person from links_voided join person on person.id = person_id order by links_voided.id"


def test_15_what_is_kept_of_a_message_and_what_a_chat_gets_has_no_ticket(scene: Scene, site: Site, in_charge: tuple[str, str]) -> None:
    code, link = in_charge
    ticket = link.rsplit("/", 1)[1]
    assert not any(ticket in (row.body or "") for row in scene.stage.notices())
    assert any((row.body or "").endswith(f"{site.base}/h/{code}") for row in scene.stage.notices(code))
    assert ticket not in site.browser("mayor").get("/messages?box=all").text


def test_15_a_form_without_the_version_that_it_showed_is_refused(scene: Scene, site: Site) -> None:
    code = scene.stage.to_assigned()
    phone = site.browser("owner")
    assert phone.post(f"{site.base}/h/{code}/acknowledge", data={"as_post": "owner"}).status_code == 428
    assert scene.stage.state(code) == "assigned"
