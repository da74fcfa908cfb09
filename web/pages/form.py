"""A form as it arrives."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, UploadFile
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as SentFile

from models.enumerations import EvidenceKind
from web.picture import BYTES_AT_MOST, HEAD_AT_MOST, Paper, Picture, read, receive, too_large, with_head
from web.problem import Problem

PHOTOS_AT_MOST = 9
FILES_AT_MOST, FIELDS_AT_MOST = 120, 800  # a long checklist, with a few photos of what failed and the heads of their originals


async def _form(request: Request) -> FormData:
    return await request.form(max_files=FILES_AT_MOST, max_fields=FIELDS_AT_MOST)


Form = Annotated[FormData, Depends(_form)]


def word(form: FormData, name: str) -> str:
    """One answer, trimmed; empty where there is none."""
    said = form.get(name)
    return said.strip().replace("\x00", "") if isinstance(said, str) else ""


def number(form: FormData, name: str) -> int | None:
    said = word(form, name)
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else None


def photos(form: FormData, name: str) -> list[Picture]:
    """The photos of one field. Raises Problem 413 or 422, in words that name the photo."""
    sent = [each for each in form.getlist(name) if isinstance(each, SentFile | UploadFile) and each.filename]
    if len(sent) > PHOTOS_AT_MOST:
        raise Problem(422, f"一次最多上传 {PHOTOS_AT_MOST} 张照片。", f"{PHOTOS_AT_MOST} photos at most.", reason="photo")
    heads = [each for each in form.getlist(f"{name}-head") if isinstance(each, SentFile | UploadFile)]
    return [_picture(each, heads[at] if at < len(heads) else None) for at, each in enumerate(sent)]


def files(form: FormData, name: str, kind: EvidenceKind) -> list[Picture | Paper]:
    """The photos and papers of one field. Raises Problem 413 or 422, in words that name the file."""
    sent = [each for each in form.getlist(name) if isinstance(each, SentFile | UploadFile) and each.filename]
    if len(sent) > PHOTOS_AT_MOST:
        raise Problem(422, f"一次最多上传 {PHOTOS_AT_MOST} 份。", f"{PHOTOS_AT_MOST} files at most.", reason="photo")
    return [_file(each, kind) for each in sent]


def _file(sent: SentFile, kind: EvidenceKind) -> Picture | Paper:
    if sent.size and sent.size > BYTES_AT_MOST:
        raise too_large()
    try:
        return receive(sent.file.read(BYTES_AT_MOST + 1), kind, sent.filename or "")
    except Problem as problem:
        raise Problem(problem.status, f"“{sent.filename}”：{problem.detail}", problem.detail_en, **problem.more) from problem


def _picture(sent: SentFile, head: SentFile | None) -> Picture:
    """`head`: the beginning of the original, where a script has shrunk the photo."""
    if sent.size and sent.size > BYTES_AT_MOST:
        raise too_large()
    try:
        return with_head(read(sent.file.read(BYTES_AT_MOST + 1)), head.file.read(HEAD_AT_MOST) if head else b"")
    except Problem as problem:
        raise Problem(problem.status, f"“{sent.filename}”：{problem.detail}", problem.detail_en, **problem.more) from problem
