"""A whole survey of a simulated floor: reference points over several sessions, and a walk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, s_to_ns
from localizer.errors import ConfigError
from localizer.scans import Advertisement, Fingerprint, Role, Scan, Session
from localizer.simulator import SimulatedSite, Stream
from localizer.site import Position, Site
from localizer.survey import build_survey
from localizer.walkable import grid_points_m
from localizer.walker import legs_until, random_walk
from localizer.windower import Windower

SCAN_S: Final = 3.0
"""Length of a scan, seconds: 15 packets of a beacon that sends every 200 ms."""

STEP_S: Final = 5.0
"""From one place to the next, seconds: a few metres at walking speed, and a tap on the phone."""

POSITION_SD_M: Final = 0.3
"""How well somebody stands on a point of the plan, metres; the true place differs by that much."""

MS_PER_S: Final = 1_000
"""Milliseconds in a second."""

FIRST_DAY: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""When the first session starts; each of the others a day after the one before."""


@dataclass(frozen=True, slots=True)
class SimulatedSession:
    """One campaign: who walks, with what, and which way round."""

    id: str
    role: Role = "development"
    device: str = "simulated phone"
    receiver_offset_db: float = 0.0
    """What this receiver reads above the reference one, dB."""
    body_loss_db: float = 6.0
    """Loss straight behind the surveyor, dB."""
    heading_deg: float = 0.0
    """Where the surveyor faces at every place, degrees counter-clockwise from +x."""
    walk_s: float = 0.0
    """0 for a labelled session; else the length of an unlabelled walk instead, seconds."""


SESSIONS: Final = (
    SimulatedSession("s1", receiver_offset_db=0.0, heading_deg=0.0),
    SimulatedSession("s2", receiver_offset_db=-2.0, heading_deg=90.0),
    SimulatedSession("s3", receiver_offset_db=1.5, heading_deg=180.0),
    SimulatedSession("s4", receiver_offset_db=-4.0, device="other phone", heading_deg=270.0),
    SimulatedSession("s5", "sealed", receiver_offset_db=-1.0, heading_deg=45.0),
    SimulatedSession("walk", receiver_offset_db=-1.0, walk_s=300.0),
)
"""Four sessions to fit on, one sealed that differs from each of them, and five minutes of walking
without labels."""


def simulate_survey(
    site: Site | SimulatedSite,
    survey_path: Path,
    *,
    seed: int,
    step_m: float = 2.0,
    scans_per_place: int = 5,
    sessions: Sequence[SimulatedSession] = SESSIONS,
) -> int:
    """Simulate a survey of one floor into a new survey file, which replaces an old one.

    Every labelled session visits all points of a grid over the walkable area in an order of its
    own. The floor and its shadowing are the same in all sessions and in `SimulatedSite(site,
    seed=seed)`; offset, body, fading and where exactly the surveyor stands are not.

    Args:
        site: the building, of which the first floor is surveyed; or a simulated floor, for other
            radio parameters.
        survey_path: the file.
        seed: fixes everything that is random.
        step_m: distance of neighbouring reference points, metres.
        scans_per_place: scans of `SCAN_S` in one visit.
        sessions: the campaigns, in the order of their days; one of them sealed.

    Returns:
        How many fingerprints were written.

    Raises:
        ConfigError: a number is out of range, no session is sealed, or no point can be walked to.
        SiteError: the floor cannot be simulated.
        SurveyError: the file cannot be written, or a session id stands twice.
    """
    _check(step_m, scans_per_place, sessions)
    base = site if isinstance(site, SimulatedSite) else SimulatedSite(site, seed=seed)
    points_m = grid_points_m(base.floor, step_m)
    if not len(points_m):
        raise ConfigError(
            f"a floor must hold a point of the grid, but with step_m={step_m} none is walkable; "
            "take a smaller step"
        )
    rng = Stream.SURVEY.rng(seed)
    count = 0
    with build_survey(survey_path, base.site) as survey:
        for day, session in enumerate(sessions):
            survey.add_session(Session(session.id, session.role, session.device, "simulated"))
            floor = base.with_receiver(
                offset_db=session.receiver_offset_db, body_loss_db=session.body_loss_db
            )
            campaign = _Campaign(floor, session, FIRST_DAY + timedelta(days=day))
            if session.walk_s > 0:
                rows = campaign.walk(seed=int(rng.integers(2**32)))
            else:
                rows = campaign.visits(rng.permutation(points_m), scans_per_place, rng)
            count += survey.add(rows)
    return count


