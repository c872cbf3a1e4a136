"""Many trainings of one architecture as one batched program, "lanes".

A network this small spends more time between its operations than in them. A stack runs dozens of
them in one compiled program, each lane with its own learning rate, seed, order of rows, and rows.
What becomes of a lane depends on nothing beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from localizer.errors import ConfigError
from training.executors.stacked import scoring
from training.executors.stacked.initial import Weights, initial_of
from training.executors.stacked.lanes import BEST, Lane, Signature, group, padded, signature
from training.executors.stacked.optimisers import RATES, SLOTS, Clock
from training.executors.stacked.pixels import Pixels, pixels_of
from training.executors.stacked.program import program_of
from training.executors.stacked.records import Columns, Table, feeds
from training.executors.stacked.step import Rates, State, merged
from training.executors.steps import Progress
from training.preparation import SEED_STEP

__all__ = ["BEST", "Health", "Lane", "Stack", "group"]


class Health(NamedTuple):
    """How a lane stands after the last epoch that it ran."""

    dead: tuple[int, ...]
    """Coordinates that are 0 for every training row; only a ReLU output can be."""
    finite: bool
    """Whether its last loss and all its weights are numbers."""
    gradient: float
    """Norm of the gradient over all weights at the last step; 0 before the first."""


class Stack:
    """Lanes of one signature, trained together."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        """Initialise every lane as `start_network` does: anew while an output is dead.

        Args:
            lanes: of one signature, as `group` gives them.

        Raises:
            ConfigError: there is none, or they differ in what one program must share.
        """
        like = {signature(lane) for lane in lanes}
        if len(like) != 1:
            raise ConfigError(
                f"a stack must have lanes of one signature, but got {len(lanes)} lanes of "
                f"{len(like)}; group them first"
            )
        self._like = like.pop()
        self._lanes = list(lanes)
        self._initial = initial_of(self._like)
        self._columns = Columns(self._like.shapes, _pixels(self._like, lanes))
        self._training = Table(_once(self._columns.of_set, (lane.data for lane in lanes)))
        self._held_out = Table(_once(self._columns.of_inputs, (lane.held_out for lane in lanes)))
        self._shuffles = [np.random.default_rng(lane.seed) for lane in lanes]
        self._losses = np.zeros(len(lanes), np.float32)
        self.tries: list[int] = [1] * len(lanes)
        """Initialisations of each lane; the last one stands, dead or not."""
        self._state = self._started()

    @property
    def lanes(self) -> list[Lane]:
        """The lanes that still run; results come in their order."""
        return list(self._lanes)

    @property
    def weight_count(self) -> int:
        """Numbers of one network, as `model.count_params` counts them."""
        return self._initial.count

    def advance(self, epochs: int, progress: Progress = lambda _: None) -> NDArray[np.float32]:
        """Train every lane, and return its mean loss of each epoch, [lanes, epochs].

        Args:
            epochs: how many, on top of those that ran before; at least 1.
            progress: told about ended epochs; several may end at once.

        Raises:
            ConfigError: there is no epoch to run.
        """
        if epochs < 1:
            raise ConfigError(f"a stack must advance by at least 1 epoch, but got {epochs}")
        batch, size = self._like.config.batch_size, self._size
        run = program_of(self._like, self._columns, size, batch)
        rates, sums, steps, told = self._rates(), [], 0, 0
        longest = -(-int(self._training.lengths.max()) // batch)
        for feed in feeds(self._training, self._shuffles, epochs=epochs, batch=batch, size=size):
            rows = tf.constant(feed.rows), tf.constant(feed.counts), tf.constant(feed.steps)
            self._state, losses = run(self._state, rates, self._training.tensor(), *rows)
            sums.append(losses.numpy()[: feed.steps, : len(self._lanes)])
            steps += feed.steps
            progress(steps // longest - told)
            told = steps // longest
        by_epoch = np.concatenate(sums).reshape(epochs, longest, -1).sum(axis=1)
        curves = np.asarray((by_epoch / self._training.lengths).T, np.float32)
        self._losses = curves[:, -1]
        return curves

    def predict(self) -> list[NDArray[np.float32]]:
        """Return the scaled positions of the held-out rows of each lane, [n, 2]."""
        return scoring.predicted(self._like, self._columns, self._weights(), self._held_out)

    def predict_training(self) -> list[NDArray[np.float32]]:
        """Return the scaled positions of the training rows of each lane, [n, 2]."""
        return scoring.predicted(self._like, self._columns, self._weights(), self._training)

    def start(self, seed: int) -> Weights:
        """Return the weights that `build_network` gives for a seed."""
        return self._initial.weights(seed)

    def weights(self, lane: int) -> Weights:
        """Return the weights of a lane in the order that `model.set_weights` takes."""
        return [np.asarray(weight[lane]) for weight in self._weights()]

    def set_weights(self, lane: int, weights: Weights) -> None:
        """Give a lane the weights of a model of its architecture; its optimiser starts afresh."""
        self._put(lane, _fresh(self._like, self._split([weight[None] for weight in weights])))

    def health(self) -> list[Health]:
        """Return how each lane stands."""
        dead = scoring.dead(self._like, self._columns, self._weights(), self._training)
        norms = np.asarray(self._state.gradient)
        sums = [
            np.asarray(value).sum(axis=tuple(range(1, value.ndim))) for value in self._weights()
        ]
        finite = np.isfinite(np.sum(sums, axis=0)[: len(dead)]) & np.isfinite(self._losses)
        return [
            Health(dead[lane], bool(finite[lane]), float(norms[lane])) for lane in range(len(dead))
        ]

    def keep(self, indices: Sequence[int]) -> None:
        """Go on with some lanes, in the order given; the others' rows and weights go.

        Raises:
            ConfigError: there is none, or an index twice or out of range.
        """
        wanted = list(indices)
        if not wanted or sorted(set(wanted) & set(range(len(self._lanes)))) != sorted(wanted):
            raise ConfigError(
                f"the lanes to keep must be some of 0 to {len(self._lanes) - 1}, each once, but "
                f"got {wanted}"
            )
        self._lanes = [self._lanes[i] for i in wanted]
        self._shuffles = [self._shuffles[i] for i in wanted]
        self.tries = [self.tries[i] for i in wanted]
        self._losses = self._losses[wanted]
        self._training = self._training.of(wanted)
        self._held_out = self._held_out.of(wanted)
        wanted += wanted[:1] * (self._size - len(wanted))
        self._state = _each(lambda value: tf.gather(value, wanted), self._state)

    def copy_lane(self, source: int, target: int, *, of: Stack | None = None) -> None:
        """Give a lane the weights and the state of the optimiser of another (to exploit it).

        Its seed, order of rows, settings and rows stay.

        Args:
            source: whose weights.
            target: which lane of this stack takes them.
            of: the stack of the source; this one if None.

        Raises:
            ConfigError: the other stack has another signature.
        """
        other = of or self
        if other._like != self._like:
            raise ConfigError(
                "a lane must be copied from a stack of the same signature, but the other one is "
                "of another architecture; begin a stack for each"
            )
        self._put(target, _each(lambda value: value[source : source + 1], other._state))
        self._losses[target] = other._losses[source]

    def set_hyper(self, lane: int, **changes: Any) -> None:
        """Change settings of a lane's configuration from here on (to explore).

        Raises:
            ConfigError: another setting than those that may differ between lanes.
        """
        old = self._lanes[lane]
        new = dataclasses.replace(old, config=dataclasses.replace(old.config, **changes))
        if signature(new) != self._like:
            raise ConfigError(
                f"only {', '.join(RATES)} and the amounts of dropout may change in a stack, and "
                f"none from or to 0, but got {changes}; start another stack"
            )
        self._lanes[lane] = new

    @property
    def _size(self) -> int:
        return padded(len(self._lanes), self._like.config.network)

    def _weights(self) -> list[Any]:
        return merged(self._initial.trainable, self._state.weights, self._state.moving)

    def _split(self, weights: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        pairs = list(zip(weights, self._initial.trainable, strict=True))
        return [one for one, trained in pairs if trained], [one for one, t in pairs if not t]

    def _started(self) -> State:
        drawn = [self._initial.weights(lane.seed) for lane in self._lanes]
        undecided = list(range(len(drawn)))
        while undecided:
            table = self._training.of(undecided)
            weights = _stacked([drawn[lane] for lane in undecided])
            dead = scoring.dead(self._like, self._columns, weights, table)
            undecided = [
                lane
                for lane, coordinates in zip(undecided, dead, strict=True)
                if coordinates and self.tries[lane] < self._lanes[lane].config.dead_output_tries
            ]
            for lane in undecided:
                seed = self._lanes[lane].seed + self.tries[lane] * SEED_STEP
                drawn[lane] = self._initial.weights(seed)
                self.tries[lane] += 1
        drawn += drawn[:1] * (self._size - len(drawn))
        return _fresh(self._like, self._split(_stacked(drawn)))

    def _rates(self) -> Rates:
        configs = [lane.config for lane in self._lanes]
        configs += configs[:1] * (self._size - len(configs))
        seeds = [lane.seed for lane in self._lanes] + [0] * (self._size - len(self._lanes))
        blocks = range(1, self._like.config.blocks + 1)
        shares = [[config.of_block(block)[2] for block in blocks] for config in configs]
        return Rates(
            {name: tf.constant([getattr(c, name) for c in configs], tf.float32) for name in RATES},
            tf.constant(np.reshape(shares, (len(configs), -1)), tf.float32),
            tf.constant([seed % 2**32 for seed in seeds], tf.uint32),
        )

    def _put(self, lane: int, state: State) -> None:
        def replaced(old: Any, new: Any) -> Any:
            return tf.tensor_scatter_nd_update(old, [[lane]], new)

        self._state = tf.nest.map_structure(replaced, self._state, state)


def _pixels(like: Signature, lanes: Sequence[Lane]) -> Pixels | None:
    """Return the pixels that change in any row of any lane."""
    if like.config.network == "dnn":
        return None
    inputs = [lane.data.inputs for lane in lanes] + [lane.held_out for lane in lanes]
    images = {id(one["image"]): one["image"] for one in inputs}
    return pixels_of(like.config, images.values())


def _once(made: Callable[[Any], NDArray[np.float32]], of: Iterable[Any]) -> list[Any]:
    """Return what is made of each, made once of the same object."""
    known: dict[int, NDArray[np.float32]] = {}
    return [
        known[id(one)] if id(one) in known else known.setdefault(id(one), made(one)) for one in of
    ]


def _stacked(weights: Sequence[Weights]) -> list[Any]:
    return [tf.constant(np.stack(values)) for values in zip(*weights, strict=True)]


def _fresh(like: Signature, weights: tuple[list[Any], list[Any]]) -> State:
    """Return the state before the first step."""
    trained, moving = weights
    lanes = int(trained[0].shape[0])
    count = SLOTS[like.config.optimizer]
    slots = tuple(tuple(tf.zeros_like(one) for _ in range(count)) for one in trained)
    clock = Clock(tf.zeros(lanes), tf.ones(lanes))
    return State(
        tuple(map(tf.constant, trained)),
        tuple(map(tf.constant, moving)),
        slots,
        clock,
        tf.zeros(lanes),
    )


def _each(change: Callable[[Any], Any], state: State) -> State:
    return tf.nest.map_structure(change, state)  # type: ignore[no-any-return]
