"""Consistent Overhead Byte Stuffing: bytes without a zero, so that a zero can end a frame.

Source: S. Cheshire and M. Baker, Consistent Overhead Byte Stuffing, IEEE/ACM Transactions on
Networking 7(2), 1999.
"""

from __future__ import annotations

from typing import Final

_LONGEST_RUN: Final = 254
"""Bytes behind one code byte at most; a run of that length is followed by no zero."""


def cobs_encode(data: bytes) -> bytes:
    """Return `data` without a zero; at most 1 byte longer for every 254 begun."""
    stuffed = bytearray()
    pieces = data.split(b"\0")
    for number, piece in enumerate(pieces, start=1):
        at = 0
        while len(piece) - at >= _LONGEST_RUN:
            stuffed += b"\xff" + piece[at : at + _LONGEST_RUN]
            at += _LONGEST_RUN
        # A full run implies no zero: at the end of the data nothing need follow it.
        if at == 0 or at < len(piece) or number < len(pieces):
            stuffed.append(len(piece) - at + 1)
            stuffed += piece[at:]
    return bytes(stuffed)


def cobs_decode(stuffed: bytes) -> bytes | None:
    """Return what was encoded; None for bytes that no encoder gives.

    Args:
        stuffed: what `cobs_encode` returned.
    """
    data = bytearray()
    at, end = 0, len(stuffed)
    if end == 0:
        return None
    while at < end:
        code = stuffed[at]
        following = at + code
        if code == 0 or following > end:
            return None
        data += stuffed[at + 1 : following]
        if code <= _LONGEST_RUN and following < end:
            data.append(0)
        at = following
    return None if 0 in stuffed else bytes(data)
