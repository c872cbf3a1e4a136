import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Fingerprint, Scan, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.survey import ROLES, Survey, build_survey
from localizer.survey.schema import SURVEY_SCHEMA
from tests import strategies
from tests.strategies import SESSIONS, fingerprint

ROOT = Path(__file__).parents[1]
SITE = built_in_site("uci")
DEV, SEALED, OTHER = SESSIONS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a survey?#%.survey"


@pytest.fixture
def survey(path: Path) -> Iterator[Survey]:
    with Survey.create(path, SITE) as survey:
        survey.add_session(Session(DEV, "development", "phone", "rainy"))
        survey.add_session(Session(SEALED, "sealed", "phone"))
        survey.add_session(Session(OTHER, "development", "tablet"))
        yield survey


def _bits(fingerprint: Fingerprint) -> list[bytes | None]:
    """Every float of a fingerprint, bit by bit: -0.0 == 0.0, so equality alone is too mild."""
    at = fingerprint.position
    floats = [fingerprint.scan.duration_s, fingerprint.position_sd_m, fingerprint.heading_deg]
    floats += [at.x_m, at.y_m] if at else []
    floats += [rssi for values in fingerprint.scan.readings.values() for rssi in values]
    return [None if value is None else struct.pack("<d", value) for value in floats]


_NEGATIVE_ZEROS = replace(
    fingerprint(1, position=Position(0.1, -0.0, "1")), position_sd_m=0.0, heading_deg=-0.0
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(strategies.fingerprints, max_size=4))
@example([fingerprint(position=Position(-0.0, 5e-324, "")), _NEGATIVE_ZEROS])
def test_every_field_comes_back_bit_for_bit(
    tmp_path: Path, fingerprints: list[Fingerprint]
) -> None:
    path = tmp_path / "round-trip.survey"
    with build_survey(path, SITE) as built:
        for session in SESSIONS:
            built.add_session(Session(session, "development", "phone"))
        assert built.add(fingerprints) == len(fingerprints)
    with Survey.open(path) as survey:
        got = list(survey.fingerprints())
        assert survey.site == SITE
    expected = sorted(fingerprints, key=lambda one: one.time_utc)
    assert got == expected
    assert [_bits(one) for one in got] == [_bits(one) for one in expected]
    orders = [list(one.scan.readings) for one in got]
    assert orders == [list(one.scan.readings) for one in expected]


def test_sessions_come_back_with_their_roles(survey: Survey) -> None:
    assert set(survey.sessions) == {
        Session(DEV, "development", "phone", "rainy"),
        Session(SEALED, "sealed", "phone"),
        Session(OTHER, "development", "tablet"),
    }


def test_sealed_sessions_are_opened_only_by_name(survey: Survey) -> None:
    survey.add([fingerprint(second, session=SESSIONS[second % 3]) for second in range(6)])
    assert {one.session for one in survey.fingerprints()} == {DEV, OTHER}
    assert {one.session for one in survey.fingerprints(roles=("sealed",))} == {SEALED}
    assert len(list(survey.fingerprints(roles=ROLES))) == 6
    assert list(survey.fingerprints(sessions=[SEALED])) == []


def test_fingerprints_are_filtered_by_label_and_session(survey: Survey) -> None:
    labelled, unlabelled = fingerprint(1), fingerprint(2, session=OTHER, position=None)
    survey.add([labelled, unlabelled])
    assert list(survey.fingerprints(labelled=True)) == [labelled]
    assert list(survey.fingerprints(labelled=False)) == [unlabelled]
    assert list(survey.fingerprints(sessions=[OTHER])) == [unlabelled]
    assert list(survey.fingerprints(sessions=[])) == []


def test_order_is_by_time_then_by_insertion(survey: Survey) -> None:
    late, twin_a, twin_b = (fingerprint(s, visit=v) for s, v in ((9, "l"), (5, "a"), (5, "b")))
    survey.add([late, twin_a])
    survey.add([twin_b])
    assert list(survey.fingerprints()) == [twin_a, twin_b, late]


