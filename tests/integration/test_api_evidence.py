"""Photos: read, cleaned, kept once; and everything that is none, refused in plain words."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pillow_heif
import pytest
from PIL import Image

from tests.integration.test_api import fire, problem
from tests.site import Site, photo, serve
from tests.stage import Stage
from web import picture


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def send(client: httpx.Client, code: str, body: bytes, name: str = "a.jpg", **data: Any) -> httpx.Response:
    return client.post(f"/api/v1/hazards/{code}/evidence", files={"file": (name, body)}, data={"kind": "after", **data})


def shot_at(moment: str, lat: float, lon: float, offset: str = "") -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = moment
    if offset:
        exif.get_ifd(0x8769)[36881] = offset
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", _dms(lat), "E", _dms(lon)
    return exif


def _dms(degrees: float) -> tuple[float, float, float]:
    whole = int(degrees)
    minutes = int((degrees - whole) * 60)
    return float(whole), float(minutes), round((degrees - whole - minutes / 60) * 3600, 3)


def test_a_photo_keeps_its_time_and_place_but_not_in_the_file(site: Site) -> None:
    code = site.stage.to_rectifying()
    body = photo(exif=shot_at("2023:02:20 09:30:00", 34.7, 111.1))
    answer = send(site.api("owner"), code, body, taken_at="2020-01-01T00:00:00+08:00", note="门口")
    assert answer.status_code == 201
    view = answer.json()
    assert (view["taken_at"], view["note"], view["round"], view["added_by"]) == ("2023-02-20T09:30:00+08:00", "门口", 1, "owner")
    assert (round(view["lat"], 4), round(view["lon"], 4)) == (34.7, 111.1)
    assert view["sha256"] == hashlib.sha256(body).hexdigest()
    kept = site.home / "evidence" / view["sha256"][:2] / f"{view['sha256']}.jpg"
    with Image.open(kept) as image:
        assert not image.getexif()
        assert image.size == (320, 240)
    assert kept.with_suffix(".webp").exists()


def test_a_camera_that_knows_its_offset_is_believed(site: Site) -> None:
    body = photo(exif=shot_at("2023:02:20 01:30:00", 34.7, 111.1, "+00:00"))
    assert send(site.api("owner"), site.stage.to_rectifying(), body).json()["taken_at"] == "2023-02-20T09:30:00+08:00"


def test_a_photo_that_says_nothing_is_described_by_its_sender(site: Site) -> None:
    said = {"taken_at": "2023-02-20T09:00:00+08:00", "lat": "34.5", "lon": "111.5"}
    view = send(site.api("owner"), site.stage.to_rectifying(), photo(), **said).json()
    assert (view["taken_at"], view["lat"], view["lon"]) == ("2023-02-20T09:00:00+08:00", 34.5, 111.5)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_kind_that_phones_make_is_taken(site: Site, kind: str) -> None:
    pillow_heif.register_heif_opener()
    assert send(site.api("owner"), site.stage.to_rectifying(), photo(kind), f"a.{kind.lower()}").status_code == 201


def test_a_large_photo_is_made_smaller_and_stands_upright(site: Site) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    view = send(site.api("owner"), site.stage.to_rectifying(), photo(size=(4000, 3000), exif=exif)).json()
    with Image.open(site.home / "evidence" / view["sha256"][:2] / f"{view['sha256']}.jpg") as image:
        assert image.size == (1200, 1600)


def test_the_same_photo_twice_is_one(site: Site) -> None:
    owner, code, body = site.api("owner"), site.stage.to_rectifying(), photo()
    assert (send(owner, code, body).status_code, send(owner, code, body).status_code) == (201, 200)
    assert len(owner.get(f"/api/v1/hazards/{code}/evidence").json()["items"]) == 1


def test_a_key_makes_an_upload_repeatable_and_another_photo_under_it_is_refused(site: Site) -> None:
    owner, code, body = site.api("owner"), site.stage.to_rectifying(), photo()
    owner.headers["Idempotency-Key"] = "upload-1"
    first, again = send(owner, code, body), send(owner, code, body)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert problem(send(owner, code, photo()), 422)["reason"] == "key_reused"


def test_a_photo_of_another_case_does_not_prove_this_one(site: Site) -> None:
    owner, body = site.api("owner"), photo()
    first, second = site.stage.to_rectifying(), site.stage.to_rectifying()
    assert send(owner, first, body).status_code == send(owner, second, body).status_code == 201
    assert problem(fire(owner, second, "submit", 3), 409)["reason"] == "G3"


def bomb(side: int) -> bytes:
    """A PNG of `side`² black pixels in a few kilobytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"<html><script>alert(1)</script></html>", 422), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422),
        (b"%PDF-1.7 not a photo", 422), (b"\xff\xd8\xff\xe0" + bytes(200), 422), (b"GIF89a" + bytes(100), 422), (bomb(60_000), 413),
        (bomb(9_000), 413), (bytes(12 * 1024 * 1024 + 1), 413),
    ],
    ids=["empty", "page", "svg", "pdf", "damaged", "gif", "bomb", "half a bomb", "too many bytes"],
)  # fmt: skip
def test_what_is_no_photo_is_refused_whatever_it_is_called(site: Site, body: bytes, status: int) -> None:
    code = site.stage.to_rectifying()
    assert problem(send(site.api("owner"), code, body, "photo.jpg"), status)
    assert site.stage.all("select from evidence") == []
    assert not (site.home / "evidence").exists()


