import numpy as np
import pytest

from localizer.table import FingerprintTable
from tests.training.simulated import small_table
from tests.training.tables import make_table
from tests.training.test_leaks import whole_uci
from training.near_copies import find_copied_sessions


def survey(sessions: int, *, scans: int = 3, seed: int = 0) -> FingerprintTable:
    """Sessions that visit the same 15 places, and hear 4 beacons with 4 dB of noise."""
    random = np.random.default_rng(seed)
    place = np.tile(np.repeat(np.arange(15), scans), sessions)
    expected = random.uniform(-90, -60, (15, 4))
    rssi = np.round(expected[place] + random.normal(0, 4, (len(place), 4)))
    session = np.repeat([f"day {i}" for i in range(sessions)], 15 * scans)
    return make_table(rssi, np.column_stack([place, place]), session.tolist())


def with_copies(table: FingerprintTable, session: str, of: list[str]) -> FingerprintTable:
    rows = np.flatnonzero(np.isin(table.session, of))
    shift = np.random.default_rng(1).integers(-1, 2, (len(rows), len(table.beacons)))
    return make_table(
        np.concatenate([table.rssi_dbm, table.rssi_dbm[rows] + shift]),
        np.concatenate([table.position_m, table.position_m[rows]]),
        [*table.session.tolist(), *[session] * len(rows)],
    )


@pytest.mark.parametrize("sessions", [1, 2, 5])
def test_honest_sessions_are_not_named(sessions: int) -> None:
    assert find_copied_sessions(survey(sessions)) == ()
    assert find_copied_sessions(small_table()) == ()


@pytest.mark.parametrize(("sessions", "of"), [(1, [0]), (2, [0]), (4, [0, 2]), (4, [1])])
def test_a_session_of_copies_is_named_with_what_it_copies(sessions: int, of: list[int]) -> None:
    originals = [f"day {i}" for i in of]
    table = with_copies(survey(sessions), "days later", originals)
    (found,) = find_copied_sessions(table)
    assert found.session == "days later"
    assert found.rows == found.matched == 45 * len(of)
    assert list(found.like) == originals
    assert found.others_matched < found.others_rows / 3 or sessions == 1
    assert "days later" in found.in_words()


def test_every_copied_session_is_named() -> None:
    table = with_copies(with_copies(survey(4), "x", ["day 0"]), "y", ["day 3"])
    assert {found.session for found in find_copied_sessions(table)} == {"x", "y"}


def test_scans_are_paired_one_to_one() -> None:
    """Ten scans of one day resemble the one scan of another: one of them matches, not ten."""
    rssi = [[-60, -70]] * 11
    table = make_table(rssi, [[0, 0]] * 11, ["a"] * 10 + ["b"])
    assert find_copied_sessions(table) == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda rssi: np.where(np.arange(4) == 0, rssi + 1.5, rssi),
        lambda rssi: np.where(np.arange(4) == 0, np.nan, rssi),
    ],
)
def test_one_beacon_that_differs_makes_another_scan(change: object) -> None:
    table = survey(2)
    assert callable(change)
    other = make_table(
        np.concatenate([table.rssi_dbm, change(table.rssi_dbm)]),
        np.concatenate([table.position_m, table.position_m]),
        [*table.session.tolist(), *["changed"] * len(table)],
    )
    assert find_copied_sessions(other) == ()


def test_where_honest_days_match_by_themselves_nothing_is_named() -> None:
    """One beacon, 60 scans a place: any two days match, and a copy cannot be told."""
    table = survey(3, scans=60)
    one_beacon = make_table(table.rssi_dbm[:, :1], table.position_m, table.session.tolist())
    assert find_copied_sessions(one_beacon) == ()


def test_the_day_of_copies_in_the_uci_file_is_named() -> None:
    (found,) = find_copied_sessions(whole_uci())
    assert found.session == "2016-10-18"
    assert (found.matched, found.rows) == (599, 600)
    assert (found.others_matched, found.others_rows) == (61, 431)


def test_the_genuine_rows_of_the_uci_file_are_let_through() -> None:
    table = whole_uci()
    assert find_copied_sessions(table.rows(~table.synthetic | (table.session < "2016-10"))) == ()
    assert find_copied_sessions(table.rows(table.session != "2016-10-18")) == ()
