"""The edge: requests, memory, start, and what one scan costs."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.process import Server, post, running
from benchmarks.results import Row, at_most
from localizer.beacons import BeaconId
from localizer.bundle import Bundle, load_bundle
from localizer.locate import Locator
from localizer.scans import Scan
from training.config import load_config
from training.criterion import choose
from training.evaluation import to_records
from training.journey import Export, Target, cross_validate, fit_and_write, start_workers
from training.recipe import Recipe
from training.records import records_from
from training.splits import SPLITS
from training.surveys import OpenedSurvey, open_survey
from training.terminal import terminal

AREA: Final = "edge"
ROUNDS: Final = 7
REQUESTS: Final = 3000
"""A round and a server; a second or so of its CPU."""
CALLS: Final = 20_000
BATCH: Final = 10_000
HEARD: Final = 6
"""Beacons in the scan that is sent and located."""

SETTINGS: Final = {"h11": ("h11", "asyncio", 1.4), "httptools": ("httptools", "uvloop", 1.6)}


def measure() -> Iterator[Row]:
    """Measure the edge with the default DNN on the UCI site's 13 beacons."""
    with tempfile.TemporaryDirectory() as folder:
        survey = open_survey("uci", Path(folder))
        bundle = _dnn_bundle(survey, Path(folder))
        yield from _in_process(load_bundle(bundle))
        yield from _service(bundle, f"replay:{survey.path}?loop=true")
        for name, (http, loop, bound) in SETTINGS.items():
            yield _request_ratio(bundle, name, (http, loop), bound)


def _dnn_bundle(survey: OpenedSurvey, folder: Path) -> Path:
    config = load_config("dnn")
    recipe = Recipe([SPLITS["cells"]], ["weighted-centroid"], [config], range(1))
    with start_workers(survey, recipe, 2) as workers:
        evaluations = cross_validate(survey, recipe, workers, terminal())
        records = records_from(to_records(evaluations[0], survey.site.cell_m))
        # A network, whatever is better: what it costs at the edge is measured, not its error.
        choice = choose(records, ["cells"], method=config.name, force=True)
        target = Target(folder / "bundle")
        workers.call(fit_and_write, Export(config, choice, 0, survey, records, target))
    return folder / "bundle"


def _scan(bundle: Bundle) -> dict[str, float]:
    return {beacon: -60.0 - 3 * i for i, beacon in enumerate(bundle.spec.beacons[:HEARD])}


def _in_process(bundle: Bundle) -> Iterator[Row]:
    locator = Locator(bundle)
    scan = Scan(0, 1.0, {BeaconId(b): (r,) for b, r in _scan(bundle).items()})
    single = _p50_us(lambda: locator.locate(scan), CALLS)
    yield at_most(AREA, "scan to position, DNN, p50, 1 thread", single, "µs", 60)
    rng = np.random.default_rng(0)
    rssi = rng.uniform(-95, -50, (BATCH, len(bundle.spec.beacons))).astype(np.float32)
    mask = rng.random(rssi.shape) < HEARD / len(bundle.spec.beacons)
    each = _p50_us(lambda: locator.locate_array(rssi, mask), 30) / BATCH
    yield at_most(AREA, f"each of {BATCH:,} scans given as arrays, DNN", each, "µs", 5)


def _p50_us(call: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1e3


def _serve(bundle: Path, *more: str) -> list[str]:
    return ["-m", "localizer", "serve", "--bundle", str(bundle), "--port", "0", *more]


def _service(bundle: Path, source: str) -> Iterator[Row]:
    starts = []
    for _ in range(5):
        with running(_serve(bundle, "--source", source)) as server:
            starts.append(server.start_cpu_s())
    yield at_most(AREA, "start to readiness, CPU, median of 5", statistics.median(starts), "s", 1.0)
    with running(_serve(bundle, "--source", source)) as server:
        post(server, "/v1/locate", _body(bundle), REQUESTS)
        rss = server.peak_rss_mb()
    yield at_most(AREA, f"peak RSS, live replay and {REQUESTS} requests", rss, "MB", 90)


def _body(bundle: Path) -> bytes:
    return json.dumps({"readings": _scan(load_bundle(bundle))}).encode()


def _request_ratio(bundle: Path, name: str, settings: tuple[str, str], bound: float) -> Row:
    """CPU of a request to each server in turn, so that both see the same moments."""
    body = _body(bundle)
    flags = ["--http", settings[0], "--loop", settings[1]]
    constant = ["-m", "benchmarks.constant_server", *flags]
    with running(_serve(bundle, "--no-source", *flags)) as ours, running(constant) as theirs:
        for server in (ours, theirs):
            post(server, "/v1/locate", body, REQUESTS // 3)
        rounds = [(_cpu_us(ours, body), _cpu_us(theirs, body)) for _ in range(ROUNDS)]
    ratio = statistics.median(mine / reference for mine, reference in rounds)
    value, against = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Row(
        AREA,
        f"POST /v1/locate, {name}, CPU a request",
        value,
        "µs",
        f"FastAPI constant {against:.1f} µs",
        ratio,
        f"at most {bound} times",
        ratio <= bound,
    )


def _cpu_us(server: Server, body: bytes) -> float:
    before = server.cpu_s()
    post(server, "/v1/locate", body, REQUESTS)
    return (server.cpu_s() - before) / REQUESTS * 1e6
