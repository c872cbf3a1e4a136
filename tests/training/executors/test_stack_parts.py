from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.training.executors.lanes import lane
from tests.training.simulated import quick
from training.executors.stack import group
from training.executors.stacked.drops import kept
from training.executors.stacked.initial import initial_of
from training.executors.stacked.lanes import padded, signature
from training.executors.stacked.records import Table, feeds
from training.networks import build_network

IMAGE = {"image": (12, 12, 2), "vector": (3,)}


@pytest.mark.parametrize(
    ("preset", "changes", "shapes"),
    [
        ("dnn", {"dropout": (0.2, 0.0, 0.1), "batch_norm_after": (1, 3)}, {"vector": (9,)}),
        ("paper-dnn", {}, {"vector": (13,)}),
        ("cnn", {"kernels": (3, 2), "dropout": (0.1,), "batch_norm_after": (2,)}, IMAGE),
        ("paper-cnn", {}, {"image": (25, 25, 1)}),
    ],
)
def test_initial_weights_are_those_of_build_network(
    preset: str, changes: dict[str, Any], shapes: dict[str, tuple[int, ...]]
) -> None:
    config = quick(preset, **changes)
    initial = initial_of(signature(lane(config, shapes)))
    assert initial.repeats, "this version of Keras draws otherwise: a start costs a network"
    for seed in (0, 123):
        model = build_network(config, shapes, seed=seed)
        assert initial.count == model.count_params()
        for ours, theirs in zip(initial.weights(seed), model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_lanes_run_together_by_what_one_program_must_share() -> None:
    base = {"hidden": (4,), "dropout": (0.1,)}
    some = [
        lane(quick("dnn", **base)),
        lane(quick("dnn", **{**base, "hidden": (5,)})),
        lane(quick("dnn", **base, learning_rate=0.5, beta1=0.1, name="other"), seed=3, n=90),
        lane(quick("dnn", **{**base, "dropout": (0.4,)})),
        lane(quick("dnn", **{**base, "dropout": (0.0,)})),
        lane(quick("dnn", **base, l2=0.1)),
        lane(quick("dnn", **base, batch_size=33)),
        lane(quick("dnn", **base), {"vector": (8,)}),
    ]
    assert group(some) == [[0, 2, 3], [1], [4], [5], [6], [7]]
    assert [len(one) for one in group([some[0]] * 150)] == [64, 64, 22]
    cnn = lane(quick("cnn", kernels=(3, 2)), IMAGE)
    assert [len(one) for one in group([cnn] * 11)] == [8, 3]


@given(st.integers(1, 64))
def test_few_sizes_of_programs(count: int) -> None:
    assert padded(count, "dnn") in {8, 16, 32, 64}
    assert count <= padded(count, "dnn") < max(9, 2 * count)


def test_every_row_comes_once_an_epoch_in_the_order_of_the_seed() -> None:
    first = np.arange(10, dtype=np.float32)[:, None]
    second = 100 + np.arange(7, dtype=np.float32)[:, None]
    table = Table([first, second, first])
    assert len(table.values) == 17, "the same rows are kept once"
    shuffles = [np.random.default_rng(seed) for seed in range(3)]
    (feed,) = feeds(table, shuffles, epochs=2, batch=4, size=8)
    assert feed.steps == 6
    for i, rows in enumerate((first, second, first)):
        order = np.random.default_rng(i)
        for epoch in range(2):
            steps = range(epoch * 3, epoch * 3 + 3)
            chosen = np.concatenate([feed.rows[s, i, : feed.counts[s, i]] for s in steps])
            got = np.asarray(table.tensor())[chosen]
            np.testing.assert_array_equal(got, rows[order.permutation(len(rows))])
    assert (feed.counts[:, 3:] == 0).all()


def test_many_steps_come_in_parts_of_one_size() -> None:
    rows = np.arange(300, dtype=np.float32)[:, None]

    def parts() -> list[Any]:
        return list(feeds(Table([rows]), [np.random.default_rng(0)], epochs=3, batch=4, size=2))

    assert {feed.rows.shape for feed in parts()} == {(64, 2, 4)}
    assert [feed.steps for feed in parts()] == [64, 64, 64, 33]
    seen = np.concatenate([feed.rows[: feed.steps, 0].ravel() for feed in parts()])
    np.testing.assert_array_equal(np.sort(seen), np.repeat(np.arange(300), 3))


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    share = np.asarray([0.0, 0.1, 0.5], np.float32)
    seeds = tf.constant([1, 2, 3], tf.uint32)
    factor = np.stack(
        [
            np.asarray(kept(seeds, tf.fill([3], step), block=1, share=share, shape=(50, 40)))
            for step in (0.0, 1.0, 7.0)
        ]
    )
    dropped = (factor == 0).mean(axis=(0, 2, 3))
    np.testing.assert_allclose(dropped, share, atol=0.02)
    np.testing.assert_allclose(factor.mean(axis=(0, 2, 3)), 1, atol=0.03)


def test_dropout_differs_by_lane_step_block_and_unit_and_by_nothing_else() -> None:
    def of(seeds: list[int], step: float, block: int) -> Any:
        share = tf.fill([len(seeds)], 0.5)
        steps = tf.fill([len(seeds)], step)
        drawn = kept(tf.constant(seeds, tf.uint32), steps, block=block, share=share, shape=(64, 30))
        return np.asarray(drawn) > 0

    base = of([4], 3.0, 1)[0]
    np.testing.assert_array_equal(base, of([9, 4], 3.0, 1)[1])
    for other in (of([5], 3.0, 1)[0], of([4], 4.0, 1)[0], of([4], 3.0, 2)[0], base[::-1]):
        assert (base == other).mean() == pytest.approx(0.5, abs=0.05)
    for axis in (0, 1):
        neighbours = (np.diff(base.astype(int), axis=axis) == 0).mean()
        assert neighbours == pytest.approx(0.5, abs=0.05)
