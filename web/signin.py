"""Signing in through another house: OpenID Connect, WeCom (企业微信), DingTalk (钉钉), Feishu (飞书), as web/providers.py reads them.

Each answers one question, «who is this in your directory», with a subject. Who that is here says the table `identity`, into which a
person who is signed in puts themselves; or, where a house gives out the same user names as ours, `usernames: true`. Nobody is made by
signing in, and what somebody may do is said by the posts they hold today, never by the other house.

OIDC: authorization code with PKCE (RFC 7636), the ID token's signature, issuer, audience, expiry and nonce are checked (OpenID Connect
Core 1.0 §3.1.3.7). The three others are no standard OAuth: their steps are those of their open platforms' pages 网页授权登录,
获取访问用户身份 (WeCom), 登录第三方网站 (DingTalk), 获取授权码, 获取 user_access_token, 获取用户信息 (Feishu).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from web.problem import Problem

SECONDS = 10
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One visit to another house: kept in a signed cookie until the person comes back. `verifier` and `nonce` are OIDC's."""

    state: str
    nonce: str
    verifier: str
    back: str


class Directory(Protocol):
    """Another house that knows who somebody is."""

    def leave_for(self, asked: Asked, here: str) -> str:
        """The address to send the browser to; it comes back to `here`. Raises Problem 502."""

    def subject(self, asked: Asked, here: str, given: Mapping[str, str]) -> str:
        """Who came back, by what they were `given` for the way. Raises Problem 401 when that proves nothing, 502 when nobody answers."""