def test_a_scan_that_heard_nothing_is_kept(survey: Survey) -> None:
    survey.add([fingerprint(readings={})])
    assert [one.scan.readings for one in survey.fingerprints()] == [{}]


def test_another_time_zone_is_kept_as_the_same_instant(survey: Survey) -> None:
    local = datetime(2016, 4, 19, 8, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-4)))
    survey.add([replace(fingerprint(), time_utc=local)])
    (got,) = survey.fingerprints()
    assert got.time_utc == local
    assert got.time_utc.utcoffset() == timedelta(0)


def _with_scan(**changes: Any) -> Fingerprint:
    return replace(fingerprint(), scan=replace(fingerprint().scan, **changes))


def _heard(**readings: Any) -> Fingerprint:
    (rssi,) = readings.values()
    return _with_scan(readings={BeaconId("name:uci:b3001"): rssi})


BAD = {
    "session": fingerprint(session="unheard of"),
    "beacon id": _with_scan(readings={BeaconId("b3001"): (-70.0,)}),
    "canonical": _with_scan(readings={BeaconId("name:uci:B3001"): (-70.0,)}),
    "below 0 dBm, but got 0.0": _heard(rssi=(-70.0, 0.0)),
    "below 0 dBm, but got 3": _heard(rssi=(3.5,)),
    "below 0 dBm, but got nan": _heard(rssi=(float("nan"),)),
    "below 0 dBm, but got -inf": _heard(rssi=(float("-inf"),)),
    "below 0 dBm, but got -150.5": _heard(rssi=(-150.5,)),
    "at least one RSSI": _heard(rssi=()),
    "time_utc must carry a time zone": replace(fingerprint(), time_utc=datetime(2016, 4, 19)),
    "local_date": replace(fingerprint(), local_date=datetime(2016, 4, 19)),
    "x_m": fingerprint(position=Position(float("inf"), 0.0)),
    "y_m": fingerprint(position=Position(0.0, float("nan"))),
    "heading_deg": replace(fingerprint(), heading_deg=float("nan")),
    "position_sd_m": replace(fingerprint(), position_sd_m=-1.0),
    "start_ns": _with_scan(start_ns=2**63),
    "duration_s": _with_scan(duration_s=-1.0),
    "visit must not be empty": replace(fingerprint(), visit=""),
    "synthetic must not be empty": replace(fingerprint(), synthetic=""),
    "device must be Unicode": replace(fingerprint(), device="\ud800"),
    "floor must be Unicode": fingerprint(position=Position(0.0, 0.0, "a\0")),
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_fingerprint_is_refused_and_with_it_all_of_the_call(
    survey: Survey, message: str
) -> None:
    survey.add([fingerprint(1)])
    with pytest.raises(SurveyError, match=message):
        survey.add([fingerprint(2), BAD[message], fingerprint(3)])
    assert [one.scan.start_ns for one in survey.fingerprints()] == [10**9]
    survey.add([fingerprint(4)])


@pytest.mark.parametrize(
    ("session", "message"),
    [
        (Session(DEV, "development", "phone"), "stand once"),
        (Session("", "development", "phone"), "id must not be empty"),
        (Session("new", "secret", "phone"), "role must be"),  # type: ignore[arg-type]
    ],
)
def test_a_bad_session_is_refused(survey: Survey, session: Session, message: str) -> None:
    with pytest.raises(SurveyError, match=message):
        survey.add_session(session)
    assert len(survey.sessions) == 3


def test_unknown_roles_and_sessions_are_refused_at_the_call(survey: Survey) -> None:
    with pytest.raises(SurveyError, match="roles must be"):
        survey.fingerprints(roles=("test",))  # type: ignore[arg-type]
    with pytest.raises(SurveyError, match="monday"):
        survey.fingerprints(sessions=["monday"])


def test_what_is_added_while_reading_is_not_read(survey: Survey) -> None:
    survey.add([fingerprint(second) for second in (1, 2, 3)])
    reading = survey.fingerprints()
    first = next(reading)
    survey.add([fingerprint(9)])
    assert [first, *reading] == [fingerprint(second) for second in (1, 2, 3)]
    assert survey.add(survey.fingerprints()) == 4
    assert len(list(survey.fingerprints())) == 8


def test_counts(survey: Survey) -> None:
    copy = replace(fingerprint(2), synthetic="a copy")
    elsewhere = fingerprint(3, session=SEALED, position=Position(5.0, 2.0, "1"))
    heard = fingerprint(4, position=None, readings={"name:uci:b3002": (-60.0, -61.0)})
    survey.add([fingerprint(1), copy, elsewhere, heard])
    counts = survey.counts()
    assert (counts.fingerprints, counts.labelled, counts.synthetic) == (4, 3, 1)
    assert (counts.places, counts.beacons) == (2, 2)
    by_id = {one.session.id: one for one in counts.sessions}
    assert [by_id[one].fingerprints for one in SESSIONS] == [3, 1, 0]


def test_the_hash_follows_the_content_and_not_the_layout(survey: Survey, tmp_path: Path) -> None:
    survey.add([fingerprint(1)])
    survey.add([fingerprint(2), fingerprint(3, session=SEALED)])
    twin_path = tmp_path / "twin.survey"
    with build_survey(twin_path, SITE) as twin:
        for session in reversed(survey.sessions):
            twin.add_session(session)
        twin.add(reversed(list(survey.fingerprints(roles=ROLES))))
        assert twin.data_hash() == survey.data_hash()
    assert twin_path.read_bytes() != survey.path.read_bytes()


def test_the_hash_sees_every_change_and_only_its_roles(survey: Survey) -> None:
    hashes = [survey.data_hash()]
    survey.add([fingerprint(1)])
    hashes.append(survey.data_hash())
    survey.add([replace(fingerprint(1), heading_deg=-0.0)])
    hashes.append(survey.data_hash())
    hashes.append(survey.data_hash(roles=ROLES))
    assert len(set(hashes)) == 4
    survey.add([fingerprint(3, session=SEALED)])
    assert survey.data_hash() == hashes[2]
    assert survey.data_hash(roles=ROLES) != hashes[3]


def test_create_refuses_an_existing_file(survey: Survey) -> None:
    before = survey.path.read_bytes()
    with pytest.raises(SurveyError, match="exists"):
        Survey.create(survey.path, SITE)
    assert survey.path.read_bytes() == before


def test_create_says_when_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SurveyError, match="writable"):
        Survey.create(tmp_path / "missing" / "a.survey", SITE)


