"""Where on the floor a method errs, and which way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from localizer.site import Site
from training.evaluation import Evaluation, MethodResult
from training.figures import figure, heading
from training.report import title_of

_MAP_COLOURS: Final = "YlOrRd"
_BEACON_COLOUR: Final = "#1f6feb"
_SCALE_SHARE: Final = 0.95
"""Of the places lie within the colour scale: one far error must not wash out the others."""
_DOT: Final = 55
_MOST_SHOWN: Final = 400
"""Places with arrows; more would be a thicket."""


class PlaceErrors(NamedTuple):
    """Errors by place on one floor."""

    place_m: NDArray[np.float64]
    """[places, 2]."""
    error_m: NDArray[np.float64]
    """[places], mean error."""
    pull_m: NDArray[np.float64]
    """[places, 2], mean of predicted minus true."""


def place_errors(
    evaluation: Evaluation, result: MethodResult, on: NDArray[np.bool_]
) -> PlaceErrors:
    """Return the mean error and pull at each place of the rows `on`, bool [n]."""
    position = evaluation.rows.position_m[on]
    place, index = np.unique(position, axis=0, return_inverse=True)
    count = np.bincount(index.ravel())
    error = np.bincount(index.ravel(), weights=result.errors.mean(axis=0)[on]) / count
    pull = result.predicted.mean(axis=0)[on] - position
    pulls = [np.bincount(index.ravel(), weights=part) / count for part in pull.T]
    return PlaceErrors(place, error, np.column_stack(pulls))


def plot_error_map(evaluation: Evaluation, result: MethodResult, site: Site, path: Path) -> None:
    """Draw the mean error at each place of the floor, and which way positions are pulled.

    A survey of several floors gets one picture a floor, `path` with the floor's id in its name.
    """
    floors = np.unique(evaluation.rows.floor)
    for floor in floors.tolist():
        on = np.asarray(evaluation.rows.floor == floor)
        where = path if len(floors) == 1 else path.with_name(f"{path.stem}-floor-{floor}.png")
        errors = place_errors(evaluation, result, on)
        what = f"{title_of(result)}: mean error at each place"
        if len(floors) > 1:
            what += f", floor {floor}"
        with figure(where, heading(evaluation, what), _size(site, floor)) as axes:
            _draw_floor(axes, site, floor)
            _draw_errors(axes, errors)


def _size(site: Site, floor: str) -> tuple[float, float]:
    x_min, y_min, x_max, y_max = site.bounds_m(floor)
    ratio = (y_max - y_min) / max(x_max - x_min, 1e-6)
    return 9.0, float(np.clip(7.2 * ratio + 1.6, 4.0, 9.0))


def _draw_floor(axes: Any, site: Site, floor_id: str) -> None:
    floor = site.floor(floor_id)
    corners = np.asarray([*floor.outline, floor.outline[0]])
    axes.fill(*corners.T, color="0.97", zorder=0)
    axes.plot(*corners.T, color="0.35", lw=1.4, zorder=1)
    for area in floor.blocked:
        axes.fill(*np.asarray(area).T, color="0.85", zorder=0)
    for wall in floor.walls:
        axes.plot(*np.asarray(wall).T, color="0.5", lw=1, zorder=1)
    hung = [
        b.position for b in site.beacons if b.position is not None and b.position.floor == floor_id
    ]
    axes.scatter(
        [p.x_m for p in hung],
        [p.y_m for p in hung],
        marker="^",
        s=70,
        facecolors="white",
        edgecolors=_BEACON_COLOUR,
        linewidths=1.6,
        zorder=4,
        label="beacon",
    )


def _draw_errors(axes: Any, errors: PlaceErrors) -> None:
    place, error, pull = errors
    top = float(np.quantile(error, _SCALE_SHARE))
    if len(place) <= _MOST_SHOWN:
        axes.quiver(
            *place.T,
            *pull.T,
            angles="xy",
            scale_units="xy",
            scale=1,
            color="0.45",
            width=1.8e-3,
            zorder=2,
        )
        said = "mean pull: from the place to where its scans are put"
        axes.plot([], [], color="0.45", lw=1.2, marker=">", ms=4, label=said)
    dots = axes.scatter(
        *place.T,
        c=error,
        s=_DOT,
        cmap=_MAP_COLOURS,
        vmin=0,
        vmax=max(top, 1e-6),
        edgecolors="0.3",
        linewidths=0.4,
        zorder=3,
        label="surveyed place",
    )
    extend = "max" if error.max() > top else "neither"
    axes.figure.colorbar(dots, label="mean error, m", shrink=0.8, extend=extend)
    axes.set(aspect="equal", xlabel="x, m", ylabel="y, m")
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3)
