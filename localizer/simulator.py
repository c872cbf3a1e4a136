"""A building without a radio: what a receiver would hear at any place of a simulated floor."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from localizer.beacons import BeaconId
from localizer.errors import SiteError
from localizer.radio import RadioParameters
from localizer.scans import Advertisement
from localizer.shadowing import draw_shadowing
from localizer.site import Beacon, Site
from localizer.walkable import crossings, walls_array
from localizer.walker import Leg

LOUDEST_DBM = -1
"""What a packet is cut to, dBm: an RSSI is below 0, and no receiver reads more when touched."""

NEAREST_M = 0.1
"""Path loss does not shrink below this distance, metres: there the far-field model has ended."""

_NS_PER_MS = 1_000_000


class Stream(IntEnum):
    """Random streams of one seed, kept apart so that a change in one leaves the others alone."""

    FIELD = 0
    FADING = 1
    TIMING = 2
    WALK = 3
    SURVEY = 4

    def rng(self, seed: int) -> np.random.Generator:
        """Return this stream's generator from its beginning."""
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(self),)))


class SimulatedSite:
    """One floor of a site with its beacons and a fixed radio environment.

    Beacons of other floors, and beacons whose position nobody measured, are not heard.

    Args:
        site: the geometry.
        parameters: the radio environment.
        seed: fixes the shadowing, the timing and the fading.
        floor: which floor; the first one if left out.

    Raises:
        SiteError: there is no such floor, or no beacon with a position on it.
    """

    def __init__(
        self,
        site: Site,
        parameters: RadioParameters | None = None,
        seed: int = 0,
        *,
        floor: str | None = None,
    ) -> None:
        self.site = site
        self.parameters = parameters or RadioParameters()
        self.seed = seed
        self.floor = site.floor(site.floors[0].id if floor is None else floor)
        here = [(one.id, at) for one in site.beacons if (at := self._place_m(one)) is not None]
        if not here:
            raise SiteError(
                f"a simulated floor must have a beacon with a position, but floor "
                f"{self.floor.id!r} of site {site.id!r} has none; add one to the site file"
            )
        self.beacons: tuple[BeaconId, ...] = tuple(beacon_id for beacon_id, _ in here)
        """Who is heard on this floor; the order of the columns of every array."""
        self._beacons_m = np.array([at for _, at in here])
        self._walls = walls_array(self.floor.walls)
        self._shadowing = draw_shadowing(
            site.bounds_m(self.floor.id),
            len(here),
            sd_db=self.parameters.shadowing_sd_db,
            distance_m=self.parameters.shadowing_distance_m,
            rng=Stream.FIELD.rng(seed),
        )

    def _place_m(self, beacon: Beacon) -> tuple[float, float] | None:
        at = beacon.position
        return None if at is None or at.floor != self.floor.id else (at.x_m, at.y_m)

    def expected_rssi_dbm(
        self, positions: ArrayLike, *, headings_deg: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return the local mean power of every beacon: all that does not change between packets.

        Fading has mean 1 in milliwatts, so the mean of the packets in dB lies lower: by 1.5 dB with
        the default factor of Rice, by 2.5 dB without a direct path. Sensitivity is not applied.

        Args:
            positions: float [n, 2], metres.
            headings_deg: where the person at each position faces, float [n], degrees; None for
                nobody in the way.

        Returns:
            float64 [n, n_beacons], dBm.
        """
        points = np.asarray(positions, dtype=np.float64).reshape(-1, 2)
        n, b = len(points), len(self.beacons)
        headings = None if headings_deg is None else np.asarray(headings_deg, dtype=np.float64)
        beacon = np.tile(np.arange(b), n)
        far = None if headings is None else np.repeat(headings, b)
        return self._mean_dbm(np.repeat(points, b, axis=0), beacon, far).reshape(n, b)

    def _mean_dbm(
        self,
        xy_m: NDArray[np.float64],
        beacon: NDArray[np.intp],
        headings_deg: NDArray[np.float64] | None,
    ) -> NDArray[np.float64]:
        p, to_beacon = self.parameters, self._beacons_m[beacon] - xy_m
        distance_m = np.sqrt((to_beacon**2).sum(axis=1) + p.height_m**2)
        mean = p.rssi_at_1m_dbm - 10 * p.exponent * np.log10(np.maximum(distance_m, NEAREST_M))
        mean -= p.wall_loss_db * crossings(xy_m, self._beacons_m[beacon], self._walls).sum(axis=1)
        mean += self._shadowing.at(xy_m, beacon) + p.receiver_offset_db
        if headings_deg is not None and p.body_loss_db > 0:
            bearing = np.arctan2(to_beacon[:, 1], to_beacon[:, 0])
            mean -= p.body_loss_db * (1 - np.cos(bearing - np.radians(headings_deg))) / 2
        result: NDArray[np.float64] = mean
        return result

    def packets_dbm(
        self, mean_dbm: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return what a receiver reads for one packet of each mean: whole dBm, NaN if not heard.

        Rician fading, independent from packet to packet: advertisements hop over three channels and
        people move in between.

        Args:
            mean_dbm: local mean power, float64 of any shape, dBm.
            rng: the stream that fading and loss are drawn from.
        """
        p = self.parameters
        rssi = mean_dbm + _fading_db(p.rician_k_db, mean_dbm.shape, rng)
        heard = (rng.random(mean_dbm.shape) >= p.packet_loss) & (rssi >= p.sensitivity_dbm)
        return np.where(heard, np.minimum(np.rint(rssi), LOUDEST_DBM), np.nan)

    def with_receiver(self, *, offset_db: float, body_loss_db: float) -> SimulatedSite:
        """Return the same floor, shadowing and seed, heard by another receiver.

        Raises:
            ConfigError: a value is out of range.
        """
        other = copy.copy(self)
        other.parameters = replace(
            self.parameters, receiver_offset_db=offset_db, body_loss_db=body_loss_db
        )
        return other

    def advertisements(
        self, path: Iterable[Leg], *, seed: int | None = None
    ) -> Iterator[Advertisement]:
        """Yield what is heard along a path, in the order of time; the path may be endless.

        The same site, seed and path give the same advertisements, call after call.

        Args:
            path: legs without gaps in time.
            seed: fixes timing and fading; the site's own if left out.
        """
        for _, heard in self.heard_along(path, seed=seed):
            yield from heard

    def heard_along(
        self, path: Iterable[Leg], *, seed: int | None = None
    ) -> Iterator[tuple[Leg, list[Advertisement]]]:
        """Yield each leg of a path with what is heard in it; for who must know of silence too."""
        p, b = self.parameters, len(self.beacons)
        seed = self.seed if seed is None else seed
        fading, timing = Stream.FADING.rng(seed), Stream.TIMING.rng(seed)
        due_ns = timing.uniform(0, p.interval_ms * _NS_PER_MS, b)
        for leg in path:
            times_ns, beacon, due_ns = self._send(leg, due_ns, timing)
            yield leg, self._hear(leg, times_ns, beacon, fading)

    def _send(
        self, leg: Leg, due_ns: NDArray[np.float64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.float64]]:
        """Return when who sends in a leg (sorted), and when each sends next, from the leg's end."""
        p, length_ns = self.parameters, leg.end_ns - leg.start_ns
        most = math.ceil(length_ns / (p.interval_ms * _NS_PER_MS)) + 1
        jitter_ms = rng.uniform(0, p.jitter_ms, (len(self.beacons), most))
        waits_ns = np.cumsum((p.interval_ms + jitter_ms) * _NS_PER_MS, axis=1)
        times_ns = due_ns[:, None] + np.hstack([np.zeros_like(due_ns)[:, None], waits_ns])
        in_leg = times_ns < length_ns
        next_ns = np.take_along_axis(times_ns, in_leg.sum(axis=1)[:, None], axis=1)[:, 0]
        beacon = np.nonzero(in_leg)[0]
        order = np.argsort(times_ns[in_leg], kind="stable")
        return times_ns[in_leg][order].astype(np.int64), beacon[order], next_ns - length_ns

    def _hear(
        self,
        leg: Leg,
        times_ns: NDArray[np.int64],
        beacon: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> list[Advertisement]:
        share = times_ns[:, None] / max(1, leg.end_ns - leg.start_ns)
        xy_m = np.array(leg.from_m) * (1 - share) + np.array(leg.to_m) * share
        mean_dbm = self._mean_dbm(xy_m, beacon, np.full(len(beacon), leg.heading_deg))
        rssi_dbm = self.packets_dbm(mean_dbm, rng)
        heard, power_dbm = ~np.isnan(rssi_dbm), self.parameters.rssi_at_1m_dbm
        packets = zip(
            times_ns[heard].tolist(), beacon[heard].tolist(), rssi_dbm[heard].tolist(), strict=True
        )
        return [
            Advertisement(self.beacons[who], rssi, leg.start_ns + time_ns, power_dbm)
            for time_ns, who, rssi in packets
        ]


def _fading_db(
    k_db: float, shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return Rician power gains of mean 1 (in linear units), float64, dB."""
    direct = 1.0 if k_db == math.inf else 10 ** (k_db / 10) / (1 + 10 ** (k_db / 10))
    scattered = rng.standard_normal((2, *shape)) * math.sqrt((1 - direct) / 2)
    power = (math.sqrt(direct) + scattered[0]) ** 2 + scattered[1] ** 2
    # A power of exactly 0 has no logarithm; the smallest positive one is below any sensitivity.
    result: NDArray[np.float64] = 10 * np.log10(np.maximum(power, np.finfo(np.float64).tiny))
    return result
