import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from localizer.serve import main, parser
from tests.edge_bundle import demo_bundle
from tests.edge_service import CHECKOUT, END_S, command, environment, serving

MAX_RSS_MB = 90.0
MAX_START_CPU_S = 1.0


def failing(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("serve", *arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )


def one_clear_line(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 2, finished.stderr
    assert finished.stdout == ""
    lines = [line for line in finished.stderr.splitlines() if not line.startswith("INFO:")]
    assert len(lines) == 1, finished.stderr
    return lines[0]


def test_it_says_where_it_listens_and_answers_there() -> None:
    with serving() as service:
        assert service.url.startswith("http://127.0.0.1:")
        assert service.port != 0
        assert service.get("/v1/health").json()["status"] == "ok"
        assert "live map" in (service.process.stdout.readline() if service.process.stdout else "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_streams_open(number: int) -> None:
    with (
        serving() as service,
        httpx.stream("GET", service.url + "/v1/stream", timeout=END_S, trust_env=False) as events,
        connect(service.url.replace("http", "ws") + "/v1/ws") as socket_,
    ):
        lines = events.iter_lines()
        assert next(line for line in lines if line.startswith("data:"))
        assert socket_.recv(END_S)
        started = time.monotonic()
        assert service.stop(number) == 0
        assert time.monotonic() - started < 5
        assert all(not line.startswith("data: {}") for line in lines)
        assert service.process.stderr is not None
        assert "Traceback" not in service.process.stderr.read()


def test_a_client_that_never_reads_does_not_keep_it_from_ending() -> None:
    with (
        serving("--step", "0.05", "--window", "0.2") as service,
        socket.create_connection(("127.0.0.1", service.port)) as greedy,
    ):
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.sendall(b"GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        greedy.recv(100)
        assert service.stop() == 0


@pytest.mark.parametrize("damage", ["site.toml", "model.tflite", "manifest.json", "golden.json"])
def test_a_corrupt_bundle_is_refused_in_one_line(damage: str, tmp_path: Path) -> None:
    for part in demo_bundle().iterdir():
        (tmp_path / part.name).write_bytes(part.read_bytes())
    (tmp_path / damage).write_bytes((tmp_path / damage).read_bytes()[:-20] + b"x" * 20)
    line = one_clear_line(failing("--bundle", str(tmp_path), "--no-source", "--port", "0"))
    assert damage in line


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = one_clear_line(
            failing("--bundle", str(demo_bundle()), "--no-source", "--port", str(port))
        )
    assert f"port {port}" in line
    assert "in use" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "telepathy:me"], "scheme"),
        (["--source", "replay:/nowhere"], "/nowhere"),
        (["--source", "simulate:demo", "--no-source"], "--no-source"),
        ([], "--source"),
        (["--source", "simulate:demo", "--step", "0"], "step_s"),
        (["--no-source", "--host", "no such host"], "no such host"),
    ],
)
def test_what_cannot_be_used_is_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--bundle", str(demo_bundle()), "--port", "0", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_is_a_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parser().parse_args(["--bundle", "x", "--port", port])
    assert exit_.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_listening_beyond_loopback_is_warned_of() -> None:
    with serving("--host", "0.0.0.0", source=None) as service:
        service.stop()
        assert service.process.stderr is not None
        assert "no authentication" in service.process.stderr.read()


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """With Nagle's algorithm on, each answer of h11 would take 40 ms more."""
    with (
        serving("--http", "h11", "--loop", "asyncio", source=None) as service,
        httpx.Client(base_url=service.url, timeout=END_S, trust_env=False) as client,
    ):
        took = []
        for _ in range(15):
            started = time.monotonic()
            client.post("/v1/locate", json={"readings": {"name:demo:b01": -50}})
            took.append(time.monotonic() - started)
    assert sorted(took)[7] < 0.03


def test_it_is_light() -> None:
    with serving("--step", "0.1", "--window", "0.3") as service:
        cpu_s = _cpu_s(service.process.pid)
        with httpx.stream("GET", service.url + "/v1/stream", timeout=END_S, trust_env=False) as r:
            lines = (line for line in r.iter_lines() if line.startswith("id:"))
            for _ in range(20):
                next(lines)
        for _ in range(50):
            httpx.post(
                service.url + "/v1/locate",
                json={"readings": {"name:demo:b01": -50}},
                timeout=END_S,
                trust_env=False,
            )
        status = Path(f"/proc/{service.process.pid}/status").read_text()
    peak_mb = int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    assert peak_mb <= MAX_RSS_MB
    # Twice the goal: the machine that runs the tests may be busy. The benchmark holds the goal.
    assert cpu_s <= 2 * MAX_START_CPU_S


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_service_loads_neither_typer_nor_rich_nor_tensorflow() -> None:
    script = (
        "import sys\n"
        "import localizer.serve\n"
        "from localizer.sources import open_source\n"
        "from localizer.bundle import load_bundle\n"
        f"load_bundle(__import__('pathlib').Path({str(demo_bundle())!r}))\n"
        "open_source('simulate:demo')\n"
        "heavy = {'typer', 'rich', 'tensorflow', 'pandas', 'sklearn', 'optuna', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=END_S,
        check=True,
    )
    assert found.stdout.strip() == "[]"


def test_a_source_that_fails_leaves_the_service_running(tmp_path: Path) -> None:
    recording = tmp_path / "short.jsonl"
    recording.write_text(
        '{"beacon": "name:demo:b01", "rssi_dbm": -50, "time_ns": 0}\n', encoding="utf-8"
    )
    with serving(source=f"replay:{recording}?speed=50") as service:
        reasons: list[dict[str, str]] = []
        deadline = time.monotonic() + END_S
        while not reasons and time.monotonic() < deadline:
            reasons = service.get("/v1/health").json()["reasons"]
        assert reasons[0]["code"] == "source_ended"
        answer = httpx.post(
            service.url + "/v1/locate",
            json={"readings": {"name:demo:b01": -50}},
            timeout=END_S,
            trust_env=False,
        )
        assert answer.json()["status"] == "ok"


def test_starting_a_second_time_on_the_same_port_works_at_once() -> None:
    with serving(source=None) as service:
        port = service.port
        service.get("/v1/health")
        assert service.stop() == 0
    with serving(source=None, port=port) as again:
        assert again.get("/v1/health").status_code == 200
