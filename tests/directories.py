"""Stand-ins for other houses' sign-in on loopback: what their documented endpoints ask for and answer, checked as strictly as they do.

An OpenID provider (Core 1.0, Discovery 1.0, PKCE), 企业微信 (gettoken, auth/getuserinfo), 钉钉 (oauth2/userAccessToken, contact/users/me)
and 飞书 (authen/v2/oauth/token, authen/v1/user_info). Real ones can't be had here; these know nothing beyond the pages of their platforms.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

SECRET = "the-app's-secret"


@dataclass
class Directories:
    """`authorize(url, subject)` is the person who says yes on the other house's page: it gives the code that comes back."""

    base: str
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    claims: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def authorize(self, url: str, subject: str) -> str:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = (subject, asked)
        return code

    def once(self, code: str) -> tuple[str, dict[str, str]] | None:
        return self.codes.pop(code, None)

    def token_for(self, subject: str) -> str:
        token = secrets.token_urlsafe(8)
        self.tokens[token] = subject
        return token

    def id_token(self, subject: str, nonce: str) -> str:
        now = int(time.time())
        said = {"iss": self.base, "aud": "bihuan", "sub": subject, "exp": now + 60, "iat": now, "nonce": nonce} | self.claims
        return jwt.encode({"alg": "RS256", "kid": "one"}, said, self.key)


@contextmanager
def directories() -> Iterator[Directories]:
    """All four on one port, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    house = Directories(f"http://127.0.0.1:{server.server_address[1]}")
    server.house = house  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield house
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    @property
    def house(self) -> Directories:
        return self.server.house  # type: ignore[attr-defined, no-any-return]

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        path, asked = urlsplit(self.path).path, {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self._say(*GETS[path](self, asked))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = "x-www-form-urlencoded" in self.headers["Content-Type"]
        asked = {name: values[0] for name, values in parse_qs(body).items()} if form else json.loads(body)
        self._say(*POSTS[urlsplit(self.path).path](self, asked))

    def _say(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def metadata(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        base = self.house.base
        ends = {"authorization_endpoint": f"{base}/authorize", "token_endpoint": f"{base}/token", "jwks_uri": f"{base}/jwks"}
        return 200, {"issuer": base, **ends}

    def jwks(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        return 200, {"keys": [self.house.key.as_dict(private=False)]}

    def oidc_token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        known = self.house.once(asked["code"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if known is None or known[1]["code_challenge"] != challenge or known[1]["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.house.id_token(known[0], known[1]["nonce"])}

    def wecom_token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if asked != {"corpid": "ww1", "corpsecret": SECRET}:
            return 200, {"errcode": 40001, "errmsg": "invalid credential"}
        return 200, {"errcode": 0, "errmsg": "ok", "access_token": "wecom", "expires_in": 7200}

    def wecom_user(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        known = self.house.once(asked["code"]) if asked["access_token"] == "wecom" else None
        if known is None:
            return 200, {"errcode": 40029, "errmsg": "invalid code"}
        return 200, {"errcode": 0, "errmsg": "ok", **({"openid": "o"} if known[0] == "outsider" else {"userid": known[0]})}

    def dingtalk_token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        known = self.house.once(asked["code"])
        if known is None or (asked["clientId"], asked["clientSecret"], asked["grantType"]) != ("ding1", SECRET, "authorization_code"):
            return 400, {"code": "invalidParameter.authCode.notFound"}
        return 200, {"accessToken": self.house.token_for(known[0]), "expireIn": 7200}

    def dingtalk_user(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        return 200, {"nick": "某人", "unionId": self.house.tokens[self.headers["x-acs-dingtalk-access-token"]]}

    def feishu_token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        known = self.house.once(asked["code"])
        if known is None or (asked["client_id"], asked["client_secret"]) != ("cli1", SECRET):
            return 400, {"code": 20003, "error": "invalid_grant"}
        return 200, {"code": 0, "access_token": self.house.token_for(known[0]), "token_type": "Bearer"}

    def feishu_user(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        subject = self.house.tokens[self.headers["Authorization"].removeprefix("Bearer ")]
        return 200, {"code": 0, "msg": "success", "data": {"name": "某人", "union_id": subject}}


GETS = {
    "/.well-known/openid-configuration": _Handler.metadata, "/jwks": _Handler.jwks, "/cgi-bin/gettoken": _Handler.wecom_token,
    "/cgi-bin/auth/getuserinfo": _Handler.wecom_user, "/v1.0/contact/users/me": _Handler.dingtalk_user,
    "/open-apis/authen/v1/user_info": _Handler.feishu_user,
}  # fmt: skip
POSTS = {
    "/token": _Handler.oidc_token, "/v1.0/oauth2/userAccessToken": _Handler.dingtalk_token,
    "/open-apis/authen/v2/oauth/token": _Handler.feishu_token,
}  # fmt: skip
