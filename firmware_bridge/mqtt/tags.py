"""The other direction of the geometry: fixed receivers hear a tag that moves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SiteError
from localizer.scans import Advertisement

_LONGEST_NAME: Final = 64
"""Characters of a receiver's name, as in `localizer.beacons`."""


def receiver_name(text: str) -> str:
    """Return a gateway's name as ids have it: lower case, ``-`` for what is no letter or digit.

    ``Living Room`` becomes ``living-room``.

    Raises:
        SiteError: nothing of the name is left.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", text.strip().lower()).strip("._-")[:_LONGEST_NAME]
    if not name:
        raise SiteError(
            f"a receiver must have a name with a letter or a digit, but got {text!r}; "
            "give the gateway a name"
        )
    return name


def to_track(advertisement: Advertisement) -> Advertisement:
    """Turn what a fixed receiver heard of a tag into what the tag has of that receiver.

    The receiver takes the place of the beacon, ``receiver:<name>``: it is what stands still.

    Raises:
        SiteError: the advertisement does not say who heard it.
    """
    if advertisement.receiver is None:
        raise SiteError(
            f"an advertisement of a tag must name its receiver, but one of {advertisement.beacon} "
            "does not; record it from a source with several receivers"
        )
    beacon = parse_beacon_id(f"receiver:{advertisement.receiver}")
    return replace(advertisement, beacon=beacon, receiver=None)


def split_by_tag(
    advertisements: Iterable[Advertisement],
) -> dict[BeaconId, list[Advertisement]]:
    """Split what fixed receivers heard into one track a tag, each turned by `to_track`.

    Args:
        advertisements: recorded with ``direction=receivers-move``, so that the beacon is the tag.

    Returns:
        By tag, in the order of the first packets; the order within a track is kept.

    Raises:
        SiteError: an advertisement does not say who heard it.
    """
    tracks: dict[BeaconId, list[Advertisement]] = {}
    for one in advertisements:
        tracks.setdefault(one.beacon, []).append(to_track(one))
    return tracks
