"""The owner's link without JavaScript: what it opens, what it lets somebody do, and what it says when it is no good."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from models.database import transaction
from models.enumerations import PaperKind
from models.keys import key_for
from models.settings import Settings
from papers.forms.issue import issue
from statemachines.load import Acting
from tests.browser.life import owner_link
from tests.site import Site, photo, serve
from tests.stage import Stage
from web.house import House
from web.owner_app import create_owner_app


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def stranger(site: Site) -> httpx.Client:
    """A browser without JavaScript and without a login."""
    return site.client(headers={"Origin": site.base}, follow_redirects=True)


def picked(content: bytes, name: str = "a.jpg", kind: str = "image/jpeg") -> dict[str, tuple[str, bytes, str]]:
    return {"file": (name, content, kind)}


def hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def test_the_whole_way_of_an_owner_without_a_script(site: Site) -> None:
    code = site.stage.to_assigned(place="shop-2", measure="拆掉门锁")
    client, link = stranger(site), f"/o/{owner_link(site.stage, code)}"
    page = client.get(link)
    assert page.headers["cache-control"] == "no-store"
    assert "拆掉门锁" in page.text
    page = client.post(f"{link}/acknowledge", data={"version": hidden(page.text, "version"), "key": hidden(page.text, "key")})
    assert "已签收" in page.text
    assert "照片已上传" in client.post(f"{link}/photo", files=picked(photo())).text
    version = hidden(client.get(link).text, "version")
    refused = client.post(f"{link}/submit", data={"version": "1", "text": "门锁已拆掉"})
    assert (refused.status_code, "有了新的变动" in refused.text, "门锁已拆掉" in refused.text) == (409, True, True)
    assert "等检查员来复查" in client.post(f"{link}/submit", data={"version": version, "text": "门锁已拆掉"}).text
    assert [(event.trigger, event.post) for event in site.stage.history(code)][-2:] == [("acknowledge", "owner-2"), ("submit", "owner-2")]
    site.stage.act("inspector", "reinspect_pass", code)
    site.stage.act("office-head", "approve_close", code)
    assert "已销号" in client.get(link).text


def test_a_script_sends_a_photo_once_whatever_the_network_does(site: Site) -> None:
    code = site.stage.to_rectifying()
    client, link = stranger(site), f"/o/{owner_link(site.stage, code)}"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = "2023:02:20 10:00:00"
    original, shrunk = photo(size=(3000, 2000), exif=exif), photo()
    answers = []
    for _ in range(2):
        files = {**picked(shrunk), "file-head": ("head", original[: 128 * 1024], "application/octet-stream")}
        answers.append(client.post(f"{link}/photo", files=files, headers={"Idempotency-Key": "k1", "Accept": "application/json"}))
    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert client.post(f"{link}/photo", files=picked(photo()), headers={"Idempotency-Key": "k1"}).status_code == 422
    kept = site.stage.one("select kind, taken_at, added_post from evidence")
    assert (kept.kind, kept.taken_at.isoformat(), kept.added_post) == ("after", "2023-02-20T02:00:00+00:00", "owner")


def bomb() -> bytes:
    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")
    return out.getvalue()


BAD = {
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "a.jpg", 422, "这不是照片"),
    "html": (b"<html><script>alert(1)</script>", "a.jpg", 422, "这不是照片"),
    "pdf": (b"%PDF-1.7 ...", "a.jpg", 422, "这不是照片"),
    "nothing": (b"", "a.jpg", 422, "照片是空的"),
    "cut off": (photo(size=(900, 900))[:1500], "a.jpg", 422, "照片已损坏"),
    "a bomb": (bomb(), "a.png", 413, "尺寸过大"),
}


def test_bad_files_are_refused_in_plain_words_on_the_same_page(site: Site) -> None:
    code = site.stage.to_rectifying()
    client, link = stranger(site), f"/o/{owner_link(site.stage, code)}"
    said = {name: client.post(f"{link}/photo", files=picked(content, filename)) for name, (content, filename, *_) in BAD.items()}
    assert {name: (answer.status_code, BAD[name][3] in answer.text) for name, answer in said.items()} == {
        name: (status, True) for name, (_, _, status, _) in BAD.items()
    }
    assert all("改好了？拍照上传" in answer.text for answer in said.values())
    huge = client.post(f"{link}/photo", files=picked(bytes(14 * 1024 * 1024)))
    assert (huge.status_code, f'href="{link}"' in huge.text) == (413, True)
    assert client.post(f"{link}/submit", data={"text": "x" * 100_000}).status_code == 413
    assert "现在不能" not in client.post(f"{link}/photo", data={}).text
    assert site.stage.all("select id from evidence") == []


def made(site: Site, post: str, code: str) -> str:
    """The link that an official's post makes for the owner."""
    found = re.search(r"/o/[\w-]+", site.browser(post).post(f"/h/{code}/owner-link").text)
    assert found
    return found[0]


