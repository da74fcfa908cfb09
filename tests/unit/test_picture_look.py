"""How a picture looks: copies stay near, other scenes stay far; and what is no evidence of its kind is refused before anybody stores it."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from models.enumerations import EvidenceKind
from web.picture import Paper, Picture, look, receive
from web.problem import Problem

NEAR = 6
PDF = b"%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj\nstream\n/JS in a picture's bytes\nendstream\ntrailer\n%%EOF\n"


def scene(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Light, shade and things, as a photo has them."""
    chance = random.Random(seed)
    picture = Image.blend(Image.linear_gradient("L").resize(size).convert("RGB"), Image.new("RGB", size, _colour(chance)), 0.6)
    draw = ImageDraw.Draw(picture)
    for _ in range(chance.randrange(6, 20)):
        x, y, wide, high = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(20, 320), chance.randrange(20, 240)
        draw.ellipse((x, y, x + wide, y + high), fill=_colour(chance))
    return picture.filter(ImageFilter.GaussianBlur(1))


def _colour(chance: random.Random) -> tuple[int, int, int]:
    return chance.randrange(256), chance.randrange(256), chance.randrange(256)


def encoded(picture: Image.Image, kind: str = "JPEG", **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def apart(one: int | None, other: int | None) -> int:
    assert one is not None
    assert other is not None
    return ((one ^ other) & (2**64 - 1)).bit_count()


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "badly compressed": lambda picture: encoded(picture, quality=35),
    "as WebP": lambda picture: encoded(picture, "WEBP", quality=50),
    "as PNG": lambda picture: encoded(picture, "PNG"),
    "half as large": lambda picture: encoded(picture.reduce(2), quality=85),
    "larger": lambda picture: encoded(picture.resize((832, 624)), quality=85),
    "a little lighter": lambda picture: encoded(ImageEnhance.Brightness(picture).enhance(1.05)),
    "sent on twice": lambda picture: encoded(Image.open(io.BytesIO(encoded(picture, quality=50))).resize((500, 375)), quality=70),
}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 400), copy=st.sampled_from(sorted(COPIES)))
def test_a_copy_looks_like_its_picture(seed: int, copy: str) -> None:
    picture = scene(seed)
    sent, resent = receive(encoded(picture, quality=92), EvidenceKind.after), receive(COPIES[copy](picture), EvidenceKind.after)
    assert isinstance(sent, Picture)
    assert isinstance(resent, Picture)
    assert sent.sha256 != resent.sha256
    assert apart(sent.look, resent.look) <= NEAR


def test_a_picture_that_was_only_turned_by_its_camera_looks_the_same() -> None:
    picture, exif = scene(7), Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    picture.rotate(90, expand=True).save(out, "JPEG", exif=exif)
    assert apart(look(picture), receive(out.getvalue(), EvidenceKind.after).look) <= NEAR  # type: ignore[union-attr]


def test_other_scenes_look_otherwise() -> None:
    looks = [look(scene(seed)) for seed in range(80)]
    assert min(apart(one, other) for one, other in combinations(looks, 2)) > NEAR


@pytest.mark.parametrize("picture", [Image.new("RGB", (640, 480), "white"), Image.effect_noise((640, 480), 8)], ids=["blank", "flat wall"])
def test_a_picture_with_nothing_in_it_has_no_look(picture: Image.Image) -> None:
    assert look(picture) is None


def test_a_look_fits_a_signed_bigint() -> None:
    looks = [seen for seed in range(80) if (seen := look(scene(seed))) is not None]
    assert min(looks) < 0 < max(looks)
    assert all(-(2**63) <= seen < 2**63 for seen in looks)


def test_a_pdf_is_kept_as_it_is_where_a_paper_is_wanted() -> None:
    sent = receive(PDF, EvidenceKind.document, "整改方案.PDF", hashlib.sha256(PDF).hexdigest().upper())
    assert sent == Paper(hashlib.sha256(PDF).hexdigest(), PDF)
    assert isinstance(receive(encoded(scene(1)), EvidenceKind.signature, "scan.jpg"), Picture)


@pytest.mark.parametrize(
    ("sent", "kind", "name"),
    [
        (PDF, "after", "after.pdf"), (PDF, "before", "photo.jpg"), (PDF, "photo", ""), (encoded(scene(1)), "after", "photo.pdf"),
        (encoded(scene(1)), "document", "plan.pdf"), (PDF, "document", "plan.jpg"), (b"%PDF-1.7 cut off", "document", "plan.pdf"),
        (PDF.replace(b"/Type", b"/OpenAction <</S/JavaScript/JS(app.alert)>> /Type"), "document", "plan.pdf"),
        (PDF.replace(b"/Type", b"/S/J#61vaScript /Type"), "signature", "plan.pdf"),
        (PDF.replace(b"/Type", b"/Launch /Type"), "document", ""),
        (b"", "document", "plan.pdf"), (b"<html></html>", "document", "plan.html"),
    ],
    ids=[
        "PDF as after", "PDF as before by another name", "PDF as photo", "photo by a PDF's name", "photo as a paper by a PDF's name",
        "PDF by a photo's name", "cut off", "script", "hidden script", "starts a program", "empty", "page",
    ],
)  # fmt: skip
def test_what_is_not_of_its_kind_is_refused(sent: bytes, kind: str, name: str) -> None:
    with pytest.raises(Problem) as no:
        receive(sent, EvidenceKind(kind), name)
    assert no.value.status == 422


@pytest.mark.parametrize("said", [hashlib.sha256(b"something else").hexdigest(), "", "0x12", "好" * 64])
def test_a_file_that_is_not_the_announced_one_is_refused(said: str) -> None:
    with pytest.raises(Problem) as no:
        receive(PDF, EvidenceKind.document, "plan.pdf", said)
    assert (no.value.status, no.value.more["reason"]) == (422, "sha256")


def test_a_paper_over_the_limit_is_refused() -> None:
    with pytest.raises(Problem) as no:
        receive(PDF + bytes(12 * 1024 * 1024) + PDF, EvidenceKind.document, "plan.pdf")
    assert no.value.status == 413
