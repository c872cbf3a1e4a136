"""Messages of the serial protocol: as the golden vectors have them, and at random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import firmware_bridge
from firmware_bridge.serial.messages import BODY_SIZES, Hello, Message, Packet, Report

ROOT = Path(firmware_bridge.__file__).parent
GOLDEN: dict[str, Any] = json.loads((ROOT / "vectors.json").read_text(encoding="utf-8"))

_U16 = st.integers(0, 2**16 - 1)
_U32 = st.integers(0, 2**32 - 1)
_TEXTS = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=32)


def _packets(kind: int) -> st.SearchStrategy[Packet]:
    size = BODY_SIZES.get(kind)  # type: ignore[call-overload]
    body = st.binary(max_size=255) if size is None else st.binary(min_size=size, max_size=size)
    # Zeros are what the stuffing is about.
    body |= body.map(lambda data: bytes(one & 1 for one in data))
    return st.builds(Packet, st.just(kind), st.integers(-128, 127), _U16, body)


hellos = st.builds(Hello, _U16, _U32, _TEXTS, _TEXTS)
reports = st.builds(
    Report,
    _U16,
    _U32,
    st.lists(st.one_of(*map(_packets, (1, 2, 3, 4))), max_size=4).map(tuple),
    st.booleans(),
)
messages = hellos | reports


def golden_message(entry: dict[str, Any]) -> Message:
    """Return the message that a golden vector describes."""
    if entry["type"] == "hello":
        return Hello(entry["sequence"], entry["boot"], entry["name"], entry["firmware"])
    packets = tuple(
        Packet(one["kind"], one["rssi_dbm"], one["age_ms"], bytes.fromhex(one["body"]))
        for one in entry["packets"]
    )
    return Report(entry["sequence"], entry["time"], packets, entry["unit"] == "us")
