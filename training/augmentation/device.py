"""Each scan once more, as another receiver might have heard it."""

from __future__ import annotations

from typing import Final

import numpy as np

from training.augmentation.rows import Generated, Material, one_each

OFFSET_SD_DB: Final = 4.0
"""Between receivers, dB: phones differ by several dB at one place. More turns far into near."""

GAIN_SD: Final = 0.05
"""Of the factor around the survey's median reading: some receivers squeeze the scale a little."""


def device(material: Material, rng: np.random.Generator) -> Generated:
    """Return a copy of each scan through a receiver with an offset and a gain of its own.

    Both are drawn anew a copy. What falls below the quietest reading of the training side is not
    heard, as a deaf receiver would not hear it; a copy that hears nothing is left out.
    """
    table = material.table
    readings = table.rssi_dbm.astype(np.float64)
    middle, quietest = np.nanmedian(readings), np.nanmin(readings)
    gain = 1 + GAIN_SD * rng.standard_normal((len(table), 1))
    offset = OFFSET_SD_DB * rng.standard_normal((len(table), 1))
    heard = middle + gain * (readings - middle) + offset
    return one_each(table, np.where(heard < quietest, np.nan, heard)).heard()
