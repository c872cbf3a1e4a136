"""Worker processes of one machine, and what becomes of the trials of one that ends badly."""

from __future__ import annotations

import contextlib
import gc
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import optuna
from optuna.trial import TrialState

from localizer.errors import LocalizerError
from training.tuning.budget import read_points, write_copies
from training.tuning.leases import LEASE_S, give_back, worker_of
from training.tuning.storage import Patience, open_storage
from training.tuning.study import join_study
from training.tuning.trials import Verdict
from training.tuning.verdicts import lose
from training.tuning.worker import Work, WorkerOptions, run_worker
from training.tuning.workers import WorkerId

GRACE_S: Final = 10.0
"""How long a worker that is to end may take to its next rung, seconds; then it is killed, and what
it ran waits again. Kubernetes grants 30 s by default."""

_STARTED_AT_ONCE: Final = 4
"""Workers that are started between two looks at all of them."""
_FRUITLESS: Final = 3
"""Workers in a row, or as many as there should be, that end before their first trial; then nobody
starts a further one."""

_DATABASE: Final = (
    "psycopg",
    "sqlalchemy.orm",
    "sqlalchemy.dialects.postgresql.psycopg",
    "alembic.config",
    "alembic.script",
    "alembic.runtime.migration",
    "optuna.storages._rdb.models",
)
"""What a worker loads for a database: a second of its processor time, if nobody has before."""

Build = Callable[[optuna.Study], Work]
"""Gives a study its sampler and pruner, and returns what is done with its trials. Called in each
worker's process, so it must be picklable: a function of a module, or a `functools.partial` of one.
"""


class WorkerError(LocalizerError):
    """Workers that cannot even begin."""


@dataclass(frozen=True, slots=True)
class Crew:
    """The workers of one machine, all alike."""

    place: str
    """Of the storage, as `open_storage` takes it."""
    study: str
    build: Build
    epochs: int
    """Of a whole training."""
    count: int = 1
    batch: int = 1
    batch_s: float = math.inf
    """Wall time that a batch may take, seconds; see `WorkerOptions`."""
    lease_s: float = LEASE_S
    poll_s: float = 1.0
    trial_s: float | None = None
    """Wall time within which a worker must tell the next outcome of its batch, seconds."""
    memory_mb: int | None = None
    """Resident memory of a worker, megabytes; on Linux only."""
    grace_s: float = GRACE_S
    start: Literal["spawn", "forkserver"] = "spawn"
    """`forkserver` where workers are many and small: they share what it has loaded."""


