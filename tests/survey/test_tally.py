import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.scans import Advertisement
from localizer.survey import tally
from localizer.survey.tally import KEPT_PACKETS, Ring, Tally
from tests.survey.recorded import A, B, S


@given(st.lists(st.integers(-127, -1), min_size=1, max_size=50))
def test_sums_give_mean_and_spread(rssis: list[int]) -> None:
    heard = Tally()
    for rssi in rssis:
        heard.add(Advertisement(A, float(rssi), 0))
    stats = heard.stats()[A]
    assert (stats.count, stats.min_dbm, stats.max_dbm) == (len(rssis), min(rssis), max(rssis))
    assert stats.mean_dbm == pytest.approx(statistics.mean(rssis))
    expected = statistics.stdev(rssis) if len(rssis) > 1 else 0.0
    assert stats.sd_dbm == pytest.approx(expected, abs=1e-5)


def test_the_ring_shows_the_last_ten_seconds() -> None:
    ring = Ring()
    for second in range(20):
        ring.add(Advertisement(A, -60.0 - second, second * S))
    ring.add(Advertisement(B, -50.0, 5 * S))
    (row,) = ring.now(19 * S + S // 2)
    assert (row.beacon, row.rssi_dbm, row.count) == (A, -79.0, 10)
    assert (row.median_dbm, row.rate_hz, row.last_heard_s) == (-74.5, 1.0, 0.5)
    assert ring.now(100 * S) == []


def test_a_fast_beacon_has_its_true_rate() -> None:
    ring = Ring()
    for at in range(1000):
        ring.add(Advertisement(A, -60.0, at * S // 100))
    (row,) = ring.now(10 * S)
    assert row.count == KEPT_PACKETS
    assert row.rate_hz == pytest.approx(100, rel=0.02)


def test_made_up_beacons_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "KEPT_BEACONS", 3)
    ring = Ring()
    names = [BeaconId(f"name:x:b{at}") for at in range(5)]
    for at, name in enumerate([*names[:3], names[0], *names[3:]]):
        ring.add(Advertisement(name, -60.0, at))
    assert {row.beacon for row in ring.now(10)} == {names[0], names[3], names[4]}
