"""The thread that writes: one connection, one thing at a time, and a commit every half second."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from typing import TypeVar

from localizer.errors import SurveyError
from localizer.survey.session_log import SessionLog

_T = TypeVar("_T")
_Job = Callable[[SessionLog], None]


class WriterThread:
    """Runs what others ask it to, and between that commits what is held.

    Args:
        begin: opens the file, in the thread.
        commit_s: seconds between two commits.

    Raises:
        SurveyError: what `begin` raises.
    """

    def __init__(self, begin: Callable[[], SessionLog], *, commit_s: float) -> None:
        self.trouble: SurveyError | None = None
        """Why the last commit failed; it is tried again. None if it did not."""
        self.failure: SurveyError | None = None
        """Why it gave up."""
        self._commit_s = commit_s
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        begun: Future[SessionLog] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(begin, begun), name="survey-writer", daemon=True
        )
        self._thread.start()
        self.log = begun.result()
        """What it writes to. Its methods belong to the thread."""

    def do(self, work: Callable[[SessionLog], _T]) -> _T:
        """Run it in the thread, and wait for what it returns or raises.

        Raises:
            SurveyError: the thread gave up, or was closed.
        """
        if self.failure is not None:
            raise self.failure
        if not self._thread.is_alive():
            raise SurveyError("a recorder must be open to record, but it was closed; open another")
        done: Future[_T] = Future()

        def job(log: SessionLog) -> None:
            try:
                done.set_result(work(log))
            except BaseException as error:
                done.set_exception(error)

        self._jobs.put(job)
        return done.result()

    def close(self) -> None:
        """End the thread and close the file."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self, begin: Callable[[], SessionLog], begun: Future[SessionLog]) -> None:
        try:
            log = begin()
        except BaseException as error:
            begun.set_exception(error)
            return
        begun.set_result(log)
        due_s = time.monotonic() + self._commit_s
        with closing(log):
            while (job := self._next_job(due_s)) is not None:
                job(log)
                if time.monotonic() >= due_s:
                    due_s = time.monotonic() + self._commit_s
                    self._commit(log)

    def _next_job(self, due_s: float) -> _Job | None:
        try:
            return self._jobs.get(timeout=max(0.0, due_s - time.monotonic()))
        except queue.Empty:
            return _nothing

    def _commit(self, log: SessionLog) -> None:
        try:
            log.commit()
        except SurveyError as error:
            if error.reason is None:
                self.failure = self.failure or error
            self.trouble = error
        else:
            self.trouble = None


def _nothing(_log: SessionLog) -> None:
    """Do nothing: it is time to commit."""
