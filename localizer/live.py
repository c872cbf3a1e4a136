"""From a source to fixes: one task that listens, cuts windows, locates and publishes."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from localizer.clock import NS_PER_S, s_to_ns
from localizer.errors import ConfigError, SourceError
from localizer.fixes import Cause, Fix, Judge, Verdict, error_m, heard_in
from localizer.hub import FixHub
from localizer.locate import Locator
from localizer.scans import Scan
from localizer.sources import Source
from localizer.windower import Windower

STALE_AFTER_S: Final = 10.0
"""Seconds of silence after which a position is no longer one: a walker is 14 m further by then."""

WINDOW_S: Final = 3.0
"""Length of a window: about 10 packets of a beacon at its usual 350 ms."""

STEP_S: Final = 1.0
"""Time between two fixes."""

SETTLE_S: Final = 0.05
"""How long a window is kept open after its end, so that a packet heard just before the end is not
overtaken by the timer; the delay of every fix."""

TURNS: Final = 4
"""Turns of the event loop within which a source that has a packet ready yields it."""

MAX_CATCH_UP: Final = 10_000
"""Packets read before a window is closed, at most: a source faster than this machine must not
keep it open for ever."""

Phase = Literal["starting", "running", "ended", "failed", "stopped"]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineState:
    """What the source is doing, for people and for machines."""

    phase: Phase
    reason: str | None = None
    """Why it failed; lower case with underscores."""
    detail: str | None = None
    """The same in words."""


def utc_now() -> datetime:
    """Return the wall clock, aware, UTC."""
    return datetime.now(UTC)


class LiveEngine:
    """Turns one source into fixes. A source that fails ends them, not the service."""

    def __init__(
        self,
        locator: Locator,
        source: Source,
        *,
        window_s: float = WINDOW_S,
        step_s: float = STEP_S,
        stale_after_s: float = STALE_AFTER_S,
        wall_clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Connect a source to a locator; nothing is read before `run`.

        Args:
            locator: used by the event loop's thread alone.
            source: closed by `run` when it ends.
            window_s: length of a window, seconds.
            step_s: time between two fixes, seconds.
            stale_after_s: silence after which there is no position, seconds on the source's clock.
            wall_clock: aware UTC time for the messages.

        Raises:
            ConfigError: a length of time is out of range.
        """
        if not (math.isfinite(stale_after_s) and stale_after_s > 0):
            raise ConfigError(
                f"`stale_after_s > 0` must hold, but got {stale_after_s!r}; 10 is usual"
            )
        self.hub = FixHub()
        self.state = EngineState("starting")
        self.source = source
        self.stale_after_s = stale_after_s
        self.adverts = 0
        """Advertisements read since the start."""
        self.windower = Windower(window_s, step_s, 0)
        """Counts what it had to drop; begins anew with `run`."""
        self._locator = locator
        self._judge = Judge(locator.bundle)
        self._wall_clock = wall_clock
        self._window_s, self._step_s = window_s, step_s
        self._stale_ns = s_to_ns(stale_after_s)
        self._newest_end_ns = self._heard_ns = 0
        self._ended_ns: int | None = None

    @property
    def silent_s(self) -> float:
        """Since the newest advertisement, or the start, seconds on the source's clock."""
        if self.state.phase == "starting":
            return 0.0
        return (self.source.clock.now_ns() - self._heard_ns) / NS_PER_S

    async def run(self) -> None:
        """Publish fixes until the source has ended and its last position is stale, or cancelled."""
        self._newest_end_ns = self._heard_ns = start_ns = self.source.clock.now_ns()
        self.windower = Windower(self._window_s, self._step_s, start_ns)
        self.state = EngineState("running")
        reader = asyncio.create_task(self._read(), name="source")
        try:
            await self._tick(start_ns)
        except asyncio.CancelledError:
            self.state = EngineState("stopped")
            raise
        except Exception as error:
            self._fail("internal_error", error)
            _log.exception("the live engine failed")
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await self._close_source()

    async def _read(self) -> None:
        try:
            async for advertisement in self.source:
                self.adverts += 1
                self._heard_ns = max(self._heard_ns, advertisement.time_ns)
                self.windower.push(advertisement)
            self.state = EngineState("ended", "source_ended", "the source has nothing more to give")
        except SourceError as error:
            self._fail(error.reason, error)
        except Exception as error:
            self._fail("unexpected_error", error)
            _log.exception("the source failed in a way that it should have named")
        self._ended_ns = self.source.clock.now_ns()

    def _fail(self, reason: str, error: Exception) -> None:
        self.state = EngineState("failed", reason, f"{error}" or type(error).__name__)
        _log.error("source failed (%s): %s", reason, error)

    async def _close_source(self) -> None:
        try:
            await self.source.aclose()
        except SourceError as error:
            _log.warning("the source did not close cleanly: %s", error)

    async def _tick(self, start_ns: int) -> None:
        clock, settle_ns, step_ns = self.source.clock, s_to_ns(SETTLE_S), s_to_ns(self._step_s)
        end_ns = start_ns + s_to_ns(self._window_s)
        while not self._is_over():
            await clock.sleep_until(end_ns + settle_ns)
            due_ns = clock.now_ns() - settle_ns
            await self._let_reader_catch_up()
            for scan in self.windower.advance(due_ns):
                self._take(scan, due_ns)
            end_ns = start_ns + ((due_ns - start_ns) // step_ns + 1) * step_ns
        self.hub.publish(self._silent_fix(self._newest_end_ns, self._stale_cause()))

    async def _let_reader_catch_up(self) -> None:
        """Read what is due: after a stall of the machine, packets and timers wake together."""
        for _ in range(MAX_CATCH_UP):
            before = self.adverts
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if self.adverts == before:
                return

    def _is_over(self) -> bool:
        """Whether no window will come any more and the newest is stale."""
        since_ns = self.source.clock.now_ns() - self._newest_end_ns
        return self._ended_ns is not None and since_ns > self._stale_ns

    def _take(self, scan: Scan, now_ns: int) -> None:
        end_ns = scan.start_ns + s_to_ns(scan.duration_s)
        if self._ended_ns is not None and end_ns - s_to_ns(self._step_s) >= self._ended_ns:
            # Nobody listened in this window: its silence says nothing.
            return
        self._newest_end_ns = end_ns
        # A window with packets is as new as its end, an empty one as the last packet before it.
        newest_ns = end_ns if scan.readings else min(self._heard_ns, end_ns)
        if now_ns - newest_ns > self._stale_ns:
            self.hub.publish(self._silent_fix(end_ns, self._stale_cause()))
        else:
            self.hub.publish(self._locate(scan, end_ns))

    def _locate(self, scan: Scan, end_ns: int) -> Fix:
        estimate = self._locator.locate(scan)
        verdict = self._judge.judge(estimate, heard_other=bool(scan.readings))
        fix = self._fix(end_ns, verdict)
        # The window does not hold its end, where a replay may be at the next place already.
        truth = self.source.truth_at(end_ns - 1)
        return replace(
            fix,
            heard=heard_in(scan, self._locator.bundle),
            truth=None if truth is None else (truth.x_m, truth.y_m),
            error_m=error_m(verdict.position, truth),
            r68_m=None if verdict.position is None else estimate.r68_m,
            r95_m=None if verdict.position is None else estimate.r95_m,
        )

    def _silent_fix(self, end_ns: int, cause: Cause) -> Fix:
        return self._fix(end_ns, Verdict("stale", cause, None))

    def _fix(self, end_ns: int, verdict: Verdict) -> Fix:
        published = self._wall_clock()
        age_s = (self.source.clock.now_ns() - end_ns) / NS_PER_S
        position = verdict.position
        return Fix(
            seq=self.hub.seq + 1,
            time_utc=published - timedelta(seconds=age_s),
            published_utc=published,
            x_m=None if position is None else position.x_m,
            y_m=None if position is None else position.y_m,
            floor=self._judge.floor,
            status=verdict.status,
            cause=verdict.cause,
            heard=(),
            bundle=self._locator.bundle.id,
        )

    def _stale_cause(self) -> Cause:
        if self.state.phase == "failed":
            return "source_failed"
        return "source_ended" if self.state.phase == "ended" else "source_silent"

    def current(self) -> Fix:
        """Return the newest fix as of now: one that has become old meanwhile is `stale`."""
        latest = self.hub.latest
        if latest is None:
            return self._before_first()
        age_ns = self.source.clock.now_ns() - self._newest_end_ns
        if latest.status == "stale" or age_ns <= self._stale_ns:
            return latest
        cause = self._stale_cause()
        late = replace(latest, status="stale", cause=cause, x_m=None, y_m=None, error_m=None)
        return replace(late, r68_m=None, r95_m=None)

    def _before_first(self) -> Fix:
        if self.state.phase in ("starting", "running"):
            verdict = Verdict("no_signal", "starting", None)
        else:
            verdict = Verdict("stale", self._stale_cause(), None)
        now = self._wall_clock()
        blank = self._fix(self._newest_end_ns, verdict)
        return replace(blank, seq=0, time_utc=now, published_utc=now)