def test_who_makes_the_owners_link_and_acts_through_it_does_not_check_their_own_work(site: Site) -> None:
    stage = site.stage
    code = stage.to_rectifying()
    client, link = stranger(site), made(site, "inspector", code)
    client.post(f"{link}/photo", files=picked(photo()))
    version = hidden(client.get(link).text, "version")
    assert "等检查员来复查" in client.post(f"{link}/submit", data={"version": version, "text": "已换"}).text
    assert stage.refused("inspector", "reinspect_fail", code, reason="measure_incomplete") == "G11"
    assert stage.refused("inspector", "reinspect_pass", code) == "G11"
    assert stage.offers("inspector", code)["reinspect_pass"].reason == "G11"
    made(site, "office-head", code)
    stage.act("inspector-2", "reinspect_pass", code)
    assert stage.refused("office-head", "approve_close", code) == "G11"
    stage.act("head-police", "approve_close", code)


def test_whose_link_was_made_for_an_earlier_responsible_post_may_check_the_later_ones_work(site: Site) -> None:
    stage = site.stage
    code = stage.to_rectifying()
    made(site, "inspector", code)
    stage.do("update cases set responsible_post_id = (select id from post where code = 'owner-2') where code = :code", code=code)
    stage.fix(code)
    stage.act("inspector", "reinspect_pass", code)


def test_who_made_the_link_does_not_decide_on_the_time_that_it_asked_for(site: Site) -> None:
    stage = site.stage
    code = stage.to_rectifying(sla_class="g30")
    made(site, "deputy", code)
    request = stage.ask_extension(code)
    assert stage.refused("deputy", "grant", request) == "G11"
    stage.act("mayor", "grant", request)


def test_a_link_that_is_no_good_says_so_and_what_to_do(site: Site) -> None:
    stage = site.stage
    code = stage.to_rectifying()
    good = owner_link(stage, code)
    client = stranger(site)
    forged = client.get(f"/o/{good[:-1]}{'A' if good[-1] != 'A' else 'B'}")
    assert (forged.status_code, "从原消息里重新打开" in forged.text) == (410, True)
    assert "已过期" in client.get(f"/o/{owner_link(stage, code, days=-1)}").text
    other = stage.to_rectifying(place="shop-2")
    stage.do("update cases set responsible_post_id = (select id from post where code = 'owner') where code = :code", code=other)
    passed_on = client.post(f"/o/{owner_link(stage, other, post='owner-2')}/submit", data={"version": "3"})
    assert (passed_on.status_code, "已转给别的责任人" in passed_on.text) == (410, True)
    stage.do("update holding set to_day = '2023-02-19' where post_id = (select id from post where code = 'owner')")
    stage.holds("owner", "inspector")
    assert "已不在这个岗位" in client.get(f"/o/{good}").text
    assert client.get(f"/o/{good}", headers={"Accept": "application/json"}).json()["reason"] == "link"


def test_a_link_opens_one_hazard_and_its_own_photos_alone(site: Site) -> None:
    stage = site.stage
    code, other = stage.to_rectifying(), stage.to_rectifying(place="shop-2")
    mine, theirs = stage.picture("inspector", code, "before"), stage.picture("inspector", other, "before")
    client, link = stranger(site), f"/o/{owner_link(stage, code)}"
    assert [client.get(f"{link}/photo/{id}/small").status_code for id in (mine, theirs)] == [200, 404]
    assert client.post(f"{link}/approve_close", data={"version": "3"}).status_code == 404
    assert client.get(f"/h/{code}").url.path == "/login"


def test_a_messages_link_to_an_official_is_no_owners_link(site: Site) -> None:
    stage = site.stage
    code = stage.to_rectifying()
    client, word = stranger(site), owner_link(stage, code, post="deputy")
    assert client.get(f"/a/{word}").status_code == 200
    said = client.get(f"/o/{word}")
    assert (said.status_code, "不是业主链接" in said.text) == (410, True)
    assert client.post(f"/o/{word}/submit", data={"version": "3"}).status_code == 410


def test_who_answered_for_a_hazard_that_was_passed_on_reads_no_more_of_it(site: Site) -> None:
    stage = site.stage
    code = stage.to_rectifying(sla_class="g30")
    stage.picture("inspector", code, "before")
    request = stage.ask_extension(code)
    client, words = stranger(site), [owner_link(stage, each, post="owner") for each in (code, request)]
    official = owner_link(stage, code, post="village-1")
    assert [client.get(f"/a/{word}").status_code for word in (*words, official)] == [200, 200, 200]
    stage.do("update cases set responsible_post_id = (select id from post where code = 'owner-2') where code = :code", code=code)
    gone = client.get(f"/a/{words[0]}")
    assert (gone.status_code, "已转给别的岗位" in gone.text) == (410, True)
    assert [client.get(f"/a/{word}{rest}").status_code for word in words for rest in ("", "/photo")] == [410] * 4
    assert client.post(f"/a/{words[0]}", data={"act": "seen"}).status_code == 410
    assert client.get(f"/a/{official}").status_code == 200


