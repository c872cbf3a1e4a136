from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.clock import s_to_ns
from localizer.errors import ConfigError, SiteError
from localizer.radio import RadioParameters
from localizer.scans import Advertisement
from localizer.simulator import SimulatedSite, Stream
from localizer.site import Beacon, Floor, Position, Site, Wall
from localizer.sites import built_in_site
from localizer.walker import legs_until, random_walk, standing

DEMO = built_in_site("demo")
PLAIN = RadioParameters(
    wall_loss_db=0.0,
    shadowing_sd_db=0.0,
    rician_k_db=math.inf,
    packet_loss=0.0,
    sensitivity_dbm=-150.0,
    height_m=0.0,
)
"""Nothing but path loss."""


def hall(*walls: Wall, beacons: int = 1) -> Site:
    outline = ((0.0, -10.0), (100.0, -10.0), (100.0, 10.0), (0.0, 10.0))
    names = [BeaconId(f"name:hall:b{i}") for i in range(beacons)]
    return Site(
        "hall",
        "Hall",
        (Floor("0", "", outline, (), walls),),
        tuple(Beacon(name, Position(0.0, 0.0)) for name in names),
        "made for tests",
    )


def stand(
    parameters: RadioParameters, *, x_m: float = 10.0, seconds: float = 1_000.0, seed: int = 0
) -> list[Advertisement]:
    site = SimulatedSite(hall(), parameters, seed)
    return list(site.advertisements(standing((x_m, 0.0), seconds)))


def rssi_dbm(heard: list[Advertisement]) -> NDArray[np.float64]:
    return np.array([one.rssi_dbm for one in heard])


def test_path_loss_has_the_slope_of_the_exponent() -> None:
    site = SimulatedSite(hall(), replace(PLAIN, exponent=2.7, rssi_at_1m_dbm=-55.0))
    x_m = np.geomspace(1.0, 90.0, 20)
    rssi = site.expected_rssi_dbm(np.column_stack([x_m, np.zeros(20)]))[:, 0]
    slope, intercept = np.polyfit(np.log10(x_m), rssi, 1)
    assert slope == pytest.approx(-27.0)
    assert intercept == pytest.approx(-55.0)


def test_the_slope_is_there_through_shadowing_and_fading_too() -> None:
    parameters = RadioParameters(wall_loss_db=0.0, sensitivity_dbm=-150.0, height_m=0.0)
    site = SimulatedSite(hall(beacons=200), parameters)
    x_m = np.geomspace(1.0, 90.0, 30)
    mean = site.expected_rssi_dbm(np.column_stack([x_m, np.zeros(30)]))
    packets = site.packets_dbm(mean, np.random.default_rng(0))
    slope, _ = np.polyfit(np.log10(x_m), np.nanmean(packets, axis=1), 1)
    assert slope == pytest.approx(-10 * parameters.exponent, rel=0.05)


def test_height_counts_in_the_distance() -> None:
    site = SimulatedSite(hall(), replace(PLAIN, height_m=3.0))
    expected = -59.0 - 22.0 * math.log10(5.0)
    assert site.expected_rssi_dbm([[4.0, 0.0]])[0, 0] == pytest.approx(expected)


def test_at_the_beacon_itself_it_is_loud_but_finite() -> None:
    assert SimulatedSite(hall(), PLAIN).expected_rssi_dbm([[0.0, 0.0]])[0, 0] == pytest.approx(-37)
    loud = replace(PLAIN, rssi_at_1m_dbm=-10.0)
    assert {one.rssi_dbm for one in stand(loud, x_m=0.0, seconds=5.0)} == {-1.0}


def test_every_wall_on_the_way_costs_its_loss() -> None:
    walls: tuple[Wall, ...] = (((5.0, -10.0), (5.0, 10.0)), ((15.0, -10.0), (15.0, 10.0)))
    parameters = replace(PLAIN, wall_loss_db=6.5)
    points = [[4.0, 0.0], [10.0, 0.0], [20.0, 3.0]]
    with_walls = SimulatedSite(hall(*walls), parameters).expected_rssi_dbm(points)
    without = SimulatedSite(hall(), parameters).expected_rssi_dbm(points)
    assert (without - with_walls)[:, 0] == pytest.approx([0.0, 6.5, 13.0])


