"""The UJI BLE RSS survey: beacons among the bookshelves of a library, and in an office.

Mendoza-Silva, Matey-Sanz, Torres-Sospedra, Huerta, "BLE RSS Measurements Dataset for Research on
Accurate Indoor Positioning", Data 2019, 4(1), 12, doi:10.3390/data4010012; data
doi:10.5281/zenodo.1618692, licence CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Final, Literal, NamedTuple

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.errors import SurveyError
from localizer.importers import ImportReport, ProblemLog
from localizer.importers.source_files import DataFolder, DataSet, read_source
from localizer.scans import WEAKEST_DBM, Fingerprint, Role, Scan, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.survey import build_survey

Zone = Literal["lib", "geo"]
"""`lib`: the library, 24 beacons and 3 phones; `geo`: the office, 22 beacons, one phone, 3 transmit
powers."""

SHA256: Final = {
    "dep/geo.csv": "d1f81586eefb5a12dbd870af679cf635b411aa072c9a54312eff793c6f74ee5a",
    "dep/lib.csv": "ff683f12d60a34d6cf2af446c4305d15269065320630191d3b77e1ba2828d917",
    "obs/geo.csv": "786bc4edb67c73cff33132fd1c2fd9d1cf65dd0c06f9000d24469ff9c4e4eda7",
    "obs/lib.csv": "fed95542926061978bac926bd089dfefc638e6a77a0902ed7cfad77dcea568f6",
    "rss/geo_crd.csv": "ca7e326dc10f6cddc38924516c856baff2f4729814c1c6ec7aac6223c253888e",
    "rss/geo_ids.csv": "88f9f6c14df21a84b9f2283558737bb161cc9d62777f408cdfe276b751b861bd",
    "rss/geo_rss.csv": "3b7e6cb0e47866e46a134187808bec77219aaf22a0bdd1dd8205ffa2b765febe",
    "rss/geo_tms.csv": "bef8e683d35007decd404095ad81e40d50b677bda4091148cffcabc097252756",
    "rss/lib_crd.csv": "70c9eee5b5d6bf5f87171c33715df11198e60f0335009e47c4c0a91d77b56e2e",
    "rss/lib_ids.csv": "6642b5f47ef59539e17969f4a1c37afcd135275141e1b9d60204ac30ac417035",
    "rss/lib_rss.csv": "92f3ed84556facf38a0017cfce9a8c42673075168385dfc48dca10f389640707",
    "rss/lib_tms.csv": "d5bc9eee11fd1dcc746b58db514a129a67cbfa1de15300d5575332e321e01c9f",
}
"""Of the files in the record's zip. `obs` is in the site files that come with the product."""

UJI: Final = DataSet("UJI", "uji-ble", "uji-ble", SHA256)

NOT_HEARD: Final = 100
"""The sentinel of the RSSI columns; where it stands, the time is 0, and nowhere else."""

FIRST_SAMPLE: Final = 1
"""Left out of every visit. It is what the phone had heard within 0.04 s of beginning to listen: 0.5
of the 24 beacons of the library, 1.3 of the 22 of the office, where a second hears 14.4 and 8.1.
Kept, a sixth of the library's scans would be nearly silent."""

SAMPLE_S: Final = 1.0
"""Length of a sample: the times in one lie within a second, those of the next follow."""

LAST_OF_LIB: Final = 6
LAST_OF_LIB_S: Final = 2.0
"""Length of the last sample of a visit in the library: its times span up to 1.96 s, and it hears
16.8 beacons where the ones before hear 13.8."""

_PHONES: Final = {"1": "Galaxy A5", "2": "BQ", "3": "Galaxy S6"}
_POWERS: Final = {"1": "minus-4dbm", "2": "minus-12dbm", "3": "minus-20dbm"}
_CAMPAIGNS: Final[dict[str, tuple[str, Role]]] = {
    "2": ("training", "development"),
    "3": ("test", "sealed"),
}
_DAYS: Final = {phone: datetime(1970, 1, int(phone), tzinfo=UTC) for phone in _PHONES}
"""Where each phone's clock begins. The files give nanoseconds since the phone started and no date:
a date that nobody takes for one, and one a phone, so that scans of two phones never look
simultaneous."""

