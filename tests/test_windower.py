from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer import windower as module
from localizer.beacons import BeaconId
from localizer.clock import NS_PER_S, s_to_ns
from localizer.errors import ConfigError
from localizer.scans import Advertisement, Scan
from localizer.windower import FUTURE_S, MAX_CATCH_UP, Windower

A, B = BeaconId("name:demo:b01"), BeaconId("name:demo:b02")


def heard(seconds: float, beacon: BeaconId = A, rssi_dbm: float = -60.0) -> Advertisement:
    return Advertisement(beacon, rssi_dbm, s_to_ns(seconds))


def end_ns(scan: Scan) -> int:
    return scan.start_ns + s_to_ns(scan.duration_s)


def test_a_window_groups_by_beacon_in_the_order_of_time() -> None:
    windower = Windower(2.0, 2.0, 0)
    for one in (heard(1.0, A, -61), heard(0.5, A, -60), heard(1.9, B, -70), heard(2.0, B, -71)):
        windower.push(one)
    assert windower.advance(s_to_ns(4.0)) == [
        Scan(0, 2.0, {A: (-60, -61), B: (-70,)}),
        Scan(s_to_ns(2.0), 2.0, {B: (-71,)}),
    ]


def test_nothing_is_emitted_before_a_window_has_ended_and_nothing_twice() -> None:
    windower = Windower(2.0, 1.0, 0)
    assert windower.advance(s_to_ns(2.0) - 1) == []
    assert [end_ns(scan) for scan in windower.advance(s_to_ns(2.0))] == [s_to_ns(2.0)]
    assert windower.advance(s_to_ns(2.0)) == []
    assert windower.advance(0) == []


def test_silence_gives_empty_scans() -> None:
    windower = Windower(1.0, 0.5, 0)
    scans = windower.advance(s_to_ns(2.0))
    assert [end_ns(scan) / NS_PER_S for scan in scans] == [1.0, 1.5, 2.0]
    assert all(not scan.readings for scan in scans)


def test_no_window_begins_before_the_start() -> None:
    windower = Windower(3.0, 2.0, 0)
    windower.push(heard(0.5))
    scans = windower.advance(s_to_ns(6.0))
    assert [scan.start_ns / NS_PER_S for scan in scans] == [1.0, 3.0]
    assert windower.late == 1  # it lay before the first whole window


@given(
    start_ns=st.integers(-(10**12), 10**12),
    window_ms=st.integers(1, 5_000),
    step_ms=st.integers(1, 5_000),
    offsets_ms=st.lists(st.integers(0, 20_000), max_size=30),
    cuts_ms=st.lists(st.integers(0, 20_000), max_size=5),
)
def test_every_advertisement_lies_in_exactly_the_windows_that_cover_it(
    start_ns: int, window_ms: int, step_ms: int, offsets_ms: list[int], cuts_ms: list[int]
) -> None:
    window_ms, step_ms = max(window_ms, step_ms), max(min(window_ms, step_ms), window_ms // 20, 1)
    ms = NS_PER_S // 1_000
    windower = Windower(window_ms / 1_000, step_ms / 1_000, start_ns)
    scans: list[Scan] = []
    cuts = sorted(cuts_ms)
    # A distinct RSSI tells the advertisements apart.
    times = {-float(i + 1): start_ns + ms * at for i, at in enumerate(sorted(offsets_ms))}
    for rssi, time_ns in times.items():
        while cuts and start_ns + ms * cuts[0] <= time_ns:
            scans += windower.advance(start_ns + ms * cuts.pop(0))
        windower.push(Advertisement(A, rssi, time_ns))
    scans += windower.advance(start_ns + ms * 40_000)
    found = Counter((rssi, end_ns(scan)) for scan in scans for rssi in scan.readings.get(A, ()))
    ends = range(start_ns + ms * step_ms, start_ns + ms * 40_000 + 1, ms * step_ms)
    assert found == Counter(
        (rssi, end)
        for rssi, time_ns in times.items()
        for end in ends
        if end - ms * window_ms <= time_ns < end and end - ms * window_ms >= start_ns
    )
    assert [end_ns(scan) for scan in scans] == sorted({end_ns(scan) for scan in scans})


def test_the_order_of_pushes_does_not_matter() -> None:
    times = (0.1, 0.7, 1.4, 2.2, 2.9)
    one, other = Windower(1.0, 0.5, 0), Windower(1.0, 0.5, 0)
    for at in times:
        one.push(heard(at))
    for at in reversed(times):
        other.push(heard(at))
    assert one.advance(s_to_ns(3)) == other.advance(s_to_ns(3))


def test_late_advertisements_are_counted_and_dropped() -> None:
    windower = Windower(1.0, 1.0, 0)
    windower.advance(s_to_ns(1.0))
    windower.push(heard(0.99))
    windower.push(heard(1.0))
    assert windower.late == 1
    assert windower.advance(s_to_ns(2.0))[0].readings == {A: (-60.0,)}


def test_a_late_advertisement_still_counts_where_a_window_to_come_covers_it() -> None:
    windower = Windower(2.0, 1.0, 0)
    windower.advance(s_to_ns(2.0))
    windower.push(heard(1.5))
    windower.push(heard(0.5))
    assert windower.late == 1
    assert windower.advance(s_to_ns(3.0))[0].readings == {A: (-60.0,)}


def test_advertisements_from_the_far_future_are_counted_and_dropped() -> None:
    windower = Windower(1.0, 1.0, 0)
    windower.push(heard(FUTURE_S))
    windower.push(heard(FUTURE_S + 0.001))
    assert windower.future == 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PENDING", 3)
    windower = Windower(10.0, 10.0, 0)
    for at in range(5):
        windower.push(heard(at, rssi_dbm=-60.0 - at))
    assert windower.overflowed == 2
    assert windower.advance(s_to_ns(10.0))[0].readings == {A: (-62.0, -63.0, -64.0)}


def test_hours_of_silence_give_one_empty_scan_the_latest() -> None:
    windower = Windower(3.0, 1.0, 0)
    hours_s = 8 * 3_600
    scans = windower.advance(s_to_ns(hours_s + 0.4))
    assert [end_ns(scan) for scan in scans] == [s_to_ns(hours_s)]
    assert windower.skipped == hours_s - 3
    windower.push(heard(hours_s + 0.5))
    assert windower.advance(s_to_ns(hours_s + 1))[0].readings == {A: (-60.0,)}


def test_what_was_heard_before_the_silence_is_not_lost() -> None:
    windower = Windower(2.0, 1.0, 0)
    windower.push(heard(5.5))
    scans = windower.advance(s_to_ns(3_600))
    assert [end_ns(scan) / NS_PER_S for scan in scans] == [6.0, 7.0, 3_600.0]
    assert [len(scan.readings) for scan in scans] == [1, 1, 0]


def test_a_short_silence_is_emitted_window_by_window() -> None:
    assert len(Windower(1.0, 1.0, 0).advance(s_to_ns(MAX_CATCH_UP))) == MAX_CATCH_UP


@pytest.mark.parametrize(
    ("window_s", "step_s"),
    [
        (1.0, 2.0),
        (1.0, 0.0),
        (1.0, -1.0),
        (1.0, 1e-12),
        (float("nan"), 1.0),
        (1.0, float("nan")),
        (float("inf"), 1.0),
        (1.0, float("-inf")),
    ],
)
def test_window_and_step_must_fit(window_s: float, step_s: float) -> None:
    with pytest.raises(ConfigError, match="`window_s >= step_s > 0` must hold"):
        Windower(window_s, step_s, 0)
