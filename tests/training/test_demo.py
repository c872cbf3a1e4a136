"""The demo as a new user runs it, and its parts where the whole would take a minute each."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from localizer.errors import ConfigError, DownloadError
from tests.real_data import uci_files
from tests.training.simulated import small_survey
from training import demo, published_surveys
from training.demo import DemoOptions, Replayed, refuse_busy_port, serve_and_replay
from training.terminal import terminal

KEYS: Final = [
    "site", "dataset", "split", "method", "mean_error_m", "median_error_m", "p95_error_m",
    "baseline", "baseline_mean_error_m", "fixes", "replay_mean_error_m", "bundle", "url",
]  # fmt: skip
ROOT: Final = Path(__file__).parents[2]
BUNDLE: Final = ROOT / "models" / "demo"


def start(*arguments: str, data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=os.environ | {"LOCALIZER_DATA": str(data)},
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C, and their children inherit that.
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509
    )


def heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_the_journey_ends_with_one_json_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "open_demo_survey", lambda workdir, console: small_survey())
    # Processes of its own would each load TensorFlow beside the other tests.
    monkeypatch.setattr(demo, "WORKERS", 1)
    demo.run_demo(options(tmp_path / "run", 2), terminal())
    printed = capfd.readouterr().out
    summary = json.loads(printed.splitlines()[-1])
    assert list(summary) == KEYS
    assert summary["fixes"] > 0
    assert summary["median_error_m"] <= summary["p95_error_m"]
    assert f"Live map: {summary['url']}/" in printed
    assert (Path(summary["bundle"]) / "manifest.json").is_file()
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.long
def test_the_demo_trains_serves_replays_and_ends_with_one_json_line(tmp_path: Path) -> None:
    data = uci_files().labelled.parent.parent
    command = (
        "-m",
        "training",
        "demo",
        "--seconds",
        "3",
        "--port",
        "0",
        "--workdir",
        str(tmp_path),
    )
    process = start(*command, data=data)
    output, _ = process.communicate(timeout=400)
    assert process.returncode == 0, output
    summary = json.loads(output.splitlines()[-1])
    assert list(summary) == KEYS
    assert (summary["site"], summary["dataset"], summary["split"]) == ("uci", "uci", "sessions")
    # The weighted centroid learns nothing: 1.55 cells on the eight development days.
    assert summary["baseline"] == "weighted-centroid"
    assert summary["baseline_mean_error_m"] == pytest.approx(4.716, abs=0.01)
    assert summary["mean_error_m"] <= summary["baseline_mean_error_m"]
    assert summary["median_error_m"] <= summary["p95_error_m"]
    assert summary["fixes"] > 0
    assert "a baseline that trains no network" in output or summary["method"] == "pool"
    assert f"Live map: {summary['url']}/" in output
    assert (Path(summary["bundle"]) / "manifest.json").is_file()
    assert "Traceback" not in output


@pytest.mark.long
def test_ctrl_c_while_training_ends_every_process(tmp_path: Path) -> None:
    data = uci_files().labelled.parent.parent
    process = start("-m", "training", "demo", "--port", "0", "--workdir", str(tmp_path), data=data)
    for line in process.stdout or ():
        if "Cross-validating" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def options(folder: Path, seconds: float | None) -> DemoOptions:
    return DemoOptions(seconds=seconds, speed=20.0, max_gap=3.0, port=0, workdir=folder)


def test_the_replay_goes_through_a_real_service_and_counts_its_fixes(tmp_path: Path) -> None:
    replayed, url = serve_and_replay(BUNDLE, small_survey(), options(tmp_path, 2), terminal())
    assert url.startswith("http://127.0.0.1:")
    assert replayed.fixes >= 5
    assert replayed.mean_error_m is not None
    assert 0 < replayed.mean_error_m < 10


REPLAY_FOR_EVER: Final = """
import sys
from pathlib import Path
from training.demo import DemoOptions, serve_and_replay
from training.surveys import open_survey
from training.terminal import terminal
folder = Path(sys.argv[1])
survey = open_survey(sys.argv[2], folder)
options = DemoOptions(seconds=None, speed=20.0, max_gap=3.0, port=0, workdir=folder)
replayed, url = serve_and_replay(Path(sys.argv[3]), survey, options, terminal())
print("fixes", replayed.fixes)
"""


def test_ctrl_c_while_replaying_ends_cleanly_with_what_was_replayed(tmp_path: Path) -> None:
    script = tmp_path / "forever.py"
    script.write_text(REPLAY_FOR_EVER)
    arguments = (str(script), str(tmp_path), str(small_survey().path), str(BUNDLE))
    process = start(*arguments, data=tmp_path)
    for line in process.stdout or ():
        if line.startswith("  fix "):
            break
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0, rest
    assert "Ended by Ctrl-C" in rest
    assert int(rest.split()[-1]) >= 1
    assert "Traceback" not in rest


def test_without_data_cache_and_network_it_says_so_and_takes_the_simulated_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable() -> None:
        raise DownloadError("the archive must be reachable, but is not")

    monkeypatch.setattr(published_surveys, "find_uci", unreachable)
    survey = demo.open_demo_survey(tmp_path, terminal())
    assert survey.site.id == "demo"
    said = capsys.readouterr().out
    assert "must be reachable" in said
    assert "no real data" in said


def test_a_busy_port_is_said_before_any_training() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{port} is taken"):
            refuse_busy_port(port)
    refuse_busy_port(0)


def test_fixes_without_a_truth_count_but_have_no_error() -> None:
    replayed = Replayed()
    replayed.add({"error_m": None})
    assert (replayed.fixes, replayed.mean_error_m) == (1, None)
    replayed.add({"error_m": 2.0})
    replayed.add({"error_m": 4.0})
    assert (replayed.fixes, replayed.mean_error_m) == (3, 3.0)
