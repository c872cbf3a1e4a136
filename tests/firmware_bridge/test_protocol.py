from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firmware_bridge.serial.adverts import ReportReader
from firmware_bridge.serial.cobs import cobs_decode, cobs_encode
from firmware_bridge.serial.frames import MAX_FRAME, FrameDecoder, crc16, encode_frame
from firmware_bridge.serial.messages import (
    MAX_MESSAGE,
    Hello,
    Message,
    MessageError,
    Packet,
    Report,
    decode_message,
    encode_message,
)
from tests.firmware_bridge.protocol_messages import GOLDEN, ROOT, golden_message, messages

IBEACON = bytes.fromhex("e5ca1adef007ba1100000000000000010001000ac5")


class Dropped(Counter[str]):
    def __call__(self, reason: str, count: int) -> None:
        self[reason] += count


def decode(data: bytes, *, step: int | None = None) -> tuple[list[Message], Dropped]:
    """Decode a stream, all at once or in pieces of `step` bytes."""
    dropped = Dropped()
    decoder = FrameDecoder(dropped)
    size = step or len(data) or 1
    found = [
        message
        for start in range(0, len(data), size)
        for message in decoder.feed(data[start : start + size])
    ]
    return found, dropped


def framed(data: bytes) -> bytes:
    """Return bytes of any kind with a right checksum, as a frame."""
    return cobs_encode(data + crc16(data).to_bytes(2, "little")) + b"\0"


@given(st.binary(max_size=700) | st.binary(max_size=700).map(lambda d: d.replace(b"\0", b"\1")))
@example(b"")
@example(b"\0")
@example(bytes(255))
@example(b"\1" * 254)
@example(b"\1" * 254 + b"\0")
@example(b"\1" * 255)
@example(b"\1" * 508)
def test_stuffing_comes_back_without_a_zero_in_between(data: bytes) -> None:
    stuffed = cobs_encode(data)
    assert 0 not in stuffed
    assert len(stuffed) <= len(data) + len(data) // 254 + 1
    assert cobs_decode(stuffed) == data


@pytest.mark.parametrize(
    ("plain", "stuffed"),
    [
        ("", "01"),
        ("00", "0101"),
        ("0000", "010101"),
        ("001100", "01021101"),
        ("11220033", "0311220233"),
        ("11223344", "0511223344"),
        ("11000000", "02110101 01"),
    ],
)
def test_stuffing_is_that_of_the_paper(plain: str, stuffed: str) -> None:
    assert cobs_encode(bytes.fromhex(plain)) == bytes.fromhex(stuffed)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_unstuffing(stuffed: bytes) -> None:
    data = cobs_decode(stuffed)
    assert data is None or (0 not in stuffed and len(data) < len(stuffed))


def test_the_example_in_the_description_is_a_golden_vector() -> None:
    text = (ROOT / "PROTOCOL.md").read_text(encoding="utf-8")
    lines = text.partition("As a frame:\n\n")[2].partition("\n\n")[0].split()
    (vector,) = (one for one in GOLDEN["messages"] if one["name"] == "one iBeacon")
    assert "".join(lines) == vector["frame"]


def test_the_checksum_is_the_one_that_is_named() -> None:
    assert f"{crc16(b'123456789'):04x}" == GOLDEN["crc16_of_123456789"] == "29b1"
    assert crc16(b"") == 0xFFFF


@pytest.mark.parametrize("vector", GOLDEN["messages"], ids=lambda vector: str(vector["name"]))
def test_golden_vectors(vector: dict[str, Any]) -> None:
    message, data = golden_message(vector["message"]), bytes.fromhex(vector["bytes"])
    assert encode_message(message) == data
    assert decode_message(data) == message
    assert f"{crc16(data):04x}" == vector["crc16"]
    assert encode_frame(message).hex() == vector["frame"]
    assert decode(bytes.fromhex(vector["frame"])) == ([message], {})


@pytest.mark.parametrize("vector", GOLDEN["beacons"], ids=lambda vector: str(vector["beacon"]))
def test_golden_beacons(vector: dict[str, Any]) -> None:
    dropped = Dropped()
    packet = Packet(vector["kind"], -60, 250, bytes.fromhex(vector["body"]))
    (heard,) = ReportReader(dropped).read(Report(0, 1_000, (packet,)), 10**9)
    assert heard.beacon == vector["beacon"]
    assert heard.measured_power_dbm == vector["measured_power_dbm"]
    assert (heard.rssi_dbm, heard.time_ns, heard.receiver) == (-60.0, 750_000_000, None)
    assert not dropped


