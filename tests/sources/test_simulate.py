from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from localizer.clock import Clock, JumpingClock, ScaledClock, s_to_ns
from localizer.scans import Advertisement
from localizer.site import Position, site_to_toml
from localizer.sites import built_in_site
from localizer.sources import Source, open_source
from localizer.sources.protocol import TRUTH_KEPT_S
from localizer.sources.simulate import SimulatedSource
from tests.sources.contract import MakeSource, PacedSourceContract, let_others_run, run, take


def heard(text: str, count: int = 300) -> list[Advertisement]:
    return run(take(open_source(text, clock=JumpingClock()), count))


@pytest.mark.parametrize("site", ["demo", "uci"])
def test_a_built_in_site_is_heard(site: str) -> None:
    known = {beacon.id for beacon in built_in_site(site).beacons}
    names = {one.beacon for one in heard(f"simulate:{site}")}
    assert len(names) >= 3
    assert names <= known


def test_a_site_file_is_heard_like_the_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(site_to_toml(built_in_site("demo")), encoding="utf-8")
    assert heard(f"simulate:{path}?seed=3") == heard("simulate:demo?seed=3")


def test_the_seed_fixes_everything() -> None:
    assert heard("simulate:demo?seed=3") == heard("simulate:demo?seed=3")
    assert heard("simulate:demo?seed=3") != heard("simulate:demo?seed=4")


def test_radio_parameters_are_options() -> None:
    source = open_source("simulate:demo?interval_ms=1000&rician_k_db=-6&packet_loss=0")
    assert isinstance(source, SimulatedSource)
    parameters = source.simulated.parameters
    assert (parameters.interval_ms, parameters.rician_k_db) == (1_000.0, -6.0)
    assert parameters.packet_loss == 0.0
    assert parameters.exponent == 2.2


def test_speed_is_that_of_the_sources_own_clock() -> None:
    source = open_source("simulate:demo?speed=50")
    assert isinstance(source.clock, ScaledClock)
    assert source.clock.speed == 50


def test_truth_follows_the_walker() -> None:
    clock = JumpingClock(s_to_ns(1_000))
    source = open_source("simulate:demo?seed=1", clock=clock)

    async def follow() -> list[Position]:
        places = []
        async for one in source:
            place = source.truth_at(one.time_ns)
            assert place is not None
            places.append(place)
            if len(places) == 2_000:
                break
        return places

    places = run(follow())
    assert len({(place.x_m, place.y_m) for place in places}) > 100
    assert all(0 <= place.x_m <= 24 and 0 <= place.y_m <= 16 for place in places)
    assert {place.floor for place in places} == {"0"}
    assert source.truth_at(s_to_ns(999)) is None
    assert source.truth_at(clock.now_ns() + s_to_ns(3_600)) is None


def test_the_memory_of_the_truth_is_bounded() -> None:
    source = open_source("simulate:demo", clock=JumpingClock())
    last = run(take(source, 20_000))[-1]
    assert last.time_ns > s_to_ns(2 * TRUTH_KEPT_S)
    assert source.truth_at(last.time_ns - s_to_ns(TRUTH_KEPT_S)) is not None
    assert source.truth_at(0) is None


def test_a_deaf_receiver_leaves_the_others_their_time() -> None:
    async def check() -> None:
        source = open_source("simulate:demo?sensitivity_dbm=0", clock=JumpingClock())
        task = asyncio.create_task(take(source))
        await let_others_run()
        assert not task.done()
        await source.aclose()
        assert await task == []

    run(check())


class TestSimulation(PacedSourceContract):
    @pytest.fixture
    def make_source(self) -> MakeSource:
        def make(clock: Clock) -> Source:
            return open_source("simulate:demo", clock=clock)

        return make
