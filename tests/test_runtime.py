import sys
from pathlib import Path

import pytest

from localizer import runtime
from localizer.errors import BundleError
from localizer.runtime import Model, RuntimeMissingError, signature_names
from tests.edge_bundle import write_bundle


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return (write_bundle(tmp_path_factory.mktemp("bundle")) / "model.tflite").read_bytes()


def test_names_are_read_from_the_signature(content: bytes) -> None:
    names = signature_names(content)
    assert list(names.inputs) == ["vector"]
    assert list(names.outputs) == ["position"]
    assert Model(content, *names).input_shapes == {"vector": (12,)}


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
