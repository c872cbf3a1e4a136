"""A serial source at a pseudo-terminal, which is plugged in and out by a link to it."""

from __future__ import annotations

import asyncio
import errno
import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
import serial

from firmware_bridge.serial import open_serial
from firmware_bridge.serial.cobs import cobs_encode
from firmware_bridge.serial.frames import crc16, encode_frame
from firmware_bridge.serial.messages import Hello, Message, Packet, Report
from firmware_bridge.serial.port import PortLost, PortReader
from localizer.clock import Clock
from localizer.errors import SourceError
from localizer.sources import Source, open_source
from tests.firmware_bridge.collecting import Collector, until
from tests.sources.contract import MakeSource, MakeWaiting, SourceContract, run

IBEACON = bytes.fromhex("e5ca1adef007ba1100000000000000010001000ac5")
BEACON = "ibeacon:e5ca1ade-f007-ba11-0000-000000000001:1:10"


class Device:
    """A board at a pseudo-terminal; its port is a link, which goes away with it."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._ours: int | None = None
        self._theirs: int | None = None

    def plug(self) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        # A line to which nobody listens fills up.
        os.set_blocking(self._ours, False)
        self.link.symlink_to(os.ttyname(self._theirs))

    def unplug(self) -> None:
        if self._ours is not None and self._theirs is not None:
            self.link.unlink()
            os.close(self._theirs)
            os.close(self._ours)
        self._ours = self._theirs = None

    def send(self, data: bytes) -> None:
        assert self._ours is not None
        os.write(self._ours, data)

    def say(self, *messages: Message) -> None:
        self.send(b"".join(map(encode_frame, messages)))


def report(sequence: int, *rssi_dbm: int, time: int = 0) -> Report:
    return Report(sequence, time, tuple(Packet(1, rssi, 0, IBEACON) for rssi in rssi_dbm))


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    one = Device(tmp_path / "ttyACM0")
    yield one
    one.unplug()


def opened(device: Device, options: str = "", clock: Clock | None = None) -> Source:
    text = f"serial:{device.link}{options}"
    return open_source(text, openers={"serial": open_serial}, clock=clock)


async def is_open(source: Source, device: Device) -> Collector:
    """Iterate a source, and return once it has heard a hello."""
    reader = Collector(source)
    while source.status.state != "running":
        device.say(Hello(0, 1, "desk", "test"))
        await asyncio.sleep(0.01)
    return reader


class TestSerialSource(SourceContract):
    @pytest.fixture
    def make_source(self, device: Device) -> Iterator[MakeSource]:
        device.plug()
        stop = Event()
        thread = Thread(target=_talk, args=[device, stop])
        thread.start()
        yield lambda clock: opened(device, clock=clock)
        stop.set()
        thread.join()

    @pytest.fixture
    def make_waiting(self, device: Device) -> MakeWaiting:
        device.plug()
        return lambda: opened(device)


def _talk(device: Device, stop: Event) -> None:
    sequence = 0
    while not stop.wait(0.01):
        try:
            device.say(report(sequence % 65_536, -60, -61, -62, -63, -64, time=10 * sequence))
        except BlockingIOError:
            continue
        sequence += 1


def test_what_a_device_says_comes_out(device: Device) -> None:
    async def check() -> None:
        device.plug()
        source = opened(device)
        reader = await is_open(source, device)
        device.say(report(1, -50, -127, -60), report(3, 5, -70))
        heard = await reader.wait_for(3)
        assert [(one.beacon, one.rssi_dbm) for one in heard] == [
            (BEACON, -50.0),
            (BEACON, -60.0),
            (BEACON, -70.0),
        ]
        assert {one.receiver for one in heard} == {"desk"}
        assert {one.measured_power_dbm for one in heard} == {-59.0}
        assert {"not_heard": 1, "positive_rssi": 1, "lost_frames": 1}.items() <= dict(
            source.status.dropped
        ).items()
        await reader.close()

    run(check())


def test_noise_costs_what_it_touches_and_is_counted(device: Device) -> None:
    async def check() -> None:
        device.plug()
        source = opened(device)
        reader = await is_open(source, device)
        device.send(b"boot: some log line\r\n\0" + encode_frame(report(1, -50))[:-4] + b"\0")
        device.say(report(2, -51))
        heard = await reader.wait_for(1)
        assert [one.rssi_dbm for one in heard] == [-51.0]
        assert source.status.dropped["crc"] == 2
        await reader.close()

    run(check())


def test_unplugged_and_plugged_in_again(device: Device) -> None:
    async def check() -> None:
        device.plug()
        source = opened(device)
        reader = await is_open(source, device)
        for time in range(2):
            device.unplug()
            await until(lambda: source.status.state == "recovering")
            assert source.status.reason == "device_gone"
            assert source.status.detail is not None
            assert "plug the device in" in source.status.detail
            device.plug()
            await until_back(source, device)
            assert source.status.restarts == time + 1
            device.say(report(1, -70 - time))
            assert (await reader.wait_for(time + 1))[-1].rssi_dbm == -70.0 - time
        await reader.close()

    run(check())


async def until_back(source: Source, device: Device) -> None:
    while source.status.state != "running":
        device.say(Hello(0, 2, "desk"))
        await asyncio.sleep(0.01)


def test_a_device_may_be_plugged_in_later(device: Device) -> None:
    async def check() -> None:
        source = opened(device)
        assert source.status.state == "opening"
        reader = Collector(source)
        await until(lambda: source.status.reason == "device_gone")
        device.plug()
        await until_back(source, device)
        device.say(report(1, -55))
        assert len(await reader.wait_for(1)) == 1
        await reader.close()

    run(check())


def test_silence_opens_the_port_anew(device: Device) -> None:
    async def check() -> None:
        device.plug()
        source = opened(device, "?silence=0.2")
        reader = await is_open(source, device)
        await until(lambda: source.status.state == "recovering")
        assert source.status.reason == "silence"
        assert source.status.detail is not None
        assert "baud" in source.status.detail
        await until_back(source, device)
        assert source.status.restarts >= 1
        await reader.close()

    run(check())


def test_silence_names_a_version_that_is_not_understood(device: Device) -> None:
    async def check() -> None:
        device.plug()
        source = opened(device, "?silence=0.2")
        reader = Collector(source)
        later = bytes([2, 1, 0, 0])

        def said() -> bool:
            device.send(b"\0" + cobs_encode(later + crc16(later).to_bytes(2, "little")) + b"\0")
            return source.status.reason == "silence"

        await until(said)
        assert source.status.dropped["version"] > 0
        assert source.status.detail is not None
        assert "update Localizer or the firmware" in source.status.detail
        await reader.close()

    run(check())


def test_a_port_in_use_says_so(device: Device) -> None:
    async def check() -> None:
        device.plug()
        source = opened(device)
        with serial.Serial(str(device.link), exclusive=True):
            reader = Collector(source)
            await until(lambda: source.status.reason == "busy")
        await until_back(source, device)
        await reader.close()

    run(check())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (serial.SerialException(errno.EACCES, "Permission denied"), "access_denied"),
        (serial.SerialException(errno.ENOENT, "No such file"), "device_gone"),
        (serial.SerialException("could not open port 'COM3': PermissionError(13)"), "busy"),
        (ValueError("Not a valid baudrate"), "device_gone"),
    ],
)
def test_why_a_port_cannot_be_opened(
    device: Device, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise error

    async def check() -> None:
        source = opened(device)
        reader = Collector(source)
        await until(lambda: source.status.state == "recovering")
        assert source.status.reason == reason
        await reader.close()

    monkeypatch.setattr(serial, "Serial", refuse)
    run(check())


def test_a_thread_reads_where_the_loop_cannot(device: Device) -> None:
    async def check() -> None:
        device.plug()
        with PortReader(str(device.link), 115_200, threaded=True) as reader:
            device.send(b"some bytes")
            came = b""
            while len(came) < 10:
                came += await reader.read()
            assert came == b"some bytes"
            device.unplug()
            with pytest.raises(PortLost) as caught:
                await reader.read()
            assert caught.value.reason == "device_gone"

    run(check())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("serial:", "bad_address"),
        ("serial:/dev/x?baud=0", "bad_number"),
        ("serial:/dev/x?baud=fast", "bad_number"),
        ("serial:/dev/x?silence=0", "bad_number"),
        ("serial:/dev/x?speed=1", "unknown_option"),
    ],
)
def test_an_address_that_cannot_be_used(text: str, reason: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(text, openers={"serial": open_serial})
    assert caught.value.reason == reason


def test_without_pyserial_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware_bridge.serial.opening.find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r"ble-localizer\[serial\]") as caught:
        open_source("serial:/dev/ttyACM0", openers={"serial": open_serial})
    assert caught.value.reason == "missing_extra"
