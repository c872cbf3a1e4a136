"""The encoder for firmware, as its user compiles it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from firmware_bridge.serial.frames import encode_frame
from firmware_bridge.serial.messages import Hello, Message, Packet, Report
from tests.conftest import lacking
from tests.firmware_bridge.protocol_messages import GOLDEN, ROOT, golden_message, messages

FIRMWARE = ROOT / "firmware"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror")
LR_FULL, LR_INVALID = 1, 2


def compiler() -> str:
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None:
        lacking("needs a C compiler: Debian's packages `gcc` and `libc6-dev`")
    return found


def compile_c(output: Path, *arguments: str) -> None:
    command = [compiler(), *STRICT, f"-I{FIRMWARE}", *arguments, "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Driver:
    """The encoder behind a pipe."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, message: Message) -> tuple[int, str]:
        """Return the status of the last call, and the frame as hexadecimal digits."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(words(message) + "\n")
        self._process.stdin.flush()
        status, _, frame = self._process.stdout.readline().rstrip("\n").partition(" ")
        return int(status), frame

    def close(self) -> int:
        self._process.communicate(timeout=10)
        return self._process.returncode


def words(message: Message) -> str:
    if isinstance(message, Hello):
        names = [f"-{name.encode().hex()}" for name in (message.name, message.firmware)]
        return f"hello {message.sequence} {message.boot} {' '.join(names)}"
    packets = " ".join(
        f"{one.kind} {one.rssi_dbm} {one.age_ms} -{one.body.hex()}" for one in message.packets
    )
    unit = int(message.microseconds)
    return f"report {message.sequence} {unit} {message.time} {len(message.packets)} {packets}"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    program = tmp_path_factory.mktemp("firmware") / "driver"
    sources = [Path(__file__).parent / "report_driver.c", FIRMWARE / "localizer_report.c"]
    compile_c(program, "-O1", *map(str, sources))
    one = Driver(program)
    yield one
    assert one.close() == 0


def test_it_is_freestanding(tmp_path: Path) -> None:
    source = str(FIRMWARE / "localizer_report.c")
    compile_c(tmp_path / "report.o", "-ffreestanding", "-Os", "-c", source)
    symbols = subprocess.run(
        ["nm", "--undefined-only", tmp_path / "report.o"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    # GCC may turn a loop into these, and then every firmware has them.
    assert set(symbols.stdout.split()) <= {"U", "memcpy", "memset"}


@pytest.mark.parametrize("vector", GOLDEN["messages"], ids=lambda vector: str(vector["name"]))
def test_golden_vectors(driver: Driver, vector: dict[str, Any]) -> None:
    assert driver(golden_message(vector["message"])) == (0, vector["frame"])


@settings(max_examples=200)
@given(message=messages)
def test_every_message_is_that_of_the_other_encoder(driver: Driver, message: Message) -> None:
    assert driver(message) == (0, encode_frame(message).hex())


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (Report(0, 0, (Packet(1, -50, 0, b"short"),)), LR_INVALID),
        (Report(0, 0, (Packet(2, -50, 0, bytes(18)),)), LR_INVALID),
        (Report(0, 0, (Packet(9, -50, 0, bytes(3)),)), LR_INVALID),
        (Report(0, 0, (Packet(4, -50, 0, bytes(256)),)), LR_INVALID),
        (Report(0, 0, (Packet(4, -50, 0, bytes(255)),) * 4), LR_FULL),
        (Report(0, 0, (Packet(4, -50, 0, b""),) * 256), LR_FULL),
        (Hello(0, 0, "x" * 33), LR_INVALID),
        (Hello(0, 0, "desk", "x" * 200), LR_INVALID),
    ],
)
def test_what_does_not_fit_is_refused(driver: Driver, message: Message, status: int) -> None:
    assert driver(message) == (status, "")
