"""Signed bodies by the Standard Webhooks specification 1.0 (standardwebhooks.com): three headers, HMAC-SHA256 over id.timestamp.body.

A receiver checks the signature, refuses a timestamp that is more than five minutes off, and drops an id that it has had before.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256
from hmac import digest

PREFIX = "whsec_"
LEAST, MOST = 24, 64  # bytes of a secret, by the specification


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def is_secret(said: str) -> bool:
    try:
        return said.startswith(PREFIX) and LEAST <= len(_key(said)) <= MOST
    except binascii.Error:
        return False


def headers(secret: str, message: str, body: bytes, wall: datetime) -> dict[str, str]:
    """The three headers of `body`; `message` is its stable id, `wall` the machine's time at which it is sent."""
    stamp = str(int(wall.timestamp()))
    signed = b64encode(digest(_key(secret), f"{message}.{stamp}.".encode() + body, sha256)).decode()
    return {"webhook-id": message, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signed}"}


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(PREFIX), validate=True)
