"""Other tuners as their documentation shows them: Keras `fit` with one part of the rows held out.

KerasTuner is no dependency of this project: install `keras-tuner` to have it in the table.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import optuna

from benchmarks.tuners.bench import Bench, Found
from localizer.features import Features, features
from training.config import NetworkConfig
from training.executors.steps import TrainingSet, new_optimizer, row_losses
from training.metrics import errors_m
from training.networks import build_network
from training.preparation import prepare
from training.tuning.objective import config_of
from training.tuning.parameters import AnyParameter, ChoiceParameter, FloatParameter
from training.tuning.space import Point, Space

TRIALS: Final = 100_000
"""More than any of them does in its time."""


class Fold(NamedTuple):
    """The first part that our studies hold out, as Keras takes it."""

    train: TrainingSet
    inputs: Features
    target: np.ndarray[Any, np.dtype[np.float32]]
    metres: Callable[[Any], float]
    """Mean error of outputs on the rows held out, metres."""


def fold_of(bench: Bench, config: NetworkConfig) -> Fold:
    """Return what a network of the space trains on and is validated on."""
    cut = bench.rows.folds[0]
    table = bench.rows.search
    ready = prepare(config, table.rows(cut.train), bench.survey.site, seed=0)
    held = prepare(config, table.rows(cut.test), bench.survey.site, seed=0)
    test = table.rows(cut.test)
    inputs = features(test.rssi_dbm, test.mask, ready.spec)

    def metres(output: Any) -> float:
        scaled = np.asarray(output, np.float64)
        position = scaled * np.asarray(ready.scale.scale_m) + np.asarray(ready.scale.offset_m)
        return float(errors_m(position, test.position_m).mean())

    return Fold(ready.data, inputs, held.data.target, metres)


def model_of(config: NetworkConfig, fold: Fold) -> keras.Model:
    """Return a compiled network."""
    shapes = {name: value.shape[1:] for name, value in fold.train.inputs.items()}
    model = build_network(config, shapes, seed=0)
    model.compile(optimizer=new_optimizer(config), loss=lambda y, out: row_losses(config, y, out))
    return model


def by_optuna(bench: Bench, seconds: float, seed: int) -> Found:
    """Search with Optuna's own defaults, a median pruner and Keras `fit`."""
    fold = fold_of(bench, bench.space.base)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        keras.utils.clear_session()
        config = config_of(bench.space.suggest(trial), (bench.space,), name="optuna")
        model = model_of(config, fold)
        model.fit(
            fold.train.inputs,
            fold.train.target,
            sample_weight=fold.train.weight,
            batch_size=config.batch_size,
            epochs=config.epochs,
            validation_data=(fold.inputs, fold.target),
            verbose=0,
            callbacks=[_Pruning(trial)],
        )
        return fold.metres(model(fold.inputs, training=False))

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner()
    )
    study.optimize(objective, timeout=seconds)
    states = [one.state for one in study.trials]
    done = sum(state.is_finished() for state in states)
    point = bench.space.point(study.best_trial.params)
    return Found(config_of(point, (bench.space,), name="optuna"), done)


class _Pruning(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports an epoch's validation loss, and stops what is worse than the median."""

    def __init__(self, trial: optuna.Trial) -> None:
        super().__init__()
        self._trial = trial

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._trial.report((logs or {})["val_loss"], epoch)
        if self._trial.should_prune():
            raise optuna.TrialPruned


def by_keras_tuner(kind: str) -> Callable[[Bench, float, int], Found]:
    """Return a search by one of KerasTuner's tuners: `random`, `bayesian` or `hyperband`."""

    def search(bench: Bench, seconds: float, seed: int) -> Found:
        import keras_tuner

        fold = fold_of(bench, bench.space.base)
        end = time.monotonic() + seconds

        class Hyper(keras_tuner.HyperModel):  # type: ignore[misc]
            def build(self, hp: Any) -> keras.Model:
                return model_of(_config(bench.space, hp), fold)

            def fit(self, hp: Any, model: keras.Model, *arguments: Any, **named: Any) -> Any:
                if time.monotonic() > end:
                    raise keras_tuner.errors.FatalError("time is over")
                batch_size = _config(bench.space, hp).batch_size
                return model.fit(*arguments, batch_size=batch_size, **named)

        kinds = {
            "random": keras_tuner.RandomSearch,
            "bayesian": keras_tuner.BayesianOptimization,
            "hyperband": keras_tuner.Hyperband,
        }
        epochs = bench.space.base.epochs
        limits = {"max_epochs": epochs} if kind == "hyperband" else {"max_trials": TRIALS}
        if kind == "hyperband":
            limits["hyperband_iterations"] = 100
        with TemporaryDirectory() as folder:
            tuner = kinds[kind](
                Hyper(), objective="val_loss", seed=seed, directory=folder, **limits
            )
            fitting = {} if kind == "hyperband" else {"epochs": epochs}
            try:
                tuner.search(
                    fold.train.inputs,
                    fold.train.target,
                    sample_weight=fold.train.weight,
                    validation_data=(fold.inputs, fold.target),
                    verbose=0,
                    **fitting,
                )
                note = ""
            except keras_tuner.errors.FatalError:
                note = ""
            except RuntimeError as error:
                note = str(error).splitlines()[0]
            done = [t for t in tuner.oracle.trials.values() if t.status == "COMPLETED"]
            best = tuner.oracle.get_best_trials(1)
        config = _config(bench.space, best[0].hyperparameters) if best else None
        return Found(config, len(done), note)

    return search


def _config(space: Space, hp: Any) -> NetworkConfig:
    point: Point = {}
    for one in space.drawn:
        if one.active(point):
            point[one.name] = _ask(hp, one)
    config = config_of(space.fit_image(point), (space,), name="keras-tuner")
    return dataclasses.replace(config, executor="fit")


def _ask(hp: Any, one: AnyParameter) -> Any:
    if isinstance(one, ChoiceParameter):
        return hp.Choice(one.name, list(one.values))
    sampling = "log" if one.log else "linear"
    if isinstance(one, FloatParameter):
        return hp.Float(one.name, one.low, one.high, sampling=sampling)
    return hp.Int(one.name, one.low, one.high, sampling=sampling)