def test_half_a_photo_is_refused(site: Site) -> None:
    whole = photo(size=(1600, 1200))
    assert problem(send(site.api("owner"), site.stage.to_rectifying(), whole[: len(whole) // 2]), 422)


def test_a_page_hidden_behind_a_photo_is_left_behind(site: Site) -> None:
    body = photo() + b"<script>alert(1)</script>"
    view = send(site.api("owner"), site.stage.to_rectifying(), body).json()
    assert b"script" not in (site.home / "evidence" / view["sha256"][:2] / f"{view['sha256']}.jpg").read_bytes()


def test_a_body_beyond_all_bounds_is_cut_off_with_a_reason(site: Site) -> None:
    assert problem(send(site.api("owner"), site.stage.to_rectifying(), bytes(30 * 1024 * 1024)), 413)
    many = site.api("inspector").post("/api/v1/hazards", content=b'{"description": "' + b"a" * (3 * 1024 * 1024) + b'"}')
    assert problem(many, 413)


@pytest.mark.parametrize(
    "data", [{"kind": "selfie"}, {"lat": "91"}, {"lon": "east"}, {"taken_at": "2023-02-20T09:00:00"}, {"note": "a\x00"}]
)
def test_what_is_said_beside_a_photo_must_make_sense(site: Site, data: dict[str, str]) -> None:
    body = problem(send(site.api("owner"), site.stage.to_rectifying(), photo(), **data), 422)
    assert body["errors"][0]["where"] == next(iter(data))


def test_who_only_reads_or_has_nothing_to_do_with_it_adds_nothing(site: Site) -> None:
    code = site.stage.to_rectifying()
    assert problem(send(site.api("discipline"), code, photo()), 403)
    assert problem(send(site.api("owner-3"), code, photo()), 403)
    assert problem(send(site.api("owner"), "YH-2023-9999", photo()), 404)
    closed = site.stage.to_closed()
    assert problem(send(site.api("owner"), closed, photo()), 409)["reason"] == "state"


PDF = b"%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj\ntrailer\n%%EOF\n"


def test_a_paper_is_kept_as_it_was_sent_and_only_handed_out_as_a_download(site: Site) -> None:
    code = site.stage.to_rectifying()
    answer = send(site.api("owner"), code, PDF, "整改方案.pdf", kind="document")
    assert (answer.status_code, answer.json()["sha256"]) == (201, hashlib.sha256(PDF).hexdigest())
    row = site.stage.one("select id, media_type, stored, look from evidence")
    assert (row.media_type, row.look) == ("application/pdf", None)
    assert (site.home / "evidence" / row.stored).read_bytes() == PDF
    for path in (f"/photo/{row.id}", f"/photo/{row.id}/small"):
        handed = site.browser("owner").get(path)
        assert (handed.content, handed.headers["content-type"]) == (PDF, "application/pdf")
        assert handed.headers["content-disposition"].startswith("attachment")


def test_a_photo_is_known_by_its_look(site: Site) -> None:
    code, body = site.stage.to_rectifying(), io.BytesIO()
    Image.radial_gradient("L").save(body, "JPEG")
    assert send(site.api("owner"), code, body.getvalue()).status_code == 201
    assert site.stage.one("select look from evidence").look == picture.look(Image.radial_gradient("L")) is not None


@pytest.mark.parametrize(("name", "kind"), [("after.pdf", "after"), ("photo.jpg", "before"), ("paper.jpg", "document")])
def test_a_paper_is_no_photo_whatever_it_is_called(site: Site, name: str, kind: str) -> None:
    assert problem(send(site.api("owner"), site.stage.to_rectifying(), PDF, name, kind=kind), 422)["reason"] == "photo"
    assert not (site.home / "evidence").exists()


def test_another_file_than_the_announced_one_is_refused_before_it_is_stored(site: Site) -> None:
    owner, code, body = site.api("owner"), site.stage.to_rectifying(), photo()
    refused = problem(send(owner, code, body, sha256=hashlib.sha256(body + b"!").hexdigest()), 422)
    assert (refused["reason"], refused["errors"][0]["where"]) == ("sha256", "sha256")
    assert site.stage.all("select from evidence") == []
    assert not (site.home / "evidence").exists()
    assert send(owner, code, body, sha256=hashlib.sha256(body).hexdigest()).status_code == 201


def test_what_the_law_refuses_leaves_no_file(site: Site) -> None:
    assert problem(send(site.api("owner"), site.stage.to_closed(), photo()), 409)["reason"] == "state"
    assert not (site.home / "evidence").exists()