class LocalWorkers:
    """Starts a crew, replaces who ends badly, and gives their trials the verdict they earned."""

    def __init__(
        self, study: optuna.Study, crew: Crew, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        """Start nobody yet.

        Args:
            study: as this process sees it.
            crew: who is to work.
            tell: called with what a person should know.
        """
        self._study = study
        self._crew = crew
        self._tell = tell
        self._seats: list[_Seat] = []
        self._fruitless = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.stop()
            return
        for seat in self._seats:
            seat.kill()

    @property
    def alive(self) -> int:
        """How many work."""
        return len(self._seats)

    def tend(self, *, replace: bool = True) -> None:
        """See to those who have ended, take too long or take too much memory; start who lacks.

        Args:
            replace: whether the study goes on, and workers are started.

        Raises:
            LocalizerError: a worker said that no other will fare better.
        """
        for seat in list(self._seats):
            for text in seat.listen():
                self._tell(text)
            seat.kill_greedy(self._crew)
            if not seat.process.is_alive():
                self._seats.remove(seat)
                self._bury(seat)
        lacking = self._crew.count - len(self._seats) if replace else 0
        # A few at a time: whoever looks after them must see to the others meanwhile.
        for _ in range(min(lacking, _STARTED_AT_ONCE)):
            self._seats.append(_Seat(self._crew))

    def stop(self) -> None:
        """Let everybody go on to the next rung and give back what runs; kill who does not."""
        for seat in self._seats:
            seat.process.terminate()
        until = time.monotonic() + self._crew.grace_s
        for seat in self._seats:
            seat.process.join(max(0.0, until - time.monotonic()))
            seat.kill()
            for trial_id in self._running(seat):
                give_back(self._study, trial_id)
        self._seats = []

    def _bury(self, seat: _Seat) -> None:
        seat.process.join()
        for text in seat.listen():
            self._tell(text)
        if seat.error is not None:
            raise seat.error
        self._fruitless = 0 if seat.began or not seat.process.exitcode else self._fruitless + 1
        if self._fruitless >= max(_FRUITLESS, self._crew.count):
            raise WorkerError(
                f"a worker must come to a first trial, but the last {self._fruitless} ended before "
                f"({seat.verdict[1]}); their output above says why"
            )
        lost = [one for one in self._running(seat) if lose(self._study, one, *seat.verdict)]
        if lost:
            self._tell(f"a worker has ended: {seat.verdict[1]}; {len(lost)} trials come back")
            write_copies(self._study, read_points(self._study), of=lost)

    def _running(self, seat: _Seat) -> list[int]:
        trials = self._study._storage.get_all_trials(
            self._study._study_id, deepcopy=False, states=(TrialState.RUNNING,)
        )
        return [one._trial_id for one in trials if seat.name and worker_of(one) == seat.name]


class _Seat:
    """One worker process, as its parent sees it."""

    def __init__(self, crew: Crew) -> None:
        context: Any = multiprocessing.get_context(crew.start)
        context.set_forkserver_preload([__name__, *_DATABASE])
        self._ear, mouth = context.Pipe(duplex=False)
        self.process = context.Process(target=_work, args=(crew, mouth), daemon=True)
        with _deaf_to_ctrl_c():
            self.process.start()
        mouth.close()
        self.name = ""
        self.began = False
        self.error: LocalizerError | None = None
        self._busy_since: float | None = None
        self._killed_for: tuple[Verdict, str] | None = None

    def listen(self) -> list[str]:
        """Take in what the worker has sent; return what a person should know."""
        said: list[str] = []
        with contextlib.suppress(EOFError, OSError):
            while self._ear.poll():
                kind, value = self._ear.recv()
                if kind == "said":
                    said.append(value)
                else:
                    self._take_in(kind, value)
        return said

    def _take_in(self, kind: str, value: Any) -> None:
        if kind == "name":
            self.name = value
        elif kind == "error":
            self.error = value
        else:
            self.began = True
            self._busy_since = time.monotonic() if value else None

    def kill_greedy(self, crew: Crew) -> None:
        """Kill the process where it takes more time or memory than it may."""
        busy_s = time.monotonic() - self._busy_since if self._busy_since is not None else 0.0
        if crew.trial_s is not None and busy_s > crew.trial_s:
            self._kill_for("timed out", f"no outcome within {crew.trial_s:g} s")
        elif crew.memory_mb is not None and _resident_mb(self.process.pid) > crew.memory_mb:
            self._kill_for("crashed", f"took more than {crew.memory_mb} MB of memory")

    def _kill_for(self, verdict: Verdict, reason: str) -> None:
        self._killed_for = (verdict, reason)
        self.kill()

    def kill(self) -> None:
        """End the process at once, and take in what it said before."""
        self.process.kill()
        self.process.join()
        self.listen()

    @property
    def verdict(self) -> tuple[Verdict, str]:
        """What its trials earned when the process ended, and why."""
        code = self.process.exitcode or 0
        if self._killed_for is not None:
            return self._killed_for
        if code == -signal.SIGKILL:
            return "worker lost", "its process was killed"
        if code < 0:
            return "crashed", f"its process ended by {signal.Signals(-code).name}"
        return "crashed", f"its process ended with status {code}"


def _work(crew: Crew, mouth: Connection) -> None:
    """Be a worker: the body of its process."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and says SIGTERM
    _limit_memory(crew.memory_mb)
    talking = threading.Lock()

    def say(kind: str, value: object) -> None:
        try:
            with talking:
                mouth.send((kind, value))
        except BrokenPipeError:
            stop.set()  # nobody is left who would replace or stop this process

    name = str(WorkerId.of_process(os.getpid()))
    say("name", name)
    try:
        patience = Patience(tell=lambda text: say("said", text))
        study = join_study(open_storage(crew.place, patience=patience), crew.study)
        options = WorkerOptions(
            name,
            crew.epochs,
            batch=crew.batch,
            batch_s=crew.batch_s,
            lease_s=crew.lease_s,
            poll_s=crew.poll_s,
            stop=stop,
            busy=lambda busy: say("busy", busy),
        )
        work = crew.build(study)
        # What is loaded stays: workers that began together would all walk through it in the same
        # moment, and each would get a copy of what they share.
        gc.freeze()
        run_worker(study, work, options)
    except LocalizerError as error:
        say("error", error)
        sys.exit(1)


def _limit_memory(memory_mb: int | None) -> None:
    """Brake what takes memory faster than the parent looks: at twice the limit nothing is given."""
    if memory_mb is not None and sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (2 * memory_mb << 20, hard))


def _resident_mb(pid: int | None) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let a process be born deaf to Ctrl-C, which reaches all of a terminal's processes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
