"""What became of one attempt to hand one message to one channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    sent = "sent"  # the channel took it
    temporary = "temporary"  # refused or not reached, nothing left the house: may be tried again
    delivered = "delivered"  # the far end says that the person has it
    permanent = "permanent"  # refused for good: trying again is no use
    unknown = "unknown"  # it may have been taken, nobody said so: never repeated on the same channel


@dataclass(frozen=True, slots=True)
class Outcome:
    """`detail` says why in few words and holds no secret; `wait` is how many seconds the far end asked us to wait.

    `channel_gone`: the refusal is about the channel (no such robot, bad password), not about this message.
    """

    kind: Kind
    detail: str = ""
    wait: float | None = None
    channel_gone: bool = False


SENT = Outcome(Kind.sent)
LOCKED = "地址封存，密钥不对 sealed with another key"  # why a channel is gone whose address nobody here can read

# (url, title, body) -> Outcome; must not raise.
Channel = Callable[[str, str, str], Outcome]
