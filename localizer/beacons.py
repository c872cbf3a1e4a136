"""Who was heard: the canonical identity of a beacon, taken from its payload."""

from __future__ import annotations

import re
from typing import Final, NewType

from localizer.errors import SiteError

BeaconId = NewType("BeaconId", str)
"""Canonical lower-case text such as ``ibeacon:<uuid>:1:7`` or ``name:uci:b3001``."""

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME: Final = r"[a-z0-9][a-z0-9._-]{0,63}"
_FORMS: Final[dict[str, str]] = {
    "ibeacon": rf"ibeacon:{_UUID}:\d{{1,5}}:\d{{1,5}}",
    "eddystone": r"eddystone:[0-9a-f]{20}:[0-9a-f]{12}",
    "altbeacon": r"altbeacon:[0-9a-f]{40}",
    "name": rf"name:{_NAME}:{_NAME}",
    "receiver": rf"receiver:{_NAME}",
}
"""One regular expression a scheme. MAC addresses have none: they rotate, and identify a person."""

_PATTERNS: Final = {scheme: re.compile(form) for scheme, form in _FORMS.items()}
_MAX_16_BIT: Final = 65_535


def parse_beacon_id(text: str) -> BeaconId:
    """Return the canonical form of a beacon id.

    Args:
        text: any-case id, ``scheme:…`` with a scheme of ``ibeacon``, ``eddystone``, ``altbeacon``,
            ``name`` or ``receiver``.

    Raises:
        SiteError: the text is of no known form, or a major or minor does not fit in 16 bits.
    """
    canonical = text.strip().lower()
    scheme = canonical.partition(":")[0]
    pattern = _PATTERNS.get(scheme)
    if pattern is None or pattern.fullmatch(canonical) is None:
        raise SiteError(
            f"a beacon id must have one of the forms {', '.join(_examples())}, but got {text!r}; "
            "write the id as the beacon's payload gives it"
        )
    return _ibeacon(canonical, text) if scheme == "ibeacon" else BeaconId(canonical)


def _ibeacon(canonical: str, text: str) -> BeaconId:
    scheme, uuid, major, minor = canonical.split(":")
    if max(int(major), int(minor)) > _MAX_16_BIT:
        raise SiteError(f"major and minor of an iBeacon must be 0 to 65535, but got {text!r}")
    # Without leading zeros: one beacon has one id.
    return BeaconId(f"{scheme}:{uuid}:{int(major)}:{int(minor)}")


def _examples() -> list[str]:
    return [
        "ibeacon:UUID:MAJOR:MINOR",
        "eddystone:NAMESPACE:INSTANCE",
        "altbeacon:ID",
        "name:SITE:ID",
        "receiver:ID",
    ]
