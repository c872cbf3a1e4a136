"""What is heard while somebody stands at a point, kept so that it can be judged at any moment."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, s_to_ns
from localizer.scans import Advertisement
from localizer.survey import WINDOW_S, Recording, Visit
from localizer.surveying.quality import StandRecording

MAX_READINGS: Final = 2_000
"""RSSIs of one beacon that are kept: over three minutes at ten a second. What comes later is
recorded all the same; a stand that was good until then is judged by that."""

MAX_BEACONS: Final = 1_000
"""Beacons that are kept, so that made-up ids do not fill the memory."""


_WINDOW_NS: Final = s_to_ns(WINDOW_S)


class Standing:
    """One stand at a point, from the packet after its start on.

    Args:
        recording: the stand.
        neighbours: what was recorded at the points around.
        beacons: those of the site; empty if nobody has said which there are.
    """

    def __init__(
        self, recording: Recording, neighbours: tuple[Visit, ...], beacons: Collection[BeaconId]
    ) -> None:
        self.recording = recording
        self.neighbours = neighbours
        heard = {beacon for visit in neighbours for beacon in visit.heard}
        self.retired = frozenset(heard.difference(beacons)) if beacons else frozenset()
        """Who was heard around here and is none of the site's: nobody waits for them."""
        self._readings: dict[BeaconId, list[float]] = {}
        self._heard_in: set[int] = set()

    def take(self, advertisement: Advertisement) -> None:
        """Take one packet."""
        self._heard_in.add((advertisement.time_ns - self.recording.started_ns) // _WINDOW_NS)
        readings = self._readings.get(advertisement.beacon)
        if readings is None:
            if len(self._readings) >= MAX_BEACONS:
                return
            readings = self._readings[advertisement.beacon] = []
        if len(readings) < MAX_READINGS:
            readings.append(advertisement.rssi_dbm)

    def so_far(self, now_ns: int) -> StandRecording:
        """Return what was heard up to now; the lists in it grow on."""
        duration_ns = now_ns - self.recording.started_ns
        whole = range(duration_ns // _WINDOW_NS)
        scans = sum(window in whole for window in self._heard_in)
        return StandRecording(duration_ns / NS_PER_S, self._readings, scans)
