"""What the wheel holds, and what a clean installation of it has and does."""

import json
import random
import re
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.conftest import lacking
from tests.seams.environments import DEMO_BUNDLE, ROOT, pip_in, run, running, serve_command

PACKAGES = ("firmware_bridge", "localizer")
HEAVY = ("keras", "matplotlib", "optuna", "pandas", "scipy", "sklearn", "tensorflow")

MILLIMETRE = 0.001 + 1e-9
"""Answers are rounded to it; their difference is not, as they are binary fractions."""

LOADED = """
import json, signal, sys
from localizer.__main__ import main
def ended(*_):
    raise SystemExit
signal.signal(signal.SIGTERM, ended)
try:
    main()
finally:
    open("modules.json", "w").write(json.dumps(sorted(sys.modules)))
"""
"""Runs the service as its script does, and writes down at its end what it has imported."""


def locate(address: str, rssi_dbm: dict[str, float]) -> dict[str, object]:
    """Ask a running service where a scan was taken."""
    request = urllib.request.Request(
        f"{address}/v1/locate",
        json.dumps({"readings": rssi_dbm}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        fix: dict[str, object] = json.load(answer)
        return fix


def scans() -> list[dict[str, float]]:
    """Return the bundle's golden scans, and each of them a little louder here and fainter there."""
    golden = json.loads((DEMO_BUNDLE / "golden.json").read_text())["vectors"]
    chance = random.Random(20160418)
    return [
        {
            beacon: round(min(level + spread * chance.uniform(-1, 1), -30), 1)
            for beacon, (level, *_) in vector["readings"].items()
        }
        for spread in (0, 1, 2, 3)
        for vector in golden
    ]


def answers(venv: Path, cwd: Path) -> list[dict[str, object]]:
    """Serve the demo bundle from an environment and ask it for every scan."""
    with running(serve_command(venv / "bin" / "localizer"), cwd=cwd) as address:
        return [locate(address, scan) for scan in scans()]


@pytest.fixture(scope="module")
def edge_answers(
    edge_venv: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, object]]:
    """What the service answers with ai-edge-litert."""
    return answers(edge_venv, tmp_path_factory.mktemp("edge-run"))


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel: Path) -> None:
    """Training, tests and models are never installed."""
    names = zipfile.ZipFile(wheel).namelist()
    metadata = f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"
    assert {name.partition("/")[0] for name in names} == {*PACKAGES, metadata}
    assert f"{metadata}/licenses/LICENSE" in names


def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    """Data files (sites, the live map, type markers) go along; caches do not."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(PACKAGES)}
    tree = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == tree
    assert {"localizer/py.typed", "localizer/sites/uci.toml"} <= names
    assert any(name.startswith("localizer/api/static/") for name in names)


def test_the_edge_has_none_of_the_training_libraries(edge_venv: Path) -> None:
    """What is not installed cannot be imported, by whatever path."""
    question = f"import importlib.util as u; print([n for n in {HEAVY} if u.find_spec(n)])"
    python = edge_venv / "bin" / "python"
    assert run(python, "-c", question, cwd=edge_venv).strip() == "[]"
    assert pip_in(edge_venv, "check").strip() == "No broken requirements found."


def test_the_edge_serves_positions(edge_answers: list[dict[str, object]]) -> None:
    """A clean installation answers POST /v1/locate from the committed bundle."""
    located = {(fix["x_m"], fix["y_m"]) for fix in edge_answers if fix["status"] == "ok"}
    assert len(located) > len(scans()) / 2
    assert all(isinstance(metres, float) for position in located for metres in position)


def test_both_interpreters_agree_within_a_millimetre(
    edge_answers: list[dict[str, object]], edge_32bit_venv: Path, tmp_path: Path
) -> None:
    """The same bundle and the same scans through tflite-runtime, with numpy below 2."""
    versions = "import numpy, tflite_runtime; print(numpy.__version__, tflite_runtime.__version__)"
    found = run(edge_32bit_venv / "bin" / "python", "-c", versions, cwd=tmp_path).split()
    assert found == ["1.26.4", "2.14.0"]
    for one, other in zip(edge_answers, answers(edge_32bit_venv, tmp_path), strict=True):
        close = {axis: pytest.approx(one[axis], abs=MILLIMETRE) for axis in ("x_m", "y_m")}
        assert other == {**one, **close}


def test_the_service_loads_neither_training_nor_terminal_libraries(tmp_path: Path) -> None:
    """In the environment of the tests all of them are at hand, and none is touched."""
    command = [sys.executable, "-c", LOADED, *serve_command(Path("localizer"))[1:]]
    with running(command, cwd=tmp_path, variables={"PYTHONPATH": str(ROOT)}) as address:
        locate(address, scans()[0])
    report = tmp_path / "modules.json"
    loaded = {name.partition(".")[0] for name in json.loads(report.read_text())}
    assert {"localizer", "fastapi", "ai_edge_litert"} <= loaded
    assert not loaded & {*HEAVY, "firmware_bridge", "rich", "training", "typer"}


def test_only_one_module_names_an_interpreter() -> None:
    """The border is an import by name, which import-linter cannot see."""
    sources = [
        path for package in (*PACKAGES, "training") for path in (ROOT / package).rglob("*.py")
    ]
    interpreter = re.compile("ai_edge_litert|tflite_runtime")
    named = [path for path in sources if interpreter.search(path.read_text(encoding="utf-8"))]
    assert named == [ROOT / "localizer" / "runtime.py"]


def test_the_demo_bundle_is_committed() -> None:
    """Without it nothing can be served before a training."""
    if not (ROOT / ".git").exists():
        lacking("this is no git checkout")
    tracked = run("git", "ls-files", "models/demo", cwd=ROOT).split()
    assert {f"models/demo/{part}" for part in ("manifest.json", "model.tflite")} <= set(tracked)
