"""The thread of a worker that renews its leases and looks after those of others."""

from __future__ import annotations

import multiprocessing
import threading
from types import TracebackType
from typing import Self

import optuna

from training.tuning.leases import RENEWALS, Leases, Watch, look_after


class Keeper:
    """Renews leases while its worker trains, and gives back what dead workers ran."""

    def __init__(
        self, study: optuna.Study, leases: Leases, lease_s: float, stop: threading.Event
    ) -> None:
        self._study = study
        self._leases = leases
        self._watch = Watch(lease_s)
        self._stop = stop
        self._pause_s = lease_s / RENEWALS
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def check(self) -> None:
        """Raise what ended the thread, if anything did: a worker without leases must end too."""
        if self._error is not None:
            raise self._error

    def _keep(self) -> None:
        try:
            while not self._done.wait(self._pause_s):
                if parent_is_gone():
                    self._stop.set()
                self._leases.renew()
                look_after(self._study, self._watch)
        except Exception as error:
            self._error = error


def parent_is_gone() -> bool:
    """Whether this process was started by another one that has ended since."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()
