from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from localizer.errors import ConfigError
from tests.training.executors.lanes import HELD_OUT, by_loop, furthest, lane
from tests.training.simulated import quick
from training.executors.stack import Lane, Stack
from training.networks import build_network
from training.preparation import SEED_STEP

ALIKE = 2e-6
"""Between two orders of the same float32 sums, after some steps of size 1e-2."""


def small(**changes: Any) -> Any:
    """Every test of this module that can has this signature: its program is compiled once."""
    settings: dict[str, Any] = {"hidden": (9, 6), "optimizer": "sgd", "learning_rate": 0.05}
    return quick("dnn", **{**settings, "dropout": (0.2,), **changes})


def lanes(count: int = 3, **changes: Any) -> list[Lane]:
    rates = [0.02 * (i + 1) for i in range(count)]
    return [
        lane(small(learning_rate=rate, **changes), seed=i, n=60 + 17 * i)
        for i, rate in enumerate(rates)
    ]


def test_a_lane_depends_on_nothing_beside_it() -> None:
    together, alone = Stack(lanes()), Stack(lanes()[1:2])
    curves = together.advance(3)
    np.testing.assert_allclose(curves[1:2], alone.advance(3), atol=ALIKE)
    assert furthest(together.weights(1), alone.weights(0)) < ALIKE


def test_dropped_lanes_leave_the_others_as_they_are() -> None:
    whole, kept = Stack(lanes()), Stack(lanes())
    whole.advance(4)
    kept.advance(2)
    kept.keep([2, 0])
    assert [one.seed for one in kept.lanes] == [2, 0]
    kept.advance(2)
    for now, before in enumerate((2, 0)):
        assert furthest(kept.weights(now), whole.weights(before)) < ALIKE
        np.testing.assert_allclose(kept.predict()[now], whole.predict()[before], atol=ALIKE)


def test_a_pause_changes_nothing() -> None:
    whole, paused = Stack(lanes()), Stack(lanes())
    curves = whole.advance(5)
    parts = [paused.advance(epochs) for epochs in (1, 3, 1)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), curves)
    for i in range(3):
        assert furthest(whole.weights(i), paused.weights(i)) == 0


def test_it_tells_of_every_epoch() -> None:
    told: list[int] = []
    curves = Stack(lanes()).advance(4, told.append)
    assert curves.shape == (3, 4)
    assert sum(told) == 4
    assert (curves[:, -1] < curves[:, 0]).all(), "every lane must learn"


def test_predictions_are_those_of_the_network_with_its_weights() -> None:
    stack = Stack(lanes())
    stack.advance(2)
    for i, one in enumerate(stack.lanes):
        model = build_network(one.config, {"vector": (7,)}, seed=99)
        model.set_weights(stack.weights(i))
        held_out, training = stack.predict()[i], stack.predict_training()[i]
        assert held_out.shape == (HELD_OUT, 2)
        np.testing.assert_allclose(held_out, np.asarray(model(one.held_out)), atol=1e-5)
        np.testing.assert_allclose(training, np.asarray(model(one.data.inputs)), atol=1e-5)


def test_exploiting_and_exploring() -> None:
    stack, reference = Stack(lanes()), Stack(lanes())
    stack.advance(2)
    reference.advance(2)
    stack.copy_lane(0, 2)
    assert furthest(stack.weights(2), stack.weights(0)) == 0
    stack.set_hyper(2, learning_rate=0.5, dropout=(0.4,))
    assert stack.lanes[2].config.learning_rate == 0.5
    stack.advance(1)
    reference.advance(1)
    assert furthest(stack.weights(2), stack.weights(0)) > 0.01
    for untouched in (0, 1):
        assert furthest(stack.weights(untouched), reference.weights(untouched)) == 0


