from __future__ import annotations

import io
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from localizer.errors import PlanError
from localizer.surveying.plans import MAX_PLAN_BYTES, read_plan
from localizer.surveying.raster_plan import MAX_SIDE_PX

ORIENTATION, GPS = 0x0112, 0x8825


def drawn(mode: str = "RGB", size: tuple[int, int] = (40, 20), kind: str = "PNG") -> bytes:
    image = Image.new(mode, size, 0)
    image.paste(1 if mode == "1" else "white", (0, 0, 10, 20))
    written = io.BytesIO()
    image.save(written, kind)
    return written.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_that_says(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000)))


def refusal(data: bytes) -> str:
    with pytest.raises(PlanError) as caught:
        read_plan(data, name="hall.png")
    assert str(caught.value).startswith("hall.png: ")
    return caught.value.reason


@pytest.mark.parametrize(("kind", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_an_image_is_read_with_its_size(kind: str, media_type: str) -> None:
    plan = read_plan(drawn(kind=kind))
    assert (plan.media_type, plan.size_px) == (media_type, (40, 20))
    with Image.open(io.BytesIO(plan.data)) as image:
        assert image.size == (40, 20)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_every_kind_of_png_is_shown_on_white(mode: str) -> None:
    image = Image.new(mode, (8, 8), 65535 if mode == "I;16" else 0)
    written = io.BytesIO()
    image.save(written, "PNG")
    with Image.open(io.BytesIO(read_plan(written.getvalue()).data)) as shown:
        light = mode in ("RGBA", "LA", "I;16")  # transparent, or white in 16 bits
        assert shown.convert("L").getpixel((4, 4)) == (255 if light else 0)


def test_a_photo_stands_upright_and_forgets_where_it_was_taken() -> None:
    image = Image.new("RGB", (40, 20), "black")
    image.paste("white", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turned a quarter clockwise to be seen
    exif[GPS] = {1: "N", 2: (48.0, 8.0, 0.0)}
    written = io.BytesIO()
    image.save(written, "JPEG", exif=exif)
    plan = read_plan(written.getvalue())
    assert plan.size_px == (20, 40)
    with Image.open(io.BytesIO(plan.data)) as shown:
        assert len(shown.getexif()) == 0
        grey = np.asarray(shown.convert("L"))
    assert grey[3, 10] > 200
    assert grey[36, 10] < 50


def test_what_stands_after_the_end_is_gone() -> None:
    assert b"<script>" not in read_plan(drawn() + b"<script>alert(1)</script>").data


def test_a_large_image_is_made_small_enough_for_a_phone() -> None:
    plan = read_plan(drawn("1", (6000, 3000)))
    assert plan.size_px == (MAX_SIDE_PX, MAX_SIDE_PX // 2)


def test_the_content_decides_and_not_the_name() -> None:
    assert read_plan(drawn(kind="JPEG"), name="plan.png").media_type == "image/jpeg"
    with pytest.raises(PlanError, match=r"^plan\.png: .* its content is a PDF; export") as caught:
        read_plan(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", name="plan.png")
    assert caught.value.reason == "unknown_format"


@pytest.mark.parametrize(
    "data", [b"GIF89a", b"hello", b"\x00" * 100, b"RIFF\x00\x00\x00\x00WEBP", b"    ", b"[1, 2]"]
)
def test_other_formats_are_refused(data: bytes) -> None:
    assert refusal(data) == "unknown_format"


def test_nothing_and_too_much_are_refused() -> None:
    assert refusal(b"") == "empty"
    assert refusal(b"\x89PNG\r\n\x1a\n" + bytes(MAX_PLAN_BYTES)) == "too_large"


def test_200_megapixels_are_refused_from_the_header() -> None:
    data = png_that_says(20_000, 10_000)
    tracemalloc.start()
    try:
        assert refusal(data) == "too_many_pixels"
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(PlanError, match="20000 x 10000 = 200"):
        read_plan(data)


def test_a_jpeg_of_200_megapixels_is_refused_from_the_header() -> None:
    data = bytearray(drawn(kind="JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 10_000, 20_000)
    assert refusal(bytes(data)) == "too_many_pixels"


def test_a_second_header_cannot_enlarge_an_image() -> None:
    small, huge = png_that_says(10, 10), png_that_says(9_000, 9_000)
    assert refusal(small[:33] + huge[8:33] + small[33:]) == "truncated"


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_that_is_cut_off_anywhere_is_refused(kind: str) -> None:
    data = drawn(size=(64, 64), kind=kind)
    # The last bytes are sums and an end mark, without which every pixel is still there.
    for length in range(10, len(data) - 24, max(1, len(data) // 40)):
        assert refusal(data[:length]) in ("truncated", "unknown_format")


def test_an_image_without_pixels_is_refused() -> None:
    assert refusal(png_that_says(0, 100)) == "truncated"


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    assert refusal(drawn(kind="JPEG") + b"\xff\xda" * 5000) == "too_costly"


def test_without_pillow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = drawn()
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(PlanError, match=r"ble-localizer\[survey\]") as caught:
        read_plan(data)
    assert caught.value.reason == "extra_missing"


def test_geojson_is_kept_as_it_is() -> None:
    data = b' {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}'
    plan = read_plan(data)
    assert (plan.media_type, plan.size_px, plan.data) == ("application/geo+json", None, data)


@pytest.mark.parametrize(
    "data", [b"{", b"{}", b'{"type": "Polygon", "coordinates": []}', b"{" * 5000]
)
def test_json_that_is_no_geojson_is_refused(data: bytes) -> None:
    assert refusal(data) == "bad_geojson"
