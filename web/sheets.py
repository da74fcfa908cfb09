"""Ledgers as workbooks: sent to whoever may read the hazards, and taken in from the office that found them elsewhere."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

from fastapi.responses import FileResponse, Response
from sqlmodel import Session
from starlette.background import BackgroundTask

from models.refusal import Refusal
from papers.ledger.admission import BYTES_AT_MOST, BadWorkbook
from papers.ledger.check import Checked, check
from papers.ledger.export import Reach, blank, export
from papers.ledger.filter import Filter
from papers.ledger.form import Form
from papers.ledger.intake import IMPORTERS, Taken, take
from papers.ledger.lines import count
from papers.ledger.marked import mark_up
from papers.ledger.sheet import Ledger, open_ledger
from web.caller import Caller
from web.house import House
from web.problem import Problem

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KEPT_AT_MOST = 20  # of a township
PICTURED_AT_MOST = 500  # lines with photos: each is read and made small while somebody waits
PICTURING = threading.Lock()
LINES_AT_MOST = 3000  # by page: more than a browser waits for
TOO_MANY = (
    f"一次最多在网页登记 {LINES_AT_MOST} 条，更多请用命令行 bihuan ledger import。",
    f"{LINES_AT_MOST} at most by page; use bihuan ledger import for more.",
)
TOO_MANY_PICTURES = (
    f"带照片的台账一次最多导出 {PICTURED_AT_MOST} 条，请加筛选条件，或不带照片导出。",
    f"A ledger with photos holds {PICTURED_AT_MOST} lines at most: filter them, or leave the photos out.",
)
BUSY = ("正在导出另一份带照片的台账，请稍后再试。", "Another ledger with photos is being written: try again in a moment.")
NAME = re.compile(r"[0-9a-f]{64}")


def download(house: House, caller: Caller, wanted: Filter, form: Form, *, photos: bool = False) -> Response:
    """The ledger as far as the caller's posts reach. Raises Problem 422 for too many lines with photos, 429 while others are written."""
    condition, asked = caller.place_reach() if form.rows == "inspection" else caller.reach()
    reach, pictured = Reach(condition, asked, caller.reads_reports), photos and form.pictures
    folder = house.evidence if pictured else None

    def make(path: Path) -> None:
        with _alone() if pictured else nullcontext(), house.transaction() as session, understood():
            if pictured and count(session, form, caller.township_id, wanted, caller.now, condition, asked) > PICTURED_AT_MOST:
                raise Problem(422, *TOO_MANY_PICTURES, reason="photos")
            export(session, path, form, caller.township_id, wanted, caller.now, reach=reach, photos=folder)

    return _sent(make, f"{form.zh}-{caller.day}.xlsx")


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time in a process. Raises Problem 429: who waited here would keep a thread from others."""
    if not PICTURING.acquire(blocking=False):
        raise Problem(429, *BUSY, reason="photos", headers={"Retry-After": "30"})
    try:
        yield
    finally:
        PICTURING.release()


def empty(house: House, caller: Caller, form: Form) -> Response:
    """The form to be filled in."""

    def make(path: Path) -> None:
        with house.transaction() as session:
            blank(session, path, form, caller.township_id, caller.now)

    return _sent(make, f"{form.zh}.xlsx")


def _sent(make: Callable[[Path], None], name: str) -> Response:
    """A file that is made now, and gone when it has been sent."""
    handle, made = tempfile.mkstemp(suffix=".xlsx")
    os.close(handle)
    path = Path(made)
    try:
        make(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return FileResponse(path, media_type=XLSX, filename=name, background=BackgroundTask(path.unlink))


def importing_post(caller: Caller) -> str:
    """The caller's post that takes ledgers in. Raises Problem 403."""
    for seat in caller.seats:
        if seat.kind in IMPORTERS:
            return seat.code
    raise Problem(403, "台账由镇安办导入。", "Ledgers are taken in by the township's office.", reason="post")


def _folder(house: House, caller: Caller) -> Path:
    folder = house.settings.home / "ledgers" / str(caller.township_id)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(house: House, caller: Caller, sent: IO[bytes]) -> str:
    """Keeps what was sent until it is confirmed, by its SHA-256; the oldest of a township's many go."""
    folder, digest = _folder(house, caller), hashlib.sha256()
    handle, unfinished = tempfile.mkstemp(dir=folder, prefix=".")
    with os.fdopen(handle, "wb") as file:
        while chunk := sent.read(1 << 20):
            digest.update(chunk)
            file.write(chunk)
    os.replace(unfinished, folder / f"{digest.hexdigest()}.xlsx")
    for old in sorted(folder.glob("*.xlsx"), key=lambda each: each.stat().st_mtime)[:-KEPT_AT_MOST]:
        old.unlink(missing_ok=True)
    return digest.hexdigest()


def forget(house: House, caller: Caller, sha256: str) -> None:
    (_folder(house, caller) / f"{sha256}.xlsx").unlink(missing_ok=True)


def kept(house: House, caller: Caller, sha256: str) -> Ledger:
    """What was sent, opened. Raises Problem 404 when it isn't kept (any more), 422 for what is no ledger."""
    path = _folder(house, caller) / f"{sha256}.xlsx"
    if not NAME.fullmatch(sha256) or not path.exists():
        raise Problem(404, "这份台账已不在暂存区，请重新上传。", "This ledger isn't kept any more: send it again.")
    with understood():
        return open_ledger(path)


@contextmanager
def understood() -> Iterator[None]:
    """A workbook that is refused is what was sent, not what went wrong here."""
    try:
        yield
    except BadWorkbook as no:
        raise Problem(413 if no.reason == "size" else 422, no.detail, no.detail_en, reason=no.reason) from no
    except Refusal as no:
        raise Problem(422, no.detail, no.detail_en, reason="ledger") from no


def looked_at(session: Session, caller: Caller, ledger: Ledger) -> Checked:
    with understood():
        return check(session, ledger, caller.township_id, caller.now)


def taken_in(session: Session, caller: Caller, ledger: Ledger, name: str, *, partial: bool) -> Taken:
    """Registers it. Raises Problem 422 where lines are wrong and all were asked for, or there are too many for a page."""
    acting = caller.acting(importing_post(caller))
    with understood():
        if check(session, ledger, caller.township_id, caller.now).fresh > LINES_AT_MOST:
            raise Problem(422, *TOO_MANY, reason="lines")
        return take(session, ledger, acting, caller.now, wall=caller.wall, name=name[:120], partial=partial)


def marked(ledger: Ledger, checked: Checked, name: str) -> Response:
    return _sent(lambda path: mark_up(ledger, checked, path), f"{Path(name).stem[:80]}.标注.xlsx")


__all__ = ["BYTES_AT_MOST", "download", "empty", "forget", "importing_post", "keep", "kept", "looked_at", "marked", "taken_in"]
