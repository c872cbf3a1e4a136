"""What stands around every verb: how it ends when somebody or something stops it."""

import errno
import subprocess
from pathlib import Path

import pytest

from localizer.__main__ import main
from tests.edge_service import END_S, command, environment


@pytest.mark.parametrize("verb", ["scan", "serve"])
def test_ctrl_c_while_it_loads_leaves_no_trace(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("localizer.serve.main" if verb == "serve" else "localizer.cli.run", pressed)
    monkeypatch.setattr("sys.argv", ["localizer", verb])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk ready")
def test_output_that_finds_no_room_is_told_in_a_line() -> None:
    arguments = ("scan", "simulate:demo?speed=20", "--json", "--seconds", "0.6")
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            command(*arguments),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=END_S,
            check=False,
        )
    assert finished.returncode == 1
    assert finished.stderr == ("localizer: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left", "/a/file"), OSError(errno.EBADF, "Bad descriptor")],
)
def test_a_defect_is_not_taken_for_a_full_disk(
    error: OSError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(arguments: list[str]) -> int:
        raise error

    monkeypatch.setattr("localizer.cli.run", fails)
    monkeypatch.setattr("sys.argv", ["localizer", "scan"])
    with pytest.raises(OSError, match=str(error.strerror)):
        main()
