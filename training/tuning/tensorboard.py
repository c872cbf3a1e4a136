"""A study as TensorBoard's HParams tab reads it: one run a trial, with its values and metrics.

Written after the study, never from the training loop, and without TensorFlow: the tensorboard
package brings the messages and the framing of records.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from training.tuning.tensorboard_events import (
    NOT_ACTIVE,
    Domain,
    Messages,
    is_number,
    is_truth,
    load_messages,
)
from training.tuning.trials import FAILURES, TrialRecord

EVENTS: Final = "events.out.tfevents.0000000000.localizer"
"""The same name each time, so that a second export of a study takes the first one's place."""


class Metric(NamedTuple):
    """One column of figures."""

    tag: str
    title: str
    value: Callable[[TrialRecord], float]


METRICS: Final = (
    Metric("dev_m", "error on held-out rows, m", lambda record: record.dev_m),
    Metric("train_m", "error on training rows, m", lambda record: record.train_m),
    Metric("gap_m", "held-out minus training, m", lambda record: record.gap_m),
    Metric("dev_se_m", "standard error of the held-out error, m", lambda record: record.dev_se_m),
    Metric("epochs", "epochs", lambda record: float(record.epochs)),
    Metric("weights", "trainable numbers", lambda record: float(record.weights)),
    Metric("seconds", "processor seconds", lambda record: record.seconds),
)
"""The last ones every trial has: the tab leaves out a trial without any metric."""


def export_tensorboard(
    records: Sequence[TrialRecord],
    folder: Path,
    *,
    domains: Mapping[str, Domain] | None = None,
    clock: Callable[[], float] = time.time,
) -> int:
    """Write one run directory a trial below a folder, and return how many.

    Args:
        records: of one study.
        folder: what `tensorboard --logdir` is given; made if it is not there.
        domains: of the space's parameters; what the trials had for those that are left out.
        clock: seconds since the epoch, for the stamps that TensorBoard wants.

    Raises:
        ConfigError: the package tensorboard is not installed.
    """
    messages = load_messages()
    now = clock()
    known = {**_seen(records), **(domains or {})}
    experiment = messages.experiment(known, {metric.tag: metric.title for metric in METRICS}, now)
    _write(folder, [messages.event(0, now, experiment)], messages)
    for record in records:
        session = _session(record, known, now, messages)
        _write(folder / f"trial-{record.number:05d}", session, messages)
    return len(records)


def _seen(records: Sequence[TrialRecord]) -> dict[str, Domain]:
    """The domain of each parameter by the values that trials had."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in record.params.items():
            values.setdefault(name, []).append(value)
    return {name: _domain(had) for name, had in values.items()}


def _domain(values: Sequence[Any]) -> Domain:
    if all(isinstance(value, bool) for value in values):
        return tuple(sorted(set(values)))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return float(min(values)), float(max(values))
    return tuple(sorted({str(value) for value in values}))


def _session(
    record: TrialRecord, domains: Mapping[str, Domain], now: float, messages: Messages
) -> Iterator[Any]:
    values = {
        name: value
        for name, domain in domains.items()
        if (value := _encoded(record.params.get(name), domain)) is not None
    }
    group = f"trial {record.number}"
    yield messages.event(
        0, now - record.seconds, messages.start(values, group, now - record.seconds)
    )
    for rung, error in _rungs(record):
        yield messages.event(rung, now, messages.scalar("rung_dev_m", error))
    for metric in METRICS:
        value = metric.value(record)
        if math.isfinite(value):
            yield messages.event(record.epochs, now, messages.scalar(metric.tag, value))
    yield messages.event(0, now, messages.end(record.verdict not in FAILURES, now))


def _encoded(value: Any, domain: Domain) -> Any:
    if is_number(domain):
        return None if value is None else float(value)
    if is_truth(domain):
        return value
    return NOT_ACTIVE if value is None else str(value)


def _rungs(record: TrialRecord) -> Iterator[tuple[int, float]]:
    """The mean error of all trainings at each rung that all of them reached."""
    if not record.trainings:
        return
    for rung in sorted(set.intersection(*(set(one.rungs) for one in record.trainings))):
        error = float(np.mean([one.rungs[rung] for one in record.trainings]))
        if math.isfinite(error):
            yield rung, error


def _write(folder: Path, events: Sequence[Any] | Iterator[Any], messages: Messages) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / EVENTS).open("wb") as file:
        records = messages.record_writer(file)
        records.write(messages.first_event().SerializeToString())
        for event in events:
            records.write(event.SerializeToString())
