"""Far ends as their makers document them: WeCom's, DingTalk's and Feishu's group robots, ServerChan, WxPusher, Bark, ntfy, a plain gateway.

They look at what arrives as the real ones do (form, length in bytes, signature) and say no in their own way. A robot's name says how it
behaves, so that one server plays them all: `wecombot-ok`, `feishu-slow`, `dingtalk-busy`.

- WeCom: developer.work.weixin.qq.com/document/path/99110 (群机器人: text up to 2048 bytes of UTF-8, 20 a minute) and /path/90313
  (全局错误码: 93000 no such robot, 45009 too many, 40008 msgtype, 44004 empty, 45002 too long).
- DingTalk: open.dingtalk.com «自定义机器人接入» and «自定义机器人安全设置» (加签: HMAC-SHA256 of timestamp, newline, secret;
  within an hour; 310000 signature, keyword or address; 130101 more than 20 a minute; 40035 a body that can't be read).
- Feishu: open.feishu.cn «自定义机器人使用指南» (20 KB; 19001 no such hook, 19021 signature, 19022 address, 19024 keyword, 11232 too many,
  9499 a body that can't be read).
- ServerChan: sct.ftqq.com (code 0). WxPusher: wxpusher.zjiecode.com/docs (code 1000). Bark: github.com/Finb/bark-server (code 200).
  ntfy: docs.ntfy.sh/publish (429 with Retry-After).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.far_end import FarEnd, Listening

SECRET = "SECabcdef0123456789"
SLOW_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Kind:
    """How a service is asked and answers. `code`, `words` are where its answer has them; `yes` what it says when it takes a message."""

    code: str
    words: str
    yes: dict[str, Any]
    most: int = 1_000_000
    busy: int = 0
    gone: int = 0
    refuses: int = 0


KINDS: dict[str, Kind] = {
    "wecombot": Kind("errcode", "errmsg", {"errcode": 0, "errmsg": "ok"}, 2048, 45009, 93000, 45002),
    "dingtalk": Kind("errcode", "errmsg", {"errcode": 0, "errmsg": "ok"}, 20_000, 130101, 310000, 40035),
    "feishu": Kind("code", "msg", {"code": 0, "data": {}, "msg": "success", "StatusCode": 0}, 20_000, 11232, 19001, 9499),
    "lark": Kind("code", "msg", {"code": 0, "data": {}, "msg": "success", "StatusCode": 0}, 20_000, 11232, 19001, 9499),
    "schan": Kind("code", "message", {"code": 0, "message": "", "data": {"pushid": "1", "error": "SUCCESS"}}, gone=40001),
    "wxpusher": Kind("code", "msg", {"code": 1000, "msg": "处理成功", "success": True, "data": []}, busy=1008, gone=1002),
    "bark": Kind("code", "message", {"code": 200, "message": "success", "timestamp": 1}, 4096),
    "ntfy": Kind("code", "error", {"id": "x", "event": "message"}, 4096),
    "json": Kind("code", "message", {}),
}


class Robots(Listening):
    """An HTTP server, with a `tls` context an HTTPS one. `heard` has what it took, by robot; `asked` every robot that was called."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(_Robot, tls)
        self.heard: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.faults: list[str] = []
        self._lock = threading.Lock()

    def call(self, robot: str) -> None:
        with self._lock:
            self.asked.append(robot)

    def take(self, robot: str, text: str) -> None:
        with self._lock:
            self.heard.setdefault(robot, []).append(text)

    def complain(self, what: str) -> None:
        """A request that no real robot would have understood."""
        with self._lock:
            self.faults.append(what)


class _Robot(FarEnd):
    def post(self) -> None:
        robots: Robots = self.server.owner  # type: ignore[attr-defined]
        address = urlsplit(self.path)
        service = address.path.strip("/").split("/")[0] or "ntfy"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name, text, fault = self._read(service, address.query, address.path, body)
        robots.call(f"{service}-{name}")
        if fault and name == "ok":
            robots.complain(f"{service}: {fault} {text[:200]}")
        self._behave(robots, service, name, text, fault)

    def _read(self, service: str, query: str, path: str, body: bytes) -> tuple[str, str, int]:
        """The robot's name, the text, and the code with which a real one would refuse them (0: none)."""
        asked = parse_qs(query)
        if service == "schan":
            form = parse_qs(body.decode())
            return path.strip("/").split("/")[1], form["desp"][0], 0 if form["title"][0] else 40001
        said = json.loads(body)
        if service in ("wecombot", "dingtalk"):
            text = said["text"]["content"]
            fault = self._dingtalk_sign(asked) if service == "dingtalk" else self._length(text)
            return asked["token"][0], text, 40008 if said["msgtype"] != "text" or not text else fault
        if service in ("feishu", "lark"):
            text = said["content"]["text"]
            return asked["token"][0], text, 9499 if said["msg_type"] != "text" or len(body) > KINDS[service].most else 0
        if service == "wxpusher":
            return said["appToken"].removeprefix("AT_"), said["content"], 0 if said["uids"] and said["contentType"] == 1 else 1001
        if service == "push":
            return said["device_key"], said["body"], 0
        if "topic" in said:
            return said["topic"], said["message"], 0
        return path.strip("/").split("/")[1], said["message"], 0

    def _length(self, text: str) -> int:
        return 45002 if len(text.encode()) > KINDS["wecombot"].most else 0

    def _dingtalk_sign(self, asked: dict[str, list[str]]) -> int:
        """加签: what arrives is percent-decoded once, as every server does."""
        stamp, sign = asked.get("timestamp", ["0"])[0], asked.get("sign", [""])[0]
        fresh = abs(int(stamp) / 1000 - time.time()) < 3600
        expected = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
        return 0 if fresh and sign == base64.b64encode(expected).decode() else 310000

    def _behave(self, robots: Robots, service: str, name: str, text: str, fault: int) -> None:
        kind = KINDS[{"push": "bark"}.get(service, service)]
        if name == "resetbefore":
            return self.reset()
        no = {"busy": kind.busy, "gone": kind.gone, "refuses": kind.refuses}.get(name) or fault
        if no:
            return self.answer(json.dumps({kind.code: no, kind.words: "no"}).encode())
        robots.take(f"{service}-{name}", text)
        if name == "resetafter":
            return self.reset()
        if name == "slow":
            time.sleep(SLOW_SECONDS)
        return self._say(name, kind)

    def _say(self, name: str, kind: Kind) -> None:
        yes = json.dumps(kind.yes).encode()
        statuses = {"gone410": 410, "broken500": 500, "away503": 503, "proxy504": 504, "later429": 429, "date429": 429, "early429": 429}
        waits = {"later429": "600", "date429": formatdate(time.time() + 600, usegmt=True)}
        headers = {"Retry-After": waits[name]} if name in waits else None
        bodies = {"nojson": b"<html>maintenance</html>", "nocode": b"{}", "short": yes[: len(yes) // 2]}
        missing = {"truncated": 100}.get(name, 0)
        return self.answer(bodies.get(name, yes), statuses.get(name, 200), headers, missing)
