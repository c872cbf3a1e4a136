"""Clean installations of the wheel, as a device has them, and the service run from one."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import lacking

ROOT = Path(__file__).parents[2]
DEMO_BUNDLE = ROOT / "models" / "demo"

START_SECONDS = 60.0
"""Far above what a start takes: two other processes may hold both cores."""


def run(*command: str | Path, cwd: Path = ROOT, **variables: str) -> str:
    """Run a program and return what it wrote; a failure shows both of its outputs."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**clean_environment(), **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def clean_environment() -> dict[str, str]:
    """Return this environment without what would let the checkout shine through."""
    hidden = ("PYTHON", "PIP_", "VIRTUAL_ENV", "LOCALIZER_")
    return {key: value for key, value in os.environ.items() if not key.startswith(hidden)}


def build_wheel(folder: Path) -> Path:
    """Build the project's wheel from the checkout as it is now."""
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("ble_localizer-*.whl")
    return wheel


def wheelhouse(name: str) -> Path:
    """Return the folder of wheels that make has filled."""
    folder = ROOT / ".wheelhouse" / name
    if not any(folder.glob("*.whl")):
        lacking(f".wheelhouse/{name} is empty: run `make wheelhouse`")
    return folder


def clean_venv(folder: Path, wheel: Path, *, extra: str) -> Path:
    """Make a virtual environment that has the wheel, its extra and nothing else; no network."""
    house = wheelhouse(extra)
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    offline = ("--isolated", "--quiet", "--no-index", "--find-links", house)
    pip_in(folder, "install", *offline, f"{wheel}[{extra}]")
    return folder


def pip_in(venv: Path, *words: str | Path) -> str:
    """Run this environment's pip on another one and return what it wrote."""
    return run(sys.executable, "-m", "pip", "--python", venv / "bin" / "python", *words)


@contextmanager
def running(
    command: Sequence[str | Path], *, cwd: Path, variables: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a service on a port that it chooses; yield its address once it is ready."""
    log = cwd / "service.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**clean_environment(), **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    with process:
        try:
            address = _announced(process, log)
            _await_health(address)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def _announced(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("listening on "):
            return line.removeprefix("listening on ").strip().rstrip("/")
    raise AssertionError(f"the service ended before it listened: {log.read_text()}")


def _await_health(address: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/v1/health", timeout=5) as answer:
                assert answer.status == 200
                return
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def serve_command(program: Path, bundle: Path = DEMO_BUNDLE) -> list[str | Path]:
    """Return the command that serves a bundle on a free port of this machine."""
    where = ("--source", "simulate:demo", "--host", "127.0.0.1", "--port", "0")
    return [program, "serve", "--bundle", bundle, *where]
