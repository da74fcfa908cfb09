"""How history names what it must not hold: free text and photos by salted hash, times as UTC microseconds."""

from __future__ import annotations

import hashlib
from datetime import datetime


def micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return round(moment.timestamp() * 1_000_000)


def salted(salt: str, code: str, seq: int, name: str, body: str) -> str:
    """sha256 over the township's salt, the case, the event (or the round, for a photo), the fact's name and its text."""
    return "sha256:" + hashlib.sha256("\x1f".join((salt, code, str(seq), name, body)).encode()).hexdigest()
