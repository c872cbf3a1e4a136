"""Studies of a stub, and the storages that tests open them in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import optuna

from training.tuning.budget import Point, read_points, within
from training.tuning.local_workers import Crew
from training.tuning.storage import open_storage
from training.tuning.stub import Stub, build_stub
from training.tuning.study import Identity, Objective, open_study
from training.tuning.worker import Work, WorkerOptions, run_worker
from training.tuning.workers import WorkerId

IDENTITY = Identity("space 1", "data 1", Objective("uci", "blocks", 5, (0,), 9, (1, 3, 9)))


def new_study(place: str, name: str = "study", identity: Identity = IDENTITY) -> optuna.Study:
    """Open a study of random points that nothing prunes."""
    study = open_study(open_storage(place), name, identity, code_version="1")
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    study.pruner = optuna.pruners.NopPruner()
    return study


def options(**named: Any) -> WorkerOptions:
    """Return those of a worker in this process."""
    given = {"name": str(WorkerId.of_process(os.getpid())), "epochs": 9, "poll_s": 0.01, **named}
    return WorkerOptions(**given)


def run_here(study: optuna.Study, stub: Stub | Work | None = None, **named: Any) -> int:
    """Run a worker in this process; return the trials that it told."""
    work = stub if isinstance(stub, Work) else (stub or Stub()).work
    return run_worker(study, work, options(**named))


def stub_crew(place: str, stub: Stub, **named: Any) -> Crew:
    """Return a crew of quick starters."""
    given = {"count": 2, "poll_s": 0.05, "start": "forkserver", "grace_s": 3.0, **named}
    return Crew(place, "study", partial(build_stub, stub), 9, **given)


def ended(study: optuna.Study, limit: int) -> list[Point]:
    """Return the points that have ended, and see to it that each did once."""
    known = within(read_points(study), limit)
    finals = [one for point in known for one in point.attempts if one.state.name != "FAIL"]
    assert len(finals) <= len(known)
    return [point for point in known if point.ended]


@contextmanager
def grpc_proxy(storage: optuna.storages.BaseStorage, port: int) -> Iterator[str]:
    """Serve a storage by Optuna's proxy on the loopback interface."""
    from optuna.storages._grpc.server import make_server

    with ThreadPoolExecutor(8) as pool:
        server = make_server(storage, "127.0.0.1", port, pool)
        server.start()
        try:
            yield f"grpc://127.0.0.1:{port}"
        finally:
            server.stop(0).wait()
