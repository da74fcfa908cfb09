"""The house's one secret and the keys that are derived from it: for sealing addresses, for links that let somebody act, for signatures.

`BIHUAN_KEY` names it where several machines serve one database; otherwise it lies in BIHUAN_HOME/key, made on first use, readable
by its owner alone. Who loses it can't read sealed addresses any more and every link in an old message is void: it belongs into a backup.
"""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.settings import Settings

FILE = "key"
LENGTH = 32


def key_for(purpose: str, settings: Settings | None = None) -> bytes:
    """32 bytes for one purpose (RFC 5869, HKDF-SHA256): who holds one can't tell another. Raises OSError where no key can be kept."""
    return _derived(_master(settings or Settings.read()), purpose)


@lru_cache(maxsize=32)
def _derived(master: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), LENGTH, salt=None, info=purpose.encode()).derive(master)


def _master(settings: Settings) -> bytes:
    return (settings.key or _kept(settings.home / FILE)).encode()


def _kept(path: Path) -> str:
    """The secret in `path`. Two processes that make it at once agree: a whole file is linked into place, the first one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{FILE}.{os.getpid()}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(LENGTH), encoding="utf8")
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    known = path.stat()
    return _read(path, known.st_ino, known.st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, inode: int, changed: int) -> str:
    """What stands in `path`, read again only when it is another file: each message asks for two keys."""
    return path.read_text(encoding="utf8").strip()
