"""A simulated receiver in the hands of a surveyor who says where they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from localizer.clock import JumpingClock, s_to_ns
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.sources import PlacedSource, Whereabouts, open_source
from localizer.sources.carried import CarriedReceiver
from localizer.sources.simulate import SimulatedSource
from localizer.sources.whereabouts import tell
from localizer.surveying.steadiness import judge_steadiness
from localizer.walker import Leg
from tests.edge_source import HandSource
from tests.sources.contract import run

FLOOR = built_in_site("demo").floors[0]


def at(x_m: float, y_m: float, floor: str = "0", **more: float | bool) -> Whereabouts:
    return Whereabouts(Position(x_m, y_m, floor), **more)  # type: ignore[arg-type]


def said_after(
    source: SimulatedSource, *said: tuple[float, Whereabouts | None], until_s: float
) -> list[Advertisement]:
    """Return what is heard when these things are said these many seconds after the start."""
    heard: list[Advertisement] = []

    async def listen() -> None:
        left = list(said)
        async for one in source:
            heard.append(one)
            while left and source.clock.now_ns() >= s_to_ns(left[0][0]):
                source.be_at(left.pop(0)[1])
            if one.time_ns > s_to_ns(until_s):
                return

    run(listen())
    return heard


@pytest.fixture
def simulation() -> Iterator[SimulatedSource]:
    source = open_source("simulate:demo", clock=JumpingClock())
    assert isinstance(source, SimulatedSource)
    yield source
    run(source.aclose())


def truth(source: SimulatedSource, second: float) -> tuple[float, float] | None:
    place = source.truth_at(s_to_ns(second))
    return None if place is None else (place.x_m, place.y_m)


def test_it_stands_where_it_is_put_until_it_is_let_go(simulation: SimulatedSource) -> None:
    heard = said_after(simulation, (5.0, at(5.0, 7.0)), (25.0, None), until_s=40.0)
    times_ns = [one.time_ns for one in heard]
    assert times_ns == sorted(times_ns)
    assert {truth(simulation, second) for second in range(6, 25)} == {(5.0, 7.0)}
    assert len({truth(simulation, second) for second in range(26, 40)}) > 3
    gaps_s = np.diff(times_ns) / 1e9
    assert gaps_s.max() < 0.5, "turning is no silence"
    readings: dict[str, list[float]] = {}
    for one in heard:
        if s_to_ns(6) < one.time_ns < s_to_ns(24):
            readings.setdefault(one.beacon, []).append(one.rssi_dbm)
    assert judge_steadiness(readings) == []  # type: ignore[arg-type]


def test_it_goes_on_as_between_the_last_two_places_of_a_walk(simulation: SimulatedSource) -> None:
    walk = [(4.0 * i, at(4.0 + 4.0 * i, 7.0, walking=True)) for i in range(1, 4)]
    said_after(simulation, *walk, until_s=14.0)
    assert truth(simulation, 7.9) == (8.0, 7.0), "nobody knows yet where the first leg leads"
    for second in (9.0, 11.0, 13.0):
        assert truth(simulation, second) == pytest.approx((4.0 + second, 7.0), abs=0.2)


def test_a_wall_stops_it(simulation: SimulatedSource) -> None:
    said_after(simulation, (1, at(3, 3, walking=True)), (3, at(2, 3, walking=True)), until_s=30)
    x_m, y_m = truth(simulation, 29) or (None, None)
    assert x_m == pytest.approx(0.25, abs=0.26)
    assert y_m == 3.0


def test_a_floor_that_is_not_simulated_is_silent(simulation: SimulatedSource) -> None:
    async def listen() -> list[float]:
        simulation.be_at(at(5, 7, "1"))
        stream = aiter(simulation)
        first = asyncio.ensure_future(anext(stream))
        while simulation.clock.now_ns() < s_to_ns(10):
            await asyncio.sleep(0)
        assert not first.done()
        assert simulation.truth_at(s_to_ns(9)) == Position(5, 7, "1")
        simulation.be_at(None)
        return [(await first).time_ns / 1e9, (await anext(stream)).time_ns / 1e9]

    first_s, second_s = run(listen())
    assert 10 <= first_s <= second_s < 12


def test_it_faces_where_the_surveyor_says() -> None:
    clock = JumpingClock()
    receiver = CarriedReceiver(FLOOR, np.random.default_rng(0), clock)
    receiver.be_at(at(5, 5, heading_deg=90.0))
    assert next(receiver.legs()).heading_deg == 90.0


def test_legs_have_no_gaps_when_it_turns() -> None:
    clock = JumpingClock(s_to_ns(7))
    receiver = CarriedReceiver(FLOOR, np.random.default_rng(0), clock)
    walked: list[Leg] = []
    for leg in receiver.legs():
        walked.append(leg)
        clock.advance_to(leg.start_ns + (leg.end_ns - leg.start_ns) // 2)
        receiver.be_at(at(3, 3) if len(walked) % 2 else None)
        if len(walked) == 20:
            break
    for before, after in pairwise(walked):
        assert before.start_ns < after.start_ns == (before.start_ns + before.end_ns) // 2


def test_a_radio_is_where_it_is() -> None:
    radio = HandSource()
    assert not isinstance(radio, PlacedSource)
    tell(radio, at(3, 3))