def _missing(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("location,date,b3001")


def _foreign(path: Path) -> None:
    path.unlink()
    _execute(path, "CREATE TABLE music (title)")


def _newer(path: Path) -> None:
    _execute(path, f"PRAGMA user_version = {SURVEY_SCHEMA + 1}")


def _no_site(path: Path) -> None:
    _execute(path, "DELETE FROM site")


def _bad_site(path: Path) -> None:
    _execute(path, "UPDATE site SET toml = 'id = 3'")


def _no_tables(path: Path) -> None:
    _execute(path, "DROP TABLE site")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def _execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_missing, "No such file"),
        (_folder, "Is a directory"),
        (_empty, "0 bytes"),
        (_text, "must be a SQLite file"),
        (_foreign, "another program's"),
        (_newer, f"reads survey schema {SURVEY_SCHEMA + 1}"),
        (_no_site, "has none"),
        (_bad_site, "the site in"),
        (_no_tables, "no such table"),
        (_cut, "malformed|disk image"),
    ],
)
def test_open_says_why_a_file_is_no_survey(
    survey: Survey, damage: Callable[[Path], None], message: str
) -> None:
    survey.close()
    damage(survey.path)
    with pytest.raises(SurveyError, match=message) as caught:
        Survey.open(survey.path)
    assert caught.value.path == survey.path


