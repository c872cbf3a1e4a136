"""From reports to advertisements: who was heard, and when by the host's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from firmware_bridge.device_clock import DeviceClock
from firmware_bridge.payloads import (
    Identity,
    altbeacon,
    eddystone_uid,
    ibeacon,
    identity_in,
)
from firmware_bridge.serial.messages import Hello, Message, Packet, PacketKind, Report
from localizer.scans import Advertisement

NS_PER_MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""

_NS_PER_US: Final = 1_000
_CLOCK_BITS: Final = 32


class ReportReader:
    """Reads the messages of one device, and follows its clock and its name.

    Args:
        drop: is told which packets were left out, and how many: ``no_beacon``, and
            ``unknown_kind`` of a later firmware.
    """

    def __init__(self, drop: Callable[[str, int], None]) -> None:
        self._drop = drop
        self.hello: Hello | None = None
        """The last one."""
        self._clocks = {
            False: DeviceClock(NS_PER_MS, bits=_CLOCK_BITS),
            True: DeviceClock(_NS_PER_US, bits=_CLOCK_BITS),
        }

    def read(self, message: Message, arrived_ns: int) -> Iterator[Advertisement]:
        """Yield a message's advertisements in their order.

        Args:
            message: as decoded.
            arrived_ns: when it arrived, nanoseconds on the host's clock.
        """
        if isinstance(message, Report):
            yield from self._read_report(message, arrived_ns)
            return
        if self.hello is not None and self.hello.boot != message.boot:
            for clock in self._clocks.values():
                clock.reset()
        self.hello = message

    def _read_report(self, report: Report, arrived_ns: int) -> Iterator[Advertisement]:
        closed_ns = self._clocks[report.microseconds].to_host_ns(report.time, arrived_ns)
        receiver = (self.hello.name or None) if self.hello else None
        for packet in report.packets:
            identity = self._identity(packet)
            if identity is not None:
                yield Advertisement(
                    identity.beacon,
                    float(packet.rssi_dbm),
                    closed_ns - packet.age_ms * NS_PER_MS,
                    identity.measured_power_dbm,
                    receiver,
                )

    def _identity(self, packet: Packet) -> Identity | None:
        match packet.kind:
            case PacketKind.IBEACON:
                return ibeacon(b"\x02\x15" + packet.body)
            case PacketKind.EDDYSTONE_UID:
                return eddystone_uid(b"\0" + packet.body)
            case PacketKind.ALTBEACON:
                return altbeacon(b"\xbe\xac" + packet.body)
            case PacketKind.RAW:
                identity = identity_in(packet.body)
                if identity is None:
                    self._drop("no_beacon", 1)
                return identity
        self._drop("unknown_kind", 1)
        return None
