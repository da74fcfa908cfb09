"""Coming in through other houses, tokens with scopes, and what one's own page says of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from models.refusal import Refusal
from tests.directories import SECRET, Directories, directories
from tests.site import Site, serve
from tests.stage import Stage
from web.providers import providers
from web.scopes import scopes_of

HERE = "https://town.example"


@pytest.fixture
def house() -> Iterator[Directories]:
    with directories() as running:
        yield running


@pytest.fixture
def site(stage: Stage, house: Directories, tmp_path: Path) -> Iterator[Site]:
    write(tmp_path, [
        {"kind": "oidc", "issuer": house.base, "client_id": "bihuan", "client_secret": SECRET},
        {"kind": "wecom", "corp_id": "ww1", "agent_id": 7, "secret": SECRET, "api": house.base, "usernames": True},
        {"kind": "dingtalk", "client_id": "ding1", "client_secret": SECRET, "api": house.base},
        {"kind": "feishu", "client_id": "cli1", "client_secret": SECRET, "api": house.base},
    ])  # fmt: skip
    with serve(stage, tmp_path, BIHUAN_PUBLIC_URL=HERE) as running:
        yield running


def write(home: Path, said: object, mode: int = 0o600) -> None:
    path = home / "signin.yaml"
    path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf8")
    path.chmod(mode)


def go(
    site: Site, house: Directories, provider: str, subject: str, client: httpx.Client | None = None, link: bool = False
) -> httpx.Response:
    """There and back again, as a browser goes."""
    client = client or site.client()
    left = client.post(f"/signin/{provider}/link") if link else client.get(f"/signin/{provider}", params={"next": "/inbox"})
    assert left.status_code == 303, left.text
    there = left.headers["location"]
    asked = parse_qs(urlsplit(there).query)
    assert asked["redirect_uri"] == [f"{HERE}/signin/{provider}/back"]
    code = house.authorize(there, subject)
    word = "authCode" if provider == "dingtalk" else "code"
    return client.get(f"/signin/{provider}/back", params={word: code, "state": asked["state"][0]})


@pytest.fixture
def mayor(site: Site) -> httpx.Client:
    return site.client(cookies={"bihuan": site.token("mayor")}, headers={"Origin": site.base})


@pytest.mark.parametrize("provider", ["oidc", "wecom", "dingtalk", "feishu"])
def test_who_linked_their_account_comes_in_by_it(site: Site, house: Directories, mayor: httpx.Client, provider: str) -> None:
    assert go(site, house, provider, "them-17").status_code == 403
    assert go(site, house, provider, "them-17", mayor, link=True).headers["location"] == "/me"
    assert "已绑定" in mayor.get("/me").text

    newcomer = site.client()
    arrived = go(site, house, provider, "them-17", newcomer)
    assert (arrived.status_code, arrived.headers["location"]) == (303, "/inbox")
    assert "httponly" in arrived.headers["set-cookie"].lower()
    assert newcomer.get("/me").text.count("镇长") > 0

    mayor.post(f"/me/unlink/{provider}")
    assert go(site, house, provider, "them-17").status_code == 403


def test_an_account_belongs_to_one_person(site: Site, house: Directories, mayor: httpx.Client) -> None:
    go(site, house, "oidc", "them-17", mayor, link=True)
    other = site.client(cookies={"bihuan": site.token("owner")}, headers={"Origin": site.base})
    assert go(site, house, "oidc", "them-17", other, link=True).status_code == 409
    assert go(site, house, "oidc", "them-17", mayor, link=True).status_code == 303


def test_where_the_user_names_are_the_same_nobody_needs_to_link(site: Site, house: Directories) -> None:
    assert go(site, house, "wecom", "mayor").status_code == 303
    assert go(site, house, "feishu", "mayor").status_code == 403
    assert go(site, house, "wecom", "outsider").status_code == 401


def test_what_this_browser_did_not_ask_for_is_refused(site: Site, house: Directories, mayor: httpx.Client) -> None:
    go(site, house, "oidc", "them-17", mayor, link=True)
    left = site.client().get("/signin/oidc").headers["location"]
    back = {"code": house.authorize(left, "them-17"), "state": parse_qs(urlsplit(left).query)["state"][0]}
    assert site.client().get("/signin/oidc/back", params=back).status_code == 403

    visitor = site.client()
    visitor.get("/signin/oidc")
    assert visitor.get("/signin/oidc/back", params={**back, "state": "another"}).status_code == 403
    assert visitor.get("/signin/feishu/back", params=back).status_code == 403


def test_a_visit_that_took_too_long_is_begun_again(site: Site, house: Directories) -> None:
    client = site.client()
    left = client.get("/signin/wecom").headers["location"]
    back = {"code": house.authorize(left, "mayor"), "state": parse_qs(urlsplit(left).query)["state"][0]}
    site.stage.later(minutes=11)
    assert client.get("/signin/wecom/back", params=back).status_code == 403


WRONG = [{"nonce": "another"}, {"aud": "somebody"}, {"iss": "https://elsewhere.example"}, {"exp": 1}, {"sub": ""}]


@pytest.mark.parametrize("claims", WRONG)
def test_an_id_token_that_does_not_fit_proves_nothing(
    site: Site, house: Directories, mayor: httpx.Client, claims: dict[str, object]
) -> None:
    go(site, house, "oidc", "them-17", mayor, link=True)
    house.claims = claims
    assert go(site, house, "oidc", "them-17").status_code == 401


def test_a_token_signed_by_somebody_else_proves_nothing(site: Site, house: Directories, mayor: httpx.Client) -> None:
    go(site, house, "oidc", "them-17", mayor, link=True)
    with directories() as forger:
        house.id_token = lambda subject, nonce: forger.id_token(subject, nonce)  # type: ignore[method-assign]
        forger.claims = {"iss": house.base}
        assert go(site, house, "oidc", "them-17").status_code == 401


@pytest.mark.parametrize("provider", ["oidc", "wecom", "dingtalk", "feishu"])
def test_a_code_that_was_used_is_worth_nothing(site: Site, house: Directories, mayor: httpx.Client, provider: str) -> None:
    go(site, house, provider, "mayor", mayor, link=True)
    house.once = lambda code: None  # type: ignore[method-assign]
    refused = go(site, house, provider, "mayor")
    assert refused.status_code == 401
    assert "用户名和密码" in refused.text


def test_a_house_that_does_not_answer_is_named_and_its_secret_is_not(site: Site, tmp_path: Path) -> None:
    write(tmp_path, [{"kind": "oidc", "issuer": "http://127.0.0.1:9", "client_id": "bihuan", "client_secret": SECRET}])
    silent = site.client().get("/signin/oidc")
    assert silent.status_code == 502
    assert "127.0.0.1" in silent.text
    assert SECRET not in silent.text


def test_the_way_in_leads_nowhere_but_home(site: Site, house: Directories) -> None:
    client = site.client()
    left = client.get("/signin/wecom", params={"next": "https://elsewhere.example/"}).headers["location"]
    back = {"code": house.authorize(left, "mayor"), "state": parse_qs(urlsplit(left).query)["state"][0]}
    assert client.get("/signin/wecom/back", params=back).headers["location"] == "/"


def test_the_login_page_offers_the_ways_there_are(site: Site) -> None:
    page = site.client().get("/login").text
    assert all(f"用{label}登录" in page for label in ("统一身份认证", "企业微信", "钉钉", "飞书"))
    assert site.client().get("/signin/nothing").status_code == 404


@pytest.mark.parametrize(
    ("said", "mode", "what"),
    [
        ([{"kind": "wecom"}], 0o600, "缺少必填项"), ([{"kind": "wechat"}], 0o600, "kind 应为"),
        ([{"kind": "oidc", "secrt": 1}], 0o600, "secrt"),
        ("text", 0o600, "列表"), ([], 0o644, "chmod 600"),
        ([{"kind": "feishu", "client_id": "a", "client_secret": "b"}] * 2, 0o600, "同名"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_refused_and_names_the_fault(tmp_path: Path, said: object, mode: int, what: str) -> None:
    write(tmp_path, said, mode)
    with pytest.raises(Refusal, match=what):
        providers(tmp_path)


def token(site: Site, scopes: str) -> httpx.Client:
    from models.database import transaction
    from web import accounts

    person = site.stage.one("select id from person where username = 'inspector'").id
    with transaction(site.stage.engine) as session:
        word = accounts.open_login(session, person, site.stage.clock.wall(), scopes=scopes_of(scopes), name="大屏")
    return site.client(headers={"Authorization": f"Bearer {word}"})


NEW = {"place": "shop", "description": "灭火器过期", "location": "后门", "sla_class": "g7"}


@pytest.mark.parametrize(
    ("scopes", "read", "write", "places"),
    [
        ("read", 200, 403, 200), ("write", 200, 201, 200), ("hazards:read", 200, 403, 403), ("hazards:write", 200, 201, 403),
        ("places:write", 403, 403, 200),
    ],
)  # fmt: skip
def test_a_token_does_what_its_scopes_say(site: Site, scopes: str, read: int, write: int, places: int) -> None:
    program = token(site, scopes)
    assert program.get("/api/v1/hazards").status_code == read
    assert program.post("/api/v1/hazards", json=NEW).status_code == write
    refused = program.get("/api/v1/places")
    assert refused.status_code == places
    if places == 403:
        assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="places:read"'


def test_a_narrow_token_opens_no_page_and_its_owner_can_end_it(site: Site) -> None:
    program = token(site, "read")
    word = program.headers["Authorization"].removeprefix("Bearer ")
    assert site.client(cookies={"bihuan": word}).get("/inbox").headers["location"].startswith("/login")

    owner = site.client(cookies={"bihuan": site.token("inspector")}, headers={"Origin": site.base})
    page = owner.get("/me").text
    assert "大屏" in page
    id = page.split("/me/revoke/", 1)[1].split('"', 1)[0]
    stranger = site.client(cookies={"bihuan": site.token("mayor")}, headers={"Origin": site.base})
    stranger.post(f"/me/revoke/{id}")
    assert program.get("/api/v1/hazards").status_code == 200
    owner.post(f"/me/revoke/{id}")
    assert program.get("/api/v1/hazards").status_code == 401


def test_a_proxy_is_told_who_may_see_the_flows(site: Site) -> None:
    def asked(post: str) -> httpx.Response:
        return site.client(cookies={"bihuan": site.token(post)}).get("/auth")

    assert (asked("mayor").status_code, asked("mayor").headers["remote-user"]) == (204, "mayor")
    assert asked("dispatcher").status_code == 204
    assert [asked(post).status_code for post in ("owner", "inspector")] == [403, 403]
    away = site.client().get("/auth").headers["location"]
    assert away == "https://town.example/login"  # by its whole address: Prefect has no login page


def test_no_scope_is_made_up() -> None:
    assert scopes_of("read, hazards:write read") == ["read", "hazards:write"]
    with pytest.raises(Refusal, match="admin"):
        scopes_of("admin")
