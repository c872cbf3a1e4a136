from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from localizer.beacons import BeaconId
from localizer.scans import Fingerprint, Scan
from localizer.site import Beacon, Floor, Position, Site
from localizer.table import FingerprintTable, table_from_fingerprints
from tests.training.simulated import small_site, small_table
from training.baselines import fit_baseline, geometric_median
from training.catalogue import SIMPLE_METHODS
from training.convert import to_tflite, verified_model
from training.fit_method import choose_settings
from training.metrics import errors_m

A, B = BeaconId("name:t:a"), BeaconId("name:t:b")
SITE = Site(
    "t",
    "Test",
    (Floor("0", "Ground", ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))),),
    (Beacon(A, Position(0.0, 0.0)), Beacon(B, Position(10.0, 0.0))),
    "a test",
)


def table(*rows: tuple[dict[BeaconId, float], tuple[float, float]]) -> FingerprintTable:
    prints = [
        Fingerprint(
            Scan(i, 1.0, {b: (r,) for b, r in readings.items()}),
            session="s",
            visit=str(i),
            device="d",
            time_utc=datetime(2026, 1, 1, tzinfo=UTC),
            local_date=date(2026, 1, 1),
            position=Position(*at),
        )
        for i, (readings, at) in enumerate(rows)
    ]
    return table_from_fingerprints(prints, (A, B), "mean")


def locate(
    method: str, train: FingerprintTable, query: FingerprintTable, **settings: float
) -> list:  # type: ignore[type-arg]
    fitted = fit_baseline(method, train, SITE, settings or None)
    return [tuple(round(v, 3) for v in row) for row in fitted.predict(query).tolist()]


TRAIN = table(({A: -60.0}, (1.0, 1.0)), ({A: -60.0}, (1.0, 1.0)), ({B: -60.0}, (9.0, 3.0)))


@pytest.mark.parametrize("method", SIMPLE_METHODS)
def test_the_order_of_the_rows_means_nothing(method: str) -> None:
    rows = small_table()
    shuffled = rows.rows(np.random.default_rng(5).permutation(len(rows)))
    for settings in SIMPLE_METHODS[method].grid[:2]:
        straight, mixed = (
            fit_baseline(method, side, small_site(), settings).predict(rows)
            for side in (rows, shuffled)
        )
        np.testing.assert_allclose(straight, mixed, atol=1e-3)


@pytest.mark.parametrize("method", SIMPLE_METHODS)
def test_every_method_beats_the_training_centroid_on_a_simulated_floor(method: str) -> None:
    rows = small_table()
    error = errors_m(fit_baseline(method, rows, small_site()).predict(rows), rows.position_m).mean()
    centre = errors_m(
        fit_baseline("training-centroid", rows, small_site()).predict(rows), rows.position_m
    ).mean()
    assert error <= centre if method == "training-centroid" else error < 0.6 * centre


def test_the_training_centroid_is_the_mean_of_the_places_not_of_the_rows() -> None:
    assert locate("training-centroid", TRAIN, TRAIN) == [(5.0, 2.0)] * 3


def test_the_strongest_beacon_wins_and_a_tie_is_shared() -> None:
    query = table(
        ({A: -50.0, B: -51.0}, (0, 0)), ({A: -50.0, B: -50.0}, (0, 0)), ({B: -99.0}, (0, 0))
    )
    assert locate("strongest-beacon", TRAIN, query) == [(0, 0), (5, 0), (10, 0)]


def test_the_weighted_centroid_weighs_by_10_to_the_rssi_over_15() -> None:
    query = table(({A: -60.0, B: -75.0}, (0, 0)))
    assert locate("weighted-centroid", TRAIN, query) == [(round(10 * 0.1 / 1.1, 3), 0)]


@pytest.mark.parametrize("method", ["strongest-beacon", "weighted-centroid"])
def test_nothing_heard_gives_the_training_centroid(method: str) -> None:
    assert locate(method, TRAIN, table(({}, (0, 0)))) == [(5.0, 2.0)]


