import sys
from pathlib import Path

import numpy as np
import pytest

from localizer import runtime
from localizer.errors import BundleError
from localizer.runtime import Model, RuntimeMissingError, signature_names
from tests.edge_bundle import GRID, spread_bundle, write_bundle


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return (write_bundle(tmp_path_factory.mktemp("bundle")) / "model.tflite").read_bytes()


def test_names_are_read_from_the_signature(content: bytes) -> None:
    names = signature_names(content)
    assert list(names.inputs) == ["vector"]
    assert list(names.outputs) == ["position"]
    assert Model(content, *names).input_shapes == {"vector": (12,)}


def test_two_outputs_are_told_apart_by_what_the_function_called_them() -> None:
    """The converter numbers outputs by the alphabet here, so the first is not the position."""
    content = (spread_bundle() / "model.tflite").read_bytes()
    names = signature_names(content)
    assert sorted(names.outputs) == ["log_probability", "position"]
    model = Model(content, *names)
    assert model.output_names == names.outputs
    inputs = {"vector": np.full((3, 12), 0.5, np.float32)}
    said = model.run_all(inputs)
    assert said.log_probability is not None
    assert (said.position_m.shape, said.log_probability.shape) == ((3, 2), (3, GRID.cells))
    np.testing.assert_array_equal(model.fresh().run(inputs), said.position_m)


def test_a_model_without_a_distribution_gives_positions_alone(content: bytes) -> None:
    model = Model(content, *signature_names(content))
    assert model.run_all({"vector": np.ones((2, 12), np.float32)}).log_probability is None


@pytest.mark.parametrize(
    ("keys", "names", "message"),
    [
        ((), {}, "one signature"),
        (("a", "b"), {}, "one signature"),
        (("a",), {"position": "same", "log_probability": "same"}, "different names"),
    ],
)
def test_a_file_that_does_not_say_what_its_tensors_are_is_refused(
    monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...], names: dict[str, str], message: str
) -> None:
    class Vague:
        def __init__(self, **_: object) -> None: ...

        def get_signature_list(self) -> dict[str, object]:
            return dict.fromkeys(keys)

        def get_signature_runner(self, _: str) -> "Vague":
            return self

        def get_input_details(self) -> dict[str, dict[str, str]]:
            return {"vector": {"name": "v"}}

        def get_output_details(self) -> dict[str, dict[str, str]]:
            return {key: {"name": name} for key, name in names.items()}

    monkeypatch.setattr(runtime, "_interpreter_class", lambda: Vague)
    with pytest.raises(BundleError, match=message):
        signature_names(b"")


@pytest.mark.parametrize("bad", [b"", b"not a model", b"\0" * 4096])
def test_what_is_no_model_is_refused(bad: bytes) -> None:
    with pytest.raises(BundleError, match="TFLite model"):
        Model(bad, {"vector": "v"}, {"position": "p"})


def test_a_cut_model_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError):
        Model(content[: len(content) // 2], *signature_names(content))


def test_a_model_with_operators_that_the_runtime_lacks_is_refused(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """They come to light when tensors are allocated, not when the file is read."""
    known = runtime._interpreter_class()
    names = signature_names(content)

    class Lacking(known):  # type: ignore[misc, valid-type]
        def allocate_tensors(self) -> None:
            raise RuntimeError("Encountered unresolved custom op: FlexErf")

    monkeypatch.setattr(runtime, "_interpreter_class", lambda: Lacking)
    with pytest.raises(BundleError, match="FlexErf"):
        Model(content, *names)


def test_without_any_interpreter_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(runtime, "_RUNTIMES", ("nothing_here.interpreter",))
    with pytest.raises(RuntimeMissingError, match="install the extra `edge`"):
        signature_names(content)


def test_importing_the_border_loads_no_interpreter() -> None:
    assert Path(sys.modules["localizer.runtime"].__file__ or "").name == "runtime.py"
    source = Path(runtime.__file__).read_text(encoding="utf-8")
    top_level = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert not [line for line in top_level if "litert" in line or "tflite" in line]