def test_shadowing_has_its_variance_and_correlation_length() -> None:
    parameters = replace(PLAIN, shadowing_sd_db=5.0, shadowing_distance_m=8.0)
    site = SimulatedSite(hall(beacons=300), parameters)
    x_m = np.arange(10.0, 91.0, 2.0)
    points = np.column_stack([x_m, np.zeros(len(x_m))])
    flat = SimulatedSite(hall(beacons=300), PLAIN).expected_rssi_dbm(points)
    shadowing = site.expected_rssi_dbm(points) - flat
    assert shadowing.std() == pytest.approx(5.0, rel=0.07)
    at_8_m = np.mean(shadowing[:-4] * shadowing[4:]) / np.mean(shadowing**2)
    assert at_8_m == pytest.approx(math.exp(-1.0), abs=0.06)


def test_packets_are_lost_by_the_share_given() -> None:
    sent = len(stand(PLAIN))
    heard = len(stand(replace(PLAIN, packet_loss=0.3)))
    assert sent == pytest.approx(1_000 / 0.205, rel=0.01)
    assert heard / sent == pytest.approx(0.7, abs=0.03)


def test_weak_packets_are_not_heard() -> None:
    mean = -59.0 - 22.0
    fading = replace(PLAIN, rician_k_db=3.0)
    heard = stand(replace(fading, sensitivity_dbm=mean))
    share = len(heard) / len(stand(fading))
    assert 0.35 < share < 0.6
    assert rssi_dbm(heard).min() >= mean
    assert stand(replace(PLAIN, sensitivity_dbm=mean + 1)) == []


@pytest.mark.parametrize(
    ("k_db", "sd_db"), [(-math.inf, 5.57), (3.0, 4.37), (7.0, 2.90), (math.inf, 0.0)]
)
def test_fading_keeps_the_mean_power_and_has_the_spread_of_rice(k_db: float, sd_db: float) -> None:
    site = SimulatedSite(hall(), replace(PLAIN, rician_k_db=k_db))
    mean = np.full(100_000, -70.0)
    packets = site.packets_dbm(mean, np.random.default_rng(1))
    assert 10 * math.log10(np.mean(10 ** (packets / 10))) == pytest.approx(-70.0, abs=0.1)
    # Whole dBm add a variance of 1/12 to any spread but none.
    rounding = 0.0 if sd_db == 0 else 1 / 12
    assert packets.std() == pytest.approx(math.sqrt(sd_db**2 + rounding), abs=0.06)


def test_an_rssi_is_a_whole_number_below_0() -> None:
    rssi = rssi_dbm(stand(RadioParameters(), x_m=1.0))
    assert (rssi < 0).all()
    np.testing.assert_array_equal(rssi, np.rint(rssi))


def test_intervals_are_the_one_given_and_a_jitter() -> None:
    parameters = replace(PLAIN, interval_ms=500.0, jitter_ms=40.0)
    times_ms = np.array([one.time_ns for one in stand(parameters)]) / 1e6
    waits_ms = np.diff(times_ms)
    assert 0 <= times_ms[0] < 500
    assert 500 <= waits_ms.min() < 501
    assert 539 < waits_ms.max() <= 540
    assert waits_ms.mean() == pytest.approx(520, abs=2)


def test_how_a_path_is_cut_into_legs_does_not_change_the_intervals() -> None:
    legs = legs_until(random_walk(DEMO.floors[0], Stream.WALK.rng(0)), s_to_ns(300))
    site = SimulatedSite(DEMO, replace(PLAIN, jitter_ms=0.0))
    by_beacon: dict[BeaconId, list[int]] = {}
    for one in site.advertisements(legs):
        by_beacon.setdefault(one.beacon, []).append(one.time_ns)
    assert set(by_beacon) == set(site.beacons)
    for times in by_beacon.values():
        # Times are whole nanoseconds, cut off.
        assert np.abs(np.diff(times) - 200_000_000).max() <= 1


