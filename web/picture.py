"""A photo that came in: when and where it was taken is read first, then it is drawn anew, which leaves nothing hidden in it.

A paper may also be a PDF, which is kept as it is and only ever handed out as a download.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from models.clock import SHANGHAI, utc
from models.enumerations import EvidenceKind
from statemachines.evidence import PAPERS
from web.problem import Problem

BYTES_AT_MOST = 12 * 1024 * 1024
HEAD_AT_MOST = 128 * 1024
PIXELS_AT_MOST = 64_000_000
SIDE, SIDE_SMALL = 1600, 520
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
EXIF, GPS = 0x8769, 0x8825
TAKEN, OFFSET = 36867, 36881
AT_ONCE = threading.BoundedSemaphore(2)
DARKER_BY = 2
EDGES_AT_LEAST = 4
SHA256 = re.compile(r"[0-9a-fA-F]{64}")
ESCAPED = re.compile(rb"#([0-9a-fA-F]{2})")
ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia)(?![A-Za-z])")

pillow_heif.register_heif_opener()


@dataclass(frozen=True, slots=True)
class Picture:
    """`sha256` is of the bytes as they were sent; `jpeg` and `small` (WebP) are redrawn and carry no metadata; `look` as in `look`."""

    sha256: str
    jpeg: bytes
    small: bytes
    taken_at: datetime | None
    lat: float | None
    lon: float | None
    look: int | None = None


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF as it was sent."""

    sha256: str
    pdf: bytes


def with_head(picture: Picture, head: bytes) -> Picture:
    """The picture with time and place from the beginning of its original, where it has lost its own: a phone that shrinks a photo loses
    them. What can't be read says nothing."""
    if picture.taken_at or picture.lat is not None or not head:
        return picture
    try:
        with Image.open(io.BytesIO(head[:HEAD_AT_MOST]), formats=FORMATS) as image:
            exif = image.getexif()
            lat, lon = _position(exif.get_ifd(GPS))
            return replace(picture, taken_at=_taken(exif.get_ifd(EXIF)), lat=lat, lon=lon)
    except (Image.DecompressionBombError, UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, RuntimeError, MemoryError):
        return picture


def receive(sent: bytes, kind: EvidenceKind, name: str = "", sha256: str | None = None) -> Picture | Paper:
    """What was sent as evidence of a kind, under a file name, by somebody who may have said its hash.

    Raises Problem 413 when it is too large, 422 when it isn't what its name, its kind or its hash says, or is damaged.
    """
    if len(sent) > BYTES_AT_MOST:
        raise too_large()
    _is_what_was_meant(sent, sha256)
    is_pdf, is_called_pdf = sent.startswith(b"%PDF-"), name.casefold().endswith(".pdf")
    if kind in PAPERS and name and is_pdf != is_called_pdf:
        raise _unusable("文件内容与扩展名不符，请重新选择。", "The file isn't what its name says.")
    if kind not in PAPERS and is_called_pdf:
        raise _unusable(f"“{kind.zh}”须是照片，不能是 PDF。", "A PDF is a document or a signature, not a photo.")
    return _paper(sent) if kind in PAPERS and is_pdf else read(sent)


def _is_what_was_meant(sent: bytes, sha256: str | None) -> None:
    if sha256 is None or (SHA256.fullmatch(sha256) and sha256.lower() == hashlib.sha256(sent).hexdigest()):
        return
    detail_en = "The file doesn't have the hash that was announced; send it again."
    errors = [{"where": "sha256", "message": detail_en}]
    raise Problem(422, "文件与声明的校验值不一致，可能传输有误，请重新上传。", detail_en, reason="sha256", errors=errors)


def _paper(sent: bytes) -> Paper:
    """A whole PDF that doesn't do anything by itself, as far as can be seen without unpacking its streams."""
    if b"%%EOF" not in sent[-1024:]:
        raise _unusable("PDF 文件不完整，请重新选择。", "The PDF is cut off.")
    outside_streams = b"".join(part.partition(b"stream")[0] for part in sent.split(b"endstream"))
    if ACTIVE.search(ESCAPED.sub(lambda sign: bytes([int(sign[1], 16)]), outside_streams)):
        raise _unusable("PDF 文件含有脚本或附件，请另存为普通 PDF 后再传。", "The PDF carries a script or another file.")
    return Paper(hashlib.sha256(sent).hexdigest(), sent)


