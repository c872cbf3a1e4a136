"""Two surveys of one building, as two surveyors bring them home."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from localizer.scans import Advertisement, Session
from localizer.site import Site
from localizer.survey import Recording, Survey, build_survey
from localizer.survey.dump import Record, RecordedAdverts
from localizer.survey.records import RecordingStatus
from tests.survey.recorded import SITE, A, B

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
S = 10**9


def session(name: str = "monday", **fields: object) -> Session:
    """A session of a Raspberry Pi that began on Monday."""
    known = {"started_utc": MONDAY, **fields}
    return Session(name, "development", "pi", **known)  # type: ignore[arg-type]


def stood(
    name: str = "monday/0001",
    *,
    of: str = "monday",
    point: str = "p1",
    packets: int = 12,
    status: RecordingStatus = "complete",
    rssi_dbm: float = -60.0,
    day: datetime = MONDAY,
) -> Iterator[Record]:
    """A stand: a packet of two beacons each half a second."""
    adverts = [
        Advertisement(beacon, rssi_dbm - n % 3, n * S // 2)
        for n in range(packets)
        for beacon in (A, B)
    ]
    began = day + timedelta(minutes=int(name[-2:]))
    yield Recording(name, of, "point", 0, began, status, packets * S // 2, point)
    yield RecordedAdverts(name, tuple(adverts))


def built(path: Path, records: Sequence[Record], *, site: Site = SITE) -> Path:
    """A survey file of these records, with the scans of its recordings; replaces an older one."""
    path.unlink(missing_ok=True)
    with build_survey(path, site) as survey:
        restorer = survey.restorer()
        for record in records:
            restorer.check(record)
            restorer.add(record)
        survey.recordings.derive_all()
    return path


def content(path: Path) -> list[object]:
    """All that a survey file holds."""
    with Survey.open(path) as survey:
        return [survey.site, *survey.dump()]
