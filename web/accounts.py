"""Who may come in: passwords as argon2 hashes, logins as the hash of an opaque token. All times here are machine time."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import deque
from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from pwdlib import PasswordHash
from sqlalchemy import text
from sqlmodel import Session

LIVES = timedelta(days=14)
FAILURES = 10
WINDOW = timedelta(seconds=60)
AT_ONCE = threading.BoundedSemaphore(2)  # one check takes 64 MiB and 0.2 s of a core


class UnknownUser(Exception):
    """There is no person of this user name."""


@lru_cache(maxsize=1)
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@lru_cache(maxsize=1)
def _nobody() -> str:
    """What is checked for a user who doesn't exist, so that the answer takes as long."""
    return _hasher().hash(secrets.token_urlsafe())


def hashed(password: str) -> str:
    """The argon2 hash of a password."""
    with AT_ONCE:
        return _hasher().hash(password)


def set_password(session: Session, username: str, password: str) -> None:
    """Sets one person's password and ends their logins. Raises UnknownUser."""
    asked = {"username": username, "hash": hashed(password)}
    person = session.execute(text("update person set password_hash = :hash where username = :username returning id"), asked).scalar()
    if person is None:
        raise UnknownUser(username)
    session.execute(text("delete from login where person_id = :person"), {"person": person})


def set_demo_password(session: Session, township_id: int, password: str) -> int:
    """Gives everybody of a demo township who has a user name the same password; returns how many. Other townships are left alone."""
    asked = {"township": township_id, "hash": hashed(password)}
    done = text("""
        update person set password_hash = :hash from township
        where township.id = :township and township.demo and person.township_id = township.id and username is not null
        returning person.id
    """)
    return len(session.execute(done, asked).all())


def person_with(session: Session, username: str, password: str) -> int | None:
    """The id of the person who has this user name and password."""
    asked = {"username": username}
    row = session.execute(text("select id, password_hash from person where username = :username"), asked).first()
    known = row.password_hash if row and row.password_hash else None
    with AT_ONCE:
        right = _hasher().verify(password, known or _nobody())
    return row.id if row and known and right else None


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_login(
    session: Session, person_id: int, wall: datetime, *, lives: timedelta = LIVES, scopes: Sequence[str] | None = None,
    name: str | None = None,
) -> str:  # fmt: skip
    """A new login; returns its token, which is kept nowhere. Logins that have run out are swept on the way."""
    token = secrets.token_urlsafe(32)
    session.execute(text("delete from login where person_id = :person and expires_at < :wall"), {"person": person_id, "wall": wall})
    insert = text("""
        insert into login (token_hash, person_id, created_at, expires_at, scopes, name)
        values (:hash, :person, :wall, :until, :scopes, :name)
    """)
    asked = {"hash": token_hash(token), "person": person_id, "wall": wall, "until": wall + lives}
    session.execute(insert, {**asked, "scopes": None if scopes is None else list(scopes), "name": name})
    return token


def close_login(session: Session, token: str, wall: datetime) -> None:
    asked = {"hash": token_hash(token), "wall": wall}
    session.execute(text("update login set revoked_at = :wall where token_hash = :hash and revoked_at is null"), asked)


LOGINS = text("""
select left(token_hash, 12) as id, name, scopes, created_at, expires_at, token_hash = :mine as this from login
where person_id = :person and revoked_at is null and expires_at > :wall order by this desc, created_at desc
""")


def logins(session: Session, person_id: int, token: str, wall: datetime) -> list[Any]:
    """The logins and tokens of one person that are still good; `this` is the one that is asking."""
    return list(session.execute(LOGINS, {"person": person_id, "mine": token_hash(token), "wall": wall}).all())


def revoke(session: Session, person_id: int, id: str, wall: datetime) -> bool:
    """Ends one of the person's logins, named by the first letters of its hash; False where there is none."""
    done = text("""
        update login set revoked_at = :wall where person_id = :person and left(token_hash, 12) = :id and revoked_at is null returning 1
    """)
    return session.execute(done, {"person": person_id, "id": id, "wall": wall}).first() is not None


class Patience:
    """Counts failures by key in a sliding window. Lives in one process: more processes are so much more patient."""

    def __init__(self, failures: int = FAILURES, window: timedelta = WINDOW) -> None:
        self._failures = failures
        self._window = window
        self._seen: dict[Hashable, deque[datetime]] = {}
        self._lock = threading.Lock()

    def wait(self, key: Hashable, wall: datetime) -> int:
        """Seconds until the next try is heard; 0: now."""
        with self._lock:
            failures = self._recent(key, wall)
            if len(failures) < self._failures:
                return 0
            return max(1, round((failures[0] + self._window - wall).total_seconds()))

    def failed(self, key: Hashable, wall: datetime) -> None:
        with self._lock:
            self._recent(key, wall).append(wall)
            if len(self._seen) > 10_000:
                self._forget(wall)

    def succeeded(self, key: Hashable) -> None:
        with self._lock:
            self._seen.pop(key, None)

    def _recent(self, key: Hashable, wall: datetime) -> deque[datetime]:
        failures = self._seen.setdefault(key, deque())
        while failures and failures[0] <= wall - self._window:
            failures.popleft()
        return failures

    def _forget(self, wall: datetime) -> None:
        self._seen = {key: failures for key, failures in self._seen.items() if failures and failures[-1] > wall - self._window}
