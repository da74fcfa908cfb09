"""An empty, commented folder for a township that begins: `bihuan new DIR`."""

from __future__ import annotations

from pathlib import Path

from models.refusal import Refusal

BLANK = Path(__file__).resolve().parent / "blank"


def write_empty(folder: Path) -> list[str]:
    """Writes the files of a township that has nobody in it yet: ladders and limits are the usual ones, the rest waits to be filled in.

    Gives the names written. Raises Refusal, with nothing written, where the folder exists and holds anything.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"{folder} 已存在且不为空，请换一个文件夹。", f"{folder} exists and isn't empty; choose another folder.")
    names = sorted(str(path.relative_to(BLANK)) for path in BLANK.rglob("*") if path.suffix in (".csv", ".yaml"))
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((BLANK / name).read_bytes())
    return names
