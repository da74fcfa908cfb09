"""核对归档包 · checks an archived case. Needs nothing but Python 3.9 or newer, and neither network nor Bihuan.

用法 usage: python3 verify.py FILE.zip   或在解压后的文件夹里 or in the unpacked folder: python3 verify.py
"""
from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def read_zip(path: str, wrong: list[str]) -> dict[str, bytes]:
    """The last 64 bytes of the zip are the hash of all before them."""
    whole = Path(path).read_bytes()
    if sha256(whole[:-64]).encode() != whole[-64:]:
        wrong.append("压缩包本身被改动 the zip itself has been changed")
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def read_folder(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check_files(files: dict[str, bytes], manifest: dict[str, Any], wrong: list[str]) -> None:
    if manifest.pop("seal") != sha256(json.dumps(manifest, ensure_ascii=False, sort_keys=True).encode()):
        wrong.append("清单被改动 the manifest has been changed")
    for name in sorted(set(files) - set(manifest["files"]) - {"manifest.json"}):
        wrong.append(f"多出的文件 not in the manifest: {name}")
    for name, known in manifest["files"].items():
        if name not in files:
            wrong.append(f"缺少文件 missing: {name}")
        elif sha256(files[name]) != known:
            wrong.append(f"文件被改动 changed: {name}")


def check_history(lines: list[Any], head: str, salt: str | None, wrong: list[str]) -> None:
    """Each event's hash is over the one before it and its own body; a text's over salt, case, number, name and the text itself."""
    before = ""
    for nth, event in enumerate(lines, 1):
        body = json.loads(event["body"])
        where = f"{body['code']} #{event['seq']}"
        if event["seq"] != nth or event["prev_hash"] != before or sha256((before + event["body"]).encode()) != event["hash"]:
            wrong.append(f"经过链断裂 the chain of events is broken: {where}")
        if (body["seq"], body["trigger"]) != (event["seq"], event["trigger"]):
            wrong.append(f"经过与正文不符 an event isn't what its body says: {where}")
        for name, text in event["texts"].items():
            said = "\x1f".join((salt or "", body["code"], str(event["seq"]), name, text))
            if "sha256:" + sha256(said.encode()) != body["facts"].get(name):
                wrong.append(f"原文被改动 a text has been changed: {where} {name}")
        before = event["hash"]
    if before != head:
        wrong.append("经过不完整 history is incomplete")


def main(arguments: list[str]) -> int:
    wrong: list[str] = []
    try:
        files = read_zip(arguments[0], wrong) if arguments else read_folder(Path(__file__).resolve().parent)
        manifest = json.loads(files["manifest.json"])
        check_files(files, manifest, wrong)
        for code, head in manifest["heads"].items():
            lines = [json.loads(line) for line in files[f"history/{code}.jsonl"].decode().split("\n")[:-1]]
            check_history(lines, head, manifest["salt"], wrong)
    except Exception as error:  # whatever can't be read has been changed
        wrong.append(f"无法读取 can't be read: {error!r}")
    said = f"发现 {len(wrong)} 处问题 faults found" if wrong else f"完好 intact: {len(files)} 个文件 files"
    print(*(f"× {each}" for each in wrong), said, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
