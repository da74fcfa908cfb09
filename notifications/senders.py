"""The hands that send: a few threads for the network, or the caller's own thread for a channel that the caller brought."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Protocol

from models.seal import Locked, opened
from notifications.claim import CLAIM, Claimed
from notifications.envelope import enclosing, envelope_of
from notifications.outcome import LOCKED, Channel, Kind, Outcome

THREADS = 8
GATHER_SECONDS = 0.02
HANDFUL_SECONDS = 0.1
MOST_UNDER_WAY = 64

log = logging.getLogger("bihuan.deliver")

Attempt = tuple[Claimed, Outcome]


class Senders(Protocol):
    """Takes claimed messages, gives back attempts. `free` is how many more it wants now."""

    @property
    def free(self) -> int: ...
    def take(self, claimed: Sequence[Claimed]) -> None: ...
    def finished(self) -> list[Attempt]: ...
    def stop(self) -> None: ...


class Inline:
    """Sends in the caller's thread, one after the other: for replay and tests, whose order is then always the same."""

    def __init__(self, channel: Channel, window: int = 200) -> None:
        self._channel = channel
        self._done: list[Attempt] = []
        self.free = window

    def take(self, claimed: Sequence[Claimed]) -> None:
        self._done += [(each, attempt(self._channel, each)) for each in claimed]

    def finished(self) -> list[Attempt]:
        done, self._done = self._done, []
        return done

    def stop(self) -> None:
        pass


class Pool:
    """Sends in daemon threads, so that a far end that never lets go can't keep the process alive.

    As few messages as possible are under way at once: what a killed sender leaves behind is unknown, and unknown is the price of a kill.
    Two for each thread will do, unless far ends answer so fast that claiming would be the longer part (`window`).
    """

    def __init__(self, channel: Channel, threads: int = THREADS) -> None:
        self._todo: SimpleQueue[Claimed | None] = SimpleQueue()
        self._done: SimpleQueue[Attempt] = SimpleQueue()
        self._under_way: dict[int, float] = {}
        self._threads = threads
        self._window = 2 * threads
        self._looked_at = monotonic()
        for number in range(threads):
            Thread(target=self._work, args=(channel,), name=f"bihuan-send-{number}", daemon=True).start()

    @property
    def free(self) -> int:
        return self._window - len(self._under_way)

    def take(self, claimed: Sequence[Claimed]) -> None:
        given_up_at = monotonic() + CLAIM.total_seconds()
        for each in claimed:
            self._under_way[each.id] = given_up_at
            self._todo.put(each)

    def finished(self) -> list[Attempt]:
        """Waits for an attempt to end and takes what ends soon after it, while the threads still have work; nothing if none is under way.

        A message that outlives its claim is let go: its row says unknown by then.
        """
        done: list[Attempt] = []
        until: float | None = None
        while self._under_way and len(done) < self._window // 2:
            try:
                patience = min(self._under_way.values()) if until is None else until
                done.append(self._done.get(timeout=max(0.0, patience - monotonic())))
            except Empty:
                if done:
                    break
                self._let_go()
                continue
            self._under_way.pop(done[-1][0].id, None)
            until = until or monotonic() + GATHER_SECONDS
        now = monotonic()
        self._window, self._looked_at = window(len(done), now - self._looked_at, self._threads), now
        return sorted(done, key=lambda each: each[0].id)

    def stop(self) -> None:
        for _ in range(self._threads):
            self._todo.put(None)

    def _work(self, channel: Channel) -> None:
        while (claimed := self._todo.get()) is not None:
            self._done.put((claimed, attempt(channel, claimed)))

    def _let_go(self) -> None:
        for id in [id for id, until in self._under_way.items() if until <= monotonic()]:
            log.warning("message %d has been under way for longer than its claim; its outcome is unknown", id)
            del self._under_way[id]


def window(done: int, seconds: float, threads: int) -> int:
    """How many messages may be under way after `done` of them took `seconds`: what leaves within a tenth of a second, two for each thread
    at least, and never more than 64."""
    left = done * HANDFUL_SECONDS / seconds if seconds > 0 else 0
    return int(min(MOST_UNDER_WAY, max(2 * threads, left)))


def attempt(channel: Channel, claimed: Claimed) -> Outcome:
    """One call of the channel, with its address opened for no longer than that. A channel that raises has sent we don't know what."""
    try:
        url = opened(claimed.url)
    except Locked:
        return Outcome(Kind.permanent, LOCKED, channel_gone=True)
    try:
        with enclosing(envelope_of(claimed)):
            return channel(url, claimed.title, claimed.body)
    except Exception as error:
        log.error("a channel raised %s at %s", type(error).__name__, _where(error))  # its words may hold the address
        return Outcome(Kind.unknown, type(error).__name__)


def _where(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