@dataclass(frozen=True, slots=True)
class Oidc:
    """Any OpenID provider: its metadata come from `issuer`/.well-known/openid-configuration. `claim` names the person."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str = "sub"
    scope: str = "openid profile"

    def leave_for(self, asked: Asked, here: str) -> str:
        with self._client(here) as client:
            url, _ = client.create_authorization_url(
                self._metadata()["authorization_endpoint"], state=asked.state, nonce=asked.nonce, code_verifier=asked.verifier
            )
        return str(url)

    def subject(self, asked: Asked, here: str, given: Mapping[str, str]) -> str:
        known = self._metadata()
        try:
            with self._client(here) as client:
                token = client.fetch_token(known["token_endpoint"], code=given.get("code", ""), code_verifier=asked.verifier)
        except httpx.HTTPError as error:
            raise _silent(self.issuer) from error
        except Exception as error:  # Authlib's own errors share no base but Exception
            raise _unproven() from error
        return self._claimed(token.get("id_token", ""), asked.nonce, _keys(_got(known["jwks_uri"])))

    def _claimed(self, id_token: str, nonce: str, keys: KeySet) -> str:
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.issuer}, aud={"essential": True, "value": self.client_id},
            exp={"essential": True}, nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            claims = jwt.decode(id_token, keys, algorithms=ALGORITHMS).claims
            rules.validate(claims)
        except (JoseError, ValueError) as error:
            raise _unproven() from error
        return _named(claims.get(self.claim))

    def _client(self, here: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it wants another httpx than everybody else here has
            from authlib.integrations.httpx_client import OAuth2Client

        return OAuth2Client(
            self.client_id, self.client_secret, scope=self.scope, redirect_uri=here, code_challenge_method="S256", timeout=SECONDS
        )

    def _metadata(self) -> dict[str, Any]:
        return _got(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")


@dataclass(frozen=True, slots=True)
class WeCom:
    """企业微信: an app token first, then who the code belongs to; only members of the corporation have a `userid`."""

    corp_id: str
    agent_id: str
    secret: str
    page: str = "https://login.work.weixin.qq.com/wwlogin/sso/login"
    api: str = "https://qyapi.weixin.qq.com"

    def leave_for(self, asked: Asked, here: str) -> str:
        said = {"login_type": "CorpApp", "appid": self.corp_id, "agentid": self.agent_id, "redirect_uri": here, "state": asked.state}
        return f"{self.page}?{urlencode(said)}"

    def subject(self, asked: Asked, here: str, given: Mapping[str, str]) -> str:
        token = _got(f"{self.api}/cgi-bin/gettoken", {"corpid": self.corp_id, "corpsecret": self.secret})
        _fine(token, "errcode")
        who = _got(f"{self.api}/cgi-bin/auth/getuserinfo", {"access_token": token["access_token"], "code": given.get("code", "")})
        _fine(who, "errcode")
        return _named(who.get("userid"))


@dataclass(frozen=True, slots=True)
class DingTalk:
    """钉钉: the code comes back as `authCode`; the person is their `unionId`."""

    client_id: str
    client_secret: str
    page: str = "https://login.dingtalk.com/oauth2/auth"
    api: str = "https://api.dingtalk.com"

    def leave_for(self, asked: Asked, here: str) -> str:
        said = {"redirect_uri": here, "response_type": "code", "client_id": self.client_id, "scope": "openid", "state": asked.state}
        return f"{self.page}?{urlencode(said | {'prompt': 'consent'})}"

    def subject(self, asked: Asked, here: str, given: Mapping[str, str]) -> str:
        body = {"clientId": self.client_id, "clientSecret": self.client_secret, "grantType": "authorization_code"}
        token = _posted(f"{self.api}/v1.0/oauth2/userAccessToken", body | {"code": given.get("authCode") or given.get("code", "")})
        who = _got(f"{self.api}/v1.0/contact/users/me", headers={"x-acs-dingtalk-access-token": _named(token.get("accessToken"))})
        return _named(who.get("unionId"))


@dataclass(frozen=True, slots=True)
class Feishu:
    """飞书: the person is their `union_id`."""

    client_id: str
    client_secret: str
    page: str = "https://accounts.feishu.cn/open-apis/authen/v1/authorize"
    api: str = "https://open.feishu.cn"

    def leave_for(self, asked: Asked, here: str) -> str:
        said = {"client_id": self.client_id, "redirect_uri": here, "response_type": "code", "state": asked.state}
        return f"{self.page}?{urlencode(said)}"

    def subject(self, asked: Asked, here: str, given: Mapping[str, str]) -> str:
        body = {"grant_type": "authorization_code", "client_id": self.client_id, "client_secret": self.client_secret, "redirect_uri": here}
        token = _posted(f"{self.api}/open-apis/authen/v2/oauth/token", body | {"code": given.get("code", "")})
        _fine(token, "code")
        who = _got(f"{self.api}/open-apis/authen/v1/user_info", headers={"Authorization": f"Bearer {_named(token.get('access_token'))}"})
        _fine(who, "code")
        return _named((who.get("data") or {}).get("union_id"))


def _keys(said: dict[str, Any]) -> KeySet:
    try:
        return KeySet.import_key_set({"keys": said["keys"]})
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise _unproven() from error


def _got(url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    return _asked("GET", url, params=params, headers=headers)


def _posted(url: str, body: Mapping[str, str]) -> dict[str, Any]:
    return _asked("POST", url, json=body)


def _asked(method: str, url: str, **how: Any) -> dict[str, Any]:
    """What the other house says, as a JSON object. Raises Problem 401 for a refusal, 502 for silence or nonsense; no query is shown."""
    try:
        answer = httpx.request(method, url, timeout=SECONDS, follow_redirects=False, **how)
        said = answer.json() if answer.is_success or answer.is_client_error else None
    except (httpx.HTTPError, ValueError):
        raise _silent(url) from None
    if answer.is_client_error:
        raise _unproven()
    if not isinstance(said, dict):
        raise _silent(url)
    return said


def _fine(said: Mapping[str, Any], code: str) -> None:
    """These houses refuse with a number in an answer 200."""
    if said.get(code) != 0:
        raise _unproven()


def _named(subject: object) -> str:
    if not isinstance(subject, str) or not subject:
        raise _unproven()
    return subject


def _unproven() -> Problem:
    said = "The other house didn't confirm who you are: try again, or sign in here."
    return Problem(401, "对方没有确认您的身份，请重新登录，或改用用户名和密码。", said)


def _silent(url: str) -> Problem:
    host = httpx.URL(url).host
    return Problem(502, f"{host} 没有应答，请稍后再试，或改用用户名和密码。", f"{host} doesn't answer: try later, or sign in here.")
