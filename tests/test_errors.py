import copy
import importlib
import inspect
import pickle
import pkgutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

import localizer
from localizer.bundle import load_bundle
from localizer.errors import BundleError, LocalizerError

for module in pkgutil.walk_packages(localizer.__path__, "localizer."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)


def tree(root: type[LocalizerError]) -> list[type[LocalizerError]]:
    return [root, *(found for child in root.__subclasses__() for found in tree(child))]


def made(kind: type[LocalizerError]) -> LocalizerError:
    """Return an error with every field that its class knows, each with a value of its own."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    fields = {p.name: f"the {p.name}" for p in parameters if p.kind is p.KEYWORD_ONLY}
    return kind("what must hold", **fields)


@pytest.mark.parametrize("kind", tree(LocalizerError))
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_survives_pickle_with_all_fields(
    kind: type[LocalizerError], protocol: int
) -> None:
    error = made(kind)
    error.add_note("while testing")
    for again in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error)):
        assert type(again) is kind
        assert (str(again), again.args) == ("what must hold", error.args)
        assert vars(again) == vars(error)


def test_the_tree_has_fields_to_lose() -> None:
    assert {name for kind in tree(LocalizerError) for name in vars(made(kind))} >= {
        *("field", "expected", "got"),
        *("source", "reason"),
        *("path", "line"),
    }


def test_the_error_of_a_worker_process_arrives_whole() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as workers:
        error = workers.submit(load_bundle, Path("nowhere")).exception(timeout=60)
    assert isinstance(error, BundleError)
    assert (error.field, error.got) == ("path", "nowhere")
