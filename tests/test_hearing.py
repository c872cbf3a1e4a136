from __future__ import annotations

from localizer.beacons import BeaconId
from localizer.clock import s_to_ns
from localizer.hearing import FORGOTTEN_S, Hearing
from localizer.scans import Advertisement

A, B = BeaconId("name:demo:b01"), BeaconId("name:demo:b02")
START_NS = s_to_ns(1_000)


def heard(beacon: BeaconId, at_s: float, rssi: float, receiver: str | None = None) -> Advertisement:
    return Advertisement(beacon, rssi, START_NS + s_to_ns(at_s), receiver=receiver)


def test_level_and_rate_are_of_the_last_ten_seconds() -> None:
    hearing = Hearing(START_NS)
    for tenth in range(200):
        hearing.hear(heard(A, tenth / 10, -90.0 if tenth < 100 else -60.0))
    (row,) = hearing.rows(START_NS + s_to_ns(20))
    assert (row.beacon, row.rssi_dbm, row.median_dbm, row.packets) == (A, -60.0, -60.0, 200)
    assert row.rate_hz == 10.0
    assert round(row.age_s, 3) == 0.1


def test_in_the_first_seconds_the_rate_is_since_the_start() -> None:
    hearing = Hearing(START_NS)
    for tenth in range(20):
        hearing.hear(heard(A, tenth / 10, -60.0))
    assert hearing.rows(START_NS + s_to_ns(2))[0].rate_hz == 10.0


def test_the_loudest_comes_first_and_who_is_silent_last() -> None:
    hearing = Hearing(START_NS)
    hearing.hear(heard(B, 0, -40.0))
    hearing.hear(heard(A, 14, -80.0, "hall"))
    hearing.hear(heard(A, 14.5, -70.0, "door"))
    rows = hearing.rows(START_NS + s_to_ns(15))
    assert [(row.beacon, row.receiver) for row in rows] == [(A, "door"), (A, "hall"), (B, None)]
    assert rows[-1].median_dbm is None
    assert (rows[-1].rssi_dbm, rows[-1].rate_hz, rows[-1].age_s) == (-40.0, 0.0, 15.0)


def test_who_has_gone_is_forgotten() -> None:
    hearing = Hearing(START_NS)
    hearing.hear(heard(A, 0, -40.0))
    assert len(hearing.rows(START_NS + s_to_ns(FORGOTTEN_S))) == 1
    assert hearing.rows(START_NS + s_to_ns(FORGOTTEN_S) + 1) == []
    hearing.hear(heard(A, 2 * FORGOTTEN_S, -50.0))
    assert hearing.rows(START_NS + s_to_ns(2 * FORGOTTEN_S))[0].packets == 1


def test_at_the_very_start_no_rate_is_known() -> None:
    hearing = Hearing(START_NS)
    hearing.hear(heard(A, 0, -40.0))
    assert hearing.rows(START_NS)[0].rate_hz == 0.0
