"""The two messages of the protocol, and their bytes; PROTOCOL.md describes both."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from localizer.errors import LocalizerError

VERSION: Final = 1
"""First byte of every message."""

MAX_MESSAGE: Final = 1024
"""Bytes of a message at most, without checksum: 36 raw packets of 31 bytes would take as many."""

MAX_TEXT: Final = 32
"""Bytes of a name at most."""

_HEADER: Final = struct.Struct("<BBH")
_REPORT: Final = struct.Struct("<BIB")
_PACKET: Final = struct.Struct("<BbHB")
_U32: Final = struct.Struct("<I")
_MICROSECONDS: Final = 0x01


class MessageType(IntEnum):
    """Second byte of a message."""

    HELLO = 1
    REPORT = 2


class PacketKind(IntEnum):
    """What the body of a packet is."""

    IBEACON = 1
    """16 bytes of UUID, major, minor, measured power: 21 bytes as in the air."""
    EDDYSTONE_UID = 2
    """Power at 0 m, 10 bytes of namespace, 6 of instance: 17 bytes as in the air."""
    ALTBEACON = 3
    """20 bytes of id, reference RSSI: 21 bytes as in the air."""
    RAW = 4
    """The advertising data whole: length, type and data, one structure after the other."""


BODY_SIZES: Final = {
    PacketKind.IBEACON: 21,
    PacketKind.EDDYSTONE_UID: 17,
    PacketKind.ALTBEACON: 21,
}
"""Bytes of the bodies that have one size."""


class MessageError(LocalizerError):
    """Bytes that are no message, or a message that has no bytes."""

    def __init__(self, message: str, *, reason: Literal["malformed", "version"]) -> None:
        super().__init__(message)
        self.reason: Literal["malformed", "version"] = reason


@dataclass(frozen=True, slots=True)
class Hello:
    """Who sends; sent at the start and every few seconds."""

    sequence: int
    """Counts messages, 0 to 65535 and again."""
    boot: int
    """Another one after every start of the device, 0 to 2**32 - 1."""
    name: str
    """The receiver's name: ASCII, at most 32 characters."""
    firmware: str = ""
    """What runs on it, with its version: ASCII, at most 32 characters."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One advertisement heard."""

    kind: int
    """A `PacketKind`, or one of a later firmware."""
    rssi_dbm: int
    """-128 to 127."""
    age_ms: int
    """How long before the report's time it was heard, 0 to 65535 milliseconds."""
    body: bytes
    """At most 255 bytes."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was heard since the last report."""

    sequence: int
    """Counts messages, 0 to 65535 and again."""
    time: int
    """The device's clock when it closed the report, 0 to 2**32 - 1 and again."""
    packets: tuple[Packet, ...]
    """At most 255, in the order in which they were heard."""
    microseconds: bool = False
    """Whether `time` counts microseconds instead of milliseconds."""


Message = Hello | Report


def encode_message(message: Message) -> bytes:
    """Return a message's bytes, without checksum and frame.

    Raises:
        MessageError: a field does not fit.
    """
    try:
        data = _hello_bytes(message) if isinstance(message, Hello) else _report_bytes(message)
    except (struct.error, UnicodeEncodeError) as error:
        raise MessageError(
            f"every field of a message must fit in its bytes, but {error}", reason="malformed"
        ) from error
    if len(data) > MAX_MESSAGE:
        raise MessageError(
            f"a message must have at most {MAX_MESSAGE} bytes, but this one has {len(data)}; "
            "send two",
            reason="malformed",
        )
    return data


def _hello_bytes(hello: Hello) -> bytes:
    data = _HEADER.pack(VERSION, MessageType.HELLO, hello.sequence) + _U32.pack(hello.boot)
    for text in (hello.name, hello.firmware):
        encoded = text.encode("ascii")
        if len(encoded) > MAX_TEXT:
            raise struct.error(f"a name has at most {MAX_TEXT} bytes, and {text!r} has more")
        data += bytes([len(encoded)]) + encoded
    return data


def _report_bytes(report: Report) -> bytes:
    flags = _MICROSECONDS if report.microseconds else 0
    parts = [
        _HEADER.pack(VERSION, MessageType.REPORT, report.sequence),
        _REPORT.pack(flags, report.time, len(report.packets)),
    ]
    for packet in report.packets:
        size = len(packet.body)
        if BODY_SIZES.get(packet.kind, size) != size:  # type: ignore[call-overload]
            raise struct.error(f"a body of kind {packet.kind} has another size than {size}")
        parts.append(_PACKET.pack(packet.kind, packet.rssi_dbm, packet.age_ms, size))
        parts.append(packet.body)
    return b"".join(parts)


def decode_message(data: bytes) -> Message | None:
    """Read a message; None for one of a type that a later firmware may know.

    Raises:
        MessageError: another version (reason ``version``), or no message (``malformed``).
    """
    if len(data) < _HEADER.size:
        raise MessageError(f"a message must have 4 bytes, but got {len(data)}", reason="malformed")
    version, kind, sequence = _HEADER.unpack_from(data)
    if version != VERSION:
        raise MessageError(
            f"messages must be of protocol version {VERSION}, but got {version}; "
            "update Localizer or the firmware",
            reason="version",
        )
    try:
        if kind == MessageType.HELLO:
            return _read_hello(sequence, data)
        return _read_report(sequence, data) if kind == MessageType.REPORT else None
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise MessageError(
            f"a message must have all the bytes that it announces, but {error}", reason="malformed"
        ) from error


def sequence_of(data: bytes) -> int:
    """Return the number of a message of any type of this version."""
    sequence: int = _HEADER.unpack_from(data)[2]
    return sequence


def _read_hello(sequence: int, data: bytes) -> Hello:
    (boot,) = _U32.unpack_from(data, _HEADER.size)
    at, texts = _HEADER.size + _U32.size, []
    for _ in range(2):
        end = at + 1 + data[at]
        if end > len(data) or data[at] > MAX_TEXT:
            raise IndexError("a name is longer than it may be")
        texts.append(data[at + 1 : end].decode("ascii"))
        at = end
    _refuse_rest(data, at)
    return Hello(sequence, boot, *texts)


def _read_report(sequence: int, data: bytes) -> Report:
    flags, time, count = _REPORT.unpack_from(data, _HEADER.size)
    if flags & ~_MICROSECONDS:
        raise IndexError(f"flags are {flags:#04x}, of which only 0x01 is known")
    at, packets = _HEADER.size + _REPORT.size, []
    for _ in range(count):
        kind, rssi_dbm, age_ms, size = _PACKET.unpack_from(data, at)
        at += _PACKET.size
        body = data[at : at + size]
        if len(body) != size or BODY_SIZES.get(kind, size) != size:
            raise IndexError(f"a body of kind {kind} has {len(body)} bytes")
        packets.append(Packet(kind, rssi_dbm, age_ms, body))
        at += size
    _refuse_rest(data, at)
    return Report(sequence, time, tuple(packets), microseconds=bool(flags))


def _refuse_rest(data: bytes, at: int) -> None:
    if at != len(data):
        raise IndexError(f"{len(data) - at} bytes more")