_CLOCK: Final = (
    "no dates are published: times count from the start of each phone, which is put at "
    "1970-01-01 (Galaxy A5), 1970-01-02 (BQ) and 1970-01-03 (Galaxy S6)"
)


class _Row(NamedTuple):
    """One line of the four row-aligned files."""

    phone: str
    power: str
    campaign: str
    point: int
    sample: int
    at: Position
    heard: Mapping[BeaconId, tuple[float, ...]]
    times_ns: tuple[int, ...]
    """When each of them was heard, nanoseconds since the phone started."""


@dataclass(frozen=True, slots=True)
class _Visit:
    id: str
    session: str
    role: Role
    rows: Sequence[_Row]


def import_uji(
    files: DataFolder, survey_path: Path, *, zone: Zone, verify: bool = True
) -> ImportReport:
    """Build the survey file of one zone; an existing one is replaced at the end.

    In the library a session is a campaign with its three phones (`training`, and `test`, which is
    sealed). The office has one campaign, in which the beacons were set to three transmit powers one
    after the other: a session is a power, and all are development, since none of them repeats
    another. A visit is one phone at one point; the first sample of each is left out
    (`FIRST_SAMPLE`). Every place is visited twice by every phone of a campaign; the files do not
    say what differs.

    Args:
        files: the folder with rss, dep and obs.
        survey_path: the survey to write.
        zone: which of the two.
        verify: whether files that are not byte for byte the published ones are refused.

    Raises:
        SurveyError: a file is missing, has another checksum or another number of lines, or the
            survey cannot be written.
    """
    log = ProblemLog()
    visits = list(_visits(_read_rows(files.folder, zone, log, verify), zone))
    fingerprints = [one for visit in visits for one in _fingerprints(visit, zone)]
    sessions = list(dict.fromkeys(visit.session for visit in visits))
    with build_survey(survey_path, built_in_site(f"uji-{zone}")) as survey:
        for name in sessions:
            survey.add_session(_session([one for one in visits if one.session == name], zone))
        survey.add(fingerprints)
    return log.report(survey_path, sessions=len(sessions), fingerprints=len(fingerprints))


def _read_rows(folder: Path, zone: Zone, log: ProblemLog, verify: bool) -> Iterator[_Row]:
    lines = {
        name: read_source(folder / name, "UJI", sha256=sha256 if verify else None)
        .decode("utf-8", errors="replace")
        .splitlines()
        for name, sha256 in SHA256.items()
        if zone in name
    }
    beacons = _beacons(lines[f"dep/{zone}.csv"], zone)
    columns = [lines[f"rss/{zone}_{part}.csv"] for part in ("ids", "crd", "rss", "tms")]
    if len({len(column) for column in columns}) != 1:
        raise SurveyError(
            f"the ids, crd, rss and tms files of {zone} must have as many lines as each other, "
            f"but have {[len(column) for column in columns]}; fetch them again",
            path=folder / "rss",
        )
    for number, (ids, crd, rss, tms) in enumerate(zip(*columns, strict=True), start=1):
        try:
            yield _parse_row(ids, crd, rss, tms, beacons)
        except ValueError as error:
            log.add(folder / f"rss/{zone}_rss.csv", number, str(error))


def _beacons(lines: Sequence[str], zone: Zone) -> tuple[BeaconId, ...]:
    """Return the beacons in the order of `dep`, which is that of the columns of `rss`."""
    names = [line.split(",")[0] for line in lines[1:] if line]
    return tuple(parse_beacon_id(f"name:uji-{zone}:{name}") for name in names)


