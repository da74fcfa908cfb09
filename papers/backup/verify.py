"""Telling a whole backup from one that was cut off, damaged or meddled with: every byte is read, nothing is changed."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from models.postmaster import Progress
from papers.backup.manifest import BackupError, Manifest, Member, read
from papers.backup.programs import quietly
from papers.backup.take import DUMP, EVIDENCE, LAST, MANIFEST, SECRETS

CHUNK = 2**20
LONGEST_MANIFEST = 512 * 2**20


def verify(path: Path, progress: Progress = quietly) -> Manifest:
    """What the file says of itself, once every hash in it has been found right. Raises BackupError."""
    with _opened(path) as tar:
        found = {each.name: each for each in tar}
        manifest = _manifest(tar, found)
        _same_names(found, manifest)
        for count, member in enumerate(manifest.members, start=1):
            _same(tar, found[member.name], member)
            if count % 50 == 0:
                progress(f"已核对 {count}/{len(manifest.members)} 个文件")
    return manifest


def glance(path: Path) -> Manifest:
    """What the file says of itself, its other parts unread. Raises BackupError."""
    with _opened(path) as tar:
        return _manifest(tar, {each.name: each for each in tar})


def unpack(path: Path, manifest: Manifest, into: Path, progress: Progress = quietly) -> None:
    """Writes every member under `into`, each looked at once more on its way. Raises BackupError."""
    with _opened(path) as tar:
        found = {each.name: each for each in tar}
        for count, member in enumerate(manifest.members, start=1):
            target = into / member.name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("xb") as file:
                _same(tar, found[member.name], member, file)
            target.chmod(0o600)
            if count % 50 == 0:
                progress(f"已取出 {count}/{len(manifest.members)} 个文件")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise _broken(path, "不是备份，或者没有写完", "it is no backup, or was cut off") from error
    except FileNotFoundError:
        raise BackupError(f"没有文件 {path}。", f"There is no file {path}.") from None
    except OSError as error:
        raise BackupError(f"{path} 读不出来：{error.strerror}。", f"{path} can't be read: {error.strerror}.") from error


def _manifest(tar: tarfile.TarFile, found: Mapping[str, tarfile.TarInfo]) -> Manifest:
    """The last two members say that the file is whole."""
    if LAST not in found or MANIFEST not in found or found[MANIFEST].size > LONGEST_MANIFEST:
        raise _broken(Path(str(tar.name)), "没有清单，多半没有写完", "it has no manifest and was most likely cut off")
    content, said = _bytes(tar, found[MANIFEST]), _bytes(tar, found[LAST])
    if said.split()[:1] != [hashlib.sha256(content).hexdigest().encode()]:
        raise _broken(Path(str(tar.name)), "清单被改动过", "its manifest has been changed")
    return read(content)


def _bytes(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(info)
    return file.read() if file else b""


def _same_names(found: Mapping[str, tarfile.TarInfo], manifest: Manifest) -> None:
    """Exactly what the manifest lists, and nothing that would be written elsewhere than where it belongs."""
    listed = {each.name for each in manifest.members}
    if DUMP not in listed or listed | {MANIFEST, LAST} != set(found) or len(listed) != len(manifest.members):
        raise _broken(None, "内容与清单不符", "it doesn't hold what its manifest lists")
    for name in listed:
        if not _expected(name) or not found[name].isreg():
            raise _broken(None, f"含有不该有的 {name}", f"it holds {name}, which doesn't belong there")


def _expected(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name in (DUMP, *SECRETS) or (len(parts) > 1 and parts[0] == EVIDENCE and ".." not in parts)


def _same(tar: tarfile.TarFile, info: tarfile.TarInfo, member: Member, copy: IO[bytes] | None = None) -> None:
    digest, size = hashlib.sha256(), 0
    file = tar.extractfile(info)
    while file and (chunk := file.read(CHUNK)):
        digest.update(chunk)
        size += len(chunk)
        if copy:
            copy.write(chunk)
    if (size, digest.hexdigest()) != (member.size, member.sha256):
        raise _broken(None, f"{member.name} 与清单的校验值不符", f"{member.name} doesn't match its hash in the manifest")


def _broken(path: Path | None, why: str, why_en: str) -> BackupError:
    name, name_en = (path, path) if path else ("这份备份", "This backup")
    return BackupError(f"{name} 不可用：{why}。请换另一份备份。", f"{name_en} can't be used: {why_en}. Take another backup.")