def test_one_who_posts_to_void_links_has_to_wait_as_well(site: Site) -> None:
    client = stranger(site)
    tried = [client.post(f"/o/{number}/submit", data={"version": "3"}).status_code for number in range(62)]
    assert (tried[0], tried[-1]) == (410, 429)


def test_who_acts_through_one_hazards_link_too_often_has_to_wait_whatever_link_it_is(site: Site) -> None:
    code = site.stage.to_rectifying()
    client = stranger(site)
    words = [owner_link(site.stage, code, days=days) for days in (30, 31)]
    tried = [client.post(f"/o/{words[n % 2]}/approve_close", data={"version": "3"}).status_code for n in range(62)]
    assert (tried[0], tried[-1]) == (404, 429)
    assert client.get(f"/o/{words[0]}").status_code == 200


def test_one_who_tries_links_has_to_wait(site: Site) -> None:
    client = stranger(site)
    tried = [client.get(f"/o/{number}").status_code for number in range(62)]
    assert (tried[0], tried[-1]) == (410, 429)


def test_an_official_hands_out_the_owners_link_and_that_is_written_down(site: Site) -> None:
    stage = site.stage
    code = stage.to_rectifying()
    sheet = site.browser("inspector").post(f"/h/{code}/owner-link")
    found = re.search(r"/o/([\w-]+)", sheet.text)
    assert found
    assert "请整改 1 处隐患" in stranger(site).get(f"/o/{found[1]}").text
    row = stage.one("select made_person, made_post, post.code from owner_link join post on post.id = post_id")
    assert tuple(row) == ("p-inspector", "inspector", "owner")
    assert "已出具 1 次" in site.browser("dispatcher").get(f"/h/{code}").text
    assert site.browser("owner").post(f"/h/{code}/owner-link").status_code == 403
    assert site.browser("inspector").post(f"/h/{stage.find(place='shop-2')}/owner-link").status_code == 403
    with pytest.raises(Exception, match="permission denied"):
        stage.do("delete from owner_link")


def test_a_login_that_has_ended_loses_nothing_that_was_typed(site: Site) -> None:
    code = site.stage.to_verified()
    client = stranger(site)
    answer = client.post(
        f"/h/{code}/refuse_close", data={"version": "5", "note": "里间还没有清", "reason": "evidence_missing"},
        headers={"Referer": f"{site.base}/h/{code}?do=refuse_close"},
    )  # fmt: skip
    assert (answer.status_code, "里间还没有清" in answer.text, "evidence_missing" in answer.text) == (401, True, False)
    assert f"/login?next=/h/{code}%3Fdo%3Drefuse_close" in answer.text


def test_the_public_side_knows_owners_links_and_nothing_else(site: Site) -> None:
    stage = site.stage
    code = stage.to_assigned()
    url = stage.engine.url.render_as_string(hide_password=False)
    settings = Settings.read({"BIHUAN_HOME": str(site.home), "BIHUAN_KEY": os.environ["BIHUAN_KEY"]})
    house = House(settings, lambda: url, lambda _: stage.clock)
    with TestClient(create_owner_app(house)) as client:
        link = f"/o/{owner_link(stage, code)}"
        page = client.get(link)
        assert (page.status_code, "script-src 'self'" in page.headers["content-security-policy"]) == (200, True)
        assert client.get(re.search(r'href="(/static/phone.css[^"]*)"', page.text)[1]).status_code == 200  # type: ignore[index]
        assert client.get("/healthz").json() == {"status": "ok"}
        assert client.get(link.replace("/o/", "/a/"), follow_redirects=False).headers["location"] == link
        with transaction(stage.engine) as session:
            made = issue(
                session, code, PaperKind.dispatch, Acting(stage.township_id, "p-dispatcher", "dispatcher"), stage.clock.now(),
                wall=stage.clock.wall(), folder=house.evidence, public_url=settings.owner_url, key=key_for("paper", settings),
            )  # fmt: skip
        copy = stage.one("select facts ->> 'link' as link from paper").link.removeprefix(settings.owner_url)
        assert copy.startswith("/e/") and made.number in client.get(copy).text
        assert client.get(f"{copy}/pdf").content.startswith(b"%PDF")
        assert client.get("/e/1").status_code == 404
        inside = ["/", "/login", "/inbox", f"/h/{code}", "/photo/1", "/api/v1/hazards", "/api/openapi.json", "/metrics", "/p/x", "/report"]
        assert {path: client.get(path).status_code for path in inside} == dict.fromkeys(inside, 404)
        assert client.post(f"/h/{code}/owner-link").status_code == 404
        assert "/inbox" not in client.get("/nothing").text
        assert "已签收" in client.post(f"{link}/acknowledge", data={"version": hidden(page.text, "version")}).text
    house.close()
    assert stage.state(code) == "rectifying"