def _parse_row(ids: str, crd: str, rss: str, tms: str, beacons: Sequence[BeaconId]) -> _Row:
    phone, power, campaign, point, sample = ids[:1], ids[1:2], ids[2:3], ids[3:6], ids[6:]
    if len(ids) != 8 or not ids.isdecimal() or phone not in _PHONES or power not in _POWERS:
        raise ValueError(f"an id must be 8 digits, phone and power 1 to 3, but got {ids!r}")
    x_m, y_m = map(float, crd.split(","))
    rssi, times = [int(cell) for cell in rss.split(",")], [int(cell) for cell in tms.split(",")]
    if not len(rssi) == len(times) == len(beacons):
        raise ValueError(
            f"a row must have {len(beacons)} RSSIs and times, but got {len(rssi)} and {len(times)}"
        )
    heard, times_ns = {}, []
    for beacon, dbm, time_ns in zip(beacons, rssi, times, strict=True):
        if not (WEAKEST_DBM <= dbm < 0 < time_ns or (dbm, time_ns) == (NOT_HEARD, 0)):
            raise ValueError(
                f"an RSSI must be {WEAKEST_DBM:g} or more and below 0 dBm with a time, or "
                f"{NOT_HEARD} without one, but got {dbm} and {time_ns}"
            )
        if dbm != NOT_HEARD:
            heard[beacon] = (float(dbm),)
            times_ns.append(time_ns)
    at = Position(x_m, y_m, "1")
    return _Row(phone, power, campaign, int(point), int(sample), at, heard, tuple(times_ns))


def _visits(rows: Iterable[_Row], zone: Zone) -> Iterator[_Visit]:
    """Cut rows where phone, power, campaign or point changes or the samples begin anew."""
    seen: dict[str, int] = {}
    for run in _runs(list(rows)):
        session, role = _session_of(run[0], zone)
        phone = _PHONES[run[0].phone].rpartition(" ")[2].lower()
        name = f"{session}/{phone}-point-{run[0].point:03d}"
        seen[name] = seen.get(name, 0) + 1
        again = "" if seen[name] == 1 else f"-again-{seen[name] - 1}"
        yield _Visit(name + again, session, role, run)


def _runs(rows: Sequence[_Row]) -> list[list[_Row]]:
    runs = [list(rows[:1])] if rows else []
    for before, row in pairwise(rows):
        if row[:4] != before[:4] or row.sample <= before.sample:
            runs.append([])
        runs[-1].append(row)
    return runs


def _session_of(row: _Row, zone: Zone) -> tuple[str, Role]:
    if zone == "geo":
        return _POWERS[row.power], "development"
    return _CAMPAIGNS.get(row.campaign, (f"campaign-{row.campaign}", "development"))


def _session(visits: Sequence[_Visit], zone: Zone) -> Session:
    rows = [row for visit in visits for row in visit.rows]
    first = [len(row.heard) for row in rows if row.sample == FIRST_SAMPLE]
    later = [len(row.heard) for row in rows if row.sample != FIRST_SAMPLE]
    note = (
        f"the first sample of each of {len(first)} visits is left out: the phone had just begun to "
        f"listen, and heard {_mean(first):.1f} beacons, later ones {_mean(later):.1f}; {_CLOCK}"
    )
    if zone == "geo":
        power = visits[0].session.removeprefix("minus-").removesuffix("dbm")
        note = f"all beacons transmit at -{power} dBm; {note}"
    devices = ", ".join(dict.fromkeys(_PHONES[row.phone] for row in rows))
    return Session(visits[0].session, visits[0].role, devices, note)


def _mean(counts: Sequence[int]) -> float:
    return fmean(counts) if counts else 0.0


def _fingerprints(visit: _Visit, zone: Zone) -> Iterator[Fingerprint]:
    for start_ns, row in _timed(visit.rows):
        if row.sample == FIRST_SAMPLE:
            continue
        long = zone == "lib" and row.sample == LAST_OF_LIB
        time_utc = _DAYS[row.phone] + timedelta(microseconds=start_ns // 1_000)
        yield Fingerprint(
            scan=Scan(start_ns, LAST_OF_LIB_S if long else SAMPLE_S, row.heard),
            session=visit.session,
            visit=visit.id,
            device=_PHONES[row.phone],
            time_utc=time_utc,
            local_date=time_utc.date(),
            position=row.at,
        )


def _timed(rows: Sequence[_Row]) -> Iterator[tuple[int, _Row]]:
    """Yield each row with its start: a silent one has no time, and takes the last one before it.

    Before the first time of the visit it takes that one.
    """
    clock_ns = min((time for row in rows for time in row.times_ns), default=0)
    for row in rows:
        clock_ns = min(row.times_ns, default=clock_ns)
        yield clock_ns, row
        clock_ns = max(row.times_ns, default=clock_ns)