def test_a_lane_is_copied_with_its_memory_from_another_stack_too() -> None:
    alike = lanes()[:1] * 3
    whole, alone, other = Stack(alike), Stack(alike[:1]), Stack(alike[:1])
    whole.advance(1)
    alone.advance(1)
    other.advance(3)
    for stack, place in ((whole, 2), (alone, 0)):
        stack.copy_lane(0, place, of=other)
        assert furthest(stack.weights(place), other.weights(0)) == 0
        assert stack.health()[place].gradient == other.health()[0].gradient
        stack.advance(2)
    # What comes of it depends on nothing beside it, and is not what comes of its neighbours.
    assert furthest(whole.weights(2), alone.weights(0)) < ALIKE
    assert furthest(whole.weights(2), whole.weights(1)) > 1e-3
    with pytest.raises(ConfigError, match="same signature"):
        whole.copy_lane(0, 0, of=Stack([lane(small(hidden=(5,)))]))


@pytest.mark.parametrize("change", [{"batch_size": 7}, {"dropout": (0.0,)}, {"l2": 0.1}])
def test_what_needs_another_program_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="start another stack"):
        Stack(lanes()).set_hyper(0, **change)


def test_lanes_of_several_signatures_are_refused() -> None:
    with pytest.raises(ConfigError, match="one signature"):
        Stack([lane(small()), lane(small(hidden=(5,)))])
    with pytest.raises(ConfigError, match="0 lanes"):
        Stack([])


@pytest.mark.parametrize("indices", [[], [0, 0], [3], [-1]])
def test_lanes_that_are_not_there_cannot_be_kept(indices: list[int]) -> None:
    with pytest.raises(ConfigError, match="0 to 2"):
        Stack(lanes()).keep(indices)


def test_no_epoch_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1 epoch"):
        Stack(lanes()).advance(0)


def test_a_diverged_lane_is_told_and_harms_nobody() -> None:
    both = lanes(2)
    wild = replace(both[1], config=replace(both[1].config, learning_rate=1e30))
    stack, alone = Stack([both[0], wild]), Stack(both[:1])
    assert [health.gradient for health in stack.health()] == [0, 0]
    stack.advance(2)
    alone.advance(2)
    calm, lost = stack.health()
    assert calm.finite
    assert calm.gradient > 0
    assert not lost.finite
    assert furthest(stack.weights(0), alone.weights(0)) < ALIKE


def test_dead_outputs_are_initialised_anew_as_start_network_does() -> None:
    config = quick("paper-dnn", target="box", hidden=(4,), batch_norm_after=(), dead_output_tries=6)
    stack = Stack([lane(config, seed=seed) for seed in range(12)])
    assert max(stack.tries) > 1
    health = stack.health()
    for i, one in enumerate(stack.lanes):
        assert not health[i].dead or stack.tries[i] == 6
        seed = one.seed + (stack.tries[i] - 1) * SEED_STEP
        built = build_network(config, {"vector": (7,)}, seed=seed).get_weights()
        assert furthest(built, stack.weights(i)) == 0


def test_without_a_second_try_a_dead_lane_stays_and_is_told() -> None:
    config = quick("paper-dnn", target="box", hidden=(4,), batch_norm_after=(), dead_output_tries=1)
    stack = Stack([lane(config, seed=seed) for seed in range(12)])
    assert set(stack.tries) == {1}
    assert any(health.dead for health in stack.health())


def test_weights_can_be_given() -> None:
    stack = Stack(lanes())
    other = build_network(small(), {"vector": (7,)}, seed=77).get_weights()
    stack.set_weights(1, other)
    assert furthest(stack.weights(1), other) == 0
    assert furthest(stack.weights(0), other) > 0


def test_the_compiled_program_computes_what_loop_does() -> None:
    # Without dropout, whose draws are another generator's.
    still = [replace(one, config=replace(one.config, dropout=(0.0,))) for one in lanes()]
    stack = Stack(still)
    curves = stack.advance(3)
    for i, one in enumerate(still):
        model, curve = by_loop(one, 3)
        assert furthest(model.get_weights(), stack.weights(i)) < 1e-5
        np.testing.assert_allclose(curves[i], curve, rtol=1e-4)
