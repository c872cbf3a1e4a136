"""A Gaussian process on what the weighted centroid gets wrong.

The weighted centroid knows the geometry and learns nothing; a process with mean 0 on its residuals
corrects it where the survey has scans alike, and leaves it alone where it has none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.catalogue import Settings


def residual_weights(
    squared_db2: NDArray[np.float64],
    residual_m: NDArray[np.float64],
    place: NDArray[np.int64],
    settings: Settings,
) -> NDArray[np.float32]:
    """Return the weights of the training rows' kernels, float32 [n, 2], metres.

    The correction of a scan is ``exp(-d^2 / (2 width_db^2)) @ weights`` with d its distance in dB
    to each training row: the posterior mean of Rasmussen and Williams 2006, equation 2.25. As only
    the ratio of noise to signal enters it, the signal is 1 and `noise` is that ratio. The noise of
    a row grows with the rows of its place, so that a place has one vote however often it was
    scanned.

    Args:
        squared_db2: [n, n], squared distances of the training rows.
        residual_m: [n, 2], truth minus weighted centroid.
        place: [n], the place of each row.
        settings: `width_db` and `noise`.
    """
    kernel = np.exp(-np.asarray(squared_db2, np.float64) / (2 * settings["width_db"] ** 2))
    scans = np.bincount(place)[place]
    kernel[np.diag_indices_from(kernel)] += settings["noise"] ** 2 * scans
    return np.asarray(np.linalg.solve(kernel, residual_m), np.float32)
