"""Messages on the wire: a checksum behind, COBS around, a zero at the end."""

from __future__ import annotations

from binascii import crc_hqx
from collections.abc import Callable, Iterator
from typing import Final

from firmware_bridge.serial.cobs import cobs_decode, cobs_encode
from firmware_bridge.serial.messages import (
    MAX_MESSAGE,
    Hello,
    Message,
    MessageError,
    decode_message,
    encode_message,
    sequence_of,
)

CRC_START: Final = 0xFFFF
"""What the checksum starts with; 0 would not notice zeros that are missing at the start."""

_CRC_SIZE: Final = 2

MAX_FRAME: Final = MAX_MESSAGE + _CRC_SIZE + (MAX_MESSAGE + _CRC_SIZE) // 254 + 1
"""Bytes of a frame at most, without the zero. What is longer is noise, and is not kept."""

_SEQUENCES: Final = 1 << 16


def crc16(data: bytes) -> int:
    """Return the CRC-16/IBM-3740 of `data`, also called CCITT-FALSE.

    Polynomial 0x1021, start 0xFFFF, nothing reflected, no final XOR; of ``123456789`` it is 0x29B1.
    """
    return crc_hqx(data, CRC_START)


def encode_frame(message: Message) -> bytes:
    """Return a message as it goes over the wire, with the zero that ends it.

    Raises:
        MessageError: a field does not fit.
    """
    data = encode_message(message)
    return cobs_encode(data + crc16(data).to_bytes(_CRC_SIZE, "little")) + b"\0"


class FrameDecoder:
    """Finds messages in a stream of bytes; noise costs the frames that it touches, and no more.

    Args:
        drop: is told what was not given on, and how many: ``crc``, ``malformed``, ``version``,
            ``oversize``, and ``lost_frames`` by the gaps in the sequence numbers.
    """

    def __init__(self, drop: Callable[[str, int], None]) -> None:
        self._count = drop
        self.last_error: MessageError | None = None
        """Why the last frame with a right checksum was no message."""
        self._kept = bytearray()
        self._skipping = False
        self._joining = True
        self._expected: int | None = None
        self._boot: int | None = None

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes and yield the messages that they complete.

        What stands before the first zero may be half a frame, and is not counted if it is wrong.
        """
        *ends, rest = data.split(b"\0")
        for end in ends:
            self._keep(end)
            frame = b"" if self._skipping else bytes(self._kept)
            self._kept.clear()
            self._skipping = False
            if frame:
                message = self._read(frame)
                if message is not None:
                    yield message
            self._joining = False
        self._keep(rest)

    def restart(self) -> None:
        """Begin anew, as after a replug: half a frame is forgotten, and no gap is counted."""
        self._kept.clear()
        self._skipping = False
        self._joining = True
        self._expected = None

    def _keep(self, data: bytes) -> None:
        if self._skipping:
            return
        if len(self._kept) + len(data) > MAX_FRAME:
            self._drop("oversize")
            self._kept.clear()
            self._skipping = True
        else:
            self._kept += data

    def _read(self, frame: bytes) -> Message | None:
        data = cobs_decode(frame)
        if data is None or len(data) < _CRC_SIZE or not _is_right(data):
            self._drop("crc")
            return None
        try:
            message = decode_message(data[:-_CRC_SIZE])
        except MessageError as error:
            self._drop(error.reason)
            self.last_error = error
            return None
        if isinstance(message, Hello) and message.boot != self._boot:
            self._boot, self._expected = message.boot, None
        self._count_gap(sequence_of(data))
        return message

    def _drop(self, reason: str) -> None:
        if not self._joining:
            self._count(reason, 1)

    def _count_gap(self, sequence: int) -> None:
        if self._expected is not None:
            gap = (sequence - self._expected) % _SEQUENCES
            # Half a turn ahead is behind: the device has started again.
            if 0 < gap < _SEQUENCES // 2:
                self._count("lost_frames", gap)
        self._expected = (sequence + 1) % _SEQUENCES


def _is_right(data: bytes) -> bool:
    return crc16(data[:-_CRC_SIZE]) == int.from_bytes(data[-_CRC_SIZE:], "little")
