"""deploy/tuning/Containerfile, without a container engine: what it copies must run by itself."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.kustomize import TUNING
from tests.seams.environments import ROOT, clean_environment

IGNORED = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """Each instruction and what follows it, continuation lines joined."""
    text = (TUNING / "Containerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    parts = [line.partition(" ") for line in joined if line.strip()]
    return [(name, " ".join(rest.split())) for name, _, rest in parts]


def values(instructions: list[tuple[str, str]], name: str) -> list[str]:
    """Return what follows an instruction, each time."""
    return [rest for found, rest in instructions if found == name]


def test_the_base_is_a_slim_python_that_has_pins(instructions: list[tuple[str, str]]) -> None:
    """By tag, the same in both stages, and its minor version has a pin file."""
    bases = {rest.partition(" ")[0] for rest in values(instructions, "FROM")}
    (base,) = bases
    match = re.fullmatch(r"python:(3\.\d+)-slim-\w+", base)
    assert match is not None
    (pins,) = values(instructions, "ARG")
    assert pins == f"PINS=requirements/dev-{match[1]}.txt"
    assert (ROOT / pins.removeprefix("PINS=")).is_file()


def test_packages_come_with_hashes(instructions: list[tuple[str, str]]) -> None:
    """Every installation by pip checks them."""
    installs = [rest for rest in values(instructions, "RUN") if "pip install" in rest]
    assert installs
    assert all("--require-hashes" in rest for rest in installs)


def test_the_pins_hold_what_a_worker_needs(instructions: list[tuple[str, str]]) -> None:
    """The database's driver and gRPC too, which a laptop does without."""
    (pins,) = values(instructions, "ARG")
    text = (ROOT / pins.removeprefix("PINS=")).read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    assert {"grpcio", "optuna", "psycopg", "psycopg-binary", "tensorflow"} <= pinned


def test_python_is_the_first_process_and_nobody_is_root(
    instructions: list[tuple[str, str]],
) -> None:
    """A shell in between would keep SIGTERM to itself; the user is that of the manifests."""
    assert values(instructions, "ENTRYPOINT") == ['["python", "-m", "training"]']
    assert values(instructions, "USER") == ["10001:10001"]
    workers = (TUNING / "base" / "workers.yaml").read_text(encoding="utf-8")
    assert "runAsUser: 10001" in workers


def test_what_is_copied_runs_from_a_folder_that_is_not_the_checkout(
    instructions: list[tuple[str, str]], tmp_path: Path
) -> None:
    """With nothing but the copied folders on the path, and /scratch as the working directory."""
    image, scratch = tmp_path / "image", tmp_path / "scratch"
    scratch.mkdir()
    copied = [rest.split() for rest in values(instructions, "COPY") if "--from" not in rest]
    for source, target in copied:
        if target.startswith("/app/"):
            _copy(ROOT / source, image / target.removeprefix("/"))
    environment = {**clean_environment(), "PYTHONPATH": str(image / "app")}
    # -P keeps the checkout, which is installed here as a link, from shining through before it.
    code = (
        "import runpy, sys, localizer, training\n"
        f"root = {str(image / 'app')!r}\n"
        "assert localizer.__file__.startswith(root) and training.__file__.startswith(root)\n"
        "sys.argv = ['training', '--help']\n"
        "runpy.run_module('training', run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=scratch,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "evaluate" in done.stdout


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=IGNORED)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
