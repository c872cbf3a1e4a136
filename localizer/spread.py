"""How far a position may be off: discs and covariances of distributions over a floor's cells.

It stands here alone: what training scores is what the edge sends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.manifest import Grid

Array = NDArray[np.float64]

SHARES: Final = (0.68, 0.95)
"""Of the mass, in the discs that a fix shows as r68 and r95."""

_CHUNK: Final = 64
"""Rows at a time: each holds [rows, grid] distances, which a processor's cache takes, 0.4 MB at 700
cells."""


class FloorCells:
    """Square cells of one size that distributions are over."""

    def __init__(self, centres_m: NDArray[np.floating], cell_m: float) -> None:
        """Take the cells.

        Args:
            centres_m: [grid, 2], metres.
            cell_m: their side, metres.
        """
        self.centres_m: Array = np.asarray(centres_m, np.float64)
        self.cell_m = cell_m
        # Coordinates from the middle: far from the origin squares lose their digits.
        self._middle = self.centres_m.mean(axis=0)
        x, y = (self.centres_m - self._middle).T
        self._moments = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
        self._x, self._y = (np.ascontiguousarray(axis) for axis in self.centres_m.T)

    @classmethod
    def of(cls, grid: Grid) -> FloorCells:
        """Return the cells of a bundle's grid."""
        xs = grid.x0_m + np.arange(grid.columns) * grid.cell_m
        ys = grid.y0_m + np.arange(grid.rows) * grid.cell_m
        return cls(np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2), grid.cell_m)

    def radii_m(
        self,
        log_probability: NDArray[np.floating],
        position_m: NDArray[np.floating],
        *,
        shares: Sequence[float] = SHARES,
    ) -> Array:
        """Return the radii of the discs about each position that hold shares of the mass.

        A disc reaches the centre of the cell with which the share is full, and is never smaller
        than a disc with that share of one cell's area: within a cell the grid knows nothing.

        Args:
            log_probability: [n, grid], natural logarithms of shares that sum to 1.
            position_m: [n, 2], metres, the centres of the discs.
            shares: of the mass, 0..1.

        Returns:
            Float64 [n, shares], metres; NaN where a probability or a position is NaN.
        """
        least = np.sqrt(np.asarray(shares) / math.pi) * self.cell_m

        def radii(rows: slice) -> Array:
            position = np.asarray(position_m[rows], np.float64)
            away = (position[:, :1] - self._x) ** 2 + (position[:, 1:] - self._y) ** 2
            order = np.argsort(away, axis=1)
            mass = np.take_along_axis(np.exp(log_probability[rows]), order, axis=1)
            filled = mass.cumsum(axis=1, dtype=np.float64)
            # Shares in float32 sum to a little more or less than 1.
            full = [(filled >= share * filled[:, -1:]).argmax(axis=1) for share in shares]
            last = np.take_along_axis(order, np.stack(full, axis=1), axis=1)
            reach = np.sqrt(np.take_along_axis(away, last, axis=1))
            known = np.isfinite(filled[:, -1:]) & np.isfinite(away[:, :1])
            return np.where(known, np.maximum(reach, least), np.nan)

        return by_chunk(radii, len(position_m), _CHUNK, width=(len(shares),))

    def covariance_m2(
        self, log_probability: NDArray[np.floating], position_m: NDArray[np.floating]
    ) -> Array:
        """Return the second moments of the truth about each position, m^2.

        About the position and not about the distribution's mean, since that is what the position
        may be off by. Exact for mass that is even within each cell: a distribution on one cell
        has the spread of a cell, and no filter divides by 0.

        Args:
            log_probability: [n, grid], natural logarithms of shares that sum to 1.
            position_m: [n, 2], metres.

        Returns:
            Float64 [n, 2, 2], m^2; NaN where a probability or a position is NaN.
        """
        within = self.cell_m**2 / 12

        def moments(rows: slice) -> Array:
            sums = np.exp(log_probability[rows]).astype(np.float64) @ self._moments
            mx, my, mxx, mxy, myy = (sums[:, 1:] / sums[:, :1]).T
            px, py = (np.asarray(position_m[rows], np.float64) - self._middle).T
            xx = mxx - 2 * px * mx + px * px + within
            xy = mxy - px * my - py * mx + px * py
            yy = myy - 2 * py * my + py * py + within
            return np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2)

        return by_chunk(moments, len(position_m), _CHUNK, width=(2, 2))


def by_chunk(
    score: Callable[[slice], Array], rows: int, chunk: int, *, width: tuple[int, ...] = ()
) -> Array:
    """Return what `score` gives for all rows, [rows, *width], asked for `chunk` rows at a time."""
    if rows <= chunk:
        return score(slice(0, rows)) if rows else np.empty((0, *width))
    return np.concatenate([score(slice(at, at + chunk)) for at in range(0, rows, chunk)])