def _check(step_m: float, scans_per_place: int, sessions: Sequence[SimulatedSession]) -> None:
    if not (math.isfinite(step_m) and step_m > 0):
        raise ConfigError(f"`step_m > 0` must hold, but got {step_m!r}")
    if scans_per_place < 1:
        raise ConfigError(f"`scans_per_place >= 1` must hold, but got {scans_per_place!r}")
    if not any(session.role == "sealed" for session in sessions):
        raise ConfigError(
            "a simulated survey must have a sealed session for the final evaluation, but got "
            f"{[session.id for session in sessions]}, all for development; seal one"
        )


@dataclass(frozen=True, slots=True)
class _Campaign:
    floor: SimulatedSite
    session: SimulatedSession
    start: datetime

    def visits(
        self, places_m: NDArray[np.float64], scans_per_place: int, rng: np.random.Generator
    ) -> Iterator[Fingerprint]:
        """Yield scans at one place after another, float64 [n_places, 2] in metres."""
        stood_m = places_m + rng.normal(0.0, POSITION_SD_M, places_m.shape)
        headings_deg = np.full(len(stood_m), self.session.heading_deg)
        mean_dbm = self.floor.expected_rssi_dbm(stood_m, headings_deg=headings_deg)
        heard = _scan_readings(self.floor, np.repeat(mean_dbm, scans_per_place, axis=0), rng)
        places = [Position(x, y, self.floor.floor.id) for x, y in places_m.tolist()]
        for number, readings in enumerate(heard):
            visit = number // scans_per_place
            scan = Scan(s_to_ns(number * SCAN_S + visit * STEP_S), SCAN_S, readings)
            yield replace(
                self._fingerprint(visit, scan),
                position=places[visit],
                position_sd_m=POSITION_SD_M,
                heading_deg=self.session.heading_deg,
            )

    def walk(self, *, seed: int) -> Iterator[Fingerprint]:
        """Yield the scans of an unlabelled walk, one after another without gaps."""
        end_ns = s_to_ns(self.session.walk_s)
        legs = legs_until(random_walk(self.floor.floor, Stream.WALK.rng(seed)), end_ns)
        scans = _scans(self.floor.advertisements(legs, seed=seed), end_ns)
        for number, scan in enumerate(scans):
            yield self._fingerprint(number, scan)

    def _fingerprint(self, visit: int, scan: Scan) -> Fingerprint:
        session, time_utc = self.session, self.start + timedelta(seconds=scan.start_ns / NS_PER_S)
        visit_id = f"{session.id}-{visit:04d}"
        return Fingerprint(scan, session.id, visit_id, session.device, time_utc, time_utc.date())


def _scan_readings(
    floor: SimulatedSite, mean_dbm: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[dict[BeaconId, tuple[float, ...]]]:
    """Yield what each scan of `SCAN_S` hears, for local means float64 [n_scans, n_beacons], dBm."""
    p, shape = floor.parameters, mean_dbm.shape
    most = math.ceil(SCAN_S * MS_PER_S / p.interval_ms) + 1
    waits_ms = p.interval_ms + rng.uniform(0, p.jitter_ms, (*shape, most))
    waits_ms[..., 0] = rng.uniform(0, p.interval_ms, shape)
    sent = np.cumsum(waits_ms, axis=-1) < SCAN_S * MS_PER_S
    rssi_dbm = floor.packets_dbm(np.repeat(mean_dbm[..., None], most, axis=-1), rng)
    heard = sent & ~np.isnan(rssi_dbm)
    values = rssi_dbm[heard].tolist()
    ends = np.cumsum(heard.sum(axis=-1)).reshape(shape)
    starts = ends - heard.sum(axis=-1)
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        spans = zip(floor.beacons, first, last, strict=True)
        yield {beacon: tuple(values[a:b]) for beacon, a, b in spans if b > a}


def _scans(advertisements: Iterable[Advertisement], end_ns: int) -> Iterator[Scan]:
    windower = Windower(SCAN_S, SCAN_S, 0)
    for advertisement in advertisements:
        if advertisement.time_ns >= end_ns:
            break
        yield from windower.advance(advertisement.time_ns)
        windower.push(advertisement)
    yield from windower.advance(end_ns)
