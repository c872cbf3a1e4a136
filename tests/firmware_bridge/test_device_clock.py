from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.device_clock import LONGEST_DELIVERY_S, SPAN_S, DeviceClock

MS = 10**6
S = 10**9


def test_the_first_message_is_taken_as_delivered_at_once() -> None:
    assert DeviceClock(MS).to_host_ns(123, 50 * S) == 50 * S


def test_a_late_message_gets_its_own_time() -> None:
    clock = DeviceClock(MS)
    clock.to_host_ns(1_000, 50 * S)
    assert clock.to_host_ns(2_000, 51 * S + 400 * MS) == 51 * S


def test_the_fastest_delivery_counts() -> None:
    clock = DeviceClock(MS)
    clock.to_host_ns(1_000, 50 * S + 300 * MS)
    assert clock.to_host_ns(2_000, 51 * S) == 51 * S
    assert clock.to_host_ns(3_000, 52 * S + 200 * MS) == 52 * S


def test_a_counter_that_starts_again() -> None:
    clock = DeviceClock(MS, bits=32)
    clock.to_host_ns(2**32 - 100, 50 * S)
    assert clock.to_host_ns(900, 51 * S + 5 * MS) == 51 * S
    assert clock.resets == 0


def test_a_device_that_restarts_unsaid() -> None:
    clock = DeviceClock(MS, bits=32)
    clock.to_host_ns(1_000_000, 50 * S)
    assert clock.to_host_ns(10, 60 * S) == 60 * S
    assert clock.resets == 1
    assert clock.to_host_ns(1_010, 61 * S + 3 * MS) == 61 * S


def test_a_clock_that_jumps_ahead_is_followed() -> None:
    clock = DeviceClock(MS)
    clock.to_host_ns(1_000, 50 * S)
    assert clock.to_host_ns(500_000, 51 * S) == 51 * S
    assert clock.to_host_ns(501_000, 52 * S) == 52 * S


def test_a_crystal_that_is_slow_is_followed() -> None:
    clock = DeviceClock(MS)
    for second in range(3_600):
        arrived_ns = round(second * S * (1 + 100e-6)) + 50 * S
        late_ns = arrived_ns - clock.to_host_ns(1_000 * second, arrived_ns)
        # 100 ppm over two spans.
        assert 0 <= late_ns <= 2 * (SPAN_S + 1) * S * 100e-6


def test_reset_forgets() -> None:
    clock = DeviceClock(MS)
    clock.to_host_ns(1_000, 50 * S)
    clock.reset()
    assert clock.to_host_ns(2_000, 52 * S) == 52 * S


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 10**12))))
def test_nothing_was_read_after_its_arrival(messages: list[tuple[int, int]]) -> None:
    clock = DeviceClock(MS, bits=32)
    arrived_ns = 0
    for ticks, later_ns in messages:
        arrived_ns += later_ns
        read_ns = clock.to_host_ns(ticks, arrived_ns)
        assert arrived_ns - (LONGEST_DELIVERY_S * S) <= read_ns <= arrived_ns
