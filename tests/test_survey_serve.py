"""The survey app as a process of its own, as a surveyor starts it."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from localizer.errors import ConfigError, SiteError, SurveyError
from localizer.survey import Survey
from localizer.survey_app.choosing import choose_survey
from localizer.survey_app.only_one import only_one
from localizer.survey_serve import SurveyOptions, own_address, run_survey
from tests.edge_bundle import demo_bundle
from tests.edge_service import CHECKOUT, END_S, Service, command, environment, started

SOURCE = "simulate:demo?speed=20"
TOKEN = "a-long-secret-of-the-floor"


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Service]:
    """Start the survey app, wait until it says where it listens, and end it afterwards."""
    process = subprocess.Popen(
        command("survey", *arguments, "--source", SOURCE, "--port", "0"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=END_S)


def send(service: Service, path: str, body: Any = None) -> Any:
    url = f"{service.url}/v1/survey{path}"
    answer = httpx.post(url, json=body, timeout=END_S, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()


def first_event(service: Service, holds: Callable[[Any], bool]) -> Any:
    """Return the first event for which something holds."""
    url = f"{service.url}/v1/survey/events"
    with httpx.stream("GET", url, timeout=END_S, trust_env=False) as events:
        for line in events.iter_lines():
            if line.startswith("data: ") and holds(json.loads(line.removeprefix("data: "))):
                return json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")


def heard_much(event: Any) -> bool:
    recording = event["recording"]
    return recording is not None and bool(recording["committed"] > 100)


def test_a_killed_service_keeps_what_was_committed_and_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, "demo") as service:
        point = send(service, "/points", {"floor": "0", "x_m": 5, "y_m": 5, "name": ""})["id"]
        session = send(service, "/sessions", {"device": "Pi"})["id"]
        cut_off = send(service, "/recordings", {"kind": "point", "point": point})["id"]
        committed = first_event(service, heard_much)["recording"]["committed"]
        service.stop(signal.SIGKILL)
    with serving(tmp_path, "demo.survey") as service:
        state = service.get("/v1/survey").json()
        assert state["session"] is None
        (left,) = state["recordings"]
        assert (left["id"], left["status"]) == (cut_off, "incomplete")
        assert left["adverts"] >= committed
        send(service, f"/sessions/{session}/resume")
        again = {"kind": "point", "point": point, "resumes": cut_off}
        made = send(service, "/recordings", again)["id"]
        first_event(service, heard_much)
        assert send(service, f"/recordings/current/finish?recording={quote(made, safe='')}")
        states = [one["status"] for one in service.get("/v1/survey").json()["recordings"]]
        assert states == ["complete", "complete"]
        assert service.stop() == 0


def test_a_signal_ends_it_with_streams_open_and_the_recording_can_be_gone_on_with(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "My office", "--survey", "there.survey") as service:
        assert "survey file: there.survey" in _said(service, 1)
        send(service, "/sessions", {"device": "Pi"})
        send(service, "/recordings", {"kind": "unlabelled"})
        url = f"{service.url}/v1/survey/events"
        with httpx.stream("GET", url, timeout=END_S, trust_env=False) as events:
            assert next(events.iter_lines())
            assert service.stop() == 0
        assert service.process.stderr is not None
        assert "Traceback" not in service.process.stderr.read()
    with Survey.open(tmp_path / "there.survey") as survey:
        assert (survey.site.id, survey.site.name) == ("my-office", "My office")
        assert [one.status for one in survey.recordings.all()] == ["incomplete"]
        assert [one.state for one in survey.sessions] == ["open"]


def _said(service: Service, lines: int) -> list[str]:
    assert service.process.stdout is not None
    return [service.process.stdout.readline().rstrip("\n") for _ in range(lines)]


def test_on_a_network_it_prints_an_address_with_the_token(tmp_path: Path) -> None:
    with serving(tmp_path, "demo", "--host", "0.0.0.0", "--token", TOKEN) as service:
        _, here = _said(service, 2)
        assert here == f"survey app: http://127.0.0.1:{service.port}/survey?token={TOKEN}"
        if own_address() is not None:
            assert f":{service.port}/survey?token={TOKEN}" in _said(service, 1)[0]
        with httpx.Client(
            base_url=f"http://127.0.0.1:{service.port}", timeout=END_S, trust_env=False
        ) as phone:
            assert phone.get("/v1/survey").status_code == 401
            assert phone.get(f"/survey?token={TOKEN}").status_code == 200
            assert phone.get("/v1/survey").status_code == 200


def test_with_a_bundle_there_are_live_positions_too(tmp_path: Path) -> None:
    with serving(tmp_path, "demo", "--bundle", str(demo_bundle())) as service:
        assert service.get("/").status_code == 200
        assert service.get("/v1/survey").json()["bundle"] == "demo-weighted_centroid-test"
        first_event(service, lambda event: event["source"]["given"] > 200)
        url = f"{service.url}/v1/stream"
        with httpx.stream("GET", url, timeout=END_S, trust_env=False) as events:
            data = (line for line in events.iter_lines() if line.startswith("data: "))
            fix = json.loads(next(data).removeprefix("data: "))
        assert fix["truth"] is not None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"host": "0.0.0.0"}, "--token"),
        ({"host": "0.0.0.0", "token": "short"}, "token must have"),
        ({"source": "telepathy:me"}, "scheme"),
        ({"site": "nowhere/site.toml"}, "no file at"),
        ({"site": "???"}, "letters or digits"),
        ({"file": Path("nowhere/new.survey")}, "make nowhere first"),
        ({"bundle": Path("nowhere")}, "bundle"),
    ],
)
def test_what_cannot_be_served_is_named(
    changed: dict[str, Any],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"site": "demo", "source": SOURCE, "port": 0, **changed}
    with pytest.raises(Exception, match=words) as caught:
        run_survey(SurveyOptions(**options))
    assert type(caught.value).__module__ == "localizer.errors"
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_makes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="in use"):
            run_survey(SurveyOptions("demo", SOURCE, port=port))
    assert list(tmp_path.iterdir()) == []


def test_a_site_is_a_file_a_survey_a_built_in_one_or_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert choose_survey("demo") == (Path("demo.survey"), True)
    assert choose_survey("demo.survey") == (Path("demo.survey"), False)
    assert choose_survey("demo", Path("other.survey")) == (Path("other.survey"), True)
    new = choose_survey("Haus 3, EG").path
    with Survey.open(new) as survey:
        assert (new, survey.site.id) == (Path("haus-3-eg.survey"), "haus-3-eg")
    Path("site.toml").write_text("no site")
    with pytest.raises(SiteError):
        choose_survey("site.toml")
    Path("else.db").write_bytes(b"something else")
    with pytest.raises(SurveyError, match="SQLite"):
        choose_survey("else.db")
    with pytest.raises(ConfigError, match="one survey file"):
        choose_survey("demo.survey", new)


def test_a_second_app_does_not_cut_off_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, _ = choose_survey("demo")
    with only_one(path), pytest.raises(ConfigError, match="another one has"):
        run_survey(SurveyOptions("demo", SOURCE, port=0))
    with only_one(path):
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == [tmp_path / path]


def test_a_service_that_only_locates_loads_nothing_of_the_survey() -> None:
    code = (
        "import sys, localizer.serve\n"
        "names = ('localizer.survey_app', 'localizer.api.survey', 'localizer.surveying', 'PIL',"
        " 'localizer.survey', 'sqlite3')\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=END_S,
        check=True,
    )
    assert done.stdout.strip() == "[]"
