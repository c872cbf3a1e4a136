import numpy as np
import pytest

from localizer.errors import ConfigError
from localizer.sites import built_in_site
from tests.training.simulated import quick, small_site, small_table
from training.fit_network import fit_network
from training.metrics import errors_m
from training.targets import target_scale, to_scaled


@pytest.mark.parametrize("preset", ["dnn", "cnn"])
def test_one_real_run_learns_and_keeps_its_curve(preset: str) -> None:
    told: list[int] = []
    config = quick(preset, epochs=25, learning_rate=0.003)
    fitted = fit_network(config, small_table(), small_site(), seed=0, progress=told.append)
    curve = fitted.curve["training loss"]
    assert len(curve) == 25 == sum(told)
    assert curve[-1] < 0.7 * curve[0]
    error = errors_m(fitted.predict(small_table()), small_table().position_m)
    centroid = errors_m(
        np.broadcast_to(small_table().position_m.mean(axis=0), (len(error), 2)),
        small_table().position_m,
    )
    assert error.mean() < 0.7 * centroid.mean()


@pytest.mark.parametrize("executor", ["loop", "fit"])
def test_the_same_seed_gives_the_same_network_and_another_another(executor: str) -> None:
    config = quick("dnn", executor=executor)
    first, again, other = (
        fit_network(config, small_table(), small_site(), seed=seed).predict(small_table())
        for seed in (3, 3, 4)
    )
    assert (first == again).all()
    assert np.abs(first - other).max() > 0.01


@pytest.mark.long
def test_loop_and_fit_reach_the_same_error() -> None:
    means = {
        executor: np.mean(
            [
                errors_m(
                    fit_network(
                        quick("dnn", executor=executor, epochs=30),
                        small_table(),
                        small_site(),
                        seed=s,
                    ).predict(small_table()),
                    small_table().position_m,
                ).mean()
                for s in range(3)
            ]
        )
        for executor in ("loop", "fit")
    }
    assert means["loop"] == pytest.approx(means["fit"], rel=0.25)


def test_dead_initialisations_are_counted_said_and_left_behind() -> None:
    # The paper's CNN on its own image: most initialisations are dead from the start.
    config = quick("paper-cnn", target="box", dead_output_tries=10)
    notes: list[str] = []
    dead = 0
    for seed in range(6):
        fitted = fit_network(config, small_table(), small_site(), seed=seed)
        dead += int(fitted.settings["dead_initialisations"])
        notes += fitted.notes
    assert dead > 0
    assert any("initialisations had a dead output" in note for note in notes)


def test_without_a_second_try_a_dead_network_is_taken_as_it_is_and_counted() -> None:
    config = quick("paper-cnn", target="box", dead_output_tries=1, epochs=1)
    counts = [
        fit_network(config, small_table(), small_site(), seed=s).settings["dead_initialisations"]
        for s in range(6)
    ]
    assert set(counts) <= {0, 1}
    assert sum(counts) > 0


def test_rows_of_another_aggregation_are_refused() -> None:
    with pytest.raises(ConfigError, match="aggregated"):
        fit_network(quick("dnn", aggregation="max"), small_table(), small_site(), seed=0)


def test_a_run_that_diverges_says_so() -> None:
    config = quick("dnn", optimizer="sgd", learning_rate=1e30)
    fitted = fit_network(config, small_table(), small_site(), seed=0)
    assert "training diverged: its loss is no number" in fitted.notes


def test_sgd_trains_too() -> None:
    config = quick("dnn", optimizer="sgd", learning_rate=0.01, epochs=10)
    curve = fit_network(config, small_table(), small_site(), seed=0).curve["training loss"]
    assert curve[-1] < curve[0]


def test_the_box_target_is_1_at_the_longer_side_and_comes_back() -> None:
    scale = target_scale("box", built_in_site("demo"), "0")
    corners = np.asarray([[0.0, 0.0], [24.0, 16.0]])
    scaled = to_scaled(corners, scale)
    np.testing.assert_allclose(scaled, [[-1, -2 / 3], [1, 2 / 3]], atol=1e-6)


def test_the_papers_target_is_the_published_codes_frame() -> None:
    scale = target_scale("paper", built_in_site("uci"), "1")
    # Label K04: x = ord("K") - 64 = 11 cells, y = 18 - 4 = 14 cells in the right-handed frame.
    position = np.asarray([[11 * 3.048, 14 * 3.048]])
    assert to_scaled(position, scale)[0].tolist() == pytest.approx([87 - ord("K"), 4], abs=1e-5)
