"""What an SVG may point at: its own parts and images that it carries, and only so often."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from xml.etree.ElementTree import Element

from localizer.errors import PlanError
from localizer.surveying.image_header import read_image_header
from localizer.surveying.raster_plan import refuse_many_pixels

MAX_EXPANDED: Final = 500_000
"""Elements that are drawn in the end, with every ``use`` counted as often as it is drawn. Ten
levels of ten uses each are 200 lines of text and 10 billion shapes: the phone would hang."""

_OUTWARD: Final = re.compile(
    r"\\|://|@import|image-set\s*\(|(?<![\w-])src\s*\(|expression\s*\(|-moz-binding|behavior\s*:"
    r"|(?:javascript|vbscript|data|file|blob)\s*:|url\s*\(\s*(?!['\"]?\s*#)",
    re.IGNORECASE,
)
"""What in an attribute or a style may leave the file. A backslash is among it: CSS escapes would
hide all others from this expression."""

_DATA_IMAGE: Final = re.compile(r"data:image/(?:png|jpe?g);base64,([A-Za-z0-9+/=\s]+)", re.I)
_HREFS: Final = ("href", "{http://www.w3.org/1999/xlink}href")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)


def refuse_references(text: str, where: str, *, image: bool = False, link: bool = False) -> None:
    """Refuse text of an SVG that points outside it.

    Args:
        text: an attribute's value or a style sheet.
        where: what to call it in an error.
        image: whether an embedded PNG or JPEG (a data link) is right here.
        link: whether the whole text is a link, which is outward whatever it says.

    Raises:
        PlanError: it points outside, or embeds an image that is too large or none.
    """
    if image and (found := _DATA_IMAGE.fullmatch(text)) is not None:
        _check_embedded(found[1], where)
        return
    outward = _OUTWARD.search(_COMMENT.sub("", text))
    if link or outward:
        raise PlanError(
            f"an SVG must hold all it shows, but {where} points outside: {text[:80]!r}; "
            "embed images, remove links, and save it as Plain SVG",
            reason="external_reference",
        )


def _check_embedded(text: str, where: str) -> None:
    try:
        header = read_image_header(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError) as error:
        raise PlanError(
            f"an embedded image must be valid base64, but {where} is not ({error}); embed it again",
            reason="truncated",
        ) from error
    if header is None:
        raise PlanError(
            f"an embedded image must be PNG or JPG, but {where} is neither; embed it as PNG",
            reason="unknown_format",
        )
    refuse_many_pixels(header)


def refuse_costly_uses(root: Element) -> None:
    """Refuse a drawing that repeats itself by ``use`` more than can be drawn.

    Raises:
        PlanError: a ``use`` draws itself, or all together draw more than `MAX_EXPANDED` elements.
    """
    named = {one.get("id"): one for one in root.iter() if one.get("id")}
    sizes: dict[int, int] = {}

    def size(element: Element, above: frozenset[int]) -> int:
        if id(element) in above:
            raise _costly("draws itself")
        if id(element) not in sizes:
            inner = above | {id(element)}
            total = 1 + sum(size(child, inner) for child in element)
            target = named.get(_target(element))
            if target is not None:
                total += size(target, inner)
            sizes[id(element)] = min(total, MAX_EXPANDED + 1)
        return sizes[id(element)]

    try:
        drawn = size(root, frozenset())
    except RecursionError as error:
        raise _costly("refers to itself through too many steps") from error
    if drawn > MAX_EXPANDED:
        raise _costly(f"would draw more than {MAX_EXPANDED:,} elements")


def _target(element: Element) -> str | None:
    if not str(element.tag).endswith("}use"):
        return None
    links = (element.get(name, "") for name in _HREFS)
    return next((link.strip()[1:] for link in links if link.strip().startswith("#")), None)


def _costly(what: str) -> PlanError:
    return PlanError(
        f"an SVG must be drawable, but its use elements {what}; convert symbols to plain shapes, "
        "or export it as PNG",
        reason="too_costly",
    )
