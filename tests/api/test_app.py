import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from localizer import __version__
from localizer.api.health import health_router
from localizer.api.messages import Health, Problem, SiteMessage
from localizer.api.page import CONTENT_SECURITY_POLICY
from localizer.api.problems import MAX_GOT_CHARS, MEDIA_TYPE, shown
from localizer.bundle import load_bundle
from localizer.live import EngineState, LiveEngine
from localizer.sites import built_in_site
from tests.api.clients import Client, client
from tests.edge_bundle import demo_locator, write_bundle
from tests.edge_source import HandSource


def engine() -> LiveEngine:
    return LiveEngine(demo_locator(), HandSource())


def health(of: LiveEngine | None) -> Any:
    with client(of) as made:
        answer = made.get("/v1/health").json()
    Health.model_validate(answer)
    return answer


def test_health_says_what_computes_the_positions() -> None:
    answer = health(None)
    assert (answer["status"], answer["reasons"], answer["source"]) == ("ok", [], None)
    bundle = answer["bundle"]
    assert (bundle["id"], bundle["is_baseline"]) == ("demo-weighted_centroid-test", True)
    assert bundle["metrics"][0]["split"] == "sessions"
    assert answer["versions"]["localizer"] == __version__


def test_health_shows_the_better_method_that_a_bundle_passed_over(tmp_path: Path) -> None:
    assert health(None)["bundle"]["forced"] is None
    forced = {"best": "knn", "worse_by_m": 0.5, "criterion": ["sessions", "cells"]}
    bundle = load_bundle(write_bundle(tmp_path, schema_version=2, forced=forced))
    app = FastAPI()
    app.include_router(health_router(bundle, None))
    with asyncio.Runner() as runner:
        answer = Client(app, runner).get("/health").json()
    assert answer["bundle"]["forced"] == forced
    assert answer["status"] == "ok"


def test_health_of_a_failed_source_has_its_reason() -> None:
    failed = engine()
    failed.state = EngineState("failed", "powered_off", "switch the adapter on")
    answer = health(failed)
    assert answer["status"] == "degraded"
    assert answer["reasons"] == [{"code": "source_failed", "detail": "switch the adapter on"}]
    assert answer["source"]["reason"] == "powered_off"


def test_health_of_a_silent_source_is_degraded() -> None:
    silent = engine()
    silent.state = EngineState("running")
    assert silent.silent_s > silent.stale_after_s
    assert health(silent)["reasons"][0]["code"] == "source_silent"


def test_health_of_a_source_that_recovers_says_what_is_away() -> None:
    source = HandSource()
    of = LiveEngine(demo_locator(), source)
    of.state = EngineState("running")
    source.keeper.become("running")
    source.keeper.drop("other", 3)
    source.keeper.become("recovering", "powered_off", "switch the adapter on")
    answer = health(of)
    assert answer["status"] == "degraded"
    assert answer["reasons"] == [{"code": "source_recovering", "detail": "switch the adapter on"}]
    told = {name: answer["source"][name] for name in ("state", "reason", "detail", "left_out")}
    assert told == {
        "state": "recovering",
        "reason": "powered_off",
        "detail": "switch the adapter on",
        "left_out": {"other": 3},
    }
    source.keeper.become("running")
    source.clock.advance(0.1)
    again = health(of)["source"]
    assert (again["state"], again["reason"], again["restarts"]) == ("running", None, 1)


def test_health_before_the_start_is_ok() -> None:
    answer = health(engine())
    assert (answer["status"], answer["source"]["state"]) == ("ok", "starting")
    assert answer["stream"] == {"seq": 0, "clients": 0, "lost": 0}


def test_the_site_is_the_bundles() -> None:
    with client() as made:
        answer = made.get("/v1/site").json()
    SiteMessage.model_validate(answer)
    site = built_in_site("demo")
    assert (answer["id"], answer["name"], answer["floor"]) == ("demo", site.name, "0")
    (floor,) = answer["floors"]
    assert floor["outline"] == [list(corner) for corner in site.floors[0].outline]
    assert len(floor["walls"]) == len(site.floors[0].walls)
    assert floor["bounds"] == [0, 0, 24, 16]
    assert {one["id"] for one in answer["beacons"]} == {str(b.id) for b in site.beacons}
    assert all(one["used"] for one in answer["beacons"])


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/docs", "/%2e%2e/map.js"])
def test_what_is_not_there_is_a_problem(path: str) -> None:
    with client() as made:
        answer = made.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert Problem.model_validate(answer.json()).type == "urn:localizer:problem:not-found"


def test_a_bug_is_a_problem_that_gives_nothing_away(caplog: pytest.LogCaptureFixture) -> None:
    with client() as made:

        @made.app.get("/broken")
        async def broken() -> None:
            raise RuntimeError("secret")

        with caplog.at_level(logging.ERROR):
            answer = made.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:localizer:problem:internal-error"
    assert "secret" not in answer.text
    assert "secret" in caplog.text


def test_what_came_is_shown_shortly() -> None:
    assert shown("x" * 10_000) == "x" * MAX_GOT_CHARS + "…"
    assert shown(float("nan")) == "nan"


def test_the_document_describes_every_route_and_refers_to_nothing_missing() -> None:
    with client() as made:
        document = made.get("/openapi.json").json()
    paths = {"health", "site", "position", "stream", "ws", "locate", "locate/batch"}
    assert set(document["paths"]) == {f"/v1/{path}" for path in paths}
    schemas = document["components"]["schemas"]
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
    assert "dBm" in str(schemas["LocateRequest"])


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        found = [value for key, value in node.items() if key == "$ref"]
        return found + [one for value in node.values() for one in _references(value)]
    if isinstance(node, list):
        return [one for value in node for one in _references(value)]
    return []


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/map.js", "text/javascript"),
        ("/floor.js", "text/javascript"),
        ("/panels.js", "text/javascript"),
        ("/map.css", "text/css"),
        ("/icon.svg", "image/svg+xml"),
    ],
)
def test_the_pages_files_come_under_a_strict_policy(path: str, kind: str) -> None:
    with client() as made:
        answer = made.get(path)
        head = made.request("HEAD", path)
    assert (answer.status_code, head.status_code) == (200, 200)
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert head.content == b""


@pytest.mark.parametrize("path", ["/", "/map.js", "/floor.js", "/panels.js", "/map.css"])
def test_the_page_names_no_other_place_and_puts_no_markup_together(path: str) -> None:
    with client() as made:
        text = made.get(path).text.replace("http://www.w3.org/2000/svg", "")
    for forbidden in ("http://", "https://", "innerHTML", "insertAdjacentHTML", "eval(", "style="):
        assert forbidden not in text


def test_the_health_router_stands_alone() -> None:
    app = FastAPI()
    app.include_router(health_router(demo_locator().bundle, None))
    assert "/health" in app.openapi()["paths"]
