"""Our own format: many packets a message, each with its age, ``localizer/<receiver>/adverts``."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from firmware_bridge.device_clock import DeviceClock
from localizer.beacons import parse_beacon_id
from localizer.scans import WEAKEST_DBM, Advertisement

NS_PER_MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""

OLDEST_MS: Final = 60_000
"""Age of a packet at most, milliseconds. Older ones come out of a gateway's buffer after its
network was away: nobody wants a position of then."""

MAX_RECEIVERS: Final = 1_000
"""Receivers whose clocks are followed. More are no building but somebody who invents names."""

_Milliseconds = Annotated[int, Field(strict=True, ge=0, lt=2**53)]


class _Packet(BaseModel):
    model_config = ConfigDict(extra="forbid")

    beacon: str
    rssi_dbm: Annotated[FiniteFloat, Field(ge=WEAKEST_DBM)]
    age_ms: _Milliseconds | None = None
    time_ms: _Milliseconds | None = None
    measured_power_dbm: FiniteFloat | None = None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.age_ms is not None and self.time_ms is not None:
            raise ValueError("age_ms and time_ms must not stand together; keep one of them")
        return self


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")

    adverts: list[_Packet]
    time_ms: _Milliseconds | None = None

    @model_validator(mode="after")
    def _times_have_a_clock(self) -> Self:
        for packet in self.adverts:
            if packet.time_ms is None:
                continue
            if self.time_ms is None:
                raise ValueError("time_ms of a packet must come with time_ms of the message")
            if packet.time_ms > self.time_ms:
                raise ValueError("time_ms of a packet must be that of the message or earlier")
        return self

    def age_ms(self, packet: _Packet) -> int:
        if packet.time_ms is not None and self.time_ms is not None:
            return self.time_ms - packet.time_ms
        return packet.age_ms or 0


class OwnReports:
    """Reads messages of our own format; it follows the clock of every receiver that has one."""

    def __init__(self) -> None:
        self._clocks: dict[str, DeviceClock] = {}

    def read(
        self, receiver: str, payload: bytes, arrived_ns: int
    ) -> tuple[list[Advertisement], int]:
        """Return the advertisements in the order of time, and how many were too old.

        Raises:
            ValidationError: the payload is no such message.
            SiteError: a beacon's id is none.
        """
        message = _Message.model_validate_json(payload)
        sent_ns = arrived_ns
        if message.time_ms is not None:
            sent_ns = self._clock(receiver).to_host_ns(message.time_ms, arrived_ns)
        heard = [
            Advertisement(
                parse_beacon_id(packet.beacon),
                packet.rssi_dbm,
                sent_ns - message.age_ms(packet) * NS_PER_MS,
                packet.measured_power_dbm,
                receiver,
            )
            for packet in message.adverts
            if message.age_ms(packet) <= OLDEST_MS
        ]
        heard.sort(key=lambda one: one.time_ns)
        return heard, len(message.adverts) - len(heard)

    def _clock(self, receiver: str) -> DeviceClock:
        clock = self._clocks.get(receiver)
        if clock is None:
            if len(self._clocks) >= MAX_RECEIVERS:
                del self._clocks[next(iter(self._clocks))]
            clock = self._clocks[receiver] = DeviceClock(NS_PER_MS)
        return clock
