"""What the pool costs: its size, one scan's time, its training, and the survey that it needs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from localizer.table import FingerprintTable
from training.condense import condense
from training.config import load_config
from training.convert import to_tflite
from training.evaluation import Plan
from training.fit_method import fit_method
from training.learning_curves import LearningCurves, learning_curves
from training.methods import Fitted
from training.splits import SPLITS
from training.surveys import OpenedSurvey, open_survey
from training.tasks import Material, Workers

ROWS: Final = 1500
"""Scans of the survey whose training is timed."""
CALLS: Final = 2000
DRAWS: Final = 1
"""Smaller surveys drawn for each point of a learning curve."""
SIMULATED: Final = "simulate:demo"


class Costs(NamedTuple):
    """Measured on this machine."""

    model_bytes: int
    """On the UCI site."""
    scan_us: float
    """Median of one scan through the model, one thread."""
    rows: int
    training_s: float
    """Of so many scans, everything that a fit chooses included, one process."""
    curves: LearningCurves


def measure_costs(survey: OpenedSurvey, folder: Path, workers: int) -> Costs:
    """Measure size and time on the UCI survey, training on a simulated one of 1,500 scans."""
    table, unlabelled = survey.development("mean"), survey.unlabelled("mean")
    config = load_config("pool")
    plan = Plan(survey.name, survey.site, table, SPLITS["cells"], ["knn"], [config], range(DRAWS))
    simulated = open_survey(SIMULATED, folder / "simulated")
    rows, _ = condense(simulated.development("mean"), ROWS)
    large = Material(rows, simulated.site, simulated.unlabelled("mean"))
    with Workers(workers, table, survey.site, unlabelled) as pool:
        curves = learning_curves(plan, pool)
        model, scan_us = pool.call(_size_and_time)
    with Workers(2, *large) as pool:
        seconds = pool.call(_training_time)
    return Costs(model, scan_us, len(rows), seconds, curves)


def _fit(material: Material) -> Fitted:
    return fit_method(
        load_config("pool"),
        material.table,
        material.site,
        seed=0,
        split="cells",
        unlabelled=material.unlabelled,
        progress=lambda _: None,
    )


def _training_time(material: Material) -> float:
    started = time.perf_counter()
    _fit(material)
    return time.perf_counter() - started


def _size_and_time(material: Material) -> tuple[int, float]:
    fitted = _fit(material)
    content = to_tflite(fitted)
    return len(content), _scan_us(content, fitted, material.table)


def _scan_us(content: bytes, fitted: Fitted, table: FingerprintTable) -> float:
    from ai_edge_litert.interpreter import Interpreter

    from localizer.features import features

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    (vector,) = interpreter.get_input_details()
    spent: list[float] = []
    for call in range(CALLS):
        at = slice(call % len(table), call % len(table) + 1)
        scan = features(table.rssi_dbm[at], table.mask[at], fitted.spec)["vector"]
        started = time.perf_counter()
        interpreter.set_tensor(vector["index"], scan)
        interpreter.invoke()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent) * 1e6


def curve_lines(curves: LearningCurves, unit_m: float, methods: Sequence[str]) -> list[str]:
    """Return a Markdown table of errors against scans a place and against places."""
    lines = [f"| survey | {' | '.join(methods)} |", "|---" * (len(methods) + 1) + "|"]
    for axis in ("scans", "places"):
        for points in zip(*(curves.of(axis, method) for method in methods), strict=True):
            first = points[0]
            errors = " | ".join(f"{point.summary.mean / unit_m:.2f}" for point in points)
            size = f"{first.training_places:.0f} places, {first.training_scans:.0f} scans"
            lines.append(f"| {size} | {errors} |")
    return lines
