"""The pins: whole, hashed, without addresses, and true to the ranges in pyproject.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][a-z0-9.!+]*)(?P<marker> ; .+)?")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")

EXTRAS = {
    "dev-3.11": ["edge", "ble", "training", "dev"],
    "dev-3.12": ["edge", "ble", "training", "dev"],
    "dev-3.13": ["edge", "ble", "training", "dev"],
    "edge-3.11": ["edge"],
    "edge-3.12": ["edge"],
    "edge-3.13": ["edge"],
    "edge-32bit-3.11": ["edge-32bit"],
    "build-3.11": [],
    "build-3.12": [],
    "build-3.13": [],
}


def entries(name: str) -> list[list[str]]:
    """Return the words of each entry of a pin file, continuation lines joined."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return [
        [part.strip() for part in line.split("    ")]
        for line in text.replace("\\\n", "").splitlines()
    ]


def pins(name: str, python: str) -> dict[str, str]:
    """Return version by name of what a pin file installs on 64-bit Linux."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    chosen: dict[str, str] = {}
    for pin, *_ in entries(name):
        requirement = Requirement(pin)
        if requirement.marker is None or requirement.marker.evaluate({**environment}):
            assert requirement.name not in chosen, f"{requirement.name} is pinned twice"
            chosen[requirement.name] = next(iter(requirement.specifier)).version
    return chosen


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    """The whole of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_environment_has_its_file() -> None:
    """No pin file is missing and none is left over."""
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(EXTRAS)


@pytest.mark.parametrize("name", EXTRAS)
def test_each_entry_is_one_pin_with_hashes_and_nothing_else(name: str) -> None:
    """An address, a path or an option would be neither a pin nor a hash."""
    found = entries(name)
    assert len(found) >= 5
    for pin, *hashes in found:
        assert PIN.fullmatch(pin), pin
        assert hashes, f"{pin} has no hash"
        assert all(HASH.fullmatch(text) for text in hashes), pin
    assert "://" not in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXTRAS)
def test_the_pins_lie_within_the_ranges(name: str, pyproject: dict[str, Any]) -> None:
    """A range that was changed without `make lock` is noticed."""
    python = name.rpartition("-")[2]
    chosen = pins(name, python)
    project = pyproject["project"]
    wanted = [*(project["dependencies"] if EXTRAS[name] else pyproject["build-system"]["requires"])]
    for extra in EXTRAS[name]:
        wanted += project["optional-dependencies"][extra]
    for text in wanted:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"python_version": python}):
            continue
        version = chosen[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{text}, but {version} is pinned"


@pytest.mark.parametrize("name", [name for name in EXTRAS if name.startswith("edge")])
def test_the_edge_pins_leave_out_what_trains(name: str) -> None:
    """The edge gets none of the heavy libraries, nor the tools."""
    names = set(pins(name, name.rpartition("-")[2]))
    heavy = {"keras", "matplotlib", "mypy", "optuna", "pandas", "pytest", "scikit-learn", "scipy"}
    assert not names & (heavy | {"tensorflow"})


@pytest.mark.parametrize("kind", ["edge", "build"])
def test_what_is_deployed_was_tested(kind: str) -> None:
    """A library has the same version on the edge as in the environment of the tests."""
    for python in ("3.11", "3.12", "3.13"):
        tested = pins(f"dev-{python}", python)
        deployed = pins(f"{kind}-{python}", python)
        assert {name: tested[name] for name in deployed} == deployed


def test_the_build_backend_is_named_alike(pyproject: dict[str, Any]) -> None:
    """The pinned build environment has what pyproject.toml builds with."""
    assert pyproject["dependency-groups"]["build"] == pyproject["build-system"]["requires"]


def test_one_version_everywhere(pyproject: dict[str, Any]) -> None:
    """pyproject.toml, the package and the changelog name the same version."""
    import localizer

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    top = re.search(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert top is not None
    assert pyproject["project"]["version"] == localizer.__version__ == top[1]
