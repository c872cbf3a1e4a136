"""What a file really is, and how large an image would be, from its first bytes alone.

An image is decoded only after its header said that it fits: 200 megapixels are refused for the
price of 24 bytes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from localizer.errors import PlanError

PNG: Final = "image/png"
JPEG: Final = "image/jpeg"

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_JPEG_SIGNATURE: Final = b"\xff\xd8\xff"

_OTHERS: Final = (
    (b"%PDF-", "a PDF"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"RIFF", "a WebP image"),
    (b"AC10", "a DWG drawing"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3", "a SQLite file"),
)
"""How formats begin that people try, so that the refusal can name them."""

_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG segments (start of frame) that hold the size; the other three are tables (ITU T.81)."""

_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers without a length."""


class ImageHeader(NamedTuple):
    """An image as its header announces it."""

    media_type: str
    width_px: int
    height_px: int


def foreign_format(data: bytes) -> str | None:
    """Return what a file is that is no plan ("a PDF"), or None where nothing is recognised."""
    for signature, name in _OTHERS:
        if data.startswith(signature):
            return name
    return "a HEIC or video file" if data[4:8] == b"ftyp" else None


def read_image_header(data: bytes) -> ImageHeader | None:
    """Return what a PNG or JPEG announces of itself, or None for anything else.

    Raises:
        PlanError: it begins as PNG or JPEG, but its header is cut off or says 0 pixels.
    """
    if data.startswith(_PNG_SIGNATURE):
        header = ImageHeader(PNG, *_png_size_px(data))
    elif data.startswith(_JPEG_SIGNATURE):
        header = ImageHeader(JPEG, *_jpeg_size_px(data))
    else:
        return None
    if header.width_px == 0 or header.height_px == 0:
        raise PlanError(
            f"an image must be at least 1 x 1 pixels, but its header says {header.width_px} x "
            f"{header.height_px}; export the plan again",
            reason="truncated",
        )
    return header


def _png_size_px(data: bytes) -> tuple[int, int]:
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise _cut_off("PNG")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg_size_px(data: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAME_MARKERS:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker in _BARE_MARKERS:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    raise _cut_off("JPEG")


def _cut_off(name: str) -> PlanError:
    return PlanError(
        f"a {name} must be whole, but its header is cut off; upload it again, or export it again",
        reason="truncated",
    )
