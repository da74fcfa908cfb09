"""Packs a hazard's papers, photos, history and the outcomes of its messages, with a manifest and the script that checks it all.

What is asked twice at the same business time gives the same bytes. No telephone, address or channel of a person is in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.clock import local
from models.enumerations import CaseKind, PostKind
from models.settings import Settings
from papers.archive import verify
from papers.shelf import ShelfError, fetch
from statemachines.errors import Refused
from statemachines.load import load_case
from statemachines.registry import OFFICE

VERIFY = Path(verify.__file__)
LONG_AGO = (1980, 1, 1, 0, 0, 0)
README = """一案一档 {code}

papers/    出具的文书（PDF、Word），papers.jsonl 为目录
evidence/  照片和扫描件，evidence.jsonl 为目录（sha256 为上传时原件的校验值，照片入库时已重绘，文件本身的校验值见 manifest.json）
history/   经过，一行一条，body 是参与计算校验值的原文
messages.jsonl 消息结果
核对：python3 verify.py {code}.zip
含经过原文和校验用的盐，只供镇安办留存，不要外传。

The whole file of one hazard. Check it with: python3 verify.py {code}.zip
With the texts of its history and their salt it is for the office alone.
"""


def may_archive(kinds: Iterable[PostKind]) -> bool:
    """For the office alone: the archive holds what others only see a part of."""
    return bool(OFFICE & set(kinds))


def archive(session: Session, township_id: int, code: str, now: datetime, folder: Path | None = None, *, texts: bool = True) -> bytes:
    """The zip, as of business time `now`; its files come from `folder` (BIHUAN_HOME/evidence unless told). Without `texts` it holds neither
    the free texts of history nor their salt, and the chain can still be checked.

    Raises NoSuchCase, Refused(archive) for what isn't a hazard or where a file is missing or has been changed.
    """
    case = load_case(session, township_id, code, lock=False)
    if case.kind != CaseKind.hazard:
        raise Refused("archive", "只有隐患可以归档，请用隐患编号。", "A case's archive is that of a hazard: give its code.")
    files: dict[str, bytes] = {"verify.py": VERIFY.read_bytes(), "README.txt": README.format(code=code).encode()}
    heads = _histories(session, case.id, files, texts)
    try:
        _papers(session, case.id, files, folder)
        _evidence(session, case.id, files, folder)
    except ShelfError as error:
        raise Refused("archive", error.detail, error.detail_en) from error
    files["messages.jsonl"] = _lines(_plain(row) for row in session.execute(MESSAGES, {"id": case.id}))
    manifest = {
        "code": code, "township": case.township, "at": local(now).isoformat(timespec="seconds"), "heads": heads,
        "salt": case.salt if texts else None, "files": {name: _sha256(content) for name, content in sorted(files.items())},
    }  # fmt: skip
    files["manifest.json"] = _said({**manifest, "seal": _sha256(_said(manifest))})
    return _sealed(files)


FAMILY = text("select id, code, last_hash from cases where id = :id or parent_id = :id order by id")
EVENTS = text("select seq, trigger, body, prev_hash, hash from event where case_id = :id order by seq")
REMARKS = text("select seq, name, body from remark where case_id = :id order by seq, name")


def _histories(session: Session, case_id: int, files: dict[str, bytes], texts: bool) -> dict[str, str]:
    """The history of the hazard and of everything that was asked about it or followed from it; the head of each chain."""
    heads = {}
    for each in session.execute(FAMILY, {"id": case_id}).all():
        said: dict[int, dict[str, str]] = {}
        for remark in session.execute(REMARKS, {"id": each.id}) if texts else ():
            said.setdefault(remark.seq, {})[remark.name] = remark.body
        events = session.execute(EVENTS, {"id": each.id})
        files[f"history/{each.code}.jsonl"] = _lines({**row._mapping, "texts": said.get(row.seq, {})} for row in events)
        heads[each.code] = each.last_hash
    return heads


PAPERS = text("""
select paper.id, c.code as case_code, paper.kind, number, title, issued_at, issued_post, pdf_sha256, docx_sha256
from paper join cases c on c.id = paper.case_id where c.id = :id or c.parent_id = :id order by paper.id
""")


def _papers(session: Session, case_id: int, files: dict[str, bytes], folder: Path | None) -> None:
    rows = session.execute(PAPERS, {"id": case_id}).all()
    for row in rows:
        for ending, sha256 in (("pdf", row.pdf_sha256), ("docx", row.docx_sha256)):
            if sha256:
                files[f"papers/{row.id}-{row.kind}.{ending}"] = fetch(sha256, folder)
    files["papers.jsonl"] = _lines(_plain(row) for row in rows)


EVIDENCE = text("""
select evidence.id, c.code as case_code, evidence.kind, evidence.round, sha256, stored, media_type, taken_at, evidence.lat, evidence.lon,
    note, added_at, added_post
from evidence join cases c on c.id = evidence.case_id where c.id = :id or c.parent_id = :id order by evidence.id
""")


def _evidence(session: Session, case_id: int, files: dict[str, bytes], folder: Path | None) -> None:
    """Photos as they are kept; one of which there is only a row (a replayed campaign's) is listed without a file."""
    rows = []
    for row in session.execute(EVIDENCE, {"id": case_id}).all():
        name = f"evidence/{row.id}-{row.kind}{Path(row.stored).suffix}" if row.stored else None
        if name:
            files[name] = _stored(row.stored, folder)
        rows.append({**{key: value for key, value in _plain(row).items() if key != "stored"}, "file": name})
    files["evidence.jsonl"] = _lines(rows)


def _stored(stored: str, folder: Path | None) -> bytes:
    try:
        return ((folder or Settings.read().home / "evidence") / stored).read_bytes()
    except FileNotFoundError:
        raise ShelfError(
            f"照片文件不在存档中（{stored[:12]}…），请从备份恢复后再归档。",
            f"A photo's file is missing ({stored[:12]}…): restore it first.",
        ) from None


MESSAGES = text("""
select notice.id, c.code as case_code, purpose, meant.code as for_post, reached.code as reached_post, notice.state, notice.planned_at,
    notice.sent_at, notice.reason
from notice join cases c on c.id = notice.case_id
left join post meant on meant.id = notice.for_post_id left join post reached on reached.id = notice.post_id
where c.id = :id or c.parent_id = :id order by notice.id
""")


def _plain(row: Any) -> dict[str, Any]:
    return {name: local(value).isoformat() if isinstance(value, datetime) else value for name, value in row._mapping.items()}


def _lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(f"{_said(row).decode()}\n" for row in rows).encode()


def _said(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sealed(files: dict[str, bytes]) -> bytes:
    """The zip, whose comment is the hash of all that stands before it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            made.writestr(zipfile.ZipInfo(name, LONG_AGO), files[name], zipfile.ZIP_DEFLATED)
        made.comment = b"0" * 64
    whole = packed.getvalue()[:-64]
    return whole + _sha256(whole).encode()
