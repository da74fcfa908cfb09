"""A ticket: what a link in a message lets its bearer do, signed, without an account.

It names one case as it stood (`version`), one person and the post they were spoken to in. It can be read by whoever holds it, not made.
Looking is a GET and changes nothing; acting is a POST that carries it back, and a case that has moved on says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer

from models.keys import key_for
from models.refusal import Refusal

WORDS = 5


class TicketError(Refusal):
    """A link that nobody here has made, or that has run out."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """`until` is wall time in whole seconds of the epoch, UTC."""

    case_id: int
    person_id: int
    post_id: int
    version: int
    until: int


def issue(ticket: Ticket, key: bytes | None = None) -> str:
    """The ticket as a word for an address: letters, digits, `-`, `_` and `.`."""
    return _signer(key).dumps(astuple(ticket))


def read(word: str, wall: datetime, key: bytes | None = None) -> Ticket:
    """The ticket in `word`. Raises TicketError."""
    try:
        said = _signer(key).loads(word)
    except BadSignature:
        raise _void() from None
    if not (isinstance(said, Sequence) and len(said) == WORDS and all(type(each) is int for each in said)):
        raise _void()
    ticket = Ticket(*said)
    if wall.timestamp() > ticket.until:
        raise TicketError("链接已过期，请登录办理，或向镇安办要新的链接。", "This link has run out: sign in, or ask for a new one.")
    return ticket


def _void() -> TicketError:
    return TicketError("链接不完整或已失效，请从原消息里重新打开。", "This link is incomplete or void: open it from the message again.")


def _signer(key: bytes | None) -> URLSafeSerializer:
    return URLSafeSerializer(key or key_for("ticket"), salt="ticket")
