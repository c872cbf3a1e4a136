"""A fitted method as a TFLite file (float32), checked against the graph it was made from."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import tensorflow as tf

from localizer.errors import BundleError
from localizer.features import features
from localizer.runtime import Model, ModelOutputs, signature_names
from localizer.table import FingerprintTable
from training.methods import Fitted, Prediction
from training.silence import silenced

EXPORT_TOLERANCE_M: Final = 0.001
"""Between the graph in TensorFlow and its TFLite file: 1 mm."""

EXPORT_TOLERANCE: Final = 1e-3
"""The same for the probability of a cell: no radius is known as well. Where a distribution is
sharp, the float32 sums under it differ by a few 1e-4 between the runtimes (1.9e-4 on UJI)."""

_ALL: Final = slice(None)


def to_tflite(fitted: Fitted) -> bytes:
    """Return a fitted method as a TFLite flatbuffer with built-in operators only."""
    signature = {
        name: tf.TensorSpec([None, *shape], tf.float32, name=name)
        for name, shape in fitted.spec.shapes().items()
    }

    @tf.function(input_signature=[signature])  # type: ignore[untyped-decorator]
    def locate(inputs: Any) -> Any:
        return fitted.graph(inputs)

    module = tf.Module()
    module.locate = locate
    concrete = locate.get_concrete_function()
    # Weights that the module does not hold cost the file its signature, which says what the
    # outputs are.
    module.weights = list(concrete.variables)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    with silenced():
        content: bytes = converter.convert()
    return content


class Difference(NamedTuple):
    """How far a TFLite file is from the graph that it was made from, at worst."""

    position_m: float
    probability: float
    """Of one cell; 0 without a distribution."""


def verified_model(
    fitted: Fitted, content: bytes, table: FingerprintTable
) -> tuple[Model, Difference]:
    """Return the file in the edge's runtime, and how far it is from the graph.

    Args:
        fitted: what was converted.
        content: its TFLite file.
        table: scans to compare on, one at a time and as a batch.

    Raises:
        BundleError: they differ by more than `EXPORT_TOLERANCE_M` or `EXPORT_TOLERANCE`, or the
            file does not give what the graph gives.
    """
    names = signature_names(content)
    outputs = ["position"] if fitted.grid_m is None else ["log_probability", "position"]
    if sorted(names.outputs) != outputs:
        raise _differs(fitted, f"give {outputs}", outputs, sorted(names.outputs))
    model = Model(content, names.inputs, names.outputs)
    wanted = fitted.predict_all(table)
    singles = [table.rows(np.asarray([at])) for at in range(len(table))]
    found = [_difference(_run(model, fitted, table), wanted)]
    for at, single in enumerate(singles):
        found.append(_difference(_run(model, fitted, single), wanted, slice(at, at + 1)))
    worst = Difference(*(float(np.max(column)) for column in zip(*found, strict=True)))
    if not worst.position_m <= EXPORT_TOLERANCE_M:
        must = f"agree within {EXPORT_TOLERANCE_M} m"
        raise _differs(fitted, must, EXPORT_TOLERANCE_M, worst.position_m)
    if not worst.probability <= EXPORT_TOLERANCE:
        must = f"agree within {EXPORT_TOLERANCE} in the probability of a cell"
        raise _differs(fitted, must, EXPORT_TOLERANCE, worst.probability)
    return model, worst


def _run(model: Model, fitted: Fitted, table: FingerprintTable) -> ModelOutputs:
    return model.run_all(features(table.rssi_dbm, table.mask, fitted.spec))


def _difference(got: ModelOutputs, wanted: Prediction, rows: slice = _ALL) -> Difference:
    position = float(np.hypot(*(got.position_m - wanted.position_m[rows]).T).max())
    if got.log_probability is None or wanted.log_probability is None:
        return Difference(position, 0.0)
    if got.log_probability.shape != wanted.log_probability[rows].shape:
        return Difference(position, math.inf)
    apart = np.exp(got.log_probability) - np.exp(wanted.log_probability[rows])
    return Difference(position, float(np.abs(apart).max()))


def _differs(fitted: Fitted, must: str, expected: object, got: object) -> BundleError:
    return BundleError(
        f"model.tflite of {fitted.method!r} and its graph in TensorFlow must {must}, but got "
        f"{got}; do not ship it",
        field="model.tflite",
        expected=expected,
        got=got,
    )
