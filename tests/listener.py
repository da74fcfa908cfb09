"""A program that listens: a real HTTP server on loopback that checks signatures by itself, written from the specification alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Heard:
    """One POST. `genuine`: its signature is right."""

    path: str
    headers: dict[str, str]
    body: bytes
    genuine: bool

    @property
    def said(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


def genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """docs/webhooks.md, «how to verify»."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    right = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(right, each) for each in headers["webhook-signature"].split())


def _signed(headers: dict[str, str]) -> bool:
    return {"webhook-id", "webhook-timestamp", "webhook-signature"} <= headers.keys()


@dataclass
class Listener:
    """`answers` are the statuses of the next answers; afterwards it takes everything, and says `says`."""

    secret: str = ""
    answers: list[int] = field(default_factory=list)
    says: bytes = b""
    heard: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Self:
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                listener.heard.append(Heard(self.path, headers, body, _signed(headers) and genuine(listener.secret, headers, body)))
                status = listener.answers.pop(0) if listener.answers else 200
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(listener.says)))
                self.end_headers()
                self.wfile.write(listener.says)

            do_GET = do_POST  # noqa: N815 (what follows a redirect)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"
