"""What a new user meets first: make, its help, and which Python it accepts."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import lacking

ROOT = Path(__file__).parents[2]
TOOLS = ["awk", "cat", "find", "sh"]


def make(*arguments: str, path: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run make on the project's Makefile in another folder, with only `path` to find programs."""
    program = shutil.which("make") or lacking("make is not installed")
    environment = {key: os.environ[key] for key in ("HOME", "LANG") if key in os.environ}
    return subprocess.run(
        [program, "--no-print-directory", "-f", str(ROOT / "Makefile"), *arguments],
        env={**environment, "PATH": str(path)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def python(folder: Path, name: str, version: tuple[int, int, int]) -> Path:
    """Write an interpreter that calls itself by another version."""
    program = folder / name
    program.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = -c ] || exit 1\nexec {sys.executable} -c "import sys\n'
        f'sys.version_info = {version}\n$2"\n'
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of the few programs that make needs, without any Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or lacking(f"{tool} is not installed"))
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that stands for a fresh clone: pins, and no .venv yet."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_help_lists_every_target(programs: Path, clone: Path) -> None:
    """Plain `make` names each target once and says what it does."""
    python(programs, "python3", (3, 12, 4))
    listed = re.findall(r"^  ([a-z0-9-]+) +(\S.+)$", make(path=programs, cwd=clone).stdout, re.M)
    targets = re.findall(r"^\.PHONY: ([a-z0-9-]+)$", (ROOT / "Makefile").read_text(), re.M)
    assert {"demo", "test", "bench", "lock"} <= set(targets)
    assert [name for name, _ in listed] == targets


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_another_python_is_refused_by_name(
    programs: Path, clone: Path, version: tuple[int, int, int]
) -> None:
    """The message says what is needed, what came and what to do; nothing is made."""
    python(programs, "python3", version)
    done = make("test", path=programs, cwd=clone)
    assert done.returncode != 0
    found = ".".join(map(str, version))
    assert (
        f"Localizer needs Python 3.11, 3.12 or 3.13, but python3 is {found}; install one of them "
        "or run: make PYTHON=/path/to/python3.12 test" in done.stderr
    )
    assert not (clone / ".venv").exists()


def test_a_named_python_is_taken_at_its_word(programs: Path, clone: Path, tmp_path: Path) -> None:
    """PYTHON=… is refused by its own name, although another Python would fit."""
    python(programs, "python3.13", (3, 13, 0))
    old = python(tmp_path, "old-python", (3, 9, 1))
    done = make("unit", f"PYTHON={old}", path=programs, cwd=clone)
    assert f"but {old} is 3.9.1" in done.stderr
    done = make("unit", "PYTHON=no-such-python", path=programs, cwd=clone)
    assert "but no-such-python does not run" in done.stderr


def test_no_python_at_all_is_said(programs: Path, clone: Path) -> None:
    """A machine without any Python gets the same message."""
    done = make("demo", path=programs, cwd=clone)
    assert done.returncode != 0
    assert "but python3 does not run" in done.stderr


def test_a_shim_that_does_not_run_is_passed_over(programs: Path, clone: Path) -> None:
    """A version manager leaves names on the PATH whose Python is not selected."""
    shim = programs / "python3.13"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    python(programs, "python3.12", (3, 12, 4))
    python(programs, "python3", (3, 11, 2))
    assert "now: 3.12.4" in make("help", path=programs, cwd=clone).stdout
