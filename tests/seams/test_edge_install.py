"""deploy/edge/install.sh, run for real into a temporary prefix without network."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import localizer
from tests.conftest import lacking
from tests.seams.environments import DEMO_BUNDLE, ROOT, clean_environment, run, running, wheelhouse

SCRIPT = ROOT / "deploy" / "edge" / "install.sh"

EXPOSURE = 20
"""Tenths of `systemd-analyze security`: 2.0 of 10 is what its own list calls OK."""


@dataclass(frozen=True)
class Device:
    """A prefix that stands for a device, and the wheels that it is installed from."""

    prefix: Path
    wheels: Path
    path: Path

    def install(self, *options: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the installer; programs in `path` come before those of this machine."""
        return subprocess.run(
            [SCRIPT, "--prefix", self.prefix, "--wheelhouse", self.wheels, *options],
            env={**clean_environment(), "PATH": f"{self.path}:{os.environ['PATH']}"},
            cwd=self.prefix.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def installed(self, *options: str | Path) -> str:
        """Install with the Python of the tests, which must succeed; return what was said."""
        done = self.install("--python", sys.executable, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def home(self) -> Path:
        """Where the program lies."""
        return self.prefix / "opt" / "localizer"

    @property
    def settings(self) -> Path:
        """The settings of the service."""
        return self.prefix / "etc" / "localizer" / "edge.env"

    @property
    def unit(self) -> Path:
        """The unit of the service."""
        return self.prefix / "etc" / "systemd" / "system" / "localizer.service"

    def setting(self, name: str) -> str:
        """Return one setting as it stands in the file."""
        found = re.findall(rf"^{name}=(.*)$", self.settings.read_text(), re.MULTILINE)
        assert len(found) == 1, f"{name} stands {len(found)} times in {self.settings}"
        return str(found[0])

    def program(self, name: str, script: str) -> None:
        """Put a program of another machine before the one of this."""
        file = self.path / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)


def device_in(folder: Path, wheels: Path) -> Device:
    """Return a device that has nothing yet."""
    (folder / "bin").mkdir()
    return Device(folder / "prefix", wheels, folder / "bin")


@pytest.fixture(scope="module")
def wheels(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheelhouse of the edge with the project as it is now."""
    folder = tmp_path_factory.mktemp("wheels")
    for path in wheelhouse("edge").glob("*.whl"):
        if not path.name.startswith("ble_localizer-"):
            (folder / path.name).symlink_to(path)
    (folder / wheel.name).symlink_to(wheel)
    return folder


@pytest.fixture(scope="module")
def device(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Device:
    """A device with the service installed."""
    new = device_in(tmp_path_factory.mktemp("device"), wheels)
    said = new.installed()
    assert f"done: {localizer.__version__}" in said or "done: localizer" in said
    return new


@pytest.fixture
def bare(tmp_path: Path, wheels: Path) -> Iterator[Device]:
    """A device on which nothing may be installed; checks that nothing was."""
    new = device_in(tmp_path, wheels)
    yield new
    assert not new.prefix.exists()


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return mode, time of change and content of all below a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        content = os.readlink(path) if path.is_symlink() else digest
        found[str(path.relative_to(folder))] = (stat.st_mode, stat.st_mtime_ns, content)
    return found


def test_the_installed_program_runs(device: Device) -> None:
    """The program of the environment that the unit names is this version."""
    said = run(device.home / "venv" / "bin" / "localizer", "--version", cwd=device.prefix)
    assert localizer.__version__ in said


def test_a_second_run_changes_nothing(device: Device) -> None:
    """Not one file is touched, and the script says so."""
    before = snapshot(device.prefix)
    assert len(before) > 1000
    assert device.installed().endswith("nothing to do: everything is as asked\n")
    assert snapshot(device.prefix) == before


def test_settings_are_kept_save_for_those_that_an_option_names(device: Device) -> None:
    """What was set by hand stays, down to the comment."""
    device.settings.write_text(
        device.settings.read_text().replace("SOURCE=simulate:demo", "# mine\nSOURCE=replay:a.jsonl")
    )
    said = device.installed("--port", "8123")
    assert f"set PORT=8123 in {device.settings}" in said
    assert device.setting("PORT") == "8123"
    assert device.setting("SOURCE") == "replay:a.jsonl"
    assert device.setting("HOST") == "127.0.0.1"
    assert "\n# mine\n" in device.settings.read_text()
    device.installed("--source", "simulate:demo")
    assert device.setting("SOURCE") == "simulate:demo"


def test_the_unit_passes_systemd_analyze(device: Device) -> None:
    """The unit as installed names programs that are there, and leaves the service few rights."""
    if shutil.which("systemd-analyze") is None:
        lacking("systemd-analyze is not installed (Debian package systemd)")
    assert str(device.home) in device.unit.read_text()
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", device.unit],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")
    run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", device.unit)


def test_the_command_of_the_unit_serves(device: Device, tmp_path: Path) -> None:
    """The unit's own command with the settings of the file; only the port is a free one."""
    command = re.findall(r"^ExecStart=(.*)$", device.unit.read_text(), re.MULTILINE)[0]
    command = command.replace("${PORT}", "0")
    for name in ("BUNDLE", "SOURCE", "HOST"):
        command = command.replace(f"${{{name}}}", device.setting(name))
    with running(command.split(), cwd=tmp_path) as address:
        assert address.startswith("http://127.0.0.1:")


def test_a_damaged_bundle_is_refused_and_nothing_changes(device: Device, tmp_path: Path) -> None:
    """The service keeps the bundle that it has."""
    bad = tmp_path / "office"
    shutil.copytree(DEMO_BUNDLE, bad)
    model = bytearray((bad / "model.tflite").read_bytes())
    model[len(model) // 2] ^= 1
    (bad / "model.tflite").write_bytes(model)
    before = device.settings.read_text()
    done = device.install("--python", sys.executable, "--bundle", bad)
    assert done.returncode != 0
    assert "the bundle was refused" in done.stderr
    assert "sha256" in done.stderr
    assert device.settings.read_text() == before
    assert {path.name for path in (device.home / "bundles").iterdir()} <= {"demo", "office-2026"}


def test_another_bundle_is_copied_and_named(device: Device, tmp_path: Path) -> None:
    """The copy is whole and readable for the service's user; the settings name it."""
    office = tmp_path / "office-2026"
    shutil.copytree(DEMO_BUNDLE, office)
    office.chmod(0o700)
    device.installed("--bundle", office)
    copy = device.home / "bundles" / "office-2026"
    assert device.setting("BUNDLE") == str(copy)
    assert json.loads((copy / "manifest.json").read_text())["files"]
    assert copy.stat().st_mode & 0o755 == 0o755
    device.installed("--bundle", DEMO_BUNDLE)
    assert device.setting("BUNDLE") == str(device.home / "bundles" / "demo")


def test_a_dry_run_says_what_and_does_nothing(bare: Device) -> None:
    """Each step is announced."""
    said = bare.installed("--dry-run")
    assert len(re.findall("^would: ", said, re.MULTILINE)) >= 5


@pytest.mark.parametrize(
    ("program", "script", "message"),
    [
        ("uname", "echo armv7l", "must be aarch64 or x86_64, but is armv7l"),
        ("getconf", "echo glibc 2.31", "must have glibc 2.34 or later, but has glibc 2.31"),
        ("getconf", "exit 1", "must have glibc 2.34 or later, but has no glibc"),
        ("python3", "echo 3.9", "must be Python 3.11, 3.12 or 3.13, but is 3.9"),
        ("python3", "exit 127", "must be Python 3.11, 3.12 or 3.13, but does not run"),
        (
            "python3",
            "case $2 in *struct*) echo 32;; *) echo 3.11;; esac",
            "must be 64-bit, but its Python is 32-bit",
        ),
        (
            "python3",
            "case $2 in *struct*) echo 64;; *ensurepip*) exit 1;; *) echo 3.11;; esac",
            "run: apt-get install python3-venv",
        ),
    ],
)
def test_a_machine_that_does_not_fit_is_refused(
    bare: Device, program: str, script: str, message: str
) -> None:
    """Before anything is touched, with what must hold, what came and what to do."""
    bare.program("getconf", "echo glibc 2.36")
    bare.program(program, script)
    done = bare.install()
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--port", "80"], "the port must be 1024 to 65535, but is 80"),
        (["--port", "http"], "the port must be 1024 to 65535, but is http"),
        (["--bundle", "nowhere.zip"], "there is no nowhere.zip"),
        (["--source", "replay:a b"], "but is 'replay:a b'"),
        (["--wheelhouse", "nowhere"], "there is no nowhere"),
        (["--port"], "--port must be followed by a value"),
        (["--radio"], "there is no option --radio"),
    ],
)
def test_a_wrong_option_is_refused(bare: Device, options: list[str], message: str) -> None:
    """Each by its name."""
    done = bare.install("--python", sys.executable, *options)
    assert done.returncode != 0
    assert message in done.stderr


def test_uninstall_keeps_the_settings(tmp_path: Path, device: Device) -> None:
    """Program, bundles and unit go; a second time there is nothing to remove."""
    copy = Device(tmp_path / "prefix", device.wheels, device.path)
    for path in (device.settings, device.unit, device.home / "bundles" / "demo" / "manifest.json"):
        to = copy.prefix / path.relative_to(device.prefix)
        to.parent.mkdir(parents=True)
        shutil.copy(path, to)
    copy.installed("--uninstall")
    assert not copy.home.exists()
    assert not copy.unit.exists()
    assert copy.settings.read_text() == device.settings.read_text()
    assert "nothing is installed" in copy.installed("--uninstall")


@pytest.mark.long
def test_without_a_wheelhouse_the_checkout_is_built(tmp_path: Path) -> None:
    """As on a Pi with internet: pins and build backend come by hash from the package index."""
    prefix = tmp_path / "prefix"
    run(SCRIPT, "--prefix", prefix, "--python", sys.executable)
    program = prefix / "opt" / "localizer" / "venv" / "bin" / "localizer"
    assert localizer.__version__ in run(program, "--version", cwd=tmp_path)
    again = run(SCRIPT, "--prefix", prefix, "--python", sys.executable)
    assert again.endswith("nothing to do: everything is as asked\n")
