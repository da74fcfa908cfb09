"""A photo that came in: when and where it was taken is read first, then it is drawn anew, which leaves nothing hidden in it."""

from __future__ import annotations

import hashlib
import io
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from models.clock import SHANGHAI, utc
from web.problem import Problem

BYTES_AT_MOST = 12 * 1024 * 1024
PIXELS_AT_MOST = 64_000_000
SIDE, SIDE_SMALL = 1600, 520
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
EXIF, GPS = 0x8769, 0x8825
TAKEN, OFFSET = 36867, 36881
AT_ONCE = threading.BoundedSemaphore(2)

pillow_heif.register_heif_opener()


@dataclass(frozen=True, slots=True)
class Picture:
    """`sha256` is of the bytes as they were sent; `jpeg` and `small` (WebP) are redrawn and carry no metadata."""

    sha256: str
    jpeg: bytes
    small: bytes
    taken_at: datetime | None
    lat: float | None
    lon: float | None


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
    return Problem(413, "照片超过 12 MB，请缩小后再传。", "The photo is over 12 MB.")


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
    return Picture(hashlib.sha256(sent).hexdigest(), jpeg, _saved(plain, "WEBP", quality=70), taken_at, lat, lon)


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
