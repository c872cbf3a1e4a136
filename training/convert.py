"""A fitted method as a TFLite file (float32), checked against the graph it was made from."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import tensorflow as tf

from localizer.errors import BundleError
from localizer.features import features
from localizer.runtime import Model, tensor_names
from localizer.table import FingerprintTable
from training.methods import Fitted
from training.silence import silenced

EXPORT_TOLERANCE_M: Final = 0.001
"""Between the graph in TensorFlow and its TFLite file: 1 mm."""


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
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    with silenced():
        content: bytes = converter.convert()
    return content


def verified_model(fitted: Fitted, content: bytes, table: FingerprintTable) -> tuple[Model, float]:
    """Return the file in the edge's runtime, and how far it is from the graph, metres.

    Args:
        fitted: what was converted.
        content: its TFLite file.
        table: scans to compare on, one at a time and as a batch.

    Raises:
        BundleError: they differ by more than `EXPORT_TOLERANCE_M`.
    """
    inputs, outputs = tensor_names(content)
    by_feature = {
        feature: next(name for name in inputs if feature in name)
        for feature in fitted.spec.shapes()
    }
    model = Model(content, by_feature, next(iter(outputs)))
    wanted = fitted.predict(table)
    batch = model.run(features(table.rssi_dbm, table.mask, fitted.spec))
    single = [
        model.run(features(table.rssi_dbm[i : i + 1], table.mask[i : i + 1], fitted.spec))[0]
        for i in range(len(table))
    ]
    worst = max(float(np.hypot(*(got - wanted).T).max()) for got in (batch, np.asarray(single)))
    if not worst <= EXPORT_TOLERANCE_M:
        raise BundleError(
            f"model.tflite must give the same positions as TensorFlow within {EXPORT_TOLERANCE_M} "
            f"m, but {fitted.method!r} is {worst} m away; do not ship it",
            field="model.tflite",
            expected=EXPORT_TOLERANCE_M,
            got=worst,
        )
    return model, worst