def read(sent: bytes) -> Picture:
    """The picture in these bytes. Raises Problem 413 when it is too large, 422 when it is none or is damaged."""
    if len(sent) > BYTES_AT_MOST:
        raise too_large()
    if not sent:
        raise _unusable("照片是空的，请重新选择。", "The photo is empty.")
    with AT_ONCE, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(sent), formats=FORMATS) as image:
                return _redrawn(sent, image)
        except Image.DecompressionBombError as error:
            raise _too_many_pixels() from error
        except UnidentifiedImageError as error:
            raise _unusable("这不是照片。请上传 JPG、PNG、WebP 或 HEIC 照片。", "Not a photo: send JPEG, PNG, WebP or HEIC.") from error
        except (OSError, ValueError, SyntaxError, EOFError, RuntimeError, MemoryError) as error:
            raise _unusable("照片已损坏，打不开，请重新拍摄或选择。", "The photo is damaged.") from error


def too_large() -> Problem:
    return Problem(413, "文件超过 12 MB，请缩小后再传。", "The file is over 12 MB.")


def _too_many_pixels() -> Problem:
    return Problem(413, "照片尺寸过大（超过 6400 万像素），请缩小后再传。", "The photo has over 64 million pixels.")


def _unusable(detail: str, detail_en: str) -> Problem:
    return Problem(422, detail, detail_en, reason="photo", errors=[{"where": "file", "message": detail_en}])


def _redrawn(sent: bytes, image: Image.Image) -> Picture:
    if image.width * image.height > PIXELS_AT_MOST:
        raise _too_many_pixels()
    exif = image.getexif()
    taken_at, (lat, lon) = _taken(exif.get_ifd(EXIF)), _position(exif.get_ifd(GPS))
    image.draft("RGB", (SIDE * 2, SIDE * 2))
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((SIDE, SIDE))
    plain = _on_white(upright)
    jpeg = _saved(plain, "JPEG", quality=80, optimize=True, progressive=True)
    plain.thumbnail((SIDE_SMALL, SIDE_SMALL))
    return Picture(hashlib.sha256(sent).hexdigest(), jpeg, _saved(plain, "WEBP", quality=70), taken_at, lat, lon, look(plain))


def look(image: Image.Image) -> int | None:
    """A 64-bit difference hash, signed as PostgreSQL's bigint is: where a 9 × 8 grey miniature grows darker to the right, row by row.

    Copies that were recompressed or resized differ in 6 bits at most, other scenes in more (docs/adr/0008). A step of 2 in 256 counts as
    none, so that the noise of a flat wall says nothing; a picture with next to nothing in it has no look. The method: N. Krawetz, «Kind of
    Like That», hackerfactor.com, 2013.
    """
    grey = image.convert("L").resize((9, 8), Image.Resampling.LANCZOS).tobytes()
    darker = [grey[9 * row + x] - grey[9 * row + x + 1] > DARKER_BY for row in range(8) for x in range(8)]
    if not EDGES_AT_LEAST <= sum(darker) <= 64 - EDGES_AT_LEAST:
        return None
    bits = int("".join("1" if each else "0" for each in darker), 2)
    return bits - 2**64 if bits >= 2**63 else bits


def _on_white(image: Image.Image) -> Image.Image:
    """Pixels alone, on a new canvas: metadata stays behind."""
    canvas = Image.new("RGB", image.size, "white")
    mask = image.convert("RGBA").getchannel("A") if image.mode in ("RGBA", "LA", "PA", "P") else None
    canvas.paste(image.convert("RGB"), mask=mask)
    return canvas


def _saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def _taken(exif: Mapping[int, Any]) -> datetime | None:
    """When the shutter fell; a camera that doesn't know its offset keeps the township's time."""
    try:
        date, _, clock = str(exif.get(TAKEN)).strip("\x00 ").partition(" ")
        said = f"{date.replace(':', '-')}T{clock}"
        offset = str(exif.get(OFFSET) or "").strip("\x00 ")
        taken = datetime.fromisoformat(said + offset)
        aware = taken if taken.tzinfo else taken.replace(tzinfo=SHANGHAI)
        return utc(aware) if aware.year >= 1990 else None
    except (ValueError, OverflowError):
        return None


def _position(gps: Mapping[int, Any]) -> tuple[float | None, float | None]:
    """Degrees, WGS 84."""
    lat, lon = _degrees(gps.get(2), gps.get(1), "S", 90), _degrees(gps.get(4), gps.get(3), "W", 180)
    return (lat, lon) if lat is not None and lon is not None else (None, None)


def _degrees(parts: Any, side: Any, negative: str, most: float) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in parts)
        value = degrees + minutes / 60 + seconds / 3600
        return (-value if str(side).upper().startswith(negative) else value) if value <= most else None
    except (TypeError, ValueError, ZeroDivisionError):
        return None
