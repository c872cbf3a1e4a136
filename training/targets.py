"""How positions are scaled for a network's output, and back."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from localizer.errors import ConfigError
from localizer.manifest import TargetScale
from localizer.site import Site

PAPER_TURN_CELLS: Final = (23.0, 18.0)
"""The code of arXiv:2006.08925 maps a label to x = 87 - ord(letter), y = row: the right-handed
frame of the UCI site turned by 180 degrees, x' = 23 - x and y' = 18 - y in cells."""


def target_scale(kind: Literal["box", "paper"], site: Site, floor_id: str) -> TargetScale:
    """Return the scale of a kind of target.

    Raises:
        ConfigError: the floor has no extent, or the paper's target was asked of a site without
            grid cells.
    """
    if kind == "box":
        x_min, y_min, x_max, y_max = site.bounds_m(floor_id)
        # One scale for both axes: an error of a metre weighs the same in x as in y.
        half = max(x_max - x_min, y_max - y_min) / 2
        if half <= 0:
            raise ConfigError(
                f"floor {floor_id!r} must have an extent, but its outline is one point; "
                "correct it in the site"
            )
        middle = ((x_min + x_max) / 2, (y_min + y_max) / 2)
        return TargetScale(offset_m=middle, scale_m=(half, half))
    if site.cell_m is None:
        raise ConfigError(
            f"target 'paper' needs a site with cell_m, but site {site.id!r} has none; use 'box'"
        )
    x, y = (cells * site.cell_m for cells in PAPER_TURN_CELLS)
    return TargetScale(offset_m=(x, y), scale_m=(-site.cell_m, -site.cell_m))


def to_scaled(position_m: NDArray[np.float64], scale: TargetScale) -> NDArray[np.float32]:
    """Return positions [n, 2] in metres as float32 targets [n, 2] of a network."""
    scaled = (position_m - np.asarray(scale.offset_m)) / np.asarray(scale.scale_m)
    return np.asarray(scaled, np.float32)
