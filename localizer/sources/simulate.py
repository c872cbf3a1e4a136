"""A live source without a radio: somebody walks about a simulated floor."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from localizer.clock import Clock, ScaledClock, s_to_ns
from localizer.errors import ConfigError, SiteError
from localizer.radio import RadioParameters
from localizer.scans import Advertisement
from localizer.simulator import SimulatedSite, Stream
from localizer.site import Position, Site, load_site
from localizer.sites import BUILT_IN, built_in_site
from localizer.sources.address import OptionReader, SourceAddress
from localizer.sources.carried import STEP_NS, CarriedReceiver
from localizer.sources.protocol import TRUTH_KEPT_S
from localizer.sources.status import SourceStatus
from localizer.sources.stream import TimedStream
from localizer.sources.whereabouts import Whereabouts
from localizer.walker import Leg


class SimulatedSource:
    """A random walk of a receiver; a `localizer.sources.Source` that never ends by itself.

    As a `localizer.sources.PlacedSource` it is where a surveyor says, while they say so. On a floor
    that is not simulated it hears nothing.

    Args:
        name: the string that it was opened with.
        simulated: the floor and its radio.
        clock: what paces it; the walk starts at what this shows when the iteration begins.
    """

    def __init__(self, name: str, simulated: SimulatedSite, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.simulated = simulated
        """The floor that is walked; its expected RSSI is known."""
        self._stream = TimedStream(name, clock)
        self._receiver = CarriedReceiver(simulated.floor, Stream.WALK.rng(simulated.seed), clock)
        self._legs: deque[tuple[Leg, str]] = deque()

    @property
    def status(self) -> SourceStatus:
        """How it is now."""
        return self._stream.status

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Start walking."""
        return self._stream.play(self._moments())

    def be_at(self, where: Whereabouts | None) -> None:
        """Be there from now on; None: walk about at random."""
        self._receiver.be_at(where)

    def _moments(self) -> Iterator[Advertisement | int]:
        for leg, heard in self.simulated.heard_along(self._walk()):
            here = self._receiver.floor_id == self.simulated.floor.id
            for moment in _with_looks(leg, heard if here else ()):
                if self._receiver.turned:
                    break
                yield moment

    def _walk(self) -> Iterator[Leg]:
        for leg in self._receiver.legs():
            self._legs.append((leg, self._receiver.floor_id))
            while self._legs[0][0].end_ns < leg.start_ns - s_to_ns(TRUTH_KEPT_S):
                self._legs.popleft()
            yield leg

    def truth_at(self, time_ns: int) -> Position | None:
        """Return where the walker was; None before the start and more than `TRUTH_KEPT_S` ago."""
        for leg, floor in reversed(self._legs):
            if leg.start_ns <= time_ns < leg.end_ns:
                return Position(*leg.at(time_ns), floor)
        return None

    async def aclose(self) -> None:
        """End the iteration."""
        await self._stream.aclose()


def _with_looks(leg: Leg, heard: Iterable[Advertisement]) -> Iterator[Advertisement | int]:
    """Yield what is heard in a leg, and moments to look up although nothing is heard."""
    looks: Iterable[Advertisement | int] = range(leg.start_ns, leg.end_ns, STEP_NS)
    return heapq.merge(looks, heard, key=_time_ns)


def _time_ns(moment: Advertisement | int) -> int:
    return moment if isinstance(moment, int) else moment.time_ns


def open_simulation(address: SourceAddress, clock: Clock | None = None) -> SimulatedSource:
    """Open ``simulate:demo``, ``simulate:uci`` or ``simulate:SITE.toml``.

    Options: ``seed`` (0), ``speed`` (1), ``floor`` (the first), and every field of
    `RadioParameters` by its name.

    Raises:
        SourceError: the site is missing or unusable, or an option is unknown or out of range.
    """
    options = OptionReader(address)
    seed, speed = options.whole("seed", 0), options.number("speed", 1.0, above=0)
    floor = options.text("floor")
    given = {
        field.name: options.number(field.name, 0.0)
        for field in fields(RadioParameters)
        if options.text(field.name) is not None
    }
    options.refuse_others()
    try:
        site = _load_site(address)
        simulated = SimulatedSite(site, RadioParameters(**given), seed, floor=floor)
    except ConfigError as error:
        address.fail(str(error), "bad_number")
    except SiteError as error:
        address.fail(str(error), "bad_site")
    return SimulatedSource(address.text, simulated, clock or ScaledClock(0, speed))


def _load_site(address: SourceAddress) -> Site:
    if address.target in BUILT_IN:
        return built_in_site(address.target)
    path = Path(address.target).expanduser()
    if not path.is_file():
        address.fail(
            f"a simulation must name a site file or one of {BUILT_IN}, but there is no file at "
            f"{path}",
            "file_not_found",
        )
    return load_site(path)