def test_a_row_that_was_tampered_with_is_an_error_and_not_a_crash(survey: Survey) -> None:
    survey.add([fingerprint()])
    _execute(survey.path, "UPDATE fingerprints SET local_date = 'yesterday'")
    with pytest.raises(SurveyError, match="yesterday"):
        list(survey.fingerprints())


def test_a_reading_of_a_beacon_that_is_gone_is_an_error_and_not_left_out(survey: Survey) -> None:
    survey.add([fingerprint(readings={"name:uci:b3001": (-70.0,), "name:uci:b3002": (-60.0,)})])
    _execute(survey.path, "DELETE FROM beacons WHERE canonical = 'name:uci:b3002'")
    with pytest.raises(SurveyError, match="table beacons has no row 2"):
        list(survey.fingerprints())


@pytest.mark.parametrize("rssi", ["0", "0.0", "'loud'", "x'00'", "NULL"])
def test_the_file_itself_refuses_what_is_no_rssi(survey: Survey, rssi: str) -> None:
    survey.add([fingerprint()])
    with pytest.raises(sqlite3.IntegrityError, match="constraint failed"):
        _execute(survey.path, f"UPDATE readings SET rssi_dbm = {rssi}")


def _select(path: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_plain_sql_reads_every_rssi_with_its_beacon(survey: Survey) -> None:
    heard = {"name:uci:b3002": (-60.0, -61.5), "name:uci:b3001": (-88.0,)}
    survey.add([fingerprint(1, readings=heard), fingerprint(2, readings=heard)])
    rows = _select(
        survey.path,
        "SELECT canonical, rssi_dbm, typeof(rssi_dbm) FROM readings "
        "JOIN beacons ON beacons.id = beacon ORDER BY fingerprint, number",
    )
    assert rows == 2 * [(key, rssi, "real") for key, values in heard.items() for rssi in values]
    assert _select(survey.path, "SELECT canonical FROM beacons ORDER BY id") == [
        ("name:uci:b3002",),
        ("name:uci:b3001",),
    ]


def test_a_beacon_of_a_call_that_failed_leaves_its_number_to_another(survey: Survey) -> None:
    lost: dict[str, tuple[float, ...]] = {"name:uci:lost": (-70.0,)}
    kept: dict[str, tuple[float, ...]] = {"name:uci:kept": (-70.0,)}
    with pytest.raises(SurveyError):
        survey.add([fingerprint(1, readings=lost), fingerprint(session="unheard of")])
    with Survey.open(survey.path) as other:
        other.add([fingerprint(2, readings=kept)])
    survey.add([fingerprint(3, readings=lost), fingerprint(4, readings=kept)])
    assert [one.scan.readings for one in survey.fingerprints()] == [kept, lost, kept]
    assert _select(survey.path, "SELECT id, canonical FROM beacons") == [
        (1, "name:uci:kept"),
        (2, "name:uci:lost"),
    ]


def test_an_rssi_of_whole_dbm_takes_few_bytes_however_long_its_beacon_id(path: Path) -> None:
    beacon = "ibeacon:e2c56db5-dffb-48d2-b060-d0f5a71096e0:65535:65535"
    scans, rssis = 400, 200
    with build_survey(path, SITE) as built:
        built.add_session(Session(DEV, "development", "phone"))
        built.add(fingerprint(at % 60, readings={beacon: rssis * (-70.0,)}) for at in range(scans))
    assert path.stat().st_size < 16 * scans * rssis


def test_a_closed_survey_says_so(survey: Survey) -> None:
    survey.close()
    with pytest.raises(SurveyError, match="open"):
        list(survey.fingerprints())


def test_a_survey_opens_read_only_and_says_so_on_writing(survey: Survey, tmp_path: Path) -> None:
    survey.add([fingerprint()])
    survey.close()
    survey.path.chmod(0o444)
    with Survey.open(survey.path) as again:
        assert len(list(again.fingerprints())) == 1
        if not _can_write(survey.path):  # root writes anywhere
            with pytest.raises(SurveyError, match="readonly"):
                again.add([fingerprint(1)])


def _can_write(path: Path) -> bool:
    try:
        path.open("ab").close()
    except PermissionError:
        return False
    return True


def test_a_failed_build_leaves_the_old_survey_and_no_scraps(survey: Survey) -> None:
    survey.add([fingerprint()])

    def build() -> None:
        with build_survey(survey.path, SITE) as new:
            new.add_session(Session(DEV, "development", "phone"))
            new.add([fingerprint(session="unheard of")])

    with pytest.raises(SurveyError, match="unheard of"):
        build()
    assert len(list(survey.fingerprints())) == 1
    assert list(survey.path.parent.iterdir()) == [survey.path]


def _run_until_ready(code: str) -> None:
    """Run Python code that prints `ready` and then waits; kill it there, without any farewell."""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.kill()


CHILD = """
import sys
from pathlib import Path
from localizer.scans import Session
from localizer.sites import built_in_site
from localizer.survey import Survey, build_survey
from tests.strategies import fingerprint

def many(stop):
    for at in range(stop):
        yield fingerprint(at % 60)
    print("ready", flush=True)
    sys.stdin.read()
    yield fingerprint(0)
"""


def test_kill_in_mid_build_leaves_the_whole_old_survey(survey: Survey) -> None:
    survey.add([fingerprint(1), fingerprint(2)])
    before = survey.path.read_bytes()
    _run_until_ready(
        f"{CHILD}\nwith build_survey(Path({str(survey.path)!r}), built_in_site('uci')) as new:\n"
        "    new.add_session(Session('first', 'development', 'phone'))\n    new.add(many(100))\n"
    )
    assert survey.path.read_bytes() == before


def test_kill_in_mid_add_is_rolled_back_at_the_next_opening(survey: Survey) -> None:
    survey.add([fingerprint(1), fingerprint(2)])
    before = survey.data_hash()
    survey.close()
    # A cache of one page makes SQLite write half a transaction into the file itself.
    _run_until_ready(
        f"{CHILD}\nsurvey = Survey.open(Path({str(survey.path)!r}))\n"
        "survey._file.connection.execute('PRAGMA cache_size = 1')\nsurvey.add(many(500))\n"
    )
    assert Path(f"{survey.path}-journal").stat().st_size > 0
    shutil.copy(survey.path, survey.path.with_suffix(".half"))
    with Survey.open(survey.path) as again:
        assert again.data_hash() == before
        again.add([fingerprint(3)])
    assert survey.path.stat().st_size < survey.path.with_suffix(".half").stat().st_size


def test_kill_at_any_moment_leaves_one_of_the_two_whole_surveys(path: Path) -> None:
    sizes = {1, 40}
    code = f"""{CHILD}
while True:
    for size in {sorted(sizes)}:
        with build_survey(Path({str(path)!r}), built_in_site('uci')) as new:
            new.add_session(Session('first', 'development', 'phone'))
            new.add(fingerprint(at) for at in range(size))
        print(size, flush=True)
"""
    for rounds in (1, 6, 13):
        with subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            for _ in range(rounds):
                assert child.stdout.readline()
            child.kill()
        with Survey.open(path) as survey:
            assert survey.counts().fingerprints in sizes
            assert len(list(survey.fingerprints())) in sizes


def test_scan_is_what_it_was_before_the_file(survey: Survey) -> None:
    heard = {"name:uci:b3002": (-60.5, -61.0, -60.5), "name:uci:b3001": (-88.0,)}
    survey.add([fingerprint(readings=heard)])
    (got,) = survey.fingerprints()
    assert got.scan == Scan(0, 1.0, {BeaconId(key): rssi for key, rssi in heard.items()})
