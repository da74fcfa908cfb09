"""A file of the folder as text: there, readable, UTF-8 (with or without a byte order mark)."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from papers.township.fault import Findings

LARGEST = 64 * 1024 * 1024


def read_text(folder: Path, name: str, findings: Findings) -> str | None:
    """The file's text, or None and a fault that says why not."""
    path = folder / name
    try:
        if not path.is_file():
            findings.add(name, 1, f"缺少文件 file missing{_near(folder, name)}", f"文件夹里要有 the folder needs {name}")
            return None
        if path.stat().st_size > LARGEST:
            findings.add(name, 1, "文件太大 file too large", f"不超过 at most {LARGEST // 1024 // 1024} MB")
            return None
        return _decoded(path.read_bytes(), name, findings)
    except OSError as error:
        findings.add(name, 1, f"读不了 cannot be read: {error.strerror}", "可读的文件 a readable file")
        return None


def _near(folder: Path, name: str) -> str:
    others = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    close = get_close_matches(name, others, n=1, cutoff=0.8)
    return f"（有一个 there is {close[0]}）" if close else ""


def _decoded(content: bytes, name: str, findings: Findings) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        findings.add(name, line, "不是 UTF-8 编码 not UTF-8", "UTF-8；在 Excel 里另存为「CSV UTF-8」 in Excel save as “CSV UTF-8”")
        return None
