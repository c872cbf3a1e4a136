"""Forests of scikit-learn as TensorFlow graphs, so that they run where a network does."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.methods import Positions

TREES: Final = 50
"""Trees a forest; a walk through them must stay below a millisecond on the edge."""


def forest_graph(
    kind: Any, rows: NDArray[np.float32], position_m: NDArray[np.float32], *, leaf: int
) -> Positions:
    """Return a fitted forest as a graph of `vector`.

    Args:
        kind: RandomForestRegressor or ExtraTreesRegressor of scikit-learn.
        rows: [n, width], in an order that does not depend on the survey's: the bootstrap draws
            row numbers.
        position_m: [n, 2], metres.
        leaf: least rows of a leaf.
    """
    forest = kind(TREES, min_samples_leaf=leaf, random_state=0, n_jobs=1)
    return _graph_of(forest.fit(rows, position_m))


def _graph_of(forest: Any) -> Positions:
    """All trees walked at once: a node number a tree, one gather a level, leaves lead to itself."""
    trees = [estimator.tree_ for estimator in forest.estimators_]
    starts = np.cumsum([0] + [tree.node_count for tree in trees[:-1]])
    own = [np.arange(tree.node_count) for tree in trees]
    leaf = [tree.children_left < 0 for tree in trees]
    left, right = (
        np.concatenate(
            [
                np.where(end, node, getattr(tree, side)) + start
                for tree, end, node, start in zip(trees, leaf, own, starts, strict=True)
            ]
        ).astype(np.int32)
        for side in ("children_left", "children_right")
    )
    feature = np.concatenate([np.maximum(tree.feature, 0) for tree in trees]).astype(np.int32)
    limit = _round_down(np.concatenate([tree.threshold for tree in trees]))
    value = np.concatenate([tree.value[:, :, 0] for tree in trees]).astype(np.float32)
    depth = max(tree.max_depth for tree in trees)
    tables = [tf.constant(a) for a in (left, right, feature, limit, value)]
    roots = tf.constant(starts[None].astype(np.int32))
    return lambda inputs: _walk(tf.convert_to_tensor(inputs["vector"]), tables, roots, depth)


def _round_down(limit: NDArray[np.float64]) -> NDArray[np.float32]:
    # A threshold rounded up to a reading would send that reading to the wrong side.
    near = limit.astype(np.float32)
    return np.where(near > limit, np.nextafter(near, np.float32(-np.inf)), near)


def _walk(rows: Any, tables: list[Any], roots: Any, depth: int) -> Any:
    left, right, feature, limit, value = tables
    node = tf.cast(rows[:, :1] * 0, tf.int32) + roots
    for _ in range(depth):
        reading = tf.gather(rows, tf.gather(feature, node), axis=1, batch_dims=1)
        down_left = reading <= tf.gather(limit, node)
        node = tf.where(down_left, tf.gather(left, node), tf.gather(right, node))
    return tf.reduce_mean(tf.gather(value, node), axis=1)
