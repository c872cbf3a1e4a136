"""The border to the TFLite interpreter: ai-edge-litert, else tflite-runtime."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from localizer.errors import BundleError, LocalizerError

_RUNTIMES: Final = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")
"""In order of preference: LiteRT runs everything that is exported today."""


class RuntimeMissingError(LocalizerError):
    """No TFLite interpreter is installed, or none that works with the numpy that is."""


def _interpreter_class() -> Any:
    reasons: list[str] = []
    for name in _RUNTIMES:
        try:
            return importlib.import_module(name).Interpreter
        except ImportError as error:
            reasons.append(f"{name}: {error}")
    raise RuntimeMissingError(
        "a TFLite interpreter must be installed, but none could be imported "
        f"({'; '.join(reasons)}); install the extra `edge`, or `edge-32bit` on 32-bit systems "
        "(tflite-runtime needs numpy below 2)"
    )


class Model:
    """One TFLite model in one interpreter. Not for two threads: each makes its own."""

    def __init__(self, content: bytes, inputs: Mapping[str, str], output: str) -> None:
        """Load a model.

        Args:
            content: the .tflite file.
            inputs: TFLite tensor name by feature name.
            output: TFLite tensor name of the position, float32 [n, 2], metres.

        Raises:
            BundleError: the content is no TFLite model, or lacks one of the tensors.
            RuntimeMissingError: no interpreter is installed.
        """
        self._content = content
        self._names = dict(inputs)
        try:
            self._interpreter = _interpreter_class()(model_content=content, num_threads=1)
        except (ValueError, RuntimeError) as error:
            raise _no_model(error) from error
        given = {d["name"]: d for d in self._interpreter.get_input_details()}
        results = {d["name"]: d for d in self._interpreter.get_output_details()}
        _check_tensors("inputs", sorted(self._names.values()), sorted(given))
        _check_tensors("outputs", [output], sorted(results))
        self._inputs = {key: int(given[name]["index"]) for key, name in self._names.items()}
        self._output_name = output
        self._output = int(results[output]["index"])
        self._rows = 0
        try:
            self._resize(
                {key: tuple(given[n]["shape"][1:]) for key, n in self._names.items()}, rows=1
            )
        except (ValueError, RuntimeError) as error:
            raise _no_model(error) from error

    def _resize(self, shapes: Mapping[str, tuple[int, ...]], *, rows: int) -> None:
        self._shapes = {key: tuple(int(side) for side in shape) for key, shape in shapes.items()}
        for key, index in self._inputs.items():
            self._interpreter.resize_tensor_input(index, (rows, *self._shapes[key]))
        self._interpreter.allocate_tensors()
        self._rows = rows

    @property
    def tensor_names(self) -> dict[str, str]:
        """TFLite name of each input tensor by feature name."""
        return dict(self._names)

    @property
    def output_name(self) -> str:
        """TFLite name of the position."""
        return self._output_name

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each input by feature name, without the axis of scans."""
        return dict(self._shapes)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return positions, float32 [n, 2], metres, for inputs of n scans each.

        The interpreter is re-allocated when n changes; keep one `Model` for single scans and
        another (`fresh`) for batches.
        """
        interpreter = self._interpreter
        rows = len(next(iter(inputs.values())))
        if rows != self._rows:
            self._resize(self._shapes, rows=rows)
        for key, index in self._inputs.items():
            interpreter.set_tensor(index, inputs[key])
        interpreter.invoke()
        output: NDArray[np.float32] = interpreter.get_tensor(self._output)
        return output

    def fresh(self) -> Model:
        """Return the same model in an interpreter of its own, for another thread."""
        return Model(self._content, self._names, self._output_name)


def _no_model(error: Exception) -> BundleError:
    return BundleError(
        f"model.tflite must be a TFLite model that this runtime can run, but {error}; "
        "export the bundle again",
        field="model.tflite",
        expected="a TFLite model",
        got=str(error),
    )


def _check_tensors(field: str, expected: list[str], got: list[str]) -> None:
    if not set(expected) <= set(got) or (field == "inputs" and expected != got):
        raise BundleError(
            f"the {field} of model.tflite must be the manifest's {expected}, but are {got}; "
            "export the bundle again",
            field=field,
            expected=expected,
            got=got,
        )


def tensor_names(content: bytes) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Return the input and the output tensors of a .tflite file: shape by name."""
    interpreter = _interpreter_class()(model_content=content)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return (
        {detail["name"]: tuple(int(side) for side in detail["shape"]) for detail in inputs},
        {detail["name"]: tuple(int(side) for side in detail["shape"]) for detail in outputs},
    )