def test_a_receiver_offset_shifts_everything() -> None:
    site = SimulatedSite(DEMO, seed=1)
    shifted = site.with_receiver(offset_db=-12.0, body_loss_db=0.0)
    points = [[3.0, 4.0], [20.0, 12.0]]
    np.testing.assert_allclose(
        shifted.expected_rssi_dbm(points), site.expected_rssi_dbm(points) - 12.0
    )
    assert site.parameters.receiver_offset_db == 0.0
    with pytest.raises(ConfigError, match="body_loss_db"):
        site.with_receiver(offset_db=0.0, body_loss_db=-1.0)


def test_a_body_stands_in_the_way_of_what_is_behind() -> None:
    site = SimulatedSite(hall(), replace(PLAIN, body_loss_db=8.0))
    points = [[10.0, 0.0]] * 3
    loss = site.expected_rssi_dbm(points) - site.expected_rssi_dbm(
        points, headings_deg=[180.0, 90.0, 0.0]
    )
    assert loss[:, 0] == pytest.approx([0.0, 4.0, 8.0])


def walked(seed: int, parameters: RadioParameters | None = None) -> list[Advertisement]:
    legs = legs_until(random_walk(DEMO.floors[0], Stream.WALK.rng(0)), s_to_ns(30))
    return list(SimulatedSite(DEMO, parameters, seed).advertisements(legs))


def test_the_seed_fixes_everything() -> None:
    assert walked(1) == walked(1)
    assert walked(1) != walked(2)
    points = [[3.0, 4.0]]
    one, other = (SimulatedSite(DEMO, seed=seed).expected_rssi_dbm(points) for seed in (1, 2))
    assert not np.allclose(one, other)


def test_the_same_object_gives_the_same_twice_and_others_for_another_seed() -> None:
    site = SimulatedSite(DEMO, seed=1)
    legs = list(legs_until(random_walk(site.floor, Stream.WALK.rng(0)), s_to_ns(10)))
    assert list(site.advertisements(legs)) == list(site.advertisements(legs))
    assert list(site.advertisements(legs)) != list(site.advertisements(legs, seed=2))


def test_streams_are_kept_apart() -> None:
    # Fading of another kind leaves field and timing as they are.
    no_loss = RadioParameters(packet_loss=0.0, sensitivity_dbm=-150.0)
    one, other = walked(1, no_loss), walked(1, replace(no_loss, rician_k_db=math.inf))
    assert [(a.beacon, a.time_ns) for a in one] == [(b.beacon, b.time_ns) for b in other]
    assert [a.rssi_dbm for a in one] != [b.rssi_dbm for b in other]


def test_times_are_sorted_and_the_power_at_1_m_is_told() -> None:
    heard = walked(1)
    times = [one.time_ns for one in heard]
    assert times == sorted(times)
    assert {one.measured_power_dbm for one in heard} == {-59.0}


def test_expected_rssi_has_a_row_a_position_and_a_column_a_beacon() -> None:
    site = SimulatedSite(DEMO)
    both = site.expected_rssi_dbm([[3.0, 4.0], [20.0, 12.0]])
    assert both.shape == (2, 12)
    np.testing.assert_array_equal(both[1:], site.expected_rssi_dbm([[20.0, 12.0]]))
    nearest = site.beacons[int(np.argmax(SimulatedSite(DEMO, PLAIN).expected_rssi_dbm([[1, 1]])))]
    assert nearest == "name:demo:b01"


def test_beacons_of_other_floors_and_of_no_place_are_not_heard() -> None:
    first, second = (Floor(name, "", DEMO.floors[0].outline) for name in ("0", "1"))
    here, above, lost = (BeaconId(f"name:x:{name}") for name in ("here", "above", "lost"))
    beacons = (
        Beacon(here, Position(1.0, 1.0, "0")),
        Beacon(above, Position(1.0, 1.0, "1")),
        Beacon(lost, None),
    )
    site = Site("x", "X", (first, second), beacons, "made for tests")
    assert SimulatedSite(site).beacons == (here,)
    assert SimulatedSite(site, floor="1").beacons == (above,)
    with pytest.raises(SiteError, match="no floor '2'"):
        SimulatedSite(site, floor="2")
    with pytest.raises(SiteError, match="must have a beacon"):
        SimulatedSite(replace(site, beacons=beacons[1:]))