@settings(max_examples=50)
@given(st.lists(messages, max_size=3), st.integers(1, 70))
def test_every_message_comes_back_however_the_stream_is_cut(sent: list[Message], step: int) -> None:
    numbered = [replace(one, sequence=at) for at, one in enumerate(sent)]
    stream = b"".join(map(encode_frame, numbered))
    assert decode(stream, step=step) == (numbered, {})


@given(st.binary(max_size=400), st.integers(1, 50))
def test_arbitrary_bytes_raise_nothing(noise: bytes, step: int) -> None:
    decode(noise, step=step)


@given(messages, st.data())
def test_arbitrary_messages_with_a_right_checksum_raise_nothing(
    message: Message, data: st.DataObject
) -> None:
    whole = encode_message(message)
    at = data.draw(st.integers(0, len(whole)))
    mangled = whole[:at] + data.draw(st.binary(max_size=4)) + whole[at + 1 :]
    found, dropped = decode(b"\0" + framed(mangled))
    assert len(found) + sum(dropped.values()) <= 1
    for one in found:
        assert encode_message(one) == mangled


@settings(max_examples=50)
@given(messages, st.binary(max_size=200), messages)
def test_the_frame_after_noise_is_read(before: Message, noise: bytes, after: Message) -> None:
    found, dropped = decode(encode_frame(before) + noise + b"\0" + encode_frame(after))
    assert found[0] == before
    assert found[-1] == after
    if noise.strip(b"\0") and len(found) == 2:
        assert dropped


@given(messages, st.data())
def test_one_wrong_bit_costs_one_frame(message: Message, data: st.DataObject) -> None:
    frame = bytearray(encode_frame(message))
    at = data.draw(st.integers(0, len(frame) - 2))
    frame[at] ^= 1 << data.draw(st.integers(0, 7))
    good = encode_frame(Hello(7, 1, "after"))
    found, dropped = decode(b"\0" + bytes(frame) + good)
    assert found == [Hello(7, 1, "after")]
    # A bit that makes a zero cuts the frame in two.
    assert 1 <= dropped["crc"] <= 2


def test_half_a_frame_at_the_start_is_not_counted() -> None:
    frame = encode_frame(Hello(1, 1, "desk"))
    assert decode(frame[5:] + frame) == ([Hello(1, 1, "desk")], {})


def test_lost_frames_are_counted_across_the_turn_of_the_numbers() -> None:
    numbers = [65_533, 65_534, 1, 2, 4]
    stream = b"".join(encode_frame(Report(number, 0, ())) for number in numbers)
    found, dropped = decode(stream)
    assert [one.sequence for one in found] == numbers
    assert dropped == {"lost_frames": 3}


def test_a_device_that_restarts_has_lost_nothing() -> None:
    stream = b"".join(
        encode_frame(one)
        for one in (Hello(40_000, 1, "desk"), Hello(0, 2, "desk"), Report(1, 0, ()))
    )
    assert decode(stream)[1] == {}
    assert decode(encode_frame(Report(100, 0, ())) + encode_frame(Report(0, 0, ())))[1] == {}


def test_a_message_of_a_later_type_is_passed_over_and_numbered() -> None:
    later = framed(bytes([1, 77, 1, 0]) + b"something else")
    stream = encode_frame(Report(0, 0, ())) + later + encode_frame(Report(2, 0, ()))
    assert decode(stream) == ([Report(0, 0, ()), Report(2, 0, ())], {})


def test_another_version_is_counted_and_said() -> None:
    dropped = Dropped()
    decoder = FrameDecoder(dropped)
    assert list(decoder.feed(b"\0" + framed(bytes([2, 1, 0, 0])))) == []
    assert dropped == {"version": 1}
    assert "update Localizer or the firmware" in str(decoder.last_error)


