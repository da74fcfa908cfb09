"""A form as it arrives."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, UploadFile
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as SentFile

from web.picture import BYTES_AT_MOST, Picture, read, too_large
from web.problem import Problem

PHOTOS_AT_MOST = 9


async def _form(request: Request) -> FormData:
    return await request.form(max_files=2 * PHOTOS_AT_MOST, max_fields=200)


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
    return [_picture(each) for each in sent]


def _picture(sent: SentFile) -> Picture:
    if sent.size and sent.size > BYTES_AT_MOST:
        raise too_large()
    try:
        return read(sent.file.read(BYTES_AT_MOST + 1))
    except Problem as problem:
        raise Problem(problem.status, f"“{sent.filename}”：{problem.detail}", problem.detail_en, **problem.more) from problem
