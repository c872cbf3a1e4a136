"""Listening to a source for a while, to see how it is."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from localizer.clock import s_to_ns
from localizer.doctor.finding import Finding
from localizer.doctor.trace import TraceExam
from localizer.errors import SourceError
from localizer.sources import Source, SourceStatus


async def listen(source: Source, exam: TraceExam, *, stream_s: float, real_s: float) -> Finding:
    """Listen for so long, close the source, and return how it was.

    Args:
        source: not iterated yet.
        exam: takes what is heard.
        stream_s: seconds on the source's clock.
        real_s: seconds of real time, whatever that clock does.
    """
    end_ns = source.clock.now_ns() + s_to_ns(stream_s)
    try:
        # A live source goes on for ever: that the time is up is the usual end.
        with suppress(TimeoutError):
            async with asyncio.timeout(real_s):
                await _hear_until(source, exam, end_ns)
        return _finding(source.status, exam.packets)
    except SourceError as error:
        return Finding("source", "fail", f"it failed ({error.reason})", str(error))
    finally:
        await source.aclose()


async def _hear_until(source: Source, exam: TraceExam, end_ns: int) -> None:
    async for one in source:
        if one.time_ns > end_ns:
            return
        exam.hear(one)


def _finding(status: SourceStatus, packets: int) -> Finding:
    dropped = ", ".join(f"{name} {count}" for name, count in sorted(status.dropped.items()))
    said = f"{status.state}, {packets} packets of beacons; left out: {dropped or 'nothing'}"
    if status.state in ("running", "ended"):
        return Finding("source", "ok", said)
    return Finding("source", "fail", f"{said} ({status.reason or 'no answer'})", status.detail)
