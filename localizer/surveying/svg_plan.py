"""SVG floor plans: drawing elements alone, nothing that runs, and nothing from outside the file.

What could run or reach out is refused, since its author meant something by it; what merely does not
draw (metadata, an editor's own notes, comments) is left out. defusedxml (extra ``survey``) is
imported here alone.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree import ElementTree  # builds and writes; only defusedxml parses

from localizer.errors import PlanError
from localizer.surveying.svg_references import refuse_costly_uses, refuse_references

SVG: Final = "image/svg+xml"

MAX_SVG_BYTES: Final = 8_000_000
"""Of an SVG. It grows tenfold as a tree in memory; drawings of a whole building stay below 5 MB."""

MAX_DEPTH: Final = 100
"""Of nested elements: drawing programs stay below 20, and walking a tree takes stack."""

SIDE_PX: Final = (1000.0, 4096.0)
"""Least and greatest longer side at which an SVG is shown, pixels: a drawing of 24 x 16 units would
else have 24 places to tap on, and one of 100,000 would exceed what phones draw."""

_SVG_NS: Final = "http://www.w3.org/2000/svg"
_XLINK_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"
_BASE: Final = "{http://www.w3.org/XML/1998/namespace}base"

_DRAWING: Final = frozenset(
    {
        *("svg", "g", "defs", "symbol", "use", "switch", "title", "desc", "style", "image"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("text", "tspan", "textPath", "clipPath", "mask", "pattern", "marker"),
        *("linearGradient", "radialGradient", "stop", "filter", "feBlend", "feColorMatrix"),
        *("feComponentTransfer", "feComposite", "feFlood", "feFuncA", "feFuncB", "feFuncG"),
        *("feFuncR", "feGaussianBlur", "feMerge", "feMergeNode", "feMorphology", "feOffset"),
    }
)

_ACTIVE: Final = frozenset(
    {
        *("script", "foreignobject", "iframe", "embed", "object", "audio", "video", "canvas"),
        *("handler", "listener", "discard"),
        *("animate", "set", "animatemotion", "animatetransform", "animatecolor"),
    }
)
"""Elements that run, or change others while the plan is shown; in any namespace and case."""

_UNITS_PX: Final = {
    "": 1.0,
    "px": 1.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "in": 96.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
}
"""CSS pixels in a unit (CSS Values and Units 4, 6.2)."""

_LENGTH: Final = re.compile(r"\s*([0-9.]+(?:[eE][+-]?\d+)?)\s*([a-z]*)\s*")


def read_svg(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """Return an SVG with nothing but drawing in it, and its size in pixels.

    Raises:
        PlanError: it is no SVG, says no size, has a DTD, entities, scripts, event handlers,
            embedded documents or references to anything outside itself, or defusedxml is missing.
    """
    if len(data) > MAX_SVG_BYTES:
        raise PlanError(
            f"an SVG must have at most {MAX_SVG_BYTES / 1e6:g} MB, but got {len(data) / 1e6:.1f} "
            "MB; export the plan as PNG",
            reason="too_large",
        )
    root = _parsed(data)
    if root.tag != f"{{{_SVG_NS}}}svg":
        raise PlanError(
            f"an SVG must begin with an svg element in {_SVG_NS}, but got {root.tag!r}; "
            "save the plan as Plain SVG",
            reason="unknown_format",
        )
    _refuse_deep(root)
    _clean(root)
    refuse_costly_uses(root)
    size_px = _set_size(root)
    ElementTree.register_namespace("", _SVG_NS)
    ElementTree.register_namespace("xlink", _XLINK_HREF[1:].partition("}")[0])
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written, size_px


def _parsed(data: bytes) -> ElementTree.Element:
    try:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import fromstring
    except ImportError as error:
        raise PlanError(
            "SVG plans need defusedxml, which is not installed; install the extra: "
            "pip install 'ble-localizer[survey]'",
            reason="extra_missing",
        ) from error
    try:
        root: ElementTree.Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise PlanError(
            "an SVG must have no DOCTYPE and no entities, which can make a small file fill the "
            f"memory, but got {type(error).__name__}; save it as Plain SVG, or delete the DOCTYPE",
            reason="entities",
        ) from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise PlanError(
            f"an SVG must be well-formed XML, but {error}; export it again", reason="not_xml"
        ) from error
    return root


def _refuse_deep(root: ElementTree.Element) -> None:
    level, depth = [root], 0
    while level:
        level, depth = [child for element in level for child in element], depth + 1
        if depth > MAX_DEPTH:
            raise PlanError(
                f"an SVG must nest at most {MAX_DEPTH} elements, but this one goes deeper; "
                "ungroup the drawing, or export it as PNG",
                reason="too_costly",
            )


def _clean(element: ElementTree.Element) -> None:
    """Refuse what runs or reaches out, and take out what does not draw; also of descendants."""
    _clean_attributes(element)
    if _name(element) == "style":
        refuse_references(element.text or "", "a style element")
    for child in list(element):
        # Judged before it may be left out: a script in the wrong namespace is still meant as one.
        if _local(child.tag).lower() in _ACTIVE:
            raise PlanError(
                f"an SVG must hold drawing alone, but got <{_local(child.tag)}>, which runs while "
                "it is shown; save it as Plain SVG without scripts and animation",
                reason="active_content",
            )
        if _name(child) in _DRAWING:
            _clean(child)
        else:
            _refuse_hidden(child)
            element.remove(child)


def _refuse_hidden(dropped: ElementTree.Element) -> None:
    for inside in dropped.iter():
        if _local(inside.tag).lower() in _ACTIVE:
            raise PlanError(
                f"an SVG must hold drawing alone, but got <{_local(inside.tag)}> within "
                f"<{_local(dropped.tag)}>; save it as Plain SVG",
                reason="active_content",
            )


def _clean_attributes(element: ElementTree.Element) -> None:
    for name, value in list(element.attrib.items()):
        if _local(name).lower().startswith("on"):
            raise PlanError(
                f"an SVG must hold drawing alone, but <{_local(element.tag)}> has the event "
                f"handler {_local(name)!r}; save it as Plain SVG",
                reason="active_content",
            )
        if name in ("href", _XLINK_HREF) or name == _BASE or _local(name) == "src":
            _check_link(element, name, value)
        elif name.startswith("{") and name != _SPACE:
            del element.attrib[name]  # an editor's own notes
        else:
            refuse_references(value, f"attribute {name!r} of <{_local(element.tag)}>")


def _check_link(element: ElementTree.Element, name: str, value: str) -> None:
    link = value.strip()
    inside = link.startswith("#") and name in ("href", _XLINK_HREF)
    if not inside:
        refuse_references(
            link,
            f"{_local(name)!r} of <{_local(element.tag)}>",
            image=_name(element) == "image" and name in ("href", _XLINK_HREF),
            link=True,
        )


def _set_size(root: ElementTree.Element) -> tuple[int, int]:
    """Give the drawing a size in whole pixels that a browser will show it at, and return that."""
    width, height = (_length_px(root.get(side)) for side in ("width", "height"))
    box = _view_box(root.get("viewBox"))
    if box is not None and (width is None or height is None):
        width, height = box
    if width is None or height is None:
        raise PlanError(
            "an SVG must say its size by width and height or a viewBox, but got "
            f"width={root.get('width')!r}, height={root.get('height')!r} and "
            f"viewBox={root.get('viewBox')!r}; set the page size and export it again",
            reason="no_size",
        )
    if box is None:
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    longest = max(width, height)
    scale = min(max(longest, SIDE_PX[0]), SIDE_PX[1]) / longest
    size_px = (max(1, round(width * scale)), max(1, round(height * scale)))
    root.set("width", str(size_px[0]))
    root.set("height", str(size_px[1]))
    return size_px


def _length_px(text: str | None) -> float | None:
    found = _LENGTH.fullmatch(text or "")
    if found is None or found[2] not in _UNITS_PX:
        return None
    try:
        length = float(found[1]) * _UNITS_PX[found[2]]
    except ValueError:
        return None
    return length if 0 < length < 1e9 else None


def _view_box(text: str | None) -> tuple[float, float] | None:
    try:
        _, _, width, height = (float(part) for part in (text or "").replace(",", " ").split())
    except ValueError:
        return None
    return (width, height) if 0 < width < 1e9 and 0 < height < 1e9 else None


def _local(tag: Any) -> str:
    return str(tag).rpartition("}")[2]


def _name(element: ElementTree.Element) -> str:
    """Return the name of an SVG element, "" for one of another namespace."""
    tag = str(element.tag)
    return _local(tag) if tag.startswith(f"{{{_SVG_NS}}}") else ""
