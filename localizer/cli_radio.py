"""`localizer scan` and `record`: what is in the air, for eyes and for a file."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final, Protocol

import typer
from rich.box import SIMPLE
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from localizer.cli_sources import RADIO_OPENERS
from localizer.hearing import Heard, Hearing
from localizer.scans import Advertisement
from localizer.sources import Source, SourceStatus, open_source
from localizer.sources.recorder import Recorder

REFRESH_S: Final = 0.5
"""Seconds between two looks at what was heard, and between two writes of a recording: half of the
second that a crash may cost."""

SOME_LOST: Final = 1
"""Exit status of a recording that could not keep everything."""

_SOURCE = Annotated[
    str,
    typer.Argument(
        help="ble:hci0, mqtt://HOST/TOPIC, serial:/dev/ttyACM0, replay:FILE or simulate:SITE.",
        show_default=False,
    ),
]
_SECONDS = Annotated[
    float | None, typer.Option(min=0.1, help="End after so long; left out: at Ctrl-C.")
]


def add_radio_commands(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("scan")(scan)
    app.command("record")(record)


def scan(
    source: _SOURCE,
    seconds: _SECONDS = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For machines: a JSON object on a line, twice a second.")
    ] = False,
) -> None:
    """Show which beacons are heard, how loud and how often."""
    opened = open_source(source, openers=RADIO_OPENERS)
    if as_json:
        _run(_watch(opened, seconds, _JsonView()))
        return
    console = Console()
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            _run(_watch(opened, seconds, _TableView(console, live)))
        return
    view = _TableView(console)
    _run(_watch(opened, seconds, view))
    console.print(view.latest)


def record(
    source: _SOURCE,
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file: JSON Lines, for replay:FILE.")
    ],
    seconds: _SECONDS = None,
) -> None:
    """Record every advertisement without loss, on the disk at least once a second."""
    opened = open_source(source, openers=RADIO_OPENERS)
    recorder = Recorder(path)
    try:
        _run(_record(opened, seconds, recorder))
    finally:
        is_whole = _close(recorder)
        print(f"{recorder.written} advertisements in {path}")
    if not is_whole:
        raise typer.Exit(SOME_LOST)


# --- Running until it is enough ---------------------------------------------------------------


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end, or until Ctrl-C or SIGTERM, both of which are a clean end."""

    async def until_told() -> Any:
        task = asyncio.ensure_future(work)

        def end(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(task.cancel)

        # Not by way of SIGINT: a shell's background jobs ignore that.
        loop, before = asyncio.get_running_loop(), signal.signal(signal.SIGTERM, end)
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled():
                return None
            raise
        finally:
            signal.signal(signal.SIGTERM, before)

    try:
        return asyncio.run(until_told())
    except KeyboardInterrupt:
        return None


async def _listen(
    source: Source,
    take: Callable[[Advertisement], None],
    look: Callable[[], Awaitable[None]],
    seconds: float | None,
) -> None:
    """Take what comes and look at it now and then, until it ends or it is enough."""

    async def hear() -> None:
        async for one in source:
            take(one)

    loop = asyncio.get_running_loop()
    end_s = math.inf if seconds is None else loop.time() + seconds
    task = asyncio.create_task(hear())
    try:
        while not task.done() and (left_s := end_s - loop.time()) > 0:
            await asyncio.wait([task], timeout=min(REFRESH_S, left_s))
            await look()
        if task.done():
            task.result()
    finally:
        await source.aclose()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# --- scan -------------------------------------------------------------------------------------


class _View(Protocol):
    def show(self, source: Source, rows: list[Heard]) -> None: ...


async def _watch(source: Source, seconds: float | None, view: _View) -> None:
    hearing = Hearing(source.clock.now_ns())

    async def look() -> None:
        view.show(source, hearing.rows(source.clock.now_ns()))

    await _listen(source, hearing.hear, look, seconds)


class _JsonView:
    def show(self, source: Source, rows: list[Heard]) -> None:
        status = source.status
        entry = {
            "source": source.name,
            "state": status.state,
            "reason": status.reason,
            "detail": status.detail,
            "restarts": status.restarts,
            "given": status.given,
            "dropped": dict(status.dropped),
            "beacons": [row._asdict() for row in rows],
        }
        print(json.dumps(entry), flush=True)


class _TableView:
    def __init__(self, console: Console, live: Live | None = None) -> None:
        self.latest: RenderableType = ""
        self._console = console
        self._live = live

    def show(self, source: Source, rows: list[Heard]) -> None:
        # Head, status line and the prompt need room as well.
        room = len(rows) if self._live is None else max(1, self._console.height - 8)
        self.latest = Group(_heard_table(rows[:room]), _status_line(source, len(rows) - room))
        if self._live is not None:
            self._live.update(self.latest, refresh=True)


def _heard_table(rows: list[Heard]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("beacon", overflow="fold")
    for name in ("RSSI dBm", "median", "per second", "last heard"):
        table.add_column(name, justify="right")
    for row in rows:
        name = row.beacon if row.receiver is None else f"{row.beacon} at {row.receiver}"
        table.add_row(
            Text(name, style="dim" if row.median_dbm is None else ""),
            f"{row.rssi_dbm:.0f}",
            "" if row.median_dbm is None else f"{row.median_dbm:.1f}",
            f"{row.rate_hz:.1f}",
            "now" if row.age_s < 1 else f"{row.age_s:.0f} s ago",
        )
    return table


def _status_line(source: Source, hidden: int) -> Text:
    status = source.status
    colour = {"running": "green", "ended": "green", "opening": ""}.get(status.state, "red")
    line = Text.assemble(f"{source.name}: ", (status.state, colour))
    if status.state in ("recovering", "failed"):
        line.append(f" ({status.reason}): {status.detail}")
    line.append(f"; {status.given} packets{_dropped(status)}")
    if hidden > 0:
        line.append(f"; {hidden} more beacons than fit here")
    return line


def _dropped(status: SourceStatus) -> str:
    told = ", ".join(f"{name} {count}" for name, count in sorted(status.dropped.items()))
    return f"; left out: {told}" if told else ""


# --- record -----------------------------------------------------------------------------------


async def _record(source: Source, seconds: float | None, recorder: Recorder) -> None:
    said = ""

    async def look() -> None:
        nonlocal said
        status = source.status
        now = f"{status.state} {status.reason or ''}".strip()
        try:
            await asyncio.to_thread(recorder.flush)
        except OSError as error:
            now = f"{recorder.path} cannot be written: {error.strerror}; what comes is kept in "
            now += "memory meanwhile: make room"
        # What changes is worth a line; a recording of a day must not fill a log.
        if now != said:
            print(f"localizer record: {now}", file=sys.stderr, flush=True)
            said = now

    await _listen(source, recorder.add, look, seconds)


def _close(recorder: Recorder) -> bool:
    """Write what is left, and return whether all of it found room."""
    try:
        recorder.close()
    except OSError as error:
        print(
            f"localizer record: {recorder.pending} advertisements are lost, because "
            f"{recorder.path} cannot be written: {error.strerror}",
            file=sys.stderr,
        )
        return False
    if recorder.lost:
        print(
            f"localizer record: {recorder.lost} advertisements are lost, because the disk took "
            "none for too long",
            file=sys.stderr,
        )
    return not recorder.lost
