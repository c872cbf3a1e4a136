"""A site of two floors alike, made of the simulated one: twice its beacons, a ceiling between."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from localizer.beacons import BeaconId
from localizer.site import Beacon, Position, Site
from localizer.table import FingerprintTable
from tests.training.simulated import small_site, small_table

CEILING_DB = 14.0
HEARD_DBM = -95.0


@cache
def two_floor_site() -> Site:
    one = small_site()
    ground = one.floors[0]
    upper = replace(ground, id="upper", name="Upper floor")
    above = [
        Beacon(
            BeaconId(f"{b.id}-upper"),
            None if b.position is None else Position(b.position.x_m, b.position.y_m, "upper"),
        )
        for b in one.beacons
    ]
    return Site("two", "Two floors", (ground, upper), (*one.beacons, *above), "a test")


@cache
def two_floor_table() -> FingerprintTable:
    """The scans of the simulated floor on both: those of the other floor are 14 dB weaker."""
    own = small_table()
    rng = np.random.default_rng(3)
    far = own.rssi_dbm - CEILING_DB + rng.normal(0, 4, own.rssi_dbm.shape).astype(np.float32)
    far = np.where(far > HEARD_DBM, far, np.nan).astype(np.float32)
    rssi = np.concatenate([np.hstack([own.rssi_dbm, far]), np.hstack([far, own.rssi_dbm])])
    twice = own.rows(np.tile(np.arange(len(own)), 2))
    return replace(
        twice,
        beacons=tuple(beacon.id for beacon in two_floor_site().beacons),
        rssi_dbm=rssi,
        mask=~np.isnan(rssi),
        floor=np.repeat([str(own.floor[0]), "upper"], len(own)),
    )
