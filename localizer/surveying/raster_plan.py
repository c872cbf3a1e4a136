"""Photographed and scanned floor plans: checked, turned upright and made small enough for a phone.

Pillow (extra ``survey``) is imported here alone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from localizer.errors import PlanError
from localizer.surveying.image_header import JPEG, PNG, ImageHeader

if TYPE_CHECKING:
    from PIL import Image

MAX_MEGAPIXELS: Final = 40.0
"""Of an image that is decoded. 40 took 0.35 GB of memory for a moment, 0.5 GB with transparency:
what a Raspberry Pi with 1 GB has left. An A0 sheet at 150 dots an inch has 35; more is refused from
the header, and never decoded."""

MAX_SIDE_PX: Final = 4096
"""Longest side of what is kept. Phones refuse or blur more (Safari draws 16.7 megapixels at most);
on a plan of 100 m a pixel is then 2.4 cm, finer than a finger taps."""

MAX_JPEG_SCANS: Final = 100
"""Passes over a progressive JPEG. Usual are 10 at most; each costs a decoding, so thousands of them
in a small file would keep the processor busy for minutes."""

_JPEG_QUALITY: Final = 90
_START_OF_SCAN: Final = b"\xff\xda"
_ORIENTATION_TAG: Final = 0x0112


def read_raster(data: bytes, header: ImageHeader) -> tuple[bytes, tuple[int, int]]:
    """Return a PNG or JPEG, decoded once and written anew, with its size in pixels.

    Whatever the file carried beside its pixels is gone: the place and the camera of a photo, its
    embedded thumbnail, bytes after its end. It stands upright, transparent parts are white, and its
    longest side is `MAX_SIDE_PX` or less.

    Raises:
        PlanError: the image is too large to decode, cut off or damaged, or Pillow is missing.
    """
    _refuse_large(header, data)
    image = _decoded(data, header)
    written = io.BytesIO()
    if header.media_type == JPEG:
        image.save(written, "JPEG", quality=_JPEG_QUALITY)
    else:
        image.save(written, "PNG")
    return written.getvalue(), image.size


def refuse_many_pixels(header: ImageHeader) -> None:
    """Refuse an image that announces more than `MAX_MEGAPIXELS`.

    Raises:
        PlanError: it does.
    """
    megapixels = header.width_px * header.height_px / 1e6
    if megapixels > MAX_MEGAPIXELS:
        raise PlanError(
            f"a plan must have at most {MAX_MEGAPIXELS:g} megapixels, but got {header.width_px} x "
            f"{header.height_px} = {megapixels:.0f}; export it smaller ({MAX_SIDE_PX} pixels on "
            "the longer side are enough)",
            reason="too_many_pixels",
        )


def _refuse_large(header: ImageHeader, data: bytes) -> None:
    refuse_many_pixels(header)
    # Compressed data never holds this pair of bytes: 0xFF is followed by 0x00 there.
    scans = data.count(_START_OF_SCAN) if header.media_type == JPEG else 0
    if scans > MAX_JPEG_SCANS:
        raise PlanError(
            f"a JPEG must have at most {MAX_JPEG_SCANS} scans, but got {scans}; "
            "save it as a plain (baseline) JPEG",
            reason="too_costly",
        )


def _decoded(data: bytes, header: ImageHeader) -> Image.Image:
    pillow, operations = _pillow()
    kind = "PNG" if header.media_type == PNG else "JPEG"
    try:
        with pillow.open(io.BytesIO(data), formats=(kind,)) as image:
            if image.size != (header.width_px, header.height_px):
                raise ValueError(f"it says {image.size} pixels in a second header")
            # A JPEG that is shrunk anyway is decoded at a half or a quarter of its size.
            image.draft(None, (MAX_SIDE_PX, MAX_SIDE_PX))
            turn = image.getexif().get(_ORIENTATION_TAG)
            image.load()
            # Shrunk before anything else: every step on the whole image takes as much memory again.
            shown = _eight_bits(image)
            shown.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
            upright = operations.exif_transpose(shown) if turn else shown
            return _opaque(upright, pillow)
    except (OSError, SyntaxError, ValueError, EOFError, pillow.DecompressionBombError) as error:
        raise PlanError(
            f"a {kind} must be whole, but it cannot be decoded ({error}); upload it again, or "
            "export it again",
            reason="truncated",
        ) from error


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image whose pixels can be averaged: no palette, no single bits, no 16 of them."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda level: level / 256).convert("L")
    if image.mode == "P":
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.convert("L") if image.mode == "1" else image


def _opaque(image: Image.Image, pillow: Any) -> Image.Image:
    if not image.has_transparency_data:
        return image if image.mode in ("L", "RGB") else image.convert("RGB")
    seen = image.convert("RGBA")
    white = pillow.new("RGBA", seen.size, "white")
    white.alpha_composite(seen)
    result: Image.Image = white.convert("RGB")
    return result


def _pillow() -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise PlanError(
            "PNG and JPG plans need Pillow, which is not installed; install the extra: "
            "pip install 'ble-localizer[survey]'",
            reason="extra_missing",
        ) from error
    return Image, ImageOps
