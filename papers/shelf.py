"""The shelf: every paper's file by the SHA-256 of its bytes, under the evidence folder. What is asked for again is the same to the byte."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from models.refusal import Refusal
from models.settings import Settings


class ShelfError(Refusal):
    """A file isn't there any more, or isn't what it was."""


def keep(content: bytes, folder: Path | None = None) -> str:
    """Puts it on the shelf, safe on disk when this returns, and gives its SHA-256. `folder`: BIHUAN_HOME/evidence unless told."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = path_of(sha256, folder)
    if path.exists() and path.read_bytes() == content:
        return sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    return sha256


def fetch(sha256: str, folder: Path | None = None) -> bytes:
    """The bytes with this hash. Raises ShelfError where they are gone or somebody has changed them."""
    try:
        content = path_of(sha256, folder).read_bytes()
    except FileNotFoundError:
        raise ShelfError(
            f"文书文件不在存档中（{sha256[:12]}…），请从备份恢复。",
            f"The paper's file isn't on the shelf ({sha256[:12]}…): restore it from a backup.",
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ShelfError(
            f"文书文件已被改动，与登记的校验值不符（{sha256[:12]}…），不能作为原件使用，请从备份恢复。",
            f"The paper's file has been changed: it doesn't match its recorded hash ({sha256[:12]}…). Restore it from a backup.",
        )
    return content


def path_of(sha256: str, folder: Path | None = None) -> Path:
    """Where it stands: two letters of the hash, then the hash, without an ending."""
    return (folder or Settings.read().home / "evidence") / sha256[:2] / sha256