def test_k_nn_shares_the_last_vote_among_ties() -> None:
    rows = table(
        ({A: -60.0}, (0, 0)), ({A: -62.0}, (8, 0)), ({A: -62.0}, (0, 8)), ({A: -90.0}, (9, 9))
    )
    query = table(({A: -60.0}, (0, 0)))
    # The second of two neighbours is a tie of two rows: each has half a vote.
    assert locate("knn", rows, query, k=2.0) == [(2.0, 2.0)]


def test_more_neighbours_than_rows_are_all_rows() -> None:
    assert locate("knn", TRAIN, TRAIN, k=25.0) == [(3.667, 1.667)] * 3


def test_the_kernel_gives_each_place_one_vote() -> None:
    rows = table(*[({A: -60.0}, (0.0, 0.0))] * 9, ({A: -60.0}, (8.0, 0.0)))
    assert locate("kernel-mean", rows, table(({A: -60.0}, (0, 0)))) == [(4.0, 0.0)]


def test_far_from_everything_the_kernel_still_answers() -> None:
    answer = locate("kernel-mean", TRAIN, table(({A: -20.0, B: -20.0}, (0, 0))), width_db=2.0)
    assert np.isfinite(answer).all()


def test_the_geometric_median_ignores_a_far_minority() -> None:
    places = np.asarray([[0, 0], [1, 0], [0, 1], [100, 100]], np.float32)
    share = np.asarray([[0.3, 0.3, 0.3, 0.1]], np.float32)
    x, y = np.asarray(geometric_median(share, places))[0]
    assert max(abs(float(x)), abs(float(y))) < 1.0
    assert (share @ places)[0, 0] > 10


def test_a_beacon_without_a_place_is_left_out_of_the_centroid() -> None:
    site = Site("t", "T", SITE.floors, (SITE.beacons[0], Beacon(B, None)), "a test")
    query = table(({A: -60.0, B: -40.0}, (0, 0)), ({B: -40.0}, (0, 0)))
    fitted = fit_baseline("weighted-centroid", TRAIN, site)
    assert fitted.predict(query).round(3).tolist() == [[0, 0], [5, 2]]


def test_settings_are_chosen_where_they_matter() -> None:
    # Each place has a reading of its own, heard alike in both sessions: one neighbour is best.
    alone = [({A: -60.0 - i}, (float(i), 0.0)) for i in range(30)]
    rows = table(*alone, *alone)
    rows = replace(rows, session=np.repeat(["s", "t"], 30))
    assert choose_settings("knn", rows, SITE, split="sessions") == {"k": 1.0}
    # Readings that say nothing about the place: the more neighbours, the nearer to the middle.
    rng = np.random.default_rng(0)
    noise = [({A: float(-60 - rng.integers(20))}, (float(i % 10), 0.0)) for i in range(120)]
    rows = replace(table(*noise), session=np.repeat(["s", "t"], 60))
    assert choose_settings("knn", rows, SITE, split="sessions")["k"] >= 15
    one_place = small_table().rows(small_table().place == 0)
    assert choose_settings("knn", one_place, small_site(), split="cells") == {"k": 5.0}


@pytest.mark.parametrize("method", SIMPLE_METHODS)
def test_fractional_readings_of_forty_beacons_survive_the_export(method: str) -> None:
    rng = np.random.default_rng(2)
    ids = tuple(BeaconId(f"name:t:b{i}") for i in range(40))
    places = rng.uniform(0, 50, (40, 2))
    beacons = tuple(
        Beacon(b, Position(float(x), float(y))) for b, (x, y) in zip(ids, places, strict=True)
    )
    outline = ((0.0, 0.0), (50.0, 0.0), (50.0, 50.0), (0.0, 50.0))
    site = Site("t", "Test", (Floor("0", "Ground", outline),), beacons, "a test")
    at = rng.uniform(0, 50, (60, 2)).repeat(3, axis=0)
    distance = np.linalg.norm(at[:, None] - places[None], axis=2)
    rssi = -45 - 20 * np.log10(distance + 1) + rng.normal(0, 1, distance.shape)
    small = table(*[({A: -50.0}, (float(x), float(y))) for x, y in at])
    rows = replace(small, beacons=ids, rssi_dbm=rssi.astype(np.float32), mask=rssi > -78)
    fitted = fit_baseline(method, rows, site)
    _, worst = verified_model(fitted, to_tflite(fitted), rows)
    assert worst.position_m < 0.001
