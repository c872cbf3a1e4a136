"""The real bleak, over a real D-Bus daemon, with a BlueZ that a test holds in its hand."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from firmware_bridge.ble import open_ble
from firmware_bridge.ble import source as ble_source
from firmware_bridge.ble.source import BleSource
from firmware_bridge.ble.watch import Watch
from firmware_bridge.payloads import EDDYSTONE_SERVICE
from localizer.clock import Clock, MonotonicClock
from localizer.errors import SourceError
from localizer.scans import Advertisement
from localizer.sources import Source
from localizer.sources.address import parse_source
from tests.firmware_bridge.air import PACKETS, UUID_TEXT, packet
from tests.firmware_bridge.fake_bluez import FakeAdapter, FakeBluez, Packet
from tests.firmware_bridge.system_bus import SystemBus
from tests.sources.contract import MakeSource, MakeWaiting, SourceContract, run

RECOVERY_S = 10.0
"""How long after its service has come back a source may take."""


def opened(text: str = "ble:hci0?silence=0.5", clock: Clock | None = None) -> BleSource:
    return open_ble(parse_source(text), clock)


class Ear(NamedTuple):
    source: BleSource
    heard: list[Advertisement]

    async def until(self, true: Callable[[], bool], within_s: float = RECOVERY_S) -> None:
        """Let everything run until a condition holds."""
        end_s = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < end_s, self.source.status
            await asyncio.sleep(0.002)

    async def until_heard(self, count: int) -> None:
        await self.until(lambda: len(self.heard) >= count)

    async def until_state(self, state: str, reason: str | None = None) -> None:
        def is_so() -> bool:
            status = self.source.status
            return (status.state, status.reason) == (state, reason)

        await self.until(is_so)


@asynccontextmanager
async def listening(source: BleSource) -> AsyncIterator[Ear]:
    ear = Ear(source, [])

    async def listen() -> None:
        async for one in source:
            ear.heard.append(one)

    task = asyncio.create_task(listen())
    try:
        yield ear
    finally:
        await source.aclose()
        await task


def test_packets_become_advertisements(bluez: FakeBluez) -> None:
    eddystone = bytes.fromhex("00 ee edd1ebeac04e5defa017 0123456789ab 0000")

    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_state("running")
            bluez.advertise(
                [
                    packet(7, -71),
                    Packet("BB:00:00:00:00:00", -80, {}, {EDDYSTONE_SERVICE: eddystone}),
                ]
            )
            await ear.until_heard(2)
        first, second = ear.heard
        assert first.beacon == f"ibeacon:{UUID_TEXT}:9:7"
        assert (first.rssi_dbm, first.measured_power_dbm) == (-71.0, -59.0)
        assert second.beacon == "eddystone:edd1ebeac04e5defa017:0123456789ab"
        assert (second.rssi_dbm, second.receiver) == (-80.0, None)

    run(check())
    # An active scan that reports every packet: what fingerprints need.
    assert bluez.adapters["hci0"].filters[0] == {"Transport": "le", "DuplicateData": False}


def test_equal_packets_all_count(bluez: FakeBluez) -> None:
    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_state("running")
            for _ in range(20):
                bluez.advertise([packet(1, -60)])
            await ear.until_heard(20)
        assert [one.rssi_dbm for one in ear.heard] == [-60.0] * 20

    run(check())


def test_nothing_of_a_burst_of_1000_is_lost(bluez: FakeBluez) -> None:
    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_state("running")
            bluez.advertise([packet(n % 100, -20 - n // 100) for n in range(1_000)])
            await ear.until_heard(1_000)
        assert [one.rssi_dbm for one in ear.heard] == [-20.0 - n // 100 for n in range(1_000)]
        assert len({one.beacon for one in ear.heard}) == 100
        assert ear.source.status.dropped == {}

    run(check())


def test_what_is_no_beacon_or_no_reading_is_counted_and_left_out(bluez: FakeBluez) -> None:
    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_state("running")
            phone = Packet("CC:00:00:00:00:00", -40, {0x004C: b"\x10\x05\x01"})
            bluez.advertise([phone, packet(1, -127), packet(2, 0), packet(3, 20), packet(4)])
            await ear.until_heard(1)
        assert [one.beacon[-1] for one in ear.heard] == ["4"]
        assert ear.source.status.dropped == {"other": 1, "not_heard": 1, "positive_rssi": 2}

    run(check())


def test_closing_ends_the_scan(bluez: FakeBluez) -> None:
    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_state("running")
            assert bluez.adapters["hci0"].discovering
        assert not bluez.adapters["hci0"].discovering

    run(check())


class Drill(NamedTuple):
    """A way in which Bluetooth stops, and how it comes back."""

    reasons: tuple[str, ...]
    """What the status may say while it lasts; the last one is what it says in the end."""
    stop: Callable[[FakeBluez, SystemBus], None]
    come_back: Callable[[FakeBluez, SystemBus], None]


def deny(bluez: FakeBluez, bus: SystemBus) -> None:
    bus.deny()
    bluez.reload_policy()
    bluez.stop_scans()


def allow(bluez: FakeBluez, bus: SystemBus) -> None:
    bus.allow()
    bluez.reload_policy()


def restart_bus(bluez: FakeBluez, bus: SystemBus) -> None:
    bus.start()
    bluez.crash()
    bluez.start()


DRILLS = {
    "power off and on": Drill(
        ("powered_off",),
        lambda bluez, bus: bluez.power(False),
        lambda bluez, bus: bluez.power(True),
    ),
    "bluetoothd restarted": Drill(
        ("service_gone",), lambda bluez, bus: bluez.crash(), lambda bluez, bus: bluez.start()
    ),
    "dongle pulled and plugged in": Drill(
        ("no_adapter",),
        lambda bluez, bus: bluez.plug("hci0", inserted=False),
        lambda bluez, bus: bluez.plug("hci0", inserted=True),
    ),
    "D-Bus gone and back": Drill(("bus_gone",), lambda bluez, bus: bus.kill(), restart_bus),
    "access denied and granted": Drill(("scan_stopped", "access_denied"), deny, allow),
    "silence": Drill(
        ("silence",),
        lambda bluez, bus: bluez.fall_silent(),
        lambda bluez, bus: bluez.keep_advertising(PACKETS),
    ),
}


@pytest.mark.parametrize("name", DRILLS)
def test_it_says_what_is_wrong_and_comes_back_by_itself(
    name: str, bluez: FakeBluez, system_bus: SystemBus
) -> None:
    drill = DRILLS[name]
    bluez.keep_advertising(PACKETS)

    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_heard(20)
            drill.stop(bluez, system_bus)
            await ear.until(lambda: ear.source.status.state == "recovering")
            assert ear.source.status.reason in drill.reasons
            await ear.until_state("recovering", drill.reasons[-1])
            assert ear.source.status.detail
            before = len(ear.heard)
            drill.come_back(bluez, system_bus)
            await ear.until_heard(before + 20)
            status = ear.source.status
            assert (status.state, status.reason, status.detail) == ("running", None, None)
            assert status.restarts >= 1
            times = [one.time_ns for one in ear.heard]
            assert times == sorted(times)
            assert set(status.dropped) <= {"not_heard"}

    # The deadline of `until` and of `run` is how long a recovery may take.
    run(check())


def test_a_scan_that_somebody_else_stopped_is_begun_again(bluez: FakeBluez) -> None:
    bluez.keep_advertising(PACKETS)

    async def check() -> None:
        # Silence would tell only after 30 s, which is longer than this test may take.
        async with listening(opened("ble:hci0")) as ear:
            await ear.until_heard(1)
            bluez.stop_scans()
            await ear.until_state("recovering", "scan_stopped")
            await ear.until_state("running")
            await ear.until_heard(len(ear.heard) + 1)

    run(check())


def test_each_packet_counts_once_after_many_restarts(bluez: FakeBluez) -> None:
    async def check() -> None:
        async with listening(opened()) as ear:
            for count in range(3):
                await ear.until_state("running")
                bluez.power(False)
                await ear.until_state("recovering", "powered_off")
                bluez.power(True)
                assert ear.source.status.restarts <= count + 1
            await ear.until_state("running")
            bluez.advertise([packet(1), packet(2)])
            await ear.until_heard(2)
            bluez.advertise([packet(3)])
            await ear.until_heard(3)
        assert [one.beacon[-1] for one in ear.heard] == ["1", "2", "3"]

    run(check())


def test_a_scan_that_was_left_behind_does_not_keep_the_next_from_starting(
    bluez: FakeBluez, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ble_source, "START_S", 0.3)
    bluez.adapters["hci0"].is_deaf = True

    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_state("recovering", "no_answer")
            bluez.adapters["hci0"].is_deaf = False
            await ear.until_state("running")

    run(check())


def test_it_starts_although_the_adapter_is_off(bluez: FakeBluez) -> None:
    bluez.power(False)

    async def check() -> None:
        async with listening(opened()) as ear:
            assert ear.source.status.state == "opening"
            await ear.until_state("recovering", "powered_off")
            bluez.power(True)
            await ear.until_state("running")

    run(check())


def test_without_a_name_the_first_adapter_that_is_on_is_taken(bluez: FakeBluez) -> None:
    bluez.adapters["hci0"].powered = False
    bluez.adapters["hci1"] = FakeAdapter(roles=("peripheral",))
    bluez.adapters["hci2"] = FakeAdapter()
    bluez.adapters["hci10"] = FakeAdapter()

    async def check() -> None:
        async with listening(opened("ble:")) as ear:
            await ear.until_state("running")
        scanned = [name for name, one in bluez.adapters.items() if one.filters]
        assert scanned == ["hci2"]

    run(check())


def test_another_adapters_troubles_are_not_ours(bluez: FakeBluez) -> None:
    bluez.plug("hci1", inserted=True)

    async def check() -> None:
        async with listening(opened()) as ear:
            await ear.until_state("running")
            bluez.power(False, "hci1")
            bluez.plug("hci1", inserted=False)
            bluez.advertise([packet(1)])
            await ear.until_heard(1)
            assert (ear.source.status.state, ear.source.status.restarts) == ("running", 0)

    run(check())


def test_an_adapter_that_is_not_there_is_waited_for(bluez: FakeBluez) -> None:
    async def check() -> None:
        async with listening(opened("ble:hci7")) as ear:
            await ear.until_state("recovering", "no_adapter")
            assert "hci7" in (ear.source.status.detail or "")
            bluez.plug("hci7", inserted=True)
            await ear.until_state("running")

    run(check())


def test_without_signals_silence_tells(bluez: FakeBluez) -> None:
    """What macOS and Windows have."""
    bluez.keep_advertising(PACKETS)

    async def check() -> None:
        source = BleSource(
            "ble:", "hci0", MonotonicClock(), silence_s=0.3, make_watch=lambda source: Watch()
        )
        async with listening(source) as ear:
            await ear.until_heard(1)
            bluez.stop_scans()
            await ear.until_state("recovering", "silence")
            await ear.until_state("running")

    run(check())


def test_a_new_scanner_that_hears_nothing_either_is_not_called_running(bluez: FakeBluez) -> None:
    async def check() -> None:
        async with listening(opened("ble:hci0?silence=0.1")) as ear:
            await ear.until_state("recovering", "silence")
            seen = len(bluez.adapters["hci0"].filters)
            # Two more scanners, in vain.
            await ear.until(lambda: len(bluez.adapters["hci0"].filters) > seen + 2)
            assert ear.source.status.state == "recovering"
            bluez.keep_advertising(PACKETS)
            await ear.until_state("running")
            assert ear.source.status.restarts == 1

    run(check())


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        ("ble:hci0?passive=true", "passive_refused", "8 dB"),
        ("ble:hci0?silence=0", "bad_number", "above 0"),
        ("ble:hci0?silent=3", "unknown_option", "'passive', 'silence'"),
        ("ble:/dev/ttyUSB0", "bad_target", "hci0"),
        ("ble:AA:BB:CC:DD:EE:FF", "bad_target", "hci0"),
    ],
)
def test_what_cannot_be_opened_says_why(text: str, reason: str, told: str) -> None:
    with pytest.raises(SourceError, match=told) as caught:
        opened(text)
    assert caught.value.reason == reason


def test_elsewhere_the_system_chooses_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SourceError, match="`ble:` without a name") as caught:
        opened("ble:hci0")
    assert caught.value.reason == "bad_target"
    assert opened("ble:").name == "ble:"


def test_without_bleak_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    with pytest.raises(SourceError, match=r"ble-localizer\[ble\]") as caught:
        opened("ble:hci0")
    assert caught.value.reason == "not_installed"


def test_an_active_scan_may_be_asked_for() -> None:
    assert opened("ble:hci0?passive=false").status.state == "opening"


class TestBle(SourceContract):
    @pytest.fixture
    def make_source(self, bluez: FakeBluez) -> MakeSource:
        bluez.keep_advertising(PACKETS)

        def make(clock: Clock) -> Source:
            return opened("ble:hci0", clock)

        return make

    @pytest.fixture
    def make_waiting(self, bluez: FakeBluez) -> MakeWaiting:
        return lambda: opened("ble:hci0")
