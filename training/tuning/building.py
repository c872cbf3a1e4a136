"""What a worker's process begins with: the search, unpacked without TensorFlow's chatter."""

from __future__ import annotations

import functools
import pickle
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from training.silence import silenced

if TYPE_CHECKING:
    import optuna

    from training.tuning.local_workers import Build
    from training.tuning.search import Search
    from training.tuning.worker import Work


def packed(search: Search) -> Build:
    """Return what the workers of a crew build their work by.

    The search travels as bytes: a process that unpacked it before it is silent would load
    TensorFlow, which talks.
    """
    return functools.partial(_unpack, pickle.dumps(search))


def _unpack(search: bytes, study: optuna.Study) -> Work:
    # One thread a process: two networks side by side are faster than one on two cores.
    threadpool_limits(1)
    with silenced():
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.constant(0)  # looks for a GPU, and would say that there is none
        from training.tuning.search import build_search

        return build_search(pickle.loads(search), study)
