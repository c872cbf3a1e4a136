"""Floor plans as they are uploaded: what they are, whether they can be used, and a clean copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from localizer.errors import PlanError
from localizer.surveying.geojson import GEOJSON
from localizer.surveying.geojson_model import parse_geojson
from localizer.surveying.image_header import foreign_format, read_image_header
from localizer.surveying.raster_plan import read_raster
from localizer.surveying.svg_plan import SVG, read_svg

MAX_PLAN_BYTES: Final = 25_000_000
"""Of an upload. A scanned A0 sheet as PNG is 10 to 20 MB; more is a mistake, or fills the disk."""

_TEXT_START: Final = 1024
"""Bytes in which a text format must show what it is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A floor plan that can be shown."""

    media_type: str
    """``image/png``, ``image/jpeg``, ``image/svg+xml`` or ``application/geo+json``."""
    size_px: tuple[int, int] | None
    """Width and height at which it is shown, pixels; None for GeoJSON, which is drawn in metres."""
    data: bytes
    """What to keep and to show, never the upload itself: without scripts, the place and camera of a
    photo, or anything that does not show."""


def read_plan(data: bytes, *, name: str = "the plan") -> Plan:
    """Read an uploaded plan; its content decides what it is, never its name.

    Args:
        data: the whole file.
        name: what to call it in an error.

    Raises:
        PlanError: it cannot be used; `reason` is one of ``empty``, ``too_large``,
            ``too_many_pixels``, ``too_costly``, ``truncated``, ``unknown_format``,
            ``not_xml``, ``entities``, ``active_content``, ``external_reference``, ``no_size``,
            ``bad_geojson`` or ``extra_missing``. The geometry of a GeoJSON is read by
            `localizer.surveying.geojson.read_geojson`, which has reasons of its own.
    """
    try:
        return _read(data)
    except PlanError as error:
        raise PlanError(f"{name}: {error}", reason=error.reason) from error


def _read(data: bytes) -> Plan:
    if not data:
        raise PlanError(
            "a plan must not be empty, but got 0 bytes; upload it again", reason="empty"
        )
    if len(data) > MAX_PLAN_BYTES:
        raise PlanError(
            f"a plan must have at most {MAX_PLAN_BYTES / 1e6:g} MB, but got "
            f"{len(data) / 1e6:.1f} MB; export it smaller or as JPG",
            reason="too_large",
        )
    header = read_image_header(data)
    if header is not None:
        cleaned, size_px = read_raster(data, header)
        return Plan(header.media_type, size_px, cleaned)
    return _read_text(data)


def _read_text(data: bytes) -> Plan:
    start = _text_start(data)
    if start.startswith("{"):
        parse_geojson(data)
        return Plan(GEOJSON, None, data)
    if start.startswith("<"):
        cleaned, size_px = read_svg(data)
        return Plan(SVG, size_px, cleaned)
    raise PlanError(
        "a plan must be PNG, JPG, SVG or GeoJSON, but its content is "
        f"{foreign_format(data) or 'none of them'}; export it as PNG",
        reason="unknown_format",
    )


def _text_start(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data[:_TEXT_START].decode(encoding, errors="replace").lstrip()
