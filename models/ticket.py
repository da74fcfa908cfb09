"""A ticket: what a link in a message lets its bearer do, signed, without an account.

It names one case as it stood (`version`), one person and the post they were spoken to in. It can be read by whoever holds it, not made.
Looking is a GET and changes nothing; acting is a POST that carries it back, and a case that has moved on says so.

Its word is about 34 letters, as a message has to bear it: five whole numbers (unsigned LEB128; a sixth where the person's links have
been voided before) and the first 96 bits of their HMAC-SHA-256 (RFC 2104 §5 on cutting it; who guesses has to ask us each time), in
base64 for addresses.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime

from models.keys import key_for
from models.refusal import Refusal

SEAL = 12
WORDS = (5, 6)
LONGEST = 100


class TicketError(Refusal):
    """A link that nobody here has made, or that has run out."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """`until` is wall time in whole seconds of the epoch, UTC. `serial`: how often the person's links had been voided when it was made."""

    case_id: int
    person_id: int
    post_id: int
    version: int
    until: int
    serial: int = 0


def issue(ticket: Ticket, key: bytes | None = None) -> str:
    """The ticket as a word for an address: letters, digits, `-` and `_`. Raises OSError where the house's key can't be read."""
    numbers = astuple(ticket) if ticket.serial else astuple(ticket)[: WORDS[0]]
    said = b"".join(_packed(each) for each in numbers)
    return urlsafe_b64encode(said + _seal(said, key)).rstrip(b"=").decode()


def read(word: str, wall: datetime, key: bytes | None = None) -> Ticket:
    """The ticket in `word`. Raises TicketError."""
    said, seal = _opened(word)
    if not hmac.compare_digest(seal, _seal(said, key)):
        raise _void()
    ticket = Ticket(*_unpacked(said))
    if issue(ticket, key) != word:  # base64 lets stray letters and idle bits pass
        raise _void()
    if wall.timestamp() > ticket.until:
        raise TicketError("链接已过期，请登录办理，或向镇安办要新的链接。", "This link has run out: sign in, or ask for a new one.")
    return ticket


def _opened(word: str) -> tuple[bytes, bytes]:
    if len(word) > LONGEST or not word.isascii():
        raise _void()
    try:
        whole = urlsafe_b64decode(word + "=" * (-len(word) % 4))
    except ValueError:
        raise _void() from None
    return whole[:-SEAL], whole[-SEAL:]


def _seal(said: bytes, key: bytes | None) -> bytes:
    return hmac.digest(key or key_for("ticket"), said, hashlib.sha256)[:SEAL]


def _packed(number: int) -> bytes:
    """LEB128: seven bits a byte, the lowest first."""
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*packed, number])


def _unpacked(said: bytes) -> Iterable[int]:
    number, shift, numbers = 0, 0, []
    for byte in said:
        number, shift = number | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            numbers.append(number)
            number, shift = 0, 0
    if len(numbers) not in WORDS or shift:
        raise _void()
    return numbers


def _void() -> TicketError:
    return TicketError("链接不完整或已失效，请从原消息里重新打开。", "This link is incomplete or void: open it from the message again.")