@pytest.mark.parametrize(
    "data",
    [
        b"\1\2",
        b"\1\2\0\0\0\0\0\0\0\1",  # announces a packet that is not there
        b"\1\2\0\0\0\0\0\0\0\0x",  # a byte more
        b"\1\2\0\0\2\0\0\0\0\0",  # a flag that nobody knows
        b"\1\2\0\0\0\0\0\0\0\1\1\xc5\0\0\1x",  # an iBeacon of 1 byte
        b"\1\1\0\0\0\0\0\0\x21" + b"a" * 33 + b"\0",  # a name of 33 bytes
        b"\1\1\0\0\0\0\0\0\1\xff\0",  # a name that is not ASCII
        b"\1\1\0\0\0\0\0\0\5a",  # a name that ends early
    ],
)
def test_what_is_no_message_is_counted(data: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        decode_message(data)
    assert caught.value.reason == "malformed"
    assert decode(b"\0" + framed(data)) == ([], {"malformed": 1})


def test_endless_noise_is_neither_kept_nor_in_the_way() -> None:
    dropped = Dropped()
    decoder = FrameDecoder(dropped)
    assert list(decoder.feed(b"\0")) == []
    for _ in range(100):
        assert list(decoder.feed(b"x" * MAX_FRAME)) == []
    after = Hello(1, 1, "after")
    assert list(decoder.feed(b"\0" + encode_frame(after))) == [after]
    assert dropped == {"oversize": 1}


def test_the_longest_message_fits_into_the_longest_frame() -> None:
    packets = tuple(Packet(4, -50, 0, b"\1" * size) for size in (255, 255, 255, 229))
    longest = Report(0x0101, 0x01010101, packets)
    assert len(encode_message(longest)) == MAX_MESSAGE
    assert len(encode_frame(longest)) <= MAX_FRAME + 1
    assert decode(encode_frame(longest)) == ([longest], {})


@pytest.mark.parametrize(
    "message",
    [
        Hello(70_000, 1, "desk"),
        Hello(0, 2**32, "desk"),
        Hello(0, 0, "x" * 33),
        Hello(0, 0, "büro"),
        Report(0, -1, ()),
        Report(0, 0, (Packet(1, -200, 0, IBEACON),)),
        Report(0, 0, (Packet(1, -50, 0, b"short"),)),
        Report(0, 0, (Packet(4, -50, 0, bytes(256)),)),
        Report(0, 0, (Packet(4, -50, 0, bytes(255)),) * 4),
        Report(0, 0, (Packet(4, -50, 0, b""),) * 256),
    ],
)
def test_what_does_not_fit_is_refused(message: Message) -> None:
    with pytest.raises(MessageError, match="must"):
        encode_message(message)


def test_packets_of_others_are_counted() -> None:
    dropped = Dropped()
    packets = (
        Packet(4, -50, 0, bytes.fromhex("020106")),
        Packet(9, -50, 0, b"later"),
        Packet(1, -50, 0, IBEACON),
    )
    heard = list(ReportReader(dropped).read(Report(0, 0, packets), 10**9))
    assert [one.rssi_dbm for one in heard] == [-50.0]
    assert dropped == {"no_beacon": 1, "unknown_kind": 1}


def test_microseconds_and_milliseconds_of_a_device() -> None:
    reader = ReportReader(Dropped())
    list(reader.read(Hello(0, 1, "desk"), 10**9))
    packet = Packet(1, -50, 3, IBEACON)
    first = Report(0, 2**32 - 1_000, (packet,), microseconds=True)
    second = Report(1, 9_000, (packet,), microseconds=True)  # 10 ms later, past the turn
    (one,) = reader.read(first, 10**9)
    (two,) = reader.read(second, 10**9 + 60_000_000)  # which arrives 50 ms late
    assert (one.time_ns, two.time_ns) == (997_000_000, 1_007_000_000)
    assert two.receiver == "desk"


def test_a_restart_is_known_by_the_hello() -> None:
    reader = ReportReader(Dropped())
    packet = Packet(1, -50, 0, IBEACON)
    list(reader.read(Hello(0, 1, "desk"), 0))
    list(reader.read(Report(1, 4_000_000, (packet,)), 10**9))
    list(reader.read(Hello(0, 2, "desk"), 2 * 10**9))
    (heard,) = reader.read(Report(1, 3_999_000, (packet,)), 3 * 10**9)
    assert heard.time_ns == 3 * 10**9
