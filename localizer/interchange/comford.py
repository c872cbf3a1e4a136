"""COMFORD: three tables of samples, RSSIs and access points, as its package reads them.

Ferrato et al., "COMFORD: A Common Data Format for RSSI-based Indoor Localization", IPIN 2026; the
specification stands in the description of PyPI's package ``comford`` (0.1.2), section "Intermediate
Format". That package reads columns by their order, parted by semicolons, with ``None`` for what is
unknown; its specification names them in another order, and the files in the singular. So the tables
are written as the package reads them, and read by the names of the columns, of either kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from localizer.interchange.comford_reader import read_comford
from localizer.interchange.comford_tables import (
    ACCESS_POINTS,
    AP_COLUMNS,
    EPOCH,
    NONE,
    RSSI,
    RSSI_COLUMNS,
    SAMPLE_COLUMNS,
    SAMPLES,
    SET_OF,
    TECHNOLOGY,
    US_PER_S,
    Settings,
)
from localizer.interchange.scanned import Reading, Scanned
from localizer.interchange.text_tables import number_to_text, write_table
from localizer.scans import Fingerprint, Scan, Session
from localizer.site import Position, Site


class Comford:
    """A folder with the three tables."""

    name = "comford"
    suffix = ""

    def write(self, scanned: Scanned, path: Path) -> tuple[Reading, Sequence[Fingerprint]]:
        """Write the tables. A sample must have a place: scans without one are left out.

        What COMFORD has no column for stands in ``config``, which it keeps for settings of the
        acquisition, as a JSON object.
        """
        held = [one for one in scanned.fingerprints if one.position is not None]
        sessions = {session.id: session for session in scanned.sessions}
        samples = (
            _sample(number, one, sessions[one.session], scanned.site)
            for number, one in enumerate(held)
        )
        write_table(path / SAMPLES[0], SAMPLE_COLUMNS, samples, delimiter=";")
        heard = (row for number, one in enumerate(held) for row in _levels(number, one.scan))
        write_table(path / RSSI[0], RSSI_COLUMNS, heard, delimiter=";")
        write_table(path / ACCESS_POINTS[0], AP_COLUMNS, _access_points(scanned), delimiter=";")
        return Reading(scanned.site), held

    def read(self, path: Path, reading: Reading) -> Scanned:
        """Read the tables of a folder; columns may be in any order, optional ones be missing."""
        return read_comford(path, reading)


def _sample(number: int, one: Fingerprint, session: Session, site: Site) -> list[str]:
    at = one.position or Position(0.0, 0.0)  # only those with a place are given
    settings = Settings(
        session=one.session,
        visit=one.visit,
        local_date=one.local_date.isoformat(),
        start_ns=one.scan.start_ns,
        duration_s=float(one.scan.duration_s),
        position_sd_m=one.position_sd_m,
        synthetic=one.synthetic,
    )
    return [
        *(str(number), number_to_text(at.x_m), number_to_text(at.y_m), NONE),
        *(_unix(one.time_utc), SET_OF[session.role], at.floor or NONE, site.id),
        *(one.device or NONE, session.person or NONE),
        *(settings.model_dump_json(exclude_none=True), number_to_text(one.heading_deg) or NONE),
    ]


def _unix(time_utc: datetime) -> str:
    """Return seconds since 1970, with as many decimals as the time has."""
    seconds, us = divmod((time_utc - EPOCH) // timedelta(microseconds=1), US_PER_S)
    if not us:
        return str(seconds)
    total = Decimal(seconds * US_PER_S + us) / US_PER_S
    return f"{total:f}"


def _levels(number: int, scan: Scan) -> Iterator[list[str]]:
    for beacon, rssis_dbm in scan.readings.items():
        for rssi_dbm in rssis_dbm:
            yield [str(number), number_to_text(rssi_dbm), beacon, NONE]


def _access_points(scanned: Scanned) -> Iterator[list[str]]:
    """Yield every beacon of the site, and those that were heard and are none of its."""
    at = {beacon.id: beacon.position for beacon in scanned.site.beacons}
    heard = {beacon for one in scanned.fingerprints for beacon in one.scan.readings}
    for beacon in sorted(at.keys() | heard):
        place = at.get(beacon)
        where = (NONE, NONE)
        if place is not None:
            where = (number_to_text(place.x_m), number_to_text(place.y_m))
        yield [beacon, TECHNOLOGY, *where, NONE]
