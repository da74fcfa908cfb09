"""An empty, commented folder for a township that begins: `bihuan new DIR`."""

from __future__ import annotations

from pathlib import Path

from models.refusal import Refusal

BLANK = Path(__file__).resolve().parent / "blank"


def write_empty(folder: Path) -> list[str]:
    """Writes the files of a township that has nobody in it yet: ladders and limits are the usual ones, the rest waits to be filled in.

    Gives the names written. Raises Refusal, with nothing written, where the folder exists and holds anything; also where it can't be
    written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise Refusal(f"{folder} 已存在且不为空，请换一个文件夹。", f"{folder} exists and isn't empty; choose another folder.")
        return [_write(folder, path) for path in sorted(BLANK.rglob("*")) if path.suffix in (".csv", ".yaml")]
    except OSError as error:
        raise Refusal(f"写不了 {folder}：{error.strerror}。", f"{folder} can't be written: {error.strerror}.") from error


def _write(folder: Path, source: Path) -> str:
    name = source.relative_to(BLANK)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(source.read_bytes())
    return name.as_posix()
