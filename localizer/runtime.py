"""The border to the TFLite interpreter: ai-edge-litert, else tflite-runtime."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

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


class ModelOutputs(NamedTuple):
    """What a model says about n scans."""

    position_m: NDArray[np.float32]
    """[n, 2], metres."""
    log_probability: NDArray[np.float32] | None
    """[n, grid]; None for a model that gives positions alone."""


class Model:
    """One TFLite model in one interpreter. Not for two threads: each makes its own."""

    def __init__(
        self, content: bytes, inputs: Mapping[str, str], outputs: Mapping[str, str]
    ) -> None:
        """Load a model.

        Args:
            content: the .tflite file.
            inputs: TFLite tensor name by feature name.
            outputs: TFLite tensor name of `position`, float32 [n, 2], metres, and where the model
                gives distributions of `log_probability`, float32 [n, grid].

        Raises:
            BundleError: the content is no TFLite model, or lacks one of the tensors.
            RuntimeMissingError: no interpreter is installed.
        """
        self._content = content
        self._names, self._output_names = dict(inputs), dict(outputs)
        try:
            self._interpreter = _interpreter_class()(model_content=content, num_threads=1)
        except (ValueError, RuntimeError) as error:
            raise _no_model(error) from error
        given = {d["name"]: d for d in self._interpreter.get_input_details()}
        results = {d["name"]: d for d in self._interpreter.get_output_details()}
        _check_tensors("inputs", sorted(self._names.values()), sorted(given))
        _check_tensors("outputs", sorted(self._output_names.values()), sorted(results))
        self._inputs = {key: int(given[name]["index"]) for key, name in self._names.items()}
        self._outputs = {k: int(results[n]["index"]) for k, n in self._output_names.items()}
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
    def output_names(self) -> dict[str, str]:
        """TFLite name of each output tensor by what it is."""
        return dict(self._output_names)

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each input by feature name, without the axis of scans."""
        return dict(self._shapes)

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return positions, float32 [n, 2], metres, for inputs of n scans each.

        The interpreter is re-allocated when n changes; keep one `Model` for single scans and
        another (`fresh`) for batches.
        """
        self._invoke(inputs)
        return self._get("position")

    def run_all(self, inputs: Mapping[str, NDArray[np.float32]]) -> ModelOutputs:
        """Return everything that the model says, as `run` does."""
        self._invoke(inputs)
        spread = self._get("log_probability") if "log_probability" in self._outputs else None
        return ModelOutputs(self._get("position"), spread)

    def _get(self, output: str) -> NDArray[np.float32]:
        values: NDArray[np.float32] = self._interpreter.get_tensor(self._outputs[output])
        return values

    def _invoke(self, inputs: Mapping[str, NDArray[np.float32]]) -> None:
        interpreter = self._interpreter
        rows = len(next(iter(inputs.values())))
        if rows != self._rows:
            self._resize(self._shapes, rows=rows)
        for key, index in self._inputs.items():
            interpreter.set_tensor(index, inputs[key])
        interpreter.invoke()

    def fresh(self) -> Model:
        """Return the same model in an interpreter of its own, for another thread."""
        return Model(self._content, self._names, self._output_names)


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


class SignatureNames(NamedTuple):
    """TFLite tensor names by the names that the exported function gave them."""

    inputs: dict[str, str]
    outputs: dict[str, str]


def signature_names(content: bytes) -> SignatureNames:
    """Return what the tensors of a .tflite file are, as its only signature says.

    Their own names do not tell: outputs are numbered in an order that the converter chooses.

    Raises:
        BundleError: the file has no signature or several, or two of its tensors share a name.
    """
    interpreter = _interpreter_class()(model_content=content)
    keys = list(interpreter.get_signature_list())
    if len(keys) != 1:
        raise _wrong_signature("one signature", keys)
    runner = interpreter.get_signature_runner(keys[0])
    names = SignatureNames(
        {key: str(detail["name"]) for key, detail in runner.get_input_details().items()},
        {key: str(detail["name"]) for key, detail in runner.get_output_details().items()},
    )
    for one in names:
        if len(set(one.values())) < len(one):
            raise _wrong_signature("tensors of different names", one)
    return names


def _wrong_signature(expected: str, got: object) -> BundleError:
    return BundleError(
        f"model.tflite must have {expected}, but has {got!r}; export it from one function",
        field="model.tflite",
        expected=expected,
        got=got,
    )
